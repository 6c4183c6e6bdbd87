# SPDX-License-Identifier: Apache-2.0
"""Fixtures of this suite."""

from __future__ import annotations

import os
import sys
import textwrap

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from workerkit import Process, Worker, objects, standin  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    """pytest puts its own sys.stdout in place between fixtures and test; `item.at_call` comes after it."""
    getattr(item, "at_call", lambda: None)()


@pytest.fixture
def home(tmp_path):
    return tmp_path


@pytest.fixture
def worker_(home, monkeypatch):
    """A worker without keys whose home is a fresh directory."""
    monkeypatch.setattr(Process, "home", str(home))
    monkeypatch.setattr(Process, "name", "default_process")
    saved = list(sys.path)
    before = set(sys.modules)
    yield Worker(home)
    sys.path[:] = saved
    objects.entries.clear()
    objects.targets.clear()
    objects._by_identity.clear()
    standin.sent.clear()
    from gatehouse import modules, serve

    modules.imported.clear()
    serve._times.clear()
    if hasattr(sys.modules.get("runhouse.globals"), "obj_store"):
        sys.modules["runhouse.globals"].obj_store.imported_modules.clear()
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(home)):
            del sys.modules[name]


@pytest.fixture
def w(worker_):
    return worker_


@pytest.fixture
def write(home):
    """write(text, name="demo.py"): a user's file in home."""

    def write_file(text, name="demo.py"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write_file
