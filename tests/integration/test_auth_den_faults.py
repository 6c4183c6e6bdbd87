# SPDX-License-Identifier: Apache-2.0
"""A Den that is down, slow, or lies: nobody gets in by it, those it let in lately stay in for a stated time,
and the node goes on. Source: front-and-faults.md section 5."""
from __future__ import annotations

import json
import time

import pytest

from . import fake_den
from .auth_kit import OWNER_TOKEN, new_source
from .den_kit import URI, Asking, cold, den_node
from .fake_den import LEVEL, USER, VALID, FakeDen, Hang, moved, says
from .gatehoused import USER_CODE, wait_until

THINGS = USER_CODE / "things.py"
TIMEOUT_MS = "400"

FAULTS = {
    "reset": fake_den.reset,
    "closed": fake_den.close,
    "half a body": fake_den.half,
    "a body that does not go on": fake_den.drip,
    "no answer": Hang(),
    "an endless body": fake_den.endless,
    "no http": fake_den.no_http,
    "500": says(500, "Internal Server Error"),
    "500 in json": says(500, {"data": {"username": "root", "access_level": "write"}}),
    "502 of a proxy": says(502, "<html>Bad Gateway</html>", **{"Content-Type": "text/html"}),
    "503": says(503, {"detail": "busy"}, **{"Retry-After": "1"}),
    "429": says(429, {"detail": "slower"}),
    "204": says(204, ""),
    "201": says(201, {"data": {"username": "root", "access_level": "write"}}),
    "a page that asks to log in": says(200, "<html>Log in</html>", **{"Content-Type": "text/html"}),
    "nothing": says(200, ""),
    "broken json": says(200, '{"data": {"username": "root", "access_level": "write"'),
    "more behind it": says(200, '{"data": {"username": "root", "access_level": "write"}} {}'),
    "no text": says(200, b'{"data": {"username": "\xff\xfe", "access_level": "\xff"}}'),
    "a list": says(200, [{"username": "root", "access_level": "write"}]),
    "a text": says(200, '"write"'),
    "null": says(200, "null"),
    "no data": says(200, {"username": "root", "access_level": "write"}),
    "null data": says(200, {"data": None}),
    "a list of data": says(200, {"data": ["write"]}),
    "numbers": says(200, {"data": {"username": 7, "access_level": 7}}),
    "lists": says(200, {"data": {"username": ["root"], "access_level": ["write"]}}),
    "booleans": says(200, {"data": {"username": True, "access_level": True}}),
    "nested a lot": says(200, '{"data": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "names that are none": says(200, {"data": {"username": "a\nb: c", "access_level": {"write": 1}}}),
}
"""The answers to all questions but that for validity, whose status is all that is read."""


@pytest.fixture(scope="module")
def den():
    with FakeDen() as running:
        yield running


@pytest.fixture(autouse=True)
def right_again(den):
    yield
    den.fails(None)


@pytest.fixture(scope="module")
def node(tmp_path_factory, den):
    folder = tmp_path_factory.mktemp("faults")
    with den_node(folder / "d", den, "--den-timeout-ms", TIMEOUT_MS, "--audit-log", str(folder / "audit.log"),
                  modules=[f"add={THINGS}:add"]) as running:
        running.audit = folder / "audit.log"
        running.put("private_fn", "add")
        running.put("open_fn", "add", "unlisted")
        yield running


def is_told_to_come_again(answer) -> bool:
    assert answer.status == 503, answer
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert isinstance(answer.json()["detail"], str) and "www-authenticate" not in answer.headers
    return True


def recover(node, den) -> None:
    """Den is right again, and the node knows and says so."""
    den.fails(None)

    def is_back() -> bool:
        node.ask("GET", "/keys", None, cold(den, box="read"))
        return len(log_of(node, "auth.den_failed")) == len(log_of(node, "auth.den_back"))
    wait_until("the node to say that Den is back", is_back)


def log_of(node, event: str, since: int = 0) -> list[str]:
    return [line for line in node.daemon.log()[since:].splitlines() if f'"{event}"' in line]


@pytest.mark.parametrize("fault", FAULTS)
def test_unknown_callers_are_told_to_come_again(tmp_path, den, fault):
    with den_node(tmp_path / "d", den, "--den-timeout-ms", TIMEOUT_MS) as node:
        known = cold(den, box="read")
        assert node.ask("GET", "/keys", None, known).status == 200
        den.fails(FAULTS[fault], USER, LEVEL)
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den, box="read")))
        assert is_told_to_come_again(node.ask("POST", "/some_key/call", {"a": 1}, cold(den)))
        assert is_told_to_come_again(node.ask("POST", "/logs", {"key": "k", "run_name": "r"}, cold(den)))
        assert node.ask("GET", "/keys", None, known).status == 200  # fresh
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200
        assert node.ask("GET", "/keys").status == 401
        assert node.ask("GET", "/check").status == 200
        assert len(log_of(node, "auth.den_failed")) == 1


@pytest.mark.parametrize("fault", ["reset", "a body that does not go on", "broken json"])
def test_den_that_is_well_again(node, den, fault):
    since = len(node.daemon.log())
    den.fails(FAULTS[fault], USER, LEVEL)
    stranger = cold(den, box="read")
    assert is_told_to_come_again(node.ask("GET", "/keys", None, stranger))
    assert is_told_to_come_again(node.ask("POST", "/private_fn/call", {"a": 1}, cold(den)))
    assert node.ask("POST", "/open_fn/call?_bare=1", {"a": 1}, cold(den)).json() == 3
    recover(node, den)
    assert node.ask("GET", "/keys", None, stranger).status == 200
    assert len(log_of(node, "auth.den_failed", since)) == len(log_of(node, "auth.den_back", since)) == 1


@pytest.mark.parametrize("fault", ["reset", "closed", "half a body", "no answer", "500", "429", "no http"])
def test_validity_that_cannot_be_asked(node, den, fault):
    """Who has a level needs no more; who has none may be the owner."""
    reader, holder = cold(den, box="read"), cold(den, (URI,))
    den.fails(FAULTS[fault], VALID)
    assert is_told_to_come_again(node.ask("GET", "/keys", None, holder))
    assert node.ask("GET", "/keys", None, reader).status in (200, 503)
    let_in_again(node, den, holder)
    recover(node, den)


def let_in_again(node, den, token) -> None:
    den.fails(None)
    wait_until("it to be let in", lambda: node.ask("GET", "/keys", None, token).status == 200)


def test_level_that_cannot_be_asked(node, den):
    holder, reader = cold(den, (URI,)), cold(den, box="read")
    den.fails(says(500, ""), LEVEL)
    assert node.ask("GET", "/keys", None, holder).status == 200  # what Den did say is enough
    assert is_told_to_come_again(node.ask("GET", "/keys", None, reader))
    let_in_again(node, den, reader)
    recover(node, den)


def test_user_that_cannot_be_asked(node, den):
    """A right is a right, also without a name; without one it is not known whether the token is wrong."""
    reader, stranger = cold(den, box="read"), cold(den)
    den.fails(says(500, ""), USER)
    assert node.ask("GET", "/keys", None, reader).status == 200
    assert is_told_to_come_again(node.ask("GET", "/keys", None, stranger))
    den.fails(None)
    wait_until("it to be known", lambda: node.ask("GET", "/keys", None, stranger).status == 403)
    recover(node, den)


def test_level_of_another_name_is_no_right(node, den):
    for level in ("admin", "WRITE", "proxy", "", " read", "readwrite"):
        den.fails(says(200, {"data": {"access_level": level}}), LEVEL)
        assert node.ask("GET", "/keys", None, cold(den, box="write")).status == 403


def test_where_it_is_moved_to_gets_no_token(node, den):
    with FakeDen() as other:
        token = other.knows("eve", cold(den), box="write", good_for=[URI])
        den.fails(moved(other.url + "/user"), USER)
        den.fails(moved(other.url + f"/resource/{URI}"), LEVEL)
        den.fails(moved(other.url + f"/auth/token/cluster/{URI}"), VALID)
        assert is_told_to_come_again(node.ask("GET", "/keys", None, token))
        assert other.questions() == [] and other.connections == 0
    recover(node, den)


def test_den_that_is_not_there(node, den):
    known = cold(den, box="read")
    assert node.ask("GET", "/keys", None, known).status == 200
    den.shut()
    try:
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
        assert node.ask("GET", "/keys", None, known).status == 200
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200
    finally:
        den.open()
    recover(node, den)


def test_den_that_is_not_there_at_the_start(tmp_path):
    den = FakeDen()
    with den:
        token = cold(den, box="read")
    with den_node(tmp_path / "d", den) as node:
        assert is_told_to_come_again(node.ask("GET", "/keys", None, token))
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200
        with den:
            let_in_again(node, den, token)


def test_name_that_does_not_resolve(tmp_path, den):
    args = ["--api-server-url", "http://den.invalid:80"]
    with den_node(tmp_path / "d", den, *args) as node:
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200


# -- used while it is old -----------------------------------------------------------------------------

def start_stale(folder, den, *args: str):
    return den_node(folder, den, "--den-cache-s", "1", "--den-denied-cache-s", "1", *args)


def asked_in_vain(den, token):
    """Until Den was asked about TOKEN again, which is then no longer fresh."""
    asked = den.count(token)
    return lambda: den.count(token) > asked


def test_old_answers_count_while_den_fails(tmp_path, den):
    with start_stale(tmp_path / "d", den) as node:
        reader, writer, stranger = cold(den, box="read"), cold(den, box="write"), cold(den)
        assert node.ask("GET", "/keys", None, reader).status == 200
        assert node.ask("GET", "/keys", None, writer).status == 200
        assert node.ask("GET", "/keys", None, stranger).status == 403
        den.fails(says(500, ""))
        tried = asked_in_vain(den, reader)

        def still():
            assert node.ask("GET", "/keys", None, reader).status == 200
            return tried()
        wait_until("Den to be asked in vain", still)
        for _ in range(3):
            assert node.ask("POST", "/folder/method/exists", {"path": "~"}, reader).status == 403
            assert node.ask("POST", "/folder/method/exists", {"path": "~"}, writer).status == 200
            assert node.ask("GET", "/keys", None, writer).status == 200
        wait_until("what was denied to be forgotten",
                   lambda: node.ask("GET", "/keys", None, stranger).status == 503)
        den.sets(reader, URI, None)
        den.fails(None)
        wait_until("Den's no to count", lambda: node.ask("GET", "/keys", None, reader).status == 403)


def test_old_answers_do_not_count_when_den_answers(tmp_path, den):
    """Only a Den that fails makes them count: a slow one is waited for."""
    with start_stale(tmp_path / "d", den, "--den-timeout-ms", "60000") as node:
        token, hang = cold(den, box="read"), Hang()
        assert node.ask("GET", "/keys", None, token).status == 200
        den.sets(token, URI, None)
        den.fails(hang)
        with Asking(*[lambda: wait_until("a 403", lambda: node.ask("GET", "/keys", None, token).status == 403)]):
            hang.await_questions(1)
            hang.release()


@pytest.mark.parametrize("stale_s", ["0", "1"])
def test_old_answers_end(tmp_path, den, stale_s):
    with start_stale(tmp_path / "d", den, "--den-stale-s", stale_s) as node:
        token = cold(den, box="write")
        assert node.ask("GET", "/keys", None, token).status == 200
        den.fails(fake_den.reset)
        answer = wait_until("it to be over", lambda: next(
            (answer for answer in [node.ask("GET", "/keys", None, token)] if answer.status != 200), None))
        assert is_told_to_come_again(answer)
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200
        let_in_again(node, den, token)


def test_flushed_while_den_fails(node, den):
    """Nothing is kept of what was dropped."""
    token = cold(den, box="read")
    assert node.ask("GET", "/keys", None, token).status == 200
    den.fails(says(500, ""))
    assert node.ask("POST", "/settings", {"flush_auth_cache": True}, OWNER_TOKEN).status == 200
    assert is_told_to_come_again(node.ask("GET", "/keys", None, token))
    recover(node, den)


# -- not asked in vain for ever ------------------------------------------------------------------------

def test_den_that_fails_is_left_alone(node, den):
    """Of a hundred callers it is asked about a few; the others are told at once."""
    den.fails(says(500, ""))
    for _ in range(5):
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
    before = den.count()
    for _ in range(100):
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
    assert den.count() - before < 50
    recover(node, den)


def test_slow_den_keeps_nobody_longer_than_its_time(tmp_path, den):
    hang = Hang()
    den.fails(hang)
    with den_node(tmp_path / "d", den, "--den-timeout-ms", "1000") as node:
        begun = time.monotonic()
        with Asking(*(lambda token=cold(den): node.ask("GET", "/keys", None, token) for _ in range(40))) as asking:
            assert all(map(is_told_to_come_again, asking.answers()))
        assert time.monotonic() - begun < 20  # 40 s if they were asked in turn
        hang.await_left(1)


def test_log_says_it_once(node, den):
    since = len(node.daemon.log())
    den.fails(fake_den.close)
    for _ in range(30):
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
    recover(node, den)
    for _ in range(5):
        assert node.ask("GET", "/keys", None, cold(den)).status == 403
    [failed], [back] = log_of(node, "auth.den_failed", since), log_of(node, "auth.den_back", since)
    assert den.url in failed and den.url in back
    assert json.loads(failed)["reason"]


def test_log_says_it_once_when_one_question_fails(node, den):
    """The others being answered does not make Den well."""
    since = len(node.daemon.log())
    den.fails(says(500, ""), LEVEL)
    for _ in range(10):
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den)))
    recover(node, den)
    assert len(log_of(node, "auth.den_failed", since)) == 1


def test_audit_log_says_why(node, den):
    den.fails(fake_den.reset)
    node.ask("GET", "/keys", None, cold(den), headers={"X-Request-ID": "in-vain"})
    line = wait_until("the line", lambda: next(
        (line for line in map(json.loads, node.audit.read_text().splitlines())
         if line["request_id"] == "in-vain"), None))
    assert (line["status"], line["user"], line["denied"]) == (503, None, "den_failed")
    recover(node, den)


def test_failing_den_is_no_guessing(node, den):
    """Whom it could not name was not wrong: none of them counts against the address."""
    source = new_source()
    den.fails(says(500, ""))
    for _ in range(25):
        assert is_told_to_come_again(node.ask("GET", "/keys", None, cold(den), source))
    recover(node, den)
    assert node.ask("GET", "/keys", None, cold(den, box="read"), source).status == 200
    assert node.ask("GET", "/keys", None, "surely-wrong", source).status == 403
