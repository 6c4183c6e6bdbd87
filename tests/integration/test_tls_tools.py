# SPDX-License-Identifier: Apache-2.0
"""HTTPS as the usual tools see it: curl, openssl s_client and gnutls-cli, two TLS libraries. Each verifies the chain and
the name, speaks TLS 1.2 and 1.3, agrees on http/1.1, resumes, and shows a certificate of its own where one is asked for."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from .tls_kit import Authority

NAME = "gpu.example"
VERSIONS = ["1.2", "1.3"]
KINDS = ["ecdsa", "rsa2048"]
REQUEST = f"GET /check HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
ANSWER = '{"rh_version":"0.0.42"}'
TOOL_S = 60


class Site:
    """A daemon for NAME by root, middle and leaf; `alice` is a client whose authority it may ask for."""

    def __init__(self, folder: Path, start_daemon, kind: str, asks_clients: bool = False):
        self.folder = folder
        root = Authority.make("root", is_ca=True)
        self.root = self.keep("root.pem", root.pem)
        self.other = self.keep("other.pem", Authority.make("other", is_ca=True).pem)
        leaf = Authority.make("leaf", [NAME], issuer=Authority.make("middle", issuer=root, is_ca=True), kind=kind)
        clients = Authority.make("clients", is_ca=True)
        self.alice = Authority.make("alice", issuer=clients, uses=(ExtendedKeyUsageOID.CLIENT_AUTH,)).write(folder, "alice")
        args = leaf.options(folder)
        if asks_clients:
            args += ["--client-ca", str(self.keep("clients.pem", clients.pem))]
        self.daemon = start_daemon(inspect=False, args=args)
        self.port = str(self.daemon.port)

    def keep(self, name: str, content: bytes) -> Path:
        (self.folder / name).write_bytes(content)
        return self.folder / name

    # Each returns (did it end well, all that it said).

    def curl(self, *words: str, name: str = NAME, root: Path | None = None) -> tuple[bool, str]:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--verbose", "--cacert", root or self.root,
             "--resolve", f"{name}:{self.port}:127.0.0.1", *words, f"https://{name}:{self.port}/check"],
            capture_output=True, text=True, timeout=TOOL_S)
        return done.returncode == 0, done.stdout + done.stderr

    def openssl(self, *words: str, name: str = NAME, root: Path | None = None) -> tuple[bool, str]:
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", NAME, "-CAfile",
             root or self.root, "-verify_return_error", "-verify_hostname", name, "-ign_eof", *words],
            input=REQUEST, capture_output=True, text=True, timeout=TOOL_S)
        return done.returncode == 0, done.stdout + done.stderr

    def gnutls(self, *words: str, name: str = NAME, root: Path | None = None) -> tuple[bool, str]:
        done = subprocess.run(
            ["gnutls-cli", "--x509cafile", root or self.root, "--port", self.port, "--sni-hostname", NAME,
             "--verify-hostname", name, *words, "127.0.0.1"],
            input=REQUEST, capture_output=True, text=True, timeout=TOOL_S)
        return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def make_site(start_daemon, tmp_path):
    def make(kind: str = "ecdsa", **options) -> Site:
        return Site(tmp_path, start_daemon, kind, **options)
    return make


def needs(program: str):
    return pytest.mark.skipif(not shutil.which(program), reason=f"no {program} (tools/install-packages test)")


def gnutls_version(version: str) -> list[str]:
    return ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}"]


def openssl_version(version: str) -> str:
    return f"-tls{version.replace('.', '_')}"


# -- curl ----------------------------------------------------------------------------------------


@needs("curl")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_curl(make_site, version, kind):
    site = make_site(kind)
    is_well, said = site.curl(f"--tlsv{version}", "--tls-max", version)
    assert is_well and ANSWER in said, said
    assert f"SSL connection using TLSv{version}" in said
    assert "SSL certificate verify ok" in said and "subject: CN=leaf" in said
    assert re.search(r"ALPN: server accepted http/1\.1", said)


@needs("curl")
def test_curl_keeps_its_connection(make_site):
    site = make_site()
    url = f"https://{NAME}:{site.port}/check"
    is_well, said = site.curl("--next", "--silent", "--cacert", str(site.root), url)
    assert is_well and said.count(ANSWER) == 2 and said.count("SSL connection using") == 1, said


@needs("curl")
def test_curl_refuses_what_it_does_not_trust(make_site):
    site = make_site()
    is_well, said = site.curl(root=site.other)
    assert not is_well and "SSL certificate problem" in said, said
    is_well, said = site.curl(name="other.example")
    assert not is_well and "no alternative certificate subject name matches target host name" in said, said
    assert ANSWER not in said


@needs("curl")
@pytest.mark.parametrize("version", VERSIONS)
def test_curl_with_a_certificate_of_its_own(make_site, version):
    site = make_site(asks_clients=True)
    versions = [f"--tlsv{version}", "--tls-max", version]
    is_well, said = site.curl(*versions)
    assert not is_well and ANSWER not in said and "alert" in said, said
    certificate, key = site.alice
    is_well, said = site.curl(*versions, "--cert", str(certificate), "--key", str(key))
    assert is_well and ANSWER in said, said


# -- openssl s_client ----------------------------------------------------------------------------


@needs("openssl")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_openssl(make_site, version, kind):
    site = make_site(kind)
    is_well, said = site.openssl(openssl_version(version), "-alpn", "h2,http/1.1")
    assert is_well and ANSWER in said, said
    assert "Verification: OK" in said and f"Verified peername: {NAME}" in said
    assert f"New, TLSv{version}" in said and "ALPN protocol: http/1.1" in said
    assert [line.split("= ")[-1] for line in said.splitlines() if re.match(r" \d s:", line)] == ["leaf", "middle"]


@needs("openssl")
def test_openssl_refuses_what_it_does_not_trust(make_site):
    site = make_site()
    is_well, said = site.openssl(root=site.other)
    assert not is_well and "certificate verify failed" in said and ANSWER not in said, said
    is_well, said = site.openssl(name="other.example")
    assert not is_well and "hostname mismatch" in said.lower() and ANSWER not in said, said


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_resumes(make_site, version):
    site = make_site()
    session = site.folder / "session"
    is_well, said = site.openssl(openssl_version(version), "-sess_out", str(session))
    assert is_well and "New, " in said, said
    is_well, said = site.openssl(openssl_version(version), "-sess_in", str(session))
    assert is_well and f"Reused, TLSv{version}" in said and ANSWER in said, said


@needs("openssl")
@pytest.mark.parametrize("version", VERSIONS)
def test_openssl_with_a_certificate_of_its_own(make_site, version):
    site = make_site(asks_clients=True)
    is_well, said = site.openssl(openssl_version(version))
    assert not is_well and ANSWER not in said, said
    assert "Acceptable client certificate CA names\nCN = clients" in said
    certificate, key = site.alice
    is_well, said = site.openssl(openssl_version(version), "-cert", str(certificate), "-key", str(key))
    assert is_well and ANSWER in said, said


# -- gnutls-cli ----------------------------------------------------------------------------------


@needs("gnutls-cli")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_gnutls(make_site, version, kind):
    site = make_site(kind)
    is_well, said = site.gnutls(*gnutls_version(version), "--alpn", "h2", "--alpn", "http/1.1")
    assert is_well and ANSWER in said, said
    assert "Got a certificate list of 2 certificates" in said and "Status: The certificate is trusted." in said
    assert f"(TLS{version}-X.509)" in said and "Application protocol: http/1.1" in said
    assert "Peer has closed the GnuTLS connection" in said  # by close_notify, and not by a mere end
    if version == "1.2":
        assert "extended master secret, safe renegotiation" in said


@needs("gnutls-cli")
def test_gnutls_refuses_what_it_does_not_trust(make_site):
    site = make_site()
    is_well, said = site.gnutls(root=site.other)
    assert not is_well and "The certificate is NOT trusted" in said and ANSWER not in said, said
    is_well, said = site.gnutls(name="other.example")
    assert not is_well and "does not match" in said and ANSWER not in said, said


@needs("gnutls-cli")
@pytest.mark.parametrize("version", VERSIONS)
def test_gnutls_resumes(make_site, version):
    site = make_site()
    is_well, said = site.gnutls(*gnutls_version(version), "--resume", "--waitresumption")
    assert is_well and "*** This is a resumed session" in said and ANSWER in said, said


@needs("gnutls-cli")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_gnutls_gets_no_old_version(make_site, version):
    is_well, said = make_site().gnutls("--priority", f"NORMAL:%VERIFY_ALLOW_SIGN_WITH_SHA1:-VERS-ALL:+VERS-TLS{version}")
    assert not is_well and ANSWER not in said, said


@needs("gnutls-cli")
def test_gnutls_is_told_that_there_is_no_common_protocol(make_site):
    is_well, said = make_site().gnutls("--alpn", "h2")
    assert not is_well and "No supported application protocol" in said, said


@needs("gnutls-cli")
@pytest.mark.parametrize("version", VERSIONS)
def test_gnutls_with_a_certificate_of_its_own(make_site, version):
    site = make_site(asks_clients=True)
    is_well, said = site.gnutls(*gnutls_version(version))
    assert not is_well and ANSWER not in said, said
    assert "Received alert [116]" in said or version == "1.2"
    certificate, key = site.alice
    words = [*gnutls_version(version), "--x509certfile", str(certificate), "--x509keyfile", str(key)]
    is_well, said = site.gnutls(*words)
    assert is_well and ANSWER in said, said
    is_well, said = site.gnutls(*words, "--resume", "--waitresumption")
    assert is_well and "*** This is a resumed session" in said and ANSWER in said, said


# -- by the node's own certificate ---------------------------------------------------------------


@pytest.mark.parametrize("command", [
    pytest.param("curl --silent --cacert {file} https://localhost:{port}/check", marks=needs("curl")),
    pytest.param("openssl s_client -connect localhost:{port} -CAfile {file} -verify_return_error -verify_hostname "
                 "localhost -ign_eof", marks=needs("openssl")),
    pytest.param("gnutls-cli --x509cafile {file} --port {port} localhost", marks=needs("gnutls-cli"))],
    ids=lambda command: command.split()[0])
def test_the_nodes_own_certificate(start_daemon, command):
    daemon = start_daemon(inspect=False, tls=True)
    words = command.format(file=daemon.certificate, port=daemon.port).split()
    done = subprocess.run(words, input=REQUEST, capture_output=True, text=True, timeout=TOOL_S)
    assert done.returncode == 0 and ANSWER in done.stdout, done.stdout + done.stderr
