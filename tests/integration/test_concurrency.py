# SPDX-License-Identifier: Apache-2.0
"""Calls side by side: none waits for another, none gets another's answer."""
from __future__ import annotations

import concurrent.futures
import json
import random

from . import pickles
from .gatehoused import ANSWER_S, wait_until


def test_64_calls_run_side_by_side(daemon, tmp_path):
    """Each ends only when all have begun."""
    daemon.put_function("hold")
    release = tmp_path / "release"
    started = [tmp_path / f"started{i}" for i in range(64)]
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        calls = [threads.submit(daemon.call, "hold", "call", [str(path), str(release), i])
                 for i, path in enumerate(started)]
        wait_until("all calls to run", lambda: all(path.exists() for path in started))
        assert daemon.get("/check").status == 200
        assert len(daemon.active_calls("default_process", "hold")) == 64
        release.touch()
        assert [call.result(ANSWER_S).json() for call in calls] == list(range(64))
    assert daemon.active_calls("default_process", "hold") == []


def test_64_coroutines_run_side_by_side(daemon, tmp_path):
    daemon.put_function("hold_async")
    release = tmp_path / "release"
    started = [tmp_path / f"started{i}" for i in range(64)]
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        calls = [threads.submit(daemon.call, "hold_async", "call", [str(path), str(release)])
                 for path in started]
        wait_until("all calls to run", lambda: all(path.exists() for path in started))
        release.touch()
        assert {call.result(ANSWER_S).json() for call in calls} == {"released"}


def test_quick_calls_pass_a_slow_one(daemon, tmp_path):
    daemon.put_function("hold")
    daemon.put_function("concat")
    started, release = tmp_path / "started", tmp_path / "release"
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        slow = threads.submit(daemon.call, "hold", "call", [str(started), str(release)])
        wait_until("the slow call to run", started.exists)
        for i in range(50):
            assert daemon.call("concat", args=[str(i), "x"]).json() == f"{i}x"
        assert not slow.done()
        release.touch()
        slow.result(ANSWER_S)


def test_check_answers_while_a_worker_computes(daemon, tmp_path):
    daemon.put_function("spin_until")
    release = tmp_path / "release"
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        spinning = [threads.submit(daemon.call, "spin_until", "call", [str(release)])
                    for _ in range(4)]
        wait_until("the calls to run",
                   lambda: len(daemon.active_calls("default_process", "spin_until")) == 4)
        for _ in range(20):
            assert daemon.get("/check", timeout=10).status == 200
        release.touch()
        assert {call.result(ANSWER_S).json() for call in spinning} == {"released"}


def test_mixed_calls_of_16_threads_are_never_crossed(daemon):
    daemon.post("/create_process", {"name": "p"})
    for name in ("concat", "echo", "boom", "double", "talk"):
        daemon.put_function(name)
    daemon.put_function("echo_p", "echo", process="p")

    def one(seed: int) -> None:
        choice = random.Random(seed)
        for step in range(25):
            mark = f"{seed}-{step}"
            kind = choice.randrange(8)
            if kind == 0:
                assert daemon.get(f"/concat/call?a={mark}&b=x&_bare=1").json() == mark + "x"
            elif kind == 1:
                assert daemon.call("echo", args=[mark]).json() == mark
            elif kind == 2:
                body = daemon.post("/echo_p/call", {
                    "run_name": f"r--{mark}", "data": pickles.dumps({"args": [mark]}),
                    "serialization": "pickle"}).json()
                assert pickles.loads(body["data"]) == mark
            elif kind == 3:
                answer = daemon.get(f"/boom/call?msg={mark}")
                assert answer.json()["data"]["error"] == f"ValueError: {mark}"
            elif kind == 4:
                assert daemon.call("double", args=[seed * 1000 + step]).json() == 2 * (
                    seed * 1000 + step)
            elif kind == 5:
                big = mark * 60_000
                assert daemon.call("echo_p", args=[big]).json() == big
            elif kind == 6:
                daemon.call("talk", args=[mark], run_name=f"talk--{mark}", stream_logs=True)
                text = daemon.post("/logs", {"run_name": f"talk--{mark}", "key": "talk"}).text
                assert json.loads(text)["data"] == [mark + "\n"]
            else:
                key = f"object-{mark}"
                daemon.post("/object", {"key": key, "serialized_data": mark})
                assert daemon.get(f"/object?key={key}&serialization=none").json() == mark
                assert daemon.post("/delete_object", {"keys": [key]}).json()["data"] == [key]

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        for done in [threads.submit(one, seed) for seed in range(16)]:
            done.result(4 * ANSWER_S)


def test_run_name_shared_by_running_calls_gets_each_its_answer(daemon):
    daemon.put_function("echo")
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda i: daemon.call("echo", args=[i], run_name="same").json(),
                              range(200))
        assert list(answers) == list(range(200))


def test_too_many_calls_are_503_with_retry_after(start_daemon, tmp_path):
    daemon = start_daemon(args=["--calls-in-flight-max", "4"])
    daemon.put_function("hold")
    release = tmp_path / "release"
    started = [tmp_path / f"started{i}" for i in range(4)]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(daemon.call, "hold", "call", [str(path), str(release)])
                 for path in started]
        wait_until("four calls to run", lambda: all(path.exists() for path in started))
        answer = daemon.call("hold", args=[str(tmp_path / "five"), str(release)])
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1 and answer.json()["detail"]
        release.touch()
        assert [call.result(ANSWER_S).status for call in calls] == [200] * 4
