# SPDX-License-Identifier: Apache-2.0
"""Real proxies in front: nginx, HAProxy, Caddy. Whole and streamed bodies, addresses, many calls at once."""
from __future__ import annotations

import concurrent.futures
import gzip
import http.client
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from .gatehoused import ANSWER_S, STOP_S, USER_CODE, wait_until
from .ports import free_port

DAEMON_OPTIONS = {"modules": [f"a={USER_CODE}/asgi_plain.py:app", f"concat={USER_CODE}/things.py:concat"],
                  "args": ["--trusted-proxies", "127.0.0.1"]}
PLACES = "/usr/local/sbin:/usr/sbin:/sbin"

NGINX = """daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1; user root;
events {{ worker_connections 256; }}
http {{
    access_log off; client_max_body_size 0; {temporary}
    upstream node {{ server 127.0.0.1:{node}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://node; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
            proxy_set_header Host $http_host; proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"""
HAPROXY = """global
    maxconn 256
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    option forwardfor
    http-reuse always
frontend door
    bind 127.0.0.1:{port}
    http-request set-header X-Forwarded-Proto https
    default_backend node
backend node
    server node 127.0.0.1:{node}
"""
CADDY = """{{
    admin off
    auto_https off
    storage file_system {folder}/caddy
}}
http://127.0.0.1:{port} {{
    reverse_proxy 127.0.0.1:{node} {{
        header_up X-Forwarded-Proto https
        flush_interval -1
    }}
}}
"""


def nginx_command(folder: Path, port: int, node: int) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, node=node, temporary=temporary))
    return ["-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(config)]


def haproxy_command(folder: Path, port: int, node: int) -> list[str]:
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, node=node))
    return ["-db", "-f", str(config)]


def caddy_command(folder: Path, port: int, node: int) -> list[str]:
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(folder=folder, port=port, node=node))
    return ["run", "--adapter", "caddyfile", "--config", str(config)]


COMMANDS = {"nginx": nginx_command, "haproxy": haproxy_command, "caddy": caddy_command}


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


@pytest.fixture(params=COMMANDS)
def proxy(request, daemon, tmp_path):
    """The port of a proxy in front of the daemon."""
    program = shutil.which(request.param) or shutil.which(request.param, path=PLACES)
    if not program:
        pytest.skip(f"no {request.param} here: tools/install-packages test installs nginx and haproxy")
    wait_until("the modules", lambda: daemon.get("/readyz").status == 200)
    port = free_port()
    running = subprocess.Popen([program, *COMMANDS[request.param](tmp_path, port, daemon.port)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=(tmp_path / "errors").open("w"), env={**os.environ, "HOME": str(tmp_path)})
    try:
        wait_until(f"{request.param} to listen", lambda: can_connect(port) or running.poll() is not None)
        assert running.poll() is None, (tmp_path / "errors").read_text()
        yield port
    finally:
        running.terminate()
        running.wait(STOP_S)


def ask(port: int, method: str, path: str, body=None, headers=None, chunked: bool = False):
    """From an address of our own that is no proxy's."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S, source_address=("127.0.0.2", 0))
    try:
        connection.request(method, path, body, headers or {}, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer
    finally:
        connection.close()


@pytest.mark.parametrize("said", [{}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1, 127.0.0.1"}],
                         ids=["nothing", "another", "a proxy"])
def test_the_client_is_whom_the_proxy_saw(proxy, said):
    """Whatever it says of itself."""
    status, body, _ = ask(proxy, "GET", "/a/show", headers=said)
    scope = json.loads(body)
    assert (status, scope["scheme"], scope["client"][0]) == (200, "https", "127.0.0.2")


def test_methods_statuses_and_bodies_pass(proxy):
    assert ask(proxy, "GET", "/check")[:2] == (200, b'{"rh_version":"0.0.42"}')
    assert ask(proxy, "HEAD", "/check")[:2] == (200, b"")
    assert ask(proxy, "GET", "/nope")[0] == 404
    assert ask(proxy, "OPTIONS", "/check")[2].headers["Allow"] == "GET, HEAD, OPTIONS"
    assert ask(proxy, "POST", "/concat/call?_bare=1", b'{"a": "x", "b": "y"}')[:2] == (200, b'"xy"')
    assert json.loads(ask(proxy, "PATCH", "/a/show/x%20y?q=%31")[1])["raw_path"] == "/a/show/x%20y"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_bodies_and_answers_pass(proxy, is_chunked):
    body = bytes(range(256)) * 12_000
    pieces = iter([body[at:at + 50_000] for at in range(0, len(body), 50_000)])
    headers = {"Transfer-Encoding": "chunked"} if is_chunked else {}
    status, back, _ = ask(proxy, "POST", "/a/count", pieces if is_chunked else body, headers, is_chunked)
    assert (status, back) == (200, b"%d" % len(body))
    status, back, _ = ask(proxy, "GET", "/concat/call?a=&b=" + "b" * 8000 + "&_bare=1")
    assert (status, len(back)) == (200, 8002)


def test_compressed_answers_pass(proxy):
    status, body, answer = ask(proxy, "GET", "/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert status == 200 and json.loads(gzip.decompress(body))["openapi"]
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_an_early_refusal_arrives(proxy):
    status, body, _ = ask(proxy, "POST", "/check", b" " * 3_000_000)
    assert status == 405 and json.loads(body)["detail"]


def test_many_at_once_get_their_own(proxy):
    def call(number: int) -> bool:
        return ask(proxy, "GET", f"/concat/call?a={number}&b=x&_bare=1")[:2] == (200, b'"%dx"' % number)
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        assert all(threads.map(call, range(300)))
