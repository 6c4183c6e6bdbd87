# SPDX-License-Identifier: Apache-2.0
"""Requests made from the node's own OpenAPI document, good ones and bad ones: no answer is a 5xx.

schemathesis makes them. A 503 with Retry-After is an honest answer of a node that is full.
"""
from __future__ import annotations

import time

import hypothesis
import pytest
import schemathesis

from . import node_document
from .gatehoused import REPO

IN_ALL_S = 45.0
TURNS, A_TURN = 12, 4  # so many turns of so many requests for one operation, at most

# Left out since what they do, done at random, harms the machine that runs the tests.
HARMFUL = {
    "/run_bash": "runs any command",
    "/folder/method/put": "writes anywhere",
    "/folder/method/rm": "deletes anywhere",
    "/folder/method/mv": "moves anything",
    "/folder/method/mkdir": "makes directories anywhere",
    "/folder/method/get": "reads what may never end",
    "/install_package": "asks package indexes for names made up",
}

OPTIONS = {"args": ["--processes-max", "4", "--logs-wait-ms", "10"],
           "modules": [f"concat={REPO}/examples/concat.py:concat"]}


@pytest.fixture
def fuzzed(start_daemon):
    """A daemon of its own: requests at random may end its processes and forget its modules."""
    return start_daemon(inspect=False, **OPTIONS)


def is_fine(response) -> bool:
    if response.status_code == 503:
        return "retry-after" in {name.lower() for name in response.headers}
    return response.status_code < 500


def operations(schema):
    """Those that may be tried, in the order of the document."""
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in HARMFUL:
            yield operation


def fuzz(daemon, operation, until: float) -> int:
    """Requests for one operation, a few valid and a few invalid ones in turn; how many were sent."""
    sent = 0
    kinds = [operation.as_strategy(generation_mode=mode) for mode in
             (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)]
    for turn in range(TURNS):
        if turn > 0 and time.monotonic() > until:
            break

        @hypothesis.seed(turn)
        @hypothesis.settings(max_examples=A_TURN, deadline=None, database=None,
                             phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
                             suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(case=kinds[turn % len(kinds)])
        def send(case):
            nonlocal sent
            response = case.call(base_url=daemon.url, timeout=30)
            sent += 1
            assert is_fine(response), (
                f"{response.status_code} {response.content[:500]!r}\n{case.as_curl_command()}")
        try:
            send()
        except hypothesis.errors.Unsatisfiable:
            pass  # nothing about this operation can be invalid
    return sent


def test_no_request_made_from_the_document_is_a_5xx(fuzzed):
    schema = schemathesis.openapi.from_dict(fuzzed.get("/openapi.json").json())
    todo = list(operations(schema))
    assert len(todo) >= 25
    end, total = time.monotonic() + IN_ALL_S, 0
    for left, operation in zip(range(len(todo), 0, -1), todo):
        share = (end - time.monotonic()) / left
        total += fuzz(fuzzed, operation, time.monotonic() + share)
    print(f"{total} requests for {len(todo)} operations")
    assert total >= len(todo)
    assert fuzzed.get("/livez").status == 200


def test_no_request_made_from_a_modules_document_is_a_5xx(fuzzed):
    schema = schemathesis.openapi.from_dict(fuzzed.get("/concat/openapi.json").json())
    for operation in operations(schema):
        if operation.path == "/concat/call":
            assert fuzz(fuzzed, operation, time.monotonic() + 10) > 0


def test_what_is_left_out_is_described():
    assert set(HARMFUL) <= set(node_document.document()["paths"])
