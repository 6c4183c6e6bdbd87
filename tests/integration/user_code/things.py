# SPDX-License-Identifier: Apache-2.0
"""What the integration tests deploy and call."""
import asyncio
import logging
import os
import signal
import sys
import threading
import time
from typing import Dict, List, Optional


def concat(a: str, b: str):
    return a + b


def plain_concat(a, b):
    return a + b


def add(a: int, b: int = 2) -> int:
    print(f"adding {a} and {b}")
    return a + b


def typed(i: int = 0, f: float = 0.0, b: bool = False, s: str = "", l: List[int] = [],
          d: Dict[str, int] = {}, o: Optional[int] = None):
    return [i, f, b, s, l, d, o]


def echo(value=None):
    return value


def size_of(value):
    return len(value)


def make_text(length: int):
    return "x" * length


def boom(msg="bad thing"):
    raise ValueError(msg)


def own_error():
    raise OwnError("own text")


class OwnError(Exception):
    pass


def exit_now():
    sys.exit(3)


def stop_iteration():
    raise StopIteration


def unpicklable():
    return threading.Lock()


def getenv(name: str):
    return os.environ.get(name)


def where():
    return {"cwd": os.getcwd(), "executable": sys.executable, "prefix": sys.prefix,
            "base_prefix": sys.base_prefix, "version": list(sys.version_info[:3]),
            "path": sys.path, "argv0": sys.argv[0], "main": __name__}


def pid():
    return os.getpid()


def sleep(seconds: float):
    time.sleep(seconds)
    return seconds


def spin_until(path: str):
    """Holds the interpreter lock most of the time, until PATH exists."""
    while not os.path.exists(path):
        sum(range(1000))
    return "released"


def hold(started: str, release: str, result=None):
    """Says that it runs by making the file STARTED, and runs until RELEASE exists."""
    open(started, "w").close()
    while not os.path.exists(release):
        time.sleep(0.002)
    return result


def talk_and_hold(started: str, release: str):
    print("before")
    open(started, "w").close()
    while not os.path.exists(release):
        time.sleep(0.002)
    print("after")


async def hold_async(started: str, release: str):
    open(started, "w").close()
    while not os.path.exists(release):
        await asyncio.sleep(0.002)
    return "released"


def talk(*lines):
    for line in lines:
        print(line)
    return len(lines)


def talk_everywhere():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.getLogger("things.talker").warning("to the log")
    sys.stdout.write("without an end")


def talk_and_make_text(length: int):
    print("making it")
    return "x" * length


def talk_and_die(name: str):
    print("last words", flush=True)
    die_of(name)


def talk_much(count: int):
    for i in range(count):
        print(f"line {i}")


def die_of(name: str):
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(60)


def exit_with(code: int):
    os._exit(code)


async def double(x: int):
    await asyncio.sleep(0)
    return x * 2


async def fail_later(text: str):
    await asyncio.sleep(0)
    raise ValueError(text)


def countdown(n: int):
    while n:
        print(f"at {n}")
        yield n
        n -= 1


async def async_countdown(n: int):
    while n:
        await asyncio.sleep(0)
        yield n
        n -= 1


class Counter:
    """A class with state, as --module serves it: made without arguments."""

    def __init__(self, start: int = 0):
        self.value = start
        self.history = []

    def inc(self, by: int = 1):
        self.value += by
        self.history.append(by)
        return self.value

    @property
    def doubled(self):
        return self.value * 2

    async def ainc(self, by: int = 1):
        await asyncio.sleep(0)
        return self.inc(by)

    @staticmethod
    def ping():
        return "pong"

    @classmethod
    def kind(cls):
        return cls.__name__

    def fail(self):
        raise KeyError("nope")


def make_counter():
    """A factory: what it returns is served."""
    return Counter(start=100)


def child_pid():
    """A child that ends with its parent."""
    import subprocess
    children.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))
    return children[-1].pid


children: list = []


def burn_in_child(seconds: float, length: int):
    """A child that holds LENGTH bytes and has used SECONDS of CPU time once it says so."""
    import subprocess
    code = ("import sys, time\n"
            f"held = bytearray(b'x') * {length}\n"
            f"while time.process_time() < {seconds}: pass\n"
            "print('done', flush=True)\nsys.stdin.read()\n")
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    children.append(child)
    child.stdout.readline()
    return child.pid


def grandchild(length: int):
    """The pids of a shell and of the process below it, which holds LENGTH bytes."""
    import subprocess
    code = (f"held = bytearray(b'x') * {length}\nimport os, sys\n"
            "print(os.getppid(), os.getpid(), flush=True)\nsys.stdin.read()\n")
    shell = subprocess.Popen(["sh", "-c", '"$0" -c "$1"; true', sys.executable, code],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    children.append(shell)
    return [int(word) for word in shell.stdout.readline().split()]
