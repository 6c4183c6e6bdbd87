# SPDX-License-Identifier: Apache-2.0
"""Instances of users' classes on the cluster."""
from __future__ import annotations


import peer_classes as code
import runhouse as rh

from .table import Bench, add, case


def account(bench: Bench, owner: str = "ada", *args, **kwargs):
    """A new Account; its name is its owner's."""
    return bench.cls(code.Account)(owner, *args, name=f"account_{owner}", **kwargs)


def one(bench: Bench):
    """An Account that cases share, and only read."""
    if not hasattr(bench, "shared_account"):
        bench.shared_account = account(bench, "shared", 5, "n1", "n2", limit=9, extra=1)
    return bench.shared_account


@case
def constructor_arguments(bench: Bench):
    return account(bench, "carl", 5, "n1", "n2", limit=9, extra=1, other=[2]).state()


@case
def constructor_defaults(bench: Bench):
    return account(bench, "dora").state()


@case
def constructor_prints(bench: Bench):
    bench.out()
    account(bench, "eric")
    return "opening for eric" in bench.out()


@case
def constructor_without_an_argument(bench: Bench):
    return bench.failure(bench.cls(code.Account), name="nobody")


@case
def constructor_that_refuses(bench: Bench):
    return bench.failure(bench.cls(code.Refusing), "as told", name="refusing")


@case
def state_changes_stay(bench: Bench):
    here = account(bench, "fred")
    return [here.deposit(1), here.deposit(2), here.remote.balance]


@case
def two_instances_are_apart(bench: Bench):
    first, second = account(bench, "gina"), account(bench, "hugo")
    first.deposit(5)
    return [first.deposit(1), second.deposit(1)]


@case
def same_name_is_constructed_anew(bench: Bench):
    account(bench, "ines").deposit(100)
    return account(bench, "ines").deposit(1)


@case
def class_attributes_are_shared(bench: Bench):
    Remote = rh.module(code.Account).to(bench.cluster, process="count_process", sync_local=False,
                                        name="Counted")
    first, second = Remote("a", name="count_a"), Remote("b", name="count_b")
    return [first.opened_so_far(), second.opened_so_far(), first.remote.bank]


METHODS = {
    "a method": ("deposit", (0,), {}), "static": ("currency", (), {}),
    "static with argument": ("currency", ("x",), {}), "class method": ("describe", (), {}),
    "class method with keyword": ("describe", (), {"suffix": "!"}), "private": ("_private", (), {}),
    "private with keyword": ("_private", (), {"x": 2}), "own dunder": ("__dunder__", (), {}),
    "len": ("__len__", (), {}), "getitem": ("__getitem__", ("k",), {}),
    "contains": ("__contains__", ("inside",), {}), "mangled": ("reveal", (), {}),
    "mangled name": ("_Account__hidden", (), {}), "attribute": ("balance", (), {}),
    "private attribute": ("_secret", (), {}), "class attribute": ("bank", (), {}),
    "property": ("summary", (), {}), "callable attribute": ("callback", (4,), {}),
    "doc": ("__doc__", (), {}), "missing": ("no_such_thing", (), {}),
    "nested by dots": ("nested.double", (), {}), "keywords of the client": (
        "with_self_keyword", ("k",), {"name": "x"}),
    "property that fails": ("broken", (), {}), "object attribute": ("nested", (), {}),
    "exception": ("overdraw", (), {}), "wrong arguments": ("deposit", (), {}),
    "too many arguments": ("deposit", (1, 2), {}), "attribute with keywords": ("balance", (), {"x": 1}),
    "equality": ("__ne__", (5,), {}), "class name": ("__class__", (), {}),
    "module name": ("__module__", (), {}),
}
LOOSE = ("missing", "property that fails", "wrong arguments", "class name", "nested by dots")
for _name, (_method, _args, _kwargs) in METHODS.items():
    def _run(bench: Bench, m=_method, a=_args, k=_kwargs, loose=_name in LOOSE):
        one(bench)
        if loose:
            failure = bench.failure(bench.cluster.call, "account_shared", m, *a, **k)
            return failure.get("raised", "a value")
        return bench.cluster.call("account_shared", m, *a, **k)
    add(f"cluster call of {_name}", _run)


@case
def methods_by_the_handle(bench: Bench):
    here = one(bench)
    return [here.currency("a"), here.describe(), here.state()]


@case
def missing_method_of_a_handle(bench: Bench):
    return bench.failure(lambda: one(bench).no_such_method())["raised"]


@case
def missing_attribute_by_remote(bench: Bench):
    return bench.failure(lambda: one(bench).remote.no_such_attribute)["raised"]


@case
def attributes_by_remote(bench: Bench):
    remote = one(bench).remote
    return [remote.balance, remote.owner, remote._secret, remote.bank, remote.notes, remote.more,
            remote.summary, remote.limit]


@case
def attribute_of_an_object(bench: Bench):
    nested = one(bench).remote.nested
    return [type(nested).__name__, nested.n, nested.inner]


@case
def attributes_are_set(bench: Bench):
    here = account(bench, "karl")
    here.remote.balance = 50
    here.remote._secret = "new"
    here.remote.notes = [1]
    return [here.remote.balance, here.remote._secret, here.remote.notes, here.deposit(1)]


@case
def attribute_that_is_not_there_cannot_be_set(bench: Bench):
    here = account(bench, "jane")

    def set_it():
        here.remote.added = 1
    return [bench.failure(set_it)["raised"], "raised" in bench.failure(lambda: here.remote.added)]


@case
def attribute_set_to_none(bench: Bench):
    here = account(bench, "lena")
    here.remote.balance = None
    return here.remote.balance


@case
def attribute_set_to_an_object(bench: Bench):
    here = account(bench, "mike")
    here.remote.nested = code.Nested(8)
    return bench.cluster.call("account_mike", "state") and here.remote.nested.n


@case
def attribute_set_by_cluster_call(bench: Bench):
    here = account(bench, "nora")
    bench.cluster.call("account_nora", "balance", 12)
    return here.remote.balance


@case
def attribute_with_two_values_is_read(bench: Bench):
    account(bench, "olga")
    return bench.cluster.call("account_olga", "balance", 1, 2)


@case
def property_is_set(bench: Bench):
    here = account(bench, "paul")
    before = here.remote.rate
    here.remote.rate = 4
    return [before, here.remote.rate, here.remote._rate]


@case
def property_refuses_a_value(bench: Bench):
    here = account(bench, "quin")

    def set_it():
        here.remote.rate = -1
    return [bench.failure(set_it), here.remote.rate]


@case
def property_without_setter(bench: Bench):
    here = account(bench, "rosa")

    def set_it():
        here.remote.summary = "x"
    return bench.failure(set_it)["raised"]


@case
def property_that_fails_by_remote(bench: Bench):
    return bench.failure(lambda: one(bench).remote.broken)["raised"]


@case
def cached_property_is_computed_once(bench: Bench):
    here = account(bench, "sven", 2)
    first = here.remote.costly
    here.remote.balance = 7
    return [first, here.remote.costly]


@case
def callable_attribute_is_called(bench: Bench):
    one(bench)
    return bench.cluster.call("account_shared", "callback", 41)


@case
def fetch_of_an_attribute(bench: Bench):
    here = one(bench)
    return [here.fetch("balance"), here.fetch("_secret"), here.fetch("summary")]


@case
def fetch_of_an_instance(bench: Bench):
    class_free = bench.cls(code.Record)(4, c=[1], name="record_fetch")
    got = class_free.fetch()
    return [type(got).__name__, got.a, got.b, got.c, got.both()]


@case
def fetch_async_and_set_async(bench: Bench):
    here = account(bench, "tina", 3)

    async def main():
        first = await here.fetch_async("balance")
        await here.set_async("balance", 30)
        return [first, await here.fetch_async("balance"), await here.fetch_async("_secret")]
    return bench.run(main())


@case
def method_that_returns_itself(bench: Bench):
    here = account(bench, "ugo", 6)
    again = here.itself()
    return [again.name, again.deposit(1), here.deposit(1)]


@case
def method_that_returns_itself_remotely(bench: Bench):
    here = account(bench, "vera", 6)
    again = here.itself.remote()
    return [again.name, again.deposit(1), here.deposit(1)]


@case
def method_that_returns_itself_under_a_run_name(bench: Bench):
    here = account(bench, "will", 6)
    again = here.itself(run_name="will_again", remote=True)
    return [again.name, again.deposit(1), "will_again" in bench.cluster.keys()]


@case
def chained_calls(bench: Bench):
    here = bench.cls(code.Chain)(name="chain_one")
    here.add(1)
    return here.add(2).add(3).all()


@case
def method_that_returns_another_object(bench: Bench):
    got = one(bench).another()
    return [type(got).__name__, got.double()]


@case
def class_method_that_makes_an_instance(bench: Bench):
    got = bench.failure(lambda: type(bench.cls(code.Account).make("made")).__name__)
    return "did not raise" in got


@case
def method_run_without_logs(bench: Bench):
    here = account(bench, "xena")
    bench.out()
    return [here.deposit_loudly.run(2), bench.out()]


@case
def method_prints(bench: Bench):
    here = account(bench, "yves")
    bench.out()
    return [here.deposit_loudly(2), bench.out()]


@case
def method_stream_logs_false(bench: Bench):
    here = account(bench, "zoe")
    bench.out()
    return [here.deposit_loudly(2, stream_logs=False), bench.out()]


@case
def generator_method(bench: Bench):
    return list(one(bench).forecast(3))


@case
def async_method(bench: Bench):
    return bench.run(account(bench, "abel").deposit_later(3))


@case
def async_method_not_awaited_there(bench: Bench):
    return account(bench, "beth").deposit_later(3, run_async=False)


@case
def async_generator_method(bench: Bench):
    async def main():
        return [v async for v in one(bench).forecast_later(3)]
    return bench.run(main())


@case
def method_that_returns_a_coroutine(bench: Bench):
    async def main():
        return await account(bench, "cain").deposit_coroutine(4)
    return bench.run(main())


@case
def method_run_async(bench: Bench):
    async def main():
        return await account(bench, "dean").deposit(4, run_async=True)
    return bench.run(main())


@case
def inheritance(bench: Bench):
    here = bench.cls(code.Derived)(1, b=2, name="derived_one")
    return [here.shared(), here.overridden(), here.needed(), here.mixed(), here.which(),
            here.remote.prop, here.remote.order, here.is_instance(), here.remote.level]


@case
def abstract_class(bench: Bench):
    failure = bench.failure(lambda: bench.cls(code.Base)(1, name="abstract_one").shared())
    return "raised" in failure


@case
def callable_instance(bench: Bench):
    bench.cls(code.Callable)(3, name="callable_one")
    call = bench.cluster.call
    return [call("callable_one", "__call__", 5), call("callable_one", "__call__", 5, plus=1),
            call("callable_one", "factor")]


@case
def callable_that_generates(bench: Bench):
    bench.cls(code.CallableGenerator)(name="callable_generator")
    return list(bench.cluster.call("callable_generator", "__call__", 3))


@case
def slots(bench: Bench):
    here = bench.cls(code.Slots)("a", name="slots_one")
    return [here.get(), here.put(4), here.remote.b]


@case
def dynamic_attributes(bench: Bench):
    here = bench.cls(code.Dynamic)(name="dynamic_one")
    return [here.remote.known, here.remote.dyn_one, bench.cluster.call("dynamic_one", "call_me", 1),
            bench.failure(lambda: here.remote.other)["raised"]]


@case
def guarded_attributes(bench: Bench):
    here = bench.cls(code.Guarded)(name="guarded_one")
    here.remote.allowed = 3

    def set_it():
        here.remote.forbidden = 1
    return [here.read("allowed"), bench.failure(set_it)]


@case
def dataclass_as_a_class(bench: Bench):
    here = bench.cls(code.Record)(1, b="x", name="record_one")
    return [here.both(), here.remote.a, here.remote.c]


@case
def metaclass(bench: Bench):
    return bench.cls(code.WithMeta)(name="meta_one").read()


@case
def class_without_a_constructor(bench: Bench):
    here = bench.cls(code.NoInit)(name="no_init")
    return [here.bump(), here.bump(), here.remote.value]


@case
def class_used_without_construction(bench: Bench):
    here = rh.module(code.NoInit).to(bench.cluster, process="unconstructed", sync_local=False)
    return [here.bump(), here.bump()]


@case
def static_and_class_methods_of_the_class(bench: Bench):
    here = bench.cls(code.Account)
    return [here.currency("x"), here.describe("y")]


@case
def method_of_an_unconstructed_class(bench: Bench):
    return bench.failure(bench.cls(code.Account).state)


@case
def class_methods_keep_state(bench: Bench):
    here = bench.cls(code.Singleton)
    return [here.get(), here.get()]


@case
def unpicklable_attributes_stay_there(bench: Bench):
    here = bench.cls(code.Locked)(name="locked_one")
    return [here.add(), here.add(), bench.failure(lambda: here.remote.lock)["raised"],
            here.remote.count]


@case
def fetch_of_an_unpicklable_instance(bench: Bench):
    here = bench.cls(code.Locked)(name="locked_two")
    return "raised" in bench.failure(here.fetch)


@case
def context_manager_methods(bench: Bench):
    here = bench.cls(code.ContextManager)(name="context_one")
    call = bench.cluster.call
    return [call("context_one", "__enter__"), call("context_one", "__exit__", None, None, None),
            here.seen()]


for _name, _args in {"__eq__": (5,), "__lt__": (9,), "__add__": (1,), "__bool__": (), "__str__": (),
                     "__repr__": (), "__int__": (), "__hash__": (), "__iter__": ()}.items():
    def _run(bench: Bench, method=_name, args=_args):
        if not hasattr(bench, "comparable"):
            bench.comparable = bench.cls(code.Comparable)(5, name="comparable")
        got = bench.cluster.call("comparable", method, *args)
        return list(got) if method == "__iter__" else got
    add(f"operator {_name}", _run)


@case
def nested_class_by_its_outer(bench: Bench):
    return bench.cls(code.Outer)(name="outer_one").make()


@case
def names_of_the_clients_own_methods(bench: Bench):
    here = bench.cls(code.Registry)(name="registry_one")
    here.put("a", 1)
    return [here.get("a"), here.get("b", default=2), here.keys(), here.call(3), here.map([1, 2]),
            here.run(4), here.delete("a"), here.keys()]


@case
def signature_of_a_class(bench: Bench):
    signature = bench.cls(code.Account).signature(rich=True)
    return [sorted(signature), signature["deposit_later"], signature["forecast"]]
