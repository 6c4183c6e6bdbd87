# SPDX-License-Identifier: Apache-2.0
"""Every supported CPython, in an environment of its own: exact, and serving.

One daemon per environment. Environments are made once below the build folder and kept.
"""
from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration import pickles, wheels
from integration.gatehoused import BUILD, Gatehoused
from integration.ways_to_write import WAYS, check

USER_CODE = Path(__file__).resolve().parent / "user_code"
ENVS = BUILD / "test-envs"
FUNCTIONS = ["concat", "talk", "fail", "double", "describe", "run_child", "spawned", "forked",
             "only_in_env", "numpy_sum", "uses_its_node", "installed"]
HIDE_LIBRARIES = 'for f in {files}; do mount --bind "$0" "$f" || exit 77; done; exec "$@"'


@dataclass(frozen=True)
class Interpreter:
    """name: shown; python: the interpreter that makes the environment, None when missing here."""

    name: str
    python: str | None
    missing: str = ""
    hides_libpython: bool = False


def pyenv(version: str) -> Interpreter:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return Interpreter(version, str(found[-1]) if found else None,
                       f"no CPython {version} in pyenv")


def newest() -> Interpreter:
    """3.14: from pyenv, or a folder that GATEHOUSE_CPYTHON_314 names."""
    folder = os.environ.get("GATEHOUSE_CPYTHON_314")
    if folder:
        found = sorted(glob.glob(f"{folder}/bin/python3.14") + glob.glob(f"{folder}/**/python3.14",
                                                                         recursive=True))
        found = [path for path in found if os.access(path, os.X_OK) and os.path.isfile(path)]
        return Interpreter("3.14", found[0] if found else None,
                           f"no python3.14 below GATEHOUSE_CPYTHON_314 ({folder})")
    return Interpreter("3.14", pyenv("3.14").python,
                       "no CPython 3.14: neither pyenv nor GATEHOUSE_CPYTHON_314 has one")


def debian(hides_libpython: bool) -> Interpreter:
    """Debian's python3 is a static build; libpython is a package of its own."""
    name = "debian-without-libpython" if hides_libpython else "debian-with-libpython"
    python = "/usr/bin/python3"
    if not os.path.exists(python):
        return Interpreter(name, None, "no /usr/bin/python3")
    if not system_libraries():
        return Interpreter(name, python if hides_libpython else None,
                           "the system's python3 has no libpython")
    return Interpreter(name, python, hides_libpython=hides_libpython)


def system_libraries() -> list[str]:
    return [path for path in glob.glob("/usr/lib/*/libpython3*.so*")
            + glob.glob("/usr/lib/libpython3*.so*") if not os.path.islink(path)]


ALL = [*(pyenv(version) for version in ("3.9", "3.10", "3.11", "3.12", "3.13")), newest(),
       debian(False), debian(True)]


def can_hide(files: list[str]) -> bool:
    done = subprocess.run(["unshare", "-m", "sh", "-c", HIDE_LIBRARIES.format(
        files=" ".join(files)), "/dev/null", "true"], capture_output=True)
    return done.returncode == 0


def make_env(interpreter: Interpreter) -> Path:
    """A venv with a module of its own, so that its site-packages can be told from others."""
    env = ENVS / interpreter.name
    if not (env / "complete").exists():
        subprocess.run([interpreter.python, "-m", "venv", "--clear", "--without-pip", str(env)],
                       check=True, capture_output=True)
        (site_packages(env) / "gatehouse_env_marker.py").write_text(
            f"PLACE = {interpreter.name!r}\n")
        (env / "complete").touch()
    return env


def site_packages(env: Path) -> Path:
    return next(env.glob("lib/python3*/site-packages"))


@dataclass
class Serving:
    interpreter: Interpreter
    env: Path
    daemon: Gatehoused

    @property
    def python(self) -> str:
        return str(self.env / "bin" / "python")

    def call(self, function: str, *args):
        answer = self.daemon.call(function, args=args)
        assert answer.status == 200, answer
        return answer.json()


@pytest.fixture(scope="module", params=ALL, ids=lambda interpreter: interpreter.name)
def serving(request, tmp_path_factory):
    interpreter = request.param
    if interpreter.python is None:
        pytest.skip(interpreter.missing)
    wrapper = []
    empty = tmp_path_factory.mktemp("empty") / "empty"
    empty.touch()
    if interpreter.hides_libpython:
        files = system_libraries()
        if not can_hide(files):
            pytest.skip("libpython cannot be hidden here: unshare -m and mount --bind are refused")
        wrapper = ["unshare", "-m", "sh", "-c",
                   HIDE_LIBRARIES.format(files=" ".join(files)), str(empty)]
    env = make_env(interpreter)
    daemon = Gatehoused(tmp_path_factory.mktemp("gatehoused"), python=str(env / "bin" / "python"),
                        wrapper=wrapper,
                        modules=[f"{name}={USER_CODE}/env_probe.py:{name}" for name in FUNCTIONS])
    try:
        daemon.start()
        daemon.call("uses_its_node", args=[0])  # keeps a connection for the next question
        daemon.measure_baseline()
        yield Serving(interpreter, env, daemon)
        daemon.check_descriptors()
        assert not daemon.trouble(), "\n".join(daemon.trouble())
        daemon.stop()
    except BaseException:
        print(daemon.log()[-8000:])
        raise
    finally:
        daemon.kill()


def own_answer(serving: Serving, expression: str):
    """What the environment's own python says, run from a terminal."""
    code = f"import json, site, sys; print(json.dumps({expression}))"
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return json.loads(subprocess.check_output([serving.python, "-c", code], text=True, env=env))


def test_function_answers(serving):
    assert serving.call("concat", "run", "house") == "runhouse"
    body = serving.daemon.get("/concat/call?a=run&b=house").json()
    assert body == {"data": '"runhouse"', "output_type": "result_serialized",
                    "serialization": "json"}


def test_code_uses_its_node(serving):
    assert serving.call("uses_its_node", 2) == [[2], 4, False, ["default_process"]]


def test_pickled_call_answers(serving):
    body = serving.daemon.post("/concat/call", {
        "run_name": "r", "data": pickles.dumps({"args": ("run", "house"), "kwargs": {}}),
        "serialization": "pickle"}).json()
    assert pickles.loads(body["data"]) == "runhouse"


def test_environment_is_exact(serving):
    seen = serving.call("describe")
    assert seen["prefix"] == seen["exec_prefix"] == str(serving.env)
    assert seen["executable"] == serving.python
    for name, expression in [("base_prefix", "sys.base_prefix"),
                             ("version", "list(sys.version_info[:2])"),
                             ("site_packages", "site.getsitepackages()"),
                             ("encoding", "[sys.getdefaultencoding(), sys.getfilesystemencoding()]"),
                             ("flags", "[sys.flags.no_site, sys.flags.isolated, "
                                       "sys.flags.ignore_environment]")]:
        wanted = own_answer(serving, expression)
        if name == "base_prefix":  # a relocated interpreter may say /python/bin/.. for /python
            wanted = os.path.normpath(wanted)
        assert seen[name] == wanted, name


def test_import_path_is_that_of_the_environment(serving):
    seen = serving.call("describe")["path"]
    own = [entry for entry in own_answer(serving, "sys.path") if entry]
    assert [entry for entry in seen if entry in own] == own
    outside = [entry for entry in seen if entry not in own]
    foreign = [entry for entry in outside if "site-packages" in entry or "dist-packages" in entry]
    assert not foreign


def test_module_of_the_environment_is_imported(serving):
    assert serving.call("only_in_env") == serving.interpreter.name


def test_libpython_is_used_where_there_is_one(serving):
    mapped = serving.call("describe")["libpython"]
    if serving.interpreter.hides_libpython:
        assert mapped == []
    else:
        assert mapped, "a libpython was there to be loaded"


def test_child_process_is_the_same_environment(serving):
    assert serving.call("run_child") == [str(serving.env),
                                         str(serving.call("describe")["version"][1])]


def test_spawned_processes_compute(serving):
    assert serving.call("spawned", 5) == [0, 1, 4, 9, 16]


def test_forked_process_computes(serving):
    assert serving.call("forked", 7) == [49, 0, True]


def test_coroutine_is_awaited(serving):
    assert serving.call("double", 21) == 42


def test_prints_are_captured(serving):
    serving.daemon.call("talk", args=["hello"], run_name="talk--1", stream_logs=True)
    text = serving.daemon.post("/logs", {"run_name": "talk--1", "key": "talk"}).text
    assert json.loads(text)["data"] == ["hello\n"]


def test_exception_is_its_own_class_with_its_traceback(serving):
    body = serving.daemon.post("/fail/call", {
        "run_name": "r", "data": pickles.dumps({"args": ["broken"]}), "serialization": "pickle"}
    ).json()
    error = pickles.loads(body["data"]["error"])
    assert (error.name, error.args) == ("env_probe.OwnError", ("broken",))
    assert "raise OwnError(text)" in body["data"]["traceback"]


def test_numpy_is_imported_and_used(serving):
    if not (site_packages(serving.env) / "numpy").exists():
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", serving.python, "install", "--quiet",
             "--only-binary", ":all:", "--disable-pip-version-check", "numpy"],
            capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            pytest.skip(f"numpy does not install for {serving.interpreter.name}: {last}")
    total, file = serving.call("numpy_sum", 1000)
    assert total == 499500
    assert file.startswith(str(serving.env))


def test_package_is_installed_into_the_environment(serving, tmp_path):
    """By the pip that ensurepip brings to an env without one; and is there at once."""
    if not own_answer(serving, "[m for m in ('pip', 'ensurepip') "
                               "if __import__('importlib.util').util.find_spec(m)]"):
        pytest.skip(f"{serving.interpreter.name} has neither pip nor ensurepip")
    version = f"1.{time.time_ns()}"  # the env is kept from run to run
    wheels.wheel(tmp_path, "tiny_installed", version)
    serving.daemon.post("/env_vars", {"env_vars": {"PIP_NO_INDEX": "1",
                                                   "PIP_FIND_LINKS": str(tmp_path)}})
    answer = serving.daemon.post("/install_package", {"package_config": {
        "install_method": "pip", "install_target": f"tiny_installed=={version}"}}, timeout=180)
    assert answer.json()["output_type"] == "success", answer
    seen, file = serving.call("installed", "tiny_installed")
    assert seen == version
    assert file.startswith(str(serving.env))


def test_output_of_every_kind_reaches_its_call(serving):
    """It hangs on how each version starts threads and children."""
    daemon = serving.daemon
    for name, wanted in WAYS.items():
        daemon.put_function(name, file="talkers")
        answer = daemon.call(name, args=["m1"], run_name=name, stream_logs=True)
        assert answer.status == 200, (name, answer)
        lines = daemon.post("/logs", {"run_name": name, "key": name}).text.splitlines()
        check("".join("".join(json.loads(line)["data"]) for line in lines), wanted, "m1")
