# SPDX-License-Identifier: Apache-2.0
"""A node whose callers a FakeDen vouches for, and people of all kinds that Den knows."""
from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import json
import secrets
from pathlib import Path
from typing import Any, Callable, Iterator

from .auth_kit import Node, node as start_node
from .fake_den import FakeDen
from .gatehoused import ANSWER_S, Answer

CLUSTER = "/olga/box"
URI = "olga:box"

_numbers = itertools.count()


def write_cluster_config(home: Path, name: str | None, **more: Any) -> None:
    """As the client leaves it before it starts a server."""
    (home / ".rh").mkdir(parents=True, exist_ok=True)
    config = {**({"name": name} if name else {}), **more}
    (home / ".rh" / "cluster_config.json").write_text(json.dumps(config))


@contextlib.contextmanager
def den_node(folder: Path, den: FakeDen, *args: str, cluster: str | None = CLUSTER,
             **options: Any) -> Iterator[Node]:
    """A Node that asks DEN about the cluster named CLUSTER; None: it has no name."""
    write_cluster_config(folder / "home", cluster)
    with start_node(folder, "--api-server-url", den.url, *args, **options) as running:
        yield running
    assert not den.oddities, den.oddities


def people(den: FakeDen, obj: str = "private_fn") -> dict[str, str]:
    """Tokens by what their holders may do; OBJ is the last part of the address of some object."""
    return {
        "den_writer": den.knows("wanda", "den-token-of-wanda-51c2", box="write"),
        "den_reader": den.knows("rob", "den-token-of-rob-a0e7", box="read"),
        "den_holder": den.knows("hal", "ctok+olga+hal-77b1", [URI]),
        "den_denied": den.knows("dora", "den-token-of-dora-0f55", box="denied"),
        "den_stranger": den.knows("dave", "den-token-of-dave-9e30"),
        "obj_reader": den.knows("carol", "den-token-of-carol-3b8d", **{obj: "read"}),
        "obj_writer": den.knows("cid", "den-token-of-cid-6c19", **{obj: "write"}),
        "obj_holder": den.knows("cleo", "ctok+olga+cleo-d2a4", [f"olga:{obj}"]),
    }


def cold(den: FakeDen, good_for: tuple[str, ...] = (), **levels: str) -> str:
    """A token that the node has not seen yet, of a user who is also new."""
    number = next(_numbers)
    return den.knows(f"user{number}", f"den-token-{number}-{secrets.token_hex(8)}", good_for, **levels)


class Asking:
    """Requests that are under way, each in a thread of its own; the answers in their order."""

    def __init__(self, *requests: Callable[[], Answer]):
        self._pool = concurrent.futures.ThreadPoolExecutor(max(len(requests), 1))
        self._futures = [self._pool.submit(request) for request in requests]

    def __enter__(self) -> "Asking":
        return self

    def __exit__(self, *exc: Any) -> None:
        self._pool.shutdown()

    @property
    def is_open(self) -> bool:
        return not any(future.done() for future in self._futures)

    def answers(self) -> list[Answer]:
        return [future.result(2 * ANSWER_S) for future in self._futures]

    def answer(self) -> Answer:
        [answer] = self.answers()
        return answer
