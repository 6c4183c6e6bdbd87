# SPDX-License-Identifier: Apache-2.0
"""A package index that can be made slow, broken or wrong: PEP 503 pages of the wheels in a folder, or
the files of one folder as they are (a conda channel, a git repository), behind a password if asked."""
from __future__ import annotations

import base64
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Index:
    """FOLDER's wheels on /simple/, its files on /files/.

    trouble: what happens to files whose name matches `affected`: "slow" (a byte, then nothing until
        go_on is set), "cut" (half of it), "500", "hash" (the page promises another one).
    password: "user:password" that every request must have.
    """

    def __init__(self, folder: Path, password: str = ""):
        self.folder, self.password = folder, password
        self.trouble = ""
        self.affected = re.compile(r"\.(whl|bz2)$")
        self.asked: list[str] = []
        self.waiting = threading.Event()  # a slow file has begun
        self.go_on = threading.Event()
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                index.answer(self, unquote(urlsplit(self.path).path))

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def simple(self) -> str:
        return f"{self.url}/simple/"

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        self.asked.append(path)
        wanted = "Basic " + base64.b64encode(self.password.encode()).decode()
        if self.password and handler.headers.get("Authorization") != wanted:
            self.send(handler, 401, b"", {"WWW-Authenticate": 'Basic realm="test"'})
        elif path.startswith("/simple/"):
            self.send(handler, *self.page(path.split("/")[2]))
        else:
            self.send_file(handler, self.folder / path.removeprefix("/files/"))

    def page(self, name: str) -> tuple[int, bytes, dict[str, str]]:
        links = []
        for wheel in sorted(self.folder.glob("*.whl")):
            if re.sub("[-_.]+", "-", wheel.name.split("-")[0]).lower() == name:
                digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                if self.trouble == "hash":
                    digest = "0" * 64
                links.append(f'<a href="/files/{wheel.name}#sha256={digest}">{wheel.name}</a>')
        text = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"
        return (200 if links else 404), text.encode(), {"Content-Type": "text/html"}

    def send_file(self, handler: BaseHTTPRequestHandler, file: Path) -> None:
        if not file.is_file():
            self.send(handler, 404, b"")
            return
        content = file.read_bytes()
        trouble = self.trouble if self.affected.search(file.name) else ""
        if trouble == "500":
            self.send(handler, 500, b"out of order")
        elif trouble in ("slow", "cut"):
            self.send(handler, 200, content[:1 if trouble == "slow" else len(content) // 2],
                      length=len(content))
            if trouble == "slow":
                self.waiting.set()
                self.go_on.wait()
                handler.wfile.write(content[1:])
            handler.close_connection = True
        else:
            self.send(handler, 200, content)

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers=None,
             length: int | None = None) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
            handler.wfile.flush()
