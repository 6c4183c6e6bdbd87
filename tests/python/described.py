# SPDX-License-Identifier: Apache-2.0
"""What test_openapi.py has described, on every interpreter there is.

As a program, `described.py HOME`: prints the documents of all of it, taken from its copy HOME/subject.py.
"""

import dataclasses
import datetime
import decimal
import enum
import functools
import pathlib
import typing
import uuid
from typing import Any, AsyncIterator, Dict, Iterator, List, Literal, NamedTuple, Optional, Sequence, Set, Tuple, Union  # fmt: skip


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Odd(enum.Enum):
    """Its values have no JSON form."""

    ONE = object()


@dataclasses.dataclass
class Point:
    """A place."""

    x: float
    y: float = 0.0
    next: "Optional[Point]" = None


class Options(typing.TypedDict, total=False):
    size: int
    where: List[Point]


class Pair(NamedTuple):
    left: int
    right: str = "r"


UserId = typing.NewType("UserId", int)
Number = typing.TypeVar("Number", int, float)


def concat(a: str, b: str = "house") -> str:
    """Join two texts.

    In this order.
    """
    return a + b


def plain(a, b, c=3):
    return a


def numbers(i: int, f: float, b: bool, d: decimal.Decimal, n: Number, u: UserId, c: complex = 1j):
    pass


def maybe(o: Optional[int], s: str = None, u: "int | None" = None, v: "int | str | None" = 3):
    pass


def containers(
    l: list, i: List[int], s: Sequence[str], d: Dict[str, Point], t: Tuple[int, str] = (1, "a"),
    r: Tuple[int, ...] = (), e: Set[str] = frozenset(), n: Pair = Pair(1), m: dict = {}, a: tuple = ()
):  # fmt: skip
    pass


def choices(a: Literal["x", "y"] = "x", b: Literal[1, None] = 1, c: Colour = Colour.RED, d: Odd = None):
    pass


def texts(
    t: datetime.datetime, d: datetime.date, m: datetime.time, u: uuid.UUID, b: bytes = b"",
    p: pathlib.Path = pathlib.Path("/"), s: datetime.timedelta = datetime.timedelta(1)
):  # fmt: skip
    pass


def classes(p: Point, o: Options, q: Optional[Point] = None, ps: "List[Point]" = []) -> Point:
    pass


def broken(a: "Missing" = None, b: "List[" = 3, c: Optional["Missing"] = None, d: List["Point"] = [], e: 7 = 1):  # noqa: F821
    pass


def misleading(a: int = "text", b: List[int] = ["x"], c: float = float("nan"), d: Any = object()):
    pass


def anything(*args: int, key: str, **rest: bool):
    pass


def in_order(a: int, b: str = "x", /, c: int = 1):
    pass


def reserved(data: int, run_name: str = "r"):
    pass


def generator(n: int) -> Iterator[int]:
    yield n


async def coroutine(n: int) -> Dict[str, int]:
    return {}


async def async_generator() -> AsyncIterator[str]:
    yield ""


def deep(u: Union[int, List[Union[str, None]]]) -> "List[List[List[int]]]":
    return []


def _counted(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        return fn(*args, **kwargs)

    return inner


decorated = _counted(concat)
halfway = functools.partial(concat, "run")


class Thing:
    """A thing."""

    limit: int = 3

    def __init__(self, start: int = 0):
        self.value = start
        self.hook = len

    def add(self, by: int = 1) -> int:
        """Add to it."""
        return self.value

    async def later(self, by: int = 1) -> int:
        return by

    @staticmethod
    def ping() -> str:
        return "pong"

    @classmethod
    def kind(cls, colour: Colour) -> Optional[Colour]:
        return colour

    @property
    def doubled(self) -> int:
        """Twice of it."""
        return 2

    @functools.cached_property
    def slow(self) -> str:
        return ""

    @property
    def angry(self):
        raise RuntimeError("nobody may read me to describe me")

    def docs(self):
        pass

    def _private(self):
        pass

    class Inner:
        pass


ALL = (
    "concat plain numbers maybe containers choices texts classes broken misleading anything in_order "
    "reserved generator coroutine async_generator deep decorated halfway Thing"
).split()


def main(home: str) -> None:
    import json
    import sys

    import workerkit

    from gatehouse import openapi, serve

    workerkit.Process.home = home
    made = {}
    for name in ALL:
        entry = serve.load(name, "subject.py", name)
        made[name] = openapi.document(name, entry)
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
