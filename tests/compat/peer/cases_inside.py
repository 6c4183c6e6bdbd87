# SPDX-License-Identifier: Apache-2.0
"""Code on the node that uses the node, and handles that travel."""
from __future__ import annotations

import asyncio

import peer_node as code
import runhouse as rh

from .table import Bench, add, case

IN = "inside_process"


def inside(bench: Bench, function, *args, **kwargs):
    return bench.fn(function, process=IN)(*args, **kwargs)


def meter(bench: Bench, name: str, *args, process: str = "meters", cls=code.Meter, **kwargs):
    return bench.cls(cls, process=process)(*args, name=name, **kwargs)


@case
def here_is_the_cluster(bench: Bench):
    return inside(bench, code.here)


@case
def here_puts_and_gets(bench: Bench):
    return [inside(bench, code.here_put_get, "here_thing", {"a": (1, 2)}), bench.cluster.get("here_thing"),
            "here_thing" in bench.cluster.keys(process=IN)]


@case
def here_gets_what_the_client_put(bench: Bench):
    bench.cluster.put("client_thing", [1, 2])
    return [inside(bench, code.here_get, "client_thing"), inside(bench, code.here_get, "nothing_here", "default")]


@case
def here_gets_a_handle(bench: Bench):
    meter(bench, "here_meter_a", 5)
    return inside(bench, code.here_get_remote, "here_meter_a")


@case
def here_keys_of_a_process(bench: Bench):
    bench.cluster.ensure_process_created("here_keyed")
    bench.cluster.put("here_key", 1, process="here_keyed")
    return "here_key" in inside(bench, code.here_keys, "here_keyed")


@case
def here_calls_a_function(bench: Bench):
    bench.fn(code.add, process="others", name="add_of_others")
    return [inside(bench, code.here_call, "add_of_others", "call", 1),
            inside(bench, code.here_call, "add_of_others", "call", 1, b=7)]


@case
def here_calls_a_method(bench: Bench):
    meter(bench, "here_meter_b", 5)
    return [inside(bench, code.here_call, "here_meter_b", "up", 3),
            inside(bench, code.here_call, "here_meter_b", "value"),
            inside(bench, code.here_call, "here_meter_b", "half")]


@case
def here_calls_what_fails(bench: Bench):
    meter(bench, "here_meter_c", 5)
    return [inside(bench, code.here_call_caught, "here_meter_c", "fail"),
            bench.failure(inside, bench, code.here_call, "here_meter_c", "fail")]


@case
def here_calls_what_is_not_there(bench: Bench):
    return inside(bench, code.here_call_caught, "here_nothing", "call")


@case
def here_deletes(bench: Bench):
    bench.cluster.put("here_deleted", 1)
    return [inside(bench, code.here_delete, "here_deleted"), bench.cluster.get("here_deleted")]


@case
def here_renames(bench: Bench):
    bench.cluster.put("here_old", 5)
    return [inside(bench, code.here_rename, "here_old", "here_new"), bench.cluster.get("here_new")]


@case
def here_makes_and_kills_a_process(bench: Bench):
    return inside(bench, code.here_processes, "made_inside")


@case
def here_runs_bash(bench: Bench):
    return inside(bench, code.here_bash, "echo from inside; echo err >&2; exit 3")


@case
def here_runs_bash_in_a_process(bench: Bench):
    bench.cluster.create_process("here_bash", env_vars={"HERE_BASH": "x"})
    return inside(bench, code.here_bash, "echo $HERE_BASH", process="here_bash")


@case
def here_sets_variables(bench: Bench):
    return inside(bench, code.here_env, IN, "HERE_VAR", "set")


@case
def here_status(bench: Bench):
    return inside(bench, code.here_status)


@case
def here_makes_a_module(bench: Bench):
    return [inside(bench, code.here_module, "here_made", 10), bench.cluster.call("here_made", "up"),
            bench.cluster.get("here_made", remote=True).up()]


@case
def here_makes_an_own_module(bench: Bench):
    return [inside(bench, code.own_module_here, "here_own"), bench.cluster.call("here_own", "grow")]


@case
def here_returns_a_handle(bench: Bench):
    meter(bench, "here_meter_d", 5)
    got = inside(bench, code.here_handle, "here_meter_d")
    return [got, got.up(), bench.cluster.call("here_meter_d", "value")]


@case
def here_keeps_the_object_itself(bench: Bench):
    return inside(bench, code.pinned, "here_pinned")


@case
def nested_call_prints_in_order(bench: Bench):
    bench.fn(code.prints, process="others", name="prints_of_others")
    inside(bench, code.here)
    bench.out()
    inside(bench, code.nested_print, "prints_of_others")
    return [line for line in bench.out() if "outer" in line]


# -- handles that travel


@case
def handle_is_used_by_another_process(bench: Bench):
    one = meter(bench, "travel_a", 5)
    return [inside(bench, code.use_handle, one, 3), one.up(), bench.cluster.call("travel_a", "value")]


@case
def handle_is_used_by_its_own_process(bench: Bench):
    one = meter(bench, "travel_b", 5)
    return [bench.fn(code.use_handle, process="meters")(one, 3), one.up()]


@case
def handle_attributes_inside(bench: Bench):
    return inside(bench, code.use_handle_property, meter(bench, "travel_c", 6, step=2))


@case
def handles_in_a_container(bench: Bench):
    handles = [meter(bench, f"travel_d{i}", i) for i in range(3)]
    return inside(bench, code.handles_in, {"handles": handles})


@case
def function_handle_is_called_inside(bench: Bench):
    add_of_others = bench.fn(code.add, process="others", name="add_of_others")
    return [inside(bench, code.call_function_handle, add_of_others, 4),
            inside(bench, code.call_function_handle, add_of_others, 4, b=5)]


@case
def async_method_of_a_handle_inside(bench: Bench):
    one = meter(bench, "travel_e", 5)
    return bench.run(bench.fn(code.call_async_handle, process=IN)(one))


@case
def generator_of_a_handle_inside(bench: Bench):
    return inside(bench, code.list_of_generator_handle, meter(bench, "travel_f", 5), 3)


@case
def handle_comes_back(bench: Bench):
    one = meter(bench, "travel_g", 5)
    got = inside(bench, code.echo, one)
    return [got.name, got.up(), one.up()]


@case
def handle_of_a_function_comes_back(bench: Bench):
    got = inside(bench, code.echo, bench.fn(code.add, process="others", name="add_of_others"))
    return [type(got).__name__, got(3)]


@case
def handle_resolved_as_argument(bench: Bench):
    one = meter(bench, "travel_h", 5)
    return type(inside(bench, code.echo, one.resolve())).__name__


@case
def cluster_as_argument(bench: Bench):
    got = inside(bench, code.echo, bench.cluster)
    return [type(got).__name__, got.name]


@case
def handle_put_as_an_object(bench: Bench):
    one = meter(bench, "travel_i", 5)
    bench.cluster.put("handle_object", {"meter": one})
    return bench.cluster.get("handle_object")["meter"].up()


# -- methods and attributes, the rest


@case
def constructor_takes_everything(bench: Bench):
    one = meter(bench, "all_args", 1, 2, 3, step=4, extra="x")
    return [one.remote.value, one.remote.rest, one.remote.step, one.remote.more, one.up()]


@case
def subclass_methods(bench: Bench):
    one = meter(bench, "sub_meter", 5, cls=code.SubMeter, step=2)
    return [one.up(), one.remote.sub, one.remote.unit, one.name_of_unit(), one.steps(2).__class__.__name__]


@case
def property_object_of_itself(bench: Bench):
    one = meter(bench, "whole_meter", 5)
    return bench.failure(lambda: type(one.remote.whole).__name__)


@case
def property_with_setter(bench: Bench):
    one = meter(bench, "half_meter", 5)
    one.remote.half = 21
    return [one.remote.value, one.remote.half]


@case
def length_and_call_by_the_cluster(bench: Bench):
    meter(bench, "len_meter", 5)
    return [bench.cluster.call("len_meter", "__len__"), bench.cluster.call("len_meter", "__class__").__name__]


@case
def length_by_the_handle_is_local(bench: Bench):
    return bench.failure(len, meter(bench, "len_local", 5))["raised"]


@case
def class_method_of_an_instance(bench: Bench):
    one = meter(bench, "cm_meter", 5)
    return bench.failure(lambda: type(one.made(3)).__name__)


@case
def argument_is_a_copy(bench: Bench):
    values = [1]
    got = meter(bench, "mutating", 5).mutate(values)
    return [values, got]


@case
def attributes_made_by_a_method(bench: Bench):
    one = meter(bench, "replacing", 5)
    one.replace(new=[1], value=8)
    return [one.remote.new, one.remote.value]


@case
def fetch_of_a_changed_instance(bench: Bench):
    one = meter(bench, "fetched", 5, step=3)
    one.up(2)
    got = one.fetch()
    return [type(got).__name__, got.value, got.step, got.up()]


@case
def fetch_of_an_own_module(bench: Bench):
    own = code.Own(4, name="fetch_own").to(bench.cluster, process="own_meters", sync_local=False)
    own.grow(3)
    return [own.remote.size, own.fetch("size"), own.through_itself(), own.remote.area]


@case
def own_module_knows_where_it_is(bench: Bench):
    own = code.Own(4, name="where_own").to(bench.cluster, process="own_meters", sync_local=False)
    return own.where()


@case
def own_module_under_another_name(bench: Bench):
    own = code.Own(4, name="first_own").to(bench.cluster, process="own_meters", name="second_own", sync_local=False)
    return [own.name, own.grow(), "second_own" in bench.cluster.keys(), "first_own" in bench.cluster.keys()]


@case
def own_module_sent_twice(bench: Bench):
    own = code.Own(4, name="twice_own")
    first = own.to(bench.cluster, process="own_meters", sync_local=False)
    first.grow(10)
    second = own.to(bench.cluster, process="own_meters", sync_local=False)
    return [first.grow(), second.grow()]


@case
def own_module_into_another_process(bench: Bench):
    own = code.Own(4, name="moving_own")
    first = own.to(bench.cluster, process="own_meters", sync_local=False)
    first.grow(10)
    second = first.to(bench.cluster, process="own_meters_2", sync_local=False)
    return [second.grow(), second.process]


@case
def instance_into_another_process(bench: Bench):
    one = rh.module(code.Meter)(3, name="instance_moving", dryrun=True)
    first = one.to(bench.cluster, process="meters", sync_local=False)
    first.up()
    second = one.to(bench.cluster, process="meters_2", sync_local=False)
    return [first.up(), second.up(), bench.cluster.keys(process="meters_2")]


@case
def module_by_remote_init_twice(bench: Bench):
    meter(bench, "init_twice", 5).up()
    return meter(bench, "init_twice", 9).up()


@case
def class_without_instance_keeps_class_state(bench: Bench):
    Remote = rh.module(code.Meter, name="MeterClass").to(bench.cluster, process="meters", sync_local=False)
    return [Remote.name_of_unit(), Remote.remote.unit, bench.failure(Remote.up)["raised"]]


@case
def replicas_of_a_module(bench: Bench):
    process = bench.cluster.ensure_process_created("replica_source")
    one = code.Own(3, name="replica_own").to(bench.cluster, process=process, sync_local=False)
    made = one.replicate(2)
    return [[m.name for m in made], [m.process for m in made], [m.grow(i) for i, m in enumerate(made)], one.grow(0)]


@case
def replicas_with_names(bench: Bench):
    process = bench.cluster.ensure_process_created("replica_named")
    one = code.Own(3, name="replica_of").to(bench.cluster, process=process, sync_local=False)
    made = one.replicate(2, names=["rep_x", "rep_y"])
    return [[m.name for m in made], "rep_y" in bench.cluster.keys()]


@case
def replicas_in_processes(bench: Bench):
    for name in ("replica_p1", "replica_p2"):
        bench.cluster.ensure_process_created(name)
    one = code.Own(3, name="replica_in").to(bench.cluster, process="own_meters", sync_local=False)
    made = one.replicate(2, processes=["replica_p1", "replica_p2"])
    return [m.process for m in made]


@case
def replicas_of_a_wrong_number(bench: Bench):
    one = code.Own(3, name="replica_bad").to(bench.cluster, process="own_meters", sync_local=False)
    return [bench.failure(one.replicate, 2, names=["x"]), bench.failure(one.replicate, 2, processes=["x"])]


@case
def replicas_in_parallel(bench: Bench):
    process = bench.cluster.ensure_process_created("replica_par")
    one = code.Own(3, name="replica_parallel").to(bench.cluster, process=process, sync_local=False)
    return [m.name for m in one.replicate(2, parallel=True)]


@case
def replicas_of_a_function(bench: Bench):
    process = bench.cluster.ensure_process_created("replica_fn")
    one = rh.function(code.add, name="replica_add").to(bench.cluster, process=process, sync_local=False)
    return [m(i) for i, m in enumerate(one.replicate(2))]


@case
def pool_of_a_function(bench: Bench):
    process = bench.cluster.ensure_process_created("pool_fn")
    one = rh.function(code.add, name="pool_add").to(bench.cluster, process=process, sync_local=False)
    pool = one.distribute("pool", num_replicas=2)
    return [pool.name, type(pool).__name__, pool(a=1), pool(a=2, b=5), [pool(a=i) for i in range(4)]]


@case
def pool_of_a_module_with_a_name(bench: Bench):
    process = bench.cluster.ensure_process_created("pool_mod")
    one = code.Own(3, name="pool_own").to(bench.cluster, process=process, sync_local=False)
    pool = one.distribute("pool", name="own_pool", num_replicas=2)
    return [pool.name, sorted(pool.grow(by=1) for _ in range(2))]


@case
def pool_without_a_number(bench: Bench):
    one = bench.fn(code.add, process="others", name="add_of_others")
    return bench.failure(one.distribute, "pool")


@case
def pool_from_threads(bench: Bench):
    from concurrent.futures import ThreadPoolExecutor
    process = bench.cluster.ensure_process_created("pool_thr")
    one = rh.function(code.slow, name="pool_slow").to(bench.cluster, process=process, sync_local=False)
    pool = one.distribute("pool", num_replicas=2)
    with ThreadPoolExecutor(4) as threads:
        return sorted(threads.map(lambda i: pool(seconds=0.05, value=i, stream_logs=False), range(6)))


# -- calls, the rest


@case
def call_with_client_words(bench: Bench):
    remote = bench.fn(code.joined)
    return [remote("a", "b", sep="-"), remote("a", stream_logs=False), remote("a", run_name="own_run_of_case"),
            remote.run("a"), remote.call("x", "y")]


@case
def call_by_method_of_the_client(bench: Bench):
    remote = bench.fn(code.add)
    call = bench.cluster.client.call_module_method
    name = remote.name
    return [call(name, "call", data={"args": [1], "kwargs": {}}),
            call(name, "call", data={"args": (1,), "kwargs": {"b": 5}}),
            call(name, "call", data={"kwargs": {"a": 1}}), call(name, "call", data={"args": [1, 2]})]


@case
def call_by_the_client_with_json(bench: Bench):
    name = bench.fn(code.add).name
    return bench.cluster.client.call_module_method(name, "call", data={"args": [1], "kwargs": {}}, serialization="json")


@case
def calls_that_overlap(bench: Bench):
    from concurrent.futures import ThreadPoolExecutor
    remote = bench.fn(code.slow)
    with ThreadPoolExecutor(6) as threads:
        return list(threads.map(lambda i: remote(0.1, i), range(6)))


@case
def calls_by_asyncio(bench: Bench):
    remote = bench.fn(code.slow)

    async def main():
        return await asyncio.gather(*[remote(0.05, i, run_async=True) for i in range(6)])
    return bench.run(main())


@case
def async_method_by_gather(bench: Bench):
    one = meter(bench, "gathered", 0)

    async def main():
        return sorted(await asyncio.gather(*[one.up_later(1) for _ in range(5)]))
    return bench.run(main())


@case
def method_by_run_async(bench: Bench):
    one = meter(bench, "by_run_async", 0)

    async def main():
        return [await one.up(run_async=True), await one.up(2, run_async=True, stream_logs=False)]
    return bench.run(main())


@case
def method_keywords_of_the_client(bench: Bench):
    one = meter(bench, "keywords_meter", 0)
    return [one.up(stream_logs=False), one.up.run(2), one.up(by=3, run_name="case_named_run")]


@case
def two_clients(bench: Bench):
    other = rh.cluster(name="other-name-same", host=bench.cluster.ips[0], server_host=bench.cluster.server_host,
                       server_port=bench.cluster.server_port, server_connection_type="none")
    bench.cluster.put("by_first", 1)
    other.put("by_second", 2)
    return [other.get("by_first"), bench.cluster.get("by_second")]


@case
def several_clients_in_programs(bench: Bench):
    import subprocess
    import sys
    program = (f"import runhouse as rh; c = rh.cluster(name='test-cluster', host='127.0.0.1', "
               f"server_host='127.0.0.1', server_port={bench.cluster.server_port}, server_connection_type='none'); "
               f"c.put('of_program', 5); print(c.get('of_program'))")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return [ran.returncode, ran.stdout.split()[-1:], bench.cluster.get("of_program")]


for _kind in (*code.JSONS, *code.PLAIN):
    add(f"value {_kind}", lambda bench, k=_kind: bench.fn(code.value)(k))
