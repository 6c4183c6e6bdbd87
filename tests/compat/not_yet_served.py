# SPDX-License-Identifier: Apache-2.0
"""What the recorded server answers and the daemon does not yet.

The replay still sends these. An exchange that is answered as recorded after all fails the test until
its row is taken out, so that the list stays true. pytest prints it, with counts, after each run.
"""
from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Callable, NamedTuple

from .replay import Server


class Missing(NamedTuple):
    exchanges: str
    reason: str


TABLE = [
]

# Whole files that need a server set up in a way it cannot be yet.
FILES = {
    "auth": "Den authentication",
    "den-api": "calls to Den (made by the server, not sent to it)",
    "ssh-commands": "the runhouse and ray commands over ssh (command lines, not HTTP)",
}


def find(id_: str) -> Missing | None:
    for row in TABLE:
        if fnmatchcase(id_, row.exchanges):
            return row
    return None




# Calls that change what later exchanges see, done in another way while they are not served.
INSTEAD: dict[str, Callable[[Server], None]] = {
}
