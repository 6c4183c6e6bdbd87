# SPDX-License-Identifier: Apache-2.0
"""Objects: put, get, rename, delete, list, in the three serializations."""
from __future__ import annotations

import json

import pytest

from . import pickles

SUCCESS = {"data": None, "output_type": "success", "serialization": None}
VALUES = [{"a": [1, 2, {"b": None}]}, [1, 2.5, "x"], "text \u00e9 \U0001f3e0", 0, 1 << 70, True, "",
          [], {}]


def put(daemon, key, value, **fields):
    answer = daemon.post("/object", {"key": key, "serialized_data": value, **fields})
    assert (answer.status, answer.json()) == (200, SUCCESS), answer


def error_of(answer):
    """Class and text of the exception in an envelope with a pickle."""
    body = answer.json()
    assert (answer.status, body["output_type"]) == (200, "exception"), answer
    error = pickles.loads(body["data"]["error"])
    return error.name, error.args[0] if error.args else None


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_value_put_without_serialization_comes_back(daemon, value):
    put(daemon, "k", value)
    assert daemon.get("/object?key=k&serialization=none").json() == value
    body = daemon.get("/object?key=k").json()
    assert (body["output_type"], body["serialization"]) == ("result_serialized", "json")
    assert json.loads(body["data"]) == value


@pytest.mark.parametrize("value", VALUES + [b"\x00\xff", (1, 2), {1, 2}, {1: "x"}], ids=repr)
def test_pickled_value_comes_back_with_its_type(daemon, value):
    put(daemon, "k", pickles.dumps(value), serialization="pickle")
    body = daemon.get("/object?key=k&serialization=pickle").json()
    found = pickles.loads(body["data"])
    assert (found, type(found)) == (value, type(value))


def test_pickled_value_in_one_long_line_is_accepted(daemon):
    put(daemon, "k", pickles.dumps(list(range(500))).replace("\n", ""), serialization="pickle")
    assert daemon.get("/object?key=k&serialization=none").json() == list(range(500))


def test_pickle_is_answered_in_lines_of_76(daemon):
    put(daemon, "k", "y" * 1000)
    data = daemon.get("/object?key=k&serialization=pickle").json()["data"]
    lines = data.split("\n")
    assert lines[-1] == "" and {len(line) for line in lines[:-2]} == {76}


def test_json_text_is_parsed(daemon):
    put(daemon, "k", "[1, {\"a\": 2}]", serialization="json")
    assert daemon.get("/object?key=k&serialization=none").json() == [1, {"a": 2}]


def test_missing_key_is_null(daemon):
    answer = daemon.get("/object?key=nope&serialization=pickle&remote=False")
    assert (answer.status, answer.body) == (200, b"null")


def test_stored_none_is_success(daemon):
    put(daemon, "k", pickles.dumps(None), serialization="pickle")
    assert daemon.get("/object?key=k&serialization=pickle").json() == SUCCESS


def test_second_put_replaces_the_value(daemon):
    put(daemon, "k", 1)
    put(daemon, "k", 2)
    assert daemon.get("/object?key=k&serialization=none").json() == 2
    assert daemon.get("/keys").json()["data"] == ["k"]


def test_key_lives_in_one_process_only(daemon):
    put(daemon, "k", 1)
    put(daemon, "k", 2, process_name="other")
    assert daemon.get("/keys?process_name=default_process").json()["data"] == []
    assert daemon.get("/keys?process_name=other").json()["data"] == ["k"]
    assert daemon.get("/object?key=k&serialization=none").json() == 2


def test_config_of_a_plain_object_is_an_error(daemon):
    put(daemon, "k", {"a": 1})
    name, text = error_of(daemon.get("/object?key=k&serialization=pickle&remote=True"))
    assert name == "builtins.ValueError"
    assert text == "Cannot return remote for non-Resource object of type <class 'dict'>."


@pytest.mark.parametrize("path", ["/object?key=k&serialization=yaml", "/object?key=k&serialization=JSON"])
def test_get_with_unknown_serialization_is_400(daemon, path):
    put(daemon, "k", 1)
    answer = daemon.get(path)
    assert answer.status == 400
    assert answer.json()["detail"] == f"Invalid serialization type {path.rpartition('=')[2]}"


def test_put_with_unknown_serialization_is_400(daemon):
    answer = daemon.post("/object", {"key": "k", "serialized_data": "x", "serialization": "zz"})
    assert (answer.status, answer.json()["detail"]) == (400, "Invalid serialization type zz")


def test_rename_moves_the_value(daemon):
    put(daemon, "old", 5)
    assert daemon.post("/rename", {"key": "old", "new_key": "new"}).json() == SUCCESS
    assert daemon.get("/keys").json()["data"] == ["new"]
    assert daemon.get("/object?key=new&serialization=none").json() == 5


def test_rename_to_an_address_keeps_the_last_segment_as_key(daemon):
    daemon.put_function("concat")
    assert daemon.post("/rename", {"key": "concat", "new_key": "/alice/joined"}).json() == SUCCESS
    assert daemon.get("/keys").json()["data"] == ["joined"]
    config = daemon.get("/object?key=joined&serialization=pickle&remote=True").json()["data"]
    assert config["name"] == "/alice/joined"
    assert daemon.get("/joined/call?a=x&b=y").json()["data"] == '"xy"'


def test_rename_of_an_unknown_key_names_it(daemon):
    name, text = error_of(daemon.post("/rename", {"key": "zzz", "new_key": "yyy"}))
    assert name == "builtins.KeyError" and "zzz" in text


def test_delete_answers_what_was_deleted(daemon):
    for key in "abc":
        put(daemon, key, 1)
    assert daemon.post("/delete_object", {"keys": ["a", "c"]}).json()["data"] == ["a", "c"]
    assert daemon.get("/keys").json()["data"] == ["b"]


def test_delete_stops_at_the_first_unknown_key(daemon):
    for key in "abc":
        put(daemon, key, 1)
    name, text = error_of(daemon.post("/delete_object", {"keys": ["a", "nokey", "b"]}))
    assert (name, text) == ("builtins.KeyError", "Key nokey not found in any process.")
    assert daemon.get("/keys").json()["data"] == ["b", "c"]


def test_delete_of_nothing_clears_everything(daemon):
    put(daemon, "a", 1)
    put(daemon, "b", 1, process_name="other")
    assert sorted(daemon.post("/delete_object", {"keys": []}).json()["data"]) == ["a", "b"]
    assert daemon.get("/keys").json()["data"] == []


def test_keys_are_in_order_of_insertion(daemon):
    for key in ["z", "a", "m"]:
        put(daemon, key, 1)
    assert daemon.get("/keys").json() == {
        "data": ["z", "a", "m"], "output_type": "result_serialized", "serialization": None}


def test_keys_of_an_unknown_process_is_an_error(daemon):
    assert error_of(daemon.get("/keys?process_name=nopeproc")) == (
        "runhouse.servers.obj_store.ObjStoreError", "Got None servlet for servlet_name nopeproc.")


@pytest.mark.parametrize("key", ["a b", "\u00e9\u00e8", "a.b", "a+b", "k--20260101--000000_000000",
                                 "x" * 200])
def test_key_may_be_any_path_segment(daemon, key):
    from urllib.parse import quote
    put(daemon, key, [3, 1])
    assert daemon.get(f"/object?key={quote(key, safe='')}&serialization=none").json() == [3, 1]
    answer = daemon.get(f"/{quote(key, safe='')}/copy")
    assert json.loads(answer.json()["data"]) == [3, 1]
