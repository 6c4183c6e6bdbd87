# SPDX-License-Identifier: Apache-2.0
"""HTTPS in a Chromium: what its owner has installed is trusted, the rest is refused."""
from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from . import browser
from .browser import Browser
from .gatehoused import BUILD
from .ports import free_port
from .test_doc_pages import needs_viewers
from .tls_kit import Authority, context_of

pytestmark = [pytest.mark.release_only("the time is a browser's"), pytest.mark.skipif(
    not browser.find() or not shutil.which("certutil"),
    reason="no Chromium, or no certutil (tools/install-packages test)")]

NAME = "gpu.example"
NAMES = {NAME: "127.0.0.1", "other.example": "127.0.0.1"}


class Site:
    """A daemon whose certificate a root of one's own has signed."""

    def __init__(self, folder, start_daemon, *args: str, **leaf):
        root = Authority.make("root of the test", is_ca=True)
        self.root = folder / "root.pem"
        self.root.write_bytes(root.pem)
        middle = Authority.make("middle", issuer=root, is_ca=True)
        self.leaf = Authority.make("leaf", [NAME, "localhost", "127.0.0.1"], issuer=middle, **leaf)
        self.daemon = start_daemon(inspect=False, tls=True, args=[*self.leaf.options(folder), "--domain", NAME, *args])
        self.daemon.__dict__["tls_context"] = context_of(root)

    def url(self, path: str, name: str = NAME) -> str:
        return f"https://{name}:{self.daemon.port}{path}"


@pytest.fixture
def make_site(start_daemon, tmp_path):
    def make(*args: str, **leaf) -> Site:
        return Site(tmp_path, start_daemon, *args, **leaf)
    return make


def test_without_the_root_it_is_refused(make_site):
    site = make_site()
    with Browser(names=NAMES) as chromium:
        for name in (NAME, "localhost"):
            assert chromium.refusal(site.url("/docs", name)) == "net::ERR_CERT_AUTHORITY_INVALID"


@needs_viewers
@pytest.mark.parametrize("name, kind", [(NAME, "ecdsa"), (NAME, "rsa2048"), ("localhost", "ecdsa"),
                                        ("127.0.0.1", "ecdsa")])
def test_with_the_root_the_pages_are_trusted_and_call(make_site, name, kind):
    """The node's page, and a call from the page of a function, as a person makes it."""
    site = make_site(kind=kind)
    site.daemon.put_function("concat")
    with Browser([site.root], NAMES) as chromium:
        page = chromium.open(site.url("/docs", name))
        page.until("document.body.innerText.includes('/create_process')")
        seen = page.responses[site.url("/docs", name)]
        assert (seen["status"], seen["securityState"]) == (200, "secure")
        assert (seen["securityDetails"]["protocol"], seen["securityDetails"]["issuer"]) == ("TLS 1.3", "middle")
        assert page.run("window.isSecureContext") and page.problems() == []

        page = chromium.open(site.url("/concat/docs", name))
        post = "#operations-concat-post_call"
        page.click(post + " .opblock-summary-control")
        page.click(post + " .try-out__btn")
        page.fill(post + " textarea", '{"a": "run", "b": "house"}')
        page.click(post + " .btn.execute")
        answer = post + " .live-responses-table .response-col_description .highlight-code"
        page.until(f"!!document.querySelector('{answer}')")
        assert '"runhouse"' in page.run(f"document.querySelector('{answer}').innerText")
        assert page.problems() == []
        assert {response["securityState"] for url, response in page.responses.items()
                if url.startswith("https:")} == {"secure"}


def test_a_script_calls_and_is_answered(make_site):
    """fetch() from a page of the node: a small answer and a large one."""
    site = make_site()
    site.daemon.put_function("concat")
    with Browser([site.root], NAMES) as chromium:
        page = chromium.open(site.url("/check"))
        call = ("fetch('/concat/call', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: "
                "JSON.stringify({data: {args: ['x'.repeat(SIZE), 'y'], kwargs: {}}})}).then(r => r.json())")
        assert page.run(call.replace("SIZE", "3")) == "xxxy"
        assert page.run(call.replace("SIZE", "2000000") + ".then(text => text.length)") == 2_000_001
        assert page.problems() == []


@pytest.mark.parametrize("problem, leaf, path_name", [
    ("net::ERR_CERT_COMMON_NAME_INVALID", {}, "other.example"),
    ("net::ERR_CERT_DATE_INVALID", {"days": -1, "since": 3}, NAME),
    ("net::ERR_CERT_DATE_INVALID", {"days": 9, "since": -3}, NAME),
])
def test_a_certificate_that_is_wrong_is_refused_with_the_reason(make_site, problem, leaf, path_name):
    site = make_site(**leaf)
    with Browser([site.root], NAMES) as chromium:
        assert chromium.refusal(site.url("/check", path_name)) == problem


def test_the_nodes_own_certificate_can_be_installed_too(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, tls=True)
    shown = tmp_path / "node.pem"
    with open(shown, "wb") as file:
        subprocess.run([BUILD / "gatehouse", "cert", "show", "--state-dir", daemon.folder / "state"], stdout=file, check=True)
    url = f"https://localhost:{daemon.port}/check"
    with Browser() as chromium:
        assert chromium.refusal(url) == "net::ERR_CERT_AUTHORITY_INVALID"
    with Browser([shown]) as chromium:
        page = chromium.open(url)
        assert page.responses[url]["securityState"] == "secure"
        assert json.loads(page.run("document.body.innerText")) == {"rh_version": "0.0.42"}


def test_from_http_it_is_led_to_https_and_stays_there(make_site):
    """By the port that redirects, then, with HSTS, without asking it again."""
    plain = free_port()
    site = make_site("--listen", f"127.0.0.1:{plain}/redirect", "--hsts-max-age-s", "3600")
    with Browser([site.root], NAMES) as chromium:
        page = chromium.open(f"http://{NAME}:{plain}/check?a=1")
        assert page.run("location.href") == site.url("/check?a=1")
        assert page.responses[site.url("/check?a=1")]["securityState"] == "secure"
        page = chromium.open(f"http://{NAME}:{site.daemon.port}/check")  # HSTS is for the name, and keeps the port
        assert page.run("location.href") == site.url("/check")


def test_who_knows_it_by_https_cannot_be_made_to_take_another_certificate(make_site, start_daemon):
    """HSTS on: a certificate that is not trusted is refused, and a person cannot go on either."""
    site = make_site("--hsts-max-age-s", "3600")
    other = start_daemon(inspect=False, tls=True)
    with Browser([site.root], NAMES) as chromium:
        chromium.open(site.url("/check"))
        assert chromium.refusal(f"https://{NAME}:{other.port}/check") == "net::ERR_CERT_AUTHORITY_INVALID"
