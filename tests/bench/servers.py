# SPDX-License-Identifier: Apache-2.0
"""The servers: how each is started, and when it is ready."""
from __future__ import annotations

import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from procs import Process, free_port

APPS = Path(__file__).resolve().parent / "apps"
READY_S = 60.0
GATEHOUSE = "gatehouse"


class StartFailed(Exception):
    pass


@dataclass(frozen=True)
class Server:
    name: str
    title: str
    kind: str  # gatehouse; threads or coroutines: what its endpoints are
    arguments: tuple[str, ...]  # {bin} the venv's programs, {port}, {apps}

    @property
    def is_peer(self) -> bool:
        return self.kind != GATEHOUSE


UVICORN = ("{bin}/python", "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
           "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
           "--app-dir", "{apps}")
GRANIAN = ("{bin}/granian", "--host", "127.0.0.1", "--port", "{port}", "--workers", "2", "--http", "1",
           "--no-ws", "--log-level", "warning", "--working-dir", "{apps}")
SERVERS = [
    Server(GATEHOUSE, "gatehouse, 1 worker", GATEHOUSE, ()),
    Server("fastapi-async", "FastAPI + uvicorn, `async def`", "coroutines",
           (*UVICORN, "fastapi_app:coroutines")),
    Server("fastapi-def", "FastAPI + uvicorn, `def`", "threads", (*UVICORN, "fastapi_app:threads")),
    Server("granian-wsgi", "Granian WSGI, 2 workers", "threads",
           (*GRANIAN, "--interface", "wsgi", "wsgi_app:app")),
    Server("granian-asgi", "Granian ASGI, 2 workers", "coroutines",
           (*GRANIAN, "--interface", "asgi", "--loop", "uvloop", "asgi_app:app")),
    Server("uwsgi", "uWSGI http, 2 processes", "threads",
           ("{bin}/uwsgi", "--http", "127.0.0.1:{port}", "--http-keepalive", "--http-timeout", "120",
            "--master", "--processes", "2", "--need-app", "--die-on-term", "--disable-logging",
            "--virtualenv", "{bin}/..", "--pythonpath", "{apps}", "--module", "wsgi_app:app")),
]
BY_NAME = {server.name: server for server in SERVERS}


@dataclass
class Bench:
    """Where things are. The folder is private to this run and removed after it."""

    build: Path
    venv: Path
    folder: Path
    python: str

    def environment(self) -> dict[str, str]:
        dropped = ("GATEHOUSE_", "RH_", "XDG_", "PYTHON", "VIRTUAL_ENV", "LISTEN_", "NOTIFY_SOCKET",
                   "JOURNAL_STREAM", "GRANIAN_", "UVICORN_", "UWSGI_")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        return {**env, "HOME": str(self.folder)}

    def copy_apps(self) -> None:
        """What the servers run, here: their bytecode files stay out of the source tree."""
        shutil.copytree(APPS, self.apps, ignore=shutil.ignore_patterns("__pycache__"))

    @property
    def apps(self) -> Path:
        return self.folder / "apps"

    def forget_state(self) -> None:
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def command(self, server: Server, port: int, modules: Sequence[str]) -> list[str]:
        if server.is_peer:
            values = {"bin": self.venv / "bin", "port": port, "apps": self.apps}
            return [word.format(**values) for word in server.arguments]
        words = [str(self.build / "gatehoused"), "--port", str(port), "--env", self.python,
                 "--state-dir", str(self.folder / "state"), "--log-format", "text"]
        for name in modules:
            words += ["--module", f"{name}={self.apps / 'functions.py'}:{name}"]
        return words

    def spawn(self, server: Server, port: int, modules: Sequence[str]) -> Process:
        return Process(self.command(server, port, modules), self.environment(), self.folder,
                       self.folder / f"{server.name}.log")

    def start(self, server: Server, path: str, modules: Sequence[str] = ()) -> tuple[Process, int]:
        """Start SERVER on a free port and wait until GET PATH is answered with 200."""
        port = free_port()
        process = self.spawn(server, port, modules)
        try:
            first_answer(process, port, path)
        except BaseException:
            process.stop()
            raise
        return process, port


def first_answer(process: Process, port: int, path: str) -> float:
    """Seconds from the start of PROCESS to the end of its first 200 on PATH. Spins for the first
    50 ms, so that the wait adds nothing to what is measured, then leaves the processor to servers
    that need longer."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    end = process.started + READY_S
    seen = b""
    while (now := time.perf_counter()) < end:
        with socket.socket() as sock:
            sock.settimeout(READY_S)
            try:
                sock.connect(("127.0.0.1", port))
                sock.sendall(request)
                seen = read_answer(sock)
            except ConnectionError:
                seen = b""
        if seen.startswith(b"HTTP/1.1 200"):
            return time.perf_counter() - process.started
        if seen or now - process.started > 0.05:
            if process.has_ended():
                break
            time.sleep(0.0005)
    raise StartFailed(f"no 200 from {path} within {READY_S:g} s; last answer {seen[:200]!r}; its log:\n"
                      + process.log_tail())


def read_answer(sock: socket.socket) -> bytes:
    """Read one answer up to the end of its Content-Length, or of the connection."""
    answer = b""
    while part := sock.recv(65536):
        answer += part
        head, blank, body = answer.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if blank and line.startswith(b"content-length:") and len(body) >= int(line[15:]):
                return answer
    return answer
