# SPDX-License-Identifier: Apache-2.0
"""Values as arguments and as results."""
from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import itertools
import operator
import pathlib
import random
import re
import threading
import types
import typing
import uuid

import peer_functions as code

from .table import Bench, add, case


class Sent:
    """Of the client's own program: travels by value."""

    def __init__(self, a):
        self.a = a

    def twice(self):
        return self.a * 2

    def __repr__(self):
        return f"Sent({self.a!r})"


class SentColour(enum.Enum):
    GREEN = 3


def recursive_dict() -> dict:
    made: dict = {"n": 1}
    made["self"] = made
    return made


def recursive_list() -> list:
    made: list = [1, 2]
    made.append(made)
    return made


SENT = {
    "none": None, "true": True, "false": False, "zero": 0, "negative": -17,
    "huge int": 1 << 20_000, "negative huge int": -(1 << 200), "float": 1.5,
    "nan": float("nan"), "infinity": float("inf"), "minus zero": -0.0, "tiny": 5e-324,
    "complex": 1 - 2j, "empty text": "", "text with nul": "a\0b", "unicode": "é\u2028\x85\U0001f3e0",
    "surrogate": "\ud800", "long text": "x" * 300_000, "bytes": b"\x00\xff\n",
    "bytearray": bytearray(b"ab"), "large bytes": bytes(1_000_000), "tuple": (1, (2, [3])),
    "set": {1, 2, 3}, "frozenset": frozenset("ab"), "dict of odd keys": {1: "a", None: "b", (1, 2): "c"},
    "nested": {"a": [{"b": (1, {"c": {2}})}]}, "recursive list": recursive_list(),
    "recursive dict": recursive_dict(), "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "datetime": datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
    "date": datetime.date(2020, 1, 2), "timedelta": datetime.timedelta(1, 2, 3),
    "uuid": uuid.UUID(int=5), "path": pathlib.PurePosixPath("/a/b"), "pattern": re.compile("a+", re.I),
    "range": range(1, 10, 2), "slice": slice(1, None, 2), "ellipsis": ..., "type": int,
    "builtin": len, "own enum": code.Colour.BLUE, "own flag": code.Rights.READ | code.Rights.WRITE,
    "own dataclass": code.Point(1, 2.0, ["a"]), "frozen dataclass": code.Frozen(3),
    "named tuple": code.Pair(1, 2), "own object": code.Plain({"k": 1}), "slotted": code.Slotted(1, 2),
    "own list": code.ListOfOwn([1]), "own text": code.TextOfOwn("t"), "reduced": code.Reduced(1),
    "stateful": code.Stateful(), "class by reference": code.Plain, "function by reference": code.doubled,
    "ordered dict": collections.OrderedDict(b=1, a=2),
    "default dict": collections.defaultdict(list, {"a": [1]}), "counter": collections.Counter("aab"),
    "deque": collections.deque([1, 2], maxlen=3), "chain map": collections.ChainMap({"a": 1}, {"b": 2}),
    "namespace": types.SimpleNamespace(a=1), "array": array.array("i", [1, 2]),
    "exception": ValueError("as a value", 2), "partial": functools.partial(int, base=2),
    "item getter": operator.itemgetter(1), "generic alias": list[int],
    "optional": typing.Optional[int], "address": ipaddress.ip_address("10.0.0.1"),
    "text io": io.StringIO("text"), "bytes io": io.BytesIO(b"bytes"),
    "not implemented": NotImplemented, "two of the same": [code.Plain(1)] * 2,
    "time zone": datetime.timezone(datetime.timedelta(hours=2)),
    "list of many": list(range(10_000)), "deep": functools.reduce(lambda a, _: [a], range(200), 1),
}
for _name, _value in SENT.items():
    add(f"echo of {_name}", lambda bench, v=_value: bench.fn(code.echo)(v, stream_logs=False))

ARRIVES = ("none", "nan", "tuple", "set", "named tuple", "own enum", "own dataclass", "own object",
           "function by reference", "class by reference", "ordered dict", "counter", "decimal",
           "two of the same", "own flag", "default dict", "recursive list", "bytearray", "stateful")
for _name in ARRIVES:
    add(f"how {_name} arrives",
        lambda bench, v=SENT[_name]: bench.fn(code.described)(v, stream_logs=False))

MADE = ("closure", "class by reference", "function by reference", "builtin", "type", "lock", "file",
        "generator in a list", "thread", "iterator", "map", "zip", "enumerate", "range", "dict items",
        "plain", "slotted", "reduced", "stateful", "colour", "rights", "point", "frozen", "pair",
        "list of own", "text of own", "int of own", "recursive list", "recursive dict",
        "recursive object", "deep", "exception object", "exception class", "traceback object",
        "bytes", "text", "false", "zero", "empty", "not implemented", "ellipsis", "partial", "logger",
        "memoryview", "coroutine function", "many objects", "set of frozen", "tuple of everything",
        "dict keys", "module", "environ")
for _name in MADE:
    add(f"result {_name}", lambda bench, k=_name: bench.fn(code.made)(k, stream_logs=False))


@case
def lambda_as_argument_is_called_there(bench: Bench):
    return bench.fn(code.apply)(lambda a, b=1: [a, b], 5, b=6)


@case
def closure_as_argument(bench: Bench):
    outer = [1, 2]
    return bench.fn(code.apply)(lambda: outer + [3])


@case
def function_of_the_program_as_argument(bench: Bench):
    return bench.fn(code.apply)(helper, 4)


def helper(x):
    return constant * x


constant = 11


@case
def method_of_sent_object(bench: Bench):
    return bench.fn(code.apply)(Sent(4).twice)


@case
def lambda_as_result_is_called_here(bench: Bench):
    return bench.fn(code.made)("lambda")(4)


@case
def closure_as_result_is_called_here(bench: Bench):
    return bench.fn(code.made)("closure")(2)


@case
def local_class_as_result(bench: Bench):
    cls = bench.fn(code.made)("local class")
    return [cls.__name__, cls.kind, cls().n]


@case
def local_instance_as_result(bench: Bench):
    made = bench.fn(code.made)("local instance")
    return [type(made).__name__, made.n, made.kind]


@case
def local_dataclass_as_result(bench: Bench):
    made = bench.fn(code.made)("local dataclass")
    return [type(made).__name__, made.sides]


@case
def class_of_the_program_both_ways(bench: Bench):
    class Here:
        def __init__(self, n):
            self.n = n

        def next(self):
            return self.n + 1
    got = bench.fn(code.echo)(Here(5))
    return [type(got).__name__, got.next()]


@case
def enum_of_the_program_both_ways(bench: Bench):
    class Local(enum.Enum):
        A = 1
    got = bench.fn(code.echo)(Local.A)
    return [type(got).__name__, got.name, got.value]


@case
def identity_within_one_value(bench: Bench):
    shared = [1]
    got = bench.fn(code.echo)([shared, shared])
    return got[0] is got[1]


@case
def identity_of_argument_and_keyword(bench: Bench):
    shared = [1]
    return bench.fn(code.apply)(lambda a, b: a is b, shared, b=shared)


@case
def infinite_iterator_is_not_walked(bench: Bench):
    got = bench.fn(code.apply)(itertools.count, 5)
    return [next(got), next(got)]


@case
def random_state_travels(bench: Bench):
    mine = random.Random(3)
    theirs = bench.fn(code.echo)(random.Random(3))
    return mine.random() == theirs.random()


for _name, _value in {"lock": threading.Lock(), "generator": (i for i in ()),
                      "thread": threading.current_thread()}.items():
    add(f"{_name} cannot be sent",
        lambda bench, v=_value: bench.failure(bench.fn(code.echo), v, stream_logs=False)["raised"])

NUMPY = ("ints", "floats", "nan", "strings", "objects", "structured", "scalar", "zero dimensions",
         "empty", "bool", "complex", "fortran", "datetime", "large", "masked")
for _name in NUMPY:
    add(f"numpy {_name} as result", lambda bench, k=_name: bench.fn(code.numpy_value)(k),
        needs=("numpy",))
    if _name not in ("strings", "objects", "structured", "datetime", "masked"):
        add(f"numpy {_name} as argument", lambda bench, k=_name: bench.fn(code.numpy_sum)(
            code.numpy_value(k)), needs=("numpy",))
    add(f"numpy {_name} both ways", lambda bench, k=_name: bench.fn(code.echo)(
        [code.numpy_value(k)]), needs=("numpy",))

PANDAS = ("frame", "series", "dates", "category", "timestamp", "multi")
for _name in PANDAS:
    add(f"pandas {_name} both ways", lambda bench, k=_name: [
        repr(bench.fn(code.pandas_value)(k)), repr(bench.fn(code.echo)(code.pandas_value(k)))],
        needs=("pandas",))
