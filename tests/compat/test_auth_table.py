# SPDX-License-Identifier: Apache-2.0
"""Every caller at every kind of route: a node answers as its table says, and as the true server did.

    tests/run-pytest compat -k auth_table                     gatehoused, against the record
    ... --peer=PYTHON                                         and against the true server, now
    ... --peer=PYTHON --peer-record                           write its answers into the record
"""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from integration.auth_kit import OWNER, OWNER_TOKEN, _exchange, new_source
from integration.den_kit import CLUSTER, den_node
from integration.fake_den import FakeDen
from integration.gatehoused import ANSWER_S, REPO

from . import auth_table, sdk
from .auth_table import CALLERS, LOCAL, OBJECTS, REQUESTS, Verdict
from .peer.server import Peer

RECORD = Path(__file__).resolve().parent / "peer" / "auth.json"
OF_PEER = [caller for caller in CALLERS if caller not in LOCAL]

pytestmark = pytest.mark.timeout(900)


def copy_code(home: Path) -> None:
    (home / "proj").mkdir(parents=True, exist_ok=True)
    for file in sdk.USER_CODE.glob("*.py"):
        shutil.copy(file, home / "proj")


def load() -> dict[str, dict[str, Verdict]]:
    record = json.loads(RECORD.read_text("utf-8"))
    return {what: {caller: Verdict(*row) for caller, row in of.items()} for what, of in record.items()}


# -- the node -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table") / "d"
    copy_code(folder / "home")
    with FakeDen() as den:
        tokens = {**auth_table.furnish(den), "owner": OWNER_TOKEN}
        with den_node(folder, den, "--logs-wait-ms", "0") as node:
            for path, body in OBJECTS:
                assert node.ask("POST", path, body, OWNER_TOKEN).status == 200, path
            tokens["module"] = node.create("module", "read", "private_fn")["token"]
            tokens["local_r"] = node.create("local_r", "read")["token"]
            tokens["local_w"] = node.create("local_w", "write")["token"]

            def ask(what: str, caller: str) -> tuple[int, bytes]:
                answer = node.ask(*REQUESTS[what], tokens.get(caller), new_source())
                return answer.status, answer.body

            yield auth_table.ask_all(CALLERS, ask)


@pytest.mark.parametrize("what", REQUESTS)
def test_node(what, answers):
    """The verdicts are the table's, and the sentences are the client's."""
    found = {caller: one.short for caller, one in answers[what].items()}
    assert found == auth_table.rows()[what]
    for caller, one in answers[what].items():
        assert one.detail == sentence(what, caller), caller


def sentence(what: str, caller: str) -> str:
    """Of a refusal; that of 401 is the true server's own."""
    verdict = auth_table.rows()[what][caller]
    if verdict == "y":
        return ""
    if verdict == "401":
        return load()["GET keys"]["nobody"].detail
    path = REQUESTS[what][1]
    key = "private_fn" if what == "POST logs" else path.split("/")[1]
    is_object = what == "POST logs" or (path.count("/") == 2 and what != "GET documents")
    return (f"Unauthorized access to resource {key}." if is_object
            else "Cluster access is required for this operation.")


# -- the page about it ----------------------------------------------------------------------------------

HEADS = {"no token": ["nobody"], "wrong token": ["wrong"], "token of a module": ["module"],
         "read": ["local_r", "reader"], "write, owner": ["local_w", "writer", "holder", "owner"]}
ROWS = {"`/check`": ["GET check", "GET cert", "GET nowhere"],
        "`/{key}/{method}`": ["POST open_fn", "GET open_fn"],
        "the same": ["POST private_fn", "GET private_fn", "POST logs"],
        "`/{key}/openapi.json`": ["GET documents"],
        "`/folder/method/*`": ["POST folder"],
        "everything else": ["GET keys", "GET status", "POST resource", "POST run_bash", "POST rename"]}


def documented() -> list[dict[str, str]]:
    """The rows of the table in docs/security.md, "Who may"."""
    text = (REPO / "docs" / "security.md").read_text("utf-8").partition("## Who may")[2]
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [dict(zip(head, row)) for row in rows]


def test_page_says_the_same():
    rows, table = documented(), auth_table.rows()
    for start, routes in ROWS.items():
        [row] = [row for row in rows if row["routes"].startswith(start)]
        for head, callers in HEADS.items():
            cell = {"yes": "y", "its own": "y"}.get(row[head], row[head])
            assert {table[what][caller] for what in routes for caller in callers} == {cell}, (start, head)


# -- the true server ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def peer_answers(request, tmp_path_factory):
    """The true server's, now, as {what: {caller: verdict}}; None without --peer."""
    python = request.config.getoption("--peer")
    if not python:
        yield None
        return
    with FakeDen() as den:
        tokens = {**auth_table.furnish(den), "owner": OWNER_TOKEN}
        peer = Peer(python, tmp_path_factory.mktemp("peer"), env={"API_SERVER_URL": den.url},
                    cluster={"name": CLUSTER, "den_auth": True, "resource_subtype": "Cluster"},
                    login={"token": OWNER_TOKEN, "username": OWNER, "default_folder": f"/{OWNER}",
                           "api_server_url": den.url, "disable_observability": "true"})
        copy_code(peer.home)
        peer.start()
        try:
            for path, body in OBJECTS:
                status, text = ask_peer(peer, "POST", path, body, OWNER_TOKEN)
                assert status == 200, (path, text)
            found = auth_table.ask_all(OF_PEER, lambda what, caller: ask_peer(
                peer, *REQUESTS[what], tokens.get(caller)))
        finally:
            peer.stop()
    assert not den.oddities
    if request.config.getoption("--peer-record"):
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
    yield found


def ask_peer(peer: Peer, method: str, path: str, body, token: str | None) -> tuple[int, bytes]:
    import http.client
    connection = http.client.HTTPConnection(peer.host, peer.port, timeout=ANSWER_S)
    answer = _exchange(connection, method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
    return answer.status, answer.body


@pytest.mark.parametrize("what", REQUESTS)
def test_true_server(what, peer_answers):
    """Its verdicts are the table's too, but for those that differ on purpose."""
    recorded = load()[what]
    assert peer_answers is None or peer_answers[what] == recorded, "it answers otherwise now"
    for caller, one in recorded.items():
        verdict, reason = auth_table.different(what, caller) or (auth_table.rows()[what][caller], "")
        assert (str(one.status) if one.status == 500 else one.short) == verdict, (caller, reason)
        if one.status in (401, 403):
            assert one.detail == (sentence(what, caller) or "Cluster access is required for this operation.")


def test_record_is_of_this_table():
    assert set(load()) == set(REQUESTS) == set(auth_table.rows())
    assert all(list(of) == OF_PEER for of in load().values())
    assert all(list(row) == CALLERS for row in auth_table.rows().values())
