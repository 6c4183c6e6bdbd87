# SPDX-License-Identifier: Apache-2.0
"""A home of its own in which the `gatehouse` command, and what it starts, is tried.

The shell is an interactive login bash with the start-up files that Debian gives to a new account, which
is what the client of the protocol uses by ssh. Every program that a bring-up must not run, and python3,
is behind a spy: spy/ is first on PATH and writes each command line into spy.log before it runs the true
program, if there is one.
"""
from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Mapping

import pytest

from .gatehoused import BUILD, is_running, wait_until
from .ports import free_port  # noqa: F401 - whoever starts a server in such a home needs one

COMMAND_S = 60.0
SPIED = ("pip", "pip3", "uv", "conda", "screen", "nohup", "sudo", "caddy")
PYTHONS = ("/usr/bin/python3", sys.executable)
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
GATEHOUSE = BUILD / "gatehouse"

BASHRC = """\
case $- in
    *i*) ;;
      *) return;;
esac
export PATH={spy}:$PATH
"""

PROFILE = """\
if [ -n "$BASH_VERSION" ] && [ -f "$HOME/.bashrc" ]; then
    . "$HOME/.bashrc"
fi
if [ -d "$HOME/.local/bin" ] ; then
    PATH="$HOME/.local/bin:$PATH"
fi
"""

SPY = "#!/bin/sh\n" + """\
line="{name} $*"
printf '%s\\n' "${{line%%
*}}" >>{log}
exec {program} "$@"
"""  # of a command over several lines, the first


EARLY = """\
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern char *program_invocation_short_name;
__attribute__((constructor)) static void early(void) {
    if (!strcmp(program_invocation_short_name, "gatehoused")) { %s }
}
"""


def node_python() -> str | None:
    """The node's python3: the client asks it for the free space, by psutil."""
    for python in PYTHONS:
        if os.path.exists(python) and subprocess.run(
                [python, "-c", "import psutil"], capture_output=True).returncode == 0:
            return python
    return None


class OwnHome:
    """Make it, use run(), and stop() it: that ends every process that was started there."""

    def __init__(self) -> None:
        # A short path: sockets are kept below it, and their names may have 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="gh-home-"))
        self.home = self.folder / "home"
        self.spy_log = self.folder / "spy.log"
        self.python = node_python() or sys.executable
        (self.folder / "spy").mkdir()
        for name in SPIED:
            self.spy_on(name, shutil.which(name, path=SYSTEM_PATH))
        self.spy_on("python3", self.python)
        (self.home / ".local" / "bin").mkdir(parents=True)
        (self.home / ".bashrc").write_text(BASHRC.format(spy=self.folder / "spy"))
        (self.home / ".profile").write_text(PROFILE)
        self.spy_log.touch()

    def stop(self) -> None:
        for pid in self.daemon_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until("the home's processes to end", lambda: not self.daemon_pids())
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- what is there --------------------------------------------------------------------------

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "gatehouse"

    @property
    def server_log(self) -> str:
        path = self.home / ".rh" / "server.log"
        return path.read_text() if path.exists() else ""

    def spied(self) -> list[str]:
        return self.spy_log.read_text().splitlines()

    def spy_on(self, name: str, program: str | None) -> None:
        path = self.folder / "spy" / name
        path.write_text(SPY.format(name=name, log=self.spy_log,
                                   program=program or f"/nowhere/{name}"))
        path.chmod(0o755)

    def processes(self, program: str) -> list[int]:
        """The processes of the build's PROGRAM ("" for any) whose HOME is this one."""
        mark = f"HOME={self.home}".encode()
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
                path = os.readlink(f"/proc/{entry}/exe")
            except OSError:
                continue
            if mark in environ and path.startswith(f"{BUILD}/{program}") and is_running(int(entry)):
                found.append(int(entry))
        return found

    def daemon_pids(self) -> list[int]:
        """gatehoused and what of the build it started."""
        return self.processes("")

    # -- doing things there ---------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": SYSTEM_PATH, "TERM": "dumb", "LANG": "C.UTF-8"}

    def run(self, command: str, check: bool = True,
            env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess:
        """COMMAND in an interactive login bash, as the client runs it; its stderr goes into stdout."""
        script = f"true && source ~/.bashrc && export PYTHONWARNINGS=ignore && ({command}) 2>&1"
        done = subprocess.run(["/bin/bash", "--login", "-c", "-i", script], cwd=self.home,
                              env={**self.environment(), **(env or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=COMMAND_S, start_new_session=True)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done

    def gatehouse(self, words: str, check: bool = True,
                  env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess:
        return self.run(f"{shlex.quote(str(GATEHOUSE))} {words}", check, env)

    def preloaded(self, statement: str) -> Path:
        """A library for LD_PRELOAD by which gatehoused, and nothing else, runs STATEMENT (C) before its
        main."""
        if os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no"):
            pytest.skip("a sanitizer wants to be the first library of a program")
        source, library = self.folder / "early.c", self.folder / "early.so"
        source.write_text(EARLY % statement)
        done = subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-D_GNU_SOURCE", "-o",
                               library, source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return library

    def install_shims(self) -> "OwnHome":
        self.gatehouse("shim install --dir ~/.local/bin")
        return self
