# SPDX-License-Identifier: Apache-2.0
"""The Den that the recorded server asked, with its users. Source: the notes in auth.jsonl and den-api.jsonl."""
from __future__ import annotations

import contextlib
from typing import Iterator

from integration.fake_den import FakeDen

OWNER_TOKEN = "ctok+alice+alice"  # the server's own
CLUSTER = "alice:gpu"


@contextlib.contextmanager
def recorded_den() -> Iterator[FakeDen]:
    with FakeDen() as den:
        den.knows("alice", OWNER_TOKEN)
        den.sets(den.knows("alice", "tok-owner"), CLUSTER, "write")
        den.knows("bob", "tok-bob")
        den.sets(den.knows("bob", "ctok+alice+bob"), CLUSTER, "read")
        den.sets(den.knows("carol", "ctok+alice+carol"), "alice:shared_fn", "read")
        den.knows("dave", "ctok+alice+dave")
        yield den
