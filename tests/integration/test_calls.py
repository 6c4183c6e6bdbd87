# SPDX-License-Identifier: Apache-2.0
"""Deploying without pickle, and calls in the three serializations, by POST and by GET."""
from __future__ import annotations

import json

import pytest

from . import pickles
from .gatehoused import wait_until
from .test_objects import SUCCESS, error_of


def post_call(daemon, key, method="call", *, data=None, serialization="none", **fields):
    return daemon.post(f"/{key}/{method}", {
        "run_name": f"{key}_{method}--test", "data": data, "serialization": serialization, **fields})


def test_function_is_deployed_with_a_json_array(daemon):
    config = {"name": "joined", "resource_type": "function", "resource_subtype": "Function",
              "system": None, "process": "default_process",
              "fn_pointers": [str(daemon.folder / "nowhere"), "json", "dumps"]}
    answer = daemon.post("/resource", {"serialized_data": [config, None, True]})
    assert (answer.status, answer.body) == (200, b'"joined"')
    assert daemon.call("joined", args=[[1]]).json() == "[1]"


def test_function_is_deployed_with_json_text(daemon):
    config = {"name": "joined", "resource_type": "function", "resource_subtype": "Function",
              "system": None, "process": "default_process", "fn_pointers": ["", "json", "dumps"]}
    answer = daemon.post("/resource", {"serialized_data": json.dumps([config, None, True]),
                                       "serialization": "json"})
    assert answer.json() == {"data": '"joined"', "output_type": "result_serialized",
                             "serialization": "json"}


def test_function_is_deployed_with_a_pickle(daemon):
    config = {"name": "joined", "resource_type": "function", "resource_subtype": "Function",
              "system": None, "process": "default_process", "fn_pointers": ("", "json", "dumps")}
    body = daemon.post("/resource", {"serialized_data": pickles.dumps([config, None, True]),
                                     "serialization": "pickle"}).json()
    assert (pickles.loads(body["data"]), body["serialization"]) == ("joined", "pickle")


def test_class_is_deployed_with_its_state(daemon):
    daemon.put_class("counter", "Counter", state={"value": 3, "history": []})
    assert daemon.call("counter", "inc", [4]).json() == 7
    assert daemon.call("counter", "history").json() == [4]


def test_class_is_constructed_on_the_server(daemon):
    daemon.put_class("counter", "Counter")
    assert daemon.call("counter", "_remote_init", kwargs={"start": 40}).json() is None
    assert daemon.call("counter", "inc", kwargs={"by": 2}).json() == 42


@pytest.mark.parametrize("data", [
    {"args": ["run", "house"]}, {"kwargs": {"a": "run", "b": "house"}},
    {"args": ["run"], "kwargs": {"b": "house"}}, {"args": ["run", "house"], "kwargs": None},
])
def test_arguments_by_place_and_by_name(daemon, data):
    daemon.put_function("concat")
    answer = post_call(daemon, "concat", data=data)
    assert (answer.status, answer.body) == (200, b'"runhouse"')
    answer = post_call(daemon, "concat", data=json.dumps(data), serialization="json")
    assert answer.body == (b'{"data":"\\"runhouse\\"","output_type":"result_serialized",'
                           b'"serialization":"json"}')
    answer = post_call(daemon, "concat", data=pickles.dumps(data), serialization="pickle")
    assert list(answer.json()) == ["data", "output_type", "serialization"]
    assert pickles.loads(answer.json()["data"]) == "runhouse"


@pytest.mark.parametrize("serialization", ["pickle", "json"])
def test_none_is_the_success_envelope(daemon, serialization):
    daemon.put_function("echo")
    assert post_call(daemon, "echo", serialization=serialization).json() == SUCCESS


def test_none_without_serialization_is_null(daemon):
    daemon.put_function("echo")
    assert post_call(daemon, "echo").body == b"null"
    assert post_call(daemon, "echo", serialization=None).body == b"null"


@pytest.mark.parametrize("value", [
    0, -1, 1.5, 1 << 80, "", "text", "\u00e9\u2028\U0001f3e0\"\\\n", True, False, [], [1, [2]], {},
    {"a": {"b": [None]}}], ids=repr)
@pytest.mark.parametrize("serialization", ["none", "json", "pickle"])
def test_values_survive_both_ways(daemon, serialization, value):
    daemon.put_function("echo")
    data = {"args": [value]}
    data = {"none": lambda v: v, "json": json.dumps, "pickle": pickles.dumps}[serialization](data)
    body = post_call(daemon, "echo", data=data, serialization=serialization).json()
    if serialization == "none":
        assert body == value
    elif serialization == "json":
        assert json.loads(body["data"]) == value
    else:
        assert pickles.loads(body["data"]) == value


def test_exception_under_pickle_is_itself(daemon):
    daemon.put_function("boom")
    answer = post_call(daemon, "boom", data=pickles.dumps({"args": ["kaput"]}),
                       serialization="pickle")
    assert error_of(answer) == ("builtins.ValueError", "kaput")
    data = answer.json()["data"]
    assert data["exception_as_str"] == "kaput"
    assert data["traceback"].startswith("Traceback") and "in boom" in data["traceback"]
    assert "raise ValueError(msg)" in data["traceback"]


def test_own_exception_travels_by_reference(daemon):
    daemon.put_function("own_error")
    answer = post_call(daemon, "own_error", serialization="pickle")
    assert error_of(answer) == ("things.OwnError", "own text")


def test_exception_under_json_is_an_envelope_with_500(daemon):
    daemon.put_function("boom")
    answer = daemon.get("/boom/call?msg=zz")
    assert answer.status == 500
    body = answer.json()
    assert (body["output_type"], body["serialization"]) == ("exception", "json")
    assert body["data"]["error"] == "ValueError: zz"
    assert body["data"]["exception_as_str"] == "zz"
    assert body["data"]["traceback"].startswith("Traceback")


def test_exception_without_serialization_is_a_detail_with_500(daemon):
    daemon.put_function("boom")
    answer = post_call(daemon, "boom", data={"args": ["zz"]})
    assert answer.status == 500
    assert "ValueError" in answer.json()["detail"] and "zz" in answer.json()["detail"]


@pytest.mark.parametrize("function, error", [("exit_now", "SystemExit"),
                                             ("stop_iteration", "StopIteration")])
def test_exceptions_that_end_loops_and_programs_are_answers_too(daemon, function, error):
    daemon.put_function(function)
    name, _ = error_of(post_call(daemon, function, serialization="pickle"))
    assert name == f"builtins.{error}"
    daemon.put_function("concat")
    assert daemon.call("concat", args=["a", "b"]).json() == "ab"


def test_result_that_cannot_be_pickled_is_an_error(daemon):
    daemon.put_function("unpicklable")
    name, text = error_of(post_call(daemon, "unpicklable", serialization="pickle"))
    assert name == "builtins.TypeError" and "pickle" in text


def test_import_that_fails_shows_at_the_call(daemon):
    daemon.put_function("missing", "nothing_of_that_name")
    name, text = error_of(post_call(daemon, "missing", serialization="pickle"))
    assert name == "builtins.AttributeError" and "nothing_of_that_name" in text
    daemon.put_function("missing", "f", file="no_such_module")
    name, text = error_of(post_call(daemon, "missing", serialization="pickle"))
    assert (name, text) == ("builtins.ModuleNotFoundError", "No module named 'no_such_module'")


def test_module_that_changed_is_loaded_again_by_the_next_put(daemon, tmp_path):
    source = tmp_path / "changing.py"
    source.write_text("def f():\n    return 'first'\n")
    daemon.put_function("f", file="changing", root=tmp_path)
    assert daemon.call("f").json() == "first"
    source.write_text("def f():\n    return 'a longer second'\n")
    daemon.put_function("f", file="changing", root=tmp_path)
    assert daemon.call("f").json() == "a longer second"


# -- GET ------------------------------------------------------------------------------------------

def test_get_call_answers_json(daemon):
    daemon.put_function("concat")
    answer = daemon.get("/concat/call?a=run&b=house", {"Content-Type": "application/json"})
    assert answer.body == (b'{"data":"\\"runhouse\\"","output_type":"result_serialized",'
                           b'"serialization":"json"}')


def test_get_call_in_the_other_serializations(daemon):
    daemon.put_function("concat")
    assert daemon.get("/concat/call?a=run&b=house&serialization=none").body == b'"runhouse"'
    body = daemon.get("/concat/call?a=run&b=house&serialization=pickle").json()
    assert pickles.loads(body["data"]) == "runhouse"


def test_get_call_decodes_path_and_query(daemon):
    daemon.put_function("concat")
    answer = daemon.get("/con%63at/c%61ll?a=%20x&b=%2B+y%C3%A9")
    assert json.loads(answer.json()["data"]) == " x+ y\u00e9"


def test_last_of_repeated_arguments_wins(daemon):
    daemon.put_function("concat")
    assert daemon.get("/concat/call?a=1&b=2&a=3").json()["data"] == '"32"'


def test_fields_of_the_client_are_no_arguments(daemon):
    daemon.put_function("concat")
    answer = daemon.get("/concat/call?a=1&b=2&run_name=r&stream_logs=False&save=False&remote=False")
    assert answer.json()["data"] == '"12"'


def test_attribute_and_property_are_read_with_get(daemon):
    daemon.put_class("counter", "Counter", state={"value": 9, "history": []})
    assert daemon.get("/counter/value").json()["data"] == "9"
    assert daemon.get("/counter/doubled").json()["data"] == "18"
    assert daemon.get("/counter/ping").json()["data"] == '"pong"'


def test_attribute_is_set_with_one_argument(daemon):
    daemon.put_class("counter", "Counter", state={"value": 9, "history": []})
    assert post_call(daemon, "counter", "value", data=pickles.dumps({"args": [100], "kwargs": {}}),
                     serialization="pickle").json() == SUCCESS
    assert daemon.get("/counter/value").json()["data"] == "100"


@pytest.mark.parametrize("query, result", [
    ("i=5", [5, 0.0, False, "", [], {}, None]),
    ("i=-3&f=1.5", [-3, 1.5, False, "", [], {}, None]),
    ("f=2", [0, 2.0, False, "", [], {}, None]),
    ("b=true", [0, 0.0, True, "", [], {}, None]),
    ("b=False", [0, 0.0, False, "", [], {}, None]),
    ("s=5", [0, 0.0, False, "5", [], {}, None]),
    ("l=[1,2]", [0, 0.0, False, "", [1, 2], {}, None]),
    ('d={"a":1}', [0, 0.0, False, "", [], {"a": 1}, None]),
    ("o=7", [0, 0.0, False, "", [], {}, 7]),
])
def test_get_arguments_are_cast_by_annotation(daemon, query, result):
    daemon.put_function("typed")
    from urllib.parse import quote
    answer = daemon.get("/typed/call?" + quote(query, safe="=&"))
    assert json.loads(answer.json()["data"]) == result


def test_get_arguments_without_annotation_stay_text(daemon):
    daemon.put_function("plain_concat")
    assert daemon.get("/plain_concat/call?a=1&b=2").json()["data"] == '"12"'


@pytest.mark.parametrize("query, type_, name", [
    ("i=five", "int_parsing", "i"), ("i=1.5", "int_parsing", "i"), ("f=x", "float_parsing", "f"),
    ("b=maybe", "bool_parsing", "b"), ("l=notalist", "json_invalid", "l"),
    ("l={}", "list_type", "l"),
])
def test_argument_that_cannot_be_cast_is_named(daemon, query, type_, name):
    daemon.put_function("typed")
    answer = daemon.get("/typed/call?" + query)
    assert answer.status == 422
    (error,) = answer.json()["detail"]
    assert (error["type"], error["loc"]) == (type_, ["query", name])


def test_missing_and_unexpected_arguments_are_named(daemon):
    daemon.put_function("concat")
    answer = daemon.get("/concat/call?a=run&z=1")
    assert answer.status == 422
    assert [(e["type"], e["loc"]) for e in answer.json()["detail"]] == [
        ("missing", ["query", "b"]), ("extra_forbidden", ["query", "z"])]


# -- unknown things -------------------------------------------------------------------------------

def test_unknown_key(daemon):
    answer = post_call(daemon, "nokey", "x", serialization="pickle")
    assert error_of(answer) == (
        "runhouse.servers.obj_store.ObjStoreError",
        "Key nokey not found in any process, cannot call method x on it.")
    for answer in (daemon.get("/nokey/x"), post_call(daemon, "nokey", "x")):
        assert answer.status == 404 and "nokey" in answer.json()["detail"]


def test_unknown_method(daemon):
    daemon.put_function("concat")
    name, text = error_of(post_call(daemon, "concat", "nomethod", serialization="pickle"))
    assert name == "builtins.ValueError"
    assert text.startswith("Method nomethod not found on module ")
    for answer in (daemon.get("/concat/nomethod"), post_call(daemon, "concat", "nomethod")):
        assert answer.status == 404 and "nomethod" in answer.json()["detail"]


# -- async and lazy -------------------------------------------------------------------------------

def test_coroutine_function_is_awaited(daemon):
    daemon.put_function("double")
    assert daemon.call("double", args=[21]).json() == 42
    body = post_call(daemon, "double", data=pickles.dumps({"args": [4]}),
                     serialization="pickle").json()
    assert pickles.loads(body["data"]) == 8


def test_exception_of_a_coroutine(daemon):
    daemon.put_function("fail_later")
    assert error_of(post_call(daemon, "fail_later", data=pickles.dumps({"args": ["late"]}),
                              serialization="pickle")) == ("builtins.ValueError", "late")


def test_async_method_keeps_state(daemon):
    daemon.put_class("counter", "Counter", state={"value": 1, "history": []})
    assert daemon.call("counter", "ainc", [2]).json() == 3
    assert daemon.call("counter", "value").json() == 3


def pull(daemon, run, method):
    return post_call(daemon, run, method, data=pickles.dumps({"args": [], "kwargs": {}}),
                     serialization="pickle")


@pytest.mark.parametrize("function, subtype, method, end", [
    ("countdown", "GeneratorModule", "remote_next", "builtins.StopIteration"),
    ("async_countdown", "AsyncGeneratorModule", "remote_anext", "builtins.StopAsyncIteration"),
])
def test_generator_is_stored_under_its_run_name_and_pulled(daemon, function, subtype, method, end):
    daemon.put_function(function)
    run = f"{function}_call--20260101--000000_000001"
    body = post_call(daemon, function, data=pickles.dumps({"args": [2]}), serialization="pickle",
                     run_name=run).json()
    handle = pickles.loads(body["data"])
    assert handle.name == "runhouse.resources.resource.Resource.from_config"
    (config,) = handle.args
    assert (config["name"], config["resource_subtype"], config["process"]) == (
        run, subtype, "default_process")
    assert method in config["signature"]
    assert run in daemon.get("/keys").json()["data"]
    items = [pickles.loads(pull(daemon, run, method).json()["data"]) for _ in range(2)]
    assert items == [2, 1]
    assert error_of(pull(daemon, run, method))[0] == end


def test_handles_carry_the_name_that_settings_gave_the_cluster(start_daemon):
    daemon = start_daemon()
    daemon.put_function("countdown")
    daemon.post("/settings", {"cluster_name": "/alice/gpu-box"})
    body = post_call(daemon, "countdown", data=pickles.dumps({"args": [1]}), serialization="pickle",
                     run_name="countdown_call--20260101--000000_000009").json()
    system = pickles.loads(body["data"]).args[0]["system"]
    assert system in ("/alice/gpu-box",) or system["name"] == "/alice/gpu-box"


def test_closed_generator_is_forgotten(start_daemon):
    daemon = start_daemon(args=["--lazy-keep-s", "0"])
    daemon.put_function("countdown")
    run = "countdown_call--20260101--000000_000002"
    post_call(daemon, "countdown", data=pickles.dumps({"args": [5]}), serialization="pickle",
              run_name=run)
    assert pull(daemon, run, "close").json() == SUCCESS
    wait_until("the generator to be dropped",
               lambda: run not in daemon.get("/keys").json()["data"], 30)


def test_steps_of_one_generator_do_not_overlap(daemon):
    import concurrent.futures
    daemon.put_function("countdown")
    run = "countdown_call--20260101--000000_000003"
    post_call(daemon, "countdown", data=pickles.dumps({"args": [40]}), serialization="pickle",
              run_name=run)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: pull(daemon, run, "remote_next").json(), range(40)))
    assert sorted(pickles.loads(a["data"]) for a in answers) == list(range(1, 41))


# -- remote results -------------------------------------------------------------------------------

def test_config_of_a_function_is_what_was_put(daemon):
    daemon.put_function("concat")
    body = daemon.get("/object?key=concat&serialization=pickle&remote=True").json()
    assert (body["output_type"], body["serialization"]) == ("config", None)
    assert body["data"]["name"] == "concat"
    assert body["data"]["fn_pointers"][1:] == ["things", "concat"]


def test_plain_result_with_remote_is_a_bare_value_as_config(daemon):
    daemon.put_function("concat")
    assert daemon.get("/concat/call?a=run&b=house&remote=true").json() == {
        "data": "runhouse", "output_type": "config", "serialization": None}


def test_plain_results_are_not_kept_under_the_run_name(daemon):
    daemon.put_function("concat")
    daemon.call("concat", args=["a", "b"], run_name="my_run")
    assert daemon.get("/object?key=my_run&serialization=pickle").body == b"null"
    assert daemon.get("/keys").json()["data"] == ["concat"]


# -- arguments that do not fit --------------------------------------------------------------------

@pytest.mark.parametrize("data, expected", [
    ({}, [("missing", ["body", "data", "a"]), ("missing", ["body", "data", "b"])]),
    ({"kwargs": {"a": "x"}}, [("missing", ["body", "data", "b"])]),
    ({"args": ["x"]}, [("missing", ["body", "data", "b"])]),
    ({"args": ["x", "y"], "kwargs": {"c": 1}}, [("extra_forbidden", ["body", "data", "c"])]),
    ({"args": ["x", "y", "z"]}, [("too_many_arguments", ["body", "data"])]),
    ({"args": ["x", "y"], "kwargs": {"a": 1}},
     [("multiple_argument_values", ["body", "data", "a"])]),
])
@pytest.mark.parametrize("serialization", ["none", "json"])
@pytest.mark.parametrize("stream_logs", [False, True])
def test_arguments_that_do_not_fit_are_named(daemon, data, expected, serialization, stream_logs):
    daemon.put_function("concat")
    sent = json.dumps(data) if serialization == "json" else data
    answer = post_call(daemon, "concat", data=sent, serialization=serialization,
                       stream_logs=stream_logs)
    assert answer.status == 422, answer
    assert [(entry["type"], entry["loc"]) for entry in answer.json()["detail"]] == expected
