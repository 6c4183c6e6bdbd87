# SPDX-License-Identifier: Apache-2.0
"""RUN_BASH in the worker's package: bounds of outputs, lines, and the guard."""

import os
import signal
import threading
import time

import pytest
import workerkit  # noqa: F401  (puts the package on the path)
from gatehouse import shell


def run(command, limit=1 << 20, wants_output=True):
    return shell.run(1, command, wants_output, limit, False)


def wait_until(true, what):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def is_running(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_outputs_and_code():
    assert run("echo out; echo err >&2; exit 3") == [3, "out\n", "err\n"]
    assert run("exit 4", wants_output=False) == 4
    assert run("kill -9 $$") == [-9, "", ""]


def test_environment_and_folder_are_this_process_own(monkeypatch, tmp_path):
    monkeypatch.setenv("BY_CODE", "yes")
    monkeypatch.chdir(tmp_path)
    assert run("echo $BY_CODE; pwd")[1] == "yes\n%s\n" % tmp_path


@pytest.mark.parametrize("piece", [1, 3, 7, 100])
def test_tail_keeps_the_end(piece):
    tail, data = shell.Tail(10), b"abcdefghijklmnopqrstuvwxyz0123456789"
    for at in range(0, len(data), piece):
        tail.add(data[at : at + piece])
    assert tail.text() == "[gatehouse: 26 bytes of output left out here]\n0123456789"


@pytest.mark.parametrize(
    "data, text",
    [
        (b"", ""),
        (b"a\xff", "a�"),
        (b"0123456789ab\ncd\nefgh", "[gatehouse: 13 bytes of output left out here]\ncd\nefgh"),
        ("aaaa€€€€".encode(), "[gatehouse: 7 bytes of output left out here]\n€€€"),
    ],
)
def test_tail_is_cut_cleanly(data, text):
    tail = shell.Tail(10)
    tail.add(data)
    assert tail.text() == text


def test_lines_are_sent_whole(monkeypatch):
    sent = []
    monkeypatch.setattr(shell._gatehouse, "log", lambda call, fd, text: sent.append((call, fd, text)))
    lines = shell.Lines(7)
    for data in (b"a", b"b\nc\nd", b"\xe2\x82", b"\xac"):
        lines.add(data)
    assert sent == [(7, 1, "ab\nc\n")]
    lines.end()
    assert sent[1:] == [(7, 1, "d€")]
    lines.add("€".encode() * 30000)
    assert all("�" not in text for _, _, text in sent)
    assert "".join(text for _, _, text in sent[2:]) + lines._pending.decode() == "€" * 30000


def test_a_forked_child_holds_no_guard():
    run(":")
    pid = os.fork()
    if pid == 0:
        os._exit(0 if shell.guard._program is None and not shell.guard._groups else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert shell.guard._program is not None


def test_groups_die_with_the_process(tmp_path):
    """Of a child that starts a command and is killed; another child of its own lives on meanwhile."""
    pids = tmp_path / "pids"
    child = os.fork()
    if child == 0:
        threading.Thread(
            target=run, args=("sleep 1000 & echo $$ $! > %s; wait" % pids,), daemon=True
        ).start()
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the command runs")
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
        os._exit(0)
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the command runs")
    running = [int(pid) for pid in pids.read_text().split()]
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_until(lambda: not any(map(is_running, running)), "the command is gone")


def test_a_killed_guard_is_replaced(tmp_path):
    run(":")
    before = shell.guard._program
    before.kill()
    before.wait()
    assert run("echo still")[1] == "still\n"
    assert shell.guard._program.pid != before.pid


def test_many_at_once():
    answers = [None] * 20

    def one(i):
        answers[i] = run("echo %d; exit %d" % (i, i))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[i, "%d\n" % i, ""] for i in range(20)]
    assert not shell.guard._groups
