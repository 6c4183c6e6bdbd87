# SPDX-License-Identifier: Apache-2.0
"""Memory and descriptors of daemon and workers stay where they are, whatever is done again and again.

The short form sees what grows with each request. GATEHOUSE_LEAKS=50 does fifty times as much, by hand
(-s prints the sizes).
"""
from __future__ import annotations

import json
import os

import pytest

from . import mixed_calls
from .gatehoused import SETTLE_S, wait_until
from .raw import Wire, head

TIMES = int(os.environ.get("GATEHOUSE_LEAKS") or 1)
SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no")
GROWTH_KIB = {"daemon": 2000, "worker": 4000}  # what allocators keep; a real leak outgrows it

DAEMON_OPTIONS = {"args": ["--logs-wait-ms", "50"]}


@pytest.fixture
def stays_flat(daemon):
    """stays_flat(do, count): do(count) to warm up, then thrice as much must add nothing."""
    mixed_calls.deploy(daemon)

    def check(do, count: int) -> None:
        do(count)
        before = mixed_calls.sizes(daemon)
        do(3 * count * TIMES)
        found = {}

        def is_flat() -> bool:
            found.update(mixed_calls.sizes(daemon))
            return not grown(before, found)
        try:
            wait_until("sizes as they were", is_flat, SETTLE_S)
        except AssertionError:
            raise AssertionError(f"{grown(before, found)}: {before} became {found}") from None
        finally:
            print(f"{3 * count * TIMES} times: KiB, descriptors, threads {before} -> {found}")
    return check


def grown(before, after) -> list[str]:
    wrong = []
    for name, (kib, fds, _) in after.items():
        limit = GROWTH_KIB["daemon" if name == "daemon" else "worker"]
        if kib - before[name][0] > limit and not SANITIZED:
            wrong.append(f"{name} has {kib - before[name][0]} KiB more")
        if fds > before[name][1] + 2:  # a connection or a child of this moment
            wrong.append(f"{name} has {fds - before[name][1]} descriptors more")
    return wrong


@pytest.mark.timeout(180 * TIMES)
def test_mixed_calls(daemon, stays_flat):
    def do(count):
        mixed_calls.run(daemon, 8, lambda client: client.calls < count / 8)
    stays_flat(do, 700)


@pytest.mark.timeout(180 * TIMES)
def test_objects_put_and_deleted(daemon, stays_flat):
    def do(count):
        mixed_calls.run(daemon, 4, lambda client: client.calls < 3 * count / 4, ["objects"])
    stays_flat(do, 100)


@pytest.mark.timeout(180 * TIMES)
def test_log_streams_whole_broken_off_and_of_nothing(daemon, stays_flat):
    def do(count):
        client = mixed_calls.Mixed(daemon, 1)
        for i in range(count // 4):
            name = f"run{i % 200}"
            client.call("talk_0", "x" * 1000, run_name=name, stream=True)
            assert client.logs("talk_0", name) == "x" * 1000 + "\n"
            assert client.logs("talk_0", name)  # once more: after the wait for a next run
            body = json.dumps({"run_name": f"never{i % 200}", "key": "talk_0"}).encode()
            with Wire(daemon) as wire:
                wire.send(head(daemon, "POST", "/logs", f"Content-Length: {len(body)}") + body)
                wire.read_head()
            with Wire(daemon) as wire:
                wire.send(head(daemon, "POST", "/logs", f"Content-Length: {len(body)}") + body)
        client.close()
    stays_flat(do, 40)


@pytest.mark.timeout(180 * TIMES)
def test_processes_made_and_killed(daemon, stays_flat):
    def do(count):
        for i in range(count):
            assert daemon.post("/create_process", {"name": f"p{i % 5}"}).status == 200
            if i % 3 == 0:
                daemon.put_function(f"talk_p{i}", "talk", process=f"p{i % 5}")
            assert daemon.post("/kill_process", {"process_name": f"p{i % 5}"}).status == 200
    stays_flat(do, 5)
