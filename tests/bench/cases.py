# SPDX-License-Identifier: Apache-2.0
"""What is asked of each server, and what must come back.

gatehoused is asked as its client and curl ask it, and answers in the client's envelope. The peers
have the cheapest form of the same: plain JSON without an envelope, except for pickle, where both
take and give the client's body.
"""
from __future__ import annotations

import base64
import json
import pickle
from dataclasses import dataclass
from typing import Any, Callable

KIB, MIB = 1 << 10, 1 << 20
TEXT_BLOCK = "The gatehouse keeps the road; who passes is written down, 0123456789. "
SIZES = {"1k": KIB, "1m": MIB, "64m": 64 * MIB}


def text_of(size: int) -> str:
    return (TEXT_BLOCK * (size // len(TEXT_BLOCK) + 1))[:size]


def bytes_of(size: int) -> bytes:
    block = bytes((i * 167 + (i >> 8) * 31) & 0xFF for i in range(4096))
    return (block * (size // len(block) + 1))[:size]


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    paths: tuple[str, str]  # of gatehoused, of the peers
    expected: Callable[[], Any]
    connections: tuple[int, ...]
    arguments: Callable[[], dict[str, Any]] | None = None  # None: a GET
    serialization: str = "json"
    is_large: bool = False
    kinds: tuple[str, ...] = ()  # kinds of server that have it; empty: all

    def body(self, is_peer: bool) -> bytes | None:
        if self.arguments is None:
            return None
        arguments = self.arguments()
        if self.serialization == "pickle":  # as the client writes it: MIME base64 in JSON
            call = {"args": list(arguments.values()), "kwargs": {}}
            data = base64.encodebytes(pickle.dumps(call, protocol=5)).decode("ascii")
        elif is_peer:
            return json.dumps(arguments).encode()
        else:
            data = json.dumps({"args": [], "kwargs": arguments})
        return json.dumps({"data": data, "serialization": self.serialization, "run_name": "bench",
                           "stream_logs": False, "save": False, "remote": False}).encode()

    def check(self, is_peer: bool, status: int, answer: bytes) -> str | None:
        """What is wrong with an answer, or None."""
        if status != 200:
            return f"status {status}: {answer[:200]!r}"
        try:
            value = self._decode(is_peer, answer)
        except Exception as error:  # any broken answer is one line of the report
            return f"unreadable answer {answer[:200]!r}: {error!r}"
        return None if value == self.expected() else f"wrong answer {answer[:200]!r}"

    def _decode(self, is_peer: bool, answer: bytes) -> Any:
        value = json.loads(answer)
        if self.serialization == "pickle":
            return pickle.loads(base64.b64decode(value["data"]))  # from a server that we started
        return value if is_peer else json.loads(value["data"])


def _concat_arguments() -> dict[str, Any]:
    return {"a": "run", "b": "house"}


def _echo_cases() -> list[Case]:
    cases = []
    connections = {"1k": (64,), "1m": (4,), "64m": (1,)}
    for size_name, size in SIZES.items():
        for kind, make in (("json", text_of), ("pickle", bytes_of)):
            what = "text" if kind == "json" else "bytes"
            cases.append(Case(
                name=f"echo-{kind}-{size_name}",
                title=f"POST {kind}, echo of {size_name.replace('k', ' KiB').replace('m', ' MiB')} of {what}",
                paths=("/echo/call", "/echo" if kind == "json" else "/echo_pickle"),
                arguments=lambda make=make, size=size: {"value": make(size)},
                expected=lambda make=make, size=size: make(size),
                serialization=kind,
                connections=connections[size_name],
                is_large=size > KIB))
    return cases


CASES = [
    Case("get", "GET concat", ("/concat/call?a=run&b=house", "/concat?a=run&b=house"),
         expected=lambda: "runhouse", connections=(64, 1)),
    Case("post-json", "POST json concat", ("/concat/call", "/concat"),
         arguments=_concat_arguments, expected=lambda: "runhouse", connections=(64, 1)),
    Case("post-pickle", "POST pickle concat", ("/concat/call", "/concat_pickle"),
         arguments=_concat_arguments, expected=lambda: "runhouse", serialization="pickle",
         connections=(64, 1)),
    *_echo_cases(),
    Case("sleep", "a function that sleeps 5 ms in its thread", ("/sleep/call", "/sleep"),
         expected=lambda: "slept", connections=(64,), kinds=("gatehouse", "threads")),
    Case("sleep-async", "a coroutine that sleeps 5 ms", ("/sleep_async/call", "/sleep"),
         expected=lambda: "slept", connections=(64,), kinds=("gatehouse", "coroutines")),
]
BY_NAME = {case.name: case for case in CASES}
