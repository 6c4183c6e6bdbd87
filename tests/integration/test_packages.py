# SPDX-License-Identifier: Apache-2.0
"""POST /install_package: what each method runs. Nothing here needs a network: packages are made on
the spot."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import wait_until
from .package_kit import FAKES, Node

pytestmark = pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0,
    reason="the interpreter of the tests has no pip")


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


def test_output_in_another_encoding_does_not_break_the_error(node):
    statement = r"os.write(2, b'caf\xe9 ' + b'\xc3\xa9' * 300 + b'\n'); os._exit(1)"
    wheels.project(node.daemon.home / "proj", "projmod", before=statement)
    name, text = node.error(["~/proj", None])
    assert name == "builtins.RuntimeError"
    assert "caf\ufffd \u00e9\u00e9" in text


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


def test_missing_uv_is_brought_by_pip(real):
    wheels.wheel(real.wheels, "tiny")
    wheels.wheel(real.wheels, "uv", scripts={"uv": (FAKES / "uv").read_text()})
    real.ok("tiny", method="uv")
    uv = Path(real.python).with_name("uv")
    assert real.commands() == [f"{real.python} -m pip install uv",
                               f'uv pip install --python {real.python} "tiny"']
    assert uv.exists() and real.ask("version", "tiny") == "1.0"


def test_missing_uv_that_cannot_be_brought_is_no_reason_for_pip(node):
    wheels.wheel(node.wheels, "tiny")
    name, text = node.error("tiny", method="uv")
    assert name == "builtins.RuntimeError"
    assert text == (f"{node.python} -m pip install uv failed (exit status 1): there is no uv beside the "
                    "env's python, on PATH or in ~/.local/bin, and this would have brought it; install "
                    "it, or use method pip for this package.\n"
                    "ERROR: No matching distribution found for uv")


def test_env_without_pip_is_for_uv_where_there_is_one(start_daemon, tmp_path):
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("the venv of the tests has no uv")
    node = Node(start_daemon, tmp_path, python=wheels.bare_venv(tmp_path / "bare"),
                env=wheels.uv_offline(tmp_path, uv))
    wheels.wheel(node.wheels, "tiny")
    node.ok("tiny==1.0")
    assert node.ask("version", "tiny") == "1.0"
    assert node.commands() == [f'uv pip install --python {node.python} "tiny==1.0"']
    name, text = node.error("nosuch")
    assert "nosuch" in text.partition("\n")[2]


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
