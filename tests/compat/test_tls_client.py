# SPDX-License-Identifier: Apache-2.0
"""The unmodified client over HTTPS: by the certificate that the daemon made and handed out at /cert, by one that
an authority signed, streams and large values included."""
from __future__ import annotations

import pytest

from integration.tls_kit import Authority

from . import sdk

pytestmark = pytest.mark.skipif(not sdk.has_client(),
                                reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


class TlsClient(sdk.Client):
    def address(self) -> str:
        return (f'host="{self.host}", server_port={self.port}, server_connection_type="tls", '
                f'server_host="{self.host}"')


def anchor_of(client: sdk.Client):
    """Where the client keeps the certificate that it verifies by."""
    path = client.folder / "client_home" / ".rh" / "certs" / "rh_server.crt"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


CALLS = """
    report(cluster.client.verify, cluster.call("concat", "call", "a", "b"))
    report(cluster.call("concat", "call", "x" * 2_000_000, "y") == "x" * 2_000_000 + "y")
    report(cluster.status()["cluster_config"]["server_connection_type"])
    cluster.put("key", {"a": 1})
    report(cluster.get("key"), cluster.run_bash("echo hi; exit 3", require_outputs=True))
"""


def test_by_the_certificate_that_is_made_here(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, tls=True)
    daemon.put_function("concat")
    client = TlsClient(tmp_path / "client", "127.0.0.1", daemon.port)
    anchor = anchor_of(client)
    anchor.write_bytes(daemon.certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0])
    verify, *rest = client.run(CALLS).reports
    assert verify == str(anchor)
    assert rest == ["ab", True, "tls", {"a": 1}, [3, "hi\n", ""]]


def test_the_client_fetches_it(start_daemon, tmp_path):
    """Over a connection that is verified; what it writes is what it can verify by."""
    daemon = start_daemon(inspect=False, tls=True)
    client = TlsClient(tmp_path / "client", "127.0.0.1", daemon.port)
    anchor = anchor_of(client)
    pem = daemon.certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0]
    anchor.write_bytes(pem)
    seen = client.run("""
        cluster.download_cert()
        report(cluster.keys())
    """)
    assert seen.reports == [[]] and anchor.read_bytes() == pem


def test_by_an_authority(start_daemon, tmp_path):
    root = Authority.make("root", is_ca=True)
    leaf = Authority.make("leaf", ["127.0.0.1"], issuer=root)
    daemon = start_daemon(inspect=False, args=leaf.options(tmp_path))
    client = TlsClient(tmp_path / "client", "127.0.0.1", daemon.port)
    anchor_of(client).write_bytes(leaf.pem)  # not self-signed: the client takes its usual authorities
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(root.pem)
    environment = client.environment
    client.environment = lambda: {**environment(), "REQUESTS_CA_BUNDLE": str(bundle),
                                  "SSL_CERT_FILE": str(bundle)}
    assert client.run("""
        report(cluster.client.verify, cluster.keys(), cluster.run_bash("echo hi", require_outputs=True))
    """).reports == [True, [], [0, "hi\n", ""]]


def test_another_certificate_is_not_trusted(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, tls=True)
    client = TlsClient(tmp_path / "client", "127.0.0.1", daemon.port)
    anchor_of(client).write_bytes(Authority.like_the_clients(["127.0.0.1"]).pem)
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        client.run("cluster.keys()")
