# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from a daemon, for requests that no HTTP library would send."""
from __future__ import annotations

import socket
from dataclasses import dataclass

from .gatehoused import ANSWER_S, Gatehoused


CLOSE_S = 20.0


@dataclass
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection. Use as a context manager."""

    def __init__(self, daemon: Gatehoused, timeout: float = ANSWER_S):
        self.socket = daemon.connect(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *exc) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bool:
        """More bytes into the buffer; False at the end of the stream, or at a reset."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def read_line(self) -> bytes:
        while b"\n" not in self.buffer:
            if not self.receive():
                raise EOFError(f"the connection ended after {self.buffer!r}")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def read_exactly(self, length: int) -> bytes:
        while len(self.buffer) < length:
            if not self.receive():
                raise EOFError(f"the connection ended {length - len(self.buffer)} bytes early")
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def read_head(self) -> RawAnswer:
        """Status line and headers; the body is still to be read."""
        version, _, rest = self.read_line().decode("latin-1").partition(" ")
        assert version in ("HTTP/1.1", "HTTP/1.0"), version
        headers = {}
        while line := self.read_line().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return RawAnswer(int(rest.split(" ")[0]), headers, b"")

    def read_chunk(self) -> bytes:
        """One chunk of a chunked body; b"" at its end."""
        size = int(self.read_line().split(b";")[0], 16)
        data = self.read_exactly(size)
        assert self.read_line() == b""
        return data

    def read_answer(self, method: str = "GET") -> RawAnswer:
        answer = self.read_head()
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while chunk := self.read_chunk():
                answer.body += chunk
        elif "content-length" in answer.headers:
            answer.body = self.read_exactly(int(answer.headers["content-length"]))
        else:
            while self.receive():
                pass
            answer.body, self.buffer = self.buffer, b""
        return answer

    def ends_within(self, seconds: float) -> bool:
        """True when the peer closes, sending nothing more, within this time."""
        self.socket.settimeout(seconds)
        try:
            return not self.receive()
        except TimeoutError:
            return False


def answers_until_close(daemon: Gatehoused, data: bytes) -> list[RawAnswer]:
    """Send DATA on a new connection and collect every answer until the peer closes."""
    answers: list[RawAnswer] = []
    with Wire(daemon, CLOSE_S) as wire:
        try:
            wire.send(data)
        except ConnectionError:
            pass  # it answered and closed in the middle of a long request
        while True:
            try:
                if not wire.buffer and not wire.receive():
                    return answers
                answers.append(wire.read_answer())
            except TimeoutError:
                raise AssertionError(f"the connection stays open after {answers}") from None


def head(daemon: Gatehoused, method: str, target: str, *headers: str, version: str = "HTTP/1.1",
         host: bool = True) -> bytes:
    """A request head with the right Host."""
    lines = [f"{method} {target} {version}"]
    if host:
        lines.append(f"Host: {daemon.host}:{daemon.port}")
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode("latin-1")


