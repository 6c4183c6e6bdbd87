# SPDX-License-Identifier: Apache-2.0
"""What the unmodified client sends to a node over ssh: working trees, packages, secrets, images."""
from __future__ import annotations

import subprocess

import pytest

from integration import wheels


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words], cwd=folder,
                   check=True, capture_output=True)


@pytest.fixture
def wheel_house(node):
    """The node's pip knows one folder of wheels, and no index."""
    for version in ("1.0", "2.0"):
        wheels.wheel(node.home / "wheels", "tinyone", version)
    wheels.wheel(node.home / "wheels", "tinytwo", "1.0")
    config = node.home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(f"[global]\nno-index = true\nfind-links = {node.home}/wheels\n"
                      "disable-pip-version-check = true\n")
    return node.home / "wheels"


@pytest.fixture
def venv(node, wheel_house):
    """~/venv on the node. The client asks the python3 of an image's venv for psutil too."""
    subprocess.run([node.python, "-m", "venv", node.home / "venv"], check=True)
    found = subprocess.run([node.python, "-c", "import os, psutil; print(os.path.dirname("
                            "os.path.dirname(psutil.__file__)))"], capture_output=True, text=True,
                           check=True).stdout.strip()
    (site,) = (node.home / "venv" / "lib").glob("python3*/site-packages")
    (site / "psutil-of-the-node.pth").write_text(found + "\n")
    return node.home / "venv"


@pytest.fixture
def code(client):
    """The person's project: a git working copy with a requirements.txt and something ignored."""
    project = client.project
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").write_text("")
    (project / "shop" / "prices.py").write_text("PRICE = 3\n")
    (project / "uses.py").write_text(
        "def price():\n    from shop.prices import PRICE\n    return PRICE\n\n"
        "def version(name):\n    import importlib\n    return importlib.import_module(name).VERSION\n\n"
        "def variable(name):\n    import os\n    return os.environ.get(name)\n")
    (project / "requirements.txt").write_text("tinyone==1.0\n")
    (project / ".gitignore").write_text("big/\n*.bin\n")
    (project / "big").mkdir()
    (project / "big" / "data").write_text("x")
    (project / "model.bin").write_text("x")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "first")
    return project


def test_a_git_working_copy_is_found_and_used(client, node, code):
    seen = client.run("""
        from uses import price
        from pathlib import Path
        cluster.start_server()
        report(rh.function(price).to(cluster)())
        Path("shop/prices.py").write_text("PRICE = 4\\n")    # not committed: the tree counts
        cluster.restart_server()
        report(rh.function(price).to(cluster)())
    """)
    assert seen.reports == [3, 4]
    synced = node.home / "project"
    assert (synced / "requirements.txt").read_text() == "tinyone==1.0\n"
    assert not (synced / "model.bin").exists() and not (synced / "big").exists()


def test_its_requirements_are_installed_where_the_workers_find_them(client, node, code, venv):
    seen = client.run("""
        from uses import version
        cluster.image = rh.Image("shop").set_venv("~/venv")
        cluster.restart_server()
        cluster.sync_package(".")
        cluster.install_package(rh.Package(install_method="reqs", install_target=("~/project", None)))
        remote = rh.function(version).to(cluster)
        cluster.install_package("pip:tinytwo==1.0")
        report(remote("tinyone"), remote("tinytwo"))
    """)
    assert seen.reports == ["1.0", "1.0"]


def test_sync_package_of_another_folder(client, node, tmp_path):
    other = tmp_path / "toolbox"
    other.mkdir()
    (other / "setup.py").write_text("")
    (other / "tools_of_mine.py").write_text("VERSION = 'mine'\n")
    (client.project / "uses.py").write_text(
        "def version(name):\n    import importlib\n    return importlib.import_module(name).VERSION\n")
    seen = client.run(f"""
        from uses import version
        cluster.start_server()
        cluster.sync_package({str(other)!r})
        report(rh.function(version).to(cluster)("tools_of_mine"))
    """)
    assert seen.reports == ["mine"]
    assert (node.home / "toolbox" / "tools_of_mine.py").exists()


def test_an_image_is_built_and_its_venv_is_the_workers(client, node, code, venv):
    """pip is the image's own wish here, and runs in its venv."""
    seen = client.run("""
        from uses import version, variable
        cluster.image = (rh.Image("shop").set_venv("~/venv").set_env_vars({"FLAVOUR": "plum"})
                         .pip_install(["tinyone==2.0"]).run_bash("echo built >~/built"))
        cluster.image.rsync(source="shop", dest="~/goods", contents=True)  # returns None
        cluster.restart_server(parallel=False)
        report(rh.function(version).to(cluster)("tinyone"))
        report(rh.function(variable).to(cluster)("FLAVOUR"))
        report(rh.function(variable).to(cluster)("VIRTUAL_ENV"))
    """)
    assert seen.reports == ["2.0", "plum", str(venv)]
    assert (node.home / "built").read_text() == "built\n"
    assert (node.home / "goods" / "prices.py").exists()


def test_image_steps_on_all_nodes_at_once(client, node, code):
    client.run("""
        cluster.image = rh.Image("shop").run_bash("echo built >~/built")
        cluster.restart_server()
    """)
    assert (node.home / "built").exists()


def test_a_failing_step_is_seen(client, node):
    seen = client.run("""
        report(cluster.run_bash_over_ssh("echo out; echo err >&2; exit 3"))
        cluster.start_server()
        report(cluster.run_bash("echo out; echo err >&2; exit 3"))
    """)
    assert seen.reports == [[[3, "out\nerr\n", ""]], [3, "out\n", "err\n"]]


def test_secrets(client, node, code):
    (client.folder / "client_home" / "key.json").write_text('{"key": "42"}')
    seen = client.run("""
        from uses import variable
        cluster.start_server()
        rh.provider_secret("openai", values={"api_key": "sk-test"}).to(cluster)
        rh.provider_secret("lambda", values={"api_key": "l-test"}).to(cluster, path="~/.lambda_cloud/lambda_keys")
        cluster.sync_secrets([rh.provider_secret("huggingface", values={"token": "hf-test"})])
        report(rh.function(variable).to(cluster)("OPENAI_API_KEY"))
    """)
    assert seen.reports == ["sk-test"]
    assert "l-test" in (node.home / ".lambda_cloud" / "lambda_keys").read_text()


def test_rsync_both_ways(client, node, tmp_path):
    seen = client.run(f"""
        from pathlib import Path
        cluster.start_server()
        Path("data").mkdir()
        Path("data/one").write_text("1")
        cluster.rsync(source="data", dest="~/there", up=True, contents=True)
        report(cluster.run_bash("cat ~/there/one"))
        cluster.run_bash("echo 2 >~/there/two")
        cluster.rsync(source="~/there/", dest="{tmp_path}/back", up=False, contents=True)
        report(Path("{tmp_path}/back/two").read_text())
    """)
    assert seen.reports == [[0, "1", ""], "2\n"]


def test_a_client_that_is_killed_in_the_middle_leaves_a_node_that_works(client, node):
    running = client.watch("""
        cluster.start_server()
        print("begun", flush=True)
        rh.function(__import__("time").sleep).to(cluster)(1000)
    """)
    try:
        running.wait_for_line("begun")
    finally:
        running.kill()
    assert client.run("""
        report(rh.function(concat).to(cluster)("a", "b"))
    """).reports == ["ab"]
