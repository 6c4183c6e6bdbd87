# SPDX-License-Identifier: Apache-2.0
"""The object store, as cluster.put, get, rename, delete, keys and call show it."""
from __future__ import annotations

import peer_functions as code
import peer_lazy as lazy_code

from .table import Bench, add, case

PUT = {"text": "a", "none": None, "list": [1, [2]], "own object": code.Plain(3), "lambda": lambda x: x + 1,
       "class": code.Plain, "bytes": b"\x00\xff", "false": False, "large": "x" * 1_000_000,
       "enum": code.Colour.RED, "exception": KeyError("k"), "dict of odd keys": {1: 2, None: 3}}


def put(bench: Bench, key: str, value) -> None:
    """Into a process that can import what the value is made of."""
    bench.fn(code.echo)(1, stream_logs=False)
    bench.cluster.put(key, value, process="shared_functions")


for _name, _value in PUT.items():
    def _run(bench: Bench, name=_name, value=_value):
        put(bench, f"put {name}".replace(" ", "_"), value)
        got = bench.cluster.get(f"put {name}".replace(" ", "_"))
        return got(4) if name == "lambda" else got
    add(f"put and get {_name}", _run)


@case
def get_of_what_is_not_there(bench: Bench):
    return [bench.cluster.get("nowhere"), bench.cluster.get("nowhere", default=5)]


@case
def get_of_what_is_not_there_as_an_error(bench: Bench):
    return bench.failure(bench.cluster.get, "nowhere", default=KeyError)


@case
def get_remote_of_what_is_not_there(bench: Bench):
    return bench.cluster.get("nowhere", remote=True)


@case
def get_remote_of_a_plain_object(bench: Bench):
    bench.cluster.put("plain_thing", {"a": 1})
    return bench.failure(bench.cluster.get, "plain_thing", remote=True)


@case
def put_twice(bench: Bench):
    bench.cluster.put("put_twice", 1)
    bench.cluster.put("put_twice", 2)
    return [bench.cluster.get("put_twice"), bench.cluster.keys().count("put_twice")]


@case
def put_into_a_process(bench: Bench):
    bench.cluster.ensure_process_created("object_process")
    bench.cluster.put("inside", 1, process="object_process")
    return [bench.cluster.get("inside"), "inside" in bench.cluster.keys(process="object_process"),
            "inside" in bench.cluster.keys(process="default_process")]


@case
def put_creates_a_process(bench: Bench):
    bench.cluster.put("in_new", 1, process="new_by_put")
    return ["new_by_put" in bench.cluster.list_processes(), bench.cluster.get("in_new")]


@case
def put_moves_between_processes(bench: Bench):
    for process in ("put_from", "put_to"):
        bench.cluster.ensure_process_created(process)
        bench.cluster.put("moved", process, process=process)
    return [bench.cluster.get("moved"), "moved" in bench.cluster.keys(process="put_from"),
            "moved" in bench.cluster.keys(process="put_to")]


@case
def rename_an_object(bench: Bench):
    bench.cluster.put("old_name", 1)
    bench.cluster.rename("old_name", "new_name")
    return [bench.cluster.get("old_name"), bench.cluster.get("new_name"),
            "old_name" in bench.cluster.keys()]


@case
def rename_over_another(bench: Bench):
    bench.cluster.put("rename_a", 1)
    bench.cluster.put("rename_b", 2)
    bench.cluster.rename("rename_a", "rename_b")
    return [bench.cluster.get("rename_a"), bench.cluster.get("rename_b")]


@case
def rename_what_is_not_there(bench: Bench):
    return "raised" in bench.failure(bench.cluster.rename, "nowhere", "somewhere")


@case
def delete_one(bench: Bench):
    bench.cluster.put("delete_me", 1)
    return [bench.cluster.delete("delete_me"), bench.cluster.get("delete_me")]


@case
def delete_several(bench: Bench):
    for name in ("del_1", "del_2", "del_3"):
        bench.cluster.put(name, name)
    return [bench.cluster.delete(["del_1", "del_3"]),
            [key for key in bench.cluster.keys() if key.startswith("del_")]]


@case
def delete_what_is_not_there(bench: Bench):
    return bench.failure(bench.cluster.delete, "nowhere")


@case
def delete_some_that_are_not_there(bench: Bench):
    bench.cluster.put("del_here", 1)
    failure = bench.failure(bench.cluster.delete, ["del_here", "nowhere"])
    return [failure, bench.cluster.get("del_here")]


@case
def keys_in_order(bench: Bench):
    for name in ("order_c", "order_a", "order_b"):
        bench.cluster.put(name, 1)
    return [key for key in bench.cluster.keys() if key.startswith("order_")]


@case
def keys_of_an_unknown_process(bench: Bench):
    return bench.failure(bench.cluster.keys, process="no_such_process")["raised"]


OBJECT_CALLS = {
    "a list": ([3, 1, 2], "index", (1,)), "list length": ([1, 2], "__len__", ()),
    "list item": ([5, 6], "__getitem__", (1,)), "a dict": ({"a": 1}, "get", ("a",)),
    "text": ("abc", "upper", ()), "an own object": (code.Plain(4), "a", ()),
    "a lambda": (lambda x: x * 3, "__call__", (5,)), "a class": (code.Plain, "__call__", (5,)),
    "a function": (code.doubled, "__call__", (5,)), "complex real": (1 + 2j, "real", ()),
    "a missing method": ([1], "no_such", ()), "own list": (code.ListOfOwn([1, 2]), "total", ()),
    "a generator function": (lazy_code.numbers, "__call__", (3,)),
}
for _name, (_value, _method, _args) in OBJECT_CALLS.items():
    def _run(bench: Bench, name=_name, value=_value, method=_method, args=_args):
        key = f"called {name}".replace(" ", "_")
        put(bench, key, value)
        if name == "a missing method":
            return bench.failure(bench.cluster.call, key, method, *args)
        got = bench.cluster.call(key, method, *args)
        return list(got) if "generator" in name else got
    add(f"call of {_name}", _run)


@case
def calls_change_a_plain_object(bench: Bench):
    bench.cluster.put("changed_list", [1])
    bench.cluster.call("changed_list", "append", 2)
    return bench.cluster.get("changed_list")


@case
def attribute_of_a_plain_object_is_set(bench: Bench):
    put(bench, "plain_set", code.Plain(1))
    bench.cluster.call("plain_set", "a", 5)
    return bench.cluster.call("plain_set", "a")


@case
def cluster_call_run_async(bench: Bench):
    
    async def main():
        bench.cluster.put("async_called", "text")
        return await bench.cluster.call("async_called", "upper", run_async=True)
    return bench.run(main())


@case
def cluster_call_without_logs(bench: Bench):
    bench.cluster.put("quiet_print", print)
    bench.out()
    return [bench.cluster.call("quiet_print", "__call__", "said", stream_logs=False), bench.out()]


@case
def cluster_call_with_logs(bench: Bench):
    put(bench, "loud_print", lazy_code.prints)
    bench.out()
    return [bench.cluster.call("loud_print", "__call__", "said"), bench.out()]
