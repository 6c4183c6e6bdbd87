# SPDX-License-Identifier: Apache-2.0
"""What is taken for an app, and the frames of exchanges. The whole way: integration/test_apps.py."""

import functools

import pytest
from workerkit import standin
from gatehouse import apps, wsgi


async def asgi_function(scope, receive, send):
    pass


def wsgi_function(environ, start_response):
    return []


class AsgiApp:
    async def __call__(self, scope, receive, send):
        pass


class WsgiApp:
    def __call__(self, env, start_response):
        return []


class PepApp:
    """The iterable class of PEP 3333."""

    def __init__(self, environ, start_response):
        pass


def hidden(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def more(option, scope, receive, send):
    pass


class AsyncModule:
    async def __call__(self, a, b):
        pass


class Three:
    async def __call__(self, a, b, c):
        pass


class Flaskish:
    __module__ = "flask.app"

    def __call__(self, *args):
        pass


@pytest.mark.parametrize(
    "found, kind",
    [
        (asgi_function, "asgi"),
        (wsgi_function, "wsgi"),
        (AsgiApp(), "asgi"),
        (WsgiApp(), "wsgi"),
        (AsgiApp().__call__, "asgi"),
        (PepApp, "wsgi"),
        (hidden(asgi_function), "asgi"),
        (hidden(wsgi_function), "wsgi"),
        (functools.partial(more, "an option"), "asgi"),
        (AsyncModule(), None),
        (AsgiApp, None),
        (lambda a, b, c: None, None),
        (lambda environ: None, None),
        (len, None),
        (dict, None),
        ({"scope": 1}, None),
        (None, None),
    ],
)
def test_apps_are_told_by_their_parameters(found, kind):
    assert apps.kind_of(found) == kind


@pytest.mark.parametrize(
    "found, hint, text",
    [
        (lambda scope: None, "", "ASGI 2"),
        (Three(), "", "ATTR@asgi, ATTR@wsgi or"),
        (Flaskish(), "", "ATTR@asgi, ATTR@wsgi or"),
        (7, "asgi", "a int cannot be called"),
        (asgi_function, "http", "@http is no kind of app"),
    ],
)
def test_what_may_be_one_is_asked_about(found, hint, text):
    with pytest.raises(apps.NotAnApp, match=text):
        apps.kind_of(found, hint)


def test_what_was_said_holds():
    assert apps.kind_of(Three(), "asgi") == "asgi"
    assert apps.kind_of(Flaskish(), "wsgi") == "wsgi"
    assert apps.kind_of(asgi_function, "module") is None


HEAD = b"\1\0\2\0" + b"".join(
    text + b"\0"
    for text in b"app id-1 http 1.1 POST /app/x q=1 192.0.2.7 80".split() + [b"", b"", b"a", b"b", b"c", b""]
)


def test_the_head_of_a_request():
    request = apps.Request(7, HEAD)
    assert (request.has_body, request.key, request.method) == (True, "app", "POST")
    assert (request.path, request.query, request.version) == (b"/app/x", b"q=1", "1.1")
    assert (request.client, request.server) == (("192.0.2.7", 80), None)
    assert request.headers == [(b"a", b"b"), (b"c", b"")]


def test_the_head_of_an_answer():
    assert apps.head_of(200, []) == b"\xc8\0\0\0"
    assert apps.head_of(404, [(b"a", b" b "), (b"c", b"")]) == b"\x94\1\2\0a\0b\0c\0\0"
    for headers in ([(b"a", b"b\r\nc: d")], [(b"a\0", b"b")], [(b"a", b"b\0")]):
        with pytest.raises(ValueError):
            apps.head_of(200, headers)
    for status in (199, 600):
        with pytest.raises(ValueError):
            apps.head_of(status, [])


def test_an_unknown_key_is_a_404(w):
    del standin.sent[:]
    assert apps.on_request(7, HEAD) is None
    kinds = [entry[1] for entry in standin.sent if entry[0] == "http"]
    assert kinds == [apps.HTTP_START, apps.HTTP_DATA, apps.HTTP_END]
    assert b"Key app is no app." in standin.sent[1][3]


def test_more_wsgi_requests_than_may_run_wait_their_turn(w, monkeypatch):
    monkeypatch.setattr(wsgi, "RUNNING_MAX", 1)
    order = []

    def app(environ, start_response):
        order.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    server = wsgi.Server(app)
    requests = [
        apps.Request(number, HEAD.replace(b"/app/x", b"/app/%d" % number).replace(b"\1\0\2", b"\0\0\2"))
        for number in range(3)
    ]
    jobs = [server.open(request) for request in requests]
    assert jobs[1:] == [None, None]
    jobs[0]()
    assert order == ["/0", "/1", "/2"]
    assert wsgi._running == 0 and not apps.exchanges
