# SPDX-License-Identifier: Apache-2.0
"""Recorded calls to Den: the tests' Den answers them as recorded, and a node asks its questions as recorded."""
from __future__ import annotations

import json
import urllib.parse

import pytest

from integration.den_kit import den_node
from integration.fake_den import FakeDen

from . import replay
from .recorded_den import recorded_den

CALLS = replay.load("den-api")
NOT_COMPARED = {"name"}  # of the answers: more than is recorded


@pytest.fixture(scope="module")
def den():
    with recorded_den() as running:
        yield running


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_tests_den_answers_as_recorded(den, call):
    host, port = urllib.parse.urlsplit(den.url).netloc.split(":")
    answer = replay.Server(host, int(port), "").send(call.method, call.path, call.headers, call.body)
    recorded, now = json.loads(call.answer_body), json.loads(answer.body)
    assert answer.status == call.status
    if call.status == 200:
        now["data"] = {key: value for key, value in now["data"].items() if key not in NOT_COMPARED}
        assert now == recorded
    else:
        assert isinstance(now["detail"], str)


def test_node_asks_as_recorded(tmp_path):
    """The same questions with the same header, whatever their order; and no other."""
    recorded = {(call.method, call.path, call.headers["Authorization"]) for call in CALLS
                if call.name in ("server_validate_token", "server_user", "server_resource_access")}
    with recorded_den() as den, den_node(tmp_path / "d", den, cluster="/alice/gpu") as node:
        assert node.ask("GET", "/keys", None, "ctok+alice+bob").status == 200
        assert {(method, path, header) for method, path, header, _ in den.heard} == recorded
        assert all(not body for *_, body in den.heard)
