# SPDX-License-Identifier: Apache-2.0
"""What holds over HTTP holds over HTTPS: tests of framing, bodies, streams and apps again, with TLS below them."""
from __future__ import annotations

import os
import subprocess

import pytest

from . import test_apps
from .test_apps import *  # noqa: F403
from .test_framing import *  # noqa: F403
from .test_large_bodies import *  # noqa: F403
from .test_streams import *  # noqa: F403

DAEMON_OPTIONS = {**test_apps.DAEMON_OPTIONS, "tls": True}

# One looks for the scheme "http", one closes its half of the connection below TLS and reads on, one reads and writes
# at once from two threads, which Python's TLS does not bear.
del test_the_scope_of_an_asgi_request, test_other_protocols_are_refused_and_closed  # noqa: F821
del test_echo_of_20_mib_with_flat_memory  # noqa: F821


def test_the_scheme_is_https(daemon):
    assert daemon.get("/a/show/x").json()["scheme"] == "https"


@pytest.mark.parametrize("key", ["a", "w"])
def test_an_echo_that_begins_while_the_body_comes(daemon, key, tmp_path):
    blob = os.urandom(20 << 20)
    (tmp_path / "blob").write_bytes(blob)
    done = subprocess.run(["curl", "-sS", "--cacert", str(daemon.certificate), "--data-binary",
                           f"@{tmp_path}/blob", "-H", "Content-Type: application/octet-stream", "-H", "Expect:",
                           f"{daemon.url}/{key}/echo"], capture_output=True, timeout=120, check=True)
    assert done.stdout == blob
