# SPDX-License-Identifier: Apache-2.0
"""Programs that use an older release of the client, from the package index.

tools/get-old-clients gets them into build-deps/old-clients, or where GATEHOUSE_OLD_CLIENTS says.
"""
from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integration.gatehoused import REPO

from .sdk import COLOUR

FOLDER = Path(os.environ.get("GATEHOUSE_OLD_CLIENTS") or REPO / "build-deps" / "old-clients")
PYTHON = FOLDER / "venv" / "bin" / "python"
PROGRAM_S = 120

# Releases up to 0.0.36 report their errors to their makers over the network; not from here.
NO_REPORTS = "def init(*args, **kwargs):\n    pass\n"


@dataclass
class Seen:
    """What a program wrote into the file that is its second argument, and printed."""

    report: Any
    lines: list[str]


def run(folder: Path, version: str, files: dict[str, str], *args: object) -> Seen:
    """Run program.py of FILES in FOLDER, with the arguments report.json and ARGS. Skips without VERSION."""
    if not PYTHON.exists() or not (FOLDER / version / "runhouse").is_dir():
        pytest.skip(f"no runhouse {version} in {FOLDER}: run tools/get-old-clients")
    home, project = folder / "home", folder / "project"
    for path in (home, project):
        path.mkdir(parents=True)
    for name, text in {**files, "sentry_sdk.py": NO_REPORTS, "requirements.txt": ""}.items():
        (project / name).write_text(text)
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("GATEHOUSE_", "RH_", "XDG_", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [PYTHON, "program.py", "report.json", *map(str, args)], cwd=project, capture_output=True,
        text=True, timeout=PROGRAM_S, stdin=subprocess.DEVNULL,
        env={**kept, "PYTHONPATH": str(FOLDER / version), "HOME": str(home),
             "RH_LOG_LEVEL": "ERROR", "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Seen(json.loads((project / "report.json").read_text()),
                COLOUR.sub("", done.stdout).splitlines())
