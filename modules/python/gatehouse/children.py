# SPDX-License-Identifier: Apache-2.0
"""Output of the processes that a call starts.

A child that would inherit this process's descriptor 1 or 2 gets, in their place, a pipe of the call
that starts it: one for both, so that what it writes keeps its order. What is in the pipe is passed
on before the call's own next text, before its RESULT, and else by one thread as it comes. After the
call's end it goes to the process log, and nobody waits for the child. The ways to start one that are
known: `_posixsubprocess.fork_exec` (subprocess, multiprocessing's spawn, asyncio), os.system,
os.posix_spawn, os.fork (multiprocessing's fork). Source: docs/decisions/0011-output-of-children.md.
"""

from __future__ import annotations

import codecs
import os
import sys
import threading

from . import hooks, streams
from .current import Call

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

_READ_BYTES = 64 * 1024
_READS_AT_END = 16  # a pipe holds at most 1 MiB; a child that writes on and on must not hold the end
_HOLD_S = 0.02  # how long a line without its end waits for the rest
_OUTPUT_AND_ERRORS = ((9, 1), (11, 2))  # positions of c2pwrite and errwrite among fork_exec's arguments
_LONG_LIVED = (b"from multiprocessing.resource_tracker", b"from multiprocessing.forkserver")

_open: Dict[int, Children] = {}  # by read_fd
_start_lock = threading.Lock()
_poller: Any = None
_own: Dict[int, Tuple[int, int]] = {}  # descriptor -> device and inode of the pipe to the daemon
_forking: Dict[int, Call] = {}  # by thread, between the hooks before and after a fork


class Children:
    """The pipe of one call's children. Its methods need the call's lock."""

    __slots__ = ("call", "read_fd", "write_fd", "rest", "_decoder")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        self.rest = ""  # of a line
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        _open[self.read_fd] = self
        _poll(self.read_fd)

    def pass_on(self, hold: bool = False) -> bool:
        """Send what is in the pipe, with HOLD without the beginning of a line at its end.
        False at the end of the pipe, which is closed then.
        """
        try:
            raw = os.read(self.read_fd, _READ_BYTES)
        except BlockingIOError:
            self._send("", hold)
            return True
        self._send(self._decoder.decode(raw, not raw), hold and bool(raw))
        if not raw:
            self.close()
        return bool(raw)

    def _send(self, text: str, hold: bool) -> None:
        text = self.rest + text
        end = max(text.rfind("\n"), text.rfind("\r")) + 1 if hold else len(text)
        self.rest = text[end:]
        if end:
            streams.send_of_child(self.call, text[:end])

    def send_rest(self) -> None:
        self._send("", False)

    def leave(self) -> None:
        """The call ends. What children of it write later goes to the process log."""
        self._close_write_end()
        for _ in range(_READS_AT_END):
            try:
                raw = os.read(self.read_fd, _READ_BYTES)
            except BlockingIOError:
                self.send_rest()
                return
            self._send(self._decoder.decode(raw, not raw), False)
            if not raw:
                self.close()
                return

    def close(self) -> None:
        del _open[self.read_fd]
        os.close(self.read_fd)  # which takes it out of the poller, too
        self._close_write_end()

    def _close_write_end(self) -> None:
        fd, self.write_fd = self.write_fd, -1  # first: a thread may fork while this one closes
        if fd >= 0:
            os.close(fd)


def _poll(fd: int) -> None:
    global _poller
    with _start_lock:
        if _poller is None:
            import select

            _poller = select.epoll()
            threading.Thread(target=_relay, name="gatehouse-relay", daemon=True).start()
    _poller.register(fd, 1)  # EPOLLIN; that all writers are gone is told in any case


def _relay() -> None:
    """Pass on what children write as it comes."""
    while True:
        held = [children for children in list(_open.values()) if children.rest]
        for fd, _ in _poller.poll(_HOLD_S if held else None) or [(-1, 0)]:
            for children in held if fd < 0 else filter(None, [_open.get(fd)]):
                with children.call.lock:
                    if _open.get(children.read_fd) is not children:
                        continue
                    if fd < 0:
                        children.send_rest()
                    else:
                        children.pass_on(hold=True)


def pipe_of(call: Optional[Call]) -> int:
    """The descriptor that children of CALL are to write to; -1: what this process has. Under the
    call's lock, which is to be held until the child has its copy.
    """
    if call is None or not call.stream or call.is_done:
        return -1
    for index in 0, 1:
        streams.flush_call(call, index)
    if call.children is None:
        try:
            call.children = Children(call)
        except OSError:  # no descriptor left: the child's output goes to the process log
            return -1
    return call.children.write_fd


def _is_own(fd: int) -> bool:
    """Is FD still what the daemon gave us, not what user code has put in its place?"""
    try:
        status = os.fstat(fd)
    except OSError:
        return False
    return _own.get(fd) == (status.st_dev, status.st_ino)


# ---------------------------------------------------------------- the ways to start a child


def _wrap_fork_exec(module: Any) -> None:
    fork_exec = module.fork_exec

    def fork_exec_in_call(*args: Any) -> int:
        call = streams.current_call()
        if call is None or not call.stream or any(_is_long_lived(word) for word in args[0]):
            return fork_exec(*args)
        with call.lock:
            pipe = pipe_of(call)
            changed = list(args)
            for position, fd in _OUTPUT_AND_ERRORS if pipe >= 0 else ():
                given = fd if args[position] == -1 else args[position]
                if given in (1, 2) and _is_own(given):
                    changed[position] = pipe
            return fork_exec(*changed)

    fork_exec_in_call.__doc__ = fork_exec.__doc__
    module.fork_exec = fork_exec_in_call
    subprocess = sys.modules.get("subprocess")
    if getattr(subprocess, "_fork_exec", None) is fork_exec:
        subprocess._fork_exec = fork_exec_in_call  # type: ignore[union-attr]


def _is_long_lived(word: object) -> bool:
    """A helper of multiprocessing that serves all calls, and belongs to none."""
    raw = word.encode("utf-8", "replace") if isinstance(word, str) else word
    return isinstance(raw, bytes) and raw.startswith(_LONG_LIVED)


def _wrap_posix_spawn(name: str) -> None:
    spawn = getattr(os, name)

    def spawn_in_call(path: Any, argv: Any, env: Any, **options: Any) -> int:
        call = streams.current_call()
        if call is None or not call.stream:
            return spawn(path, argv, env, **options)
        with call.lock:
            pipe = pipe_of(call)
            if pipe >= 0:
                ours = [(os.POSIX_SPAWN_DUP2, pipe, fd) for fd in (1, 2) if _is_own(fd)]
                options["file_actions"] = ours + list(options.get("file_actions") or ())
            return spawn(path, argv, env, **options)

    spawn_in_call.__name__, spawn_in_call.__doc__ = name, spawn.__doc__
    setattr(os, name, spawn_in_call)


def _wrap_system() -> None:
    system = os.system

    def system_in_call(command: Any) -> int:
        call = streams.current_call()
        if call is None or not call.stream:
            return system(command)
        word = os.fsencode(command)
        sys.audit("os.system", command)
        pid = os.posix_spawn("/bin/sh", [b"sh", b"-c", word], os.environ)
        return os.waitpid(pid, 0)[1]

    system_in_call.__name__, system_in_call.__doc__ = "system", system.__doc__
    os.system = system_in_call


def _before_fork() -> None:
    call = streams.current_call()
    streams.flush_plain()
    if call is not None and call.stream:
        call.lock.acquire()
        _forking[threading.get_ident()] = call
        pipe_of(call)


def _after_fork_in_parent() -> None:
    call = _forking.pop(threading.get_ident(), None)
    if call is not None:
        call.lock.release()


def _after_fork_in_child() -> None:
    """Descriptors 1 and 2 are the call's pipe now, for the child's own children too. Nothing here
    belongs to a call any more.
    """
    call = _forking.pop(threading.get_ident(), None)
    streams.forget_calls()
    if call is not None and call.children is not None:
        for fd in 1, 2:
            if _is_own(fd):
                os.dup2(call.children.write_fd, fd)
    for children in list(_open.values()):
        # The own call's write end may be what fork_exec is about to use.
        for fd in (children.read_fd, -1 if children.call is call else children.write_fd):
            try:
                os.close(fd)
            except OSError:
                pass  # -1, or closed just before the fork
    _open.clear()
    _forking.clear()


def install() -> None:
    for fd in 1, 2:
        try:
            status = os.fstat(fd)
        except OSError:
            continue
        _own[fd] = (status.st_dev, status.st_ino)
    hooks.when_imported("_posixsubprocess", _wrap_fork_exec)
    for name in "posix_spawn", "posix_spawnp":
        _wrap_posix_spawn(name)
    _wrap_system()
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
