# SPDX-License-Identifier: Apache-2.0
"""conda for real: the solver and installer of py-rattler behind a `conda` program, and a tiny channel."""
from __future__ import annotations

import pytest

from . import conda_channel, wheels
from .package_index import Index
from .package_kit import Node

pytestmark = [pytest.mark.release_only("a solver of packages takes the time"),
              pytest.mark.skipif(not conda_channel.can_run(),
                                 reason="the venv of the tests has no py-rattler")]


@pytest.fixture
def channel(tmp_path):
    """With python, and `tiny` 1.0 and 2.0."""
    made = conda_channel.Channel(tmp_path / "channel")
    made.python()
    for version in ("1.0", "2.0"):
        made.module("tiny", version)
    made.index()
    return made


@pytest.fixture
def node(start_daemon, tmp_path):
    return Node(start_daemon, tmp_path, env=conda_channel.environment(tmp_path))


def create(tmp_path, channel, name, *specs):
    conda_channel.conda(tmp_path, "create", "-y", "-n", name, "-c", str(channel.folder), "python",
                        *specs)
    return tmp_path / "envs" / name


def process(node, name):
    answer = node.daemon.post("/create_process", {"name": name, "runtime_env": {"conda": name}})
    assert answer.status == 200, answer


def test_two_conda_envs_have_two_versions_side_by_side(node, channel, tmp_path):
    for name in ("one", "two"):
        create(tmp_path, channel, name)
        process(node, name)
    node.ok("tiny=1.0", method="conda", args=f"-c {channel.folder}", conda_env_name="one")
    node.ok("tiny", method="conda", args=f"-c {channel.folder}", conda_env_name="two")
    for _ in range(3):
        assert node.ask("version", "tiny", process="one") == "1.0"
        assert node.ask("version", "tiny", process="two") == "2.0"
    assert node.ask("prefix", process="one") == str(tmp_path / "envs" / "one")


def test_conda_goes_into_the_env_that_the_processes_run_in(start_daemon, channel, tmp_path):
    prefix = create(tmp_path, channel, "own")
    node = Node(start_daemon, tmp_path, python=str(prefix), env=conda_channel.environment(tmp_path))
    node.ok("tiny=1.0", method="conda", args=f"-c {channel.folder}")
    assert node.ask("version", "tiny") == "1.0"
    assert node.ask("where", "tiny").startswith(str(prefix))
    node.ok("tiny>=2", method="conda", args=f"-c {channel.folder}")
    node.daemon.post("/create_process", {"name": "late"})
    assert node.ask("version", "tiny", process="late") == "2.0"


def test_package_that_no_channel_has_is_told(node, channel, tmp_path):
    create(tmp_path, channel, "one")
    name, text = node.error("nosuch", method="conda", args=f"-c {channel.folder}",
                            conda_env_name="one")
    assert name == "builtins.RuntimeError"
    assert text.startswith(f"Conda install conda install -y -n one nosuch -c {channel.folder} failed, ")
    assert "PackagesNotFoundError" in text and "nosuch" in text.partition("\n")[2]
    name, text = node.error("tiny", method="conda", args=f"-c {channel.folder}",
                            conda_env_name="nothing")
    assert "EnvironmentLocationNotFound" in text
    node.ok("tiny", method="conda", args=f"-c {channel.folder}", conda_env_name="one")


def test_download_that_breaks_off_leaves_the_env_usable(node, channel, tmp_path):
    channel.module("large", "1.0", 200_000)
    channel.index()
    create(tmp_path, channel, "one")
    served = Index(channel.folder)
    try:
        served.trouble = "500"
        options = {"method": "conda", "args": f"-c {served.url}/files", "conda_env_name": "one"}
        name, text = node.error("large", **options)
        assert name == "builtins.RuntimeError" and "CondaError" in text
        process(node, "one")
        assert node.ask("prefix", process="one") == str(tmp_path / "envs" / "one")
        served.trouble = ""
        node.ok("large", **options)
        assert node.ask("version", "large", process="one") == "1.0"
    finally:
        served.close()


def test_pip_in_a_conda_env_sees_what_conda_installed(node, channel, tmp_path):
    prefix = create(tmp_path, channel, "one", "tiny=1.0")
    wheels.add_pip(prefix, False)
    node.ok("tiny==1.0", conda_env_name="one")
    assert node.commands() == []  # satisfied
    wheels.wheel(node.wheels, "more")
    node.ok("more", conda_env_name="one")
    process(node, "one")
    assert node.ask("version", "more", process="one") == "1.0"
