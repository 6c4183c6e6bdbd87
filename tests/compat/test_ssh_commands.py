# SPDX-License-Identifier: Apache-2.0
"""Every command line that the client was recorded to send over ssh does here what it did there.

They are run as they were sent, by the shell and with the quoting of the recording, in a home of their
own with our commands installed; tests/ssh has the client send them through a real sshd. Ports are free
ones in the place of the recorded ones. What would install packages or become root is only spied on.
"""
from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.request

import pytest

from integration.ownhome import COMMAND_S, OwnHome, free_port
from integration.tls_kit import Authority

from . import replay

RECORDED = [json.loads(line) for line in
            (replay.TRANSCRIPTS / "ssh-commands.jsonl").read_text("utf-8").splitlines()]
PORT = re.compile(r"(--port |\"server_port\": )(\d+)")
SPIED_ON = {"pip": "true", "sudo": "true"}  # `python3 -m pip` goes to the first
PROBES = "find_spec("  # "is it installed?": both answers are served


def operation_of(recorded: dict) -> str:
    return recorded["name"].partition("#")[0]


OPERATIONS = {name: [each for each in RECORDED if operation_of(each) == name]
              for name in dict.fromkeys(map(operation_of, RECORDED))}


class Node:
    """A home as the recorded node had it, and the port that stands for all recorded ones."""

    def __init__(self) -> None:
        self.home = OwnHome()
        self.home.install_shims()
        for name, program in SPIED_ON.items():
            self.home.spy_on(name, program)
        python = self.home.folder / "spy" / "python3"
        python.write_text(python.read_text().replace(
            "exec ", 'case "$1 $2" in "-m pip") exit 0 ;; esac\nexec ', 1))
        (self.home.home / "proj").mkdir()
        subprocess.run([self.home.python, "-m", "venv", "--without-pip",
                        self.home.home / "venv"], check=True)
        self.port = free_port()
        self.certs = self.home.home / "certs"

    def upload(self) -> None:
        """What the client makes for itself and copies here by rsync, as readable as it comes."""
        made = Authority.like_the_clients(["localhost", "127.0.0.1"])
        self.certs.mkdir(exist_ok=True)
        (self.certs / "rh_server.crt").write_bytes(made.pem)
        (self.certs / "rh_server.key").write_bytes(made.key_pem)

    def run(self, recorded: dict) -> subprocess.CompletedProcess:
        """As sshd runs it: by the login shell."""
        line = PORT.sub(rf"\g<1>{self.port}", recorded["remote_command"])
        line = line.replace("/var/lib/caddy/", str(self.certs) + "/")  # nothing is moved there
        return subprocess.run(["/bin/bash", "-c", line], cwd=self.home.home,
                              env=self.home.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=COMMAND_S,
                              start_new_session=True)


@pytest.fixture
def node():
    made = Node()
    yield made
    made.home.stop()


def check_effect(node: Node, command: str, done: subprocess.CompletedProcess) -> None:
    """What is there after COMMAND, beyond its exit status of 0."""
    daemons = node.home.processes("gatehoused")
    if command.startswith("echo "):
        assert "hello" in done.stdout
    elif command.startswith("runhouse --version"):
        assert "0.0.42" in done.stdout
    elif "disk_usage" in command:
        assert "'free': " in done.stdout
    elif "cluster_config.json" in command:
        config = node.home.home / ".rh" / "cluster_config.json"
        assert json.loads(config.read_text())["name"] == "demo-cluster"
    elif "runhouse server stop" in command:
        assert "Server stopped." in done.stdout and daemons == []
    elif "runhouse server" in command:
        assert "Server is up" in done.stdout and len(daemons) == 1
        environ = open(f"/proc/{daemons[0]}/environ").read().split("\0")
        assert "RH_LOG_LEVEL=INFO" in environ and ("FOO=bar" in environ) == ("FOO=bar" in command)
        assert ("/venv/bin/python" in node.home.server_log) == ("--venv" in command)
        check_tls(node, command)


def check_tls(node: Node, command: str) -> None:
    """With the pair that the client uploaded; with a domain, one that is made here until another is had."""
    if "--use-https" not in command:
        return
    anchor = node.certs / "rh_server.crt"
    if "--domain" in command:
        anchor = next(node.home.home.rglob("self-signed.pem"))
    context = ssl.create_default_context(cafile=anchor)
    with urllib.request.urlopen(f"https://localhost:{node.port}/check", context=context) as answer:
        assert json.loads(answer.read()) == {"rh_version": "0.0.42"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_commands_of(operation, node):
    if operation.startswith("stop_server"):
        node.home.run(f"runhouse server start --port {node.port}")
    for recorded in OPERATIONS[operation]:
        command = recorded["inner_command"]
        if command.startswith("rsync --server"):
            if command.endswith("~/certs"):
                node.upload()
            continue  # speaks with a peer; tests/ssh has the client do that
        done = node.run(recorded)
        assert done.returncode == 0 or (done.returncode == 1 and PROBES in command) or \
            command.startswith("[ -d "), f"{command}\n{done.stdout}"
        check_effect(node, command, done)
