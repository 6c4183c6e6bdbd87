# SPDX-License-Identifier: Apache-2.0
"""RUN_BASH: a shell command as this process sees it, its os.environ and its working directory.

Each command runs in a session and process group of its own and is read by a thread of its own, so that
no call waits for it. None outlives this process: a guard, one small shell, holds the other end of a
pipe that only this process writes to, knows the groups that run, and kills them at the pipe's end. A
command waits until the guard knows its group. Source: packages-and-processes.md section 2,
docs/decisions/0008-command-guard.md.
"""

from __future__ import annotations

import json
import os
import threading

import _gatehouse

from . import errors, serialize
from .current import BAD, OK, STREAM_LOGS
from .errors import BadRequest

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Optional

    from .calls import Answer

_READ_BYTES = 65536
_LINE_MAX_BYTES = 65536  # of a line that does not end; what is longer goes out in pieces
_LINE_NEAR_BYTES = 4096

_GATE = 'read -r go || exit 1; exec /bin/sh -c "$1" </dev/null'

_GUARD = """
groups=
while read -r what group; do
    case $what in
    +) groups="$groups $group" ;;
    -)
        kept=
        for g in $groups; do [ "$g" = "$group" ] || kept="$kept $g"; done
        groups=$kept
        ;;
    esac
done
for g in $groups; do kill -s KILL -- "-$g"; done
"""


class Guard:
    """The process that kills the groups it was told of when this process is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._program: Optional[Popen] = None

    def _start(self) -> None:
        import subprocess

        self._program = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        for group in self._groups:
            self._program.stdin.write(b"+ %d\n" % group)  # type: ignore[union-attr]

    def _tell(self, line: bytes) -> None:
        if self._program is None:
            self._start()
            return
        try:
            self._program.stdin.write(line)  # type: ignore[union-attr]
        except OSError:  # somebody killed it
            self._program.stdin.close()  # type: ignore[union-attr]
            self._program.wait()
            self._start()

    def add(self, group: int) -> None:
        """From when this returns GROUP dies with this process."""
        with self._lock:
            self._groups.add(group)
            self._tell(b"+ %d\n" % group)

    def drop(self, group: int) -> None:
        with self._lock:
            self._groups.discard(group)
            self._tell(b"- %d\n" % group)

    def forget(self) -> None:
        """In a forked child: the parent's end must not stay open here."""
        if self._program is not None:
            self._program.stdin.close()  # type: ignore[union-attr]
        self.__init__()  # type: ignore[misc]


guard = Guard()
os.register_at_fork(after_in_child=guard.forget)


class Tail:
    """The newest bytes of an output, and how many of the older ones are missing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._dropped = 0

    def _drop(self, count: int) -> None:
        del self._kept[:count]
        self._dropped += count

    def add(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > 2 * self._limit:
            self._drop(len(self._kept) - self._limit)

    def text(self) -> str:
        if len(self._kept) > self._limit:
            self._drop(len(self._kept) - self._limit)
        if not self._dropped:
            return _plain(self._kept)
        newline = self._kept.find(b"\n", 0, _LINE_NEAR_BYTES)
        if 0 <= newline < len(self._kept) - 1:
            self._drop(newline + 1)
        else:
            start = 0
            while start < len(self._kept) and self._kept[start] & 0xC0 == 0x80:
                start += 1
            self._drop(start)
        note = "[gatehouse: %d bytes of output left out here]\n" % self._dropped
        return note + _plain(self._kept)


def _plain(data: bytearray) -> str:
    """DATA as text whose lines end in a line feed only, as the client's server reads what it runs."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


class Lines:
    """Sends standard output as LOG frames, up to line ends."""

    def __init__(self, call_id: int) -> None:
        self._call_id = call_id
        self._pending = b""

    def _send(self, data: bytes) -> None:
        if data:
            _gatehouse.log(self._call_id, 1, data.decode("utf-8", "replace"))

    def add(self, data: bytes) -> None:
        whole = self._pending + data
        end = whole.rfind(b"\n") + 1
        if not end and len(whole) > _LINE_MAX_BYTES:
            end = len(whole)
            while end > len(whole) - 4 and whole[end - 1] & 0xC0 == 0x80:
                end -= 1
            if whole[end - 1] & 0xC0 == 0xC0:
                end -= 1
            else:
                end = len(whole)
        self._pending = whole[end:]
        self._send(whole[:end])

    def end(self) -> None:
        self._send(self._pending)
        self._pending = b""


def _start(command: str) -> Popen:
    """The command, which begins once the guard knows it."""
    import subprocess

    program = subprocess.Popen(
        ["/bin/sh", "-c", _GATE, "/bin/sh", command],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
        start_new_session=True,
    )
    try:
        guard.add(program.pid)
        program.stdin.write(b"go\n")  # type: ignore[union-attr]
    except BrokenPipeError:
        pass  # killed already; its status says so
    finally:
        program.stdin.close()  # type: ignore[union-attr]
    return program


def _read(program: Popen, sinks: dict) -> None:
    """Give each output to its sinks, {descriptor: [object with add()]}, until both are closed."""
    import select

    poll = select.poll()
    for fd in sinks:
        poll.register(fd, select.POLLIN)
    left = len(sinks)
    while left:
        for fd, _ in poll.poll():
            data = os.read(fd, _READ_BYTES)
            for sink in sinks[fd]:
                sink.add(data)
            if not data:
                poll.unregister(fd)
                left -= 1


def run(
    call_id: int, command: str, wants_output: bool, limit: int, wants_lines: bool
) -> object:
    """Run COMMAND to its end. Returns its exit code, -n when signal n ended it; with WANTS_OUTPUT
    [code, stdout, stderr].
    """
    program = _start(command)
    try:
        with program.stdout as out, program.stderr as err:  # type: ignore[union-attr]
            lines, tails = Lines(call_id), (Tail(limit), Tail(limit))
            _read(
                program,
                {
                    out.fileno(): [lines] * wants_lines + [tails[0]] * wants_output,
                    err.fileno(): [tails[1]] * wants_output,
                },
            )
            lines.end()
        code = program.wait()
    finally:
        guard.drop(program.pid)
    return [code, tails[0].text(), tails[1].text()] if wants_output else code


def _run_and_reply(call_id: int, serialization: int, flags: int, wanted: dict) -> None:
    answer: tuple
    try:
        result = run(
            call_id,
            wanted["command"],
            bool(wanted.get("require_outputs")),
            int(wanted.get("output_max_bytes") or 1 << 20),
            bool(flags & STREAM_LOGS),
        )
        body = b'{"data":%s,"output_type":"result_serialized","serialization":null}'
        answer = 200, OK, body % serialize.plain(result)
    except BaseException as error:
        answer = errors.answer(error, serialization)
    _gatehouse.reply(call_id, *answer)


def run_bash(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Start the command of a RUN_BASH request; the answer follows when it has ended."""
    try:
        wanted = json.loads(str(data, "utf-8"))  # type: ignore[arg-type]
        if not isinstance(wanted["command"], str):
            raise TypeError("the command should be text")
    except (ValueError, TypeError, KeyError) as error:
        text = "The request's data is no command: %s" % errors.text_of(error)
        return 422, BAD, errors.detail_body(text)
    threading.Thread(
        target=_run_and_reply,
        args=(call_id, serialization, flags, wanted),
        name="gatehouse-command-%d" % call_id,
        daemon=True,
    ).start()
    return None
