# SPDX-License-Identifier: Apache-2.0
"""What holds in every suite: which tests a build is spared, which tests want the machine to themselves, how
a run is ended, and where its files go.

A suite runs in several processes at once (pytest-xdist; tests/run-pytest says how many), each file in one
of them, so a file's tests still come one after another and share what they share.
"""
from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

import pytest

SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("", "no")
spared: Counter[str] = Counter()  # tests left out of this run, by reason


def is_one_of_several(config) -> bool:
    """This process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


# -- what a build is spared ---------------------------------------------------------------------------

def pytest_collection_modifyitems(config, items):
    """A sanitizer looks at our C code; tests that spend their time elsewhere are not repeated under it."""
    kept, out = [], []
    for item in items:
        mark = item.get_closest_marker("release_only") if SANITIZED else None
        (out if mark else kept).append(item)
        if mark:
            spared[mark.args[0]] += 1
    if out:
        items[:] = kept
        config.hook.pytest_deselected(items=out)


def pytest_sessionfinish(session):
    if is_one_of_several(session.config):
        session.config.workeroutput["spared"] = dict(spared)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Each process collects all tests, and all of them leave out the same."""
    spared.update(Counter(getattr(node, "workeroutput", {}).get("spared", {})) - spared)


def pytest_terminal_summary(terminalreporter):
    for reason, count in sorted(spared.items()):
        terminalreporter.write_line(f"LEFT OUT [{count}] {reason}")


# -- tests that want the machine to themselves --------------------------------------------------------

class Turns:
    """Tests in several processes run side by side, but nothing beside one that is marked `alone`."""

    def __init__(self, folder: Path):
        self.door = open(folder / "door", "a")
        self.room = open(folder / "room", "a")

    def take(self, alone: bool) -> None:
        fcntl.flock(self.door, fcntl.LOCK_EX)  # while one waits for an empty room nobody else enters
        fcntl.flock(self.room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self.door, fcntl.LOCK_UN)

    def leave(self) -> None:
        fcntl.flock(self.room, fcntl.LOCK_UN)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Around the time limit of the test: its turn may be long in coming."""
    turns = getattr(item.config, "turns", None)
    if turns is None:
        yield
        return
    turns.take(item.get_closest_marker("alone") is not None)
    try:
        yield
    finally:
        turns.leave()


# -- files and ends -----------------------------------------------------------------------------------

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Short names for the folders of several processes: sockets are kept there, and a socket's path has
    at most 107 bytes."""
    if is_one_of_several(config):
        given = Path(config.option.basetemp)  # .../popen-gw0
        config.option.basetemp = str(given.with_name(given.name.removeprefix("popen-gw")))
        config.turns = Turns(given.parent)
    elif config.getoption("numprocesses", None) and not config.option.basetemp:
        config.option.basetemp = config.own_basetemp = tempfile.mkdtemp(prefix="gh-")


def pytest_unconfigure(config):
    if folder := getattr(config, "own_basetemp", None):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_sessionstart(session):
    """SIGTERM ends the run as Ctrl-C does: fixtures stop their daemons."""
    def on_term(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, on_term)


def pytest_runtest_makereport(item, call):
    """Remember for the fixtures' teardown whether the test itself failed."""
    if call.when == "call":
        item.test_failed = call.excinfo is not None and not call.excinfo.errisinstance(
            pytest.skip.Exception)
