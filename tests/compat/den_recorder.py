# SPDX-License-Identifier: Apache-2.0
"""Stand between a client and its Den, and write down what they say.

    with recorder("127.0.0.1", port) as recorded:
        ... a client with API_SERVER_URL=recorded.url ...
    recorded.exchanges

Each exchange has the form of those in transcripts/. With GATEHOUSE_RECORD_DEN=FILE they are appended there, as
lines of transcripts/den.jsonl: "<alice>" stands for the token of alice, "<node>" for the node's port, long texts
and what follows itself unchanged are left out.
"""
from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Iterator

ANSWER_S = 60.0
SHAPES = ("signature", "openapi_spec")


def varying(text: str) -> str:
    """TEXT, of an exchange or of its body, with a placeholder for what is another one each time."""
    text = re.sub(r"ghc_[\w-]{43}", "<cluster token>", text)
    text = re.sub(r'(request_id\\*": ?\\*")[\w-]+', r"\1<id>", text)
    text = re.sub(r'(at_s\\*": ?)\d+', r"\g<1>0", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000000", "<time>", text)


def shortened(body: str) -> str:
    """BODY, where it is JSON, with no long texts, and little of what the client keeps of a function's shape."""
    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(dict(list(item.items())[:2]) if key in SHAPES and isinstance(item, dict)
                              else item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return "..." if isinstance(value, str) and len(value) > 100 else value

    try:
        return json.dumps(walk(json.loads(body)))
    except ValueError:
        return body


@dataclass
class Recorded:
    url: str
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    def write(self, name: str, replaced: dict[str, str]) -> None:
        """Append what was said in the session NAME to the file that the environment names, if any."""
        path = os.environ.get("GATEHOUSE_RECORD_DEN")
        lines: list[str] = []
        for exchange in self.exchanges if path else ():
            for half in exchange.values():
                half["body"] = shortened(half["body"])
            text = json.dumps({"session": name, **exchange})
            for there, placeholder in replaced.items():
                text = re.sub(rf"(?<!\w){re.escape(there)}(?!\w)", placeholder, text)
            if not lines or lines[-1] != varying(text):
                lines.append(varying(text))
        if path:
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)

    def calls(self) -> list[tuple[str, str, int]]:
        """Method, path without its query, status of each exchange."""
        return [(one["request"]["method"], one["request"]["path"].partition("?")[0],
                 one["response"]["status"]) for one in self.exchanges]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # What is recorded is text, so nothing that packs it is accepted.
        sent = {name: value for name, value in self.headers.items()
                if name.lower() not in ("connection", "accept-encoding")}
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
