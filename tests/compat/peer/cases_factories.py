# SPDX-License-Identifier: Apache-2.0
"""Ways to bring an object to the cluster and to find it again."""
from __future__ import annotations


import peer_classes as code
import peer_functions as functions
import runhouse as rh

from .table import Bench, case


@case
def instance_made_here_brings_its_state(bench: Bench):
    local = rh.module(code.Record)(7, c=[1], name="record_local", dryrun=True)
    remote = local.to(bench.cluster, process="shared_classes", sync_local=False)
    return [remote.both(), remote.remote.a]


@case
def instance_made_here_and_changed(bench: Bench):
    local = rh.module(code.Defaults)(a=5, dryrun=True)
    local.b = "changed here"
    remote = local.to(bench.cluster, process="shared_classes", name="defaults_local",
                      sync_local=False)
    return remote.read()


@case
def instance_of_a_subclass_of_module(bench: Bench):
    remote = code.OwnModule(3, name="own_module").to(bench.cluster, process="own_modules",
                                                     sync_local=False)
    return [remote.grow(), remote.grow(by=4), remote.remote.size, remote.remote.history,
            list(remote.generate(2)), remote.unit(), remote.remote.area]


@case
def async_method_of_a_subclass_of_module(bench: Bench):
    remote = code.OwnModule(3, name="own_async").to(bench.cluster, process="own_modules",
                                                    sync_local=False)
    return bench.run(remote.grow_later(2))


@case
def module_with_a_name(bench: Bench):
    remote = rh.module(code.NoInit, name="named_module").to(
        bench.cluster, process="shared_classes", sync_local=False)
    return [remote.name, remote.bump(), "named_module" in bench.cluster.keys()]


@case
def module_in_its_own_process(bench: Bench):
    remote = rh.module(code.Defaults).to(bench.cluster, sync_local=False)
    here = remote(a=4, name="own_process_defaults")
    return [remote.process, here.process, here.read()]


@case
def module_put_twice_starts_anew(bench: Bench):
    seen = []
    for _ in range(2):
        Remote = rh.module(code.NoInit, name="put_twice").to(bench.cluster, sync_local=False)
        seen += [Remote.bump(), Remote.bump()]
    return seen


@case
def factory_makes_many(bench: Bench):
    Remote = bench.cls(code.Defaults)
    made = [Remote(a=i, name=f"many_{i}") for i in range(4)]
    return [m.read() for m in made]


@case
def instance_without_a_name_takes_the_class_name(bench: Bench):
    Remote = bench.cls(code.Defaults, process="unnamed_instances")
    here = Remote(a=9)
    return [here.name, here.read()]


@case
def get_or_to_puts_then_finds(bench: Bench):
    process = bench.cluster.ensure_process_created("get_or_to")
    first = rh.module(code.NoInit, name="got_or_put")
    first = first.get_or_to(bench.cluster, process=process) if bench.cluster.get(
        "got_or_put", remote=True) else first.to(bench.cluster, process=process, sync_local=False)
    first.bump()
    second = rh.module(code.NoInit, name="got_or_put").get_or_to(bench.cluster)
    return [second.name, second.bump()]


@case
def handle_by_name(bench: Bench):
    bench.cls(code.Chain)(name="found_chain").add(1)
    again = bench.cluster.get("found_chain", remote=True)
    again.add(2)
    return [again.name, again.all()]


@case
def handle_without_remote(bench: Bench):
    bench.cls(code.Chain)(name="whole_chain").add(1)
    again = bench.cluster.get("whole_chain")
    return [again.name, again.all()]


@case
def refresh_of_a_handle(bench: Bench):
    here = bench.cls(code.Chain)(name="refreshed")
    here.add(1)
    again = here.refresh()
    again.add(2)
    return here.all()


@case
def remote_called_is_a_get(bench: Bench):
    here = bench.cls(code.Chain)(name="remote_called")
    here.add(4)
    return here.remote().all()


@case
def renamed_by_the_handle(bench: Bench):
    here = bench.cls(code.Chain)(name="old_chain")
    here.add(1)
    here.rename("new_chain")
    return [here.name, here.all(), bench.cluster.call("new_chain", "all"),
            "old_chain" in bench.cluster.keys()]


@case
def renamed_by_the_cluster(bench: Bench):
    here = bench.cls(code.Chain)(name="first_chain")
    here.add(1)
    bench.cluster.rename("first_chain", "second_chain")
    return [bench.cluster.call("second_chain", "all"),
            bench.failure(here.all)["raised"],
            bench.cluster.get("second_chain", remote=True).name]


@case
def deleted_object(bench: Bench):
    here = bench.cls(code.Chain)(name="deleted_chain")
    bench.cluster.delete(["deleted_chain"])
    return [bench.failure(here.all), bench.cluster.get("deleted_chain")]


@case
def handle_as_an_argument_of_its_process(bench: Bench):
    here = bench.cls(code.Chain)(name="argument_chain")
    remote = bench.fn(functions.apply, process="shared_classes")
    remote(_add_seven, here)
    return here.all()


def _add_seven(chain):
    chain.add(7)


@case
def visibility_is_set(bench: Bench):
    here = bench.cls(code.Chain)(name="visible_chain")
    here.remote.visibility = "public"
    return str(getattr(here.remote.visibility, "value", here.remote.visibility))


@case
def attributes_of_the_resource(bench: Bench):
    here = bench.cls(code.Chain)(name="resource_chain")
    return [here.remote.name, here.remote.process, list(here.remote._pointers[1:])]


@case
def resolved_state_of_the_class(bench: Bench):
    here = bench.cls(code.Record)(3, name="resolved_record")
    got = here.fetch()
    return [type(got).__module__, type(got).__name__, got.both()]


@case
def resolve_of_a_handle(bench: Bench):
    here = bench.cls(code.Record)(3, name="resolve_record")
    return [type(here.resolve()).__name__, here.resolve().name]


@case
def config_of_a_handle(bench: Bench):
    config = bench.cls(code.Record)(3, name="config_record").config()
    return [config["name"], config["resource_type"], config["process"], config["pointers"][1:],
            sorted(config["signature"])]


@case
def replicas(bench: Bench):
    process = bench.cluster.ensure_process_created("replicated")
    here = rh.module(code.NoInit, name="replicated").to(bench.cluster, process=process,
                                                        sync_local=False)
    return here.process
