# SPDX-License-Identifier: Apache-2.0
"""ASGI 3 apps: each request is a task on the process's event loop.

Flow control: an app that reads no body leaves it with the daemon, which stops reading from its
client; `send` waits while more than apps.WINDOW bytes of an answer are under way.
Source: the ASGI specification, HTTP and lifespan protocols, versions 2.3 and 2.0.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextvars import Context
from urllib.parse import unquote

import _gatehouse

from . import apps, asyncrun

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, Optional

STOP_S = 1.5
"""How long an app may take for its lifespan.shutdown; the daemon waits two seconds for us."""

_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class Server:
    """One app and its lifespan."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lifespan = Lifespan(app)

    def start(self) -> None:
        self.lifespan.start()

    def stop(self) -> None:
        self.lifespan.stop()

    def open(self, request: apps.Request) -> None:
        exchange = Exchange(self, request)
        apps.exchanges[request.call_id] = exchange
        exchange.loop.call_soon_threadsafe(exchange.begin, context=Context())


class Exchange:
    """One request and its answer. on_* are called from other threads, the rest runs on the loop."""

    def __init__(self, server: Server, request: apps.Request) -> None:
        self.server = server
        self.request = request
        self.loop = asyncrun.loop()
        self.task: Optional[asyncio.Task] = None
        self.chunks: Deque[bytes] = deque()
        self.is_whole = not request.has_body  # the whole body is in chunks, or was
        self.is_read = False  # the app has been told so
        self.read = 0  # bytes that the app took and the daemon does not know of
        self.is_gone = False
        self.news: Optional[asyncio.Event] = None  # before 3.10 an Event is made on its loop only
        self.head: Optional[bytes] = None  # of the answer; sent with the first piece of its body
        self.is_started = False  # it was sent
        self.is_over = False
        self.drops_body = False
        self.left: Optional[int] = None  # bytes that Content-Length still wants
        self.under_way = 0
        self.room: Optional[asyncio.Event] = None

    # -- from the daemon

    def on_body(self, data: bytes, is_last: bool) -> None:
        self.loop.call_soon_threadsafe(self._take_body, data, is_last)

    def on_gone(self) -> None:
        self.loop.call_soon_threadsafe(self._take_gone)

    def on_sent(self, count: int) -> None:
        self.loop.call_soon_threadsafe(self._take_sent, count)

    def _take_body(self, data: bytes, is_last: bool) -> None:
        if data:
            self.chunks.append(data)
        self.is_whole = is_last
        self._wake()

    def _take_gone(self) -> None:
        self.is_gone = True
        self.chunks.clear()
        self._wake()
        if self.room is not None:
            self.room.set()

    def _take_sent(self, count: int) -> None:
        self.under_way -= count
        if self.room is not None and self.under_way < apps.WINDOW:
            self.room.set()

    def _wake(self) -> None:
        if self.news is not None:
            self.news.set()

    # -- the app

    def begin(self) -> None:
        self.task = self.loop.create_task(self._run())

    def _scope(self) -> Dict[str, Any]:
        request = self.request
        return {
            "type": "http",
            "asgi": _VERSIONS,
            "http_version": request.version,
            "method": request.method,
            "scheme": request.scheme,
            "path": unquote(request.path.decode("ascii")),
            "raw_path": request.path,
            "query_string": request.query,
            "root_path": "/" + request.key,
            "headers": request.headers,
            "client": request.client,
            "server": request.server,
            "state": self.server.lifespan.state.copy(),
        }

    async def _run(self) -> None:
        error: Optional[BaseException] = None
        try:
            await self.server.app(self._scope(), self.receive, self.send)
        except BaseException as raised:  # SystemExit too: it must not end the loop
            error = raised
        if self.is_over:
            if error is not None and not self.is_gone:
                apps.log_failure(self.request, error, "The ASGI app raised after its answer")
            return
        self._end()
        if self.is_gone:
            _gatehouse.http(apps.HTTP_END, self.request.call_id, apps.BROKEN, True)
        else:
            what = "The ASGI app raised" if error else "The ASGI app returned without a whole answer"
            apps.answer_failed(self.request, error, what, self.is_started)

    def _end(self) -> None:
        self.is_over = True
        apps.exchanges.pop(self.request.call_id, None)
        self.chunks.clear()
        self._wake()

    async def receive(self) -> Dict[str, Any]:
        while True:
            if self.is_gone or self.is_over:
                return {"type": "http.disconnect"}
            if self.chunks:
                return self._body(self.chunks.popleft())
            if self.is_whole and not self.is_read:
                return self._body(b"")
            if self.news is None:
                self.news = asyncio.Event()
            self.news.clear()
            await self.news.wait()

    def _body(self, data: bytes) -> Dict[str, Any]:
        self.read += len(data)
        if self.read >= apps.STEP and not self.is_whole:
            apps.report_read(self.request.call_id, self.read)
            self.read = 0
        self.is_read = self.is_whole and not self.chunks
        return {"type": "http.request", "body": data, "more_body": not self.is_read}

    async def send(self, message: Dict[str, Any]) -> None:
        kind = message["type"]
        if self.is_over:
            if self.is_gone:
                return
            raise RuntimeError("The app sent %r after its answer was whole." % kind)
        if kind == "http.response.start" and self.head is None:
            self._start(message)
        elif kind == "http.response.body" and self.head is not None:
            await self._send_body(message.get("body") or b"", bool(message.get("more_body")))
        else:
            wanted = "http.response.start" if self.head is None else "http.response.body"
            raise RuntimeError("The app sent %r where %r was expected." % (kind, wanted))

    def _start(self, message: Dict[str, Any]) -> None:
        status = int(message["status"])
        headers = list(message.get("headers") or ())
        self.drops_body = apps.has_no_body(self.request.method, status)
        self.left = None if self.drops_body else apps.length_of(headers)
        self.head = apps.head_of(status, headers)

    async def _send_body(self, data: bytes, is_more: bool) -> None:
        if self.left is not None:
            self.left -= len(data)
            if self.left < 0 or (self.left > 0 and not is_more):
                raise RuntimeError(
                    "The app sent %s bytes than its Content-Length says."
                    % ("more" if self.left < 0 else "fewer")
                )
        if not self.is_started:
            self.is_started = True
            _gatehouse.http(apps.HTTP_START, self.request.call_id, self.head, False)
        if not self.drops_body:
            await self._send_pieces(bytes(data))
        if is_more or self.is_over:
            _gatehouse.flush()
            return
        self._end()
        _gatehouse.http(apps.HTTP_END, self.request.call_id, apps.WHOLE, True)

    async def _send_pieces(self, data: bytes) -> None:
        for at in range(0, len(data), apps.STEP):
            while self.under_way >= apps.WINDOW and not self.is_gone:
                _gatehouse.flush()
                if self.room is None:
                    self.room = asyncio.Event()
                self.room.clear()
                await self.room.wait()
            if self.is_gone:
                return
            piece = data[at : at + apps.STEP] if len(data) > apps.STEP else data
            self.under_way += len(piece)
            _gatehouse.http(apps.HTTP_DATA, self.request.call_id, piece, False)


class Lifespan:
    """lifespan.startup before the key is announced, lifespan.shutdown when the app goes.

    An app that raises before it takes lifespan.startup has no lifespan, and is served without; one
    that raises later, or sends lifespan.startup.failed, cannot be served.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state: Dict[str, Any] = {}
        self.is_ready = threading.Event()  # or has failed, or there is none
        self.is_done = threading.Event()
        self.has_begun = False  # the app took lifespan.startup
        self.has_started = False
        self.problem: Optional[str] = None
        self.messages: Optional[asyncio.Queue] = None
        self.task: Optional[asyncio.Task] = None

    def start(self) -> None:
        """Raises apps.NotAnApp."""
        asyncrun.loop().call_soon_threadsafe(self._begin, context=Context())
        self.is_ready.wait()
        if self.problem is not None:
            raise apps.NotAnApp("its startup failed: %s" % self.problem)

    def stop(self) -> None:
        """Wait at most STOP_S for its shutdown."""
        if self.has_started and not self.is_done.is_set():
            asyncrun.loop().call_soon_threadsafe(self._say, {"type": "lifespan.shutdown"})
            self.is_done.wait(STOP_S)

    def _begin(self) -> None:
        self.messages = asyncio.Queue()
        self._say({"type": "lifespan.startup"})
        self.task = asyncio.get_running_loop().create_task(self._run())

    def _say(self, message: Dict[str, Any]) -> None:
        assert self.messages is not None
        self.messages.put_nowait(message)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": dict(_VERSIONS, spec_version="2.0"), "state": self.state}
        try:
            await self.app(scope, self._receive, self._send)
        except BaseException as error:
            if self.has_started:
                apps.log_failure(None, error, "The ASGI app raised in its lifespan")
            elif self.has_begun and self.problem is None:
                self.problem = apps.one_line(error)
        finally:
            self.is_done.set()
            self.is_ready.set()

    async def _receive(self) -> Dict[str, Any]:
        assert self.messages is not None
        message = await self.messages.get()
        self.has_begun = True
        return message

    async def _send(self, message: Dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self.has_started = True
            self.is_ready.set()
        elif kind == "lifespan.startup.failed":
            self.problem = str(message.get("message") or "the app did not say why").strip()
            self.is_ready.set()
        elif kind == "lifespan.shutdown.failed":
            apps.log_failure(None, None, "The shutdown of an ASGI app failed: %s" % message.get("message"))
            self.is_done.set()
        elif kind == "lifespan.shutdown.complete":
            self.is_done.set()
