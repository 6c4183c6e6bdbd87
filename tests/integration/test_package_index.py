# SPDX-License-Identifier: Apache-2.0
"""An index that is slow, broken or wrong: a clear error with the tool's own last lines, and an env
that works. By pip, and by uv where the venv of the tests has it."""
from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import wait_until
from .package_index import Index
from .package_kit import Node

pytestmark = pytest.mark.release_only("pip and uv take the time; their ends have unit tests")

UV = Path(sys.executable).with_name("uv")


@pytest.fixture
def index(tmp_path):
    folder = tmp_path / "index"
    wheels.wheel(folder, "tiny", "1.0")
    wheels.wheel(folder, "tiny", "2.0", code="x = 1\n" * 1000)
    served = Index(folder)
    yield served
    served.close()


@pytest.fixture(params=["pip", "uv"])
def method(request):
    if request.param == "uv" and not UV.exists():
        pytest.skip("the venv of the tests has no uv")
    return request.param


@pytest.fixture
def node(start_daemon, tmp_path, index, method):
    """Its tools know of no index but ours. They give up soon."""
    tools = tmp_path / "tools"
    tools.mkdir()
    if method == "uv":
        (tools / "uv").symlink_to(UV)
    return Node(start_daemon, tmp_path, real_pip=True, env={
        "PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": index.simple,
        "PIP_RETRIES": "0", "PIP_TIMEOUT": "2", "UV_INDEX_URL": index.simple,
        "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "2", "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never", "PATH": f"{tools}:/usr/bin:/bin"})


def works(node, method, index):
    """The env is usable, and the next install goes well."""
    index.trouble = ""
    node.ok("tiny==1.0", method=method)
    assert node.ask("version", "tiny") == "1.0"


@pytest.mark.parametrize("trouble, words", [
    ("500", {"pip": "500", "uv": "500"}),
    ("cut", {"pip": "", "uv": ""}),
    ("slow", {"pip": "timed out", "uv": ""}),
    ("hash", {"pip": "DO NOT MATCH THE HASHES", "uv": "Hash mismatch"}),
])
def test_broken_download_is_told_in_the_tools_words(node, index, method, trouble, words):
    index.trouble = trouble
    name, text = node.error("tiny==2.0", method=method)
    first, _, tail = text.partition("\n")
    assert name == "builtins.RuntimeError"
    assert first.endswith('"tiny==2.0" failed, check that the package exists and is available for '
                          "your platform.")
    assert words[method].lower() in tail.lower() and tail.strip()
    works(node, method, index)


def test_unknown_package_and_wrong_platform_are_told(node, index, method):
    wheels.wheel(index.folder, "other", "1.0", tag="cp27-cp27m-win32")
    name, text = node.error("nosuch", method=method)
    assert name == "builtins.RuntimeError" and "nosuch" in text.partition("\n")[2]
    name, text = node.error("other", method=method)
    tail = text.partition("\n")[2]
    assert name == "builtins.RuntimeError"
    assert {"pip": "No matching distribution found for other",
            "uv": "no wheels with a matching"}[method] in tail
    works(node, method, index)


def test_index_that_is_not_there_is_told(node, index, method):
    name, text = node.error("tiny==1.0", method=method,
                            args="--index-url http://127.0.0.1:9/simple/")
    assert name == "builtins.RuntimeError" and "127.0.0.1" in text.partition("\n")[2]
    works(node, method, index)


def test_extra_index_with_a_password_is_passed_on_and_never_shown(node, index, method, tmp_path):
    wheels.wheel(tmp_path / "extra", "hidden", "1.0")
    extra = Index(tmp_path / "extra", password="me:pass99word")
    try:
        url = extra.simple.replace("//", "//me:pass99word@")
        node.ok("hidden", method=method, args=f"--extra-index-url {url}")
        name, text = node.error("nosuch", method=method, args=f"--extra-index-url {url}")
    finally:
        extra.close()
    assert node.ask("version", "hidden") == "1.0"
    assert "pass99word" not in text and "pass99word" not in node.daemon.log()


def test_client_that_leaves_a_slow_index_changes_nothing(node, index, method):
    index.trouble = "slow"
    client = threading.Thread(target=lambda: node.install("tiny==2.0", method=method))
    client.start()
    assert index.waiting.wait(60)
    assert node.daemon.get("/check").status == 200
    index.trouble = ""
    index.go_on.set()
    client.join()
    wait_until("the install to be over",
               lambda: node.events("install.done") or node.events("install.failed"))
    works(node, method, index)


def test_real_packages_install(start_daemon, tmp_path):
    """A package of binaries from the index of all; skipped where that is out of reach."""
    node = Node(start_daemon, tmp_path, real_pip=True, env={"PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""})
    reach = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d",
                            str(tmp_path / "reach"), "markupsafe"], capture_output=True, text=True)
    if reach.returncode != 0:
        pytest.skip("no package index in reach")
    node.ok("markupsafe", args="--only-binary :all:")
    assert node.ask("where", "markupsafe._speedups").startswith(str(tmp_path / "venv"))
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
