# SPDX-License-Identifier: Apache-2.0
"""`gatehouse doctor`: each lack by its line, with the command that mends it."""
from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import BUILD
from .ports import free_port

GATEHOUSE = BUILD / "gatehouse"


class Place:
    """A home whose ~/.bashrc gives a login the PATH of one folder; bash and python3 are in it."""

    def __init__(self, folder: Path):
        self.home, self.bin, self.state = folder / "home", folder / "bin", folder / "state"
        self.home.mkdir()
        self.bin.mkdir()
        (self.home / ".bashrc").write_text(f"export PATH={self.bin}\n")
        self.add("python3", "echo 5.9.8")  # as if it imported psutil
        self.add("rsync")
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}

    def add(self, name: str, body: str = ":") -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def run(self, *args, wrapper=()):
        command = [*wrapper, str(GATEHOUSE), "doctor", "--state-dir", str(self.state), *args]
        return subprocess.run(command, env=self.env, text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def findings(self, *args, **options):
        """(check, text) -> (verdict, fix); the exit status fits the verdicts."""
        done = self.run("--json", *args, **options)
        found = json.loads(done.stdout)
        failed = any(finding["verdict"] == "failed" for finding in found)
        assert done.returncode == (1 if failed else 0), done
        return [(f["check"], f["verdict"], f["text"], f["fix"]) for f in found]

    def of(self, check, *args, **options):
        return [finding[1:] for finding in self.findings(*args, **options) if finding[0] == check]


@pytest.fixture
def place(tmp_path):
    if not os.access("/bin/bash", os.X_OK):
        pytest.skip("no bash")
    return Place(tmp_path)


@pytest.fixture
def venv(tmp_path):
    wheels.venv(tmp_path / "env")
    return tmp_path / "env"


# -- the login ----------------------------------------------------------------------------------------

def test_login_that_has_all_is_well(place):
    subprocess.run([str(GATEHOUSE), "shim", "install", "--dir", str(place.bin)], check=True,
                   env=place.env, capture_output=True)
    verdicts = {check: verdict for check, verdict, *_ in place.findings()}
    for check in ("bash", "bashrc", "quiet login", "python3", "psutil", "rsync", "runhouse", "ray"):
        assert verdicts[check] == "ok", check


def test_missing_rsync_is_named_with_its_fix(place):
    (place.bin / "rsync").unlink()
    assert place.of("rsync") == [("failed", "a login bash finds no rsync",
                                  "apt-get install rsync")]
    done = place.run()
    assert done.returncode == 1
    assert "failed   rsync        a login bash finds no rsync\n" in done.stdout
    lines = done.stdout.splitlines()
    at = lines.index("failed   rsync        a login bash finds no rsync")
    assert lines[at + 1].strip() == "fix: apt-get install rsync"
    assert "checks failed" in done.stderr


def test_python_without_psutil_is_named_with_the_pip_of_that_python(place):
    python = place.add("python3", "exit 1")
    assert place.of("psutil") == [(
        "failed", f"the python3 of a login, {python}, does not import psutil: the client asks it for "
        "the free space before it sends files", f"{python} -m pip install psutil")]


def test_missing_python_and_bashrc_are_named(place):
    (place.bin / "python3").unlink()
    assert place.of("python3") == [("failed", "a login bash finds no python3",
                                    "apt-get install python3")]
    assert place.of("psutil") == []  # there is nothing to say of it
    (place.home / ".bashrc").unlink()
    assert place.of("bashrc") == [("failed", "a login bash finds no ~/.bashrc that can be read",
                                   "touch ~/.bashrc")]


def test_chatty_start_up_files_are_named(place):
    with open(place.home / ".bashrc", "a") as file:
        file.write("echo Welcome to this node\n")
    [(verdict, text, fix)] = place.of("quiet login")
    assert verdict == "warning" and "'Welcome to this node'" in text
    assert fix.startswith("bash --login -i -x")


def test_foreign_shims_are_named(place):
    place.add("runhouse")
    [(verdict, text, fix)] = place.of("runhouse")
    assert (verdict, fix) == ("warning", "gatehouse shim install")
    assert "not ours" in text


# -- the node -----------------------------------------------------------------------------------------

def test_port_is_free_ours_or_taken(place, start_daemon):
    port = free_port()
    assert place.of("port", "--port", str(port)) == [("ok", f"{port} is free", None)]
    with socket.socket() as other:
        other.bind(("0.0.0.0", port))
        other.listen()
        [(verdict, text, fix)] = place.of("port", "--port", str(port))
        assert verdict == "failed" and f"{port} is taken by another program" in text
        assert fix == f"ss -ltnp 'sport = :{port}'"
    daemon = start_daemon()
    place.state = daemon.folder / "state"
    [(verdict, text, _)] = place.of("port", "--port", str(daemon.port))
    assert verdict == "ok" and f"{daemon.port} is our daemon's" in text


def test_state_folder_that_cannot_be_is_named(place):
    assert place.of("state folder") == [("ok", f"{place.state} can be made", None)]
    place.state.write_text("a file")
    [(verdict, text, _)] = place.of("state folder")
    assert verdict == "failed" and f"{place.state} is no folder" in text
    assert not place.state.is_dir()


def test_small_limits_are_named(place):
    [(verdict, text, fix)] = place.of("open files",
                                      wrapper=["sh", "-c", 'ulimit -n 500; exec "$@"', "sh"])
    assert verdict == "warning" and "500 open files" in text and "limits.d" in fix


def test_missing_git_is_named(place):
    place.env["PATH"] = str(place.bin)
    [(verdict, text, fix)] = place.of("git")
    assert (verdict, fix) == ("warning", "apt-get install git")


def test_active_firewall_is_named(place):
    place.env["PATH"] = f"{place.bin}:/usr/bin:/bin"
    place.add("ufw", "echo 'Status: active'; echo '22/tcp ALLOW Anywhere'")
    [(verdict, text, fix)] = place.of("firewall", "--port", "32301")
    assert (verdict, fix) == ("warning", "sudo ufw allow 32301/tcp")
    place.add("ufw", "echo 'Status: active'; echo '32301/tcp ALLOW Anywhere'")
    assert place.of("firewall", "--port", "32301")[0][0] == "ok"


def test_wrong_usage_is_told(place):
    done = place.run("more")
    assert done.returncode == 2 and "more" in done.stderr and done.stdout == ""
    [(verdict, text, _)] = place.of("settings", "--port", "none")
    assert verdict == "failed" and "port" in text and "none" in text


def test_another_node_is_refused(place):
    done = subprocess.run([str(GATEHOUSE), "doctor", "--url", "http://127.0.0.1:9"], env=place.env,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and done.stdout == ""
    assert "--url: doctor looks at the machine that it runs on" in done.stderr


# -- envs ---------------------------------------------------------------------------------------------

def test_env_is_shown_with_all_it_has(place, venv):
    found = place.findings("--env", str(venv))
    texts = {check: text for check, _, text, _ in found}
    version = "%d.%d.%d" % sys.version_info[:3]
    assert texts["interpreter"] == f"default env: {venv}/bin/python, CPython {version}"
    assert texts["libpython"].startswith("default env: ")
    assert "pip" in texts["installers"]
    site = next(venv.glob("lib/python3*/site-packages"))
    assert texts["packages"].startswith(f"default env: {site}, ")


def test_venv_whose_base_is_gone_is_named(place, venv):
    for link in venv.glob("bin/python*"):
        link.unlink()
    (venv / "bin" / "python").symlink_to("/opt/gone/bin/python3.11")
    assert place.of("base python", "--env", str(venv)) == [(
        "failed", f"default env: {venv}/bin/python leads to /opt/gone/bin/python3.11, which is gone: the "
        "Python that it was made from was removed or upgraded", f"python3 -m venv --clear {venv}")]
    assert place.of("interpreter", "--env", str(venv)) == []


def test_interpreter_of_another_machine_is_named(place, venv):
    python = venv / "bin" / "python"
    head = bytearray(Path(os.path.realpath(python)).read_bytes()[:4096])
    head[18] = 183 if head[18] != 183 else 62  # e_machine: AArch64, or x86-64
    python.unlink()
    python.write_bytes(head)
    python.chmod(0o755)
    [(verdict, text, fix)] = place.of("machine", "--env", str(venv))
    assert (verdict, fix) == ("failed", f"python3 -m venv --clear {venv}")
    assert "built for another kind of machine" in text


def test_interpreter_without_pip_venv_and_uv_is_named(place, tmp_path):
    wheels.bare_venv(tmp_path / "bare")
    assert place.of("installers", "--env", str(tmp_path / "bare"))[0][0] == "ok"  # by ensurepip
    site = next((tmp_path / "bare" / "lib").glob("python3*/site-packages"))
    (site / "hide.pth").write_text("import sys; sys.modules['ensurepip'] = None\n")
    version = "%d.%d" % sys.version_info[:2]
    assert place.of("installers", "--env", str(tmp_path / "bare")) == [(
        "failed", "default env: no pip, no uv, and no ensurepip to get pip by: nothing can be installed",
        f"apt-get install python{version}-venv")]


def test_env_that_cannot_be_written_to_is_named(place, venv):
    site = next(venv.glob("lib/python3*/site-packages"))
    script = f"mount --bind {site} {site} && mount -o remount,ro,bind {site} && exec \"$@\""
    wrapper = ["unshare", "-m", "sh", "-c", script, "sh"]
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode != 0:
        pytest.skip("unshare -m and mount are refused")
    assert place.of("packages", "--env", str(venv), wrapper=wrapper) == [(
        "failed", f"default env: {site} cannot be written to by this user",
        f'sudo chown -R "$(id -un)" {site}')]


def test_leftovers_of_pip_are_named(place, venv):
    site = next(venv.glob("lib/python3*/site-packages"))
    (site / "~iny").mkdir()
    [(verdict, text, _)] = place.of("packages", "--env", str(venv))
    assert verdict == "warning" and "begin with '~'" in text


@pytest.mark.parametrize("said, words", [
    ("implementation=pypy free_threaded=0 version=3.10.0", "is pypy (Python 3.10.0)"),
    ("implementation=cpython free_threaded=0 version=3.8.1", "needs 3.9 or later"),
    ("implementation=cpython free_threaded=1 version=3.13.0", "free-threaded"),
    ("", "does not work as a Python interpreter"),
])
def test_interpreter_that_does_not_suit_is_named(place, said, words):
    python = place.add("strange", "".join(
        f"echo gatehouse-probe:{part}\n" for part in [*said.split(), "library=", "executable=/x"]
        if said))
    [(verdict, text, fix)] = place.of("interpreter", "--env", str(python))
    assert verdict == "failed" and words in text and "venv --clear" in fix


def test_managed_python_is_told_apart(place):
    marker = next(iter(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")), None)
    if marker is None:
        pytest.skip("/usr/bin/python3 is not managed by the system")
    [(verdict, text, _)] = place.of("managed")
    assert verdict == "ok" and "the first install makes a venv in" in text
    [(verdict, text, fix)] = place.of("managed", "--env", "/usr/bin/python3")
    assert verdict == "warning" and "cannot be installed into it" in text
    assert fix == "/usr/bin/python3 -m venv --system-site-packages ~/env"


def test_envs_of_a_running_daemon_are_looked_at(place, start_daemon, venv, tmp_path):
    daemon = start_daemon()
    wheels.venv(tmp_path / "broken")
    for name, folder in (("good", venv), ("bad", tmp_path / "broken")):
        answer = daemon.post("/create_process", {"name": name, "runtime_env": {"venv": str(folder)}})
        assert answer.status == 200, answer
    shutil.rmtree(tmp_path / "broken" / "bin")
    place.state = daemon.folder / "state"
    found = place.of("interpreter", "--port", str(daemon.port), "--env", sys.executable)
    texts = [text for _, text, _ in found]
    assert any(text.startswith(f"process good env: {venv}/bin/python") for text in texts)
    assert any(text.startswith("process bad env: ") and f"{tmp_path}/broken" in text for text in texts)
    assert len([text for text in texts if f"{venv}/" in text]) == 1


def test_venvs_of_our_own_are_looked_at(place):
    wheels.venv(place.state / "envs" / "ml")
    texts = [text for _, text, _ in place.of("interpreter")]
    assert any(text.startswith(f"own ml env: {place.state}/envs/ml/bin/python") for text in texts)


def test_declared_envs_are_looked_at(place, venv, tmp_path):
    wheels.venv(place.state / "envs" / "made")
    config = tmp_path / "gatehouse.yaml"
    config.write_text(f"""\
port: {free_port()}
envs:
  there: {{venv: {venv}}}
  gone: {{venv: {tmp_path}/gone}}
  nobody: {{conda: nobody}}
  made: {{python: "3.11"}}
  later: {{python: "3.11"}}
""")
    texts = [text for _, text, _ in place.of("interpreter", "--config", str(config))]

    def of(name):
        [text] = [t for t in texts if t.startswith(f"declared {name} env: ")]
        return text

    assert f"{venv}/bin/python, CPython" in of("there")
    assert f"there is no folder {tmp_path}/gone" in of("gone")
    assert "There is no conda env 'nobody'" in of("nobody")
    assert f"{place.state}/envs/made/bin/python" in of("made")
    assert "none yet, the daemon makes it in" in of("later")
    assert not [text for text in texts if text.startswith("own made")]  # each is looked at once


def test_configuration_that_is_wrong_is_named(place, tmp_path):
    assert place.of("settings") == [("ok", "there is no configuration file, and none is needed", None)]
    config = tmp_path / "gatehouse.yaml"
    config.write_text("portt: 1\n")
    [(verdict, text, fix)] = place.of("settings", "--config", str(config))
    assert (verdict, fix) == ("failed", "gatehouse config check")
    assert f"{config}:1:1" in text and "portt" in text
    place.env["GATEHOUSE_PORT"] = str(free_port())
    assert place.of("port")[0][1] == f"{place.env['GATEHOUSE_PORT']} is free"


def test_nothing_is_changed(place, venv):
    def everything():
        return sorted((str(p), p.lstat().st_mtime_ns) for root in (place.home, place.bin, venv)
                      for p in root.rglob("*") if "__pycache__" not in str(p))
    before = everything()
    place.run("--env", str(venv))
    assert everything() == before
    assert not place.state.exists()
