# SPDX-License-Identifier: Apache-2.0
"""A WSGI app without a framework; its first path segment below the key says what it does."""
from __future__ import annotations

import json
import threading
import time
from urllib.parse import parse_qs

SEEN: dict[str, object] = {"closed": 0, "events": []}
OK = "200 OK"


def show(environ, start_response):
    body = environ["wsgi.input"].read()
    shown = {k: v for k, v in environ.items() if isinstance(v, (str, bool, int, tuple))}
    shown["body"] = body.decode("latin-1")
    start_response(OK, [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]


def echo(environ, start_response):
    start_response(OK, [])
    while (data := environ["wsgi.input"].read(65536)):
        yield data


def lines(environ, start_response):
    start_response(OK, [])
    return [b"|".join(line.rstrip(b"\n") for line in environ["wsgi.input"])]


def count(environ, start_response):
    total = 0
    while data := environ["wsgi.input"].read(1 << 16):
        total += len(data)
    start_response(OK, [])
    return [b"%d" % total]


def writing(environ, start_response):
    write = start_response(OK, [])
    write(b"by ")
    write(b"write")
    return [b" and by iterable"]


class Closing:
    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        SEEN["closed"] += 1


def closing(environ, start_response):
    start_response(OK, [])
    return Closing([b"a", b"b"])


def forever(environ, start_response):
    start_response(OK, [])

    def pieces():
        while True:
            yield b"y" * 65536
    return Closing(pieces())


def ticks(environ, start_response):
    start_response(OK, [("Content-Type", "text/event-stream")])
    for _ in range(int(parse_qs(environ["QUERY_STRING"])["n"][0])):
        yield b"data: %.6f\n\n" % time.time()
        time.sleep(0.03)


def cookies(environ, start_response):
    start_response(OK, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Connection", "close"),
                        ("Transfer-Encoding", "chunked")])
    return [b"yes"]


def head(environ, start_response):
    start_response(OK, [("Content-Length", "5000")])
    return [b"z" * 5000]


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def boom(environ, start_response):
    raise ValueError("boom in the app")


def boom_late(environ, start_response):
    start_response(OK, [])
    yield b"first "
    raise ValueError("late boom in the app")


def replaced(environ, start_response):
    """The error answer that takes the place of one whose head is not out."""
    import sys

    start_response(OK, [])
    try:
        raise ValueError("never mind")
    except ValueError:
        start_response("503 Not Now", [("X-Why", "replaced")], sys.exc_info())
    return [b"later"]


def silent(environ, start_response):
    return [b"no head"]


def file(environ, start_response):
    start_response(OK, [])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


BARRIER = threading.Barrier(20)


def together(environ, start_response):
    """Answers when 20 of its kind are here: they run side by side."""
    BARRIER.wait(30)
    start_response(OK, [])
    return [b"together"]


def seen(environ, start_response):
    start_response(OK, [])
    return [json.dumps(SEEN).encode()]


def app(environ, start_response):
    name = environ["PATH_INFO"].split("/")[1] if "/" in environ["PATH_INFO"] else ""
    handler = globals().get(name or "show")
    if handler is None:
        start_response("404 Not Found", [])
        return [b"no such thing here"]
    return handler(environ, start_response)
