# SPDX-License-Identifier: Apache-2.0
"""The functions and the class that the transcripts call, as their requests and answers show them."""
import asyncio
import logging
import sys
import time


def concat(a: str, b: str):
    return a + b


def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    print(f"adding {a} and {b}")
    return a + b


def boom(msg="bad thing"):
    raise ValueError(msg)


class CustomErr(Exception):
    def __init__(self, code, msg=None):
        super().__init__(code if msg is None else msg)
        self.code = code


def boom_custom():
    raise CustomErr(7, "custom failure")


def none():
    return None


def noisy(n=3, delay=0.3):
    log = logging.getLogger(__name__)
    for i in range(n):
        print(f"line {i}")
        log.warning("log %d", i)
        print(f"err {i}", file=sys.stderr)
        time.sleep(delay)
    return n


def gen(n=3):
    for i in range(n):
        print(f"yielding {i}")
        yield i * 10


async def coro(x, d=0.1):
    await asyncio.sleep(d)
    return x * 2


async def agen(n=3):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def returns_coro(x):
    return coro(x)


class Counter:
    def __init__(self, start=0):
        self.value = start
        self.history = []

    def inc(self, by=1):
        self.value += by
        self.history.append(by)
        return self.value

    @property
    def doubled(self):
        return self.value * 2

    async def ainc(self, by=1):
        await asyncio.sleep(0.01)
        self.value += by
        return self.value

    def items(self, n=3):
        for i in range(n):
            yield self.value + i

    async def aitems(self, n=3):
        for i in range(n):
            await asyncio.sleep(0)
            yield self.value + i

    @classmethod
    def kind(cls):
        return "counter"

    @staticmethod
    def ping():
        return "pong"

    def fail(self):
        raise KeyError("nope")

    def _private(self):
        return "private!"
