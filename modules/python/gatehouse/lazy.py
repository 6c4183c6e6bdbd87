# SPDX-License-Identifier: Apache-2.0
"""Generators, async generators and coroutines as results: kept here, pulled by the client.

Stored under the run name; the client gets a handle and asks for one step per request. Steps of one
object never overlap. Who has ended or was closed is dropped some minutes later; who is asked for
nothing for long is closed and dropped (expiry.py).
Source: serialization.md section 5, transcripts/generators-async.jsonl.
"""

from __future__ import annotations

import threading
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from . import expiry, objects
from .current import Process
from .errors import Ended
from .objects import ResourceEntry, own_system

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

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
    """A stored lazy result."""

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

    def dropped(self) -> None:
        value: Any = self.value
        value.entry = None  # no cycle: a generator that nobody holds is closed at once
        expiry.forget(value)

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
    """Base of the three. entry is set once it is stored; life says how long it stays."""

    entry: Optional[LazyEntry] = None

    def __init__(self) -> None:
        self.life = expiry.Life()

    def _ended(self, item: Exception) -> Ended:
        self.life.end()
        name = self.entry.key if self.entry is not None else "?"
        return Ended(item, "%s %s has no more items." % (self.kind.capitalize(), name))  # type: ignore[attr-defined]

    def abandon(self) -> None:
        """Nobody has asked for long: end the user's code. Raises what that raises."""
        raise NotImplementedError


class LazyGenerator(_Lazy):
    """A generator, one step per call, under a lock."""

    subtype, kind, verb, step = "GeneratorModule", "generator", "next", "remote_next"

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self._generator = generator
        self._lock = threading.Lock()

    def _step(self, step: Any, *args: object) -> object:
        """What STEP yields. Raises Ended for its StopIteration, else what the user's code raises."""
        with self._lock, self.life.in_use():
            try:
                return step(*args)
            except StopIteration as stop:
                item = stop
            except BaseException:
                if self._generator.gi_frame is None:
                    self.life.end()
                raise
        raise self._ended(item)

    def remote_next(self) -> object:
        try:
            return self._step(next, self._generator)
        except Ended as ended:
            ended.item = StopIteration()  # as the client's own server has it: without a value
            raise

    __next__ = remote_next

    def send(self, value: object) -> object:
        return self._step(self._generator.send, value)

    def throw(self, typ: Any, val: object = None, tb: object = None) -> object:
        return self._step(self._generator.throw, _exception(typ, val))

    def close(self) -> None:
        with self._lock:
            self.life.end()
            self._generator.close()

    def abandon(self) -> None:
        self.close()


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
        super().__init__()
        self._generator = generator
        self._lock: Any = None

    async def _in_turn(self, step: Any, *args: object) -> object:
        if self._lock is None:
            import asyncio

            self._lock = (
                asyncio.Lock()
            )  # made on the loop: before 3.10 a lock belongs to the loop of its maker
        async with self._lock:
            with self.life.in_use():
                try:
                    return await step(*args)
                except StopAsyncIteration:
                    pass
                except BaseException:
                    if self._generator.ag_frame is None:
                        self.life.end()
                    raise
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
        self.life.end()
        await self._in_turn(self._generator.aclose)

    def abandon(self) -> None:
        import asyncio

        from . import asyncrun

        asyncio.run_coroutine_threadsafe(self.close(), asyncrun.loop())


class LazyFuture(_Lazy):
    """A coroutine that an ordinary function returned; it starts at the first await, its result
    stays.
    """

    subtype, kind, verb, step = "FutureModule", "coroutine", "await", "remote_await"

    def __init__(self, coroutine: Any) -> None:
        super().__init__()
        self._coroutine = coroutine
        self._task: Any = None
        self._is_cancelled = False

    async def remote_await(self) -> object:
        import asyncio

        if self._is_cancelled and self._task is None:
            raise asyncio.CancelledError()
        if self._task is None:
            self._task = asyncio.ensure_future(self._coroutine)
            self._task.add_done_callback(lambda _: self.life.end())
        with self.life.in_use():
            return await asyncio.shield(self._task)

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
        self.life.end()
        if self._task is None:
            self._coroutine.close()
        else:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        return True

    def abandon(self) -> None:
        self.cancel()

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
    wrapper: Any = _WRAPPERS[type(value)](value)
    entry = LazyEntry(run_name, wrapper)
    wrapper.entry = entry
    objects.put(run_name, entry)
    expiry.watch(wrapper)
    return entry


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
