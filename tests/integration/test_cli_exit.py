# SPDX-License-Identifier: Apache-2.0
"""Exit statuses of `gatehouse` (docs/cli.md) and the line that says why: usage, connections, and nodes that
refuse or answer nonsense."""
from __future__ import annotations

import http.server
import json
import socket
import threading

import pytest

from .cli import gatehouse

VERBS = [["status"], ["ps"], ["modules"], ["modules", "m"], ["call", "m"], ["logs"], ["logs", "r"],
         ["logs", "-f", "r"], ["install", "p"], ["restart", "p"]]


class Fake(http.server.ThreadingHTTPServer):
    """A node that answers everything with STATUS and BODY, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = status, body
        self.asked: list[tuple[str, str | None]] = []
        self.release = threading.Event()
        self.release.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.server.release.wait(60)
        try:
            self.send_response(self.server.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)
        except BrokenPipeError:
            pass  # whoever asked has given up

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def fake():
    made: list[Fake] = []

    def make(status: int, body) -> Fake:
        server = Fake(status, body if isinstance(body, bytes) else json.dumps(body).encode())
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.release.set()
        server.shutdown()
        server.server_close()


def one_line(done) -> str:
    assert done.err.count("\n") == 1 and done.err.startswith("gatehouse: "), done
    return done.err


# -- 2: usage -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, text", [
    ([], "no verb is given; gatehouse --help lists them"),
    (["stauts"], "unknown verb 'stauts'; did you mean status"),
    (["elephant"], "unknown verb 'elephant'; gatehouse --help lists them"),
    (["status", "--jsno"], "unknown option '--jsno'; did you mean --json"),
    (["call", "m", "--dta", "x"], "unknown option '--dta'; did you mean --data"),
    (["status", "-x"], "unknown option '-x'; gatehouse status --help lists them"),
    (["status", "more"], "status: one word too many, 'more'"),
    (["call"], "call needs MODULE[.METHOD]"),
    (["install"], "install needs PACKAGE..."),
    (["status", "--port"], "option '--port' needs a value: N"),
    (["status", "--json=1"], "option '--json' takes no value"),
    (["status", "--port", "x"], "--port is 'x', but must be a number from 1 to 65535"),
    (["status", "--port", "65536"], "--port is '65536'"),
    (["status", "--timeout-s", "0"], "--timeout-s is '0'"),
    (["status", "--timeout-s", "1x"], "--timeout-s is '1x'"),
    (["status", "--timeout-s", "nan"], "--timeout-s is 'nan'"),
    (["status", "--url", "127.0.0.1:1"], "--url is '127.0.0.1:1', but must begin with http://"),
    (["status", "--url", "ftp://x"], "must begin with http://"),
    (["status", "--url", "http://["], "is no URL of a node"),
    (["status", "--url", "http://x", "--port", "1"], "give one or the other"),
    (["status", "--url", "http://x", "--token-file", "/nonexistent"], "--token-file /nonexistent: No such"),
    (["status", "--url", "http://x", "--token-file", "/dev/null"], "must hold one token"),
    (["logs", "-f"], "--follow needs a RUN"),
    (["install", "p", "--method", "apt"], "--method is 'apt', but must be pip, uv"),
    (["install", "p", "--process", "a", "--env", "b"], "give one of them"),
    (["install", "p", "--revision", "v1"], "--revision is of --method git"),
    (["restart", "p", "--drain-s", "soon"], "--drain-s is 'soon'"),
])
def test_usage_errors_are_2_and_name_what_is_near(words, text):
    done = gatehouse(None, *words)
    assert (done.status, done.out) == (2, "")
    assert text in one_line(done)


# -- 3: no connection -----------------------------------------------------------------------------

@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_daemon_is_3(words, tmp_path):
    done = gatehouse(None, *words, "--state-dir", str(tmp_path))
    assert (done.status, done.out) == (3, "")
    assert f"no daemon answers in {tmp_path}: none runs; start one with gatehouse up" in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_looking_for_a_daemon_makes_no_folder(tmp_path):
    done = gatehouse(None, "status", env={"HOME": str(tmp_path)})
    assert done.status == 3 and list(tmp_path.iterdir()) == []


def test_refused_connections_are_3():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = gatehouse(None, "status", "--url", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert done.status == 3 and "does not answer" in one_line(done)


def test_unknown_hosts_are_3():
    done = gatehouse(None, "status", "--url", "http://nobody.invalid")
    assert done.status == 3 and "does not answer" in one_line(done)


def test_a_node_that_hangs_up_is_3():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def hang_up():
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()
        threading.Thread(target=hang_up, daemon=True).start()
        done = gatehouse(None, "status", "--url", f"http://127.0.0.1:{server.getsockname()[1]}")
    assert done.status == 3 and "gave no answer" in one_line(done)


def test_an_answer_that_breaks_off_is_1():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def break_off():
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,")
            connection.close()
        threading.Thread(target=break_off, daemon=True).start()
        done = gatehouse(None, "status", "--url", f"http://127.0.0.1:{server.getsockname()[1]}")
    assert done.status == 1 and "broke off" in one_line(done)


# -- 4, 5, 1: what the node says --------------------------------------------------------------------

@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("code, status", [(401, 4), (403, 4), (404, 5), (503, 1)])
def test_refusals_have_their_status_and_reason(fake, words, code, status):
    node = fake(code, {"detail": "Because I say so."})
    done = gatehouse(None, *words, "--url", node.url)
    assert (done.status, done.out) == (status, "")
    assert f"Because I say so (HTTP {code})" in one_line(done)
    assert ("--token-file" in done.err) == (code == 401)


def test_reasons_of_422_name_the_field(fake):
    node = fake(422, {"detail": [{"type": "missing", "loc": ["body", "b"], "msg": "Field required", "input": None}]})
    done = gatehouse(None, "call", "m", "--url", node.url)
    assert done.status == 1 and "call m.call: b: Field required (HTTP 422)" in one_line(done)


@pytest.mark.parametrize("body", [b"", b"hello", b"{", b"[]", b"{}", b"null", b"7", b'"text"', b"[null,null]",
                                  b"\xff\xfe", b'{"data": 5, "output_type": "result_serialized"}',
                                  b'{"data": [1], "output_type": 3}', b'[{"processes": 5}]',
                                  b'[{"processes": {"p": 5}}, null]', b'{"paths": {"/m/f": 5}}'])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_nonsense_is_an_error_or_nothing_and_never_a_crash(fake, words, body):
    done = gatehouse(None, *words, "--url", fake(200, body).url)
    assert done.status in (0, 1), done
    assert done.status == 0 or one_line(done)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_node_that_does_not_answer_is_124(fake, words):
    node = fake(200, {})
    node.release.clear()
    done = gatehouse(None, *words, "--url", node.url, "--timeout-s", "0.2")
    assert (done.status, done.out) == (124, "")
    assert "within --timeout-s" in one_line(done)


# -- tokens -----------------------------------------------------------------------------------------

def test_token_of_a_file_wins_over_the_environment(fake, tmp_path):
    node = fake(403, {"detail": "no"})
    (tmp_path / "token").write_text("from-file\n")
    env = {"GATEHOUSE_TOKEN": "from-gatehouse", "RH_TOKEN": "from-rh"}
    gatehouse(None, "status", "--url", node.url, "--token-file", str(tmp_path / "token"), env=env)
    gatehouse(None, "status", "--url", node.url, env=env)
    gatehouse(None, "status", "--url", node.url, env={"RH_TOKEN": "from-rh"})
    gatehouse(None, "status", "--url", node.url + "/")
    assert node.asked == [("/status", "Bearer from-file"), ("/status", "Bearer from-gatehouse"),
                          ("/status", "Bearer from-rh"), ("/status", None)]


def test_token_is_never_shown(fake, tmp_path):
    done = gatehouse(None, "status", "--url", fake(401, {"detail": "no"}).url, env={"GATEHOUSE_TOKEN": "s3cret"})
    assert done.status == 4 and "s3cret" not in done.err


def test_a_token_goes_to_no_other_host(fake):
    """Redirects are not followed."""
    node = fake(302, {"detail": "elsewhere"})
    done = gatehouse(None, "status", "--url", node.url, env={"GATEHOUSE_TOKEN": "s3cret"})
    assert done.status == 1 and len(node.asked) == 1
