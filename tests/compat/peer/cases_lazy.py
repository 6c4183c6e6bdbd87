# SPDX-License-Identifier: Apache-2.0
"""Generators, async generators, coroutines."""
from __future__ import annotations

import asyncio
import itertools

import peer_functions as code
import peer_lazy as lazy_code

from .table import Bench, add, case

LAZY = "lazy_functions"


def lazy(bench: Bench, function, *args, **kwargs):
    return bench.fn(function, process=LAZY)(*args, **kwargs)


def events(bench: Bench) -> list:
    return bench.fn(lazy_code.seen_events, process=LAZY)(stream_logs=False)


def forget(bench: Bench) -> None:
    bench.fn(lazy_code.forget_events, process=LAZY)(stream_logs=False)


@case
def generator_to_its_end(bench: Bench):
    return list(lazy(bench, lazy_code.numbers, 4))


@case
def empty_generator(bench: Bench):
    return list(lazy(bench, lazy_code.numbers, 0))


@case
def generator_is_lazy(bench: Bench):
    got = lazy(bench, lazy_code.endless)
    return [next(got), next(got), list(itertools.islice(got, 3))]


@case
def two_generators_apart(bench: Bench):
    one, two = lazy(bench, lazy_code.numbers, 2), lazy(bench, lazy_code.numbers, 20)
    return [next(one), next(two), next(two), next(one)]


@case
def generator_end_twice(bench: Bench):
    got = lazy(bench, lazy_code.numbers, 1)
    first = list(got)
    return [first, list(got)]


@case
def stop_iteration_of_next(bench: Bench):
    got = lazy(bench, lazy_code.numbers, 0)
    return bench.failure(next, got)


@case
def next_with_a_default(bench: Bench):
    return next(lazy(bench, lazy_code.numbers, 0), "default")


@case
def generator_expression(bench: Bench):
    return list(lazy(bench, lazy_code.returns_generator, 4))


@case
def sometimes_a_generator(bench: Bench):
    return [lazy(bench, lazy_code.maybe_generator, False), list(lazy(bench, lazy_code.maybe_generator, True))]


@case
def generator_prints(bench: Bench):
    bench.out()
    got = list(lazy(bench, lazy_code.printing_generator, 2))
    return [got, bench.out()]


@case
def generator_without_logs_still_prints_steps(bench: Bench):
    got = list(lazy(bench, lazy_code.printing_generator, 2, stream_logs=False))
    return got


@case
def generator_that_fails_midway(bench: Bench):
    got = lazy(bench, lazy_code.fails_midway, 2)
    return [next(got), next(got), bench.failure(next, got), bench.failure(next, got)["raised"]]


@case
def generator_in_a_for_loop_that_fails(bench: Bench):
    seen = []

    def loop():
        for item in lazy(bench, lazy_code.fails_midway, 3):
            seen.append(item)
    return [bench.failure(loop), seen]


@case
def generator_of_odd_values(bench: Bench):
    values = list(lazy(bench, lazy_code.yields_all))
    return [values[0], values[1], values[2](5), len(values[3])]


@case
def generator_of_nothing(bench: Bench):
    return list(lazy(bench, lazy_code.yields_none))


@case
def generator_of_what_cannot_be_pickled(bench: Bench):
    got = lazy(bench, lazy_code.yields_unpicklable)
    return [next(got), bench.failure(next, got)["raised"], next(got)]


@case
def delegating_generator(bench: Bench):
    return list(lazy(bench, lazy_code.delegating))


@case
def send_to_a_generator(bench: Bench):
    got = lazy(bench, lazy_code.answering)
    return [next(got), got.send(3), got.send("ab")]


@case
def send_to_its_end(bench: Bench):
    got = lazy(bench, lazy_code.answering)
    next(got)
    return bench.failure(got.send, None)["raised"]


@case
def send_before_the_first(bench: Bench):
    return bench.failure(lazy(bench, lazy_code.answering).send, 3)


@case
def throw_into_a_generator(bench: Bench):
    got = lazy(bench, lazy_code.catching)
    return [next(got), got.throw(ValueError("thrown")), next(got)]


@case
def throw_by_class_and_value(bench: Bench):
    got = lazy(bench, lazy_code.catching)
    return [next(got), got.throw(ValueError, "by value")]


@case
def throw_that_is_not_caught(bench: Bench):
    got = lazy(bench, lazy_code.catching)
    next(got)
    return [bench.failure(got.throw, KeyError("k")), bench.failure(next, got)["raised"]]


@case
def close_reaches_the_body(bench: Bench):
    forget(bench)
    got = lazy(bench, lazy_code.numbers, 5)
    next(got)
    got.close()
    return events(bench)


@case
def close_then_next(bench: Bench):
    got = lazy(bench, lazy_code.numbers, 5)
    next(got)
    got.close()
    return "raised" in bench.failure(next, got)


@case
def close_before_the_first(bench: Bench):
    forget(bench)
    lazy(bench, lazy_code.numbers, 5).close()
    return events(bench)


@case
def close_that_the_body_catches(bench: Bench):
    forget(bench)
    got = lazy(bench, lazy_code.catches_exit)
    next(got)
    got.close()
    return events(bench)


@case
def end_runs_finally(bench: Bench):
    forget(bench)
    list(lazy(bench, lazy_code.numbers, 2))
    return events(bench)


@case
def generator_under_a_run_name(bench: Bench):
    got = lazy(bench, lazy_code.numbers, 3, run_name="numbers_run")
    return [got.name, "numbers_run" in bench.cluster.keys(), next(got),
            bench.cluster.call("numbers_run", "remote_next"), next(got)]


@case
def generator_found_by_its_run_name(bench: Bench):
    lazy(bench, lazy_code.numbers, 3, run_name="numbers_found")
    got = bench.cluster.get("numbers_found")
    return [type(got).__name__, list(got)]


@case
def generator_found_remotely(bench: Bench):
    lazy(bench, lazy_code.numbers, 3, run_name="numbers_remote")
    got = bench.cluster.get("numbers_remote", remote=True)
    return list(got)


@case
def generator_called_remotely(bench: Bench):
    return list(lazy(bench, lazy_code.numbers, 3, remote=True))


@case
def generator_deleted_midway(bench: Bench):
    got = lazy(bench, lazy_code.numbers, 3, run_name="numbers_deleted")
    next(got)
    bench.cluster.delete("numbers_deleted")
    return bench.failure(next, got)["raised"]


@case
def generator_handle_looks_like_a_generator(bench: Bench):
    import collections.abc
    got = lazy(bench, lazy_code.numbers, 3)
    return [isinstance(got, collections.abc.Generator), isinstance(got, collections.abc.Iterator),
            iter(got) is got, type(got).__name__]


@case
def many_steps(bench: Bench):
    return list(lazy(bench, lazy_code.numbers, 25))


@case
def zip_of_two_generators(bench: Bench):
    return list(zip(lazy(bench, lazy_code.numbers, 3), lazy(bench, lazy_code.numbers, 5)))


# ---------------------------------------------------------------- coroutines


@case
def coroutine_function_is_awaited(bench: Bench):
    async def main():
        return await lazy(bench, code.later, 4)
    return bench.run(main())


@case
def coroutine_function_of_none(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.later_none)
    return bench.run(main())


@case
def coroutine_function_prints(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.later_prints, "x")
    bench.out()
    return [bench.run(main()), bench.out()]


@case
def coroutine_functions_gathered(bench: Bench):
    async def main():
        remote = bench.fn(code.later, process=LAZY)
        return await asyncio.gather(*[remote(i, run_name=f"later--{i}") for i in range(6)])
    return bench.run(main())


@case
def coroutine_function_that_gathers(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.gathers, 4)
    return bench.run(main())


@case
def coroutine_function_with_a_task(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.uses_task)
    return bench.run(main())


@case
def coroutine_function_that_times_out(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.times_out)
    return bench.failure(lambda: bench.run(main()))["raised"]


@case
def coroutine_function_that_fails(bench: Bench):
    async def main():
        return await lazy(bench, code.fail_later, "with code")
    return bench.failure(lambda: bench.run(main()))


@case
def coroutine_function_and_cancelled_error(bench: Bench):
    async def main():
        return await lazy(bench, code.fail_later, "key error")
    return bench.failure(lambda: bench.run(main()))


@case
def coroutine_returned_by_a_function(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.returns_coroutine, 4)
    return bench.run(main())


@case
def coroutine_returned_is_a_future(bench: Bench):
    got = lazy(bench, lazy_code.returns_coroutine, 4)
    return [type(got).__name__, got.name.startswith("returns_coroutine")]


@case
def coroutine_returned_under_a_run_name(bench: Bench):
    got = lazy(bench, lazy_code.returns_coroutine, 5, run_name="future_run")

    async def main():
        return await got
    return [got.name, "future_run" in bench.cluster.keys(), bench.run(main())]


@case
def coroutine_returned_by_a_coroutine_function(bench: Bench):
    async def main():
        got = await lazy(bench, lazy_code.returns_coroutine_later, 4)
        return await got
    return bench.run(main())


@case
def generator_returned_by_a_coroutine_function(bench: Bench):
    async def main():
        return await lazy(bench, lazy_code.returns_generator_later, 3)
    return list(bench.run(main()))


@case
def function_with_a_loop_of_its_own(bench: Bench):
    return lazy(bench, lazy_code.runs_its_own_loop, 5)


@case
def future_as_a_result(bench: Bench):
    return "raised" in bench.failure(lazy, bench, lazy_code.returns_future)


@case
def async_generator_to_its_end(bench: Bench):
    async def main():
        return [item async for item in lazy(bench, lazy_code.async_numbers, 3)]
    return bench.run(main())


@case
def async_generator_of_nothing(bench: Bench):
    async def main():
        return [item async for item in lazy(bench, lazy_code.async_numbers, 0)]
    return bench.run(main())


@case
def async_generator_left_early(bench: Bench):
    async def main():
        async for item in lazy(bench, lazy_code.async_numbers, 5):
            if item == 1:
                return item
    return bench.run(main())


@case
def async_generator_that_fails(bench: Bench):
    async def main():
        seen = []
        try:
            async for item in lazy(bench, lazy_code.async_fails_midway, 2):
                seen.append(item)
        except Exception as error:
            return [seen, type(error).__name__, error.code]
    return bench.run(main())


@case
def async_generator_prints(bench: Bench):
    async def main():
        return [item async for item in lazy(bench, lazy_code.async_printing, 2)]
    bench.out()
    got = bench.run(main())
    return [got, "async step 0" in "\n".join(bench.out())]


@case
def async_generator_handle(bench: Bench):
    got = lazy(bench, lazy_code.async_numbers, 2)
    return [type(got).__name__, hasattr(got, "__aiter__"), got.process]


@case
def async_generators_interleaved(bench: Bench):
    async def main():
        async def collect(n):
            return [item async for item in lazy(bench, lazy_code.async_numbers, n)]
        return [await collect(2), await collect(3)]
    return bench.run(main())


for _run_async in (True, False):
    add(f"generator with run_async {_run_async}", lambda bench, a=_run_async: _generator(bench, a))


def _generator(bench: Bench, run_async: bool):
    if not run_async:
        return list(lazy(bench, lazy_code.numbers, 3, run_async=False))

    async def main():
        return await lazy(bench, lazy_code.numbers, 3, run_async=True)
    return list(bench.run(main()))
