# SPDX-License-Identifier: Apache-2.0
"""Answers read by a parser that lets nothing pass that RFC 9110 or 9112 forbids, and requests byte by byte."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from .raw import Wire

HOST = "Host: 127.0.0.1"
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# -- reading answers ------------------------------------------------------------------------------

@dataclass
class Strict:
    """An answer that keeps the rules; asserts while it is read."""

    status: int = 0
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str) -> str:
        values = self.headers.get(name, [])
        assert len(values) == 1, f"{name}: {values}"
        return values[0]


def read_strictly(wire: Wire, method: str) -> Strict:
    answer = Strict()
    line = read_crlf_line(wire)
    match = re.fullmatch(r"HTTP/1\.1 ([1-9][0-9]{2}) [\t\x20-\x7e]*", line)
    assert match, f"status line {line!r}"
    answer.status = int(match[1])
    while line := read_crlf_line(wire):
        name, colon, value = line.partition(":")
        assert colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value), f"header line {line!r}"
        answer.headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    check_framing(answer)
    if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
        return answer
    if "transfer-encoding" in answer.headers:
        while size := int(re.fullmatch(r"[0-9A-Fa-f]+", read_crlf_line(wire))[0], 16):
            answer.body += wire.read_exactly(size)
            assert wire.read_exactly(2) == b"\r\n"
        assert read_crlf_line(wire) == ""
    elif "content-length" in answer.headers:
        answer.body = wire.read_exactly(int(answer.one("content-length")))
    else:
        assert answer.one("connection").lower() == "close"
        while wire.receive():
            pass
        answer.body, wire.buffer = wire.buffer, b""
    if answer.status >= 400 and answer.headers.get("content-type") == ["application/json"]:
        assert json.loads(answer.body)["detail"]
    return answer


def read_crlf_line(wire: Wire) -> str:
    while b"\n" not in wire.buffer:
        if not wire.receive():
            raise EOFError(f"the connection ended after {wire.buffer!r}")
    line, _, wire.buffer = wire.buffer.partition(b"\n")
    assert line.endswith(b"\r") and line.count(b"\r") == 1, f"line {line!r}"
    return line[:-1].decode("latin-1")


def check_framing(answer: Strict) -> None:
    lengths, codings = answer.headers.get("content-length", []), answer.headers.get("transfer-encoding", [])
    assert len(lengths) + len(codings) <= 1, answer  # RFC 9112 6.1, 6.2
    assert all(re.fullmatch("[0-9]+", value) for value in lengths), answer
    assert codings in ([], ["chunked"]), answer
    if answer.status < 200 or answer.status == 204:
        assert not lengths and not codings, answer  # RFC 9110 8.6, RFC 9112 6.1
    if answer.status >= 200:
        parsedate_to_datetime(answer.one("date"))  # RFC 9110 6.6.1
        assert answer.one("date").endswith(" GMT")
    if answer.status == 405:
        assert answer.one("allow")  # RFC 9110 15.5.6
    for single in ("content-type", "connection", "allow", "etag", "location", "retry-after"):
        assert len(answer.headers.get(single, [])) <= 1, answer


# -- making requests ------------------------------------------------------------------------------

def lines(*texts: str, body: bytes = b"") -> bytes:
    return ("\r\n".join(texts) + "\r\n\r\n").encode("latin-1") + body


def get(target: str = "/check", *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    return lines(f"{method} {target} {version}", HOST, *headers)


def post(*headers: str, body: bytes = b"", target: str = "/echo/call?_bare=1", version="HTTP/1.1") -> bytes:
    return lines(f"POST {target} {version}", HOST, *headers, body=body)


def sized(body: bytes, *headers: str, **options) -> bytes:
    return post(f"Content-Length: {len(body)}", *headers, body=body, **options)


def chunked(wire_body: bytes, *headers: str, **options) -> bytes:
    return post("Transfer-Encoding: chunked", *headers, body=wire_body, **options)
