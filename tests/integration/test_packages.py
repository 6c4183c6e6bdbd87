# SPDX-License-Identifier: Apache-2.0
"""POST /install_package. Nothing here needs a network: packages are made on the spot."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from . import pickles, wheels
from .gatehoused import REPO, descendants, is_running, wait_until
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

pytestmark = pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0,
    reason="the interpreter of the tests has no pip")


class Node:
    """A daemon whose env is a venv of the test's own, and a folder of wheels."""

    def __init__(self, start_daemon, tmp_path: Path, python: str | None = None,
                 real_pip: bool = False, **options):
        self.wheels = tmp_path / "wheels"
        self.wheels.mkdir(exist_ok=True)
        self.fake_log = tmp_path / "fake.log"
        self.tmp = tmp_path / "tmp"
        self.tmp.mkdir(exist_ok=True)
        env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "TMPDIR": str(self.tmp),
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


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


@pytest.fixture
def real(start_daemon, tmp_path):
    """With pip itself."""
    return Node(start_daemon, tmp_path, real_pip=True)


# -- pip ------------------------------------------------------------------------------------------

def test_package_is_there_at_once_in_present_and_later_processes(real):
    wheels.wheel(real.wheels, "tiny")
    real.daemon.post("/create_process", {"name": "early"})
    assert real.ask("prefix", process="early") == str(Path(real.python).parents[1])
    real.ok("tiny")
    real.daemon.post("/create_process", {"name": "late"})
    for process in ("default_process", "early", "late"):
        assert real.ask("version", "tiny", process=process) == "1.0"


def test_unknown_version_has_the_clients_text_and_the_last_lines_of_pip(real):
    wheels.wheel(real.wheels, "tiny")
    name, text = real.error("tiny==99.0")
    first, _, rest = text.partition("\n")
    assert name == "builtins.RuntimeError"
    assert first == (f'Pip install {real.python} -m pip install "tiny==99.0" failed, check that the '
                     "package exists and is available for your platform.")
    assert "No matching distribution found for tiny==99.0" in rest
    real.ok("tiny")  # a failed install leaves the env usable


def test_satisfied_requirements_run_nothing(node):
    wheels.wheel(node.wheels, "tiny_thing")
    node.ok("tiny_thing==1.0")
    node.ok("tiny_thing")  # asks the env anew after the install
    before = len(node.commands())
    for target in ("tiny_thing", "tiny_thing==1.0", "Tiny-Thing", "tiny.thing==1.0"):
        node.ok(target)
        node.ok(target, method="uv")  # there is no uv, and none is needed
    node.ok("tiny_thing", preferred="3.0")
    assert len(node.commands()) == before
    assert len(node.events("install.satisfied")) >= 9


def test_changes_by_other_hands_are_seen(node):
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    node.ok("tiny")
    [module] = Path(node.python).parents[1].glob("lib/python3*/site-packages/tiny.py")
    module.unlink()
    shutil.rmtree(module.parent / "tiny-1.0.dist-info")
    node.ok("tiny")
    assert node.ask("version", "tiny") == "1.0"


def test_preferred_version_is_for_what_is_not_there(node):
    for version in ("1.0", "2.0", "3.0"):
        wheels.wheel(node.wheels, "tiny", version)
    node.ok("tiny", preferred="1.0")
    node.ok("tiny", preferred="2.0")
    assert node.ask("version", "tiny") == "1.0"
    node.ok("tiny", preferred="2.0", override_remote_version=True)
    assert '"tiny==2.0"' in node.commands()[-1]
    node.ok("tiny", preferred="3.0", force_sync_local=True)  # the same to older clients
    assert '"tiny==3.0"' in node.commands()[-1]
    node.daemon.post("/create_process", {"name": "fresh"})
    assert node.ask("version", "tiny", process="fresh") == "3.0"


def test_extras_go_behind_the_name(real):
    wheels.wheel(real.wheels, "more", extras={"x": "tiny"})
    wheels.wheel(real.wheels, "tiny")
    real.ok("more==1.0", extras="x")
    assert '"more[x]==1.0"' in real.commands()[-1]
    assert real.ask("version", "tiny") == "1.0"


def test_arguments_are_split_by_quotes_and_never_expanded(real):
    spaced = real.daemon.home / "my wheels"
    wheels.wheel(spaced, "tiny")
    real.ok("tiny", args=f"--no-deps --find-links '{spaced}'")
    assert real.ask("version", "tiny") == "1.0"
    wheels.wheel(real.wheels, "tiny")
    real.ok("tiny --force-reinstall", args="--force-reinstall")  # as the client sends it
    assert real.commands()[-1].endswith('install "tiny" --force-reinstall')
    name, text = real.error("other", args="$(touch ~/expanded) ; touch ~/run")
    assert name == "builtins.RuntimeError"
    assert not (real.daemon.home / "expanded").exists()
    assert not (real.daemon.home / "run").exists()
    name, text = real.error("other", args="'open")
    assert (name, text) == ("builtins.ValueError",
                            "install_args ''open': a quote (') is not closed")


def test_directory_is_installed_by_pip(real):
    wheels.project(real.daemon.home / "proj", "projmod")
    real.ok(["~/proj", "~/proj"])
    assert real.ask("where", "projmod").startswith(str(Path(real.python).parents[1]))
    assert real.error(["~/nothing", None]) == (
        "builtins.FileNotFoundError", f"Path {real.daemon.home}/nothing does not exist.")


def test_editable_install_is_importable_in_a_running_process(real):
    folder = wheels.project(real.daemon.home / "proj", "projmod")
    assert real.ask("prefix") == str(Path(real.python).parents[1])
    real.ok("-e ./proj")
    assert real.ask("where", "projmod") == str(folder / "projmod.py")


def test_environment_of_the_daemon_reaches_the_tools(start_daemon, tmp_path):
    statement = "open(os.environ['SEEN_BY_BUILD'], 'w').write(os.environ.get('RH_TOKEN', 'none'))"
    node = Node(start_daemon, tmp_path, env={"SEEN_BY_BUILD": str(tmp_path / "seen"),
                                             "RH_TOKEN": "secret"})
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    node.ok(["~/proj", None])
    assert (tmp_path / "seen").read_text() == "none"


def test_passwords_in_urls_stay_out_of_log_and_error(real):
    name, text = real.error("other", args="--find-links http://me:pass99word@127.0.0.1:9/")
    assert "http://****@127.0.0.1:9/" in text
    assert "pass99word" not in text
    assert "pass99word" not in real.daemon.log()


def test_torch_comes_from_the_index_that_is_set(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--torch-index-url", "http://127.0.0.1:9/whl"])
    for name in ("torch", "torchx"):
        wheels.wheel(node.wheels, name)
    node.ok("torch==1.0")
    assert node.commands()[-1].endswith('"torch==1.0" --extra-index-url http://127.0.0.1:9/whl')
    node.ok("torchx")
    assert node.commands()[-1].endswith('"torchx"')
    node.ok("torch", args="--force-reinstall --index-url http://127.0.0.1:9/mine")
    assert "/whl" not in node.commands()[-1]


# -- requirements, rh, local ------------------------------------------------------------------------

def test_requirements_file_then_the_import_path(real):
    folder = real.daemon.home / "work"
    wheels.project(folder / "inner", "projmod")
    wheels.wheel(real.wheels, "tiny")
    (folder / "requirements.txt").write_text("tiny==1.0  # pinned\n./inner\n")
    (folder / "beside.py").write_text("VERSION = 'beside'\n")
    real.ok(["~/work", "~/work"], method="reqs")
    assert [real.ask("version", name) for name in ("tiny", "projmod", "beside")] == [
        "1.0", "1.0", "beside"]


def test_folder_without_requirements_is_just_on_the_path(node):
    (node.daemon.home / "work").mkdir()
    (node.daemon.home / "work" / "beside.py").write_text("VERSION = 'beside'\n")
    node.ok("./work", method="reqs")
    assert node.ask("version", "beside") == "beside"
    assert node.commands() == []


def test_failing_requirements_change_no_path(real):
    folder = real.daemon.home / "work"
    folder.mkdir()
    (folder / "requirements.txt").write_text("nosuch\n")
    name, text = real.error(["~/work", None], method="reqs")
    assert text.startswith(f"Pip install {real.python} -m pip install -r {folder}/requirements.txt "
                           "failed, check")
    (folder / "beside.py").write_text("VERSION = 'beside'\n")
    real.daemon.put_function("v", "version", file="uses", root=real.code)
    assert real.daemon.call("v", args=["beside"]).status == 500


def test_the_clients_own_package_needs_nothing(node):
    node.ok("runhouse", method="rh")
    node.ok(None, method="rh")
    assert node.commands() == []


# -- uv and conda -----------------------------------------------------------------------------------

@pytest.fixture
def faked(start_daemon, tmp_path):
    return Node(start_daemon, tmp_path, env={"PATH": f"{FAKES}:/usr/bin:/bin"})


def test_uv_installs_for_the_env_of_the_processes(faked):
    wheels.wheel(faked.wheels, "tiny")
    faked.ok("tiny==1.0", method="uv", args="--no-deps")
    assert faked.fake_log.read_text() == (
        f"uv pip install --python {faked.python} tiny==1.0 --no-deps\n")
    assert faked.ask("version", "tiny") == "1.0"
    name, text = faked.error("nosuch", method="uv")
    assert text.startswith(f'Pip install uv pip install --python {faked.python} "nosuch" failed, ')


def test_missing_uv_is_no_reason_for_pip(node):
    wheels.wheel(node.wheels, "tiny")
    name, text = node.error("tiny", method="uv")
    assert name == "builtins.RuntimeError"
    assert text.startswith("uv is not installed on this node")
    assert node.commands() == []


def test_conda_installs_into_the_named_env(faked):
    faked.ok("tiny", method="conda", args="-c conda-forge", conda_env_name="work")
    faked.ok("tiny>=1", method="conda")
    assert faked.fake_log.read_text() == ("conda install -y -n work tiny -c conda-forge\n"
                                          "conda install -y tiny>=1\n")
    name, text = faked.error("nosuch", method="conda")
    assert name == "builtins.RuntimeError"
    assert text == ("Conda install conda install -y nosuch failed, check that the package exists and "
                    "is available for your platform.\n"
                    "PackagesNotFoundError: The following packages are not available: nosuch")


def test_pip_works_inside_a_conda_env(faked, tmp_path):
    wheels.venv(tmp_path / "envs" / "work", False)
    wheels.wheel(faked.wheels, "tiny")
    faked.ok("tiny", conda_env_name="work")
    faked.ok("tiny", conda_env_name="work")
    runs = [line for line in faked.fake_log.read_text().splitlines() if "pip" in line.split()]
    assert runs == ["conda run -n work python3 -m pip install tiny"]
    python = tmp_path / "envs" / "work" / "bin" / "python"
    subprocess.run([str(python), "-c", "import tiny"], check=True)
    name, text = faked.error("tiny", conda_env_name="nosuch")
    assert "Not a conda environment: nosuch" in text
    assert "does not work" in text


def test_missing_conda_is_named_with_the_way_to_get_it(node):
    name, text = node.error("tiny", method="conda")
    assert name == "builtins.RuntimeError"
    assert text.startswith("Conda is not installed on this node") and "miniconda3" in text


def test_conda_is_installed_where_a_setting_allows_it(start_daemon, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("no curl")
    script = tmp_path / "miniconda.sh"
    script.write_text(f'[ "$1 $2 $3" = "-b -u -p" ] || exit 1\nmkdir -p "$4/bin"\n'
                      f'cp {FAKES}/conda "$4/bin/conda"\n')
    node = Node(start_daemon, tmp_path, args=["--miniconda-url", f"file://{script}"])
    node.ok("tiny", method="conda")
    assert node.fake_log.read_text() == "conda install -y tiny\n"
    wait_until("scratch folders to be gone", lambda: not os.listdir(node.tmp))


# -- envs -------------------------------------------------------------------------------------------

def test_venv_path_is_another_env(node, tmp_path):
    other = wheels.venv(tmp_path / "other", False)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny", venv_path=str(tmp_path / "other"))
    subprocess.run([other, "-c", "import tiny"], check=True)
    assert subprocess.run([node.python, "-c", "import tiny"], capture_output=True).returncode != 0
    name, text = node.error("tiny", venv_path="~/nothing")
    assert name == "builtins.FileNotFoundError" and "nothing" in text
    name, text = node.error("tiny", venv_path="~/a", conda_env_name="b")
    assert (name, text) == ("builtins.ValueError",
                            "conda_env_name and venv_path exclude each other")


def test_env_without_pip_gets_it_from_ensurepip(start_daemon, tmp_path):
    python = wheels.bare_venv(tmp_path / "bare")
    node = Node(start_daemon, tmp_path, python=python)
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")
    assert any("-m ensurepip" in command for command in node.commands())


def test_env_without_pip_and_ensurepip_names_the_debian_package(start_daemon, tmp_path):
    python = wheels.bare_venv(tmp_path / "bare")
    hide = "import sys; sys.modules['ensurepip'] = None\n"
    site = next((tmp_path / "bare" / "lib").glob("python3*/site-packages"))
    (site / "hide.pth").write_text(hide)
    node = Node(start_daemon, tmp_path, python=python)
    name, text = node.error("tiny")
    version = "%d.%d" % sys.version_info[:2]
    assert name == "builtins.RuntimeError"
    assert f"apt-get install python{version}-venv" in text


class Managed:
    """A PATH whose python3 is one that the system manages."""

    MARKER = next(iter(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")), None)

    def __init__(self, start_daemon, tmp_path, **options):
        if self.MARKER is None or not os.access("/usr/bin/python3", os.X_OK):
            pytest.skip("/usr/bin/python3 is not managed by the system (PEP 668)")
        self.node = Node(start_daemon, tmp_path, python="", **options)
        self.envs = self.node.daemon.folder / "state" / "envs"


def test_managed_python_is_left_alone_and_a_venv_made(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path)
    node = managed.node
    wheels.wheel(node.wheels, "tiny")
    node.daemon.post("/object", {"key": "kept", "serialized_data": 1})
    assert node.ask("prefix") == "/usr"
    node.ok("tiny")

    # The present worker sees it, and has lost nothing.
    assert node.ask("version", "tiny") == "1.0"
    assert node.ask("prefix") == "/usr"
    assert "kept" in node.daemon.get("/keys").json()["data"]

    # New ones run in the venv, and so does the present one once it is started again.
    [folder] = managed.envs.iterdir()
    node.daemon.post("/create_process", {"name": "late"})
    assert node.ask("prefix", process="late") == str(folder)
    assert node.ask("version", "tiny", process="late") == "1.0"
    os.kill(node.daemon.worker_pid("late"), signal.SIGKILL)
    wait_until("the worker to be another", lambda: node.daemon.worker_pid("late"))
    assert node.ask("version", "tiny", process="late") == "1.0"
    assert str(folder) in (folder / "bin" / "activate").read_text()
    assert str(managed.envs) in node.ask("where", "tiny")

    # A daemon that is started anew begins with it.
    again = Node(start_daemon, tmp_path, python="", inspect=False,
                 args=["--state-dir", str(node.daemon.folder / "state")])
    assert again.ask("prefix") == str(folder)
    again.ok("tiny")
    assert again.commands() == []


def test_newer_package_in_the_venv_wins_over_the_systems(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path)
    node = managed.node
    system = subprocess.run(["/usr/bin/python3", "-c", "import pip; print(pip.__version__)"],
                            capture_output=True, text=True).stdout.strip()
    if not system:
        pytest.skip("the system's python3 has no package to be newer than")
    path = wheels.wheel(node.wheels, "pip", "99.0", code="__version__ = VERSION\n")
    node.ok("pip==99.0", args=f"--no-index --find-links {path.parent}")
    assert node.ask("version", "pip") == "99.0"


def test_half_made_venv_is_removed_at_the_next_start(start_daemon, tmp_path):
    managed = Managed(start_daemon, tmp_path, inspect=False)
    node = managed.node
    wheels.project(node.daemon.home / "proj", "projmod", before="import time; time.sleep(600)")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_quietly(
        lambda: node.install(["~/proj", None]))))
    thread.start()
    wait_until("pip to be at work", lambda: list(node.tmp.glob(".gatehouse-scratch-*/pip-*")))
    (managed.envs / ".gatehouse-scratch-stale").mkdir()
    children = descendants(node.daemon.pid)
    node.daemon.signal(signal.SIGKILL)
    node.daemon.process.wait()
    thread.join()
    for pid in children:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)
    assert list(node.tmp.glob(".gatehouse-scratch-*"))
    again = Node(start_daemon, tmp_path, python="", inspect=False,
                 args=["--state-dir", str(node.daemon.folder / "state")])
    wait_until("leftovers to be gone", lambda: not list(node.tmp.glob(".gatehouse-scratch-*"))
               and not list(managed.envs.glob(".gatehouse-scratch-*")))
    wheels.wheel(again.wheels, "tiny")
    again.ok("tiny")


def _quietly(function):
    try:
        return function()
    except OSError as error:
        return error


def test_managed_python_that_was_named_is_refused(start_daemon, tmp_path):
    if Managed.MARKER is None:
        pytest.skip("/usr/bin/python3 is not managed by the system (PEP 668)")
    node = Node(start_daemon, tmp_path, python="/usr/bin/python3")
    name, text = node.error("tiny", args="--break-system-packages")
    assert name == "builtins.RuntimeError"
    assert text.startswith(f"/usr/bin/python3 is managed by the system ({Managed.MARKER})")
    assert node.commands() == []


# -- git ----------------------------------------------------------------------------------------------

@pytest.fixture
def origin(tmp_path):
    if not shutil.which("git"):
        pytest.skip("no git")
    folder = tmp_path / "origin" / "repo"
    wheels.project(folder, "repomod", "1.0")
    first = wheels.repository(folder, {})
    wheels.git(folder, "tag", "v1")
    wheels.git(folder, "checkout", "-q", "-b", "dev")
    wheels.commit(folder, {"repomod.py": "VERSION = 'dev'\n"})
    wheels.git(folder, "checkout", "-q", "main")
    wheels.commit(folder, {"repomod.py": "VERSION = '2.0'\n"})
    return folder, first


def from_git(url, revision=None, method=None, **more):
    return {"config": {"resource_subtype": "GitPackage", "git_url": str(url), "revision": revision,
                       "install_method": method, "install_target": "./repo", **more}}


def test_repository_is_cloned_and_put_on_the_path(node, origin):
    folder, _ = origin
    node.ok(None, **from_git(folder))
    assert node.ask("version", "repomod") == "2.0"
    assert node.ask("where", "repomod") == str(node.daemon.home / "repo" / "repomod.py")


@pytest.mark.parametrize("revision", ["dev", "v1", "commit"])
def test_revision_is_a_branch_a_tag_or_a_commit(node, origin, revision):
    folder, first = origin
    wanted = {"dev": "dev", "v1": "1.0", "commit": "1.0"}[revision]
    node.ok(None, **from_git(folder, first if revision == "commit" else revision))
    assert node.ask("version", "repomod") == wanted


def test_clone_that_is_there_follows_its_branch(node, origin):
    folder, _ = origin
    node.ok(None, **from_git(folder, "main"))
    wheels.commit(folder, {"repomod.py": "VERSION = '3.0'\n"})
    node.ok(None, **from_git(folder, "main"))
    assert (node.daemon.home / "repo" / "repomod.py").read_text() == "VERSION = '3.0'\n"
    node.ok(None, **from_git(folder, "v1"))
    assert (node.daemon.home / "repo" / "repomod.py").read_text() == "VERSION = '1.0'\n"


def test_repository_is_installed_as_its_method_says(node, origin):
    folder, _ = origin
    node.ok(None, **from_git(folder, "v1", "pip"))
    assert node.ask("where", "repomod").startswith(str(Path(node.python).parents[1]))


def test_failed_clone_leaves_nothing_behind(node, origin, tmp_path):
    folder, _ = origin
    for config in (from_git(tmp_path / "nothing" / "repo"), from_git(folder, "nosuch")):
        name, text = node.error(None, **config)
        assert name == "builtins.RuntimeError"
        assert "failed (exit status" in text and "repository and the revision" in text
    wait_until("scratch folders to be gone", lambda: not [
        n for n in os.listdir(node.daemon.home) if n != "code" and not n.startswith(".cache")])


def test_folder_that_is_no_clone_of_the_url_is_not_touched(node, origin, tmp_path):
    folder, _ = origin
    (node.daemon.home / "repo").mkdir()
    (node.daemon.home / "repo" / "mine.txt").write_text("mine")
    name, text = node.error(None, **from_git(folder))
    assert name == "builtins.ValueError"
    assert "is no git repository, not a clone of" in text
    assert (node.daemon.home / "repo" / "mine.txt").read_text() == "mine"


def test_local_changes_in_the_way_are_kept(node, origin):
    folder, _ = origin
    node.ok(None, **from_git(folder, "main"))
    (node.daemon.home / "repo" / "repomod.py").write_text("VERSION = 'mine'\n")
    name, text = node.error(None, **from_git(folder, "v1"))
    assert "overwritten by checkout" in text
    assert (node.daemon.home / "repo" / "repomod.py").read_text() == "VERSION = 'mine'\n"


# -- together -----------------------------------------------------------------------------------------

class Gate:
    """A project whose build waits until it is let go."""

    def __init__(self, node, name):
        self.started = node.daemon.folder / f"{name}.started"
        self.go = node.daemon.folder / f"{name}.go"
        statement = (f"open({str(self.started)!r}, 'w').close(); import time\n"
                     f"    while not os.path.exists({str(self.go)!r}): time.sleep(0.01)")
        wheels.project(node.daemon.home / name, name, before=statement)
        self.answers = []
        self.thread = threading.Thread(target=lambda: self.answers.append(
            _quietly(lambda: node.install([f"~/{name}", None]))))

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


def test_installs_of_one_env_wait_for_each_other_and_calls_go_on(node, tmp_path):
    one, two = Gate(node, "one"), Gate(node, "two")
    other = wheels.venv(tmp_path / "other", False)
    wheels.wheel(node.wheels, "tiny")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    assert int(node.events("install.queued")[1]["before_it"]) == 1
    node.ok("tiny", venv_path=str(Path(other).parents[1]))  # another env does not wait
    assert node.ask("prefix") == str(Path(node.python).parents[1])
    assert node.daemon.get("/check").status == 200
    assert not two.started.exists()
    one.finish()
    two.wait_for_build()
    two.finish()
    assert [node.ask("version", name) for name in ("one", "two")] == ["1.0", "1.0"]


def test_queue_has_a_bound(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--installs-waiting-max", "1"])
    one, two = Gate(node, "one"), Gate(node, "two")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    answer = node.install("third")
    assert answer.status == 503 and answer.headers["retry-after"] == "5"
    assert "1 installs wait for this env (installs_waiting_max)" in answer.json()["detail"]
    two.let_go()
    one.finish()
    two.finish()


def test_client_that_leaves_does_not_stop_its_install(node):
    gate = Gate(node, "one")
    body = json.dumps({"package_config": {"install_method": "pip",
                                          "install_target": ["~/one", None]}}).encode()
    connection = node.daemon.connect()
    connection.sendall(b"POST /install_package HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    gate.wait_for_build()
    connection.close()
    gate.let_go()
    wait_until("the install to be done", lambda: node.events("install.done"))
    assert node.ask("version", "one") == "1.0"


def test_install_that_takes_too_long_is_ended(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--install-timeout-s", "2"])
    gate = Gate(node, "one")
    name, text = node.error(["~/one", None])
    assert name == "builtins.RuntimeError"
    assert text.endswith("took longer than 2 s (install_timeout_s) and was ended.")
    gate.let_go()


def test_worker_that_dies_meanwhile_sees_the_package(node):
    gate = Gate(node, "one")
    gate.begin()
    gate.wait_for_build()
    os.kill(node.daemon.worker_pid(), signal.SIGKILL)
    gate.finish()
    assert node.ask("version", "one") == "1.0"


def test_stopping_daemon_ends_its_installs(start_daemon, tmp_path):
    node = Node(start_daemon, tmp_path, args=["--drain-timeout-ms", "100"], inspect=False)
    one, two = Gate(node, "one"), Gate(node, "two")
    one.begin()
    one.wait_for_build()
    two.begin()
    wait_until("the second to be queued", lambda: len(node.events("install.queued")) == 2)
    children = descendants(node.daemon.pid)
    node.daemon.stop()
    assert not [pid for pid in children if is_running(pid)]
    for gate in (one, two):
        gate.thread.join()
        assert "The node is stopping" in error_of(gate.answers[0])[1]
    assert not list(node.tmp.glob(".gatehouse-scratch-*"))


# -- a full disk --------------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_told(start_daemon, tmp_path, small_disk):
    python = wheels.venv(small_disk / "venv", False)
    node = Node(start_daemon, tmp_path, python=python)
    wheels.wheel(node.wheels, "large", code="DATA = '" + "x" * (30 << 20) + "'\n")
    answer = node.install("large").json()
    error = pickles.loads(answer["data"]["error"])
    assert error.name == "runhouse.exceptions.InsufficientDiskError"
    assert "No space left on device" in error.args[0]
    for left in (small_disk / "venv").glob("lib/python3*/site-packages/large*"):
        left.unlink()
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny")


def test_full_disk_is_seen_without_words(start_daemon, tmp_path, small_disk):
    python = wheels.venv(small_disk / "venv", False)
    statement = ("\n    try:\n        with open(os.environ['FILLED'], 'wb', 0) as f:\n"
                 "            while True: f.write(b'x' * 65536)\n"
                 "    except OSError: os._exit(7)")
    node = Node(start_daemon, tmp_path, python=python,
                env={"FILLED": str(small_disk / "filled")})
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    answer = node.install(["~/proj", None]).json()
    error = pickles.loads(answer["data"]["error"])
    assert error.name == "runhouse.exceptions.InsufficientDiskError"
    (small_disk / "filled").unlink()
