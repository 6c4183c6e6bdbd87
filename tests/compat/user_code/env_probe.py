# SPDX-License-Identifier: Apache-2.0
"""What user code can see of the interpreter it runs in."""
import multiprocessing
import os
import site
import subprocess
import sys


def concat(a: str, b: str):
    return a + b


def talk(word: str):
    print(word)
    return word


class OwnError(Exception):
    pass


def fail(text: str):
    raise OwnError(text)


async def double(x: int):
    return x * 2


def describe():
    import ctypes
    import hashlib
    import sqlite3
    import ssl

    assert ctypes and hashlib and sqlite3 and ssl  # extension modules load
    return {
        "version": list(sys.version_info[:2]),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "exec_prefix": sys.exec_prefix,
        "base_prefix": sys.base_prefix,
        "site_packages": site.getsitepackages(),
        "path": [entry for entry in sys.path if entry],
        "implementation": sys.implementation.name,
        "flags": [sys.flags.no_site, sys.flags.isolated, sys.flags.ignore_environment],
        "encoding": [sys.getdefaultencoding(), sys.getfilesystemencoding()],
        "libpython": sorted({line.split()[-1] for line in open("/proc/self/maps")
                             if "libpython" in line}),
    }


def run_child():
    """A child by sys.executable is the same environment."""
    out = subprocess.check_output(
        [sys.executable, "-c", "import sys; print(sys.prefix, sys.version_info[1])"], text=True)
    return out.split()


def square(x):
    return x * x


def spawned(n: int):
    """multiprocessing with the spawn method starts sys.executable and imports this module."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        return pool.map(square, range(n))


def forked(n: int):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_put_square, args=(queue, n))
    child.start()
    value = queue.get()
    child.join()
    return [value, child.exitcode, os.getpid() != child.pid]


def _put_square(queue, n):
    queue.put(square(n))


def only_in_env():
    import gatehouse_env_marker
    return gatehouse_env_marker.PLACE


def installed(name: str):
    import importlib

    module = importlib.import_module(name)
    return [module.VERSION, module.__file__]


def numpy_sum(n: int):
    import numpy
    return [int(numpy.arange(n).sum()), numpy.__file__]


def uses_its_node(x: int):
    import runhouse as rh  # the stand-in, in envs that lack the package

    rh.here.put("kept", [x])
    kept = rh.here.get("kept")
    rh.here.delete("kept")
    return [kept, rh.here.call("double", "call", x), "kept" in rh.here.keys(),
            sorted(rh.here.list_processes())]
