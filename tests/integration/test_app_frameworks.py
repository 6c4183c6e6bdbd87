# SPDX-License-Identifier: Apache-2.0
"""Apps of frameworks, served as they are."""
from __future__ import annotations

import pytest

from .gatehoused import USER_CODE, wait_until

pytestmark = pytest.mark.release_only("frameworks are all Python")

MIB = 1 << 20


@pytest.fixture
def serve(start_daemon):
    """serve(framework, *modules) -> a daemon; the test is skipped where the framework is not installed."""
    def start(framework: str, *modules: str):
        pytest.importorskip(framework)
        daemon = start_daemon(modules=[f"{name}={USER_CODE}/{rest}" for name, rest in
                                       (module.split("=", 1) for module in modules)])
        wait_until("the apps to be loaded", lambda: daemon.get("/readyz").status == 200)
        return daemon
    return start


def test_fastapi(serve):
    daemon = serve("fastapi", "shop=app_fastapi.py:app")
    answer = daemon.get("/shop/hello/you")
    assert answer.json() == {"text": "hello you", "model": "loaded",
                             "url": f"{daemon.url}/shop/hello/x"}
    assert daemon.post("/shop/items", {"name": "a", "price": 1.5}).json() == {"total": 3.0}
    assert daemon.post("/shop/items", {"name": "a"}).status == 422
    assert daemon.get("/shop/missing").json() == {"detail": "no such item"}
    assert daemon.get("/shop/numbers").body == b"0\n1\n2\n"
    assert daemon.request("PUT", "/shop/items").status == 405
    paths = daemon.get("/shop/openapi.json").json()["paths"]
    assert set(paths) == {"/hello/{name}", "/items", "/missing", "/numbers"}
    docs = daemon.get("/shop/docs")
    assert "/shop/openapi.json" in docs.text


def test_starlette_from_a_factory(serve):
    daemon = serve("starlette", "site=app_starlette.py:create_app()")
    assert daemon.get("/site/").json() == {"path": "/site/", "root": "/site"}
    assert daemon.get("/site").status in (200, 307)
    assert daemon.request("PUT", "/site/upload", b"x" * MIB).json() == {"bytes": MIB}
    answer = daemon.get("/site/old")
    assert (answer.status, answer.headers["location"]) == (307, f"{daemon.url}/site/")
    assert daemon.request("HEAD", "/site/").status == 200


def test_flask(serve):
    daemon = serve("flask", "old=app_flask.py:app")
    assert daemon.get("/old/").body == b"home of /old"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert daemon.request("POST", "/old/hello/you", b"a=1&b=%20", form).json() == {
        "name": "you", "url": "/old/hello/x", "form": {"a": "1", "b": " "}}
    assert daemon.get("/old/stream").body == b"0\n1\n2\n"
    assert daemon.request("PUT", "/old/upload", b"x" * MIB).json() == {"bytes": MIB}
    assert daemon.get("/old/none").status == 404


def test_django_both_ways(serve):
    daemon = serve("django", "new=app_django.py:asgi", "classic=app_django.py:wsgi")
    for key in ("new", "classic"):
        answer = daemon.request("POST", f"/{key}/hello/you", b"text")
        assert answer.json() == {"name": "you", "url": f"/{key}/hello/x",
                                 "path": f"/{key}/hello/you", "body": "text"}
        assert daemon.get(f"/{key}/none").status == 404
