# SPDX-License-Identifier: Apache-2.0
"""A daemon that checks callers, and callers of all kinds."""
from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping

from . import hygiene
from .gatehoused import ANSWER_S, USER_CODE, Answer, Gatehoused

OWNER_TOKEN = hygiene.note("the-owners-own-token-8d1f")
OWNER = "olga"
WRONG_TOKEN = hygiene.note("gh_no-such-token")

_sources = itertools.count(10)


def new_source() -> str:
    """A client address that has presented no wrong token yet: each counts its own."""
    number = next(_sources)
    return f"127.1.{number // 250}.{number % 250 + 1}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def _exchange(connection, method: str, path: str, body: Any, headers: dict) -> Answer:
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            headers = {"Content-Type": "application/json", **headers}
        connection.request(method, path, data, {"Connection": "close", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass
class Node:
    """A running daemon, asked by whoever a test says."""

    daemon: Gatehoused
    tokens: dict[str, str] = field(default_factory=dict)  # name -> text

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None,
            source: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """By the port, with TOKEN (its text), from the address SOURCE."""
        connection = http.client.HTTPConnection(
            self.daemon.host, self.daemon.port, timeout=ANSWER_S,
            source_address=(source, 0) if source else None)
        extra = {"Authorization": f"Bearer {hygiene.note(token)}"} if token is not None else {}
        return _exchange(connection, method, path, body, {**extra, **(headers or {})})

    @property
    def socket_path(self) -> Path:
        return self.daemon.folder / "state" / f"control-{self.daemon.port}.sock"

    def local(self, method: str, path: str, body: Any = None,
              headers: Mapping[str, str] | None = None) -> Answer:
        """By the control socket."""
        answer = _exchange(_UnixConnection(self.socket_path), method, path, body, dict(headers or {}))
        if path.endswith("/tokens") and method == "POST" and answer.status == 200:
            hygiene.note(answer.json()["token"])
        return answer

    def stop(self) -> None:
        assert not hygiene.look_at_processes(self.daemon.pid)
        assert not self.daemon.trouble(), "\n".join(self.daemon.trouble())
        self.daemon.stop()
        assert not self.daemon.trouble(), "\n".join(self.daemon.trouble())

    def kill_and_start_again(self) -> None:
        """With the same folders, options and environment."""
        self.daemon.kill()
        self.daemon.start()

    def create(self, name: str, access: str, module: str | None = None, **more: Any) -> dict:
        """A token for NAME, which is then also in `tokens`."""
        body = {"user": name, "access": access, "module": module, **more}
        answer = self.local("POST", "/_gatehouse/v1/tokens", body)
        assert answer.status == 200, answer
        self.tokens[name] = answer.json()["token"]
        return answer.json()

    def put(self, name: str, attribute: str, visibility: str = "private") -> None:
        """Deploy a function of user_code/things.py, as the owner."""
        config = {"name": f"/{OWNER}/{name}", "resource_type": "function",
                  "resource_subtype": "Function", "visibility": visibility, "system": None,
                  "process": "default_process", "fn_pointers": [str(USER_CODE), "things", attribute]}
        answer = self.local("POST", "/resource", {"serialized_data": [config, None, True]})
        assert (answer.status, answer.json()) == (200, name), answer


@contextlib.contextmanager
def node(folder: Path, *args: str, owner: bool = True, auth: bool = True, **options: Any) -> Iterator[Node]:
    """A Node; its end is looked at as that of all daemons is."""
    env = {**({"RH_TOKEN": OWNER_TOKEN, "RH_USERNAME": OWNER} if owner else {}),
           **options.pop("env", {})}
    daemon = Gatehoused(folder, args=[*(["--use-den-auth"] if auth else []), *args], env=env, **options)
    running = Node(daemon.start(), {"owner": OWNER_TOKEN} if owner else {})
    try:
        yield running
        running.stop()
    except BaseException:
        print(f"\n--- log of gatehoused ---\n{daemon.log()[-20000:]}")
        raise
    finally:
        running.daemon.kill()
