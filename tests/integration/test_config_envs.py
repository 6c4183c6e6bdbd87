# SPDX-License-Identifier: Apache-2.0
"""envs: of gatehouse.yaml: made at the start, with packages from a folder of wheels, no network."""
from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from . import wheels
from .configured import shown, write
from .gatehoused import wait_until
from .package_kit import FAKES
from .test_processes import error_of

CODE = """\
import sys
def version(name="tax"):
    import importlib
    return importlib.import_module(name).VERSION
def prefix():
    return sys.prefix
"""


class Configured:
    """Daemons whose configuration declares envs, one after the other in one state folder."""

    def __init__(self, start_daemon, tmp_path: Path):
        self._start = start_daemon
        self.folder = tmp_path
        self.wheels = tmp_path / "wheels"
        self.wheels.mkdir()
        (tmp_path / "code.py").write_text(CODE)
        self.state = tmp_path / "state"
        # No bytecode: versions of one second and one size would be taken for each other.
        self.env = {"PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels),
                    "PIP_CACHE_DIR": str(tmp_path / "cache"), "PATH": f"{FAKES}:/usr/bin:/bin",
                    "FAKE_LOG": str(tmp_path / "fake.log"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.daemon = None

    def write(self, text: str) -> Path:
        return write(self.folder, text)

    def start(self, text: str):
        file = self.write(text)
        self.daemon = self._start(inspect=False, env=self.env,
                                  args=["--config", str(file), "--state-dir", str(self.state)])
        # The helpers look for the control socket in the daemon's own folder.
        own = self.daemon.folder / "state"
        own.mkdir(exist_ok=True)
        socket = f"control-{self.daemon.port}.sock"
        (own / socket).symlink_to(self.state / socket)
        return self.daemon

    def env_of(self, name: str) -> dict:
        return shown(self.daemon)["envs"][name]

    def wait_for(self, name: str, state: str) -> dict:
        return wait_until(f"env {name} to be {state}",
                          lambda: (env := self.env_of(name))["state"] == state and env)

    def installs(self) -> int:
        return self.daemon.log().count('"install.command"')


@pytest.fixture
def configured(start_daemon, tmp_path):
    return Configured(start_daemon, tmp_path)


def envs(requirements: object, python: str = sys.executable) -> str:
    return ("modules:\n"
            "  tax: {file: code.py, attr: version, env: ml}\n"
            "  prefix: {file: code.py, attr: prefix, env: ml}\n"
            "  here: code.py:prefix\n"
            f"envs:\n  ml: {{python: {python}, requirements: {json.dumps(requirements)}}}\n")


def test_env_is_made_and_its_modules_run_in_it(configured):
    wheels.wheel(configured.wheels, "tax", "1.0")
    daemon = configured.start(envs(["tax==1.0"]))
    env = configured.wait_for("ml", "ready")
    assert env["folder"] == str(configured.state / "envs" / "ml")
    assert daemon.get("/tax/call?_bare=1").json() == "1.0"
    assert daemon.get("/prefix/call?_bare=1").json() == env["folder"]
    assert daemon.get("/here/call?_bare=1").json() != env["folder"]
    assert daemon.get("/readyz").status == 200
    assert set(daemon.processes()) == {"default_process", "env-ml"}

    # With the same requirements nothing is made or installed again; with others they are.
    daemon.stop()
    wheels.wheel(configured.wheels, "tax", "2.0")
    daemon = configured.start(envs(["tax==1.0"]))
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?_bare=1").json() == "1.0"
    assert configured.installs() == 0
    daemon.stop()
    daemon = configured.start(envs(["tax==2.0"]))
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?_bare=1").json() == "2.0"


def test_without_uv_pip_is_brought_in_and_used(configured):
    configured.env["PATH"] = "/usr/bin:/bin"
    wheels.wheel(configured.wheels, "tax", "1.0")
    daemon = configured.start(envs(["tax==1.0"]))
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?_bare=1").json() == "1.0"
    assert "-m ensurepip" in daemon.log() and "-m pip install -r" in daemon.log()


def test_requirements_file_and_local_package(configured):
    wheels.wheel(configured.wheels, "tax", "1.0")
    wheels.wheel(configured.folder / "own", "duty", "3.0")
    write(configured.folder, "# what we need\ntax\n", "reqs.txt")
    text = (f"modules:\n  a: {{file: code.py, attr: version, env: a}}\n"
            f"  b: {{file: code.py, attr: version, env: b}}\n"
            f"envs:\n  a: {{python: {sys.executable}, requirements: reqs.txt}}\n"
            f"  b: {{python: {sys.executable}, requirements: [./own/duty-3.0-py3-none-any.whl]}}\n")
    daemon = configured.start(text)
    configured.wait_for("a", "ready")
    configured.wait_for("b", "ready")
    assert daemon.get("/a/call?name=tax&_bare=1").json() == "1.0"
    assert daemon.get("/b/call?name=duty&_bare=1").json() == "3.0"


def test_calls_are_told_to_come_back_while_an_env_is_being_made(configured):
    go, begun = configured.folder / "go", configured.folder / "begun"
    wheels.project(configured.folder / "slow", "slow", before=(
        f"open({str(begun)!r}, 'w').close(); import time\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.01)"))
    configured.env["PIP_NO_BUILD_ISOLATION"] = "0"
    daemon = configured.start(envs(["./slow"]))
    wait_until("the build to begin", begun.exists)

    answer = daemon.get("/tax/call")
    assert answer.status == 503 and "retry-after" in answer.headers
    assert "env ml: its requirements are being installed" in answer.text
    assert daemon.get("/readyz").status == 503
    assert daemon.get("/tax/some/page").status == 503  # it might be an app
    assert "tax" in daemon.get("/keys").json()["data"]
    assert daemon.get("/here/call").status == 200

    go.touch()
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?name=slow&_bare=1").json() == "1.0"


def test_failed_install_is_told_everywhere_and_the_rest_serves_on(configured):
    daemon = configured.start(envs(["tax==1.0"]))
    env = configured.wait_for("ml", "failed")
    assert env["text"].startswith("env ml: its requirements could not be installed: ")
    for path in ("/tax/call", "/readyz"):
        answer = daemon.get(path)
        assert answer.status == 503 and "tax==1.0" in answer.text, answer
    assert daemon.get("/here/call").status == 200
    assert '"level":"ERROR"' in next(line.replace(" ", "") for line in daemon.log().splitlines()
                                     if '"failed"' in line)

    # SIGHUP tries again.
    wheels.wheel(configured.wheels, "tax", "1.0")
    daemon.signal(signal.SIGHUP)
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?_bare=1").json() == "1.0"
    assert daemon.get("/readyz").status == 200


def test_python_that_is_not_there_is_told(configured):
    configured.env["PATH"] = "/usr/bin:/bin"
    daemon = configured.start("envs:\n  old: {python: 3.2}\n"
                              "  gone: {python: /nonexistent/python}\n  v: {venv: no/such}\n"
                              "  c: {conda: no-such-env}\n")
    for name, words in [("old", "no python3.2"), ("gone", "/nonexistent/python"), ("v", "no/such"),
                        ("c", "no conda env 'no-such-env'")]:
        assert words in configured.wait_for(name, "failed")["text"]
    assert daemon.get("/check").status == 200


def test_venv_that_is_there_is_used_as_it_is(configured):
    wheels.bare_venv(configured.folder / "mine")
    text = ("modules:\n  p: {file: code.py, attr: prefix, env: mine, process: p}\n"
            "envs:\n  mine: {venv: mine}\n")
    daemon = configured.start(text)
    configured.wait_for("mine", "ready")
    assert daemon.get("/p/call?_bare=1").json() == str(configured.folder / "mine")


def test_client_names_a_declared_env(configured):
    wheels.wheel(configured.wheels, "tax", "1.0")
    daemon = configured.start(envs(["tax"]))
    # Asked for before it is there: the answer waits.
    answer = daemon.post("/create_process", {"name": "mine", "runtime_env": {"env": "ml"}})
    assert answer.json()["output_type"] == "success", answer
    daemon.put_function("where", "prefix", file="code", root=configured.folder, process="mine")
    assert daemon.call("where").json() == str(configured.state / "envs" / "ml")

    for runtime_env, words in [
            ({"env": "lm"}, "asks for the env 'lm', which this node's configuration does not "
                            "declare under envs. It declares 'ml'."),
            ({"env": "ml", "conda": "x"}, "has 'env' and another env beside it"),
            ({"env": 1}, "has an 'env' that is no text")]:
        error = error_of(daemon.post("/create_process",
                                     {"name": "other", "runtime_env": runtime_env}))
        assert words in str(error)


def test_interrupted_making_is_made_up_for(configured):
    """A folder that a killed daemon left half-made is no env."""
    wheels.wheel(configured.wheels, "tax", "1.0")
    half = configured.state / "envs" / "ml"
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "python").write_text("#!/bin/false\n")
    (half / "bin" / "python").chmod(0o755)
    daemon = configured.start(envs(["tax"]))
    configured.wait_for("ml", "ready")
    assert daemon.get("/tax/call?_bare=1").json() == "1.0"


def test_daemon_ends_while_an_env_is_being_made(configured):
    begun = configured.folder / "begun"
    wheels.project(configured.folder / "slow", "slow", before=(
        f"open({str(begun)!r}, 'w').close(); import time\n    time.sleep(600)"))
    daemon = configured.start(envs(["./slow"]))
    wait_until("the build to begin", begun.exists)
    daemon.stop()
