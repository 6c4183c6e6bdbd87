# SPDX-License-Identifier: Apache-2.0
"""SIGTERM drains: what runs is answered, nothing new is taken; a second one ends at once."""
from __future__ import annotations

import concurrent.futures
import signal
import socket

import pytest

from .gatehoused import STOP_S, descendants, is_running, wait_until
from .raw import Wire, head


def refuses_connections(daemon) -> bool:
    try:
        socket.create_connection((daemon.host, daemon.port), 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it waited in the backlog when the listener was closed
    return False


@pytest.fixture
def held(start_daemon, tmp_path):
    """A daemon with a call that runs until `release` exists."""
    daemon = start_daemon(inspect=False, args=["--drain-timeout-ms", "60000"])
    daemon.put_function("hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        call = threads.submit(daemon.call, "hold", "call", [str(started), str(release), "done"])
        wait_until("the call to run", started.exists)
        yield daemon, call, release
        release.touch()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_daemon_ends_with_status_0(start_daemon, number):
    daemon = start_daemon(inspect=False)
    workers = descendants(daemon.pid)
    daemon.signal(number)
    assert daemon.wait() == 0
    wait_until("the workers to end", lambda: not [p for p in workers if is_running(p)])


def test_running_call_is_answered_before_the_end(held):
    daemon, call, release = held
    daemon.signal(signal.SIGTERM)
    wait_until("new connections to be refused", lambda: refuses_connections(daemon))
    assert daemon.alive and not call.done()
    release.touch()
    answer = call.result(STOP_S)
    assert (answer.status, answer.json()) == (200, "done")
    assert daemon.wait() == 0


def test_idle_connections_are_closed_while_draining(held):
    daemon, call, release = held
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", "/check"))
        assert wire.read_answer().status == 200
        daemon.signal(signal.SIGTERM)
        assert wire.ends_within(STOP_S)
    release.touch()
    assert daemon.wait() == 0


def test_who_has_just_connected_is_answered_while_draining(held):
    daemon, call, release = held
    with Wire(daemon) as wire, Wire(daemon) as partly:
        partly.send(b"GET /check HTTP/1.1\r\n")
        assert daemon.get("/check").status == 200  # so both are accepted
        daemon.signal(signal.SIGTERM)
        wait_until("new connections to be refused", lambda: refuses_connections(daemon))
        release.touch()
        for one, rest in ((wire, head(daemon, "GET", "/check")), (partly, b"Host: localhost\r\n\r\n")):
            one.send(rest)
            assert one.read_answer().status == 200
            assert one.ends_within(STOP_S)
    assert daemon.wait() == 0


def test_who_connected_and_asks_nothing_holds_no_drain(start_daemon):
    daemon = start_daemon(inspect=False, args=["--drain-timeout-ms", "60000"])
    with Wire(daemon) as wire:
        assert daemon.get("/check").status == 200
        daemon.signal(signal.SIGTERM)
        assert wire.ends_within(STOP_S)
        assert daemon.wait() == 0


def test_second_signal_ends_at_once(held):
    daemon, call, release = held
    workers = descendants(daemon.pid)
    daemon.signal(signal.SIGTERM)
    wait_until("new connections to be refused", lambda: refuses_connections(daemon))
    daemon.signal(signal.SIGTERM)
    daemon.wait()
    assert not release.exists()
    wait_until("the workers to end", lambda: not [p for p in workers if is_running(p)])
    with pytest.raises(Exception):
        assert call.result(STOP_S).status == 200


def test_drain_has_a_limit(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=["--drain-timeout-ms", "200"])
    daemon.put_function("hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        call = threads.submit(daemon.call, "hold", "call", [str(started), str(release)])
        wait_until("the call to run", started.exists)
        daemon.signal(signal.SIGTERM)
        daemon.wait()  # although nobody releases the call
        call.exception(STOP_S)


def test_killed_daemon_leaves_no_worker(start_daemon):
    daemon = start_daemon(inspect=False)
    daemon.post("/create_process", {"name": "p"})
    workers = descendants(daemon.pid)
    assert workers
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    wait_until("the workers to end", lambda: not [p for p in workers if is_running(p)])


def test_killed_daemon_leaves_no_busy_worker(held):
    daemon, call, release = held
    workers = descendants(daemon.pid)
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    wait_until("the workers to end", lambda: not [p for p in workers if is_running(p)])
    call.exception(STOP_S)


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGHUP])
def test_other_signals_do_not_end_it(start_daemon, number):
    daemon = start_daemon()
    daemon.signal(number)
    for _ in range(3):
        assert daemon.get("/check").status == 200
