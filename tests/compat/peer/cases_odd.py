# SPDX-License-Identifier: Apache-2.0
"""Names that are odd, resources put by themselves, documents, settings of the client."""
from __future__ import annotations

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peer_node as code
import requests
import runhouse as rh

from .cases_http import ask
from .table import Bench, add, case

KEYS = {
    "space": "odd key", "accent": "oddé", "dot": "odd.key", "slash": "odd/key", "query": "odd?a=b&c",
    "hash": "odd#x", "percent": "odd%41", "plus": "odd+key", "quote": "odd'\"", "colon": "odd:key",
    "at": "odd@key", "one": "o", "long": "o" * 300, "digits": "12345", "upper": "ODD",
    "dash": "--odd--", "semicolon": "odd;x", "backslash": "odd\\x", "star": "odd*", "brackets": "odd[1]",
    "emoji": "odd\U0001f600", "underscore": "_", "equals": "a=b",
}
for _name, _key in KEYS.items():
    def _run(bench: Bench, key=_key):
        bench.cluster.put(key, "value")
        return [bench.cluster.get(key), key in bench.cluster.keys(), bench.cluster.delete(key), bench.cluster.get(key)]
    add(f"key with {_name}", _run)

    def _run(bench: Bench, key=_key):
        bench.cluster.put(key, "value")
        try:
            return bench.cluster.call(key, "upper", stream_logs=False)
        finally:
            bench.cluster.delete(key)
    if _name not in ("slash", "query", "hash", "percent", "long"):
        add(f"call of a key with {_name}", _run)

    def _run(bench: Bench, key=_key):
        bench.cluster.put("odd_renamed", "value")
        bench.cluster.rename("odd_renamed", key)
        return [bench.cluster.get(key), bench.cluster.get("odd_renamed")]
    if _name in ("space", "accent", "dot", "query", "emoji", "one"):
        add(f"renamed to a key with {_name}", _run)


@case
def key_of_nothing(bench: Bench):
    return bench.failure(bench.cluster.put, None, 1)


@case
def key_with_logs_of_its_call(bench: Bench):
    bench.cluster.put("odd.logged key", print)
    bench.out()
    return [bench.cluster.call("odd.logged key", "__call__", "said"), bench.out()]


@case
def many_keys(bench: Bench):
    bench.cluster.ensure_process_created("many_keys")
    for i in range(60):
        bench.cluster.put(f"many_{i:02}", i, process="many_keys")
    found = bench.cluster.keys(process="many_keys")
    return [len(found), found == [f"many_{i:02}" for i in range(60)],
            len(bench.cluster.delete([f"many_{i:02}" for i in range(60)])), bench.cluster.keys(process="many_keys")]


@case
def key_renamed_to_an_address(bench: Bench):
    bench.cluster.put("odd_plain", 1)
    bench.cluster.rename("odd_plain", "/alice/odd_plain_2")
    return [bench.cluster.get("odd_plain_2"), bench.cluster.get("odd_plain")]


@case
def module_renamed_to_an_address(bench: Bench):
    own = code.Own(4, name="odd_own").to(bench.cluster, process="odd_process", sync_local=False)
    own.grow()
    bench.cluster.rename("odd_own", "/alice/odd_own_2")
    return [bench.cluster.call("odd_own_2", "grow"), "odd_own" in bench.cluster.keys()]


@case
def key_like_a_process(bench: Bench):
    bench.cluster.ensure_process_created("odd_twin")
    bench.cluster.put("odd_twin", 5)
    return bench.cluster.get("odd_twin")


@case
def key_like_a_route(bench: Bench):
    seen = []
    for key in ("keys", "check", "status", "object", "logs"):
        bench.cluster.put(key, "v")
        seen.append([bench.cluster.get(key), bench.cluster.call(key, "upper", stream_logs=False)])
        bench.cluster.delete(key)
    return seen


@case
def plain_resource(bench: Bench):
    bench.cluster.put_resource(rh.Resource(name="odd_resource"))
    got = bench.cluster.get("odd_resource", remote=True)
    return [type(got).__name__, got.name, "odd_resource" in bench.cluster.keys()]


@case
def module_put_by_put_resource(bench: Bench):
    own = code.Own(4, name="odd_put")
    bench.cluster.put_resource(own, state={"size": 9})
    return [bench.cluster.call("odd_put", "grow"), bench.cluster.keys(process="default_process").count("odd_put")]


@case
def module_put_into_an_unknown_process(bench: Bench):
    return bench.failure(bench.cluster.put_resource, code.Own(4, name="odd_lost"), process="odd_unknown_process")


@case
def function_endpoint(bench: Bench):
    remote = bench.fn(code.add)
    answer = requests.post(f"{remote.endpoint()}/call", json={"run_name": "r", "data": {"args": [1, 2]}}, timeout=20)
    place = f":{bench.cluster.server_port}/{remote.name}"
    return [remote.endpoint().endswith(place), answer.status_code, answer.json()]


@case
def function_attributes(bench: Bench):
    remote = bench.fn(code.add)
    return [remote.name, remote.process, remote.system.name, list(remote.fn_pointers[1:]), remote.rns_address,
            sorted(remote.signature(rich=True))]


@case
def function_attributes_there(bench: Bench):
    remote = bench.fn(code.add)
    return [remote.fetch("name"), remote.fetch("process"), remote.remote.name, list(remote.remote.fn_pointers[1:])]


@case
def function_signature_there(bench: Bench):
    return bench.cluster.call(bench.fn(code.add).name, "signature", rich=True)["call"]


@case
def function_with_many_arguments(bench: Bench):
    return bench.fn(code.joined)(*range(300), sep=",")


@case
def function_with_names_of_the_wire(bench: Bench):
    remote = bench.fn(code.here_call_names)
    return remote(data=1, key=2, method_name=3, serialization=4, save=5, args=6, kwargs=7)


@case
def function_of_a_nested_package(bench: Bench):
    for folder in ("odd_package", "odd_package/inner"):
        (Path(os.getcwd()) / folder).mkdir(exist_ok=True)
        (Path(os.getcwd()) / folder / "__init__.py").touch()
    (Path(os.getcwd()) / "odd_package/helper.py").write_text("value = 7\n")
    (Path(os.getcwd()) / "odd_package/inner/leaf.py").write_text(
        "from ..helper import value\ndef leaf(x):\n    return [x + value, __name__, __package__]\n")
    sys.path.insert(0, os.getcwd())
    from odd_package.inner.leaf import leaf
    return rh.function(leaf).to(bench.cluster, process="odd_process", sync_local=False)(1)


@case
def typed_document_paths(bench: Bench):
    typed(bench)
    document = ask(bench, "GET", "/odd_typed/openapi.json")[1]
    return sorted(path for path in document["paths"] if not path.endswith(("/later", "/resolved_state")))


@case
def typed_document_operation(bench: Bench):
    typed(bench)
    document = ask(bench, "GET", "/odd_typed/openapi.json")[1]
    operation = document["paths"]["/odd_typed/numbers"]["post"]
    return [sorted(operation), operation.get("summary"), sorted(operation["responses"]),
            sorted(name for name in document["components"]["schemas"] if "numbers" in name)]


@case
def typed_document_properties(bench: Bench):
    typed(bench)
    document = ask(bench, "GET", "/odd_typed/openapi.json")[1]
    schema = document["components"]["schemas"]["numbers_body_schema"]
    return [sorted(schema["properties"]), sorted(schema["properties"]["data"]["properties"]["kwargs"]["properties"])]


def typed(bench: Bench):
    if not hasattr(bench, "odd_typed"):
        bench.odd_typed = bench.cls(code.Typed, process="odd_process")(name="odd_typed")
    return bench.odd_typed


@case
def typed_signatures(bench: Bench):
    return {name: [entry["signature"], entry["async"], entry["gen"], entry["doc"]]
            for name, entry in sorted(typed(bench).signature(rich=True).items())}


@case
def typed_calls(bench: Bench):
    here = typed(bench)
    return [here.numbers(1), here.texts("a", b="b"), here.nothing(), here.static(4), here.of_class("x"),
            list(here.items(3)), here.plain(1, c=2), here.remote.prop, bench.run(here.later(5))]


def running_calls(bench: Bench, process: str, key: str) -> list:
    """Those of KEY that the status shows, once there is one; the true server shows none."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = bench.cluster.status()["processes"][process]["process_resource_mapping"][key]
        if found["active_function_calls"]:
            return found["active_function_calls"]
    return []


@case
def status_shows_a_running_call(bench: Bench):
    remote = bench.fn(code.waits_for_file, process="odd_slow", name="odd_slow_fn")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(remote, "~/odd_release_1", run_name="odd_running")
        calls = running_calls(bench, "odd_slow", "odd_slow_fn")
        bench.cluster.run_bash("touch ~/odd_release_1", stream_logs=False)
        running.result()
    return [len(calls), sorted(calls[0]), calls[0]["key"], calls[0]["method_name"]]


@case
def client_of_asyncio_alone(bench: Bench):
    async def main():
        client = bench.cluster.client
        name = bench.fn(code.add).name
        return await asyncio.gather(*[client.acall(name, "call", data={"args": [i], "kwargs": {}}) for i in range(5)])
    return bench.run(main())


@case
def kill_while_a_call_runs(bench: Bench):
    remote = bench.fn(code.waits_for_file, process="odd_killed", name="odd_killed_fn")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(bench.failure, remote, "~/odd_never", stream_logs=False)
        running_calls(bench, "odd_killed", "odd_killed_fn")
        bench.cluster.kill_process("odd_killed")
        return "raised" in running.result()


@case
def delete_while_a_call_runs(bench: Bench):
    remote = bench.fn(code.waits_for_file, process="odd_slow", name="odd_deleted_fn")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(remote, "~/odd_release_2")
        running_calls(bench, "odd_slow", "odd_deleted_fn")
        bench.cluster.delete("odd_deleted_fn")
        bench.cluster.run_bash("touch ~/odd_release_2", stream_logs=False)
        return running.result()
