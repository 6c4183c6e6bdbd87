# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by RFC 9110 (semantics) and RFC 9112 (messages): one row for each case.

A row has the section that it comes from, the bytes that are sent, the status of each answer (a set where
several are right), and what becomes of the connection: OPEN, and another request on it is answered; or SHUT.
Every answer is read by a strict parser, which itself checks framing, Date and the like. The table holds over
HTTP and over HTTPS.
"""
from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Iterable

import pytest

from .gatehoused import ANSWER_S, USER_CODE, Gatehoused, wait_until
from .ports import free_port
from .raw import Wire
from .strictly import HOST, Strict, chunked, get, lines, post, read_strictly, sized

DAEMON_OPTIONS = {"modules": [f"app={USER_CODE}/asgi_answers.py:app", f"concat={USER_CODE}/things.py:concat",
                              f"echo={USER_CODE}/things.py:echo"]}
HTTPS_PORT = free_port()
ANY_CERTIFICATE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANY_CERTIFICATE.check_hostname, ANY_CERTIFICATE.verify_mode = False, ssl.CERT_NONE
DAEMON_OPTIONS["args"] = ["--listen", f"127.0.0.1:{HTTPS_PORT}/https"]

OPEN, SHUT, EITHER = "open", "shut", "either"
REFUSED = {400}
CHECK = b'{"rh_version":"0.0.42"}'


@pytest.fixture
def node(daemon: Gatehoused) -> Gatehoused:
    wait_until("the modules to be loaded", lambda: daemon.get("/readyz").status == 200)
    return daemon


@dataclass
class Case:
    name: str
    section: str  # of RFC 9110 unless it says 9112
    send: bytes
    statuses: Iterable[int | set[int]] = (200,)
    after: str = OPEN
    methods: Iterable[str] = ()  # of the requests, where one is HEAD
    check: Callable[[Strict], object] | None = None  # of the last answer
    may_be_silent: bool = False  # closing without an answer is right too


def case(name: str, section: str, send: bytes, *statuses: int | set[int], after: str = OPEN, **more) -> Case:
    return Case(name, section, send, statuses or (200,), after, **more)


def bad(name: str, section: str, send: bytes, *also: int, may_be_silent: bool = False) -> Case:
    """Refused with 400 (or one of ALSO), and the connection with it."""
    return Case(name, section, send, (REFUSED | set(also),), SHUT, may_be_silent=may_be_silent)


def body_is(text: bytes) -> Callable[[Strict], None]:
    def check(answer: Strict) -> None:
        assert answer.body == text
    return check


def header_is(name: str, value: str | None) -> Callable[[Strict], None]:
    def check(answer: Strict) -> None:
        assert answer.headers.get(name, []) == ([] if value is None else [value]), answer
    return check


def mentions(name: str, *words: str) -> Callable[[Strict], None]:
    def check(answer: Strict) -> None:
        found = [word.strip() for word in ",".join(answer.headers.get(name, [])).split(",")]
        assert set(words) <= set(found), answer
    return check


VALUE_BODY = b'{"value": "v"}'
ECHOED = body_is(b'"v"')
CHUNKS = b"e\r\n" + VALUE_BODY + b"\r\n0\r\n\r\n"
CLOSE = "Connection: close"


def sized_as(line: bytes) -> bytes:
    """The body in one chunk behind LINE."""
    return chunked(line + CHUNKS[1:])


ETAG_PATH = "/_gatehouse/assets/page.css"

# -- the request line -----------------------------------------------------------------------------

REQUEST_LINE = [
    case("plain", "9112 3", get(), check=body_is(CHECK)),
    case("one empty line before", "9112 2.2", b"\r\n" + get()),
    case("query", "9112 3.2.1", get("/check?a=b")),
    case("empty query", "9112 3.2.1", get("/check?")),
    case("query of question marks", "9112 3.2.1", get("/check???")),
    case("query with a slash", "9112 3.2.1", get("/check?/a/../b")),
    case("absolute-form", "9112 3.2.2", get("http://127.0.0.1/check"), check=body_is(CHECK)),
    case("absolute-form, other host", "9112 3.2.2", get("http://other.example:81/check")),
    case("absolute-form, upper case scheme", "9112 3.2.2", get("HTTP://127.0.0.1/check")),
    case("absolute-form without a path", "9112 3.2.2", get("http://127.0.0.1"), 404),
    case("absolute-form without a path, with a query", "9112 3.2.2", get("http://127.0.0.1?a=b"), {400, 404},
         after=EITHER),
    bad("absolute-form without a host", "4.2.1", get("http:///check")),
    bad("absolute-form with a user", "4.2.4", get("http://me:secret@127.0.0.1/check")),
    bad("absolute-form with a bad port", "9112 3.2.2", get("http://127.0.0.1:x/check")),
    bad("absolute-form of ftp", "9112 3.2.2", get("ftp://127.0.0.1/check")),
    bad("authority-form for GET", "9112 3.2.3", get("127.0.0.1:80")),
    bad("asterisk-form for GET", "9112 3.2.4", get("*")),
    bad("target without a slash", "9112 3.2", get("check")),
    bad("empty target", "9112 3.2", lines("GET  HTTP/1.1", HOST)),
    bad("fragment in the target", "9112 3.2", get("/check#top")),
    bad("two blanks after the method", "9112 3", lines("GET  /check HTTP/1.1", HOST)),
    bad("two blanks before the version", "9112 3", lines("GET /check  HTTP/1.1", HOST)),
    bad("tabs as separators", "9112 3", lines("GET\t/check\tHTTP/1.1", HOST), may_be_silent=True),
    bad("blank in the target", "9112 3.2", get("/che ck")),
    bad("blank before the method", "9112 3", b" " + get(), may_be_silent=True),
    bad("blank in the target of an unknown method", "9112 3", lines("BREW /che ck HTTP/1.1", HOST), may_be_silent=True),
    bad("two lines in one", "9112 3", lines("Extra lineGET /check HTTP/1.1", HOST), may_be_silent=True),
    bad("a method alone", "9112 3", lines("GET", HOST), may_be_silent=True),
    bad("a blank line and bytes before the method", "9112 2.2", b"\r\nX\r\n" + get(), may_be_silent=True),
    bad("blank after the version", "9112 3", lines("GET /check HTTP/1.1 ", HOST), 505),
    bad("control byte in the target", "9112 3.2", get("/che\x01ck")),
    bad("DEL in the target", "9112 3.2", get("/che\x7fck")),
    bad("high byte in the target", "9112 3.2", get("/che\xe9ck")),
    bad("NUL in the target", "9112 3.2", get("/che\x00ck"), may_be_silent=True),
    bad("bare CR in the request line", "9112 2.2", b"GET /check\rHTTP/1.1\r\n" + HOST.encode() + b"\r\n\r\n"),
    bad("bare LF after the request line", "9112 2.2", b"GET /check HTTP/1.1\n" + HOST.encode() + b"\r\n\r\n"),
    bad("no version", "9112 2.3", lines("GET /check", HOST), 505),
    bad("lower case version", "9112 2.3", get(version="http/1.1"), 505),
    bad("version without digits", "9112 2.3", get(version="HTTP/x.y"), 505),
    bad("version with two digits", "9112 2.3", get(version="HTTP/1.10"), 505),
    bad("version without a minor number", "9112 2.3", get(version="HTTP/1"), 505),
    bad("another protocol's version", "9112 2.3", get(version="ICY/1.1"), 505),
    case("HTTP/0.9 by number", "9112 2.3", get(version="HTTP/0.9"), {400, 505}, after=SHUT),
    case("HTTP/2.0 by number", "9112 2.3", get(version="HTTP/2.0"), 505, after=SHUT),
    case("HTTP/3.7 by number", "9112 2.3", get(version="HTTP/3.7"), 505, after=SHUT),
    case("a later minor version is read as 1.1", "2.5", get(version="HTTP/1.2")),
    bad("HTTP/0.9 request", "9112 2.3", b"GET /check\r\n\r\n", 505),
    bad("HTTP/2 preface", "9112 3.2.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    case("long target below the limit", "4.1", get("/check?" + "a" * 8000)),
    case("long target above the limit", "15.5.15", get("/check?" + "a" * 17_000), 414, after=SHUT),
    case("endless target", "15.5.15", get("/check?" + "a" * 60_000), 414, after=SHUT),
]

METHODS = [
    case("HEAD", "9.3.2", get(method="HEAD"), methods=["HEAD"], check=header_is("content-length", str(len(CHECK)))),
    case("HEAD of what is not there", "9.3.2", get("/nope", method="HEAD"), 404, methods=["HEAD"]),
    case("HEAD where GET is not served", "9.3.2", get("/rename", method="HEAD"), 405, methods=["HEAD"]),
    case("HEAD, then GET", "9.3.2", get(method="HEAD") + get(), 200, 200, methods=["HEAD", "GET"],
         check=body_is(CHECK)),
    case("OPTIONS of a path", "9.3.7", get(method="OPTIONS"), {200, 204},
         check=mentions("allow", "GET", "HEAD", "OPTIONS")),
    case("OPTIONS of a call", "9.3.7", get("/concat/call", method="OPTIONS"), {200, 204},
         check=mentions("allow", "GET", "HEAD", "POST", "OPTIONS")),
    case("OPTIONS of what is not there", "9.3.7", get("/nope", method="OPTIONS"), 404),
    case("OPTIONS *", "9.3.7", get("*", method="OPTIONS"), {200, 204}, check=mentions("allow", "GET", "POST")),
    case("OPTIONS with a body", "9.3.7", lines("OPTIONS /check HTTP/1.1", HOST, "Content-Length: 2", body=b"{}"),
         {200, 204}, after=EITHER),
    case("TRACE", "9.3.8", get(method="TRACE"), {405, 501}),
    case("TRACE * ", "9.3.8", get("*", method="TRACE"), {400, 405, 501}, after=EITHER),
    case("CONNECT", "9.3.6", get("127.0.0.1:80", method="CONNECT"), {400, 405, 501}, after=EITHER),
    case("CONNECT of a path", "9.3.6", get("/check", method="CONNECT"), {400, 405, 501}, after=EITHER),
    case("POST where only GET is", "15.5.6", sized(b"{}", target="/check"), 405, after=EITHER,
         check=mentions("allow", "GET", "HEAD")),
    case("PUT", "15.5.6", get("/concat/call", method="PUT"), 405, check=mentions("allow", "GET", "POST")),
    case("DELETE", "15.5.6", get(method="DELETE"), 405),
    case("PATCH", "15.5.6", get(method="PATCH"), 405),
    case("methods are case-sensitive", "9.1", get(method="get"), {405, 501}),
    case("unknown method", "9.1", get(method="BREW"), {405, 501}),
    case("unknown method with every token byte", "9.1", get(method="A!#$%&'*+-.^_`|~09z"), {405, 501}),
    case("unknown method of 300 bytes", "9.1", get(method="A" * 300), {400, 405, 501}, after=EITHER),
    case("unknown method of 40,000 bytes", "9.1", get(method="A" * 40_000), {400, 405, 414, 431, 501}, after=SHUT,
         may_be_silent=True),
    bad("method that is no token", "9112 3.1", get(method="GE(T")),
    bad("method with a colon", "9112 3.1", get(method="GET:")),
    bad("empty method", "9112 3.1", lines(" /check HTTP/1.1", HOST), may_be_silent=True),
    case("body of a GET is read over", "9.3.1", lines("GET /check HTTP/1.1", HOST, "Content-Length: 5", body=b"hello"),
         {200, 400, 413}, after=EITHER),
    case("chunked body of a GET", "9.3.1", lines("GET /check HTTP/1.1", HOST, "Transfer-Encoding: chunked",
                                                body=b"3\r\nabc\r\n0\r\n\r\n"), {200, 400, 413}, after=EITHER),
    case("body of a DELETE", "9.3.5", lines("DELETE /check HTTP/1.1", HOST, "Content-Length: 5", body=b"hello"),
         405, after=EITHER),
]

TARGETS = [
    case("escaped letters of an argument", "RFC 3986 2.1", get("/concat/call?a=%41%62&b=%2b%26&_bare=1"),
         check=body_is(b'"Ab+&"')),
    case("escapes in lower case", "RFC 3986 2.1", get("/concat/call?a=%c3%a9&b=&_bare=1"),
         check=body_is('"é"'.encode())),
    case("escaped key", "RFC 3986 2.1", get("/c%6fncat/call?a=1&b=2&_bare=1"), check=body_is(b'"12"')),
    bad("broken escape", "RFC 3986 2.1", get("/check?a=%4")),
    bad("escape without digits", "RFC 3986 2.1", get("/check?a=%zz")),
    bad("escape at the end", "RFC 3986 2.1", get("/check%")),
    case("escaped NUL", "RFC 3986 7.3", get("/check%00"), {400, 404}, after=EITHER),
    case("escaped slash is no slash", "RFC 3986 2.2", get("/concat%2fcall"), 404),
    case("escaped question mark is no query", "RFC 3986 2.2", get("/check%3fa"), 404),
    case("dot segments are not walked", "RFC 3986 5.2.4", get("/x/../check"), {200, 400, 404}, after=EITHER),
    case("escaped dot segments", "RFC 3986 5.2.4", get("/x/%2e%2e/check"), {200, 400, 404}, after=EITHER),
    case("dot segments out of the root", "RFC 3986 5.2.4", get("/../../etc/passwd"), {400, 404}, after=EITHER),
    case("double slash at the start", "RFC 3986 3.3", get("//check"), 404),
    case("empty segment in the middle", "RFC 3986 3.3", get("/concat//call"), 404),
    case("slash at the end", "RFC 3986 3.3", get("/check/"), 200),
    case("many segments", "RFC 3986 3.3", get("/" + "a/" * 500), 404),
    case("semicolon parameters", "RFC 3986 3.3", get("/check;v=1"), 404),
    case("paths are case-sensitive", "4.2.3", get("/CHECK"), 404),
    case("empty pairs of a query", "RFC 3986 3.4", get("/concat/call?&&a=1&&b=2&_bare=1&"), check=body_is(b'"12"')),
    case("plus of a query", "RFC 3986 3.4", get("/concat/call?a=1+1&b=&_bare=1"), check=body_is(b'"1 1"')),
    case("equals signs of a value", "RFC 3986 3.4", get("/concat/call?a=x=y&b==&_bare=1"), check=body_is(b'"x=y="')),
]

# -- headers --------------------------------------------------------------------------------------

HOSTS = [
    case("a name", "7.2", lines("GET /check HTTP/1.1", "Host: node.example")),
    case("a name with a port", "7.2", lines("GET /check HTTP/1.1", "Host: node.example:32300")),
    case("a name with an empty port", "7.2", lines("GET /check HTTP/1.1", "Host: node.example:")),
    case("an IPv6 address", "7.2", lines("GET /check HTTP/1.1", "Host: [::1]:80")),
    case("any case of the name", "5.1", lines("GET /check HTTP/1.1", "hOsT: a")),
    case("behind other headers", "7.2", lines("GET /check HTTP/1.1", "X: y", HOST)),
    case("blanks around it", "5.5", lines("GET /check HTTP/1.1", "Host: \t a \t ")),
    case("none in HTTP/1.0", "9112 3.2", lines("GET /check HTTP/1.0"), after=SHUT),
    bad("none", "9112 3.2", lines("GET /check HTTP/1.1", "X: y")),
    case("an empty one in HTTP/1.0", "9112 3.2", lines("GET /check HTTP/1.0", "Host:"), after=SHUT),
    bad("an empty one", "4.2.1", lines("GET /check HTTP/1.1", "Host:")),
    bad("an empty one of blanks", "4.2.1", lines("GET /check HTTP/1.1", "Host:  \t")),
    bad("an empty one beside an absolute target", "4.2.1", lines("GET http://a/check HTTP/1.1", "Host:")),
    bad("two", "9112 3.2", lines("GET /check HTTP/1.1", HOST, "Host: b")),
    bad("two that agree", "9112 3.2", lines("GET /check HTTP/1.1", HOST, HOST)),
    bad("two in HTTP/1.0", "9112 3.2", lines("GET /check HTTP/1.0", HOST, "Host: b")),
    bad("none beside an absolute target", "9112 3.2.2", lines("GET http://a/check HTTP/1.1")),
    bad("a list", "9112 3.2", lines("GET /check HTTP/1.1", "Host: a, b")),
    bad("with a path", "9112 3.2", lines("GET /check HTTP/1.1", "Host: a/b")),
    bad("with a scheme", "9112 3.2", lines("GET /check HTTP/1.1", "Host: http://a")),
    bad("with a user", "9112 3.2", lines("GET /check HTTP/1.1", "Host: me@a")),
    bad("with a blank", "9112 3.2", lines("GET /check HTTP/1.1", "Host: a b")),
    bad("with a port that is a word", "9112 3.2", lines("GET /check HTTP/1.1", "Host: a:http")),
    bad("with two ports", "9112 3.2", lines("GET /check HTTP/1.1", "Host: a:1:2")),
    bad("with an open bracket", "9112 3.2", lines("GET /check HTTP/1.1", "Host: [::1")),
    bad("with a high byte", "9112 3.2", lines("GET /check HTTP/1.1", "Host: \xe9.example")),
    bad("blank before its colon", "9112 5.1", lines("GET /check HTTP/1.1", "Host : a")),
]

HEADERS = [
    case("empty value", "5.5", get("/check", "X:")),
    case("value of blanks", "5.5", get("/check", "X:  \t ")),
    case("no blank behind the colon", "5.5", get("/check", "X:y")),
    case("high bytes in a value", "5.5", get("/check", "X: \xe9\xff")),
    case("tab in a value", "5.5", get("/check", "X: a\tb")),
    case("colons in a value", "5.5", get("/check", "X: a:b:c")),
    case("quotes that nothing ends", "5.6.4", get("/check", 'X: "abc')),
    case("every byte of a token as name", "5.1", get("/check", "!#$%&'*+-.^_`|~09azAZ: y")),
    case("a name twice", "5.3", get("/check", "X: 1", "X: 2")),
    case("100 headers", "5.4", get("/check", *[f"X-{i}: y" for i in range(99)])),
    case("1,000 headers", "RFC 6585 5", get("/check", *[f"X-{i}: y" for i in range(999)]), 431, after=SHUT),
    case("a header of 8,000 bytes", "5.4", get("/check", "X: " + "y" * 8000)),
    case("a header of 60,000 bytes", "RFC 6585 5", get("/check", "X: " + "y" * 60_000), 431, after=SHUT),
    case("a name of 20,000 bytes", "RFC 6585 5", get("/check", "X" * 20_000 + ": y"), 431, after=SHUT),
    bad("blank before the colon", "9112 5.1", get("/check", "X : y")),
    bad("tab before the colon", "9112 5.1", get("/check", "X\t: y")),
    bad("blank in the name", "5.1", get("/check", "X Y: z")),
    bad("no name", "5.1", get("/check", ": y")),
    bad("no colon", "9112 5", get("/check", "X")),
    bad("bare CR before a name", "9112 2.2", get("/check", "\rX: y")),
    bad("name with a bracket", "5.1", get("/check", "X(Y): z")),
    bad("name with quotes", "5.1", get("/check", '"X": y')),
    bad("name with a slash", "5.1", get("/check", "X/Y: z")),
    bad("name with a high byte", "5.1", get("/check", "X\xe9: y")),
    bad("name with a control byte", "5.1", get("/check", "X\x01: y")),
    bad("NUL in the name", "5.1", get("/check", "X\x00: y")),
    bad("NUL in a value", "5.5", get("/check", "X: a\x00b")),
    bad("control byte in a value", "5.5", get("/check", "X: a\x01b")),
    bad("bare CR in a value", "9112 2.2", get("/check", "X: a\rb")),
    bad("bare LF between headers", "9112 2.2", b"GET /check HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
    bad("bare LF at the end", "9112 2.2", b"GET /check HTTP/1.1\r\nHost: a\r\n\n"),
    bad("folded line", "9112 5.2", get("/check", "X: a", " b")),
    bad("line folded with a tab", "9112 5.2", get("/check", "X: a", "\tb")),
    bad("folded line behind the request line", "9112 2.2", lines("GET /check HTTP/1.1", " X: y", HOST)),
]

# -- bodies ---------------------------------------------------------------------------------------

LENGTHS = [
    case("body by length", "9112 6.2", sized(VALUE_BODY), check=ECHOED),
    case("zeros in front of a length", "8.6", post("Content-Length: 00014", body=VALUE_BODY), check=ECHOED),
    case("length 0", "8.6", post("Content-Length: 0", target="/check"), 405, check=mentions("allow", "GET")),
    case("no length is no body", "9112 6.3", post(target="/settings"), {400, 411, 422}),
    case("body by length, then a request", "9112 6.3", sized(VALUE_BODY) + get(), 200, 200, check=body_is(CHECK)),
    bad("two lengths", "9112 6.3", post("Content-Length: 14", "Content-Length: 5", body=VALUE_BODY)),
    bad("two lengths that agree", "9112 6.3", post("Content-Length: 14", "Content-Length: 14", body=VALUE_BODY)),
    bad("list of lengths", "8.6", post("Content-Length: 14, 14", body=VALUE_BODY)),
    bad("empty length", "8.6", post("Content-Length:", body=VALUE_BODY)),
    bad("length with a plus", "8.6", post("Content-Length: +14", body=VALUE_BODY)),
    bad("length with a minus", "8.6", post("Content-Length: -14", body=VALUE_BODY)),
    bad("length in hexadecimal", "8.6", post("Content-Length: 0xe", body=VALUE_BODY)),
    bad("length with a point", "8.6", post("Content-Length: 14.0", body=VALUE_BODY)),
    bad("length with a blank inside", "8.6", post("Content-Length: 1 4", body=VALUE_BODY)),
    bad("length with letters", "8.6", post("Content-Length: 14a", body=VALUE_BODY)),
    bad("length over 64 bits", "8.6", post("Content-Length: 18446744073709551630", body=VALUE_BODY), 413),
    bad("length of forty digits", "8.6", post("Content-Length: " + "9" * 40, body=VALUE_BODY), 413),
    case("length over the limit", "15.5.14", post("Content-Length: 99999999999999999"), 413, after=SHUT),
]

CHUNKED = [
    case("one chunk", "9112 7.1", chunked(CHUNKS), check=ECHOED),
    case("a chunk for each byte", "9112 7.1",
         chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in VALUE_BODY) + b"0\r\n\r\n"), check=ECHOED),
    case("size in upper case", "9112 7.1", chunked(CHUNKS.replace(b"e\r\n", b"E\r\n", 1)), check=ECHOED),
    case("zeros in front of a size", "9112 7.1", chunked(b"0000" + CHUNKS), check=ECHOED),
    case("zeros as the last size", "9112 7.1", chunked(CHUNKS.replace(b"\r\n0\r\n", b"\r\n0000\r\n")), check=ECHOED),
    case("extension", "9112 7.1.1", chunked(CHUNKS.replace(b"e\r\n", b"e;a=b\r\n", 1)), check=ECHOED),
    case("extension without a value", "9112 7.1.1", chunked(CHUNKS.replace(b"e\r\n", b"e;a\r\n", 1)), check=ECHOED),
    case("quoted extension", "9112 7.1.1", chunked(CHUNKS.replace(b"e\r\n", b'e;a="b c"\r\n', 1)), check=ECHOED),
    case("extensions with blanks", "9112 7.1.1", sized_as(b'e \t; a = b ;c; d="\\";"'), check=ECHOED),
    case("extension of 4,000 bytes", "9112 7.1.1", sized_as(b"e;" + b"a" * 4000), check=ECHOED),
    case("trailers", "9112 7.1.2", chunked(CHUNKS[:-2] + b"X-Sum: 1\r\nX-More: 2\r\n\r\n"), check=ECHOED),
    case("a trailer is no header", "6.5.1", chunked(CHUNKS[:-2] + b"Content-Length: 99\r\nHost: b\r\n\r\n"),
         {200, 400}, after=EITHER),
    case("any case of the coding", "9112 7", post("transfer-encoding: CHUNKED", body=CHUNKS), check=ECHOED),
    case("chunks, then a request", "9112 7.1", chunked(CHUNKS) + get(), 200, 200, check=body_is(CHECK)),
    bad("endless extension", "9112 7.1.1", sized_as(b"e;" + b"a" * 40_000)),
    *[bad(f"extension {line!r}", "9112 7.1.1", sized_as(b"e" + line))
      for line in (b";", b";;a", b";a=", b";a[=b", b";\0a", b";a=\x0bb", b";a\rb", b";a\nb", b';a="b', b" ")],
    bad("extension of the last chunk", "9112 7.1.1", chunked(CHUNKS.replace(b"\r\n0\r\n", b"\r\n0;\r\n"))),
    case("endless trailer", "9112 7.1.2", chunked(CHUNKS[:-2] + b"X: " + b"a" * 60_000 + b"\r\n\r\n"),
         {400, 413, 431}, after=SHUT),
    bad("length and chunked", "9112 6.1", post("Content-Length: 14", "Transfer-Encoding: chunked", body=CHUNKS)),
    bad("chunked and length", "9112 6.1", post("Transfer-Encoding: chunked", "Content-Length: 14", body=CHUNKS)),
    bad("in HTTP/1.0", "9112 6.1", chunked(CHUNKS, version="HTTP/1.0")),
    bad("twice", "9112 6.1", chunked(CHUNKS, "Transfer-Encoding: chunked")),
    bad("twice in a list", "9112 7.1", post("Transfer-Encoding: chunked, chunked", body=CHUNKS), 501),
    bad("not last", "9112 6.3", post("Transfer-Encoding: chunked, gzip", body=CHUNKS), 501),
    bad("gzip before it", "9112 6.1", post("Transfer-Encoding: gzip, chunked", body=CHUNKS), 501),
    bad("identity", "9112 7", post("Transfer-Encoding: identity", "Content-Length: 14", body=VALUE_BODY), 501),
    bad("an unknown coding", "9112 6.1", post("Transfer-Encoding: xchunked", body=CHUNKS), 501),
    bad("an empty coding", "9112 6.1", post("Transfer-Encoding:", body=CHUNKS), 501),
    bad("quoted", "9112 6.1", post('Transfer-Encoding: "chunked"', body=CHUNKS), 501),
    bad("with a parameter", "9112 7", post("Transfer-Encoding: chunked;q=1", body=CHUNKS), 501),
    bad("with a vertical tab", "9112 6.1", post("Transfer-Encoding: \x0bchunked", body=CHUNKS), 501),
    bad("size of letters", "9112 7.1", chunked(b"xyz\r\n")),
    bad("empty size", "9112 7.1", chunked(b"\r\n" + CHUNKS)),
    bad("size with a plus", "9112 7.1", chunked(b"+" + CHUNKS)),
    bad("size with a minus", "9112 7.1", chunked(b"-" + CHUNKS)),
    bad("size with 0x", "9112 7.1", chunked(b"0x" + CHUNKS)),
    bad("size over 64 bits", "9112 7.1", sized_as(b"10000000000000000e")),
    bad("size with an underscore", "9112 7.1", chunked(b"0_" + CHUNKS)),
    bad("blank before the size", "9112 7.1", chunked(b" " + CHUNKS)),
    bad("bare LF behind the size", "9112 7.1", chunked(CHUNKS.replace(b"e\r\n", b"e\n", 1))),
    bad("bare LF behind the data", "9112 7.1", chunked(CHUNKS.replace(b"}\r\n", b"}\n"))),
    bad("bare CR behind the size", "9112 7.1", chunked(CHUNKS.replace(b"e\r\n", b"e\r", 1))),
    bad("data longer than its size", "9112 7.1", chunked(CHUNKS.replace(b"}\r\n", b"}XX\r\n"))),
    bad("data shorter than its size", "9112 7.1", chunked(b"10" + CHUNKS[1:])),
]

EXPECT = [
    case("100-continue with the body at once", "10.1.1", sized(VALUE_BODY, "Expect: 100-continue"),
         check=ECHOED),
    case("100-continue in any case", "10.1.1", sized(VALUE_BODY, "expect: 100-Continue"), check=ECHOED),
    case("100-continue with chunks", "10.1.1", chunked(CHUNKS, "Expect: 100-continue"), check=ECHOED),
    case("100-continue without a body", "10.1.1", get("/check", "Expect: 100-continue")),
    case("100-continue in HTTP/1.0 is ignored", "10.1.1",
         sized(VALUE_BODY, "Expect: 100-continue", version="HTTP/1.0"), after=SHUT, check=ECHOED),
    case("an answer instead of 100", "10.1.1", post("Content-Length: 10", "Expect: 100-continue", target="/check"), 405,
         after=SHUT),
    case("no such route instead of 100", "10.1.1", post("Content-Length: 10", "Expect: 100-continue", target="/nope"),
         404, after=SHUT),
    case("too long instead of 100", "10.1.1", post("Content-Length: 99999999999999999", "Expect: 100-continue"), 413,
         after=SHUT),
    case("an unknown expectation", "10.1.1", sized(VALUE_BODY, "Expect: 200-ok"), 417, after=SHUT),
    case("an unknown one beside it", "10.1.1", sized(VALUE_BODY, "Expect: 100-continue, tea"), 417, after=SHUT),
    case("an unknown expectation of a GET", "10.1.1", get("/check", "Expect: tea"), 417, after=SHUT),
    case("an empty expectation", "10.1.1", get("/check", "Expect:")),
]

# -- connections ----------------------------------------------------------------------------------

CONNECTIONS = [
    case("1.1 stays", "9112 9.3", get(), check=header_is("connection", None)),
    case("close", "9112 9.6", get("/check", CLOSE), after=SHUT, check=header_is("connection", "close")),
    case("close in any case", "9112 9.6", get("/check", "connection: CLOSE"), after=SHUT),
    case("close in a list", "9112 9.6", get("/check", "Connection: x, close ,y"), after=SHUT),
    case("close in a second header", "9112 9.6", get("/check", "Connection: x", CLOSE), after=SHUT),
    case("close over keep-alive", "9112 9.3", get("/check", "Connection: keep-alive, close"), after=SHUT),
    case("an unknown option", "7.6.1", get("/check", "Connection: tea")),
    case("a word with close in it", "7.6.1", get("/check", "Connection: enclosed")),
    case("an empty list", "7.6.1", get("/check", "Connection: , ,")),
    case("nothing behind close is read", "9112 9.6", get("/check", CLOSE) + get(), after=SHUT),
    case("1.0 ends", "9112 9.3", get(version="HTTP/1.0"), after=SHUT),
    case("1.0 with keep-alive stays", "9112 9.3", get("/check", "Connection: keep-alive", version="HTTP/1.0"),
         after=OPEN, check=header_is("connection", "Keep-Alive")),
    case("1.0 with close", "9112 9.3", get("/check", CLOSE, version="HTTP/1.0"), after=SHUT),
    case("1.0 with an unknown option", "9112 9.3", get("/check", "Connection: tea", version="HTTP/1.0"), after=SHUT),
    case("1.0 gets no chunks", "9112 6.1", get("/app/200?length=9&chunked=1", version="HTTP/1.0"), after=SHUT,
         check=body_is(b"b" * 9)),
    case("three at once", "9112 9.3.2", get("/keys") + get("/nope") + get(), 200, 404, 200, check=body_is(CHECK)),
    case("fifty at once", "9112 9.3.2", get() * 50, *[200] * 50),
    case("in order across calls", "9112 9.3.2", get("/echo/call?value=1&_bare=1") + get(), 200, 200,
         check=body_is(CHECK)),
    case("a bad one ends the row", "9112 9.3.2", get() + get("check") + get(), 200, 400, after=SHUT),
    case("an empty line between two", "9112 2.2", get() + b"\r\n" + get(), 200, 200),
    case("an error stays", "9112 9.3", get("/nope"), 404),
    case("Upgrade is ignored", "7.8", get("/check", "Connection: Upgrade", "Upgrade: tea/1.0")),
    case("Upgrade to h2c is ignored", "7.8", get("/check", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                                               "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")),
    case("Upgrade to a websocket", "7.8", get("/check", "Connection: Upgrade", "Upgrade: websocket",
                                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                             "Sec-WebSocket-Version: 13"), {200, 426, 501}, after=EITHER),
    case("TE is no affair of ours", "10.1.4", get("/check", "TE: trailers, deflate;q=0.5", "Connection: TE")),
    case("Keep-Alive header", "9112 C.2.2", get("/check", "Keep-Alive: timeout=5, max=1000")),
    case("Proxy-Connection is ignored", "9112 C.2.2", get("/check", "Proxy-Connection: close")),
    case("Max-Forwards is ignored by GET", "7.6.2", get("/check", "Max-Forwards: 0")),
]

# -- answers --------------------------------------------------------------------------------------

APP = [
    case(f"{status} with {method}", "15", get(f"/app/{status}?length={length}", method=method), status, methods=[method])
    for status, length in [(200, 9), (201, 9), (202, 9), (203, 9), (205, 0), (300, 9), (301, 9), (302, 9), (303, 9),
                           (307, 9), (308, 9), (400, 9), (404, 9), (410, 9), (418, 9), (451, 9), (500, 9), (599, 9)]
    for method in ("GET", "HEAD")
] + [
    case(f"{status} has no body, {method}", "15.3.5", get(f"/app/{status}", method=method) + get(), status, 200,
         methods=[method, "GET"], check=body_is(CHECK))
    for status in (204, 304) for method in ("GET", "HEAD")
]

ANSWERS = [
    case("JSON has no charset", "8.3.1", get(), check=header_is("content-type", "application/json")),
    case("Range is ignored", "14.2", get("/check", "Range: bytes=0-3"), check=body_is(CHECK)),
    case("a bad Range is ignored", "14.2", get("/check", "Range: bytes=9-1,x"), check=body_is(CHECK)),
    case("If-Range is ignored", "13.1.5", get("/check", 'If-Range: "x"', "Range: bytes=0-3"), check=body_is(CHECK)),
    case("If-Modified-Since is ignored", "13.1.3", get("/check", "If-Modified-Since: Fri, 31 Dec 2027 23:59:59 GMT"),
         check=body_is(CHECK)),
    case("Accept that nothing meets", "12.5.1", get("/check", "Accept: image/png"), {200, 406}),
    case("Accept-Charset", "12.5.2", get("/check", "Accept-Charset: iso-8859-5;q=0.1")),
    case("Accept-Encoding identity", "12.5.3", get("/openapi.json", "Accept-Encoding: identity"),
         check=header_is("content-encoding", None)),
    case("Accept-Encoding gzip", "12.5.3", get("/openapi.json", "Accept-Encoding: gzip"),
         check=header_is("content-encoding", "gzip")),
    case("no Accept-Encoding", "12.5.3", get("/openapi.json"), check=header_is("content-encoding", None)),
    case("Vary where codings differ", "12.5.5", get("/openapi.json"), check=header_is("vary", "Accept-Encoding")),
    case("HEAD says the same coding", "9.3.2", get("/openapi.json", "Accept-Encoding: gzip", method="HEAD"),
         methods=["HEAD"], check=header_is("content-encoding", "gzip")),
    case("ETag and Cache-Control of a file", "8.8.3", get(ETAG_PATH), check=header_is("cache-control", "no-cache")),
    case("If-None-Match *", "13.1.2", get(ETAG_PATH, "If-None-Match: *"), 304),
    case("If-None-Match of another tag", "13.1.2", get(ETAG_PATH, 'If-None-Match: "x"')),
    case("HEAD with If-None-Match *", "13.1.2", get(ETAG_PATH, "If-None-Match: *", method="HEAD"), 304,
         methods=["HEAD"]),
    case("an argument that is missing", "15.5.21", get("/concat/call?a=1&_bare=1"), 422),
    case("a call that fails", "15.6.1", get("/concat/call?a=1&b=2&c=3&_bare=1"), 422),
]

TABLES = {"request_line": REQUEST_LINE, "methods": METHODS, "targets": TARGETS, "host": HOSTS, "headers": HEADERS,
          "lengths": LENGTHS, "chunked": CHUNKED, "expect": EXPECT, "connections": CONNECTIONS, "app": APP,
          "answers": ANSWERS}
CASES = {f"{table}: {row.name}": row for table, rows in TABLES.items() for row in rows}


def test_every_case_has_its_name():
    assert len(CASES) == sum(len(rows) for rows in TABLES.values())


def connect(node: Gatehoused, scheme: str) -> Wire:
    if scheme == "http":
        return Wire(node)
    wire = Wire.__new__(Wire)
    wire.socket = ANY_CERTIFICATE.wrap_socket(socket.create_connection((node.host, HTTPS_PORT), ANSWER_S))
    wire.buffer = b""
    return wire


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", CASES)
def test_case(node, name, scheme):
    row = CASES[name]
    methods = list(row.methods) + ["GET"] * 60
    with connect(node, scheme) as wire:
        try:
            wire.send(row.send)
        except ConnectionError:
            pass  # it answered and closed in the middle of a long request
        for wanted, method in zip(row.statuses, methods):
            try:
                answer = read_strictly(wire, method)
                if answer.status == 100:  # may be left out when the body is here already
                    answer = read_strictly(wire, method)
            except EOFError:
                assert row.may_be_silent and not wire.buffer, "no answer"
                return
            assert answer.status in (wanted if isinstance(wanted, set) else {wanted}), answer
        if row.check:
            row.check(answer)
        look_after(wire, row, answer)


def look_after(wire: Wire, row: Case, last: Strict) -> None:
    says_close = "close" in [word.lower() for word in last.headers.get("connection", [])]
    if row.after == SHUT or (row.after == EITHER and says_close):
        assert says_close, last  # RFC 9112 9.6
        assert wire.ends_within(20) and not wire.buffer, wire.buffer
        return
    assert not says_close, last
    wire.send(get())
    assert read_strictly(wire, "GET").body == CHECK


# -- cases that are more than some bytes -----------------------------------------------------------

def test_a_tag_that_the_client_has_is_304(node):
    """RFC 9110 13.1.2: compared weakly, one of a list, also a tag that was weakened by compression."""
    tag = node.get(ETAG_PATH).headers["etag"]
    for value in (tag, f"W/{tag}", f'"x", {tag}', f'{tag} , "x"', f'"x",W/{tag}'):
        with Wire(node) as wire:
            wire.send(get(ETAG_PATH, f"If-None-Match: {value}"))
            answer = read_strictly(wire, "GET")
            assert (answer.status, answer.one("etag")) == (304, tag), value


def test_head_says_what_get_says(node):
    """RFC 9110 9.3.2: the headers of HEAD are those of GET."""
    for target in ("/check", "/status", "/nope", "/openapi.json", ETAG_PATH, "/concat/call?a=1&b=2&_bare=1"):
        found = []
        for method in ("GET", "HEAD"):
            with Wire(node) as wire:
                wire.send(get(target, "X-Request-ID: same", method=method))
                answer = read_strictly(wire, method)
                found.append((answer.status, {name: value for name, value in answer.headers.items()
                                              if name not in ("date", "content-length")}))
        assert found[0] == found[1], target


def test_100_is_sent_before_the_body_comes(node):
    """RFC 9110 10.1.1: the client may wait for it."""
    with Wire(node) as wire:
        wire.send(post(f"Content-Length: {len(VALUE_BODY)}", "Expect: 100-continue"))
        assert read_strictly(wire, "POST").status == 100
        wire.send(VALUE_BODY)
        assert read_strictly(wire, "POST").body == b'"v"'


@pytest.mark.parametrize("target, status", [("/check", 405), ("/nope", 404)])
def test_an_early_answer_reaches_a_client_that_still_sends(node, target, status):
    """RFC 9112 9.6: no reset takes the answer away from it."""
    with Wire(node) as wire:
        wire.send(post("Content-Length: 8000000", target=target))
        wire.send(b" " * 4_000_000)
        answer = read_strictly(wire, "POST")
        assert (answer.status, answer.one("connection").lower()) == (status, "close")
        assert wire.ends_within(20)


def test_half_closed_connection_gets_its_answer(node):
    """RFC 9112 9.6: the client has no more to send, and still reads."""
    with Wire(node) as wire:
        wire.send(get())
        wire.socket.shutdown(socket.SHUT_WR)
        assert read_strictly(wire, "GET").body == CHECK
        assert wire.ends_within(20)


@pytest.mark.parametrize("data", [get()[:-2], get()[:5], sized(VALUE_BODY)[:-3], chunked(CHUNKS)[:-9], b""])
def test_half_a_request_is_no_request(node, data):
    """RFC 9112 8: a message that is cut off is not acted upon."""
    with Wire(node) as wire:
        wire.send(data)
        wire.socket.shutdown(socket.SHUT_WR)
        while wire.receive():
            pass
        assert b" 200 " not in wire.buffer


def test_a_reset_leaves_no_trace(node):
    for data in (get()[:9], sized(VALUE_BODY)[:-3], get("/echo/call?value=1&_bare=1")):
        wire = Wire(node)
        wire.send(data)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.socket.close()
    assert node.get("/check").body == CHECK


def test_bytes_in_single_packets(node):
    with Wire(node) as wire:
        for byte in chunked(CHUNKS, "X: y") + get():
            wire.send(bytes([byte]))
        assert [read_strictly(wire, "GET").body for _ in range(2)] == [b'"v"', CHECK]


def test_date_is_now(node):
    age = datetime.now(timezone.utc) - parsedate_to_datetime(node.get("/check").headers["date"])
    assert abs(age.total_seconds()) < 60
