# SPDX-License-Identifier: Apache-2.0
"""What the tests of the extension share: a module folder with a stand-in package, interpreters."""

from __future__ import annotations

import glob
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
from fake_daemon import BUILD, FakeDaemon

HERE = Path(__file__).resolve().parent
needs_build = pytest.mark.skipif(
    not (BUILD / "gatehouse-worker").exists(), reason="no build in $GATEHOUSE_BUILD_DIR")


def interpreters() -> list[str]:
    """Each CPython here that gatehouse supports; "exec:" before one to do without its libpython."""
    named = os.environ.get("GATEHOUSE_TEST_PYTHONS")
    if named:
        return named.split(":::")
    found = []
    for path in [*sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))),
                 "/usr/bin/python3", sys.executable]:
        check = "import sys; assert sys.version_info >= (3, 9)"
        if os.path.exists(path) and path not in found:
            if subprocess.run([path, "-c", check], capture_output=True).returncode == 0:
                found.append(path)
    return found + ["exec:" + path for path in found[:1] + found[-1:]]


def build_file(name: str) -> Path:
    """Automake leaves modules in .libs until they are installed."""
    for folder in (BUILD / "modules", BUILD / "modules" / ".libs", BUILD / ".libs", BUILD):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(name)


def module_dir(folder: Path) -> Path:
    """A module folder in FOLDER whose package gatehouse is the stand-in."""
    for name in ("python.so", "_gatehouse.abi3.so", "echo.so"):
        (folder / name).symlink_to(build_file(name))
    (folder / "gatehouse").symlink_to(HERE / "ext_stand_in" / "gatehouse")
    return folder


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return module_dir(tmp_path_factory.mktemp("modules"))


DEFAULT_PYTHON = os.environ.get("GATEHOUSE_TEST_PYTHON", sys.executable)


def start(modules: Path, python: str = DEFAULT_PYTHON, *options: str, **more: object) -> FakeDaemon:
    env = dict(more.pop("env", None) or {})  # type: ignore[call-overload]
    if python.startswith("exec:"):
        env["GATEHOUSE_EMBED"] = "0"
        python = python[5:]
    return FakeDaemon("--module-dir", str(modules), "--python", python, *options, env=env,
                      **more)  # type: ignore[arg-type]


@pytest.fixture
def worker(modules: Path) -> Iterator[FakeDaemon]:
    """A worker that has said READY, on the interpreter of the tests."""
    with start(modules) as daemon:
        daemon.hello()
        yield daemon
