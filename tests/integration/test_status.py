# SPDX-License-Identifier: Apache-2.0
"""/status: what processes and their children use, and that nobody is waited for."""
from __future__ import annotations

import concurrent.futures
import os
import signal

import pytest

from .gatehoused import is_running, wait_until

MIB = 1 << 20


def usage(daemon, process="default_process") -> dict:
    return daemon.processes()[process]["process_cpu_usage"]


def test_usage_is_a_share_of_the_machine(daemon):
    found = usage(daemon)
    assert set(found) == {"used_memory", "utilization_percent", "total_memory",
                          "used_memory_percent"}
    assert MIB < found["used_memory"] < found["total_memory"]
    assert found["utilization_percent"] >= 0
    assert 0 < found["used_memory_percent"] <= 100


def test_children_count_with_their_worker(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("burn_in_child", process="p")
    before = usage(daemon, "p")["used_memory"]
    other = usage(daemon)["used_memory"]
    child = daemon.call("burn_in_child", args=[0.3, 64 * MIB]).json()
    found = usage(daemon, "p")
    assert found["used_memory"] > before + 64 * MIB
    assert found["utilization_percent"] > 0
    assert usage(daemon)["used_memory"] < other + 32 * MIB  # nobody else's
    daemon.post("/kill_process", {"process_name": "p"})
    wait_until("the child to end with its input", lambda: not is_running(child))


def test_child_of_a_child_counts_too(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("grandchild", process="p")
    pids = daemon.call("grandchild", args=[64 * MIB]).json()
    assert len(set(pids)) == 2
    assert usage(daemon, "p")["used_memory"] > 64 * MIB


def test_stopped_worker_is_shown_like_any_other(daemon):
    daemon.post("/create_process", {"name": "p"})
    pid = daemon.worker_pid("p")
    os.kill(pid, signal.SIGSTOP)
    try:
        shown = daemon.get("/status", timeout=10).json()[0]["processes"]["p"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert shown["pid"] == pid and shown["process_cpu_usage"]["used_memory"] > MIB


def test_parked_process_is_empty(start_daemon):
    daemon = start_daemon()
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("die_of", process="p")
    wait_until("the process to be parked", lambda: daemon.call(
        "die_of", args=["SIGKILL"]).status == 503)
    wait_until("it to be shown so", lambda: daemon.processes()["p"] == {})
    assert daemon.processes()["default_process"]["pid"]


def test_many_ask_at_once(daemon):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: daemon.get("/status"), range(64)))
    pids = {answer.json()[0]["processes"]["default_process"]["pid"] for answer in answers}
    assert len(pids) == 1 and {answer.status for answer in answers} == {200}


def test_client_that_leaves_is_forgotten(daemon):
    for _ in range(20):
        connection = daemon.connect()
        connection.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    assert daemon.get("/status").status == 200


@pytest.mark.parametrize("value", ["true", "false", "1", "0"])
def test_without_a_den_nothing_is_sent(daemon, value):
    assert daemon.get(f"/status?send_to_den={value}").json()[1] is None
