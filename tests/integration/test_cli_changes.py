# SPDX-License-Identifier: Apache-2.0
"""The verbs of `gatehouse` that change something: install, restart."""
from __future__ import annotations

import json
import subprocess
import sys

import pytest

from . import wheels
from .cli import finish, gatehouse, start
from .gatehoused import wait_until
from .package_kit import Node

needs_pip = pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0,
    reason="the interpreter of the tests has no pip")


# -- restart ---------------------------------------------------------------------------------------

def test_restart_gives_a_process_another_worker(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("concat", process="p")
    before = daemon.worker_pid("p")
    done = gatehouse(daemon, "restart", "p").ok()
    assert done.out == f"p: restarted, pid {daemon.worker_pid('p')}\n" and daemon.worker_pid("p") != before
    assert gatehouse(daemon, "call", "concat", "a", "b").ok().out == '"ab"\n'
    lines = gatehouse(daemon, "restart", "p", "default_process", "--json").ok().out.splitlines()
    assert [json.loads(line)["process_name"] for line in lines] == ["p", "default_process"]


def test_restart_ends_calls_after_the_drain_time(daemon, tmp_path):
    daemon.put_function("hold")
    running = start(daemon, "call", "hold", str(tmp_path / "started"), str(tmp_path / "never"))
    wait_until("the call to run", (tmp_path / "started").exists)
    assert gatehouse(daemon, "restart", "default_process", "--drain-s", "0.1").status == 0
    done = finish(running)
    assert done.status == 1 and "restarted on request" in done.err


def test_restart_stops_at_what_fails(daemon, start_daemon, tmp_path):
    done = gatehouse(daemon, "restart", "nobody", "default_process")
    assert (done.status, done.out) == (5, "")
    assert done.err == "gatehouse: restart nobody: Process nobody not found (HTTP 404)\n"
    code = tmp_path / "vanishing.py"
    code.write_text("def f():\n    return 1\n")
    other = start_daemon(modules=[f"f={code}:f"])
    assert gatehouse(other, "call", "f").ok().out == "1\n"
    code.write_text("raise OSError('it is gone')\n")
    done = gatehouse(other, "restart", "default_process")
    assert done.status == 1 and "1 of its modules could not be built again, first f: " in done.err


# -- install ---------------------------------------------------------------------------------------

def test_local_folder_is_that_of_where_one_stands(daemon, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "mine.py").write_text("def f():\n    return 'mine'\n")
    done = gatehouse(daemon, "install", "project", "--method", "local", cwd=tmp_path).ok()
    assert done.out == "project: installed\n"
    daemon.put_function("f", file="mine", root=tmp_path / "project")
    assert gatehouse(daemon, "call", "f").ok().out == '"mine"\n'
    done = gatehouse(daemon, "install", "/nowhere", "--method", "local", "--json")
    assert (done.status, done.out) == (1, "") and "gatehouse: install /nowhere: " in done.err


@needs_pip
def test_packages_are_installed_and_the_tools_output_is_shown(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, real_pip=True)
    wheels.wheel(node.wheels, "tiny")
    wheels.wheel(node.wheels, "other")
    done = gatehouse(node.daemon, "install", "tiny==1.0", "other").ok()
    assert done.out == "tiny==1.0: installed\nother: installed\n"
    assert node.ask("version", "tiny") == node.ask("version", "other") == "1.0"
    wheels.wheel(node.wheels, "third")
    done = gatehouse(node.daemon, "install", "third", "--args", "--no-deps", "--json").ok()
    assert done.json()["installed"] == "third"


@needs_pip
def test_package_that_is_not_there(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, real_pip=True)
    done = gatehouse(node.daemon, "install", "nowhere==1", "--process", "default_process")
    assert (done.status, done.out) == (1, "")
    assert "check that the package exists" in done.err.splitlines()[-1]
    assert "No matching distribution found for nowhere==1" in done.err  # pip's own words, once
    assert done.err.count("No matching distribution") == 1
    unknown = gatehouse(node.daemon, "install", "x", "--process", "nobody")
    assert unknown.status == 5 and "there is no process nobody" in unknown.err
    missing = gatehouse(node.daemon, "install", "x", "--env", str(tmp_path / "no" / "venv"))
    assert missing.status == 1 and "venv_path" in missing.err


@needs_pip
def test_requirements_of_a_folder_and_another_env(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, real_pip=True)
    wheels.wheel(node.wheels, "tiny")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "requirements.txt").write_text("tiny\n")
    gatehouse(node.daemon, "install", "./project", "--method", "reqs", cwd=tmp_path).ok()
    assert node.ask("version", "tiny") == "1.0"
    venv = tmp_path / "second"
    python = wheels.venv(venv, True)
    wheels.wheel(node.wheels, "elsewhere")
    gatehouse(node.daemon, "install", "elsewhere", "--env", str(venv)).ok()
    subprocess.run([python, "-c", "import elsewhere"], check=True)
