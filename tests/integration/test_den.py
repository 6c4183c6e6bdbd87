# SPDX-License-Identifier: Apache-2.0
"""The embedded Den over HTTP: each row of docs/den.md, by its owner, by others, by nodes and by nobody."""
from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from . import hygiene
from .auth_kit import Node, new_source, node as start_node
from .gatehoused import ANSWER_S, USER_CODE, Answer, Gatehoused

API = "/_gatehouse/v1/den"
CLUSTER = {"name": "/alice/gpu", "resource_type": "cluster", "visibility": "private",
           "data": {"resource_subtype": "Cluster", "ips": ["192.0.2.1"], "server_port": 32300}}
FN = {"name": "/alice/concat", "resource_type": "function", "visibility": "private",
      "data": {"system": "/alice/gpu", "ratio": 0.1000000000000000055, "big": 123456789012345678901,
               "text": "\u00e4\u2028\"\\"}}


@dataclass
class Den:
    node: Node
    tokens: dict[str, str]

    def add(self, name: str) -> str:
        made = self.node.local("POST", f"{API}/users", {"name": name, "email": f"{name}@example.org"})
        assert made.status == 200, made
        made = self.node.local("POST", f"{API}/tokens", {"user": name})
        assert made.status == 200, made
        self.tokens[name] = hygiene.note(made.json()["token"])
        return self.tokens[name]

    def ask(self, method: str, path: str, body: Any = None, who: str | None = "alice",
            source: str | None = None) -> Answer:
        """As the client does: a body that is not said to be JSON. WHO is a user, or a token."""
        connection = http.client.HTTPConnection(self.node.daemon.host, self.node.daemon.port,
                                                timeout=ANSWER_S,
                                                source_address=(source or "127.0.0.1", 0))
        headers = {"Authorization": f"Bearer {self.tokens.get(who, who)}"} if who else {}
        text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def cluster_token(self, who: str, folder: str = "alice") -> str:
        made = self.ask("POST", "/auth/token/cluster", {"resource_address": folder, "username": who}, who)
        assert made.status == 200, made
        return hygiene.note(made.json()["data"]["token"])

    def share(self, uri: str, users: list[str] | None, level: str, who: str = "alice") -> Answer:
        return self.ask("PUT", f"/resource/{uri}/users/access",
                        {"users": users, "access_level": level, "notify_users": False}, who)


@contextlib.contextmanager
def start_den(folder: Path, *args: str, **options: Any) -> Iterator[Den]:
    with start_node(folder, "--den", *args, owner=False, **{"auth": False, **options}) as node:
        yield Den(node, {})


@pytest.fixture(scope="module")
def shared_den(tmp_path_factory):
    with start_den(tmp_path_factory.mktemp("den") / "d") as den:
        for name in ("alice", "bob", "carol"):
            den.add(name)
        yield den


@pytest.fixture
def den(shared_den):
    """With the cluster and the function of alice, shared with nobody."""
    for config in (CLUSTER, FN):
        assert shared_den.ask("POST", "/resource", config).status == 200
        uri = config["name"][1:].replace("/", ":")
        assert shared_den.share(uri, None, "denied").status == 200
    yield shared_den


def data(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return answer.json()["data"]


# -- who ------------------------------------------------------------------------------------------

ROUTES = [
    ("GET", "/user", None), ("PUT", "/user/config", {}), ("GET", "/user/secret", None),
    ("GET", "/user/secret/alice:key", None), ("PUT", "/user/secret/alice:key", {}),
    ("DELETE", "/user/secret/alice:key", None), ("POST", "/auth/token/cluster", {}),
    ("GET", "/auth/token/cluster/alice:gpu", None), ("GET", "/resource?resource_type=cluster", None),
    ("GET", "/resource/alice:gpu", None), ("PUT", "/resource/alice:gpu", CLUSTER),
    ("POST", "/resource", CLUSTER), ("DELETE", "/resource/alice:gpu", None),
    ("PUT", "/resource/alice:gpu/users/access", {}), ("GET", "/resource/history/alice:gpu", None),
    ("GET", "/resource/alice:gpu/cluster/status", None), ("POST", "/resource/alice:gpu/cluster/status", {}),
    ("GET", "/resource/alice:gpu/logs", None), ("POST", "/resource/alice:gpu/logs", {}),
    ("GET", "/resource/alice:gpu/logs/file", None), ("POST", "/cluster/up", {}),
    ("POST", "/cluster/teardown", {}), ("POST", "/cluster/autostop", {}),
]


@pytest.mark.parametrize("method, path, body", ROUTES)
def test_nobody_and_strangers_get_nothing(den, method, path, body):
    source = new_source()
    for who, challenge in ((None, 'Bearer realm="den"'),
                           ("ghd_wrong", 'Bearer realm="den", error="invalid_token"')):
        answer = den.ask(method, path, body, who, source)
        assert answer.status == 401 and isinstance(answer.json()["detail"], str), answer
        assert answer.headers["www-authenticate"] == challenge
    assert den.ask("GET", "/resource/alice:gpu").status == 200


@pytest.mark.parametrize("method, path, body", [route for route in ROUTES if "alice:" in route[1]])
def test_what_others_saved_is_not_there(den, method, path, body):
    answer = den.ask(method, path, body, "bob")
    assert answer.status == 404 and isinstance(answer.json()["detail"], str), answer


def test_body_of_a_stranger_is_not_taken(den):
    """The answer comes before the body has been sent."""
    connection = http.client.HTTPConnection(den.node.daemon.host, den.node.daemon.port, timeout=ANSWER_S)
    connection.putrequest("PUT", "/user/config")
    connection.putheader("Content-Length", "1000000")
    connection.putheader("Authorization", "Bearer ghd_no")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_guesses_are_throttled_with_those_of_the_node(den):
    source = new_source()
    statuses = [den.ask("GET", "/user", who=f"ghd_{n}", source=source).status for n in range(23)]
    assert statuses[:20] == [401] * 20 and set(statuses[21:]) == {429}
    answer = den.ask("GET", "/user", who="ghd_x", source=source)
    assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
    assert den.ask("GET", "/user", source=source).status == 200


# -- users ----------------------------------------------------------------------------------------

def test_user_and_config(den):
    config = {"default_pool": "x", "nested": {"a": [1, None]}}
    assert den.ask("PUT", "/user/config", config).status == 200
    assert data(den.ask("GET", "/user")) == {"username": "alice", "email": "alice@example.org",
                                             "config": config}
    assert data(den.ask("GET", "/user", who="bob"))["config"] == {}
    assert den.ask("PUT", "/user/config", {}).status == 200


@pytest.mark.parametrize("body", ["", "[]", "{", "null", "7", b"\xff", '{"a": nan}', "[" * 100000, '{"a": ' * 1000,
                                  json.dumps({"a": "x" * (1 << 20)})])
def test_bad_config_of_a_user(den, body):
    answer = den.ask("PUT", "/user/config", body)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"][0] == "body", answer


# -- resources ------------------------------------------------------------------------------------

def test_saved_as_sent(den):
    assert den.ask("PUT", "/resource/alice:new", {**FN, "name": "/alice/new"}).status == 404
    text = json.dumps({**FN, "name": "/alice/new"}, indent=1)
    assert den.ask("POST", "/resource", text).status == 200
    answer = den.ask("GET", "/resource/alice:new")
    assert data(answer) == {**FN, "name": "/alice/new", "access_level": "write"}
    assert "123456789012345678901" in answer.text
    changed = {**FN, "name": "/alice/new", "data": {}}
    for _ in range(2):  # the second changes nothing
        assert den.ask("PUT", "/resource/alice:new", changed).status == 200
    versions = data(den.ask("GET", "/resource/history/alice:new"))
    assert [one["config"]["data"] for one in versions] == [{}, FN["data"]]
    assert {one["user"] for one in versions} == {"alice"}
    assert len(data(den.ask("GET", "/resource/history/alice:new?limit=1"))) == 1
    assert den.ask("DELETE", "/resource/alice:new?delete_creds=false").status == 200
    assert den.ask("GET", "/resource/alice:new").status == 404
    assert den.ask("DELETE", "/resource/alice:new").status == 404


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("auth", [False, True])
def test_save_that_says_it_is_json_is_told_from_a_call_to_the_node(tmp_path, auth):
    """Other programs mark it so. The client marks what it puts on the node so, by the same method and path."""
    (tmp_path / "d" / "home" / ".rh").mkdir(parents=True)
    (tmp_path / "d" / "home" / ".rh" / "cluster_config.json").write_text('{"name": "/alice/gpu"}')
    with start_den(tmp_path / "d", auth=auth) as den:
        den.add("alice"), den.add("bob")

        def post(body: Any, who: str | None, **more: str) -> Answer:
            return den.node.ask("POST", "/resource", body, den.tokens.get(who, who), headers={**JSON, **more})

        assert data(post(CLUSTER, "alice")) == {"uri": "alice:gpu"}
        assert data(post({**FN, "name": "/bob/fn"}, "bob")) == {"uri": "bob:fn"}
        assert data(den.ask("GET", "/resource/bob:fn", who="bob"))["data"] == FN["data"]
        assert post({**FN, "name": "/alice/fn"}, "bob").status == 403
        assert post(FN, None).status == 401 and post(FN, "ghd_wrong").status in (401, 403)
        assert post(FN, den.cluster_token("alice")).status == 403
        assert post({**FN, "serialized_data": 1}, "alice").status == 422  # a call to the node, and a bad one

        config = {"name": "add", "resource_type": "function", "resource_subtype": "Function", "system": None,
                  "process": "default_process", "fn_pointers": [str(USER_CODE), "things", "add"]}
        order = {"serialized_data": [config, None, True]}
        refused = post(order, "bob")
        assert refused.status == (403 if auth else 200)
        assert not auth or refused.json()["detail"] == "Cluster access is required for this operation."
        assert post(b"{", "bob").status == (403 if auth else 422)
        assert post(order, "alice").json() == "add"
        assert post(order, den.cluster_token("alice")).json() == "add"


def test_access_level_cannot_be_sent_along(den):
    den.share("alice:concat", ["bob"], "read")
    assert den.ask("PUT", "/resource/alice:concat", {**FN, "access_level": "write"}).status == 200
    assert data(den.ask("GET", "/resource/alice:concat", who="bob"))["access_level"] == "read"


@pytest.mark.parametrize("name", ["", "concat", "/concat", "/alice/", "/alice/../bob/x", "/alice//x",
                                  "/alice/a b", "/alice/x\u0000y", "/alice/\u00e4", "/al:ice/x",
                                  "/alice/x:y", "/alice/" + "x" * 201, "/alice" + "/x" * 600, 7, None, []])
def test_bad_names(den, name):
    answer = den.ask("POST", "/resource", {**FN, "name": name})
    assert answer.status == 422, answer
    assert answer.json()["detail"][0]["loc"] in (["body", "name"], ["body"])


@pytest.mark.parametrize("change, field", [
    ({"resource_type": None}, "resource_type"), ({"resource_type": ""}, "resource_type"),
    ({"visibility": "hidden"}, "visibility"), ({"visibility": 1}, "visibility"), ({"data": []}, "data"),
    ({"data": "x"}, "data"), ({"name": "/alice/other"}, "name"),
])
def test_bad_configs_name_the_field(den, change, field):
    answer = den.ask("PUT", "/resource/alice:concat", {**FN, **change})
    assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["body", field], answer
    assert data(den.ask("GET", "/resource/alice:concat")) == {**FN, "access_level": "write"}


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name": "/alice/concat", "resource_type": "x", "a": nan}',
                                  '{"name": "/alice/concat", "resource_type": "x", "a": "\n"}'])
def test_bad_bodies(den, body):
    answer = den.ask("PUT", "/resource/alice:concat", body)
    assert answer.status == 422 and isinstance(answer.json()["detail"], list), answer


def test_too_large(den):
    assert den.ask("PUT", "/resource/alice:concat", {**FN, "more": "x" * (1 << 20)}).status == 422
    connection = http.client.HTTPConnection(den.node.daemon.host, den.node.daemon.port, timeout=ANSWER_S)
    connection.putrequest("PUT", "/resource/alice:concat")
    connection.putheader("Content-Length", str(5 << 20))
    connection.putheader("Authorization", f"Bearer {den.tokens['alice']}")
    connection.endheaders()
    assert connection.getresponse().status == 413  # before any of it was sent
    connection.close()


@pytest.mark.parametrize("uri", ["..", "alice", "alice:", ":x", "alice:..", "alice:a%20b", "alice:%00",
                                 "alice:%2e%2e", "alice:x%2fy", "alice:" + "x" * 300, "%ff:x", "a'b:c"])
def test_hostile_uris_are_not_there(den, uri):
    for method, tail in (("GET", ""), ("DELETE", ""), ("PUT", "/users/access"), ("GET", "/logs")):
        answer = den.ask(method, f"/resource/{uri}{tail}", {"users": None, "access_level": "denied"}
                         if tail == "/users/access" else None)
        assert answer.status == 404, answer


def test_nobody_saves_in_anothers_folder(den):
    for name in ("/alice/mine", "/alice/concat", "/nobody/x"):
        answer = den.ask("POST", "/resource", {**FN, "name": name}, "bob")
        assert answer.status == 403 and "bob" in answer.json()["detail"]
    assert den.ask("GET", "/resource/alice:mine").status == 404


# -- shared ---------------------------------------------------------------------------------------

def test_levels(den):
    shared = den.share("alice:concat", ["bob", "carol@EXAMPLE.org", "alice"], "read")
    assert data(shared) == {"added_users": {"bob": "read", "carol": "read", "alice": "read"},
                            "new_users": {}, "valid_users": ["bob", "carol", "alice"]}
    assert data(den.ask("GET", "/resource/alice:concat", who="bob"))["access_level"] == "read"
    for method, path, body in (("PUT", "", FN), ("DELETE", "", None),
                               ("PUT", "/users/access", {"users": ["carol"], "access_level": "write"})):
        answer = den.ask(method, f"/resource/alice:concat{path}", body, "bob")
        assert answer.status == 403, answer
    assert den.share("alice:concat", ["bob"], "write").status == 200
    assert den.ask("PUT", "/resource/alice:concat", {**FN, "data": {}}, "bob").status == 200
    assert den.share("alice:concat", ["carol"], "denied", "bob").status == 200
    assert den.ask("GET", "/resource/alice:concat", who="carol").status == 404
    assert den.share("alice:concat", None, "denied").status == 200
    assert den.ask("GET", "/resource/alice:concat", who="bob").status == 404
    assert data(den.ask("GET", "/resource/alice:concat"))["access_level"] == "write"
    assert {one["user"] for one in data(den.ask("GET", "/resource/history/alice:concat"))} >= {"alice", "bob"}


def test_public_and_private_again(den):
    assert den.ask("PUT", "/resource/alice:concat", {**FN, "visibility": "public"}).status == 200
    assert data(den.ask("GET", "/resource/alice:concat", who="carol"))["access_level"] == "read"
    assert den.ask("DELETE", "/resource/alice:concat", who="carol").status == 403
    assert den.ask("PUT", "/resource/alice:concat", FN).status == 200
    assert den.ask("GET", "/resource/alice:concat", who="carol").status == 404
    assert den.ask("PUT", "/resource/alice:concat", {**FN, "visibility": "unlisted"}).status == 200
    assert den.ask("GET", "/resource/alice:concat", who="carol").status == 404
    assert den.ask("PUT", "/resource/alice:concat", FN).status == 200


@pytest.mark.parametrize("body, field", [
    ({"users": ["bob", "nobody"], "access_level": "read"}, "users"),
    ({"users": ["nobody@example.org"], "access_level": "denied"}, "users"),
    ({"users": "bob", "access_level": "read"}, "users"), ({"users": [7], "access_level": "read"}, "users"),
    ({"users": ["bob"], "access_level": "all"}, "access_level"), ({"users": ["bob"]}, "access_level"),
    ({"users": ["bob"], "access_level": "read", "notify_users": "perhaps"}, "notify_users"),
])
def test_bad_shares_do_nothing(den, body, field):
    answer = den.ask("PUT", "/resource/alice:concat/users/access", body)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"][:2] == ["body", field], answer
    assert den.ask("GET", "/resource/alice:concat", who="bob").status == 404


# -- tokens for clusters --------------------------------------------------------------------------

def test_cluster_tokens(den):
    den.share("alice:concat", ["bob"], "read")
    token = den.cluster_token("bob")
    assert token == den.cluster_token("bob") != den.cluster_token("bob", "carol")
    assert data(den.ask("GET", "/user", who=token)) == {"username": "bob", "email": "bob@example.org"}
    assert data(den.ask("GET", "/resource/alice:concat", who=token))["access_level"] == "read"
    assert den.ask("GET", "/resource/alice:gpu", who=token).status == 404
    assert den.ask("GET", "/auth/token/cluster/alice:gpu", who=token).status == 404
    assert den.ask("GET", "/auth/token/cluster/alice:gpu", who=den.cluster_token("alice")).status == 200
    assert den.ask("GET", "/auth/token/cluster/alice:gpu").status == 200
    assert den.ask("GET", "/auth/token/cluster/bob:x", who=den.cluster_token("alice")).status == 404
    # Of another folder it says nothing.
    assert den.ask("GET", "/resource/alice:concat", who=den.cluster_token("bob", "carol")).status == 404


@pytest.mark.parametrize("method, path, body", [
    ("PUT", "/user/config", {}), ("GET", "/user/secret", None), ("GET", "/user/secret/alice:gpu", None),
    ("POST", "/auth/token/cluster", {"resource_address": "alice"}), ("GET", "/resource", None),
    ("PUT", "/resource/alice:gpu", CLUSTER), ("POST", "/resource", CLUSTER),
    ("DELETE", "/resource/alice:gpu", None), ("GET", "/resource/history/alice:gpu", None),
    ("PUT", "/resource/alice:gpu/users/access", {"users": ["bob"], "access_level": "write"}),
    ("GET", "/resource/alice:gpu/logs", None), ("POST", "/cluster/up", {}),
])
def test_cluster_token_is_worthless_for_all_else(den, method, path, body):
    """A node that learns the token of its owner's friend, or of its owner, can do no more than look."""
    answer = den.ask(method, path, body, den.cluster_token("alice"))
    assert answer.status == 403 and "own token" in answer.json()["detail"], answer


@pytest.mark.parametrize("body, field", [
    ({"resource_address": "nobody", "username": "bob"}, "resource_address"), ({}, "resource_address"),
    ({"resource_address": "", "username": "bob"}, "resource_address"),
    ({"resource_address": "alice", "username": "alice"}, "username"),
])
def test_bad_orders_of_cluster_tokens(den, body, field):
    answer = den.ask("POST", "/auth/token/cluster", body, "bob")
    assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["body", field], answer


def test_old_clients_tokens(den):
    """HEX+OWNER+USER, as 0.0.20 to 0.0.34 make them, once they have loaded something from the folder."""
    den.add("dora")
    den.share("alice:concat", ["dora"], "read")
    token = f"{hashlib.sha256((den.tokens['dora'] + 'alice').encode()).hexdigest()}+alice+dora"
    source = new_source()
    assert den.ask("GET", "/resource/alice:concat", who=token, source=source).status == 401
    assert den.ask("GET", "/resource/alice:concat", who="dora").status == 200
    assert data(den.ask("GET", "/resource/alice:concat", who=token))["access_level"] == "read"
    assert den.ask("GET", "/resource/history/alice:concat", who=token).status == 403


# -- secrets --------------------------------------------------------------------------------------

SECRET = {"name": "/alice/key", "resource_type": "secret", "visibility": "private", "data": {}}
VALUE = {"name": "/alice/key", "data": {"values": {"api_key": "hidden-4711"}}}


def test_secrets(den):
    assert den.ask("PUT", "/user/secret/alice:key", VALUE).status == 404  # it is saved first
    assert den.ask("POST", "/resource", SECRET).status == 200
    assert den.ask("GET", "/user/secret/alice:key").status == 404
    assert den.ask("PUT", "/user/secret/alice:key", VALUE).status == 200
    assert data(den.ask("GET", "/user/secret/alice:key")) == {"/alice/key": VALUE}
    assert data(den.ask("GET", "/user/secret")) == {"/alice/key": {"name": "/alice/key"}}
    assert "hidden-4711" not in den.ask("GET", "/resource/alice:key").text
    den.share("alice:key", ["bob"], "read")
    assert den.ask("GET", "/user/secret/alice:key", who="bob").status == 404
    assert data(den.ask("GET", "/user/secret/alice:key?shared=true", who="bob")) == {"/alice/key": VALUE}
    assert den.ask("PUT", "/user/secret/alice:key", VALUE, "bob").status == 403
    assert data(den.ask("GET", "/user/secret", who="bob")) == {}
    assert den.ask("DELETE", "/user/secret/alice:key").status == 200
    assert den.ask("GET", "/user/secret/alice:key").status == 404
    assert den.ask("PUT", "/user/secret/alice:key", VALUE).status == 200
    assert den.ask("DELETE", "/resource/alice:key").status == 200
    assert den.ask("POST", "/resource", SECRET).status == 200
    assert den.ask("GET", "/user/secret/alice:key").status == 404  # gone with what it belonged to
    assert "hidden-4711" not in den.node.daemon.log()


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": {"values": 7}}, {"data": []},
                                  {"data": {"values": {"k": "x" * (65 << 10)}}}])
def test_bad_secrets(den, body):
    assert den.ask("POST", "/resource", SECRET).status == 200
    answer = den.ask("PUT", "/user/secret/alice:key", body)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["body", "data"], answer


# -- what nodes report ----------------------------------------------------------------------------

STATUS = {"daemon_status": "running", "resource_type": "cluster", "resource_info": {"a": 1.5}}
LINES = {"file_name": "server.log", "logs": "one\ntwo \u00e4\n", "start_line": 0, "end_line": 2}


def test_status(den):
    node_token = den.cluster_token("alice")
    path = "/resource/alice:gpu/cluster/status"
    assert den.ask("POST", path, STATUS, node_token).status == 200
    assert data(den.ask("GET", path)) == STATUS
    assert den.ask("POST", "/resource/alice:nothing/cluster/status", STATUS, node_token).status == 404
    den.share("alice:gpu", ["bob"], "read")
    assert data(den.ask("GET", path, who="bob")) == STATUS
    assert den.ask("POST", path, STATUS, "bob").status == 403
    assert den.ask("POST", path, STATUS, den.cluster_token("bob")).status == 403
    assert den.ask("POST", path, []).status == 422
    assert den.ask("POST", path, {"daemon_status": 7}).status == 422
    assert den.ask("POST", path, {"anything": "else"}).status == 200
    assert data(den.ask("GET", path)) == {"anything": "else"}
    assert "/alice/gpu" in listed(den, {"cluster_status": "running"})
    assert den.ask("GET", "/resource/alice:concat/cluster/status").status == 404


def listed(den, query, who="alice"):
    path = "/resource?" + urllib.parse.urlencode({"resource_type": "cluster", "owned": True, **query})
    return [one["name"] for one in data(den.ask("GET", path, who=who))]


def test_list(den):
    assert den.ask("POST", "/resource", {**CLUSTER, "name": "/alice/cpu"}).status == 200
    for name, word in (("gpu", "running"), ("cpu", "terminated")):
        posted = {**STATUS, "daemon_status": word}
        assert den.ask("POST", f"/resource/alice:{name}/cluster/status", posted).status == 200
    assert listed(den, {}) == ["/alice/gpu", "/alice/cpu"]
    assert listed(den, {"cluster_status": "running", "daemon_status": "running", "since": 600,
                        "force": False}) == ["/alice/gpu"]
    assert listed(den, {"cluster_status": "terminated"}) == ["/alice/cpu"]
    assert listed(den, {"cluster_status": "unknown"}) == []
    [cpu] = [one for one in data(den.ask("GET", "/resource")) if one["name"] == "/alice/cpu"]
    assert cpu["cluster_status"] == "terminated" and cpu["cluster_status_last_checked"].endswith("+00:00")
    assert (cpu["access_level"], cpu["data"]["resource_subtype"]) == ("write", "Cluster")
    den.share("alice:cpu", ["bob"], "read")
    assert listed(den, {}, "bob") == [] and listed(den, {"owned": False}, "bob") == ["/alice/cpu"]
    assert den.ask("GET", "/resource?since=soon").status == 422
    assert den.ask("DELETE", "/resource/alice:cpu").status == 200


def test_logs(den):
    assert den.ask("GET", "/resource/alice:gpu/logs").status == 404
    assert den.ask("GET", "/resource/alice:gpu/logs/file?minutes=5").status == 404
    for text in ("one\ntwo \u00e4\n", "three\n"):
        posted = den.ask("POST", "/resource/alice:gpu/logs", {**LINES, "logs": text}, den.cluster_token("alice"))
        assert posted.status == 200
    assert data(den.ask("GET", "/resource/alice:gpu/logs")) == {"logs": "one\ntwo \u00e4\nthree\n"}
    url = data(den.ask("GET", "/resource/alice:gpu/logs/file?minutes=5"))["logs_presigned_url"]
    assert url.startswith(f"{den.node.daemon.url}/")
    path = url[len(den.node.daemon.url):]
    for minutes in ("1", "LogsSince.five", "LogsSince.day", "527040"):  # the names by clients on Python 3.11
        assert den.ask("GET", f"/resource/alice:gpu/logs/file?minutes={minutes}").status == 200
    fetched = den.ask("GET", path, who=None)
    assert (fetched.status, fetched.text) == (200, "one\ntwo \u00e4\nthree\n")
    assert fetched.headers["content-type"].startswith("text/plain")
    for wrong in (path[:-1], path.replace("alice:gpu", "alice:concat"), path.replace("/300.", "/9999999."),
                  "/_gatehouse/den/logs/alice:gpu/x", "/_gatehouse/den/logs/x/x"):
        assert den.ask("GET", wrong, who=None).status == 404
    for minutes in ("0", "-5", "x", "", "527041", "9" * 40, "LogsSince.six"):
        assert den.ask("GET", f"/resource/alice:gpu/logs/file?minutes={minutes}").status == 422
    assert den.ask("POST", "/resource/alice:gpu/logs", {"logs": "x"}).status == 422
    assert den.ask("DELETE", "/resource/alice:gpu").status == 200
    assert den.ask("GET", path, who=None).status == 404


def test_no_launches(den):
    for name in ("up", "teardown", "autostop"):
        answer = den.ask("POST", f"/cluster/{name}", {"anything": 1})
        assert answer.status == 501 and "launches no clusters" in answer.json()["detail"]


# -- asked by other nodes -------------------------------------------------------------------------

def test_other_nodes_ask_it_over_http(den, tmp_path):
    """A node of alice's at another machine, whose callers show it tokens for her folder."""
    home = tmp_path / "d" / "home" / ".rh"
    home.mkdir(parents=True)
    (home / "cluster_config.json").write_text('{"name": "/alice/cpu"}')
    assert den.ask("POST", "/resource", {**CLUSTER, "name": "/alice/cpu"}).status == 200
    owner, reader, stranger = (den.cluster_token(name) for name in ("alice", "bob", "carol"))
    den.share("alice:cpu", ["bob"], "read")
    with start_node(tmp_path / "d", "--api-server-url", den.node.daemon.url, owner=False,
                    env={"RH_TOKEN": owner, "RH_USERNAME": "alice"}) as node:
        folder = {"path": "~"}
        for token, keys, files in ((owner, 200, 200), (reader, 200, 403), (stranger, 403, 403),
                                   (den.tokens["alice"], 200, 200), (None, 401, 401)):
            assert node.ask("GET", "/keys", token=token, source=new_source()).status == keys
            answer = node.ask("POST", "/folder/method/ls", folder, token=token, source=new_source())
            assert answer.status == files, answer
        den.share("alice:cpu", None, "denied")
        flush = {"flush_auth_cache": True}
        assert node.ask("POST", "/settings", flush, token=owner).status == 200
        assert node.ask("GET", "/keys", token=reader, source=new_source()).status == 403


# -- kept, and alone ------------------------------------------------------------------------------

def test_all_of_it_outlives_the_daemons_death(tmp_path):
    with start_den(tmp_path / "d") as den:
        den.add("alice"), den.add("bob")
        assert den.ask("POST", "/resource", FN).status == 200
        assert den.share("alice:concat", ["bob"], "read").status == 200
        token = den.cluster_token("bob")
        den.node.kill_and_start_again()
        assert data(den.ask("GET", "/resource/alice:concat", who="bob")) == {**FN, "access_level": "read"}
        assert den.cluster_token("bob") == token
        files = list((tmp_path / "d" / "state").glob("den.db*"))
        assert files and all(file.stat().st_mode & 0o777 == 0o600 for file in files)
        content = b"".join(file.read_bytes() for file in files)
        for text in (token, *den.tokens.values()):
            assert text[4:].encode() not in content


def test_what_was_acknowledged_is_there_after_a_death_at_any_time(tmp_path):
    """Many save at once, the daemon is killed in the middle: each save that was answered is kept."""
    with start_den(tmp_path / "d") as den:
        den.add("alice")
        acknowledged: list[str] = []

        def save(worker: int) -> None:
            for n in range(1000):
                name = f"/alice/r{worker}-{n}"
                try:
                    if den.ask("POST", "/resource", {**FN, "name": name}).status == 200:
                        acknowledged.append(name)
                except (OSError, http.client.HTTPException):
                    return

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            saving = [pool.submit(save, worker) for worker in range(4)]
            while len(acknowledged) < 40:
                assert not all(one.done() for one in saving)
            den.node.daemon.kill()
        den.node.daemon.start()
        assert len(acknowledged) >= 40
        for name in acknowledged:
            assert den.ask("GET", f"/resource/{name[1:].replace('/', ':')}").status == 200, name


def test_a_den_is_one_daemons(tmp_path):
    with start_den(tmp_path / "d") as den:
        state = tmp_path / "d" / "state"
        done = Gatehoused(tmp_path / "e", args=["--den", "--state-dir", str(state)]).run_to_exit()
        assert done.returncode == 78 and done.stderr.count("\n") == 1, done.stderr
        assert f"{state}: den.db: the database is locked" in done.stderr
        assert f"another gatehoused (pid {den.node.daemon.pid}) uses this state folder" in done.stderr
        assert "gatehouse stop" in done.stderr and "--state-dir" in done.stderr


def test_without_the_option_there_is_none(tmp_path):
    with start_node(tmp_path / "d", owner=False, auth=False) as node:
        assert node.ask("GET", "/user").status == 404
        assert node.ask("PUT", "/user/config", {}).status == 405
        answer = node.local("GET", f"{API}/users")
        assert answer.status == 404 and "--den" in answer.json()["detail"]
        assert not list((tmp_path / "d" / "state").glob("den.db*"))


def test_managed_on_the_control_socket_alone(shared_den):
    for path in ("users", "tokens", "resources", "grants"):
        assert shared_den.ask("GET", f"{API}/{path}").status == 404
        assert shared_den.node.local("GET", f"{API}/{path}").status == 200
