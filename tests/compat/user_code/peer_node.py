# SPDX-License-Identifier: Apache-2.0
"""Code of the cases that look at the node itself, or use it from inside (rh.here)."""
from __future__ import annotations

import asyncio
import datetime
import decimal
import enum
import json
import os
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import runhouse as rh


def echo(value=None):
    return value


def add(a: int, b: int = 2):
    """Adds them."""
    return a + b


def joined(*words, sep=" "):
    return sep.join(map(str, words))


def getenv(*names):
    return [os.environ.get(name) for name in names]


def read(path):
    return Path(path).expanduser().read_text()


def write(path, text):
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return target.exists()


def mode_of(path):
    return oct(Path(path).expanduser().stat().st_mode & 0o777)


def in_home():
    return os.getcwd() == os.path.expanduser("~")


def imports(name):
    return __import__(name).__name__


def on_path(name):
    return [Path(entry).name for entry in sys.path].count(name)


def argv_and_main():
    return [__name__, sys.argv[:0], hasattr(sys.modules.get("__main__"), "__file__")]


class Shade(enum.Enum):
    DARK = "dark"


@dataclass
class Box:
    side: int
    label: Optional[str] = None


JSONS = {
    "none": None, "true": True, "int": 5, "huge": 1 << 70, "float": 1.5, "text": "é\u2028\"\\",
    "list": [1, [2, None]], "tuple": (1, (2,)), "dict": {"a": {"b": 1}}, "odd keys": {1: "a", True: "b", None: "c"},
    "empty": [], "empty text": "", "nan": float("nan"),
}
PLAIN = {
    "set": {1}, "frozenset": frozenset([2]), "bytes": b"abc", "date": datetime.date(2020, 1, 2),
    "datetime": datetime.datetime(2020, 1, 2, 3, 4, 5), "timedelta": datetime.timedelta(seconds=90),
    "decimal": decimal.Decimal("1.50"), "uuid": uuid.UUID(int=7), "path": Path("/a/b"),
}


def value(kind):
    return {**JSONS, **PLAIN}[kind]


def fails(text):
    raise ValueError(text)


class Meter:
    unit = "m"

    def __init__(self, start=0, *rest, step=1, **more):
        self.value = start
        self.rest = rest
        self.step = step
        self.more = more

    def up(self, by: int = 1):
        """Counts up."""
        self.value += by * self.step
        return self.value

    async def up_later(self, by=1):
        await asyncio.sleep(0.001)
        return self.up(by)

    def steps(self, n):
        for _ in range(n):
            yield self.up()

    @property
    def half(self):
        return self.value / 2

    @half.setter
    def half(self, half):
        self.value = half * 2

    @property
    def whole(self):
        return self

    @staticmethod
    def name_of_unit(unit="metre"):
        return unit

    @classmethod
    def made(cls, start):
        return cls(start)

    def local_only(self, local=True):
        return "local"

    def __call__(self, x):
        return x + self.value

    def __len__(self):
        return self.value

    def fail(self):
        raise LookupError(f"at {self.value}")

    def mutate(self, values):
        values.append(self.value)
        return values

    def replace(self, **attributes):
        vars(self).update(attributes)
        return sorted(vars(self))


class SubMeter(Meter):
    unit = "cm"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.sub = True

    def up(self, by=1):
        return super().up(by) + 0.5


class Own(rh.Module):
    """A module of the client's own kind."""

    def __init__(self, size=1, name=None):
        super().__init__(name=name)
        self.size = size

    def grow(self, by=1):
        self.size += by
        return self.size

    def where(self):
        return [self.system.name if self.system else None, self.name]

    def through_itself(self):
        return self.grow(10)

    @property
    def area(self):
        return self.size ** 2


# -- from inside


def here():
    return [type(rh.here).__name__, rh.here.name, rh.here.on_this_cluster()]


def here_keys(process=None):
    return rh.here.keys(process=process) if process else rh.here.keys()


def here_put_get(key, thing):
    rh.here.put(key, thing)
    return rh.here.get(key)


def here_get(key, default=None):
    return rh.here.get(key, default=default)


def here_get_remote(key):
    return type(rh.here.get(key, remote=True)).__name__


def here_call(key, method, *args, **kwargs):
    return rh.here.call(key, method, *args, **kwargs)


def here_call_caught(key, method, *args):
    try:
        return rh.here.call(key, method, *args)
    except Exception as error:
        return [type(error).__name__, str(error)]


def here_delete(key):
    rh.here.delete(key)
    return rh.here.get(key, default="gone")


def here_rename(old, new):
    rh.here.rename(old, new)
    return [rh.here.get(old, default="gone"), rh.here.get(new)]


def here_processes(name):
    rh.here.create_process(name, env_vars={"OF": "inside"})
    found = name in rh.here.list_processes()
    rh.here.kill_process(name)
    return [found, name in rh.here.list_processes()]


def here_bash(command, process=None):
    return rh.here.run_bash(command, process=process, stream_logs=False)


def here_env(name, variable, text):
    rh.here.set_process_env_vars(name, {variable: text})
    return os.environ.get(variable)


def here_status():
    status = rh.here.status()
    return [sorted({*status} - {"server_cpu_usage"}), status["cluster_config"].get("name")]


def here_module(name, start):
    remote = rh.module(Meter).to(rh.here, process="inside_meters", name=f"{name}_class")
    one = remote(start, name=name)
    return [one.up(), one.up(2), rh.here.call(name, "value")]


def here_handle(name):
    return rh.here.get(name, remote=True)


def use_handle(handle, by):
    return handle.up(by)


def use_handle_property(handle):
    return [handle.remote.value, handle.remote.half, handle.fetch("step")]


def handles_in(container):
    return sorted(handle.up() for handle in container["handles"])


def call_function_handle(function, *args, **kwargs):
    return function(*args, **kwargs)


async def call_async_handle(handle):
    return await handle.up_later(3)


def list_of_generator_handle(handle, n):
    return list(handle.steps(n))


def nested_print(key):
    print("outer before")
    rh.here.call(key, "call", "inner line")
    print("outer after")


def prints(text):
    print(text)
    return len(text)


def own_module_here(name):
    own = Own(2, name=name).to(rh.here, process="inside_own")
    return [own.grow(), own.grow(5), own.remote.area]


def pinned(name):
    thing = {"a": 1}
    rh.here.put(name, thing)
    return rh.here.get(name) is thing


def slow(seconds, value=None):
    time.sleep(seconds)
    return value


def dumps(value):
    return json.dumps(value, sort_keys=True)


# -- output


def says(*parts, end="\n", to="stdout", flush=False):
    stream = sys.stderr if to == "stderr" else sys.stdout
    for part in parts:
        print(part, end=end, file=stream, flush=flush)
    return len(parts)


def writes(text):
    sys.stdout.write(text)


def writes_lines(*lines):
    sys.stdout.writelines(f"{line}\n" for line in lines)


def logs_by(name, *levels):
    import logging
    log = logging.getLogger(name)
    for level in levels:
        log.log(getattr(logging, level), "said at %s", level)


def logs_by_root(text):
    import logging
    logging.warning(text)


def logs_with_extra(text):
    import logging
    logging.getLogger("peer.extra").warning("%s and %d", text, 5, exc_info=False)


def logs_by_own_handler(text):
    import logging
    log = logging.getLogger("peer.own_handler")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("own: %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    try:
        log.warning(text)
    finally:
        log.removeHandler(handler)


def warns_of(text):
    import warnings
    warnings.warn(text)


def prints_then_fails(*lines):
    for line in lines:
        print(line)
    raise ValueError("after the lines")


def prints_traceback():
    import traceback
    try:
        1 / 0
    except ZeroDivisionError:
        traceback.print_exc(file=sys.stdout)


def prints_in_pool(n):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda i: print(f"pool {i}"), range(n)))


async def prints_later(*lines):
    for line in lines:
        print(line)
        await asyncio.sleep(0.001)
    return len(lines)


async def prints_and_yields(n):
    for i in range(n):
        print(f"before {i}")
        yield i


def prints_slowly(n, pause):
    for i in range(n):
        print(f"slow {i}")
        time.sleep(pause)


def redirects(text):
    import contextlib
    import io
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        print(text)
    print("outside")
    return buffer.getvalue()


def sized(n):
    return "x" * n


def stdout_facts():
    return [sys.stdout.isatty(), sys.stdout.encoding.lower(), sys.stdout.writable()]


class Talker:
    made = 0

    def __init__(self, name):
        print(f"making {name}")
        self.name_of = name

    @property
    def loud(self):
        print("reading loud")
        return "loud"

    def talk(self, *words):
        for word in words:
            print(f"{self.name_of}: {word}")

    @staticmethod
    def static_talk():
        print("static")

    @classmethod
    def class_talk(cls):
        print(cls.__name__)

    def talk_steps(self, n):
        for i in range(n):
            print(f"step {i}")
            yield i

    def talk_and_fail(self):
        print("about to fail")
        raise RuntimeError("failed as told")


# -- documents


class Typed:
    """A class with annotations of many kinds."""

    def plain(self, a, b=1, *rest, c, **more):
        return a

    def numbers(self, a: int, b: float = 1.5, c: bool = False) -> float:
        """Adds.

        In two paragraphs."""
        return a + b

    def texts(self, a: str, b: Optional[str] = None, c: list = None, d: dict = None):
        return a

    async def later(self, a: int) -> int:
        return a

    def items(self, n: int):
        yield from range(n)

    def nothing(self) -> None:
        return None

    @staticmethod
    def static(a: int):
        return a

    @classmethod
    def of_class(cls, a: str):
        return a

    @property
    def prop(self) -> int:
        return 1

    def _hidden(self, a: int):
        return a


def here_call_names(**names):
    return names


def waits_for_file(path):
    """Until PATH is there, a minute at most; it is gone afterwards."""
    target = Path(path).expanduser()
    for _ in range(6000):
        if target.exists():
            target.unlink()
            return "done"
        time.sleep(0.01)
    raise TimeoutError(path)
