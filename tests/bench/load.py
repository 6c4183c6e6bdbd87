# SPDX-License-Identifier: Apache-2.0
"""One measurement: the answer checked, then wrk for some seconds."""
from __future__ import annotations

import http.client
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from cases import Case
from procs import Process, cpu_s, memory_kib, settle

WRK_LUA = Path(__file__).resolve().parent / "wrk.lua"
TIMEOUT_S = 60


class CaseFailed(Exception):
    pass


def ask(port: int, case: Case, is_peer: bool, body: bytes | None) -> str | None:
    """Ask once. What is wrong with the answer, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("POST" if body else "GET", case.paths[is_peer], body, headers)
        answer = connection.getresponse()
        return case.check(is_peer, answer.status, answer.read())
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def run_wrk(port: int, path: str, connections: int, seconds: int, body_file: Path | None,
            folder: Path) -> dict[str, Any]:
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
               "--timeout", f"{TIMEOUT_S}s", "--script", str(WRK_LUA), f"http://127.0.0.1:{port}{path}",
               "--"]
    if body_file:
        command += [str(body_file), "application/json"]
    wrk = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = wrk.communicate(timeout=seconds + TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise CaseFailed("wrk did not end") from None
    finally:
        if wrk.poll() is None:
            wrk.kill()
            wrk.wait()
    for line in output.splitlines():
        if line.startswith("BENCH "):
            return json.loads(line[6:])
    raise CaseFailed(f"wrk failed (exit status {wrk.returncode}): {output[-500:]}")


class MemoryWatch:
    """Highest PSS of a process tree while a block runs."""

    def __init__(self, process: Process, every_s: float = 0.1):
        self.peak_pss_kib = 0
        self._process, self._every_s = process, every_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._done.wait(self._every_s):
            self.peak_pss_kib = max(self.peak_pss_kib, memory_kib(self._process.tree())["pss"])

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._done.set()
        self._thread.join()


def measure(process: Process, port: int, case: Case, is_peer: bool, connections: int, seconds: int,
            warmup_s: int, folder: Path) -> dict[str, Any]:
    """One row of a round. Raises CaseFailed for a wrong answer or any error."""
    body = case.body(is_peer)
    body_file = None
    if body is not None:
        body_file = folder / "body"
        body_file.write_bytes(body)
    if wrong := ask(port, case, is_peer, body):
        raise CaseFailed(f"before: {wrong}")
    path = case.paths[is_peer]
    if warmup_s and not case.is_large:
        run_wrk(port, path, connections, warmup_s, body_file, folder)
    settle(process)

    for longer in (1, 4):  # a large body may need more time than given, on a busy machine
        cpu_before = cpu_s(process.tree())
        result = run_wrk(port, path, connections, longer * seconds, body_file, folder)
        settle(process)
        cpu = cpu_s(process.tree()) - cpu_before
        if result["requests"]:
            break

    errors = sum(result[name] for name in
                 ("connect_errors", "read_errors", "write_errors", "status_errors", "timeouts"))
    result["errors"] = errors
    if errors:
        raise CaseFailed(f"{errors} errors in {result['requests']} requests: {result}")
    if not result["requests"]:
        raise CaseFailed(f"no request ended within {4 * seconds} s")
    if process.has_ended():
        raise CaseFailed("the server ended; its log:\n" + process.log_tail())
    if wrong := ask(port, case, is_peer, body):
        raise CaseFailed(f"after: {wrong}")
    result["requests_per_s"] = result["requests"] / (result["duration_us"] / 1e6)
    result["cpu_us_per_request"] = cpu / result["requests"] * 1e6
    return result
