# SPDX-License-Identifier: Apache-2.0
"""Every token that a test uses is noted here, and looked for in all that daemons leave behind.

The fixture no_token_is_left looks through the files of the whole session at its end: logs, what was printed,
audit logs, state folders, core dumps. look_at_processes() looks at arguments and environments while they run.
"""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterable, Iterator

import pytest

from .gatehoused import descendants

LONG = 10
"""Shorter texts are no tokens: they could be anywhere."""

FILE_MAX_BYTES = 64 << 20
FILES_AT_ONCE = 500

TOKENS_BELONG = re.compile(r"/home/\.rh/config\.yaml$|/test_cli|/ssh/|_home/|/project/")
"""The client's own file, and what tests write for clients."""

ARTEFACTS = re.compile(r"\.log(\.\d+)?$|/stdout$|/stderr$|/state/|/core[^/]*$|\.db[^/]*$")

_used: set[str] = set()


def note(token: str) -> str:
    """TOKEN is used from now on."""
    if len(token) >= LONG:
        _used.add(token)
    return token


def used() -> frozenset[str]:
    return frozenset(_used)


def artefacts(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        text = str(path)
        if ARTEFACTS.search(text) and not TOKENS_BELONG.search(text) and not path.is_symlink() \
                and path.is_file() and path.stat().st_size <= FILE_MAX_BYTES:
            yield path


def leaks(root: Path, tokens: Iterable[str] | None = None) -> list[str]:
    """Where below ROOT a token stands, in words that do not hold it."""
    texts = "\n".join(used() if tokens is None else tokens).encode()
    files, found = list(artefacts(root)), []
    for at in range(0, len(files) if texts else 0, FILES_AT_ONCE):
        # grep looks for many texts at once; they come by a pipe, since arguments can be seen.
        done = subprocess.run(["grep", "-abFHoZ", "-f", "-", "--", *files[at:at + FILES_AT_ONCE]], input=texts,
                              capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        assert done.returncode in (0, 1), done.stderr
        for path, place, token in re.findall(rb"(.*)\0(\d+):(.*)", done.stdout):
            found.append(f"{os.fsdecode(path)}, byte {int(place)}: ...{os.fsdecode(token[-4:])}")
    return found


def look_at_processes(pid: int, tokens: Iterable[str] | None = None) -> list[str]:
    """The same for the arguments and environments of PID and all below it."""
    texts, found = used() if tokens is None else list(tokens), []
    for each in [pid, *descendants(pid)]:
        for name in ("cmdline", "environ"):
            try:
                content = Path(f"/proc/{each}/{name}").read_bytes()
            except OSError:
                continue  # it has ended
            found += [f"{name} of process {each}: ...{text[-4:]}" for text in texts if text.encode() in content]
    return found


@pytest.fixture(scope="session", autouse=True)
def no_token_is_left(tmp_path_factory):
    yield
    found = leaks(tmp_path_factory.getbasetemp())
    assert not found, "\n".join(found[:50])
