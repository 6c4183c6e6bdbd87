# SPDX-License-Identifier: Apache-2.0
"""The pages /docs and /redoc, and the files that they load."""
from __future__ import annotations

import html
import re
import shutil

import pytest

from . import gatehoused
from .gatehoused import BUILD

PAGES = ["/docs", "/redoc", "/concat/docs", "/concat/redoc"]
TYPES = {
    "openapi.json": "application/json",
    "page.css": "text/css; charset=utf-8",
    "redoc.js": "text/javascript; charset=utf-8",
    "redoc.standalone.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger.js": "text/javascript; charset=utf-8",
}
ASSETS = "/_gatehouse/assets/"

needs_viewers = pytest.mark.skipif(
    not (BUILD / "assets/redoc.standalone.js").exists(),
    reason="this build is without the viewers: run tools/get-browser-assets and configure again")


def loaded(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/_gatehouse[^"]*)"', page)


@needs_viewers
@pytest.mark.parametrize("path", PAGES)
def test_page_is_complete_and_strict(daemon, path):
    answer = daemon.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.strip().partition(" ")[::2]
                  for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert not re.search("unsafe|https?:|\\*", answer.headers["content-security-policy"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?! src=)|\son\w+=|<style|style=|https?:", answer.text)
    assert f'data-document="{path.rpartition("/")[0]}/openapi.json"' in answer.text
    assert len(loaded(answer.text)) >= 3
    for url in loaded(answer.text):
        assert daemon.get(url).status == 200


@needs_viewers
@pytest.mark.parametrize("path", PAGES)
def test_head_and_slash_at_the_end(daemon, path):
    whole = daemon.get(path)
    assert daemon.get(path + "/").body == whole.body
    head = daemon.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


@needs_viewers
@pytest.mark.parametrize("segment, key, url", [
    ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", None, None),  # a slash in it
    ("%3Cscript%3Ealert(1)%3Cbr%3E", "<script>alert(1)<br>", "/%3Cscript%3Ealert%281%29%3Cbr%3E"),
    ("%22onload=x", '"onload=x', "/%22onload%3Dx"),
    ("\\evil.example", "\\evil.example", "/%5Cevil.example"),
    ("%5Cevil.example", "\\evil.example", "/%5Cevil.example"),
    ("a%26b'c", "a&b'c", "/a%26b%27c"),
    ("%C3%BC", "ü", "/%C3%BC"),
])
def test_key_stays_a_name(daemon, segment, key, url):
    answer = daemon.get(f"/{segment}/docs")
    if key is None:
        assert answer.status == 404
        return
    title = re.search("<title>(.*?) - Swagger UI</title>", answer.text).group(1)
    assert html.unescape(title) == key
    assert not re.search("[<>\"']", title)
    assert f'data-document="{url}/openapi.json"' in answer.text


@needs_viewers
@pytest.mark.parametrize("name", sorted(TYPES))
def test_asset(daemon, name):
    answer = daemon.get(ASSETS + name)
    assert (answer.status, answer.headers["content-type"]) == (200, TYPES[name])
    assert answer.body == (BUILD / "assets" / name).read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    head = daemon.request("HEAD", ASSETS + name)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.body))
    same = daemon.get(ASSETS + name, {"If-None-Match": answer.headers["etag"]})
    assert (same.status, same.body) == (304, b"")
    assert same.headers["etag"] == answer.headers["etag"]
    assert daemon.get(ASSETS + name, {"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("name", [
    "", "nothing.js", "redoc.LICENSE", ".", "..", "../gatehoused", "..%2fgatehoused", "%2e%2e/gatehoused",
    "..%5cgatehoused", "page.css%00", "page.css/x", "/page.css", "PAGE.CSS", "page%2ecss", "%70age.css"])
def test_nothing_else_is_an_asset(daemon, name):
    answer = daemon.get(ASSETS + name)
    assert answer.status in (400, 404), answer
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", ASSETS + "page.css"])
def test_only_reading(daemon, path):
    answer = daemon.post(path, {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_pages_of_a_build_without_viewers(start_daemon, tmp_path, monkeypatch):
    """The documents are there all the same, and the pages say what is missing."""
    build = tmp_path / "build"
    (build / "assets").mkdir(parents=True)
    shutil.copy(BUILD / "gatehoused", build)
    for name in ("gatehouse-worker", "modules"):
        (build / name).symlink_to(BUILD / name)
    for name in ("openapi.json", "page.css", "swagger.js", "redoc.js"):
        shutil.copy(BUILD / "assets" / name, build / "assets")
    monkeypatch.setattr(gatehoused, "BUILD", build)
    daemon = start_daemon()
    for path in PAGES:
        answer = daemon.get(path)
        assert answer.status == 404
        assert "built without" in answer.json()["detail"]
    assert daemon.get("/openapi.json").status == 200
    assert daemon.get(ASSETS + "page.css").status == 200
    assert daemon.get(ASSETS + "redoc.standalone.js").status == 404


@needs_viewers
def test_slow_reader_of_an_asset_stops_nobody(daemon):
    with daemon.connect() as client:
        client.sendall(b"GET /_gatehouse/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert daemon.get("/check").status == 200
