# SPDX-License-Identifier: Apache-2.0
"""Generators, async generators, coroutines, async methods, cancel."""

import json
import sys
import threading
import time

import pytest
from workerkit import BARE, calls
from gatehouse import errors, expiry, objects
from gatehouse.current import Process

RUN = "x_call--20261122--080244_941874"


@pytest.fixture
def demo(w, write):
    write("""
        import asyncio, threading, time
        def gen(n=3):
            try:
                for i in range(n):
                    got = yield i * 10
                    if got: yield got
            finally:
                closed.append(1)
        closed = []
        async def agen(n=3):
            for i in range(n):
                await asyncio.sleep(0)
                yield i
        async_closed = threading.Event()
        async def agen_closed():
            try:
                yield 1
            finally:
                async_closed.set()
        async def coro(x, d=0):
            await asyncio.sleep(d)
            return x * 2
        async def acoro_boom():
            raise KeyError("async")
        async def aleave():
            raise SystemExit(2)
        def returns_coro(x):
            return coro(x)
        def bad_gen():
            yield 1
            raise ValueError("mid")
        def spin():
            started.set()
            while True:
                pass
        started = threading.Event()
        async def hang():
            started.set()
            await asyncio.sleep(60)
        async def stubborn():
            started.set()
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    return "cleaned up"
        entered = threading.Event()
        entered.leave = threading.Event()
        def waiting_gen():
            entered.set()
            entered.leave.wait()
            yield "left"
        def slow_gen():
            while True:
                time.sleep(0.05)
                yield threading.get_ident()
        """)
    for (
        name
    ) in "gen agen agen_closed coro acoro_boom aleave returns_coro bad_gen spin hang stubborn slow_gen waiting_gen".split():
        w.put_function(name)
    return w


def start(w, name, *args):
    reply = w.call_as("pickle", name, "call", args, run_name=RUN)
    assert reply.output_type == "result_serialized"
    return reply.value


def test_generator(demo):
    handle = start(demo, "gen", 2)
    config = handle.config()
    assert config["name"] == RUN and config["resource_subtype"] == "GeneratorModule"
    assert vars(handle)["_future"] is None
    assert demo.call(RUN, "remote_next").value == 0
    assert demo.call(RUN, "remote_next").value == 10
    for _ in range(2):
        reply = demo.call(RUN, "remote_next")
        assert reply.output_type == "exception" and isinstance(reply.value, StopIteration)
    event = json.loads(demo.events(35)[-1])
    assert (
        event["type"] == "runhouse.resources.future_module.GeneratorModule" and event["key"] == RUN
    )


def test_send_throw_close(demo):
    start(demo, "gen", 5)
    demo.call(RUN, "remote_next")
    assert demo.call(RUN, "send", "hello").value == "hello"
    reply = demo.call(RUN, "throw", ValueError, "thrown")
    assert isinstance(reply.value, ValueError) and reply.value.args == ("thrown",)
    start(demo, "gen", 5)
    demo.call(RUN, "remote_next")
    assert demo.call(RUN, "close").body["output_type"] == "success"
    assert sys.modules["demo"].closed
    assert demo.call_as("json", RUN, "remote_next").status == 410
    assert demo.call(RUN, "close").body["output_type"] == "success"


def test_an_exception_inside_a_generator(demo):
    start(demo, "bad_gen")
    assert demo.call(RUN, "remote_next").value == 1
    assert isinstance(demo.call(RUN, "remote_next").value, ValueError)
    assert isinstance(demo.call(RUN, "remote_next").value, StopIteration)


def wait_until_dropped(demo):
    end = time.monotonic() + 20
    while RUN in objects.entries:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert demo.events(36)[-1] == RUN.encode()


@pytest.mark.parametrize("ending", ["its end", "close", "an exception"])
def test_ended_ones_are_dropped_after_a_while(demo, monkeypatch, ending):
    monkeypatch.setattr(Process, "lazy_keep_s", 0.2)
    start(demo, "bad_gen" if ending == "an exception" else "gen")
    demo.call(RUN, "remote_next")
    if ending == "close":
        demo.call(RUN, "close")
    while ending != "close" and demo.call(RUN, "remote_next").output_type != "exception":
        pass
    wait_until_dropped(demo)


def test_an_abandoned_generator_is_closed(demo, monkeypatch):
    monkeypatch.setattr(Process, "lazy_idle_s", 0.2)
    start(demo, "gen")
    demo.call(RUN, "remote_next")
    wait_until_dropped(demo)
    assert sys.modules["demo"].closed == [1]


def test_an_abandoned_async_generator_is_closed(demo, monkeypatch):
    monkeypatch.setattr(Process, "lazy_idle_s", 0.2)
    start(demo, "agen_closed")
    demo.call(RUN, "remote_anext")
    wait_until_dropped(demo)
    assert sys.modules["demo"].async_closed.wait(20)


def test_an_abandoned_coroutine_is_never_run(demo, monkeypatch):
    monkeypatch.setattr(Process, "lazy_idle_s", 0.1)
    start(demo, "returns_coro", 3)
    wait_until_dropped(demo)


def test_a_long_step_is_no_abandonment(demo, monkeypatch):
    monkeypatch.setattr(Process, "lazy_idle_s", 2)
    start(demo, "waiting_gen")
    seen = []
    step = threading.Thread(target=lambda: seen.append(demo.call(RUN, "remote_next").value))
    step.start()
    entered = sys.modules["demo"].entered
    assert entered.wait(20)
    monkeypatch.setattr(Process, "lazy_idle_s", 0.01)  # from here on every wait is too long
    with expiry._changed:
        expiry._changed.notify()
    assert not entered.leave.wait(0.2)
    entered.leave.set()
    step.join()
    assert seen == ["left"]


def test_a_deleted_generator_is_closed_at_once(demo):
    start(demo, "gen")
    demo.call(RUN, "remote_next")
    objects.drop(RUN)
    assert sys.modules["demo"].closed == [1]


def test_nobody_watches_when_there_is_nothing_to_watch(demo, monkeypatch):
    monkeypatch.setattr(Process, "lazy_keep_s", 0)
    for lazy in list(expiry._watched):  # of other tests, whose store was thrown away whole
        expiry.forget(lazy)
    start(demo, "gen", 0)
    demo.call(RUN, "remote_next")
    wait_until_dropped(demo)
    end = time.monotonic() + 20
    while any(thread.name == "gatehouse-expiry" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_steps_never_overlap(demo):
    start(demo, "slow_gen")
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(demo.call(RUN, "remote_next")))
        for _ in range(3)
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert all(reply.output_type == "result_serialized" for reply in results)


def test_async_function_is_awaited(demo):
    assert demo.call("coro", "call", 4).value == 8
    assert demo.call_as("json", "coro", "call", [4]).value == 8
    assert demo.call_as("none", "coro", "call", [4]).value == 8
    assert isinstance(demo.call("acoro_boom", "call").value, KeyError)
    assert isinstance(demo.call("aleave", "call").value, SystemExit)
    assert demo.call("coro", "call", 1).value == 2


def test_async_generator(demo):
    handle = start(demo, "agen", 2)
    assert handle.config()["resource_subtype"] == "AsyncGeneratorModule"
    assert [demo.call(RUN, "remote_anext").value for _ in range(2)] == [0, 1]
    assert isinstance(demo.call(RUN, "remote_anext").value, StopAsyncIteration)
    assert demo.call_as("json", RUN, "remote_anext").status == 410


def test_async_generator_steps_wait_for_each_other(demo):
    start(demo, "agen", 3)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(demo.call(RUN, "remote_anext").value))
        for _ in range(3)
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(results) == [0, 1, 2]


def test_future(demo):
    handle = start(demo, "returns_coro", 3)
    assert handle.config()["resource_subtype"] == "FutureModule"
    assert demo.call(RUN, "done").value is False
    assert demo.call(RUN, "remote_await").value == 6
    assert demo.call(RUN, "remote_await").value == 6
    assert demo.call(RUN, "done").value is True
    start(demo, "returns_coro", 3)
    assert demo.call(RUN, "cancel").value is True
    assert demo.call(RUN, "cancelled").value is True


def test_lazy_results_without_the_sdk(demo):
    for mode in ("json", "none"):
        value = demo.call_as(mode, "gen", "call", [1], run_name=RUN).value
        assert value == {"run_name": RUN, "type": "generator", "next": "/%s/remote_next" % RUN}
        assert demo.call_as(mode, RUN, "remote_next").value == 0
        assert demo.call_as(mode, RUN, "remote_next").status == 410
        assert demo.call_as(mode, "returns_coro", "call", [4]).value == 8


def test_bare_collects(demo):
    assert demo.raw("call", "none", BARE, "gen", "call", RUN, b'{"n": 3}').value == [0, 10, 20]
    assert demo.raw("call", "none", BARE, "agen", "call", RUN, b'{"n": 2}').value == [0, 1]


def test_async_methods(w, write):
    write("""
        class Counter:
            def __init__(self): self.value = 0
            async def ainc(self, by=1):
                self.value += by
                return self.value
            async def aitems(self, n):
                for i in range(n): yield i
            async def _hidden(self): return 5
        """)
    signature = {"ainc": {"async": True, "gen": False}, "aitems": {"async": True, "gen": True}}
    w.put_class("c", "Counter", signature=signature)
    w.call("c", "_remote_init")
    assert w.call("c", "ainc", 2).value == 2
    assert (
        w.call_as("pickle", "c", "aitems", [2], run_name=RUN).value.config()["resource_subtype"]
        == "AsyncGeneratorModule"
    )
    # Not in the signature: a handle, as upstream has it.
    assert (
        w.call_as("pickle", "c", "_hidden", run_name=RUN + "2").value.config()["resource_subtype"]
        == "FutureModule"
    )
    assert w.call_as("json", "c", "_hidden").value == 5


# ---------------------------------------------------------------- cancel


def call_in_thread(w, name, call_id):
    assert w.call("coro", "call", 1).value == 2
    started = sys.modules["demo"].started
    replies = []
    thread = threading.Thread(
        target=lambda: replies.append(w.call_as("pickle", name, "call", call_id=call_id))
    )
    thread.start()
    while not started.wait(0.05):
        started = sys.modules["demo"].started
    return thread, replies


@pytest.mark.parametrize("name", ["spin", "hang"])
def test_cancel_ends_a_call(demo, name):
    thread, replies = call_in_thread(demo, name, 900001)
    calls.cancel(900001)
    thread.join(5)
    assert isinstance(replies[0].value, RuntimeError) and "cancelled" in str(replies[0].value)
    assert demo.call("coro", "call", 1).value == 2 and not calls.running and not calls._cancelled


def test_a_coroutine_may_clean_up(demo):
    thread, replies = call_in_thread(demo, "stubborn", 900002)
    calls.cancel(900002)
    thread.join(5)
    assert replies[0].value == "cleaned up"


def test_cancel_of_an_unknown_call_is_nothing(demo):
    calls.cancel(123456789)


def test_cancels_never_hit_the_next_call(demo, write):
    """Cancels racing with the ends of short calls: every call answers, none of the later ones is
    hit.
    """
    write("def tiny(): return 7\n", "tiny.py")
    demo.put_function("tiny", module="tiny")
    done = threading.Event()

    def canceller():
        while not done.is_set():
            for call_id in list(calls.running):
                calls.cancel(call_id)

    thread = threading.Thread(target=canceller)
    thread.start()
    for _ in range(3000):
        reply = demo.call("tiny", "call")
        assert reply.output_type in ("result_serialized", "exception")
    done.set()
    thread.join()
    for _ in range(200):
        assert demo.call("tiny", "call").value == 7
    assert errors.CallCancelled
