# SPDX-License-Identifier: Apache-2.0
"""ASGI and WSGI apps under a key: everything below /KEY, streamed both ways."""
from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from .gatehoused import USER_CODE, Gatehoused, wait_until
from .raw import Wire, head

ASGI = USER_CODE / "asgi_plain.py"
WSGI = USER_CODE / "wsgi_plain.py"
DAEMON_OPTIONS = {"modules": [f"a={ASGI}:app", f"w={WSGI}:app", f"made={ASGI}:make_app()",
                              f"a%b={ASGI}:no_lifespan", f"check={ASGI}:app",
                              f"f={USER_CODE}/things.py:concat"]}
MIB = 1 << 20
IS_SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no")


def ready(daemon: Gatehoused) -> Gatehoused:
    wait_until("the modules to be loaded", lambda: daemon.get("/readyz").status == 200)
    return daemon


@pytest.fixture
def served(daemon):
    return ready(daemon)


def seen(daemon: Gatehoused, key: str = "a") -> dict:
    return daemon.get(f"/{key}/seen").json()


def rss_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1))


# ---------------------------------------------------------------- requests


def test_the_scope_of_an_asgi_request(served):
    answer = served.request("PATCH", "/a/show/x%20y%2Fz/?q=%31&r", b"body",
                            {"X-Twice": "1", "Content-Type": "text/x"})
    scope = answer.json()
    assert answer.status == 404 or scope["method"] == "PATCH"
    assert (scope["path"], scope["raw_path"]) == ("/a/show/x y/z/", "/a/show/x%20y%2Fz/")
    assert (scope["root_path"], scope["query_string"]) == ("/a", "q=%31&r")
    assert (scope["type"], scope["http_version"], scope["scheme"]) == ("http", "1.1", "http")
    assert scope["client"][0] == "127.0.0.1" and scope["server"] == ["127.0.0.1", served.port]
    assert scope["state"] == {"started": "yes"}
    assert scope["asgi"]["version"] == "3.0"
    assert scope["body"] == "body"
    assert ["x-twice", "1"] in scope["headers"] and ["content-length", "4"] in scope["headers"]
    assert all(name == name.lower() for name, _ in scope["headers"])
    assert "connection" not in dict(scope["headers"])


def test_the_environ_of_a_wsgi_request(served):
    with Wire(served) as wire:
        wire.send(head(served, "PUT", "/w/show/x%20y/?q=%31", "X-A: 1", "X-A: 2", "Cookie: a=1",
                       "Cookie: b=2", "X_Spoof: 1", "Content-Type: text/x", "Content-Length: 4",
                       "TE: trailers") + b"body")
        environ = json.loads(wire.read_answer().body)
    assert environ["REQUEST_METHOD"] == "PUT"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/w", "/show/x y/")
    assert environ["QUERY_STRING"] == "q=%31"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "4")
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")
    assert "HTTP_X_SPOOF" not in environ and "HTTP_TE" not in environ
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1" and environ["wsgi.multithread"] is True
    assert environ["SERVER_PORT"] == str(served.port) and environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["body"] == "body"


@pytest.mark.parametrize("key", ["a", "w", "made"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_every_method_goes_to_the_app(served, key, method):
    shown = served.request(method, f"/{key}/show").json()
    assert shown.get("method", shown.get("REQUEST_METHOD")) == method


def test_the_key_alone_and_its_slash(served):
    assert served.get("/a").json()["path"] == "/a"
    assert served.get("/a/").json()["path"] == "/a/"
    assert served.get("/w").json()["PATH_INFO"] == ""
    assert served.get("/w/").json()["PATH_INFO"] == "/"


def test_a_key_may_be_written_with_escapes(served):
    assert served.get("/%61/show").json()["path"] == "/a/show"
    assert served.get("/a%25b/x").text == "served without lifespan"


def test_a_route_of_the_daemons_own_stays_its_own(served):
    assert served.get("/check").json() != served.get("/check/show").json()
    assert served.get("/check/show").json()["path"] == "/check/show"
    assert served.request("DELETE", "/check").status == 405
    assert served.get("/keys").json()["data"]


def test_other_modules_are_called_as_before(served):
    assert served.call("f", args=["a", "b"]).json() == "ab"


def test_expect_100_continue(served):
    with Wire(served) as wire:
        wire.send(head(served, "POST", "/a/show", "Content-Length: 4", "Expect: 100-continue"))
        assert wire.read_head().status == 100
        wire.send(b"body")
        assert json.loads(wire.read_answer().body)["body"] == "body"


@pytest.mark.parametrize("key", ["a", "w"])
def test_a_connection_serves_many_requests(served, key):
    with Wire(served) as wire:
        for number in range(20):
            body = b"%d" % number
            wire.send(head(served, "POST", f"/{key}/echo", f"Content-Length: {len(body)}") + body)
            assert wire.read_answer().body == body


def test_forms_and_pages_of_other_sites_reach_an_app(served):
    browser = {"User-Agent": "Mozilla/5.0", "Origin": "http://elsewhere.example",
               "Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}
    assert served.request("POST", "/a/show", b"a=1", browser).json()["body"] == "a=1"
    assert served.request("POST", "/f/call", b"a=1", browser).status == 403
    rebound = dict(browser, Host="rebound.example")
    assert served.request("POST", "/a/show", b"a=1", rebound).status == 403


@pytest.mark.parametrize("key", ["a", "w"])
def test_websocket_is_refused_in_words(served, key):
    answer = served.get(f"/{key}/chat", {"Upgrade": "websocket", "Connection": "Upgrade"})
    assert answer.status == 501 and "WebSocket" in answer.json()["detail"]


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("key", ["a", "w"])
def test_headers_of_an_answer(served, key):
    with Wire(served) as wire:
        wire.send(head(served, "GET", f"/{key}/cookies"))
        lines = []
        while line := wire.read_line():
            lines.append(line.decode().lower())
        wire.read_exactly(3)
        wire.send(head(served, "GET", f"/{key}/cookies"))  # the app's Connection header is not ours
        assert wire.read_answer().status == 200
    assert "set-cookie: a=1" in lines and "set-cookie: b=2" in lines
    assert "content-length: 3" in lines
    assert not [line for line in lines if line.startswith(("connection", "keep-alive", "transfer"))]
    assert len([line for line in lines if line.startswith("x-request-id:")]) == 1
    if key == "a":
        assert "x-request-id: the-apps-own" in lines and "x-empty-ish: padded" in lines


@pytest.mark.parametrize("key", ["a", "w"])
def test_head_gets_the_length_and_no_body(served, key):
    with Wire(served) as wire:
        wire.send(head(served, "HEAD", f"/{key}/head") + head(served, "GET", f"/{key}/head"))
        answer = wire.read_answer("HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, "5000")
        assert wire.read_answer().body == b"z" * 5000


def test_head_of_a_long_stream_ends(served):
    with Wire(served) as wire:
        wire.send(head(served, "HEAD", "/a/flood?n=100") + head(served, "GET", "/a/seen"))
        assert "content-length" not in wire.read_answer("HEAD").headers
        assert wire.read_answer().status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(served, status):
    with Wire(served) as wire:
        wire.send(head(served, "GET", f"/a/status/{status}") + head(served, "GET", "/a/head"))
        answer = wire.read_answer()
        assert answer.status == status and answer.headers["etag"] == '"v1"'
        assert "content-length" not in answer.headers and "transfer-encoding" not in answer.headers
        assert wire.read_answer().body == b"z" * 5000


@pytest.mark.parametrize("status", [200, 201, 299, 404, 418, 503, 599])
def test_any_status(served, status):
    assert served.get(f"/a/status/{status}").status == status


def test_http10_gets_an_answer_ended_by_the_close(served):
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/w/writing", version="HTTP/1.0"))
        answer = wire.read_answer()
    assert "transfer-encoding" not in answer.headers and answer.body == b"by write and by iterable"


def test_the_ways_of_wsgi_to_answer(served):
    assert served.get("/w/writing").body == b"by write and by iterable"
    closed = seen(served, "w")["closed"]
    assert served.get("/w/closing").body == b"ab"
    assert seen(served, "w")["closed"] == closed + 1
    assert served.get("/w/empty").status == 204
    answer = served.get("/w/replaced")
    assert (answer.status, answer.headers["x-why"], answer.body) == (503, "replaced", b"later")
    assert served.get("/w/file").body == WSGI.read_bytes()
    assert served.request("POST", "/w/lines", b"one\ntwo\n\nthree").body == b"one|two||three"


def test_wsgi_requests_run_side_by_side(served):
    answers: list[bytes] = []
    threads = [threading.Thread(target=lambda: answers.append(served.get("/w/together").body))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"together"] * 20


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("path", ["/a/boom", "/w/boom", "/a/silent", "/w/silent", "/a/bad_header",
                                  "/a/short", "/a/long"])
def test_a_failing_app_is_a_500_and_a_traceback_in_the_log(served, path):
    answer = served.get(path, {"X-Request-ID": f"fails{path}"})
    assert (answer.status, answer.json()["request_id"]) == (500, f"fails{path}")
    assert "x-injected" not in answer.headers
    wait_until("the reason in the log", lambda: f"request fails{path}" in served.log())
    if "boom" in path:
        wait_until("the traceback", lambda: "ValueError: boom in the app" in served.log())
        assert path[2:] != "/boom" or "in boom" in served.log()


@pytest.mark.parametrize("key", ["a", "w"])
def test_an_app_that_fails_in_mid_answer_is_cut_short(served, key):
    with Wire(served) as wire:
        wire.send(head(served, "GET", f"/{key}/boom_late"))
        assert wire.read_head().status == 200
        assert wire.read_chunk() == b"first "
        assert wire.ends_within(20)
    wait_until("the traceback", lambda: "late boom in the app" in served.log())


def test_prints_go_to_the_log(served):
    assert served.get("/a/printing").body == b"printed"
    wait_until("stdout", lambda: "a line of the app's own" in served.log())
    wait_until("stderr", lambda: "and one on stderr" in served.log())


def test_a_worker_that_dies_before_an_answer(served):
    answer = served.get("/a/die")
    assert answer.status == 502 and "signal 9" in answer.json()["detail"]
    ready(served)
    assert served.get("/a/show").status == 200


def test_a_worker_that_dies_in_mid_answer(served):
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/a/die_late"))
        assert wire.read_head().status == 200
        assert wire.read_chunk() == b"first "
        assert wire.ends_within(20)
    ready(served)
    assert served.get("/a/show").status == 200


def test_a_worker_killed_in_mid_upload(served):
    with Wire(served) as wire:
        wire.send(head(served, "POST", "/w/count", "Content-Length: 100000") + b"x" * 1000)
        pid = served.worker_pid()
        wait_until("the request to be with the app",
                   lambda: served.active_calls("default_process", "w"))
        os.kill(pid, 9)
        wire.send(b"x" * 99000)
        answer = wire.read_answer()
        assert answer.status == 502 and "signal 9" in json.loads(answer.body)["detail"]
    ready(served)


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize("key", ["a", "w"])
def test_echo_of_20_mib_with_flat_memory(served, key):
    """The answer begins while the body still comes: neither may stop, neither may be kept."""
    block = os.urandom(MIB)
    served.request("POST", f"/{key}/echo", block)  # warm
    pid = served.worker_pid()
    before = served.rss_kib(), rss_kib(pid)
    peaks = [0, 0]
    sent, received = hashlib.sha256(), hashlib.sha256()
    with Wire(served) as wire:
        def send():
            wire.send(head(served, "POST", f"/{key}/echo", f"Content-Length: {20 * MIB}"))
            for _ in range(20):
                sent.update(block)
                wire.send(block)

        sender = threading.Thread(target=send)
        sender.start()
        assert wire.read_head().status == 200
        while chunk := wire.read_chunk():
            received.update(chunk)
            peaks = [max(peaks[0], served.rss_kib()), max(peaks[1], rss_kib(pid))]
        sender.join()
    assert sent.digest() == received.digest()
    if not IS_SANITIZED:
        assert peaks[0] - before[0] < 6 * 1024 and peaks[1] - before[1] < 8 * 1024


@pytest.mark.parametrize("key", ["a", "w"])
def test_a_chunked_upload(served, key):
    with Wire(served) as wire:
        wire.send(head(served, "POST", f"/{key}/count", "Transfer-Encoding: chunked"))
        for _ in range(40):
            wire.send(b"%x\r\n" % 50000 + b"c" * 50000 + b"\r\n")
        wire.send(b"0\r\n\r\n")
        assert wire.read_answer().body == b"2000000"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_that_nobody_reads_is_not_taken_in(served, framing):
    """The client is made to wait, the daemon's memory stays, and the rest goes when it is read."""
    block, count = b"u" * 16384, 4096
    how = "Transfer-Encoding: chunked"
    piece = b"4000\r\n" + block + b"\r\n"
    end = b"0\r\n\r\n"
    if framing == "length":
        how, piece, end = f"Content-Length: {len(block) * count}", block, b""
    upload = piece * count + end
    with Wire(served) as wire:
        wire.socket.settimeout(0.5)
        wire.send(head(served, "POST", "/a/wait_then_count", how))
        before, taken = served.rss_kib(), 0
        try:
            while taken < len(upload):
                taken += wire.socket.send(upload[taken:taken + 65536])
        except TimeoutError:
            pass
        assert taken < len(upload) // 2
        assert IS_SANITIZED or served.rss_kib() - before < 6 * 1024
        assert served.get("/check").status == 200
        served.get("/a/go_on")
        wire.socket.settimeout(60)
        wire.send(upload[taken:])
        assert wire.read_answer().body == b"%d" % (len(block) * count)


def test_an_answer_that_nobody_reads_stops_the_app(served):
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/a/flood?n=2000"))
        wire.read_head()
        steady = [-1]

        def stands_still():
            time.sleep(0.2)
            old, steady[0] = steady[0], seen(served)["flood"]
            return steady[0] == old
        wait_until("the app to wait for its client", stands_still)
        assert steady[0] < 1000
        assert IS_SANITIZED or served.rss_kib() < 40 * 1024
        total = 0
        while chunk := wire.read_chunk():
            total += len(chunk)
        assert total == 2000 * 65536


def test_an_answer_before_the_body_was_read(served):
    assert served.request("POST", "/a/early", b"x" * (3 * MIB)).body == b"not you"


def test_an_asgi_app_hears_that_its_client_left(served):
    before = seen(served)["events"].count("gone")
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/a/wait_gone"))
        wait_until("the app to be there", lambda: seen(served).get("waits"))
    wait_until("http.disconnect", lambda: seen(served)["events"].count("gone") == before + 1)


def test_an_app_hears_of_a_client_that_leaves_in_mid_upload(served):
    before = seen(served)["events"].count("gone")
    with Wire(served) as wire:
        wire.send(head(served, "POST", "/a/wait_gone", "Content-Length: 100") + b"x")
        wait_until("the request to be with the app",
                   lambda: served.active_calls("default_process", "a"))
    wait_until("http.disconnect", lambda: seen(served)["events"].count("gone") == before + 1)


def test_a_wsgi_iterable_is_closed_when_its_client_leaves(served):
    before = seen(served, "w")["closed"]
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/w/forever"))
        wire.read_head()
    wait_until("close()", lambda: seen(served, "w")["closed"] == before + 1)
    wait_until("the call to end", lambda: not served.active_calls("default_process", "w"))


@pytest.mark.parametrize("key", ["a", "w"])
def test_events_arrive_as_they_are_sent(served, key):
    sent, came = [], []
    with Wire(served) as wire:
        wire.send(head(served, "GET", f"/{key}/ticks?n=20"))
        assert wire.read_head().headers["content-type"] == "text/event-stream"
        while chunk := wire.read_chunk():
            came.append(time.time())
            sent.append(float(chunk.split()[1]))
    assert len(sent) == 20
    assert came[9] < sent[19], (sent, came)  # not all at the end, however busy the machine


def test_events_that_others_cause_and_a_listener_that_leaves(served):
    with Wire(served) as wire:
        wire.send(head(served, "GET", "/a/events"))
        wire.read_head()
        assert wire.read_chunk() == b": hello\n\n"
        for text in ("one", "two"):
            assert served.get(f"/a/tell?text={text}").status == 204
            assert wire.read_chunk() == b"data: %s\n\n" % text.encode()
    wait_until("http.disconnect", lambda: "http.disconnect" in seen(served)["events"])


@pytest.mark.parametrize("key", ["a", "w"])
def test_fifty_streams_at_once(served, key):
    """Each gets its own bytes back, in order."""
    failed = []

    def one(number: int) -> None:
        body = b"%04d" % number * 50000
        try:
            assert served.request("POST", f"/{key}/echo", body).body == body
        except BaseException as error:
            failed.append((number, repr(error)[:200]))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


# ---------------------------------------------------------------- limits and deadlines


def test_the_body_limit_holds_in_mid_stream(start_daemon):
    daemon = ready(start_daemon(modules=[f"a={ASGI}:app"], args=["--body-max-bytes", "100000"]))
    assert daemon.request("POST", "/a/count", b"x" * 100000).body == b"100000"
    assert daemon.request("POST", "/a/count", b"x" * 100001).status == 413
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/a/count", "Transfer-Encoding: chunked"))
        for _ in range(3):
            wire.send(b"%x\r\n" % 50000 + b"c" * 50000 + b"\r\n")
        wire.send(b"0\r\n\r\n")
        assert wire.read_answer().status == 413
    wait_until("the app to hear of it", lambda: not daemon.active_calls("default_process", "a"))


def test_a_slow_upload_is_cut(start_daemon):
    daemon = ready(start_daemon(modules=[f"a={ASGI}:app"], args=["--body-timeout-ms", "400"]))
    with Wire(daemon) as wire:
        wire.send(head(daemon, "POST", "/a/wait_gone", "Content-Length: 1000") + b"x")
        assert wire.ends_within(20)
    wait_until("http.disconnect", lambda: "gone" in seen(daemon)["events"])


def test_a_client_that_does_not_read_is_cut(start_daemon):
    daemon = ready(start_daemon(modules=[f"w={WSGI}:app"], args=["--send-timeout-ms", "500"]))
    with Wire(daemon) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(head(daemon, "GET", "/w/forever"))
        wait_until("close()", lambda: seen(daemon, "w")["closed"] == 1)


# ---------------------------------------------------------------- loading


def test_startup_and_shutdown_of_an_asgi_app(start_daemon, tmp_path):
    file = tmp_path / "shutdown"
    daemon = ready(start_daemon(modules=[f"a={ASGI}:app"], inspect=False,
                                env={"SHUTDOWN_FILE": str(file)}))
    assert daemon.get("/a/show").json()["state"] == {"started": "yes"}
    daemon.stop()
    assert file.read_text() == "down"


def test_an_app_that_is_being_loaded_asks_for_patience(start_daemon, tmp_path):
    gate, file = tmp_path / "gate", tmp_path / "slow.py"
    file.write_text("import os, time\n"
                    f"while not os.path.exists({str(gate)!r}):\n"
                    "    time.sleep(0.01)\n"
                    f"import sys; sys.path.insert(0, {str(USER_CODE)!r})\n"
                    "from asgi_plain import app\n")
    daemon = start_daemon(modules=[f"slow={file}:app"], inspect=False)
    for path in ("/slow/a/b", "/sl%6fw/a/b"):
        answer = daemon.get(path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["detail"] == "Module slow is being loaded."
    gate.touch()
    ready(daemon)
    assert daemon.get("/sl%6fw/show").status == 200


@pytest.mark.parametrize("attr, wanted", [
    ("failing", "its startup failed: the database is not there"),
    ("raising", "its startup failed: RuntimeError: no model file"),
    ("ambiguous", "ATTR@asgi, ATTR@wsgi or"),
    ("old_style", "ASGI 2"),
    ("app@wagi", "@wagi is no kind of app"),
    ("SEEN@wsgi", "cannot be called"),
])
def test_an_app_that_cannot_be_served_says_why(start_daemon, attr, wanted):
    daemon = start_daemon(modules=[f"x={ASGI}:{attr}"], inspect=False)
    wait_until("the reason", lambda: wanted in daemon.log())


def test_a_kind_that_was_said(start_daemon):
    daemon = ready(start_daemon(modules=[f"x={ASGI}:ambiguous@asgi", f"y={ASGI}:make_app()@asgi",
                                         f"z={ASGI}:app@module"]))
    assert daemon.get("/x/").body == b"I am one"
    assert daemon.get("/y/show").json()["root_path"] == "/y"
    assert daemon.get("/z/a/b").status == 404


def test_an_app_put_by_a_client(served):
    config = {"name": "put", "resource_type": "module", "resource_subtype": "Asgi", "system": None,
              "process": "default_process", "pointers": [str(USER_CODE), "asgi_plain", "app"]}
    answer = served.post("/resource", {"serialized_data": [config, None, True],
                                       "process_name": "default_process"})
    assert (answer.status, answer.json()) == (200, "put"), answer
    assert served.get("/put/show").json()["root_path"] == "/put"
    assert served.post("/rename", {"key": "put", "new_key": "moved"}).status == 200
    assert served.get("/moved/show").json()["root_path"] == "/moved"
    assert served.get("/put/show").status == 404
    served.kill_worker()  # it is rebuilt with the others
    ready(served)
    wait_until("the app to be back", lambda: served.get("/moved/show").status == 200)
    served.post("/delete_object", {"keys": ["moved"]})
    assert served.get("/moved/show").status == 404


def test_an_app_that_cannot_be_put_says_why(served):
    config = {"name": "bad", "resource_type": "module", "resource_subtype": "Asgi", "system": None,
              "process": "default_process", "pointers": [str(USER_CODE), "asgi_plain", "failing"]}
    answer = served.post("/resource", {"serialized_data": [config, None, True],
                                       "process_name": "default_process"})
    assert "the database is not there" in answer.text
    assert served.get("/bad/x/y").status == 404
