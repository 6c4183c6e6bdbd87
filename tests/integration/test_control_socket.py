# SPDX-License-Identifier: Apache-2.0
"""The socket in the state folder at which the node's own programs find every route."""
from __future__ import annotations

import http.client
import json
import socket
import stat
import threading
from pathlib import Path

import pytest

from .gatehoused import Gatehoused, wait_until


class Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def control(daemon: Gatehoused) -> Path:
    return daemon.folder / "state" / f"control-{daemon.port}.sock"


def ask(daemon: Gatehoused, method: str, path: str, body: object = None) -> tuple[int, object]:
    connection = Connection(control(daemon))
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    value = json.loads(answer.read())
    connection.close()
    return answer.status, value


@pytest.fixture
def daemon(tmp_path):
    daemon = Gatehoused(tmp_path / "d").start()
    yield daemon
    if daemon.alive:
        daemon.stop()


def test_serves_the_routes_of_the_port(daemon):
    assert ask(daemon, "GET", "/check") == (200, {"rh_version": "0.0.42"})
    status, _ = ask(daemon, "POST", "/object", {"key": "k", "serialized_data": [1, "two"]})
    assert status == 200
    status, value = ask(daemon, "GET", "/object?key=k&serialization=none")
    assert (status, value) == (200, [1, "two"])
    assert ask(daemon, "GET", "/nowhere")[0] == 404


def test_one_connection_serves_many_requests(daemon):
    connection = Connection(control(daemon))
    for _ in range(50):
        connection.request("GET", "/check")
        assert connection.getresponse().read() == b'{"rh_version":"0.0.42"}'
    connection.close()


def test_large_bodies_pass(daemon):
    text = "x" * (5 << 20)
    assert ask(daemon, "POST", "/object", {"key": "big", "serialized_data": text})[0] == 200
    assert ask(daemon, "GET", "/object?key=big&serialization=none") == (200, text)


def test_a_question_goes_by_the_request_id_of_the_call_that_it_names(tmp_path):
    """Workers name their call by its id; nobody is believed on the port."""
    file = tmp_path / "waits.py"
    file.write_text("import os, time\n"
                    "def waits(path):\n"
                    "    while not os.path.exists(path):\n"
                    "        time.sleep(0.01)\n")
    daemon = Gatehoused(tmp_path / "d", modules=[f"waits={file}:waits"]).start()
    caller = threading.Thread(target=daemon.post, args=(
        "/waits/call?_bare=1", {"path": str(tmp_path / "go")}, {"X-Request-ID": "the-outer-one"}))
    caller.start()
    try:
        wait_until("the call", lambda: daemon.active_calls("default_process", "waits"))

        def answered_id(headers: dict) -> str:
            connection = Connection(control(daemon))
            connection.request("GET", "/nowhere", headers=headers)
            answer = json.loads(connection.getresponse().read())
            connection.close()
            return answer["request_id"]

        ids = [str(turn << 32 | slot) for turn in range(1, 20) for slot in range(8)]
        named = [id_ for id_ in ids
                 if answered_id({"X-Gatehouse-Call": id_}) == "the-outer-one"]
        assert len(named) == 1
        for header in ("", "0", "-1", "x", "9" * 40):
            assert answered_id({"X-Gatehouse-Call": header}) != "the-outer-one"
        answer = daemon.get("/nowhere", {"X-Gatehouse-Call": named[0]})
        assert answer.json()["request_id"] != "the-outer-one"
    finally:
        (tmp_path / "go").touch()
        caller.join()
    assert answered_id({"X-Gatehouse-Call": named[0]}) != "the-outer-one"
    daemon.stop()


def test_only_the_user_may_open_it(daemon):
    assert stat.S_IMODE(control(daemon).stat().st_mode) == 0o600
    assert stat.S_IMODE(control(daemon).parent.stat().st_mode) == 0o700


def test_it_goes_with_the_daemon(daemon):
    assert control(daemon).exists()
    daemon.stop()
    assert not control(daemon).exists()


def test_what_a_killed_daemon_left_is_replaced(tmp_path):
    daemon = Gatehoused(tmp_path / "d").start()
    path = control(daemon)
    daemon.kill()
    assert path.exists()
    again = Gatehoused(tmp_path / "d", port_option=daemon.port).start()
    assert ask(again, "GET", "/check")[0] == 200
    again.stop()


def test_two_daemons_share_a_state_folder(tmp_path):
    one = Gatehoused(tmp_path / "d").start()
    two = Gatehoused(tmp_path / "d").start()
    assert control(one) != control(two)
    assert ask(one, "POST", "/object", {"key": "k", "serialized_data": 1})[0] == 200
    assert ask(two, "GET", "/object?key=k") == (200, None)
    one.stop()
    two.stop()


def test_a_state_folder_with_too_long_a_path_is_refused(tmp_path):
    long = tmp_path / ("d" * 100)
    done = Gatehoused(tmp_path / "d", args=["--state-dir", str(long)]).run_to_exit()
    assert done.returncode == 69 and "state_dir" in done.stderr and "107" in done.stderr


def test_a_state_folder_that_cannot_be_made_is_refused(tmp_path):
    done = Gatehoused(tmp_path / "d", args=["--state-dir", "/proc/nowhere"]).run_to_exit()
    assert done.returncode == 69 and "/proc/nowhere" in done.stderr


def test_drain_lets_a_running_call_ask_for_more(tmp_path):
    """While calls end, the port is closed and this socket is open: what they need is here."""
    file = tmp_path / "waits.py"
    file.write_text("import time, os\n"
                    "def waits(path):\n"
                    "    while not os.path.exists(path):\n"
                    "        time.sleep(0.01)\n"
                    "    return 'done'\n")
    daemon = Gatehoused(tmp_path / "d", modules=[f"waits={file}:waits"]).start()
    go, answers = tmp_path / "go", []
    body = {"path": str(go)}
    caller = threading.Thread(
        target=lambda: answers.append(ask(daemon, "POST", "/waits/call?_bare=1", body)))
    caller.start()
    while not any(call for process in ask(daemon, "GET", "/status")[1][0]["processes"].values()
                  for entry in process["process_resource_mapping"].values()
                  for call in entry["active_function_calls"]):
        pass
    daemon.signal(15)
    while b"daemon.draining" not in daemon.log_path.read_bytes():
        pass
    assert ask(daemon, "GET", "/check")[0] == 200
    go.touch()
    caller.join()
    assert answers == [(200, "done")]
    assert daemon.wait() == 0
