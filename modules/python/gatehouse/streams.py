# SPDX-License-Identifier: Apache-2.0
"""sys.stdout, sys.stderr and the root logger: text goes to the call that wrote it.

Text of a call with stream_logs becomes LOG frames, at line ends and on flush() (progress bars);
any other text goes to descriptor 1 or 2. Source: serialization.md section 7.
"""

from __future__ import annotations

import io
import os
import sys
import threading

import _gatehouse

from .current import Call, Process, call_var

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Iterable, Optional

STDOUT, STDERR = 1, 2
_LONGEST_PENDING = 64 * 1024


def current_call() -> Optional[Call]:
    """The call whose code runs here: this context's, else that of the code which started this
    thread.
    """
    call = call_var.get()
    if call is None:
        call = getattr(threading.current_thread(), "_gatehouse_call", None)
        if call is not None and call.is_done:
            call = None
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
        self._lock = threading.Lock()
        self._buffer = None

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        call = current_call()
        if call is None or not call.stream:
            self._write_plain(text)
            return len(text)
        whole = call.pending[self._index] + text
        end = whole.rfind("\n") + 1
        if end == 0 and len(whole) > _LONGEST_PENDING:
            end = len(whole)
        call.pending[self._index] = whole[end:]
        if end and not _send(call, self._fd, whole[:end]):
            self._to_descriptor(whole[:end])
        return len(text)

    def _write_plain(self, text: str) -> None:
        with self._lock:
            whole = self._pending + text
            end = whole.rfind("\n") + 1
            if end == 0 and len(whole) > _LONGEST_PENDING:
                end = len(whole)
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

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        call = current_call()
        if call is not None and call.stream:
            _flush_call(call, self._index)
            return
        if self._pending:
            with self._lock:
                text, self._pending = self._pending, ""
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
        raw = bytes(data)  # type: ignore[call-overload]
        self._text.write(raw.decode("utf-8", "backslashreplace"))
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


def _flush_call(call: Call, index: int) -> None:
    text = call.pending[index]
    if text:
        call.pending[index] = ""
        _send(call, index + 1, text)


def _send(call: Call, fd: int, text: str) -> bool:
    """A LOG frame. False in a forked child, whose output belongs to nobody's call."""
    try:
        return _gatehouse.log(call.call_id, fd, text) is not False
    except UnicodeEncodeError:  # lone surrogates
        clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
        return _gatehouse.log(call.call_id, fd, clean) is not False


def end(call: Call) -> None:
    """Send what CALL has pending; to be done before its RESULT."""
    out, err = call.pending
    if out:
        _flush_call(call, 0)
    if err:
        _flush_call(call, 1)
    call.is_done = True


def install() -> None:
    """Put the streams in place, let threads inherit their call, and set up logging once it is
    imported.
    """
    sys.stdout = sys.__stdout__ = CallStream(STDOUT, "<stdout>")  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = CallStream(STDERR, "<stderr>")  # type: ignore[misc, assignment]
    _let_threads_inherit()
    from . import hooks

    hooks.when_imported("logging", _set_up_logging)


def _let_threads_inherit() -> None:
    start = threading.Thread.start
    if getattr(start, "_gatehouse", False):
        return

    def start_within_call(self: threading.Thread) -> None:
        # The worker's own threads (gatehouse-N) serve one call after another.
        call = None if self.name.startswith("gatehouse-") else current_call()
        if call is not None:
            self._gatehouse_call = call  # type: ignore[attr-defined]
        start(self)

    start_within_call._gatehouse = True  # type: ignore[attr-defined]
    start_within_call.__doc__ = start.__doc__
    threading.Thread.start = start_within_call  # type: ignore[method-assign]


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

    handler = ToCall()
    handler.setFormatter(
        logging.Formatter(  # type: ignore[attr-defined]
            "%(levelname)s | %(asctime)s | %(name)s:%(lineno)d | %(message)s", "%Y-%m-%d %H:%M:%S"
        )
    )
    root.addHandler(handler)
    level = (os.environ.get("RH_LOG_LEVEL") or Process.log_level or "INFO").upper()
    root.setLevel(level if isinstance(logging.getLevelName(level), int) else "INFO")  # type: ignore[attr-defined]
