# SPDX-License-Identifier: Apache-2.0
"""Recordings and exchanges that are not replayed, since the daemon cannot be set up as their server was.

pytest prints them, with counts, after each run.
"""
from __future__ import annotations

FILES = {
    "den-api": "calls to Den (made by the server, not sent to it)",
}


EXCHANGES = {
    "auth/owner_den_token": "Den says that the owner's other token is good for this cluster",
    "auth/reader": "Den says that bob may read the cluster",
    "auth/reader_again": "Den says that bob may read the cluster",
    "auth/call_private_reader_of_cluster": "Den says that bob may read the cluster",
    "auth/call_private_shared_user": "Den says that carol may read one function",
    "auth/call_localname_reader": "Den says that bob may read the cluster",
    "auth/status_reader_request_id": "Den says that bob may read the cluster",
}
"""Of recordings that are replayed otherwise. Strangers are replayed: who is unknown is refused alike."""
