# SPDX-License-Identifier: Apache-2.0
"""Code that uses its own node through the client's package, or through the stand-in for it."""
import asyncio
import os
import threading
import time

import runhouse as rh


def double(x):
    print(f"doubling {x}")
    return x * 2


def slow_talk(release):
    print("begun")
    while not os.path.exists(release):
        time.sleep(0.005)
    print("ended")


async def triple_later(x):
    await asyncio.sleep(0.001)
    return x * 3


def count(n):
    for i in range(n):
        yield i


async def acount(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def fail(text):
    raise KeyError(text)


def environment():
    return os.environ.get("COLOUR"), os.getpid()


class Tally:
    def __init__(self, start=0):
        self.value = start
        self.lock = threading.Lock()

    def add(self, n=1):
        self.value += n
        return self.value

    async def add_later(self, n=1):
        await asyncio.sleep(0.001)
        return self.add(n)

    def steps(self, n):
        for i in range(n):
            yield self.value + i


class Adder:
    """What can be copied to other processes."""

    def __init__(self, start=0):
        self.value = start

    def add(self, n=1):
        self.value += n
        return [os.getpid(), self.value]


class Noted(rh.Module):
    """A user's own subclass, made here and sent."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def shout(self):
        return self.text.upper() + str(os.getpid())


class Inner(rh.Module):
    """Constructed on the node; its base takes a name for itself."""

    def __init__(self, n):
        super().__init__(name="inner")
        self.n = n

    def twice(self):
        return self.once() * 2

    def once(self):
        return self.n


# -- what the tests call


def whereami():
    here = rh.here
    return [type(here).__name__, here.name, here.on_this_cluster(), list(here.list_processes())]


def keep_objects():
    rh.here.put("box", [1])
    box = rh.here.get("box")
    box.append(2)
    seen = [box is rh.here.get("box"), "box" in rh.here.keys()]
    rh.here.rename("box", "chest")
    seen += [rh.here.get("box"), rh.here.get("box", default="no box"), rh.here.get("chest")]
    rh.here.delete("chest")
    try:
        rh.here.get("chest", default=KeyError)
    except KeyError as error:
        seen.append("chest" in str(error))
    try:
        rh.here.delete(["chest"])
    except KeyError as error:
        seen.append("chest" in str(error))
    return seen


def keep_objects_elsewhere(process):
    rh.here.put("far", {"a": (1, 2)}, process=process)
    far = rh.here.get("far")
    far["b"] = 3  # a copy
    seen = [far, rh.here.get("far"), rh.here.call("far", "pop", "a")]
    try:
        rh.here.put("far", 1, process="nowhere")
    except Exception as error:
        seen.append([type(error).__name__, "nowhere" in str(error)])
    return seen


def call_key(key, method, *args, **kwargs):
    return rh.here.call(key, method, *args, **kwargs)


def caught(key, method, *args):
    try:
        return rh.here.call(key, method, *args)
    except Exception as error:
        return [type(error).__name__, str(error), str(error.__cause__ or "")]


def bounce(other, me, n):
    """A calls B calls A back."""
    return os.getpid() if n == 0 else rh.here.call(other, "call", me, other, n - 1)


async def bounce_async(other, me, n):
    if n == 0:
        return os.getpid()
    return await rh.here.call(other, "call", me, other, n - 1, run_async=True)


async def gather(key, n):
    return await asyncio.gather(
        *(rh.here.call(key, "call", i, run_async=True) for i in range(n)))


async def blocking_in_a_coroutine(key, x):
    return rh.here.call(key, "call", x)


def in_threads(key, n):
    results = [None] * n

    def one(i):
        results[i] = rh.here.call(key, "call", i)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def in_a_fork(key, x):
    """A child asks for itself, on a connection of its own; its parent's stay usable."""
    before = rh.here.call(key, "call", x)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, str(rh.here.call(key, "call", x + 1)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        in_child = int(pipe.read())
    os.waitpid(pid, 0)
    return [before, in_child, rh.here.call(key, "call", x + 2)]


def items(key, n, method="call"):
    return list(rh.here.call(key, method, n))


async def async_items(key, n):
    found = []
    made = rh.here.call(key, "call", n)
    while len(found) < n:
        item = made.__anext__()
        found.append(await item)
    return found


def send_function():
    remote = rh.function(double).to(rh.here, name="sent_double")
    return [remote.name, remote(21), remote.call(4), remote.run(5),
            "sent_double_process" in rh.here.list_processes()]


def send_to_own_process():
    process = rh.here.list_processes()
    own = [name for name in process if name == "default_process"][0]
    remote = rh.function(double).to(rh.here, process=own, name="own_double")
    return [remote(3), "own_double" in rh.here.keys()]


def send_class():
    remote_class = rh.module(Tally).to(rh.here, process="tallies", name="tally_class")
    tally = remote_class(5, name="tally5")
    first = tally.add(2)
    again = rh.here.get("tally5", remote=True)
    again.add(1)
    return [first, tally.remote.value, rh.here.call("tally5", "value"),
            [item for item in tally.steps(2)]]


async def use_async_method():
    tally = rh.here.get("tally5", remote=True)
    return await tally.add_later(10)


def set_attributes():
    tally = rh.here.get("tally5", remote=True)
    tally.remote.value = 100
    return tally.remote.value


def send_instance():
    noted = Noted("quiet").to(rh.here, process="notes", name="noted")
    return [noted.shout()[:5], noted.shout()[5:] != str(os.getpid()), noted.remote.text]


def give_handle(key):
    return rh.here.get(key, remote=True)


def add_with(handle, n):
    return handle.add(n)


def pass_a_handle():
    return rh.here.call("add_with", "call", rh.here.get("tally5", remote=True), 7)


def by_reference():
    """Objects of this process are used as they are: identity is kept, locks need no pickle."""
    tally = rh.here.get("own_tally")
    thing = object()
    return [tally is rh.here.get("own_tally"), rh.here.call("own_echo", "call", thing) is thing,
            type(tally.lock).__name__]


def echo(value):
    return value


def processes():
    rh.here.create_process("painted", env_vars={"COLOUR": "red"})
    rh.here.ensure_process_created("painted")
    rh.function(environment).to(rh.here, process="painted", name="painted_env")
    first, pid = rh.here.call("painted_env", "call")
    rh.here.set_process_env_vars("painted", {"COLOUR": "blue"})
    second, same = rh.here.call("painted_env", "call")
    rh.here.set_env_vars_globally({"COLOUR": "green"})
    own = os.environ.get("COLOUR")
    rh.here.kill_process("painted")
    return [first, second, own, same == pid, "painted" in rh.here.list_processes(),
            "painted_env" in rh.here.keys()]


def node_status():
    return sorted(rh.here.status())


def run_bash(command, **options):
    return rh.here.run_bash(command, **options)


def what_is_missing():
    texts = []
    for ask in (lambda: rh.ondemand_cluster, lambda: rh.here.rsync,
                lambda: rh.function(double).to("somewhere"), rh.here.save):
        try:
            texts.append(str(ask()))
        except Exception as error:
            texts.append(str(error))
    return texts
