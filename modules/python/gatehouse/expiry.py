# SPDX-License-Identifier: Apache-2.0
"""How long lazy results stay.

The client never says that it has lost interest: a generator of which it took three items and went
away would hold its files and memory for good. So: one that has ended or was closed is dropped
`lazy_keep_s` later; one that nobody asks for anything for `lazy_idle_s` is closed, as its own
process would close it, and dropped. A step that runs is never disturbed.

One thread looks after all of them; it exists while there are any.
"""

from __future__ import annotations

import sys
import threading
import time

from . import objects
from .current import Process

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, List, Optional

_watched: List[Any] = []
_changed = threading.Condition()
_thread: Optional[threading.Thread] = None


class Life:
    """Of one lazy result. Any thread.

    used: when its last step ended (monotonic seconds); steps: how many run or wait now.
    ended: when it came to its end, None before.
    """

    __slots__ = ("used", "steps", "ended")

    def __init__(self) -> None:
        self.used = time.monotonic()
        self.steps = 0
        self.ended: Optional[float] = None

    def in_use(self) -> Life:
        return self

    def __enter__(self) -> None:
        with _changed:
            self.steps += 1

    def __exit__(self, *error: object) -> None:
        with _changed:
            self.steps -= 1
            self.used = time.monotonic()

    def end(self) -> None:
        with _changed:
            if self.ended is None:
                self.ended = time.monotonic()
                _changed.notify()

    def drop_at(self) -> float:
        """When to look at it again, or to drop it: monotonic seconds."""
        if self.ended is not None:
            return self.ended + Process.lazy_keep_s
        return (time.monotonic() if self.steps else self.used) + Process.lazy_idle_s


def watch(lazy: Any) -> None:
    """LAZY has been stored: a thing with entry, life and abandon()."""
    global _thread
    with _changed:
        _watched.append(lazy)
        if _thread is None:
            _thread = threading.Thread(target=_run, name="gatehouse-expiry", daemon=True)
            _thread.start()
        else:
            _changed.notify()


def forget(lazy: Any) -> None:
    """LAZY is no longer stored. Its user code ends with the last reference to it."""
    with _changed:
        _watched[:] = [other for other in _watched if other is not lazy]
        _changed.notify()


def look_again() -> None:
    """The times that things are kept for have changed."""
    with _changed:
        _changed.notify()


def _run() -> None:
    global _thread
    while True:
        with _changed:
            if not _watched:
                _thread = None
                return
            due = min(_watched, key=lambda lazy: lazy.life.drop_at())
            left = due.life.drop_at() - time.monotonic()
            if left > 0:
                del due  # no reference from here while we wait
                _changed.wait(left)
                continue
        _expire(due)
        del due


def _expire(lazy: Any) -> None:
    entry = lazy.entry
    if entry is not None and lazy.life.ended is None:
        print(
            "closing %s %s, which nobody has asked for anything for %d s"
            % (lazy.kind, entry.key, Process.lazy_idle_s),
            file=sys.stderr,
        )
        try:
            lazy.abandon()
        except BaseException as error:  # of the user's code; nobody is there to be told
            print("closing %s: %r" % (entry.key, error), file=sys.stderr)
    forget(lazy)
    if entry is not None and objects.entries.get(entry.key) is entry:
        objects.drop(entry.key)
