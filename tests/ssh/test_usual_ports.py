# SPDX-License-Identifier: Apache-2.0
"""Bring-up at ports 80 and 443, which the client takes for `none` and `tls`: it says --use-caddy then, and puts its
certificate where Caddy would look. In a network of its own, where these ports are free."""
from __future__ import annotations

import pytest

from integration import acme_ca
from integration.acme_ca import Pebble
from integration.own_net import OwnNetwork
from integration.ports import free_port

from .client import BRING_UP, SshClient

DOMAIN = "gpu.example.test"
CADDY = "/var/lib/caddy"


class UsualClient(SshClient):
    """With a `server_port` only where the test says one, and more options of rh.cluster."""

    options = ""

    def address(self) -> str:
        node = self.nodes[0]
        creds = {"ssh_user": node.user, "ssh_private_key": str(node.key)}
        return (f"host={node.host!r}, ssh_creds={creds!r}, ssh_port={node.ssh_port}, "
                f"server_connection_type={self.connection!r}, {self.options}")


@pytest.fixture
def network():
    with OwnNetwork({DOMAIN: "127.0.0.1"}, emptied=[CADDY]):
        yield


@pytest.fixture
def node(network, new_node):
    node = new_node()
    node.spy_on("sudo", "/usr/bin/env")  # who tests is root, and the client uses sudo to write to CADDY
    return node


@pytest.fixture
def usual(node, tmp_path):
    def make(connection: str, options: str = "") -> UsualClient:
        client = UsualClient(tmp_path / "client", [node], 0, connection)
        client.options = options
        return client
    return make


def test_none_on_80(usual, node):
    endpoint, _, *rest = usual("none").run(BRING_UP).reports
    assert (endpoint, rest) == ("http://127.0.0.1", ["ab", "cd", "none"])


def test_tls_on_443_by_the_clients_own_certificate(usual, node):
    """It is uploaded to where Caddy would look."""
    endpoint, verify, *rest = usual("tls").run(BRING_UP).reports
    assert (endpoint, rest) == ("https://127.0.0.1", ["ab", "cd", "tls"])
    assert verify.endswith(".rh/certs/rh_server.crt")
    assert f"tls.key_closed file={CADDY}/rh_server.key" in node.server_log.replace('"', "")
    assert "redirect.not_listening" not in node.server_log


def test_tls_on_443_by_files_that_are_named(usual, node, tmp_path):
    """ssl_certfile and ssl_keyfile are where the client makes its pair; the node gets a copy, under names that the
    client takes for granted (other names fail: docs/tls.md)."""
    chain, key = tmp_path / "mine" / "rh_server.crt", tmp_path / "mine" / "rh_server.key"
    options = f'ssl_certfile="{chain}", ssl_keyfile="{key}"'
    endpoint, verify, *rest = usual("tls", options).run(BRING_UP).reports
    assert (endpoint, verify, rest) == ("https://127.0.0.1", str(chain), ["ab", "cd", "tls"])


def test_tls_by_a_domain_at_another_port(usual, node):
    """Without Caddy's ports the client makes a certificate for the domain, too."""
    port = free_port()
    endpoint, verify, *rest = usual("tls", f'domain="{DOMAIN}", server_port={port}').run(BRING_UP).reports
    assert (endpoint, rest) == (f"https://{DOMAIN}:{port}", ["ab", "cd", "tls"])
    assert verify.endswith(".rh/certs/rh_server.crt")


@pytest.mark.skipif(not acme_ca.is_here(), reason="no pebble: tools/install-packages test")
@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_tls_on_443_by_a_domain(usual, node, tmp_path_factory, challenge):
    """The client uploads nothing and verifies by the usual authorities: the node gets its certificate by ACME when the
    client first connects."""
    ca = Pebble(tmp_path_factory.mktemp("ca"))
    ca.http_port, ca.tls_port = 80, 443
    with ca.running():
        config = node.home / ".config" / "gatehouse" / "gatehouse.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(f"acme_directory: {ca.directory}\nacme_ca: {ca.trusted_by}\nacme_challenge: {challenge}\n")
        client = usual("tls", f'domain="{DOMAIN}"')
        environment = client.environment()
        client.environment = lambda: {**environment, "REQUESTS_CA_BUNDLE": str(ca.root), "SSL_CERT_FILE": str(ca.root)}
        assert client.run(BRING_UP).reports == [f"https://{DOMAIN}", True, "ab", "cd", "tls"]
    assert "acme.order" in node.server_log and "acme.failed" not in node.server_log
