# SPDX-License-Identifier: Apache-2.0
"""Named worker processes, their environment variables and their import path."""
from __future__ import annotations

import json

import pytest

from .gatehoused import is_running, wait_until
from .test_objects import SUCCESS, error_of


def listed(daemon):
    body = daemon.get("/processes").json()
    assert (body["output_type"], body["serialization"]) == ("result_serialized", "json")
    return json.loads(body["data"])


def test_default_process_is_there_from_the_start(daemon):
    assert listed(daemon) == {"default_process": {
        "name": "default_process", "compute": {"node_idx": 0}, "runtime_env": None, "env_vars": {}}}


def test_created_processes_are_listed_as_given_and_in_order(daemon):
    assert daemon.post("/create_process", {"name": "z"}).json() == SUCCESS
    assert daemon.post("/create_process", {
        "name": "a", "compute": None, "runtime_env": {}, "env_vars": None}).json() == SUCCESS
    assert daemon.post("/create_process", {
        "name": "m", "compute": {"node_idx": 0}, "env_vars": {"X": "1"}}).json() == SUCCESS
    found = listed(daemon)
    assert list(found) == ["default_process", "z", "a", "m"]
    assert found["z"] == {"name": "z", "compute": {}, "runtime_env": {}, "env_vars": {}}
    assert found["a"] == {"name": "a", "compute": None, "runtime_env": {}, "env_vars": None}
    assert found["m"]["env_vars"] == {"X": "1"}


def test_creating_it_again_changes_nothing(daemon):
    daemon.post("/create_process", {"name": "p"})
    pid = daemon.worker_pid("p")
    assert daemon.post("/create_process", {"name": "p", "env_vars": {"X": "1"}}).json() == SUCCESS
    assert daemon.worker_pid("p") == pid
    assert listed(daemon)["p"]["env_vars"] == {}


def test_each_process_is_one_of_its_own(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("here", "pid")
    daemon.put_function("there", "pid", process="p")
    here, there = daemon.call("here").json(), daemon.call("there").json()
    assert here == daemon.worker_pid("default_process")
    assert there == daemon.worker_pid("p")
    assert len({here, there, daemon.pid}) == 3


@pytest.mark.parametrize("compute, text", [
    ({"node_idx": 9}, "Node index 9 is out of bounds for cluster with 1 nodes."),
    ({"node_idx": 0, "CPU": 1}, "Cannot specify both node_idx and CPU/GPU ray_resources for a process."),
])
def test_impossible_placement_is_refused(daemon, compute, text):
    assert error_of(daemon.post("/create_process", {"name": "p", "compute": compute})) == (
        "builtins.ValueError", text)
    assert "p" not in listed(daemon)


def test_killed_process_is_gone_with_its_keys(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.post("/object", {"key": "k", "serialized_data": 1, "process_name": "p"})
    pid = daemon.worker_pid("p")
    answer = daemon.post("/kill_process", {"process_name": "p"})
    assert (answer.status, answer.body) == (200, b"null")
    assert daemon.get("/keys").json()["data"] == []
    assert "p" not in listed(daemon)
    wait_until("the worker to be gone", lambda: not is_running(pid))


def test_killed_process_can_be_made_again(daemon):
    for _ in range(3):
        assert daemon.post("/create_process", {"name": "p"}).json() == SUCCESS
        daemon.put_function("concat", process="p")
        assert daemon.call("concat", args=["a", "b"]).json() == "ab"
        daemon.post("/kill_process", {"process_name": "p"})


def test_killing_an_unknown_process_names_it(daemon):
    name, text = error_of(daemon.post("/kill_process", {"process_name": "nobody"}))
    assert name == "builtins.KeyError" and "nobody" in text


def test_put_object_makes_a_missing_process(daemon):
    daemon.post("/object", {"key": "k", "serialized_data": 1, "process_name": "fresh"})
    assert "fresh" in listed(daemon)
    assert daemon.get("/keys?process_name=fresh").json()["data"] == ["k"]


def test_put_resource_does_not_make_a_missing_process(daemon):
    config = {"name": "f", "resource_type": "function", "resource_subtype": "Function",
              "system": None, "fn_pointers": ["", "things", "concat"]}
    answer = daemon.post("/resource", {"serialized_data": [config, None, True],
                                       "process_name": "nowhere"})
    assert error_of(answer) == ("runhouse.servers.obj_store.ObjStoreError",
                                "Got None servlet for servlet_name nowhere.")
    assert "nowhere" not in listed(daemon)


def test_env_vars_of_creation_are_set_before_user_code(daemon):
    daemon.post("/create_process", {"name": "p", "env_vars": {"GH_TEST_A": "a \u00e9"}})
    daemon.put_function("getenv", process="p")
    assert daemon.call("getenv", args=["GH_TEST_A"]).json() == "a \u00e9"


def test_env_vars_of_one_process_stay_there(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("here", "getenv")
    daemon.put_function("there", "getenv", process="p")
    assert daemon.post("/env_vars", {"process_name": "p", "env_vars": {"GH_TEST_B": "b"}}
                       ).json() == SUCCESS
    assert daemon.call("there", args=["GH_TEST_B"]).json() == "b"
    assert daemon.call("here", args=["GH_TEST_B"]).json() is None


def test_global_env_vars_reach_present_and_later_processes(start_daemon):
    daemon = start_daemon()
    daemon.post("/create_process", {"name": "early"})
    assert daemon.post("/env_vars", {"process_name": None, "env_vars": {"GH_TEST_C": "c"}}
                       ).json() == SUCCESS
    daemon.post("/create_process", {"name": "late"})
    daemon.post("/create_process", {"name": "own", "env_vars": {"GH_TEST_C": "mine"}})
    for process, value in [("default_process", "c"), ("early", "c"), ("late", "c"), ("own", "mine")]:
        daemon.put_function("f_" + process, "getenv", process=process)
        assert daemon.call("f_" + process, args=["GH_TEST_C"]).json() == value


def test_env_vars_of_an_unknown_process_is_an_error(daemon):
    answer = daemon.post("/env_vars", {"env_vars": {"A": "1"}, "process_name": "zz"})
    assert error_of(answer) == ("runhouse.servers.obj_store.ObjStoreError",
                                "Got None servlet for servlet_name zz.")


def test_daemon_environment_reaches_workers(start_daemon):
    daemon = start_daemon(env={"GH_TEST_INHERITED": "yes"})
    daemon.put_function("getenv")
    assert daemon.call("getenv", args=["GH_TEST_INHERITED"]).json() == "yes"
    assert daemon.call("getenv", args=["HOME"]).json() == str(daemon.home)


def test_user_code_starts_in_the_home_directory(daemon):
    daemon.put_function("where")
    assert daemon.call("where").json()["cwd"] == str(daemon.home)


def local_package(path):
    return {"package_config": {"name": None, "resource_type": "package", "install_method": "local",
                               "install_target": [path, path], "install_args": None,
                               "preferred_version": None},
            "conda_env_name": None, "venv_path": None, "override_remote_version": False}


def test_local_package_is_importable_in_present_and_later_processes(start_daemon):
    daemon = start_daemon()
    package = daemon.home / "mypackage"
    package.mkdir()
    (package / "only_here.py").write_text("def f():\n    return 'found'\n")
    daemon.post("/create_process", {"name": "early"})
    assert daemon.post("/install_package", local_package("~/mypackage")).json() == SUCCESS
    daemon.post("/create_process", {"name": "late"})
    for process in ("default_process", "early", "late"):
        daemon.put_function("f_" + process, "f", file="only_here", root="", process=process)
        assert daemon.call("f_" + process).json() == "found"
        daemon.put_function("where_" + process, "where", process=process)
        assert str(package) in daemon.call("where_" + process).json()["path"]


def test_local_package_that_is_missing_names_its_path(daemon):
    assert error_of(daemon.post("/install_package", local_package("~/nonexist"))) == (
        "builtins.FileNotFoundError", f"Path {daemon.home}/nonexist does not exist.")


def test_unknown_install_method_is_named(daemon):
    name, text = error_of(daemon.post("/install_package", {"package_config": {
        "install_method": "zzz", "install_target": "foo"}}))
    assert name == "builtins.ValueError"
    assert text.startswith("Unknown install method zzz. Must be one of ")


def test_numbers_are_shown_as_they_were_given(daemon):
    compute = {"CPU": 0.1, "memory": 1048576}
    assert daemon.post("/create_process", {"name": "tenth", "compute": compute}).status == 200
    shown = daemon.get("/processes").json()["data"]
    assert '"tenth": {"name": "tenth", "compute": {"CPU": 0.1, "memory": 1048576}' in shown
    daemon.post("/kill_process", {"process_name": "tenth"})
