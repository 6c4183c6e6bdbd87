# SPDX-License-Identifier: Apache-2.0
"""TLS 1.3 as RFC 8446 has it, with a client that does wrong on purpose: hellos, then records of a connection."""
from __future__ import annotations

import socket

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .tls13 import FINISHED, KEY_UPDATE, RETRY, Tls13, hello13, shares, versions
from .tls_hellos import (ALERT, APPLICATION, BAD_MAC, DECRYPT_ERROR, HANDSHAKE, HANDSHAKE_FAILURE, HEARTBEAT,
                         ILLEGAL_PARAMETER, MISSING_EXTENSION, PROTOCOL_VERSION, RECORD_OVERFLOW, SERVER_HELLO,
                         UNEXPECTED, alert_of, counted, exchange, extension, hello, in_records, is_served, messages)

DAEMON_OPTIONS = {"tls": True}

X25519, P256, X448, X25519_MLKEM768 = 29, 23, 30, 0x11EC
PUBLIC = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
SHARE = (X25519, PUBLIC)
GET = b"GET /check HTTP/1.1\r\nHost: a\r\n\r\n"
CHECK = b'{"rh_version":"0.0.42"}'


# -- hellos --------------------------------------------------------------------------------------


@pytest.mark.parametrize("supported", [(0x0304,), (0x7F1C, 0x7F17, 0x0304), (0x8A8A, 0x0304), (0x0304, 0x0303),
                                       (0x0303, 0x0304)], ids=["alone", "drafts", "GREASE", "first", "last"])
def test_it_is_spoken_with_whoever_can(daemon, supported):
    """Also with clients that speak nothing older, and so have no word about renegotiation."""
    answer = messages(exchange(daemon, hello13(SHARE, supported=supported)))[SERVER_HELLO]
    assert versions(0x0304)[:2] + b"\x00\x02\x03\x04" in answer and RETRY not in answer


@pytest.mark.parametrize("data", [
    hello13((X25519_MLKEM768, bytes(1216)), SHARE, groups=[X25519_MLKEM768, X25519]),
    hello13(SHARE, record=0x0303), in_records(hello13(SHARE, framed=False), 1)],
    ids=["with a post-quantum share first", "in a record of 1.2", "a byte a record"])
def test_whichever_way_it_is_asked(daemon, data):
    answer = exchange(daemon, data)
    assert is_served(answer) and RETRY not in answer


@pytest.mark.parametrize("shown", [(), ((P256, b"\x04" + bytes(64)),), ((0x2A2A, b"\x00"),)],
                         ids=["none", "of a group that is second", "GREASE"])
def test_a_share_that_is_missing_is_asked_for(daemon, shown):
    assert RETRY in exchange(daemon, hello13(*shown))


def test_it_is_asked_for_once(daemon):
    with socket.create_connection((daemon.host, daemon.port), 30) as connection:
        connection.sendall(hello13())
        said = b""
        while RETRY not in said:
            said += connection.recv(65536)
        connection.sendall(hello13())
        while part := connection.recv(65536):
            said += part
    assert alert_of(said) is not None


@pytest.mark.parametrize("data, alert", [
    (hello(ciphers=[0x1301], more=versions(0x0304)), MISSING_EXTENSION),
    (hello13((X25519, bytes(31))), ILLEGAL_PARAMETER),
    (hello13((X25519, bytes(32))), ILLEGAL_PARAMETER),  # RFC 7748 section 6.1: all zero
    (hello13((X448, bytes(56)), groups=[X448]), HANDSHAKE_FAILURE),
    (hello(ciphers=[0xC02B], more=versions(0x0304) + shares(SHARE)), HANDSHAKE_FAILURE),
    (hello13(SHARE, supported=(0x7F1C,)), PROTOCOL_VERSION),
    (hello13(SHARE, supported=(0x0302, 0x0301)), PROTOCOL_VERSION),
    (hello13(SHARE, more=extension(41, bytes(4)) + extension(0x2A2A, b"")), ILLEGAL_PARAMETER),
], ids=["no shares", "short share", "share of small order", "no group in common", "no cipher in common",
        "drafts only", "old versions only", "PSK that is not last"])
def test_a_hello_that_cannot_be_served_is_told_why(daemon, data, alert):
    answer = exchange(daemon, data)
    assert not is_served(answer) and alert_of(answer) == alert


def test_a_ticket_of_nobody_is_passed_over(daemon):
    identities = counted(2, counted(2, bytes(100)) + bytes(4))
    more = extension(45, b"\x01\x01") + extension(41, identities + counted(2, counted(1, bytes(32))))
    assert is_served(exchange(daemon, hello13(SHARE, more=more)))


def test_early_data_is_skipped(daemon):
    """RFC 8446 section 4.2.10: what was sent with a key that is not known here is read over."""
    early = bytes([APPLICATION]) + b"\x03\x03" + counted(2, bytes(60))
    answer = exchange(daemon, hello13(SHARE, more=extension(42, b"")) + early)
    assert is_served(answer) and alert_of(answer) is None


# -- records of a connection -----------------------------------------------------------------------


def key_update(answer_is_asked: int) -> bytes:
    return bytes([KEY_UPDATE]) + counted(3, bytes([answer_is_asked]))


def test_what_comes_behind_a_record_without_data_is_answered(daemon):
    """All in one segment, so that nothing wakes the daemon again."""
    for count, padding in ((1, 0), (1, 3000), (100, 0)):
        with Tls13(daemon) as client:
            empty = [client.sealed(APPLICATION, b"", padding) for _ in range(count)]
            client.socket.sendall(b"".join(empty) + client.sealed(APPLICATION, GET))
            assert client.answer().endswith(CHECK)


@pytest.mark.parametrize("answer_is_asked", [0, 1])
def test_keys_are_updated(daemon, answer_is_asked):
    with Tls13(daemon) as client:
        for _ in range(3):
            update = client.sealed(HANDSHAKE, key_update(answer_is_asked))
            client.write = client.write.updated()
            client.socket.sendall(update + client.sealed(APPLICATION, GET))
            assert client.answer().endswith(CHECK)


def test_records_without_data_do_not_go_on_for_ever(daemon):
    for kind, body in ((APPLICATION, b""), (HANDSHAKE, key_update(1))):
        with Tls13(daemon) as client:
            try:
                for _ in range(2000):
                    client.send(kind, body)
                    client.write = client.write.updated() if kind == HANDSHAKE else client.write
            except ConnectionError:
                pass  # it has had enough
            assert client.ends()
    assert daemon.get("/check").status == 200


def test_records_as_long_as_they_may_be(daemon):
    with Tls13(daemon) as client:
        client.send(APPLICATION, GET[:-2] + b"X: " + b"y" * 6000 + b"\r\n\r\n", 8000)
        assert client.answer().endswith(CHECK)


@pytest.mark.parametrize("kind, body, padding, alert", [
    (APPLICATION, b"\r" * 16385, 0, RECORD_OVERFLOW),
    (0, b"", 20, None),
    (25, b"x", 0, UNEXPECTED),
    (HEARTBEAT, b"\x01\x40\x00", 0, UNEXPECTED),
    (HANDSHAKE, key_update(2), 0, ILLEGAL_PARAMETER),
    (HANDSHAKE, hello13(SHARE, framed=False), 0, UNEXPECTED),
    (HANDSHAKE, bytes([FINISHED]) + counted(3, bytes(32)), 0, UNEXPECTED),
    (HANDSHAKE, b"\x0b" + counted(3, bytes(4)), 0, UNEXPECTED),
    (HANDSHAKE, b"\x05" + counted(3, b""), 0, UNEXPECTED),
    (ALERT, b"", 0, UNEXPECTED),
], ids=["too long", "padding only", "unknown", "heartbeat", "bad key update", "renegotiation", "second Finished",
        "certificate that nobody asked for", "end of early data", "empty alert"])
def test_a_record_that_must_not_be_is_told_and_the_end(daemon, kind, body, padding, alert):
    with Tls13(daemon) as client:
        client.send(kind, body, padding)
        said = client.alert()
        assert said == alert if alert else said in (UNEXPECTED, BAD_MAC)
        assert client.ends()


@pytest.mark.parametrize("record, alert", [
    (b"\x17\x03\x03\x00\x20" + bytes(32), BAD_MAC), (b"\x17\x03\x03\x00\x05hello", BAD_MAC),
    (b"\x17\x03\x03\x41\x01" + bytes(0x4101), RECORD_OVERFLOW), (b"\x14\x03\x03\x00\x01\x01", UNEXPECTED),
    (b"\x15\x03\x03\x00\x02\x02\x28", BAD_MAC),
], ids=["forged", "plain", "too long", "change of ciphers", "plain alert"])
def test_a_record_of_somebody_else_is_told_and_the_end(daemon, record, alert):
    with Tls13(daemon) as client:
        client.socket.sendall(record)
        assert client.alert() == alert and client.ends()


def test_nothing_of_a_request_is_acted_upon_behind_a_forged_record(daemon):
    with Tls13(daemon) as client:
        forged = client.sealed(APPLICATION, GET)
        client.socket.sendall(client.sealed(APPLICATION, GET[:-4]) + forged[:-1] + bytes([forged[-1] ^ 1]) +
                              client.sealed(APPLICATION, GET))
        assert client.alert() == BAD_MAC and client.ends()


def test_a_handshake_must_be_finished_first(daemon):
    with Tls13(daemon, finishes=False) as client:
        client.send(APPLICATION, GET)
        assert client.alert() == UNEXPECTED and client.ends()
    with Tls13(daemon, finishes=False) as client:
        client.send(HANDSHAKE, bytes([FINISHED]) + counted(3, bytes(32)))
        assert client.alert() == DECRYPT_ERROR and client.ends()


def test_closing_is_answered(daemon):
    """RFC 8446 section 6.1."""
    with Tls13(daemon) as client:
        client.send(APPLICATION, GET)
        assert client.answer().endswith(CHECK)
        client.send(ALERT, b"\x01\x00")
        assert client.alert() == 0 and client.ends()


def test_a_stream_that_is_cut_off_is_no_request(daemon):
    """RFC 9112 section 9.8: without a word of closing, half a request may be anybody's cut."""
    with Tls13(daemon) as client:
        client.send(APPLICATION, GET[:-4])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.alert() in (0, None) and client.ends()
