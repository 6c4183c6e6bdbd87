# SPDX-License-Identifier: Apache-2.0
"""Run a short program with the unmodified runhouse client and see what a person would see."""
from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.gatehoused import PYTHON

USER_CODE = Path(__file__).resolve().parent / "user_code"
CLIENT_VERSION = "0.0.42"
PROGRAM_S = 120.0

COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the client paints the lines of a server

PREAMBLE = """\
import json, sys
import runhouse as rh
from client_code import *

_reports = []
def report(*values):
    _reports.extend(values)

def main(cluster):
{body}

if __name__ == "__main__":
    try:
        main(rh.cluster(name="test-cluster", {address}))
    finally:
        json.dump(_reports, open(sys.argv[1], "w"))
"""


@dataclass
class Seen:
    """What a program reported and printed, without colours."""

    reports: list[Any]
    stdout: str
    stderr: str


class Running:
    """A program whose lines are looked at while it runs."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.stderr = ""
        self.threads = [threading.Thread(target=self._read_stdout, daemon=True),
                        threading.Thread(target=self._read_stderr, daemon=True)]
        for thread in self.threads:
            thread.start()

    def _read_stdout(self) -> None:
        for line in self.process.stdout:
            self.lines.put(COLOUR.sub("", line).rstrip("\n"))
        self.lines.put(None)

    def _read_stderr(self) -> None:
        self.stderr = self.process.stderr.read()

    def wait_for_line(self, wanted: str) -> None:
        end = time.monotonic() + PROGRAM_S
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line {wanted!r} within {PROGRAM_S:g} s") from None
            if line is None:
                self.process.wait()
                raise AssertionError(f"no line {wanted!r}; the client said:\n{self.stderr}")
            if line == wanted:
                return

    def finish(self) -> None:
        assert self.process.wait(PROGRAM_S) == 0, self.stderr

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()


def program(body: str, address: str) -> str:
    """BODY works on `cluster`, which is at ADDRESS: arguments of rh.cluster."""
    return PREAMBLE.format(body=textwrap.indent(textwrap.dedent(body), "    "), address=address)


class Client:
    """A person's project folder with client_code.py, and a home without any login."""

    def __init__(self, folder: Path, host: str, port: int, python: str = PYTHON):
        self.folder = folder
        self.host = host
        self.port = port
        self.python = python
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        (folder / "client_home").mkdir()
        (self.project / "requirements.txt").touch()  # marks the root of the project
        shutil.copy(USER_CODE / "client_code.py", self.project)

    def environment(self) -> dict[str, str]:
        dropped = ("GATEHOUSE_", "RH_", "XDG_", "PYTHONPATH", "VIRTUAL_ENV")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        return {**env, "HOME": str(self.folder / "client_home"), "RH_LOG_LEVEL": "ERROR",
                "PYTHONUNBUFFERED": "1"}

    def address(self) -> str:
        """An address other than 127.0.0.1 is what the client calls remote: it then appends slashes
        to its paths."""
        address = f'host="{self.host}", server_port={self.port}, server_connection_type="none"'
        if self.host == "127.0.0.1":
            address += f', server_host="{self.host}"'
        return address

    def start(self, body: str) -> subprocess.Popen:
        script = self.project / "program.py"
        script.write_text(program(body, self.address()))
        return subprocess.Popen(
            [self.python, str(script), str(self.folder / "reports.json")], cwd=self.project,
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def watch(self, body: str) -> Running:
        return Running(self.start(body))

    def run(self, body: str) -> Seen:
        process = self.start(body)
        try:
            stdout, stderr = process.communicate(timeout=PROGRAM_S)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"the client hangs\n{stdout}\n{stderr}") from None
        if process.returncode != 0:
            raise AssertionError(f"the client failed\n{stdout}\n{stderr}")
        return Seen(json.loads((self.folder / "reports.json").read_text()),
                    COLOUR.sub("", stdout), COLOUR.sub("", stderr))


def has_client(python: str = PYTHON) -> bool:
    """Whether this interpreter has the pinned client."""
    probe = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('runhouse'))"],
        capture_output=True, text=True)
    return probe.stdout.strip() == CLIENT_VERSION
