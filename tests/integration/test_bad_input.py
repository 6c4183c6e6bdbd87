# SPDX-License-Identifier: Apache-2.0
"""Hostile input: an answer in the 400s with JSON, or an exception envelope. Never a 5xx."""
from __future__ import annotations

import base64
import json
import os
import pickle

import pytest

from . import pickles
from .raw import Wire, answers_until_close, head
from .test_objects import error_of


def reasoned(answer):
    """A 4xx with JSON that says why."""
    assert 400 <= answer.status < 500, answer
    assert answer.json()["detail"]
    return answer


def call(daemon, data, serialization, **fields):
    return daemon.post("/concat/call", {"run_name": "r", "data": data,
                                        "serialization": serialization, **fields})


@pytest.fixture
def daemon(daemon):
    daemon.put_function("concat")
    yield daemon
    assert daemon.call("concat", args=["still", "alive"]).json() == "stillalive"


@pytest.mark.parametrize("data", ["!!!", "gAWV", "A", "====", "\u00e9", "", " ", "gAU="])
def test_bad_base64_is_an_exception(daemon, data):
    name, _ = error_of(call(daemon, data, "pickle"))
    assert name.split(".")[0] in ("builtins", "binascii", "_pickle", "pickle")


@pytest.mark.parametrize("data", [
    b"garbage", b"\x80\x05", b"\x80\x05.", b"\x80\xff.", b"\x80\x05cno_such_module\nf\n.",
    b"\x80\x05cos\nno_such_name\n.", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    pickle.dumps([1, 2]), pickle.dumps("text"), pickle.dumps({"args": 5}),
    pickle.dumps({"kwargs": [1]}), pickle.dumps({"args": [], "kwargs": {1: 2}})])
def test_bad_pickle_is_an_exception(daemon, data):
    text = base64.b64encode(data).decode()
    body = call(daemon, text, "pickle").json()
    assert body["output_type"] == "exception"
    error = pickles.loads(body["data"]["error"])
    assert error.name.split(".")[0] in ("builtins", "binascii", "_pickle", "pickle")


@pytest.mark.parametrize("path, body", [
    ("/resource", {"serialized_data": "zz", "serialization": "pickle"}),
    ("/resource", {"serialized_data": base64.b64encode(b"garbage").decode(),
                   "serialization": "pickle"}),
    ("/object", {"key": "k", "serialized_data": "zz", "serialization": "pickle"}),
])
def test_bad_pickle_elsewhere_is_an_exception_or_4xx(daemon, path, body):
    answer = daemon.post(path, body)
    if answer.status == 200:
        error_of(answer)
    else:
        reasoned(answer)
    assert "k" not in daemon.get("/keys").json()["data"]


@pytest.mark.parametrize("data", ["{oops", "", "[", "nope", "\u00e9"])
def test_bad_json_text_is_422_and_names_the_field(daemon, data):
    answer = reasoned(call(daemon, data, "json"))
    assert answer.status == 422 and "data" in answer.text


@pytest.mark.parametrize("data", [{"args": []}, [1], 5])
def test_json_that_should_be_text_is_422(daemon, data):
    assert reasoned(call(daemon, data, "json")).status == 422


@pytest.mark.parametrize("data", [5, None, {"a": 1}])
def test_pickle_that_should_be_text_is_no_5xx(daemon, data):
    answer = call(daemon, data, "pickle")
    if answer.status == 200:
        error_of(answer)
    else:
        reasoned(answer)


@pytest.mark.parametrize("data", [[1, 2], "text", 5, True, {"args": 5}, {"kwargs": [1]},
                                  {"args": "ab"}])
def test_call_data_of_the_wrong_shape_is_422(daemon, data):
    answer = reasoned(call(daemon, data, "none"))
    assert answer.status == 422 and "data" in answer.text


@pytest.mark.parametrize("serialization", ["random", "JSON", "", "none ", "pickle\n"])
def test_unknown_serialization_is_400(daemon, serialization):
    for data in ({"args": ["a", "b"]}, None):
        answer = reasoned(call(daemon, data, serialization))
        assert answer.status == 400
        assert answer.json()["detail"] == f"Invalid serialization type {serialization}"
    assert daemon.get("/concat/call?a=1&b=2&serialization=yaml").status == 400


@pytest.mark.parametrize("config", [
    None, 5, "x", {}, {"name": "x"}, {"resource_type": "function"},
    {"name": 5, "resource_type": "function"}, {"name": "x", "resource_type": "nonsense"},
    {"name": "x", "resource_type": "function", "fn_pointers": "abc"},
    {"name": "x", "resource_type": "module", "pointers": [1, 2, 3]},
    {"name": "x", "resource_type": "module", "pointers": []},
    {"name": "", "resource_type": "module", "pointers": ["", "json", "dumps"]},
])
def test_bad_resource_is_4xx_or_an_exception_or_a_key(daemon, config):
    answer = daemon.post("/resource", {"serialized_data": [config, None, True]})
    assert answer.status < 500 or answer.json()["detail"], answer
    for serialized in ([], [1], {}, 5, "text", [{}, 1, 2, 3]):
        answer = daemon.post("/resource", {"serialized_data": serialized})
        assert answer.status < 500 or answer.json()["detail"], answer


@pytest.mark.parametrize("run_name", ["", "../x", "a/b", "..", ".hidden", "a\n", "\x00", "x" * 5000,
                                      "\u009b1m"])
def test_run_name_is_no_path(daemon, run_name):
    answer = daemon.post("/concat/call", {"run_name": run_name, "data": {"args": ["a", "b"]}})
    assert reasoned(answer).status == 422
    answer = daemon.post("/logs", {"run_name": run_name, "key": "concat"})
    assert reasoned(answer).status == 422


@pytest.mark.parametrize("run_name", ["r", "a.b-c_d", "concat_call@20260101@000000_000001",
                                      "concat_call--20260101--000000_000001", "my key: \u00e9 [1]_upper--1"])
def test_run_names_of_all_clients_are_accepted(daemon, run_name):
    answer = daemon.post("/concat/call", {"run_name": run_name, "data": {"args": ["a", "b"]}})
    assert answer.json() == "ab"


def test_streaming_without_a_run_name_is_422(daemon):
    answer = daemon.get("/concat/call?a=1&b=2&stream_logs=true")
    assert reasoned(answer).status == 422 and "run_name" in answer.text


@pytest.mark.parametrize("method", ["__class__", "__init__", "__globals__", "call.__globals__",
                                    "a.b.c", "%00", "..", "%2e%2e", "call%2Fx", "x" * 2000])
def test_strange_methods_are_answered(daemon, method):
    answer = daemon.get(f"/concat/{method}")
    assert answer.status < 500 or answer.json(), answer


@pytest.mark.parametrize("path", ["/concat/call?%zz=1", "/concat/call?a=%", "/concat/call?a=%e9&b=x",
                                  "/concat/call?&&&=&a=1", "/concat/call?a", "/%zz/call", "/%/call",
                                  "/%ff%fe/call", "/concat/call?" + "a=1&" * 2000])
def test_strange_urls_are_answered_without_5xx(daemon, path):
    answer = daemon.get(path)
    assert answer.status < 500, answer
    answer.json()


def test_header_of_10_mb_is_431(daemon):
    data = head(daemon, "GET", "/check", "X-Long: " + "x" * 10_000_000)
    (answer,) = answers_until_close(daemon, data)
    assert answer.status == 431
    assert json.loads(answer.body)["detail"]


def test_many_headers_are_431(daemon):
    data = head(daemon, "GET", "/check", *(f"X-{i}: y" for i in range(50_000)))
    (answer,) = answers_until_close(daemon, data)
    assert answer.status == 431
    assert json.loads(answer.body)["detail"]


def test_long_uri_is_414(daemon):
    (answer,) = answers_until_close(daemon, head(daemon, "GET", "/" + "x" * 1_000_000))
    assert answer.status == 414
    assert json.loads(answer.body)["detail"]


def test_uri_of_ordinary_length_is_served(daemon):
    answer = daemon.get("/concat/call?a=x&b=" + "y" * 4000)
    assert json.loads(answer.json()["data"]) == "x" + "y" * 4000


def test_body_over_the_limit_is_413(start_daemon):
    daemon = start_daemon(args=["--body-max-bytes", "100000"])
    daemon.put_function("size_of")

    def body(length):
        text = json.dumps({"run_name": "r", "data": {"args": [""]}})
        return text.replace('""', '"' + "x" * (length - len(text)) + '"').encode()

    assert daemon.post("/size_of/call", body(100_000)).status == 200
    answer = daemon.post("/size_of/call", body(100_001))
    assert answer.status == 413 and answer.json()["detail"]


def test_announced_body_over_the_limit_is_not_read(start_daemon):
    daemon = start_daemon(args=["--body-max-bytes", "100000"])
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/settings", "Content-Length: 100001"))
        answer = wire.read_answer()
        assert answer.status == 413
        assert json.loads(answer.body)["detail"]


def test_chunked_body_over_the_limit_is_413(start_daemon):
    daemon = start_daemon(args=["--body-max-bytes", "100000"])
    chunk = b"%x\r\n" % 50_000 + b" " * 50_000 + b"\r\n"
    data = head(daemon, "POST", "/settings", "Transfer-Encoding: chunked") + chunk * 3 + b"0\r\n\r\n"
    answers = answers_until_close(daemon, data)
    assert [answer.status for answer in answers] == [413]


def test_upload_that_stops_half_way_leaves_nothing(start_daemon):
    """At the latest when the deadline for its body has passed."""
    daemon = start_daemon(args=["--body-timeout-ms", "500"])
    for _ in range(20):
        with Wire(daemon) as wire:
            wire.send(head(daemon, "POST", "/concat/call", "Content-Length: 1000000") + b"{" * 5000)
    daemon.check_descriptors()


def test_errors_do_not_tell_paths_of_the_daemon(daemon):
    for path in ("/nope", "/nokey/x", "/object?key=k&serialization=zz"):
        text = daemon.get(path).text
        assert os.path.dirname(__file__) not in text and ".c:" not in text
