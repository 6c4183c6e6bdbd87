# SPDX-License-Identifier: Apache-2.0
"""Classes whose instances travel as pickles, and functions that return what they get."""
import dataclasses
import enum
import os
from typing import Any, Dict, List, NamedTuple, Optional


@dataclasses.dataclass
class Point:
    x: Any
    y: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Bag(dict):
    """A subclass of a builtin, with state of its own."""

    label = None


def same(*args, **kwargs):
    return [list(args), kwargs] if kwargs or len(args) != 1 else args[0]


def typed(i: int = 0, f: float = 0.0, b: bool = False, s: str = "", l: List[int] = [],
          d: Dict[str, float] = {}, o: Optional[int] = None, plain=None):
    return [i, f, b, s, l, d, o, plain]


def environ(name: str):
    return os.environ.get(name)


def talk(text: str):
    print(text, end="")
