# SPDX-License-Identifier: Apache-2.0
"""Exceptions of every kind, raised in the worker and caught at the client."""
from __future__ import annotations


import peer_functions as code
import peer_lazy as lazy_code

from .table import Bench, add, case

ERRORS = "errors_process"

# Their answers depend on the interpreter's version: the class is what matters.
ONLY_THE_CLASS = ("called process", "recursion", "real memory", "syntax", "import name", "object argument",
                  "lambda argument", "circular", "unicode encode", "attribute error")

for _kind in code.FAILURES:
    def _run(bench: Bench, kind=_kind):
        failure = bench.failure(bench.fn(code.fail, process=ERRORS), kind)
        return failure.get("raised", failure) if kind in ONLY_THE_CLASS else failure
    add(f"error {_kind}", _run)


@case
def error_is_shown_with_its_prints(bench: Bench):
    failure = bench.failure(bench.fn(lazy_code.prints_and_fails, process=ERRORS), "said and done")
    return [failure, "said and done" in bench.out()]


@case
def error_without_logs(bench: Bench):
    failure = bench.failure(bench.fn(lazy_code.prints_and_fails, process=ERRORS), "quietly",
                            stream_logs=False)
    return [failure, bench.out()]


@case
def error_of_a_thread(bench: Bench):
    return bench.failure(bench.fn(code.fails_in_thread, process=ERRORS))


@case
def error_can_be_caught_by_its_class(bench: Bench):
    try:
        bench.fn(code.fail, process=ERRORS)("with reduce")
    except Exception as error:
        return [type(error).__name__, error.a, error.b]


@case
def errors_one_after_the_other(bench: Bench):
    remote = bench.fn(code.fail, process=ERRORS)
    return [bench.failure(remote, kind)["raised"] for kind in ("value error", "key error", "class")]


@case
def worker_goes_on_after_errors(bench: Bench):
    bench.failure(bench.fn(code.fail, process=ERRORS), "recursion")
    return bench.fn(code.doubled, process=ERRORS)(2)


@case
def error_of_unknown_key(bench: Bench):
    return bench.failure(bench.cluster.call, "no_such_key", "method")


@case
def error_of_unknown_method(bench: Bench):
    bench.fn(code.doubled, process=ERRORS)
    failure = bench.failure(bench.cluster.call, f"doubled_{ERRORS}", "no_such_method")
    return [failure["raised"], failure["text"].startswith("Method no_such_method not found on module")]


@case
def error_of_arguments_that_do_not_load(bench: Bench):
    failure = bench.failure(bench.fn(code.echo, process=ERRORS), DoesNotLoad())
    return failure["raised"]


class DoesNotLoad:
    def __reduce__(self):
        return int, ("not a number",)


@case
def error_of_a_module_that_is_missing_there(bench: Bench):
    import sys
    import types
    only_here = types.ModuleType("only_here")
    exec("class Known:\n    pass", only_here.__dict__)
    sys.modules["only_here"] = only_here
    failure = bench.failure(bench.fn(code.echo, process=ERRORS), only_here.Known())
    return failure["raised"]


@case
def warnings_do_not_fail(bench: Bench):
    return bench.fn(code.warns, process=ERRORS)("careful")


@case
def async_error(bench: Bench):
    async def main():
        return await bench.fn(code.fail_later, process=ERRORS)("own key error")
    return bench.failure(bench.run, main())
