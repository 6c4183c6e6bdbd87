# SPDX-License-Identifier: Apache-2.0
"""Clients that are too old to be served are told so, in words.

ancient-sdk.jsonl: requests as the HTTPClient of the release makes them, to 127.0.0.1; /call/ and /spans,
which it never asks, as its server has them.
"""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from integration.gatehoused import USER_CODE

REQUESTS = [json.loads(line) for line in
            (Path(__file__).parent / "ancient-sdk.jsonl").read_text("utf-8").splitlines()]
SERVED = {("GET", "/check"), ("GET", "/keys"), ("GET", "/keys/")}
DAEMON_OPTIONS = {"modules": [f"f={USER_CODE}/things.py:concat"]}


def name(request):
    return "{sdk} {method} {path}".format(**request)


@pytest.mark.parametrize("request_", REQUESTS, ids=name)
def test_request(daemon, request_):
    headers = {"Content-Type": "application/json"} if request_["body"] else {}
    answer = daemon.request(request_["method"], request_["path"], request_["body"] or None, headers)
    if (request_["method"], request_["path"]) in SERVED:
        assert answer.status == 200
        return
    assert answer.status in (404, 405, 422)
    assert ("allow" in answer.headers) == (answer.status == 405)
    detail = answer.json()["detail"]
    assert "clients of runhouse before 0.0.33" in detail and "serves 0.0.33 to 0.0.42" in detail
    assert "pip install runhouse==0.0.42" in detail


def test_nothing_came_of_it(daemon):
    for item in REQUESTS:
        daemon.request(item["method"], item["path"], item["body"] or None)
    assert daemon.get("/keys").json()["data"] == ["f"]


@pytest.mark.parametrize("method, path, status", [
    ("PUT", "/check", 405), ("POST", "/spans", 404), ("GET", "/cancel", 404),
    ("PUT", "/keys", 405), ("POST", "/call/a/b/c", 404)])
def test_others_are_told_what_they_were(daemon, method, path, status):
    answer = daemon.request(method, path)
    assert answer.status == status and "runhouse" not in answer.text


def test_arguments_with_some_of_those_names_are_arguments(daemon):
    body = {"data": {"args": ["a", "b"]}, "key": "k", "env": "e", "save": False}
    assert daemon.post("/f/call", body).json() == "ab"
    assert daemon.post("/f/call", {**body, "stream_logs": True, "run_name": "r"}).json() == "ab"


@pytest.mark.parametrize("path", ["/object", "/resource"])
def test_bodies_that_miss_what_is_put_are_422(daemon, path):
    answer = daemon.post(path, {"key": "k", "data": "x"})
    assert answer.status == 422 and "serialized_data" in answer.text
    assert daemon.post(path, None).status == 422
