# SPDX-License-Identifier: Apache-2.0
"""One build of gatehouse-worker on every interpreter there is, embedded and not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ext_worker import interpreters, modules, needs_build, start  # noqa: F401
from fake_daemon import CALL, FAILED, STOP, FakeDaemon

pytestmark = needs_build


@pytest.fixture(params=interpreters())
def python(request: pytest.FixtureRequest) -> str:
    return request.param


def facts_of(daemon: FakeDaemon) -> dict:
    return json.loads(daemon.call("facts").answer)


def test_answers_and_stops(modules, python):
    with start(modules, python) as daemon:
        hello = daemon.hello()
        assert hello["version"].startswith("3.")
        assert daemon.call("echo", b'"\xc3\xbc"').answer == b'"\xc3\xbc"'
        large = b'"' + b"x" * (1 << 20) + b'"'
        assert daemon.call("echo", large).answer == large
        seen = json.loads(daemon.call("read_only", large).answer)
        assert seen == ["memoryview", True, len(large)]
        assert daemon.call("parts", b"ab").answer == b'{"data": "YWI=\\n"}'
        daemon.send(STOP)
        assert daemon.process.wait(10) == 0
    assert daemon.output == (b"atexit ran\n", b"")


def test_looks_like_the_python_itself(modules, python):
    path = python.split(":")[-1]
    with start(modules, python) as daemon:
        daemon.hello()
        facts = facts_of(daemon)
    script = "import json, sys; print(json.dumps([sys.executable, sys.prefix, sys.path[1:]]))"
    plain = subprocess.run([path, "-c", script], capture_output=True, text=True, check=True)
    executable, prefix, search_path = json.loads(plain.stdout)
    assert facts["executable"] == executable
    # A relocated build calls its prefix PREFIX/bin/.. when run as a program.
    assert os.path.realpath(facts["prefix"]) == os.path.realpath(prefix)
    assert os.path.realpath(facts["child_prefix"]) == os.path.realpath(prefix)
    assert [os.path.realpath(entry) for entry in facts["path"]] == \
        [os.path.realpath(entry) for entry in search_path]
    assert facts["argv"] == [""]
    assert facts["main_thread"] and not facts["in_main"] and facts["daemon"]
    assert facts["builtin"] != python.startswith("exec:") or "static" in python
    assert "boot" not in facts["main"] and "sys" not in facts["main"]


def test_a_venv_stays_one(modules, python, tmp_path):
    path = python.split(":")[-1]
    made = subprocess.run([path, "-m", "venv", "--without-pip", str(tmp_path / "env")])
    if made.returncode:
        pytest.skip("this python cannot make a venv")
    folder = python[: -len(path)] + str(tmp_path / "env")
    with start(modules, folder) as daemon:
        daemon.hello()
        facts = facts_of(daemon)
    env = str(tmp_path / "env")
    assert facts["prefix"] == facts["child_prefix"] == env
    assert os.path.dirname(facts["executable"]) == env + "/bin"
    assert facts["purelib"].startswith(env)
    packages = [entry for entry in facts["path"] if entry.endswith("site-packages")]
    assert packages == [facts["purelib"]]


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_multiprocessing(modules, python, method):
    with start(modules, python) as daemon:
        daemon.hello()
        assert daemon.call("pool", b'"%s"' % method.encode()).answer == b"[1, 2, 3]"


@pytest.mark.parametrize("name", ["ssl", "sqlite3", "ctypes", "asyncio", "decimal", "numpy"])
def test_extension_modules_load(modules, python, name):
    path = python.split(":")[-1]
    if subprocess.run([path, "-c", "import " + name], capture_output=True).returncode:
        pytest.skip("not in this python")
    with start(modules, python) as daemon:
        daemon.hello()
        assert daemon.call("imports", b'"%s"' % name.encode()).status == 200
        if name == "numpy":
            assert daemon.call("numpy_dot").answer == b"1000.0"


def test_signal_handlers_run_in_the_main_thread(modules, python):
    with start(modules, python) as daemon:
        daemon.hello()
        assert json.loads(daemon.call("arm_signal").answer) == [True]


# ------------------------------------------------------------ finding and refusing


def failure(daemon: FakeDaemon) -> str:
    frame = daemon.receive()
    assert frame.kind == FAILED
    assert daemon.process.wait(10) == 69
    return frame.body.decode()


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fake_python(path: Path, **answers: str) -> Path:
    """A script that answers the probe like an interpreter that is not here."""
    said = {"implementation": "cpython", "free_threaded": "0", "executable": str(path),
            "library": "", "version": "3.13.0", **answers}
    lines = "".join(f"echo 'gatehouse-probe:{key}={value}'\n" for key, value in said.items())
    return script(path, lines)


@pytest.mark.parametrize("answers, words", [
    ({"version": "3.8.18"}, ["3.8.18", "3.9 or later"]),
    ({"version": "2.7.18"}, ["2.7.18", "3.9 or later"]),
    ({"implementation": "pypy", "version": "3.10.14"}, ["pypy", "3.10.14", "CPython"]),
    ({"free_threaded": "1"}, ["free-threaded", "3.13.0", "ordinary build"]),
])
def test_refuses_what_cannot_load_the_extension(modules, tmp_path, answers, words):
    python = fake_python(tmp_path / "python", **answers)
    with start(modules, str(python)) as daemon:
        text = failure(daemon)
    for word in [str(python), *words]:
        assert word in text


def test_refuses_a_real_python_that_is_too_old(modules):
    old = [path for path in Path("~/.pyenv/versions").expanduser().glob("[23].[678]*/bin/python")]
    if not old:
        pytest.skip("no old python here")
    for path in old:
        with start(modules, str(path)) as daemon:
            assert "3.9 or later" in failure(daemon)


def test_names_what_is_missing(modules, tmp_path):
    with start(modules, str(tmp_path / "nowhere")) as daemon:
        assert str(tmp_path / "nowhere") in failure(daemon)
    with start(modules, str(tmp_path)) as daemon:
        assert "has no bin/python" in failure(daemon)
    with start(modules, str(script(tmp_path / "sh", "echo oh no >&2; exit 3"))) as daemon:
        assert "does not work as a Python interpreter: oh no" in failure(daemon)


def test_the_default_is_the_active_env(modules, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "e")], check=True)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        env = {"VIRTUAL_ENV": "", "CONDA_PREFIX": "", variable: str(tmp_path / "e")}
        with FakeDaemon("--module-dir", str(modules), env=env) as daemon:
            assert daemon.hello()["executable"] == str(tmp_path / "e" / "bin" / "python")
    env = {"VIRTUAL_ENV": "", "CONDA_PREFIX": "", "PATH": str(tmp_path / "e" / "bin")}
    with FakeDaemon("--module-dir", str(modules), env=env) as daemon:
        assert daemon.hello()["executable"] == str(tmp_path / "e" / "bin" / "python3")


def test_a_name_is_looked_up_on_path(modules, tmp_path):
    script(tmp_path / "mypython", f'exec {sys.executable} "$@"\n')
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with start(modules, "mypython", env=env) as daemon:
        assert daemon.hello()["executable"] == sys.executable


# ------------------------------------------------------------ the cache of probes


def probes_run(modules: Path, python: Path, cache: Path) -> bool:
    """Start and stop a worker; say whether the interpreter was asked."""
    before = {path: path.stat().st_mtime_ns for path in cache.glob("*")}
    with start(modules, str(python), "--cache-dir", str(cache)) as daemon:
        daemon.hello()
    return before != {path: path.stat().st_mtime_ns for path in cache.glob("*")}


def test_a_probe_is_remembered_until_something_changes(modules, tmp_path):
    cache, env = tmp_path / "cache", tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    python = env / "bin" / "python"
    assert probes_run(modules, python, cache)
    assert not probes_run(modules, python, cache)
    (env / "pyvenv.cfg").open("a").write("x = y\n")
    assert probes_run(modules, python, cache)
    assert not probes_run(modules, python, cache)
    for file in cache.iterdir():
        file.chmod(0o666)
    assert probes_run(modules, python, cache), "a file that others can write was believed"


def test_a_script_is_asked_each_time(modules, tmp_path):
    shim = script(tmp_path / "python", f'exec {sys.executable} "$@"\n')
    probes_run(modules, shim, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))


# ------------------------------------------------------------ the program itself


def run_program(*arguments: str) -> subprocess.CompletedProcess:
    from fake_daemon import BUILD

    return subprocess.run([BUILD / "gatehouse-worker", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [
    [], ["--nonsense"], ["--runtime", "python"], ["--fd"], ["extra"],
    ["--runtime", "python", "--fd", "0", "--process", "p"],
    ["--runtime", "python", "--fd", "77", "--process", "p"],
    ["--runtime", "python", "--fd", "x", "--process", "p"],
])
def test_wrong_usage(arguments):
    done = run_program(*arguments)
    assert done.returncode == 64
    assert "usage: gatehouse-worker" in done.stderr


def test_an_unknown_runtime_is_reported(modules):
    with FakeDaemon("--module-dir", str(modules), runtime="perl") as daemon:
        assert "cannot load the runtime 'perl'" in failure(daemon)


def test_a_broken_package_is_reported(modules, tmp_path):
    for path in modules.iterdir():
        if path.name != "gatehouse":
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "__init__.py").write_text("import no_such_module\n")
    for python in (sys.executable, "exec:" + sys.executable):
        with start(tmp_path, python) as daemon:
            frame = daemon.receive()
            assert frame.kind == FAILED
            assert b"ModuleNotFoundError: No module named 'no_such_module'" in frame.body
            assert daemon.process.wait(10) == 70
        assert b"Traceback" in daemon.output[1]


def test_inherited_descriptors_do_not_reach_children(modules, tmp_path):
    leak = os.open(tmp_path / "leak", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(leak, True)
    with start(modules) as daemon:
        daemon.hello()
        folder = f"/proc/{daemon.process.pid}/fdinfo"
        flags = {fd: int(Path(folder, fd).read_text().split("flags:")[1].split()[0], 8)
                 for fd in os.listdir(folder) if int(fd) > 2}
        assert all(value & os.O_CLOEXEC for value in flags.values())
    os.close(leak)


def test_dies_with_the_daemon(modules):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send(CALL, "k", "sleep", data=b"60000")
        daemon.call("echo", b"1")
        daemon.sock.close()
        assert daemon.process.wait(10) == 0


def test_dies_with_the_daemon_although_a_call_holds_the_lock(modules):
    with start(modules) as daemon:
        daemon.hello()
        daemon.send(CALL, "k", "hold_gil", data=b"60000")
        time.sleep(0.05)
        daemon.sock.close()
        assert daemon.process.wait(20) == 0
