# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests.

daemon: a gatehoused shared by the tests of one file, emptied and inspected after each of them.
start_daemon: starts more of them, each with its own options, stopped and inspected after the test.
"""
from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from .gatehoused import Gatehoused
from .hygiene import no_token_is_left  # noqa: F401


def show_log(daemon: Gatehoused) -> None:
    lines = daemon.log().splitlines()
    print(f"\n--- log of gatehoused, pid {daemon.pid}, last {min(len(lines), 200)} lines ---")
    print("\n".join(lines[-200:]))


def inspect(daemon: Gatehoused) -> None:
    """What must hold after every test: no sanitizer report, no descriptor left open."""
    assert not daemon.trouble(), "\n".join(daemon.trouble())
    assert daemon.alive, f"gatehoused ended, exit status {daemon.process.returncode}"
    daemon.forget_everything()
    daemon.check_descriptors()


class Shared:
    """The daemon of one test file; a new one after a test that broke it."""

    def __init__(self, folders, options: dict):
        self.folders = folders
        self.options = options
        self.daemon: Gatehoused | None = None

    def get(self) -> Gatehoused:
        if self.daemon is None or not self.daemon.alive:
            self.daemon = Gatehoused(self.folders.mktemp("gatehoused"), **self.options).start()
            self.daemon.measure_baseline()
        return self.daemon

    def drop(self) -> None:
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon = None

    def stop(self) -> None:
        if self.daemon is not None:
            daemon, self.daemon = self.daemon, None
            finish(daemon)


def finish(daemon: Gatehoused) -> None:
    try:
        daemon.stop()
        assert not daemon.trouble(), "\n".join(daemon.trouble())
    except BaseException:
        show_log(daemon)
        raise
    finally:
        daemon.kill()


@pytest.fixture(scope="module")
def shared_daemon(request, tmp_path_factory):
    """A test file may set DAEMON_OPTIONS = {...} for its daemon: modules, args, host, python."""
    shared = Shared(tmp_path_factory, getattr(request.module, "DAEMON_OPTIONS", {}))
    yield shared
    shared.stop()


@pytest.fixture
def daemon(request, shared_daemon):
    running = shared_daemon.get()
    yield running
    try:
        inspect(running)
    except BaseException:
        show_log(running)
        shared_daemon.drop()
        raise
    if getattr(request.node, "test_failed", False):
        show_log(running)


@pytest.fixture
def start_daemon(request, tmp_path: Path):
    """start_daemon(**Gatehoused fields) -> a running daemon; inspect=False skips the final check."""
    started: list[tuple[Gatehoused, bool]] = []
    number = itertools.count()

    def start(inspect: bool = True, **options) -> Gatehoused:
        daemon = Gatehoused(tmp_path / f"gatehoused{next(number)}", **options)
        try:
            daemon.start()
        except BaseException:
            show_log(daemon)
            raise
        started.append((daemon, inspect))
        if inspect:
            daemon.measure_baseline()
        return daemon

    yield start
    failed = getattr(request.node, "test_failed", False)
    try:
        for daemon, wanted in started:
            if failed:
                show_log(daemon)
            assert not daemon.trouble(), "\n".join(daemon.trouble())
            if wanted and not failed:
                inspect_and_finish(daemon)
    finally:
        for daemon, _ in started:
            daemon.kill()


def inspect_and_finish(daemon: Gatehoused) -> None:
    try:
        inspect(daemon)
    except BaseException:
        show_log(daemon)
        raise
    finish(daemon)
