# SPDX-License-Identifier: Apache-2.0
"""Named processes: environment, state of their own, ending and beginning again."""
from __future__ import annotations

import peer_functions as code
import peer_lazy as lazy_code
import runhouse as rh

from .table import Bench, case


def put(bench: Bench, function, process: str):
    return rh.function(function, name=f"{function.__name__}_{process}").to(
        bench.cluster, process=process, sync_local=False)


@case
def process_with_environment(bench: Bench):
    bench.cluster.create_process("with_env", env_vars={"OWN_VAR": "own", "EMPTY": ""})
    remote = put(bench, code.env, "with_env")
    return [remote("OWN_VAR"), remote("EMPTY"), remote("OTHER")]


@case
def environment_of_one_process_only(bench: Bench):
    for name in ("env_a", "env_b"):
        bench.cluster.ensure_process_created(name)
    bench.cluster.set_process_env_vars("env_a", {"ONLY_A": "yes"})
    return [put(bench, code.env, name)("ONLY_A") for name in ("env_a", "env_b")]


@case
def environment_for_all(bench: Bench):
    bench.cluster.ensure_process_created("env_early")
    bench.cluster.set_env_vars_globally({"FOR_ALL": "all"})
    bench.cluster.create_process("env_late")
    return [put(bench, code.env, name)("FOR_ALL") for name in ("env_early", "env_late")]


@case
def own_environment_wins(bench: Bench):
    bench.cluster.set_env_vars_globally({"CONTESTED": "global"})
    bench.cluster.create_process("env_own", env_vars={"CONTESTED": "own"})
    return put(bench, code.env, "env_own")("CONTESTED")


@case
def environment_set_by_code_stays(bench: Bench):
    bench.cluster.ensure_process_created("env_code")
    put(bench, code.set_env, "env_code")("BY_CODE", "x")
    return put(bench, code.env, "env_code")("BY_CODE")


@case
def environment_of_an_unknown_process(bench: Bench):
    return bench.failure(bench.cluster.set_process_env_vars, "unknown_process", {"A": "b"})["raised"]


@case
def state_is_per_process(bench: Bench):
    for name in ("state_a", "state_b"):
        bench.cluster.ensure_process_created(name)
    one, two = put(bench, code.count_up, "state_a"), put(bench, code.count_up, "state_b")
    return [one(), one(), two(), one()]


@case
def functions_of_a_process_share_a_module(bench: Bench):
    bench.cluster.ensure_process_created("sharing")
    forget, seen = put(bench, lazy_code.forget_events, "sharing"), put(bench, lazy_code.seen_events, "sharing")
    numbers = put(bench, lazy_code.numbers, "sharing")
    forget(), seen()
    list(numbers(1))
    return seen()


@case
def killed_process_forgets(bench: Bench):
    bench.cluster.ensure_process_created("killed")
    remote = put(bench, code.count_up, "killed")
    remote()
    bench.cluster.put("in_killed", 1, process="killed")
    bench.cluster.kill_process("killed")
    return ["killed" in bench.cluster.list_processes(), bench.cluster.get("in_killed"),
            remote.name in bench.cluster.keys(), bench.failure(remote)]


@case
def killed_process_made_again(bench: Bench):
    seen = []
    for _ in range(2):
        bench.cluster.create_process("again", env_vars={"TRY": "1"})
        remote = put(bench, code.count_up, "again")
        seen += [remote(), remote(), put(bench, code.env, "again")("TRY")]
        bench.cluster.kill_process("again")
    return seen


@case
def listed_processes(bench: Bench):
    bench.cluster.create_process("listed", env_vars={"A": "1"})
    return bench.cluster.list_processes()["listed"]


@case
def process_made_twice(bench: Bench):
    bench.cluster.create_process("made_twice")
    return bench.failure(bench.cluster.create_process, "made_twice")


@case
def process_ensured_twice(bench: Bench):
    return [bench.cluster.ensure_process_created("ensured") for _ in range(2)]


@case
def process_that_cannot_have_its_cpus(bench: Bench):
    return "raised" in bench.failure(bench.cluster.create_process, "too_many_cpus",
                                     compute={"CPU": 100_000})


@case
def process_on_an_unknown_node(bench: Bench):
    return bench.failure(bench.cluster.create_process, "far_away", compute={"node_idx": 7})


@case
def process_on_the_head_node(bench: Bench):
    bench.cluster.create_process("on_head", compute={"node_idx": 0})
    return [put(bench, code.doubled, "on_head")(4), bench.cluster.list_processes()["on_head"]["compute"]]


@case
def kill_of_an_unknown_process(bench: Bench):
    return "raised" in bench.failure(bench.cluster.kill_process, "never_was")


@case
def keys_of_a_process(bench: Bench):
    bench.cluster.ensure_process_created("keyed")
    put(bench, code.doubled, "keyed")
    bench.cluster.put("keyed_object", 1, process="keyed")
    return bench.cluster.keys(process="keyed")


@case
def function_into_an_unknown_process_makes_it(bench: Bench):
    remote = put(bench, code.doubled, "made_by_to")
    return [remote(3), "made_by_to" in bench.cluster.list_processes()]


@case
def objects_are_the_same_within_a_process(bench: Bench):
    bench.cluster.ensure_process_created("same_objects")
    remote = put(bench, code.is_here, "same_objects")
    return [remote(code.Plain), remote(code.doubled)]


@case
def clear_forgets_everything(bench: Bench):
    bench.cluster.put("cleared", 1)
    bench.cluster.clear()
    bench._put.clear()
    for name in ("shared_account", "comparable"):
        bench.__dict__.pop(name, None)
    return [bench.cluster.get("cleared"), bench.cluster.keys()]
