# SPDX-License-Identifier: Apache-2.0
"""The verbs of `gatehouse` that look: status, ps, modules, logs. What they say to people and to programs."""
from __future__ import annotations

import concurrent.futures
import json

import pytest

from .cli import gatehouse, on_terminal
from .gatehoused import USER_CODE, wait_until

THINGS = USER_CODE / "things.py"
DAEMON_OPTIONS = {"modules": [f"add={THINGS}:add", f"counter={THINGS}:Counter", f"talk={THINGS}:talk",
                              f"talk_and_hold={THINGS}:talk_and_hold", f"hold={THINGS}:hold"],
                  "args": ["--resources", "CPU=4"]}


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def held(daemon, threads, tmp_path):
    """A call that prints a line and runs until tmp_path/release is there."""
    future = threads.submit(daemon.call, "talk_and_hold", "call",
                            [str(tmp_path / "started"), str(tmp_path / "release")], run_name="held",
                            stream_logs=True)
    wait_until("the call to run", (tmp_path / "started").exists)
    yield tmp_path / "release"
    (tmp_path / "release").touch()
    future.result()


def table(text: str) -> list[list[str]]:
    """Its rows, the cells taken apart at two blanks or more."""
    return [[cell for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


# -- status --------------------------------------------------------------------------------------

def test_status_for_people(daemon):
    daemon.post("/create_process", {"name": "workshop", "compute": {"CPU": 2}})
    shown = gatehouse(daemon, "status").ok().out
    assert f"control-{daemon.port}.sock" in shown
    assert f"speaks as runhouse 0.0.42, pid {daemon.pid}" in shown and "up for" in shown
    head, *rows = table(shown.split("\n\n")[1])
    assert [cell.strip() for cell in head] == ["PROCESS", "STATE", "CPU %", "MEMORY", "GPU MEM", "KEYS",
                                               "RUNNING", "RESERVED"]
    assert {row[0] for row in rows} == {"default_process", "workshop"}
    assert [row[-1].strip() for row in rows if row[0] == "workshop"] == ['{"CPU":2}']


def test_status_for_programs_is_the_answer_of_the_route(daemon):
    made = gatehouse(daemon, "status", "--json").ok()
    assert made.out.count("\n") == 1 and made.err == ""
    status, none = made.json()
    assert none is None and status["server_pid"] == daemon.pid
    assert list(status) == list(daemon.get("/status").json()[0])


# -- ps ------------------------------------------------------------------------------------------

def test_ps_shows_processes_and_running_calls(daemon, held):
    shown = gatehouse(daemon, "ps").ok().out
    processes, calls = shown.split("\n\n")
    assert str(daemon.worker_pid()) in processes and "ready" in processes
    assert table(calls)[1][0] == "talk_and_hold.call" and "held" in calls
    facts = gatehouse(daemon, "ps", "--json").ok().json()["default_process"]
    assert facts["pid"] == daemon.worker_pid() and facts["state"] == "ready"
    assert facts["version"].startswith("3.") and facts["memory_bytes"] > 0
    [call] = facts["calls"]
    assert (call["call"], call["run_name"]) == ("talk_and_hold.call", "held") and call["age_s"] >= 0


def test_ps_shows_a_process_that_is_down_and_why(start_daemon):
    daemon = start_daemon()
    daemon.put_function("die_of")
    wait_until("the process to be parked", lambda: "not running" in daemon.call(
        "die_of", args=["SIGKILL"]).text)
    shown = gatehouse(daemon, "ps").ok().out
    assert "parked" in shown and "default_process: its worker died 5 times" in shown
    assert gatehouse(daemon, "status").ok().out.count("parked") == 1


# -- modules -------------------------------------------------------------------------------------

def test_modules_lists_keys(daemon):
    daemon.post("/object", {"key": "note", "serialized_data": 1})
    rows = {row[0]: row[1:] for row in table(gatehouse(daemon, "modules").ok().out)}
    assert rows["add"][0].strip() == "Function" and rows["counter"][0].strip() == "Counter"
    assert {row[1].strip() for name, row in rows.items() if name != "KEY"} == {"default_process"}
    keys = gatehouse(daemon, "modules", "--json").ok().json()
    assert list(keys) == daemon.get("/keys").json()["data"]
    assert keys["add"] == {"type": "runhouse.resources.functions.function.Function",
                           "process": "default_process", "calls": 0}


def test_methods_of_a_module_have_their_signatures(daemon):
    shown = gatehouse(daemon, "modules", "add").ok().out
    assert "add.call(a: integer, b: integer = 2) -> integer" in shown and "starmap" not in shown
    assert "add.starmap(" in gatehouse(daemon, "modules", "add", "--all").ok().out
    shown = gatehouse(daemon, "modules", "counter").ok().out
    assert "counter.inc(by: integer = 1)" in shown and "counter.ping()" in shown
    methods = {m["name"]: m for m in gatehouse(daemon, "modules", "counter", "--json").ok().json()}
    assert methods["inc"] == {"name": "inc", "signature": "(by: integer = 1)", "summary": methods["inc"][
        "summary"], "is_inherited": False}


# -- logs ----------------------------------------------------------------------------------------

def test_logs_lists_runs_and_shows_one_without_waiting(daemon, held):
    def kept():
        return gatehouse(daemon, "logs", "held").ok().out
    wait_until("its first line", kept)
    assert kept() == "before\n"
    rows = {row[0]: row for row in table(gatehouse(daemon, "logs").ok().out)}
    assert rows["held"][1].strip() == "active"
    listed = {run["run_name"]: run for run in gatehouse(daemon, "logs", "--json").ok().json()}
    assert listed["held"]["is_active"] is True and listed["held"]["ended_s"] is None


def test_logs_follow_until_the_end(daemon, held, threads):
    following = threads.submit(gatehouse, daemon, "logs", "-f", "held")
    held.touch()
    done = following.result()
    assert (done.status, done.out, done.err) == (0, "before\nafter\n", "")
    assert gatehouse(daemon, "logs", "held").ok().out == "before\nafter\n"
    assert gatehouse(daemon, "logs", "held", "--follow").ok().out == "before\nafter\n"
    lines = gatehouse(daemon, "logs", "held", "--json").ok().out.splitlines()
    assert [json.loads(line) for line in lines] == ["before\n", "after\n"]


def test_a_run_that_prints_nothing_is_no_error(daemon):
    daemon.call("hold", args=["/dev/null", "/dev/null"], run_name="silent", stream_logs=True)
    for words in (["logs", "silent"], ["logs", "-f", "silent"]):
        done = gatehouse(daemon, *words)
        assert (done.status, done.out, done.err) == (0, "", "")


# -- colours -------------------------------------------------------------------------------------

def test_colours_are_for_terminals(daemon):
    assert "\033[" not in gatehouse(daemon, "status").ok().out
    shown = on_terminal(daemon, "status")
    assert "\033[1mPROCESS\033[0m" in shown and "\033[32mready\033[0m" in shown
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\033[" not in on_terminal(daemon, "status", env=env)
    assert "\033[" in on_terminal(daemon, "status", env={"NO_COLOR": ""})
    assert "\033[31mgatehouse:\033[0m" in on_terminal(daemon, "modules", "nothing")


def test_names_do_not_reach_the_terminal_as_commands(daemon):
    daemon.post("/object", {"key": "a\033]0;title\007b", "serialized_data": 1})
    shown = on_terminal(daemon, "modules")
    assert "\033]" not in shown and "a?]0;title?b" in shown


# -- which daemon ------------------------------------------------------------------------------------

def test_the_daemon_is_found_by_state_folder_and_port(daemon, start_daemon):
    state = str(daemon.folder / "state")
    other = start_daemon(args=["--state-dir", state])
    several = gatehouse(daemon, "status")
    assert several.status == 2 and "several daemons answer" in several.err
    assert str(daemon.port) in several.err and str(other.port) in several.err
    for each in (daemon, other):
        status = gatehouse(daemon, "status", "--json", "--port", str(each.port)).ok().json()[0]
        assert status["server_pid"] == each.pid
    found = gatehouse(None, "status", "--json", "--port", str(other.port), env={"GATEHOUSE_STATE_DIR": state})
    assert found.ok().json()[0]["server_pid"] == other.pid
    found = gatehouse(None, "status", "--json", "--url", other.url)
    assert found.ok().json()[0]["server_pid"] == other.pid


def test_sockets_that_nobody_listens_at_are_no_daemons(daemon, start_daemon):
    other = start_daemon(inspect=False, args=["--state-dir", str(daemon.folder / "state")])
    other.kill()  # leaves its socket
    assert gatehouse(daemon, "status", "--json").ok().json()[0]["server_pid"] == daemon.pid
    dead = gatehouse(daemon, "status", "--port", str(other.port))
    assert dead.status == 3 and f"no daemon of port {other.port}" in dead.err
    (daemon.folder / "state" / f"control-{other.port}.sock").unlink()
