# SPDX-License-Identifier: Apache-2.0
"""Code on a node that uses the node: `rh.here`, handles, `.to(rh.here)`, nested calls.

Each test runs in an environment that has the client's package, and in one that has not and gets the
stand-in for it.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration.conftest import finish
from integration.gatehoused import Gatehoused, wait_until

from . import sdk

USER_CODE = Path(__file__).resolve().parent / "user_code"
NAME = "demo-cluster"


def without_the_package() -> str | None:
    """An interpreter that has no runhouse."""
    for python in (getattr(sys, "_base_executable", None), "/usr/bin/python3"):
        if python and os.path.exists(python) and subprocess.run(
                [python, "-c", "import runhouse"], capture_output=True).returncode != 0:
            return python
    return None


@pytest.fixture(scope="module", params=["package", "stand-in"])
def inside(request, tmp_path_factory) -> Gatehoused:
    """A daemon named by its cluster config, with one function of inside.py for each use."""
    python = sys.executable if request.param == "package" else without_the_package()
    if request.param == "package" and not sdk.has_client():
        pytest.skip(f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")
    if python is None:
        pytest.skip("every interpreter here has runhouse")
    daemon = Gatehoused(tmp_path_factory.mktemp("inside"), python=python)
    furnish(daemon.home, NAME)
    daemon.start()
    daemon.param = request.param
    daemon.post("/create_process", {"name": "other"})
    yield daemon
    finish(daemon)


def furnish(home: Path, name: str | None) -> None:
    (home / ".rh").mkdir(parents=True)
    config = {"name": name, "resource_subtype": "Cluster", "ips": ["127.0.0.1"],
              "server_connection_type": "none", "server_host": "127.0.0.1", "den_auth": False}
    (home / ".rh" / "cluster_config.json").write_text(json.dumps(config))


def put(daemon: Gatehoused, name: str, attribute: str | None = None,
        process: str = "default_process") -> None:
    daemon.put_function(name, attribute, "inside", USER_CODE, process)


def ask(daemon: Gatehoused, name: str, *args, process: str = "default_process", **kwargs):
    """The result of the function NAME of inside.py, deployed in PROCESS."""
    put(daemon, name, process=process)
    answer = daemon.call(name, "call", args, kwargs)
    assert answer.status == 200, answer
    return answer.json()


# -- objects -----------------------------------------------------------------------------------------


def test_here_is_this_node(inside):
    kind, name, is_here, processes = ask(inside, "whereami")
    assert (kind, name, is_here) == ("Cluster", NAME, True)
    assert processes[:2] == ["default_process", "other"]


def test_objects_of_this_process_are_kept_by_reference(inside):
    assert ask(inside, "keep_objects") == [True, True, None, "no box", [1, 2], True, True]


def test_objects_of_another_process_are_copied(inside):
    assert ask(inside, "keep_objects_elsewhere", "other") == [
        {"a": [1, 2], "b": 3}, {"a": [1, 2]}, [1, 2], ["ObjStoreError", True]]


def test_own_objects_are_used_as_they_are(inside):
    inside.put_class("own_tally", "Tally", file="inside", root=USER_CODE)
    put(inside, "own_echo", "echo")
    assert inside.call("own_tally", "_remote_init").status == 200
    assert ask(inside, "by_reference") == [True, True, "lock"]


# -- calls -------------------------------------------------------------------------------------------


def test_call_of_another_process(inside):
    put(inside, "far_double", "double", "other")
    assert ask(inside, "call_key", "far_double", "call", 4) == 8
    assert ask(inside, "call_key", "far_double", "call", x=5) == 10


def test_call_of_the_same_process(inside):
    put(inside, "near_double", "double")
    assert ask(inside, "call_key", "near_double", "call", 4) == 8


def test_async_functions_give_their_result(inside):
    put(inside, "far_triple", "triple_later", "other")
    put(inside, "near_triple", "triple_later")
    for key in ("far_triple", "near_triple"):
        assert ask(inside, "call_key", key, "call", 4) == 12
        assert ask(inside, "blocking_in_a_coroutine", key, 5) == 15
        assert ask(inside, "gather", key, 20) == [3 * i for i in range(20)]


def test_many_threads_ask_at_once(inside):
    put(inside, "far_double", "double", "other")
    assert ask(inside, "in_threads", "far_double", 40) == [2 * i for i in range(40)]


def test_processes_that_call_each_other_do_not_wait_for_ever(inside):
    put(inside, "ping", "bounce", "default_process")
    put(inside, "pong", "bounce", "other")
    own, far = inside.worker_pid(), inside.worker_pid("other")
    assert ask(inside, "call_key", "ping", "call", "pong", "ping", 0) == own
    assert ask(inside, "call_key", "ping", "call", "pong", "ping", 31) == far
    assert ask(inside, "call_key", "ping", "call", "pong", "ping", 30) == own


def test_coroutines_that_call_each_other_do_not_wait_for_ever(inside):
    put(inside, "aping", "bounce_async", "default_process")
    put(inside, "apong", "bounce_async", "other")
    assert ask(inside, "call_key", "aping", "call", "apong", "aping", 30) == inside.worker_pid()


def test_a_forked_child_asks_for_itself(inside):
    put(inside, "far_double", "double", "other")
    assert ask(inside, "in_a_fork", "far_double", 1) == [2, 4, 6]


def test_errors_arrive_as_themselves(inside):
    put(inside, "far_fail", "fail", "other")
    kind, text, cause = ask(inside, "caught", "far_fail", "call", "that one")
    assert (kind, text) == ("KeyError", "'that one'")
    assert "inside.py" in cause and "raise KeyError(text)" in cause
    put(inside, "near_fail", "fail")
    assert ask(inside, "caught", "near_fail", "call", "x")[:2] == ["KeyError", "'x'"]


def test_unknown_keys_and_methods_are_named(inside):
    put(inside, "near_double", "double")
    put(inside, "far_double", "double", "other")
    kind, text, _ = ask(inside, "caught", "nowhere", "call")
    assert kind == "ObjStoreError" and "nowhere" in text
    for key in ("near_double", "far_double"):
        kind, text, _ = ask(inside, "caught", key, "no_such_method")
        assert kind == "ValueError" and "no_such_method" in text


def test_a_worker_that_dies_is_an_error_of_its_caller(inside):
    inside.post("/create_process", {"name": "mortal"})
    inside.put_function("die", "_exit", "os", Path("/nonexistent"), "mortal")
    kind, text, _ = ask(inside, "caught", "die", "call", 3)
    assert kind == "RuntimeError" and "mortal" in text and "die.call" in text


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(inside, tmp_path):
    put(inside, "call_key")
    put(inside, "far_talk", "slow_talk", "other")
    body = json.dumps({"run_name": "left", "data": {
        "args": ["far_talk", "call", str(tmp_path / "release")]}}).encode()
    connection = inside.connect()
    connection.sendall(b"POST /call_key/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                       % len(body) + body)
    wait_until("the inner call", lambda: inside.active_calls("other", "far_talk"))
    connection.close()
    (tmp_path / "release").touch()
    wait_until("both to end", lambda: not inside.active_calls("other", "far_talk")
               and not inside.active_calls("default_process", "call_key"))
    assert ask(inside, "call_key", "far_talk", "call", str(tmp_path / "release")) is None


def test_generators_of_another_process(inside):
    put(inside, "far_count", "count", "other")
    put(inside, "near_count", "count")
    put(inside, "far_acount", "acount", "other")
    assert ask(inside, "items", "far_count", 3) == [0, 1, 2]
    assert ask(inside, "items", "near_count", 3) == [0, 1, 2]
    if inside.param == "stand-in":  # the package's own __anext__ gives what is to be awaited twice
        assert ask(inside, "async_items", "far_acount", 3) == [0, 1, 2]


# -- logs and request ids ----------------------------------------------------------------------------


def log_texts(daemon: Gatehoused, key: str, run_name: str) -> list[str]:
    answer = daemon.post("/logs", {"run_name": run_name, "key": key})
    return [text for line in answer.text.splitlines() for text in json.loads(line)["data"]]


def test_output_of_the_other_process_belongs_to_the_outer_call(inside):
    put(inside, "call_key")
    put(inside, "far_double", "double", "other")
    inside.call("call_key", "call", ["far_double", "call", 4], run_name="outer", stream_logs=True)
    assert log_texts(inside, "call_key", "outer") == ["(far_double): doubling 4\n"]


def test_output_arrives_while_the_inner_call_runs(inside, tmp_path):
    import threading

    put(inside, "call_key")
    put(inside, "far_talk", "slow_talk", "other")
    release = tmp_path / "release"
    done = threading.Thread(target=inside.call, args=("call_key", "call"), kwargs=dict(
        args=["far_talk", "call", str(release)], run_name="slow", stream_logs=True))
    done.start()
    connection = inside.connect()
    try:
        body = json.dumps({"run_name": "slow", "key": "call_key"}).encode()
        connection.sendall(b"POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                           % len(body) + body)
        seen = b""
        while b"begun" not in seen:  # the inner call waits for the file: it cannot have ended
            chunk = connection.recv(4096)
            assert chunk, seen
            seen += chunk
        assert b"ended" not in seen
        release.touch()
        while b"ended" not in seen:
            chunk = connection.recv(4096)
            assert chunk, seen
            seen += chunk
    finally:
        release.touch()
        done.join()
        connection.close()


def test_nested_calls_have_the_request_id_of_the_outer_one(inside, tmp_path):
    import threading

    put(inside, "call_key")
    put(inside, "far_talk", "slow_talk", "other")
    release = tmp_path / "release"
    outer = threading.Thread(target=inside.post, args=(
        "/call_key/call", {"run_name": "x", "data": {"args": ["far_talk", "call", str(release)]}},
        {"X-Request-ID": "the-outer-one"}))
    outer.start()
    try:
        wait_until("the inner call", lambda: inside.active_calls("other", "far_talk"))
        assert [c["request_id"] for c in inside.active_calls("other", "far_talk")] == [
            "the-outer-one"]
    finally:
        release.touch()
        outer.join()


# -- modules -----------------------------------------------------------------------------------------


def test_a_function_is_sent_to_this_node(inside):
    assert ask(inside, "send_function", process="other") == ["sent_double", 42, 8, 10, True]
    assert inside.call("sent_double", "call", [1]).json() == 2


def test_a_function_is_sent_to_its_own_process(inside):
    assert ask(inside, "send_to_own_process") == [6, True]


def test_a_class_is_sent_and_constructed(inside):
    assert ask(inside, "send_class") == [7, 8, 8, [8, 9]]
    assert ask(inside, "use_async_method") == 18
    assert ask(inside, "set_attributes") == 100
    assert inside.call("tally5", "add", [1]).json() == 101
    put(inside, "add_with", process="other")
    assert ask(inside, "pass_a_handle") == 108


def test_an_instance_of_a_subclass_is_sent_with_its_attributes(inside):
    assert ask(inside, "send_instance") == ["QUIET", True, "quiet"]
    assert inside.call("noted", "text").json() == "quiet"


def test_a_subclass_is_constructed_on_the_node(inside):
    inside.put_class("inner", "Inner", file="inside", root=USER_CODE)
    assert inside.call("inner", "_remote_init", [4]).status == 200
    assert inside.call("inner", "twice").json() == 8
    assert ask(inside, "call_key", "inner", "twice", process="other") == 8


def test_what_was_sent_is_there_again_after_its_workers_death(inside):
    ask(inside, "send_function", process="other")
    inside.kill_worker("sent_double_process")
    assert ask(inside, "call_key", "sent_double", "call", 6) == 12


def test_processes_and_their_variables(inside):
    assert ask(inside, "processes", process="other") == ["red", "blue", "green", True, False, False]


def test_status_of_the_node(inside):
    assert {"cluster_config", "processes", "server_pid"} <= set(ask(inside, "node_status"))


def test_shell_commands(inside):
    if inside.post("/run_bash", {"command": "true", "node_ip_or_idx": 0}).status == 404:
        pytest.skip("this daemon has no /run_bash")
    script = "echo out; echo err >&2; exit 3"
    assert ask(inside, "run_bash", script) == [3, "out\n", "err\n"]
    assert ask(inside, "run_bash", script, require_outputs=False, stream_logs=False) == 3
    assert ask(inside, "run_bash", ["true", "false"], require_outputs=False) == [0, 1]
    inside.call("run_bash", "call", ["echo streamed"], run_name="shell", stream_logs=True)
    assert "streamed" in "".join(log_texts(inside, "run_bash", "shell"))


def test_no_connection_stays_broken_after_the_daemons_keepalive(tmp_path):
    daemon = Gatehoused(tmp_path / "d", args=["--keepalive-timeout-ms", "20"])
    furnish(daemon.home, None)
    daemon.start()
    try:
        daemon.post("/create_process", {"name": "other"})
        put(daemon, "far_double", "double", "other")
        for i in range(3):
            assert ask(daemon, "call_key", "far_double", "call", i) == 2 * i
            wait_until("the connection to be closed", lambda: not any(
                "control" in line for line in control_connections(daemon)))
        daemon.stop()
    finally:
        daemon.kill()


def control_connections(daemon: Gatehoused) -> list[str]:
    """Connections to the control socket, the listening one aside."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return [line for line in lines if line.endswith(f"control-{daemon.port}.sock")
            and line.split()[5] == "03"]


# -- the stand-in alone ------------------------------------------------------------------------------


def test_the_stand_in_says_what_to_install(inside):
    if inside.param != "stand-in":
        pytest.skip("the package itself is there")
    assert all("pip install runhouse" in text for text in ask(inside, "what_is_missing"))
    inside.put_class("replicated", "Adder", file="inside", root=USER_CODE)
    answer = inside.call("replicated", "distribute", ["pool"])
    assert answer.status == 500 and "pip install runhouse" in answer.text
