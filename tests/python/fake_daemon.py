# SPDX-License-Identifier: Apache-2.0
"""A daemon's end of docs/ipc.md in Python, to drive a real gatehouse-worker in tests."""

from __future__ import annotations

import array
import collections
import fcntl
import json
import mmap
import os
import select
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GATEHOUSE_BUILD_DIR", ROOT / "build")).resolve()

HELLO, CALL, PUT_RESOURCE, PUT_OBJECT, GET_OBJECT, RENAME, DELETE = range(1, 8)
SET_ENV, ADD_PATH, LOAD, CANCEL, STOP = range(8, 13)
READY, RESULT, LOG, KEY_PUT, KEY_GONE, FAILED = range(32, 38)
NONE, JSON, PICKLE = range(3)
STREAM_LOGS, REMOTE, QUERY, BARE = 1, 2, 4, 8

INLINE_MAX_BYTES = 256 << 10
HAS_FD = 1
HEAD = struct.Struct("<IHHQ")
CALL_HEAD = struct.Struct("<BBHHHQQ")
SEALS = 0x1 | 0x2 | 0x4 | 0x8  # seal, shrink, grow, write
F_ADD_SEALS, F_GET_SEALS = 1033, 1034


class Frame(NamedTuple):
    kind: int
    call_id: int
    body: bytes
    large: bytes | None  # what the memfd held, if there was one

    @property
    def status(self) -> int:
        return struct.unpack_from("<H", self.body)[0]

    @property
    def outcome(self) -> int:
        return self.body[2]

    @property
    def answer(self) -> bytes:
        return self.body[4:] if self.large is None else self.large


class Gone(Exception):
    """The worker has closed its end."""


def sealed_memfd(content: bytes) -> int:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.truncate(fd, len(content))
    os.lseek(fd, 0, os.SEEK_SET)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    return fd


class FakeDaemon:
    """One worker process and the socket to it. Use as a context manager."""

    def __init__(self, *options: str, runtime: str = "python", env: dict[str, str] | None = None,
                 launcher: Path | None = None, timeout: float = 60.0) -> None:
        self.timeout = timeout
        self.sock, theirs = socket.socketpair()
        self.sock.setblocking(False)
        command = [str(launcher or BUILD / "gatehouse-worker"), "--runtime", runtime,
                   "--fd", str(theirs.fileno()), "--process", "test", *options]
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        theirs.close()
        self.unread = bytearray()
        self.fds: collections.deque[int] = collections.deque()
        self.next_id = 1

    def __enter__(self) -> "FakeDaemon":
        return self

    def __exit__(self, *_error: object) -> None:
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.output = self.process.communicate()

    # -- out

    def _send(self, data: bytes, fd: int | None = None) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd else []
        view = memoryview(data)
        while view:
            try:
                sent = self.sock.sendmsg([view], ancillary)
            except BlockingIOError:
                # Read meanwhile: a worker whose answers nobody takes stops to take requests.
                if select.select([self.sock], [self.sock], [], self.timeout)[0]:
                    self._read(time.monotonic() + 1)
                continue
            ancillary = []
            view = view[sent:]

    @staticmethod
    def encode(kind: int, call_id: int, key: str = "", method: str = "", run: str = "",
               data: bytes = b"", serialization: int = JSON, flags: int = 0) -> bytes:
        names = [name.encode() for name in (key, method, run)]
        body = CALL_HEAD.pack(serialization, flags, *map(len, names), 0, len(data))
        body += b"".join(names) + data
        return HEAD.pack(len(body), kind, 0, call_id) + body

    def send(self, kind: int, key: str = "", method: str = "", run: str = "", data: bytes = b"",
             serialization: int = JSON, flags: int = 0, call_id: int | None = None) -> int:
        """Send a request, with its data in a memfd when large. Returns its call id."""
        if call_id is None:
            call_id, self.next_id = self.next_id, self.next_id + 1
        if len(data) <= INLINE_MAX_BYTES:
            self._send(self.encode(kind, call_id, key, method, run, data, serialization, flags))
            return call_id

        names = [name.encode() for name in (key, method, run)]
        before = b'{"data": '
        fd = sealed_memfd(before + data + b"}")
        body = CALL_HEAD.pack(serialization, flags, *map(len, names), len(before), len(data))
        body += b"".join(names)
        try:
            self._send(HEAD.pack(len(body), kind, HAS_FD, call_id) + body, fd)
        finally:
            os.close(fd)
        return call_id

    def send_raw(self, data: bytes) -> None:
        self._send(data)

    # -- in

    def _read(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise TimeoutError("the worker sent nothing")
        data, ancillary, _flags, _address = self.sock.recvmsg(1 << 18, socket.CMSG_SPACE(4 * 64),
                                                              socket.MSG_CMSG_CLOEXEC)
        for _level, _type, fds in ancillary:
            self.fds.extend(array.array("i", fds))
        if not data:
            raise Gone
        self.unread += data

    def _take_large(self) -> bytes:
        fd = self.fds.popleft()
        try:
            assert fcntl.fcntl(fd, F_GET_SEALS) == SEALS
            size = os.fstat(fd).st_size
            with mmap.mmap(fd, size, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as content:
                return content[:]
        finally:
            os.close(fd)

    def receive(self, timeout: float | None = None) -> Frame:
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            if len(self.unread) >= HEAD.size:
                length, kind, flags, call_id = HEAD.unpack_from(self.unread)
                end = HEAD.size + length
                if len(self.unread) >= end:
                    body = bytes(self.unread[HEAD.size : end])
                    del self.unread[:end]
                    large = self._take_large() if flags & HAS_FD else None
                    return Frame(kind, call_id, body, large)
            self._read(deadline)

    def has_more(self) -> bool:
        """Has the worker written more than what was received?"""
        return bool(self.unread or select.select([self.sock], [], [], 0)[0])

    def frames_until(self, call_id: int) -> Iterator[Frame]:
        """All frames up to and with the RESULT of CALL_ID."""
        while True:
            frame = self.receive()
            yield frame
            if frame.kind == RESULT and frame.call_id == call_id:
                return

    # -- both

    def hello(self, **more: object) -> dict:
        data = {"protocol": 1, "process": "test", "cluster_config": {}, "sys_path": [],
                "env_vars": {}, "log_level": "INFO", **more}
        call_id = self.send(HELLO, key="test", data=json.dumps(data).encode(), serialization=NONE)
        frame = self.receive()
        if frame.kind == FAILED:
            raise RuntimeError(frame.body.decode())
        assert (frame.kind, frame.call_id) == (READY, call_id), frame
        return json.loads(frame.body)

    def call(self, method: str, data: bytes = b"", key: str = "k", **more: int) -> Frame:
        """Send one CALL and return its RESULT, dropping what comes before."""
        call_id = self.send(CALL, key, method, "", data, **more)
        for frame in self.frames_until(call_id):
            last = frame
        return last

    def open_fds(self) -> list[str]:
        folder = f"/proc/{self.process.pid}/fd"
        return sorted(os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder))

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        total = 0
        for task in tasks:
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9 if total else int(fields[0]) / 1e9
