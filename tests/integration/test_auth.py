# SPDX-License-Identifier: Apache-2.0
"""Who may: every route of the table, asked by every kind of caller. Source: docs/security.md."""
from __future__ import annotations

import http.client
import json
import re

import pytest

from .auth_kit import OWNER, OWNER_TOKEN, WRONG_TOKEN, new_source, node as start_node
from .gatehoused import REPO, USER_CODE

THINGS = USER_CODE / "things.py"

NO_TOKEN = ("No Runhouse token provided. Try running `$ runhouse login` or visiting "
            "https://run.house/login to retrieve a token. If calling via HTTP, please provide a valid "
            "token in the Authorization header.")
NOT_FOR_THE_NODE = "Cluster access is required for this operation."

KEYS = ["add", "private_fn", "open_fn", "page", "no_such_key"]
"""Declared, put, unlisted, an app, unknown."""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("auth")
    app = folder / "page.py"
    app.write_text("def page(environ, start_response):\n"
                   "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                   "    return [environ.get('HTTP_X_GATEHOUSE_USER', 'nobody').encode(), b' ',\n"
                   "            environ.get('HTTP_AUTHORIZATION', 'no token').encode()]\n")
    modules = [f"add={THINGS}:add", f"page={app}:page@wsgi"]
    with start_node(folder / "d", "--logs-wait-ms", "0", modules=modules) as running:
        running.put("private_fn", "add")
        running.put("open_fn", "add", "unlisted")
        running.create("writer", "write")
        running.create("reader", "read")
        running.create("of_add", "read", "add")
        running.create("of_add_too", "write", "add")
        running.create("of_page", "read", "page")
        running.create("gone", "write")
        listed = running.local("GET", "/_gatehouse/v1/tokens").json()["tokens"]
        number = next(token["id"] for token in listed if token["user"] == "gone")
        assert running.local("DELETE", f"/_gatehouse/v1/tokens/{number}").status == 200
        yield running


CALLERS = ["nobody", "wrong", "gone", "of_add", "of_add_too", "of_page", "reader", "writer", "owner"]


def token_of(node, caller: str) -> str | None:
    return {"nobody": None, "wrong": WRONG_TOKEN}.get(caller, node.tokens.get(caller))


# -- what the routes of the table need, said once more ----------------------------------------------

def for_anyone(caller, key):
    return 200


def for_the_node(caller, key):
    if caller == "nobody":
        return 401
    return 200 if caller in ("reader", "writer", "owner") else 403


def for_writers(caller, key):
    if caller == "nobody":
        return 401
    return 200 if caller in ("writer", "owner") else 403


def for_the_object(caller, key):
    if key == "open_fn":
        return 200
    if caller in ("of_add", "of_add_too", "of_page"):
        return 200 if key == caller.split("_")[1] else 403
    return for_the_node(caller, key)


def for_readers_of_it(caller, key):
    if caller in ("of_add", "of_add_too", "of_page"):
        return 200 if key == caller.split("_")[1] else 403
    return for_the_node(caller, key)


def for_programs_of_the_node(caller, key):
    return 404


RULES = {
    "GET /check": for_anyone,
    "GET /livez": for_anyone,
    "GET /readyz": for_anyone,
    "GET /status": for_the_node,
    "POST /settings": for_the_node,
    "GET /processes": for_the_node,
    "POST /create_process": for_the_node,
    "POST /kill_process": for_the_node,
    "POST /env_vars": for_the_node,
    "POST /process_env_vars": for_the_node,
    "POST /install_package": for_the_node,
    "POST /run_bash": for_the_node,
    "GET /cert": for_anyone,
    "GET /.well-known/acme-challenge/{token}": for_anyone,
    "POST /folder/method/ls": for_writers,
    "POST /folder/method/mkdir": for_writers,
    "POST /folder/method/get": for_writers,
    "POST /folder/method/put": for_writers,
    "POST /folder/method/rm": for_writers,
    "POST /folder/method/mv": for_writers,
    "POST /folder/method/exists": for_writers,
    "POST /resource": for_the_node,
    "POST /object": for_the_node,
    "GET /object": for_the_node,
    "POST /rename": for_the_node,
    "POST /delete_object": for_the_node,
    "GET /keys": for_the_node,
    "POST /logs": for_the_object,
    "GET /logs/{key}/{run_name}/{serialization}": for_the_object,
    "GET /openapi.json": for_anyone,
    "GET /docs": for_anyone,
    "GET /redoc": for_anyone,
    "GET /_gatehouse/assets/{name}": for_anyone,
    "GET /_gatehouse/v1/node": for_the_node,
    "GET /_gatehouse/v1/runs": for_the_node,
    "GET /_gatehouse/v1/runs/{run_name}": for_the_node,
    "POST /_gatehouse/v1/restart_process": for_the_node,
    "GET /_gatehouse/v1/config": for_programs_of_the_node,
    "PATCH /_gatehouse/v1/config": for_programs_of_the_node,
    "GET /_gatehouse/v1/certs": for_programs_of_the_node,
    "GET /_gatehouse/v1/tokens": for_programs_of_the_node,
    "POST /_gatehouse/v1/tokens": for_programs_of_the_node,
    "DELETE /_gatehouse/v1/tokens/{id}": for_programs_of_the_node,
    "GET /_gatehouse/v1/caller": for_programs_of_the_node,
    "GET /_gatehouse/den/logs/{uri}/{ticket}": for_anyone,
    "GET /_gatehouse/v1/den/users": for_programs_of_the_node,
    "POST /_gatehouse/v1/den/users": for_programs_of_the_node,
    "DELETE /_gatehouse/v1/den/users/{name}": for_programs_of_the_node,
    "GET /_gatehouse/v1/den/tokens": for_programs_of_the_node,
    "POST /_gatehouse/v1/den/tokens": for_programs_of_the_node,
    "DELETE /_gatehouse/v1/den/tokens/{id}": for_programs_of_the_node,
    "GET /_gatehouse/v1/den/resources": for_programs_of_the_node,
    "GET /_gatehouse/v1/den/resources/{uri}": for_programs_of_the_node,
    "DELETE /_gatehouse/v1/den/resources/{uri}": for_programs_of_the_node,
    "GET /_gatehouse/v1/den/grants": for_programs_of_the_node,
    "POST /_gatehouse/v1/den/grants": for_programs_of_the_node,
    "DELETE /_gatehouse/v1/den/grants/{uri}/{name}": for_programs_of_the_node,
    "GET /{key}/openapi.json": for_readers_of_it,
    "GET /{key}/docs": for_readers_of_it,
    "GET /{key}/redoc": for_readers_of_it,
    "POST /{key}/{method}": for_the_object,
    "GET /{key}/{method}": for_the_object,
}


def rows() -> list[str]:
    """Of the table, without those that are the embedded Den's: they are there with --den only (test_den.py)."""
    source = (REPO / "src" / "api" / "routes.c").read_text()
    table = source[source.index("static const struct gh_route routes[]"):]
    table = table[:table.index("};")]
    found = re.findall(r'\{GH_(\w+),\s*"([^"]+)",\s*GH_NEED_(\w+)', table)
    return [f"{method} {path}" for method, path, need in found if need != "DEN"]


def test_every_route_has_a_rule():
    assert len(rows()) > 40
    assert sorted(rows()) == sorted(RULES)


def keys_for(path: str) -> list[str]:
    return KEYS if "{key}" in path or path == "/logs" else ["-"]


CASES = [(row, key) for row in RULES for key in keys_for(row.split()[1])]


def request_for(row: str, key: str) -> tuple[str, str, object]:
    """Method, path and body: nothing that does anything, for whoever is let in."""
    method, path = row.split()
    for name, value in {"{key}": key, "{method}": "call", "{run_name}": "no-run",
                        "{serialization}": "json", "{name}": "page.css", "{id}": "999",
                        "{uri}": "alice:gpu", "{ticket}": "none", "{token}": "none"}.items():
        path = path.replace(name, value)
    body = None if method in ("GET", "DELETE") else {}
    if path == "/logs":
        body = {"key": key, "run_name": "no-run"}
    return method, path, body


@pytest.mark.parametrize("row, key", CASES, ids=[f"{row} {key}" for row, key in CASES])
def test_every_caller_at_every_route(node, row, key):
    """401 and 403 are for those whom the rule keeps out, and for nobody else."""
    method, path, body = request_for(row, key)
    source = new_source()
    for caller in CALLERS:
        expected = RULES[row](caller, key)
        answers = [node.ask(method, path, body, token_of(node, caller), source)]
        if method == "GET":
            answers.append(node.ask("HEAD", path, None, token_of(node, caller), source))
        for answer in answers:
            where = f"{caller} at {method} {path}: {answer}"
            if expected in (401, 403):
                assert answer.status == expected, where
            elif expected == 404:
                assert answer.status == 404, where
            else:
                assert answer.status not in (401, 403, 429), where
        if expected == 403:
            detail = answers[0].json()["detail"]
            by_key = RULES[row] is for_the_object or key == "page"  # an app's documents are its own
            assert detail == (f"Unauthorized access to resource {key}." if by_key
                              else NOT_FOR_THE_NODE), where
        if expected == 401:
            assert answers[0].json()["detail"] == NO_TOKEN
            assert answers[0].headers["www-authenticate"] == 'Bearer realm="gatehouse"'


@pytest.mark.parametrize("row", [row for row in RULES if RULES[row] is for_programs_of_the_node])
def test_programs_of_the_node_are_not_asked(node, row):
    method, path, body = request_for(row, "-")
    assert node.local(method, path, body, {"Authorization": f"Bearer {WRONG_TOKEN}"}).status in (
        200, 404, 422)
    assert node.local("GET", "/keys").status == 200


# -- the page about it ---------------------------------------------------------------------------------

HEADS = {"nobody": "no token", "wrong": "wrong token", "gone": "wrong token", "reader": "read",
         "writer": "write, owner", "owner": "write, owner"}


def documented() -> list[dict[str, str]]:
    """The rows of the table in docs/security.md, "Who may", that are about the port."""
    text = (REPO / "docs" / "security.md").read_text("utf-8").partition("## Who may")[2]
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert rows[-1][0] == "everything, on the control socket" and set(rows[-1][1:]) == {"yes"}
    return [dict(zip(head, row)) for row in rows[:-1]]


def is_named(path: str, routes: str) -> bool:
    """Is PATH one of those in the cell ROUTES? "/a/..." and "/a/*" are /a and all below it."""
    for name in re.findall(r"`(/[^`]*)`", routes):
        start = re.sub(r"/(\.\.\.|\*)$", "", name)
        if path == name or start != name and (path == start or path.startswith(start + "/")):
            return True
    return path.startswith("/logs/") and is_named("/logs", routes)


def row_for(row: str, key: str) -> dict[str, str]:
    path = row.split()[1]
    named = [one for one in documented() if is_named(path, one["routes"])]
    if path.startswith("/logs") or path == "/{key}/{method}":
        [named_one] = named
        [rest] = [one for one in documented() if one["routes"] == "the same: any other object"]
        return named_one if key == "open_fn" else rest
    if not named or row == "POST /settings":  # of which the page names what is more than the rest
        named = [one for one in documented() if one["routes"] == "everything else on the port"]
    [found] = named
    return found


@pytest.mark.parametrize("row, key", CASES, ids=[f"{row} {key}" for row, key in CASES])
def test_page_says_what_every_route_asks(row, key):
    """Each cell is the rule that the answers above are held to."""
    cells = row_for(row, key)
    for caller in CALLERS:
        cell = cells[HEADS.get(caller, "token of a module")]
        if cell == "its own":
            cell = "yes" if caller.startswith("of_" + key) else "403"
        assert RULES[row](caller, key) == (200 if cell == "yes" else int(cell)), (caller, cells["routes"])


def test_switching_it_off_needs_write(node):
    cells = [one for one in documented() if "`den_auth: false`" in one["routes"]]
    assert [one["read"] for one in cells] == ["403"]
    for caller in CALLERS[:-2]:  # without those who may
        answer = node.ask("POST", "/settings", {"den_auth": False}, token_of(node, caller), new_source())
        assert answer.status == (401 if caller == "nobody" else 403), caller


# -- what the answers tell ---------------------------------------------------------------------------

def test_wrong_token_is_called_so(node):
    answer = node.ask("GET", "/keys", token=WRONG_TOKEN, source=new_source())
    assert answer.status == 403
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatehouse", error="invalid_token"'
    known = node.ask("GET", "/keys", token=node.tokens["of_add"])
    assert known.status == 403 and "www-authenticate" not in known.headers


def test_what_is_there_cannot_be_told_without_a_token(node):
    for method, path in (("POST", "/%s/call"), ("GET", "/%s/call"), ("GET", "/%s/openapi.json"),
                         ("GET", "/logs/%s/run/json")):
        answers = {}
        for key in ("private_fn", "no_such_key"):
            answer = node.ask(method, path % key, {} if method == "POST" else None)
            answers[key] = (answer.status, answer.json()["detail"],
                            sorted(set(answer.headers) - {"date", "x-request-id"}))
        assert answers["private_fn"] == answers["no_such_key"]


@pytest.mark.parametrize("header, status", [
    ("Bearer %s", 200), ("bearer %s", 200), ("BEARER  %s ", 200), ("%s", 200), ("Basic x Bearer %s", 200),
    ("Bearer", 401), ("Bearer ", 401), ("", 401), ("Basic %s", 403), ("Bearer %sx", 403),
    ("Bearer x%s", 403), ("Bearer " + "x" * 5000, 403), ("Bearer " + "x" * 15000, 403)])
def test_forms_of_the_header(node, header, status):
    value = header.replace("%s", OWNER_TOKEN)
    answer = node.ask("GET", "/keys", source=new_source(), headers={"Authorization": value})
    assert answer.status == status


def test_key_with_escapes_is_the_same_key(node):
    assert node.ask("POST", "/op%65n%5Ffn/call?_bare=1", {"a": 1, "b": 2}).json() == 3
    assert node.ask("POST", "/%61dd/call?_bare=1", {"a": 1, "b": 2}).status == 401
    answer = node.ask("POST", "/%61dd/call?_bare=1", {"a": 1, "b": 2}, node.tokens["of_add"])
    assert answer.json() == 3


def test_refused_before_the_body_is_here(node):
    """The answer comes though no byte of the body has been sent, and none is waited for."""
    with node.daemon.connect() as client:
        client.sendall(b"POST /add/call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Content-Length: 1000000000\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.status == 401 and json.loads(answer.read())["detail"] == NO_TOKEN
        assert client.recv(1) == b""


# -- /logs, whose body names the key -----------------------------------------------------------------

def run_and_read(node, token: str | None, target: dict) -> tuple[int, str]:
    name = f"run-of-{new_source()}"
    ran = node.ask("POST", "/add/call", {"data": {"args": [1, 2]}, "run_name": name,
                                         "stream_logs": True}, OWNER_TOKEN)
    assert ran.status == 200, ran
    answer = node.ask("POST", "/logs", {"run_name": name, **target}, token, new_source())
    return answer.status, answer.text


@pytest.mark.parametrize("target, allowed", [
    ({"process": "default_process"}, ["reader", "writer", "owner"]),
    ({"node_ip_or_idx": 0}, ["reader", "writer", "owner"]),
    ({"key": "add"}, ["of_add", "of_add_too", "reader", "writer", "owner"]),
])
def test_logs_of_a_process_and_of_the_node_need_the_node(node, target, allowed):
    for caller in CALLERS:
        status, text = run_and_read(node, token_of(node, caller), target)
        assert status == (200 if caller in allowed else 401 if caller == "nobody" else 403), caller
        assert ("adding 1 and 2" in text) == (caller in allowed)


@pytest.mark.parametrize("caller, key", [("nobody", "open_fn"), ("wrong", "open_fn"), ("of_page", "page"),
                                         ("of_page", "open_fn")])
def test_run_of_one_key_is_not_read_by_the_name_of_another(node, caller, key):
    status, text = run_and_read(node, token_of(node, caller), {"key": key})
    assert (status, text) == (200, "")


def test_long_body_of_somebody_unknown_is_not_read(node):
    body = {"run_name": "r", "key": "open_fn", "pad": "x" * (70 << 10)}
    assert node.ask("POST", "/logs", body).status == 401
    wrong = node.ask("POST", "/logs", body, WRONG_TOKEN, new_source())
    assert (wrong.status, wrong.json()["detail"]) == (403, NOT_FOR_THE_NODE)
    assert node.ask("POST", "/logs", body, node.tokens["reader"]).status == 200
    chunked = node.ask("POST", "/logs", None, headers={"Transfer-Encoding": "chunked"})
    assert chunked.status in (400, 401, 422)


# -- who asks, as user code sees it ------------------------------------------------------------------

def test_app_is_told_who_asks_and_never_the_token(node):
    forged = {"X-Gatehouse-User": "root", "x_gatehouse_user": "root", "X-GATEHOUSE_USER": "root"}
    answer = node.ask("GET", "/page/some/path", token=node.tokens["of_page"], headers=forged)
    assert answer.text == "of_page no token"
    assert node.ask("GET", "/page/", token=OWNER_TOKEN).text == f"{OWNER} no token"
    assert node.local("GET", "/page/", headers=forged).text == "nobody no token"


def test_every_method_of_an_app_is_checked(node):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert node.ask(method, "/page/a/b/c").status == 401, method
        assert node.ask(method, "/page/a/b/c", token=node.tokens["of_page"]).status == 200, method
