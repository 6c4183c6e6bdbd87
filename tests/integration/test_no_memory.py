# SPDX-License-Identifier: Apache-2.0
"""Memory for bodies ends half-way: who sent them is told so, and the daemon goes on.

Large bodies and answers that wait go to memfds. A file size limit on the daemon makes a write there
end half-way and the next one fail, as a system without memory does where it does not overcommit.
"""
from __future__ import annotations

import resource
import threading

import pytest

from .gatehoused import USER_CODE, Gatehoused, wait_until
from .raw import Wire, head

DAEMON_OPTIONS = {"args": ["--body-max-bytes", str(4 << 20)],
                  "modules": [f"a={USER_CODE}/asgi_plain.py:app", f"w={USER_CODE}/wsgi_plain.py:app",
                              f"concat={USER_CODE}/things.py:concat"]}
MIB = 1 << 20
ROOM = MIB + 12345  # not a multiple of any block that is written


@pytest.fixture
def cramped(daemon: Gatehoused):
    """The daemon, whose files may have ROOM bytes each; its workers, started before, may more."""
    wait_until("the modules to be loaded", lambda: daemon.get("/readyz").status == 200)
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    yield daemon
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)


def shared_memory(daemon: Gatehoused) -> list[str]:
    return [fd for fd in daemon.fds() if "gatehouse-body" in fd]


def check_it_goes_on(daemon: Gatehoused) -> None:
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"
    assert daemon.request("POST", "/a/echo", b"x" * 70_000).body == b"x" * 70_000
    wait_until("its memory to be given back", lambda: not shared_memory(daemon))


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body(cramped, framing):
    body = b'{"data": "%s"}' % (b"x" * 2 * MIB)
    with Wire(cramped) as wire:
        if framing == "length":
            wire.send(head(cramped, "POST", "/concat/call", f"Content-Length: {len(body)}") + body)
        else:
            wire.send(head(cramped, "POST", "/concat/call", "Transfer-Encoding: chunked"))
            for at in range(0, len(body), 100_000):
                wire.send(b"%x\r\n%b\r\n" % (len(body[at:at + 100_000]), body[at:at + 100_000]))
            wire.send(b"0\r\n\r\n")
        answer = wire.read_answer()
    assert answer.status == 507 and b"shared memory" in answer.body
    assert answer.headers["connection"] == "close"
    check_it_goes_on(cramped)


def test_the_memory_of_a_body_is_given_back_before_its_end(cramped):
    """Not kept while the rest is read past, when memory is short."""
    said = cramped.log().count("request.failed")
    with Wire(cramped) as wire:
        wire.send(head(cramped, "POST", "/concat/call", f"Content-Length: {4 * MIB}") + b"x" * 2 * MIB)
        wait_until("the daemon to give up", lambda: cramped.log().count("request.failed") > said)
        wait_until("the memory to be given back", lambda: not shared_memory(cramped))
        wire.send(b"x" * 2 * MIB)
        assert wire.read_answer().status == 507
    check_it_goes_on(cramped)


@pytest.mark.parametrize("key", ["a", "w"])
def test_an_answer_that_waits_for_the_end_of_its_request(cramped, key):
    """An echo: all of it waits in the daemon, and there is no room for all of it."""
    block = bytes(range(256)) * 256
    with Wire(cramped) as wire:
        wire.send(head(cramped, "POST", f"/{key}/echo", f"Content-Length: {4 * MIB}"))
        sender = threading.Thread(target=lambda: [wire.send(block) for _ in range(64)])
        sender.start()
        answer = wire.read_answer()
        sender.join()
    assert answer.status == 507 and b"before the request was whole" in answer.body
    assert answer.headers["connection"] == "close"
    check_it_goes_on(cramped)


@pytest.mark.parametrize("key", ["a", "w"])
def test_an_answer_that_just_fits(cramped, key):
    """What was spooled up to the last byte that there is room for comes back whole."""
    body = bytes(range(256)) * (ROOM // 256)
    assert cramped.request("POST", f"/{key}/echo", body).body == body
    check_it_goes_on(cramped)


@pytest.mark.parametrize("sent", [1000, MIB])
@pytest.mark.parametrize("path", ["a/flood?n=1000", "w/forever"])
def test_an_answer_over_the_limit_of_bodies(daemon, path, sent):
    """The app reads nothing, so its request is never whole, and answers more than is kept till then."""
    wait_until("the modules to be loaded", lambda: daemon.get("/readyz").status == 200)
    said = daemon.log().count("request.failed")
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", f"/{path}", f"Content-Length: {MIB}") + b"x" * sent)
        wait_until("the daemon to give up", lambda: daemon.log().count("request.failed") > said)
        wire.send(b"x" * (MIB - sent))
        answer = wire.read_answer()
    assert answer.status == 507 and b"body_max_bytes" in answer.body
    check_it_goes_on(daemon)
