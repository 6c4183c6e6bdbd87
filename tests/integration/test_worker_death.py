# SPDX-License-Identifier: Apache-2.0
"""A worker that dies: its callers are told how, nobody else notices, the next call works."""
from __future__ import annotations

import concurrent.futures
import os
import signal
import time

import pytest

from . import pickles
from .gatehoused import ANSWER_S, USER_CODE, is_running, wait_until

OPTIONS = {"modules": [f"hold={USER_CODE}/things.py:hold", f"pid={USER_CODE}/things.py:pid",
                       f"die_of={USER_CODE}/things.py:die_of",
                       f"exit_with={USER_CODE}/things.py:exit_with",
                       f"counter={USER_CODE}/things.py:Counter"]}
TOLD_WITHIN_S = 5.0  # on a machine that does other things besides; the aim is 0.1


@pytest.fixture
def daemon(start_daemon):
    """One per test: a process whose workers die too often is parked."""
    return start_daemon(**OPTIONS)


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield pool


def hold_calls(daemon, threads, tmp_path, count=1, serialization="pickle", key="hold"):
    """COUNT calls that run in their worker and would for ever."""
    calls = []
    for i in range(count):
        started = tmp_path / f"started{i}-{time.monotonic_ns()}"
        data = {"args": [str(started), str(tmp_path / "never")]}
        body = {"run_name": f"hold--{i}", "serialization": serialization,
                "data": pickles.dumps(data) if serialization == "pickle" else data}
        calls.append(threads.submit(daemon.post, f"/{key}/call", body))
        wait_until("the call to run", started.exists)
    return calls


def told(answer) -> str:
    """The text of the error that a caller of a dead worker gets."""
    body = answer.json()
    if answer.status == 200:
        assert body["output_type"] == "exception", answer
        error = pickles.loads(body["data"]["error"])
        assert error.name == "builtins.RuntimeError", error
        return error.args[0]
    assert answer.status in (500, 502, 503), answer
    return body["detail"] if "detail" in body else body["data"]["error"]


@pytest.mark.parametrize("serialization", ["pickle", "none"])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_caller_is_told_the_signal(daemon, threads, tmp_path, name, serialization):
    (call,) = hold_calls(daemon, threads, tmp_path, serialization=serialization)
    start = time.monotonic()
    os.kill(daemon.worker_pid(), getattr(signal, name))
    text = told(call.result(ANSWER_S))
    assert time.monotonic() - start < TOLD_WITHIN_S
    number = getattr(signal, name).value
    assert name in text or f"signal {number}" in text, text
    assert "default_process" in text and "hold.call" in text, text


def test_every_open_call_is_answered(daemon, threads, tmp_path):
    calls = hold_calls(daemon, threads, tmp_path, count=12)
    os.kill(daemon.worker_pid(), signal.SIGKILL)
    for call in calls:
        assert "SIGKILL" in told(call.result(ANSWER_S)) or "signal 9" in told(call.result(ANSWER_S))


def test_next_call_works_in_a_new_worker(daemon, threads, tmp_path):
    before = daemon.get("/pid/call?_bare=1").json()
    (call,) = hold_calls(daemon, threads, tmp_path)
    os.kill(before, signal.SIGKILL)
    told(call.result(ANSWER_S))
    after = daemon.get("/pid/call?_bare=1").json()
    assert after != before and not is_running(before)


def test_declared_modules_are_rebuilt(daemon):
    daemon.get("/counter/inc?by=5&_bare=1")
    daemon.kill_worker()
    assert daemon.get("/counter/inc?by=1&_bare=1").json() == 1  # as it was declared
    assert set(daemon.get("/keys").json()["data"]) == {
        "hold", "pid", "die_of", "exit_with", "counter"}


def test_deployed_modules_are_rebuilt_as_they_were_put(daemon):
    daemon.post("/create_process", {"name": "p", "env_vars": {"GH_TEST_P": "p"}})
    daemon.put_function("concat", process="p")
    daemon.put_function("getenv", process="p")
    daemon.put_class("account", "Counter", state={"value": 5, "history": []}, process="p")
    assert daemon.call("account", "inc", [1]).json() == 6
    daemon.kill_worker("p")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"
    assert daemon.call("account", "value").json() == 5
    assert daemon.call("getenv", args=["GH_TEST_P"]).json() == "p"
    assert daemon.get("/keys?process_name=p").json()["data"] == ["concat", "getenv", "account"]


def test_plain_objects_and_lazy_results_of_a_dead_process_are_gone(daemon):
    daemon.put_function("countdown")
    daemon.post("/object", {"key": "note", "serialized_data": [1]})
    daemon.post("/countdown/call", {"run_name": "countdown--1", "serialization": "pickle",
                                    "data": pickles.dumps({"args": [3]})})
    assert {"note", "countdown--1"} <= set(daemon.get("/keys").json()["data"])
    daemon.kill_worker()
    wait_until("the keys to go",
               lambda: not {"note", "countdown--1"} & set(daemon.get("/keys").json()["data"]))
    assert daemon.get("/object?key=note").body == b"null"
    assert daemon.get("/countdown--1/remote_next").status == 404


def test_other_processes_go_on(daemon, threads, tmp_path):
    daemon.post("/create_process", {"name": "other"})
    daemon.put_function("other_hold", "hold", process="other")
    release, started = tmp_path / "release", tmp_path / "other-started"
    other = threads.submit(daemon.call, "other_hold", "call", [str(started), str(release), "fine"])
    wait_until("the other call to run", started.exists)
    (call,) = hold_calls(daemon, threads, tmp_path)
    os.kill(daemon.worker_pid(), signal.SIGKILL)
    told(call.result(ANSWER_S))
    release.touch()
    assert other.result(ANSWER_S).json() == "fine"


def test_check_and_status_answer_meanwhile(daemon, threads, tmp_path):
    hold_calls(daemon, threads, tmp_path, count=4)
    os.kill(daemon.worker_pid(), signal.SIGSTOP)  # wedged, not dead
    pid = daemon.worker_pid()
    try:
        for path in ("/check", "/status", "/keys", "/processes"):
            assert daemon.get(path, timeout=10).status == 200
    finally:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
    assert daemon.get("/check").status == 200


@pytest.mark.parametrize("call, words", [
    ("/die_of/call?name=SIGSEGV&serialization=pickle", ["SIGSEGV", "signal 11"]),
    ("/die_of/call?name=SIGTERM&serialization=pickle", ["SIGTERM", "signal 15"]),
    ("/exit_with/call?code=3&serialization=pickle", ["exit code 3"]),
    ("/exit_with/call?code=0&serialization=pickle", ["exit code 0"]),
])
def test_worker_that_ends_itself_is_told_too(daemon, call, words):
    text = told(daemon.get(call))
    assert any(word in text for word in words), text
    assert isinstance(daemon.get("/pid/call?_bare=1").json(), int)


def test_killed_process_ends_its_running_calls(daemon, threads, tmp_path):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("p_hold", "hold", process="p")
    calls = hold_calls(daemon, threads, tmp_path, count=3, key="p_hold")
    daemon.post("/kill_process", {"process_name": "p"})
    for call in calls:
        assert "p" in told(call.result(ANSWER_S))


def test_logs_of_a_dead_worker_end(daemon, threads, tmp_path):
    daemon.put_function("talk_and_hold")
    started = tmp_path / "started-talk"
    call = threads.submit(daemon.post, "/talk_and_hold/call", {
        "run_name": "dying", "stream_logs": True,
        "data": {"args": [str(started), str(tmp_path / "never")]}})
    wait_until("the call to run", started.exists)
    logs = daemon.connect()  # what a worker wrote less than two milliseconds before it dies is lost
    body = b'{"run_name": "dying", "key": "talk_and_hold"}'
    logs.sendall(b"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
                 b"Connection: close\r\n\r\n%b" % (len(body), body))
    received = b""
    while b"before" not in received:
        received += logs.recv(4096)
    os.kill(daemon.worker_pid(), signal.SIGKILL)
    call.result(ANSWER_S)
    while chunk := logs.recv(4096):
        received += chunk
    assert received.endswith(b"0\r\n\r\n")


def test_many_deaths_in_a_row_are_survived(daemon):
    for _ in range(3):
        daemon.kill_worker()
        assert isinstance(daemon.get("/pid/call?_bare=1").json(), int)


def test_process_whose_workers_keep_dying_is_parked_with_the_reason(daemon):
    daemon.put_function("concat")
    daemon.post("/create_process", {"name": "other"})
    daemon.put_function("there", "concat", process="other")

    def parked():
        answer = daemon.get("/die_of/call?name=SIGKILL&_bare=1")
        return answer if answer.status == 503 else None

    answer = wait_until("the process to be parked", parked)
    assert "SIGKILL" in answer.json()["detail"] or "signal 9" in answer.json()["detail"]
    assert daemon.call("there", args=["a", "b"]).json() == "ab"
    assert daemon.get("/check").status == 200


def test_process_that_forks_does_not_hold_its_death_back(daemon, threads, tmp_path):
    """A grandchild that inherited everything outlives the worker; the caller is told all the same."""
    source = tmp_path / "forker.py"
    source.write_text("import os, signal, time\n"
                      "def fork_and_die():\n"
                      "    if os.fork() == 0:\n"
                      "        time.sleep(30)\n"
                      "        os._exit(0)\n"
                      "    os.kill(os.getpid(), signal.SIGKILL)\n"
                      "    time.sleep(30)\n")
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("fork_and_die", file="forker", root=tmp_path, process="p")
    start = time.monotonic()
    text = told(daemon.post("/fork_and_die/call", {"run_name": "r", "serialization": "pickle"}))
    assert "SIGKILL" in text or "signal 9" in text
    assert time.monotonic() - start < 25
