# SPDX-License-Identifier: Apache-2.0
"""`gatehouse` and a daemon that systemd runs: it is found, and what ends it goes through systemd."""
from __future__ import annotations

import json

from .machine import USER, USER_ID, wait_for
from .test_service import SERVICE, main_pid

OF_USER = f"gatehoused@{USER}.service"


def as_user(machine, *words: str, check: bool = True) -> str:
    return machine.run("runuser", "-u", USER, "--", "env", f"HOME=/home/{USER}", f"XDG_RUNTIME_DIR=/run/user/{USER_ID}",
                       *words, check=check)


def test_root_finds_the_daemon_of_the_machine(machine):
    machine.systemctl("start", SERVICE)
    said = machine.run("gatehouse", "status")
    assert f"unit     {SERVICE}, run by systemd" in said
    assert f"pid {main_pid(machine)}" in said
    findings = json.loads(machine.run("gatehouse", "doctor", "--json", check=False))
    texts = {finding["check"]: finding["text"] for finding in findings}
    assert texts["service"] == f"systemd runs it, as {SERVICE}"
    assert texts["port"].startswith("32300 is our daemon's")


def test_others_are_told_that_it_is_for_root(machine):
    machine.systemctl("start", SERVICE)
    said = as_user(machine, "sh", "-c", "gatehouse status 2>&1; echo status $?")
    assert "only root may ask that of the machine, in /var/lib/gatehouse" in said and "status 3" in said


def test_restart_goes_through_systemd(machine):
    machine.systemctl("start", SERVICE)
    old = main_pid(machine)
    said = machine.run("gatehouse", "restart")
    assert main_pid(machine) not in (0, old)
    assert said == f"gatehoused is up at http://127.0.0.1:32300 (pid {main_pid(machine)}, unit {SERVICE})\n"
    assert machine.show(SERVICE, "ActiveState") == "active"


def test_stop_goes_through_systemd(machine):
    machine.systemctl("start", SERVICE)
    assert machine.run("gatehouse", "stop") == "Server stopped.\n"
    assert machine.show(SERVICE, "ActiveState") == "inactive"
    assert machine.show(SERVICE, "NRestarts") == "0"


def test_up_leaves_a_daemon_of_systemd_as_it_is(machine):
    machine.systemctl("start", OF_USER)
    pid = machine.show(OF_USER, "MainPID")
    said = as_user(machine, "gatehouse", "up")
    assert said == f"gatehoused runs already at http://127.0.0.1:32300 (pid {pid}, unit {OF_USER})\n"


def test_daemon_of_one_user_is_his(machine):
    machine.systemctl("start", OF_USER)
    assert f"unit     {OF_USER}, run by systemd" in as_user(machine, "gatehouse", "status")
    said = json.loads(machine.http("/run_bash", "--json", json.dumps(
        {"command": "id -un; pwd; echo $HOME; touch ~/mine", "process": "default_process", "require_outputs": True}))[1])
    assert said["data"] == [0, f"{USER}\n/home/{USER}\n/home/{USER}\n", ""]
    machine.run("test", "-d", f"/home/{USER}/.local/state/gatehouse")
    said = as_user(machine, "sh", "-c", "gatehouse restart 2>&1; echo status $?")
    assert "the daemon is run by systemd, and that takes root, by systemctl --system restart " + OF_USER in said
    assert "status 4" in said
    old = machine.show(OF_USER, "MainPID")
    assert machine.run("gatehouse", "restart", "--state-dir", f"/home/{USER}/.local/state/gatehouse")
    assert machine.show(OF_USER, "MainPID") not in ("0", old)


def test_users_own_manager_runs_it(machine):
    machine.run("loginctl", "enable-linger", USER)
    try:
        wait_for("the user's manager", lambda: as_user(machine, "systemctl", "--user", "is-system-running", check=False)
                 .strip() in ("running", "degraded"))
        as_user(machine, "systemctl", "--user", "start", "gatehoused.service")
        assert "unit     gatehoused.service, run by systemd" in as_user(machine, "gatehouse", "status")
        old = as_user(machine, "systemctl", "--user", "show", "-P", "MainPID", "gatehoused")
        assert "unit gatehoused.service" in as_user(machine, "gatehouse", "restart")
        new = as_user(machine, "systemctl", "--user", "show", "-P", "MainPID", "gatehoused")
        assert int(new) > 0 and new != old
        assert as_user(machine, "gatehouse", "stop") == "Server stopped.\n"
        assert as_user(machine, "systemctl", "--user", "is-active", "gatehoused", check=False) == "inactive\n"
    finally:
        machine.run("loginctl", "disable-linger", USER)
        wait_for("the user's manager to end", lambda: machine.show(f"user@{USER_ID}.service", "ActiveState") == "inactive")


def test_started_by_hand_is_no_unit(machine):
    try:
        as_user(machine, "gatehouse", "up")
        said = as_user(machine, "gatehouse", "status")
        assert "run by systemd" not in said
    finally:
        as_user(machine, "gatehouse", "stop")
