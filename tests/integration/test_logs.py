# SPDX-License-Identifier: Apache-2.0
"""/logs: the lines of one run, pushed as they are written."""
from __future__ import annotations

import concurrent.futures
import json
import time

import pytest

from .gatehoused import ANSWER_S, wait_until
from .raw import Wire, head


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield pool


def call(daemon, key, args=(), run_name="run", **fields):
    return daemon.post(f"/{key}/call", {"run_name": run_name, "data": {"args": list(args)},
                                        "stream_logs": True, **fields})


def lines_of(answer) -> list[str]:
    """The texts of a whole stream, its form checked."""
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.isascii() and b"\n\n" not in answer.body
    texts = []
    for line in answer.text.splitlines():
        item = json.loads(line)
        assert list(item) == ["data", "output_type", "serialization"]
        assert item["output_type"] == "stdout" and item["serialization"] is None
        assert line.startswith('{"data": [')  # separators as the client's server has them
        texts += item["data"]
    return texts


def logs(daemon, key, run_name="run"):
    return lines_of(daemon.post("/logs", {"run_name": run_name, "key": key}))


def open_logs(wire, daemon, key, run_name="run"):
    body = json.dumps({"run_name": run_name, "key": key}).encode()
    wire.send(head(daemon, "POST", "/logs", f"Content-Length: {len(body)}") + body)


def test_logs_after_the_call_replay_it(daemon):
    daemon.put_function("talk")
    call(daemon, "talk", ["one", "two"])
    assert logs(daemon, "talk") == ["one\n", "two\n"]


def test_logs_are_chunked_json(daemon):
    daemon.put_function("talk")
    call(daemon, "talk", ["one"])
    answer = daemon.post("/logs", {"run_name": "run", "key": "talk"})
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.text == '{"data": ["one\\n"], "output_type": "stdout", "serialization": null}\n'


def test_logs_before_the_call_wait_for_it(daemon, threads):
    daemon.put_function("talk")
    with Wire(daemon) as wire:
        open_logs(wire, daemon, "talk", "early")
        assert wire.read_head().status == 200  # the stream is open before anything has run
        call(daemon, "talk", ["line"], run_name="early")
        text = b""
        while chunk := wire.read_chunk():
            text += chunk
    assert json.loads(text)["data"] == ["line\n"]


def test_first_line_arrives_while_the_call_runs(daemon, threads, tmp_path):
    daemon.put_function("talk_and_hold")
    started, release = tmp_path / "started", tmp_path / "release"
    running = threads.submit(call, daemon, "talk_and_hold", [str(started), str(release)])
    wait_until("the call to run", started.exists)
    with Wire(daemon) as wire:
        open_logs(wire, daemon, "talk_and_hold")
        wire.read_head()
        assert json.loads(wire.read_chunk())["data"] == ["before\n"]
        assert not running.done()
        release.touch()
        rest = b""
        while chunk := wire.read_chunk():
            rest += chunk
    assert json.loads(rest)["data"] == ["after\n"]
    running.result(ANSWER_S)


def test_stream_ends_with_the_call_without_lines(daemon):
    daemon.put_function("concat")
    call(daemon, "concat", ["a", "b"])
    start = time.monotonic()
    assert logs(daemon, "concat") == []
    assert time.monotonic() - start < 4  # not after the wait for an unknown run


def test_stream_of_a_failed_call_ends(daemon):
    daemon.put_function("boom")
    assert call(daemon, "boom").status == 500
    assert logs(daemon, "boom") == []


def test_stream_of_an_unknown_key_ends_at_once(daemon):
    start = time.monotonic()
    assert logs(daemon, "nokey") == []
    assert time.monotonic() - start < 4


def test_unknown_run_ends_empty_after_the_wait(daemon):
    daemon.put_function("talk")
    start = time.monotonic()
    assert logs(daemon, "talk", "no_such_run") == []
    assert 3 < time.monotonic() - start < 30


def test_wait_for_an_unknown_run_is_a_setting(start_daemon):
    daemon = start_daemon(args=["--logs-wait-ms", "100"])
    daemon.put_function("talk")
    start = time.monotonic()
    assert logs(daemon, "talk", "no_such_run") == []
    assert time.monotonic() - start < 4


def test_two_readers_get_everything(daemon, threads, tmp_path):
    daemon.put_function("talk_and_hold")
    started, release = tmp_path / "started", tmp_path / "release"
    running = threads.submit(call, daemon, "talk_and_hold", [str(started), str(release)])
    wait_until("the call to run", started.exists)
    readers = [threads.submit(logs, daemon, "talk_and_hold") for _ in range(3)]
    release.touch()
    for reader in readers:
        assert reader.result(ANSWER_S) == ["before\n", "after\n"]
    running.result(ANSWER_S)
    assert logs(daemon, "talk_and_hold") == ["before\n", "after\n"]


def test_run_name_used_again_has_only_the_new_lines(daemon):
    daemon.put_function("talk")
    call(daemon, "talk", ["old"])
    call(daemon, "talk", ["new"])
    assert logs(daemon, "talk") == ["new\n"]


def test_stdout_stderr_and_log_records_are_one_ordered_stream(daemon):
    daemon.put_function("talk_everywhere")
    call(daemon, "talk_everywhere")
    found = logs(daemon, "talk_everywhere")
    assert found[0] == "to stdout\n" and found[1] == "to stderr\n"
    level, _, where, text = found[2].split(" | ")
    assert (level, where.split(":")[0], text) == ("WARNING", "things.talker", "to the log\n")
    assert "".join(found[3:]) == "without an end"


def test_concurrent_calls_do_not_mix(daemon, threads):
    daemon.put_function("talk")

    def one(i):
        call(daemon, "talk", [f"{i}-{j}" for j in range(20)], run_name=f"run{i}")
        return logs(daemon, "talk", f"run{i}")

    for i, found in enumerate(threads.map(one, range(16))):
        assert found == [f"{i}-{j}\n" for j in range(20)]


def test_nothing_is_captured_without_stream_logs(daemon):
    daemon.put_function("talk")
    assert call(daemon, "talk", ["quiet"], stream_logs=False).json() == 1
    assert "quiet" not in daemon.post("/logs", {"run_name": "run", "key": "talk"}).text


@pytest.mark.parametrize("text", ["\u00e9\u2028\u0085\x1c", "\U0001f3e0", "\"quotes\" \\ back",
                                  "a\tb\x07", "x" * 10_000])
def test_any_text_survives(daemon, text):
    daemon.put_function("talk")
    call(daemon, "talk", [text])
    assert "".join(logs(daemon, "talk")) == text + "\n"


def test_many_lines_arrive_whole_and_in_order(daemon):
    daemon.put_function("talk_much")
    call(daemon, "talk_much", [20_000])
    assert "".join(logs(daemon, "talk_much")) == "".join(f"line {i}\n" for i in range(20_000))


def test_output_of_one_run_is_bounded(start_daemon):
    daemon = start_daemon(args=["--run-log-max-bytes", "10000"])
    daemon.put_function("talk_much")
    call(daemon, "talk_much", [20_000])
    text = "".join(logs(daemon, "talk_much"))
    assert len(text) <= 20_000 and text.endswith("line 19999\n")


def test_get_call_can_stream_too(daemon):
    daemon.put_function("add")
    assert daemon.get("/add/call?a=1&b=2&run_name=got&stream_logs=true").json()["data"] == "3"
    assert logs(daemon, "add", "got") == ["adding 1 and 2\n"]


def test_generator_step_has_its_own_lines(daemon):
    from . import pickles
    daemon.put_function("countdown")
    data = pickles.dumps({"args": [2]})
    daemon.post("/countdown/call", {"run_name": "gen--1", "data": data, "serialization": "pickle",
                                    "stream_logs": True})
    for i in (2, 1):
        daemon.post("/gen--1/remote_next", {"run_name": f"step--{i}", "serialization": "pickle",
                                            "stream_logs": True})
        assert logs(daemon, "countdown", f"step--{i}") == [f"at {i}\n"]


def test_reader_that_leaves_in_the_middle_leaves_nothing(daemon, threads, tmp_path):
    daemon.put_function("talk_and_hold")
    started, release = tmp_path / "started", tmp_path / "release"
    running = threads.submit(call, daemon, "talk_and_hold", [str(started), str(release)])
    wait_until("the call to run", started.exists)
    before = len(daemon.fds())
    for _ in range(20):
        with Wire(daemon) as wire:
            open_logs(wire, daemon, "talk_and_hold")
            wire.read_head()
            wire.read_chunk()
    wait_until("the readers' sockets to be closed", lambda: len(daemon.fds()) <= before)
    release.touch()
    running.result(ANSWER_S)
    assert logs(daemon, "talk_and_hold") == ["before\n", "after\n"]


def test_reader_that_leaves_before_the_run_leaves_nothing(daemon):
    daemon.put_function("talk")
    before = len(daemon.fds())
    for i in range(20):
        with Wire(daemon) as wire:
            open_logs(wire, daemon, "talk", f"never{i}")
    wait_until("the readers' sockets to be closed", lambda: len(daemon.fds()) <= before)


def test_caller_that_leaves_in_the_middle_leaves_nothing(daemon, tmp_path):
    daemon.put_function("hold")
    before = len(daemon.fds())
    for i in range(10):
        started, release = tmp_path / f"started{i}", tmp_path / "release"
        with Wire(daemon) as wire:
            wire.send(head(daemon, "GET", f"/hold/call?started={started}&release={release}"))
            wait_until("the call to run", started.exists)
    wait_until("the callers' sockets to be closed", lambda: len(daemon.fds()) <= before)
    release.touch()
    wait_until("the calls to end", lambda: not daemon.active_calls("default_process", "hold"))


def test_reader_that_does_not_read_does_not_hold_the_call(daemon):
    daemon.put_function("talk_much")
    with Wire(daemon) as wire:
        open_logs(wire, daemon, "talk_much")
        wire.read_head()
        assert call(daemon, "talk_much", [100_000]).status == 200


def test_reader_of_a_silent_call_does_not_wait_long(start_daemon):
    """The client asks for the lines of each asynchronous call, also of those that stream nothing."""
    daemon = start_daemon(args=["--logs-wait-ms", "60000"])
    daemon.put_function("talk")
    assert call(daemon, "talk", ["quiet"], run_name="silent", stream_logs=False).json() == 1
    started = time.monotonic()
    assert logs(daemon, "talk", "silent") == []
    assert time.monotonic() - started < 30
