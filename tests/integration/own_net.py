# SPDX-License-Identifier: Apache-2.0
"""A network of its own for a test, in which ports 80 and 443 are free, whatever this machine has there, and in which
names lead where the test says.

    with OwnNetwork({"gpu.example": "127.0.0.1"}):
        daemon = start_daemon(inspect=False, tls=True, port_option=443)
        subprocess.run(["curl", "https://gpu.example/check"])

The block's thread is in it, and so is what it starts. There is a loopback interface and nothing else. Its /etc/hosts and
`emptied` folders are seen there alone. Needs the right to make namespaces, which root has; else the test is skipped.
"""
from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Mapping, Sequence

import pytest

CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000  # sched.h; os has them from Python 3.12 on
KINDS = {"net": CLONE_NEWNET, "mnt": CLONE_NEWNS}


def call(function: str, *args: int) -> None:
    """A function of libc that returns 0, or -1 and errno."""
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


class OwnNetwork:
    def __init__(self, names: Mapping[str, str] | None = None, emptied: Sequence[str] = ()) -> None:
        self.names = {"localhost": "127.0.0.1", **(names or {})}
        self.emptied = emptied

    def __enter__(self) -> "OwnNetwork":
        for program in ("ip", "mount"):
            if not shutil.which(program):
                pytest.skip(f"no {program} (tools/install-packages test)")
        self.outside = {kind: os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY) for kind in KINDS}
        self.root = os.open("/", os.O_PATH | os.O_DIRECTORY)
        try:
            call("unshare", CLONE_FS | CLONE_NEWNS | CLONE_NEWNET)  # CLONE_FS: other threads stay where they are
        except OSError as problem:
            for fd in (*self.outside.values(), self.root):
                os.close(fd)
            pytest.skip(f"no network of its own can be made: {problem}")
        self.folder = Path(tempfile.mkdtemp(prefix="gatehouse-net."))
        try:
            self._furnish()
        except (OSError, subprocess.CalledProcessError) as problem:
            self.__exit__()
            pytest.skip(f"no network of its own can be furnished: {problem}")
        return self

    def _furnish(self) -> None:
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"{address} {name}\n" for name, address in self.names.items()))
        run("mount", "--make-rprivate", "/")
        run("mount", "--bind", str(hosts), "/etc/hosts")
        for folder in self.emptied:
            there = next(path for path in (Path(folder), *Path(folder).parents) if path.is_dir())
            run("mount", "-t", "tmpfs", "tmpfs", str(there))
            Path(folder).mkdir(parents=True, exist_ok=True)
        run("ip", "link", "set", "lo", "up")

    def __exit__(self, *trouble: object) -> None:
        here = os.getcwd()
        for kind, fd in self.outside.items():
            call("setns", fd, KINDS[kind])
            os.close(fd)
        os.fchdir(self.root)  # entering a mount namespace leads to its root, which is not ours in a chroot
        os.chroot(".")
        os.close(self.root)
        os.chdir(here)
        shutil.rmtree(self.folder)


def run(*words: str) -> str:
    """What a program prints; it must end well."""
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL).stdout
