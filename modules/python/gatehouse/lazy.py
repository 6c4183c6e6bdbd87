# SPDX-License-Identifier: Apache-2.0
"""Generators, async generators and coroutines as results: kept here, pulled by the client.

Stored under the run name; the client gets a handle and asks for one step per request. Steps of one
object never overlap. It is dropped after close, and some minutes after its end.
Source: serialization.md section 5, transcripts/generators-async.jsonl.
"""

from __future__ import annotations

import threading
import time
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from . import objects
from .current import Process
from .errors import Ended
from .objects import ResourceEntry, own_system

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

KEEP_ENDED_S = 300
"""How long an exhausted generator stays, for a client that asks once more."""

COLLECT_MAX_ITEMS = 100_000
"""A bare answer lists a generator's items, at most so many."""


def _entry(signature: str, is_async: bool = False, doc: Optional[str] = None) -> dict:
    return {
        "signature": signature,
        "async": is_async,
        "gen": False,
        "doc": doc,
        "annotations": "{}",
    }


def _throw(cls: str) -> dict:
    return _entry("(self, _%s__typ, _%s__val=None, _%s__tb=None)" % (cls, cls, cls))


_SIGNATURES = {
    "GeneratorModule": {
        "close": _entry("(self)", doc="Raise GeneratorExit inside generator.\n        "),
        "remote_next": _entry("(self)"),
        "send": _entry("(self, _GeneratorModule__value)"),
        "throw": _throw("GeneratorModule"),
    },
    "AsyncGeneratorModule": {
        "remote_anext": _entry("(self)"),
        "remote_await": _entry("(self)", is_async=True),
        "send": _entry("(self, _AsyncGeneratorModule__value)"),
        "throw": _throw("AsyncGeneratorModule"),
    },
    "FutureModule": {
        "add_done_callback": _entry("(self, _FutureModule__fn, *, context=None)"),
        "cancel": _entry("(self, msg=None)"),
        "cancelled": _entry("(self)"),
        "done": _entry("(self)"),
        "exception": _entry("(self)"),
        "remote_await": _entry("(self)"),
        "remove_done_callback": _entry("(self, _FutureModule__fn)"),
        "result": _entry("(self)"),
        "set_exception": _entry("(self, _FutureModule__exception)"),
        "set_result": _entry("(self, _FutureModule__result)"),
    },
}


class LazyEntry(ResourceEntry):
    """A stored lazy result. ends_at: when it may be dropped (monotonic seconds), None while it is
    alive.
    """

    ends_at: Optional[float] = None

    def __init__(self, run_name: str, value: Any) -> None:
        subtype = value.subtype
        config: Dict[str, Any] = {
            "name": run_name,
            "resource_type": "module",
            "resource_subtype": subtype,
            "visibility": "private",
            "system": own_system(),
            "process": Process.name,
            "pointers": ("", "runhouse.resources.future_module", subtype),
            "signature": _SIGNATURES[subtype],
            "endpoint": None,
        }
        super().__init__(config)
        self.value = value

    def type_name(self) -> str:
        return "runhouse.resources.future_module.%s" % self.config["resource_subtype"]

    def client_config(self) -> dict:
        return self.module_config()

    def client_state(self) -> dict:
        return {"_future": None}

    def awaits(self, owner: object, method: str) -> bool:
        return objects.is_coroutine_function(getattr(type(owner), method, None))

    def description(self) -> dict:
        """What a client without the SDK gets: where to ask for the next item."""
        value: Any = self.value
        return {
            "run_name": self.key,
            "type": value.kind,
            value.verb: "/%s/%s" % (self.key, value.step),
        }


class _Lazy:
    """Base of the three. entry is set once it is stored."""

    entry: Optional[LazyEntry] = None

    def _ended(self, item: Exception) -> Ended:
        if self.entry is not None and self.entry.ends_at is None:
            self.entry.ends_at = time.monotonic() + KEEP_ENDED_S
        name = self.entry.key if self.entry is not None else "?"
        return Ended(item, "%s %s has no more items." % (self.kind.capitalize(), name))  # type: ignore[attr-defined]

    def _drop(self) -> None:
        if self.entry is not None and objects.entries.get(self.entry.key) is self.entry:
            objects.drop(self.entry.key)


class LazyGenerator(_Lazy):
    """A generator, one step per call, under a lock."""

    subtype, kind, verb, step = "GeneratorModule", "generator", "next", "remote_next"

    def __init__(self, generator: Any) -> None:
        self._generator = generator
        self._lock = threading.Lock()

    def remote_next(self) -> object:
        with self._lock:
            try:
                return next(self._generator)
            except StopIteration:
                pass
        raise self._ended(StopIteration())

    __next__ = remote_next

    def send(self, value: object) -> object:
        with self._lock:
            try:
                return self._generator.send(value)
            except StopIteration as stop:
                item = stop
        raise self._ended(item)

    def throw(self, typ: Any, val: object = None, tb: object = None) -> object:
        with self._lock:
            try:
                return self._generator.throw(_exception(typ, val))
            except StopIteration as stop:
                item = stop
        raise self._ended(item)

    def close(self) -> None:
        with self._lock:
            self._generator.close()
        self._drop()


def _exception(typ: Any, val: object) -> BaseException:
    """The exception of a throw(type, value) in its old three-argument form."""
    if isinstance(typ, BaseException):
        return typ
    if isinstance(val, BaseException):
        return val
    return typ() if val is None else typ(val)


class LazyAsyncGenerator(_Lazy):
    """An async generator, one step per call, in turn, on the event loop."""

    subtype, kind, verb, step = "AsyncGeneratorModule", "async generator", "next", "remote_anext"

    def __init__(self, generator: Any) -> None:
        self._generator = generator
        self._lock: Any = None

    async def _in_turn(self, step: Any, *args: object) -> object:
        if self._lock is None:
            import asyncio

            self._lock = (
                asyncio.Lock()
            )  # made on the loop: before 3.10 a lock belongs to the loop of its maker
        async with self._lock:
            try:
                return await step(*args)
            except StopAsyncIteration:
                pass
        raise self._ended(StopAsyncIteration())

    async def remote_anext(self) -> object:
        return await self._in_turn(self._generator.__anext__)

    __anext__ = remote_anext

    async def remote_await(self) -> object:
        return await self._generator

    async def send(self, value: object) -> object:
        return await self._in_turn(self._generator.asend, value)

    async def throw(self, typ: Any, val: object = None, tb: object = None) -> object:
        return await self._in_turn(self._generator.athrow, _exception(typ, val))

    async def close(self) -> None:
        await self._in_turn(self._generator.aclose)
        self._drop()


class LazyFuture(_Lazy):
    """A coroutine that an ordinary function returned; it starts at the first await, its result
    stays.
    """

    subtype, kind, verb, step = "FutureModule", "coroutine", "await", "remote_await"

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self._task: Any = None
        self._is_cancelled = False

    async def remote_await(self) -> object:
        import asyncio

        if self._is_cancelled and self._task is None:
            raise asyncio.CancelledError()
        if self._task is None:
            self._task = asyncio.ensure_future(self._coroutine)
        try:
            return await asyncio.shield(self._task)
        finally:
            if self._task.done() and self.entry is not None:
                self.entry.ends_at = time.monotonic() + KEEP_ENDED_S

    result = remote_await

    async def exception(self) -> Optional[BaseException]:
        try:
            await self.remote_await()
        except Exception as error:
            return error
        return None

    def done(self) -> bool:
        return self._is_cancelled or (self._task is not None and self._task.done())

    def cancelled(self) -> bool:
        return self._is_cancelled

    def cancel(self, msg: object = None) -> bool:
        if self.done():
            return False
        self._is_cancelled = True
        if self._task is None:
            self._coroutine.close()
        else:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        return True

    def _refuse(self, *args: object, **kwargs: object) -> None:
        raise RuntimeError("A coroutine's result is set by the coroutine itself.")

    set_result = set_exception = add_done_callback = remove_done_callback = _refuse


_WRAPPERS = {
    GeneratorType: LazyGenerator,
    AsyncGeneratorType: LazyAsyncGenerator,
    CoroutineType: LazyFuture,
}


def keep(value: Any, run_name: str) -> LazyEntry:
    """Store the generator or coroutine VALUE under RUN_NAME."""
    sweep()
    wrapper: Any = _WRAPPERS[type(value)](value)
    entry = LazyEntry(run_name, wrapper)
    wrapper.entry = entry
    objects.put(run_name, entry)
    return entry


def sweep() -> None:
    """Drop the ended ones whose time is over."""
    now = time.monotonic()
    for key, entry in list(objects.entries.items()):
        if isinstance(entry, LazyEntry) and entry.ends_at is not None and entry.ends_at < now:
            objects.drop(key)


async def collect(value: Any) -> object:
    """VALUE run to its end: the list of a generator's items, a coroutine's result. Raises
    OverflowError.
    """
    if type(value) is CoroutineType:
        return await value
    items = []
    if type(value) is GeneratorType:
        for item in value:
            items.append(item)
            if len(items) > COLLECT_MAX_ITEMS:
                raise OverflowError("The generator has more than %d items." % COLLECT_MAX_ITEMS)
        return items
    async for item in value:
        items.append(item)
        if len(items) > COLLECT_MAX_ITEMS:
            raise OverflowError("The generator has more than %d items." % COLLECT_MAX_ITEMS)
    return items
