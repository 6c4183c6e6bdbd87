# SPDX-License-Identifier: Apache-2.0
"""The part of gatehouse that runs inside a worker process, next to the user's code.

`worker.main` is the entry; the C extension `_gatehouse` reads frames from the daemon and calls
`calls.handle` for each. Standard library only, the same files on CPython 3.9 to 3.14. Nothing here
imports asyncio, logging, inspect or cloudpickle before a call needs it: a worker starts in
milliseconds.
"""

from __future__ import annotations


def current_user() -> str | None:
    """Who asked for the call or the request whose code runs here.

    The name that goes with the caller's token: the owner's, or the one that `gatehouse token create` was
    given. None when this node does not check callers (den_auth is off), when whoever asks needs no token
    (an unlisted module), when the node itself asks (rh.here, `gatehouse call` on the node), and outside of
    a call. Raises ConnectionError when the daemon does not answer.
    """
    from . import daemon

    if not daemon.outer_call():
        return None
    return daemon.value("GET", "/_gatehouse/v1/caller")["user"]
