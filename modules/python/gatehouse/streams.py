# SPDX-License-Identifier: Apache-2.0
"""sys.stdout, sys.stderr and the root logger: text goes to the call that wrote it.

Text of a call with stream_logs becomes LOG frames, at line ends, at carriage returns and on flush()
(progress bars); any other text goes to descriptor 1 or 2. Source: serialization.md section 7.

Threads and pools of a call: inherit.py. Its child processes: children.py. What it puts in the place
of sys.stdout: redirect.py.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from _thread import RLock, get_ident
from time import monotonic

import _gatehouse

from .current import Call, Process, call_var

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Iterable, List, Optional

STDOUT, STDERR = 1, 2
_LONGEST_PENDING = 64 * 1024
_HOLD_S = 1.0
_level: Optional[int] = None  # that set_level gave the root logger

_threads = threading._active  # type: ignore[attr-defined]
_is_forked = False
_streams: List[CallStream] = []


def current_call() -> Optional[Call]:
    """The running call whose code runs here: this context's, else that of the code which started
    this thread.
    """
    call = call_var.get()
    if call is None:
        # Not current_thread(): for a thread of C code that makes an object, which is never dropped.
        call = getattr(_threads.get(get_ident()), "_gatehouse_call", None)
    if call is None or call.is_done or _is_forked:
        return None
    return call


class CallStream(io.TextIOBase):
    """A text stream without a position, bound to descriptor FD when no call owns the text."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    line_buffering = True
    write_through = False
    mode = "w"

    def __init__(self, fd: int, name: str) -> None:
        super().__init__()
        self.name = name
        self._fd = fd
        self._index = fd - 1
        self._pending = ""
        self._tail = b""
        self._lock = RLock()  # a __del__ may print while this thread writes
        self._buffer = None

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        call = current_call()
        if call is None or not call.stream:
            self._write_plain(text)
            return len(text)
        index = self._index
        with call.lock:
            if call.is_done:
                self._write_plain(text)
                return len(text)
            if call.children is not None or call.tails is not None:
                _catch_up(call, index)
            # By thread: print() writes a line and its end apart, and another may come in between.
            pending, thread = call.pending[index], get_ident()
            whole = text
            if pending:
                if thread in pending:
                    whole = pending.pop(thread)[0] + text
                if pending:
                    _send_older(call, index)
            end = _sendable(whole)
            if end < len(whole):
                pending[thread] = (whole[end:], monotonic())
            if end:
                _send(call, self._fd, whole[:end])
        return len(text)

    def _write_plain(self, text: str) -> None:
        with self._lock:
            whole = self._pending + text
            end = _sendable(whole)
            self._pending = whole[end:]
            if end:
                self._to_descriptor(whole[:end])

    def _to_descriptor(self, text: str) -> None:
        raw = text.encode("utf-8", "backslashreplace")
        try:
            while raw:
                raw = raw[os.write(self._fd, raw) :]
        except OSError:
            pass  # nobody reads our output any more; user code should not fail for it

    def _write_bytes(self, raw: bytes) -> None:
        """Text in UTF-8 that may end within a character; what is no UTF-8 is escaped."""
        call = current_call()
        if call is None or not call.stream:
            with self._lock:
                text, self._tail = _decode(self._tail + raw)
                self._write_plain(text)
            return
        with call.lock:
            tails = call.tails or [b"", b""]
            raw = tails[self._index] + raw
            call.tails = None  # write() would end it
            text, tails[self._index] = _decode(raw)
            if text:
                self.write(text)
            if any(tails):
                call.tails = tails

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """All that was written leaves this process now."""
        call = current_call()
        if call is not None and call.stream:
            flush_call(call, self._index)
            _gatehouse.flush()
        elif self._pending:
            self.flush_plain()

    def flush_plain(self) -> None:
        with self._lock:
            text, self._pending = self._pending, ""
            if text:
                self._to_descriptor(text)

    def reconfigure(self, **settings: object) -> None:
        """Accepted, for programs that set an encoding at start; the text is UTF-8 in any case."""

    @property
    def buffer(self) -> io.BufferedIOBase:
        if self._buffer is None:
            self._buffer = _ByteSide(self)  # type: ignore[assignment]
        return self._buffer  # type: ignore[return-value]

    def detach(self) -> io.BufferedIOBase:  # type: ignore[override]
        raise io.UnsupportedOperation("detach")

    def close(self) -> None:
        """Stays open: it belongs to every call of this process."""

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _ByteSide(io.BufferedIOBase):
    """What sys.stdout.buffer is: bytes in, text out, undecodable ones escaped."""

    mode = "wb"

    def __init__(self, text: CallStream) -> None:
        super().__init__()
        self._text = text
        self.name = text.name

    def write(self, data: object) -> int:  # type: ignore[override]
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        raw = bytes(memoryview(data))  # type: ignore[arg-type]
        self._text._write_bytes(raw)
        return len(raw)

    def flush(self) -> None:
        self._text.flush()

    def close(self) -> None:
        pass

    @property
    def raw(self) -> _ByteSide:
        return self

    def fileno(self) -> int:
        return self._text.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


def _sendable(text: str) -> int:
    """How much of TEXT to send: up to the last line end; all of it where the line is drawn anew, as
    a terminal has it, or too long to wait.
    """
    if "\r" in text or len(text) > _LONGEST_PENDING:
        return len(text)
    return text.rfind("\n") + 1


def _decode(raw: bytes) -> tuple[str, bytes]:
    """The text in RAW, and the bytes at its end that begin a character."""
    whole = len(raw)
    for length in range(1, min(3, whole) + 1):
        byte = raw[-length]
        if byte >= 0xC2:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            if needed > length and byte < 0xF5:
                whole -= length
        if not 0x80 <= byte < 0xC0:
            break
    return raw[:whole].decode("utf-8", "backslashreplace"), raw[whole:]


def _catch_up(call: Call, index: int) -> None:
    """What comes before CALL's next text."""
    if call.children is not None:
        call.children.pass_on()
    if call.tails is not None:
        _end_tail(call, index)


def _end_tail(call: Call, index: int) -> None:
    """The rest of a character did not come."""
    tail, call.tails[index] = call.tails[index], b""
    if tail:
        text, _ = call.pending[index].pop(get_ident(), ("", 0))
        text += tail.decode("utf-8", "backslashreplace")
        call.pending[index][get_ident()] = (text, monotonic())


def _send_older(call: Call, index: int, hold_s: float = _HOLD_S) -> None:
    """What threads of CALL have begun and not ended for so long that it is more than the moment
    between a line and its end: it was written first.
    """
    pending = call.pending[index]
    before = monotonic() - hold_s
    for thread, (text, since) in list(pending.items()):
        if since <= before:
            del pending[thread]
            _send(call, index + 1, text)


def flush_call(call: Call, index: int) -> None:
    """Send what CALL has pending for stdout (0) or stderr (1)."""
    with call.lock:
        if call.tails is not None:
            _end_tail(call, index)
        if call.pending[index]:
            _send_older(call, index, 0)


def flush_plain() -> None:
    """What is pending for the process log, of both streams."""
    for stream in _streams:
        if stream._pending:
            stream.flush_plain()


def send_of_child(call: Call, text: str) -> None:
    """Output of a child process of CALL. With its lock held."""
    if call.is_done:
        _streams[0]._to_descriptor(text)
        return
    for index in 0, 1:
        flush_call(call, index)
    _send(call, STDOUT, text)


def _send(call: Call, fd: int, text: str) -> None:
    """A LOG frame."""
    try:
        _gatehouse.log(call.call_id, fd, text)
    except UnicodeEncodeError:  # lone surrogates
        clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
        _gatehouse.log(call.call_id, fd, clean)


def end(call: Call) -> None:
    """Send what CALL has pending; to be done before its RESULT."""
    if call.stream:
        with call.lock:
            if call.children is not None:
                call.children.leave()
            flush_call(call, 0)
            flush_call(call, 1)
            call.is_done = True
    call.is_done = True


def forget_calls() -> None:
    """In a forked child: its output belongs to no call, and its locks to nobody."""
    global _is_forked
    _is_forked = True
    for stream in _streams:
        stream._lock = RLock()


def install() -> None:
    """Put the streams in place, let threads, pools and children inherit their call, and set up
    logging once it is imported.
    """
    from . import children, hooks, inherit, redirect

    _streams[:] = [CallStream(STDOUT, "<stdout>"), CallStream(STDERR, "<stderr>")]
    sys.__stdout__, sys.__stderr__ = _streams  # type: ignore[misc, assignment]
    redirect.install(*_streams)
    inherit.install()
    children.install()
    hooks.when_imported("logging", _set_up_logging)
    hooks.when_imported("faulthandler", _wrap_faulthandler)


def _wrap_faulthandler(module: object) -> None:
    """dump_traceback writes to a descriptor: give a call its text."""
    dump = module.dump_traceback  # type: ignore[attr-defined]

    def dump_traceback(file: object = None, all_threads: bool = True) -> None:
        stream = sys.stderr if file is None else file
        if not isinstance(stream, CallStream) or current_call() is None:
            dump(stream, all_threads)
            return
        with os.fdopen(os.memfd_create("traceback"), "r+b", buffering=0) as memory:
            dump(memory, all_threads)
            memory.seek(0)
            stream.buffer.write(memory.read())

    dump_traceback.__doc__ = dump.__doc__
    module.dump_traceback = dump_traceback  # type: ignore[attr-defined]


def set_level() -> None:
    """The level that the user or the daemon has set may be another now: the root logger gets it, unless
    user code has given it one of its own. Where logging is imported later it gets it then.
    """
    logging = sys.modules.get("logging")
    if logging is not None and logging.getLogger().level == _level:
        _give_level(logging)


def _give_level(logging: Any) -> None:
    global _level
    root = logging.getLogger()
    level = (os.environ.get("RH_LOG_LEVEL") or Process.log_level or "INFO").upper()
    root.setLevel(level if isinstance(logging.getLevelName(level), int) else "INFO")
    _level = root.level


def _set_up_logging(logging: object) -> None:
    """One handler on the root logger: LEVEL | time | logger:line | message, on stdout as upstream
    has it.
    """
    root = logging.getLogger()  # type: ignore[attr-defined]
    if any(getattr(handler, "_gatehouse", False) for handler in root.handlers):
        return

    class ToCall(logging.StreamHandler):  # type: ignore[name-defined, misc]
        _gatehouse = True

        @property
        def stream(self) -> object:
            return sys.stdout

        @stream.setter
        def stream(self, value: object) -> None:
            pass

        def flush(self) -> None:
            """Records are whole lines, which need no flush: they leave with others."""

    handler = ToCall()
    handler.setFormatter(
        logging.Formatter(  # type: ignore[attr-defined]
            "%(levelname)s | %(asctime)s | %(name)s:%(lineno)d | %(message)s", "%Y-%m-%d %H:%M:%S"
        )
    )
    root.addHandler(handler)
    _give_level(logging)
