# SPDX-License-Identifier: Apache-2.0
"""What the unmodified client said to a Den, said again: each answer is the recorded one.

transcripts/den.jsonl is made by test_den_client.py with GATEHOUSE_RECORD_DEN=FILE, for those tests whose sessions
are in it.
"""
from __future__ import annotations

import json
import re

import pytest

from integration.test_den import start_den

from . import replay
from .den_recorder import shortened, varying

LINES = [json.loads(line) for line in (replay.TRANSCRIPTS / "den.jsonl").read_text("utf-8").splitlines()]
SESSIONS = list(dict.fromkeys(line["session"] for line in LINES))


@pytest.mark.parametrize("session", SESSIONS)
def test_session_is_answered_as_recorded(session, tmp_path):
    exchanges = [line for line in LINES if line["session"] == session]
    users = sorted(set(re.findall(r"Bearer <(\w+)>", json.dumps(exchanges))))
    home = tmp_path / "d" / "home" / ".rh"
    home.mkdir(parents=True)
    (home / "cluster_config.json").write_text('{"name": "/alice/gpu"}')
    with start_den(tmp_path / "d") as den:
        for user in users:
            den.add(user)
        port = str(den.node.daemon.port)
        for number, exchange in enumerate(exchanges):
            sent, recorded = exchange["request"], exchange["response"]
            who = re.search(r"<(\w+)>", sent["headers"]["Authorization"]).group(1)
            answer = den.ask(sent["method"], sent["path"], sent["body"].replace("<node>", port) or None, who)
            where = (number, sent["method"], sent["path"])
            assert (answer.status, *where) == (recorded["status"], *where)
            said = json.loads(varying(shortened(answer.text)).replace(den.tokens[who], f"<{who}>"))
            assert said == json.loads(recorded["body"].replace("<node>", port)), where


def test_all_of_the_clients_calls_are_there():
    said = {(line["request"]["method"], re.sub(r"\w+:\w+", "URI", line["request"]["path"].partition("?")[0]))
            for line in LINES}
    assert said >= {
        ("GET", "/user"), ("PUT", "/user/config"), ("POST", "/resource"), ("GET", "/resource"),
        ("PUT", "/resource/URI"), ("GET", "/resource/URI"), ("DELETE", "/resource/URI"),
        ("PUT", "/resource/URI/users/access"), ("GET", "/resource/history/URI"),
        ("POST", "/auth/token/cluster"), ("GET", "/user/secret"), ("GET", "/user/secret/URI"),
        ("PUT", "/user/secret/URI"), ("DELETE", "/user/secret/URI")}
