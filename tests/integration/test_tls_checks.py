# SPDX-License-Identifier: Apache-2.0
"""What scanners of TLS look for (testssl, sslyze, SSL Labs): each is a check of its own.

Handshakes that no library makes any more are written by hand, so that what answers them is the daemon and not a
refusal of the client's own library.
"""
from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .gatehoused import Gatehoused
from .tls_hellos import (APPLICATION, DECODE_ERROR, ECDHE_ECDSA_GCM, EMPTY_RENEGOTIATION, FALLBACK, HANDSHAKE,
                         HANDSHAKE_FAILURE, HEARTBEAT, INAPPROPRIATE_FALLBACK, NO_APPLICATION_PROTOCOL,
                         PROTOCOL_VERSION, RECORD_OVERFLOW, SERVER_HELLO, UNEXPECTED, alert_of, counted, exchange,
                         extension, hello, in_records, is_served, messages, records)
from .tls_kit import Authority, context_of, shake

DAEMON_OPTIONS = {"tls": True}


def openssl(daemon: Gatehoused, *words: str, input: str = "") -> str:
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", *words],
                          input=input, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


# -- protocols -----------------------------------------------------------------------------------


def test_sslv2_is_off(daemon):
    old = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04\x00\x80" \
          b"\x05\x00\x80\x06\x00\x40\x07\x00\xc0" + os.urandom(16)
    assert not is_served(exchange(daemon, old)) and b"CERT" not in exchange(daemon, old)


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302], ids=["SSL 3", "TLS 1.0", "TLS 1.1"])
def test_old_versions_are_off_and_told_why(daemon, version):
    answer = exchange(daemon, hello(version, record=min(version, 0x0301)))
    assert not is_served(answer) and alert_of(answer) == PROTOCOL_VERSION


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_versions_are_on(daemon, version):
    context = context_of(minimum_version=version, maximum_version=version)
    assert shake(daemon.port, context=context).version == version.name.replace("TLSv1_", "TLSv1.")


def test_the_newest_is_taken(daemon):
    assert shake(daemon.port).version == "TLSv1.3"


def test_versions_of_the_future_are_borne(daemon):
    assert is_served(exchange(daemon, hello(0x0305)))
    grease = extension(43, counted(1, b"\x7a\x7a\x03\x05\x03\x03"))
    assert is_served(exchange(daemon, hello(more=grease)))


def test_a_downgrade_is_marked(daemon):
    """RFC 8446 section 4.1.3: the last bytes of the server's random."""
    random = messages(exchange(daemon, hello()))[SERVER_HELLO][2:34]
    assert random.endswith(b"DOWNGRD\x01")


# -- ciphers -------------------------------------------------------------------------------------

WEAK = {"NULL": [0x0001, 0x0002, 0x003B, 0xC006, 0xC010], "export": [0x0003, 0x0006, 0x0008, 0x0014],
        "anonymous": [0x0018, 0x001B, 0x0034, 0x00A6, 0xC018, 0xC017], "RC4": [0x0004, 0x0005, 0xC007, 0xC011],
        "DES and 3DES": [0x0009, 0x000A, 0x0016, 0xC008, 0xC012], "CBC": [0xC009, 0xC00A, 0xC013, 0xC014, 0xC023,
                                                                          0xC024, 0xC027, 0xC028],
        "static RSA": [0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D], "DHE": [0x0033, 0x0039, 0x009E, 0x009F],
        "PSK": [0x008C, 0x00A8, 0xC035], "SRP": [0xC01D, 0xC01E], "CAMELLIA and SEED": [0x0041, 0x0084, 0x0096],
        "CCM_8": [0xC0AE, 0xC0AF]}


@pytest.mark.parametrize("name", WEAK)
def test_weak_ciphers_are_off(daemon, name):
    answer = exchange(daemon, hello(ciphers=[*WEAK[name], EMPTY_RENEGOTIATION]))
    assert not is_served(answer) and alert_of(answer) == HANDSHAKE_FAILURE


@pytest.mark.parametrize("cipher", [0xC02B, 0xC02C, 0xCCA9], ids=["AES-128", "AES-256", "ChaCha20"])
def test_good_ciphers_are_on(daemon, cipher):
    answer = messages(exchange(daemon, hello(ciphers=[cipher, EMPTY_RENEGOTIATION])))[SERVER_HELLO]
    at = 34 + 1 + answer[34]
    assert int.from_bytes(answer[at:at + 2], "big") == cipher


def test_the_server_orders_what_is_all_good(daemon):
    """AES-128-GCM first, whatever the client would rather have: it is the fastest here."""
    best, others = ECDHE_ECDSA_GCM, (0xC02C, 0xCCA9)
    for order in ((best, *others), (*others, best)):
        answer = messages(exchange(daemon, hello(ciphers=[*order, EMPTY_RENEGOTIATION])))[SERVER_HELLO]
        at = 34 + 1 + answer[34]
        assert int.from_bytes(answer[at:at + 2], "big") == best


def test_keys_are_forgotten(daemon):
    """Forward secrecy: the server signs a key of its own for each handshake."""
    keys = {messages(exchange(daemon, hello()))[12][4:36] for _ in range(3)}
    assert len(keys) == 3


@pytest.mark.parametrize("group", [29, 23, 24])
def test_good_groups_are_on(daemon, group):
    assert messages(exchange(daemon, hello(groups=[group])))[12][1:3] == struct.pack(">H", group)


def test_weak_groups_are_off(daemon):
    """secp160r1, secp192r1, sect163k1."""
    assert not is_served(exchange(daemon, hello(groups=[16, 19, 1])))


def test_grease_is_borne(daemon):
    """RFC 8701: what is not known is passed over."""
    data = hello(ciphers=[0x0A0A, ECDHE_ECDSA_GCM, EMPTY_RENEGOTIATION], groups=[0x1A1A, 29],
                 more=extension(0x2A2A, b"") + extension(0xBABA, b"\x00"))
    assert is_served(exchange(daemon, data))


# -- renegotiation, compression, heartbeat -------------------------------------------------------


def test_renegotiation_is_secure(daemon):
    assert "Secure Renegotiation IS supported" in openssl(daemon, "-tls1_2")


def test_who_cannot_renegotiate_securely_stays_out(daemon):
    assert not is_served(exchange(daemon, hello(ciphers=[ECDHE_ECDSA_GCM])))


def test_who_speaks_tls_1_3_alone_has_no_word_about_it(daemon):
    versions, share = extension(43, b"\x02\x03\x04"), counted(2, b"\x00\x1d" + counted(2, b"\x09" + bytes(31)))
    assert is_served(exchange(daemon, hello(ciphers=[0x1301], more=versions + extension(51, share))))


def test_clients_cannot_renegotiate(daemon):
    """A connection on which one asks to is closed."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-tls1_2"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as client:
        client.stdin.write("R\n")
        client.stdin.flush()  # and it stays open: its end would end the client
        client.wait(60)
        said = client.stdout.read()
    assert "RENEGOTIATING" in said and said.count("BEGIN CERTIFICATE") == 1


def test_compression_is_off(daemon):
    answer = messages(exchange(daemon, hello(compression=b"\x01\x00")))[SERVER_HELLO]
    at = 34 + 1 + answer[34] + 2
    assert answer[at] == 0
    assert not is_served(exchange(daemon, hello(compression=b"\x01")))  # CRIME


def test_heartbeat_is_off(daemon):
    """Heartbleed: neither agreed to nor answered."""
    data = hello(more=extension(15, b"\x01"))
    server_hello = messages(exchange(daemon, data))[SERVER_HELLO]
    assert b"\x00\x0f\x00\x01" not in server_hello[38:]
    beat = struct.pack(">BHH", HEARTBEAT, 0x0303, 3) + b"\x01\x40\x00"
    assert all(kind != HEARTBEAT for kind, _ in records(exchange(daemon, data + beat, 3.0)))


def test_a_fallback_that_is_none_is_refused(daemon):
    """RFC 7507: a client that says it fell back, to a version below ours."""
    for version, alerts in ((0x0303, [INAPPROPRIATE_FALLBACK]), (0x0302, [INAPPROPRIATE_FALLBACK, PROTOCOL_VERSION])):
        answer = exchange(daemon, hello(version, ciphers=[ECDHE_ECDSA_GCM, FALLBACK, EMPTY_RENEGOTIATION]))
        assert not is_served(answer) and alert_of(answer) in alerts


def test_an_early_change_of_ciphers_is_refused(daemon):
    """CVE-2014-0224, CCS injection: at once behind ServerHelloDone, before there are keys."""
    answer = exchange(daemon, hello() + b"\x14\x03\x03\x00\x01\x01" + b"\x16\x03\x03\x00\x28" + b"x" * 40)
    assert APPLICATION not in [kind for kind, _ in records(answer)]
    assert daemon.get("/check").status == 200


def test_robot(daemon):
    """No key exchange by RSA encryption, so nothing to ask an oracle about."""
    assert not is_served(exchange(daemon, hello(ciphers=[0x009C, 0x002F, EMPTY_RENEGOTIATION])))


def test_early_data_is_not_taken(daemon):
    """0-RTT can be replayed: tickets say that none is taken."""
    said = openssl(daemon, "-tls1_3", "-ign_eof", input="GET /check HTTP/1.0\r\n\r\n")
    assert "Max Early Data: 0" in said or "Max Early Data" not in said


def test_encrypt_then_mac_and_extended_master_secret(daemon):
    """RFC 7627: sessions are bound to their handshakes."""
    assert "Extended master secret: yes" in openssl(daemon, "-tls1_2")


# -- records -------------------------------------------------------------------------------------


def test_a_record_that_is_too_large_is_refused(daemon):
    answer = exchange(daemon, struct.pack(">BHH", HANDSHAKE, 0x0301, 0x4A00) + b"\x01" * 0x4A00)
    assert not is_served(answer) and alert_of(answer) in (RECORD_OVERFLOW, 50, 10)


@pytest.mark.parametrize("length", [1, 11, 100])
def test_a_hello_in_many_records_is_put_together(daemon, length):
    assert is_served(exchange(daemon, in_records(hello(framed=False), length)))


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x03FF])
def test_the_version_of_the_first_record_does_not_matter(daemon, version):
    """RFC 5246 appendix E.1."""
    assert is_served(exchange(daemon, hello(record=version)))


@pytest.mark.parametrize("data", [b"\x15\x03\x01\x00\x02\x01\x00", b"\x17\x03\x01\x00\x05hello",
                                  b"\x18\x03\x03\x00\x03\x01\x40\x00", b"\x16\x03\x01\x00\x00",
                                  b"\x16\x03\x01\x00\x04" + bytes(4), b"\x16\x03\x01\x00\x04\x14\x00\x00\x00"],
                         ids=["alert", "data", "heartbeat", "nothing", "HelloRequest", "Finished"])
def test_what_is_no_hello_is_refused(daemon, data):
    answer = exchange(daemon, data + hello())
    assert not is_served(answer) and alert_of(answer) == UNEXPECTED


def broken(at: int, what: bytes) -> bytes:
    """A hello whose bytes from AT on, counted from its session id, are replaced by WHAT."""
    head, body = hello()[:43], hello()[43:]
    body = body[:at] + what + body[at + len(what):]
    return head + body


@pytest.mark.parametrize("data", [broken(0, b"\x21"), broken(1, b"\x00\x03"), broken(1, b"\xff\xff"),
                                  hello(compression=b""), hello(ciphers=[]), hello(more=b"\x2a\x2a\xff\xff"),
                                  hello(sni=""), hello(sni=None, more=extension(0, b"")),
                                  hello(more=extension(16, b"\x00\x00"))],
                         ids=["session id too long", "odd ciphers", "ciphers beyond the end", "no compression method",
                              "no ciphers", "extension beyond the end", "empty name", "no name", "no protocol"])
def test_a_broken_hello_is_told_so(daemon, data):
    answer = exchange(daemon, data)
    assert not is_served(answer) and alert_of(answer) == DECODE_ERROR


def test_empty_records_do_not_go_on_for_ever(daemon):
    data = struct.pack(">BHH", HANDSHAKE, 0x0301, 0) * 5000
    exchange(daemon, data)
    assert daemon.get("/check").status == 200


def test_a_long_hello_is_taken(daemon):
    """Post-quantum key shares make hellos of more than a packet; some servers fail from 256 bytes on."""
    for length in (200, 256, 500, 512, 1500, 4000, 15_000):
        assert is_served(exchange(daemon, hello(more=extension(21, bytes(length)))))
    several = b"".join(extension(0xFA00 + number, bytes(8000)) for number in range(7))
    assert is_served(exchange(daemon, in_records(hello(more=several, framed=False), 16_000)))


def test_records_are_cut_to_what_a_client_can_take(daemon):
    """RFC 6066 section 4, maximum fragment length: 1024 bytes."""
    server_hello = messages(exchange(daemon, hello(more=extension(1, b"\x02"))))[SERVER_HELLO]
    assert b"\x00\x01\x00\x01\x02" in server_hello[38:]


# -- names and protocols -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "unknown.example", "127.0.0.1", "a" * 240 + ".example", "xn--nxasmq6b"])
def test_a_name_that_is_not_known_gets_the_default(daemon, name):
    assert is_served(exchange(daemon, hello(sni=name)))


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"),
                                             (["http/1.1", "h2"], "http/1.1")])
def test_alpn_finds_http_1_1(daemon, offered, chosen):
    assert shake(daemon.port, context=context_of(alpn=offered)).protocol == chosen


@pytest.mark.parametrize("offered", [["h2"], ["ftp"], ["acme-tls/1"]])
def test_alpn_without_a_common_protocol_is_an_error(daemon, offered):
    """RFC 7301 section 3.2, against ALPACA."""
    answer = exchange(daemon, hello(alpn=offered))
    assert not is_served(answer) and alert_of(answer) == NO_APPLICATION_PROTOCOL


# -- tickets -------------------------------------------------------------------------------------


def test_tickets_end(daemon):
    said = openssl(daemon, "-tls1_2")
    hint = int(re.search(r"TLS session ticket lifetime hint: (\d+)", said).group(1))
    assert 0 < hint <= 7200
    said = openssl(daemon, "-tls1_3", "-ign_eof", input="GET /check HTTP/1.0\r\n\r\n")
    hints = [int(each) for each in re.findall(r"ticket lifetime hint: (\d+)", said)]
    assert hints and all(0 < each <= 7200 for each in hints)


def test_a_session_is_not_resumed_under_another_name(daemon):
    """RFC 6066 section 3, of TLS 1.2."""
    context = context_of(maximum_version=ssl.TLSVersion.TLSv1_2)
    with socket.create_connection((daemon.host, daemon.port), 30) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as connection:
        session = connection.session
    assert shake(daemon.port, "localhost", context, session=session).was_resumed
    assert not shake(daemon.port, "other.example", context, session=session).was_resumed


def test_a_ticket_of_nobody_is_passed_over(daemon):
    assert is_served(exchange(daemon, hello(more=extension(35, os.urandom(192)))))


# -- the certificate -----------------------------------------------------------------------------


def test_the_certificate_is_sound(daemon):
    certificate = x509.load_der_x509_certificate(shake(daemon.port).certificate)
    assert certificate.signature_hash_algorithm.name == hashes.SHA256.name
    assert certificate.public_key().key_size == 256
    assert certificate.version is x509.Version.v3
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life.days <= 398
    assert certificate.serial_number.bit_length() >= 64


@pytest.mark.parametrize("is_stapled", [True, False])
def test_ocsp(start_daemon, tmp_path, is_stapled):
    import datetime

    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import ocsp
    root = Authority.make("root", is_ca=True)
    leaf = Authority.make("leaf", ["localhost"], issuer=root)
    now = datetime.datetime.now(datetime.timezone.utc)
    until = now + datetime.timedelta(days=1 if is_stapled else -1)
    answer = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.certificate, issuer=root.certificate, algorithm=hashes.SHA1(),
        cert_status=ocsp.OCSPCertStatus.GOOD, this_update=now - datetime.timedelta(days=2),
        next_update=until, revocation_time=None, revocation_reason=None,
    ).responder_id(ocsp.OCSPResponderEncoding.NAME, root.certificate).sign(root.key, hashes.SHA256())
    der = tmp_path / "leaf.ocsp"
    der.write_bytes(answer.public_bytes(Encoding.DER))
    daemon = start_daemon(inspect=False, args=[*leaf.options(tmp_path), "--ssl-ocspfile", str(der)])
    for version in ("-tls1_2", "-tls1_3"):
        said = openssl(daemon, version, "-status", "-servername", "localhost")
        assert ("OCSP Response Status: successful" in said) == is_stapled, said
    assert ("tls.not_stapled" in daemon.log()) != is_stapled


def test_a_certificate_that_wants_ocsp_and_has_none_is_told(start_daemon, tmp_path):
    wants = x509.TLSFeature([x509.TLSFeatureType.status_request])
    leaf = Authority.make("leaf", ["localhost"], extensions=[wants])
    daemon = start_daemon(inspect=False, args=leaf.options(tmp_path))
    assert "tls.staple_missing" in daemon.log()
