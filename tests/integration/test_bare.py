# SPDX-License-Identifier: Apache-2.0
"""Bare mode: the plain JSON value, for callers without any SDK."""
from __future__ import annotations

import pytest

BARE = {"Accept": "application/json; profile=bare"}


@pytest.fixture
def functions(daemon):
    for name in ("concat", "add", "typed", "echo", "boom", "double", "countdown", "async_countdown"):
        daemon.put_function(name)
    return daemon


def test_get_asks_by_query(functions):
    answer = functions.get("/concat/call?a=run&b=house&_bare=1")
    assert (answer.status, answer.body) == (200, b'"runhouse"')
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("accept", ["application/json; profile=bare", "application/json;profile=bare",
                                    'application/json; profile="bare"',
                                    "text/html, application/json; profile=bare"])
def test_get_asks_by_accept(functions, accept):
    assert functions.get("/concat/call?a=run&b=house", {"Accept": accept}).body == b'"runhouse"'


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json; profile=other"])
def test_other_accept_keeps_the_envelope(functions, accept):
    body = functions.get("/concat/call?a=run&b=house", {"Accept": accept}).json()
    assert body["output_type"] == "result_serialized"


def test_bare_argument_is_no_argument_of_the_function(functions):
    assert functions.get("/echo/call?_bare=1").body == b"null"


def test_arguments_are_cast(functions):
    assert functions.get("/add/call?a=40&_bare=1").body == b"42"


def test_posted_object_without_sdk_fields_is_the_arguments(functions):
    answer = functions.post("/add/call", {"a": 1, "b": 41})
    assert (answer.status, answer.json()) == (200, 42)


def test_posted_empty_object_is_no_arguments(functions):
    assert functions.post("/echo/call", {}, BARE).json() is None


def test_post_without_a_body_is_a_call_without_arguments(functions):
    answer = functions.request("POST", "/echo/call")
    assert (answer.status, answer.body) == (200, b"null")


@pytest.mark.parametrize("value", [None, 1, "x", [1, {"a": None}], {"data": 1}, {"run_name": "r"}])
def test_values_inside_the_arguments_are_left_alone(functions, value):
    assert functions.post("/echo/call", {"value": value}).json() == value


def test_posted_object_with_sdk_fields_is_an_sdk_call(functions):
    body = functions.post("/add/call", {"run_name": "r", "data": {"args": [1]},
                                        "serialization": "none"})
    assert body.json() == 3


def test_method_and_attribute_of_an_instance(functions):
    functions.put_class("counter", "Counter", state={"value": 1, "history": []})
    assert functions.post("/counter/inc", {"by": 2}).json() == 3
    assert functions.get("/counter/value?_bare=1").body == b"3"


def test_exception_is_a_detail(functions):
    answer = functions.get("/boom/call?msg=zz&_bare=1")
    assert answer.status == 500
    assert answer.json()["detail"] == "ValueError: zz"


def test_missing_argument_is_named(functions):
    answer = functions.post("/concat/call", {"a": "x"})
    assert answer.status == 422
    assert [(e["type"], e["loc"]) for e in answer.json()["detail"]] == [("missing", ["body", "b"])]


def test_unexpected_argument_is_named(functions):
    answer = functions.post("/concat/call", {"a": "x", "b": "y", "c": "z"})
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "c"]


def test_unknown_key_and_method_are_404(functions):
    for path in ("/nokey/call?_bare=1", "/concat/nomethod?_bare=1"):
        answer = functions.get(path)
        assert answer.status == 404 and isinstance(answer.json()["detail"], str)


def test_coroutine_is_awaited(functions):
    assert functions.get("/double/call?x=21&_bare=1").body == b"42"


@pytest.mark.parametrize("function", ["countdown", "async_countdown"])
def test_generator_is_a_list(functions, function):
    assert functions.get(f"/{function}/call?n=3&_bare=1").json() == [3, 2, 1]


def test_text_is_json_too(functions):
    value = "\u00e9\u2028\"\\\n"
    assert functions.post("/echo/call", {"value": value}).json() == value
