# SPDX-License-Identifier: Apache-2.0
"""Large arguments and results pass through; the daemon's own memory stays as it was."""
from __future__ import annotations

import json
import os

import pytest

from . import pickles

MIB = 1 << 20
IS_SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no")  # what was freed stays a while
FLAT_KIB = 24 * 1024  # a copy of a 64 MiB body would be far above


@pytest.mark.parametrize("length", [255 * 1024, 256 * 1024, 257 * 1024, MIB, 3 * MIB + 7])
@pytest.mark.parametrize("serialization", ["none", "json", "pickle"])
def test_value_of_any_size_comes_back(daemon, length, serialization):
    daemon.put_function("echo")
    value = ("0123456789abcdef" * (length // 16 + 1))[:length]
    data = {"args": [value]}
    encoded = {"none": lambda v: v, "json": json.dumps, "pickle": pickles.dumps}[serialization](data)
    answer = daemon.post("/echo/call", {"run_name": "r", "data": encoded,
                                        "serialization": serialization})
    assert answer.status == 200
    body = answer.json()
    found = {"none": lambda b: b, "json": lambda b: json.loads(b["data"]),
             "pickle": lambda b: pickles.loads(b["data"])}[serialization](body)
    assert found == value


@pytest.mark.parametrize("serialization", ["none", "pickle"])
def test_64_mib_both_ways_leave_the_daemon_flat(daemon, serialization):
    daemon.put_function("echo")
    value = "x" * (64 * MIB)
    data = {"args": [value]} if serialization == "none" else pickles.dumps({"args": [value]})
    body = json.dumps({"run_name": "r", "data": data, "serialization": serialization}).encode()
    before = daemon.rss_kib()
    for _ in range(2):
        answer = daemon.post("/echo/call", body)
        assert answer.status == 200 and len(answer.body) > 64 * MIB
    found = answer.json()
    assert (found if serialization == "none" else pickles.loads(found["data"])) == value
    assert IS_SANITIZED or daemon.rss_kib() - before < FLAT_KIB


def test_large_argument_small_result(daemon):
    daemon.put_function("size_of")
    assert daemon.call("size_of", args=["x" * (16 * MIB)]).json() == 16 * MIB


def test_small_argument_large_result(daemon):
    daemon.put_function("make_text")
    assert len(daemon.call("make_text", args=[16 * MIB]).json()) == 16 * MIB


def test_large_object_is_put_and_got(daemon):
    value = list(range(300_000))
    assert daemon.post("/object", {"key": "big", "serialized_data": value}).status == 200
    assert daemon.get("/object?key=big&serialization=none").json() == value


def test_large_bare_arguments(daemon):
    daemon.put_function("size_of")
    assert daemon.post("/size_of/call", {"value": "x" * MIB}).json() == MIB


def test_escapes_in_a_large_text(daemon):
    daemon.put_function("echo")
    value = "\u00e9\"\\\n\U0001f3e0" * 100_000
    assert daemon.call("echo", args=[value]).json() == value
