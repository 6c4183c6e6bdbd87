# SPDX-License-Identifier: Apache-2.0
"""Tokens are nowhere: not in logs at any level, in answers, state, arguments, environments, or a core dump.

What all other tests leave behind is looked through too, by hygiene.no_token_is_left.
"""
from __future__ import annotations

import os
import re
import resource
import signal
from pathlib import Path

import pytest

from . import fake_den, hygiene
from .auth_kit import OWNER_TOKEN, WRONG_TOKEN, new_source
from .den_kit import URI, cold, den_node
from .fake_den import FakeDen, says
from .gatehoused import USER_CODE, wait_until

THINGS = USER_CODE / "things.py"
OTHER_SECRET = "also-a-secret-of-the-environment"
"""Stays in the daemon's own environment, and is given to no one."""


@pytest.fixture
def den():
    with FakeDen() as running:
        yield running


def use(node, den, token: str) -> list[str]:
    """Ask all kinds of things with TOKEN, rightly and wrongly; the answers, heads and bodies."""
    answers = []
    for method, path, body in (("GET", "/status", None), ("GET", "/keys", None),
                               ("POST", "/add/call", {"data": {"args": ["x", {}]}}),
                               ("POST", "/boom/call", {}), ("POST", "/settings", {"den_auth": 5}),
                               ("POST", "/logs", {"key": "add", "run_name": "none"}),
                               ("GET", "/page/a", None), ("GET", "/add/openapi.json", None),
                               ("GET", "/nowhere", None), ("POST", "/run_bash", {})):
        for header in (f"Bearer {token}", token, f"Basic {token}"):
            answer = node.ask(method, path, body, source=new_source(), headers={"Authorization": header})
            answers += [answer.text, repr(answer.headers)]
    return answers


def test_tokens_are_nowhere(tmp_path, den):
    page = tmp_path / "page.py"
    page.write_text("def page(environ, start_response):\n"
                    "    start_response('200 OK', [])\n"
                    "    return [repr(sorted(environ.items(), key=str)).encode()]\n")
    env = {"GATEHOUSE_TOKEN": OTHER_SECRET}
    modules = [f"add={THINGS}:add", f"boom={THINGS}:boom", f"page={page}:page@wsgi"]
    with den_node(tmp_path / "d", den, "--log-level", "DEBUG", "--audit-log", str(tmp_path / "audit.log"),
                  "--logs-wait-ms", "0", modules=modules, env=env) as node:
        tokens = [OWNER_TOKEN, node.create("ann", "read")["token"], WRONG_TOKEN, cold(den, box="read"),
                  cold(den, box="write"), cold(den, (URI,)), cold(den, private_fn="read"), cold(den),
                  hygiene.note("a-token-that-nobody-knows")]
        answers = [text for token in tokens for text in use(node, den, token)]
        for fault in (says(500, "no"), fake_den.half, fake_den.reset, says(200, '{"data": 5}')):
            den.fails(fault)
            for token in (cold(den, box="read"), tokens[3]):
                tokens.append(token)
                answers += use(node, den, token)
        den.fails(None)
        answers += [node.local("GET", path).text for path in (
            "/status", "/_gatehouse/v1/config", "/_gatehouse/v1/tokens", "/_gatehouse/v1/node")]
        for command, other in (("env", [OTHER_SECRET]), ("tr '\\0' '\\n' < /proc/$PPID/environ", [])):
            shown = node.local("POST", "/run_bash", {"command": command, "require_outputs": True}).text
            assert "HOME=" in shown and not [token for token in [*tokens, *other] if token in shown]
        assert not [text for text in answers if any(token in text for token in [*tokens, OTHER_SECRET])]
        assert not hygiene.leaks(tmp_path, [*tokens, OTHER_SECRET])
        assert not hygiene.look_at_processes(node.daemon.pid, tokens)
        for pid in hygiene.descendants(node.daemon.pid):
            assert not hygiene.look_at_processes(pid, [OTHER_SECRET])


def test_files_are_looked_at(tmp_path):
    """What looks for tokens finds them."""
    token = "found-by-the-test-5120"
    for name in ("gatehoused.log", "audit.log.1", "state/tokens.db-wal", "home/core.5"):
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\0" + token.encode() + b"\n")
    (tmp_path / "d" / "home" / ".rh").mkdir()
    (tmp_path / "d" / "home" / ".rh" / "config.yaml").write_text(f"token: {token}\n")
    found = hygiene.leaks(tmp_path, [token])
    assert len(found) == 4 and all("byte 2: ...5120" in line and token not in line for line in found)
    with open("/proc/self/environ", "rb") as own:
        some = re.search(rb"=(\S{10,})\0", own.read())
    assert hygiene.look_at_processes(os.getpid(), [some.group(1).decode("utf-8", "replace")])


def test_core_holds_no_token(tmp_path, den):
    """A daemon that crashes while requests with tokens are open leaves none of them behind."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("no core dumps are allowed here")
    unlimited = ["sh", "-c", 'ulimit -c "$(ulimit -H -c)" && exec "$@"', "sh"]
    with den_node(tmp_path / "d", den, wrapper=unlimited, modules=[f"add={THINGS}:add"]) as node:
        tokens = [OWNER_TOKEN, node.create("ann", "read")["token"], cold(den, box="read")]
        for token in tokens:
            assert node.ask("POST", "/add/call?_bare=1", {"a": 1}, token).json() == 3
        with node.daemon.connect() as client:
            client.sendall(f"GET /keys HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tokens[0]}\r\n".encode())
            assert node.daemon.get("/check").status == 200
            node.daemon.signal(signal.SIGABRT)
            assert node.daemon.wait() == -signal.SIGABRT
        wait_until("the workers to end", lambda: not hygiene.descendants(node.daemon.pid))
        for core in (tmp_path / "d" / "home").glob("core*"):
            matcher = re.compile(b"|".join(re.escape(token.encode()) for token in tokens))
            held = matcher.search(core.read_bytes())
            core.unlink()
            assert not held, "a token is in the core"
        node.daemon.start()


def core_filter(pid: int | str) -> int:
    return int(Path(f"/proc/{pid}/coredump_filter").read_text(), 16)


def test_core_of_the_daemon_has_no_memory_in_it(tmp_path, den):
    """Requests come by there with their tokens; a worker, which sees none, can be looked into after a crash."""
    with den_node(tmp_path / "d", den) as node:
        assert core_filter(node.daemon.pid) == 0
        wait_until("a worker that has begun", lambda: any(
            core_filter(worker) == core_filter("self") for worker in hygiene.descendants(node.daemon.pid)))
