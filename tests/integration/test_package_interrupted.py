# SPDX-License-Identifier: Apache-2.0
"""A daemon that is killed while it installs: the next one ends the tools that it left, the env works, and
what was asked for is installed when it is asked for again."""
from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from . import conda_channel, wheels
from .gatehoused import descendants, is_running, wait_until
from .package_index import Index
from .package_kit import Gate, Node, quietly

UV = Path(sys.executable).with_name("uv")


def kill(node):
    """SIGKILL for the daemon alone; its descendants."""
    children = descendants(node.daemon.pid)
    node.daemon.signal(signal.SIGKILL)
    node.daemon.process.wait()
    return children


def restart(start_daemon, tmp_path, node, **options):
    return Node(start_daemon, tmp_path, python=node.python,
                args=["--state-dir", str(node.daemon.folder / "state")], **options)


def notes(node):
    return list((node.daemon.folder / "state" / "installs").glob("*"))


def site(node):
    return next(Path(node.python).parents[1].glob("lib/python3*/site-packages"))


def test_tools_of_a_killed_daemon_are_ended(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, inspect=False)
    gate = Gate(node, "one")
    gate.begin()
    gate.wait_for_build()
    assert len(notes(node)) == 1
    children = kill(node)
    gate.thread.join()
    again = restart(start_daemon, tmp_path, node)
    wait_until("the tools to be gone", lambda: not [pid for pid in children if is_running(pid)])
    wait_until("their folders to be gone", lambda: not list(node.tmp.glob(".gatehouse-scratch-*")))
    assert again.events("install.interrupted")[0]["env"] == node.python
    wheels.wheel(again.wheels, "tiny")
    again.ok("tiny")
    assert notes(node) == []


def test_ordinary_ends_leave_no_note(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    node.error("nosuch")
    assert notes(node) == []


@pytest.mark.parametrize("lost", ["INSTALLER", "tiny_more.py", "cut"])
def test_half_a_package_is_not_taken_for_whole(start_daemon, tmp_path, lost):
    """As a tool leaves it that wrote the metadata first, or a disk that lost what was in memory."""
    node = Node(start_daemon, tmp_path, real_pip=True, inspect=False)
    wheels.wheel(node.wheels, "tiny", files={"tiny_more.py": "X = 1\n"})
    gate = Gate(node, "one")
    gate.begin()
    gate.wait_for_build()
    subprocess.run([node.python, "-m", "pip", "install", "-q", "--no-index", "--find-links",
                    str(node.wheels), "tiny"], check=True)
    if lost == "cut":
        (site(node) / "tiny_more.py").write_text("")
    else:
        next(site(node).glob(f"**/{lost}")).unlink()
    (site(node) / "~old").mkdir()
    kill(node)
    gate.thread.join()
    again = restart(start_daemon, tmp_path, node, real_pip=True)
    again.ok("tiny==1.0")
    assert (site(node) / "tiny_more.py").read_text() == "X = 1\n"
    assert not (site(node) / "~old").exists()
    assert again.ask("version", "tiny") == "1.0"
    assert notes(node) == []


def test_package_that_is_whole_is_left_as_it_is(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, real_pip=True, inspect=False)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    before = (site(node) / "tiny.py").stat().st_ino
    gate = Gate(node, "one")
    gate.begin()
    gate.wait_for_build()
    kill(node)
    gate.thread.join()
    again = restart(start_daemon, tmp_path, node, real_pip=True)
    again.ok("tiny==1.0")
    assert (site(node) / "tiny.py").stat().st_ino == before
    assert [command for command in again.commands() if "pip install" in command]  # asked, once
    again.ok("tiny==1.0")
    assert len(again.events("install.satisfied")) == 1


def large_wheel(node, name):
    files = {f"{name}_parts/part{n}.py": f"VALUE = {n}\n" * 50 for n in range(1500)}
    wheels.wheel(node.wheels, name, files=files)


@pytest.mark.parametrize("method", ["pip", "uv"])
def test_kill_amid_unpacking_recovers(start_daemon, tmp_path, method):
    env = {}
    if method == "uv":
        if not UV.exists():
            pytest.skip("the venv of the tests has no uv")
        env = wheels.uv_offline(tmp_path, UV)
    node = Node(start_daemon, tmp_path, real_pip=True, inspect=False, env=dict(env))
    large_wheel(node, "large")
    client = threading.Thread(target=lambda: quietly(lambda: node.install("large", method=method)))
    client.start()
    wait_until("files to appear", lambda: list(site(node).glob("large*")))
    kill(node)
    client.join()
    again = restart(start_daemon, tmp_path, node, real_pip=True, env=dict(env))
    again.ok("large", method=method)
    parts = site(node) / "large_parts"
    assert all((parts / f"part{n}.py").stat().st_size > 0 for n in range(1500))
    assert again.ask("version", "large") == "1.0"
    assert notes(node) == []


def test_kill_amid_conda_recovers(start_daemon, tmp_path):
    if not conda_channel.can_run():
        pytest.skip("the venv of the tests has no py-rattler")
    channel = conda_channel.Channel(tmp_path / "channel")
    channel.python()
    channel.module("large", "1.0", 200_000)
    channel.index()
    conda_channel.conda(tmp_path, "create", "-y", "-n", "one", "-c", str(channel.folder), "python")
    served = Index(channel.folder)
    options = {"method": "conda", "args": f"-c {served.url}/files", "conda_env_name": "one"}
    environment = conda_channel.environment(tmp_path)
    try:
        served.trouble = "slow"
        node = Node(start_daemon, tmp_path, inspect=False, env=dict(environment))
        client = threading.Thread(target=lambda: quietly(lambda: node.install("large", **options)))
        client.start()
        assert served.waiting.wait(60)
        children = kill(node)
        client.join()
        served.trouble = ""
        served.go_on.set()
        again = restart(start_daemon, tmp_path, node, env=dict(environment))
        wait_until("conda to be gone", lambda: not [pid for pid in children if is_running(pid)])
        again.ok("large", **options)
    finally:
        served.close()
    again.daemon.post("/create_process", {"name": "p", "runtime_env": {"conda": "one"}})
    assert again.ask("version", "large", process="p") == "1.0"
    assert notes(node) == []


def test_tool_that_is_killed_leaves_doubt_to_the_next_install(start_daemon, tmp_path):
    """As by the kernel when memory is short: the daemon lives on."""
    node = Node(start_daemon, tmp_path, real_pip=True)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    statement = (f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); "
                 "os.kill(os.getppid(), 9); import time; time.sleep(600)")
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    name, _ = node.error(["~/proj", None])
    assert name == "builtins.RuntimeError" and len(notes(node)) == 1
    child = int((tmp_path / "pid").read_text())
    wait_until("what the tool had started to be gone", lambda: not is_running(child))
    node.ok("tiny==1.0")
    assert notes(node) == []
    assert node.ask("version", "tiny") == "1.0"
