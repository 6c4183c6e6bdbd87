# SPDX-License-Identifier: Apache-2.0
"""client_ca: HTTPS for those alone whose certificate one of its authorities has signed."""
from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from .gatehoused import Gatehoused, wait_until
from .tls_kit import Authority, context_of

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Guarded:
    """A daemon that asks for certificates of `ca`."""

    def __init__(self, folder: Path, start_daemon, *more: str, **options):
        self.folder = folder
        self.ca = Authority.make("clients", is_ca=True)
        self.ca_file = folder / "clients.pem"
        self.ca_file.write_bytes(self.ca.pem)
        self.daemon: Gatehoused = start_daemon(
            inspect=False, tls=True, args=["--client-ca", str(self.ca_file), "--log-level", "DEBUG", *more], **options)

    def context(self, client: Authority | None, version=ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        context = context_of(maximum_version=version)
        if client:
            context.load_cert_chain(*client.write(self.folder / "clients", client.fingerprint[:20]))
        return context

    def ask(self, client: Authority | None, version=ssl.TLSVersion.TLSv1_3, path: str = "/check"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.daemon.port, timeout=30,
                                                 context=self.context(client, version))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture
def guarded(start_daemon, tmp_path):
    return Guarded(tmp_path, start_daemon)


@pytest.mark.parametrize("version", VERSIONS)
def test_who_is_signed_gets_in(guarded, version):
    client = Authority.make("alice", issuer=guarded.ca, uses=CLIENT)
    assert guarded.ask(client, version) == (200, {"rh_version": "0.0.42"})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["nobody", "self-signed", "of another", "expired", "not yet", "a server's"])
def test_who_is_not_stays_out(guarded, version, who):
    other = Authority.make("clients", is_ca=True)
    client = {"nobody": None, "self-signed": Authority.make("x", uses=CLIENT),
              "of another": Authority.make("x", issuer=other, uses=CLIENT),
              "expired": Authority.make("x", issuer=guarded.ca, uses=CLIENT, days=-1, since=2),
              "not yet": Authority.make("x", issuer=guarded.ca, uses=CLIENT, since=-1),
              "a server's": Authority.make("x", issuer=guarded.ca)}[who]
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        guarded.ask(client, version)


def test_a_session_is_resumed_by_who_has_the_certificate(guarded):
    client = Authority.make("alice", issuer=guarded.ca, uses=CLIENT)
    context = guarded.context(client, ssl.TLSVersion.TLSv1_2)
    session = None
    for is_resumed in (False, True):
        import socket
        with socket.create_connection(("127.0.0.1", guarded.daemon.port), 30) as plain, \
                context.wrap_socket(plain, session=session) as connection:
            connection.sendall(b"GET /check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")
            assert connection.session_reused == is_resumed
            session = connection.session


def test_code_is_told_whose_certificate_it_is(start_daemon, tmp_path):
    """Where no token says who asks. It is written down, too."""
    source = tmp_path / "who.py"
    source.write_text("import gatehouse\n\n\ndef who():\n    return gatehouse.current_user()\n")
    audit = tmp_path / "audit.log"
    guarded = Guarded(tmp_path, start_daemon, "--audit-log", str(audit), "--module", f"who={source}:who")
    client = Authority.make("alice", issuer=guarded.ca, uses=CLIENT)
    assert guarded.ask(client, path="/who/call?_bare=1") == (200, "alice")
    lines = wait_until("the line", lambda: audit.exists() and audit.read_text().splitlines())
    assert json.loads(lines[0])["user"] == "alice"


def test_certificate_is_no_token(start_daemon, tmp_path):
    guarded = Guarded(tmp_path, start_daemon, "--use-den-auth")
    client = Authority.make("alice", issuer=guarded.ca, uses=CLIENT)
    assert guarded.ask(client, path="/keys")[0] == 401


def test_who_signs_may_change_while_it_runs(guarded):
    first = Authority.make("alice", issuer=guarded.ca, uses=CLIENT)
    new = Authority.make("new", is_ca=True)
    second = Authority.make("bob", issuer=new, uses=CLIENT)
    guarded.ask(first)
    guarded.ca_file.write_bytes(new.pem)

    def gets_in():
        try:
            return guarded.ask(second)[0] == 200
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return False
    wait_until("the new authority", gets_in, 30)
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        guarded.ask(first)


def test_an_address_that_others_reach_needs_no_other_check(start_daemon, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority.make("clients", is_ca=True).pem)
    start_daemon(inspect=False, tls=True, host="0.0.0.0", args=["--client-ca", str(ca)])


@pytest.mark.parametrize("content", [b"", b"x"])
def test_what_is_no_authority_is_refused(tmp_path, content):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(content)
    done = Gatehoused(tmp_path / "d", tls=True, args=["--client-ca", str(ca)]).run_to_exit()
    assert done.returncode == 78 and f"client_ca: {ca} holds no certificate" in done.stderr


@pytest.mark.parametrize("subject, names, user", [
    ("alice", [], "alice"), ("has blank", ["bob.example"], "bob.example"),
    ("x" * 64, [], "x" * 64), ("ctl\x01", ["carol.example"], "carol.example")])
def test_the_name_it_gives_is_known(guarded, subject, names, user):
    client = Authority.make(subject, names, issuer=guarded.ca, uses=CLIENT)
    assert isinstance(client.certificate, x509.Certificate)
    assert guarded.ask(client)[0] == 200
    wait_until("the name in the log", lambda: f'"user":"{user}"' in guarded.daemon.log().replace(" ", ""), 20)
