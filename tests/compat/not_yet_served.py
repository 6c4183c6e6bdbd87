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
    Missing("functions/openapi_*", "OpenAPI documents and their viewers"),
    Missing("functions/redoc", "OpenAPI documents and their viewers"),
    Missing("functions/docs", "OpenAPI documents and their viewers"),
    Missing("modules/openapi_class", "OpenAPI documents and their viewers"),
    Missing("modules/module_as_argument#2:logs", "runhouse.here inside a worker"),
    Missing("modules/module_result_named#2:logs", "runhouse.here inside a worker"),
    Missing("modules/module_result_remote_true#2:logs", "runhouse.here inside a worker"),
    Missing("modules/user_code_uses_rh_here#1:use_here.call", "runhouse.here inside a worker"),
    Missing("modules/here_info#1:here_info.call", "runhouse.here inside a worker"),
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


def _use_here(server: Server) -> None:
    """What use_here leaves behind: a note, and a counter that is ten higher."""
    server.post("/object", {"key": "note", "serialized_data": {"from": "inside"}})
    server.post("/counter/inc", {"run_name": "instead", "data": {"args": [10]}})


# Calls that change what later exchanges see, done in another way while they are not served.
INSTEAD: dict[str, Callable[[Server], None]] = {
    "modules/user_code_uses_rh_here#1:use_here.call": _use_here,
}
