# SPDX-License-Identifier: Apache-2.0
"""sys.stdout = X, and contextlib.redirect_stdout, for one call only.

To a program of its own sys.stdout belongs; here calls run side by side, and what one puts there must
not swallow the lines of the others. print() and C code take what stands in sys.__dict__: that is a
Front, for good, which passes text on to what the running call has put there. Code reads and sets
`sys.stdout`: that is a property of the class that the module sys is given.

A call with stream_logs has its own; other calls share one, as threads of a program do; what is set
outside of calls, while a module is loaded, is for all.
"""

from __future__ import annotations

import sys
from threading import current_thread
from types import ModuleType

from . import streams
from .current import request_var
from .streams import CallStream, current_call

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict

_streams: list = []
_fronts: list = []
_for_all: Dict[int, Any] = {}
_for_plain_calls: Dict[int, Any] = {}


def target(index: int) -> Any:
    """What sys.stdout (0) or sys.stderr (1) is, here and now."""
    call = current_call()
    if call is not None and call.stream:
        if call.redirects and index in call.redirects:
            return call.redirects[index]
    elif index in _for_plain_calls:
        return _for_plain_calls[index]
    return _for_all.get(index, _streams[index])


def _set(index: int, value: object) -> None:
    call = current_call()
    if call is not None and call.stream:
        if call.redirects is None:
            call.redirects = {}
        kept: Dict[int, Any] = call.redirects
    elif call is not None or _serves_a_call():
        kept = _for_plain_calls
    else:
        kept = _for_all
    if value is _for_all.get(index, _streams[index]) and kept is not _for_all:
        kept.pop(index, None)
    elif value is _streams[index] or value is _fronts[index]:
        kept.pop(index, None)
    else:
        kept[index] = value
        vars(_fronts[index]).pop("write", None)


def _serves_a_call() -> bool:
    return current_thread().name.startswith("gatehouse-") and not request_var.get()


class Front(CallStream):
    """What print() finds. As long as nobody has put anything in its place it has the stream's own
    `write`, which costs nothing.
    """

    def write(self, text: str) -> int:
        found = target(self._index)
        if found is None:
            return len(text)
        return found.write(text)

    def flush(self) -> None:
        flush = getattr(target(self._index), "flush", None)
        if flush is not None:
            flush()

    def _write_bytes(self, raw: bytes) -> None:
        _streams[self._index]._write_bytes(raw)


class _Sys(ModuleType):
    @property
    def stdout(self) -> Any:
        return target(0)

    @stdout.setter
    def stdout(self, value: object) -> None:
        _set(0, value)

    @property
    def stderr(self) -> Any:
        return target(1)

    @stderr.setter
    def stderr(self, value: object) -> None:
        _set(1, value)

    def __reduce__(self) -> tuple:
        return __import__, ("sys",)


def install(*ours: CallStream) -> None:
    _streams[:] = ours
    _fronts[:] = [Front(stream.fileno(), stream.name) for stream in ours]
    for front, stream in zip(_fronts, ours):
        front.write = stream.write  # type: ignore[method-assign]
    sys.stdout, sys.stderr = _fronts  # type: ignore[misc, assignment]
    sys.__class__ = _Sys  # type: ignore[assignment]
