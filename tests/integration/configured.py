# SPDX-License-Identifier: Apache-2.0
"""Configuration files for daemons, and the control socket that shows what came of them."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .gatehoused import BUILD, START_S, Gatehoused
from .test_control_socket import ask

CONFIG_PATH = "/_gatehouse/v1/config"
BAD_VALUE = 78


def write(folder: Path, text: str, name: str = "gatehouse.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def shown(daemon: Gatehoused) -> dict[str, Any]:
    status, answer = ask(daemon, "GET", CONFIG_PATH)
    assert status == 200, answer
    return answer


def setting(daemon: Gatehoused, name: str) -> tuple[Any, str]:
    row = shown(daemon)["settings"][name]
    return row["value"], row["source"]


def change(daemon: Gatehoused, **values: Any) -> tuple[int, Any]:
    return ask(daemon, "PATCH", CONFIG_PATH, values)


def gatehouse(*words: str, home: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run the command line tool in an environment of its own."""
    return subprocess.run([str(BUILD / "gatehouse"), *words], capture_output=True, text=True,
                          timeout=START_S, stdin=subprocess.DEVNULL,
                          env={"HOME": str(home), "PATH": "/usr/bin:/bin", **variables})


def resolved(home: Path, **variables: str) -> dict[str, Any]:
    """The settings that a daemon would start with, by `gatehouse config show`."""
    done = gatehouse("config", "show", "--json", home=home, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["settings"]
