# SPDX-License-Identifier: Apache-2.0
"""Recordings that are not replayed, since the daemon cannot be set up as their server was.

pytest prints them, with counts, after each run.
"""
from __future__ import annotations

from typing import NamedTuple

FILES = {
    "auth": "Den authentication",
    "den-api": "calls to Den (made by the server, not sent to it)",
}


class Refused(NamedTuple):
    """Why a recorded command line is refused, and what the refusal says."""

    reason: str
    text: str


HTTPS = Refused("HTTPS", "this version speaks no HTTPS")
DEN_AUTH = Refused("Den authentication", "does not check callers")

# Of ssh-commands.jsonl; they are run all the same, and must be refused in these words.
COMMANDS = {
    "restart_server_tls_443#9": HTTPS,
    "restart_server_tls_32300#6": HTTPS,
    "restart_server_domain#3": HTTPS,
    "restart_server_none_80#3": DEN_AUTH,
}
