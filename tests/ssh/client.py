# SPDX-License-Identifier: Apache-2.0
"""The unmodified client on its own side of ssh."""
from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Sequence

from compat.sdk import COLOUR, PROGRAM_S, Client
from integration.ports import free_port

from .node import SshNode


# A whole program: up, a call, up again, a call.
BRING_UP = """
    cluster.start_server()
    report(cluster.endpoint(), cluster.client.verify)
    report(rh.function(concat).to(cluster)("a", "b"))
    cluster.restart_server()
    report(rh.function(concat).to(cluster)("c", "d"))
    report(cluster.status()["cluster_config"]["server_connection_type"])
"""


def server_port() -> int:
    """A port for a node's server, while the next one is free for the client's end of its tunnel: the client
    takes a port for free when nobody answers there."""
    return free_port(count=2)


class SshClient(Client):
    """Programs whose `cluster` is the nodes, reached by ssh; the daemon's port is free on all of them."""

    def __init__(self, folder: Path, nodes: Sequence[SshNode], port: int, connection: str = "ssh"):
        super().__init__(folder, nodes[0].host, port)
        self.nodes = nodes
        self.connection = connection

    def address(self) -> str:
        node = self.nodes[0]
        hosts = [each.host for each in self.nodes]
        creds = {"ssh_user": node.user, "ssh_private_key": str(node.key)}
        return (f"host={hosts!r}, ssh_creds={creds!r}, ssh_port={node.ssh_port}, "
                f"server_port={self.port}, server_connection_type={self.connection!r}")

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "RH_LOG_LEVEL": "INFO"}

    def fail(self, body: str) -> str:
        """Run BODY, which raises; returns what a person sees of it."""
        process = self.start(body)
        try:
            stdout, stderr = process.communicate(timeout=PROGRAM_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert process.returncode != 0, f"the client did not fail\n{stdout}\n{stderr}"
        return COLOUR.sub("", stdout + stderr)
