# SPDX-License-Identifier: Apache-2.0
"""The unmodified client, with a token and without, at a node that checks callers."""
from __future__ import annotations

import http.server
import json
import threading

import pytest

from integration.auth_kit import OWNER_TOKEN, node as start_node

from . import sdk

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


class Den(http.server.BaseHTTPRequestHandler):
    """As much of a Den as a client that is logged in cannot do without: it knows no resource, and gives back
    the token that it is asked with as the token for a cluster."""

    def answer(self, status: int, body: dict) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self.answer(404, {"detail": "not found"})

    def do_POST(self) -> None:
        token = (self.headers.get("Authorization") or "").rpartition(" ")[2]
        if self.path == "/auth/token/cluster":
            self.answer(200, {"data": {"token": token}})
        else:
            self.answer(404, {"detail": "not found"})

    def log_message(self, *values) -> None:
        pass


@pytest.fixture
def den():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Den)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Person(sdk.Client):
    """Logged in with a token, or not at all."""

    login: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.login, "disable_observability": "true"}


@pytest.fixture
def node(tmp_path):
    with start_node(tmp_path / "d") as running:
        yield running


@pytest.fixture
def person(node, den, tmp_path):
    def make(token: str = "") -> Person:
        made = Person(tmp_path / "c", node.daemon.host, node.daemon.port)
        if token:
            made.login = {"RH_TOKEN": token, "RH_USERNAME": "ann", "API_SERVER_URL": den}
        return made
    return make


WORK = """
    remote = rh.function(concat).to(cluster, sync_local=False)
    report(remote("run", "house"), cluster.keys())
"""


def test_owner_works_as_ever(node, person):
    seen = person(OWNER_TOKEN).run(WORK)
    assert seen.reports == ["runhouse", ["concat"]]
    assert node.ask("GET", "/keys").status == 401
    assert node.local("GET", "/status").json()[0]["cluster_config"]["den_auth"] is True


def test_owner_switches_it_off_and_on(node, person):
    person(OWNER_TOKEN).run("""
        cluster.disable_den_auth()
        cluster.enable_den_auth()
        cluster.disable_den_auth()
    """)
    assert node.ask("GET", "/keys").status == 200


def test_token_of_the_node_does_as_well(node, person):
    token = node.create("ann", "read")["token"]
    seen = person(token).run(WORK)
    assert seen.reports == ["runhouse", ["concat"]]


def test_output_of_calls_reaches_its_caller(node, person):
    token = node.create("ann", "read")["token"]
    seen = person(token).run("""
        remote = rh.function(talk).to(cluster, sync_local=False)
        remote(["one line", "another"])
    """)
    assert "one line" in seen.stdout and "another" in seen.stdout


@pytest.mark.parametrize("token, said", [("", "No Runhouse token provided"),
                                         ("gh_wrong", "Cluster access is required")])
def test_others_are_told_why(node, person, token, said):
    with pytest.raises(AssertionError, match=said):
        person(token).run(WORK)
    assert node.local("GET", "/keys").json()["data"] == []


def test_code_on_the_node_uses_it_without_a_token(node, person):
    """rh.here acts as the node itself, and code knows who asked."""
    personal = person(node.create("ann", "read")["token"])
    (personal.project / "inside.py").write_text(
        "def nested():\n"
        "    import gatehouse\n"
        "    import runhouse as rh\n"
        "    return rh.here.call('concat', 'call', 'a', 'b'), rh.here.keys(), gatehouse.current_user()\n")
    seen = personal.run("""
        from inside import nested
        rh.function(concat).to(cluster, sync_local=False)
        report(rh.function(nested).to(cluster, sync_local=False)())
    """)
    assert seen.reports == [["ab", ["concat", "nested"], "ann"]]
