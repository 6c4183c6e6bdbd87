# SPDX-License-Identifier: Apache-2.0
"""Run `gatehouse` against a daemon of the tests, with and without a terminal."""
from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Mapping

from .gatehoused import BUILD, Gatehoused

PROGRAM = BUILD / "gatehouse"
DONE_S = 60.0


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    dropped = ("GATEHOUSE_", "RH_", "XDG_", "NO_COLOR", "STATE_DIRECTORY", "http_proxy", "https_proxy")
    env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return {**env, "HOME": "/nonexistent", "TERM": "xterm", **(extra or {})}


@dataclass
class Done:
    """A run that has ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def ok(self) -> "Done":
        assert self.status == 0, self
        return self


def words_of(daemon: Gatehoused | None, *words: str) -> list[str]:
    place = ["--state-dir", str(daemon.folder / "state")] if daemon else []
    return [str(PROGRAM), *words[:1], *place, *words[1:]]


def start(daemon: Gatehoused | None, *words: str, env: Mapping[str, str] | None = None,
          **options) -> subprocess.Popen:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(words_of(daemon, *words), text=True, env=environment(env), **streams)


def finish(process: subprocess.Popen, text: str | None = None) -> Done:
    try:
        out, err = process.communicate(text, DONE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Done(process.returncode, out, err)


def gatehouse(daemon: Gatehoused | None, *words: str, text: str = "",
              env: Mapping[str, str] | None = None, **options) -> Done:
    """Run it to its end; without a DAEMON, WORDS say where to ask."""
    return finish(start(daemon, *words, env=env, **options), text)


def on_terminal(daemon: Gatehoused | None, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What it shows on a terminal, both streams together."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words_of(daemon, *words), stdin=theirs, stdout=theirs, stderr=theirs,
                               env=environment(env), close_fds=True)
    os.close(theirs)
    shown, end = b"", time.monotonic() + DONE_S
    try:
        while select.select([ours], [], [], max(0, end - time.monotonic()))[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # EIO: nobody holds the other side any more
                break
            if not chunk:
                break
            shown += chunk
        process.wait(DONE_S)
    finally:
        process.kill()
        os.close(ours)
    return shown.decode()
