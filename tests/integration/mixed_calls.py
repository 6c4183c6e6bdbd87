# SPDX-License-Identifier: Apache-2.0
"""Calls of every kind from many threads, each checked for its own answer and its own lines.

For test_crosstalk.py and test_leaks.py, and by hand, on a daemon of its own:

    python -m integration.mixed_calls [SECONDS [THREADS]]      in tests/, GATEHOUSE_BUILD_DIR set
"""
from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Callable
from urllib.parse import urlencode

from . import pickles
from .gatehoused import ANSWER_S, USER_CODE, Gatehoused

PROCESSES = ("default_process", "second", "third")
FUNCTIONS = {"concat": "things", "echo": "things", "boom": "things", "double": "things",
             "fail_later": "things", "countdown": "things", "async_countdown": "things",
             "talk": "things", "redirected": "talkers", "in_shared_pool": "talkers",
             "run_child": "talkers", "to_thread": "talkers", "in_tasks": "talkers"}


class Mixed:
    """One thread's client: a kept connection and its own order of calls."""

    def __init__(self, daemon: Gatehoused, seed: int, kinds: list[str] | None = None):
        self.daemon = daemon
        self.seed = seed
        self.random = random.Random(seed)
        self.connection: http.client.HTTPConnection | None = None
        self.calls = 0
        self.kinds = [getattr(self, name) for name in kinds or KINDS]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.daemon.host, self.daemon.port,
                                                         timeout=ANSWER_S)
        self.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        raw = answer.read()
        if self.random.randrange(50) == 0:  # sometimes another connection
            self.close()
        self.calls += 1
        return answer.status, raw

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def key(self, name: str) -> str:
        """The function, in one of the processes."""
        return f"{name}_{self.random.randrange(len(PROCESSES))}"

    def call(self, key: str, *args, run_name: str = "run", stream=False, serialization="none",
             method="call"):
        data: object = {"args": list(args)}
        if serialization == "json":
            data = json.dumps(data)
        elif serialization == "pickle":
            data = pickles.dumps({"args": list(args)})
        status, raw = self.ask("POST", f"/{key}/{method}", {
            "run_name": run_name, "data": data, "serialization": serialization,
            "stream_logs": stream})
        body = json.loads(raw)
        if serialization == "none" or body.get("output_type") != "result_serialized":
            return status, body
        return status, (pickles.loads if serialization == "pickle" else json.loads)(body["data"])

    def logs(self, key: str, run_name: str) -> str:
        status, raw = self.ask("POST", "/logs", {"run_name": run_name, "key": key})
        assert status == 200 and raw.isascii()
        return "".join("".join(json.loads(line)["data"]) for line in raw.splitlines())

    def step(self) -> None:
        self.random.choice(self.kinds)(f"{self.seed}-{self.calls}-{self.random.getrandbits(40)}")

    # -- the kinds; each gets a mark that no other call has

    def by_get(self, mark):
        query = urlencode({"a": mark, "b": "\u00e9&%=+"})
        assert self.ask("GET", f"/{self.key('concat')}/call?{query}&_bare=1") == (
            200, json.dumps(mark + "\u00e9&%=+", ensure_ascii=False).encode())

    def by_post(self, mark):
        for serialization in "none", "json", "pickle":
            value = [mark, {"n": self.random.random()}]
            found = self.call(self.key("echo"), value, serialization=serialization)
            assert found == (200, value), found

    def large(self, mark):
        value = mark * (300_000 // len(mark))
        assert self.call(self.key("echo"), value)[1] == value

    def coroutine(self, mark):
        number = hash(mark) % 10**9
        assert self.call(self.key("double"), number) == (200, 2 * number)

    def raising(self, mark):
        assert self.call(self.key("boom"), mark) == (500, {"detail": f"ValueError: {mark}"})
        status, body = self.call(self.key("fail_later"), mark, serialization="pickle")
        assert status == 200 and body["data"]["exception_as_str"] == mark

    def generator(self, mark):
        key = self.key("countdown")
        self.call(key, 2, run_name=f"g--{mark}", serialization="pickle")
        for i in 2, 1:
            run_name = f"s--{mark}-{i}"
            assert self.call(f"g--{mark}", run_name=run_name, stream=True, serialization="pickle",
                             method="remote_next") == (200, i)
            assert self.logs(key, run_name) == f"at {i}\n"
        assert self.ask("POST", "/delete_object", {"keys": [f"g--{mark}"]})[0] == 200

    def async_generator(self, mark):
        self.call(self.key("async_countdown"), 1, run_name=f"a--{mark}", serialization="pickle")
        assert self.call(f"a--{mark}", serialization="pickle", method="remote_anext") == (200, 1)
        assert self.ask("POST", "/delete_object", {"keys": [f"a--{mark}"]})[0] == 200

    def printing(self, mark):
        key, lines = self.key("talk"), [f"{mark} {i}" for i in range(self.random.randrange(5))]
        self.call(key, *lines, run_name=f"t--{mark}", stream=True)
        assert self.logs(key, f"t--{mark}") == "".join(line + "\n" for line in lines)

    def _printed(self, name, mark, wanted):
        key = self.key(name)
        answer = self.call(key, mark, run_name=f"p--{mark}", stream=True)
        assert answer[0] == 200, answer
        found = self.logs(key, f"p--{mark}")
        assert sorted(found.splitlines()) == sorted(wanted), (found, wanted)

    def redirecting(self, mark):
        self._printed("redirected", mark, [f"caught ['inside {mark}', 'inner {mark}', '']"])

    def pooled(self, mark):
        self._printed("in_shared_pool", mark, [f"{mark} {i}" for i in range(4)])

    def threaded_tasks(self, mark):
        self._printed("to_thread", mark,
                      [f"{mark} {i}" for i in ("loop", 0, 1, 2, "executor")])

    def tasks(self, mark):
        self._printed("in_tasks", mark, [f"{mark} {i}" for i in range(3)])

    def child(self, mark):
        self._printed("run_child", mark,
                      [f"{mark} {i}" for i in ("before", "out", "err", "last", "after")])

    def objects(self, mark):
        body = {"key": mark, "serialized_data": mark,
                "process_name": self.random.choice(PROCESSES)}
        assert self.ask("POST", "/object", body)[0] == 200
        assert json.loads(self.ask("GET", f"/object?key={mark}&serialization=none")[1]) == mark
        assert json.loads(self.ask("POST", "/delete_object", {"keys": [mark]})[1])["data"] == [mark]


KINDS = ["by_get", "by_post", "large", "coroutine", "raising", "generator", "async_generator",
         "printing", "redirecting", "pooled", "threaded_tasks", "tasks", "child", "objects"]


def deploy(daemon: Gatehoused) -> None:
    for number, process in enumerate(PROCESSES):
        daemon.post("/create_process", {"name": process})
        for name, file in FUNCTIONS.items():
            daemon.put_function(f"{name}_{number}", name, file=file, root=USER_CODE,
                                process=process)


def run(daemon: Gatehoused, threads: int, go_on: Callable[[Mixed], bool],
        kinds: list[str] | None = None) -> int:
    """THREADS of mixed calls, each as long as GO_ON says. Returns the number of requests; raises
    the first error of any."""
    clients = [Mixed(daemon, seed, kinds) for seed in range(threads)]
    errors: list[BaseException] = []

    def work(client: Mixed) -> None:
        try:
            while not errors and go_on(client):
                client.step()
        except BaseException as error:
            errors.append(error)
        finally:
            client.close()

    running = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]
    return sum(client.calls for client in clients)


def size_of(pid: int) -> tuple[int, int, int]:
    """Resident KiB, descriptors and threads of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return (int(fields["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")),
            int(fields["Threads"]))


def sizes(daemon: Gatehoused) -> dict[str, tuple[int, int, int]]:
    found = {"daemon": size_of(daemon.pid)}
    for name in PROCESSES:
        found[name] = size_of(daemon.worker_pid(name))
    return found


def main(seconds: float = 60, threads: int = 32) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        daemon = Gatehoused(Path(folder) / "gatehoused").start()
        try:
            deploy(daemon)
            for part in range(3):
                end = time.monotonic() + seconds / 3
                start, calls = time.monotonic(), run(daemon, threads, lambda _: time.monotonic() < end)
                took = time.monotonic() - start
                print(f"{calls} requests, {calls / took:.0f}/s; KiB, fds, threads: {sizes(daemon)}",
                      flush=True)
            assert not daemon.trouble(), daemon.trouble()
            daemon.stop()
        finally:
            print("\n".join(line for line in daemon.log().splitlines() if "boom_" not in line and "process.ready" not in line)[-3000:])
            daemon.kill()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *map(int, sys.argv[2:3]))
