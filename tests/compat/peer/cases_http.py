# SPDX-License-Identifier: Apache-2.0
"""Calls without the client: GET with a query, JSON bodies, bare values, error bodies, documents."""
from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import peer_node as code
import requests

from .table import Bench, add, case


def ask(bench: Bench, method: str, path: str, **options):
    """[status, body] of one request, the body as JSON where it is."""
    url = f"http://{bench.cluster.ips[0]}:{bench.cluster.server_port}{path}"
    answer = requests.request(method, url, timeout=20, **options)
    try:
        body = answer.json()
    except ValueError:
        return [answer.status_code, answer.text]
    if isinstance(body, dict) and "detail" in body:
        body.pop("request_id", None)  # beside what the daemon refuses itself
    return [answer.status_code, body]


def call(bench: Bench, key: str, method: str, **body):
    return ask(bench, "POST", f"/{key}/{method}", json={"run_name": "http_run", **body})


def kinds(answer):
    """Of validation errors only what kind of error it is and where."""
    status, body = answer
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        return [status, [[entry["type"], entry["loc"]] for entry in detail]]
    return answer


def functions(bench: Bench) -> None:
    """The functions, under the names that the cases use."""
    for function in (code.add, code.joined, code.value, code.fails, code.echo, code.prints):
        bench.fn(function, process="http_process", name=f"http_{function.__name__}")
    if not hasattr(bench, "http_meter"):
        bench.http_meter = bench.cls(code.Meter, process="http_process")(5, name="http_meter")


for _kind in code.JSONS:
    def _run(bench: Bench, kind=_kind):
        functions(bench)
        return ask(bench, "GET", f"/http_value/call?kind={kind}")
    if _kind != "nan":
        add(f"http get of {_kind}", _run)

    def _run(bench: Bench, kind=_kind):
        functions(bench)
        return call(bench, "http_value", "call", serialization="json", data=json.dumps({"args": [kind]}))
    if _kind != "nan":
        add(f"http json of {_kind}", _run)

    def _run(bench: Bench, kind=_kind):
        functions(bench)
        return call(bench, "http_value", "call", serialization="none", data={"kwargs": {"kind": kind}})
    if _kind != "nan":
        add(f"http bare of {_kind}", _run)

for _kind in code.PLAIN:
    def _run(bench: Bench, kind=_kind):
        functions(bench)
        return call(bench, "http_value", "call", serialization="none", data={"args": [kind], "kwargs": {}})
    add(f"http bare of {_kind}", _run)

BODIES = {
    "args": {"args": [1, 2]}, "kwargs": {"kwargs": {"a": 1}}, "both": {"args": [1], "kwargs": {"b": 5}},
    "unicode": {"args": ["é", "\u2028"]}, "floats": {"args": [1.5, 2]}, "lists": {"args": [[1], [2]]},
}
for _name, _data in BODIES.items():
    for _form in ("json", "none"):
        def _run(bench: Bench, data=_data, form=_form):
            functions(bench)
            return call(bench, "http_add", "call", serialization=form,
                        data=json.dumps(data) if form == "json" else data)
        add(f"http {_form} body of {_name}", _run)


@case
def http_get_of_an_attribute(bench: Bench):
    functions(bench)
    return [ask(bench, "GET", "/http_meter/unit"), ask(bench, "GET", "/http_meter/step"),
            ask(bench, "GET", "/http_meter/half")]


@case
def http_get_of_a_method(bench: Bench):
    functions(bench)
    return [ask(bench, "GET", "/http_meter/name_of_unit"), ask(bench, "GET", "/http_meter/name_of_unit?unit=x")]


@case
def http_get_with_repeated_and_odd_names(bench: Bench):
    functions(bench)
    return [ask(bench, "GET", "/http_echo/call?value=1%202&value=%C3%A9"), ask(bench, "GET", "/http_echo/call?value=")]


@case
def http_get_with_client_words(bench: Bench):
    functions(bench)
    return [ask(bench, "GET", "/http_echo/call?value=x&save=true&stream_logs=false&remote=false&run_name=r--1"),
            ask(bench, "GET", "/http_echo/call?value=x&serialization=json")]


@case
def http_get_bare(bench: Bench):
    functions(bench)
    return ask(bench, "GET", "/http_echo/call?value=x&serialization=none")


@case
def http_set_an_attribute(bench: Bench):
    functions(bench)
    answer = call(bench, "http_meter", "step", serialization="none", data={"args": [4]})
    read = call(bench, "http_meter", "step", serialization="none")
    call(bench, "http_meter", "step", serialization="none", data={"args": [1]})
    return [answer, read]


@case
def http_null_serialization(bench: Bench):
    functions(bench)
    return call(bench, "http_echo", "call", serialization=None, data={"args": [[1]]})


@case
def http_default_serialization(bench: Bench):
    functions(bench)
    return call(bench, "http_echo", "call", data={"args": [[1]]})


@case
def http_no_data(bench: Bench):
    functions(bench)
    return [call(bench, "http_echo", "call"), call(bench, "http_echo", "call", serialization="json"),
            call(bench, "http_echo", "call", serialization="json", data=None)]


@case
def http_none_result_of_a_json_call(bench: Bench):
    functions(bench)
    return call(bench, "http_echo", "call", serialization="json", data='{"args": [null]}')


@case
def http_unknown_serialization(bench: Bench):
    functions(bench)
    return call(bench, "http_echo", "call", serialization="yaml", data="x")


@case
def http_extra_fields(bench: Bench):
    functions(bench)
    return call(bench, "http_echo", "call", data={"args": [1]}, run_async=True, extra=5)


@case
def http_loose_booleans(bench: Bench):
    functions(bench)
    return [call(bench, "http_echo", "call", data={"args": [1]}, stream_logs="no", save=0, remote="off"),
            kinds(call(bench, "http_echo", "call", data={"args": [1]}, stream_logs="perhaps"))]


@case
def http_run_name_of_another_type(bench: Bench):
    functions(bench)
    return kinds(call(bench, "http_echo", "call", run_name=5))


@case
def http_logs_of_a_run(bench: Bench):
    functions(bench)

    def logs():
        url = f"http://{bench.cluster.ips[0]}:{bench.cluster.server_port}/logs"
        answer = requests.post(url, json={"run_name": "http_logged", "key": "http_prints"}, timeout=20)
        return [answer.status_code, answer.headers["content-type"],
                "".join("".join(json.loads(line)["data"]) for line in answer.text.splitlines())]
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(logs)
        answer = call(bench, "http_prints", "call", run_name="http_logged", stream_logs=True, data={"args": ["said"]})
        return [answer, reading.result()]


@case
def http_bash(bench: Bench):
    return [ask(bench, "POST", "/run_bash", json={"command": "echo a", "require_outputs": True, "node_ip_or_idx": 0}),
            ask(bench, "POST", "/run_bash", json={"command": "exit 4"})]


@case
def http_bash_of_both(bench: Bench):
    status, body = ask(bench, "POST", "/run_bash", json={"command": "x", "process": "p", "node_ip_or_idx": 0})
    return [status, body["output_type"], body["data"]["exception_as_str"]]


@case
def http_keys(bench: Bench):
    bench.cluster.create_process("http_keyed")
    bench.cluster.put("http_key", 1, process="http_keyed")
    return [ask(bench, "GET", "/keys?process_name=http_keyed"), ask(bench, "GET", "/keys?process_name=http_keyed&x=y")]


@case
def http_objects(bench: Bench):
    return [ask(bench, "POST", "/object", json={"key": "http_object", "serialized_data": '{"a": [1]}',
                                                "serialization": "json"}),
            ask(bench, "GET", "/object?key=http_object"),
            ask(bench, "GET", "/object?key=http_object&serialization=none"),
            ask(bench, "POST", "/object", json={"key": "http_bare", "serialized_data": {"a": 2}}),
            ask(bench, "GET", "/object?key=http_bare&serialization=none"),
            ask(bench, "GET", "/object?key=http_unknown"),
            ask(bench, "POST", "/rename", json={"key": "http_bare", "new_key": "http_renamed"}),
            ask(bench, "POST", "/delete_object", json={"keys": ["http_renamed", "http_object"]})]


@case
def http_resource_without_pickle(bench: Bench):
    functions(bench)
    config = {"name": "http_deployed", "resource_type": "function", "resource_subtype": "Function",
              "visibility": "private", "system": None, "process": "http_process", "signature": {},
              "fn_pointers": list(bench.fn(code.add, process="http_process", name="http_add").fn_pointers)}
    answer = ask(bench, "POST", "/resource", json={"serialized_data": [config, {}, True],
                                                   "process_name": "http_process"})
    return [answer, call(bench, "http_deployed", "call", data={"args": [1, 1]})]


@case
def http_processes(bench: Bench):
    answers = [ask(bench, "POST", "/create_process", json={"name": "http_made", "env_vars": {"A": "b"}})]
    status, body = ask(bench, "GET", "/processes")
    answers += [status, body["output_type"], body["serialization"], json.loads(body["data"])["http_made"]]
    answers += [ask(bench, "POST", "/env_vars", json={"process_name": "http_made", "env_vars": {"C": "d"}}),
                ask(bench, "POST", "/kill_process", json={"process_name": "http_made"})]
    return answers


INVALID = {
    "call without body": ("POST", "/http_echo/call", None),
    "object without key": ("POST", "/object", {"serialized_data": 1}),
    "object without anything": ("POST", "/object", {}),
    "object key a number": ("POST", "/object", {"key": 1, "serialized_data": 1}),
    "resource without data": ("POST", "/resource", {}),
    "rename without new": ("POST", "/rename", {"key": "a"}),
    "delete without keys": ("POST", "/delete_object", {}),
    "delete of a text": ("POST", "/delete_object", {"keys": "abc"}),
    "process without name": ("POST", "/create_process", {}),
    "process list": ("POST", "/create_process", []),
    "variables that are no text": ("POST", "/env_vars", {"env_vars": {"A": 1}}),
    "variables without": ("POST", "/env_vars", {"process_name": "x"}),
    "bash without command": ("POST", "/run_bash", {}),
    "kill without name": ("POST", "/kill_process", {}),
    "settings of a wrong type": ("POST", "/settings", {"autostop_mins": "soon"}),
    "package without config": ("POST", "/install_package", {}),
    "logs without run": ("POST", "/logs", {"key": "x"}),
    "folder without path": ("POST", "/folder/method/ls", {}),
    "mv without dest": ("POST", "/folder/method/mv", {"path": "~"}),
    "put without contents": ("POST", "/folder/method/put", {"path": "~"}),
    "object without query": ("GET", "/object", None),
    "unknown path": ("GET", "/nothing", None),
    "root": ("GET", "/", None),
    "three segments": ("GET", "/a/b/c", None),
    "wrong method": ("DELETE", "/keys", None),
    "get of a post route": ("GET", "/rename", None),
    "post of a get route": ("POST", "/status", {}),
    "compute a list": ("POST", "/create_process", {"name": "x", "compute": [1]}),
    "rm contents a text": ("POST", "/folder/method/rm", {"path": "~/x", "contents": "a"}),
    "ls with bad flag": ("POST", "/folder/method/ls", {"path": "~", "sort": "maybe"}),
}
for _name, (_method, _path, _body) in INVALID.items():
    def _run(bench: Bench, method=_method, path=_path, body=_body):
        if path.startswith("/http_"):
            functions(bench)
        return kinds(ask(bench, method, path, json=body) if body is not None else ask(bench, method, path))
    add(f"http invalid {_name}", _run)


@case
def http_body_that_is_no_json(bench: Bench):
    return kinds(ask(bench, "POST", "/rename", data="{not json", headers={"content-type": "application/json"}))


@case
def http_folders(bench: Bench):
    ask(bench, "POST", "/folder/method/rm", json={"path": "~/http_folder", "recursive": True})
    return [ask(bench, "POST", "/folder/method/mkdir", json={"path": "~/http_folder"}),
            ask(bench, "POST", "/folder/method/put", json={"path": "~/http_folder", "contents": {"a": "text"},
                                                           "overwrite": True, "mode": "w"}),
            ask(bench, "POST", "/folder/method/get", json={"path": "~/http_folder/a", "mode": "r"}),
            ask(bench, "POST", "/folder/method/ls", json={"path": "~/http_folder", "full_paths": False}),
            ask(bench, "POST", "/folder/method/exists", json={"path": "~/http_folder/b"}),
            ask(bench, "POST", "/folder/method/get", json={"path": "~/http_none"})[0]]


@case
def http_check(bench: Bench):
    return ask(bench, "GET", "/check")


@case
def http_document_of_a_class(bench: Bench):
    functions(bench)
    status, document = ask(bench, "GET", "/http_meter/openapi.json")
    return [status, document["info"]["title"], document["info"]["version"],
            sorted(path for path in document["paths"] if path.rsplit("/")[-1] in ("up", "steps", "fail", "mutate"))]


@case
def http_document_of_what_is_not_there(bench: Bench):
    return ask(bench, "GET", "/http_nothing/openapi.json")


@case
def http_pages(bench: Bench):
    functions(bench)
    return [[ask(bench, "GET", f"/http_meter/{page}")[0], "/http_meter/openapi.json" in ask(
        bench, "GET", f"/http_meter/{page}")[1]] for page in ("docs", "redoc")]


@case
def http_document_of_the_node(bench: Bench):
    status, document = ask(bench, "GET", "/openapi.json")
    return [status, "/check" in document["paths"], "/keys" in document["paths"]]
