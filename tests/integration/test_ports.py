# SPDX-License-Identifier: Apache-2.0
"""Where the daemon listens: any set of addresses, HTTP and HTTPS, and what is said when it cannot."""
from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from .gatehoused import Gatehoused
from .ownhome import free_port

CHECK = {"rh_version": "0.0.42"}


def ask(daemon: Gatehoused, port: int, path: str = "/check", method: str = "GET", tls: bool = False,
        host: str = "127.0.0.1", headers: dict | None = None, body: bytes | None = None):
    """-> (status, headers, body)."""
    connection = (http.client.HTTPSConnection(host, port, timeout=30, context=daemon.tls_context)
                  if tls else http.client.HTTPConnection(host, port, timeout=30))
    connection.request(method, path, body, {"Connection": "close", **(headers or {})})
    answer = connection.getresponse()
    result = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return result


def ask_unix(path: Path, target: str = "/check", method: str = "GET") -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


# -- any set of addresses ------------------------------------------------------------------------


def test_http_and_https_on_both_internets_and_a_unix_socket(start_daemon, tmp_path):
    ports = [free_port() for _ in range(3)]
    path = tmp_path / "clients.sock"
    daemon = start_daemon(inspect=False, args=["--listen", f"127.0.0.1:{ports[0]},[::1]:{ports[1]}/https,"
                          f"127.0.0.1:{ports[2]}/https,unix:{path}"])
    assert daemon.get("/check").json() == CHECK
    assert json.loads(ask(daemon, ports[0])[2]) == CHECK
    assert json.loads(ask(daemon, ports[1], tls=True, host="::1")[2]) == CHECK
    assert json.loads(ask(daemon, ports[2], tls=True)[2]) == CHECK
    assert b'{"rh_version":"0.0.42"}' in ask_unix(path)
    daemon.stop()
    assert not path.exists()


def test_a_unix_socket_for_clients_is_not_the_control_socket(start_daemon, tmp_path):
    path = tmp_path / "clients.sock"
    start_daemon(args=["--listen", f"unix:{path}"])
    assert ask_unix(path, "/_gatehouse/v1/config").startswith(b"HTTP/1.1 404")


def test_calls_come_in_by_every_port(start_daemon):
    port = free_port()
    daemon = start_daemon(tls=True, args=["--listen", f"127.0.0.1:{port}"])
    daemon.put_function("add")
    body = json.dumps({"data": {"args": [1, 2], "kwargs": {}}, "run_name": "x"}).encode()
    for number, tls in ((daemon.port, True), (port, False)):
        status, _, text = ask(daemon, number, "/add/call", "POST", tls, body=body,
                              headers={"Content-Type": "application/json"})
        assert (status, json.loads(text)) == (200, 3)


# -- what cannot be ------------------------------------------------------------------------------


def refused(tmp_path: Path, *args: str, **options) -> tuple[int, str]:
    done = Gatehoused(tmp_path / "refused", args=args, **options).run_to_exit()
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("text, problem", [
    ("127.0.0.1", "no address and port"), ("127.0.0.1:x", "no port"), ("::1:80", "no address"),
    ("127.0.0.1:1/h2", "none of these"), ("unix:rel", "begins with /")])
def test_what_is_no_address_is_named(tmp_path, text, problem):
    status, said = refused(tmp_path, "--listen", text)
    assert status == 78 and f"'{text}'" in said and problem in said and "/https" in said


@pytest.mark.parametrize("listen", ["", "127.0.0.1:{port}/https"])
def test_a_port_that_is_taken(tmp_path, listen):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = ["--listen", listen.format(port=port)] if listen else ["--port", str(port)]
        status, said = refused(tmp_path, *words)
    assert status == 69
    assert f"listening on 127.0.0.1 port {port}: Address already in use" in said
    assert f"ss -ltnp 'sport = :{port}'" in said


def may_everybody_have(port: int) -> bool:
    return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= port


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv") or may_everybody_have(443),
                    reason="needs root, setpriv, and a system that keeps ports below 1024 for root")
def test_a_port_that_needs_rights(tmp_path):
    without = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
    status, said = refused(tmp_path, "--port", "443", wrapper=without)
    assert status == 77, said
    for help in ("CAP_NET_BIND_SERVICE", "gatehoused.socket", "setcap cap_net_bind_service=ep",
                 "ip_unprivileged_port_start=443"):
        assert help in said


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0/https"])
def test_an_open_address_needs_checked_callers_whichever_it_is(tmp_path, listen):
    status, said = refused(tmp_path, "--listen", listen)
    assert status == 78 and "which others can reach" in said and "--insecure" in said


def test_what_only_redirects_is_open_to_all(start_daemon):
    port = free_port("0.0.0.0")
    daemon = start_daemon(tls=True, args=["--listen", f"0.0.0.0:{port}/redirect"])
    assert ask(daemon, port)[0] == 301


# -- from HTTP to HTTPS --------------------------------------------------------------------------


@pytest.fixture
def redirecting(start_daemon):
    port = free_port()
    daemon = start_daemon(tls=True, args=["--listen", f"127.0.0.1:{port}/redirect"])
    daemon.redirect_port = port
    return daemon


@pytest.mark.parametrize("method, status", [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308),
                                            ("DELETE", 308), ("PATCH", 308)])
def test_requests_are_sent_on_with_their_method(redirecting, method, status):
    answer = ask(redirecting, redirecting.redirect_port, "/m/f?a=1&b=%20", method,
                 headers={"Host": f"gpu.example:{redirecting.redirect_port}"})
    assert answer[0] == status
    assert answer[1]["location"] == f"https://gpu.example:{redirecting.port}/m/f?a=1&b=%20"
    assert "strict-transport-security" not in answer[1]


def test_a_body_is_not_taken(redirecting):
    answer = ask(redirecting, redirecting.redirect_port, "/m/f", "POST", body=b"x" * 1000)
    assert answer[0] == 308 and answer[1]["connection"] == "close"


@pytest.mark.parametrize("host, location", [("[::1]:80", "[::1]"), ("[::1]", "[::1]"),
                                            ("a.example", "a.example"), ("127.0.0.1", "127.0.0.1")])
def test_the_host_stays_what_it_is(redirecting, host, location):
    answer = ask(redirecting, redirecting.redirect_port, "/x", headers={"Host": host})
    assert answer[1]["location"] == f"https://{location}:{redirecting.port}/x"


def test_without_a_host_it_is_the_address(redirecting):
    with socket.create_connection(("127.0.0.1", redirecting.redirect_port)) as connection:
        connection.sendall(b"GET /a?b HTTP/1.0\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert f"Location: https://127.0.0.1:{redirecting.port}/a?b\r\n".encode() in answer


@pytest.mark.parametrize("path, status", [("/livez", 200), ("/.well-known/acme-challenge/x", 404),
                                          ("/.well-known/acme-challenge/", 301), ("/livez/x", 301),
                                          ("/check", 301), ("/", 301)])
def test_some_questions_are_answered_there(redirecting, path, status):
    assert ask(redirecting, redirecting.redirect_port, path)[0] == status


def test_what_is_no_request_is_refused_there_too(redirecting):
    answer = ask(redirecting, redirecting.redirect_port, "/x", headers={"Host": "a b"})
    assert answer[0] == 400


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not (is_free(443) and is_free(80)), reason="needs ports 80 and 443")
def test_port_80_belongs_to_port_443(start_daemon):
    daemon = start_daemon(inspect=False, tls=True, port_option=443)
    assert ask(daemon, 80)[1]["location"] == "https://127.0.0.1/check"
    daemon.stop()
    daemon = start_daemon(inspect=False, tls=True, port_option=443, args=["--redirect-http", "0"])
    assert is_free(80)
    daemon.stop()
    with socket.create_server(("127.0.0.1", 80)):
        daemon = start_daemon(tls=True, port_option=443)
        assert daemon.get("/check").json() == CHECK and "redirect.not_listening" in daemon.log()


# -- HSTS ----------------------------------------------------------------------------------------


def test_browsers_are_told_to_stay(start_daemon):
    port = free_port()
    daemon = start_daemon(tls=True, args=["--hsts-max-age-s", "86400", "--listen", f"127.0.0.1:{port}"])
    for path in ("/check", "/none/such", "/status"):
        assert daemon.get(path).headers["strict-transport-security"] == "max-age=86400"
        assert "strict-transport-security" not in ask(daemon, port, path)[1]
    assert "strict-transport-security" not in start_daemon(tls=True).get("/check").headers
