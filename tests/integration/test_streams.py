# SPDX-License-Identifier: Apache-2.0
"""What a call writes, in whichever way, reaches its caller, in order, and nobody else."""
from __future__ import annotations

import concurrent.futures
import json
import os
import re

import pytest

from .gatehoused import ANSWER_S, is_running, wait_until
from .raw import Wire, head
from .ways_to_write import WAYS, check

@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def put(daemon):
    def put_talkers(*names: str, process: str = "default_process") -> None:
        for name in names:
            daemon.put_function(name, file="talkers", process=process)
    return put_talkers


def call(daemon, key, *args, run_name="run", status=200, **fields):
    answer = daemon.call(key, args=args, run_name=run_name, stream_logs=True, **fields)
    assert answer.status == status, answer
    return answer.json()


def pieces(daemon, key, run_name="run") -> list[str]:
    answer = daemon.post("/logs", {"run_name": run_name, "key": key})
    assert answer.status == 200 and answer.body.isascii()
    return [text for line in answer.text.splitlines() for text in json.loads(line)["data"]]


def text_of(daemon, key, run_name="run") -> str:
    return "".join(pieces(daemon, key, run_name))


def in_process_log(daemon, text: str) -> bool:
    return any(json.loads(line).get("event") == "worker.output" and text in line
               for line in daemon.log().splitlines() if line.startswith("{"))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write(daemon, put, way):
    put(way)
    call(daemon, way, "m1")
    check(text_of(daemon, way), WAYS[way], "m1")


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("root_handler", "basic_config")])
def test_calls_side_by_side_do_not_mix(daemon, put, threads, way):
    """Pools and loops are shared, handlers too; the call is not."""
    put(way)
    marks = [f"m{i}" for i in range(100, 108)]
    done = [threads.submit(call, daemon, way, mark, run_name=mark) for mark in marks]
    for mark, running in zip(marks, done):
        running.result(ANSWER_S)
        check(text_of(daemon, way, mark), WAYS[way], mark)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_children_of_multiprocessing(daemon, put, method):
    put("multiprocess")
    assert call(daemon, "multiprocess", "m1", method) == 0
    assert call(daemon, "multiprocess", "m2", method, run_name="run2") == 0
    if method == "forkserver":  # one process forks for all calls: its output belongs to none
        wait_until("its output in the log", lambda: in_process_log(daemon, "m2"))
        assert text_of(daemon, "multiprocess") == text_of(daemon, "multiprocess", "run2") == ""
    else:
        assert text_of(daemon, "multiprocess") == "m1\n"
        assert text_of(daemon, "multiprocess", "run2") == "m2\n"


def test_without_stream_logs_children_write_to_the_process_log(daemon, put):
    put("run_child")
    daemon.call("run_child", args=["quiet"], run_name="run")
    wait_until("its output in the log", lambda: in_process_log(daemon, "quiet last"))


def test_threads_of_one_call_lose_nothing(daemon, put):
    put("one_line_from_many")
    call(daemon, "one_line_from_many", "m", 500)
    text = text_of(daemon, "one_line_from_many")
    assert [text.count(f"m{i}") for i in range(4)] == [500] * 4 and text.count("\n") == 2000


def test_lines_that_threads_print_stay_whole(daemon, put):
    put("whole_lines")
    call(daemon, "whole_lines", "m", 200)
    lines = text_of(daemon, "whole_lines").splitlines()
    assert sorted(lines) == sorted(f"m {i} {n}" for i in range(8) for n in range(200))
    for i in range(8):
        assert [line for line in lines if line.startswith(f"m {i} ")] == [
            f"m {i} {n}" for n in range(200)]


def test_a_redirection_is_its_calls_own(daemon, put, threads, tmp_path):
    """What one call puts in the place of sys.stdout does not swallow the lines of another."""
    put("redirect_and_hold", "plain", "forget_to_restore")
    started, release = tmp_path / "started", tmp_path / "release"
    running = threads.submit(call, daemon, "redirect_and_hold", "a", str(started), str(release),
                             run_name="a")
    wait_until("the call to run", started.exists)
    call(daemon, "plain", "b", run_name="b")
    release.touch()
    assert running.result(ANSWER_S) == "swallowed a\n"
    assert text_of(daemon, "plain", "b") == "b\n"
    assert text_of(daemon, "redirect_and_hold", "a") == "outside a\n"

    call(daemon, "forget_to_restore", "c", run_name="c")
    call(daemon, "plain", "d", run_name="d")
    assert text_of(daemon, "plain", "d") == "d\n"
    assert text_of(daemon, "forget_to_restore", "c") == ""


def test_a_child_that_outlives_its_call_does_not_hold_it(daemon, put, tmp_path):
    put("child_that_stays", "plain")
    release = tmp_path / "release"
    pid = call(daemon, "child_that_stays", "m1", str(release))
    assert text_of(daemon, "child_that_stays") in ("m1\n", "")  # it may not have begun to write
    call(daemon, "plain", "m2", run_name="run2")
    release.touch()
    wait_until("its last line in the process log", lambda: in_process_log(daemon, "late m1"))
    assert text_of(daemon, "plain", "run2") == "m2\n"
    wait_until("its pipe to be closed", lambda: not pipes_of_calls(pid))


def pipes_of_calls(pid: int) -> list[str]:
    """The pipes that this worker has both ends of, or reads: those to the daemon it writes."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            where = os.readlink(f"/proc/{pid}/fd/{fd}")
            flags = int(open(f"/proc/{pid}/fdinfo/{fd}").read().split("flags:")[1].split()[0], 8)
        except OSError:
            continue
        if where.startswith("pipe:") and int(fd) > 4 and flags & os.O_ACCMODE == os.O_RDONLY:
            found.append(where)
    return found[1:]  # one is what wakes the main thread


def test_a_child_that_writes_without_end_does_not_hold_its_call(daemon, put, tmp_path):
    put("child_that_floods")
    release = tmp_path / "release"
    try:
        call(daemon, "child_that_floods", str(release))
        assert set(pieces(daemon, "child_that_floods")) <= {"y\n"}
    finally:
        release.touch()


def test_lines_of_a_child_come_as_it_writes(daemon, put, threads, tmp_path):
    put("slow_child", "prompt_of_child")
    for key, first in ("slow_child", "m1\n"), ("prompt_of_child", "m1 ? "):
        release = tmp_path / key
        running = threads.submit(call, daemon, key, "m1", str(release), run_name=key)
        with Wire(daemon) as wire:
            open_logs(wire, daemon, key, key)
            wire.read_head()
            assert json.loads(wire.read_chunk())["data"] == [first]
            assert not running.done()
            release.touch()
            running.result(ANSWER_S)


def open_logs(wire, daemon, key, run_name="run"):
    """Where the call may begin later the name must be a new one: a run that was read before is waited for
    a moment only."""
    body = json.dumps({"run_name": run_name, "key": key}).encode()
    wire.send(head(daemon, "POST", "/logs", f"Content-Length: {len(body)}") + body)


def test_a_thread_that_outlives_its_call_writes_to_the_process_log(daemon, put, tmp_path):
    put("late_thread", "plain")
    release = tmp_path / "release"
    call(daemon, "late_thread", "m1", str(release))
    release.touch()
    wait_until("its line in the process log", lambda: in_process_log(daemon, "too late m1"))
    assert text_of(daemon, "late_thread") == "m1\n"


def test_it_is_no_terminal(daemon, put):
    put("terminal")
    assert call(daemon, "terminal") == [False, False, "utf-8", 1]


def test_a_line_is_there_while_the_call_computes(daemon, put, threads, tmp_path):
    """How soon is a matter for tests/bench/first-line."""
    put("print_and_compute")
    release = tmp_path / "release"
    running = threads.submit(call, daemon, "print_and_compute", "m1", str(release),
                             run_name="computing")
    with Wire(daemon) as wire:
        open_logs(wire, daemon, "print_and_compute", "computing")
        wire.read_head()
        assert json.loads(wire.read_chunk())["data"] == ["m1\n"]
    assert not running.done()
    release.touch()
    running.result(ANSWER_S)


def test_what_was_flushed_survives_a_kill(daemon, put):
    daemon.post("/create_process", {"name": "flush"})  # each death parks a process a little longer
    put("print_and_die", process="flush")
    for i in range(4):
        call(daemon, "print_and_die", f"m{i}", run_name=f"run{i}", status=500)
        assert text_of(daemon, "print_and_die", f"run{i}") == f"m{i}\n"


def test_what_was_seen_survives_a_kill(daemon, put, threads, tmp_path):
    daemon.post("/create_process", {"name": "seen"})
    put("print_and_die", process="seen")
    for i in range(4):
        release = tmp_path / f"release{i}"
        running = threads.submit(call, daemon, "print_and_die", f"m{i}", str(release),
                                 run_name=f"seen{i}", status=500)
        with Wire(daemon) as wire:
            open_logs(wire, daemon, "print_and_die", f"seen{i}")
            wire.read_head()
            assert json.loads(wire.read_chunk())["data"] == [f"m{i}\n"]
        release.touch()
        running.result(ANSWER_S)
        assert text_of(daemon, "print_and_die", f"seen{i}") == f"m{i}\n"


def test_a_flood_is_bounded_and_says_so(start_daemon, threads):
    """20 MB here; 100 MB by hand. A reader that does not read, one that reads, one that is late."""
    daemon = start_daemon()
    daemon.put_function("flood", file="talkers")
    call(daemon, "flood", 2000, 1000)
    before = daemon.rss_kib()
    with Wire(daemon) as wire, Wire(daemon) as fast:
        open_logs(wire, daemon, "flood", "big")
        open_logs(fast, daemon, "flood", "big")
        reading = threads.submit(fast.read_answer)
        call(daemon, "flood", 20_000, 1000, run_name="big")
        assert daemon.rss_kib() - before < 40_000
        fast_text = reading.result(ANSWER_S).body
        slow_text = wire.read_answer().body
    late_text = daemon.post("/logs", {"run_name": "big", "key": "flood"}).body
    for found in fast_text, slow_text, late_text:
        numbers, dropped = [], 0
        for line in found.splitlines():
            for text in json.loads(line)["data"]:
                if note := re.fullmatch(r"\[gatehouse: about (\d+) bytes of output left out here\]\n",
                                        text):
                    dropped += int(note.group(1))
                else:
                    numbers.append(int(text.split(" ")[0]))
        assert numbers == sorted(set(numbers))  # in order, whole lines, none twice
        assert dropped or numbers == list(range(20_000))
        if found is late_text:
            assert dropped > 18_000_000 and numbers[-1] == 19_999 and len(found) < 1_200_000


def test_kept_output_of_all_runs_is_bounded(start_daemon):
    daemon = start_daemon(args=["--logs-kept-max-bytes", "1000000"])
    daemon.put_function("flood", file="talkers")
    for i in range(8):
        call(daemon, "flood", 500, 1000, run_name=f"run{i}")
    assert text_of(daemon, "flood", "run0").startswith("[gatehouse: about ")
    assert len(text_of(daemon, "flood", "run7")) > 500_000


def test_very_long_lines_arrive_whole(daemon, put):
    put("long_line")
    call(daemon, "long_line", 300_000)
    assert text_of(daemon, "long_line") == "y" * 300_000 + "\n"


def test_a_worker_killed_in_the_middle_ends_the_stream(daemon, put, threads, tmp_path):
    daemon.post("/create_process", {"name": "mid"})
    put("print_and_stay", process="mid")
    pid = daemon.worker_pid("mid")
    running = threads.submit(daemon.call, "print_and_stay", args=["m1", str(tmp_path / "never")],
                             run_name="middle", stream_logs=True)
    with Wire(daemon) as wire:
        open_logs(wire, daemon, "print_and_stay", "middle")
        wire.read_head()
        assert json.loads(wire.read_chunk())["data"] == ["m1\n"]
        os.kill(pid, 9)
        assert wire.read_chunk() == b""
    assert running.result(ANSWER_S).status == 500
    wait_until("the worker to be gone", lambda: not is_running(pid))
