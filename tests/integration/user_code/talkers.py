# SPDX-License-Identifier: Apache-2.0
"""Everything that can write, for test_streams.py: each function of its own way."""
import asyncio
import concurrent.futures
import contextlib
import faulthandler
import io
import logging
import logging.config
import multiprocessing
import multiprocessing.pool
import os
import subprocess
import sys
import threading
import time
import traceback
import warnings

bound_early = logging.StreamHandler(sys.stderr)  # made before any call, as libraries do
shared_pool = concurrent.futures.ThreadPoolExecutor(2)
make_pool = threading.Lock()
shared_thread_pool = None


def wait_for(path):
    end = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise TimeoutError(path)
        time.sleep(0.002)


def plain(mark):
    print(mark)


def no_newline(mark):
    print(mark, end="")
    print("", end="", flush=True)
    sys.stdout.write(mark)


def both_streams(mark):
    for i in range(3):
        print(mark, "out", i)
        print(mark, "err", i, file=sys.stderr)


def raw_bytes(mark):
    sys.stdout.buffer.write(mark.encode() + b" \xe2\x82")
    sys.stdout.buffer.write(b"\xac \xff\n")
    sys.stdout.buffer.flush()


def carriage_returns(mark):
    for i in range(3):
        sys.stderr.write(f"\r{mark} {i}%")
    print(file=sys.stderr)


def bar(mark):
    """What tqdm writes."""
    for i in range(3):
        sys.stderr.write(f"\r{mark}: {i * 50}%|{'#' * i:2}| {i}/2 [00:00<00:00, 9.99it/s]")
        sys.stderr.flush()
    sys.stderr.write("\n")


def root_handler(mark):
    root = logging.getLogger()
    before = list(root.handlers)
    mine = logging.StreamHandler(sys.stdout)
    root.handlers[:] = [mine]
    try:
        logging.getLogger("a.b").warning(mark)
    finally:
        root.handlers[:] = before


def basic_config(mark):
    root = logging.getLogger()
    before = list(root.handlers)
    logging.basicConfig(force=True, format="%(message)s", level="INFO")
    try:
        logging.info(mark)
    finally:
        root.handlers[:] = before


def dict_config(mark):
    logging.config.dictConfig({
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"f": {"format": "%(name)s %(message)s"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f",
                           "stream": "ext://sys.stdout"}},
        "loggers": {"configured": {"handlers": ["h"], "propagate": False, "level": "DEBUG"}}})
    logging.getLogger("configured.child").debug(mark)


def no_propagation(mark):
    logger = logging.getLogger("alone")
    logger.propagate = False
    logger.handlers[:] = [bound_early]
    logger.warning(mark)


def warn(mark):
    warnings.simplefilter("always", UserWarning)
    warnings.warn(mark)


def print_exc(mark):
    try:
        raise ValueError(mark)
    except ValueError:
        traceback.print_exc()


def stacks(mark):
    print(mark)
    faulthandler.dump_traceback(all_threads=False)


def redirected(mark):
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        print("inside", mark)
        with contextlib.redirect_stderr(sys.stdout):
            print("inner", mark, file=sys.stderr)
    print("caught", caught.getvalue().split("\n"))


def redirect_and_hold(mark, started, release):
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        print("swallowed", mark)
        open(started, "w").close()
        wait_for(release)
    print("outside", mark)
    return caught.getvalue()


def forget_to_restore(mark):
    sys.stdout = io.StringIO()
    print("lost", mark)


def tee(mark):
    class Tee:
        def __init__(self, to):
            self.to = to
            self.seen = ""

        def write(self, text):
            self.seen += text
            return self.to.write(text)

        def flush(self):
            self.to.flush()

    before, sys.stdout = sys.stdout, Tee(sys.stdout)
    print(mark)
    seen, sys.stdout = sys.stdout.seen, before
    return seen


def in_threads(mark):
    threads = [threading.Thread(target=print, args=(f"{mark} {i}\n",), kwargs={"end": ""})
               for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def nested_threads(mark):
    def outer():
        inner = threading.Thread(target=print, args=(mark,))
        inner.start()
        inner.join()
    thread = threading.Thread(target=outer)
    thread.start()
    thread.join()


def one_line_from_many(mark, count):
    """Threads of one call that write parts of lines at the same time: none is lost."""
    def write(name):
        for _ in range(count):
            sys.stdout.write(name)
            sys.stdout.write("\n")
    threads = [threading.Thread(target=write, args=(f"{mark}{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def whole_lines(mark, count):
    """print() of many threads: lines stay whole."""
    threads = [threading.Thread(target=lambda i: [print(mark, i, n) for n in range(count)],
                                args=(i,)) for i in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)


def begun_here_ended_there(mark):
    """What waits for its end for long was written first all the same."""
    print(mark, "...", end=" ")
    time.sleep(1.2)
    thread = threading.Thread(target=print, args=("done",))
    thread.start()
    thread.join()


def in_shared_pool(mark):
    return list(shared_pool.map(lambda i: print(mark, i), range(4)))


def in_thread_pool(mark):
    global shared_thread_pool
    with make_pool:
        if shared_thread_pool is None:
            shared_thread_pool = multiprocessing.pool.ThreadPool(2)
    pool = shared_thread_pool
    pool.map(lambda i: print(mark, i), range(2))
    pool.apply(print, (mark, 2))
    list(pool.imap(lambda i: print(mark, i), [3]))


async def to_thread(mark):
    print(mark, "loop")
    await asyncio.gather(*(asyncio.to_thread(print, mark, i) for i in range(3)))
    await asyncio.get_running_loop().run_in_executor(None, print, mark, "executor")


async def in_tasks(mark):
    async def one(i):
        await asyncio.sleep(0.001 * (3 - i))
        print(mark, i)
    await asyncio.gather(*(one(i) for i in range(3)))


def run_child(mark):
    print(mark, "before")
    subprocess.run(["sh", "-c", f"echo {mark} out; echo {mark} err >&2; echo {mark} last"])
    print(mark, "after")


def child_with_streams(mark):
    subprocess.run([sys.executable, "-c", f"print('{mark} 1')"], stdout=sys.stdout)
    subprocess.run(["sh", "-c", f"echo {mark} 2 >&2"], stderr=subprocess.STDOUT)
    subprocess.run(["sh", "-c", f"echo {mark} 3; echo no >&2"], stderr=subprocess.DEVNULL)
    found = subprocess.run(["sh", "-c", f"echo no; echo {mark} 4 >&2"], stdout=subprocess.PIPE)
    return found.stdout.decode()


def child_without_close(mark):
    """subprocess takes posix_spawn here where it can."""
    subprocess.Popen(["/bin/echo", mark], close_fds=False).wait()


def system(mark):
    status = os.system(f"echo {mark}; exit 3")
    print("status", status, os.system("kill -9 $$"))


def spawn(mark):
    os.waitpid(os.posix_spawn("/bin/echo", ["echo", mark], os.environ), 0)
    os.waitpid(os.spawnlp(os.P_NOWAIT, "echo", "echo", mark, "2"), 0)


def fork(mark):
    print(mark, "rest", end="")
    pid = os.fork()
    if pid == 0:
        try:
            print("", mark, "child")
            os.write(1, f"{mark} raw\n".encode())
            os.system(f"echo {mark} grandchild")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    print(mark, "parent")


def say(mark):
    print(mark)


def multiprocess(mark, method):
    context = multiprocessing.get_context(method)
    child = context.Process(target=say, args=(mark,))
    child.start()
    child.join()
    return child.exitcode


async def async_child(mark):
    child = await asyncio.create_subprocess_exec("sh", "-c", f"echo {mark}; echo {mark} 2 >&2")
    await child.wait()
    print(mark, "after")


def child_that_stays(mark, release):
    """Its child outlives the call, and holds what it inherited."""
    subprocess.Popen(["sh", "-c", f"echo {mark}; while [ ! -e {release} ]; do sleep 0.01; done; "
                                  f"echo late {mark}"])
    return os.getpid()


def child_that_floods(release):
    subprocess.Popen(["sh", "-c", f"while [ ! -e {release} ]; do echo y; done"])


def slow_child(mark, release):
    child = subprocess.Popen(["sh", "-c", f"echo {mark}; while [ ! -e {release} ]; do sleep 0.01; "
                                          "done"])
    return child.wait()


def prompt_of_child(mark, release):
    return os.system(f"printf '{mark} ? '; while [ ! -e {release} ]; do sleep 0.01; done; echo yes")


def in_a_terminal(mark):
    """A pseudo terminal is the child's own, not ours to replace."""
    import pty

    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("echo", ["echo", mark])
    text = b""
    with contextlib.suppress(OSError):
        while piece := os.read(fd, 1000):
            text += piece
    os.waitpid(pid, 0)
    os.close(fd)
    return text.decode()


def late_thread(mark, release):
    def later():
        wait_for(release)
        print("too late", mark)
    threading.Thread(target=later).start()
    print(mark)


def terminal():
    return [sys.stdout.isatty(), sys.stderr.isatty(), sys.stdout.encoding, sys.stdout.fileno()]


def flood(count, width):
    line = "x" * width
    for i in range(count):
        print(i, line)


def long_line(length):
    print("y" * length)


def print_and_die(mark, release=None):
    print(mark)
    if release is None:
        sys.stdout.flush()
    else:
        wait_for(release)
    os.kill(os.getpid(), 9)
    time.sleep(60)


def print_and_stay(mark, release):
    print(mark)
    wait_for(release)


def print_and_compute(mark, release):
    print(mark)
    end = time.monotonic() + 60
    while not os.path.exists(release) and time.monotonic() < end:
        pass
