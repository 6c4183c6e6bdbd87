# SPDX-License-Identifier: Apache-2.0
"""Stand between a client and its Den, and write down what they say.

    with recorder("127.0.0.1", port) as recorded:
        ... a client with API_SERVER_URL=recorded.url ...
    recorded.exchanges

Each exchange is one of the form that transcripts have, with the names of tokens instead of their texts.
"""
from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
from dataclasses import dataclass, field
from typing import Any, Iterator

ANSWER_S = 60.0


@dataclass
class Recorded:
    url: str
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    def calls(self) -> list[tuple[str, str, int]]:
        """Method, path without its query, status of each exchange."""
        return [(one["request"]["method"], one["request"]["path"].partition("?")[0],
                 one["response"]["status"]) for one in self.exchanges]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        connection = http.client.HTTPConnection(*self.server.den, timeout=ANSWER_S)
        connection.request(self.command, self.path, body or None, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        kept = {name: value for name, value in self.headers.items()
                if name in ("Authorization", "Content-Type")}
        self.server.recorded.exchanges.append({
            "request": {"method": self.command, "path": self.path, "headers": kept,
                        "body": body.decode()},
            "response": {"status": answer.status, "body": content.decode()}})
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "date", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = pass_on

    def log_message(self, *values: Any) -> None:
        pass


@contextlib.contextmanager
def recorder(host: str, port: int) -> Iterator[Recorded]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.den = (host, port)
    server.recorded = Recorded(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.recorded
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
