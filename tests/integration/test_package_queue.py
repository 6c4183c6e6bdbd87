# SPDX-License-Identifier: Apache-2.0
"""Installs beside each other, beside calls, and at their end; and a full disk."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from . import pickles, wheels
from .gatehoused import descendants, is_running, wait_until
from .package_kit import Gate, Node
from .test_processes import error_of


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


def test_installs_of_one_env_wait_for_each_other_and_calls_go_on(node, tmp_path):
    one, two = Gate(node, "one"), Gate(node, "two")
    other = wheels.venv(tmp_path / "other", False)
    wheels.wheel(node.wheels, "tiny")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    assert int(node.events("install.queued")[1]["before_it"]) == 1
    node.ok("tiny", venv_path=str(Path(other).parents[1]))  # another env does not wait
    assert node.ask("prefix") == str(Path(node.python).parents[1])
    assert node.daemon.get("/check").status == 200
    assert not two.started.exists()
    one.finish()
    two.wait_for_build()
    two.finish()
    assert [node.ask("version", name) for name in ("one", "two")] == ["1.0", "1.0"]


def test_queue_has_a_bound(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--installs-waiting-max", "1"])
    one, two = Gate(node, "one"), Gate(node, "two")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    answer = node.install("third")
    assert answer.status == 503 and answer.headers["retry-after"] == "5"
    assert "1 installs wait for this env (installs_waiting_max)" in answer.json()["detail"]
    two.let_go()
    one.finish()
    two.finish()


def test_client_that_leaves_does_not_stop_its_install(node):
    gate = Gate(node, "one")
    body = json.dumps({"package_config": {"install_method": "pip",
                                          "install_target": ["~/one", None]}}).encode()
    connection = node.daemon.connect()
    connection.sendall(b"POST /install_package HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    gate.wait_for_build()
    connection.close()
    gate.let_go()
    wait_until("the install to be done", lambda: node.events("install.done"))
    assert node.ask("version", "one") == "1.0"


def test_install_that_takes_too_long_is_ended(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--install-timeout-s", "2"])
    gate = Gate(node, "one")
    name, text = node.error(["~/one", None])
    assert name == "builtins.RuntimeError"
    assert text.endswith("took longer than 2 s (install_timeout_s) and was ended.")
    gate.let_go()


def test_worker_that_dies_meanwhile_sees_the_package(node):
    gate = Gate(node, "one")
    gate.begin()
    gate.wait_for_build()
    node.daemon.kill_worker()
    gate.finish()
    assert node.ask("version", "one") == "1.0"


def test_stopping_daemon_ends_its_installs(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--drain-timeout-ms", "100"], inspect=False)
    one, two = Gate(node, "one"), Gate(node, "two")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    children = descendants(node.daemon.pid)
    node.daemon.stop()
    assert not [pid for pid in children if is_running(pid)]
    for gate in (one, two):
        gate.thread.join()
        assert "The node is stopping" in error_of(gate.answers[0])[1]
    assert not list(node.tmp.glob(".gatehouse-scratch-*"))


# -- a full disk --------------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_told(start_daemon, tmp_path, small_disk):
    python = wheels.venv(small_disk / "venv", False)
    node = Node(start_daemon, tmp_path, python=python)
    wheels.wheel(node.wheels, "large", code="DATA = '" + "x" * (30 << 20) + "'\n")
    answer = node.install("large").json()
    error = pickles.loads(answer["data"]["error"])
    assert error.name == "runhouse.exceptions.InsufficientDiskError"
    assert "No space left on device" in error.args[0]
    for left in (small_disk / "venv").glob("lib/python3*/site-packages/large*"):
        left.unlink()
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")


def test_full_disk_is_seen_without_words(start_daemon, tmp_path, small_disk):
    python = wheels.venv(small_disk / "venv", False)
    statement = ("\n    try:\n        with open(os.environ['FILLED'], 'wb', 0) as f:\n"
                 "            while True: f.write(b'x' * 65536)\n"
                 "    except OSError: os._exit(7)")
    node = Node(start_daemon, tmp_path, python=python,
                env={"FILLED": str(small_disk / "filled")})
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    answer = node.install(["~/proj", None]).json()
    error = pickles.loads(answer["data"]["error"])
    assert error.name == "runhouse.exceptions.InsufficientDiskError"
    (small_disk / "filled").unlink()
