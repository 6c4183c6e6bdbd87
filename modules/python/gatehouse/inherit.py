# SPDX-License-Identifier: Apache-2.0
"""Threads and pools: what runs there belongs to the call that started the thread, or that handed the
work to the pool.
"""

from __future__ import annotations

import _thread
import threading

from . import hooks, streams
from .current import NOBODY, Call, call_var

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable


class InCall:
    """FN, to be run by a thread that serves one call after another."""

    __slots__ = ("_call", "_fn")

    def __init__(self, fn: Callable) -> None:
        self._call: Call = streams.current_call() or NOBODY
        self._fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = call_var.set(self._call)
        try:
            return self._fn(*args, **kwargs)
        finally:
            call_var.reset(token)


def let_threads_inherit() -> None:
    start = threading.Thread.start
    if getattr(start, "_gatehouse", False):
        return

    def start_within_call(self: threading.Thread) -> None:
        # The worker's own threads (gatehouse-N) serve one call after another.
        call = None if self.name.startswith("gatehouse-") else streams.current_call()
        if call is not None:
            self._gatehouse_call = call  # type: ignore[attr-defined]
        start(self)

    start_within_call._gatehouse = True  # type: ignore[attr-defined]
    start_within_call.__doc__ = start.__doc__
    threading.Thread.start = start_within_call  # type: ignore[method-assign]


def _wrap_start_new_thread() -> None:
    start = _thread.start_new_thread

    def start_new_thread(function: Any, *rest: Any) -> int:
        if callable(function) and streams.current_call() is not None:
            function = InCall(function)
        return start(function, *rest)

    start_new_thread.__doc__ = start.__doc__
    _thread.start_new_thread = _thread.start_new = start_new_thread  # type: ignore[assignment]


def _takes_work(cls: Any, name: str) -> None:
    """NAME of class CLS, whose first argument is a function that a thread of the pool will run."""
    method = getattr(cls, name)

    def within_call(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        # A pool of subinterpreters is also a ThreadPoolExecutor, and pickles its work.
        if callable(fn) and not type(self).__module__.endswith("interpreter"):
            fn = InCall(fn)
        return method(self, fn, *args, **kwargs)

    within_call.__name__, within_call.__doc__ = name, method.__doc__
    setattr(cls, name, within_call)


def _wrap_executor(module: Any) -> None:
    _takes_work(module.ThreadPoolExecutor, "submit")


def _wrap_thread_pool(module: Any) -> None:
    for name in "apply_async", "_map_async", "imap", "imap_unordered":
        _takes_work(module.ThreadPool, name)


def install() -> None:
    let_threads_inherit()
    _wrap_start_new_thread()
    hooks.when_imported("concurrent.futures.thread", _wrap_executor)
    hooks.when_imported("multiprocessing.pool", _wrap_thread_pool)
