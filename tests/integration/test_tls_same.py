# SPDX-License-Identifier: Apache-2.0
"""What holds over HTTP holds over HTTPS: tests of framing, bodies, streams and apps again, with TLS below them."""
from __future__ import annotations

from . import test_apps
from .test_apps import *  # noqa: F403
from .test_framing import *  # noqa: F403
from .test_large_bodies import *  # noqa: F403
from .test_streams import *  # noqa: F403

DAEMON_OPTIONS = {**test_apps.DAEMON_OPTIONS, "tls": True}

# One looks for the scheme "http"; the other closes its half of the connection below TLS and reads on.
del test_the_scope_of_an_asgi_request, test_other_protocols_are_refused_and_closed  # noqa: F821


def test_the_scheme_is_https(daemon):
    assert daemon.get("/a/scope").json()["scheme"] == "https"
