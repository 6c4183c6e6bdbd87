# SPDX-License-Identifier: Apache-2.0
"""What calls print and log, and where it appears."""
from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import peer_lazy as lazy_code

from .table import Bench, add, case

OUTPUT = "output_process"


def said(bench: Bench, function, *args, **kwargs) -> list[str]:
    remote = bench.fn(function, process=OUTPUT)
    bench.out()
    remote(*args, **kwargs)
    return bench.out()


LINES = {
    "one": ("hello",), "several": ("a", "b", "c"), "empty line": ("a", "", "b"),
    "unicode": ("é ß 漢 \U0001f3e0",), "spaces": ("  indented", "trailing  "), "tab": ("a\tb",),
    "json": ('{"a": 1}',), "percent": ("50% done",), "backslash": ("a\\n",), "long": ("x" * 100_000,),
    "quotes": ("\"'",), "several in one": ("first\nsecond\nthird",), "number": (5,), "markup": ("[red]x[/]",),
}
for _name, _lines in LINES.items():
    def _run(bench: Bench, lines=_lines):
        return [line if len(line) < 300 else len(line) for line in said(bench, lazy_code.prints, *lines)]
    add(f"printed {_name}", _run)


@case
def printed_many_in_order(bench: Bench):
    lines = said(bench, lazy_code.prints_many, 3000)
    return [len(lines), lines == [f"line {i}" for i in range(3000)]]


@case
def printed_without_newline(bench: Bench):
    return "".join(said(bench, lazy_code.prints_raw, "no newline"))


@case
def printed_to_stderr(bench: Bench):
    return "to stderr" in said(bench, lazy_code.prints_to_stderr, "to stderr")


@case
def printed_in_a_thread_of_the_call(bench: Bench):
    return said(bench, lazy_code.prints_in_thread, "from a thread")


@case
def printed_by_pprint(bench: Bench):
    return said(bench, lazy_code.prints_with_pprint, {"b": [1, 2], "a": None})


for _level in ("INFO", "WARNING", "ERROR", "CRITICAL"):
    def _run(bench: Bench, level=_level):
        lines = said(bench, lazy_code.logs, level, f"logged {level}")
        return [line.startswith(f"{level} | 2") and line.endswith(f" | logged {level}")
                for line in lines if "peer.logs" in line]
    add(f"logged {_level}", _run)


@case
def logged_debug_is_left_out(bench: Bench):
    return any("unseen" in line for line in said(bench, lazy_code.logs, "DEBUG", "unseen"))


@case
def logged_exception_has_its_traceback(bench: Bench):
    lines = said(bench, lazy_code.logs_with_traceback)
    return ["ZeroDivisionError: division by zero" in lines,
            any(line.endswith("| it failed") for line in lines)]


@case(needs=("tqdm",))
def progress_bars(bench: Bench):
    lines = said(bench, lazy_code.shows_progress, 3)
    return any("counting: 100%" in line and "3/3" in line for line in lines)


@case
def each_caller_sees_its_own(bench: Bench):
    remote = bench.fn(lazy_code.prints_and_sleeps, process=OUTPUT)
    bench.out()
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda text: remote(text, 3, 0.05, run_name=f"own--{text}"), "abc"))
    return sorted(bench.out())


@case
def silent_caller_sees_nothing_of_others(bench: Bench):
    remote = bench.fn(lazy_code.prints_and_sleeps, process=OUTPUT)
    bench.out()
    with ThreadPoolExecutor(2) as threads:
        silent = threads.submit(remote, "silent", 3, 0.05, stream_logs=False, run_name="mute--1")
        loud = threads.submit(remote, "loud", 3, 0.05, run_name="loud--1")
        silent.result(), loud.result()
    return [line for line in bench.out() if "silent" in line]


@case
def printed_by_coroutines_at_once(bench: Bench):
    remote = bench.fn(lazy_code.later_prints, process=OUTPUT)

    async def main():
        await asyncio.gather(*[remote(name, run_name=f"cor--{name}") for name in "ab"])
    bench.out()
    bench.run(main())
    return sorted(bench.out())


@case
def output_of_a_subprocess_is_a_value(bench: Bench):
    return bench.fn(lazy_code.subprocess_prints, process=OUTPUT)("child")
