# SPDX-License-Identifier: Apache-2.0
"""/folder/method: paths, listing, reading and writing files of the node."""
from __future__ import annotations

import json
import os
import threading

import pytest

from . import pickles
from .folders import ask, detail, done, folder, raised, result  # noqa: F401  (a fixture among them)
from .gatehoused import wait_until
from .raw import Wire, head

BIG = 20 << 20


# -- paths ----------------------------------------------------------------------------------------

def test_a_tilde_is_the_home(daemon):
    done(ask(daemon, "mkdir", "~/made"))
    assert (daemon.home / "made").is_dir()
    assert result(ask(daemon, "ls", "~/made//./")) == []
    assert result(ask(daemon, "exists", f"~{os.environ.get('USER', 'root')}/")) in (True, False)
    done(ask(daemon, "rm", "~/made"))


def test_relative_paths_count_from_the_daemons_folder(daemon):
    done(ask(daemon, "mkdir", "relative"))
    assert (daemon.home / "relative").is_dir()  # tests start it there
    done(ask(daemon, "rm", "./relative/"))
    assert not (daemon.home / "relative").exists()


def test_a_number_is_a_name(daemon):
    done(daemon.post("/folder/method/mkdir", {"path": 42}))
    assert (daemon.home / "42").is_dir()
    done(daemon.post("/folder/method/rm", {"path": 42}))


@pytest.mark.parametrize("method, fields", [
    ("ls", {}), ("mkdir", {}), ("get", {}), ("put", {"contents": {}}), ("rm", {}),
    ("mv", {"dest_path": "x"}), ("exists", {})])
@pytest.mark.parametrize("path, kind", [
    ("", "string_too_short"), ("a\0b", "string_pattern_mismatch"), (None, "string_type"),
    (["a"], "string_type"), (True, "string_type")])
def test_paths_that_are_none(daemon, method, fields, path, kind):
    answer = daemon.post(f"/folder/method/{method}", {"path": path, **fields})
    assert answer.status == 422, answer
    assert [(e["loc"], e["type"]) for e in answer.json()["detail"]] == [(["body", "path"], kind)]


@pytest.mark.parametrize("method", ["ls", "mkdir", "get", "put", "rm", "mv", "exists"])
def test_a_path_is_needed(daemon, method):
    answer = daemon.post(f"/folder/method/{method}", {})
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "path"]


@pytest.mark.parametrize("method, fields, where", [
    ("ls", {"sort": "perhaps"}, ["body", "sort"]),
    ("ls", {"full_paths": []}, ["body", "full_paths"]),
    ("get", {"mode": 5}, ["body", "mode"]),
    ("get", {"encoding": {}}, ["body", "encoding"]),
    ("put", {}, ["body", "contents"]),
    ("put", {"contents": {}, "overwrite": "?"}, ["body", "overwrite"]),
    ("put", {"contents": {}, "serialization": 1}, ["body", "serialization"]),
    ("rm", {"contents": "a"}, ["body", "contents"]),
    ("rm", {"contents": ["a", 1]}, ["body", "contents", 1]),
    ("rm", {"recursive": 7}, ["body", "recursive"]),
    ("mv", {}, ["body", "dest_path"]),
    ("mv", {"dest_path": ""}, ["body", "dest_path"]),
])
def test_bad_fields_are_named(daemon, folder, method, fields, where):
    answer = ask(daemon, method, folder / "x", **fields)
    assert answer.status == 422, answer
    assert answer.json()["detail"][0]["loc"] == where


# -- mkdir, ls, exists ----------------------------------------------------------------------------

def test_mkdir(daemon, folder):
    done(ask(daemon, "mkdir", folder / "a"))
    done(ask(daemon, "mkdir", folder / "a"))
    assert (folder / "a").is_dir()
    parent = folder / "no" / "such"
    assert raised(ask(daemon, "mkdir", parent / "x")) == (
        "ValueError", f"Parent path {parent} does not exist or is not a directory")
    (folder / "file").touch()
    assert raised(ask(daemon, "mkdir", folder / "file"))[0] == "FileExistsError"


def test_ls(daemon, folder):
    for name in ("b", "a", "c"):
        (folder / name).touch()
    (folder / "inner").mkdir()
    (folder / "link").symlink_to("nowhere")
    names = ["a", "b", "c", "inner", "link"]
    assert sorted(result(ask(daemon, "ls", folder))) == [str(folder / name) for name in names]
    assert sorted(result(ask(daemon, "ls", folder, full_paths=False))) == names
    assert sorted(result(ask(daemon, "ls", folder, full_paths=None))) == names


def test_ls_sorts_the_newest_first(daemon, folder):
    for age, name in enumerate(["new", "middle", "old"]):
        (folder / name).touch()
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    assert result(ask(daemon, "ls", folder, full_paths=False, sort=True)) == ["new", "middle", "old"]


def test_ls_of_what_is_no_folder(daemon, folder):
    (folder / "file").touch()
    assert detail(ask(daemon, "ls", folder / "no")) == (404, f"Path {folder}/no does not exist")
    assert detail(ask(daemon, "ls", folder / "file")) == (
        400, f"Path {folder}/file is not a directory")
    assert detail(ask(daemon, "ls", folder / "file" / "x"))[0] == 404


def test_names_that_are_no_utf8_are_shown_as_far_as_they_can(daemon, folder):
    os.mkdir(os.fsencode(folder) + b"/a\xffb")
    (folder / "\"\n\\").touch()
    assert sorted(result(ask(daemon, "ls", folder, full_paths=False))) == ["\"\n\\", "a�b"]
    answer = ask(daemon, "rm", folder)
    assert answer.status == 400 and "a�b" in answer.json()["detail"]
    done(ask(daemon, "rm", folder, recursive=True))


def test_ls_of_many(daemon, folder):
    for i in range(5000):
        (folder / f"{i:060d}").touch()
    assert len(result(ask(daemon, "ls", folder))) == 5000


def test_exists(daemon, folder):
    (folder / "file").touch()
    (folder / "link").symlink_to("file")
    (folder / "broken").symlink_to("nowhere")
    found = {name: result(ask(daemon, "exists", folder / name))
             for name in (".", "file", "link", "broken", "none", "file/x")}
    assert found == {".": True, "file": True, "link": True, "broken": False, "none": False,
                     "file/x": False}


# -- get ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["", "hello", "wörld \U0001f3e0\n", "\0\x01\"\\\r\n\x7f",
                                  "é" * 100_000, "x" * 65_535 + "\U0001f3e0" * 3])
def test_get_is_what_put_wrote(daemon, folder, text):
    done(ask(daemon, "put", folder, contents={"file": text}))
    assert (folder / "file").read_bytes() == text.encode()
    assert result(ask(daemon, "get", folder / "file")) == text


def test_get_in_text_mode_translates_line_ends(daemon, folder):
    (folder / "file").write_bytes(b"a\r\nb\rc\n\r\n" + b"x" * 65_520 + b"\r\ny")
    assert result(ask(daemon, "get", folder / "file", mode="r")) == \
        "a\nb\nc\n\n" + "x" * 65_520 + "\ny"
    assert result(ask(daemon, "get", folder / "file", mode="rb")).startswith("a\r\nb\r")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "latin-1", "iso8859-1", "ascii", "cp1252",
                                      "utf-16", "utf_32", "shift_jis", "koi8-r"])
def test_get_with_an_encoding(daemon, folder, encoding):
    text = {"latin-1": "grün", "iso8859-1": "grün", "cp1252": "grün €", "ascii": "green",
            "shift_jis": "日本" * 50_000, "koi8-r": "зелёный"}.get(encoding, "grün € \U0001f3e0" * 9_000)
    (folder / "file").write_bytes(text.encode(encoding))
    assert result(ask(daemon, "get", folder / "file", mode="r", encoding=encoding)) == text


@pytest.mark.parametrize("content, at, reason", [
    (b"\xff", 0, "invalid start byte"), (b"a" * 70_000 + b"\x80", 70_000, "invalid start byte"),
    (b"ab\xc3(", 2, "invalid continuation byte"), (b"ab\xe2\x82", 2, "unexpected end of data"),
    (b"\xed\xa0\x80", 0, "invalid continuation byte")])
def test_what_is_no_text_is_told(daemon, folder, content, at, reason):
    (folder / "file").write_bytes(content)
    for mode in ("rb", "r"):
        name, text = raised(ask(daemon, "get", folder / "file", mode=mode))
        assert name == "UnicodeDecodeError"
        assert text == (f"'utf-8' codec can't decode byte 0x{content[at]:02x} in position 0: "
                        f"{reason}, at byte {at} of {folder}/file")
    error = pickles.loads(ask(daemon, "get", folder / "file").json()["data"]["error"])
    assert str(UnicodeDecodeError(*error.args)) == text  # as the client raises it


def test_get_refuses_what_it_cannot_read(daemon, folder):
    os.mkfifo(folder / "pipe")
    (folder / "file").touch()
    assert detail(ask(daemon, "get", folder / "no")) == (404, f"Path {folder}/no does not exist")
    assert detail(ask(daemon, "get", folder)) == (
        400, f"Error reading file {folder}: [Errno 21] Is a directory: '{folder}'")
    assert detail(ask(daemon, "get", folder / "pipe"))[0] == 400
    assert detail(ask(daemon, "get", "/dev/zero"))[0] == 400
    for fields in ({"mode": "w"}, {"mode": "rbt"}, {"mode": "rr?"}, {"mode": "r", "encoding": "klingon"},
                   {"mode": "r", "encoding": "utf-8//IGNORE"}, {"encoding": "utf-8"}):
        status, text = detail(ask(daemon, "get", folder / "file", **fields))
        assert status == 422 and ("mode" in text or "encoding" in text)


def test_files_without_a_size_are_read(daemon):
    assert "Linux" in result(ask(daemon, "get", "/proc/version"))


def test_a_file_over_the_limit_is_413(start_daemon, folder):
    daemon = start_daemon(args=["--body-max-bytes", "100000"])
    (folder / "file").write_bytes(b"x" * 100_001)
    status, text = detail(ask(daemon, "get", folder / "file"))
    assert status == 413 and "body_max_bytes" in text


# -- put ------------------------------------------------------------------------------------------

def test_put_several(daemon, folder):
    done(ask(daemon, "put", folder, contents={"a.txt": "hello", "b.txt": "world", "empty": ""}))
    assert {p.name: p.read_text() for p in folder.iterdir()} == {
        "a.txt": "hello", "b.txt": "world", "empty": ""}


def test_put_does_not_overwrite_unless_asked(daemon, folder):
    (folder / "a.txt").write_text("old")
    answer = ask(daemon, "put", folder, contents={"new": "1", "a.txt": "2"})
    assert detail(answer) == (409, f"File(s) {{'a.txt'}} already exist(s) at path: {folder}")
    assert (folder / "a.txt").read_text() == "old" and not (folder / "new").exists()
    done(ask(daemon, "put", folder, contents={"new": "1", "a.txt": "2"}, overwrite=True))
    assert (folder / "a.txt").read_text() == "2" and (folder / "new").read_text() == "1"


def test_put_makes_the_folder_when_it_may_overwrite(daemon, folder):
    path = folder / "x" / "y"
    assert raised(ask(daemon, "put", path, contents={"a": "1"})) == (
        "FileNotFoundError", f"[Errno 2] No such file or directory: '{path}'")
    done(ask(daemon, "put", path, contents={"a": "1"}, overwrite=True))
    assert (path / "a").read_text() == "1"
    (folder / "file").touch()
    assert raised(ask(daemon, "put", folder / "file", contents={"a": "1"}))[0] == "NotADirectoryError"
    assert raised(ask(daemon, "put", folder / "file", contents={"a": "1"}, overwrite=True))[0] == \
        "FileExistsError"


@pytest.mark.parametrize("contents", [["a"], "text", 5, None, [], True])
def test_contents_must_be_a_dict(daemon, folder, contents):
    answer = ask(daemon, "put", folder, contents=contents, overwrite=True)
    expected = "`contents` argument must be a dict mapping filenames to file-like objects"
    if contents is None and isinstance(answer.json()["detail"], list):
        return
    assert detail(answer) == (422, expected)


@pytest.mark.parametrize("contents", [{"a": 1}, {"a": None}, {"a": "1", "b": ["x"]}, {"": "x"},
                                      {"../a": "x"}, {"/a": "x"}, {"a\0": "x"}, {"a/./b": "x"}])
def test_contents_that_cannot_be_written(daemon, folder, contents):
    status, text = detail(ask(daemon, "put", folder, contents=contents, overwrite=True))
    assert status == 422 and "`contents`" in text
    assert not list(folder.iterdir())


def test_contents_that_are_broken_json(daemon, folder):
    body = b'{"path": "%s", "overwrite": true, "contents": {"a": "1" "b": 2}}' % str(folder).encode()
    assert daemon.post("/folder/method/put", body).status == 422
    body = b'{"path": "%s", "overwrite": true, "contents": {"a": "\\ud800"}}' % str(folder).encode()
    assert daemon.post("/folder/method/put", body).status == 422
    assert not list(folder.iterdir())


def test_a_write_that_fails_is_told(daemon, folder):
    (folder / "inner").mkdir()
    for name, number in {"inner": 21, "no/such": 2, "x" * 300: 36}.items():
        status, text = detail(ask(daemon, "put", folder, contents={name: "x"}, overwrite=True))
        assert status == 400 and text.startswith(
            f"Failed to write file with mode 'wb': [Errno {number}]"), text
    assert [p.name for p in folder.iterdir()] == ["inner"]  # and nothing half written stays


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_devices_are_left_alone(daemon, folder):
    (folder / "full").symlink_to("/dev/full")
    assert detail(ask(daemon, "put", folder, contents={"full": "x"}, overwrite=True))[0] == 400


def test_modes(daemon, folder):
    done(ask(daemon, "put", folder, contents={"a": "1"}, mode="w"))
    done(ask(daemon, "put", folder, contents={"a": "2"}, mode="ab", overwrite=True))
    assert (folder / "a").read_text() == "12"
    assert detail(ask(daemon, "put", folder, contents={"a": "3"}, mode="x", overwrite=True)) == (
        409, f"File {folder}/a already exists")
    done(ask(daemon, "put", folder, contents={"b": "3"}, mode="xb", overwrite=True))
    assert detail(ask(daemon, "put", folder, contents={"a": "1"}, mode="r"))[0] == 422


def test_a_file_keeps_its_rights_and_a_link_its_place(daemon, folder):
    (folder / "script").write_text("old")
    (folder / "script").chmod(0o750)
    (folder / "link").symlink_to("script")
    done(ask(daemon, "put", folder, contents={"link": "new"}, overwrite=True))
    assert (folder / "link").is_symlink() and (folder / "script").read_text() == "new"
    assert (folder / "script").stat().st_mode & 0o7777 == 0o750


def test_nobody_sees_half_a_file(daemon, folder):
    texts = {"a" * 3_000_000, "b" * 3_000_000}
    target, stop, seen = folder / "file", threading.Event(), []

    def watch():
        while not stop.is_set():
            seen.append(target.read_text() in texts)

    done(ask(daemon, "put", folder, contents={"file": "a" * 3_000_000}))
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(5):
            for text in texts:
                done(ask(daemon, "put", folder, contents={"file": text}, overwrite=True))
    finally:
        stop.set()
        watcher.join()
    assert seen and all(seen)
    assert [p.name for p in folder.iterdir()] == ["file"]


def test_put_of_pickled_contents(daemon, folder):
    text = pickles.dumps({"c.pkl": {"x": 1}, "d.pkl": [1, 2]})
    done(ask(daemon, "put", folder, contents=text, serialization="pickle"))
    assert pickles.loads(result(ask(daemon, "get", folder / "c.pkl"))) == {"x": 1}
    assert pickles.loads(result(ask(daemon, "get", folder / "d.pkl"))) == [1, 2]


def test_put_of_json_contents(daemon, folder):
    done(ask(daemon, "put", folder, contents=json.dumps({"a": {"x": [1, "é"]}}),
             serialization="json"))
    assert (folder / "a").read_text() == '{"x": [1, "\\u00e9"]}'
    done(ask(daemon, "put", folder, contents={"b": "plain"}, serialization="none"))
    assert (folder / "b").read_text() == "plain"


def test_serialized_contents_that_are_none(daemon, folder):
    assert detail(ask(daemon, "put", folder, contents={}, serialization="yaml")) == (
        400, "Invalid serialization type yaml")
    assert detail(ask(daemon, "put", folder, contents="[1]", serialization="json"))[0] == 422
    assert detail(ask(daemon, "put", folder, contents="{", serialization="json"))[0] == 422
    assert detail(ask(daemon, "put", folder, contents=pickles.dumps([1]),
                      serialization="pickle"))[0] == 422
    assert raised(ask(daemon, "put", folder, contents=pickles.dumps({1: 2}),
                      serialization="pickle")) == ("TypeError", "file names should be text, not int")
    assert raised(ask(daemon, "put", folder, contents="AAAA", serialization="pickle"))
    assert not list(folder.iterdir())


@pytest.mark.parametrize("serialization", [None, "json", "pickle"])
def test_large_files_both_ways(daemon, folder, serialization):
    text = ("0123456789abcde\n" * (BIG // 16))[:-3] + "\"é"
    contents = {"big": text, "small": "s"}
    if serialization == "json":
        contents = json.dumps(contents)
    elif serialization == "pickle":
        contents = pickles.dumps(contents)
    before = daemon.rss_kib()
    done(ask(daemon, "put", folder, contents=contents, serialization=serialization))
    written = (folder / "big").read_text("utf-8")
    expected = {None: lambda: text, "json": lambda: json.dumps(text)}.get(serialization)
    if expected:
        assert written == expected()
    else:
        assert pickles.loads(written) == text
    assert result(ask(daemon, "get", folder / "big")) == written
    assert daemon.rss_kib() - before < 12 << 10  # neither stood in the daemon's memory


def test_a_client_that_leaves_breaks_nothing(daemon, folder):
    body = json.dumps({"path": str(folder), "overwrite": True,
                       "contents": {f"f{i}": "x" * 1_000_000 for i in range(20)}}).encode()
    for _ in range(3):
        with Wire(daemon) as wire:
            wire.send(head(daemon, "POST", "/folder/method/put", f"Content-Length: {len(body)}")
                      + body)
        with Wire(daemon) as wire:
            ask_get = json.dumps({"path": str(folder / "f0")}).encode()
            wire.send(head(daemon, "POST", "/folder/method/get",
                           f"Content-Length: {len(ask_get)}") + ask_get)
    wait_until("the files to be written", lambda: len(
        [p for p in folder.glob("f*") if p.stat().st_size == 1_000_000]) == 20)
    wait_until("temporary files to go", lambda: not list(folder.glob(".gatehouse-put-*")))


def test_slow_disks_hold_up_nobody(daemon, folder, tmp_path):
    """While large files are written and read, /check answers."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            ask(daemon, "put", folder, contents={"big": "x" * (4 << 20)}, overwrite=True)
            ask(daemon, "get", folder / "big")

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(30):
            assert daemon.get("/check").status == 200
    finally:
        stop.set()
        for worker in workers:
            worker.join()
