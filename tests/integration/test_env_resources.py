# SPDX-License-Identifier: Apache-2.0
"""Envs as resources, in the words of clients up to 0.0.36: they make a process and are kept there."""
from __future__ import annotations

import concurrent.futures
import json
import os
import sys

import pytest

from . import wheels
from .gatehoused import ANSWER_S, USER_CODE, wait_until
from .package_kit import FAKES
from .raw import Wire, head
from .test_processes import error_of


def env_body(name="shop", **config):
    config = {"name": name, "resource_type": "env", "resource_subtype": "Env", "env_name": name,
              "setup_cmds": None, "env_vars": {}, "compute": {}, "reqs": [], "working_dir": None,
              **config}
    return {"serialized_data": [config, {}, False], "serialization": None, "env_name": name}


def put_env(daemon, name="shop", **config):
    return daemon.post("/resource", env_body(name, **config))


def call(daemon, key, method, *args, **kwargs):
    return daemon.post(f"/{key}/{method}", {"data": {"args": args, "kwargs": kwargs}})


def processes(daemon) -> dict:
    return json.loads(daemon.get("/processes").json()["data"])


@pytest.fixture
def daemon(start_daemon):
    """No look at its descriptors: workers keep a connection to ask the daemon."""
    return start_daemon(inspect=False)


def test_env_makes_its_process_and_is_there(daemon):
    assert put_env(daemon, compute={"CPU": 0.5}).json() == "shop"
    assert processes(daemon)["shop"]["compute"] == {"CPU": 0.5}
    assert daemon.get("/keys?env_name=shop").json()["data"] == ["shop"]
    assert put_env(daemon).json() == "shop"  # once more


def test_env_runs_commands_and_sets_variables_in_its_process(daemon):
    put_env(daemon, setup_cmds=["echo $SHADE > ~/seen.txt"], env_vars={"SHADE": "dark"})
    assert call(daemon, "shop", "_set_env_vars", {"SHADE": "light"}).json() is None
    assert call(daemon, "shop", "_run_command", "echo $SHADE; exit 3").json() == [3, "light\n", ""]
    assert call(daemon, "shop", "install").status == 200
    assert (daemon.home / "seen.txt").read_text() == "dark\n"
    assert call(daemon, "shop", "_run_setup_cmds", ["exit 9"]).status == 500


def test_installs_run_by_the_daemon(start_daemon, tmp_path):
    wheels.wheel(tmp_path / "wheels", "tinyone")
    daemon = start_daemon(inspect=False, python=wheels.venv(tmp_path / "venv"), env={
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    put_env(daemon, reqs=["tinyone"])
    assert call(daemon, "shop", "install").status == 200
    assert "install.done" in daemon.log()
    put_env(daemon, "other", reqs=["nosuchpackage==9"])
    assert "nosuchpackage==9" in call(daemon, "other", "install").json()["detail"]


def test_env_is_there_again_after_its_worker_died(daemon):
    put_env(daemon)
    daemon.put_function("concat", process="shop")
    daemon.kill_worker("shop")
    assert call(daemon, "shop", "_run_command", "echo hi").json() == [0, "hi\n", ""]
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"


def test_default_env_needs_no_put(daemon):
    assert call(daemon, "_cluster_default_env", "_set_env_vars", {"SHADE": "dark"}).status == 200
    answer = call(daemon, "_cluster_default_env", "_run_command", "echo $SHADE")
    assert answer.json() == [0, "dark\n", ""]
    daemon.post("/process_env_vars", {"process_name": "_cluster_default_env",
                                      "env_vars": {"SHADE": "light"}})
    daemon.kill_worker()
    answer = call(daemon, "_cluster_default_env", "_run_command", "echo $SHADE")
    assert answer.json() == [0, "light\n", ""]
    assert list(processes(daemon)) == ["default_process"]


def test_what_the_node_cannot_give_leaves_nothing(daemon):
    answer = put_env(daemon, compute={"CPU": 100_000})
    assert answer.status == 500 and "CPU" in answer.json()["detail"]
    assert put_env(daemon, compute={"node_idx": 7}).status == 500
    assert list(processes(daemon)) == ["default_process"]
    assert daemon.get("/keys").json()["data"] == []


def test_nothing_but_an_env_makes_a_process(daemon):
    config = {"name": "f", "resource_type": "function", "system": None,
              "fn_pointers": [str(USER_CODE), "things", "concat"]}
    body = {"serialized_data": [config, None, True], "env_name": "nowhere"}
    assert "ObjStoreError: Got None servlet for servlet_name nowhere." in daemon.post(
        "/resource", body).json()["detail"]
    newer = {**env_body("nowhere"), "process_name": "nowhere"}
    del newer["env_name"]
    assert "Got None servlet for servlet_name nowhere." in error_of(daemon.post("/resource", newer))
    assert list(processes(daemon)) == ["default_process"]


@pytest.mark.parametrize("data", [7, [], [1, 2, 3], [{}], None])
def test_malformed_env(daemon, data):
    answer = daemon.post("/resource", {"serialized_data": data, "env_name": "nowhere"})
    assert answer.status == 422 and "serialized_data" in answer.text
    assert list(processes(daemon)) == ["default_process"]


def test_client_that_leaves_while_its_env_is_made(daemon):
    body = json.dumps(env_body()).encode()
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/resource", f"Content-Length: {len(body)}") + body)
        wait_until("the process to be made", lambda: "shop" in processes(daemon))
    wait_until("the env to be there", lambda: "shop" in daemon.get("/keys").json()["data"])


def test_same_env_by_several_clients_at_once(daemon):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(put_env, daemon) for _ in range(8)]
        assert [answer.result(ANSWER_S).json() for answer in answers] == ["shop"] * 8
    assert set(processes(daemon)) == {"default_process", "shop"}


# ---------------------------------------------------------------- conda envs

CAVE = {"name": "cave", "dependencies": ["python", {"pip": ["ray >= 2.2.0, != 2.6.0"]}]}


@pytest.fixture
def start_with_conda(start_daemon, tmp_path):
    """start(script) -> a daemon whose conda is that shell script; by default tests/fake/conda."""
    def start(script=None):
        programs = tmp_path / "bin"
        programs.mkdir()
        if script is None:
            (programs / "conda").symlink_to(FAKES / "conda")
        else:
            (programs / "conda").write_text("#!/bin/sh\n" + script)
            (programs / "conda").chmod(0o755)
        return start_daemon(inspect=False, env={"PATH": f"{programs}:{os.environ['PATH']}",
                                                "FAKE_PYTHON": sys.executable})
    return start


def test_conda_env_is_made_once_and_its_process_runs_in_it(start_with_conda):
    daemon = start_with_conda()
    assert put_env(daemon, conda_yaml=CAVE).json() == "shop"
    env = daemon.home / "miniconda3" / "envs" / "cave"
    assert json.loads((env / "made-from.json").read_text())["dependencies"] == ["python"]
    answer = call(daemon, "shop", "_run_command", "echo $CONDA_DEFAULT_ENV")
    assert answer.json() == [0, "cave\n", ""]
    daemon.put_function("where", process="shop")
    assert daemon.call("where").json()["prefix"] == str(env)
    (env / "made-from.json").unlink()
    assert put_env(daemon, "other", conda_yaml=CAVE).json() == "other"
    assert not (env / "made-from.json").exists()


@pytest.mark.parametrize("script, words", [
    ('[ "$2" != list ] || { echo \'{"envs": []}\'; exit; }; echo no such package >&2; exit 1',
     ["conda env create -n cave failed", "no such package"]),
    ("echo broken >&2; exit 1", ["env list", "broken"]),
])
def test_conda_env_that_cannot_be_made_leaves_nothing(start_with_conda, script, words):
    daemon = start_with_conda(script)
    answer = put_env(daemon, conda_yaml=CAVE)
    assert answer.status == 500
    assert all(word in answer.json()["detail"] for word in words), answer
    assert list(processes(daemon)) == ["default_process"]


def test_death_of_the_default_process_while_it_makes_an_env(start_with_conda, tmp_path):
    """It is told, and nothing is left half-made: a second try works."""
    started = tmp_path / "started"
    daemon = start_with_conda(f"touch {started}; sleep 600")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(put_env, daemon, conda_yaml=CAVE)
        wait_until("conda to run", started.exists)
        daemon.kill_worker()
        assert "died during" in answer.result(ANSWER_S).json()["detail"]
    assert put_env(daemon).json() == "shop"
