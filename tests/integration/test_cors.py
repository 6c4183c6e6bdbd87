# SPDX-License-Identifier: Apache-2.0
"""Pages of other origins may call where cors_origins says so, and nowhere else. The Fetch standard, "CORS protocol"."""
from __future__ import annotations

import pytest

from .gatehoused import USER_CODE, Gatehoused, wait_until

APP, OTHER = "https://app.example", "https://other.example"
MODULES = [f"concat={USER_CODE}/things.py:concat", f"app={USER_CODE}/asgi_answers.py:app"]
CROSS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
ALLOW = "access-control-allow-origin"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """nodes(*args): a daemon with these options, shared by the tests of this file."""
    started: dict[tuple, Gatehoused] = {}

    def get(*args: str) -> Gatehoused:
        if args not in started:
            started[args] = Gatehoused(tmp_path_factory.mktemp("cors"), modules=MODULES, args=args,
                                       env={"RH_TOKEN": "own-token"}).start()
            wait_until("the modules", lambda: started[args].get("/readyz").status == 200)
        return started[args]
    yield get
    for daemon in started.values():
        daemon.stop()


@pytest.fixture
def listed(nodes):
    return nodes("--cors-origins", f"{APP},http://localhost:3000", "--cors-max-age-s", "77")


@pytest.fixture
def anyone(nodes):
    return nodes("--cors-origins", "*", "--cors-credentials")


def preflight(daemon, origin, path="/concat/call", method="POST", names="content-type,authorization"):
    return daemon.request("OPTIONS", path, None, {
        "Origin": origin, **CROSS, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": names})


def call(daemon, origin, **more):
    return daemon.request("POST", "/concat/call?_bare=1", '{"a": "x", "b": "y"}', {
        "Origin": origin, **CROSS, "Content-Type": "application/json", **more})


def cors_headers(answer) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


def test_off_unless_it_is_set(nodes):
    daemon = nodes()
    for answer in (preflight(daemon, APP), call(daemon, APP),
                   daemon.get("/check", {"Origin": APP})):
        assert answer.status == 403 and not cors_headers(answer), answer
    answer = daemon.get("/check")
    assert not cors_headers(answer) and "vary" not in answer.headers


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000", "HTTPS://APP.example"])
def test_preflight_of_a_listed_origin(listed, origin):
    answer = preflight(listed, origin)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers[ALLOW] == origin
    assert answer.headers["vary"] == "Origin"
    assert "POST" in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == "content-type,authorization"
    assert answer.headers["access-control-max-age"] == "77"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [OTHER, "https://app.example:8443", "http://app.example", "null",
                                    "https://app.example.evil"])
def test_preflight_of_any_other(listed, origin):
    answer = preflight(listed, origin)
    assert answer.status == 403 and not cors_headers(answer)
    assert answer.headers["vary"] == "Origin"


def test_call_of_a_listed_origin(listed):
    answer = call(listed, APP)
    assert (answer.status, answer.json()) == (200, "xy")
    assert (answer.headers[ALLOW], answer.headers["vary"]) == (APP, "Origin")
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


def test_call_of_any_other_runs_nothing(listed):
    answer = call(listed, OTHER)
    assert answer.status == 403 and ALLOW not in answer.headers


def test_errors_can_be_read_too(listed):
    assert listed.get("/nope", {"Origin": APP, **CROSS}).headers[ALLOW] == APP
    answer = listed.request("POST", "/concat/call", "{", {"Origin": APP, **CROSS, "Content-Type": "application/json"})
    assert (answer.status, answer.headers[ALLOW]) == (422, APP)


def test_a_form_is_refused_all_the_same(listed):
    """What needs no preflight is no less a form because its page may call."""
    answer = listed.request("POST", "/concat/call", "{}", {"Origin": APP, **CROSS, "Content-Type": "text/plain"})
    assert answer.status == 415


def test_pages_without_an_origin_header_stay_out(listed):
    """A link or a picture on a page of another site tells no origin."""
    assert listed.get("/concat/call?a=1&b=2", {"Sec-Fetch-Site": "cross-site"}).status == 403


def test_the_name_it_is_asked_by_counts_all_the_same(listed):
    answer = listed.get("/check", {"Origin": APP, **CROSS, "Host": "evil.example"})
    assert answer.status == 403


def test_who_is_no_browser_sees_that_answers_differ(listed):
    answer = listed.get("/check")
    assert answer.headers["vary"] == "Origin" and not cors_headers(answer)


def test_any_origin_and_never_with_credentials(anyone):
    for answer in (preflight(anyone, OTHER), call(anyone, OTHER), call(anyone, "null")):
        assert answer.status in (200, 204)
        assert answer.headers[ALLOW] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "vary" not in answer.headers


def test_credentials_of_listed_origins(nodes):
    daemon = nodes("--cors-origins", APP, "--cors-credentials")
    for answer in (preflight(daemon, APP), call(daemon, APP)):
        assert (answer.headers[ALLOW], answer.headers["access-control-allow-credentials"]) == (APP, "true")
    assert "access-control-allow-credentials" not in call(daemon, OTHER).headers


@pytest.mark.parametrize("names", ["x y\x01", "a" * 2000, "a:b"])
def test_names_that_are_none_are_not_sent_back(listed, names):
    answer = preflight(listed, APP, names=names)
    assert "access-control-allow-headers" not in answer.headers


def test_preflight_needs_no_token_and_a_call_does(nodes):
    daemon = nodes("--cors-origins", APP, "--use-den-auth")
    assert preflight(daemon, APP).status == 204
    answer = call(daemon, APP)
    assert (answer.status, answer.headers[ALLOW]) == (401, APP)
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
    assert call(daemon, APP, Authorization="Bearer own-token").status == 200


def test_apps_have_their_own(listed):
    answer = listed.request("OPTIONS", f"/app/200?header={ALLOW}:https://x", None,
                            {"Origin": APP, **CROSS, "Access-Control-Request-Method": "GET"})
    assert (answer.status, answer.headers[ALLOW]) == (200, "https://x")
    answer = listed.get("/app/200", {"Origin": APP, **CROSS})
    assert not cors_headers(answer) and "vary" not in answer.headers


def test_origin_alone_tells_a_page_of_another_site(nodes):
    """Browsers keep Sec-Fetch-Site from addresses that they do not trust; Origin they send."""
    daemon = nodes()
    own = f"http://127.0.0.1:{daemon.port}"
    assert daemon.get("/check", {"Origin": own}).status == 200
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", "file://"):
        assert daemon.get("/check", {"Origin": origin}).status == 403, origin


@pytest.mark.parametrize("value", ["app.example", "https://app.example/", "https://*.example", "*,https://a"])
def test_a_bad_list_is_told_at_the_start(tmp_path, value):
    done = Gatehoused(tmp_path, args=["--cors-origins", value]).run_to_exit()
    assert done.returncode == 78
    assert "cors_origins" in done.stderr and "no origin" in done.stderr
