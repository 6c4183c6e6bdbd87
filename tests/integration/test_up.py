# SPDX-License-Identifier: Apache-2.0
"""gatehouse up, stop and restart: the daemon of this machine in the background."""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .gatehoused import BUILD, is_running, wait_until
from .ownhome import GATEHOUSE, OwnHome, free_port


@pytest.fixture
def home():
    made = OwnHome()
    yield made
    made.stop()


@pytest.fixture
def port() -> int:
    return free_port()


def up(home: OwnHome, port: int, options: str = "", **more) -> dict:
    return json.loads(home.gatehouse(f"up --json --port {port} {options}", **more).stdout)


def environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if b"=" in entry)


def the_daemon(home: OwnHome) -> int:
    pids = home.processes("gatehoused")
    assert len(pids) == 1, pids
    return pids[0]


# -- up ------------------------------------------------------------------------------------------


def test_up_returns_when_it_answers_and_leaves_it_in_a_session_of_its_own(home, port):
    shown = home.gatehouse(f"up --port {port}").stdout
    pid = the_daemon(home)
    assert f"gatehoused is up at http://127.0.0.1:{port} (pid {pid}, log " in shown
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    log = home.state / f"gatehoused-{port}.log"
    assert os.readlink(f"/proc/{pid}/fd/2") == str(log)
    assert "daemon.ready" in log.read_text()
    home.gatehouse(f"status --port {port}")


def test_nothing_of_the_starting_shell_stays_open_in_it(home, port):
    up(home, port, env={"PS4": "x"})
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, "rb") as reader:
        other = free_port()
        subprocess.run([GATEHOUSE, "up", "--port", str(other)], env=home.environment(), check=True,
                       pass_fds=(write_fd,), stdin=subprocess.DEVNULL, capture_output=True)
        os.close(write_fd)
        assert reader.read() == b""  # the end of the pipe: nobody else holds it


def test_up_twice_says_that_it_runs_and_changes_nothing(home, port):
    first = up(home, port)
    second = up(home, port)
    assert (first["was_running"], second["was_running"]) == (False, True)
    assert second["pid"] == first["pid"] == the_daemon(home)
    assert not second["has_other_options"]
    shown = home.gatehouse(f"up --port {port} --logs-keep-s 7").stdout
    assert "runs already" in shown and "other options" in shown and "gatehouse stop" in shown


def test_two_at_once_start_one_daemon(home, port):
    answers: list[dict] = []
    threads = [threading.Thread(target=lambda: answers.append(up(home, port))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer["pid"] for answer in answers} == {the_daemon(home)}
    assert sorted(answer["was_running"] for answer in answers) == [False, True, True, True]


def test_a_socket_left_behind_is_no_daemon(home, port):
    killed = up(home, port)["pid"]
    os.kill(killed, signal.SIGKILL)
    wait_until("the daemon to end", lambda: not is_running(killed))
    assert (home.state / f"control-{port}.sock").exists()
    assert home.gatehouse(f"stop --port {port}", check=False).returncode == 3
    assert not up(home, port)["was_running"]


def test_the_environment_reaches_the_workers(home, port):
    up(home, port, env={"FLAVOUR": "plum"})
    worker = home.processes("gatehouse-worker")
    assert worker, "no worker runs after up"
    assert environment_of(worker[0])["FLAVOUR"] == "plum"


def test_port_0_takes_a_free_one_and_says_which(home):
    first, second = up(home, 0), up(home, 0)
    assert first["port"] != second["port"] and first["pid"] != second["pid"]
    shown = home.gatehouse("stop", check=False)
    assert shown.returncode == 2 and "several daemons" in shown.stdout


def test_foreground_is_the_daemon_itself(home, port):
    with subprocess.Popen([GATEHOUSE, "up", "--foreground", f"--port={port}"],
                          env=home.environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert b"daemon.ready" in process.stderr.readline()
        assert os.readlink(f"/proc/{process.pid}/exe") == str(BUILD / "gatehoused")
        process.terminate()
        process.stderr.read()
        assert process.wait(30) == 0


# -- up that fails -------------------------------------------------------------------------------


@pytest.mark.parametrize("options, status, text", [
    ("--hosst x", 2, "unknown option '--hosst'; did you mean --host"),
    ("--host 0.0.0.0", 2, "it would listen on '0.0.0.0' (host), which others can reach"),
    ("--body-max-bytes many", 2, "body_max_bytes is 'many', but must be a whole number"),
    ("--ready-fd 9", 2, "ready_fd is 9"),
    ("--host 192.0.2.1 --insecure", 1, "listening on 192.0.2.1 port"),
])
def test_what_is_wrong_is_said_in_the_daemons_own_words(home, port, options, status, text):
    done = home.gatehouse(f"up --port {port} {options}", check=False)
    assert (done.returncode, home.daemon_pids()) == (status, []), done.stdout
    assert text in done.stdout


def test_a_port_in_use_is_named(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = home.gatehouse(f"up --port {port}", check=False)
    assert done.returncode == 1
    assert f"listening on 127.0.0.1 port {port}: Address already in use" in done.stdout


def test_workers_that_cannot_start_are_an_error_with_the_reason(home, port):
    for _ in range(2):  # the daemon stays, and is asked again
        done = home.gatehouse(f"up --port {port} --env /nowhere", check=False)
        assert done.returncode == 1 and "its workers are not: " in done.stdout
        assert "there is no Python '/nowhere'" in done.stdout
    assert the_daemon(home)


def test_a_daemon_that_crashes_at_its_start_is_told_with_its_last_words(home, port):
    library = home.preloaded('fputs("no luck today\\n", stderr); raise(SIGSEGV);')
    done = home.gatehouse(f"up --port {port}", check=False, env={"LD_PRELOAD": str(library)})
    assert done.returncode == 1
    assert "ended at its start by signal 11" in done.stdout and "no luck today" in done.stdout


def test_a_start_that_takes_too_long_is_ended(home, port):
    begun = time.monotonic()
    done = home.gatehouse(f"up --port {port} --timeout-s 0.5", check=False,
                          env={"LD_PRELOAD": str(home.preloaded("pause();"))})
    assert done.returncode == 124 and "was not ready within 0.5 s" in done.stdout
    assert time.monotonic() - begun < 20
    assert home.daemon_pids() == []


# -- stop and restart ----------------------------------------------------------------------------


def test_stop_waits_for_the_end(home, port):
    up(home, port)
    pids = home.daemon_pids()
    assert "Server stopped." in home.gatehouse("stop").stdout
    assert not [pid for pid in pids if is_running(pid)]
    done = home.gatehouse("stop", check=False)
    assert done.returncode == 3 and "no daemon answers" in done.stdout


def test_stop_that_waits_for_a_call_says_so_and_a_second_ends_it(home, port):
    pid = up(home, port)["pid"]
    url = f"http://127.0.0.1:{port}"
    command = "echo begun >~/begun; sleep 1000"
    body = json.dumps({"command": command, "process": "default_process"})
    caller = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-H", "Content-Type: application/json",
                               "-d", body, f"{url}/run_bash"])
    try:
        wait_until("the call to run", (home.home / "begun").exists)
        late = home.gatehouse("stop --timeout-s 0.3", check=False)
        assert late.returncode == 124
        assert f"the daemon, pid {pid}, still runs after 0.3 s" in late.stdout
        home.gatehouse("stop")
        assert not is_running(pid)
    finally:
        caller.kill()
        caller.wait()


def test_restart_keeps_options_and_log_and_takes_the_environment_of_now(home, port):
    (home.home / "sub").mkdir()
    home.run(f"cd sub && FLAVOUR=plum {GATEHOUSE} up --port {port} --state-dir ../s --logs-keep-s 7")
    before = the_daemon(home)
    shown = home.gatehouse("restart --state-dir ~/s", env={"FLAVOUR": "pear"}).stdout
    after = the_daemon(home)
    assert f"is up at http://127.0.0.1:{port}" in shown and after != before
    words = Path(f"/proc/{after}/cmdline").read_text().split("\0")
    assert "--logs-keep-s" in words and f"--port={port}" in words
    assert environment_of(after)["FLAVOUR"] == "pear"
    assert (home.home / "s" / f"gatehoused-{port}.log").read_text().count("daemon.ready") == 2


def test_restart_with_a_broken_environment_leaves_the_old_one_running(home, port):
    pid = up(home, port)["pid"]
    done = home.gatehouse("restart", check=False, env={"GATEHOUSE_PORT": "none"})
    assert done.returncode == 2 and "GATEHOUSE_PORT" in done.stdout
    assert the_daemon(home) == pid
