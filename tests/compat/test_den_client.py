# SPDX-License-Identifier: Apache-2.0
"""The unmodified client with a node that is its Den, too."""
from __future__ import annotations

import json

import pytest

from . import sdk
from .den_people import den as start_den

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


@pytest.fixture
def den(tmp_path):
    with start_den(tmp_path, auth=False) as running:
        yield running


def test_try(den):
    alice, bob = den.add("alice"), den.add("bob")
    try:
        alice.log_in()
        bob.log_in()
        alice.run(f"""
            cluster = {alice.cluster()}
            cluster.save()
            remote = rh.function(concat, name="/alice/concat").to(cluster, sync_local=False)
            remote.save()
            report(remote.share(users=["bob"], access_level="read", notify_users=False))
            report(remote("a", "b"))
            report(remote.history())
        """)
        print(bob.run("""
            f = rh.function(name="/alice/concat")
            report(f("a", "b"))
        """))
    finally:
        for one in den.recorded.exchanges:
            print(json.dumps(one)[:1500])
    assert 0
