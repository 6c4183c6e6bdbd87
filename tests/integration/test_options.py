# SPDX-License-Identifier: Apache-2.0
"""The command line: what it refuses, with which exit status, and what it says about it."""
from __future__ import annotations

import json
import os
import select
import socket
import subprocess

import pytest

from .gatehoused import BUILD, START_S, Gatehoused

USAGE, PORT_TAKEN, CONFIG = 64, 69, 78


def refused(tmp_path, **options):
    done = Gatehoused(tmp_path / "refused", **options).run_to_exit()
    assert done.returncode != 0, done
    assert done.stderr.strip(), "nothing was said"
    return done


@pytest.mark.parametrize("option", ["--nonsense", "--prot", "-z", "--port=1=2=3x"])
def test_unknown_option_is_64_and_named(tmp_path, option):
    done = refused(tmp_path, args=[option])
    assert done.returncode in ((USAGE,) if "=" not in option else (USAGE, CONFIG))
    assert option.split("=")[0] in done.stderr or "port" in done.stderr


def test_unknown_option_names_the_nearest_known_one(tmp_path):
    assert "--port" in refused(tmp_path, args=["--prot", "1"]).stderr


def test_word_that_is_no_option_is_64(tmp_path):
    done = refused(tmp_path, args=["surplus"])
    assert done.returncode == USAGE and "surplus" in done.stderr


def test_option_without_its_value_is_64(tmp_path):
    done = refused(tmp_path, args=["--body-max-bytes"])
    assert done.returncode == USAGE and "body-max-bytes" in done.stderr


@pytest.mark.parametrize("option, value", [
    ("--port", "65536"), ("--port", "-1"), ("--port", "http"), ("--port", ""),
    ("--body-max-bytes", "lots"), ("--header-timeout-ms", "0"), ("--log-format", "xml"),
    ("--log-level", "LOUD"), ("--host", "999.1.1.1"), ("--host", "no such host"),
])
def test_bad_value_is_refused_and_named(tmp_path, option, value):
    done = refused(tmp_path, args=[option, value])
    assert done.returncode in (USAGE, CONFIG), done
    assert option.strip("-").replace("-", "_") in done.stderr.replace("-", "_")


def test_port_that_is_taken_is_69(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = refused(tmp_path, port_option=port)
        assert done.returncode == PORT_TAKEN and str(port) in done.stderr


def test_port_that_another_daemon_has_is_69(start_daemon, tmp_path):
    first = start_daemon()
    assert refused(tmp_path, port_option=first.port).returncode == PORT_TAKEN
    assert first.get("/check").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_open_address_needs_insecure(tmp_path, host):
    done = refused(tmp_path, host=host)
    assert done.returncode in (USAGE, CONFIG)
    assert "insecure" in done.stderr


def test_open_address_with_insecure_is_served_and_said(start_daemon):
    daemon = start_daemon(inspect=False, args=["--host", "0.0.0.0", "--insecure"])
    assert daemon.get("/check").status == 200
    assert "0.0.0.0" in daemon.log()


def test_other_loopback_address_needs_nothing(start_daemon):
    assert start_daemon(host="127.0.0.2").get("/check").status == 200


def test_environment_gives_settings_and_flags_win(start_daemon):
    daemon = start_daemon(env={"GATEHOUSE_RH_VERSION": "from-env"})
    assert daemon.get("/check").json() == {"rh_version": "from-env"}
    daemon = start_daemon(env={"GATEHOUSE_RH_VERSION": "from-env"},
                          args=["--rh-version", "from-flag"])
    assert daemon.get("/check").json() == {"rh_version": "from-flag"}


def test_bad_value_in_the_environment_is_refused(tmp_path):
    done = refused(tmp_path, env={"GATEHOUSE_BODY_MAX_BYTES": "lots"})
    assert done.returncode == CONFIG and "BODY_MAX_BYTES" in done.stderr.upper()


def test_interpreter_that_does_not_exist_is_told(tmp_path, start_daemon):
    from .gatehoused import StartFailed
    try:
        daemon = start_daemon(inspect=False, python=str(tmp_path / "no-python"))
    except StartFailed as failed:
        assert "no-python" in failed.stderr
        return
    answer = daemon.post("/object", {"key": "k", "serialized_data": 1})
    assert "no-python" in answer.text + daemon.log()
    assert daemon.get("/check").status == 200


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_end_with_0(option):
    done = subprocess.run([str(BUILD / "gatehoused"), option], capture_output=True, text=True,
                          timeout=START_S)
    assert (done.returncode, done.stderr) == (0, "")
    assert "gatehouse" in done.stdout


def test_help_names_every_option_of_the_contract():
    done = subprocess.run([str(BUILD / "gatehoused"), "--help"], capture_output=True, text=True)
    for option in ("--host", "--port", "--state-dir", "--module", "--env", "--log-format",
                   "--insecure", "--ready-fd"):
        assert option in done.stdout


def test_chosen_port_is_printed_and_logged(start_daemon):
    daemon = start_daemon()
    assert (daemon.folder / "stdout").read_text() == f"{daemon.port}\n"
    assert str(daemon.port) in daemon.log()


def test_ready_descriptor_has_one_line_and_is_closed_by_all(tmp_path):
    """Workers must not keep it open: who waits for the end of file would wait for ever."""
    daemon = Gatehoused(tmp_path / "gatehoused")
    daemon.home.mkdir(parents=True)
    read_fd, write_fd = os.pipe()
    process = subprocess.Popen(daemon.command(write_fd), pass_fds=(write_fd,), cwd=daemon.home,
                               env=daemon.environment(), stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.close(write_fd)
    try:
        with open(read_fd, "rb") as pipe:
            text = b""
            while select.select([pipe], [], [], START_S)[0]:
                data = os.read(pipe.fileno(), 4096)
                if not data:
                    break
                text += data
            else:
                pytest.fail("the descriptor stays open")
        ready = json.loads(text)
        assert text.count(b"\n") == 1 and ready["pid"] == process.pid and ready["port"] > 0
    finally:
        process.terminate()
        process.wait(START_S)


def test_log_lines_are_json_when_asked(start_daemon):
    daemon = start_daemon()
    for line in daemon.log().splitlines():
        assert isinstance(json.loads(line), dict)


def test_log_lines_are_text_when_asked(start_daemon):
    daemon = start_daemon(args=["--log-format", "text"])
    with pytest.raises(ValueError):
        json.loads(daemon.log().splitlines()[0])


def test_workers_inherit_only_what_they_need(daemon):
    """No listening socket, no client connection, no descriptor of another worker."""
    daemon.post("/create_process", {"name": "p"})
    pid = daemon.worker_pid("p")
    listening = {os.readlink(f"/proc/{daemon.pid}/fd/{fd.split()[0]}") for fd in daemon.fds()
                 if "socket:" in fd}
    held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert not (held & listening)


def test_daemon_never_maps_libpython(daemon):
    daemon.put_function("concat")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"
    with open(f"/proc/{daemon.pid}/maps") as maps:
        assert "libpython" not in maps.read()
