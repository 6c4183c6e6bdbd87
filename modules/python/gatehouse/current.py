# SPDX-License-Identifier: Apache-2.0
"""What the worker knows of itself, and which call the code now running belongs to."""

from __future__ import annotations

import os
from _thread import RLock
from contextvars import ContextVar

PROTOCOL = 1

NONE, JSON, PICKLE = 0, 1, 2
SERIALIZATION_NAMES = ("none", "json", "pickle")

STREAM_LOGS, REMOTE, QUERY, BARE = 1, 2, 4, 8

OK, RAISED, BAD = 0, 1, 2
"""Outcome of a RESULT frame: fine, the user's code raised, the request was bad (docs/ipc.md)."""


class Process:
    """One per worker process; filled in by HELLO."""

    name = "default_process"
    cluster_config: dict = {}
    client_system: object = None
    log_level = "INFO"
    control_socket = ""  # where the daemon serves its routes to this node
    home = os.path.expanduser("~")
    lazy_keep_s = 300
    lazy_idle_s = 3600


class Call:
    """A running call.

    stream: true when its output goes to the daemon as LOG frames.
    pending: text not yet ended by a newline, index 0 stdout, 1 stderr: by thread, with the time of
        its last piece.
    tails: bytes of a character that is not whole yet, by the same index.
    lock: for whoever writes or reads the above; only with stream.
    children: the pipe of processes that it started (children.Children), once there is one.
    redirects: what it has put in the place of sys.stdout (0) and sys.stderr (1), once it has.
    is_done: its RESULT was made; later output goes to the process log.
    task: the asyncio.Task of an async call, for CANCEL.
    """

    __slots__ = (
        "call_id",
        "stream",
        "run_name",
        "pending",
        "tails",
        "lock",
        "children",
        "redirects",
        "is_done",
        "task",
    )

    def __init__(self, call_id: int, stream: bool, run_name: str) -> None:
        self.call_id = call_id
        self.stream = stream
        self.run_name = run_name
        if stream:
            self.pending = ({}, {})
            self.tails = None
            self.lock = RLock()
            self.children = None
        self.redirects = None
        self.is_done = False
        self.task = None


NOBODY = Call(0, False, "")
"""In the place of a call where there is none, and no other is to be looked for."""

request_var: ContextVar = ContextVar("gatehouse_request", default=0)
"""call_id of the request, other than CALL, that runs in this thread; 0 outside of one."""

call_var: ContextVar = ContextVar("gatehouse_call", default=None)
