# SPDX-License-Identifier: Apache-2.0
"""What an install prints reaches whoever asked while it runs, and is kept; what the user has set in the
environment of all processes reaches the tools."""
from __future__ import annotations

import http.client
import json

import pytest

from . import wheels
from .package_kit import Gate, Node


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


def text_of(lines: bytes) -> str:
    return "".join("".join(json.loads(line)["data"]) for line in lines.decode().splitlines())


def logs(node, run_name):
    return text_of(node.daemon.post("/logs", {"run_name": run_name, "node_ip_or_idx": 0}).body)


def test_output_comes_while_the_install_runs(node):
    gate = Gate(node, "one", run_name="install--1")
    connection = http.client.HTTPConnection("127.0.0.1", node.daemon.port, timeout=60)
    connection.request("POST", "/logs", json.dumps({"run_name": "install--1", "node_ip_or_idx": 0}))
    gate.begin()
    answer = connection.getresponse()
    assert text_of(answer.readline()) == (
        f"$ {node.python} -m pip install {node.daemon.home}/one\n")
    gate.wait_for_build()
    assert not gate.answers
    gate.finish()
    assert text_of(answer.read()) == "Successfully installed one-1.0\n"
    connection.close()
    assert logs(node, "install--1").endswith("Successfully installed one-1.0\n")  # and is kept


def test_output_of_a_failed_install_is_kept_whole(node):
    statement = "[print('line', n, flush=True) for n in range(50)]; raise SystemExit(3)"
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    name, text = node.error(["~/proj", None], run_name="install--2")
    assert name == "builtins.RuntimeError" and "line 49" in text and "line 30\n" not in text
    lines = logs(node, "install--2").splitlines()
    assert lines[1:] == [f"line {n}" for n in range(50)]


def test_satisfied_and_refused_installs_end_their_run(node):
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    node.ok("tiny==1.0")
    node.ok("tiny", run_name="install--3")
    assert logs(node, "install--3") == ""
    name, _ = node.error(["~/nothing", None], run_name="install--4")
    assert name == "builtins.FileNotFoundError"
    assert logs(node, "install--4") == ""


def test_run_name_is_checked(node):
    answer = node.install("tiny", run_name="")
    assert answer.status == 422 and "run_name" in answer.text
    answer = node.install("tiny", run_name=3)
    assert answer.status == 422 and "run_name" in answer.text
    assert node.events("install.queued") == []


def test_reader_that_leaves_does_not_stop_the_install(node):
    gate = Gate(node, "one", run_name="r")
    connection = http.client.HTTPConnection("127.0.0.1", node.daemon.port, timeout=60)
    connection.request("POST", "/logs", json.dumps({"run_name": "r", "node_ip_or_idx": 0}))
    gate.begin()
    answer = connection.getresponse()
    answer.readline()
    answer.close()
    connection.close()
    gate.wait_for_build()
    gate.finish()
    assert node.ask("version", "one") == "1.0"


def test_variables_of_all_processes_reach_the_tools(node, tmp_path):
    statement = "open(os.environ['SEEN'], 'w').write(os.environ['TMPDIR'] + ' ' + os.environ['MINE'])"
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    wheels.wheel(tmp_path / "elsewhere", "tiny")
    seen = tmp_path / "seen"
    answer = node.daemon.post("/env_vars", {"env_vars": {
        "SEEN": str(seen), "MINE": "a value", "PIP_FIND_LINKS": str(tmp_path / "elsewhere"),
        "TMPDIR": "/nowhere", "PIP_NO_INPUT": "0"}})
    assert answer.status == 200, answer
    node.ok(["~/proj", None])
    assert seen.read_text().startswith(f"{node.tmp}/.gatehouse-scratch-")  # ours: it is cleaned up
    assert seen.read_text().endswith(" a value")
    node.ok("tiny")  # the daemon's own PIP_FIND_LINKS does not have it
