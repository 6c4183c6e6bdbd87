# SPDX-License-Identifier: Apache-2.0
"""gatehoused.service: started, reloaded, killed, watched and stopped by a systemd that was booted for it."""
from __future__ import annotations

import json
import subprocess

from .machine import wait_for

SERVICE = "gatehoused.service"
HOLD = """\
import pathlib, time

def hold(name):
    folder = pathlib.Path.home()
    (folder / f"{name}.started").touch()
    while not (folder / f"{name}.release").exists():
        time.sleep(0.02)
    return "held"
"""


def main_pid(machine) -> int:
    return int(machine.show(SERVICE, "MainPID"))


def configure(machine, text: str) -> None:
    machine.write("/etc/gatehouse/gatehouse.yaml", text)


def override(machine, text: str) -> None:
    """Lines of [Service], as `systemctl edit` puts them there."""
    machine.write(f"/etc/systemd/system/{SERVICE}.d/test.conf", f"[Service]\n{text}\n")
    machine.systemctl("daemon-reload")


def bash(machine, command: str) -> tuple[int, str]:
    """Exit status and output of a command in a worker."""
    status, body = machine.http("/run_bash", "--json", json.dumps(
        {"command": command, "process": "default_process", "require_outputs": True}))
    assert status == 200, body
    code, out, err = json.loads(body)["data"]
    return code, out + err


def begin_call(machine, name: str) -> subprocess.Popen:
    """A call that is open until NAME.release is in the home of user code."""
    machine.write("/srv/hold.py", HOLD)
    configure(machine, "drain_timeout_ms: 60000\nmodules: {hold: /srv/hold.py:hold}\n")
    machine.systemctl("start", SERVICE)
    call = machine.start("curl", "--silent", "--max-time", "50", "--json", json.dumps({"name": name}),
                         "http://127.0.0.1:32300/hold/call?_bare=1", stdout=subprocess.PIPE)
    wait_for("the call to run", lambda: (machine.root / f"var/lib/gatehouse/{name}.started").exists())
    return call


def release(machine, name: str) -> None:
    (machine.root / f"var/lib/gatehouse/{name}.release").touch()


# ---- start, and as whom ----

def test_start_returns_when_it_answers(machine):
    machine.systemctl("start", SERVICE)
    assert machine.http("/check") == (200, '{"rh_version":"0.0.42"}')
    assert machine.show(SERVICE, "StatusText") == "Serves port 32300"
    assert machine.show(SERVICE, "SubState") == "running"


def test_it_is_not_root_and_its_workers_have_no_rights(machine):
    machine.systemctl("start", SERVICE)
    bash(machine, "true")
    daemon, owner = main_pid(machine), machine.run("id", "-u", "gatehouse").strip()
    pids = machine.pids_of()
    assert daemon in pids and len(pids) > 1
    for pid in pids:
        status = machine.run("cat", f"/proc/{pid}/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert facts["Uid"].split()[0] == owner
        assert facts["NoNewPrivs"].strip() == "1" and int(facts["CapAmb"], 16) == 0
        assert int(facts["CapEff"], 16) == (1 << 10 if pid == daemon else 0)  # CAP_NET_BIND_SERVICE


def test_workers_do_not_speak_for_the_daemon(machine):
    machine.systemctl("start", "gatehoused.socket", SERVICE)
    _, variables = bash(machine, "env")
    names = {line.partition("=")[0] for line in variables.splitlines()}
    assert "INVOCATION_ID" in names, "this is the environment of the unit"
    assert not names & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
                        "LISTEN_FDNAMES"}


def test_user_code_is_shut_in(machine):
    machine.write("/home/alice/secret", "s3cret")
    machine.systemctl("start", SERVICE)
    for refused in ("touch /etc/mine", "touch /usr/mine", "touch /srv/mine", "cat /home/alice/secret", "ls /home/alice",
                    "unshare --user true", "dmesg", "python3 -c 'import socket; socket.socket(socket.AF_VSOCK)'",
                    "kill -0 1", "ls /proc/1"):
        code, said = bash(machine, refused)
        assert code != 0, f"{refused}: {said}"
    for allowed in ("touch ~/mine /tmp/mine $XDG_RUNTIME_DIR/mine", "python3 -c 'import mmap; mmap.mmap(-1, 4096, "
                    "prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)'", "cat /proc/meminfo",
                    "python3 -c 'import multiprocessing as m; m.Lock(); m.Queue()'"):
        code, said = bash(machine, allowed)
        assert code == 0, f"{allowed}: {said}"
    machine.run("test", "!", "-e", "/tmp/mine")


def test_port_80_is_opened_without_root(machine):
    configure(machine, "port: 80\n")
    machine.systemctl("start", SERVICE)
    assert machine.http("/check", port=80)[0] == 200
    assert machine.show(SERVICE, "User") == "gatehouse"


def test_owners_token_comes_as_a_credential(machine):
    machine.write("/etc/credstore/gatehouse.token", "the-owners-own\n", 0o600)
    configure(machine, "use_den_auth: true\n")
    machine.systemctl("start", SERVICE)
    assert machine.http("/status")[0] == 401
    assert machine.http("/status", "--header", "Authorization: Bearer wrong-one")[0] in (401, 403)
    assert machine.http("/status", "--header", "Authorization: Bearer the-owners-own")[0] == 200
    for pid in machine.pids_of():
        assert "the-owners-own" not in machine.run("cat", f"/proc/{pid}/environ")
    assert "the-owners-own" not in machine.journal()


def test_configuration_that_cannot_be_is_not_tried_again(machine):
    configure(machine, "prot: 80\n")
    machine.systemctl("start", SERVICE, check=False)
    wait_for("the failure", lambda: machine.show(SERVICE, "ActiveState") == "failed")
    assert machine.show(SERVICE, "ExecMainStatus") == "78"
    assert machine.show(SERVICE, "NRestarts") == "0"
    assert "unknown setting 'prot'; did you mean port" in machine.journal()


# ---- reload ----

def test_reload_takes_what_changed(machine):
    machine.systemctl("start", SERVICE)
    pid = main_pid(machine)
    configure(machine, "rh_version: 0.0.41\n")
    machine.systemctl("reload", SERVICE)
    wait_for("the new value", lambda: machine.http("/check") == (200, '{"rh_version":"0.0.41"}'))
    assert main_pid(machine) == pid and machine.show(SERVICE, "ActiveState") == "active"


def test_reload_with_a_fault_goes_on_with_the_old_one(machine):
    machine.systemctl("start", SERVICE)
    configure(machine, "rh_versoin: 0.0.41\n")
    machine.systemctl("reload", SERVICE)
    wait_for("the refusal", lambda: "refused" in machine.show(SERVICE, "StatusText"))
    assert "unknown setting 'rh_versoin'" in machine.show(SERVICE, "StatusText")
    assert machine.http("/check") == (200, '{"rh_version":"0.0.42"}')
    configure(machine, "")
    machine.systemctl("reload", SERVICE)
    wait_for("all to be well", lambda: machine.show(SERVICE, "StatusText") == "Serves port 32300")


# ---- killed, stuck ----

def assert_replaced(machine, old: list[int], seconds: float = 30.0) -> None:
    """Another daemon serves, and nothing is left of the old one."""
    wait_for("another daemon", lambda: machine.show(SERVICE, "SubState") == "running"
             and not set(machine.pids_of()) & set(old), seconds)
    assert machine.http("/check")[0] == 200
    assert not [pid for pid in old if machine.is_running(pid)]
    assert bash(machine, "echo well") == (0, "well\n")


def test_killed_daemon_is_started_again(machine):
    machine.systemctl("start", SERVICE)
    bash(machine, "true")
    old = machine.pids_of()
    machine.run("kill", "-KILL", str(main_pid(machine)))
    wait_for("the restart", lambda: machine.show(SERVICE, "NRestarts") == "1")
    assert_replaced(machine, old)


def test_daemon_that_stands_still_is_ended_by_the_watchdog(machine):
    override(machine, "WatchdogSec=1s\nTimeoutAbortSec=5s")
    machine.systemctl("start", SERVICE)
    bash(machine, "true")
    old = machine.pids_of()
    machine.run("kill", "-STOP", str(main_pid(machine)))
    wait_for("the restart", lambda: machine.show(SERVICE, "NRestarts") == "1")
    assert_replaced(machine, old)
    assert "Watchdog timeout (limit 1s)!" in machine.journal()


def test_loop_that_turns_is_left_alone(machine):
    override(machine, "WatchdogSec=300ms")
    call = begin_call(machine, "busy")  # several times the watchdog's time
    before = machine.show(SERVICE, "WatchdogTimestampMonotonic")
    wait_for("ten beats", lambda: int(machine.show(SERVICE, "WatchdogTimestampMonotonic")) > int(before) + 1_500_000)
    assert machine.show(SERVICE, "NRestarts") == "0"
    release(machine, "busy")
    assert call.communicate(timeout=30)[0] == '"held"'


# ---- stop ----

def test_stop_lets_calls_end_and_leaves_nothing(machine):
    override(machine, "TimeoutStopSec=1s")  # more time is asked for as long as the call runs
    call = begin_call(machine, "drain")
    pids = machine.pids_of()
    stop = machine.start("systemctl", "stop", SERVICE)
    wait_for("the stop to begin", lambda: machine.show(SERVICE, "SubState") == "stop-sigterm")
    assert machine.show(SERVICE, "StatusText") == "Stops; 1 requests may end first"
    since = float(machine.run("cat", "/proc/uptime").split()[0])
    wait_for("more than TimeoutStopSec", lambda: float(machine.run("cat", "/proc/uptime").split()[0]) > since + 2)
    assert call.poll() is None and machine.show(SERVICE, "SubState") == "stop-sigterm"
    release(machine, "drain")
    assert call.communicate(timeout=30)[0] == '"held"'
    assert stop.wait(30) == 0
    assert machine.show(SERVICE, "Result") == "success"
    assert not [pid for pid in pids if machine.is_running(pid)]


def test_what_outlives_the_daemon_is_killed(machine):
    machine.systemctl("start", SERVICE)
    _, said = bash(machine, "setsid sleep 1000 >/dev/null 2>&1 & echo $!")
    assert machine.is_running(int(said))
    machine.systemctl("stop", SERVICE)
    assert not machine.is_running(int(said))
    assert machine.pids_of() == []


# ---- the journal ----

def test_journal_has_priorities_and_fields(machine):
    machine.systemctl("start", SERVICE)
    entries = {entry.get("GATEHOUSE_EVENT"): entry for entry in machine.entries()}
    ready = entries["daemon.ready"]
    assert ready["MESSAGE"] == 'daemon.ready host="127.0.0.1" port=32300 pid=%s' % ready["_PID"]
    assert (ready["PRIORITY"], ready["GATEHOUSE_PORT"], ready["GATEHOUSE_HOST"]) == ("6", "32300", "127.0.0.1")
    assert ready["SYSLOG_IDENTIFIER"] == "gatehoused" and ready["_SYSTEMD_UNIT"] == SERVICE
    configure(machine, "prot: 1\n")
    machine.systemctl("reload", SERVICE)
    wait_for("an error", lambda: machine.entries("--priority=err"))
    assert [entry["GATEHOUSE_EVENT"] for entry in machine.entries("--priority=err")] == ["config.refused"]


def test_form_of_the_log_can_be_chosen(machine):
    configure(machine, "log_format: json\n")
    machine.systemctl("start", SERVICE)
    lines = [entry["MESSAGE"] for entry in machine.entries() if entry["_SYSTEMD_UNIT"] == SERVICE
             and entry["SYSLOG_IDENTIFIER"] == "gatehoused"]
    assert "daemon.ready" in [json.loads(line)["event"] for line in lines if line.startswith("{")]
