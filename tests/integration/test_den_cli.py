# SPDX-License-Identifier: Apache-2.0
"""gatehouse den: users, tokens, resources and grants, managed by the control socket."""
from __future__ import annotations

import re

import pytest

from . import cli
from .test_den import FN, start_den


@pytest.fixture(scope="module")
def den(tmp_path_factory):
    with start_den(tmp_path_factory.mktemp("den") / "d") as running:
        running.add("alice")
        running.add("bob")
        assert running.ask("POST", "/resource", FN).status == 200
        yield running


def gatehouse(den, *words: str) -> cli.Done:
    place = [] if "--url" in words else ["--state-dir", str(den.node.daemon.folder / "state")]
    return cli.finish(cli.start(None, *words, *place))


def table(done: cli.Done) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in done.ok().out.splitlines()[1:]]


def test_users(den):
    added = gatehouse(den, "den", "user", "add", "carol", "--email", "carol@example.org").ok()
    assert added.out.startswith("carol is a user.")
    assert ["carol", "carol@example.org", "0", "0"] in table(gatehouse(den, "den", "user", "list"))
    [carol] = [user for user in gatehouse(den, "den", "user", "list", "--json").ok().json()
               if user["name"] == "carol"]
    assert carol["resources"] == 0
    made = gatehouse(den, "den", "user", "add", "dave", "--json").ok().json()
    assert (made["name"], made["email"]) == ("dave", None)
    gone = gatehouse(den, "den", "user", "remove", "carol", "dave").ok()
    assert gone.out == "User carol is removed.\nUser dave is removed.\n"
    assert len(gatehouse(den, "den", "user", "list", "--json").ok().json()) == 2


def test_tokens(den):
    made = gatehouse(den, "den", "token", "create", "bob", "--expires", "30d").ok()
    token = made.out.strip()
    assert token.startswith("ghd_") and made.out.count("\n") == 1 and token not in made.err
    assert re.fullmatch(r"Token \d+ of bob, good until 20\S+ \S+ UTC. It is shown this once.\n", made.err)
    assert den.ask("GET", "/user", who=token).json()["data"]["username"] == "bob"
    cluster_token = den.ask("POST", "/auth/token/cluster", {"resource_address": "alice"}, token).json()
    rows = table(gatehouse(den, "den", "token", "list"))
    number = re.search(r"\d+", made.err).group()
    assert [row[1:3] for row in rows if row[0] == number] == [["bob", "all"]]
    assert any(row[1:3] == ["bob", "clusters in /alice"] for row in rows)
    listed = gatehouse(den, "den", "token", "list", "--json").ok()
    assert token not in listed.out and number in [str(one["id"]) for one in listed.json()]
    assert f"Token {number} is revoked." in gatehouse(den, "den", "token", "revoke", number).ok().out
    assert den.ask("GET", "/user", who=token, source="127.1.200.1").status == 401
    assert den.ask("GET", "/user", who=cluster_token["data"]["token"], source="127.1.200.1").status == 401
    programs = gatehouse(den, "den", "token", "create", "bob", "--json").ok().json()
    assert programs["user"] == "bob" and programs["token"].startswith("ghd_")
    assert gatehouse(den, "den", "token", "revoke", str(programs["id"]), "--json").ok().json() == {
        "id": programs["id"]}


def test_resources(den):
    assert ["/alice/concat", "function", "private", "0"] in table(gatehouse(den, "den", "resource", "list"))
    shown = gatehouse(den, "den", "resource", "show", "/alice/concat").ok()
    assert '"resource_type": "function"' in shown.out
    assert den.ask("POST", "/resource", {**FN, "name": "/alice/brief", "visibility": "public"}).status == 200
    listed = gatehouse(den, "den", "resource", "list", "--json").ok().json()
    [brief] = [one for one in listed if one["name"] == "/alice/brief"]
    assert brief == {"name": "/alice/brief", "type": "function", "owner": "alice", "is_public": True,
                     "grants": 0}
    removed = gatehouse(den, "den", "resource", "remove", "/alice/brief").ok()
    assert removed.out == "Resource /alice/brief is removed.\n"
    assert den.ask("GET", "/resource/alice:brief").status == 404


def test_grants(den):
    added = gatehouse(den, "den", "grant", "add", "/alice/concat", "bob").ok()
    assert added.out == "bob may read /alice/concat.\n"
    assert den.ask("GET", "/resource/alice:concat", who="bob").json()["data"]["access_level"] == "read"
    raised = gatehouse(den, "den", "grant", "add", "/alice/concat", "bob", "-a", "write", "--json").ok()
    assert raised.json() == {"resource": "/alice/concat", "user": "bob", "access": "write"}
    assert table(gatehouse(den, "den", "grant", "list")) == [["/alice/concat", "bob", "write"]]
    assert gatehouse(den, "den", "grant", "list", "--json").ok().json() == [raised.json()]
    gone = gatehouse(den, "den", "grant", "revoke", "/alice/concat", "bob").ok()
    assert gone.out == "bob may not use /alice/concat any more.\n"
    assert den.ask("GET", "/resource/alice:concat", who="bob").status == 404
    assert gatehouse(den, "den", "grant", "revoke", "/alice/concat", "bob").status == 5


@pytest.mark.parametrize("words, status, said", [
    (["user"], 2, "it knows add, list, remove"),
    ([], 2, "it knows user add"),
    (["user", "ad", "x"], 2, "it knows add, list, remove"),
    (["user", "add"], 2, "needs NAME"),
    (["user", "add", "a b"], 1, "name is 'a b'"),
    (["user", "add", "alice"], 1, "who is a user already"),
    (["user", "add", "new", "--email", "x"], 1, "email is 'x'"),
    (["user", "remove", "nobody"], 5, "There is no user nobody"),
    (["user", "remove", ""], 2, "a word is empty"),
    (["token", "create", "nobody"], 1, "There is no such user"),
    (["token", "create", "bob", "-e", "soon"], 2, "--expires is 'soon'"),
    (["token", "revoke", "x"], 1, "number of a token"),
    (["token", "revoke", "9999"], 5, "there is no token 9999"),
    (["resource", "show", "alice/concat"], 2, "is no address of a resource"),
    (["resource", "show", "/alice/nothing"], 5, "There is no resource alice:nothing"),
    (["resource", "remove", "/"], 2, "is no address of a resource"),
    (["grant", "add", "/alice/concat", "nobody"], 1, "There is no such user"),
    (["grant", "add", "/alice/nothing", "bob"], 1, "There is no such resource"),
    (["grant", "add", "/alice/concat", "alice"], 1, "This is its owner"),
    (["grant", "add", "/alice/concat", "bob", "-a", "all"], 2, "--access must be read or write"),
    (["grant", "revoke", "/alice/concat", "nobody"], 5, "There is no user nobody"),
    (["user", "list", "--url", "http://127.0.0.1:1"], 2, "on the node itself"),
])
def test_told_wrongly(den, words, status, said):
    done = gatehouse(den, "den", *words)
    assert done.status == status and said in done.err and done.out == "", done


def test_node_that_is_no_den(start_daemon):
    daemon = start_daemon()
    done = cli.finish(cli.start(None, "den", "user", "list", "--state-dir", str(daemon.folder / "state")))
    assert done.status == 5 and "without --den" in done.err
