# SPDX-License-Identifier: Apache-2.0
"""`gatehouse call`: arguments, results, what the call prints, and every way in which it ends."""
from __future__ import annotations

import signal

import pytest

from .cli import finish, gatehouse, start
from .gatehoused import USER_CODE, wait_until

THINGS = USER_CODE / "things.py"
NAMES = ["add", "echo", "typed", "boom", "talk", "talk_and_hold", "hold", "double", "countdown",
         "async_countdown", "die_of", "make_text", "unpicklable"]
DAEMON_OPTIONS = {"modules": [f"{name}={THINGS}:{name}" for name in NAMES] + [f"counter={THINGS}:Counter"]}


def call(daemon, *words, **options):
    return gatehouse(daemon, "call", *words, **options)


# -- results ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, result", [
    (["add", "1", "2"], "3"),
    (["add", "a=1", "b=2"], "3"),
    (["add", "1", "b=5"], "6"),
    (["echo", "text"], '"text"'),
    (["echo", "two words"], '"two words"'),
    (["echo", '"5"'], '"5"'),
    (["echo", "true"], "true"),
    (["echo", "null"], "null"),
    (["echo", ""], '""'),
    (["echo", "value="], '""'),
    (["echo", "[1, {\"a\": 2.50}]"], '[1, {"a": 2.5}]'),
    (["echo", "123456789012345678901234567890"], "123456789012345678901234567890"),
    (["echo", "a-b=c"], '"a-b=c"'),
    (["echo", "--", "--dashes"], '"--dashes"'),
    (["echo", "-5"], "-5"),
    (["echo", "-.5e1"], '"-.5e1"'),
    (["echo", "h\u00e4user \U0001f3e0"], '"h\\u00e4user \\ud83c\\udfe0"'),
    (["counter.ping"], '"pong"'),
    (["counter.value"], "0"),
    (["double", "4"], "8"),
])
def test_result_is_one_line_of_json(daemon, words, result):
    done = call(daemon, "--quiet", *words).ok()
    assert (done.out, done.err) == (result + "\n", "")


def test_raw_text(daemon):
    assert call(daemon, "echo", "--raw", 'say "hi"\n').ok().out == 'say "hi"\n\n'
    assert call(daemon, "echo", "-r", "[1, 2]").ok().out == "[1, 2]\n"


def test_data_is_an_object_from_a_file_or_standard_input(daemon, tmp_path):
    (tmp_path / "data.json").write_text(' {"a": 1,\n "b": 2}\n')
    assert call(daemon, "add", "--data", str(tmp_path / "data.json")).ok().out == "3\n"
    assert call(daemon, "add", "-d", "-", text='{"a": 40, "b": 2}').ok().out == "42\n"
    for text in ("[1]", "", '{"a": 1', "{'a': 1}"):
        done = call(daemon, "add", "--data", "-", text=text)
        assert done.status == 2 and "must hold a JSON object" in done.err
    both = call(daemon, "add", "--data", "-", "b=2", text="{}")
    assert both.status == 2 and "'b=2' cannot be given beside it" in both.err
    missing = call(daemon, "add", "--data", str(tmp_path / "nothing"))
    assert missing.status == 2 and "No such file" in missing.err


def test_large_argument_and_result(daemon):
    text = "x" * 3_000_000
    assert call(daemon, "echo", "--raw", "--data", "-", text='{"value": "%s"}' % text).ok().out == text + "\n"


@pytest.mark.parametrize("key", ["countdown", "async_countdown"])
def test_items_of_a_generator_come_one_a_line(daemon, key):
    assert call(daemon, key, "3").ok().out == "3\n2\n1\n"
    assert call(daemon, key, "0").ok().out == ""
    wait_until("the generators to be dropped", lambda: not [
        name for name in daemon.get("/keys").json()["data"] if name.startswith("cli--")])


def test_dict_that_looks_like_a_generator_is_a_result(daemon):
    text = '{"run_name": "r", "type": "generator", "next": "/r/remote_next"}'
    assert call(daemon, "echo", "--run-name", "other", text).ok().out == text + "\n"


# -- what it prints ----------------------------------------------------------------------------------

def test_output_goes_to_standard_error_while_the_call_runs(daemon, tmp_path):
    running = start(daemon, "call", "talk_and_hold", str(tmp_path / "started"), str(tmp_path / "release"))
    assert running.stderr.readline() == "before\n"
    assert not (tmp_path / "release").exists()
    (tmp_path / "release").touch()
    done = finish(running)
    assert (done.status, done.out, done.err) == (0, "null\n", "after\n")


def test_quiet_shows_no_output(daemon):
    done = call(daemon, "add", "1", "-q").ok()
    assert (done.out, done.err) == ("3\n", "")
    assert call(daemon, "add", "1").ok().err == "adding 1 and 2\n"


def test_run_name_is_that_of_logs(daemon):
    call(daemon, "talk", "one", "two", "--run-name", "my-run").ok()
    assert gatehouse(daemon, "logs", "my-run").ok().out == "one\ntwo\n"
    refused = call(daemon, "talk", "--run-name", "a/b")
    assert refused.status == 1 and "run_name: Run names have" in refused.err


# -- exceptions ------------------------------------------------------------------------------------

def test_exception_shows_its_traceback_and_exits_1(daemon):
    done = call(daemon, "boom", "msg=no stock")
    assert (done.status, done.out) == (1, "")
    first, *_, last = done.err.splitlines()
    assert first == "Traceback (most recent call last):" and "in boom" in done.err
    assert last == "gatehouse: call boom.call: ValueError: no stock"


def test_exception_for_programs(daemon):
    done = call(daemon, "boom", "--json")
    assert done.status == 1 and done.err == "gatehouse: call boom.call: ValueError: bad thing\n"
    assert done.json()["exception"]["error"] == "ValueError: bad thing"
    assert done.json()["exception"]["traceback"].startswith("Traceback")


def test_arguments_that_do_not_fit_and_results_without_json(daemon):
    missing = call(daemon, "add")
    assert missing.status == 1 and "a" in missing.err.splitlines()[-1]
    assert call(daemon, "unpicklable").status == 1
    twice = call(daemon, "add", "a=1", "a=2")
    assert twice.status == 2 and "argument 'a' is given twice" in twice.err


def test_worker_that_dies_is_an_error_that_says_how(daemon):
    done = call(daemon, "die_of", "SIGKILL")
    assert done.status == 1 and "signal 9, SIGKILL" in done.err.splitlines()[-1]


# -- ends ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, text", [
    (["nothing"], "Key nothing not found"),
    (["counter.nothing"], "Method nothing not found on module counter"),
    (["a/b.c"], "Not Found"),
])
def test_what_is_not_there_is_5(daemon, words, text):
    done = call(daemon, *words)
    assert done.status == 5 and text in done.err and "(HTTP 404)" in done.err


@pytest.mark.parametrize("word", ["", ".add", "add."])
def test_what_is_no_name_is_2(daemon, word):
    done = call(daemon, word)
    assert done.status == 2 and "MODULE.METHOD" in done.err


def test_timeout_is_124_and_the_call_goes_on(daemon, tmp_path):
    done = call(daemon, "hold", str(tmp_path / "started"), str(tmp_path / "release"), "--timeout-s", "0.5")
    assert (done.status, done.out) == (124, "")
    assert done.err == ("gatehouse: call hold.call: no result within --timeout-s; the call goes on at the "
                        "node\n")
    wait_until("the call to run", (tmp_path / "started").exists)
    assert len(daemon.active_calls("default_process", "hold")) == 1
    (tmp_path / "release").touch()
    wait_until("the call to end", lambda: not daemon.active_calls("default_process", "hold"))


def test_interrupt_ends_it_with_130(daemon, tmp_path):
    running = start(daemon, "call", "talk_and_hold", str(tmp_path / "started"), str(tmp_path / "release"))
    assert running.stderr.readline() == "before\n"
    running.send_signal(signal.SIGINT)
    done = finish(running)
    assert (done.status, done.out, done.err) == (130, "", "")
    (tmp_path / "release").touch()
    wait_until("the call to end", lambda: not daemon.active_calls("default_process", "talk_and_hold"))


def test_interrupt_closes_a_generator(daemon):
    running = start(daemon, "call", "countdown", "1000000", "--quiet")
    assert running.stdout.readline() == "1000000\n"
    running.send_signal(signal.SIGINT)
    assert finish(running).status == 130
    wait_until("the generator to be dropped", lambda: not [
        name for name in daemon.get("/keys").json()["data"] if name.startswith("cli--")])


def test_reader_that_leaves_ends_it(daemon):
    running = start(daemon, "call", "countdown", "1000000", "--quiet")
    assert running.stdout.readline() == "1000000\n"
    running.stdout.close()
    running.stderr.close()
    assert running.wait(60) in (1, -signal.SIGPIPE)
    for name in daemon.get("/keys").json()["data"]:
        if name.startswith("cli--"):
            daemon.post("/delete_object", {"keys": [name]})
    running.stdin.close()


def test_full_disk_is_an_error(daemon):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = gatehouse(daemon, "call", "add", "1", "-q", stdout=full)
    assert done.status == 1 and "standard output" in done.err
