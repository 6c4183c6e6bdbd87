# SPDX-License-Identifier: Apache-2.0
"""Which env packages go into, and what is done where Python is managed by the system."""
from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import descendants, is_running, wait_until
from .package_kit import Node, quietly


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


def test_venv_path_is_another_env(node, tmp_path):
    other = wheels.venv(tmp_path / "other", False)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny", venv_path=str(tmp_path / "other"))
    subprocess.run([other, "-c", "import tiny"], check=True)
    assert subprocess.run([node.python, "-c", "import tiny"], capture_output=True).returncode != 0
    name, text = node.error("tiny", venv_path="~/nothing")
    assert name == "builtins.FileNotFoundError" and "nothing" in text
    name, text = node.error("tiny", venv_path="~/a", conda_env_name="b")
    assert (name, text) == ("builtins.ValueError",
                            "conda_env_name and venv_path exclude each other")


def test_two_versions_of_a_package_run_side_by_side(node, tmp_path):
    """In two venvs and two processes at once, called in turns; the processes' own env has neither."""
    for version in ("1.0", "2.0"):
        folder = tmp_path / f"env-{version}"
        wheels.venv(folder, False)
        wheels.wheel(node.wheels, "tiny", version)
        node.ok(f"tiny=={version}", venv_path=str(folder))
        answer = node.daemon.post("/create_process", {"name": f"p{version}",
                                                      "runtime_env": {"venv": str(folder)}})
        assert answer.status == 200, answer
    for _ in range(5):
        for version in ("1.0", "2.0"):
            process = f"p{version}"
            assert node.ask("version", "tiny", process=process) == version
            assert node.ask("prefix", process=process) == str(tmp_path / f"env-{version}")
    node.daemon.put_function("own", "version", file="uses", root=node.code)
    assert node.daemon.call("own", args=["tiny"]).status == 500


def test_process_of_another_env_sees_what_is_installed_there(node, tmp_path):
    folder = tmp_path / "other"
    wheels.venv(folder, False)
    node.daemon.post("/create_process", {"name": "p", "runtime_env": {"venv": str(folder)}})
    assert node.ask("prefix", process="p") == str(folder)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny", venv_path=str(folder))
    assert node.ask("version", "tiny", process="p") == "1.0"


def test_env_without_pip_gets_it_from_ensurepip(start_daemon, tmp_path):
    if importlib.util.find_spec("ensurepip") is None:
        pytest.skip("the interpreter of the tests has no ensurepip")
    python = wheels.bare_venv(tmp_path / "bare")
    node = Node(start_daemon, tmp_path, python=python)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    assert any("-m ensurepip" in command for command in node.commands())


def test_env_without_pip_and_ensurepip_names_the_debian_package(start_daemon, tmp_path):
    python = wheels.bare_venv(tmp_path / "bare")
    hide = "import sys; sys.modules['ensurepip'] = None\n"
    site = next((tmp_path / "bare" / "lib").glob("python3*/site-packages"))
    (site / "hide.pth").write_text(hide)
    node = Node(start_daemon, tmp_path, python=python)
    name, text = node.error("tiny")
    version = "%d.%d" % sys.version_info[:2]
    assert name == "builtins.RuntimeError"
    assert f"apt-get install python{version}-venv" in text


class Managed:
    """A PATH whose python3 is one that the system manages."""

    MARKER = next(iter(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")), None)

    def __init__(self, start_daemon, tmp_path, **options):
        if self.MARKER is None or not os.access("/usr/bin/python3", os.X_OK):
            pytest.skip("/usr/bin/python3 is not managed by the system (PEP 668)")
        if subprocess.run(["/usr/bin/python3", "-c", "import pip"], capture_output=True).returncode:
            pytest.skip("/usr/bin/python3 has no pip (Debian package python3-pip)")
        self.node = Node(start_daemon, tmp_path, python="", **options)
        self.envs = self.node.daemon.folder / "state" / "envs"


def test_managed_python_is_left_alone_and_a_venv_made(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path)
    node = managed.node
    wheels.wheel(node.wheels, "tiny")
    node.daemon.post("/object", {"key": "kept", "serialized_data": 1})
    assert node.ask("prefix") == "/usr"
    node.ok("tiny")

    # The present worker sees it, and has lost nothing.
    assert node.ask("version", "tiny") == "1.0"
    assert node.ask("prefix") == "/usr"
    assert "kept" in node.daemon.get("/keys").json()["data"]

    # New ones run in the venv, and so does the present one once it is started again.
    [folder] = managed.envs.iterdir()
    node.daemon.post("/create_process", {"name": "late"})
    assert node.ask("prefix", process="late") == str(folder)
    assert node.ask("version", "tiny", process="late") == "1.0"
    node.daemon.kill_worker("late")
    assert node.ask("version", "tiny", process="late") == "1.0"
    assert str(folder) in (folder / "bin" / "activate").read_text()
    assert str(managed.envs) in node.ask("where", "tiny")

    # A daemon that is started anew begins with it.
    again = Node(start_daemon, tmp_path, python="", inspect=False,
                 args=["--state-dir", str(node.daemon.folder / "state")])
    assert again.ask("prefix") == str(folder)
    again.ok("tiny")
    assert again.commands() == []


def test_newer_package_in_the_venv_wins_over_the_systems(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path)
    node = managed.node
    system = subprocess.run(["/usr/bin/python3", "-c", "import pip; print(pip.__version__)"],
                            capture_output=True, text=True).stdout.strip()
    if not system:
        pytest.skip("the system's python3 has no package to be newer than")
    path = wheels.wheel(node.wheels, "pip", "99.0", code="__version__ = VERSION\n")
    node.ok("pip==99.0", args=f"--no-index --find-links {path.parent}")
    assert node.ask("version", "pip") == "99.0"


def test_half_made_venv_is_removed_at_the_next_start(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path, inspect=False)
    node = managed.node
    wheels.project(node.daemon.home / "proj", "projmod", before="import time; time.sleep(600)")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(quietly(
        lambda: node.install(["~/proj", None]))))
    thread.start()
    wait_until("pip to be at work", lambda: list(node.tmp.glob(".gatehouse-scratch-*/pip-*")))
    (managed.envs / ".gatehouse-scratch-stale").mkdir()
    children = descendants(node.daemon.pid)
    node.daemon.signal(signal.SIGKILL)
    node.daemon.process.wait()
    thread.join()
    assert list(node.tmp.glob(".gatehouse-scratch-*"))
    again = Node(start_daemon, tmp_path, python="", inspect=False,
                 args=["--state-dir", str(node.daemon.folder / "state")])
    wait_until("leftovers to be gone", lambda: not list(node.tmp.glob(".gatehouse-scratch-*"))
               and not list(managed.envs.glob(".gatehouse-scratch-*")))
    wheels.wheel(again.wheels, "tiny")
    again.ok("tiny")
    assert not [pid for pid in children if is_running(pid)]


def test_managed_python_that_was_named_is_refused(start_daemon, tmp_path):
    if Managed.MARKER is None:
        pytest.skip("/usr/bin/python3 is not managed by the system (PEP 668)")
    node = Node(start_daemon, tmp_path, python="/usr/bin/python3")
    name, text = node.error("tiny", args="--break-system-packages")
    assert name == "builtins.RuntimeError"
    assert text.startswith(f"/usr/bin/python3 is managed by the system ({Managed.MARKER})")
    assert node.commands() == []


def test_interruption_of_a_managed_python_leaves_it_alone(start_daemon, tmp_path):
    """The note of an install that was making its venv says the system's Python."""
    if Managed.MARKER is None:
        pytest.skip("/usr/bin/python3 is not managed by the system (PEP 668)")
    notes = tmp_path / "gatehoused0" / "state" / "installs"
    notes.mkdir(parents=True)
    (notes / "interrupted").write_text(f"/usr/bin/python3\n{tmp_path}/gone\n")
    managed = Managed(start_daemon, tmp_path)
    before = subprocess.run(["/usr/bin/python3", "-m", "pip", "list"], capture_output=True).stdout
    wheels.wheel(managed.node.wheels, "tiny")
    managed.node.ok("tiny")
    assert managed.node.ask("version", "tiny") == "1.0"
    after = subprocess.run(["/usr/bin/python3", "-m", "pip", "list"], capture_output=True).stdout
    assert after == before
    assert not list(notes.iterdir())
