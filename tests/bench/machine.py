# SPDX-License-Identifier: Apache-2.0
"""What the results depend on: the machine, its load, versions, the revision."""
from __future__ import annotations

import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PEERS = ("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "granian", "uwsgi")


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=REPO, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown system"


def busy_cores(seconds: float = 2.0) -> float:
    """How many processors others keep busy: the load average lags by a minute."""

    def idle_ticks() -> int:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        return int(fields[3]) + int(fields[4])

    before = idle_ticks()
    time.sleep(seconds)
    idle = (idle_ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds
    return max(0.0, len(os.sched_getaffinity(0)) - idle)


def _peer_versions(python: Path) -> dict[str, str]:
    code = ("import json, sys, importlib.metadata as m\n"
            "def v(n):\n"
            "    try: return m.version(n)\n"
            "    except m.PackageNotFoundError: return ''\n"
            "print(json.dumps({n: v(n) for n in sys.argv[1:]}))")
    try:
        found = json.loads(_output(str(python), "-c", code, *PEERS))
    except json.JSONDecodeError:
        return {}
    return {name: version for name, version in found.items() if version}


def _shown_arguments() -> list[str]:
    """The command line without where the results went: that is no part of what was measured."""
    shown, skips_next = [], False
    for word in sys.argv[1:]:
        if not skips_next and not word.startswith("--output"):
            shown.append(word)
        skips_next = word == "--output"
    return shown


def describe(build: Path, venv: Path, python: str) -> dict[str, object]:
    configured = build / "configured-with"
    wrk = re.search(r"^wrk (\S+)", _output("wrk", "--version"), re.M)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "system": _system(),
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "busy_cores_before": round(busy_cores(), 2),
        "revision": _output("git", "describe", "--always", "--dirty", "--abbrev=12"),
        "configured_with": configured.read_text().strip() if configured.exists() else "",
        "gatehoused": _output(str(build / "gatehoused"), "--version").partition("\n")[0],
        "python": _output(python, "-c", "import platform; print(platform.python_version())"),
        "wrk": wrk.group(1) if wrk else "unknown",
        "peers": _peer_versions(venv / "bin" / "python"),
        "command": shlex.join(["tests/bench/run", *_shown_arguments()]),
    }
