# SPDX-License-Identifier: Apache-2.0
"""Fixtures: nodes that are reached by ssh, and the unmodified client that reaches them."""
from __future__ import annotations

import os

import pytest

from compat import sdk

from . import node as nodes
from .client import SshClient, server_port


def pytest_collection_modifyitems(items):
    """Without sshd or the client nothing here can run; say so, once for each test."""
    lacking = nodes.lacking()
    if not lacking and not sdk.has_client():
        lacking = f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests"
    for item in items if lacking else []:
        if os.path.dirname(__file__) in str(item.path):
            item.add_marker(pytest.mark.skip(reason=lacking))


def show(node: nodes.SshNode) -> None:
    print(f"\n--- ~/.rh/server.log of {node.host} ---\n{node.server_log[-8000:]}")
    print("--- what was run there ---\n" + "\n".join(node.spied()))


@pytest.fixture
def new_node(request):
    """new_node(host) -> a started node with the shims; all listen at one ssh port."""
    made: list[nodes.SshNode] = []

    def make(host: str = "127.0.0.1", with_shims: bool = True) -> nodes.SshNode:
        node = nodes.SshNode(host, made[0].ssh_port if made else None)
        made.append(node)
        node.start()
        return node.install_shims() if with_shims else node

    yield make
    for node in made:
        if getattr(request.node, "test_failed", False):
            show(node)
        node.stop()


@pytest.fixture
def node(new_node) -> nodes.SshNode:
    return new_node()


@pytest.fixture
def client(node, tmp_path) -> SshClient:
    return SshClient(tmp_path / "client", [node], server_port())
