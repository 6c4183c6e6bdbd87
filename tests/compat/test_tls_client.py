# SPDX-License-Identifier: Apache-2.0
"""The unmodified client over HTTPS: by the certificate that the daemon made and handed out at /cert, by one that
an authority signed, streams and large values included."""
from __future__ import annotations

import pytest

from integration.own_net import OwnNetwork
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


# -- ports 80 and 443, which the client takes when it is given none, and a domain ---------------------

DOMAIN = "gpu.example.org"


class UsualClient(sdk.Client):
    """With the options of rh.cluster alone that a person would give."""

    options = ""

    def address(self) -> str:
        return f'host="127.0.0.1", server_host="127.0.0.1", {self.options}'


@pytest.fixture
def usual(tmp_path):
    """usual(options) -> the client, in a network where these ports are free and the domain leads to the node."""
    def make(options: str) -> UsualClient:
        client = UsualClient(tmp_path / "client", "127.0.0.1", 0)
        client.options = options
        return client
    with OwnNetwork({DOMAIN: "127.0.0.1"}):
        yield make


def test_on_443_by_the_certificate_that_is_made_here(start_daemon, usual):
    """What /cert gives over it is what the client verifies by."""
    daemon = start_daemon(inspect=False, tls=True, port_option=443)
    daemon.put_function("concat")
    client = usual('server_connection_type="tls"')
    anchor = anchor_of(client)
    anchor.write_bytes(daemon.certificate.read_bytes().partition(b"-----BEGIN PRIVATE")[0])
    verify, *rest = client.run(CALLS).reports
    assert (verify, rest) == (str(anchor), ["ab", True, "tls", {"a": 1}, [3, "hi\n", ""]])
    assert client.run("""
        cluster.download_cert()
        report(cluster.endpoint(), cluster.keys())
    """).reports == ["https://127.0.0.1", ["concat", "key"]]


def test_on_443_by_files_of_its_own(start_daemon, usual, tmp_path):
    """ssl_certfile and ssl_keyfile: tls follows from them. The pair is made by the client, and is given to the node as
    it would upload it."""
    chain, key = tmp_path / "mine" / "node.crt", tmp_path / "mine" / "node.key"
    client = usual(f'ssl_certfile="{chain}", ssl_keyfile="{key}"')
    client.run("""
        cluster.cert_config.generate_certs(address=cluster.head_ip, domain=cluster.domain)
    """)
    key.chmod(0o600)
    files = ["--ssl-certfile", str(chain), "--ssl-keyfile", str(key)]
    start_daemon(inspect=False, port_option=443, args=["--use-https", *files])
    assert client.run("""
        cluster.put("key", 1)
        report(cluster.server_connection_type, cluster.endpoint(), cluster.client.verify, cluster.get("key"))
    """).reports == ["tls", "https://127.0.0.1", str(chain), 1]


def test_on_443_by_a_domain(start_daemon, usual, tmp_path):
    """The client then verifies by the usual authorities, and by nothing that it has of the node."""
    root = Authority.make("root", is_ca=True)
    leaf = Authority.make("leaf", [DOMAIN], issuer=Authority.make("middle", issuer=root, is_ca=True))
    start_daemon(inspect=False, port_option=443, args=[*leaf.options(tmp_path), "--domain", DOMAIN])
    client = usual(f'server_connection_type="tls", domain="{DOMAIN}"')
    anchor_of(client).write_bytes(b"none: who read it would fail")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(root.pem)
    with pytest.raises(AssertionError, match="CERTIFICATE_VERIFY_FAILED"):
        client.run("cluster.keys()")
    environment = client.environment()
    client.environment = lambda: {**environment, "REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
    assert client.run("""
        cluster.put("key", "x" * 1_000_000)
        report(cluster.endpoint(), cluster.client.verify, len(cluster.get("key")))
        report(cluster.run_bash("echo hi", require_outputs=True))
    """).reports == [f"https://{DOMAIN}", True, 1_000_000, [0, "hi\n", ""]]


def test_none_on_80(start_daemon, usual):
    daemon = start_daemon(inspect=False, port_option=80)
    daemon.put_function("concat")
    assert usual('server_connection_type="none"').run("""
        report(cluster.endpoint(), cluster.server_port, cluster.call("concat", "call", "a", "b"))
        report(cluster.status()["cluster_config"]["server_connection_type"])
    """).reports == ["http://127.0.0.1", 80, "ab", "none"]


def test_http_on_80_leads_the_client_to_https(start_daemon, usual):
    """Beside 443, port 80 redirects, and calls stay POST on the way. A client that was told `none` verifies nothing
    there; of its two HTTP libraries the one that reads streams does not follow, and what it says names HTTPS."""
    daemon = start_daemon(inspect=False, tls=True, port_option=443)
    daemon.put_function("concat")
    client = usual('server_connection_type="none"')
    assert client.run("""
        cluster.put("key", "x" * 1_000_000)
        report(cluster.endpoint(), len(cluster.get("key")))
        report(cluster.call("concat", "call", "a", "b", stream_logs=False))
    """).reports == ["http://127.0.0.1", 1_000_000, "ab"]
    with pytest.raises(AssertionError, match="This node speaks HTTPS: https://127.0.0.1/logs"):
        client.run('cluster.call("concat", "call", "a", "b")')
