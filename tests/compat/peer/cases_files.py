# SPDX-License-Identifier: Apache-2.0
"""Folders and files of the node, by the cluster's folder methods and by rh.folder."""
from __future__ import annotations

from pathlib import Path

import peer_node as code
import runhouse as rh

from .table import Bench, add, case


def fresh(bench: Bench, name: str, **files: str) -> str:
    """An empty folder of the node, with FILES (a_txt="..." is a.txt) in it."""
    path = f"~/files_{name}"
    if bench.cluster._folder_exists(path):
        bench.cluster._folder_rm(path, recursive=True)
    bench.cluster._folder_mkdir(path)
    if files:
        put(bench, path, {key.replace("_", "."): text for key, text in files.items()})
    return path


def put(bench: Bench, path: str, contents, **options):
    return bench.cluster._folder_put(path, contents, **{"mode": "w", "overwrite": True, **options})


def names(bench: Bench, path: str) -> list[str]:
    return sorted(bench.cluster._folder_ls(path, full_paths=False))


def home_free(bench: Bench, failure):
    """FAILURE without the home of the server."""
    home = bench.cluster.run_bash("echo $HOME", stream_logs=False)[1].strip()
    return _without(failure, home)


def _without(value, home: str):
    if isinstance(value, str):
        return value.replace(home, "HOME")
    if isinstance(value, dict):
        return {key: _without(item, home) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, home) for item in value]
    return value


TEXTS = {"plain": "hello", "empty": "", "unicode": "é ß 漢 \U0001f3e0\n", "lines": "a\nb\r\nc\n", "nul": "a\0b",
         "long": "x" * 500_000, "separators": "a\u2028b\x85c"}
for _name, _text in TEXTS.items():
    def _run(bench: Bench, text=_text, name=_name):
        path = fresh(bench, f"text_{name}")
        put(bench, path, {"a.txt": text})
        got = bench.cluster._folder_get(f"{path}/a.txt", mode="r", encoding="utf-8")
        return [got == text, got]
    add(f"file text {_name}", _run)


@case
def file_get_defaults(bench: Bench):
    path = fresh(bench, "get_defaults", a_txt="hello")
    return bench.cluster._folder_get(f"{path}/a.txt")


@case
def file_get_mode_r(bench: Bench):
    return bench.cluster._folder_get(f"{fresh(bench, 'get_r', a_txt='hello')}/a.txt", mode="r")


@case
def file_get_latin(bench: Bench):
    path = fresh(bench, "latin")
    bench.cluster.run_bash(f"printf 'caf\\351' > {path}/a.txt", stream_logs=False)
    return bench.cluster._folder_get(f"{path}/a.txt", mode="r", encoding="latin-1")


@case
def file_get_not_there(bench: Bench):
    return home_free(bench, bench.failure(bench.cluster._folder_get, f"{fresh(bench, 'get_none')}/no.txt"))


@case
def file_get_binary_that_is_no_text(bench: Bench):
    path = fresh(bench, "binary")
    bench.cluster.run_bash(f"printf '\\377\\376' > {path}/a.bin", stream_logs=False)
    return bench.failure(bench.cluster._folder_get, f"{path}/a.bin")["raised"]


@case
def file_put_default_mode(bench: Bench):
    path = fresh(bench, "put_default")
    bench.cluster._folder_put(path, {"a.txt": "text"}, overwrite=True)
    return bench.cluster._folder_get(f"{path}/a.txt")


@case
def file_put_several(bench: Bench):
    path = fresh(bench, "several")
    put(bench, path, {f"{i}.txt": str(i) for i in range(20)})
    return [names(bench, path), bench.cluster._folder_get(f"{path}/7.txt", mode="r")]


@case
def file_put_overwrites(bench: Bench):
    path = fresh(bench, "overwrites", a_txt="old and long")
    put(bench, path, {"a.txt": "new"})
    return bench.cluster._folder_get(f"{path}/a.txt", mode="r")


@case
def file_put_refuses_to_overwrite(bench: Bench):
    path = fresh(bench, "refuses", a_txt="old")
    failure = bench.failure(put, bench, path, {"a.txt": "new", "b.txt": "new"}, overwrite=False)
    return [home_free(bench, failure), names(bench, path), bench.cluster._folder_get(f"{path}/a.txt", mode="r")]


@case
def file_put_beside_what_is_there(bench: Bench):
    path = fresh(bench, "beside", a_txt="old")
    put(bench, path, {"b.txt": "new"}, overwrite=False)
    return names(bench, path)


@case
def file_put_appends(bench: Bench):
    path = fresh(bench, "appends", a_txt="one ")
    put(bench, path, {"a.txt": "two"}, mode="a")
    return bench.cluster._folder_get(f"{path}/a.txt", mode="r")


@case
def file_put_makes_the_folder(bench: Bench):
    path = fresh(bench, "makes")
    put(bench, f"{path}/deep/er", {"a.txt": "x"})
    return names(bench, f"{path}/deep/er")


@case
def file_put_what_is_no_dict(bench: Bench):
    return bench.failure(put, bench, fresh(bench, "no_dict"), ["a"])


@case
def file_put_nothing(bench: Bench):
    path = fresh(bench, "nothing")
    put(bench, path, {})
    return names(bench, path)


@case
def file_put_pickled(bench: Bench):
    path = fresh(bench, "pickled")
    put(bench, path, {"a.pkl": {"n": (1, 2)}}, mode="wb", serialization="pickle")
    import base64
    import pickle
    return pickle.loads(base64.b64decode(bench.cluster._folder_get(f"{path}/a.pkl")))


@case
def file_put_json(bench: Bench):
    path = fresh(bench, "json")
    put(bench, path, {"a.json": {"n": [1, None]}}, mode="w", serialization="json")
    return bench.cluster._folder_get(f"{path}/a.json", mode="r")


@case
def folder_listed_with_full_paths(bench: Bench):
    path = fresh(bench, "full", a_txt="x", b_txt="y")
    return sorted(home_free(bench, bench.cluster._folder_ls(path)))


@case
def folder_listed_by_age(bench: Bench):
    path = fresh(bench, "age")
    for name in "cab":
        bench.cluster.run_bash(f"touch {path}/{name}; sleep 0.05", stream_logs=False)
    return bench.cluster._folder_ls(path, full_paths=False, sort=True)


@case
def folder_that_is_empty(bench: Bench):
    return bench.cluster._folder_ls(fresh(bench, "empty"))


@case
def folder_listed_with_hidden_and_folders(bench: Bench):
    path = fresh(bench, "hidden")
    bench.cluster.run_bash(f"mkdir {path}/sub; touch {path}/.hidden {path}/'with space'", stream_logs=False)
    return names(bench, path)


@case
def folder_not_there_is_listed(bench: Bench):
    return home_free(bench, bench.failure(bench.cluster._folder_ls, "~/files_never"))


@case
def file_is_listed(bench: Bench):
    return home_free(bench, bench.failure(
        bench.cluster._folder_ls, f"{fresh(bench, 'ls_file', a_txt='x')}/a.txt"))


@case
def folder_exists(bench: Bench):
    path = fresh(bench, "exists", a_txt="x")
    exists = bench.cluster._folder_exists
    return [exists(path), exists(f"{path}/a.txt"), exists(f"{path}/no"), exists(Path(path)), exists(f"{path}/")]


@case
def folder_made_twice(bench: Bench):
    path = fresh(bench, "twice", a_txt="x")
    return [bench.cluster._folder_mkdir(path), names(bench, path)]


@case
def folder_made_without_parent(bench: Bench):
    failure = bench.failure(bench.cluster._folder_mkdir, f"{fresh(bench, 'parent')}/a/b")
    return home_free(bench, failure)


@case
def folder_moved(bench: Bench):
    path = fresh(bench, "moved", a_txt="x")
    fresh(bench, "moved_to")
    bench.cluster._folder_rm("~/files_moved_to", recursive=True)
    answer = bench.cluster._folder_mv(path, "~/files_moved_to")
    return [answer, bench.cluster._folder_exists(path), names(bench, "~/files_moved_to")]


@case
def file_moved(bench: Bench):
    path = fresh(bench, "file_moved", a_txt="x")
    bench.cluster._folder_mv(f"{path}/a.txt", f"{path}/b.txt")
    return names(bench, path)


@case
def folder_moved_into_new_parent(bench: Bench):
    path = fresh(bench, "new_parent", a_txt="x")
    bench.cluster._folder_mv(f"{path}/a.txt", f"{path}/new/er/b.txt")
    return names(bench, f"{path}/new/er")


@case
def folder_moved_from_nowhere(bench: Bench):
    return home_free(bench, bench.failure(bench.cluster._folder_mv, "~/files_never", "~/files_never_too"))


@case
def folder_moved_onto_another(bench: Bench):
    path = fresh(bench, "onto", a_txt="x", b_txt="y")
    failure = bench.failure(bench.cluster._folder_mv, f"{path}/a.txt", f"{path}/b.txt", overwrite=False)
    return [home_free(bench, failure), names(bench, path)]


@case
def file_moved_over_another(bench: Bench):
    path = fresh(bench, "over", a_txt="x", b_txt="y")
    bench.cluster._folder_mv(f"{path}/a.txt", f"{path}/b.txt", overwrite=True)
    return [names(bench, path), bench.cluster._folder_get(f"{path}/b.txt", mode="r")]


@case
def folder_removed_with_all(bench: Bench):
    path = fresh(bench, "rm_all", a_txt="x")
    bench.cluster.run_bash(f"mkdir {path}/sub; touch {path}/sub/b", stream_logs=False)
    return [bench.cluster._folder_rm(path, recursive=True), bench.cluster._folder_exists(path)]


@case
def folder_contents_removed(bench: Bench):
    path = fresh(bench, "rm_some", a_txt="x", b_txt="y", c_txt="z")
    bench.cluster._folder_rm(path, contents=["a.txt", "c.txt"])
    return names(bench, path)


@case
def folder_contents_removed_that_are_not_there(bench: Bench):
    path = fresh(bench, "rm_none", a_txt="x")
    return [home_free(bench, bench.failure(bench.cluster._folder_rm, path, contents=["no.txt"])), names(bench, path)]


@case
def folder_contents_with_a_folder(bench: Bench):
    path = fresh(bench, "rm_sub")
    bench.cluster.run_bash(f"mkdir {path}/sub; touch {path}/sub/b", stream_logs=False)
    failure = bench.failure(bench.cluster._folder_rm, path, contents=["sub"])
    bench.cluster._folder_rm(path, contents=["sub"], recursive=True)
    return [home_free(bench, failure), names(bench, path)]


@case
def folder_with_a_folder_is_not_removed(bench: Bench):
    path = fresh(bench, "rm_not")
    bench.cluster.run_bash(f"mkdir {path}/sub; touch {path}/sub/b", stream_logs=False)
    failure = bench.failure(bench.cluster._folder_rm, path, recursive=False)
    return [home_free(bench, failure), names(bench, path)]


@case
def folder_of_files_is_removed_without_recursive(bench: Bench):
    path = fresh(bench, "rm_files", a_txt="x")
    bench.cluster._folder_rm(path, recursive=False)
    return bench.cluster._folder_exists(path)


@case
def file_removed(bench: Bench):
    path = fresh(bench, "rm_file", a_txt="x")
    bench.cluster._folder_rm(f"{path}/a.txt")
    return names(bench, path)


@case
def folder_removed_that_is_not_there(bench: Bench):
    return home_free(bench, bench.failure(bench.cluster._folder_rm, "~/files_never", recursive=True))["raised"]


@case
def file_by_a_link(bench: Bench):
    path = fresh(bench, "link", a_txt="x")
    bench.cluster.run_bash(f"ln -s a.txt {path}/l", stream_logs=False)
    return [bench.cluster._folder_get(f"{path}/l", mode="r"), names(bench, path)]


@case
def file_by_an_absolute_path(bench: Bench):
    path = fresh(bench, "absolute", a_txt="x")
    absolute = bench.cluster.run_bash(f"cd {path}; pwd", stream_logs=False)[1].strip()
    return [bench.cluster._folder_get(f"{absolute}/a.txt", mode="r"), len(bench.cluster._folder_ls(absolute))]


@case
def file_by_a_relative_path(bench: Bench):
    fresh(bench, "relative", a_txt="x")
    return bench.cluster._folder_get("files_relative/a.txt", mode="r")


@case
def file_by_a_path_with_dots(bench: Bench):
    path = fresh(bench, "dots", a_txt="x")
    return bench.cluster._folder_get(f"{path}/../files_dots/./a.txt", mode="r")


@case
def file_with_odd_names(bench: Bench):
    path = fresh(bench, "odd")
    put(bench, path, {"with space": "1", "é.txt": "2", "-n": "3", "a?b": "4", ".hidden": "5"})
    return [names(bench, path), bench.cluster._folder_get(f"{path}/é.txt", mode="r"),
            bench.cluster._folder_get(f"{path}/with space", mode="r")]


# -- rh.folder


def folder(bench: Bench, name: str, **files: str):
    return rh.folder(path=fresh(bench, name, **files), system=bench.cluster)


@case
def rh_folder_lists(bench: Bench):
    return sorted(folder(bench, "rh_ls", a_txt="x").ls(full_paths=False))


@case
def rh_folder_puts_and_gets(bench: Bench):
    here = folder(bench, "rh_put")
    here.put({"a.txt": "text"}, overwrite=True, mode="w")
    return [here.get("a.txt", mode="r"), here.ls(full_paths=False)]


@case
def rh_folder_refuses_to_overwrite(bench: Bench):
    here = folder(bench, "rh_refuses", a_txt="x")
    return home_free(bench, bench.failure(here.put, {"a.txt": "y"}, mode="w"))


@case
def rh_folder_exists(bench: Bench):
    here = folder(bench, "rh_exists")
    before = here.exists_in_system()
    here.rm()
    return [before, here.exists_in_system()]


@case
def rh_folder_is_made(bench: Bench):
    here = rh.folder(path="~/files_rh_made", system=bench.cluster)
    here.mkdir()
    return here.exists_in_system()


@case
def rh_folder_moves(bench: Bench):
    here = folder(bench, "rh_mv", a_txt="x")
    if bench.cluster._folder_exists("~/files_rh_mv_to"):
        bench.cluster._folder_rm("~/files_rh_mv_to", recursive=True)
    here.mv(bench.cluster, "~/files_rh_mv_to")
    return names(bench, "~/files_rh_mv_to")


@case
def rh_folder_removes_contents(bench: Bench):
    here = folder(bench, "rh_rm", a_txt="x", b_txt="y")
    here.rm(contents=["a.txt"])
    return here.ls(full_paths=False)


@case
def rh_folder_without_mode_gets_text(bench: Bench):
    return folder(bench, "rh_get", a_txt="x").get("a.txt")


@case
def rh_folder_resources(bench: Bench):
    here = folder(bench, "rh_resources")
    put(bench, f"{here.path}/one", {"config.json": "{}"})
    return here.resources()


@case
def files_are_seen_by_functions(bench: Bench):
    path = fresh(bench, "seen", a_txt="by functions")
    return bench.fn(code.read)(f"{path}/a.txt")


@case
def files_of_functions_are_seen(bench: Bench):
    path = fresh(bench, "of_functions")
    bench.fn(code.write)(f"{path}/a.txt", "from a function")
    return bench.cluster._folder_get(f"{path}/a.txt", mode="r")
