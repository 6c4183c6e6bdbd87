# SPDX-License-Identifier: Apache-2.0
"""A Den that does what a test says: users, tokens, levels, and faults that come and go while it runs.

It answers what a node asks about its callers (GET /user, GET /auth/token/cluster/URI, GET /resource/URI),
gives out the tokens for clusters that a client asks for, and counts every question. What a test changes
counts from the next question on. Source of the answers: den-api.jsonl and auth.jsonl of the recordings.
"""
from __future__ import annotations

import http.server
import json
import select
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from typing import Any, Callable, Iterable

from . import hygiene

ANSWER_S = 60.0

USER, VALID, LEVEL, TOKEN = "user", "valid", "level", "token"
KINDS = (USER, VALID, LEVEL, TOKEN)
"""Of questions: who is it, is the token good for this cluster, what may it do there; a client's: make one."""

PREFIXES = {"/auth/token/cluster/": VALID, "/resource/": LEVEL}
POSTS = ("/cluster/status", "/logs")
"""What servers send of themselves now and then."""


@dataclass(frozen=True)
class Question:
    kind: str
    token: str
    uri: str = ""

    def __repr__(self) -> str:
        return f"{self.kind} {self.uri} by ...{self.token[-6:]}"


Fault = Callable[["Handler"], bool]
"""Asked before the right answer is given; True: that was the answer."""


# -- faults -----------------------------------------------------------------------------------------

class Hang:
    """Questions wait until release(), and are answered rightly then, unless the node has left."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._released = False
        self.waiting = 0  # questions that came so far
        self.left = 0  # of them: the node hung up

    def __call__(self, handler: "Handler") -> bool:
        with self._condition:
            self.waiting += 1
            self._condition.notify_all()
        while not self._is_released():
            if handler.has_left():
                with self._condition:
                    self.left += 1
                    self._condition.notify_all()
                handler.close_connection = True
                return True
        return False

    def _is_released(self) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: self._released, 0.02)

    def release(self) -> None:
        with self._condition:
            self._released = True
            self._condition.notify_all()

    def await_questions(self, count: int = 1) -> None:
        self._await(lambda: self.waiting >= count, f"{count} questions")

    def await_left(self, count: int = 1) -> None:
        """Until the node has given up COUNT of them."""
        self._await(lambda: self.left >= count, f"{count} questions to be given up")

    def _await(self, true: Callable[[], bool], what: str) -> None:
        with self._condition:
            if not self._condition.wait_for(true, ANSWER_S):
                raise AssertionError(f"still waiting for {what}: {self.waiting} came, {self.left} left")


def reset(handler: "Handler") -> bool:
    """RST instead of an answer."""
    handler.hang_up(struct.pack("ii", 1, 0))
    return True


def close(handler: "Handler") -> bool:
    """The end of the stream instead of an answer."""
    handler.hang_up()
    return True


def half(handler: "Handler") -> bool:
    """A body that ends in its middle."""
    body = b'{"data": {"username": "somebody", "access_level": "write"}}'
    handler.head(200, len(body))
    handler.wfile.write(body[:len(body) // 2])
    handler.wfile.flush()
    handler.hang_up()
    return True


def drip(handler: "Handler") -> bool:
    """A body that begins and does not go on."""
    handler.head(200, 1000)
    handler.wfile.write(b'{"data": {')
    handler.wfile.flush()
    while not handler.has_left(0.02):
        pass
    handler.close_connection = True
    return True


def endless(handler: "Handler") -> bool:
    """A body that never ends, as fast as the node takes it."""
    handler.head(200, 1 << 40)
    try:
        handler.wfile.write(b'{"data": {"username": "somebody", "access_level": "write", "x": "')
        while not handler.has_left(0):
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass
    handler.close_connection = True
    return True


def no_http(handler: "Handler") -> bool:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.wfile.flush()
    handler.hang_up()
    return True


def says(status: int, body: Any, **headers: str) -> Fault:
    """Always this; BODY as JSON, bytes and text as they are."""
    def fault(handler: "Handler") -> bool:
        handler.answer(status, body, headers)
        return True
    return fault


def moved(to: str) -> Fault:
    """Elsewhere, where the token has no business."""
    return says(302, "", Location=to)


# -- the server -------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    @property
    def den(self) -> "FakeDen":
        return self.server.den

    def body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.den.hear((self.command, self.path, self.headers.get("Authorization") or "", body))
        return body

    def do_GET(self) -> None:
        self.body()
        question = self.question()
        if question is None:
            self.answer(404, {"detail": "Not Found"})
            return
        fault = self.den.note(question)
        if fault is None or not fault(self):
            self.answer(*self.den.answer(question))

    def do_POST(self) -> None:
        body = self.body()
        if self.path == "/auth/token/cluster":
            question = Question(TOKEN, self.token())
            fault = self.den.note(question)
            if fault is None or not fault(self):
                self.answer(*self.den.cluster_token(question.token, json.loads(body)))
        elif self.path.startswith("/resource/") and self.path.endswith(POSTS):
            self.answer(*self.den.take(self.token(), json.loads(body)))
        else:
            self.answer(404, {"detail": "Not Found"})

    def question(self) -> Question | None:
        if self.path == "/user":
            return Question(USER, self.token())
        for prefix, kind in PREFIXES.items():
            if self.path.startswith(prefix):
                return Question(kind, self.token(), self.path[len(prefix):])
        return None

    def token(self) -> str:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if scheme != "Bearer":
            self.den.strange(f"Authorization with the scheme {scheme!r} at {self.path}")
        return token

    def head(self, status: int, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, (bytes, str)) else json.dumps(body)
        data = text.encode() if isinstance(text, str) else text
        try:
            self.head(status, len(data), headers)
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def has_left(self, within_s: float = 0.0) -> bool:
        """Whether the node has hung up."""
        try:
            if not select.select([self.connection], [], [], within_s)[0]:
                return False
            if isinstance(self.connection, ssl.SSLSocket):
                return self.connection.recv(1) == b""
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def hang_up(self, linger: bytes | None = None) -> None:
        self.close_connection = True
        if linger:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.wfile.close = lambda: None  # there is nothing left to flush
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *values: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, den: "FakeDen", port: int):
        self.den = den
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self):
        connection, address = super().get_request()
        if self.den.tls:
            connection = self.den.tls.wrap_socket(connection, server_side=True,
                                                  do_handshake_on_connect=False)
        self.den.note_connection(connection)
        return connection, address

    def shutdown_request(self, request) -> None:
        self.den.forget_connection(request)
        try:
            super().shutdown_request(request)
        except OSError:
            pass

    def handle_error(self, request, client_address) -> None:
        pass  # the node hung up, or was made to


class FakeDen:
    """tls: the certificate's context; then it speaks HTTPS. Use as a context manager."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.tls = tls
        self.port = 0
        self.users: dict[str, str] = {}  # token -> name
        self.levels: dict[tuple[str, str], str] = {}  # (token, uri) -> level; "": any token that is known
        self.good: set[tuple[str, str]] = set()  # (token, uri): of the owner of uri
        self.asked: list[Question] = []
        self.heard: list[tuple[str, str, str, bytes]] = []  # method, path, Authorization, body
        self.oddities: list[str] = []
        self.made: dict[str, str] = {}  # token -> the token for clusters that it is given
        self.connections = 0
        self._faults: dict[str, Fault] = {}
        self._lasts: dict[str, int] = {}  # token -> questions until it expires
        self._lock = threading.Lock()
        self._open: set[Any] = set()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "FakeDen":
        self.open()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.shut()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._server = Server(self, self.port)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def shut(self) -> None:
        """Connections are refused from now on, and those that there are end."""
        if self._server is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # -- what it knows ------------------------------------------------------------------------------

    def knows(self, user: str, token: str, good_for: Iterable[str] = (), **levels: str) -> str:
        """USER with TOKEN; levels by the last part of the uri, for the folder `olga`. Returns the token."""
        hygiene.note(token)
        with self._lock:
            self.users[token] = user
            self.good |= {(token, uri) for uri in good_for}
            self.levels.update({(token, f"olga:{name}"): level for name, level in levels.items()})
        return token

    def forgets(self, token: str) -> None:
        """The token expired, or its user is gone."""
        with self._lock:
            self.users.pop(token, None)

    def expires(self, token: str, after: int) -> None:
        """The token is good for so many more questions."""
        with self._lock:
            self._lasts[token] = after

    def sets(self, token: str, uri: str, level: str | None) -> None:
        with self._lock:
            if level is None:
                self.levels.pop((token, uri), None)
            else:
                self.levels[token, uri] = level

    def fails(self, fault: Fault | None, *kinds: str) -> None:
        """Answer questions of KINDS (all) by FAULT; None: rightly again."""
        with self._lock:
            for kind in kinds or KINDS:
                self._faults.pop(kind, None)
                if fault is not None:
                    self._faults[kind] = fault

    # -- what it was asked --------------------------------------------------------------------------

    def questions(self, token: str | None = None) -> list[Question]:
        with self._lock:
            return [one for one in self.asked if token in (None, one.token)]

    def count(self, token: str | None = None) -> int:
        return len(self.questions(token))

    def strange(self, what: str) -> None:
        with self._lock:
            self.oddities.append(what)

    # -- for the handlers ---------------------------------------------------------------------------

    def hear(self, request: tuple[str, str, str, bytes]) -> None:
        with self._lock:
            self.heard.append(request)

    def note(self, question: Question) -> Fault | None:
        with self._lock:
            self.asked.append(question)
            if question.token in self._lasts:
                self._lasts[question.token] -= 1
                if self._lasts[question.token] < 0:
                    self.users.pop(question.token, None)
            return self._faults.get(question.kind)

    def note_connection(self, connection: Any) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)

    def forget_connection(self, connection: Any) -> None:
        with self._lock:
            self._open.discard(connection)

    def answer(self, question: Question) -> tuple[int, Any]:
        with self._lock:
            user = self.users.get(question.token)
            level = self.levels.get((question.token, question.uri)) or self.levels.get(("", question.uri))
            is_good = (question.token, question.uri) in self.good
        if question.kind == USER:
            return (200, {"data": {"username": user}}) if user else (401, {"detail": "Invalid token"})
        if question.kind == VALID:
            return (200, {"data": {}}) if user and is_good else (404, {"detail": "no"})
        if user and level:
            return 200, {"data": {"name": "/" + question.uri.replace(":", "/"), "access_level": level}}
        return 404, {"detail": "not found"}

    def take(self, token: str, _: dict) -> tuple[int, Any]:
        with self._lock:
            return (200, {"data": {}}) if token in self.users else (401, {"detail": "Invalid token"})

    def cluster_token(self, token: str, order: dict) -> tuple[int, Any]:
        """One for calls to clusters in that folder, with the same rights."""
        with self._lock:
            if token in self.made:
                return 200, {"data": {"token": self.made[token]}}
            user = self.users.get(token)
            if not user:
                return 401, {"detail": "Invalid token"}
            made = hygiene.note(f"ctok+{order['resource_address']}+{user}")
            self.users[made] = user
            self.levels.update({(made, uri): level for (of, uri), level in list(self.levels.items())
                                if of == token})
            self.good |= {(made, uri) for of, uri in list(self.good) if of == token}
        return 200, {"data": {"token": made}}
