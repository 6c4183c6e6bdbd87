# SPDX-License-Identifier: Apache-2.0
"""Recorded command lines that are refused, since the daemon cannot do yet what they ask.

pytest prints them, with counts, after each run.
"""
from __future__ import annotations

from typing import NamedTuple

class Refused(NamedTuple):
    """Why a recorded command line is refused, and what the refusal says."""

    reason: str
    text: str


HTTPS = Refused("HTTPS", "this version speaks no HTTPS")

# Of ssh-commands.jsonl; they are run all the same, and must be refused in these words.
COMMANDS = {
    "restart_server_tls_443#9": HTTPS,
    "restart_server_tls_32300#6": HTTPS,
    "restart_server_domain#3": HTTPS,
}
