# SPDX-License-Identifier: Apache-2.0
"""A page in somebody's browser must not drive the node."""
from __future__ import annotations

import pytest

CROSS = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
JSON = {"Content-Type": "application/json"}


def ask(daemon, method, path, headers, body=None):
    return daemon.request(method, path, body, headers)


@pytest.mark.parametrize("sign", [{"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"},
                                  {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}],
                         ids=str)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:32300", "localhost.evil.example",
                                  "127.0.0.1.evil.example"])
def test_browser_with_a_foreign_host_is_refused(daemon, sign, host):
    answer = ask(daemon, "GET", "/check", {**sign, "Host": host})
    assert answer.status == 403
    assert answer.json()["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "127.0.0.1", "localhost",
                                  "[::1]:{port}", "LOCALHOST"])
def test_browser_with_an_address_or_localhost_is_served(daemon, host):
    answer = ask(daemon, "GET", "/check", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate",
                                           "Host": host.format(port=daemon.port)})
    assert answer.status == 200


@pytest.mark.parametrize("args", [["--allowed-hosts", "gpu.example,box.example"],
                                  ["--domain", "box.example, gpu.example"],
                                  ["--domain", "box.example", "--allowed-hosts", "gpu.example"]])
def test_configured_name_is_served(start_daemon, args):
    daemon = start_daemon(args=args)
    for name in ("gpu.example", "box.example:32300"):
        headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Host": name}
        assert ask(daemon, "GET", "/check", headers).status == 200
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Host": "other.example"}
    assert ask(daemon, "GET", "/check", headers).status == 403


def test_other_clients_may_use_any_host(daemon):
    assert ask(daemon, "GET", "/check", {"Host": "evil.example"}).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", None])
def test_post_of_a_form_is_refused(daemon, content_type):
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    if content_type:
        headers["Content-Type"] = content_type
    answer = ask(daemon, "POST", "/settings", headers, "{}")
    assert answer.status == 415
    assert answer.json()["detail"]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8",
                                          "Application/JSON"])
def test_post_of_json_from_the_same_site_is_served(daemon, content_type):
    headers = {"Origin": f"http://127.0.0.1:{daemon.port}", "Sec-Fetch-Site": "same-origin",
               "Sec-Fetch-Mode": "cors", "Content-Type": content_type}
    assert ask(daemon, "POST", "/settings", headers, "{}").status == 200


def test_call_from_another_site_is_refused(daemon):
    daemon.put_function("concat")
    assert ask(daemon, "GET", "/concat/call?a=x&b=y", CROSS).status == 403
    assert ask(daemon, "POST", "/concat/call", {**CROSS, **JSON}, '{"run_name": "r"}').status == 403


def test_no_cors_headers_are_given(daemon):
    answer = ask(daemon, "GET", "/check", {"Origin": "http://localhost", "Sec-Fetch-Site": "none"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
