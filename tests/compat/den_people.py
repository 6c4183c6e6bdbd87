# SPDX-License-Identifier: Apache-2.0
"""People with homes of their own who use the unmodified client with a node that is their Den, too."""
from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any, Iterator

from integration.auth_kit import Node, node as start_node
from integration.gatehoused import PYTHON

from . import sdk
from .den_recorder import Recorded, recorder

API = "/_gatehouse/v1/den"

PROGRAM = """\
import json, os, sys
import runhouse as rh
from client_code import *

_reports = []
def report(*values):
    _reports.extend(values)

def refusal(call, *args, **kwargs):
    try:
        return ["returned", call(*args, **kwargs)]
    except Exception as error:
        return str(error)

def main():
{body}

if __name__ == "__main__":
    try:
        main()
    finally:
        json.dump(_reports, open(sys.argv[1], "w"))
"""


class Person:
    """A user of the Den, at a machine of its own: another home, another project."""

    def __init__(self, folder: Path, name: str, token: str, den_url: str, node: Node):
        self.name = name
        self.token = token
        self.den_url = den_url
        self.node = node
        self.home = folder / name / "home"
        self.project = folder / name / "project"
        self.reports = folder / name / "reports.json"
        (self.home / ".rh").mkdir(parents=True)
        self.project.mkdir()
        (self.project / "requirements.txt").touch()
        shutil.copy(sdk.USER_CODE / "client_code.py", self.project)
        # What a login leaves there, and what it would ask for at a terminal.
        (self.home / ".rh" / "config.yaml").write_text(
            f"token: {token}\nusername: {name}\ndefault_folder: /{name}\ndefault_autostop: 60\n")

    def environment(self) -> dict[str, str]:
        dropped = ("GATEHOUSE_", "RH_", "XDG_", "PYTHONPATH", "VIRTUAL_ENV", "API_SERVER_URL")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        return {**env, "HOME": str(self.home), "RH_LOG_LEVEL": "INFO", "PYTHONUNBUFFERED": "1",
                "API_SERVER_URL": self.den_url, "disable_observability": "true",
                "DEN_TOKEN": self.token}

    def cluster(self) -> str:
        """Text of the cluster that the node is, at an address that others reach."""
        return (f'rh.cluster(name="/alice/gpu", host="localhost", server_host="0.0.0.0", '
                f'server_port={self.node.daemon.port}, server_connection_type="none", den_auth=True)')

    def run(self, body: str) -> list[Any]:
        """What BODY reports; what it says goes to where a failed test shows it."""
        script = self.project / "program.py"
        script.write_text(PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    ")))
        done = subprocess.run([PYTHON, str(script), str(self.reports)], cwd=self.project,
                              env=self.environment(), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=sdk.PROGRAM_S)
        print(f"--- {self.name} ---\n{done.stdout}\n{done.stderr}")
        assert done.returncode == 0, f"{self.name}: {done.stderr[-3000:]}"
        return json.loads(self.reports.read_text())

    def log_in(self) -> None:
        """As at a machine where nobody has logged in before."""
        (self.home / ".rh" / "config.yaml").write_text("default_autostop: 60\n")
        self.run("""
            rh.login(token=os.environ["DEN_TOKEN"], interactive=False, download_secrets=False,
                     upload_secrets=False)
        """)


class Den:
    """The node, asked as its operator, and the people who use it."""

    def __init__(self, node: Node, recorded: Recorded, folder: Path):
        self.node = node
        self.recorded = recorded
        self.folder = folder
        self.tokens: dict[str, str] = {}

    def add(self, name: str) -> Person:
        answer = self.node.local("POST", f"{API}/users", {"name": name, "email": f"{name}@example.org"})
        assert answer.status == 200, answer
        answer = self.node.local("POST", f"{API}/tokens", {"user": name})
        assert answer.status == 200, answer
        self.tokens[name] = answer.json()["token"]
        return Person(self.folder, name, self.tokens[name], self.recorded.url, self.node)


def cluster_config(folder: Path, name: str = "/alice/gpu") -> None:
    """What makes the node alice's, as her client would write it over ssh."""
    rh = folder / "home" / ".rh"
    rh.mkdir(parents=True)
    (rh / "cluster_config.json").write_text(json.dumps({"name": name}))


@contextlib.contextmanager
def den(folder: Path, *args: str, auth: bool = True) -> Iterator[Den]:
    cluster_config(folder / "d")
    with start_node(folder / "d", "--den", *args, owner=False, auth=auth) as node:
        with recorder(node.daemon.host, node.daemon.port) as recorded:
            made = Den(node, recorded, folder)
            yield made
            replaced = {token: f"<{user}>" for user, token in made.tokens.items()}
            recorded.write(folder.name.removeprefix("test_").rstrip("0123456789"), {
                **replaced, str(folder): "<folder>", recorded.url: "<den>", str(node.daemon.port): "<node>"})
