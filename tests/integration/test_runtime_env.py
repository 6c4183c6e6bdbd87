# SPDX-License-Identifier: Apache-2.0
"""Processes in environments of their own: by conda name, venv, interpreter."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .test_objects import SUCCESS, error_of
from .test_processes import listed

PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


def interpreter(version: str) -> str:
    found = sorted(PYENV.glob(f"versions/{version}.*/bin/python{version}"))
    if not found:
        pytest.skip(f"no CPython {version} in pyenv")
    return str(found[-1])


def make_env(python: str, folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True,
                   stdin=subprocess.DEVNULL)
    return folder


def where(daemon, runtime_env):
    """What a process in RUNTIME_ENV says of its Python."""
    answer = daemon.post("/create_process", {"name": "p", "runtime_env": runtime_env})
    assert answer.json() == SUCCESS, answer
    daemon.put_function("where", process="p")
    return daemon.call("where").json()


@pytest.mark.parametrize("version", [v for v in ("3.9", "3.10", "3.11", "3.12", "3.13") if v != OWN])
def test_venv_of_another_python(daemon, tmp_path, version):
    env = make_env(interpreter(version), tmp_path / "env")
    found = where(daemon, {"venv": str(env)})
    assert found["prefix"] == str(env)
    assert found["version"][:2] == [int(part) for part in version.split(".")]
    daemon.put_function("concat", process="p")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"


def test_conda_env_by_its_name(daemon):
    """Anything with bin/python where conda keeps its envs; conda itself is not asked."""
    env = make_env(sys.executable, daemon.home / "miniconda3" / "envs" / "torch")
    assert where(daemon, {"conda": "torch"})["prefix"] == str(env)


def test_conda_env_that_conda_has_listed(daemon, tmp_path):
    env = make_env(sys.executable, tmp_path / "far" / "listed")
    (daemon.home / ".conda").mkdir()
    (daemon.home / ".conda" / "environments.txt").write_text(f"{env}\n")
    assert where(daemon, {"conda": "listed"})["prefix"] == str(env)


def test_interpreter_by_its_path_and_home_paths(daemon):
    env = make_env(sys.executable, daemon.home / "own")
    assert where(daemon, {"python": "~/own/bin/python"})["prefix"] == str(env)


@pytest.mark.parametrize("runtime_env, words", [
    ({"conda": "nowhere"}, ["no conda env 'nowhere'", "conda create -n nowhere"]),
    ({"venv": "~/nowhere"}, ["venv '~/nowhere'", "{home}/nowhere", "Create it there"]),
    ({"python": "/nowhere/python"}, ["python '/nowhere/python'", "Give the path"]),
    ({"venv": 3}, ["'venv' that is no text"]),
    ({"pip": ["numpy"]}, ["asks for 'pip'", "install_packages"]),
])
def test_environment_that_is_not_there_is_named_with_the_fix(daemon, runtime_env, words):
    name, text = error_of(daemon.post("/create_process", {"name": "p", "compute": {"CPU": 1},
                                                          "runtime_env": runtime_env}))
    assert name == "builtins.ValueError"
    for word in words:
        assert word.format(home=daemon.home) in text
    assert "p" not in listed(daemon)


def test_existing_name_is_a_success_whatever_is_asked(daemon):
    daemon.post("/create_process", {"name": "p"})
    answer = daemon.post("/create_process", {"name": "p", "runtime_env": {"env_vars": {"A": "1"}},
                                             "compute": {"CPU": 10**6}})
    assert answer.json() == SUCCESS
    assert listed(daemon)["p"]["compute"] == {}
