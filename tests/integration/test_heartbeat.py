# SPDX-License-Identifier: Apache-2.0
"""Den is told how a node does: one elsewhere, and the node's own."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .auth_kit import OWNER_TOKEN, node as start_node
from .den_kit import write_cluster_config
from .fake_den import FakeDen
from .gatehoused import wait_until

STATUS = "/resource/olga:box/cluster/status"


@pytest.fixture
def den():
    with FakeDen() as running:
        running.knows("olga", OWNER_TOKEN)
        yield running


def log_in(home: Path, token: str | None = OWNER_TOKEN) -> None:
    """As `runhouse login` leaves it."""
    (home / ".rh").mkdir(parents=True, exist_ok=True)
    (home / ".rh" / "config.yaml").write_text(f"token: {token}\nusername: olga\n" if token else "username: olga\n")


def node_of(folder: Path, den: FakeDen, name: str | None = "/olga/box", token: str | None = OWNER_TOKEN,
            **config: Any):
    write_cluster_config(folder / "home", name, **config)
    log_in(folder / "home", token)
    return start_node(folder, "--api-server-url", den.url, owner=False, auth=False)


def posts(den: FakeDen) -> list[tuple[str, str, dict]]:
    """Path, Authorization and body of each."""
    return [(path, shown, json.loads(body)) for method, path, shown, body in list(den.heard) if method == "POST"]


def test_den_is_told_at_the_start(tmp_path, den):
    with node_of(tmp_path, den) as node:
        path, shown, body = wait_until("the first beat", lambda: posts(den))[0]
        assert (path, shown) == (STATUS, f"Bearer {OWNER_TOKEN}")
        assert (body["daemon_status"], body["resource_type"]) == ("running", "cluster")
        status, den_code = node.ask("GET", "/status").json()
        assert den_code is None
        assert body["resource_info"].keys() == status.keys() - {"processes"}
        assert body["resource_info"]["cluster_config"]["name"] == "/olga/box"
        assert body["processes"].keys() == status["processes"].keys()
        assert OWNER_TOKEN not in node.daemon.log()


def test_den_is_told_again_by_the_interval(tmp_path, den):
    with node_of(tmp_path, den) as node:
        wait_until("the first beat", lambda: posts(den))
        assert node.ask("POST", "/settings", {"status_check_interval": 1}).status == 200
        wait_until("two more", lambda: len(posts(den)) >= 3)
        assert node.ask("POST", "/settings", {"status_check_interval": -1}).status == 200
        assert node.ask("GET", "/status?send_to_den=true").json()[1] == 200  # asked for, so sent


@pytest.mark.parametrize("code", [200, 401, 404, 500])
def test_status_is_sent_when_asked_and_tells_what_den_said(tmp_path, den, code):
    with node_of(tmp_path, den) as node:
        wait_until("the first beat", lambda: posts(den))
        den.take = lambda token, body: (code, {"data": {}})
        before = len(posts(den))
        assert node.ask("GET", "/status?send_to_den=true").json()[1] == code
        assert len(posts(den)) == before + 1


def test_den_that_is_away_is_null(tmp_path, den):
    with node_of(tmp_path, den) as node:
        wait_until("the first beat", lambda: posts(den))
        den.shut()
        status, den_code = node.ask("GET", "/status?send_to_den=true").json()
        assert status["cluster_config"]["name"] == "/olga/box" and den_code is None


@pytest.mark.parametrize("name, token", [(None, OWNER_TOKEN), ("box", OWNER_TOKEN), ("/olga/box", None)],
                         ids=["no name", "no folder", "no token"])
def test_without_a_name_or_a_token_nothing_is_sent(tmp_path, den, name, token):
    with node_of(tmp_path, den, name=name, token=token) as node:
        assert node.ask("GET", "/status?send_to_den=true").json()[1] is None
    assert not posts(den)


def test_node_with_a_den_of_its_own_keeps_it(tmp_path):
    write_cluster_config(tmp_path / "home", "/alice/gpu")
    with start_node(tmp_path, "--den", owner=False, auth=False) as node:
        assert node.ask("GET", "/status?send_to_den=true").json()[1] == 404  # nobody has saved it
        assert node.local("POST", "/_gatehouse/v1/den/users", {"name": "alice"}).status == 200
        made = node.local("POST", "/_gatehouse/v1/den/tokens", {"user": "alice"})
        assert made.status == 200, made
        token = made.json()["token"]
        config = json.dumps({"name": "/alice/gpu", "resource_type": "cluster", "data": {}}).encode()
        saved = node.ask("POST", "/resource", config, token, headers={"Content-Type": "text/plain"})
        assert saved.status == 200, saved
        assert node.ask("GET", "/status?send_to_den=true").json()[1] == 200
        kept = node.ask("GET", "/resource/alice:gpu/cluster/status", token=token)
        assert kept.status == 200 and "running" in kept.body.decode()
