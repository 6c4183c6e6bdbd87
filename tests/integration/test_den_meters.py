# SPDX-License-Identifier: Apache-2.0
"""The embedded Den: who has much written waits, and others do not."""
from __future__ import annotations

from .gatehoused import Answer
from .test_den import CLUSTER, FN, LINES, start_den


def until_refused(ask, most: int) -> tuple[int, Answer]:
    """How often ASK was answered with 200 before it was refused, and the refusal."""
    for count in range(most):
        answer = ask()
        if answer.status != 200:
            return count, answer
    raise AssertionError(f"{most} times 200")


def test_who_reports_in_a_loop_waits_and_others_do_not(tmp_path):
    with start_den(tmp_path / "d") as den:
        for name in ("alice", "bob"):
            den.add(name)
        for who, name in (("alice", "/alice/gpu"), ("alice", "/alice/cpu"), ("bob", "/bob/gpu")):
            assert den.ask("POST", "/resource", {**CLUSTER, "name": name}, who).status == 200
        status = {"daemon_status": "running", "resource_info": {"text": "words " * 80_000}}

        def post(uri: str, who: str = "alice") -> Answer:
            return den.ask("POST", f"/resource/{uri}/cluster/status", status, who)
        count, refusal = until_refused(lambda: post("alice:gpu"), 30)
        assert count >= 10 and refusal.status == 429
        assert 1 <= int(refusal.headers["retry-after"]) <= 10
        assert "alice has sent this Den more" in refusal.json()["detail"]
        refused = den.ask("POST", "/resource/alice:gpu/logs", {**LINES, "logs": "words " * 80_000})
        assert refused.status == 429
        assert post("alice:cpu").status == 200 and post("bob:gpu", "bob").status == 200
        assert den.ask("GET", "/resource/alice:gpu/cluster/status").status == 200
        assert den.ask("PUT", "/resource/alice:gpu", {**CLUSTER, "data": {}}).status == 200


def test_who_saves_in_a_loop_waits_and_others_do_not(tmp_path):
    with start_den(tmp_path / "d") as den:
        for name in ("alice", "bob"):
            den.add(name)
        numbers = iter(range(200))

        def save(who: str = "alice") -> Answer:
            config = {**FN, "name": f"/{who}/f", "data": {"n": next(numbers), "text": "words " * 150_000}}
            return den.ask("POST", "/resource", config, who)
        count, refusal = until_refused(save, 150)
        assert count >= 60 and refusal.status == 429 and refusal.headers["retry-after"] == "1"
        assert save("bob").status == 200
        assert den.ask("GET", "/resource/alice:f").status == 200
        assert den.cluster_token("alice")
