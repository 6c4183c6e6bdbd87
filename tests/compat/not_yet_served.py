# SPDX-License-Identifier: Apache-2.0
"""Recordings that are not replayed, since the daemon cannot be set up as their server was.

pytest prints them, with counts, after each run.
"""
from __future__ import annotations

FILES = {
    "auth": "Den authentication",
    "den-api": "calls to Den (made by the server, not sent to it)",
    "ssh-commands": "the runhouse and ray commands over ssh (command lines, not HTTP)",
}
