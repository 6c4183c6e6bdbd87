# SPDX-License-Identifier: Apache-2.0
"""Generators, coroutines, output and time: what the cases of tests/compat/peer send to a server."""
import asyncio
import collections
import logging
import subprocess
import sys
import threading
import time

from peer_functions import WithCode, later, made


# ---------------------------------------------------------------- lazy results

events = []


def seen_events():
    return list(events)


def forget_events():
    events.clear()


def numbers(n):
    try:
        for i in range(n):
            yield i
    except GeneratorExit:
        events.append("generator exit")
        raise
    finally:
        events.append("finally")


def endless():
    i = 0
    try:
        while True:
            yield i
            i += 1
    finally:
        events.append(f"endless ended at {i}")


def answering():
    """Yields what was sent, doubled."""
    got = yield "ready"
    while got is not None:
        got = yield got * 2
    return "the end"


def catching():
    while True:
        try:
            yield "waiting"
        except ValueError as error:
            yield f"caught {error}"


def catches_exit():
    try:
        yield 1
        yield 2
    except GeneratorExit:
        events.append("caught exit")


def fails_midway(n):
    yield from range(n)
    raise WithCode("midway", code=n)


def delegating():
    got = yield from numbers(2)
    yield from "ab"
    yield got


def returns_generator(n):
    return (i * i for i in range(n))


def maybe_generator(lazy):
    return numbers(2) if lazy else [0, 1]


def printing_generator(n):
    print("before the first")
    for i in range(n):
        print(f"step {i}")
        yield i
    print("after the last")


def yields_all():
    for kind in ("plain", "colour", "lambda", "recursive list"):
        yield made(kind)


def yields_unpicklable():
    yield 1
    yield threading.Lock()
    yield 3


def yields_none():
    yield None
    yield 0


def slow_generator(n, seconds):
    for i in range(n):
        time.sleep(seconds)
        yield i


async def later_none():
    await asyncio.sleep(0)


async def later_prints(x):
    print(f"before {x}")
    await asyncio.sleep(0.02)
    print(f"after {x}")
    return x


async def sleep_later(seconds):
    await asyncio.sleep(seconds)
    return seconds


async def in_one_loop():
    return id(asyncio.get_running_loop())


def returns_coroutine(x):
    return later(x)


async def async_numbers(n):
    try:
        for i in range(n):
            await asyncio.sleep(0)
            yield i
    finally:
        events.append("async finally")


async def async_fails_midway(n):
    for i in range(n):
        yield i
    raise WithCode("async midway", code=n)


async def async_printing(n):
    for i in range(n):
        print(f"async step {i}")
        yield i


async def async_answering():
    got = yield "ready"
    while got is not None:
        got = yield got * 2


async def gathers(n):
    return await asyncio.gather(*[later(i) for i in range(n)])


async def returns_generator_later(n):
    return (i for i in range(n))


async def returns_coroutine_later(x):
    return later(x)


async def uses_task():
    task = asyncio.ensure_future(later(3))
    return await asyncio.wait_for(task, 5)


async def times_out():
    await asyncio.wait_for(asyncio.sleep(30), 0.01)


def runs_its_own_loop(x):
    return asyncio.run(later(x))


def returns_future():
    from concurrent.futures import Future
    future = Future()
    future.set_result(1)
    return future


# ---------------------------------------------------------------- output


def prints(*lines):
    for line in lines:
        print(line)
    return len(lines)


def prints_raw(text):
    sys.stdout.write(text)
    sys.stdout.flush()
    return len(text)


def prints_to_stderr(text):
    print(text, file=sys.stderr)


def prints_and_fails(text):
    print(text)
    raise ValueError(text)


def prints_many(n):
    for i in range(n):
        print(f"line {i}")


def prints_in_thread(text):
    thread = threading.Thread(target=print, args=(text,))
    thread.start()
    thread.join()


def logs(level, text):
    logging.getLogger("peer.logs").log(getattr(logging, level), text)


def logs_with_traceback():
    try:
        1 / 0
    except ZeroDivisionError:
        logging.getLogger("peer.logs").exception("it failed")


def prints_and_sleeps(text, n, seconds):
    for i in range(n):
        print(f"{text} {i}")
        time.sleep(seconds)


def shows_progress(n):
    from tqdm import tqdm
    total = 0
    for i in tqdm(range(n), desc="counting"):
        total += i
    return total


def prints_with_pprint(value):
    import pprint
    pprint.pprint(value)


def subprocess_prints(text):
    return subprocess.run(["echo", text], capture_output=True, text=True).stdout


# ---------------------------------------------------------------- time


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


_barriers = {}
_barriers_lock = threading.Lock()


def meets(name, n):
    """Returns only when N calls are here at once."""
    with _barriers_lock:
        barrier = _barriers.setdefault(name, threading.Barrier(n))
    return barrier.wait(20) >= 0


_events = collections.defaultdict(asyncio.Event)


async def waits_for(name):
    await asyncio.wait_for(_events[name].wait(), 20)
    return name


async def releases(name):
    _events[name].set()
