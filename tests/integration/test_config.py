# SPDX-License-Identifier: Apache-2.0
"""gatehouse.yaml: where values come from, modules without any SDK, errors with their places, SIGHUP."""
from __future__ import annotations

import json
import signal

import pytest

from .configured import BAD_VALUE, change, resolved, setting, shown, write
from .gatehoused import REPO, USER_CODE, Gatehoused, wait_until

THINGS = USER_CODE / "things.py"


# -- sources -------------------------------------------------------------------------------------

CLUSTER = {"server_port": 41, "server_host": "10.0.0.1", "server_connection_type": "none"}
KINDS = [  # setting, then its value by: default, client's file, gatehouse.yaml, variable
    ("port", [32300, 41, 42, 43]),
    ("host", ["127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    ("insecure", [False, True, False, True]),
]


@pytest.mark.parametrize("name, values", KINDS)
def test_each_source_wins_over_those_before_it(tmp_path, start_daemon, name, values):
    default, by_client, by_file, by_variable = values
    variable = f"GATEHOUSE_{name.upper()}"

    row = resolved(tmp_path)[name]
    assert (row["value"], row["source"]) == (default, "default")

    write(tmp_path / ".rh", json.dumps(CLUSTER), "cluster_config.json")
    row = resolved(tmp_path)[name]
    assert (row["value"], row["source"]) == (by_client, "~/.rh/cluster_config.json")

    file = write(tmp_path / ".config" / "gatehouse", f"\n{name}: {json.dumps(by_file)}\n")
    row = resolved(tmp_path)[name]
    assert (row["value"], row["source"]) == (by_file, f"{file}:2:{len(name) + 3}")

    row = resolved(tmp_path, **{variable: json.dumps(by_variable).strip('"')})[name]
    assert (row["value"], row["source"]) == (by_variable, variable)


@pytest.mark.parametrize("name, value, text", [("port", None, "1"), ("host", "127.0.0.1", "10.0.0.1"),
                                               ("insecure", True, "false")])
def test_a_flag_wins_over_all(start_daemon, name, value, text):
    daemon = start_daemon(env={f"GATEHOUSE_{name.upper()}": text}, args=["--insecure"])
    got, source = setting(daemon, name)
    assert source == f"flag --{name}"
    assert got == (0 if value is None else value)


def test_file_is_found_by_xdg_config_home_and_by_name(tmp_path):
    write(tmp_path / "xdg" / "gatehouse", "port: 1\n")
    named = write(tmp_path, "port: 2\n", "other.yaml")
    assert resolved(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "xdg"))["port"]["value"] == 1
    row = resolved(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "xdg"),
                   GATEHOUSE_CONFIG=str(named))["port"]
    assert (row["value"], row["source"]) == (2, f"{named}:1:7")


def test_variable_of_the_client_is_read(tmp_path):
    assert resolved(tmp_path, RH_LOG_LEVEL="ERROR")["log_level"]["source"] == "RH_LOG_LEVEL"


def test_token_of_the_client_is_never_shown(start_daemon, tmp_path):
    home = tmp_path / "gatehoused0" / "home"
    write(home / ".rh", "token: hush-hush\nusername: u\n", "config.yaml")
    daemon = start_daemon()
    assert "hush" not in json.dumps(shown(daemon)) + daemon.log()


# -- faults --------------------------------------------------------------------------------------

def refused(tmp_path, text) -> tuple[str, str]:
    """What a daemon says of a file with this TEXT, and the file."""
    file = write(tmp_path, text)
    done = Gatehoused(tmp_path / "refused", args=["--config", str(file)]).run_to_exit()
    assert done.returncode == BAD_VALUE and done.stdout == ""
    return done.stderr, str(file)


def test_broken_file_ends_the_start_with_all_that_is_wrong(tmp_path):
    said, file = refused(tmp_path, "prot: 1\nport: \"80\"\nheader_timeout_ms: 1\n"
                                   "modules:\n  m: nothing.py:f\n")
    lines = said.splitlines()
    assert lines[0] == f"gatehoused: {file}:1:1: unknown setting 'prot'; did you mean port"
    assert lines[1].startswith(f"gatehoused: {file}:2:7: port is text in quotes")
    assert lines[2].startswith(f"gatehoused: {file}:3:20: header_timeout_ms is '1'")
    assert lines[3].startswith(f"gatehoused: {file}:5:6: module m: file '{tmp_path}/nothing.py'")
    assert len(lines) == 4


def test_file_that_is_no_yaml_is_told_with_its_place(tmp_path):
    said, file = refused(tmp_path, "port: 1\nmodules:\n\tm: x.py:f\n")
    assert said.startswith(f"gatehoused: {file}:3:1: ") and "not with tabs" in said


def test_file_that_is_named_must_be_there(tmp_path):
    done = Gatehoused(tmp_path / "d", args=["--config", str(tmp_path / "no.yaml")]).run_to_exit()
    assert done.returncode == BAD_VALUE
    assert done.stderr.startswith(f"gatehoused: {tmp_path}/no.yaml: there is no such file")


# -- modules -------------------------------------------------------------------------------------

def test_modules_of_the_file_are_served(start_daemon, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text(
        "import os\ndef who():\n    return os.getpid()\nclass Counter:\n    n = 0\n"
        "    def inc(self):\n        self.n += 1\n        return self.n\n")
    file = write(tmp_path, f"modules:\n"
                           f"  who: code/mine.py:who\n"
                           f"  counter: {{file: code/mine.py, attr: Counter}}\n"
                           f"  apart: {{file: code/mine.py, attr: who, process: apart}}\n"
                           f"  concat: {THINGS}:plain_concat\n")
    daemon = start_daemon(inspect=False, args=["--config", str(file)],
                          modules=[f"concat={THINGS}:concat"])
    assert daemon.get("/counter/inc?_bare=1").json() == 1
    assert daemon.get("/counter/inc?_bare=1").json() == 2
    assert daemon.get("/who/call?_bare=1").json() == daemon.worker_pid()
    assert daemon.get("/apart/call?_bare=1").json() == daemon.worker_pid("apart")
    assert shown(daemon)["modules"]["concat"]["source"] == "flag --module"
    assert daemon.get("/concat/call?a=run&b=house&_bare=1").json() == "runhouse"


def test_module_in_a_process_of_its_own_outlives_its_worker(start_daemon, tmp_path):
    file = write(tmp_path, f"modules:\n  m: {{file: {THINGS}, attr: concat, process: p}}\n")
    daemon = start_daemon(inspect=False, args=["--config", str(file)])
    assert daemon.get("/m/call?a=1&b=2&_bare=1").json() == "12"
    daemon.kill_worker("p")
    assert daemon.get("/m/call?a=1&b=2&_bare=1").json() == "12"
    assert daemon.get("/m/call?a=1&b=2&_bare=1").json() == "12"


def test_example_can_be_used_as_it_is(start_daemon):
    daemon = start_daemon(inspect=False,
                          args=["--config", str(REPO / "examples" / "gatehouse.yaml")])
    assert daemon.get("/concat/call?a=run&b=house&_bare=1").json() == "runhouse"
    assert setting(daemon, "calls_in_flight_max")[0] == 200
    assert set(shown(daemon)["modules"]) == {"concat", "web"}


# -- live change ---------------------------------------------------------------------------------

def test_config_is_shown_and_changed_on_the_control_socket_only(daemon):
    for method in ("GET", "PATCH", "POST"):
        answer = daemon.request(method, "/_gatehouse/v1/config", b"{}",
                                {"Content-Type": "application/json"})
        assert answer.status == 404, answer
    assert shown(daemon)["settings"]["port"]["live"] is False


def test_live_change_takes_hold_at_once(start_daemon):
    daemon = start_daemon(modules=[f"echo={THINGS}:echo"])
    assert daemon.call("echo", args=["x" * 2000]).status == 200
    status, answer = change(daemon, body_max_bytes=1500)
    assert status == 200 and "SIGHUP" in answer["note"]
    assert answer["settings"]["body_max_bytes"]["source"] == "live change"
    assert daemon.call("echo", args=["x" * 2000]).status == 413
    assert daemon.call("echo", args=["x" * 10]).status == 200


def test_change_with_a_fault_has_no_effect(daemon):
    before = shown(daemon)["settings"]
    status, answer = change(daemon, body_max_bytes=5000, prot=1, port=1, log_level="LOUD",
                            insecure=True)
    assert status == 422
    assert [fault["msg"] for fault in answer["detail"]] == [
        "unknown setting 'prot'; did you mean port",
        "port cannot change while the daemon runs: it needs a restart",
        "log_level is 'LOUD', but must be DEBUG, INFO, WARNING or ERROR",
        "insecure cannot change while the daemon runs: it needs a restart"]
    assert shown(daemon)["settings"] == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"log_level":"DEBUG","log_level":"INFO"}',
                                  b"\xff"])
def test_change_must_be_a_json_object(daemon, body):
    from .test_control_socket import Connection, control
    connection = Connection(control(daemon))
    connection.request("PATCH", "/_gatehouse/v1/config", body,
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 422 and "JSON object" in answer.read().decode()
    connection.close()


def test_workers_learn_of_a_change(start_daemon, tmp_path):
    code = tmp_path / "levels.py"
    code.write_text("import logging\ndef level():\n    return logging.getLogger().level\n")
    daemon = start_daemon(inspect=False, modules=[f"level={code}:level"])
    assert daemon.get("/level/call?_bare=1").json() == 20
    assert change(daemon, log_level="ERROR", lazy_keep_s=0)[0] == 200
    assert daemon.get("/level/call?_bare=1").json() == 40


def test_sighup_reads_the_file_again(start_daemon, tmp_path):
    file = write(tmp_path, "body_max_bytes: 5000\nprocesses_max: 7\n")
    daemon = start_daemon(args=["--config", str(file)])
    change(daemon, processes_max=8)
    write(tmp_path, "body_max_bytes: 6000\nconnections_max: 77\n")
    daemon.signal(signal.SIGHUP)
    wait_until("the new value", lambda: setting(daemon, "body_max_bytes")[0] == 6000)
    assert setting(daemon, "processes_max") == (256, "default")  # the live change is undone
    assert setting(daemon, "connections_max")[0] == 10000
    warnings = [json.loads(line) for line in daemon.log().splitlines()
                if '"config.needs_restart"' in line]
    assert [warning["setting"] for warning in warnings] == ["connections_max"]


def test_sighup_with_a_broken_file_changes_nothing(start_daemon, tmp_path):
    file = write(tmp_path, "body_max_bytes: 5000\n")
    daemon = start_daemon(args=["--config", str(file)])
    write(tmp_path, "log_level: DEBUG\nbody_max_byte: 6000\n")
    daemon.signal(signal.SIGHUP)
    wait_until("the refusal", lambda: "config.refused" in daemon.log())
    assert f"{file}:2:1: unknown setting 'body_max_byte'" in daemon.log()
    assert setting(daemon, "body_max_bytes")[0] == 5000
    assert setting(daemon, "log_level")[0] == "INFO"
