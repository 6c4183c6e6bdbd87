# SPDX-License-Identifier: Apache-2.0
"""What the unmodified client sees here is what it sees with the server of its own package.

peer/cases_*.py is the table of cases, peer/answers.json what the true server answered to each, and
peer/improved.py the answers that are different on purpose, with the reason.

    tests/run-pytest compat -k against_peer                   gatehoused, against the record
    ... --peer=PYTHON [--peer-path=DIR]                       and against the true server, now
    ... --peer=PYTHON --peer-record                           write its answers into the record

PYTHON has runhouse[server]==0.0.42; DIR holds packages that it lacks (numpy, pandas, tqdm).
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from integration.conftest import Shared, inspect, show_log
from integration.gatehoused import PYTHON

from . import sdk
from .peer import improved
from .peer.server import CLUSTER, Peer

HERE = Path(__file__).resolve().parent
ANSWERS = HERE / "peer" / "answers.json"
RUN_S = 280.0
PEER_RUN_S = 3600.0

pytestmark = [
    pytest.mark.skipif(not sdk.has_client(),
                       reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests"),
    pytest.mark.timeout(600),
]

RECORD = json.loads(ANSWERS.read_text("utf-8")) if ANSWERS.exists() else {}


def run_cases(folder: Path, host: str, port: int, names: list[str], path: str = "",
              within_s: float = RUN_S) -> dict[str, dict]:
    """Answers by case, of the server at HOST:PORT."""
    client = sdk.Client(folder, host, port)
    for file in sdk.USER_CODE.glob("peer_*.py"):
        shutil.copy(file, client.project)
    report = folder / "report.jsonl"
    log = folder / "client.log"
    env = {**client.environment(), "PYTHONPATH": f"{client.project}:{HERE}:{path}",
           "PYTHONDONTWRITEBYTECODE": "1"}
    with open(log, "wb") as out:
        ran = subprocess.run([PYTHON, str(HERE / "peer" / "runner.py"), host, str(port), str(report),
                              *names], cwd=client.project, env=env, stdin=subprocess.DEVNULL,
                             stdout=out, stderr=subprocess.STDOUT, timeout=within_s)
    text = log.read_text("utf-8", "replace")
    assert ran.returncode == 0, text[-4000:]
    found = {}
    for line in report.read_text("utf-8").splitlines():
        row = json.loads(line)
        found[row.pop("case")] = row
    return found


def wanted(request) -> list[str]:
    """The cases that this run was asked for, in the order of the table."""
    return [item.callspec.params["name"] for item in request.session.items
            if item.module is request.module and hasattr(item, "callspec")]


class Answers:
    """Those of one server, a group of cases at a time: one client program for each file of cases."""

    def __init__(self, folder: Path, host: str, port: int, names: list[str], path: str):
        self.folder, self.host, self.port, self.path = folder, host, port, path
        self.names = names
        self.found: dict[str, dict] = {}

    def __getitem__(self, name: str) -> dict:
        if name not in self.found:
            group = GROUPS[name]
            names = [other for other in self.names if GROUPS[other] == group]
            self.found |= run_cases(self.folder / group, self.host, self.port, names, self.path)
        return self.found[name]


@pytest.fixture(scope="module")
def answers(request, tmp_path_factory):
    path = request.config.getoption("--peer-path") or ""
    shared = Shared(tmp_path_factory, {"env": {"PYTHONPATH": path}})
    daemon = shared.get()
    daemon.post("/settings", {"cluster_name": CLUSTER})  # as the true server is called
    try:
        yield Answers(tmp_path_factory.mktemp("cases"), daemon.host, daemon.port, wanted(request),
                      path)
        inspect(daemon)
        shared.stop()
    except BaseException:
        show_log(daemon)
        raise
    finally:
        shared.drop()


@pytest.fixture(scope="module")
def peer_answers(request, tmp_path_factory):
    """The true server's, now; empty without --peer."""
    python = request.config.getoption("--peer")
    if not python:
        yield {}
        return
    folder = tmp_path_factory.mktemp("peer")
    path = request.config.getoption("--peer-path") or ""
    peer = Peer(python, folder, path).start()
    try:
        names = [name for name in wanted(request) if name not in improved.NOT_ASKED]
        found = run_cases(folder / "client", peer.host, peer.port, names, path, PEER_RUN_S)
    finally:
        peer.stop()
    if request.config.getoption("--peer-record"):
        record(found)
    yield found


def record(found: dict[str, dict]) -> None:
    RECORD.update({name: row["answer"] for name, row in found.items() if "answer" in row})
    ANSWERS.write_text(json.dumps(RECORD, indent=1, sort_keys=True, ensure_ascii=True) + "\n")


def case_groups() -> dict[str, str]:
    """Name -> group. Without importing the client here: it would keep this process's home."""
    listing = ("import sys; sys.path[:0] = sys.argv[1:]; from peer import runner;"
               "[print(case.group, name) for name, case in runner.load_cases().items()]")
    ran = subprocess.run([PYTHON, "-c", listing, str(HERE), str(sdk.USER_CODE)],
                         capture_output=True, text=True,
                         env={**os.environ, "RH_LOG_LEVEL": "ERROR", "PYTHONDONTWRITEBYTECODE": "1"})
    assert ran.returncode == 0, ran.stderr
    rows = (line.split(" ", 1) for line in ran.stdout.splitlines())
    return {name: group for group, name in rows}


GROUPS = case_groups() if sdk.has_client() else {}


@pytest.mark.parametrize("name", GROUPS)
def test_case(name, answers, peer_answers):
    row = answers[name]
    if "skipped" in row:
        pytest.skip(row["skipped"])
    if name in peer_answers and "answer" in peer_answers[name]:
        now = peer_answers[name]["answer"]
        assert now == RECORD.get(name, now), "the true server answers otherwise now"
    assert row["answer"] == expected(name)


def expected(name: str):
    for table in (improved.ANSWERS, improved.NOT_ASKED):
        if name in table:
            return table[name][1]
    return RECORD[name]


def test_record_and_table_agree():
    """Every case has an expectation, and none is left of a case that is gone."""
    names = set(GROUPS)
    assert set(improved.ANSWERS) <= names and set(RECORD) <= names
    assert names == {*RECORD, *improved.ANSWERS, *improved.NOT_ASKED}
