# SPDX-License-Identifier: Apache-2.0
"""The pages in a Chromium that reaches this node and nothing else."""
from __future__ import annotations

import re

import pytest

from . import browser
from .browser import Browser
from .test_doc_pages import needs_viewers

pytestmark = [pytest.mark.release_only("the time is a browser's"), needs_viewers, pytest.mark.skipif(
    not browser.find(), reason="no Chromium (tools/install-packages test)")]

LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"


@pytest.fixture
def chromium():
    """One for each test, so that its connections are gone when the daemon is inspected."""
    with Browser() as running:
        yield running


def foreign(page, daemon) -> list[str]:
    """What it asked for elsewhere."""
    own = (daemon.url + "/", "data:", f"blob:{daemon.url}/")
    return [url for url in page.requests if not url.startswith(own)]


def operation(method: str) -> str:
    return f"#operations-concat-{method}_call"


def test_call_by_post(daemon, chromium):
    """Expand the operation, give it a body, execute it, read the answer."""
    daemon.put_function("concat")
    page = chromium.open(daemon.url + "/concat/docs")
    page.click(operation("post") + " .opblock-summary-control")
    page.click(operation("post") + " .try-out__btn")
    page.fill(operation("post") + " textarea", '{"a": "run", "b": "house"}')
    page.click(operation("post") + " .btn.execute")
    answer = operation("post") + " .live-responses-table .response-col_description .highlight-code"
    page.until(f"!!document.querySelector('{answer}')")
    assert '"runhouse"' in page.run(f"document.querySelector('{answer}').innerText")
    assert page.problems() == []
    assert foreign(page, daemon) == []


def test_call_by_get(daemon, chromium):
    daemon.put_function("concat")
    page = chromium.open(daemon.url + "/concat/docs")
    page.click(operation("get") + " .opblock-summary-control")
    page.click(operation("get") + " .try-out__btn")
    page.fill(operation("get") + " tr[data-param-name='a'] input", "run")
    page.fill(operation("get") + " tr[data-param-name='b'] input", "house")
    page.click(operation("get") + " .btn.execute")
    answer = operation("get") + " .live-responses-table .response-col_description .highlight-code"
    page.until(f"!!document.querySelector('{answer}')")
    assert "runhouse" in page.run(f"document.querySelector('{answer}').innerText")
    assert page.problems() == []


def test_redoc_shows_the_module(daemon, chromium):
    daemon.put_function("concat")
    page = chromium.open(daemon.url + "/concat/redoc")
    page.until("document.querySelector('h1') && document.body.innerText.includes('/concat/call')")
    assert page.run("document.querySelector('h1').innerText").startswith("concat")
    refused = [problem for problem in page.problems() if LOGO not in problem]
    assert refused == []
    assert set(foreign(page, daemon)) <= {LOGO}


@pytest.mark.parametrize("path, word", [("/docs", "/create_process"), ("/redoc", "/create_process")])
def test_node_is_shown(daemon, chromium, path, word):
    page = chromium.open(daemon.url + path)
    page.until(f"document.body.innerText.includes({word!r})")
    assert [problem for problem in page.problems() if LOGO not in problem] == []
    assert set(foreign(page, daemon)) <= {LOGO}


def test_policy_stops_a_script_in_the_page(daemon, chromium):
    """The policy is in force: what would be put into a page does not run."""
    page = chromium.open(daemon.url + "/docs")
    page.run("(() => { const s = document.createElement('script'); s.text = 'window.ran = 1';"
             "document.body.append(s); const i = document.createElement('img');"
             "i.src = 'http://127.0.0.1:1/x'; document.body.append(i) })()")
    page.until("window.ui !== undefined")
    assert page.run("window.ran === undefined")
    assert any(re.search("Content Security Policy", problem) for problem in page.problems())


def test_page_of_another_site_may_not_frame_it(daemon, chromium, start_daemon):
    other = start_daemon(inspect=False)  # the browser is still connected when it is stopped
    page = chromium.open(other.url + "/openapi.json")
    page.run(f"(() => {{ const f = document.createElement('iframe'); f.src = '{daemon.url}/docs';"
             "document.body.append(f) })()")
    page.until("document.querySelector('iframe').contentDocument === null")
