# SPDX-License-Identifier: Apache-2.0
"""What TLS puts between an HTTP client and its server: records of its own, in any pieces, and no waiting.

Python's ssl module cannot send a KeyUpdate, so GnuTLS itself is the client, by ctypes, and collects what it would
send until it is told to.
"""
from __future__ import annotations

import ctypes
import socket
import ssl
import statistics
import time

import pytest

from .gatehoused import ANSWER_S, Gatehoused
from .tls_kit import context_of

DAEMON_OPTIONS = {"tls": True}
REQUEST = b"GET /check HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLIENT, CERTIFICATES, ASK_PEER = 2, 1, 1  # GNUTLS_CLIENT, GNUTLS_CRD_CERTIFICATE, GNUTLS_KU_PEER
AGAIN = (-28, -52)  # GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED
PUSH = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)


class Client:
    """Of one connection. What is written leaves with `flush`, in one piece."""

    def __init__(self, daemon: Gatehoused, priorities: bytes = b"NORMAL"):
        self.library = ctypes.CDLL("libgnutls.so.30")
        self.library.gnutls_record_recv.restype = self.library.gnutls_record_send.restype = ctypes.c_ssize_t
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), ANSWER_S)
        self.socket.settimeout(None)
        self.written, self.is_kept = b"", False
        self.session, self.credentials = ctypes.c_void_p(), ctypes.c_void_p()
        self.push = PUSH(self.take)  # as long as the session
        self.call("init", ctypes.byref(self.session), CLIENT)
        self.call("certificate_allocate_credentials", ctypes.byref(self.credentials))
        self.call("priority_set_direct", self.session, priorities, None)
        self.call("credentials_set", self.session, CERTIFICATES, self.credentials)
        self.library.gnutls_transport_set_int2(self.session, self.socket.fileno(), self.socket.fileno())
        self.library.gnutls_transport_set_push_function(self.session, self.push)
        self.call("handshake", self.session)
        self.is_kept = True

    def call(self, name: str, *arguments) -> None:
        code = getattr(self.library, f"gnutls_{name}")(*arguments)
        assert code == 0, f"gnutls_{name}: {code}"

    def take(self, _context, data, length: int) -> int:
        self.written += data[:length]
        if not self.is_kept:
            self.flush()
        return length

    def flush(self) -> None:
        self.socket.sendall(self.written)
        self.written = b""

    def update_keys(self) -> None:
        self.call("session_key_update", self.session, ASK_PEER)

    def write(self, data: bytes) -> None:
        assert self.library.gnutls_record_send(self.session, data, len(data)) == len(data)

    def read_answer(self) -> bytes:
        """Until the end of the body that /check has."""
        answer = b""
        self.socket.settimeout(None)
        deadline = time.monotonic() + ANSWER_S
        while not answer.endswith(b"}"):
            piece = ctypes.create_string_buffer(4096)
            self.wait(deadline)
            got = self.library.gnutls_record_recv(self.session, piece, 4096)
            assert got > 0 or got in AGAIN, f"{got} after {answer!r}"
            answer += piece.raw[:max(got, 0)]
        return answer

    def wait(self, deadline: float) -> None:
        if self.library.gnutls_record_check_pending(self.session):
            return
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        assert self.socket.recv(1, socket.MSG_PEEK)
        self.socket.settimeout(None)

    def close(self) -> None:
        self.library.gnutls_deinit(self.session)
        self.library.gnutls_certificate_free_credentials(self.credentials)
        self.socket.close()


@pytest.fixture
def client(daemon):
    client = Client(daemon)
    yield client
    client.close()


def test_new_keys_and_a_request_in_one_piece(client):
    """RFC 8446 section 4.6.3: nothing of HTTP, and what is behind it is looked at all the same."""
    for _ in range(3):
        client.update_keys()
        client.write(REQUEST)
        client.flush()
        assert client.read_answer().startswith(b"HTTP/1.1 200 ")


def test_new_keys_within_a_request(client):
    client.write(REQUEST[:9])
    client.update_keys()
    client.write(REQUEST[9:])
    client.flush()
    assert client.read_answer().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("version", [b"NORMAL", b"NORMAL:-VERS-TLS1.3"])
def test_a_request_of_one_byte_records(daemon, version):
    client = Client(daemon, version)
    for byte in REQUEST:
        client.write(bytes([byte]))
    client.flush()
    assert client.read_answer().startswith(b"HTTP/1.1 200 ")
    client.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_any_pieces_of_a_connection_do(daemon, version):
    """The bytes of handshake and request come a few at a time, whatever records they are of."""
    context = context_of()
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", daemon.port), ANSWER_S) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def until_done(step):
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    done = None
                data = outgoing.read()
                for at in range(0, len(data), 7):
                    plain.sendall(data[at:at + 7])
                if done is not None:
                    return done
                incoming.write(plain.recv(65536))
        until_done(lambda: tls.do_handshake() or True)
        until_done(lambda: tls.write(REQUEST))
        assert until_done(lambda: tls.read(4096)).startswith(b"HTTP/1.1 200 ")


def first_answer_s(daemon: Gatehoused, is_held_back: bool) -> float:
    with socket.create_connection(("127.0.0.1", daemon.port), ANSWER_S) as plain, \
            context_of().wrap_socket(plain, server_hostname="localhost") as tls:
        tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not is_held_back)
        began = time.monotonic()
        tls.sendall(REQUEST)
        assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
        return time.monotonic() - began


def test_a_first_request_does_not_wait_for_an_acknowledgement(daemon):
    """It is sent right behind the client's last word of the handshake, and held back by the client's system until
    that word is acknowledged: 40 ms when the daemon's system has nothing to say. Others, which hold nothing back,
    show what else takes time."""
    more_s = [first_answer_s(daemon, True) - first_answer_s(daemon, False) for _ in range(15)]
    assert statistics.median(more_s) < 0.02


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_says_goodbye_first_sees_an_end_and_no_reset(daemon, version):
    """Many times: it is there before the connection is closed, or comes in between, or after."""
    context = context_of()
    context.minimum_version = context.maximum_version = version
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", daemon.port), ANSWER_S) as plain:
            tls = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
            tls.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b""
            while not answer.endswith(b"}"):
                answer += tls.recv(4096)
            plain = tls.unwrap()  # sends ours, and waits for the daemon's
            assert plain.recv(1) == b""
