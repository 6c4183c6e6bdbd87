# SPDX-License-Identifier: Apache-2.0
"""Forwarded and X-Forwarded-* count when they come from a trusted proxy, and are a client's own words otherwise."""
from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from .configured import change
from .gatehoused import USER_CODE, Gatehoused, wait_until
from .raw import CLOSE_S, Wire, head

DAEMON_OPTIONS = {"modules": [f"a={USER_CODE}/asgi_plain.py:app"],
                  "args": ["--trusted-proxies", "127.0.0.1, 10.0.0.0/8", "--allowed-hosts", "node.example"]}


def shown(daemon: Gatehoused, *headers: str) -> dict:
    """What an app is told of a request with these headers."""
    wait_until("the app", lambda: daemon.get("/readyz").status == 200)
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", "/a/show", *headers))
        answer = wire.read_answer()
    assert answer.status == 200, answer
    return json.loads(answer.body)


def status_of(daemon: Gatehoused, *headers: str) -> int:
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", "/check", *headers))
        return wire.read_answer().status


@pytest.mark.parametrize("headers, client, scheme", [
    (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9", "http"),
    (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"], "203.0.113.9", "https"),
    (["X-Forwarded-For: 198.51.100.1, 203.0.113.9"], "203.0.113.9", "http"),
    (["X-Forwarded-For: 203.0.113.9, 10.1.2.3"], "203.0.113.9", "http"),
    (["X-Forwarded-For: 2001:db8::9"], "2001:db8::9", "http"),
    (['Forwarded: for="[2001:db8::9]:99";proto=https'], "2001:db8::9", "https"),
    (["Forwarded: for=198.51.100.1, for=203.0.113.9;proto=https, for=10.0.0.1;proto=http"], "203.0.113.9", "https"),
    (["Forwarded: for=203.0.113.9", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9", "http"),
    (["Forwarded: for=unknown;proto=https"], "127.0.0.1", "https"),
    ([], "127.0.0.1", "http"),
])
def test_a_trusted_proxy_is_believed(daemon, headers, client, scheme):
    scope = shown(daemon, *headers)
    assert (scope["client"][0], scope["scheme"]) == (client, scheme)
    assert scope["server"] == ["127.0.0.1", daemon.port]


@pytest.mark.parametrize("args", [[], ["--trusted-proxies", "10.0.0.0/8,unix"]], ids=["nobody", "others"])
def test_nobody_else_is(start_daemon, args):
    daemon = start_daemon(inspect=False, modules=DAEMON_OPTIONS["modules"], args=args)
    for headers in (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"],
                    ["Forwarded: for=203.0.113.9;proto=https"]):
        scope = shown(daemon, *headers)
        assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")
    assert status_of(daemon, "Forwarded: not=\"at all", "X-Forwarded-For: x") == 200


@pytest.mark.parametrize("headers", [
    ["Forwarded: for=203.0.113.9;for=203.0.113.8"], ['Forwarded: for="203.0.113.9'], ["Forwarded: x"],
    ["Forwarded: for=203.0.113.9", "X-Forwarded-For: 198.51.100.1"],
    ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: a/b"]])
def test_what_makes_no_sense_is_400(daemon, headers):
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", "/check", *headers))
        answer = wire.read_answer()
        assert answer.status == 400
        assert "prox" in json.loads(answer.body)["detail"]
        assert wire.ends_within(CLOSE_S)


def test_a_browser_is_held_to_the_name_that_it_used(daemon):
    """The proxy may ask by any name of its own."""
    browser = "User-Agent: Mozilla/5.0"
    assert status_of(daemon, browser, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: node.example") == 200
    assert status_of(daemon, browser, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: evil.example") == 403
    assert status_of(daemon, browser, "Forwarded: for=203.0.113.9;host=evil.example") == 403
    assert status_of(daemon, browser, "Forwarded: for=203.0.113.9;host=\"node.example:443\"") == 200


def test_pages_of_the_name_that_was_used_are_our_own(daemon):
    for origin, status in (("https://node.example", 200), ("https://evil.example", 403)):
        assert status_of(daemon, f"Origin: {origin}", "X-Forwarded-Host: node.example",
                         "X-Forwarded-Proto: https") == status


@pytest.mark.parametrize("trusted, client", [("unix", ["203.0.113.9", 0]), ("127.0.0.1", None)])
def test_a_proxy_on_a_unix_socket(start_daemon, trusted, client):
    folder = tempfile.mkdtemp(prefix="gh-unix-")  # short: a socket's name may have 107 bytes
    daemon = start_daemon(inspect=False, modules=DAEMON_OPTIONS["modules"], args=[
        "--listen", f"unix:{folder}/door.sock", "--trusted-proxies", trusted])
    wait_until("the app", lambda: daemon.get("/readyz").status == 200)
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(f"{folder}/door.sock")
        door.sendall(head(daemon, "GET", "/a/show", "X-Forwarded-For: 203.0.113.9", "Connection: close"))
        answer = b"".join(iter(lambda: door.recv(65536), b""))
    shutil.rmtree(folder)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["client"] == client


def test_the_audit_log_has_the_client(start_daemon, tmp_path: Path):
    log = tmp_path / "audit.log"
    daemon = start_daemon(args=["--trusted-proxies", "127.0.0.1", "--audit-log", str(log)])
    daemon.get("/keys", {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    entries = wait_until("the entry", lambda: log.exists() and [
        entry for entry in map(json.loads, log.read_text().splitlines()) if entry["address"] == "203.0.113.9"])
    assert entries[0]["route"] == "/keys"


def test_wrong_tokens_count_for_the_client(start_daemon):
    daemon = start_daemon(inspect=False, args=["--trusted-proxies", "127.0.0.1", "--use-den-auth"],
                          env={"RH_TOKEN": "right"})

    def guess(address: str) -> int:
        return daemon.get("/keys", {"X-Forwarded-For": address, "Authorization": "Bearer wrong"}).status
    while guess("203.0.113.9") != 429:
        pass
    assert guess("203.0.113.10") == 403


def test_the_list_can_change_while_it_runs(start_daemon):
    daemon = start_daemon(modules=DAEMON_OPTIONS["modules"])
    header = "X-Forwarded-For: 203.0.113.9"
    assert shown(daemon, header)["client"][0] == "127.0.0.1"
    assert change(daemon, trusted_proxies="127.0.0.0/8")[0] == 200
    assert shown(daemon, header)["client"][0] == "203.0.113.9"


@pytest.mark.parametrize("value", ["localhost", "10.0.0.0/33", "127.0.0.1,,", "unix/1"])
def test_a_bad_list_is_told_at_the_start(tmp_path, value):
    done = Gatehoused(tmp_path, args=["--trusted-proxies", value]).run_to_exit()
    assert done.returncode == 78
    assert "trusted_proxies" in done.stderr and "no address" in done.stderr
