# SPDX-License-Identifier: Apache-2.0
"""Envs of clients up to 0.0.36: resources that make their process, and install into it.

These clients copy code by ssh, and ask by ssh whether the machine is up; the program does both itself.
"""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from integration import wheels
from integration.package_kit import FAKES

from . import old_clients

VERSIONS = ["0.0.33", "0.0.34", "0.0.35", "0.0.36"]

USES = """\
import importlib, os, sys

def prefix():
    return sys.prefix

def version(name):
    print("looking for", name)
    return importlib.import_module(name).VERSION

def getenv(name):
    return os.environ.get(name)
"""

HEAD = """\
import json, shutil, sys
import runhouse as rh
from uses import getenv, prefix, version

port, far_home = int(sys.argv[2]), sys.argv[3]
seen = {}

def rsync(self, source, dest, up, *args, **options):
    shutil.copytree(source, dest.replace("~", far_home), dirs_exist_ok=True)

rh.Cluster.rsync = rsync
rh.Cluster._ping = lambda self, **options: True
"""

MAIN = """
if __name__ == "__main__":
    cluster = rh.cluster(name="test-cluster", host="127.0.0.1", server_port=port,
                         server_host="127.0.0.1", server_connection_type="none")
    use(cluster)
    json.dump(seen, open(sys.argv[1], "w"))
"""

NAMED = HEAD + """
def use(cluster):
    env = rh.env(name="shop", reqs=["tinyone==1.0"], env_vars={"SHADE": "dark"},
                 setup_cmds=["echo set up >> ~/setup.txt; echo said by a command"],
                 compute={"CPU": 0.1})
    remote = rh.function(version).to(cluster, env=env)
    seen["version"] = remote("tinyone")
    seen["variable"] = rh.function(getenv).to(cluster, env="shop")("SHADE")
    seen["keys"] = cluster.keys(env="shop")
    seen["run"] = cluster.run(["echo $SHADE; exit 3", "echo more"], env="shop")
    env.to(cluster)
    try:
        rh.env(name="bad", reqs=["nosuchpackage==9"]).to(cluster)
    except RuntimeError as error:
        seen["error"] = str(error)
""" + MAIN

UNNAMED = HEAD + """
def use(cluster):
    env = rh.env(reqs=["tinyone", "tinytwo"], env_vars={"PLAIN": "yes"},
                 setup_cmds=["echo said by a command"])
    seen["version"] = rh.function(version).to(cluster, env=env)("tinytwo")
    seen["variable"] = rh.function(getenv).to(cluster)("PLAIN")
    seen["run"] = cluster.run("echo $PLAIN")
    cluster.install_packages(["tinyone==1.0"])
    seen["keys"] = cluster.keys()
""" + MAIN

CONDA = HEAD + """
def use(cluster):
    env = rh.conda_env(conda_env={"name": "cave", "dependencies": ["python=3"]},
                       env_vars={"SHADE": "dark"}, setup_cmds=["echo in $CONDA_DEFAULT_ENV"])
    remote = rh.function(getenv).to(cluster, env=env)
    seen["variable"] = remote("SHADE")
    seen["prefix"] = rh.function(prefix).to(cluster, env="cave")()
    seen["keys"] = cluster.keys(env="cave")
    seen["run"] = cluster.run("echo $CONDA_DEFAULT_ENV", env="cave")
""" + MAIN


@pytest.fixture
def start(start_daemon, tmp_path):
    """start() -> a daemon whose env is a venv, with two wheels to install and no index."""
    def start(**options):
        index = tmp_path / "wheels"
        for name in ("tinyone", "tinytwo"):
            wheels.wheel(index, name, "1.0")
        env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), **options.pop("env", {})}
        # No look at its descriptors: workers keep a connection to ask the daemon.
        return start_daemon(inspect=False, python=wheels.venv(tmp_path / "venv"), env=env, **options)
    return start


def run(tmp_path, version, program, daemon):
    return old_clients.run(tmp_path / "client", version, {"program.py": program, "uses.py": USES},
                           daemon.port, daemon.home)


@pytest.mark.parametrize("version", VERSIONS)
def test_named_env(start, tmp_path, version):
    daemon = start()
    seen = run(tmp_path, version, NAMED, daemon)
    error = seen.report.pop("error")
    assert "nosuchpackage==9" in error and "failed" in error
    assert seen.report == {"version": "1.0", "variable": "dark",
                           "keys": ["shop", "version", "getenv"],
                           "run": [[3, "dark\n", ""], [0, "more\n", ""]]}
    assert {"said by a command", "looking for tinyone", "dark"} <= set(seen.lines)
    times = 2 if version == "0.0.36" else 1  # which does not ask whether it was done already
    assert (daemon.home / "setup.txt").read_text() == "set up\n" * times
    assert json.loads(daemon.get("/processes").json()["data"])["shop"]["compute"] == {"CPU": 0.1}


@pytest.mark.parametrize("version", VERSIONS)
def test_unnamed_env_is_that_of_the_default_process(start, tmp_path, version):
    daemon = start()
    seen = run(tmp_path, version, UNNAMED, daemon)
    assert sorted(seen.report.pop("keys")) == ["_cluster_default_env", "getenv", "version"]
    assert seen.report == {"version": "1.0", "variable": "yes", "run": [[0, "yes\n", ""]]}
    assert "said by a command" in seen.lines
    assert list(daemon.processes()) == ["default_process"]


def test_packages_are_read_where_a_newer_client_is_installed(start, tmp_path):
    """They come as pickles of the client's own classes."""
    daemon = start()
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    newer = [path for path in sys.path if (Path(path) / "runhouse").is_dir()]
    if not newer:
        pytest.skip("no runhouse is installed for the tests")
    (site / "newer.pth").write_text(newer[0] + "\n")
    daemon.kill_worker()
    seen = run(tmp_path, "0.0.34", UNNAMED, daemon)
    assert seen.report["version"] == "1.0"


@pytest.mark.parametrize("version", ["0.0.34", "0.0.36"])
def test_conda_env_is_made_and_its_process_runs_in_it(start, tmp_path, version):
    daemon = start(env={"PATH": f"{FAKES}:{os.environ['PATH']}", "FAKE_PYTHON": sys.executable})
    seen = run(tmp_path, version, CONDA, daemon)
    assert seen.report == {"variable": "dark", "keys": ["cave", "getenv", "prefix"],
                           "prefix": str(daemon.home / "miniconda3" / "envs" / "cave"),
                           "run": [[0, "cave\n", ""]]}
    assert "in cave" in seen.lines
    made_from = daemon.home / "miniconda3" / "envs" / "cave" / "made-from.json"
    assert json.loads(made_from.read_text()) == {"name": "cave", "dependencies": ["python=3", "pip"]}
