# SPDX-License-Identifier: Apache-2.0
"""/folder/method: removing and moving, and files that belong to others."""
from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from .folders import ask, detail, done, folder, raised, result  # noqa: F401  (a fixture among them)
from .gatehoused import Gatehoused, wait_until


# -- rm -------------------------------------------------------------------------------------------

def test_rm_of_a_file_a_link_and_an_empty_folder(daemon, folder):
    (folder / "target").mkdir()
    (folder / "target" / "kept").touch()
    (folder / "file").touch()
    (folder / "link").symlink_to("target")
    (folder / "empty").mkdir()
    for name in ("file", "link", "empty"):
        done(ask(daemon, "rm", folder / name))
    assert [p.name for p in folder.iterdir()] == ["target"]
    assert (folder / "target" / "kept").exists()


def test_rm_recursive_never_follows_a_link(daemon, folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    tree = folder / "tree"
    for inner in ("a/b/c", "d"):
        (tree / inner).mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "a" / "link").symlink_to(outside)
    (tree / "a" / "b" / "up").symlink_to("..")
    (tree / "file-link").symlink_to(outside / "kept")
    done(ask(daemon, "rm", tree, recursive=True))
    assert not tree.exists() and (outside / "kept").exists()
    tree.symlink_to(outside)
    done(ask(daemon, "rm", tree, recursive=True))
    assert not tree.is_symlink() and (outside / "kept").exists()


def test_rm_without_recursive_takes_the_files_only(daemon, folder):
    for name in ("a", "b"):
        (folder / name).touch()
    done(ask(daemon, "rm", folder))
    assert folder.is_dir() and not list(folder.iterdir())
    (folder / "a").touch()
    (folder / "inner").mkdir()
    assert detail(ask(daemon, "rm", folder)) == (
        400, f"Folder {folder}/inner found in {folder}, recursive is set to `False`")
    assert sorted(p.name for p in folder.iterdir()) == ["a", "inner"]  # all or nothing


def test_rm_of_contents(daemon, folder, tmp_path):
    (folder / "inner" / "deep").mkdir(parents=True)
    (folder / "inner" / "x").touch()
    for name in ("a", "b"):
        (folder / name).touch()
    (folder / "link").symlink_to(tmp_path)
    done(ask(daemon, "rm", folder, contents=["a", "not-there", "inner/x", "no/such"]))
    assert sorted(p.name for p in folder.iterdir()) == ["b", "inner", "link"]
    assert not list((folder / "inner").glob("x"))
    assert detail(ask(daemon, "rm", folder, contents=["inner"])) == (
        400, f"Path {folder}/inner is a directory and recursive is set to False")
    status, _ = detail(ask(daemon, "rm", folder, contents=["link/folder/b"], recursive=True))
    assert status == 400 and (folder / "b").exists()
    for name in ("../a", "/etc", "", ".", "inner/../b"):
        assert detail(ask(daemon, "rm", folder, contents=[name], recursive=True))[0] == 422
    done(ask(daemon, "rm", folder, contents=["inner", "link"], recursive=True))
    assert [p.name for p in folder.iterdir()] == ["b"] and tmp_path.is_dir()


def test_rm_of_what_is_not_there(daemon, folder):
    assert raised(ask(daemon, "rm", folder / "no")) == (
        "FileNotFoundError", f"[Errno 2] No such file or directory: '{folder}/no'")
    for path in ("/", folder / ".."):
        assert detail(ask(daemon, "rm", path, recursive=True))[0] == 400


def test_rm_of_a_deep_tree(daemon, folder):
    path = folder
    for _ in range(300):
        path = path / "d"
        path.mkdir()
    done(ask(daemon, "rm", folder, recursive=True))
    assert not folder.exists()


# -- mv -------------------------------------------------------------------------------------------

def test_mv(daemon, folder):
    (folder / "a").write_text("a")
    done(ask(daemon, "mv", folder / "a", dest_path=str(folder / "new" / "deep" / "b")))
    assert (folder / "new" / "deep" / "b").read_text() == "a" and not (folder / "a").exists()
    done(ask(daemon, "mv", folder / "new", dest_path=str(folder / "moved"), overwrite=False))
    assert (folder / "moved" / "deep" / "b").exists()


def test_mv_onto_what_is_there(daemon, folder):
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    (folder / "inner").mkdir()
    assert detail(ask(daemon, "mv", folder / "a", dest_path=str(folder / "b"), overwrite=False)) == (
        409, f"The destination path {folder}/b already exists. Set `overwrite` to `True` to "
             "overwrite the destination path")
    done(ask(daemon, "mv", folder / "a", dest_path=str(folder / "b")))
    assert (folder / "b").read_text() == "a"
    done(ask(daemon, "mv", folder / "b", dest_path=str(folder / "inner")))
    assert (folder / "inner" / "b").read_text() == "a"
    (folder / "b").write_text("again")
    assert raised(ask(daemon, "mv", folder / "b", dest_path=str(folder / "inner"))) == (
        "OSError", f"Destination path '{folder}/inner/b' already exists")
    done(ask(daemon, "mv", folder / "b", dest_path=str(folder / "b")))
    assert (folder / "b").read_text() == "again"


def test_mv_of_what_cannot_be_moved(daemon, folder):
    (folder / "inner").mkdir()
    assert detail(ask(daemon, "mv", folder / "no", dest_path=str(folder / "x"))) == (
        404, f"The source path {folder}/no does not exist")
    assert raised(ask(daemon, "mv", folder / "inner", dest_path=str(folder / "inner" / "x")))[0] == \
        "OSError"
    assert (folder / "inner").is_dir()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK) or
                    os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev,
                    reason="no second file system")
def test_mv_to_another_file_system(daemon, folder):
    other = f"/dev/shm/gatehouse-test-{os.getpid()}"
    (folder / "tree" / "in").mkdir(parents=True)
    (folder / "tree" / "in" / "file").write_text("x")
    (folder / "tree" / "link").symlink_to("in")
    try:
        done(ask(daemon, "mv", folder / "tree", dest_path=other))
        assert os.path.islink(f"{other}/link") and not (folder / "tree").exists()
        assert result(ask(daemon, "get", f"{other}/in/file")) == "x"
    finally:
        daemon.post("/folder/method/rm", {"path": other, "recursive": True})


# -- rights ---------------------------------------------------------------------------------------

@pytest.fixture
def unprivileged():
    """A daemon without the rights that root has over any file, and a folder that is closed to it."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for part in ("gatehoused", "gatehoused/home", "closed"):
            (base / part).mkdir()
        options = {}
        if os.geteuid() == 0:
            options["wrapper"] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
        (base / "closed" / "secret").touch()
        (base / "closed" / "secret").chmod(0)
        (base / "closed").chmod(0o555)
        daemon = Gatehoused(base / "gatehoused", **options)
        try:
            yield daemon.start(), base / "closed"
        finally:
            daemon.kill()
            (base / "closed").chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="no setpriv")
def test_what_belongs_to_others_is_403(unprivileged):
    daemon, closed = unprivileged
    secret = closed / "secret"
    assert detail(ask(daemon, "get", secret)) == (
        403, f"Permission denied for file in path {secret}")
    for method, path, fields in (
            ("put", closed, {"contents": {"a": "x"}}),
            ("put", closed, {"contents": {"secret": "x"}, "overwrite": True}),
            ("rm", closed, {"contents": ["secret"]}), ("rm", closed, {}), ("rm", secret, {}),
            ("mkdir", closed / "x", {}), ("mv", secret, {"dest_path": str(daemon.home / "x")})):
        status, text = detail(ask(daemon, method, path, **fields))
        assert status == 403 and "[Errno 13]" in text, (method, fields)
    assert secret.exists()


def test_a_killed_daemon_leaves_no_half_written_file(start_daemon, tmp_path):
    """Killed between the files of one put: those that are there are whole, and there is nothing else."""
    import threading

    daemon = start_daemon(inspect=False)
    folder, text = tmp_path / "killed", "y" * (8 << 20)
    names = [f"f{i}.txt" for i in range(8)]

    def put() -> None:
        try:
            ask(daemon, "put", folder, contents=dict.fromkeys(names, text), overwrite=True)
        except OSError:
            pass  # the daemon is killed

    client = threading.Thread(target=put)
    client.start()
    wait_until("the first file", lambda: (folder / names[0]).exists(), 60)
    daemon.kill()
    client.join()
    found = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert found and set(found) <= set(names)
    assert set(found.values()) == {len(text)}
