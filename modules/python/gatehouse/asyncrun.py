# SPDX-License-Identifier: Apache-2.0
"""The event loop of this process: one, in its own thread, started by the first coroutine.

asyncio is imported here and only here (70 ms), so import this module late.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context

import _gatehouse

from . import calls, errors, streams
from .current import BARE, NONE, OK, Call, call_var

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Optional

_loop: Optional[asyncio.AbstractEventLoop] = None
_lock = threading.Lock()


def loop() -> asyncio.AbstractEventLoop:
    """The loop, started when it was not."""
    global _loop
    if _loop is None:
        with _lock:
            if _loop is None:
                made = asyncio.new_event_loop()
                started = threading.Event()
                thread = threading.Thread(
                    target=_run, args=(made, started), name="gatehouse-asyncio", daemon=True
                )
                thread.start()
                started.wait()
                _loop = made
    return _loop


def _run(made: asyncio.AbstractEventLoop, started: threading.Event) -> None:
    asyncio.set_event_loop(made)
    made.call_soon(started.set)
    while True:
        try:
            made.run_forever()
            return
        except (
            BaseException
        ):  # SystemExit out of a user's callback: the loop belongs to everybody, go on
            continue


def submit(awaitable: Any, call: Call, serialization: int, flags: int) -> None:
    """Await AWAITABLE on the loop and answer CALL with its result through `_gatehouse.reply`."""
    context = copy_context()
    context.run(call_var.set, call)
    calls.async_running[call.call_id] = call
    loop().call_soon_threadsafe(_start, awaitable, call, serialization, flags, context=context)


def _start(awaitable: Any, call: Call, serialization: int, flags: int) -> None:
    task = asyncio.ensure_future(_drive(awaitable, call, serialization, flags))
    call.task = task  # type: ignore[assignment]
    task.add_done_callback(
        lambda _: _end(call, errors.answer(errors.CallCancelled(), serialization))
    )


async def _drive(awaitable: Any, call: Call, serialization: int, flags: int) -> None:
    answer: Any
    try:
        answer = calls.Awaiting(awaitable)
        while type(answer) is calls.Awaiting:
            answer = calls.finish(await answer.awaitable, serialization, flags, call.run_name)
    except asyncio.CancelledError as error:
        shown = error if call.task is not _CANCELLED else errors.CallCancelled()
        answer = errors.answer(shown, NONE if flags & BARE else serialization)
    except BaseException as error:  # SystemExit too: it must not end the loop
        answer = errors.answer(error, NONE if flags & BARE else serialization)
    _end(call, answer)


def _end(call: Call, answer: Any) -> None:
    """Answer CALL, once."""
    if calls.async_running.pop(call.call_id, None) is None:
        return
    streams.end(call)
    status, outcome, body = (200, OK, answer) if isinstance(answer, bytes) else answer
    _gatehouse.reply(call.call_id, status, outcome, body)


_CANCELLED: Any = object()


def cancel(call: Call) -> None:
    """Cancel CALL's task, from any thread."""

    def now() -> None:
        task, call.task = call.task, _CANCELLED
        if task is not None and task is not _CANCELLED:
            task.cancel()

    loop().call_soon_threadsafe(now)
