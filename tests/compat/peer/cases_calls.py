# SPDX-License-Identifier: Apache-2.0
"""Functions: arguments, the ways to call, run names, deploying again."""
from __future__ import annotations

import asyncio
import importlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peer_functions as code
import peer_lazy as lazy_code
import runhouse as rh

from .table import Bench, add, case

ARGUMENTS = {
    "positional": ((1, 2, 3, 4), {"c": 5}), "keywords": ((), {"a": 1, "c": 2}),
    "rest and others": ((1, 2, 3), {"c": 4, "z": 5, "y": 6}), "defaults": ((1,), {"c": 2}),
    "missing": ((), {"c": 2}), "missing keyword": ((1,), {}), "twice": ((1,), {"a": 1, "c": 2}),
    "none given": ((None,), {"c": None}), "unicode keyword": ((1,), {"c": 1, "é": 2}),
}
for _name, (_args, _kwargs) in ARGUMENTS.items():
    add(f"arguments {_name}", lambda bench, a=_args, k=_kwargs: bench.fn(code.kinds_of_arguments)(
        *a, **k))

for _name, _args, _kwargs in (("fine", (1, 2), {"c": 4}), ("by keyword", (), {"a": 1, "b": 2}),
                              ("too many", (1, 2, 3, 4), {})):
    add(f"positional only {_name}", lambda bench, a=_args, k=_kwargs: bench.fn(
        code.positional_only)(*a, **k))


@case
def defaults_are_the_servers(bench: Bench):
    remote = bench.fn(code.defaults)
    return [remote(), remote(c=1), remote(5)]


@case
def argument_to_a_function_without_any(bench: Bench):
    return bench.fn(code.no_arguments)(1)


@case
def nothing_is_none(bench: Bench):
    return bench.fn(code.nothing)()


@case
def decorated_function(bench: Bench):
    return bench.fn(code.decorated, name="decorated_one")(1, b=3)


@case
def module_level_lambda(bench: Bench):
    return bench.failure(lambda: rh.function(code.a_lambda, name="a_lambda").to(
        bench.cluster, process="shared_functions", sync_local=False)(4))["raised"]


@case
def state_of_the_module_stays(bench: Bench):
    remote = bench.fn(code.count_up, process="counting")
    return [remote(), remote(), remote()]


@case
def where_functions_run(bench: Bench):
    return bench.fn(code.where_it_runs)()


@case
def call_by_method(bench: Bench):
    return bench.fn(code.doubled).call(4)


@case
def run_is_a_call_without_logs(bench: Bench):
    return [bench.fn(lazy_code.prints).run("unseen"), bench.out()]


@case
def call_run(bench: Bench):
    return [bench.fn(lazy_code.prints).call.run("unseen"), bench.out()]


@case
def keyword_stream_logs_is_not_the_functions(bench: Bench):
    return bench.fn(code.kinds_of_arguments)(1, c=2, stream_logs=False, run_name="named_run")


@case
def remote_of_a_plain_value(bench: Bench):
    return bench.failure(bench.fn(code.doubled), 4, remote=True)["raised"]


@case
def remote_of_none(bench: Bench):
    return bench.fn(code.nothing)(remote=True)


@case
def run_async_of_an_ordinary_function(bench: Bench):
    async def main():
        return await bench.fn(code.doubled)(4, run_async=True)
    return bench.run(main())


@case
def run_async_false_of_a_coroutine_function(bench: Bench):
    return bench.fn(code.later)(4, run_async=False)


@case
def run_async_with_prints(bench: Bench):
    async def main():
        return await bench.fn(lazy_code.prints)("printed", run_async=True)
    return [bench.run(main()), bench.out()]


@case
def run_async_without_logs(bench: Bench):
    async def main():
        return await bench.fn(lazy_code.prints)("printed", run_async=True, stream_logs=False)
    return [bench.run(main()), bench.out()]


@case
def run_async_that_fails(bench: Bench):
    async def main():
        return await bench.fn(code.fail)("with code", run_async=True)
    return bench.failure(bench.run, main())


@case
def run_async_many_at_once(bench: Bench):
    async def main():
        remote = bench.fn(code.doubled)
        return await asyncio.gather(*[remote(i, run_async=True, run_name=f"many--{i}")
                                      for i in range(8)])
    return bench.run(main())


@case
def run_async_calls_meet(bench: Bench):
    async def main():
        remote = bench.fn(lazy_code.meets, process="meeting")
        return await asyncio.gather(*[remote("async", 3, run_async=True, run_name=f"meet--{i}")
                                      for i in range(3)])
    return bench.run(main())


@case
def run_async_of_a_generator_function(bench: Bench):
    async def main():
        got = await bench.fn(lazy_code.numbers)(3, run_async=True)
        return got
    return list(bench.run(main()))


@case
def calls_of_many_threads_meet(bench: Bench):
    remote = bench.fn(lazy_code.meets, process="meeting")
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda i: remote("threads", 8, run_name=f"meets--{i}"), range(8)))


@case
def async_functions_share_a_loop(bench: Bench):
    async def main():
        remote = bench.fn(lazy_code.in_one_loop)
        return len(set(await asyncio.gather(*[remote(run_name=f"loop--{i}") for i in range(3)])))
    return bench.run(main())


@case
def async_functions_wait_for_each_other(bench: Bench):
    async def main():
        waits, releases = bench.fn(lazy_code.waits_for), bench.fn(lazy_code.releases)
        await releases("first")  # the first call of each function loads its module again
        waiting = asyncio.ensure_future(waits("door", run_name="waits--1"))
        while not waiting.done():
            await releases("door", run_name="releases--1")
        return await waiting
    return bench.run(main())


@case
def thread_locals_do_not_survive(bench: Bench):
    remote = bench.fn(code.thread_local_survives)
    return remote()


@case
def map_over_lists(bench: Bench):
    return bench.fn(code.doubled).map([1, 2, 3])


@case
def starmap_over_tuples(bench: Bench):
    return bench.fn(code.defaults).starmap([(1, 2), (3, 4)])


@case
def get_or_call_runs(bench: Bench):
    return bench.failure(bench.fn(code.doubled).get_or_call, "never_ran", False, 5)


@case
def result_under_a_run_name_is_not_kept(bench: Bench):
    bench.fn(code.doubled)(4, run_name="kept_run")
    return [bench.cluster.get("kept_run"), "kept_run" in bench.cluster.keys()]


@case
def run_name_twice(bench: Bench):
    remote = bench.fn(lazy_code.prints)
    return [remote("first", run_name="the_same"), bench.out()[:1],
            remote("second", run_name="the_same"), "second" in bench.out()]


@case
def function_name_and_process(bench: Bench):
    remote = bench.fn(code.doubled)
    return [remote.name, remote.process, remote.fn_pointers[1:], sorted(remote.signature())]


@case
def signature_of_a_function(bench: Bench):
    return bench.fn(code.kinds_of_arguments).signature(rich=True)["call"]


@case
def own_process_for_a_function(bench: Bench):
    remote = rh.function(code.doubled).to(bench.cluster, sync_local=False)
    return [remote(2), remote.process, "doubled_process" in bench.cluster.list_processes()]


@case
def deployed_twice_with_a_new_process(bench: Bench):
    seen = []
    for _ in range(2):
        remote = rh.function(code.count_up, name="twice_put").to(bench.cluster, sync_local=False)
        seen += [remote(), remote()]
    return seen


@case
def deployed_twice_in_one_process(bench: Bench):
    seen = []
    for _ in range(2):
        remote = rh.function(code.count_up, name="again_put").to(
            bench.cluster, process="again_process", sync_local=False)
        seen += [remote(), remote()]
    return seen


@case
def deployed_with_a_name(bench: Bench):
    remote = rh.function(code.doubled).to(bench.cluster, name="own_name", process="shared_functions",
                                          sync_local=False)
    return [remote.name, remote(3), "own_name" in bench.cluster.keys()]


@case
def deployed_with_process_settings(bench: Bench):
    remote = rh.function(code.env, name="env_of_dict").to(
        bench.cluster, process={"name": "from_dict", "env_vars": {"OF_DICT": "yes"}}, sync_local=False)
    return [remote("OF_DICT"), remote.process]


@case
def same_name_other_function(bench: Bench):
    rh.function(code.doubled, name="changing").to(bench.cluster, process="shared_functions",
                                                  sync_local=False)(1)
    remote = rh.function(code.echo, name="changing").to(bench.cluster, process="shared_functions",
                                                        sync_local=False)
    return remote(5)


@case
def same_name_moves_to_another_process(bench: Bench):
    for process in ("move_from", "move_to"):
        remote = rh.function(code.doubled, name="moving").to(bench.cluster, process=process,
                                                             sync_local=False)
        remote(1)
    return [remote(2), "moving" in bench.cluster.keys(process="move_to")]


@case
def handle_by_name_calls(bench: Bench):
    bench.fn(code.doubled)
    again = bench.cluster.get("doubled_shared_functions", remote=True)
    return [type(again).__name__, again(6)]


@case
def function_object_got_without_remote(bench: Bench):
    bench.fn(code.doubled)(1)
    again = bench.cluster.get("doubled_shared_functions")
    return [type(again).__name__, again.name]


@case
def deleted_function_cannot_be_called(bench: Bench):
    remote = rh.function(code.doubled, name="deleted_fn").to(
        bench.cluster, process="shared_functions", sync_local=False)
    remote(1)
    bench.cluster.delete("deleted_fn")
    return bench.failure(remote, 1)


@case
def renamed_function(bench: Bench):
    remote = rh.function(code.doubled, name="before_rename").to(
        bench.cluster, process="shared_functions", sync_local=False)
    remote.rename("after_rename")
    return [remote.name, remote(4), bench.cluster.call("after_rename", "call", 5),
            "before_rename" in bench.cluster.keys()]


@case
def get_or_to_of_what_is_there(bench: Bench):
    bench.fn(code.doubled, name="get_or_to_fn")
    again = rh.function(code.doubled, name="get_or_to_fn").get_or_to(bench.cluster)
    return [again.name, again(4)]


@case
def refresh_of_a_function(bench: Bench):
    again = bench.fn(code.doubled).refresh()
    return [again.name, again(3)]


def _written(name: str, text: str):
    """The module NAME of the project, with TEXT from now on."""
    path = Path(os.getcwd()) / f"{name}.py"
    path.write_text(text)
    stamp = 1_000_000_000 + len(text)  # what is compiled already is told apart by time and size
    os.utime(path, (stamp, stamp))
    importlib.invalidate_caches()
    known = sys.modules.get(name)
    return importlib.reload(known) if known else importlib.import_module(name)


def _changing(bench: Bench, module: str, process) -> list:
    seen = []
    for version in ("one", "three", "eleven"):
        function = _written(module, f"def what(x):\n    return [{version!r}, x]\n").what
        remote = rh.function(function, name=f"{module}_what").to(
            bench.cluster, process=process, sync_local=False)
        seen.append(remote(len(version)))
    return seen


@case
def changed_code_with_a_new_process(bench: Bench):
    return _changing(bench, "changing_a", None)


@case
def changed_code_in_one_process(bench: Bench):
    return _changing(bench, "changing_b", "changing_process")


@case
def changed_helper_is_seen_by_a_new_process(bench: Bench):
    seen = []
    for version in ("one", "three"):
        _written("helper_c", f"value = {version!r}\n")
        changing = _written("changing_c", "import helper_c\ndef what():\n    return helper_c.value\n")
        remote = rh.function(changing.what, name="what_c").to(
            bench.cluster, sync_local=False)
        seen.append(remote())
    return seen


@case
def changed_class_in_one_process(bench: Bench):
    seen = []
    for version in (1, 22, 333):
        changing = _written("changing_e", f"class Changing:\n    def what(self):\n        return {version}\n")
        Remote = rh.module(changing.Changing).to(bench.cluster, process="changing_process", sync_local=False)
        seen.append(Remote(name="changed_it").what())
    return seen


@case
def function_with_a_wrong_pointer(bench: Bench):
    remote = rh.function(code.doubled, name="wrong_pointer")
    remote.fn_pointers = (remote.fn_pointers[0], "peer_functions", "not_there")
    return bench.failure(lambda: remote.to(bench.cluster, process="shared_functions",
                                           sync_local=False)(1))


@case
def function_of_a_module_that_is_missing(bench: Bench):
    remote = rh.function(code.doubled, name="wrong_module")
    remote.fn_pointers = (remote.fn_pointers[0], "no_such_module_anywhere", "doubled")
    return bench.failure(lambda: remote.to(bench.cluster, process="shared_functions",
                                           sync_local=False)(1))
