# SPDX-License-Identifier: Apache-2.0
"""Processes: start one in a session of its own, count what it and its children use, end them by pid."""
from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Mapping, Sequence

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOP_S = 5.0

_started: dict[int, "Process"] = {}  # what stop_all() has to end


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the program's name: [0] state, [1] ppid, [3] session."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


class Process:
    """One started program. Its tree is every process of its session and every descendant."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path):
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        self.log = log
        here = os.getcwd()
        os.chdir(cwd)  # posix_spawn cannot do it for the child
        try:
            self.started = time.perf_counter()
            self.pid = os.posix_spawn(command[0], list(command), dict(env), file_actions=actions,
                                      setsid=True)
        finally:
            os.chdir(here)
        self._ended = False
        _started[self.pid] = self

    def has_ended(self) -> bool:
        if not self._ended:
            self._ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return self._ended

    def tree(self) -> list[int]:
        """Pids, the started one first, zombies left out."""
        parents, members = {}, set()
        for name in os.listdir("/proc"):
            if name.isdigit() and (stat := _stat(int(name))) and stat[0] not in "ZX":
                parents[int(name)] = int(stat[1])
                if int(stat[3]) == self.pid:
                    members.add(int(name))
        found = [self.pid] if self.pid in parents else []
        for pid in sorted(parents):
            above = pid
            while above in parents and above != self.pid:
                above = parents[above]
            if pid != self.pid and (above == self.pid or pid in members):
                found.append(pid)
        return found

    def log_tail(self, lines: int = 30) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def stop(self) -> None:
        """SIGTERM to the started process, SIGKILL to what is left of its tree after STOP_S."""
        seen = self.tree()
        if not self.has_ended():
            _kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + STOP_S
        while time.monotonic() < end:
            self.has_ended()  # reaps
            left = [pid for pid in seen if _is_running(pid)]
            if not left:
                break
            time.sleep(0.005)
        for pid in {*self.tree(), *(pid for pid in seen if _is_running(pid))}:
            _kill(pid, signal.SIGKILL)
        if not self._ended:
            os.waitpid(self.pid, 0)
            self._ended = True
        _started.pop(self.pid, None)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def stop_all() -> None:
    for process in list(_started.values()):
        process.stop()


def _is_running(pid: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def cpu_s(pids: Sequence[int]) -> float:
    """User and system time that PIDS have used until now."""
    total = 0
    for pid in pids:
        if stat := _stat(pid):
            total += int(stat[11]) + int(stat[12])
    return total / TICKS_PER_S


def scheduled_s(pids: Sequence[int]) -> float:
    """The same, to the nanosecond."""
    total_ns = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total_ns += int(thread.read_text().split()[0])
    return total_ns / 1e9


def settle(process: Process, within_s: float = 10.0) -> None:
    """Wait until the tree does nothing any more: an aborted request may still be worked on."""
    end = time.monotonic() + within_s
    before = cpu_s(process.tree())
    while time.monotonic() < end:
        time.sleep(0.1)
        now = cpu_s(process.tree())
        if now - before <= 1.5 / TICKS_PER_S:
            return
        before = now


def memory_kib(pids: Sequence[int]) -> dict[str, int]:
    """Sums over PIDS: pss, what they share divided by who shares it; uss, theirs alone; rss."""
    sums = {"pss": 0, "uss": 0, "rss": 0}
    fields = {"Pss": "pss", "Rss": "rss", "Private_Clean": "uss", "Private_Dirty": "uss"}
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # ended meanwhile
        for line in lines:
            name, _, rest = line.partition(":")
            if name in fields:
                sums[fields[name]] += int(rest.split()[0])
    return sums
