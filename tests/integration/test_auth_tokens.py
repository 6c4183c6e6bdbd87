# SPDX-License-Identifier: Apache-2.0
"""Tokens that the node gives out, the switch that makes it look at them, and who guesses."""
from __future__ import annotations

import concurrent.futures
import http.client
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .auth_kit import OWNER, OWNER_TOKEN, WRONG_TOKEN, new_source, node as start_node
from .cli import PROGRAM, environment, finish
from .gatehoused import USER_CODE, Gatehoused, wait_until

THINGS = USER_CODE / "things.py"
TOKENS = "/_gatehouse/v1/tokens"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with start_node(tmp_path_factory.mktemp("tokens") / "d", modules=[f"add={THINGS}:add"]) as running:
        yield running


def gatehouse(node, *words: str, env: dict | None = None):
    """Run the command for NODE; two words of a verb go first."""
    place = ["--state-dir", str(node.daemon.folder / "state"), "--port", str(node.daemon.port)]
    command = [str(PROGRAM), *words, *([] if "--url" in words else place)]
    return finish(subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment(env)))


# -- the routes ----------------------------------------------------------------------------------

def test_life_of_a_token(node):
    made = node.create("ann", "read")
    assert {key: made[key] for key in ("user", "access", "module", "expires_s")} == {
        "user": "ann", "access": "read", "module": None, "expires_s": None}
    assert made["token"].startswith("gh_") and len(made["token"]) == 46
    assert abs(made["created_s"] - time.time()) < 60
    assert node.ask("GET", "/keys", token=made["token"]).status == 200
    listed = node.local("GET", TOKENS)
    [mine] = [token for token in listed.json()["tokens"] if token["id"] == made["id"]]
    assert "token" not in mine and mine["is_expired"] is False
    assert made["token"] not in listed.text
    assert node.local("DELETE", f"{TOKENS}/{made['id']}").json() == {"id": made["id"]}
    assert node.ask("GET", "/keys", token=made["token"], source=new_source()).status == 403
    assert node.local("DELETE", f"{TOKENS}/{made['id']}").status == 404


def test_revoked_at_once_on_a_kept_connection(node):
    made = node.create("kept", "read")
    header = {"Authorization": f"Bearer {made['token']}"}
    connection = http.client.HTTPConnection(node.daemon.host, node.daemon.port, timeout=60,
                                            source_address=(new_source(), 0))
    statuses = []
    for revoke in (False, True):
        if revoke:
            node.local("DELETE", f"{TOKENS}/{made['id']}")
        connection.request("GET", "/keys", headers=header)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [200, 403]


def test_expires(node):
    made = node.create("brief", "read", valid_for_s=1)
    assert made["expires_s"] - made["created_s"] == 1
    wait_until("the token to expire", lambda: node.ask(
        "GET", "/keys", token=made["token"], source=new_source()).status == 403, 10)
    listed = {token["id"]: token for token in node.local("GET", TOKENS).json()["tokens"]}
    assert listed[made["id"]]["is_expired"] is True


@pytest.mark.parametrize("body, field", [
    ({}, "user"), ({"user": "ann"}, "access"), ({"user": "", "access": "read"}, "user"),
    ({"user": "a b", "access": "read"}, "user"), ({"user": "x" * 65, "access": "read"}, "user"),
    ({"user": "a\"b", "access": "read"}, "user"), ({"user": "ann", "access": "admin"}, "access"),
    ({"user": "ann", "access": "READ"}, "access"), ({"user": 1, "access": "read"}, "user"),
    ({"user": "ann", "access": "read", "module": ""}, "module"),
    ({"user": "ann", "access": "read", "module": "a/b"}, "module"),
    ({"user": "ann", "access": "read", "expires_s": 1000}, "expires_s"),
    ({"user": "ann", "access": "read", "expires_s": "tomorrow"}, "expires_s"),
    ({"user": "ann", "access": "read", "expires_s": 1 << 62}, "expires_s"),
    ({"user": "ann", "access": "read", "valid_for_s": 0}, "valid_for_s"),
    ({"user": "ann", "access": "read", "valid_for_s": -5}, "valid_for_s"),
    ({"user": "ann", "access": "read", "valid_for_s": 1 << 62}, "valid_for_s"),
    ({"user": "ann", "access": "read", "valid_for_s": 5, "expires_s": 1 << 33}, "valid_for_s"),
])
def test_bad_order_names_the_field(node, body, field):
    before = node.local("GET", TOKENS).json()
    answer = node.local("POST", TOKENS, body)
    assert answer.status == 422
    assert [problem["loc"] for problem in answer.json()["detail"]][0] == ["body", field]
    assert node.local("GET", TOKENS).json() == before


@pytest.mark.parametrize("number, status", [("x", 422), ("-1", 422), ("1e3", 422), ("9" * 30, 422),
                                            ("999999", 404)])
def test_bad_number_of_a_token(node, number, status):
    assert node.local("DELETE", f"{TOKENS}/{number}").status == status


# -- the command ---------------------------------------------------------------------------------

def test_command(node):
    made = gatehouse(node, "token", "create", "--user", "cli", "--access", "read", "--module", "add",
                     "--expires", "30d").ok()
    token = made.out.strip()
    assert token.startswith("gh_") and made.out.count("\n") == 1 and token not in made.err
    assert "for cli: read on add, good until 20" in made.err
    called = gatehouse(node, "call", "add", "1", "2", "--url", node.daemon.url,
                       env={"GATEHOUSE_TOKEN": token}).ok()
    assert called.out.strip() == "3" and "adding 1 and 2" in called.err
    refused = gatehouse(node, "status", "--url", node.daemon.url, env={"GATEHOUSE_TOKEN": token})
    assert refused.status == 4
    rows = [line.split() for line in gatehouse(node, "token", "list").ok().out.splitlines()]
    [row] = [row for row in rows if row[1] == "cli"]
    assert row[2:4] == ["read", "add"] and token not in str(rows)
    listed = gatehouse(node, "token", "list", "--json").ok().json()
    assert row[0] in [str(entry["id"]) for entry in listed]
    assert f"Token {row[0]} is revoked" in gatehouse(node, "token", "revoke", row[0]).ok().out
    assert gatehouse(node, "call", "add", "1", "2", "--url", node.daemon.url,
                     env={"GATEHOUSE_TOKEN": token}).status == 4


def test_command_for_programs(node):
    made = gatehouse(node, "token", "create", "-u", "robot", "-a", "write", "-e", "2099-01-31", "--json")
    made = made.ok().json()
    assert made["user"] == "robot" and made["expires_s"] == 4073500800
    gone = gatehouse(node, "token", "revoke", str(made["id"]), "--json").ok().json()
    assert gone == {"id": made["id"]}


@pytest.mark.parametrize("words, status, said", [
    (["create"], 2, "--user is needed"),
    (["create", "-u", "ann"], 2, "--access must be read or write"),
    (["create", "-u", "ann", "-a", "all"], 2, "--access must be read or write"),
    (["create", "-u", "a b", "-a", "read"], 1, "user: user is 'a b'"),
    (["create", "-u", "ann", "-a", "read", "-e", "soon"], 2, "--expires is 'soon'"),
    (["create", "-u", "ann", "-a", "read", "-e", "30"], 2, "--expires is '30'"),
    (["create", "-u", "ann", "-a", "read", "-e", "0d"], 2, "is over"),
    (["create", "-u", "ann", "-a", "read", "-e", "2020-01-01"], 2, "is over"),
    (["create", "-u", "ann", "-a", "read", "-e", "2099-02-30"], 2, "--expires is '2099-02-30'"),
    (["revoke", "x"], 2, "is no number of a token"),
    (["revoke", "999999"], 5, "There is no token 999999"),
    (["revoke"], 2, "ID"),
    (["list", "--url", "http://127.0.0.1:1"], 2, "on the node itself"),
])
def test_command_told_wrongly(node, words, status, said):
    done = gatehouse(node, "token", *words)
    assert done.status == status and said in done.err and done.out == "", done


# -- kept -----------------------------------------------------------------------------------------

def test_tokens_outlive_the_daemon_and_its_death(tmp_path):
    with start_node(tmp_path / "d") as node:
        made, gone = node.create("ann", "read"), node.create("bob", "read")
        assert node.local("DELETE", f"{TOKENS}/{gone['id']}").status == 200
        node.kill_and_start_again()
        assert node.ask("GET", "/keys", token=made["token"]).status == 200
        assert node.ask("GET", "/keys", token=gone["token"]).status == 403
        assert node.create("carl", "read")["id"] > gone["id"]
        files = list((tmp_path / "d" / "state").glob("tokens.db*"))
        assert files and all(file.stat().st_mode & 0o777 == 0o600 for file in files)
        for file in files:
            content = file.read_bytes()
            assert made["token"].encode() not in content and made["token"][3:30].encode() not in content


def test_no_file_before_the_first_token(tmp_path):
    with start_node(tmp_path / "d") as fresh:
        assert not list((tmp_path / "d" / "state").glob("tokens.db*"))
        assert fresh.local("GET", TOKENS).json() == {"tokens": []}


def test_two_daemons_of_one_state_folder(tmp_path):
    """What one gave out or revoked the other knows after SIGHUP."""
    with start_node(tmp_path / "a") as one:
        state = str(tmp_path / "a" / "state")
        with start_node(tmp_path / "b", "--state-dir", state) as other:
            made = one.create("ann", "read")
            assert other.ask("GET", "/keys", token=made["token"], source=new_source()).status == 403
            other.daemon.signal(signal.SIGHUP)
            wait_until("it to know the token", lambda: other.ask(
                "GET", "/keys", token=made["token"], source=new_source()).status == 200)


def test_broken_file_is_refused_at_start(tmp_path):
    (tmp_path / "state").mkdir(parents=True)
    (tmp_path / "state" / "tokens.db").write_bytes(b"no database at all " * 500)
    done = Gatehoused(tmp_path).run_to_exit()
    assert done.returncode == 78 and "tokens.db" in done.stderr and "not a database" in done.stderr


def test_readonly_folder_gives_no_token(tmp_path):
    with start_node(tmp_path / "d") as running:
        (tmp_path / "d" / "state" / "tokens.db").mkdir()
        answer = running.local("POST", TOKENS, {"user": "ann", "access": "read"})
        assert answer.status == 500 and "token" not in answer.json()
        (tmp_path / "d" / "state" / "tokens.db").rmdir()
        assert running.create("ann", "read")["id"] == 1


# -- the switch -----------------------------------------------------------------------------------

def config_files(folder: Path, config: str = "", cluster: dict | None = None) -> Path:
    rh = folder / "home" / ".rh"
    rh.mkdir(parents=True)
    if config:
        (rh / "config.yaml").write_text(config)
    if cluster is not None:
        (rh / "cluster_config.json").write_text(json.dumps(cluster))
    return folder


def test_clients_files_switch_it_on_and_name_the_owner(tmp_path):
    folder = config_files(tmp_path / "d", f"token: {OWNER_TOKEN}\nusername: {OWNER}\n"
                          "api_server_url: http://127.0.0.1:9\n", {"den_auth": True, "name": "/olga/box"})
    with start_node(folder, owner=False, auth=False) as running:
        assert running.ask("GET", "/status").status == 401
        status = running.ask("GET", "/status", token=OWNER_TOKEN).json()[0]
        assert status["cluster_config"]["den_auth"] is True
        log = running.daemon.log()
        assert '"owner":"olga"' in log.replace('": "', '":"')
        assert "http://127.0.0.1:9" in log and OWNER_TOKEN not in log


@pytest.mark.parametrize("config, said", [("token: [1]\n", "~/.rh/config.yaml: token must be text"),
                                          ("token: {a: s3cret}\n", "token must be text")])
def test_bad_owners_token_is_not_shown(tmp_path, config, said):
    done = Gatehoused(config_files(tmp_path, config)).run_to_exit()
    assert done.returncode == 78 and said in done.stderr and "s3cret" not in done.stderr


def test_bad_den_auth_of_the_clients_file(tmp_path):
    done = Gatehoused(config_files(tmp_path, "", {"den_auth": "maybe"})).run_to_exit()
    assert done.returncode == 78 and "use_den_auth" in done.stderr and "maybe" in done.stderr


def test_nobody_gets_in_but_programs_of_the_node(tmp_path):
    with start_node(tmp_path / "d", owner=False) as running:
        assert "auth.nobody_gets_in" in running.daemon.log()
        assert "gatehouse token create" in running.daemon.log()
        assert running.ask("GET", "/keys").status == 401
        assert running.ask("GET", "/check").status == 200
        made = running.create("ann", "write")
        assert running.ask("GET", "/keys", token=made["token"]).status == 200


def test_switched_while_it_runs(tmp_path):
    with start_node(tmp_path / "d", auth=False) as running:
        reader, writer = running.create("ann", "read")["token"], running.create("bob", "write")["token"]
        den_auth = lambda: running.local("GET", "/status").json()[0]["cluster_config"]["den_auth"]
        assert running.ask("GET", "/keys").status == 200 and den_auth() is False
        assert running.ask("POST", "/settings", {"den_auth": True}).status == 200
        assert running.ask("GET", "/keys").status == 401 and den_auth() is True
        assert running.ask("POST", "/settings", {"den_auth": False}).status == 401
        assert running.ask("POST", "/settings", {"den_auth": False}, reader).status == 403
        assert running.ask("POST", "/settings", {"autostop_mins": 5}, reader).status == 200
        assert running.ask("POST", "/settings", {"den_auth": True}, reader).status == 200
        assert running.ask("POST", "/settings", {"den_auth": False}, writer).status == 200
        assert running.ask("GET", "/keys").status == 200 and den_auth() is False
        assert running.ask("POST", "/settings", {"den_auth": True, "flush_auth_cache": True}).status == 200
        running.daemon.signal(signal.SIGHUP)
        wait_until("the reload", lambda: "config.loaded" in running.daemon.log())
        assert running.ask("GET", "/keys").status == 401
        shown = running.local("GET", "/_gatehouse/v1/config").json()["settings"]["use_den_auth"]
        assert (shown["value"], shown["source"]) == (True, "POST /settings")


def test_address_that_others_reach(tmp_path):
    with start_node(tmp_path / "d", host="0.0.0.0") as running:
        running.daemon.host = "127.0.0.1"
        assert running.ask("GET", "/keys").status == 401
        answer = running.ask("POST", "/settings", {"den_auth": False}, OWNER_TOKEN)
        assert answer.status == 400 and "0.0.0.0" in answer.json()["detail"]
        assert running.ask("GET", "/keys").status == 401
    done = Gatehoused(tmp_path / "e", host="0.0.0.0").run_to_exit()
    assert done.returncode == 78 and "--use-den-auth" in done.stderr


# -- guessing -------------------------------------------------------------------------------------

def test_wrong_tokens_wait_and_right_ones_do_not(node):
    source, other = new_source(), new_source()
    statuses = [node.ask("GET", "/keys", token=f"guess{n}", source=source).status for n in range(24)]
    assert statuses == [403] * 20 + [429] * 4
    refused = node.ask("GET", "/keys", token=WRONG_TOKEN, source=source)
    assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
    assert "invalid_token" in refused.headers["www-authenticate"]
    assert node.ask("GET", "/keys", token=OWNER_TOKEN, source=source).status == 200
    assert node.ask("GET", "/keys", source=source).status == 401
    assert node.ask("GET", "/check", token=WRONG_TOKEN, source=source).status == 200
    assert node.ask("GET", "/keys", token=WRONG_TOKEN, source=other).status == 403


def test_token_that_is_good_no_more_is_no_guess_each_time(node):
    """A program that was not told: it gets the answer that says so for a good while."""
    source = new_source()
    statuses = [node.ask("GET", "/keys", token=WRONG_TOKEN, source=source).status for _ in range(100)]
    assert statuses == [403] * 96 + [429] * 4


def test_many_wrong_tokens_delay_no_right_one(node):
    """A few thousand of them at once; what a right one takes is measured by tests/bench/auth."""
    source = new_source()

    def guess(_):
        connection = http.client.HTTPConnection(node.daemon.host, node.daemon.port, timeout=60,
                                                source_address=(source, 0))
        seen = set()
        for n in range(500):
            connection.request("GET", "/keys", headers={"Authorization": f"Bearer guess-{n}"})
            answer = connection.getresponse()
            answer.read()
            seen.add(answer.status)
        connection.close()
        return seen

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        guessing = [pool.submit(guess, n) for n in range(4)]
        while not all(one.done() for one in guessing):
            assert node.ask("GET", "/keys", token=OWNER_TOKEN, source=source).status == 200
        assert set().union(*(one.result() for one in guessing)) <= {403, 429}
