# SPDX-License-Identifier: Apache-2.0
"""The lines of a call inside its answer, for clients that ask for them nowhere else."""
from __future__ import annotations

import concurrent.futures
import itertools
import json
import os
import signal
import time

import pytest

from . import pickles
from .gatehoused import ANSWER_S, wait_until
from .raw import Wire, head

WAIT = ["--inline-logs-wait-ms", "200"]
FOREVER = ["--inline-logs-wait-ms", "60000"]  # what must not wait is seen by not waiting
DAEMON_OPTIONS = {"args": WAIT}
_numbers = itertools.count()


def new_name() -> str:
    return f"f_call@20240911@101112_{next(_numbers):06d}"


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


def body_of(args, run_name, **fields) -> dict:
    return {"run_name": run_name, "stream_logs": True, "save": False, "remote": False,
            "serialization": "pickle", "data": pickles.dumps({"args": list(args), "kwargs": {}}),
            **fields}


def call(daemon, key, *args, run_name=None, **fields):
    return daemon.post(f"/{key}/call", body_of(args, run_name or new_name(), **fields))


def start_call(wire, daemon, key, *args, run_name=None):
    body = json.dumps(body_of(args, run_name or new_name())).encode()
    wire.send(head(daemon, "POST", f"/{key}/call", f"Content-Length: {len(body)}") + body)


def items_of(text: str) -> tuple[list[str], dict]:
    """(lines, result envelope) of a stream."""
    *logs, result = [json.loads(line) for line in text.splitlines()]
    assert text.endswith("\n") and all(item["output_type"] == "stdout" for item in logs)
    return [line for item in logs for line in item["data"]], result


def logs(daemon, key, run_name) -> list[str]:
    answer = daemon.get(f"/logs/{key}/{run_name}/pickle")
    return [line for item in answer.text.splitlines() for line in json.loads(item)["data"]]


def is_plain(answer) -> bool:
    return "content-length" in answer.headers and isinstance(answer.json(), dict)


def test_lines_and_then_the_result(daemon):
    daemon.put_function("talk")
    answer = call(daemon, "talk", "one", "two")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["transfer-encoding"] == "chunked"
    lines, result = items_of(answer.text)
    assert lines == ["one\n", "two\n"]
    assert pickles.loads(result["data"]) == 2 and result["output_type"] == "result_serialized"


def test_connection_serves_the_next_call(daemon):
    daemon.put_function("talk")
    with Wire(daemon) as wire:
        for text in ("a", "b"):
            start_call(wire, daemon, "talk", text)
            assert wire.read_head().status == 200
            body = b""
            while chunk := wire.read_chunk():
                body += chunk
            assert items_of(body.decode())[0] == [text + "\n"]


def test_next_call_of_a_connection_waits_less(start_daemon):
    daemon = start_daemon(args=["--inline-logs-wait-ms", "3000"])
    daemon.put_function("talk")
    took = []
    with Wire(daemon) as wire:
        for _ in range(2):
            start = time.monotonic()
            start_call(wire, daemon, "talk", "a")
            assert wire.read_head().status == 200
            while wire.read_chunk():
                pass
            took.append(time.monotonic() - start)
    whole = 3 - 0.002  # the loop counts whole milliseconds, from when its turn began
    assert took[0] >= whole > took[1]


def test_lines_come_while_the_call_runs(daemon, tmp_path):
    daemon.put_function("talk_and_hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with Wire(daemon) as wire:
        start_call(wire, daemon, "talk_and_hold", str(started), str(release))
        wire.read_head()
        first = wire.read_chunk()
        assert json.loads(first)["data"] == ["before\n"]
        release.touch()
        rest = b""
        while chunk := wire.read_chunk():
            rest += chunk
    lines, result = items_of(rest.decode())
    assert lines == ["after\n"] and result["output_type"] == "success"


def test_exception_is_the_last_line(daemon):
    daemon.put_function("talk_and_raise", "talk_and_die")
    lines, result = items_of(call(daemon, "talk_and_raise", 5).text)  # no such signal
    assert lines == ["last words\n"] and result["output_type"] == "exception"
    assert "must be string" in str(pickles.loads(result["data"]["error"]))


def test_calls_without_output_are_answered_at_once(start_daemon):
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("concat")
    daemon.put_function("boom")
    assert is_plain(call(daemon, "concat", "a", "b"))
    assert is_plain(call(daemon, "boom"))
    assert is_plain(call(daemon, "nothing_there"))


def test_others_are_answered_at_once(start_daemon):
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("talk")
    assert is_plain(call(daemon, "talk", "x", run_name="talk_call--20250101--101010_000001"))
    assert is_plain(call(daemon, "talk", "x", stream_logs=False))
    assert call(daemon, "talk", serialization="json", data='{"args": ["x"]}').json()["data"] == "1"
    assert call(daemon, "talk", serialization="none", data={"args": ["x"]}).json() == 1
    answer = daemon.get(f"/talk/call?lines=x&stream_logs=true&run_name={new_name()}")
    assert "content-length" in answer.headers


def test_never_when_the_setting_says_so(start_daemon):
    daemon = start_daemon(args=["--inline-logs-wait-ms", "0"])
    daemon.put_function("talk")
    assert is_plain(call(daemon, "talk", "x"))


def test_reader_before_the_call(start_daemon, threads):
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("talk")
    name = new_name()
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", f"/logs/talk/{name}/pickle"))
        assert wire.read_head().status == 200
        assert is_plain(call(daemon, "talk", "x", run_name=name))
        assert json.loads(wire.read_chunk())["data"] == ["x\n"]
        assert wire.read_chunk() == b""


@pytest.mark.parametrize("ends", [False, True])
def test_reader_after_the_call_began(start_daemon, threads, tmp_path, ends):
    """While it runs, or while its answer waits for the reader."""
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("talk_and_hold")
    started, release, name = tmp_path / "started", tmp_path / "release", new_name()
    running = threads.submit(call, daemon, "talk_and_hold", str(started), str(release),
                             run_name=name)
    wait_until("the call to run", started.exists)
    if ends:
        release.touch()
        wait_until("the call to end",
                   lambda: not daemon.active_calls("default_process", "talk_and_hold"))
    with Wire(daemon) as wire:
        wire.send(head(daemon, "GET", f"/logs/talk_and_hold/{name}/pickle"))
        wire.read_head()
        text = wire.read_chunk()
        release.touch()
        while chunk := wire.read_chunk():
            text += chunk
    assert is_plain(running.result(ANSWER_S))
    assert [line for item in text.splitlines() for line in json.loads(item)["data"]] == ["before\n", "after\n"]


def test_post_of_newer_clients_counts_as_a_reader(start_daemon):
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("talk")
    body = json.dumps({"run_name": "mine@1", "key": "talk"}).encode()
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/logs", f"Content-Length: {len(body)}") + body)
        wire.read_head()
        assert is_plain(call(daemon, "talk", "x", run_name="mine@1"))
        assert json.loads(wire.read_chunk())["data"] == ["x\n"]


def test_late_reader_gets_the_lines_too(daemon):
    daemon.put_function("talk")
    name = new_name()
    assert items_of(call(daemon, "talk", "x", run_name=name).text)[0] == ["x\n"]
    assert logs(daemon, "talk", name) == ["x\n"]


def test_worker_death_is_the_last_line(daemon):
    daemon.put_function("talk_and_die")
    lines, result = items_of(call(daemon, "talk_and_die", "SIGKILL").text)
    assert lines == ["last words\n"]
    assert result["output_type"] == "exception"
    assert "SIGKILL" in str(pickles.loads(result["data"]["error"]))


def test_client_that_leaves_costs_nothing(daemon, tmp_path):
    daemon.put_function("talk_and_hold")
    for number, waits in enumerate((False, True)):
        started, release = tmp_path / f"started{number}", tmp_path / f"release{number}"
        with Wire(daemon) as wire:
            start_call(wire, daemon, "talk_and_hold", str(started), str(release))
            wait_until("the call to run", started.exists)
            if waits:
                wire.read_head()
        release.touch()
        wait_until("the call to end",
                   lambda: not daemon.active_calls("default_process", "talk_and_hold"))


def test_client_that_leaves_while_its_answer_waits(start_daemon):
    daemon = start_daemon(args=FOREVER)
    daemon.put_function("talk")
    name = new_name()
    with Wire(daemon) as wire:
        start_call(wire, daemon, "talk", "x", run_name=name)
        wait_until("the call to have printed",
                   lambda: not daemon.active_calls("default_process", "talk"))
    assert logs(daemon, "talk", name) == ["x\n"]


@pytest.mark.parametrize("length", [300_000, 30_000_000])
def test_large_result(daemon, length):
    daemon.put_function("talk_and_make_text")
    lines, result = items_of(call(daemon, "talk_and_make_text", length).text)
    assert lines == ["making it\n"]
    assert len(pickles.loads(result["data"])) == length


def test_memory_stays_flat_while_a_client_does_not_read_its_large_result(daemon):
    daemon.put_function("talk_and_make_text")
    call(daemon, "talk_and_make_text", 300_000)
    before = daemon.rss_kib()
    with Wire(daemon) as wire:
        start_call(wire, daemon, "talk_and_make_text", 100_000_000)
        assert wire.read_head().status == 200
        while b"result" not in wire.buffer and b'"data":"' not in wire.buffer:
            assert wire.receive()
        assert daemon.rss_kib() - before < 40_000


def test_client_that_does_not_read_its_lines_misses_some(daemon, tmp_path):
    daemon.put_function("talk_much")
    with Wire(daemon) as wire:
        start_call(wire, daemon, "talk_much", 1_000_000)
        assert wire.read_head().status == 200
        wait_until("the call to end",
                   lambda: not daemon.active_calls("default_process", "talk_much"))
        text = b""
        while chunk := wire.read_chunk():
            text += chunk
    lines, result = items_of(text.decode())
    assert any("of output left out here" in line for line in lines)
    assert result["output_type"] == "success"


def test_daemon_that_ends_finishes_the_stream(start_daemon, threads, tmp_path):
    daemon = start_daemon(inspect=False, args=WAIT)
    daemon.put_function("talk_and_hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with Wire(daemon) as wire:
        start_call(wire, daemon, "talk_and_hold", str(started), str(release))
        assert wire.read_head().status == 200
        os.kill(daemon.pid, signal.SIGTERM)
        release.touch()
        text = b""
        while chunk := wire.read_chunk():
            text += chunk
    assert items_of(text.decode())[1]["output_type"] == "success"
    assert daemon.wait() == 0
