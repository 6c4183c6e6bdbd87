# SPDX-License-Identifier: Apache-2.0
"""What the tests with the real client send to the server."""
import asyncio
import concurrent.futures
import logging
import os
import subprocess
import sys
import threading
import time


def concat(a: str, b: str):
    return a + b


def talk(words):
    for word in words:
        print(word)
    print("and that was all", file=sys.stderr)
    return len(words)


def log_something(text):
    logging.getLogger("talker").warning("logged %s", text)


class OwnError(Exception):
    def __init__(self, text, code=0):
        super().__init__(text)
        self.code = code


def fail_builtin(text):
    return {}[text]


def fail_own(text, code):
    raise OwnError(text, code)


def returns_none():
    return None


def echo(value):
    return value


def countdown(n):
    while n:
        print(f"at {n}")
        yield n
        n -= 1


async def double_later(x):
    await asyncio.sleep(0.01)
    return x * 2


async def async_countdown(n):
    while n:
        await asyncio.sleep(0)
        yield n
        n -= 1


def lazy_double(x):
    return double_later(x)


def getenv(name):
    return os.environ.get(name)


def first_line_then_wait(release):
    print("first line")
    while not os.path.exists(release):
        time.sleep(0.005)
    print("last line")


class Account:
    bank = "gatehouse"

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        print(f"{self.owner} has {self.balance}")
        return self.balance

    @property
    def summary(self):
        return f"{self.owner}: {self.balance}"

    async def deposit_later(self, amount):
        await asyncio.sleep(0.01)
        return self.deposit(amount)

    def forecast(self, n):
        for i in range(n):
            yield self.balance + i

    @staticmethod
    def currency():
        return "EUR"

    @classmethod
    def describe(cls):
        return cls.bank

    def overdraw(self):
        raise OwnError("no money", code=self.balance)


def deposit_with(account, amount):
    return account.deposit(amount)


def talk_by_all_means(mark):
    """What a person sees of it: one ordered text."""
    print(mark, "print")
    subprocess.run(["sh", "-c", f"echo {mark} child; echo {mark} child err >&2"])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(print, mark, "pool").result()
    thread = threading.Thread(target=print, args=(mark, "thread"))
    thread.start()
    thread.join()
    os.system(f"echo {mark} shell")
    for i in range(3):
        sys.stderr.write(f"\r{mark}: {i * 50}%|{'#' * i:2}| {i}/2 [00:00<00:00]")
        sys.stderr.flush()
    print(f"\n{mark} end")
