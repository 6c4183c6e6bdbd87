# SPDX-License-Identifier: Apache-2.0
"""What a process is made of outlives its workers; a parked one says why and is not lost."""
from __future__ import annotations

import os
import sys

import pytest

from .gatehoused import wait_until
from .test_objects import SUCCESS, error_of
from .test_processes import listed, local_package


@pytest.fixture
def daemon(start_daemon):
    """One per test: its workers die."""
    return start_daemon(args=["--resources", "CPU=2"])


def park(daemon, process="p"):
    """Kill the workers of PROCESS until it is parked; the refusal of the next call."""
    daemon.put_function("die_of", process=process)
    return wait_until("the process to be parked", lambda: (
        lambda answer: answer if answer.status == 503 and "not running" in answer.text else None)(
            daemon.call("die_of", args=["SIGKILL"])))


def test_parked_process_refuses_with_reason_and_time(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("concat", process="p")
    answer = park(daemon)
    assert answer.json()["detail"] == (
        "Process p is not running: its worker died 5 times in a row, last by signal 9, SIGKILL.")
    assert 1 <= int(answer.headers["retry-after"]) <= 31
    again = daemon.call("concat", args=["a", "b"])
    assert (again.status, again.json()["detail"]) == (503, answer.json()["detail"])
    ready = daemon.get("/readyz")
    assert ready.status == 503 and "Process p is not ready" in ready.json()["detail"]
    assert daemon.get("/check").status == 200


def test_parked_process_does_not_hold_others_up(daemon):
    daemon.post("/create_process", {"name": "p"})
    park(daemon)
    daemon.put_function("concat")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"
    assert daemon.post("/env_vars", {"env_vars": {"GH_TEST_LATE": "late"}}).json() == SUCCESS
    assert daemon.post("/create_process", {"name": "p"}).json() == SUCCESS
    daemon.put_function("getenv", process="p")
    assert daemon.call("getenv", args=["GH_TEST_LATE"]).json() == "late"


def test_creating_a_parked_process_again_starts_it_with_its_modules(daemon):
    daemon.post("/create_process", {"name": "p", "compute": {"CPU": 2},
                                    "env_vars": {"GH_TEST_P": "as before"}})
    daemon.put_function("getenv", process="p")
    park(daemon)
    assert daemon.post("/create_process", {"name": "p", "env_vars": {"GH_TEST_P": "other"}}
                       ).json() == SUCCESS
    assert daemon.call("getenv", args=["GH_TEST_P"]).json() == "as before"
    name, _ = error_of(daemon.post("/create_process", {"name": "q", "compute": {"CPU": 1}}))
    assert name == "builtins.Exception"  # still held, by p


def test_parked_process_is_tried_again_by_deaths_of_its_own(daemon):
    """Un-parking forgives: it takes five deaths again to be parked again."""
    daemon.post("/create_process", {"name": "p"})
    park(daemon)
    daemon.post("/create_process", {"name": "p"})
    daemon.kill_worker("p")
    daemon.put_function("concat", process="p")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"


def test_parked_process_can_be_killed_and_made_anew(daemon):
    daemon.post("/create_process", {"name": "p", "compute": {"CPU": 2}})
    park(daemon)
    assert daemon.post("/kill_process", {"process_name": "p"}).body == b"null"
    assert daemon.get("/keys").json()["data"] == []
    assert daemon.post("/create_process", {"name": "p", "compute": {"CPU": 2}}).json() == SUCCESS


def test_creation_that_fails_can_be_asked_again_with_something_else(daemon, tmp_path):
    bad = tmp_path / "python"
    bad.write_text("#!/bin/sh\necho no good >&2\nexit 3\n")
    bad.chmod(0o755)
    for _ in range(2):
        name, text = error_of(daemon.post("/create_process", {
            "name": "p", "runtime_env": {"python": str(bad)}}))
        assert name == "builtins.RuntimeError" and "could not start" in text and str(bad) in text
    assert "p" not in listed(daemon) and daemon.get("/readyz").status == 200
    assert daemon.post("/create_process", {"name": "p"}).json() == SUCCESS


def test_deleting_the_name_of_a_process_ends_it(daemon):
    daemon.post("/create_process", {"name": "p"})
    daemon.put_function("concat", process="p")
    pid = daemon.worker_pid("p")
    assert daemon.post("/delete_object", {"keys": ["p"]}).json()["data"] == ["p"]
    assert "p" not in listed(daemon)
    assert daemon.call("concat", args=["a", "b"]).status == 404
    assert daemon.post("/create_process", {"name": "p"}).json() == SUCCESS
    assert daemon.worker_pid("p") != pid


def test_all_that_a_process_was_given_is_there_after_a_death(daemon, tmp_path):
    package = daemon.home / "mypackage"
    package.mkdir()
    (package / "only_here.py").write_text("def f():\n    return 'found'\n")
    (tmp_path / "at_start").mkdir()
    (tmp_path / "at_start" / "sitecustomize.py").write_text("import os\nos.environ['GH_START'] = 's'\n")
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    (tmp_path / "venv" / "pyvenv.cfg").write_text(
        f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n"
        "include-system-site-packages = false\n")

    daemon.post("/env_vars", {"env_vars": {"GH_GLOBAL": "g"}})
    assert daemon.post("/create_process", {
        "name": "p", "compute": {"CPU": 2}, "env_vars": {"GH_OWN": "o"},
        "runtime_env": {"venv": str(tmp_path / "venv"),
                        "env_vars": {"GH_RUNTIME": "r", "PYTHONPATH": str(tmp_path / "at_start")}},
    }).json() == SUCCESS
    daemon.post("/env_vars", {"process_name": "p", "env_vars": {"GH_LATER": "l"}})
    daemon.post("/install_package", local_package("~/mypackage"))
    daemon.put_function("f", file="only_here", root="", process="p")
    daemon.put_function("where", process="p")
    daemon.put_function("getenv", process="p")

    def seen():
        where = daemon.call("where").json()
        names = ["GH_GLOBAL", "GH_OWN", "GH_RUNTIME", "GH_LATER", "GH_START"]
        return {"prefix": where["prefix"], "package": str(package) in where["path"],
                "env": [daemon.call("getenv", args=[name]).json() for name in names],
                "f": daemon.call("f").json()}

    before = seen()
    assert before == {"prefix": str(tmp_path / "venv"), "package": True, "f": "found",
                      "env": ["g", "o", "r", "l", "s"]}
    daemon.kill_worker("p")
    assert seen() == before
    name, _ = error_of(daemon.post("/create_process", {"name": "q", "compute": {"CPU": 1}}))
    assert name == "builtins.Exception"  # p holds both


def test_own_variables_win_over_those_of_the_runtime_env_and_these_over_global(daemon):
    daemon.post("/env_vars", {"env_vars": {"A": "global", "B": "global", "C": "global"}})
    daemon.post("/create_process", {
        "name": "p", "env_vars": {"A": "own"},
        "runtime_env": {"env_vars": {"A": "runtime", "B": "runtime"}}})
    daemon.put_function("getenv", process="p")
    assert [daemon.call("getenv", args=[name]).json() for name in "ABC"] == [
        "own", "runtime", "global"]


@pytest.mark.parametrize("env_vars", [{"A": 1}, {"A": None}, {"": "x"}, {"A=B": "x"}, [1], "x"])
def test_variables_of_a_runtime_env_must_be_text(daemon, env_vars):
    name, text = error_of(daemon.post("/create_process", {
        "name": "p", "runtime_env": {"env_vars": env_vars}}))
    assert name == "builtins.TypeError" and "runtime_env['env_vars']" in text
    assert "p" not in listed(daemon)


def test_client_that_left_during_a_slow_creation_leaves_a_process(daemon, tmp_path):
    """The start takes its time; its client does not wait."""
    slow, release = tmp_path / "python", tmp_path / "release"
    slow.write_text(f"#!/bin/sh\nwhile [ ! -e {release} ]; do sleep 0.01; done\n"
                    f"exec {sys.executable} \"$@\"\n")
    slow.chmod(0o755)
    body = b'{"name": "p", "runtime_env": {"python": "%b"}}' % str(slow).encode()
    connection = daemon.connect()
    connection.sendall(b"POST /create_process HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    wait_until("the process to be made", lambda: "p" in listed(daemon))
    connection.close()
    release.touch()
    daemon.put_function("concat", process="p")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"
