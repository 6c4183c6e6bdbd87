# SPDX-License-Identifier: Apache-2.0
"""Every recorded exchange is answered as recorded, or exactly as the deviations say.

A recording is replayed once, whole and in order, because its exchanges build on each other; then
one test judges each answer.
"""
from __future__ import annotations

import json
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Iterator
from urllib.parse import urlsplit

import pytest

from integration.gatehoused import Gatehoused

from . import deviations, replay
from .recorded_den import OWNER_TOKEN, recorded_den

USER_CODE = Path(__file__).resolve().parent / "user_code"

# In the order of recording: the second half of core came last.
CORE = replay.load("core")
HALF = [exchange.name for exchange in CORE].index("to_sleep#1:processes")
DEMO = [*CORE[:HALF],
        *(exchange for name in ("functions", "generators-async", "modules", "objects", "processes",
                                "packages", "folders", "errors")
          for exchange in replay.load(name)),
        *CORE[HALF:]]
AUTH = replay.load("auth")
OLD = replay.load("old-sdk")
OLD_FUNCTIONS = ["concat", "add", "boom", "gen", "none", "noisy", "coro", "agen"]


def sleeper_runs(server: replay.Server) -> bool:
    answer = server.send("GET", "/status", {}, "")
    return '"run_name":"sleeper_call--' in answer.body.replace(" ", "")


# What the recorded server itself does not repeat, with --true-server.
TRUE_SERVER_VARIES = {
    "modules/openapi_class": "depends on the version of pydantic",
    "modules/put_resource_bad_module": "a text with process ids",
    "processes/kill_unknown_process": "a text with process ids",
    "errors/bad_base64": "a text with process ids",
    "packages/install_unknown_version": "a text with the path of its interpreter",
}

BACKGROUND = {"core/sleeper_call_background": sleeper_runs}


def furnish(home: Path, cluster_name: str, den_url: str = "") -> None:
    """What the recorded server had in its home; it checked callers where it had a Den."""
    (home / ".rh").mkdir(parents=True)
    if den_url:
        (home / ".rh" / "config.yaml").write_text(f"token: {OWNER_TOKEN}\nusername: alice\n"
                                                  f"default_folder: /alice\napi_server_url: {den_url}\n")
    (home / ".rh" / "cluster_config.json").write_text(json.dumps({
        "name": cluster_name, "resource_subtype": "Cluster", "den_auth": bool(den_url),
        "server_port": 32300, "server_connection_type": "none", "server_host": "127.0.0.1",
        "autostop_mins": None, "domain": None, "ips": ["127.0.0.1"]}))
    (home / "tinypkg").mkdir(parents=True)
    (home / "proj").mkdir()
    for file in USER_CODE.glob("*.py"):
        shutil.copy(file, home / "proj")


class Replayed:
    def __init__(self, server: replay.Server, answers: dict[str, replay.Answer]):
        self.server = server
        self.answers = answers


def run(server: replay.Server, exchanges: list[replay.Exchange]) -> Replayed:
    return Replayed(server, replay.replay(exchanges, server, BACKGROUND))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A furnished daemon for a whole recording, looked at once all its answers are judged."""
    started: list[Gatehoused] = []

    def start(cluster_name: str, den_url: str = "") -> replay.Server:
        daemon = Gatehoused(tmp_path_factory.mktemp("replay"), env={"PIP_NO_INDEX": "1"})
        furnish(daemon.home, cluster_name, den_url)
        daemon.start()
        started.append(daemon)
        return replay.Server(daemon.host, daemon.port, str(daemon.home))

    yield start
    try:
        for daemon in started:
            assert not daemon.trouble(), "\n".join(daemon.trouble())
            daemon.stop()
            assert not daemon.trouble(), "\n".join(daemon.trouble())
    finally:
        for daemon in started:
            daemon.kill()


@pytest.fixture(scope="module")
def demo(request, start) -> Replayed:
    if url := request.config.getoption("--true-server", None):
        parts = urlsplit(url)
        server = replay.Server(parts.hostname, parts.port,
                               request.config.getoption("--true-server-home", None))
        return run(server, DEMO)
    return run(start("demo-cluster"), DEMO)


@pytest.fixture(scope="module")
def old(request, start) -> Replayed:
    if request.config.getoption("--true-server", None):
        pytest.skip("needs a second fresh server")
    server = start("spec-cl")
    server.post("/settings", {"autostop_mins": 10})  # as in an earlier recording
    for name in OLD_FUNCTIONS:
        config = {"name": name, "resource_type": "function", "resource_subtype": "Function",
                  "system": None, "process": "default_process",
                  "fn_pointers": ["proj", "demo", name]}
        server.post("/resource", {"serialized_data": [config, None, True]})
    return run(server, OLD)


@pytest.fixture(scope="module")
def auth(request, start) -> Iterator[Replayed]:
    if request.config.getoption("--true-server", None):
        pytest.skip("needs a server that checks callers, and a Den")
    with recorded_den() as den:
        yield run(start("/alice/gpu", den.url), AUTH)


def judge(exchange: replay.Exchange, replayed: Replayed, true_server: bool) -> None:
    answer = replayed.answers[exchange.id]
    deviation = deviations.find(exchange.id)
    if deviation and not true_server:
        different = deviation.check(exchange, answer, replayed.server)
    else:
        different = replay.difference(exchange, answer, replayed.server)
        if true_server and different and deviation and deviation.free_text:
            different = deviation.check(exchange, answer, replayed.server)
    if different and true_server and exchange.id in TRUE_SERVER_VARIES:
        pytest.xfail(TRUE_SERVER_VARIES[exchange.id])
    if different:
        why = f"\nimproved answer: {deviation.reason}" if deviation else ""
        pytest.fail(f"{exchange.method} {exchange.path} {exchange.body[:300]}\n{different}{why}"
                    f"\nnote: {exchange.note[:300]}", pytrace=False)


@pytest.mark.parametrize("exchange", DEMO, ids=lambda exchange: exchange.id)
def test_demo_recording(exchange, demo, request):
    judge(exchange, demo, bool(request.config.getoption("--true-server", None)))


@pytest.mark.parametrize("exchange", OLD, ids=lambda exchange: exchange.id)
def test_old_client_recording(exchange, old, request):
    judge(exchange, old, bool(request.config.getoption("--true-server", None)))


@pytest.mark.parametrize("exchange", AUTH, ids=lambda exchange: exchange.id)
def test_recording_with_den_auth(exchange, auth, request):
    judge(exchange, auth, bool(request.config.getoption("--true-server", None)))


def test_every_row_of_the_table_names_a_recorded_exchange():
    names = [exchange.id for exchange in [*DEMO, *OLD, *AUTH]]
    unused = [row.exchanges for row in deviations.TABLE
              if not any(fnmatchcase(name, row.exchanges) for name in names)]
    assert not unused


def test_every_transcript_is_replayed():
    replayed = {exchange.file for exchange in [*DEMO, *OLD, *AUTH]}
    # by test_ssh_commands.py, test_den_recording.py, test_den_transcript.py
    replayed |= {"ssh-commands", "den-api", "den"}
    files = {path.stem for path in replay.TRANSCRIPTS.glob("*.jsonl")}
    assert files == replayed
