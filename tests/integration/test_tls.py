# SPDX-License-Identifier: Apache-2.0
"""HTTPS itself: handshakes that are slow, broken or none, sessions, streams and bodies over it."""
from __future__ import annotations

import json
import socket
import ssl
import threading
import time

import pytest

from .gatehoused import wait_until
from .raw import Wire, head
from .tls_kit import Authority, context_of, shake

DAEMON_OPTIONS = {"tls": True}


# -- the certificate that is made here -----------------------------------------------------------


def test_it_is_for_every_name_of_the_node_and_only_its_owner_reads_it(start_daemon):
    daemon = start_daemon(tls=True, args=["--certs-address", "10.1.2.3,Gpu.Example.org", "--domain",
                                          "api.example.org", "--listen", "127.0.0.2:0/https"])
    assert daemon.certificate.stat().st_mode & 0o777 == 0o600
    for name in ("localhost", "127.0.0.1", "::1", "10.1.2.3", "gpu.example.org", "api.example.org",
                 "127.0.0.2", socket.gethostname().lower()):
        shake(daemon.port, name, daemon.tls_context)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(daemon.port, "other.example.org", daemon.tls_context)


def test_strict_clients_take_it_too(daemon):
    """As Python from 3.13 on does by default."""
    context = ssl.create_default_context(cafile=daemon.certificate)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    shake(daemon.port, "localhost", context)


def test_it_is_kept_over_a_restart_and_made_anew_for_a_new_name(start_daemon):
    options = {"tls": True, "inspect": False}
    first = start_daemon(**options)
    shown = shake(first.port).certificate
    first.stop()
    first.start()
    assert shake(first.port).certificate == shown
    first.stop()
    first.args = ["--certs-address", "new.example.org"]
    first.start()
    assert shake(first.port).certificate != shown
    first.stop()


def test_it_is_renewed_while_clients_come(start_daemon):
    daemon = start_daemon(tls=True, inspect=False)
    daemon.stop()
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), *daemon_names(daemon)]
    old = Authority.make("old", names, days=2.0, since=4 - 18 / 86400, is_ca=True)  # a third is left in 6 s
    daemon.certificate.write_bytes(old.pem + old.key_pem)
    daemon.start()
    failures: list[Exception] = []
    stop = threading.Event()

    def ask():
        context = context_of()
        while not stop.is_set():
            try:
                shake(daemon.port, "localhost", context)
            except Exception as problem:  # noqa: BLE001: any is a failure
                failures.append(problem)
    with daemon_socket(daemon) as plain, context_of().wrap_socket(plain) as kept:
        assert shake(daemon.port).subject == "old"
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until("the certificate to be renewed", lambda: shake(daemon.port).subject != "old", 30)
        stop.set()
        thread.join()
        kept.sendall(head(daemon, "GET", "/check", "Connection: close"))
        assert kept.makefile("rb").read().startswith(b"HTTP/1.1 200")
    assert failures == []
    daemon.stop()


def daemon_names(daemon) -> list[str]:
    from cryptography import x509
    certificate = x509.load_pem_x509_certificate(daemon.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in names]


def test_a_broken_file_of_its_own_is_replaced(start_daemon):
    daemon = start_daemon(tls=True, inspect=False)
    daemon.stop()
    daemon.certificate.write_text("nonsense")
    daemon.start()
    daemon.__dict__.pop("tls_context", None)
    assert daemon.get("/check").status == 200 and "tls.self_signed_unusable" in daemon.log()
    daemon.stop()


# -- handshakes ----------------------------------------------------------------------------------


def cpu_s(daemon) -> float:
    fields = open(f"/proc/{daemon.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_slow_handshake_is_cut_and_costs_nothing_meanwhile(start_daemon):
    daemon = start_daemon(tls=True, args=["--handshake-timeout-ms", "1000"])
    hello = client_hello()
    cut = [b"", hello[:1], hello[:5], hello[:50], hello]
    before, started = cpu_s(daemon), time.monotonic()
    connections = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in cut]
    for connection, part in zip(connections, cut):
        connection.sendall(part)
    for connection in connections:
        connection.settimeout(20)
        while connection.recv(65536):
            pass
        connection.close()
    assert 0.9 < time.monotonic() - started < 15
    assert cpu_s(daemon) - before < 0.5, "it waits by spinning"
    assert '"phase":"HANDSHAKE"' in daemon.log().replace(" ", "")


def client_hello(name: str = "localhost") -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = context_of()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_handshake_a_byte_at_a_time_is_done(daemon):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = daemon.tls_context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with daemon_socket(daemon) as connection:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    connection.sendall(bytes([byte]))
                incoming.write(connection.recv(7))
        for byte in outgoing.read():
            connection.sendall(bytes([byte]))
        client.write(head(daemon, "GET", "/check", "Connection: close"))
        connection.sendall(outgoing.read())
        answer = b""
        while b"rh_version" not in answer:
            incoming.write(connection.recv(65536))
            try:
                answer += client.read()
            except ssl.SSLWantReadError:
                pass


def daemon_socket(daemon) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", daemon.port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@pytest.mark.parametrize("nonsense", [
    b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x16\x03\x01\x00\x00", b"\x80\x2e\x01\x03\x01",
    b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x01x", b"SSH-2.0-x\r\n", b"\xff" * 70000])
def test_what_is_no_handshake_ends_the_connection(daemon, nonsense):
    with daemon_socket(daemon) as connection:
        try:
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
    assert daemon.get("/check").status == 200


def test_http_on_an_https_port_is_told_so(daemon):
    with daemon_socket(daemon) as connection:
        connection.sendall(b"GET /check HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.makefile("rb").read()
    status, _, rest = answer.partition(b"\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    lines, _, body = rest.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in lines
    assert "https://" in json.loads(body)["detail"]


def test_a_client_that_leaves_in_the_middle_is_let_go(daemon):
    for part in (1, 10, 10000):
        for _ in range(20):
            connection = daemon_socket(daemon)
            connection.sendall(client_hello()[:part])
            connection.close()
    assert daemon.get("/check").status == 200  # the fixture counts descriptors


def test_the_port_is_drained_with_handshakes_under_way(start_daemon):
    daemon = start_daemon(tls=True, inspect=False)
    open_ones = [daemon_socket(daemon) for _ in range(20)]
    for connection in open_ones[:10]:
        connection.sendall(client_hello())
    daemon.get("/check")
    daemon.stop()
    for connection in open_ones:
        connection.close()


# -- sessions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(daemon, version):
    context = ssl.create_default_context(cafile=daemon.certificate)
    context.maximum_version = version
    session, resumed = None, []
    for _ in range(3):
        with daemon_socket(daemon) as plain, \
                context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            connection.sendall(head(daemon, "GET", "/check", "Connection: close"))
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")
            session = connection.session
            resumed.append(connection.session_reused)
    assert resumed == [False, True, True]


def test_a_session_is_not_resumed_by_another_daemon(start_daemon):
    first, second = start_daemon(tls=True), start_daemon(tls=True)
    context = context_of(maximum_version=ssl.TLSVersion.TLSv1_2)
    with daemon_socket(first) as plain, context.wrap_socket(plain) as connection:
        session = connection.session
    with daemon_socket(second) as plain, context.wrap_socket(plain, session=session) as connection:
        assert not connection.session_reused


# -- requests over it ----------------------------------------------------------------------------


def test_a_large_body_and_a_large_answer(daemon):
    text = "x" * (3 << 20)
    daemon.put_function("add")
    assert daemon.call("add", args=[text, "y"]).json() == text + "y"


def test_a_chunked_body_in_many_records(daemon):
    daemon.put_function("add")
    text = json.dumps({"data": {"args": ["a" * (2 << 20), "b"], "kwargs": {}}, "run_name": "x"}).encode()
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/add/call", "Content-Type: application/json",
                       "Transfer-Encoding: chunked"))
        for at in range(0, len(text), 50_001):
            part = text[at:at + 50_001]
            wire.send(b"%x\r\n%s\r\n" % (len(part), part))
        wire.send(b"0\r\n\r\n")
        answer = wire.read_answer()
    assert answer.status == 200 and len(answer.body) == (2 << 20) + 3


def test_keep_alive_and_pipelining(daemon):
    with Wire(daemon) as wire:
        for _ in range(3):
            wire.send(head(daemon, "GET", "/check") * 10)
            for _ in range(10):
                assert wire.read_answer().status == 200


def test_a_client_that_leaves_a_call_is_noticed(daemon):
    daemon.put_function("sleep")
    body = json.dumps({"data": {"args": [30], "kwargs": {}}, "run_name": "left"}).encode()
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/sleep/call", "Content-Type: application/json",
                       f"Content-Length: {len(body)}") + body)
        wait_until("the call to run", lambda: daemon.active_calls("default_process", "sleep"))
    daemon.kill_worker()
    wait_until("another worker", lambda: daemon.call("sleep", args=[0]).status == 200)


def test_closing_is_announced(daemon):
    """close_notify comes before the end of the connection, so that a cut can be told from an end."""
    context = ssl.create_default_context(cafile=daemon.certificate)
    with daemon_socket(daemon) as plain, \
            context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as wire:
        wire.sendall(head(daemon, "GET", "/check", "Connection: close"))
        answer = b""
        while part := wire.recv(65536):  # raises SSLEOFError at a mere end of the stream
            answer += part
    assert b"rh_version" in answer


def test_many_clients_at_once(daemon):
    problems: list[str] = []

    def ask():
        for _ in range(5):
            try:
                if daemon.get("/check").status != 200:
                    problems.append("status")
            except Exception as problem:  # noqa: BLE001
                problems.append(repr(problem))
    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
