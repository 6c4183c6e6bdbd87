# SPDX-License-Identifier: Apache-2.0
"""Asking the daemon: HTTP/1.1 over the control socket that HELLO named.

User code that uses its own node (rh.here) is served here. Imported by the first such use, never at
start: a worker that asks nothing pays nothing. Connections are kept and shared by all threads; each
question has one for itself, so that no question waits for another. Source: docs/decisions/0007.
"""

from __future__ import annotations

import json
import os
import select
import socket
from _thread import get_ident
from http.client import HTTPException, HTTPResponse, RemoteDisconnected

import _gatehouse

from . import calls, serialize, streams
from .current import Process, request_var

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional

IDLE_MAX = 16
"""So many connections are kept between questions."""

SLOW_S = 0.02
"""How long an answer may take before `on_slow` is called."""

_JOIN_MAX_BYTES = 64 * 1024
"""A body up to this size goes out together with its head."""

_PICKLE_HEAD = b'{"data":"'
_PICKLE_TAIL = b',"output_type":"result_serialized","serialization":"pickle"}'

_idle: List[_Connection] = []
"""pop and append are atomic, so it needs no lock, and none can be held by a thread while another forks."""


class RemoteTraceback(Exception):
    """The cause of an error that was raised in another process: its traceback, as text."""

    def __init__(self, text: str) -> None:
        super().__init__("\n" + text.rstrip())


class Config(dict):
    """An answer that describes a resource instead of holding it."""


class _Connection:
    """One kept connection. Raises ConnectionError and other OSErrors."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(None)  # whatever user code set as default: calls have no time limit
        self.sock.connect(path)

    def is_open(self) -> bool:
        """False when the daemon has closed it meanwhile."""
        try:
            self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def send(self, head: bytes, body: bytes) -> None:
        if len(body) > _JOIN_MAX_BYTES:
            self.sock.sendall(head, socket.MSG_NOSIGNAL)
            head = b""
        self.sock.sendall(head + body, socket.MSG_NOSIGNAL)

    def answer(self, method: str) -> HTTPResponse:
        response = HTTPResponse(self.sock, method=method)
        response.begin()
        return response

    def is_slow(self) -> bool:
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(SLOW_S * 1000)

    def close(self) -> None:
        self.sock.close()


def _keep(connection: _Connection, response: HTTPResponse) -> None:
    """CONNECTION serves the next question, if its answer was read to the end."""
    if response.isclosed() and not response.will_close and len(_idle) < IDLE_MAX:
        _idle.append(connection)
    else:
        connection.close()


def _take_kept() -> Optional[_Connection]:
    """A kept connection that is still open, or None."""
    while True:
        try:
            connection = _idle.pop()
        except IndexError:
            return None
        if connection.is_open():
            return connection
        connection.close()


def _forget_all() -> None:
    """In a forked child: the connections are its parent's, which keeps its own descriptors of them."""
    while _idle:
        _idle.pop().close()


os.register_at_fork(after_in_child=_forget_all)


def _connect() -> _Connection:
    path = Process.control_socket
    if not path:
        raise ConnectionError(
            "The daemon of process %s named no control_socket when it started this worker, so code in "
            "it cannot reach the objects of other processes. Run a gatehoused and a gatehouse-worker "
            "of the same version." % Process.name
        )
    try:
        return _Connection(path)
    except OSError as error:
        raise ConnectionError(
            "The daemon does not answer at its control socket %s: %s" % (path, error)
        ) from error


def outer_call() -> int:
    """call_id of the request whose code runs in this thread or coroutine, 0 when none does."""
    call = streams.current_call()
    if call is not None:
        return call.call_id
    ident = get_ident()
    for call_id, thread in list(calls.running.items()):
        if thread == ident:
            return call_id
    return request_var.get()


def _head(method: str, target: str, length: int) -> bytes:
    """Names the call that the question is part of, so that the daemon gives both one request id."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: localhost"]
    outer = outer_call()
    if outer:
        lines.append("X-Gatehouse-Call: %d" % outer)
    if method != "GET":
        lines.append("Content-Type: application/json")
        lines.append("Content-Length: %d" % length)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _open(
    method: str, target: str, body: bytes, on_slow: Optional[Callable[[], None]] = None
) -> tuple:
    """(connection, response) of a question. Raises ConnectionError.

    A kept connection that turns out to be closed before a byte of the answer came is replaced once:
    the daemon closes idle ones, it never leaves a question that it took.
    """
    head = _head(method, target, len(body))
    while True:
        kept = _take_kept()
        connection = kept or _connect()
        try:
            connection.send(head, body)
            if on_slow is not None and connection.is_slow():
                on_slow()
            return connection, connection.answer(method)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            connection.close()
            if kept:
                continue
            raise ConnectionError("The daemon went away during %s %s." % (method, target)) from error
        except HTTPException as error:
            raise ConnectionError("%s %s: no HTTP answer: %r" % (method, target, error)) from error


def ask(
    method: str, target: str, body: bytes = b"", on_slow: Optional[Callable[[], None]] = None
) -> tuple:
    """(status, body) of the answer to METHOD TARGET.

    on_slow: called once when no answer has come after SLOW_S. Raises ConnectionError.
    """
    connection, response = _open(method, target, body, on_slow)
    try:
        content = response.read()
    except (HTTPException, OSError) as error:
        connection.close()
        raise ConnectionError("The daemon went away during %s %s." % (method, target)) from error
    _keep(connection, response)
    return response.status, content


def value(method: str, target: str, body: object = None) -> Any:
    """What the answer holds. body: JSON-able, or bytes that are JSON already. Raises what `decoded`
    raises.
    """
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    status, content = ask(method, target, body or b"")  # type: ignore[arg-type]
    return decoded(status, content, "%s %s" % (method, target.partition("?")[0]))


def decoded(status: int, content: bytes, question: str) -> Any:
    """The value in an answer of the daemon or a worker.

    Raises the exception that an exception envelope holds, PermissionError for 401 and 403,
    RuntimeError for any other status than 200. A `config` comes as a Config.
    """
    if status == 200 and content.startswith(_PICKLE_HEAD) and content.endswith(_PICKLE_TAIL):
        literal = memoryview(content)[len(_PICKLE_HEAD) - 1 : -len(_PICKLE_TAIL)]
        try:
            raw = _gatehouse.unbase64(literal)
        except ValueError:
            raw = None  # "data" was an object whose first member begins with a text
        if raw is not None:
            return serialize.loads_pickle(raw)
    try:
        answer = json.loads(content.decode("utf-8"))
    except ValueError:
        answer = {"detail": content[:300].decode("utf-8", "replace")}
    if status != 200:
        detail = answer.get("detail") if isinstance(answer, dict) else answer
        kind = PermissionError if status in (401, 403) else RuntimeError
        raise kind("%s was answered with status %d: %s" % (question, status, detail))
    if not (isinstance(answer, dict) and "output_type" in answer):
        return answer
    return _unwrapped(answer)


def _unwrapped(answer: Dict[str, Any]) -> Any:
    kind, data, form = answer["output_type"], answer.get("data"), answer.get("serialization")
    if kind == "exception":
        raise _error(data, form)
    if kind == "config":
        return Config(data) if isinstance(data, dict) else data
    if kind == "result_serialized" and form == "pickle":
        import base64

        return serialize.loads_pickle(base64.b64decode(data))
    if kind == "result_serialized" and form == "json":
        return json.loads(data)
    return data


def _error(data: Any, form: Optional[str]) -> BaseException:
    """The exception of an envelope, with the traceback of the other process as its cause."""
    import base64

    text = str(data.get("exception_as_str") or "")
    trace = str(data.get("traceback") or text)
    error: object = None
    if form == "pickle":
        try:
            error = serialize.loads_pickle(base64.b64decode(data["error"]))
        except Exception as problem:
            error = RuntimeError("%s (its class cannot be loaded here: %s)" % (text, problem))
    if not isinstance(error, BaseException):
        error = RuntimeError(str(data.get("error") or text))
    error.__cause__ = RemoteTraceback(trace)
    return error


def lines(target: Dict[str, Any]) -> Iterator[List[str]]:
    """The log lines of a run as they come, in the batches that they come in.

    target: what /logs takes, {"run_name": ..., "key" or "process" or "node_ip_or_idx": ...}.
    Raises what `decoded` raises.
    """
    connection, response = _open("POST", "/logs", json.dumps(target).encode())
    try:
        if response.status != 200:
            decoded(response.status, response.read(), "POST /logs")
        while True:
            try:
                line = response.readline()
            except (HTTPException, OSError):
                return  # the daemon left; whoever waits for the run itself is told so
            if not line:
                return
            answer = json.loads(line)
            if answer["output_type"] in ("stdout", "stderr"):
                data = answer["data"]
                yield [data] if isinstance(data, str) else data
            elif answer["output_type"] == "exception":
                raise _error(answer["data"], answer.get("serialization"))
    finally:
        _keep(connection, response)
