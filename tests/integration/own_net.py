# SPDX-License-Identifier: Apache-2.0
"""A network of its own, in which ports 80 and 443 are free, whatever this machine has there, and in which names lead
where a test says.

    with OwnNetwork(names={"gpu.example": "127.0.0.1"}) as network:
        daemon = start_daemon(inspect=False, wrapper=network.wrapper, port_option=443, tls=True)
        network.run("curl", "https://gpu.example/check")

It has a loopback interface and nothing else, so whoever is in it reaches nobody but who is in it too. Needs the right to
make namespaces: root has it, others where the system lets them.
"""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Mapping

import pytest

ENTER_S = 60.0
#: Holds the namespaces until its input ends.
HOLDER = """\
ip link set lo up && cat "$1" >"$2" && mount --bind "$2" /etc/hosts && echo ready && exec cat
"""


class OwnNetwork:
    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self.names = {"localhost": "127.0.0.1", **(names or {})}

    def __enter__(self) -> "OwnNetwork":
        for program in ("unshare", "nsenter", "ip"):
            if not shutil.which(program):
                pytest.skip(f"no {program}")
        self.folder = Path(tempfile.mkdtemp(prefix="gatehouse-net."))
        (self.folder / "names").write_text("".join(f"{address} {name}\n" for name, address in self.names.items()))
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", HOLDER, "sh", self.folder / "names", self.folder / "hosts"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            why = self.holder.communicate()[1].strip()
            shutil.rmtree(self.folder)
            pytest.skip(f"no network of its own can be made: {why}")
        return self

    def __exit__(self, *trouble: object) -> None:
        self.holder.communicate()
        shutil.rmtree(self.folder)

    @property
    def wrapper(self) -> list[str]:
        """Words before a command that is to run in it; the folder that it runs in is kept."""
        proc = f"/proc/{self.holder.pid}/ns"
        return ["nsenter", f"--net={proc}/net", f"--mount={proc}/mnt", f"--wd={Path.cwd()}", "--"]

    def run(self, *words: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run([*self.wrapper, *words], capture_output=True, text=True, timeout=ENTER_S,
                              stdin=subprocess.DEVNULL, **options)

    def curl(self, *words: str) -> str:
        """What curl prints; it must end well."""
        done = self.run("curl", "--silent", "--show-error", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout
