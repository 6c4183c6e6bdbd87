# SPDX-License-Identifier: Apache-2.0
"""Larger answers of JSON and text are compressed for whoever takes that, and are the same when unpacked."""
from __future__ import annotations

import gzip
import json
import subprocess
import zlib

import pytest

from .gatehoused import USER_CODE
from .pickles import dumps
from .raw import Wire, head

DAEMON_OPTIONS = {"modules": [f"{name}={USER_CODE}/things.py:{name}" for name in ("make_text", "echo")]
                  + [f"app={USER_CODE}/asgi_answers.py:app"], "args": ["--compress-min-bytes", "1000"]}
TEXT_PATH = "/make_text/call?_bare=1&length={}"


def unpack(answer) -> bytes:
    coding = answer.headers.get("content-encoding")
    if coding == "gzip":
        return gzip.decompress(answer.body)
    if coding == "deflate":
        return zlib.decompress(answer.body)
    return answer.body


def ask(daemon, path, accepted, **headers):
    return daemon.get(path, {"Accept-Encoding": accepted, **headers} if accepted else headers)


@pytest.mark.parametrize("accepted, coding", [
    ("gzip", "gzip"), ("deflate", "deflate"), ("gzip, deflate", "gzip"), ("gzip;q=0.1, deflate;q=0.9", "deflate"),
    ("*", "zstd"), ("zstd, gzip", "zstd"), ("br", None), (None, None), ("identity", None), ("gzip;q=0", None)])
def test_coding_by_what_the_client_takes(daemon, accepted, coding):
    answer = ask(daemon, TEXT_PATH.format(5000), accepted)
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (len(answer.body) < 500) == (coding is not None)
    if coding != "zstd":
        assert json.loads(unpack(answer)) == "x" * 5000


def test_curl_unpacks_each_of_them(daemon):
    for accepted in ("gzip", "deflate", "zstd"):
        done = subprocess.run(["curl", "-sS", "--compressed", "-H", f"Accept-Encoding: {accepted}",
                               daemon.url + TEXT_PATH.format(5000)], capture_output=True, check=True)
        assert json.loads(done.stdout) == "x" * 5000, accepted


@pytest.mark.parametrize("length", [2_000, 200_000, 300_000, 5_000_000])
def test_any_size_comes_back_whole(daemon, length):
    """From 256 KiB on it comes from the worker in a memory file."""
    answer = ask(daemon, TEXT_PATH.format(length), "gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(unpack(answer)) == "x" * length


def test_the_limit_is_exact(daemon):
    for length, coding in ((997, None), (998, "gzip")):  # and two quotes
        answer = ask(daemon, TEXT_PATH.format(length), "gzip")
        assert answer.headers.get("content-encoding") == coding
        assert ("vary" in answer.headers) == (coding is not None)


def test_connection_lives_on(daemon):
    with Wire(daemon) as wire:
        for length in (5000, 500_000, 5000):
            wire.send(head(daemon, "GET", TEXT_PATH.format(length), "Accept-Encoding: gzip"))
            answer = wire.read_answer()
            assert json.loads(gzip.decompress(answer.body)) == "x" * length
            assert answer.headers["transfer-encoding"] == "chunked"


def test_client_that_leaves_in_the_middle(daemon):
    for _ in range(3):
        with Wire(daemon) as wire:
            wire.send(head(daemon, "GET", TEXT_PATH.format(50_000_000), "Accept-Encoding: zstd"))
            wire.read_head()
    assert json.loads(unpack(ask(daemon, TEXT_PATH.format(2000), "gzip"))) == "x" * 2000


def test_http_1_0_gets_it_plain(daemon):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", TEXT_PATH.format(5000), "Accept-Encoding: gzip", version="HTTP/1.0"))
        answer = wire.read_answer()
    assert "content-encoding" not in answer.headers and len(answer.body) == 5002


def test_head_says_what_get_would(daemon):
    answer = daemon.request("HEAD", TEXT_PATH.format(5000), None, {"Accept-Encoding": "gzip"})
    assert (answer.headers["content-encoding"], answer.body) == ("gzip", b"")
    assert "content-length" not in answer.headers


def test_errors_are_compressed_as_well(daemon):
    answer = daemon.request("POST", "/echo/call", '{"value": "%s"' % ("x" * 5000), {"Accept-Encoding": "gzip"})
    assert answer.status == 422
    assert json.loads(unpack(answer))["detail"]


def test_a_tag_is_weakened_and_still_known(daemon):
    path = "/_gatehouse/assets/openapi.json"
    plain, packed = ask(daemon, path, None), ask(daemon, path, "gzip")
    assert packed.headers["etag"] == "W/" + plain.headers["etag"]
    assert unpack(packed) == plain.body
    for tag in (plain.headers["etag"], packed.headers["etag"]):
        answer = ask(daemon, path, "gzip", **{"If-None-Match": tag})
        assert (answer.status, answer.headers["vary"]) == (304, "Accept-Encoding")


def test_pickles_stay_as_they_are(daemon):
    body = {"run_name": "r", "serialization": "pickle", "data": dumps({"args": ["x" * 5000], "kwargs": {}})}
    answer = daemon.post("/echo/call", body, {"Accept-Encoding": "gzip"})
    assert answer.status == 200 and "content-encoding" not in answer.headers
    assert answer.json()["serialization"] == "pickle"


def test_apps_are_left_alone(daemon):
    for header in ("content-type:text/html", "content-encoding:br"):
        answer = ask(daemon, f"/app/200?length=5000&header={header}", "gzip, br")
        assert answer.body == b"b" * 5000
        assert answer.headers.get("content-encoding") == (None if "type" in header else "br")


def test_logs_are_not_held_back(daemon):
    answer = daemon.post("/logs", {"run_name": "never"}, {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


def test_the_control_socket_has_no_use_for_it(daemon):
    done = subprocess.run(["curl", "-sS", "-i", "--unix-socket",
                           str(daemon.folder / "state" / f"control-{daemon.port}.sock"), "-H", "Accept-Encoding: gzip",
                           "http://node/openapi.json"], capture_output=True, check=True)
    assert b"\r\nContent-Encoding" not in done.stdout


def test_switched_off(start_daemon):
    daemon = start_daemon(args=["--compress-min-bytes", "0"])
    answer = ask(daemon, "/openapi.json", "gzip")
    assert "content-encoding" not in answer.headers and "vary" not in answer.headers


def test_more_readers_than_packers(daemon):
    """Who comes while 64 answers are being compressed gets his plain."""
    slow = [Wire(daemon) for _ in range(80)]
    codings = []
    for wire in slow:
        wire.send(head(daemon, "GET", "/_gatehouse/assets/redoc.standalone.js", "Accept-Encoding: gzip"))
    for wire in slow:
        codings.append(wire.read_head().headers.get("content-encoding"))
    for wire in slow:
        wire.socket.close()
    assert set(codings) <= {None, "gzip"} and "gzip" in codings
