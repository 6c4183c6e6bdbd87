# SPDX-License-Identifier: Apache-2.0
"""What is written about callers: the audit log. And pickles refused."""
from __future__ import annotations

import json
import re
import signal
import threading
from pathlib import Path

import pytest

from .auth_kit import OWNER, OWNER_TOKEN, WRONG_TOKEN, new_source, node as start_node
from .gatehoused import REPO, USER_CODE, Gatehoused, wait_until

THINGS = USER_CODE / "things.py"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def line_of(path: Path, request_id: str) -> dict:
    return wait_until(f"the line of {request_id}", lambda: next(
        (line for line in lines(path) if line.get("request_id") == request_id), None))


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    user = folder / "who.py"
    user.write_text("import gatehouse\n"
                    "def who():\n"
                    "    return gatehouse.current_user()\n"
                    "async def soon():\n"
                    "    return gatehouse.current_user()\n")
    modules = [f"add={THINGS}:add", f"hold={THINGS}:hold", f"boom={THINGS}:boom",
               *(f"{name}={user}:{name}" for name in ("who", "soon"))]
    with start_node(folder / "d", "--audit-log", str(folder / "audit.log"), modules=modules) as running:
        running.audit = folder / "audit.log"
        running.create("ann", "read")
        running.create("of_add", "read", "add")
        yield running


# -- the audit log --------------------------------------------------------------------------------

def test_line_of_a_call(audited):
    answer = audited.ask("POST", "/add/call?_bare=1", {"a": 40961, "b": 2}, audited.tokens["ann"],
                         headers={"X-Request-ID": "the-call"})
    assert answer.json() == 40963
    line = line_of(audited.audit, "the-call")
    assert line.pop("time").endswith("Z") and 0 < line.pop("duration_ms") < 60e3
    assert line == {"request_id": "the-call", "user": "ann", "address": "127.0.0.1", "method": "POST",
                    "route": "/{key}/{method}", "key": "add", "key_method": "call", "status": 200,
                    "denied": None}
    assert "40961" not in audited.audit.read_text()


@pytest.mark.parametrize("name, path, token, status, user, denied", [
    ("a", "/keys", None, 401, None, "no_token"),
    ("b", "/keys", WRONG_TOKEN, 403, None, "wrong_token"),
    ("c", "/keys", "of_add", 403, "of_add", "not_for_the_node"),
    ("d", "/hold/call?path=s3cret", "of_add", 403, "of_add", "not_for_the_key"),
    ("e", "/status", OWNER_TOKEN, 200, OWNER, None),
    ("f", "/no_such_key/call", "ann", 404, "ann", None),
])
def test_line_of_a_refusal(audited, name, path, token, status, user, denied):
    token = audited.tokens.get(token, token)
    audited.ask("GET", path, None, token, new_source(), {"X-Request-ID": f"refused-{name}"})
    line = line_of(audited.audit, f"refused-{name}")
    assert (line["status"], line["user"], line["denied"]) == (status, user, denied)
    assert "s3cret" not in audited.audit.read_text()


def test_page_lists_what_can_be_denied():
    sources = "".join(path.read_text() for path in (REPO / "src" / "api").glob("*.c"))
    reasons = {text for line in re.findall(r"request->denied = ([^;]+);", sources)
               for text in re.findall(r'"(\w+)"', line)}
    page = (REPO / "docs" / "security.md").read_text("utf-8").partition("`denied` is null")[2].partition(";")[0]
    assert reasons == set(re.findall(r"`(\w+)`", page))


def test_what_needs_nothing_has_no_line(audited):
    for path in ("/check", "/livez", "/nowhere"):
        audited.ask("GET", path, headers={"X-Request-ID": "open"})
    audited.ask("GET", "/keys", headers={"X-Request-ID": "after"})
    line_of(audited.audit, "after")
    assert "open" not in [line["request_id"] for line in lines(audited.audit)]


def test_line_of_the_node_itself(audited):
    audited.local("POST", "/_gatehouse/v1/tokens", {"user": "x", "access": "read"},
                  {"X-Request-ID": "made-here"})
    line = line_of(audited.audit, "made-here")
    assert (line["address"], line["user"], line["route"]) == ("local", None, "/_gatehouse/v1/tokens")


def test_client_that_leaves(audited, tmp_path):
    started, release = tmp_path / "started", tmp_path / "release"
    body = json.dumps({"started": str(started), "release": str(release)}).encode()
    with audited.daemon.connect() as client:
        client.sendall(b"POST /hold/call?_bare=1 HTTP/1.1\r\nHost: a\r\nX-Request-ID: left\r\n"
                       b"Authorization: Bearer %b\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%b" % (OWNER_TOKEN.encode(), len(body), body))
        wait_until("the call", started.exists)
    try:
        assert line_of(audited.audit, "left")["status"] is None
    finally:
        release.touch()


def test_rotated(audited):
    old = audited.audit.with_suffix(".1")
    audited.audit.rename(old)
    audited.ask("GET", "/keys", headers={"X-Request-ID": "to-the-old"})
    line_of(old, "to-the-old")
    audited.daemon.signal(signal.SIGHUP)
    wait_until("a new file", audited.audit.exists)
    audited.ask("GET", "/keys", headers={"X-Request-ID": "to-the-new"})
    line_of(audited.audit, "to-the-new")
    assert "to-the-new" not in old.read_text()
    assert audited.audit.stat().st_mode & 0o777 == 0o600


def test_every_request_has_its_line_to_the_last(tmp_path):
    log = tmp_path / "audit.log"
    with start_node(tmp_path / "d", "--audit-log", str(log)) as running:
        def ask(prefix: str) -> None:
            for n in range(200):
                running.ask("GET", "/keys", token=OWNER_TOKEN, headers={"X-Request-ID": f"{prefix}-{n}"})
        threads = [threading.Thread(target=ask, args=(f"t{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        running.stop()
        ids = [line["request_id"] for line in lines(log)]
        assert sorted(ids) == sorted(f"t{t}-{n}" for t in range(4) for n in range(200))
        running.daemon.start()


def test_switched_on_and_off_while_it_runs(tmp_path):
    log = tmp_path / "audit.log"
    with start_node(tmp_path / "d", auth=False) as running:
        running.ask("GET", "/keys", headers={"X-Request-ID": "before"})
        assert running.local("PATCH", "/_gatehouse/v1/config", {"audit_log": str(log)}).status == 200
        running.ask("GET", "/keys", headers={"X-Request-ID": "while"})
        assert line_of(log, "while")["user"] is None
        assert running.local("PATCH", "/_gatehouse/v1/config", {"audit_log": ""}).status == 200
        running.ask("GET", "/keys", headers={"X-Request-ID": "after"})
        running.local("PATCH", "/_gatehouse/v1/config", {"audit_log": str(tmp_path / "no" / "such")})
        wait_until("the error", lambda: "audit.failed" in running.daemon.log())
    assert not {"before", "after"} & {line["request_id"] for line in lines(log)}


def test_file_that_cannot_be(tmp_path):
    done = Gatehoused(tmp_path, args=["--audit-log", str(tmp_path / "no" / "such")]).run_to_exit()
    assert done.returncode == 78 and "audit_log" in done.stderr and "No such file" in done.stderr


def test_disk_that_is_full_stops_nothing(tmp_path):
    with start_node(tmp_path / "d", "--audit-log", "/dev/full") as running:
        for _ in range(5):
            assert running.ask("GET", "/keys", token=OWNER_TOKEN).status == 200
        wait_until("the error", lambda: "audit.failed" in running.daemon.log())


# -- who asks, for user code -----------------------------------------------------------------------

def test_code_knows_who_asks(audited):
    for method in ("who", "soon"):
        path = f"/{method}/call?_bare=1"
        assert audited.ask("GET", path, token=audited.tokens["ann"]).json() == "ann"
        assert audited.ask("GET", path, token=OWNER_TOKEN).json() == OWNER
        assert audited.local("GET", path).json() is None


def test_nobody_is_known_when_callers_are_not_checked(tmp_path):
    user = tmp_path / "who.py"
    user.write_text("import gatehouse\n\n\ndef who():\n    return gatehouse.current_user()\n")
    with start_node(tmp_path / "d", auth=False, modules=[f"who={user}:who"]) as running:
        assert running.ask("GET", "/who/call?_bare=1", token=OWNER_TOKEN).json() is None


# -- pickles ---------------------------------------------------------------------------------------

PICKLE = "gAVLAS4="  # 1

PICKLED = [
    ("/add/call", {"data": PICKLE, "serialization": "pickle", "run_name": "r"}),
    ("/object", {"key": "k", "serialized_data": PICKLE, "serialization": "pickle"}),
    ("/resource", {"serialized_data": PICKLE, "serialization": "pickle"}),
    ("/folder/method/put", {"path": "~/x", "contents": PICKLE, "serialization": "pickle"}),
]


@pytest.mark.parametrize("path, body", PICKLED)
def test_pickles_are_refused_from_the_network(tmp_path, path, body):
    with start_node(tmp_path / "d", "--refuse-pickle", modules=[f"add={THINGS}:add"]) as running:
        answer = running.ask("POST", path, body, OWNER_TOKEN)
        assert answer.status == 415 and "refuse_pickle" in answer.json()["detail"]
        assert running.local("POST", path, body).status != 415
        plain = running.ask("POST", "/add/call?_bare=1", {"a": 1, "b": 2}, OWNER_TOKEN)
        assert plain.json() == 3
        assert running.local("PATCH", "/_gatehouse/v1/config", {"refuse_pickle": False}).status == 200
        assert running.ask("POST", path, body, OWNER_TOKEN).status != 415


def test_pickles_are_refused_for_one_module(tmp_path):
    config = tmp_path / "gatehouse.yaml"
    config.write_text(f"modules:\n  plain: {{file: {THINGS}, attr: add, refuse_pickle: true}}\n"
                      f"  add: {THINGS}:add\naudit_log: ./audit.log\n")
    body = {"data": PICKLE, "serialization": "pickle", "run_name": "r"}
    with start_node(tmp_path / "d", "--config", str(config)) as running:
        refused = running.ask("POST", "/pl%61in/call", body, OWNER_TOKEN)
        assert refused.status == 415 and "This module" in refused.json()["detail"]
        assert running.ask("POST", "/add/call", body, OWNER_TOKEN).status != 415
        assert running.local("POST", "/plain/call", body).status != 415
        assert running.ask("POST", "/plain/call?_bare=1", {"a": 1}, OWNER_TOKEN).json() == 3
        wait_until("the line", lambda: [line for line in lines(tmp_path / "audit.log")
                                        if line["denied"] == "pickle" and line["key"] == "plain"])
