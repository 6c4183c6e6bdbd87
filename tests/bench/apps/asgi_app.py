# SPDX-License-Identifier: Apache-2.0
"""The endpoints as a bare ASGI application: Granian ASGI."""
import asyncio

import plain


async def read_body(receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if scope["method"] == "POST":
        answer = plain.POSTS[path](await read_body(receive))
    elif path == "/concat":
        answer = plain.concat_get(scope["query_string"].decode("ascii"))
    else:
        await asyncio.sleep(0.005)
        answer = b'"slept"'
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"),
                            (b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})
