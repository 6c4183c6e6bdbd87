# SPDX-License-Identifier: Apache-2.0
"""Slow clients are cut by absolute deadlines, whatever they trickle."""
from __future__ import annotations

import contextlib
import threading
import time

from .gatehoused import wait_until
from .raw import Wire, head

DAEMON_OPTIONS = {"args": ["--header-timeout-ms", "1000", "--body-timeout-ms", "1000",
                           "--keepalive-timeout-ms", "1500"]}
MARGIN_S = 20.0  # how late a cut may be on a busy machine; the point is that it comes


@contextlib.contextmanager
def trickle(wire, piece: bytes):
    """Send PIECE again and again, much faster than any idle timeout, until the peer hangs up."""
    stop = threading.Event()

    def run():
        while not stop.wait(0.02):
            try:
                wire.send(piece)
            except OSError:
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def cut_after(wire) -> float:
    """Seconds until the daemon closed the connection (an error answer before it is fine)."""
    start = time.monotonic()
    wire.socket.settimeout(MARGIN_S)
    while wire.receive():
        pass
    assert b"HTTP/1.1 2" not in wire.buffer
    return time.monotonic() - start


def test_silent_connection_is_closed(daemon):
    with Wire(daemon) as wire:
        assert cut_after(wire) >= 0.5


def test_endless_header_lines_are_cut(daemon):
    with Wire(daemon) as wire:
        wire.send(b"GET /check HTTP/1.1\r\nHost: x\r\n")
        with trickle(wire, b"X-A: b\r\n"):
            cut_after(wire)


def test_method_that_fills_the_buffer_is_cut(daemon):
    """libmicrohttpd closes such a connection and forgets it, unless it is the oldest: our deadline does not."""
    with Wire(daemon) as older:
        before = len(daemon.fds())
        for _ in range(20):
            with Wire(daemon) as wire:
                wire.send(b"A" * 33_000)
                cut_after(wire)
        wait_until("descriptors to be closed", lambda: len(daemon.fds()) <= before)
        older.socket.close()


def test_header_line_in_single_bytes_is_cut(daemon):
    with Wire(daemon) as wire:
        wire.send(b"GET /check HTTP/1.1\r\nX: ")
        with trickle(wire, b"y"):
            cut_after(wire)


def test_body_that_does_not_come_is_cut(daemon):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/settings", "Content-Length: 1000"))
        cut_after(wire)


def test_body_that_trickles_is_cut(daemon):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/settings", "Content-Length: 100000000"))
        with trickle(wire, b" "):
            cut_after(wire)


def test_chunked_body_that_trickles_is_cut(daemon):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/settings", "Transfer-Encoding: chunked"))
        with trickle(wire, b"1\r\n \r\n"):
            cut_after(wire)


def test_idle_connection_is_closed_after_its_answer(daemon):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", "/check"))
        assert wire.read_answer().status == 200
        assert wire.ends_within(MARGIN_S)


def test_running_call_is_no_idle_connection(daemon, tmp_path):
    daemon.put_function("hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with Wire(daemon) as wire, Wire(daemon) as idle:
        wire.send(head(daemon, "GET", f"/hold/call?started={started}&release={release}&result=done"))
        wait_until("the call to run", started.exists)
        cut_after(idle)  # all deadlines are over by now
        release.touch()
        assert wire.read_answer().status == 200


def test_slow_clients_do_not_slow_the_others(daemon):
    slow = [Wire(daemon) for _ in range(100)]
    try:
        for wire in slow:
            wire.send(b"GET /check HTTP/1.1\r\n")
        assert daemon.get("/check").status == 200
    finally:
        for wire in slow:
            wire.socket.close()


def test_steady_upload_longer_than_the_deadline_is_served(start_daemon):
    """The deadline is for progress: 64 KiB in each span of it are enough."""
    daemon = start_daemon(args=["--body-timeout-ms", "3000"])
    piece = b" " * 70_000
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/settings", f"Content-Length: {len(piece) * 10 + 2}"))
        pause = threading.Event()
        for _ in range(10):
            wire.send(piece)
            pause.wait(0.4)
        wire.send(b"{}")
        assert wire.read_answer().status == 200
