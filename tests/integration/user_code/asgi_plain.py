# SPDX-License-Identifier: Apache-2.0
"""An ASGI 3 app without a framework; its first path segment below the key says what it does."""
from __future__ import annotations

import asyncio
import json
import os
import sys
from urllib.parse import parse_qs

SEEN: dict[str, object] = {"events": []}


async def read_body(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


async def start(send, status=200, *headers):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def answer(send, status, body, *headers):
    await start(send, status, (b"content-length", b"%d" % len(body)), *headers)
    await send({"type": "http.response.body", "body": body})


async def show(scope, receive, send):
    body = await read_body(receive)
    shown = {k: scope[k] for k in ("type", "http_version", "method", "scheme", "path", "root_path",
                                   "client", "server", "state")}
    shown["raw_path"] = scope["raw_path"].decode("latin-1")
    shown["query_string"] = scope["query_string"].decode("latin-1")
    shown["headers"] = [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]]
    shown["body"] = body.decode("latin-1")
    shown["asgi"] = scope["asgi"]
    await answer(send, 200, json.dumps(shown).encode(), (b"content-type", b"application/json"))


async def echo(scope, receive, send):
    await start(send, 200, (b"content-type", b"application/octet-stream"))
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        await send({"type": "http.response.body", "body": message["body"],
                    "more_body": message["more_body"]})
        if not message["more_body"]:
            return


async def count(scope, receive, send):
    """The length of the body, which is read without being kept."""
    total = 0
    while True:
        message = await receive()
        total += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await answer(send, 200, b"%d" % total)


async def wait_then_count(scope, receive, send):
    """Reads nothing until somebody asks for /go_on."""
    SEEN["go_on"] = event = asyncio.Event()
    await event.wait()
    await count(scope, receive, send)


async def go_on(scope, receive, send):
    SEEN["go_on"].set()
    await answer(send, 204, b"")


async def flood(scope, receive, send):
    """?n=PIECES of 64 KiB each; says in SEEN how many were taken."""
    pieces = int(parse_qs(scope["query_string"].decode())["n"][0])
    await start(send, 200)
    for sent in range(pieces):
        SEEN["flood"] = sent
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body"})
    SEEN["flood"] = pieces


async def events(scope, receive, send):
    """Server-Sent Events: one for each SEEN["tell"], until the client leaves."""
    await read_body(receive)
    await start(send, 200, (b"content-type", b"text/event-stream"))
    SEEN["queue"] = queue = asyncio.Queue()
    SEEN["loop"] = asyncio.get_running_loop()
    await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
    leaving = asyncio.ensure_future(receive())
    while True:
        getting = asyncio.ensure_future(queue.get())
        await asyncio.wait([getting, leaving], return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            getting.cancel()
            SEEN["events"].append(leaving.result()["type"])
            return
        await send({"type": "http.response.body", "body": b"data: %s\n\n" % getting.result().encode(),
                    "more_body": True})


async def tell(scope, receive, send):
    """?text= for the one who listens to /events."""
    SEEN["queue"].put_nowait(parse_qs(scope["query_string"].decode())["text"][0])
    await answer(send, 204, b"")


async def ticks(scope, receive, send):
    """?n=EVENTS, 30 ms apart, each with the time it was sent."""
    import time

    await start(send, 200, (b"content-type", b"text/event-stream"))
    for _ in range(int(parse_qs(scope["query_string"].decode())["n"][0])):
        await send({"type": "http.response.body", "body": b"data: %.6f\n\n" % time.time(),
                    "more_body": True})
        await asyncio.sleep(0.03)
    await send({"type": "http.response.body"})


async def wait_gone(scope, receive, send):
    """Reads until the client is gone, and says so in SEEN."""
    SEEN["waits"] = True
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            SEEN["events"].append("gone")
            return


async def seen(scope, receive, send):
    await answer(send, 200, json.dumps({k: v for k, v in SEEN.items()
                                        if isinstance(v, (int, str, list, bool))}).encode())


async def cookies(scope, receive, send):
    await answer(send, 200, b"yes", (b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"),
                 (b"x-empty-ish", b" padded "), (b"connection", b"keep-alive, x-hop"),
                 (b"keep-alive", b"timeout=5"), (b"x-request-id", b"the-apps-own"))


async def status(scope, receive, send):
    code = int(scope["path"].rsplit("/", 1)[1])
    headers = [(b"etag", b'"v1"')]
    await start(send, code, *headers)
    await send({"type": "http.response.body", "body": b"a body that must not be sent with 204"})


async def head(scope, receive, send):
    """Content-Length of a body that a HEAD does not get."""
    await answer(send, 200, b"z" * 5000)


async def early(scope, receive, send):
    """Answers without reading the body."""
    await answer(send, 403, b"not you")


async def boom(scope, receive, send):
    raise ValueError("boom in the app")


async def boom_late(scope, receive, send):
    await start(send, 200)
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    raise ValueError("late boom in the app")


async def silent(scope, receive, send):
    """Returns without an answer."""


async def bad_header(scope, receive, send):
    await answer(send, 200, b"x", (b"x-bad", b"a\r\nX-Injected: 1"))


async def short(scope, receive, send):
    await start(send, 200, (b"content-length", b"10"))
    await send({"type": "http.response.body", "body": b"12345"})


async def long(scope, receive, send):
    await start(send, 200, (b"content-length", b"3"))
    await send({"type": "http.response.body", "body": b"12345"})


async def die(scope, receive, send):
    os.kill(os.getpid(), 9)


async def die_late(scope, receive, send):
    await start(send, 200)
    await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), 9)


async def printing(scope, receive, send):
    print("a line of the app's own")
    print("and one on stderr", file=sys.stderr)
    await answer(send, 200, b"printed")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                scope["state"]["started"] = "yes"
                await send({"type": "lifespan.startup.complete"})
            else:
                if os.environ.get("SHUTDOWN_FILE"):
                    with open(os.environ["SHUTDOWN_FILE"], "w") as file:
                        file.write("down")
                await send({"type": "lifespan.shutdown.complete"})
                return
    inner = scope["path"][len(scope["root_path"]):].split("/")
    handler = globals().get(inner[1] if len(inner) > 1 and inner[1] else "show")
    if handler is None or not asyncio.iscoroutinefunction(handler):
        await answer(send, 404, b"no such thing here")
        return
    await handler(scope, receive, send)


def make_app():
    return app


async def failing(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "the database is not there"})


async def raising(scope, receive, send):
    await receive()
    raise RuntimeError("no model file")


async def no_lifespan(scope, receive, send):
    assert scope["type"] == "http"
    await answer(send, 200, b"served without lifespan")


class Ambiguous:
    async def __call__(self, a, b, c):
        await c({"type": "http.response.start", "status": 200, "headers": []})
        await c({"type": "http.response.body", "body": b"I am one"})


ambiguous = Ambiguous()


def old_style(scope):
    raise AssertionError("never called")
