# SPDX-License-Identifier: Apache-2.0
"""Calls of functions: payloads, results, and requests that are wrong."""

import decimal
import json
import threading
import uuid

import pytest
from workerkit import BARE, JSON, QUERY, REMOTE, encode

MODES = ("none", "json", "pickle")


@pytest.fixture
def demo(w, write):
    write("""
        import dataclasses, datetime, decimal, enum, pathlib, sys, uuid

        def echo(value=None):
            return value
        def concat(a: str, b: str):
            return a + b
        def boom(msg="bad"):
            raise ValueError(msg)
        def strict(a, b, *, c=1):
            return [a, b, c]
        def inner_type_error(a):
            return len(5)
        def leave():
            sys.exit(3)
        def interrupt():
            raise KeyboardInterrupt()
        def stop():
            raise StopIteration(4)
        def deep(n=10**6):
            return deep(n - 1)
        class Colour(enum.Enum):
            RED = "red"
        @dataclasses.dataclass
        class Point:
            x: int
            y: int = 2
        class Thing:
            def __init__(self):
                self.a, self._hidden = 1, 2
        class Slots:
            __slots__ = ("q",)
        def value(name):
            slots = Slots(); slots.q = 1
            return {
                "set": {1}, "nested": [{"s": {"x"}}], "bytes": b"h\\xc3\\xa9", "raw": b"\\xff", "enum": Colour.RED,
                "date": datetime.date(2026, 1, 2), "datetime": datetime.datetime(2026, 1, 2, 3, 4),
                "delta": datetime.timedelta(seconds=90), "decimal": decimal.Decimal("1.50"), "nan": float("nan"),
                "uuid": uuid.UUID(int=1), "path": pathlib.Path("/a/b"), "point": Point(1), "thing": Thing(),
                "slots": slots, "complex": 1j, "class": Thing, "function": echo, "keys": {(1, 2): 1, None: 2, 3: 4},
                "lock": __import__("threading").Lock(), "lambda": lambda: 1, "error": ValueError("x"),
                "big": 10**40, "text": "h\\u00e9 \\ud800", "tuple": (1, (2,)), "range": range(3),
            }[name]
        class Custom(Exception):
            def __init__(self, code, text):
                super().__init__(text)
                self.code = code
        def custom():
            raise Custom(3, "unloadable")
        class Holding(Exception):
            def __init__(self, text):
                super().__init__(text)
                self.lock = __import__("threading").Lock()
        def holding():
            raise Holding("has a lock")
        def chained():
            try:
                boom("first")
            except ValueError as error:
                raise RuntimeError("second") from error
        """)
    for (
        name
    ) in "echo concat boom strict inner_type_error leave interrupt stop deep value custom holding chained".split():
        assert w.put_function(name).status == 200
    return w


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "value", [0, -1, 1.5, True, "", 'é"\\\n', [], [1, [2]], {"a": {"b": None}}, 10**30]
)
def test_values_come_back(demo, mode, value):
    assert demo.call_as(mode, "echo", "call", [value]).value == value


@pytest.mark.parametrize(
    "mode,body",
    [("none", b"null"), ("json", b'{"data":null,"output_type":"success","serialization":null}')],
)
def test_none_result(demo, mode, body):
    assert demo.call_as(mode, "echo", "call").raw == body


def test_envelope_is_compact_and_keeps_non_ascii(demo):
    assert demo.call_as("none", "echo", "call", ["é"]).raw == '"é"'.encode()
    wanted = '{"data":"\\"\\\\u00e9\\"","output_type":"result_serialized","serialization":"json"}'
    assert demo.call_as("json", "echo", "call", ["é"]).raw == wanted.encode()


def test_data_null_missing_and_empty(demo):
    for data in (None, b"null", b"{}", b' {"args": null, "kwargs": null} '):
        assert demo.raw("call", "none", key="echo", method="call", data=data).raw == b"null"
    assert (
        demo.raw("call", "json", key="echo", method="call", data=b'"null"').body["output_type"]
        == "success"
    )


def test_data_of_the_oldest_clients_is_a_list(demo):
    for mode in ("none", "json", "pickle"):
        data = encode([["run"], {"b": "house"}], MODES.index(mode))
        assert demo.raw("call", mode, key="concat", method="call", data=data).value == "runhouse"
    for wrong in ([1, 2], [[], []], [[], {}, 1], [{}, []]):
        reply = demo.raw("call", "none", key="concat", method="call", data=encode(wrong, MODES.index("none")))
        assert reply.status == 422


def test_dunder_call_and_kwargs(demo):
    assert demo.call("concat", "__call__", "run", b="house").value == "runhouse"
    assert demo.call("concat", "call", a="run", b="house").value == "runhouse"


def test_lone_surrogates_stay_valid_json(demo):
    assert demo.call_as("none", "value", "call", ["text"]).value == "h\u00e9 \ud800"
    assert demo.call_as("json", "value", "call", ["text"]).value == "h\u00e9 \ud800"


@pytest.mark.parametrize("mode", ("none", "json"))
@pytest.mark.parametrize(
    "name,wanted",
    [
        ("set", [1]), ("nested", [{"s": ["x"]}]), ("bytes", "hé"), ("enum", "red"), ("date", "2026-01-02"),
        ("datetime", "2026-01-02T03:04:00"), ("delta", 90.0), ("decimal", 1.5), ("path", "/a/b"),
        ("uuid", str(uuid.UUID(int=1))), ("point", {"x": 1, "y": 2}), ("thing", {"a": 1}), ("slots", {"q": 1}),
        ("keys", {"(1, 2)": 1, "null": 2, "3": 4}), ("error", "ValueError: x"), ("big", 10**40),
        ("tuple", [1, [2]]), ("range", [0, 1, 2]),
    ],
)  # fmt: skip
def test_conversions_to_json(demo, mode, name, wanted):
    assert demo.call_as(mode, "value", "call", [name]).value == wanted


@pytest.mark.parametrize("mode", ("none", "json"))
@pytest.mark.parametrize(
    "name,kind",
    [
        ("raw", "bytes"),
        ("complex", "complex"),
        ("class", "type"),
        ("function", "function"),
        ("lock", "lock"),
        ("lambda", "function"),
    ],
)
def test_no_json_form_names_the_type(demo, mode, name, kind):
    reply = demo.call_as(mode, "value", "call", [name])
    assert reply.status == 500 and kind in reply.body["detail"]


def test_nan(demo):
    assert demo.call_as("none", "value", "call", ["nan"]).status == 500
    assert demo.call_as("json", "value", "call", ["nan"]).body["data"] == "NaN"
    assert demo.call_as("json", "value", "call", ["nan"], flags=REMOTE).body["data"] is None


@pytest.mark.parametrize(
    "name",
    ["set", "bytes", "enum", "date", "decimal", "point", "complex", "class", "function", "keys"],
)
def test_pickle_gives_the_object_itself(demo, name):
    import sys

    reply = demo.call("value", "call", name)
    assert reply.value == sys.modules["demo"].value(name)


def test_user_classes_travel_by_reference(demo):
    raw = demo.call("value", "call", "thing")
    import base64

    assert b"demo" in base64.b64decode(raw.body["data"]) and type(raw.value).__module__ == "demo"


def test_unpicklable_result_is_pickles_own_error(demo):
    reply = demo.call("value", "call", "lock")
    assert (reply.status, reply.output_type) == (200, "exception")
    assert isinstance(reply.value, TypeError) and "pickle" in str(reply.value)


def test_remote_with_a_plain_result_is_a_bare_config(demo):
    reply = demo.call_as("pickle", "echo", "call", [3], flags=REMOTE)
    assert reply.raw == b'{"data":3,"output_type":"config","serialization":null}'


def test_large_results(demo):
    assert demo.call("echo", "call", "x" * 3_000_000).value == "x" * 3_000_000


def test_large_data_comes_as_a_buffer(demo):
    data = memoryview(encode({"args": ["y" * 500_000]}, JSON))
    assert len(demo.raw("call", "json", key="echo", method="call", data=data).value) == 500_000


# ---------------------------------------------------------------- errors


def test_exception_envelope(demo):
    reply = demo.call("boom", "call", "kaput")
    assert (reply.status, reply.outcome) == (200, 1)
    assert list(reply.body) == ["data", "output_type", "serialization"]
    assert list(reply.body["data"]) == ["error", "traceback", "exception_as_str"]
    assert isinstance(reply.value, ValueError) and reply.value.args == ("kaput",)
    trace = reply.body["data"]["traceback"]
    assert (
        trace.startswith("Traceback") and "demo.py" in trace and "gatehouse/calls.py" not in trace
    )


def test_exception_under_json_and_none(demo):
    reply = demo.call_as("json", "boom", "call", ["zz"])
    assert reply.status == 500 and reply.body["serialization"] == "json"
    assert (
        reply.body["data"]["error"] == "ValueError: zz"
        and reply.body["data"]["exception_as_str"] == "zz"
    )
    reply = demo.call_as("none", "boom", "call", ["zz"])
    assert (reply.status, reply.body) == (500, {"detail": "ValueError: zz"})


@pytest.mark.parametrize(
    "name,kind",
    [
        ("leave", SystemExit),
        ("interrupt", KeyboardInterrupt),
        ("stop", StopIteration),
        ("deep", RecursionError),
    ],
)
def test_every_exception_is_an_answer(demo, name, kind):
    reply = demo.call(name, "call")
    assert reply.output_type == "exception" and isinstance(reply.value, kind)
    assert demo.call_as("none", name, "call").status == 500
    assert demo.call_as("json", name, "call").body["output_type"] == "exception"


def test_exceptions_that_cannot_be_pickled_become_runtime_errors(demo):
    reply = demo.call("holding", "call")
    assert isinstance(reply.value, RuntimeError) and str(reply.value) == "demo.Holding: has a lock"
    assert "demo.py" in reply.body["data"]["traceback"]


def test_exceptions_that_do_not_load_fail_at_the_client(demo):
    reply = demo.call("custom", "call")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'text'"):
        reply.value
    assert reply.body["data"]["exception_as_str"] == "unloadable"
    assert "demo.py" in reply.body["data"]["traceback"]


def test_chains_show_in_the_traceback(demo):
    trace = demo.call("chained", "call").body["data"]["traceback"]
    assert (
        "ValueError: first" in trace and "direct cause" in trace and "RuntimeError: second" in trace
    )


def test_unknown_key_and_method(demo):
    reply = demo.call("nokey", "x")
    assert type(reply.value).__name__ == "ObjStoreError"
    assert str(reply.value) == "Key nokey not found in any process, cannot call method x on it."
    reply = demo.call("concat", "nomethod")
    assert isinstance(reply.value, ValueError) and str(reply.value).startswith(
        "Method nomethod not found on module"
    )
    for mode in ("json", "none"):
        assert demo.call_as(mode, "nokey", "x").status == 404
        assert demo.call_as(mode, "concat", "nomethod").body == {
            "detail": "Method nomethod not found on module concat."
        }


def test_bad_data(demo):
    reply = demo.raw("call", "pickle", key="echo", method="call", data=b'"!!!"')
    assert (reply.status, reply.output_type) == (200, "exception")
    reply = demo.raw("call", "pickle", key="echo", method="call", data=b'"Z2FyYmFnZQ=="')
    assert reply.output_type == "exception"
    reply = demo.raw("call", "json", key="echo", method="call", data=b'"{oops"')
    assert reply.status == 422 and reply.body["detail"][0]["loc"] == ["body", "data"]
    assert (
        demo.raw("call", "json", key="echo", method="call", data=b'{"args": []}').body["detail"][0][
            "type"
        ]
        == "string_type"
    )


@pytest.mark.parametrize("value", [[1, 2], "x", 5, {"args": 5}, {"kwargs": [1]}, {"args": "abc"}])
def test_data_of_another_shape(demo, value):
    for mode in ("none", "json"):
        data = json.dumps(value if mode == "none" else json.dumps(value)).encode()
        reply = demo.raw("call", mode, key="echo", method="call", data=data)
        assert (reply.status, reply.outcome) == (422, 2)
    reply = demo.raw("call", "pickle", key="echo", method="call", data=encode(value, 2))
    assert isinstance(reply.value, ValueError)


def test_a_missing_package_is_told_with_its_env(demo, monkeypatch):
    import base64
    import sys

    raw = b"\x80\x05cno_such_package.sub\nThing\n."
    data = json.dumps(base64.b64encode(raw).decode()).encode()
    reply = demo.raw("call", "pickle", key="echo", method="call", data=data)
    text = str(reply.value)
    assert isinstance(reply.value, ModuleNotFoundError) and "no_such_package" in text
    assert sys.prefix in text and "pip install no_such_package" in text


def test_ray_cloudpickle_is_read_without_ray(demo):
    import base64

    pytest.importorskip("cloudpickle")
    raw = b"\x80\x05}(X\x04\x00\x00\x00args(cray.cloudpickle.cloudpickle\nsubimport\nX\x04\x00\x00\x00json\x85RtX\x06\x00\x00\x00kwargs}u."
    data = json.dumps(base64.b64encode(raw).decode()).encode()
    reply = demo.raw("call", "none", key="echo", method="call", data=b"null")
    reply = demo.raw("call", "pickle", key="echo", method="call", data=data)
    # The result is the module json itself, which only cloudpickle can send back.
    assert reply.output_type == "result_serialized" and reply.value is json


def test_lambdas_travel_by_cloudpickle(demo):
    pytest.importorskip("cloudpickle")
    assert demo.call("value", "call", "lambda").value() == 1


# ---------------------------------------------------------------- query and bare


def test_bare_answers_the_plain_value(demo):
    reply = demo.raw("call", "json", BARE, "concat", "call", "r", b'{"a": "run", "b": "house"}')
    assert reply.raw == b'"runhouse"'
    assert demo.raw("call", "none", BARE, "boom", "call", "r", None).body == {
        "detail": "ValueError: bad"
    }
    assert demo.raw("call", "none", BARE, "concat", "call", "r", b"[1]").status == 422


def test_misfit_arguments_are_422_but_under_pickle(demo):
    reply = demo.raw("call", "none", BARE, "strict", "call", "r", b'{"a": 1, "z": 2}')
    assert reply.status == 422
    assert [(e["type"], e["loc"]) for e in reply.body["detail"]] == [
        ("missing", ["body", "b"]),
        ("extra_forbidden", ["body", "z"]),
    ]
    reply = demo.raw("call", "json", QUERY, "strict", "call", "r", b'{"a": "1"}')
    assert reply.body["detail"][0]["loc"] == ["query", "b"]
    reply = demo.call_as("json", "strict", "call", [1])
    assert (reply.status, reply.body["detail"][0]["loc"]) == (422, ["body", "data", "b"])
    assert isinstance(demo.call("strict", "call").value, TypeError)


def test_a_type_error_of_the_user_is_not_the_callers_fault(demo):
    reply = demo.raw("call", "none", BARE, "inner_type_error", "call", "r", b'{"a": 1}')
    assert reply.status == 500 and "len()" in reply.body["detail"]


def test_calls_run_side_by_side(demo, write):
    write(
        "import threading\nbarrier = threading.Barrier(4, timeout=5)\ndef meet():\n    barrier.wait()\n    return 1\n",
        "meet.py",
    )
    demo.put_function("meet", module="meet")
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(demo.call("meet", "call").value))
        for _ in range(4)
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert results == [1, 1, 1, 1]


_ = decimal
