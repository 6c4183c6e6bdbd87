# SPDX-License-Identifier: Apache-2.0
"""Output of calls, more of it: which lines the client prints, and what it prints of failures."""
from __future__ import annotations

import re

import peer_node as code

from .table import Bench, add, case

TALK = "talking"


def said(bench: Bench, function, *args, **kwargs) -> list[str]:
    remote = bench.fn(function, process=TALK)
    bench.out()
    remote(*args, **kwargs)
    return bench.out()


def talker(bench: Bench, name: str):
    return bench.cls(code.Talker, process=TALK)(name, name=f"talker_{name}")


def logged(lines: list[str]) -> list[str]:
    """Records, without time and line; the true server prints each of them twice."""
    pattern = re.compile(r"([A-Z]+) \| [-0-9]+ [:0-9]+ \| ([^|]+):\d+ \| (.*)")
    return [" | ".join(found.groups()) for found in map(pattern.search, lines) if found]


SAYS = {
    "nothing": ((), {}), "one line": (("a",), {}), "two parts on a line": (("a", "b"), {"end": " "}),
    "flushed parts": (("a", "b", "c"), {"end": ";", "flush": True}), "blank in between": (("a", " ", "b"), {}),
    "number and none": ((1, None, 2.5), {}), "braces": (("{x} %s {0}",), {}), "colour": (("\x1b[31mred\x1b[0m",), {}),
    "emoji": (("\U0001f600 ok",), {}), "line of 10000": (("y" * 10_000,), {}), "nested lines": (("a\nb", "c\nd"), {}),
    "brackets of a tag": (("[bold]x[/bold]", "(a)"), {}), "slashes": (("C:\\x /y",), {}), "tabs": (("\ta\tb",), {}),
    "trailing spaces": (("a  ", "  b"), {}), "html": (("<b>&amp;</b>",), {}), "many": (tuple(range(200)), {}),
}
for _name, (_args, _kwargs) in SAYS.items():
    add(f"said {_name}", lambda bench, a=_args, k=_kwargs: said(bench, code.says, *a, **k))


@case
def said_to_stderr(bench: Bench):
    return said(bench, code.says, "to err", to="stderr")


@case
def written_without_print(bench: Bench):
    return said(bench, code.writes, "written\n")


@case
def written_lines(bench: Bench):
    return said(bench, code.writes_lines, "a", "b")


@case
def logged_by_a_named_logger(bench: Bench):
    return sorted(set(logged(said(bench, code.logs_by, "peer.named", "INFO", "WARNING", "ERROR"))))


@case
def logged_by_the_root(bench: Bench):
    return sorted(set(logged(said(bench, code.logs_by_root, "root said"))))


@case
def logged_with_arguments(bench: Bench):
    return sorted(set(logged(said(bench, code.logs_with_extra, "text"))))


@case
def logged_by_an_own_handler(bench: Bench):
    return said(bench, code.logs_by_own_handler, "to me")


@case
def warned(bench: Bench):
    return any("careful now" in line for line in said(bench, code.warns_of, "careful now"))


@case
def said_before_a_failure(bench: Bench):
    remote = bench.fn(code.prints_then_fails, process=TALK)
    bench.out()
    failure = bench.failure(remote, "one", "two")
    return [failure, [line for line in bench.out() if line in ("one", "two")]]


@case
def said_traceback(bench: Bench):
    lines = said(bench, code.prints_traceback)
    return [lines[0], lines[-1]]


@case
def said_in_a_pool(bench: Bench):
    return said(bench, code.prints_in_pool, 3)


@case
def said_by_a_coroutine(bench: Bench):
    remote = bench.fn(code.prints_later, process=TALK)
    bench.out()
    return [bench.run(remote("a", "b")), "a" in bench.out()]


@case
def said_by_an_async_generator(bench: Bench):
    async def main():
        return [item async for item in bench.fn(code.prints_and_yields, process=TALK)(2)]
    return bench.run(main())


@case
def said_slowly(bench: Bench):
    return said(bench, code.prints_slowly, 4, 0.2)


@case
def said_without_streaming(bench: Bench):
    return said(bench, code.says, "a", "b", stream_logs=False)


@case
def said_by_run(bench: Bench):
    remote = bench.fn(code.says, process=TALK)
    bench.out()
    return [remote.run("quiet"), bench.out()]


@case
def said_under_a_run_name(bench: Bench):
    return said(bench, code.says, "named", run_name="talk_named_run")


@case
def redirected_output_is_not_said(bench: Bench):
    remote = bench.fn(code.redirects, process=TALK)
    bench.out()
    return [remote("inside"), "outside" in bench.out()]


@case
def output_is_no_terminal(bench: Bench):
    return bench.fn(code.stdout_facts, process=TALK)(stream_logs=True)[0]


@case
def said_by_a_constructor(bench: Bench):
    bench.cls(code.Talker, process=TALK)
    bench.out()
    talker(bench, "con")
    return [line for line in bench.out() if "making" in line]


@case
def said_by_methods(bench: Bench):
    here = talker(bench, "met")
    bench.out()
    here.talk("a", "b")
    here.static_talk()
    here.class_talk()
    return bench.out()


@case
def said_by_a_generator_method(bench: Bench):
    here = talker(bench, "gen")
    bench.out()
    return [list(here.talk_steps(3)), bench.out()]


@case
def said_by_a_property_is_not_shown(bench: Bench):
    here = talker(bench, "prop")
    bench.out()
    return [here.remote.loud, bench.out()]


@case
def said_by_a_method_that_fails(bench: Bench):
    here = talker(bench, "fail")
    bench.out()
    return [bench.failure(here.talk_and_fail), "about to fail" in bench.out()]


@case
def said_in_two_calls(bench: Bench):
    first = said(bench, code.says, "first")
    return [first, said(bench, code.says, "second")]


for _size in (0, 1, 1000, 65_535, 65_536, 65_537, 1_000_000, 5_000_000):
    def _run(bench: Bench, size=_size):
        got = bench.fn(code.sized, process=TALK)(size)
        return [len(got), set(got) <= {"x"}]
    add(f"result of {_size} characters", _run)

    def _run(bench: Bench, size=_size):
        return len(bench.fn(code.echo, process=TALK)("y" * size))
    add(f"argument of {_size} characters", _run)
