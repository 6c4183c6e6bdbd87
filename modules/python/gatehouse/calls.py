# SPDX-License-Identifier: Apache-2.0
"""Running calls: from the bytes of a CALL frame to the bytes of its RESULT.

`handle` is called by the extension for every frame, in many threads at once.
Source: modules-and-calls.md section 5, serialization.md sections 2 to 6.
"""

from __future__ import annotations

import json
import pickle
from _thread import get_ident
from threading import Lock
from types import AsyncGeneratorType, CoroutineType, GeneratorType

import _gatehouse

from . import errors, serialize, streams
from .current import BARE, JSON, NONE, PICKLE, QUERY, REMOTE, STREAM_LOGS, Call, call_var, request_var
from .errors import BadRequest, CallCancelled
from .objects import Target, _Attribute, find_target, targets

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple, Union

    Answer = Union[None, bytes, Tuple[int, int, object]]

CALL = 2

running: Dict[int, int] = {}
"""call_id -> ident of the thread that runs it."""

async_running: Dict[int, Call] = {}
"""call_id -> Call of those that run on the event loop."""

_cancelled: Dict[int, int] = {}
_cancel_lock = Lock()

_LAZY = (GeneratorType, CoroutineType, AsyncGeneratorType)
_COMMON = frozenset((bool, int, float, str, bytes, dict, list, tuple, type(None)))
_SEQUENCES = frozenset((list, tuple))

_loads, _unbase64, _unquote = pickle.loads, _gatehouse.unbase64, _gatehouse.unquote
_scan = json.JSONDecoder().scan_once
_encoders = serialize.encoders

other_requests: Dict[int, Callable[..., Answer]] = {}
"""kind -> handler(call_id, serialization, flags, key, method, run_name, data); filled by worker.py.
"""


def handle(
    kind: int,
    call_id: int,
    serialization: int,
    flags: int,
    key: str,
    method: str,
    run_name: str,
    data: object,
) -> Answer:
    """Answer one request frame. Never raises.

    data: None, or the JSON text of the client's value (bytes; a memoryview when large).
    Returns bytes (a 200), (status, outcome, body), or None when `_gatehouse.reply` follows.
    """
    if kind != CALL:
        return _other(kind, call_id, serialization, flags, key, method, run_name, data)
    call = fn = args = kwargs = None
    try:
        running[call_id] = get_ident()
        try:
            target = targets.get((key, method))
            if target is None:
                target = find_target(key, method)
            if target.is_general or (flags > STREAM_LOGS and flags != QUERY):
                return _call(target, call_id, serialization, flags, run_name, data)
            fn = target.fn
            if fn is None:
                fn = getattr(target.owner, target.name)
                if fn is target.owner or not callable(fn):
                    return _call(target, call_id, serialization, flags, run_name, data)
            args, kwargs = (), None
            if flags == QUERY:
                kwargs = _query(target, fn, data)
                if kwargs is None:
                    return _call(target, call_id, serialization, flags, run_name, data)
            elif data is not None:
                # The common payloads, decoded here; whatever is odd about one, _call tells precisely.
                try:
                    if serialization == PICKLE:
                        payload = _loads(_unbase64(data))
                    else:
                        raw = _unquote(data) if serialization == JSON else data
                        text = str(raw, "utf-8")  # type: ignore[call-overload]
                        payload, end = _scan(text, 0)
                        if end != len(text):
                            payload = None
                    args, kwargs = payload.get("args"), payload.get("kwargs")
                except Exception:
                    args = None
                if type(args) not in _SEQUENCES or (kwargs is not None and type(kwargs) is not dict):
                    return _call(target, call_id, serialization, flags, run_name, data)
            if flags == STREAM_LOGS:
                call = Call(call_id, True, run_name)
                call_var.set(call)
            value = fn(*args, **kwargs) if kwargs else fn(*args)
            if type(value) in _COMMON:
                return _encoders[serialization](value)  # type: ignore[return-value]
            if call is None:
                call = Call(call_id, False, run_name)
            answer = _finish_or_wait(value, call, serialization, flags)
            if answer is None:
                call = None
            return answer
        except BaseException as error:
            if type(error) is TypeError and fn is not None and serialization != PICKLE:
                return _blamed(fn, args, kwargs, error, serialization, flags)
            return errors.answer(error, NONE if flags & BARE else serialization)
        finally:
            if flags == STREAM_LOGS:
                call_var.set(None)
            if call is not None:
                streams.end(call)
            del running[call_id]
            if _cancelled:
                _end_cancel(call_id)
    except BaseException as error:  # a cancel that fired in the lines above
        running.pop(call_id, None)
        return errors.answer(error, serialization)


def _query(target: Target, fn: Any, data: object) -> Any:
    """Keyword arguments of a GET call when none needs a cast, else None."""
    texts = target.texts
    if texts is None:
        from . import cast

        texts = target.texts = cast.text_parameters(fn)
    kwargs, _ = _scan(str(data, "utf-8"), 0)  # type: ignore[call-overload]
    return kwargs if texts.issuperset(kwargs) else None


def _blamed(
    fn: Any, args: Any, kwargs: Any, error: TypeError, serialization: int, flags: int
) -> Answer:
    """The answer for a TypeError: a 422 when the arguments were at fault."""
    try:
        _blame_arguments(fn, args or (), kwargs or {}, error, flags)
    except BadRequest as refused:
        return errors.answer(refused, serialization)
    return errors.answer(error, serialization)


def _other(kind: int, call_id: int, serialization: int, *rest: Any) -> Answer:
    try:
        handler = other_requests.get(kind)
        if handler is None:
            raise BadRequest(400, "This worker does not know requests of kind %d." % kind)
        request_var.set(call_id)
        return handler(call_id, serialization, *rest)
    except BaseException as error:
        return errors.answer(error, serialization)
    finally:
        request_var.set(0)


def _call(
    target: Target, call_id: int, serialization: int, flags: int, run_name: str, data: object
) -> Answer:
    """The general form of a call: logs, async, attributes, query and bare arguments."""
    call = Call(call_id, bool(flags & STREAM_LOGS), run_name)
    call_var.set(call)
    waits = False
    try:
        fn, is_attribute = target.fn, False
        if fn is None:
            fn = getattr(target.owner, target.name)
            is_attribute = fn is target.owner or (not callable(fn) and target.name != "__call__")
        elif type(fn) is _Attribute:
            is_attribute = True
        args, kwargs = _arguments(fn, serialization, flags, data)
        if is_attribute:
            value = _attribute(target, fn, args)
        else:
            try:
                value = fn(*args, **kwargs)
            except TypeError as error:
                if serialization != PICKLE:  # whose callers want the TypeError itself
                    _blame_arguments(fn, args, kwargs, error, flags)
                raise
        if target.is_async and hasattr(value, "__await__"):
            value = Awaiting(value)
        answer = _finish_or_wait(value, call, serialization, flags)
        waits = answer is None
        return answer
    except BaseException as error:
        return errors.answer(error, NONE if flags & BARE else serialization)
    finally:
        call_var.set(None)
        if not waits:
            streams.end(call)


class Awaiting:
    """In the place of a result: the answer comes after awaiting this."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: object) -> None:
        self.awaitable = awaitable


def _finish_or_wait(value: object, call: Call, serialization: int, flags: int) -> Answer:
    """The answer for VALUE, or None when the event loop will make it and `_gatehouse.reply`
    follows.
    """
    if type(value) is not Awaiting:
        value = finish(value, serialization, flags, call.run_name)
    if type(value) is not Awaiting:
        return value  # type: ignore[return-value]
    from . import asyncrun

    asyncrun.submit(value.awaitable, call, serialization, flags)
    return None


def _attribute(target: Target, value: object, args: Any) -> object:
    """Read, or with exactly one positional argument write, an attribute that is not callable."""
    if type(value) is _Attribute:
        if len(args) != 1:
            return value.read()
        value.write(args[0])
        return None
    if len(args) != 1:
        return value
    setattr(target.owner, target.name, args[0])
    return None


def _arguments(fn: Any, serialization: int, flags: int, data: object) -> Tuple[Any, Dict[str, Any]]:
    """(args, kwargs) of a call. Raises errors.BadData, BadRequest (422), ValueError."""
    if data is None:
        return (), {}
    if flags & (QUERY | BARE):
        kwargs = serialize.decode(NONE, data)
        if kwargs is None:
            return (), {}
        if not isinstance(kwargs, dict):
            raise BadRequest(
                422,
                [
                    _entry(
                        "dict_type", ["body"], "Input should be a JSON object of arguments", kwargs
                    )
                ],
            )
        if flags & QUERY and kwargs:
            from . import cast

            kwargs = cast.arguments(fn, kwargs)
        return (), kwargs
    payload = serialize.decode(serialization, data)
    if payload is None:
        return (), {}
    if _is_old_form(payload):
        return payload  # type: ignore[return-value]
    wrong = None
    if not isinstance(payload, dict):
        wrong, kind, where, given = (
            "data should be an object with `args` and `kwargs`",
            "dict_type",
            [],
            payload,
        )
    else:
        args, kwargs = payload.get("args"), payload.get("kwargs")
        args = () if args is None else args
        kwargs = {} if kwargs is None else kwargs
        if not isinstance(args, (list, tuple)):
            wrong, kind, where, given = "args should be a list", "list_type", ["args"], args
        elif not isinstance(kwargs, dict):
            wrong, kind, where, given = (
                "kwargs should be an object",
                "dict_type",
                ["kwargs"],
                kwargs,
            )
    if wrong is None:
        return args, kwargs
    if serialization == PICKLE:
        raise ValueError("%s, got %s." % (wrong, type(given).__name__))
    raise BadRequest(422, [_entry(kind, ["body", "data"] + where, wrong, given)])


def _is_old_form(payload: object) -> bool:
    """[args, kwargs], as clients up to 0.0.20 send it. Source: versions.md section 3."""
    return (
        isinstance(payload, (list, tuple))
        and len(payload) == 2
        and isinstance(payload[0], (list, tuple))
        and isinstance(payload[1], dict)
    )


def _entry(kind: str, where: list, text: str, given: object) -> dict:
    return {"type": kind, "loc": where, "msg": text, "input": given}


def _blame_arguments(fn: Any, args: Any, kwargs: dict, error: TypeError, flags: int) -> None:
    """Raise a 422 that names the argument when ERROR came from the call itself, not from inside FN."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        return
    from . import cast

    where = ["query"] if flags & QUERY else ["body"] if flags & BARE else ["body", "data"]
    entries = cast.misfits(fn, args, kwargs, where)
    if entries:
        raise BadRequest(422, entries) from None


def finish(value: object, serialization: int, flags: int, run_name: str) -> object:
    """The answer for a result of any kind, or an Awaiting. Raises when it has no form under
    SERIALIZATION.
    """
    kind = type(value)
    if kind in _LAZY:
        from . import lazy

        if flags & BARE or (serialization != PICKLE and kind is CoroutineType):
            return Awaiting(lazy.collect(value))  # nobody to hand a handle to: run it to its end
        entry = lazy.keep(value, run_name)
        if flags & REMOTE and serialization != NONE:
            return serialize.config(entry.client_config())
        value = entry.value if serialization == PICKLE else entry.description()
    elif kind not in _COMMON:
        from . import results

        config = results.register(value, bool(flags & REMOTE), run_name)
        if config is not None:
            return serialize.plain(config) if serialization == NONE else serialize.config(config)
    if flags & BARE:
        return serialize.plain(value)
    if flags & REMOTE and serialization != NONE:
        return serialize.config(value)
    return serialize.result(value, serialization)


# ---------------------------------------------------------------- cancel


def cancel(call_id: int) -> None:
    """Best effort: cancel the task of an async call, else raise CallCancelled in the call's thread.

    Code that waits inside C (time.sleep, a lock) stops when it returns. The thread may be on its
    next call by then, hence the handshake with `handle`: mark first, look second, and the call's
    end takes the lock and clears what is pending.
    """
    call = async_running.get(call_id)
    if call is not None:
        from . import asyncrun

        asyncrun.cancel(call)
        return
    with _cancel_lock:
        thread = running.get(call_id)
        if thread is None:
            return
        _cancelled[call_id] = thread
        if call_id in running:
            _gatehouse.async_raise(thread, CallCancelled)
        else:
            _cancelled.pop(call_id, None)


def _end_cancel(call_id: int) -> None:
    with _cancel_lock:
        thread = _cancelled.pop(call_id, None)
        if thread is not None:
            _gatehouse.async_raise(thread, None)
