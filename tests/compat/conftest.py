# SPDX-License-Identifier: Apache-2.0
"""Options and fixtures of the compatibility tests."""
from __future__ import annotations

from integration.conftest import daemon, shared_daemon, start_daemon  # noqa: F401
from integration.hygiene import no_token_is_left  # noqa: F401


def pytest_addoption(parser):
    group = parser.getgroup("gatehouse")
    group.addoption("--true-server", metavar="URL",
                    help="replay the transcripts against this fresh Runhouse 0.0.42 server instead "
                         "of the daemon, and compare with the recorded answers only")
    group.addoption("--true-server-home", metavar="DIR",
                    help="home of that server; it must hold proj/ (a copy of user_code/), an "
                         "empty tinypkg/ and .rh/cluster_config.json with the name demo-cluster")
    group.addoption("--peer", metavar="PYTHON",
                    help="test_against_peer.py: ask the true server too, of this interpreter with "
                         "runhouse[server]==0.0.42; it is started and ended by the test")
    group.addoption("--peer-path", metavar="DIR",
                    help="packages for both sides that their environments lack")
    group.addoption("--peer-record", action="store_true",
                    help="write the true server's answers into compat/peer/answers.json")
