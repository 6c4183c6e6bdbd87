# SPDX-License-Identifier: Apache-2.0
"""GET arguments, cast by annotation."""

import datetime
import sys

import pytest

CASES = [
    ("int", "5", 5), ("int", " 7 ", 7), ("float", "1.5", 1.5), ("float", "3", 3.0), ("bool", "yes", True),
    ("bool", "FALSE", False), ("str", "12", "12"), ("bytes", "é", "é".encode()), ("None", "x", None), ("Any", "5", "5"),
    ("list", "[1, 2]", [1, 2]), ("List[int]", '["1", 2]', [1, 2]), ("dict", '{"a": 1}', {"a": 1}),
    ("Dict[str, float]", '{"a": 1}', {"a": 1.0}), ("Tuple[int, str]", '[1, "x"]', (1, "x")),
    ("Tuple[int, ...]", "[1, 2, 3]", (1, 2, 3)), ("Set[int]", "[1, 1]", {1}), ("Sequence[int]", "[1]", [1]),
    ("Optional[int]", "3", 3), ("Optional[int]", "null", None), ("Optional[str]", "null", "null"),
    ("Union[int, str]", "x", "x"), ("Union[int, str]", "4", 4), ("Optional[List[int]]", "[1]", [1]),
    ("datetime.date", "2026-01-02", datetime.date(2026, 1, 2)), ("Literal['a', 1]", "1", 1),
    ("Colour", "red", "Colour.RED"), ("Colour", "RED", "Colour.RED"), ("Custom", "x", "x"), ("List[List[int]]", "[[1]]", [[1]]),
    ("UserId", "9", 9),
]  # fmt: skip

BAD = [
    ("int", "x", "int_parsing"), ("float", "x", "float_parsing"), ("bool", "maybe", "bool_parsing"),
    ("list", "{}", "list_type"), ("dict", "[]", "dict_type"), ("list", "oops", "json_invalid"), ("List[int]", '["x"]', "int_parsing"),
    ("Optional[int]", "x", "int_parsing"), ("datetime.date", "x", "date_parsing"), ("Literal['a']", "b", "literal_error"),
    ("Colour", "blue", "enum"), ("Tuple[int, str]", "[1]", "tuple_type"), ("List[int]", "[1.5]", "int_type"),
]  # fmt: skip

HEAD = """
import datetime, enum
from typing import *
class Colour(enum.Enum):
    RED = "red"
class Custom: ...
UserId = NewType("UserId", int)
"""


@pytest.fixture
def fn(w, write):
    def make(annotation, future=False):
        head = "from __future__ import annotations\n" if future else ""
        write(head + HEAD + "def f(a: %s, b=None):\n    return a\n" % annotation)
        w.put_function("f")
        return w

    return make


@pytest.mark.parametrize("future", [False, True])
@pytest.mark.parametrize("annotation,text,wanted", CASES)
def test_cast(fn, annotation, text, wanted, future):
    reply = fn(annotation, future).get("f", "call", serialization="pickle", a=text)
    assert reply.output_type != "exception", reply.body
    value = reply.value if reply.output_type == "result_serialized" else None
    assert (str(value) if annotation == "Colour" else value) == wanted
    assert annotation == "Colour" or type(value) is type(wanted)


@pytest.mark.parametrize("annotation,text,kind", BAD)
def test_what_does_not_fit_is_422(fn, annotation, text, kind):
    reply = fn(annotation).get("f", "call", a=text)
    assert (reply.status, reply.outcome) == (422, 2)
    (entry,) = reply.body["detail"]
    assert (entry["type"], entry["loc"], entry["input"]) == (kind, ["query", "a"], text) and entry[
        "msg"
    ]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="X | Y needs Python 3.10")
def test_unions_with_a_bar(fn):
    assert fn("int | None").get("f", "call", a="5").value == 5


def test_unannotated_stays_text(w, write):
    write("def f(a, b): return a + b\n")
    w.put_function("f")
    assert w.get("f", "call", a="1", b="2").value == "12"


def test_kwargs_methods_classes_and_wrappers(w, write):
    write("""
        import functools
        def f(*args, **kwargs: int): return kwargs
        def deco(g):
            @functools.wraps(g)
            def inner(*a, **k): return g(*a, **k)
            return inner
        @deco
        def wrapped(n: int): return n
        class C:
            size = 3
            def m(self, n: int = 1): return n + 1
            @staticmethod
            def s(n: float): return n
        """)
    w.put_function("f")
    w.put_function("wrapped")
    w.put_class("c", "C")
    assert w.get("f", "call", x="5").value == {"x": 5}
    assert w.get("wrapped", "call", n="5").value == 5
    assert w.get("c", "m", n="5").value == 6
    assert w.get("c", "s", n="5").value == 5.0
    assert w.get("c", "size").value == 3
    assert w.get("c", "m").value == 2
