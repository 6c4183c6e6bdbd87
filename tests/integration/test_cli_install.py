# SPDX-License-Identifier: Apache-2.0
"""`gatehouse install`: what the tools print comes while they run, and the exit status says the rest."""
from __future__ import annotations

import pytest

from . import cli, wheels
from .gatehoused import wait_until
from .package_kit import Gate, Node


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


def test_output_comes_while_it_runs(node):
    gate = Gate(node, "one")
    process = cli.start(node.daemon, "install", f"{node.daemon.home}/one", "--method", "pip")
    assert process.stderr.readline() == f"$ {node.python} -m pip install \"{node.daemon.home}/one\"\n"
    gate.wait_for_build()
    assert process.poll() is None
    gate.let_go()
    done = cli.finish(process)
    assert done.ok().err == "Successfully installed one-1.0\n"
    assert done.out == f"{node.daemon.home}/one: installed\n"
    assert node.ask("version", "one") == "1.0"


def test_failure_is_told_once_and_by_the_exit_status(node):
    done = cli.finish(cli.start(node.daemon, "install", "nosuch"))
    assert done.status == 1 and done.out == ""
    lines = done.err.splitlines()
    assert "ERROR: No matching distribution found for nosuch" in lines
    assert lines[-1].startswith("gatehouse: ") and "failed, check that the package exists" in lines[-1]


def test_several_packages_and_json(node):
    wheels.wheel(node.wheels, "tiny")
    wheels.wheel(node.wheels, "more")
    done = cli.finish(cli.start(node.daemon, "install", "tiny", "more==1.0", "--json")).ok()
    assert [line.count('"installed"') for line in done.out.splitlines()] == [1, 1]
    assert node.ask("version", "more") == "1.0"


def test_client_that_is_interrupted_leaves_the_install_to_its_end(node):
    gate = Gate(node, "one")
    process = cli.start(node.daemon, "install", f"{node.daemon.home}/one")
    gate.wait_for_build()
    process.kill()
    process.communicate()
    gate.let_go()
    wait_until("the install to be done", lambda: node.events("install.done"))
    assert node.ask("version", "one") == "1.0"
