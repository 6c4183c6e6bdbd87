# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one booted machine for all tests, put back as it was after each."""
from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from . import machine as machines

#: Units that tests start, and what they write.
UNITS = ["gatehoused.service", "gatehoused.socket", "gatehoused-http.socket", "gatehoused-https.socket",
         f"gatehoused@{machines.USER}.service"]
CHANGED = ["etc/gatehouse", "etc/credstore", "etc/systemd/system", "var/lib/gatehouse"]

lacking = functools.cache(machines.lacking)


@pytest.fixture(scope="session")
def booted(tmp_path_factory):
    if lacking():
        pytest.skip(lacking())
    machine = machines.Machine(tmp_path_factory.mktemp("machine"))
    try:
        yield machine.boot()
    finally:
        machine.power_off()


def clean(machine: machines.Machine) -> None:
    machine.systemctl("stop", *UNITS)
    for folder in CHANGED:
        for child in Path(machine.root, folder).glob("*"):
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    machine.systemctl("daemon-reload")
    machine.systemctl("reset-failed")
    machine.run("journalctl", "--rotate", "--vacuum-size=1")


@pytest.fixture
def machine(booted, request):
    yield booted
    if getattr(request.node, "test_failed", False):
        print(booted.journal())
        print(booted.systemctl("status", "--no-pager", "--lines=0", *UNITS, check=False))
    clean(booted)
