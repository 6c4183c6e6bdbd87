# SPDX-License-Identifier: Apache-2.0
"""Daemons to install packages into, and installs that wait."""
from __future__ import annotations

import json
import threading
from pathlib import Path

from . import wheels
from .gatehoused import REPO, wait_until
from .test_processes import SUCCESS, error_of

FAKES = REPO / "tests" / "fake"
USES = """\
def version(name):
    import importlib
    return importlib.import_module(name).VERSION

def where(name):
    import importlib
    return importlib.import_module(name).__file__

def prefix():
    import sys
    return sys.prefix
"""

class Node:
    """A daemon whose env is a venv of the test's own, and a folder of wheels."""

    def __init__(self, start_daemon, tmp_path: Path, python: str | None = None,
                 real_pip: bool = False, **options):
        self.wheels = tmp_path / "wheels"
        self.wheels.mkdir(exist_ok=True)
        self.fake_log = tmp_path / "fake.log"
        self.tmp = tmp_path / "tmp"
        self.tmp.mkdir(exist_ok=True)
        # No bytecode: versions of one second and one size would be taken for each other.
        env = {"PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INDEX": "1",
               "PIP_FIND_LINKS": str(self.wheels), "TMPDIR": str(self.tmp),
               "PIP_NO_BUILD_ISOLATION": "0", "FAKE_LOG": str(self.fake_log),
               "FAKE_ENVS": str(tmp_path / "envs"), "PIP_CACHE_DIR": str(tmp_path / "cache"),
               "PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", **options.pop("env", {})}
        self.python = wheels.venv(tmp_path / "venv", real_pip) if python is None else python
        self.daemon = start_daemon(python=self.python, env=env, **options)
        self.code = self.daemon.home / "code"
        self.code.mkdir(exist_ok=True)
        (self.code / "uses.py").write_text(USES)

    def install(self, target, method="pip", args="", extras=None, preferred=None, **fields):
        config = {"name": None, "resource_type": "package", "install_method": method,
                  "install_target": target, "install_args": args, "install_extras": extras,
                  "preferred_version": preferred, **fields.pop("config", {})}
        return self.daemon.post("/install_package", {"package_config": config, **fields},
                                timeout=180)

    def ok(self, *args, **fields):
        answer = self.install(*args, **fields)
        assert (answer.status, answer.json()) == (200, SUCCESS), answer

    def error(self, *args, **fields):
        return error_of(self.install(*args, **fields))

    def ask(self, function, *args, process="default_process"):
        """What a function of uses.py answers in PROCESS."""
        key = f"{function}_{process}"
        if key not in self.daemon.get("/keys").json()["data"]:
            self.daemon.put_function(key, function, file="uses", root=self.code, process=process)
        answer = self.daemon.call(key, args=args)
        assert answer.status == 200, answer
        return answer.json()

    def events(self, name):
        found = []
        for line in self.daemon.log().splitlines():
            if line.startswith("{") and f'"event":"{name}"' in line.replace(": ", ":"):
                found.append(json.loads(line))
        return found

    def commands(self):
        return [event["command"] for event in self.events("install.command")]


class Gate:
    """A project whose build waits until it is let go."""

    def __init__(self, node, name, **fields):
        self.started = node.daemon.folder / f"{name}.started"
        self.go = node.daemon.folder / f"{name}.go"
        statement = (f"open({str(self.started)!r}, 'w').close(); import time\n"
                     f"    while not os.path.exists({str(self.go)!r}): time.sleep(0.01)")
        wheels.project(node.daemon.home / name, name, before=statement)
        self.answers = []
        self.thread = threading.Thread(target=lambda: self.answers.append(
            quietly(lambda: node.install([f"~/{name}", None], **fields))))

    def begin(self):
        self.thread.start()

    def wait_for_build(self):
        wait_until("the build to begin", self.started.exists)

    def let_go(self):
        self.go.touch()

    def finish(self):
        self.let_go()
        self.thread.join()
        assert self.answers[0].json() == SUCCESS


def quietly(function):
    try:
        return function()
    except OSError as error:
        return error
