# SPDX-License-Identifier: Apache-2.0
"""Callers that Den vouches for: what it is asked, how often, and how its answers are used.

All kinds of callers at all kinds of routes are compared with the true server by compat/test_auth_table.py; a
Den that fails is in test_auth_den_faults.py.
"""
from __future__ import annotations

import json
import signal
import urllib.parse

import pytest

from .auth_kit import OWNER, OWNER_TOKEN, new_source
from .den_kit import CLUSTER, URI, Asking, cold, den_node, write_cluster_config
from .fake_den import LEVEL, USER, VALID, FakeDen, Hang, Question, says
from .gatehoused import USER_CODE, Gatehoused, wait_until
from .private_ca import PrivateCa

THINGS = USER_CODE / "things.py"
NOT_FOR_THE_NODE = "Cluster access is required for this operation."

FN = "olga:private_fn"


@pytest.fixture(scope="module")
def den():
    with FakeDen() as running:
        yield running


@pytest.fixture(scope="module")
def node(tmp_path_factory, den):
    folder = tmp_path_factory.mktemp("den")
    code = folder / "asked.py"
    code.write_text("import gatehouse\n"
                    "def who():\n"
                    "    return gatehouse.current_user()\n"
                    "def page(environ, start_response):\n"
                    "    body = environ['wsgi.input'].read()\n"
                    "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                    "    return [environ.get('HTTP_X_GATEHOUSE_USER', 'nobody').encode(), b' ',\n"
                    "            environ.get('HTTP_AUTHORIZATION', 'no token').encode(),\n"
                    "            b' %d' % len(body)]\n")
    modules = [f"add={THINGS}:add", f"size={THINGS}:size_of", f"who={code}:who", f"page={code}:page@wsgi"]
    with den_node(folder / "d", den, "--logs-wait-ms", "0", "--audit-log", str(folder / "audit.log"),
                  "--log-level", "DEBUG", modules=modules) as running:
        running.audit = folder / "audit.log"
        running.put("private_fn", "add")
        running.put("open_fn", "add", "unlisted")
        yield running


@pytest.fixture(autouse=True)
def right_again(den):
    yield
    den.fails(None)


def kinds(den, token):
    """What Den was asked about TOKEN, as sorted (kind, uri)."""
    return sorted((one.kind, one.uri) for one in den.questions(token))


ABOUT_THE_NODE = [(LEVEL, URI), (USER, ""), (VALID, URI)]
ABOUT_THE_FUNCTION = [(LEVEL, FN), (VALID, FN)]


# -- who gets in ------------------------------------------------------------------------------------

@pytest.mark.parametrize("levels, good_for, keys, folder, fn", [
    ({}, (), 403, 403, 403),
    ({"box": "denied"}, (), 403, 403, 403),
    ({"box": "read"}, (), 200, 403, 200),
    ({"box": "write"}, (), 200, 200, 200),
    ({}, (URI,), 200, 200, 200),
    ({"box": "denied"}, (URI,), 200, 200, 200),
    ({"private_fn": "read"}, (), 403, 403, 200),
    ({"private_fn": "write"}, (), 403, 403, 200),
    ({"private_fn": "denied"}, (), 403, 403, 403),
    ({}, (FN,), 403, 403, 200),
    ({"box": "denied", "private_fn": "read"}, (), 403, 403, 200),
    ({"box": "read", "private_fn": "denied"}, (), 200, 403, 200),
    ({"box": "admin"}, (), 403, 403, 403),
    ({"box": "WRITE"}, (), 403, 403, 403),
])
def test_levels(node, den, levels, good_for, keys, folder, fn):
    token = cold(den, good_for, **levels)
    for _ in range(2):  # asked, and from memory
        assert node.ask("GET", "/keys", None, token).status == keys
        assert node.ask("POST", "/folder/method/exists", {"path": "~"}, token).status == folder
        assert node.ask("POST", "/private_fn/call?_bare=1", {"a": 1, "b": 2}, token).status == fn
        assert node.ask("GET", "/private_fn/call?_bare=1&a=1&b=2", None, token).status == fn
        assert node.ask("GET", "/private_fn/openapi.json", None, token).status == keys
        assert node.ask("POST", "/settings", {"den_auth": False}, token).status in (
            (403,) if folder == 403 else (200,))
        node.local("POST", "/settings", {"den_auth": True})


def test_sentences(node, den):
    token = cold(den)
    answer = node.ask("GET", "/keys", None, token)
    assert answer.json()["detail"] == NOT_FOR_THE_NODE and "www-authenticate" not in answer.headers
    answer = node.ask("POST", "/private_fn/call", {}, token)
    assert answer.json()["detail"] == "Unauthorized access to resource private_fn."
    answer = node.ask("POST", "/no_such_key/call", {}, token)
    assert (answer.status, answer.json()["detail"]) == (403, "Unauthorized access to resource no_such_key.")
    answer = node.ask("GET", "/keys", None, "nobodys-token", new_source())
    assert (answer.status, answer.json()["detail"]) == (403, NOT_FOR_THE_NODE)
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatehouse", error="invalid_token"'


def test_user_without_rights_is_not_guessing(node, den):
    """Each of its refusals is 403: it came with a token that is somebody's."""
    token, source = cold(den), new_source()
    assert {node.ask("GET", "/keys", None, token, source).status for _ in range(110)} == {403}


def test_wrong_tokens_wait_and_then_den_is_not_asked(node, den):
    source, good = new_source(), cold(den, box="read")
    assert node.ask("GET", "/keys", None, good, source).status == 200
    statuses = [node.ask("GET", "/keys", None, f"wrong-{source}-{n}", source).status for n in range(24)]
    assert statuses == [403] * 20 + [429] * 4
    before = den.count()
    for n in range(30, 50):
        answer = node.ask("GET", "/keys", None, f"wrong-{source}-{n}", source)
        assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
    assert den.count() == before
    assert node.ask("GET", "/keys", None, good, source).status == 200


def test_who_asks_is_told_to_code_apps_and_the_audit_log(node, den):
    token = den.knows("wilma", "den-token-of-wilma-1", box="read")
    assert node.ask("GET", "/who/call?_bare=1", None, token).json() == "wilma"
    assert node.ask("POST", "/page/x", {"a": 1}, token).text == "wilma no token 8"
    node.ask("GET", "/keys", None, token, headers={"X-Request-ID": "of-wilma"})
    refused = den.knows("rita", "den-token-of-rita-1")
    node.ask("GET", "/keys", None, refused, headers={"X-Request-ID": "of-rita"})
    lines = wait_until("the lines", lambda: [
        line for line in map(json.loads, node.audit.read_text().splitlines())
        if line["request_id"] in ("of-wilma", "of-rita")][1:] and {
            line["request_id"]: (line["user"], line["status"], line["denied"])
            for line in map(json.loads, node.audit.read_text().splitlines())})
    assert lines["of-wilma"] == ("wilma", 200, None)
    assert lines["of-rita"] == ("rita", 403, "not_for_the_node")


# -- what is asked ----------------------------------------------------------------------------------

def test_each_question_once(node, den):
    token = cold(den, box="read")
    for _ in range(5):
        assert node.ask("GET", "/keys", None, token).status == 200
        assert node.ask("POST", "/private_fn/call?_bare=1", {"a": 1}, token).json() == 3
    assert kinds(den, token) == ABOUT_THE_NODE


def test_object_is_asked_about_after_the_node(node, den):
    token = cold(den, private_fn="read")
    assert node.ask("GET", "/keys", None, token).status == 403
    assert kinds(den, token) == ABOUT_THE_NODE
    for _ in range(5):
        assert node.ask("POST", "/private_fn/call?_bare=1", {"a": 1}, token).json() == 3
    assert kinds(den, token) == sorted(ABOUT_THE_NODE + ABOUT_THE_FUNCTION)
    assert node.ask("POST", "/add/call", {}, token).status == 403  # it has no address
    assert node.ask("POST", "/no_such_key/call", {}, token).status == 403
    assert kinds(den, token) == sorted(ABOUT_THE_NODE + ABOUT_THE_FUNCTION)


@pytest.mark.parametrize("method, path", [
    ("GET", "/check"), ("GET", "/cert"), ("GET", "/livez"), ("GET", "/openapi.json"), ("GET", "/nowhere"),
    ("PUT", "/keys"), ("POST", "/open_fn/call?_bare=1"), ("GET", "/open_fn/call?a=1")])
def test_what_is_open_asks_nothing(node, den, method, path):
    token = cold(den)
    body = {"a": 1} if method == "POST" else None
    assert node.ask(method, path, body, token).status in (200, 404, 405)
    assert kinds(den, token) == []


def test_owner_and_own_tokens_ask_nothing(node, den):
    before = den.count()
    made = [node.create("ann", "read")["token"], node.create("bob", "read", "private_fn")["token"]]
    for token in [OWNER_TOKEN, None, "gh_revoked-or-made-up", *made]:
        node.ask("GET", "/keys", None, token, new_source())
        node.ask("POST", "/private_fn/call", {}, token, new_source())
    node.local("GET", "/keys")
    assert den.count() == before


@pytest.mark.parametrize("token", ["a b", 'quo"te', "back\\slash", "semi;colon,comma", "x" * 3000, "%41%00",
                                   "\u00e9t\u00e9", "'or'1'='1"])
def test_token_reaches_den_as_it_is(node, den, token):
    den.knows("odd", token, box="read")
    sent = token.encode().decode("latin-1")
    header = {"Authorization": f"Bearer {sent}"}
    assert node.ask("GET", "/keys", headers=header, source=new_source()).status == (
        200 if token.isascii() else 403)
    assert {one.token for one in den.questions() if one.token.startswith(sent[:1])} >= {sent}


def test_address_reaches_den_escaped(node, den):
    name = "a fn?x=1#y"
    config = {"name": f"/olga/deep/{name}", "resource_type": "function", "resource_subtype": "Function",
              "visibility": "private", "system": None, "process": "default_process",
              "fn_pointers": [str(USER_CODE), "things", "add"]}
    put = node.local("POST", "/resource", {"serialized_data": [config, None, True]})
    if put.status != 200 or put.json() != name:
        pytest.skip(f"no such name may be put: {put}")
    token = cold(den)
    node.ask("POST", "/a%20fn%3Fx%3D1%23y/call", {}, token)
    [uri] = {one.uri for one in den.questions(token)} - {"", URI}
    assert urllib.parse.unquote(uri) == f"olga:deep:{name}" and not set(uri) & set(" ?#/")


def test_hundred_requests_of_one_token_ask_once(node, den):
    token, hang = cold(den, private_fn="read"), Hang()
    den.fails(hang)
    def one(n):
        return lambda: (node.ask("POST", "/private_fn/call?_bare=1", {"a": n}, token) if n % 2
                        else node.ask("GET", f"/private_fn/call?_bare=1&a={n}", None, token))
    with Asking(*map(one, range(100))) as asking:
        hang.await_questions(3)
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200  # meanwhile
        assert asking.is_open
        hang.release()
        assert [answer.json() for answer in asking.answers()] == [n + 2 for n in range(100)]
    assert kinds(den, token) == sorted(ABOUT_THE_NODE + ABOUT_THE_FUNCTION)


def test_many_tokens_at_once_over_few_connections(node, den):
    tokens = [cold(den, box="read") if n % 2 else cold(den) for n in range(60)]
    before = den.connections
    with Asking(*(lambda token=token: node.ask("GET", "/keys", None, token) for token in tokens)) as asking:
        assert [answer.status for answer in asking.answers()] == [403, 200] * 30
    assert [kinds(den, token) for token in tokens] == [ABOUT_THE_NODE] * 60
    assert den.connections - before < 180
    before = den.connections
    for _ in range(20):
        assert node.ask("GET", "/keys", None, cold(den, box="read")).status == 200
    assert den.connections - before <= 20  # 60 questions


def test_new_callers_do_not_wait_for_one_another(node, den):
    """A Den that takes long: all of these are asked about at once, so all are answered in the time of one."""
    tokens, hang = [cold(den, box="read") for _ in range(30)], Hang()
    den.fails(hang)
    with Asking(*(lambda token=token: node.ask("GET", "/keys", None, token) for token in tokens)) as asking:
        hang.await_questions(len(ABOUT_THE_NODE) * len(tokens))
        hang.release()
        assert [answer.status for answer in asking.answers()] == [200] * len(tokens)


# -- for how long -----------------------------------------------------------------------------------

def test_allowed_counts_for_a_minute_and_denied_for_seconds(node, den):
    allowed, denied = cold(den, box="read"), cold(den)
    assert node.ask("GET", "/keys", None, allowed).status == 200
    assert node.ask("GET", "/keys", None, denied).status == 403
    den.sets(allowed, URI, "denied")
    den.sets(denied, URI, "read")
    wait_until("what was denied to be asked again",
               lambda: node.ask("GET", "/keys", None, denied).status == 200)
    assert node.ask("GET", "/keys", None, allowed).status == 200
    assert kinds(den, allowed) == ABOUT_THE_NODE


def test_revoked_at_den(tmp_path, den):
    with den_node(tmp_path / "d", den, "--den-cache-s", "1", "--den-denied-cache-s", "1") as node:
        token = cold(den, box="write")
        assert node.ask("GET", "/keys", None, token).status == 200
        den.sets(token, URI, None)
        wait_until("it to be revoked", lambda: node.ask("GET", "/keys", None, token).status == 403)
        den.sets(token, URI, "read")
        wait_until("it to be granted", lambda: node.ask("GET", "/keys", None, token).status == 200)
        den.forgets(token)
        answer = wait_until("it to be nobody's", lambda: next(
            (answer for answer in [node.ask("GET", "/keys", None, token)] if answer.status == 403
             and "www-authenticate" in answer.headers), None))
        assert "invalid_token" in answer.headers["www-authenticate"]


def test_token_that_expires(tmp_path, den):
    with den_node(tmp_path / "d", den, "--den-cache-s", "1", "--den-denied-cache-s", "1") as node:
        token = cold(den, box="write")
        den.expires(token, after=6)
        assert node.ask("GET", "/keys", None, token).status == 200
        wait_until("it to expire", lambda: node.ask("GET", "/keys", None, token).status == 403)


def test_settings_drop_what_is_known(node, den):
    token = cold(den, box="read")
    assert node.ask("GET", "/keys", None, token).status == 200
    den.sets(token, URI, None)
    assert node.ask("GET", "/keys", None, token).status == 200
    assert node.ask("POST", "/settings", {"flush_auth_cache": False}, OWNER_TOKEN).status == 200
    assert node.ask("GET", "/keys", None, token).status == 200
    assert node.ask("POST", "/settings", {"flush_auth_cache": True}, OWNER_TOKEN).status == 200
    assert node.ask("GET", "/keys", None, token).status == 403
    assert kinds(den, token) == sorted(2 * ABOUT_THE_NODE)


def test_dropped_by_one_who_was_waited_for(node, den):
    """The very request that Den was asked about drops the answer, while others wait for it too."""
    for _ in range(5):
        token, hang = cold(den, box="write"), Hang()
        den.fails(hang)
        requests = [lambda: node.ask("POST", "/settings", {"flush_auth_cache": True}, token)] * 4
        requests += [lambda: node.ask("GET", "/keys", None, token)] * 4
        with Asking(*requests) as asking:
            hang.await_questions(3)
            hang.release()
            assert [answer.status for answer in asking.answers()] == [200] * 8


def test_dropped_while_it_is_asked(node, den):
    """What Den answers to a question of before is not kept, and who waits is answered."""
    token, hang = cold(den, box="read"), Hang()
    den.fails(hang)
    with Asking(lambda: node.ask("GET", "/keys", None, token)) as asking:
        hang.await_questions(3)
        assert node.ask("POST", "/settings", {"flush_auth_cache": True}, OWNER_TOKEN).status == 200
        assert asking.is_open
        hang.release()
        assert asking.answer().status == 200
    den.sets(token, URI, None)
    assert node.ask("GET", "/keys", None, token).status in (200, 403)
    assert node.ask("POST", "/settings", {"flush_auth_cache": True}, OWNER_TOKEN).status == 200
    assert node.ask("GET", "/keys", None, token).status == 403


# -- where Den is, and what the node is called --------------------------------------------------------

@pytest.mark.parametrize("cluster", [None, "box"])
def test_node_without_a_folder_is_not_asked_about(tmp_path, den, cluster):
    with den_node(tmp_path / "d", den, cluster=cluster) as node:
        node.put("private_fn", "add")
        token = cold(den, private_fn="read")
        assert node.ask("GET", "/keys", None, token).status == 403
        assert kinds(den, token) == [(USER, "")]
        assert node.ask("POST", "/private_fn/call?_bare=1", {"a": 1}, token).json() == 3
        assert kinds(den, token) == sorted([(USER, ""), *ABOUT_THE_FUNCTION])


def test_node_without_a_token_of_its_own(tmp_path, den):
    """Whether a token is the owner's is a question for nodes that have an owner. Source: auth.md section 4."""
    with den_node(tmp_path / "d", den, owner=False) as node:
        reader, holder = cold(den, box="read"), cold(den, (URI,))
        assert node.ask("GET", "/keys", None, reader).status == 200
        assert node.ask("GET", "/keys", None, holder).status == 403
        assert kinds(den, reader) == [(LEVEL, URI), (USER, "")]
        assert "auth.nobody_gets_in" not in node.daemon.log()


def named(den: FakeDen, folder, *args: str, env: dict | None = None, config: str = "", cluster: dict | None = None):
    """A node whose cluster is olga's box, and who names a Den in which way."""
    write_cluster_config(folder / "home", CLUSTER, den_auth=True, **(cluster or {}))
    if config:
        (folder / "home" / ".rh" / "config.yaml").write_text(config)
    return Gatehoused(folder, args=["--use-den-auth", *args],
                      env={"RH_TOKEN": OWNER_TOKEN, "RH_USERNAME": OWNER, **(env or {})})


NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("args, env, config, cluster", [
    (["--api-server-url", "DEN"], {"API_SERVER_URL": NOWHERE}, f"api_server_url: {NOWHERE}\n",
     {"api_server_url": NOWHERE}),
    ([], {"API_SERVER_URL": "DEN"}, f"api_server_url: {NOWHERE}\n", None),
    ([], {"GATEHOUSE_API_SERVER_URL": "DEN"}, f"api_server_url: {NOWHERE}\n", None),
    ([], {}, "api_server_url: DEN\n", None),
    ([], {}, "", {"api_server_url": "DEN"}),
    (["--api-server-url", "DEN/"], {}, "", None),
])
def test_flag_variable_and_the_clients_files_name_it(tmp_path, den, args, env, config, cluster):
    put = lambda text: text.replace("DEN", den.url)
    daemon = named(den, tmp_path / "d", *map(put, args), env={k: put(v) for k, v in env.items()},
                   config=put(config), cluster={k: put(v) for k, v in (cluster or {}).items()})
    try:
        daemon.start()
        answer = daemon.get("/keys", {"Authorization": f"Bearer {cold(den, box='read')}"})
        assert answer.status == 200, daemon.log()
        daemon.stop()
    finally:
        daemon.kill()


@pytest.mark.parametrize("url", ["den", "ftp://127.0.0.1/", "http://", "http://a b/", "http://u:p@127.0.0.1/"])
def test_address_that_is_none_is_refused(tmp_path, url):
    done = Gatehoused(tmp_path, args=["--api-server-url", url]).run_to_exit()
    assert done.returncode == 78 and "api_server_url" in done.stderr and ":p@" not in done.stderr


def test_without_a_den_tokens_are_wrong_at_once(tmp_path, den):
    write_cluster_config(tmp_path / "d" / "home", CLUSTER)
    daemon = named(den, tmp_path / "d")
    try:
        daemon.start()
        assert daemon.get("/keys", {"Authorization": f"Bearer {cold(den, box='read')}"}).status == 403
        daemon.stop()
    finally:
        daemon.kill()


def test_moved_to_another_den_while_it_runs(tmp_path, den):
    with FakeDen() as other:
        with den_node(tmp_path / "d", den) as node:
            token = other.knows("olaf", "token-of-the-other-den", box="read")
            assert node.ask("GET", "/keys", None, token, new_source()).status == 403
            change = {"api_server_url": other.url}
            assert node.local("PATCH", "/_gatehouse/v1/config", change).status == 200
            assert node.local("POST", "/settings", {"flush_auth_cache": True}).status == 200
            assert node.ask("GET", "/keys", None, token, new_source()).status == 200


# -- over TLS -----------------------------------------------------------------------------------------

def test_den_over_https(tmp_path):
    ca = PrivateCa(tmp_path / "ca")
    with FakeDen(ca.issue()) as den, den_node(tmp_path / "d", den, "--den-ca", str(ca.path)) as node:
        token, other = cold(den, box="read"), cold(den)
        assert node.ask("GET", "/keys", None, token).status == 200
        assert node.ask("GET", "/keys", None, other).status == 403
        assert kinds(den, token) == ABOUT_THE_NODE


@pytest.mark.parametrize("what", ["no ca", "another ca", "another host", "expired"])
def test_certificate_that_is_not_dens(tmp_path, what):
    """Nobody is believed who cannot show it, and no token is sent to them."""
    ca, other = PrivateCa(tmp_path / "ca"), PrivateCa(tmp_path / "other")
    context = {"another host": lambda: ca.issue(host="den.example", address="10.0.0.1"),
               "expired": lambda: ca.issue(days=-1)}.get(what, ca.issue)()
    args = {"no ca": [], "another ca": ["--den-ca", str(other.path)]}.get(what, ["--den-ca", str(ca.path)])
    with FakeDen(context) as den, den_node(tmp_path / "d", den, *args) as node:
        token = cold(den, box="read")
        answer = node.ask("GET", "/keys", None, token)
        assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1
        assert den.questions() == []
        assert "auth.den_failed" in node.daemon.log()
        assert node.ask("GET", "/keys", None, OWNER_TOKEN).status == 200


# -- logs and apps ------------------------------------------------------------------------------------

def test_logs_of_the_key_in_the_body(node, den):
    name = f"run-{new_source()}"
    for key in ("private_fn", "add"):
        body = {"data": {"args": [1, 2]}, "run_name": f"{name}-{key}", "stream_logs": True}
        assert node.ask("POST", f"/{key}/call", body, OWNER_TOKEN).status == 200

    def read(token, key, run):
        answer = node.ask("POST", "/logs", {"run_name": f"{name}-{run}", "key": key}, token)
        return answer.status, "adding" in answer.text

    for _ in range(2):
        for level in ("read", "write"):
            assert read(cold(den, private_fn=level), "private_fn", "private_fn") == (200, True)
        assert read(cold(den, private_fn="read"), "private_fn", "add") == (200, False)
        assert read(cold(den, private_fn="read"), "add", "add") == (403, False)
        assert read(cold(den, private_fn="read"), "open_fn", "private_fn") == (200, False)
        assert read(cold(den, box="read"), "add", "add") == (200, True)
        assert read(cold(den), "private_fn", "private_fn") == (403, False)


def test_logs_wait_for_den(node, den):
    hang = Hang()
    den.fails(hang)
    token = cold(den, private_fn="read")
    with Asking(lambda: node.ask("POST", "/logs", {"run_name": "none", "key": "private_fn"}, token)) as asking:
        hang.await_questions(1)
        assert asking.is_open
        hang.release()
        assert (asking.answer().status, asking.answer().text) == (200, "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_apps(node, den, method):
    body = {"some": "thing"} if method in ("POST", "PUT", "PATCH") else None
    for token, status in ((cold(den, box="read"), 200), (cold(den, page="read"), 403), (cold(den), 403)):
        answer = node.ask(method, "/page/a/b?c=d", body, token)
        assert answer.status == status
    assert node.ask(method, "/page/a/b", body).status == 401


def test_stop_while_den_is_asked(tmp_path, den):
    """Nobody waits for Den when the daemon is to end."""
    hang = Hang()
    with den_node(tmp_path / "d", den, "--den-timeout-ms", "60000") as node:
        den.fails(hang)
        token = cold(den, box="read")

        def ask():
            try:
                return node.ask("GET", "/keys", None, token).status
            except (OSError, EOFError):
                return 0
        with Asking(ask) as asking:
            hang.await_questions(1)
            node.daemon.signal(signal.SIGTERM)
            assert node.daemon.wait() == 0
            assert asking.answer() in (0, 503)
        node.daemon.start()


def test_answers_of_one_den_are_not_taken_for_anothers_question(node, den):
    """Two tokens of one user, one address, two levels: each keeps its own."""
    one, two = (den.knows("twin", f"twin-{n}", box=level) for n, level in enumerate(("read", "denied")))
    for _ in range(3):
        assert node.ask("GET", "/keys", None, one).status == 200
        assert node.ask("GET", "/keys", None, two).status == 403


def test_strange_answers_that_are_right(node, den):
    """More members than are read, other content types, a null level."""
    token = cold(den)
    den.fails(says(200, {"data": {"username": "extra", "more": [1, {}]}, "x": 1}, **{"Content-Type": "text/plain"}), USER)
    den.fails(says(200, {"data": {"access_level": None}}), LEVEL)
    assert node.ask("GET", "/keys", None, token).status == 403
    den.fails(says(200, "this is not even JSON"), VALID)  # only its status is read
    token = cold(den)
    assert node.ask("GET", "/keys", None, token).status == 200
    assert Question(VALID, token, URI) in den.questions(token)
