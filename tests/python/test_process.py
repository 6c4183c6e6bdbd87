# SPDX-License-Identifier: Apache-2.0
"""A whole worker process on the built extension, driven by frames as the daemon sends them.

Needs GATEHOUSE_EXT=.../_gatehouse.abi3.so; skipped without it. Frames: docs/ipc.md.
"""

import array
import json
import os
import socket
import struct
import subprocess
import sys
import time

import pytest
from workerkit import EXTENSION, HERE, KINDS, MODES, STREAM_LOGS, Reply, encode

pytestmark = pytest.mark.skipif(
    not EXTENSION, reason="GATEHOUSE_EXT does not name a built _gatehouse"
)

PACKAGE = os.path.abspath(os.path.join(HERE, "..", "..", "modules", "python"))
START = """
import sys, threading
sys.path.insert(0, %r)
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
loader = ExtensionFileLoader("_gatehouse", %r)
module = module_from_spec(spec_from_file_location("_gatehouse", %r, loader=loader))
loader.exec_module(module)
sys.modules["_gatehouse"] = module
sys.path.pop(0); sys.path.insert(0, %r)
from gatehouse.worker import main
import atexit, os
code = 0
try:
    main(int(sys.argv[1]), "p1")
except RuntimeError as error:
    print(error, file=sys.stderr, flush=True)
    code = 70
atexit._run_exitfuncs()
os._exit(code)
"""

LIGHT = """
import sys
def imported():
    return sorted({"asyncio", "logging", "inspect", "concurrent.futures", "importlib.metadata"} & set(sys.modules))
"""

DEMO = """
import asyncio, os, subprocess, sys, threading, time
def echo(value=None): return value
def say(n):
    for i in range(n): print("line", i)
    return n
def nap(s):
    time.sleep(s)
    return s
def spin():
    print("spinning", flush=True)
    while True: pass
async def anap(s):
    print("before"); await asyncio.sleep(s); print("after")
    return s
def thread_kind(): return threading.current_thread() is threading.main_thread()
def child(): return subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True).stdout
def leave(): sys.exit(3)
def crash(): os._exit(4)
def log():
    import logging
    logging.getLogger("x").warning("careful")
"""


class Process:
    def __init__(self, home):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        code = START % (PACKAGE, EXTENSION, EXTENSION, PACKAGE)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, HOME=str(home)),
        )  # fmt: skip
        theirs.close()
        self.socket = ours
        self.socket.settimeout(20)
        self.buffer, self.fds, self.frames = b"", [], []
        self.next_id = 0

    def send(
        self,
        kind,
        serialization="none",
        flags=0,
        key="",
        method="",
        run_name="x--1",
        data=b"",
        call_id=None,
    ):
        self.next_id += 1
        call_id = call_id or self.next_id
        key, method, run_name = key.encode(), method.encode(), run_name.encode()
        body = struct.pack(
            "<BBHHHQQ",
            MODES[serialization],
            flags,
            len(key),
            len(method),
            len(run_name),
            0,
            len(data),
        )
        frame_flags, fds = 0, []
        if len(data) > 256 * 1024:
            fd = os.memfd_create("data", os.MFD_ALLOW_SEALING)
            os.write(fd, data)
            import fcntl

            fcntl.fcntl(fd, 1033, 0x0002 | 0x0004 | 0x0008)
            frame_flags, fds, data = 1, [fd], b""
        body += key + method + run_name + data
        message = (
            struct.pack("<IHHQ", len(body), KINDS.get(kind, kind), frame_flags, call_id) + body
        )
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([message], ancillary)
        if sent < len(message):  # after STOP the worker may be gone by now
            self.socket.sendall(message[sent:])
        for fd in fds:
            os.close(fd)
        return call_id

    def frame(self):
        """The next frame: (kind, call_id, body)."""
        while True:
            if len(self.buffer) >= 16:
                size, kind, flags, call_id = struct.unpack_from("<IHHQ", self.buffer)
                if len(self.buffer) >= 16 + size:
                    body, self.buffer = self.buffer[16 : 16 + size], self.buffer[16 + size :]
                    if flags & 1:
                        fd = self.fds.pop(0)
                        size = os.fstat(fd).st_size
                        body += os.pread(fd, size, 0)
                        os.close(fd)
                    self.frames.append((kind, call_id, body))
                    return kind, call_id, body
            data, ancillary, _, _ = self.socket.recvmsg(1 << 20, 4096)
            if not data:
                raise EOFError
            for level, kind, raw in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds = array.array("i")
                    fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
                    self.fds += list(fds)
            self.buffer += data

    def result(self, call_id):
        for kind, got, body in self.frames:
            if (kind, got) == (33, call_id):
                return self.read(body)
        while True:
            kind, got, body = self.frame()
            if (kind, got) == (33, call_id):
                return self.read(body)

    @staticmethod
    def read(body):
        status, outcome, _ = struct.unpack_from("<HBB", body)
        return Reply(status, outcome, body[4:])

    def logs(self, call_id):
        return "".join(
            body[4:].decode() for kind, got, body in self.frames if (kind, got) == (34, call_id)
        )

    def call(self, key, *args, serialization="pickle", flags=0, **kwargs):
        data = encode({"args": list(args), "kwargs": kwargs}, MODES[serialization])
        return self.send("call", serialization, flags, key, "call", data=data)

    def stop(self):
        self.send(12)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def p(home):
    (home / "demo.py").write_text(DEMO)
    (home / "light.py").write_text(LIGHT)
    process = Process(home)
    settings = {
        "protocol": 1,
        "process": "p1",
        "cluster_config": {},
        "sys_path": [],
        "env_vars": {"A_VAR": "1"},
        "log_level": "INFO",
    }
    call_id = process.send("hello", key="p1", data=json.dumps(settings).encode())
    kind, got, body = process.frame()
    assert (kind, got, json.loads(body)["pid"]) == (32, call_id, process.process.pid)
    names = [
        line[4:].partition("(")[0] for line in DEMO.splitlines() if line.startswith("def ")
    ] + ["anap"]
    for name in names + ["imported"]:
        pointers = ["", "light" if name == "imported" else "demo", name]
        config = {
            "name": name,
            "resource_type": "function",
            "resource_subtype": "Function",
            "fn_pointers": pointers,
        }
        assert process.result(
            process.send("put_resource", data=json.dumps([config, None, True]).encode())
        ).raw
    yield process
    if process.process.poll() is None:
        process.process.kill()
    process.process.communicate()
    process.socket.close()


def test_calls_logs_and_stop(p):
    assert p.result(p.call("imported")).value == []
    assert p.result(p.call("echo", "é", serialization="json")).value == "é"
    call_id = p.call("say", 3, flags=STREAM_LOGS)
    assert p.result(call_id).value == 3 and p.logs(call_id) == "line 0\nline 1\nline 2\n"
    assert p.result(p.call("thread_kind")).value is False
    assert p.result(p.call("child")).value == "42\n"
    p.result(p.call("say", 1))
    call_id = p.call("log", flags=STREAM_LOGS)
    assert p.result(call_id).output_type == "success" and "| x:" in p.logs(call_id)
    code, out, err = p.stop()
    assert (code, out) == (0, "line 0\n") and "Traceback" not in err


def test_large_data_both_ways(p):
    text = "x" * 3_000_000
    for serialization in ("none", "json", "pickle"):
        assert p.result(p.call("echo", text, serialization=serialization)).value == text


def test_slow_calls_do_not_hold_others(p):
    begin = time.monotonic()
    slow = [p.call("nap", 1.0) for _ in range(4)] + [p.call("anap", 1.0) for _ in range(4)]
    fast = [p.call("echo", i) for i in range(20)]
    assert [p.result(call_id).value for call_id in fast] == list(range(20))
    assert [p.result(call_id).value for call_id in slow] == [1.0] * 8
    assert time.monotonic() - begin < 7  # one after the other they take 8


def test_coroutines_keep_their_logs(p):
    ids = [p.call("anap", 0.05, flags=STREAM_LOGS) for _ in range(5)]
    for call_id in ids:
        assert p.result(call_id).value == 0.05
        assert p.logs(call_id) == "before\nafter\n"


def test_cancel(p):
    p.result(p.call("echo", 1))
    spin = p.call("spin", flags=STREAM_LOGS)
    while not p.logs(spin):
        p.frame()
    p.send("cancel", call_id=spin)
    assert "cancelled" in str(p.result(spin).value)
    nap = p.call("anap", 60, flags=STREAM_LOGS)
    while not p.logs(nap):
        p.frame()
    p.send("cancel", call_id=nap)
    assert "cancelled" in str(p.result(nap).value)
    assert p.result(p.call("echo", 2)).value == 2


def test_exit_of_user_code_is_an_exception(p):
    assert isinstance(p.result(p.call("leave")).value, SystemExit)
    assert p.result(p.call("echo", 2)).value == 2


def test_another_protocol_ends_the_worker(home):
    process = Process(home)
    process.send("hello", data=b'{"protocol": 99}')
    kind, _, body = process.frame()
    assert kind == 37 and b"99" in body
    process.process.communicate(timeout=20)
    process.socket.close()
