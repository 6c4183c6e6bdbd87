# SPDX-License-Identifier: Apache-2.0
"""A web app without a framework: gatehoused --module web=examples/web.py:app

    curl http://127.0.0.1:32300/web/                 a page
    curl http://127.0.0.1:32300/web/ticks            Server-Sent Events, one a second
    curl http://127.0.0.1:32300/web/size -T FILE     the size of what is sent, however large

Apps of frameworks are served the same way: --module shop=shop.py:app
"""
import asyncio
import time


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    path = scope["path"][len(scope["root_path"]) :]
    handler = {"/ticks": ticks, "/size": size}.get(path, page)
    await handler(scope, receive, send)


async def lifespan(receive, send):
    """Before the first request, and after the last: the place to load a model, or close a database."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send, text, content_type="text/plain; charset=utf-8"):
    headers = [(b"content-type", content_type.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def page(scope, receive, send):
    where = scope["root_path"]
    await answer(send, f'<a href="{where}/ticks">ticks</a>\n', "text/html; charset=utf-8")


async def ticks(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(60):
        event = f"data: {time.strftime('%H:%M:%S')}\n\n"
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await asyncio.sleep(1)
    await send({"type": "http.response.body"})


async def size(scope, receive, send):
    total, more = 0, True
    while more:
        message = await receive()
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, f"{total} bytes\n")
