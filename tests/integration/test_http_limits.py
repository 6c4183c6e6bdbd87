# SPDX-License-Identifier: Apache-2.0
"""Each limit of the front is exact: at it a request is served, one beyond it is told which limit it was."""
from __future__ import annotations

import json
import os
import socket

import pytest

from .gatehoused import wait_until
from .raw import CLOSE_S, Wire
from .strictly import HOST, Strict, chunked, get, lines, read_strictly, sized

LIMITS = {"target_max_bytes": 1000, "header_max_bytes": 2000, "header_count_max": 20, "body_max_bytes": 5000}
SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no")  # what was freed stays there a while
DAEMON_OPTIONS = {"args": [text for name, value in LIMITS.items()
                           for text in ("--" + name.replace("_", "-"), str(value))]}


def target_of(length: int) -> bytes:
    return get("/check?" + "a" * (length - len("/check?")))


def headers_of(length: int) -> bytes:
    """LENGTH bytes of names and values, in three headers."""
    used = len(HOST) - len(": ") + len("X") + len("Y")
    return get("/check", "X: " + "x" * ((length - used) // 2), "Y: " + "y" * (length - used - (length - used) // 2))


def count_of(count: int) -> bytes:
    return get("/check", *[f"X-{i}: y" for i in range(count - 1)])


def body_of(length: int) -> bytes:
    return sized(b"{" + b" " * (length - 2) + b"}", target="/settings")


def chunks_of(length: int) -> bytes:
    body = b"{" + b" " * (length - 2) + b"}"
    half = len(body) // 2
    return chunked(b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
                   + b"0\r\n\r\n", target="/settings")


@pytest.mark.parametrize("make, name, status", [
    (target_of, "target_max_bytes", 414), (headers_of, "header_max_bytes", 431),
    (count_of, "header_count_max", 431), (body_of, "body_max_bytes", 413), (chunks_of, "body_max_bytes", 413),
], ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_limit_is_exact(daemon, make, name, status):
    with Wire(daemon) as wire:
        wire.send(make(LIMITS[name] - 1) + make(LIMITS[name]))
        assert [read_strictly(wire, "GET").status for _ in range(2)] == [200, 200]
        wire.send(make(LIMITS[name] + 1))
        answer = read_strictly(wire, "GET")
        assert answer.status == status
        assert name in json.loads(answer.body)["detail"]
        assert wire.ends_within(CLOSE_S)


@pytest.mark.parametrize("data, status", [
    (get("/check?" + "&".join("ab" * 12_000)), 414), (get("/check", "X: " + "y" * 100_000), 431),
    (get("/check", *[f"X{i}:" for i in range(9000)]), 431), (get("/" + "a" * 1_000_000), 414),
    (get("/check", "X: " + "y" * 20_000, "Y: " + "y" * 20_000), 431),
], ids=["pairs", "header", "headers", "path", "two headers"])
def test_what_fits_no_buffer_is_told_so_too(daemon, data, status):
    with Wire(daemon) as wire:
        try:
            wire.send(data)
        except ConnectionError:
            pass
        assert read_strictly(wire, "GET").status == status
        assert wire.ends_within(CLOSE_S)


def test_refused_requests_leave_no_memory_behind(daemon):
    def refuse(times: int) -> None:
        for _ in range(times):
            for data in (target_of(20_000), headers_of(20_000), body_of(6000), chunks_of(6000)):
                with Wire(daemon) as wire:
                    wire.send(data)
                    assert read_strictly(wire, "GET").status in (413, 414, 431)
    refuse(40)
    before = daemon.rss_kib()
    refuse(120)
    assert SANITIZED or daemon.rss_kib() < before + 2000


# -- connections ----------------------------------------------------------------------------------

def connect_from(daemon, address: str) -> Wire:
    wire = Wire.__new__(Wire)
    wire.socket = socket.create_connection((daemon.host, daemon.port), 60, (address, 0))
    wire.buffer = b""
    return wire


def ask(wire: Wire) -> Strict:
    wire.send(get())
    return read_strictly(wire, "GET")


def test_connections_of_one_address_are_counted(start_daemon):
    daemon = start_daemon(inspect=False, args=["--connections-per-address-max", "3"])
    held = [connect_from(daemon, "127.0.0.2") for _ in range(3)]
    assert [ask(wire).status for wire in held] == [200] * 3
    with connect_from(daemon, "127.0.0.2") as surplus:
        answer = ask(surplus)
        assert (answer.status, answer.one("retry-after")) == (429, "1")
        assert "connections_per_address_max" in json.loads(answer.body)["detail"]
        assert surplus.ends_within(CLOSE_S)
    assert [ask(wire).status for wire in held] == [200] * 3
    with connect_from(daemon, "127.0.0.3") as other:
        assert ask(other).status == 200
    held.pop().socket.close()

    def is_welcome() -> bool:
        with connect_from(daemon, "127.0.0.2") as wire:
            return ask(wire).status == 200
    wait_until("room for one more", is_welcome)
    for wire in held:
        wire.socket.close()


def test_a_trusted_proxy_brings_as_many_as_it_likes(start_daemon):
    daemon = start_daemon(inspect=False, args=["--connections-per-address-max", "1",
                                               "--trusted-proxies", "127.0.0.2"])
    held = [connect_from(daemon, "127.0.0.2") for _ in range(5)]
    assert [ask(wire).status for wire in held] == [200] * 5
    for wire in held:
        wire.socket.close()


def test_connections_in_all_are_counted(start_daemon):
    daemon = start_daemon(inspect=False, args=["--connections-max", "4"])
    held = [connect_from(daemon, f"127.0.0.{i}") for i in range(2, 6)]
    assert [ask(wire).status for wire in held] == [200] * 4
    with connect_from(daemon, "127.0.0.9") as surplus:
        answer = ask(surplus)
        assert (answer.status, answer.one("retry-after")) == (503, "1")
        assert "connections_max" in json.loads(answer.body)["detail"]
        assert surplus.ends_within(CLOSE_S)
    for wire in held:
        wire.socket.close()


def test_more_than_can_be_told_are_closed_at_once(start_daemon):
    """Surplus connections that ask nothing: 64 may wait for their answer, the others end without one."""
    daemon = start_daemon(inspect=False, args=["--connections-max", "1"])
    with Wire(daemon) as first:
        assert ask(first).status == 200
        surplus = [Wire(daemon) for _ in range(80)]

        def ended() -> int:
            count = 0
            for wire in surplus:
                wire.socket.settimeout(0.001)
                try:
                    count += not wire.receive()
                except TimeoutError:
                    pass
            return count
        wait_until("sixteen to be closed", lambda: ended() >= 16)
        assert ask(first).status == 200
        for wire in surplus:
            wire.socket.close()


def test_slow_clients_hold_up_nobody(start_daemon):
    """200 that send a head, a body or nothing, a byte at a time, beside calls that are answered."""
    daemon = start_daemon()
    starts = (b"", b"GET /check HT", lines("POST /settings HTTP/1.1", HOST, "Content-Length: 99999"),
              lines("POST /settings HTTP/1.1", HOST, "Transfer-Encoding: chunked"))
    slow = [Wire(daemon) for _ in range(200)]
    try:
        before = daemon.rss_kib()
        for number, wire in enumerate(slow):
            wire.send(starts[number % len(starts)])
        for turn in range(10):
            for wire in slow[turn::10]:
                wire.send(b"1")
            assert daemon.get("/check").status == 200
            assert daemon.post("/settings", {}).status == 200
        assert SANITIZED or daemon.rss_kib() - before < 200 * 16 + 2000
    finally:
        for wire in slow:
            wire.socket.close()
