# SPDX-License-Identifier: Apache-2.0
"""POST /_gatehouse/v1/restart_process: a new worker, the same modules, and what open calls see of it."""
from __future__ import annotations

import concurrent.futures
import os
import signal

import pytest

from .gatehoused import wait_until
from .test_objects import SUCCESS

RESTART = "/_gatehouse/v1/restart_process"


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def p(daemon):
    """A process of its own, with hold() and a counter."""
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("hold", process="p")
    daemon.put_class("tally", "Counter", state={"value": 5, "history": []}, process="p")
    return "p"


@pytest.fixture
def held(daemon, p, threads, tmp_path):
    """A call that runs in p until tmp_path/release is there: its future answer."""
    future = threads.submit(daemon.call, "hold", "call",
                            [str(tmp_path / "started"), str(tmp_path / "release"), "held"])
    wait_until("the call to run", (tmp_path / "started").exists)
    yield future
    (tmp_path / "release").touch()


def restart(daemon, name="p", **fields):
    return daemon.post(RESTART, {"process_name": name, **fields})


def node(daemon, process="p"):
    return daemon.get("/_gatehouse/v1/node").json()["processes"][process]


def test_modules_are_as_they_were_put_in_another_worker(daemon, p):
    before = daemon.worker_pid(p)
    assert daemon.call("tally", "inc", [2]).json() == 7
    answer = restart(daemon)
    assert answer.status == 200, answer
    assert answer.json() == {"process_name": "p", "pid": daemon.worker_pid(p), "restarts": 1, "problems": {}}
    assert answer.json()["pid"] != before
    assert daemon.call("tally", "inc", [2]).json() == 7
    assert node(daemon)["restarts"] == 1 and node(daemon)["state"] == "ready"


def test_open_calls_end_first_and_new_ones_are_refused(daemon, p, held, threads, tmp_path):
    restarted = threads.submit(restart, daemon)
    wait_until("the process to drain", lambda: node(daemon)["state"] == "draining")
    refused = daemon.call("tally", "inc")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["detail"] == "Process p is being restarted on request."
    second = restart(daemon)
    assert (second.status, second.json()["detail"]) == (503, "Process p is being restarted already.")
    assert daemon.get("/readyz").status == 200  # others are served
    (tmp_path / "release").touch()
    assert held.result().json() == "held"
    assert restarted.result().status == 200
    assert daemon.call("tally", "inc").json() == 6


def test_calls_that_do_not_end_in_time_fail_with_the_reason(daemon, p, held):
    assert restart(daemon, drain_ms=0).status == 200
    answer = held.result()
    assert answer.status == 500
    assert answer.json()["detail"] == "Process p died while running hold.call (restarted on request)."


def test_worker_that_dies_while_it_drains_is_restarted_all_the_same(daemon, p, held, threads):
    restarted = threads.submit(restart, daemon)
    wait_until("the process to drain", lambda: node(daemon)["state"] == "draining")
    os.kill(daemon.worker_pid(p), signal.SIGKILL)
    assert restarted.result().status == 200
    assert held.result().status == 500
    assert node(daemon)["restarts"] == 1


def test_client_that_leaves_changes_nothing(daemon, p, held, tmp_path):
    before = daemon.worker_pid(p)
    with daemon.connect() as connection:
        body = b'{"process_name": "p"}'
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (RESTART.encode(), len(body), body))
        wait_until("the process to drain", lambda: node(daemon)["state"] == "draining")
    (tmp_path / "release").touch()
    wait_until("another worker", lambda: node(daemon)["pid"] not in (before, None)
               and node(daemon)["state"] == "ready")
    assert daemon.call("tally", "inc").json() == 6


def test_process_that_is_killed_while_it_drains(daemon, p, held, threads):
    restarted = threads.submit(restart, daemon)
    wait_until("the process to drain", lambda: node(daemon)["state"] == "draining")
    daemon.post("/kill_process", {"process_name": "p"})
    answer = restarted.result()
    assert (answer.status, answer.json()["detail"]) == (500, "killed on request")
    assert held.result().status == 500


def test_variables_that_are_set_meanwhile_reach_the_next_worker(daemon, p, held, threads, tmp_path):
    daemon.put_function("getenv", process="p")
    restarted = threads.submit(restart, daemon)
    wait_until("the process to drain", lambda: node(daemon)["state"] == "draining")
    assert daemon.post("/env_vars", {"env_vars": {"GH_RESTART": "yes"}}).json() == SUCCESS
    (tmp_path / "release").touch()
    assert restarted.result().status == 200
    assert daemon.call("getenv", args=["GH_RESTART"]).json() == "yes"


def test_module_that_cannot_be_built_again_is_named(start_daemon, tmp_path):
    code = tmp_path / "vanishing.py"
    code.write_text("def f():\n    return 1\n")
    daemon = start_daemon(modules=[f"f={code}:f"])
    assert daemon.get("/f/call?_bare=1").json() == 1
    code.write_text("raise OSError('it is gone')\n")
    answer = restart(daemon, "default_process")
    assert answer.status == 200
    assert list(answer.json()["problems"]) == ["f"] and "it is gone" in answer.json()["problems"]["f"]


def test_parked_process_is_started_again(start_daemon):
    daemon = start_daemon()
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("die_of", process="p")
    wait_until("the process to be parked", lambda: (
        daemon.call("die_of", args=["SIGKILL"]), node(daemon)["state"] == "parked")[1])
    assert node(daemon)["reason"].startswith("its worker died 5 times")
    assert node(daemon)["pid"] is None
    assert restart(daemon).status == 200
    daemon.put_function("concat", process="p")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"


def test_node_that_stops_meanwhile_answers_and_ends(start_daemon, threads, tmp_path):
    daemon = start_daemon(inspect=False, args=["--drain-timeout-ms", "200"])
    daemon.put_function("hold")
    call = threads.submit(daemon.call, "hold", "call", [str(tmp_path / "started"), str(tmp_path / "never")])
    wait_until("the call to run", (tmp_path / "started").exists)
    restarted = threads.submit(restart, daemon, "default_process", drain_ms=3600000)
    wait_until("the process to drain", lambda: node(daemon, "default_process")["state"] == "draining")
    daemon.stop()
    for future in (call, restarted):
        try:
            assert future.result().status >= 500
        except (ConnectionError, OSError):
            pass  # the connection ended with the node
    assert not daemon.trouble()


@pytest.mark.parametrize("body, status, text", [
    ({"process_name": "nobody"}, 404, "Process nobody not found."),
    ({}, 422, "process_name"),
    ({"process_name": ""}, 422, "process_name"),
    ({"process_name": "default_process", "drain_ms": -1}, 422, "drain_ms"),
    ({"process_name": "default_process", "drain_ms": 86400001}, 422, "drain_ms"),
    ({"process_name": "default_process", "drain_ms": "soon"}, 422, "drain_ms"),
])
def test_what_cannot_be_restarted_is_refused(daemon, body, status, text):
    answer = daemon.post(RESTART, body)
    assert answer.status == status and text in answer.text


# -- what the node says of itself --------------------------------------------------------------------

def test_node_tells_version_uptime_and_processes(daemon, p):
    facts = daemon.get("/_gatehouse/v1/node").json()
    assert facts["pid"] == daemon.pid and facts["is_draining"] is False and facts["uptime_s"] > 0
    assert facts["version"].count(".") == 2
    process = facts["processes"]["p"]
    assert process["pid"] == daemon.worker_pid(p) and process["version"].startswith("3.")
    assert process["open_calls"] == 0 and process["reason"] is None


def test_runs_are_listed_and_kept_output_is_shown_without_waiting(daemon, threads, tmp_path):
    daemon.put_function("talk_and_hold")
    held = threads.submit(daemon.call, "talk_and_hold", "call",
                          [str(tmp_path / "started"), str(tmp_path / "release")], run_name="held",
                          stream_logs=True)
    wait_until("the call to run", (tmp_path / "started").exists)

    def kept():
        return daemon.get("/_gatehouse/v1/runs/held").text

    def listed():
        return {run["run_name"]: run for run in daemon.get("/_gatehouse/v1/runs").json()["runs"]}["held"]

    wait_until("its first line", lambda: '"data"' in kept())
    assert listed()["is_active"] and listed()["ended_s"] is None and listed()["open_calls"] == 1
    (tmp_path / "release").touch()
    held.result()
    wait_until("the end of the run", lambda: not listed()["is_active"])
    assert listed()["bytes"] == len(kept()) and listed()["ended_s"] >= 0
    body = daemon.post("/logs", {"run_name": "held", "key": "talk_and_hold"}).text
    assert body == kept()  # looking at it took nothing away


def test_unknown_and_impossible_run_names(daemon):
    assert daemon.get("/_gatehouse/v1/runs/nobody").status == 404
    assert daemon.get("/_gatehouse/v1/runs/a%2Fb").status == 422
    assert daemon.get("/_gatehouse/v1/runs/.hidden").status == 422
