# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven by its DevTools protocol over two pipes.

    with Browser() as browser:
        page = browser.open(daemon.url + "/docs")
        page.until("document.title == 'x'")

It resolves no name but localhost's and those in `names`, so a page that asks the internet for anything fails
to get it, and `page.requests` shows that it asked. It trusts the authorities of the system and `roots`, which
are installed as a person does: in the NSS database of its home. Source: Chrome DevTools Protocol,
--remote-debugging-pipe: JSON messages ended by NUL on descriptors 3 and 4; docs/linux/cert_management.md of Chromium.
"""
from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Mapping, Sequence

from .gatehoused import ANSWER_S

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """Path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def install_roots(home: str, roots: Sequence[Path]) -> None:
    """Let who has this home trust the authorities in these PEM files for servers."""
    database = f"sql:{home}/.pki/nssdb"
    os.makedirs(database.removeprefix("sql:"))
    for words in (["-N", "--empty-password"],
                  *(["-A", "-t", "C,,", "-n", f"root {number}", "-i", str(root)] for number, root in enumerate(roots))):
        subprocess.run(["certutil", "-d", database, *words], check=True, capture_output=True, text=True)


class Browser:
    """One browser process with a profile of its own."""

    def __init__(self, roots: Sequence[Path] = (), names: Mapping[str, str] | None = None) -> None:
        self.profile = tempfile.mkdtemp(prefix="gatehouse-browser.")
        if roots:
            install_roots(self.profile, roots)
        rules = [*(f"MAP {name} {address}" for name, address in (names or {}).items()),
                 "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"]
        self.log = open(os.path.join(self.profile, "log"), "w+b")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        command = [find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
                   f"--host-resolver-rules={', '.join(rules)}", "--no-proxy-server", "about:blank"]

        def give_pipes() -> None:  # as descriptors 3 and 4, whatever numbers they have now
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        env = {**os.environ, "HOME": self.profile}
        # The dups of give_pipes close themselves: descriptors that Python makes are not inherited.
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env,
            close_fds=False, preexec_fn=give_pipes, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        self._last_id = 0
        self.events: list[dict] = []

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error: object) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self._write)
        os.close(self._read)
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _next_message(self, until: float) -> dict | None:
        while b"\0" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                return None
            chunk = os.read(self._read, 1 << 16)
            if not chunk:
                self.log.seek(0)
                raise AssertionError(f"the browser ended:\n{self.log.read()[-4000:]!r}")
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict:
        """One command, and its result. Events that come before it are kept in `events`."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        until = time.monotonic() + ANSWER_S
        while (answer := self._next_message(until)) is not None:
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)
        raise AssertionError(f"no answer to {method} within {ANSWER_S:g} s")

    def open(self, url: str) -> "Page":
        page = self.tab()
        page.ask("Page.navigate", url=url)
        page.until("document.readyState == 'complete' && location.href != 'about:blank'")
        return page

    def refusal(self, url: str) -> str | None:
        """What the browser says instead of showing URL, as in "net::ERR_CERT_DATE_INVALID"."""
        return self.tab().ask("Page.navigate", url=url).get("errorText")

    def tab(self) -> "Page":
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.ask(f"{domain}.enable")
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser = browser
        self.session = session

    def ask(self, method: str, **params: Any) -> dict:
        return self.browser.ask(method, self.session, **params)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)
        assert "exceptionDetails" not in result, f"{script}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until the expression is true, and return its value."""
        end, pause = time.monotonic() + ANSWER_S, 0.01
        while not (value := self.run(script)):
            if time.monotonic() > end:
                raise AssertionError(f"still waiting after {ANSWER_S:g} s for {script}; "
                                     f"{self.problems()}\n{self.run('document.body.innerText')}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        return value

    def click(self, selector: str) -> None:
        """As a person does: wait for it, then click."""
        self.until(f"!!document.querySelector({selector!r})")
        self.run(f"document.querySelector({selector!r}).click()")

    def fill(self, selector: str, text: str) -> None:
        """Put TEXT into a field in a way that the page's framework notices."""
        self.until(f"!!document.querySelector({selector!r})")
        self.run(f"document.querySelector({selector!r}).focus();"
                 f"document.querySelector({selector!r}).select()")
        self.ask("Input.insertText", text=text)
        self.run("document.activeElement.blur()")  # some fields tell their page only then

    def _events(self, method: str) -> list[dict]:
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] == method]

    @property
    def requests(self) -> list[str]:
        """The URLs that the page asked for, whether it got them or not."""
        return [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    @property
    def responses(self) -> dict[str, dict]:
        """URL -> the answer to it, with its securityState and securityDetails."""
        return {event["response"]["url"]: event["response"] for event in self._events("Network.responseReceived")}

    def problems(self) -> list[str]:
        """What the browser complained of: errors, and what the page's policy forbade."""
        entries = [event["entry"] for event in self._events("Log.entryAdded")]
        thrown = [event["exceptionDetails"] for event in self._events("Runtime.exceptionThrown")]
        return [f"{entry['source']}: {entry['text']} {entry.get('url', '')}" for entry in entries
                if entry["level"] in ("error", "warning")] + [
                    detail.get("exception", {}).get("description", detail["text"])
                    for detail in thrown]
