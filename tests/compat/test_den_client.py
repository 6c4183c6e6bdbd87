# SPDX-License-Identifier: Apache-2.0
"""The unmodified client with a node that is its Den, too: one process, no account anywhere."""
from __future__ import annotations

import pytest

from . import old_clients, sdk
from .den_people import API, den as start_den

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


@pytest.fixture
def den(tmp_path):
    with start_den(tmp_path) as running:
        yield running


@pytest.fixture
def alice(den):
    return den.add("alice")


@pytest.fixture
def bob(den):
    return den.add("bob")


LOAD = 'rh.function(name="/alice/concat")'


def deploy(alice, more=""):
    return alice.run(f"""
        cluster = {alice.cluster()}
        cluster.save()
        remote = rh.function(concat, name="/alice/concat").to(cluster, sync_local=False)
        remote.save()
        {more}
    """)


def call_directly(den, person) -> int:
    """The status of a call with the token that the client would show to alice's nodes."""
    made = den.node.ask("POST", "/auth/token/cluster", {"resource_address": "alice", "username": person.name},
                        person.token)
    assert made.status == 200, made
    body = {"data": {"args": ["a", "b"], "kwargs": {}}, "serialization": "none", "run_name": "direct--1"}
    return den.node.ask("POST", "/concat/call", body, made.json()["data"]["token"]).status


def test_two_users_share_a_function(den, alice, bob):
    """A logs in by token, saves and shares with read access; B, at another machine, loads it by name and calls it; C gets 403;
    A revokes, and B gets 403."""
    carol = den.add("carol")
    for person in (alice, bob, carol):
        person.log_in()
    added = deploy(alice, 'report(remote("run", "house"), *remote.share("bob", access_level="read"))')
    assert added == ["runhouse", {"bob": "read"}, {}, ["bob"]]

    assert bob.run(f'report({LOAD}("run", "house"))') == ["runhouse"]
    # What was shared is the function: the node is not bob's, and the Den does not show it to him.
    assert bob.run('report(rh.exists("/alice/gpu"), rh.exists("/alice/concat"))') == [False, True]

    # carol cannot load it, and with all that bob knows she cannot call it.
    assert carol.run('report(rh.exists("/alice/concat"))') == [False]
    [refused] = carol.run(f"""
        from runhouse.servers.http import HTTPClient
        client = HTTPClient.from_endpoint("{den.node.daemon.url}/concat", resource_address="/alice/concat")
        report(refusal(client.call, "concat", "call", data={{"args": ["a", "b"], "kwargs": {{}}}},
                       run_name="x--1", serialization="json"))
    """)
    assert "Unauthorized access to resource concat" in refused
    assert call_directly(den, carol) == 403 and call_directly(den, bob) == 200

    alice.run(f'{LOAD}.revoke("bob")')
    assert call_directly(den, bob) == 403
    assert bob.run('report(rh.exists("/alice/concat"))') == [False]


def test_revoked_while_bob_has_it(den, alice, bob):
    deploy(alice, 'remote.share(["bob@example.org"], access_level="read", notify_users=True)')
    alice_revokes = alice.project / "revoke.py"
    alice_revokes.write_text(f'import runhouse as rh\n{LOAD}.revoke()\n')
    seen = bob.run(f"""
        import subprocess
        remote = {LOAD}
        report(remote("run", "house"))
        env = {{**os.environ, "HOME": {str(alice.home)!r}}}
        subprocess.run([sys.executable, {str(alice_revokes)!r}], env=env, cwd={str(alice.project)!r},
                       check=True)
        report(refusal(remote, "run", "house"))
    """)
    assert seen[0] == "runhouse"
    assert "Unauthorized access to resource concat" in seen[1]


def test_cluster_shared_with_read(den, alice, bob):
    deploy(alice, 'cluster.share("bob")')
    assert bob.run("""
        cluster = rh.cluster(name="/alice/gpu")
        report(cluster.keys(), cluster.call("concat", "call", "a", "b"))
    """) == [["concat"], "ab"]
    alice.run('rh.cluster(name="/alice/gpu").revoke("bob")')
    assert bob.run('report(rh.exists("/alice/gpu"))') == [False]


def test_public_function(den, alice, bob):
    deploy(alice, 'remote.share(visibility="public")')
    assert bob.run(f'report({LOAD}("a", "b"))') == ["ab"]


def test_history_and_deletion(den, alice):
    deploy(alice)
    versions, exists = alice.run(f"""
        remote = {LOAD}
        remote.visibility = "public"
        remote.save()
        report([one["config"]["visibility"] for one in remote.history()])
        remote.delete_configs()
        report(rh.exists("/alice/concat"))
    """)
    assert versions[0] == "public" and versions[-1] == "private"
    assert exists is False


def test_config_goes_up_and_down(den, alice):
    assert alice.run("""
        from runhouse.globals import configs
        configs.set("default_pool", "green")
        configs.upload_defaults()
        report(configs.load_defaults_from_den()["default_pool"], rh.configs.username)
    """) == ["green", "alice"]


def test_secrets(den, alice, bob):
    assert alice.run("""
        secret = rh.secret(name="key", values={"api_key": "hidden-value-1"}).save()
        report(rh.Secret.vault_secrets())
        report(rh.secret(name="/alice/key").values)
        secret.share("bob", access_level="read")
    """) == [["/alice/key"], {"api_key": "hidden-value-1"}]
    assert bob.run('report(rh.secret(name="/alice/key").values, rh.Secret.vault_secrets())') == [
        {"api_key": "hidden-value-1"}, []]
    assert alice.run("""
        secret = rh.secret(name="/alice/key")
        secret.delete()
        report(rh.Secret.vault_secrets(), rh.exists("/alice/key"))
    """) == [[], False]


def test_cluster_list(den, alice):
    deploy(alice)
    [listed, everything] = alice.run("""
        report(rh.Cluster.list(), rh.Cluster.list(show_all=True))
    """)
    for found in (listed, everything):
        [cluster] = found["den_clusters"]
        assert (cluster["Name"], cluster["Status"]) == ("/alice/gpu", "running")


def test_logs_by_the_clients_command(den, alice):
    """`runhouse cluster logs` is given a link and fetches it without a token. Its ssh to the node is left out."""
    deploy(alice)
    posted = den.node.ask("POST", "/resource/alice:gpu/logs", {
        "file_name": "server.log", "logs": "a line of the node\n", "start_line": 0, "end_line": 1}, alice.token)
    assert posted.status == 200, posted
    assert "a line of the node" in alice.run("""
        from typer.testing import CliRunner
        import runhouse.main
        rh.Cluster.is_up = lambda self: True
        report(CliRunner().invoke(runhouse.main.app, ["cluster", "logs", "/alice/gpu"]).output)
    """)[0]


def test_wrong_token_is_no_login(den, alice):
    alice.token = "ghd_wrong"
    with pytest.raises(AssertionError, match="Invalid token"):
        alice.log_in()


def test_nothing_the_client_asked_was_unknown(den, alice, bob):
    """Everything that it sends is in the table: no 404 or 405 but of what is not there, nothing worse."""
    deploy(alice, 'remote.share("bob")')
    bob.run(f'report({LOAD}("a", "b"))')
    assert den.recorded.exchanges
    for method, path, status in den.recorded.calls():
        assert status in (200, 404), (method, path, status)
        assert status == 200 or path.startswith("/resource/alice:"), (method, path, status)
    assert den.node.local("GET", f"{API}/users").status == 200


OLD_PROGRAM = """\
import json, sys
from pathlib import Path

rh = Path.home() / ".rh"
rh.mkdir()
(rh / "config.yaml").write_text(
    f"token: {sys.argv[3]}\\nusername: bob\\ndefault_folder: /bob\\napi_server_url: {sys.argv[4]}\\n")
from runhouse.globals import rns_client
from runhouse.servers.http import HTTPClient

seen = {"type": rns_client.load_config("/alice/concat")["resource_type"]}
client = HTTPClient("127.0.0.1", port=int(sys.argv[2]), resource_address="alice", use_https=False)
seen["header"] = rns_client.request_headers("alice")["Authorization"].partition("+")[2]
seen["result"] = client.call("concat", "call", data={"args": ["a", "b"], "kwargs": {}},
                             resource_address="alice", stream_logs=False)
try:
    client.request("keys", req_type="get", resource_address="alice")
except Exception as error:
    seen["keys"] = str(error)
json.dump(seen, open(sys.argv[1], "w"))
"""


@pytest.mark.parametrize("version", ["0.0.33"])
def test_old_client_makes_its_own_token_for_clusters(den, alice, bob, version, tmp_path):
    """HEX+OWNER+USER, which the Den has to know without having made it."""
    deploy(alice, 'remote.share("bob")')
    seen = old_clients.run(tmp_path / "old", version, {"program.py": OLD_PROGRAM}, den.node.daemon.port,
                           bob.token, den.recorded.url).report
    assert (seen["type"], seen["header"], seen["result"]) == ("function", "alice+bob", "ab")
    assert "Cluster access is required" in seen["keys"]
