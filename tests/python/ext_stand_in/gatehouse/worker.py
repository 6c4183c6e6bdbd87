# SPDX-License-Identifier: Apache-2.0
"""Stands in for the real package in the tests of the extension: methods that exercise it."""

import json
import os
import sys
import threading
import time

import _gatehouse

running = {}  # call id -> thread id


class Cancelled(BaseException):
    pass


def echo(call_id, data):
    return b"null" if data is None else bytes(data)


def sleep(call_id, data):
    time.sleep(float(data) / 1000)
    return data


def compute(milliseconds):
    until = time.monotonic() + milliseconds / 1000
    while time.monotonic() < until:
        pass


def spin(call_id, data):
    # The loop is a function of its own: in CPython 3.13.0 an asynchronous exception that hits the
    # jump of a loop is not caught by a try around the loop.
    try:
        running[call_id] = threading.get_ident()
        compute(float(data))
    except Cancelled:
        return 499, 1, b'"cancelled"'
    finally:
        _gatehouse.async_raise(threading.get_ident(), None)
        running.pop(call_id, None)
    return data


def cancel(call_id):
    if call_id in running:
        _gatehouse.async_raise(running[call_id], Cancelled)


def lines(call_id, data):
    """Log as many lines as DATA says, then answer."""
    for number in range(int(data)):
        _gatehouse.log(call_id, 1 + number % 2, "line %d\n" % number)
    return data


def print_then_sleep(call_id, data):
    _gatehouse.log(call_id, 1, "before")
    time.sleep(float(data) / 1000)
    return data


def log_text(call_id, data):
    _gatehouse.log(call_id, 1, _gatehouse.unquote(data).decode("utf-8", "surrogatepass"))
    return b"null"


def later(call_id, data):
    """Answer from another thread."""
    threading.Thread(target=_gatehouse.reply, args=(call_id, 201, 0, bytes(data))).start()


def unflushed(call_id, data):
    _gatehouse.reply(call_id, 200, 0, data, False)


def parts(call_id, data):
    return 200, 0, (b'{"data": ', _gatehouse.Base64(bytes(data)), bytearray(b"}"))


def big(call_id, data):
    return b"x" * int(data)


def big_base64(call_id, data):
    return 200, 0, (b"[", _gatehouse.Base64(bytes(int(data))), b"]")


def raises(call_id, data):
    kind = {"ValueError": ValueError, "SystemExit": SystemExit,
            "KeyboardInterrupt": KeyboardInterrupt}[_gatehouse.unquote(data).decode()]
    raise kind("because \"of\" this")


def wrong(call_id, data):
    return eval(bytes(data))


def fork_and_return(call_id, data):
    pid = os.fork()
    if pid == 0:
        _gatehouse.log(call_id, 1, "from the child")
        return b'"child"'
    os.waitpid(pid, 0)
    return b'"parent"'


def fork_fds(call_id, data):
    """What a forked child has open."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        links = ["/proc/self/fd/" + fd for fd in os.listdir("/proc/self/fd")]
        names = [os.readlink(link) for link in links if os.path.islink(link)]
        taken = _gatehouse.log(call_id, 1, "from the child")
        _gatehouse.reply(call_id, 200, 0, b"from the child")
        _gatehouse.event(35, 0, b"{}")
        os.write(write_end, json.dumps([names, taken]).encode())
        os._exit(0)
    os.close(write_end)
    text = b""
    while True:
        piece = os.read(read_end, 65536)
        if not piece:
            break
        text += piece
    os.close(read_end)
    os.waitpid(pid, 0)
    return text


def pool(call_id, data):
    import multiprocessing

    context = multiprocessing.get_context(_gatehouse.unquote(data).decode())
    with context.Pool(2) as workers:
        return json.dumps(workers.map(abs, [-1, -2, -3])).encode()


def facts(call_id, data):
    import subprocess
    import sysconfig

    command = [sys.executable, "-c", "import sys; print(sys.prefix)"]
    return json.dumps({
        "executable": sys.executable, "prefix": sys.prefix, "base_prefix": sys.base_prefix,
        "argv": sys.argv, "path": sys.path, "purelib": sysconfig.get_path("purelib"),
        "main_thread": threading.main_thread().ident == main_ident,
        "in_main": threading.current_thread() is threading.main_thread(),
        "thread": threading.current_thread().name, "daemon": threading.current_thread().daemon,
        "child_prefix": subprocess.run(command, capture_output=True, text=True).stdout.strip(),
        "builtin": "_gatehouse" in sys.builtin_module_names, "version": sys.version.split()[0],
        "main": sorted(vars(sys.modules["__main__"])),
    }).encode()


def imports(call_id, data):
    module = __import__(_gatehouse.unquote(data).decode())
    return json.dumps(str(getattr(module, "__version__", ""))).encode()


def numpy_dot(call_id, data):
    import numpy

    return json.dumps(float(numpy.dot(numpy.ones(1000), numpy.ones(1000)))).encode()


def threads(call_id, data):
    return json.dumps([thread.name for thread in threading.enumerate()]).encode()


def arm_signal(call_id, data):
    """The handler was set in main(); send the signal to this very thread."""
    import signal

    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    until = time.monotonic() + 5
    while not signals and time.monotonic() < until:
        time.sleep(0.001)
    return json.dumps(signals).encode()


def codec(call_id, data):
    """[function, text or bytes as latin-1] -> result as latin-1, or the error."""
    name, argument = json.loads(bytes(data))
    try:
        result = getattr(_gatehouse, name)(argument.encode("latin-1"))
    except ValueError as error:
        return json.dumps([type(error).__name__, str(error)]).encode()
    return json.dumps(result.decode("latin-1")).encode()


def self_test(call_id, data):
    import codec_checks

    return json.dumps(codec_checks.run()).encode()


def fail(call_id, data):
    _gatehouse.event(_gatehouse.FAILED, 0, b"enough is enough")


def hold_gil(call_id, data):
    """Hold the interpreter lock without a break, as some C code does."""
    import ctypes

    ctypes.PyDLL(None).usleep(int(data) * 1000)
    return data


def read_only(call_id, data):
    return json.dumps([type(data).__name__, getattr(data, "readonly", None), len(data)]).encode()


kept = []


def keep(call_id, data):
    kept.append(data)
    return b"%d" % len(data)


def drop(call_id, data):
    kept.clear()
    return b"null"


signals = []
main_ident = None
inherited = vars()


def handle(kind, call_id, serialization, flags, key, method, run_name, data):
    if kind == _gatehouse.CALL:
        return inherited[method](call_id, data)
    if kind == _gatehouse.HELLO:
        ready = {"protocol": 1, "pid": os.getpid(), "runtime": "python",
                 "version": sys.version.split()[0], "executable": sys.executable}
        _gatehouse.event(_gatehouse.READY, call_id, json.dumps(ready).encode())
        sys.path[:0] = json.loads(bytes(data))["sys_path"]
        return None
    if kind == _gatehouse.CANCEL:
        return cancel(call_id)
    if kind == _gatehouse.SET_ENV:
        time.sleep(0.02)  # slower than a tick, and yet the next call must see it
        os.environ.update(json.loads(bytes(data)))
        return b"null"
    return json.dumps([kind, serialization, flags, key, method, run_name,
                       None if data is None else bytes(data).decode()]).encode()


def environ(call_id, data):
    return json.dumps(os.environ.get(_gatehouse.unquote(data).decode())).encode()


def main(fd, process):
    import signal

    global main_ident
    main_ident = threading.get_ident()
    signal.signal(signal.SIGUSR1, lambda *_: signals.append(threading.get_ident() == main_ident))
    import atexit

    atexit.register(lambda: print("atexit ran", flush=True))
    _gatehouse.serve(fd, handle)
