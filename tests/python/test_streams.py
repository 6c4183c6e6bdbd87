# SPDX-License-Identifier: Apache-2.0
"""Output: whose it is, when it is sent, and what users expect of sys.stdout."""

import io
import sys
import threading

import pytest
from workerkit import STREAM_LOGS, standin
from gatehouse import current, hooks, inherit, streams


@pytest.fixture
def out(monkeypatch, request):
    """The streams in place, plain output collected as text by descriptor."""
    plain = {1: "", 2: ""}

    def write(self, text):
        plain[self._fd] += text

    monkeypatch.setattr(streams.CallStream, "_to_descriptor", write)

    def put_streams():
        monkeypatch.setattr(sys, "stdout", streams.CallStream(1, "<stdout>"))
        monkeypatch.setattr(sys, "stderr", streams.CallStream(2, "<stderr>"))

    request.node.at_call = put_streams
    start = threading.Thread.start
    inherit.let_threads_inherit()
    yield plain
    threading.Thread.start = start


@pytest.fixture
def demo(w, write, out):
    write("""
        import asyncio, sys, threading, warnings
        def say(text="hello", end="\\n"):
            print(text, end=end)
        def both():
            print("out 1"); print("err 1", file=sys.stderr); print("out 2")
        def progress():
            for i in range(3):
                sys.stdout.write("\\r%d%%" % i); sys.stdout.flush()
            print(" done")
        def in_thread():
            thread = threading.Thread(target=lambda: print("from a thread")); thread.start(); thread.join()
        def raw_bytes():
            sys.stdout.buffer.write(b"bytes \\xff\\n")
        def log():
            import logging
            logging.getLogger("demo").warning("careful %d", 1)
            logging.getLogger("demo").info("info")
            logging.getLogger("demo").debug("never")
        async def later(text, other=None):
            print("before", text)
            await asyncio.sleep(0.01)
            print("after", text)
        def fail():
            print("partial", end="")
            raise ValueError("x")
        barrier = threading.Barrier(2, timeout=5)
        def meet(name):
            for i in range(5):
                barrier.wait(); print(name, i)
        """)
    for name in "say both progress in_thread raw_bytes log later fail meet".split():
        w.put_function(name)
    return w


def run(w, name, *args, call_id, **kwargs):
    return w.call_as("pickle", name, "call", args, kwargs, flags=STREAM_LOGS, call_id=call_id)


def texts(call_id):
    return [item[2:] for item in standin.sent if item[:2] == ("log", call_id)]


def test_lines_go_to_their_call_in_order(demo, out):
    run(demo, "both", call_id=500001)
    lines = [(stream, line) for stream, text in texts(500001) for line in text.splitlines(True)]
    assert lines == [(1, "out 1\n"), (2, "err 1\n"), (1, "out 2\n")]
    assert out == {1: "", 2: ""}


def test_without_stream_logs_output_is_the_process_log(demo, out):
    demo.call("say", "call", "plain")
    assert out[1] == "plain\n" and not [item for item in standin.sent if item[0] == "log"]


def test_a_rest_without_newline_comes_before_the_result(demo):
    run(demo, "say", "rest", end="", call_id=500002)
    assert texts(500002) == [(1, "rest")]
    run(demo, "fail", call_id=500003)
    assert texts(500003) == [(1, "partial")]


def test_flush_sends_progress_bars(demo):
    run(demo, "progress", call_id=500004)
    assert [text for _, text in texts(500004)] == ["\r0%", "\r1%", "\r2%", " done\n"]


def test_threads_of_a_call_belong_to_it(demo, out):
    run(demo, "in_thread", call_id=500005)
    assert demo.logs(500005) == "from a thread\n" and out[1] == ""


def test_bytes_side(demo):
    run(demo, "raw_bytes", call_id=500006)
    assert demo.logs(500006) == "bytes \\xff\n"


def test_calls_at_the_same_time_do_not_mix(demo):
    threads = [
        threading.Thread(target=run, args=(demo, "meet", name), kwargs={"call_id": call_id})
        for name, call_id in (("a", 500010), ("b", 500011))
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert demo.logs(500010) == "".join("a %d\n" % i for i in range(5))
    assert demo.logs(500011) == "".join("b %d\n" % i for i in range(5))


def test_coroutines_at_the_same_time_do_not_mix(demo):
    ids = [500020 + i for i in range(4)]
    threads = [
        threading.Thread(target=run, args=(demo, "later", i), kwargs={"call_id": i}) for i in ids
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for i in ids:
        assert demo.logs(i) == "before %d\nafter %d\n" % (i, i)
    # LOG frames come before the RESULT of their call.
    kinds = [item[0] for item in standin.sent if item[1] == ids[0]]
    assert kinds == ["log", "log", "reply"]


def test_logging_has_upstreams_format_once(demo, monkeypatch):
    import logging
    import re

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    try:
        streams._set_up_logging(logging)
        streams._set_up_logging(logging)
        run(demo, "log", call_id=500030)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = demo.logs(500030).splitlines()
    assert re.fullmatch(
        r"WARNING \| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| demo:\d+ \| careful 1", lines[0]
    )
    assert lines[1].startswith("INFO | ") and len(lines) == 2


def test_log_level_of_the_environment(monkeypatch):
    import logging

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    monkeypatch.setenv("RH_LOG_LEVEL", "debug")
    try:
        streams._set_up_logging(logging)
        assert root.level == logging.DEBUG
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_what_users_expect_of_a_stream(out):
    stream = streams.CallStream(1, "<stdout>")
    assert isinstance(stream, io.TextIOBase)
    assert (
        stream.isatty(),
        stream.fileno(),
        stream.encoding,
        stream.writable(),
        stream.readable(),
    ) == (False, 1, "utf-8", True, False)
    stream.writelines(["a\n", "b\n"])
    stream.reconfigure(encoding="utf-8", line_buffering=True)
    stream.close()
    assert not stream.closed and stream.write("c") == 1
    stream.flush()
    assert out[1] == "a\nb\nc"
    with pytest.raises(TypeError):
        stream.write(b"bytes")
    assert stream.buffer.fileno() == 1 and stream.buffer is stream.buffer


def test_redirect_stdout_works(out):
    import contextlib

    with contextlib.redirect_stdout(io.StringIO()) as caught:
        print("inside")
    print("outside")
    assert caught.getvalue() == "inside\n" and out[1] == "outside\n"


def test_very_long_lines_are_cut(out):
    streams.CallStream(1, "x").write("y" * 100_000)
    assert len(out[1]) == 100_000


def test_hooks_run_once_after_the_import(home, monkeypatch):
    (home / "hooked_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(home))
    seen = []
    hooks.when_imported("hooked_module", lambda module: seen.append(module.value))
    assert seen == []
    import hooked_module

    assert seen == [1] and hooked_module.__spec__.loader is hooked_module.__loader__
    hooks.when_imported("hooked_module", lambda module: seen.append(2))
    assert seen == [1, 2]
    assert current.Call
