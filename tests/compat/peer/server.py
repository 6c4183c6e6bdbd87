# SPDX-License-Identifier: Apache-2.0
"""Starts the server that ships with the client's package, for comparison, and ends it again.

It needs Ray: about 2 GiB of memory and ten seconds. Everything of it lies in one folder and runs in one
process group each: a Ray cluster of its own on free ports, with its own home and session folder, so
that neither another Ray of this machine nor its files are touched.
"""
from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Mapping

START_S = 600.0
CLUSTER = "test-cluster"
RAY_PORTS = ("ray-client-server-port", "node-manager-port", "object-manager-port", "dashboard-port",
             "dashboard-agent-listen-port", "dashboard-agent-grpc-port", "runtime-env-agent-port",
             "metrics-export-port")


class Peer:
    """PYTHON has runhouse[server]; extra: a folder for PYTHONPATH, with numpy and the like; env: more
    variables; cluster, login: its ~/.rh/cluster_config.json and config.yaml."""

    def __init__(self, python: str, folder: Path, extra: str = "", env: Mapping[str, str] | None = None,
                 cluster: Mapping[str, Any] | None = None, login: Mapping[str, str] | None = None):
        self.python = python
        self.folder = folder
        self.extra = extra
        self.env = dict(env or {})
        # As the client writes it before it starts a server: who has no name takes itself for another.
        self.cluster = dict(cluster or {"name": CLUSTER})
        self.login = dict(login or {})
        self.host = "127.0.0.1"
        self.port = 0
        self._sessions = ""
        self._started: list[subprocess.Popen] = []

    @property
    def home(self) -> Path:
        return self.folder / "peer_home"

    def start(self) -> "Peer":
        home = self.home
        (home / ".rh").mkdir(parents=True, exist_ok=True)
        (home / ".rh" / "cluster_config.json").write_text(json.dumps(self.cluster))
        if self.login:
            (home / ".rh" / "config.yaml").write_text(json.dumps(self.login))
        # Ray's sockets lie in its session folder, and their paths are short.
        self._sessions = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        gcs, self.port, *others = free_ports(2 + len(RAY_PORTS))
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("GATEHOUSE_", "RH_", "RAY_", "PYTHON", "XDG_", "VIRTUAL_ENV"))}
        env.update(HOME=str(home), RAY_ADDRESS=f"{self.host}:{gcs}", RAY_USAGE_STATS_ENABLED="0",
                   PATH=f"{Path(self.python).parent}:{env['PATH']}", PYTHONPATH=self.extra,
                   PYTHONUNBUFFERED="1", RAY_DISABLE_IMPORT_WARNING="1",
                   RAY_raylet_start_wait_time_s=str(int(START_S)),
                   RAY_enable_worker_prestart="0", RAY_worker_niceness="0", RAY_prestart_worker_first_driver="0",
                   **self.env)
        ray = str(Path(self.python).parent / "ray")
        head_env = {k: v for k, v in env.items() if k != "RAY_ADDRESS"}
        try:
            self._run("ray", [ray, "start", "--head", "--block", f"--port={gcs}",
                              f"--temp-dir={self._sessions}",
                              "--disable-usage-stats", "--num-cpus=4",
                              "--object-store-memory=200000000",
                              *(f"--{name}={port}" for name, port in zip(RAY_PORTS, others))],
                      head_env, home)
            self._wait("Ray", lambda: "Ray runtime started" in self.log())
            self._run("server", [self.python, "-m", "runhouse.servers.http.http_server", "--host",
                                 self.host, "--port", str(self.port)], env, home)
            self._wait("the server", self.answers)
        except BaseException:
            print(self.log()[-6000:])
            self.stop()
            raise
        return self

    def _run(self, name: str, words: list[str], env: dict[str, str], cwd: Path) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self._started.append(subprocess.Popen(
                words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True))

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/check", timeout=5):
                return True
        except OSError:
            return False

    def _wait(self, what: str, is_there) -> None:
        def is_there_or_dead() -> bool:
            for process in self._started:
                if process.poll() is not None:
                    raise AssertionError(f"{process.args[:2]} ended with {process.returncode}")
            return is_there()
        wait(what, is_there_or_dead)

    def log(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text('utf-8', 'replace')}"
                         for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """End what start() started: the process groups, and whatever has their session folder."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in reversed(self._started):
                for pid in [*self._ours(), process.pid]:
                    _signal(pid, number)
            end = time.monotonic() + 10
            while self._ours() and time.monotonic() < end:
                time.sleep(0.1)
        for process in self._started:
            process.wait(10)
        self._started.clear()
        if self._sessions:
            shutil.rmtree(self._sessions, ignore_errors=True)

    def _ours(self) -> list[int]:
        """Processes whose environment or command line names the session folder or the home."""
        marks = [mark.encode() for mark in (self._sessions, str(self.home)) if mark]
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if any(mark in text for mark in marks):
                found.append(int(entry.name))
        return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def wait(what: str, is_there) -> None:
    end = time.monotonic() + START_S
    while not is_there():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not answer within {START_S:g} s")
        time.sleep(0.2)
