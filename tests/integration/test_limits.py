# SPDX-License-Identifier: Apache-2.0
"""Bounds and what is at them: connections, open calls, names, environment variables, renames."""
from __future__ import annotations

import pytest

from .gatehoused import USER_CODE, wait_until

MODULES = [f"counter={USER_CODE}/things.py:Counter", f"concat={USER_CODE}/things.py:concat"]


def test_connections_are_accepted_again_once_some_closed(start_daemon):
    daemon = start_daemon(inspect=False, args=["--connections-max", "3"])
    held = [daemon.connect() for _ in range(3)]
    for connection in held:
        connection.close()
    wait_until("a connection to be served again",
               lambda: daemon.get("/check", timeout=2).status == 200)


def test_modules_load_with_room_for_one_call_only(start_daemon):
    daemon = start_daemon(inspect=False, modules=MODULES,
                          args=["--calls-in-flight-max", "1"])
    wait_until("both modules", lambda: daemon.get("/readyz").status == 200)
    assert daemon.get("/concat/call?a=x&b=y&_bare=1").json() == "xy"
    assert daemon.get("/counter/inc?_bare=1").json() == 1


@pytest.mark.parametrize("path, body, field", [
    ("/object", {"key": "k" * 1025, "serialized_data": 1}, "key"),
    ("/object", {"key": "", "serialized_data": 1}, "key"),
    ("/object", {"key": "k", "serialized_data": 1, "process_name": "p" * 70_000}, "process_name"),
    ("/create_process", {"name": "p" * 70_000}, "name"),
    ("/rename", {"key": "k", "new_key": "k" * 70_000}, "new_key"),
])
def test_names_are_bounded(start_daemon, path, body, field):
    daemon = start_daemon(inspect=False)
    answer = daemon.post(path, body)
    assert answer.status == 422, answer
    assert answer.json()["detail"][0]["loc"] == ["body", field]
    assert daemon.post("/object", {"key": "k" * 1024, "serialized_data": 1}).status == 200
    assert list(daemon.processes()) == ["default_process"]


def test_large_environment_variable_reaches_present_and_later_workers(start_daemon):
    daemon = start_daemon(inspect=False, modules=[f"getenv={USER_CODE}/things.py:getenv"])
    value = "x" * 1_500_000
    assert daemon.post("/env_vars", {"env_vars": {"GH_TEST_LARGE": value}}).status == 200
    assert daemon.call("getenv", args=["GH_TEST_LARGE"]).json() == value
    daemon.kill_worker()
    assert daemon.call("getenv", args=["GH_TEST_LARGE"]).json() == value


def test_object_without_a_process_makes_the_default_one(start_daemon):
    daemon = start_daemon(inspect=False)
    daemon.post("/kill_process", {"process_name": "default_process"})
    for key in ("a", "b"):
        assert daemon.post("/object", {"key": key, "serialized_data": 1}).status == 200
    assert list(daemon.processes()) == ["default_process"]
    assert daemon.get("/keys").json()["data"] == ["a", "b"]


def test_renamed_module_outlives_its_worker(start_daemon):
    daemon = start_daemon(inspect=False)
    daemon.put_class("account", "Counter", state={"value": 5, "history": []})
    for old, new in (("account", "/alice/deposit"), ("deposit", "purse")):
        assert daemon.post("/rename", {"key": old, "new_key": new}).json()["output_type"] == "success"
    daemon.kill_worker()
    assert daemon.call("purse", "inc", [2]).json() == 7
    assert daemon.get("/keys").json()["data"] == ["purse"]


def test_constructor_call_is_repeated_in_the_form_it_came(start_daemon):
    daemon = start_daemon(inspect=False)
    daemon.put_class("account", "Counter")
    for start in (3, 10):  # the last one counts
        assert daemon.post("/account/_remote_init", {"start": start}).status == 200
    daemon.kill_worker()
    assert daemon.call("account", "value").json() == 10
