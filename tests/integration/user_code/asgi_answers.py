# SPDX-License-Identifier: Apache-2.0
"""An ASGI app that answers as its URL says: /STATUS?length=N&header=NAME:VALUE&..."""
from __future__ import annotations

from urllib.parse import parse_qs


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    query = parse_qs(scope["query_string"].decode())
    headers = [tuple(part.encode() for part in line.split(":", 1)) for line in query.get("header", [])]
    length = int(query.get("length", ["0"])[0])
    if "chunked" not in query:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": int(scope["path"].rpartition("/")[2]),
                "headers": headers})
    await send({"type": "http.response.body", "body": b"b" * length})
