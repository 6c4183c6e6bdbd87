# SPDX-License-Identifier: Apache-2.0
"""Calls through the extension: answers, threads, logs, large bodies, forks, bad frames."""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import struct
import time

import pytest
from ext_worker import modules, needs_build, start, worker  # noqa: F401
from fake_daemon import (CALL, CANCEL, FAILED, GET_OBJECT, HEAD, JSON, KEY_PUT, LOG, NONE, PICKLE,
                         RENAME, RESULT, SET_ENV, STOP, STREAM_LOGS, FakeDaemon)

pytestmark = needs_build


# ------------------------------------------------------------ answers


def test_handle_sees_the_whole_request(worker):
    call_id = worker.send(RENAME, "käy", "métho/d", "run 7", b'{"a": 1}', PICKLE, STREAM_LOGS)
    frame = worker.receive()
    assert (frame.kind, frame.call_id, frame.status, frame.outcome) == (RESULT, call_id, 200, 0)
    assert json.loads(frame.answer) == [6, 2, 1, "käy", "métho/d", "run 7", '{"a": 1}']


def test_no_data_is_none(worker):
    worker.send(GET_OBJECT, "k", serialization=NONE)
    assert json.loads(worker.receive().answer) == [5, 0, 0, "k", "", "", None]


def test_long_and_repeated_names(worker):
    for name in ["k" * 46, "k" * 47, "k" * 65535, "", "k", "k" * 46]:
        worker.send(GET_OBJECT, name)
        assert json.loads(worker.receive().answer)[3] == name


def test_a_tuple_sets_status_and_outcome(worker):
    returned = b'(404, 2, (b"a", b"", bytearray(b"bc"), memoryview(b"d")))'
    assert worker.call("wrong", returned).body == struct.pack("<HBB", 404, 2, 0) + b"abcd"


@pytest.mark.parametrize("name", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_what_handle_raises_is_a_500(worker, name):
    frame = worker.call("raises", b'"%s"' % name.encode())
    assert (frame.status, frame.outcome) == (500, 1)
    assert json.loads(frame.answer) == {"detail": name + ': because "of" this'}
    assert worker.call("echo", b"1").answer == b"1"


@pytest.mark.parametrize("value", [b"7", b"'text'", b"(200, 0)", b"(20, 0, b'')", b"(200, 9, b'')",
                                   b"(200, 0, 'text')", b"('a', 0, b'')", b"(200, 0, (b'',) * 17)",
                                   b"(200, 0, (b'x', 5))"])
def test_what_handle_must_not_return_is_a_500(worker, value):
    frame = worker.call("wrong", value)
    assert (frame.status, frame.outcome) == (500, 1)
    assert set(json.loads(frame.answer)) == {"detail"}


def test_replies_from_another_thread(worker):
    frame = worker.call("later", b'"x"')
    assert (frame.status, frame.answer) == (201, b'"x"')


def test_an_unflushed_reply_leaves_by_itself(worker):
    assert worker.call("unflushed", b"5").answer == b"5"


# ------------------------------------------------------------ threads


def test_a_slow_call_delays_nobody(worker):
    waiting = {worker.send(CALL, "k", "sleep", data=b"2000") for _ in range(20)}
    echo = worker.send(CALL, "k", "echo", data=b"1")
    assert worker.receive().call_id == echo
    while waiting:
        waiting.remove(worker.receive().call_id)


def test_finished_replies_do_not_wait_behind_a_slow_call(worker):
    fast = [worker.encode(CALL, 100 + n, "k", "echo", data=b"1") for n in range(5)]
    worker.send_raw(b"".join(fast) + worker.encode(CALL, 200, "k", "sleep", data=b"2000"))
    assert [worker.receive().call_id for _ in fast] == [100, 101, 102, 103, 104]
    assert not worker.has_more()  # they did not come with the slow one
    assert worker.receive().call_id == 200


def test_surplus_threads_end(worker):
    slow = {worker.send(CALL, "k", "sleep", data=b"300") for _ in range(100)}
    while slow:
        slow.remove(worker.receive().call_id)
    names = json.loads(worker.call("threads").answer)
    assert sum(name.startswith("gatehouse-") for name in names) <= 70  # of 100: at most 64 idle ones stay


def test_set_env_comes_before_the_next_call(worker):
    worker.send(SET_ENV, data=b'{"GATEHOUSE_TEST": "yes"}', serialization=NONE)
    assert worker.call("environ", b'"GATEHOUSE_TEST"').answer == b'"yes"'


def test_cancel_reaches_the_thread_of_the_call(worker):
    call_id = worker.send(CALL, "k", "spin", data=b"20000")
    time.sleep(0.05)
    worker.send(CANCEL, call_id=call_id)
    frame = worker.receive()
    assert (frame.call_id, frame.status, frame.answer) == (call_id, 499, b'"cancelled"')
    assert worker.call("echo", b"1").answer == b"1"


def test_cancel_may_come_with_an_empty_body(worker):
    worker.send_raw(HEAD.pack(0, CANCEL, 0, 12345))
    assert worker.call("echo", b"1").answer == b"1"


def test_computing_calls_share_the_interpreter(worker):
    spins = {worker.send(CALL, "k", "spin", data=b"300") for _ in range(3)}
    assert worker.call("echo", b"1").answer == b"1"
    while spins:
        spins.discard(worker.receive().call_id)


def test_an_idle_worker_sleeps(worker):
    worker.call("echo", b"1")
    time.sleep(0.1)
    before = worker.cpu_seconds()
    time.sleep(0.5)
    assert worker.cpu_seconds() - before < 0.001


@pytest.mark.parametrize("width", [1, 7, 300])
def test_mixed_calls_are_neither_lost_nor_crossed(worker, width):
    """Each answer carries the number of its call; lengths vary around every limit."""
    total = int(os.environ.get("GATEHOUSE_TEST_CALLS", 20000)) if width > 1 else 2000
    chance = random.Random(width)
    expected: dict[int, bytes] = {}
    sent = answered = 0
    while answered < total:
        batch = b""
        while len(expected) < width and sent < total:
            sent += 1
            call_id = 1000 + sent
            kind = chance.random()
            if kind < 0.004:
                method, data = "sleep", b"%d" % chance.choice([1, 2, 3, 20])
            elif kind < 0.006:
                method, data = "spin", b"%d" % chance.choice([1, 2, 5])
            elif kind < 0.05:
                method, data = "later", b'"%d"' % call_id
            else:
                method, data = "echo", b'"%d%s"' % (call_id, b"x" * chance.choice([0, 1, 50, 5000]))
            expected[call_id] = data
            batch += worker.encode(CALL, call_id, chance.choice(["k", "other"]), method, "", data)
        if batch:
            worker.send_raw(batch)
        frame = worker.receive()
        assert frame.kind == RESULT
        assert frame.answer == expected.pop(frame.call_id)
        answered += 1
    assert not expected


# ------------------------------------------------------------ logs and events


def test_logs_come_in_order_and_before_the_result(worker):
    calls = {worker.send(CALL, "k", "lines", data=b"2000", flags=STREAM_LOGS): [b"", b""]
             for _ in range(5)}
    done = set()
    while len(done) < len(calls):
        frame = worker.receive()
        assert frame.call_id not in done
        if frame.kind == RESULT:
            done.add(frame.call_id)
        else:
            assert frame.kind == LOG and frame.body[1:4] == bytes(3)
            calls[frame.call_id][frame.body[0] - 1] += frame.body[4:]
    for texts in calls.values():
        for which in range(2):
            assert texts[which] == b"".join(b"line %d\n" % n for n in range(which, 2000, 2))


def test_a_log_does_not_wait_for_its_call(worker):
    call_id = worker.send(CALL, "k", "print_then_sleep", data=b"2000")
    frame = worker.receive()
    assert (frame.kind, frame.call_id, frame.body) == (LOG, call_id, b"\1\0\0\0before")
    assert not worker.has_more()  # it did not come with the result
    assert worker.receive().kind == RESULT


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_long_logs_are_cut_between_characters(worker, character):
    text = "x" + character * 100_000
    call_id = worker.send(CALL, "k", "log_text", data=json.dumps(text).encode())
    pieces = [frame.body[4:] for frame in worker.frames_until(call_id)][:-1]
    assert len(pieces) > 1 and all(len(piece) <= 1 << 16 for piece in pieces)
    assert "".join(piece.decode() for piece in pieces) == text


def test_a_lone_surrogate_can_be_logged(worker):
    call_id = worker.send(CALL, "k", "log_text", data=b'"a\\ud800b"')
    assert next(worker.frames_until(call_id)).body[4:] == b"a\\ud800b"


def test_a_worker_waits_for_a_daemon_that_does_not_read(worker):
    """More than the outbox may hold, while nobody reads: no growth without bound, nothing lost."""
    count = 60
    calls = [worker.send(CALL, "k", "big", data=b"250000") for _ in range(count)]
    time.sleep(0.5)
    with open(f"/proc/{worker.process.pid}/status") as status:
        rss_kib = int(status.read().split("VmRSS:")[1].split()[0])
    assert rss_kib < 100_000
    assert {worker.receive().call_id for _ in calls} == set(calls)


# ------------------------------------------------------------ large bodies


@pytest.mark.parametrize("size", [INLINE - 1 for INLINE in (262144, 262145, 262146, 1 << 20)])
def test_bodies_around_the_inline_limit(worker, size):
    data = b'"' + b"x" * (size - 2) + b'"'
    frame = worker.call("echo", data)
    assert frame.answer == data
    assert (frame.large is not None) == (size > 262144)


def test_64_mib_both_ways(worker):
    data = b'"' + os.urandom(1 << 20).hex().encode() * 32 + b'"'
    assert worker.call("echo", data).answer == data


def test_a_large_pickle_is_encoded_in_chunks(worker):
    size = 64 << 20
    worker.call("echo", b"1")
    assert worker.call("big_base64", b"%d" % size).answer[2:-2].replace(b"\\n", b"") == \
        base64.b64encode(bytes(size))
    with open(f"/proc/{worker.process.pid}/status") as status:
        peak_kib = int(status.read().split("VmHWM:")[1].split()[0])
    assert peak_kib < (size >> 10) + 40_000


def test_shared_memory_is_released_with_its_last_view(worker):
    def mappings() -> int:
        with open(f"/proc/{worker.process.pid}/maps") as maps:
            return maps.read().count("memfd:")

    data = b'"' + b"x" * 300_000 + b'"'
    assert worker.call("keep", data).answer == b"%d" % len(data)
    assert mappings() == 1
    worker.call("drop")
    assert mappings() == 0


def test_no_descriptor_is_left_behind(worker):
    worker.call("echo", b"1")
    before = worker.open_fds()
    data = b'"' + b"x" * 300_000 + b'"'
    for _ in range(50):
        worker.call("echo", data)
    worker.call("later", data)
    until = time.monotonic() + 5
    while worker.open_fds() != before and time.monotonic() < until:
        time.sleep(0.01)  # our copy can be here before the worker has closed its own
    assert worker.open_fds() == before


# ------------------------------------------------------------ forks


def test_a_forked_child_has_no_way_to_the_daemon(worker):
    frames = list(worker.frames_until(worker.send(CALL, "k", "fork_fds")))
    assert [frame.kind for frame in frames] == [RESULT]
    names, taken = json.loads(frames[0].answer)
    assert taken is False
    assert not [name for name in names if "socket" in name or "memfd" in name]


def test_a_forked_child_that_returns_goes_away(worker):
    frames = list(worker.frames_until(worker.send(CALL, "k", "fork_and_return")))
    assert [(frame.kind, frame.body[4:]) for frame in frames] == [(RESULT, b'"parent"')]
    assert worker.call("echo", b"1").answer == b"1"


# ------------------------------------------------------------ ends


def test_stop_sends_what_is_answered(modules):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send_raw(daemon.encode(CALL, 50, "k", "echo", data=b"1") + daemon.encode(STOP, 51))
        assert daemon.receive().call_id == 50
        assert daemon.process.wait(10) == 0
    assert daemon.output[0] == b"atexit ran\n"


def test_stop_right_before_the_hang_up_counts(modules):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send(STOP)
        daemon.sock.close()
        assert daemon.process.wait(10) == 0
    assert daemon.output[0] == b"atexit ran\n"


def test_failed_ends_the_worker(modules):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send(CALL, "k", "fail")
        frame = daemon.receive()
        assert (frame.kind, frame.body) == (FAILED, b"enough is enough")
        assert daemon.process.wait(10) == 70


@pytest.mark.parametrize("bad, word", [
    (HEAD.pack(0, 99, 0, 1), b"no frame"),
    (HEAD.pack(0, 0, 0, 1), b"no frame"),
    (HEAD.pack((1 << 20) + 1, CALL, 0, 1), b"no frame"),
    (HEAD.pack(0, CALL, 2, 1), b"no frame"),
    (HEAD.pack(24, CALL, 1, 1) + bytes(24), b"no frame"),  # says it has a descriptor
    (HEAD.pack(23, CALL, 0, 1) + bytes(23), b"decoded"),
    (HEAD.pack(24, CALL, 0, 1) + b"\x07" + bytes(23), b"decoded"),
    (HEAD.pack(0, RESULT, 0, 1), b"only workers"),
])
def test_a_peer_that_sends_nonsense_is_told_and_left(modules, bad, word):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send_raw(bad)
        frame = daemon.receive()
        assert frame.kind == FAILED and word in frame.body
        assert daemon.process.wait(10) == 70


def test_hello_must_come_first(modules):
    with start(modules) as daemon:
        daemon.send(CALL, "k", "echo")
        frame = daemon.receive()
        assert frame.kind == FAILED and b"HELLO" in frame.body
        assert daemon.process.wait(10) == 70


def test_frames_may_come_byte_by_byte(worker):
    for byte in worker.encode(CALL, 77, "k", "echo", data=b'"slow"'):
        worker.send_raw(bytes([byte]))
        time.sleep(0.0005)
    assert worker.receive().answer == b'"slow"'


# ------------------------------------------------------------ echo


def test_the_echo_runtime(modules):
    with FakeDaemon("--module-dir", str(modules), runtime="echo") as daemon:
        assert daemon.hello()["runtime"] == "echo"
        assert daemon.call("any", b'"x"').answer == b'"x"'
        assert daemon.call("any").answer == b"null"
        large = b'"' + b"x" * 3_000_000 + b'"'
        assert daemon.call("any", large).answer == large
        put = list(daemon.frames_until(daemon.send(4, "key", data=b"1")))
        assert [frame.kind for frame in put] == [KEY_PUT, RESULT]
        assert json.loads(put[0].body)["key"] == "key"
        daemon.send(CALL, "k", "crash")
        assert daemon.process.wait(10) == -6


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
