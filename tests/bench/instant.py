# SPDX-License-Identifier: Apache-2.0
"""A server that has every answer ready: what is left of a call's time is the client's own.

The first request of a kind (method and path) is passed to a real server; its answer is kept and given
to all later ones at once, /logs included."""
from __future__ import annotations

import http.client
import socket
import threading


class Instant:
    """Serves on `port` of 127.0.0.1 from start() to stop()."""

    def __init__(self, real_port: int) -> None:
        self.real_port = real_port
        self.answers: dict[tuple[str, str], bytes] = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                headers = http.client.parse_headers(reader)
                body = reader.read(int(headers.get("content-length", 0)))
                kind = (method, target.partition("?")[0])
                if kind not in self.answers:
                    self.answers[kind] = self._ask(method, target, headers, body)
                connection.sendall(self.answers[kind])

    def _ask(self, method: str, target: str, headers: http.client.HTTPMessage,
             body: bytes) -> bytes:
        real = http.client.HTTPConnection("127.0.0.1", self.real_port)
        real.request(method, target, body, {"Content-Type": headers.get("content-type", "")})
        answer = real.getresponse()
        body = answer.read()
        real.close()
        return (f"HTTP/1.1 {answer.status} {answer.reason}\r\n"
                f"Content-Type: {answer.headers.get('content-type')}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode("latin-1") + body
