# SPDX-License-Identifier: Apache-2.0
"""WSGI apps: each request runs in one of the threads that run calls. Source: PEP 3333."""

from __future__ import annotations

import io
import sys
from collections import deque
from threading import Condition, Lock
from urllib.parse import unquote_to_bytes

import _gatehouse

from . import apps

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Iterable, List, Optional, Tuple

RUNNING_MAX = 256
"""Requests that run at a time; the next ones wait their turn. Below the number of threads that calls
may have (baton.h), since these may all wait for their clients."""

_running = 0
_waiting: Deque[Exchange] = deque()
_lock = Lock()


class ClientGone(ConnectionError):
    """The client left; there is nobody to read for or write to."""


class Server:
    def __init__(self, app: Any) -> None:
        self.app = app

    def start(self) -> None:
        """WSGI has no lifespan."""

    def stop(self) -> None:
        pass

    def open(self, request: apps.Request) -> Optional[Callable[[], None]]:
        global _running
        exchange = Exchange(self.app, request)
        apps.exchanges[request.call_id] = exchange
        with _lock:
            if _running >= RUNNING_MAX:
                _waiting.append(exchange)
                return None
            _running += 1
        return exchange.run


def _next() -> Optional[Exchange]:
    """The exchange that a thread which has finished one takes on."""
    global _running
    with _lock:
        if _waiting:
            return _waiting.popleft()
        _running -= 1
        return None


class Exchange:
    """One request and its answer. on_* come from other threads and never wait."""

    def __init__(self, app: Any, request: apps.Request) -> None:
        self.app = app
        self.request = request
        self.changed = Condition(Lock())
        self.chunks: Deque[bytes] = deque()
        self.is_whole = not request.has_body
        self.is_gone = False
        self.read = 0  # bytes that the app took and the daemon does not know of
        self.under_way = 0  # bytes of the answer that the daemon's client has not taken
        self.head: Optional[Tuple[int, apps.Headers]] = None
        self.is_started = False
        self.drops_body = False
        self.left: Optional[int] = None  # bytes that Content-Length still wants

    # -- from the daemon

    def on_body(self, data: bytes, is_last: bool) -> None:
        with self.changed:
            if data:
                self.chunks.append(data)
            self.is_whole = is_last
            self.changed.notify_all()

    def on_gone(self) -> None:
        with self.changed:
            self.is_gone = True
            self.chunks.clear()
            self.changed.notify_all()

    def on_sent(self, count: int) -> None:
        with self.changed:
            self.under_way -= count
            self.changed.notify_all()

    def next_chunk(self) -> bytes:
        """More of the body; b"" at its end. Raises ClientGone."""
        with self.changed:
            while not (self.chunks or self.is_whole or self.is_gone):
                self.changed.wait()
            if self.is_gone:
                raise ClientGone("the client left in the middle of its request")
            chunk = self.chunks.popleft() if self.chunks else b""
            self.read += len(chunk)
            report, self.read = (self.read, 0) if self.read >= apps.STEP else (0, self.read)
        if report:
            apps.report_read(self.request.call_id, report)
        return chunk

    # -- the app

    def run(self) -> None:
        exchange: Optional[Exchange] = self
        while exchange is not None:
            exchange._run()
            exchange = _next()

    def _run(self) -> None:
        result: Any = None
        try:
            result = self.app(self._environ(), self.start_response)
            self._send_all(result)
            end, error = apps.WHOLE, None
        except BaseException as raised:  # SystemExit too: it ends this request only
            end, error = apps.BROKEN, raised
        error = self._close(result) or error
        apps.exchanges.pop(self.request.call_id, None)
        if self.is_gone or end is apps.WHOLE:
            if error is not None and not isinstance(error, ClientGone):
                apps.log_failure(self.request, error, "The WSGI app raised after its answer")
            _gatehouse.http(apps.HTTP_END, self.request.call_id, end, False)
        else:
            apps.answer_failed(self.request, error, "The WSGI app raised", self.is_started)

    def _close(self, result: Any) -> Optional[BaseException]:
        close = getattr(result, "close", None)
        if close is None:
            return None
        try:
            close()
        except BaseException as error:
            return error
        return None

    def _send_all(self, result: Iterable[bytes]) -> None:
        is_one = isinstance(result, (list, tuple)) and len(result) == 1
        for chunk in result:
            if is_one and self.head is not None and not self.is_started and self.left is None:
                self.left = len(chunk)
                self.head[1].append((b"content-length", b"%d" % len(chunk)))
            if chunk:
                self.write(chunk)
        self._send_head()
        if self.left and not self.drops_body:
            raise RuntimeError("The app sent fewer bytes than its Content-Length says.")

    def start_response(
        self, status: str, headers: List[Tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self.is_started:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.head is not None:
            raise RuntimeError("The app called start_response() twice.")
        made = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        code = int(status.split(" ", 1)[0])
        self.drops_body = apps.has_no_body(self.request.method, code)
        self.left = apps.length_of(made)
        self.head = (code, made)
        return self.write

    def _send_head(self) -> None:
        if self.is_started:
            return
        if self.head is None:
            raise RuntimeError("The app returned without calling start_response().")
        head = apps.head_of(*self.head)
        self.is_started = True
        _gatehouse.http(apps.HTTP_START, self.request.call_id, head, False)

    def write(self, data: bytes) -> None:
        """Send DATA, and wait while too much is under way. Raises ClientGone."""
        if not isinstance(data, bytes):
            raise TypeError("WSGI bodies are bytes, not %s" % type(data).__name__)
        self._send_head()
        if self.drops_body:
            return
        if self.left is not None:
            if len(data) > self.left:
                raise RuntimeError("The app sent more bytes than its Content-Length says.")
            self.left -= len(data)
        for at in range(0, len(data), apps.STEP):
            piece = data[at : at + apps.STEP]
            self._wait_for_room(len(piece))
            _gatehouse.http(apps.HTTP_DATA, self.request.call_id, piece, self.left != 0)

    def _wait_for_room(self, count: int) -> None:
        with self.changed:
            while self.under_way >= apps.WINDOW and not self.is_gone:
                self.changed.wait()
            if self.is_gone:
                raise ClientGone("the client left in the middle of its answer")
            self.under_way += count

    def _environ(self) -> Dict[str, Any]:
        request = self.request
        path = unquote_to_bytes(request.path).decode("latin-1")
        script = ("/" + request.key).encode().decode("latin-1")
        server = request.server or ("localhost", 0)
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": script,
            "PATH_INFO": path[len(script) :],
            "QUERY_STRING": request.query.decode("latin-1"),
            "REQUEST_URI": (
                request.path + (b"?" + request.query if request.query else b"")
            ).decode("latin-1"),
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "SERVER_PROTOCOL": "HTTP/" + request.version,
            "SERVER_SOFTWARE": "gatehouse",
            "REMOTE_ADDR": request.client[0] if request.client else "",
            "REMOTE_PORT": str(request.client[1]) if request.client else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.scheme,
            "wsgi.input": io.BufferedReader(_Input(self), apps.STEP),
            "wsgi.input_terminated": True,  # the end of the input is that of the body
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": _FileWrapper,
            "gatehouse.request_id": request.request_id,
        }
        _add_headers(environ, request.headers)
        return environ


def _add_headers(environ: Dict[str, Any], headers: apps.Headers) -> None:
    """HTTP_NAME and so on. Names with an underscore could pass for others, and are left out."""
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = "HTTP_" + name
        value = raw_value.decode("latin-1")
        if name in environ:
            value = environ[name] + ("; " if name == "HTTP_COOKIE" else ",") + value
        environ[name] = value


class _Input(io.RawIOBase):
    """wsgi.input below its buffer."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._exchange.next_chunk())
        count = min(len(self._rest), len(room))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _FileWrapper:
    """The blocks of a file, for apps that return wsgi.file_wrapper(file)."""

    def __init__(self, file: Any, block_bytes: int = apps.STEP) -> None:
        self._file = file
        self._block_bytes = block_bytes
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> _FileWrapper:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(self._block_bytes)
        if not block:
            raise StopIteration
        return block
