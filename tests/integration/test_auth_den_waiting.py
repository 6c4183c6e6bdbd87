# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for Den: on kept connections, pipelined, with bodies of all kinds, and left alone."""
from __future__ import annotations

import json
import select
import socket

import pytest

from .auth_kit import OWNER_TOKEN
from .den_kit import URI, Asking, cold, den_node
from .fake_den import FakeDen, Hang
from .gatehoused import ANSWER_S, USER_CODE, wait_until
from .raw import Wire

THINGS = USER_CODE / "things.py"
LARGE = 48 << 20


@pytest.fixture(scope="module")
def den():
    with FakeDen() as running:
        yield running


@pytest.fixture(scope="module")
def node(tmp_path_factory, den):
    folder = tmp_path_factory.mktemp("waiting")
    modules = [f"add={THINGS}:add", f"size={THINGS}:size_of", f"echo={THINGS}:echo"]
    with den_node(folder / "d", den, "--audit-log", str(folder / "audit.log"), "--den-timeout-ms", "60000",
                  modules=modules) as running:
        running.audit = folder / "audit.log"
        yield running


@pytest.fixture
def hang(den):
    """Den answers nothing until it is released."""
    made = Hang()
    den.fails(made)
    yield made
    den.fails(None)
    made.release()


def request(method: str, target: str, token: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


JSON = b'{"a": 40, "b": 2}'
TYPE = "Content-Type: application/json"
CALL = "/add/call?_bare=1"
CHUNKED = b"9\r\n" + JSON[:9] + b"\r\n8;x=y\r\n" + JSON[9:] + b"\r\n0\r\n\r\n"


def by_get(wire, token):
    wire.send(request("GET", CALL + "&a=40&b=2", token))


def by_head(wire, token):
    wire.send(request("HEAD", "/keys", token))


def by_post(wire, token):
    wire.send(request("POST", CALL, token, TYPE, f"Content-Length: {len(JSON)}", body=JSON))


def by_chunks(wire, token):
    wire.send(request("POST", CALL, token, TYPE, "Transfer-Encoding: chunked", body=CHUNKED))


def by_bytes(wire, token):
    for byte in request("POST", CALL, token, TYPE, f"Content-Length: {len(JSON)}", body=JSON):
        wire.send(bytes([byte]))


def by_empty_post(wire, token):
    wire.send(request("POST", "/echo/call?_bare=1", token, "Content-Length: 0"))


WAYS = [by_get, by_head, by_post, by_chunks, by_bytes, by_empty_post]


def answer_of(wire, way):
    return wire.read_answer("HEAD" if way is by_head else "GET")


def nothing_comes(wire: Wire) -> bool:
    return not wire.buffer and not select.select([wire.socket], [], [], 0)[0]


@pytest.mark.parametrize("way", WAYS)
def test_connection_goes_on_after_a_request_that_waited(node, den, hang, way):
    token = cold(den, box="read")
    with Wire(node.daemon) as wire:
        way(wire, token)
        hang.await_questions(3)
        assert node.daemon.get("/check").status == 200
        assert nothing_comes(wire)
        hang.release()
        answer = answer_of(wire, way)
        assert answer.status == 200
        if way not in (by_head, by_empty_post):
            assert json.loads(answer.body) == 42
        for following in WAYS:  # from memory, and one that waits again
            following(wire, token)
            assert answer_of(wire, following).status == 200
        den.fails(None)
        way(wire, cold(den, box="read"))
        assert answer_of(wire, way).status == 200
        way(wire, cold(den))
        assert answer_of(wire, way).status == 403


@pytest.mark.parametrize("way", WAYS)
def test_refused_after_it_waited(node, den, hang, way):
    """403; and the connection goes on, or ends in order, whatever came of the body."""
    with Wire(node.daemon) as wire:
        way(wire, cold(den))
        hang.await_questions(3)
        hang.release()
        answer = answer_of(wire, way)
        assert answer.status == 403
        if answer.headers.get("connection") != "close":
            by_get(wire, OWNER_TOKEN)
            assert wire.read_answer().body == b"42"
        else:
            assert wire.ends_within(ANSWER_S)


@pytest.mark.parametrize("level, status", [("read", 200), ("denied", 403)])
def test_continue_is_said_after_the_decision(node, den, hang, level, status):
    with Wire(node.daemon) as wire:
        wire.send(request("POST", CALL, cold(den, box=level), TYPE, "Expect: 100-continue",
                          f"Content-Length: {len(JSON)}"))
        hang.await_questions(3)
        assert node.daemon.get("/check").status == 200
        assert nothing_comes(wire)
        hang.release()
        first = wire.read_answer()
        if status == 403:
            assert first.status == 403
            return
        assert first.status == 100
        wire.send(JSON)
        assert wire.read_answer().body == b"42"
        by_post(wire, OWNER_TOKEN)
        assert wire.read_answer().body == b"42"


def test_pipelined_behind_one_that_waits(node, den, hang):
    """Answers come in the order of the requests, although the later ones could be decided at once."""
    with Wire(node.daemon) as wire:
        wire.send(request("GET", "/keys", cold(den)) + request("GET", CALL + "&a=1", OWNER_TOKEN)
                  + request("POST", CALL, cold(den, box="read"), TYPE, f"Content-Length: {len(JSON)}", body=JSON)
                  + request("GET", "/check", "none"))
        hang.await_questions(3)
        assert nothing_comes(wire)
        hang.release()
        answers = [wire.read_answer() for _ in range(4)]
        assert [answer.status for answer in answers] == [403, 200, 200, 200]
        assert [answer.body for answer in answers[1:3]] == [b"3", b"42"]


def push(client: socket.socket, head: bytes, size: int) -> int:
    """Send HEAD and as much of a body of SIZE as is taken without waiting long; how much that was."""
    client.sendall(head)
    client.setblocking(False)
    chunk, sent = memoryview(b"x" * (1 << 20)), 0
    while sent < size and select.select([], [client], [], 0.5)[1]:
        try:
            sent += client.send(chunk[:min(len(chunk), size - sent)])
        except BlockingIOError:
            continue
        except ConnectionError:
            break
    client.setblocking(True)
    return sent


def test_large_body_stays_outside_until_it_is_decided(node, den, hang):
    """The daemon takes none of it: what is sent fills the kernel's buffers, and waits there."""
    start, end = b'{"value": "', b'"}'
    size = LARGE + len(start) + len(end)
    with Wire(node.daemon) as wire:
        token = cold(den, box="read")
        before = node.daemon.rss_kib()
        head = request("POST", "/size/call?_bare=1", token, TYPE, f"Content-Length: {size}", body=start)
        sent = push(wire.socket, head, LARGE)
        hang.await_questions(3)
        assert sent < LARGE // 2
        assert node.daemon.rss_kib() - before < 4 << 10
        hang.release()
        wire.send(b"x" * (LARGE - sent) + end)
        assert json.loads(wire.read_answer().body) == LARGE


def test_large_body_of_one_who_is_denied_is_not_taken(node, den, hang):
    with Wire(node.daemon) as wire:
        head = request("POST", "/size/call", cold(den), TYPE, f"Content-Length: {1 << 30}")
        sent = push(wire.socket, head, LARGE)
        hang.await_questions(3)
        hang.release()
        assert sent < LARGE // 2
        assert wire.read_answer().status == 403


def test_answer_before_a_byte_of_the_body(node, den):
    with Wire(node.daemon) as wire:
        wire.send(request("POST", "/add/call", cold(den), TYPE, "Content-Length: 1000000000"))
        assert wire.read_answer().status == 403


def audit_line(node, request_id: str) -> dict:
    def find():
        return next((line for line in map(json.loads, node.audit.read_text().splitlines())
                     if line["request_id"] == request_id), None)
    return wait_until(f"the line of {request_id}", find)


@pytest.mark.parametrize("way", [by_get, by_head, by_post, by_chunks])
def test_client_that_leaves_meanwhile(node, den, hang, way):
    """Others who wait for the same answer get it; the one who left has a line without a status."""
    token = cold(den, box="read")
    name = f"left-{way.__name__}"
    with Wire(node.daemon) as staying:
        with Wire(node.daemon) as leaving:
            leaving.send(request("GET", "/keys", token, f"X-Request-ID: {name}"))
            hang.await_questions(3)
            way(staying, token)
        assert audit_line(node, name)["status"] is None
        assert hang.left == 0
        hang.release()
        assert answer_of(staying, way).status == 200
    assert node.ask("GET", "/keys", None, token).status == 200
    assert sum(one.token == token for one in den.questions()) == 3


def test_all_who_wait_leave(node, den, hang):
    """Nobody is told, the answer is there for the next one, and no descriptor stays open."""
    token = cold(den, box="read")
    before = len(node.daemon.fds())
    wires = [Wire(node.daemon) for _ in range(20)]
    for wire in wires:
        by_post(wire, token)
    hang.await_questions(3)
    for wire in wires:
        wire.socket.close()
    wait_until("the connections to be closed", lambda: len(node.daemon.fds()) <= before + 8)
    hang.release()
    den.fails(None)
    assert node.ask("GET", "/keys", None, token).status == 200
    assert kinds_asked(den, token) <= {URI, ""}


def kinds_asked(den, token) -> set[str]:
    return {one.uri for one in den.questions(token)}


def test_client_that_sends_half_a_body_and_leaves(node, den, hang):
    token = cold(den, box="read")
    with Wire(node.daemon) as wire:
        wire.send(request("POST", CALL, token, TYPE, f"Content-Length: {len(JSON)}", "X-Request-ID: half",
                          body=JSON[:5]))
        hang.await_questions(3)
    hang.release()
    den.fails(None)
    assert audit_line(node, "half")["status"] in (None, 400)
    assert node.ask("GET", CALL + "&a=1", None, token).json() == 3


def test_node_answers_others_meanwhile(node, den, hang):
    with Asking(*(lambda token=cold(den): node.ask("GET", "/keys", None, token) for _ in range(20))) as asking:
        hang.await_questions(30)
        for _ in range(50):
            assert node.daemon.get("/check").status == 200
            assert node.ask("POST", CALL, {"a": 1, "b": 2}, OWNER_TOKEN).json() == 3
        assert asking.is_open
        hang.release()
        assert {answer.status for answer in asking.answers()} == {403}
