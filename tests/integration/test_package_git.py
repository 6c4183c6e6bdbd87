# SPDX-License-Identifier: Apache-2.0
"""Packages that are git repositories."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from . import wheels
from .gatehoused import wait_until
from .package_index import Index
from .package_kit import Node

pytestmark = pytest.mark.release_only("git and pip take the time")


@pytest.fixture
def node(start_daemon, tmp_path):
    """With tests/fake/pip."""
    return Node(start_daemon, tmp_path)


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


# -- private ones: the user's own credentials ---------------------------------------------------------

def test_unknown_revision_is_told_in_gits_words_and_a_known_one_works_then(node, origin):
    folder, first = origin
    name, text = node.error(None, **from_git(folder, "nosuch"))
    assert name == "builtins.RuntimeError"
    assert "git -C" in text and "checkout nosuch" in text and "nosuch" in text.partition("\n")[2]
    node.ok(None, **from_git(folder, first[:10]))  # a commit may be shortened
    assert node.ask("version", "repomod") == "1.0"


@pytest.fixture
def private(origin, tmp_path):
    """The repository, bare, behind a web server that asks for a password."""
    folder, _ = origin
    wheels.git(tmp_path, "clone", "-q", "--bare", str(folder), "served/repo.git")
    wheels.git(tmp_path / "served" / "repo.git", "update-server-info")
    served = Index(tmp_path / "served", password="me:pass99word")
    yield served
    served.close()


def test_private_repository_needs_credentials_and_asks_nobody(node, private):
    name, text = node.error(None, **from_git(f"{private.url}/files/repo.git"))
    assert name == "builtins.RuntimeError"
    assert "could not read Username" in text and "may be read" in text


def test_private_repository_by_the_users_credential_helper(start_daemon, tmp_path, private):
    node = Node(start_daemon, tmp_path, env={"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")})
    (tmp_path / "gitconfig").write_text("[credential]\n\thelper = store\n")
    credentials = private.url.replace("//", "//me:pass99word@")
    (node.daemon.home / ".git-credentials").write_text(f"{credentials}\n")
    node.ok(None, **from_git(f"{private.url}/files/repo.git", "v1"))
    assert node.ask("version", "repomod") == "1.0"
    node.ok(None, **from_git(f"{private.url}/files/repo.git", "dev"))
    assert "pass99word" not in node.daemon.log()


def test_password_in_the_url_is_never_shown(node, private):
    url = private.url.replace("//", "//me:pass99word@")
    node.ok(None, **from_git(f"{url}/files/repo.git", "v1"))
    node.ok(None, **from_git(f"{url}/files/repo.git", "main"))  # it is a clone of that URL
    name, text = node.error(None, **from_git(f"{url}/files/nothing.git"))
    assert "pass99word" not in text and "pass99word" not in node.daemon.log()


def test_private_repository_by_the_users_ssh_key(node, origin, tmp_path):
    """A stand-in for ssh wants the key that the user's own configuration names."""
    folder, _ = origin
    (tmp_path / "key").write_text("a key")
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\n[ "$1" = -i ] && [ "$(cat "$2")" = "a key" ] || exit 255\n'
                   'shift 2\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    url = f"user@host:{folder}"
    name, text = node.error(None, **from_git(url))
    assert name == "builtins.RuntimeError" and "failed (exit status 128)" in text
    node.daemon.post("/env_vars", {"env_vars": {"GIT_SSH_COMMAND": f"{ssh} -i {tmp_path}/key",
                                                "GIT_SSH_VARIANT": "ssh"}})
    node.ok(None, **from_git(url, "v1"))
    assert node.ask("version", "repomod") == "1.0"
