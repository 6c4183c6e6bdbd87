# SPDX-License-Identifier: Apache-2.0
"""gatehouse config show, check and set."""
from __future__ import annotations

import json

from .configured import BAD_VALUE, gatehouse, setting, write

NO_DAEMON = 3
USAGE = 2


def of(daemon):
    return ["--state-dir", str(daemon.folder / "state")]


def test_show_asks_the_daemon_that_runs(daemon, tmp_path):
    done = gatehouse("config", "show", *of(daemon), home=tmp_path)
    assert done.returncode == 0
    first, *rest = done.stdout.splitlines()
    assert first.startswith("Configuration of the daemon at ")
    row = next(line.split() for line in rest if line.startswith("state_dir "))
    assert row[1:] == [str(daemon.folder / "state"), "flag", "--state-dir", "-"]


def test_show_without_a_daemon_tells_what_one_would_start_with(tmp_path):
    file = write(tmp_path / ".config" / "gatehouse", "port: 4242\n")
    done = gatehouse("config", "show", home=tmp_path)
    assert done.returncode == 0
    assert "no daemon answers; as gatehoused would start now" in done.stdout
    assert f"File: {file}" in done.stdout
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("port "))
    assert row == ["port", "4242", f"{file}:1:7", "-"]


def test_show_of_a_broken_file_tells_its_faults(tmp_path):
    write(tmp_path / ".config" / "gatehouse", "prot: 4242\n")
    done = gatehouse("config", "show", home=tmp_path)
    assert done.returncode == BAD_VALUE
    assert "gatehouse.yaml:1:1: unknown setting 'prot'; did you mean port" in done.stderr


def test_check_tells_all_faults(tmp_path):
    file = write(tmp_path, "prot: 1\nport: x\n")
    done = gatehouse("config", "check", str(file), home=tmp_path)
    assert done.returncode == BAD_VALUE and done.stdout == ""
    assert done.stderr.splitlines() == [
        f"gatehouse: {file}:1:1: unknown setting 'prot'; did you mean port",
        f"gatehouse: {file}:2:7: port is 'x', but must be a whole number from 0 to 65535"]
    done = gatehouse("config", "check", "--json", str(file), home=tmp_path)
    answer = json.loads(done.stdout)
    assert done.returncode == BAD_VALUE and answer["ok"] is False and len(answer["faults"]) == 2


def test_check_of_a_good_file(tmp_path):
    file = write(tmp_path, "port: 1\n")
    done = gatehouse("config", "check", str(file), home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{file}: ok\n")


def test_set_changes_all_or_nothing(daemon, tmp_path):
    done = gatehouse("config", "set", "commands-max=5", "logs_wait_ms=6", *of(daemon), home=tmp_path)
    assert done.returncode == 0 and "until the next SIGHUP or start" in done.stdout
    assert setting(daemon, "commands_max") == (5, "live change")

    done = gatehouse("config", "set", "commands_max=6", "logs_wait_ms=x", "port=1", *of(daemon),
                     home=tmp_path)
    assert done.returncode == 1
    assert "logs_wait_ms must be a whole number" in done.stderr
    assert "port cannot change while the daemon runs: it needs a restart" in done.stderr
    assert setting(daemon, "commands_max")[0] == 5


def test_set_needs_names_values_and_a_daemon(daemon, tmp_path):
    done = gatehouse("config", "set", "commands_max", *of(daemon), home=tmp_path)
    assert done.returncode == USAGE and "NAME=VALUE" in done.stderr
    assert gatehouse("config", "set", home=tmp_path).returncode == USAGE
    assert gatehouse("config", "set", "commands_max=1", home=tmp_path).returncode == NO_DAEMON


def test_over_tcp_there_is_no_config(daemon, tmp_path):
    for words in (["show"], ["set", "commands_max=1"]):
        done = gatehouse("config", *words, "--url", daemon.url, home=tmp_path)
        assert done.returncode == 5 and "control socket" in done.stderr
