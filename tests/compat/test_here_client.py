# SPDX-License-Identifier: Apache-2.0
"""The unmodified client sends code that uses its own node: names that match, differ, or are saved."""
from __future__ import annotations

import shutil

import pytest

from integration.conftest import finish
from integration.gatehoused import Gatehoused

from . import sdk
from .test_here import USER_CODE, furnish

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")

# What the server's own cluster config says, beside the client's "test-cluster".
NAMES = {"same": "test-cluster", "none": None, "saved": "/ada/test-cluster"}


every_name = pytest.mark.parametrize("named", NAMES, indirect=True, scope="module")
one_name = pytest.mark.parametrize("named", ["same"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def named(request, tmp_path_factory) -> Gatehoused:
    daemon = Gatehoused(tmp_path_factory.mktemp("named"))
    furnish(daemon.home, NAMES[request.param])
    daemon.start()
    daemon.param = request.param
    yield daemon
    finish(daemon)


@pytest.fixture
def client(named, tmp_path) -> sdk.Client:
    client = sdk.Client(tmp_path / "client", named.host, named.port)
    shutil.copy(USER_CODE / "inside.py", client.project)
    yield client
    named.forget_everything()


@every_name
def test_a_module_as_argument_is_used_whatever_the_names_are(client):
    """Where the names differ the handle calls back over HTTP, to the address that the client uses."""
    seen = client.run("""
        from inside import Tally, add_with
        tally = rh.module(Tally).to(cluster, sync_local=False)(5, name="tally")
        add = rh.function(add_with).to(cluster, sync_local=False)
        report(add(tally, 3), tally.add(1))
    """)
    assert seen.reports == [8, 9]


@every_name
def test_user_code_finds_its_node(client, named):
    seen = client.run("""
        from inside import whereami, keep_objects, send_function
        report(rh.function(whereami).to(cluster, sync_local=False)()[:3])
        report(rh.function(keep_objects).to(cluster, sync_local=False)()[0])
        report(rh.function(send_function).to(cluster, sync_local=False)()[1])
    """)
    name = {"same": "test-cluster", "none": None, "saved": "test-cluster"}[named.param]
    assert seen.reports == [["Cluster", name, True], True, 42]


@one_name
def test_a_handle_made_inside_is_used_by_the_client(client):
    seen = client.run("""
        from inside import Tally, give_handle
        rh.module(Tally).to(cluster, sync_local=False)(5, name="tally")
        give = rh.function(give_handle).to(cluster, sync_local=False)
        handle = give("tally")
        report(type(handle).__name__, handle.add(2))
    """)
    assert seen.reports == ["Tally", 7]


@one_name
def test_nested_output_is_printed_at_the_client(client):
    seen = client.run("""
        from inside import call_key, double
        rh.function(double).to(cluster, sync_local=False)
        report(rh.function(call_key).to(cluster, sync_local=False)("double", "call", 4))
    """)
    assert seen.reports == [8]
    assert "(double): doubling 4" in seen.stdout.splitlines()
    assert "SSH key" not in seen.stdout  # what the package says of itself is for the server's log


@one_name
def test_a_pool_of_replicas(client):
    seen = client.run("""
        from inside import Adder
        adder = rh.module(Adder).to(cluster, sync_local=False)(5, name="adder")
        pool = adder.distribute("pool", num_replicas=2)
        report(*[pool.add(1) for _ in range(4)])
        for kind in ("queue", "dask"):
            try:
                adder.distribute(kind)
            except Exception as error:
                report(str(error))
    """)
    *results, queue, dask = seen.reports
    assert sorted(value for _, value in results) == [6, 6, 7, 7]  # each has the state of the first
    assert len({pid for pid, _ in results}) == 2
    assert "queue" in queue and "pool" in queue
    assert "needs the package dask" in dask


@one_name
def test_visibility_and_name_are_set_on_the_node(client, named):
    client.run("""
        from inside import Tally
        tally = rh.module(Tally).to(cluster, sync_local=False)(5, name="tally")
        tally.remote.visibility = "public"
        tally.rename("renamed")
        report(tally.remote.visibility)
    """)
    assert named.call("renamed", "value").json() == 5


@one_name
def test_results_of_map_and_get_or_call(client):
    seen = client.run("""
        from inside import double
        remote = rh.function(double).to(cluster, sync_local=False)
        report(remote.map([1, 2, 3]), remote.starmap([(4,), (5,)]))
        cluster.put("kept-run", 99)
        report(remote.get("kept-run"))
    """)
    assert seen.reports == [[2, 4, 6], [8, 10], 99]
