# SPDX-License-Identifier: Apache-2.0
"""The unmodified client, with a token and without, at a node that checks callers."""
from __future__ import annotations

import pytest

from integration.auth_kit import OWNER_TOKEN, node as start_node
from integration.den_kit import URI, cold, den_node
from integration.fake_den import FakeDen, says

from . import sdk

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


@pytest.fixture
def den():
    """It makes tokens for clusters, as a client that is logged in wants one. Others' it gives back."""
    with FakeDen() as running:
        yield running


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
            made.login = {"RH_TOKEN": token, "RH_USERNAME": "ann", "API_SERVER_URL": den.url}
            if token not in den.users:
                den.made[token] = token
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


# -- people whom Den knows ----------------------------------------------------------------------------

@pytest.fixture
def node_of_den(den, tmp_path):
    with den_node(tmp_path / "n", den) as running:
        yield running


@pytest.fixture
def den_person(node_of_den, den, tmp_path):
    def make(token: str) -> Person:
        made = Person(tmp_path / "p", node_of_den.daemon.host, node_of_den.daemon.port)
        made.login = {"RH_TOKEN": token, "RH_USERNAME": den.users[token], "API_SERVER_URL": den.url}
        return made
    return make


@pytest.mark.parametrize("levels, good_for", [({"box": "read"}, ()), ({"box": "write"}, ()), ({}, (URI,))])
def test_whom_den_lets_in_works_as_ever(node_of_den, den_person, den, levels, good_for):
    """A cluster that is not saved gets the person's own token; for one that is Den makes one (test_den_client.py)."""
    token = cold(den, good_for, **levels)
    seen = den_person(token).run(WORK)
    assert seen.reports == ["runhouse", ["concat"]]
    assert {(one.kind, one.token) for one in den.questions() if one.uri == URI} == {
        ("level", token), ("valid", token)}


def test_whom_den_does_not_let_in_is_told_why(node_of_den, den_person, den):
    with pytest.raises(AssertionError, match="Cluster access is required"):
        den_person(cold(den)).run(WORK)
    assert node_of_den.local("GET", "/keys").json()["data"] == []


def test_den_that_fails_is_told_so(node_of_den, den_person, den):
    token = cold(den, box="read")
    den.fails(says(500, {"detail": "out of order"}), "level", "valid", "user")
    with pytest.raises(AssertionError, match="Den"):
        den_person(token).run(WORK)
