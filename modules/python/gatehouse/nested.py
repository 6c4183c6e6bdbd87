# SPDX-License-Identifier: Apache-2.0
"""Calls that user code makes on its own node, and how they wait.

A key of this process is called directly: by reference, in the caller's thread. Any other key is called
through the daemon, which sends the call to where it lives. Source: modules-and-calls.md section 7.
"""

from __future__ import annotations

import json
import re
import threading
import time
from urllib.parse import quote

import _gatehouse

from . import daemon, objects, results, serialize, store, streams
from .calls import _Attribute, _attribute
from .errors import Ended, NotHere

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

_last_us = 0
_name_lock = threading.Lock()
_NOT_IN_RUN_NAMES = re.compile(r"[^A-Za-z0-9_.@-]")
_RUN_NAME_HEAD_MAX = 400  # of the 512 characters of a run name


def call(
    key: str,
    method: Optional[str] = None,
    args: Sequence[Any] = (),
    kwargs: Optional[Dict[str, Any]] = None,
    run_name: Optional[str] = None,
    stream_logs: bool = False,
    remote: bool = False,
) -> Any:
    """Call METHOD of KEY, read it when it is no function, set it when one argument is given.

    remote: a resource comes as a handle instead of itself. Raises what the method raises;
    ObjStoreError for an unknown key, ValueError for an unknown method.
    """
    method = method or "__call__"
    if key in objects.entries:
        value, is_async = _call_here(key, method, args, kwargs or {})
        return _handed_over(wait_for(value) if is_async else value, run_name, remote)
    return _call_elsewhere(key, method, args, kwargs or {}, run_name, stream_logs, remote)


async def acall(
    key: str,
    method: Optional[str] = None,
    args: Sequence[Any] = (),
    kwargs: Optional[Dict[str, Any]] = None,
    run_name: Optional[str] = None,
    stream_logs: bool = False,
    remote: bool = False,
) -> Any:
    """The same for coroutines: waits without keeping the event loop from others."""
    method = method or "__call__"
    if key not in objects.entries:
        return await in_thread(
            _call_elsewhere, key, method, args, kwargs or {}, run_name, stream_logs, remote
        )
    if _target(key, method).is_async:
        value, is_async = _call_here(key, method, args, kwargs or {})
    else:
        value, is_async = await in_thread(_call_here, key, method, args, kwargs or {})
    return _handed_over(await value if is_async else value, run_name, remote)


def _target(key: str, method: str) -> objects.Target:
    target = objects.targets.get((key, method))
    if target is None:
        try:
            target = objects.find_target(key, method)
        except NotHere as error:
            raise _as_seen_by_users(error) from None
    return target


def _as_seen_by_users(error: NotHere) -> Exception:
    if error.module == "builtins":
        return ValueError(str(error))
    from runhouse.servers.obj_store import ObjStoreError

    return ObjStoreError(str(error))


def _call_here(key: str, method: str, args: Sequence[Any], kwargs: Dict[str, Any]) -> tuple:
    """(result, whether it is to be awaited) of a method of this process, without copying."""
    target = _target(key, method)
    fn = target.fn
    if fn is None:
        fn = getattr(target.owner, target.name)
        if not callable(fn) and target.name != "__call__":
            return _attribute(target, fn, args), False
    elif type(fn) is _Attribute:
        return _attribute(target, fn, args), False
    try:
        value = fn(*args, **kwargs)
    except Ended as ended:
        raise ended.item from None
    return value, target.is_async and hasattr(value, "__await__")


def _handed_over(value: object, run_name: Optional[str], remote: bool) -> Any:
    """VALUE, kept under the name that the user gave to the run if it is a resource."""
    if not (remote or run_name):
        return value
    config = results.register(value, remote, run_name or "")
    return value if config is None else store.handle(config)


def _call_elsewhere(
    key: str,
    method: str,
    args: Sequence[Any],
    kwargs: Dict[str, Any],
    run_name: Optional[str],
    stream_logs: bool,
    remote: bool,
) -> Any:
    run_name = run_name or new_run_name(key if method == "__call__" else "%s_%s" % (key, method))
    outer = streams.current_call()
    follows = bool(stream_logs and outer is not None and outer.stream)
    data = _gatehouse.base64_literal(serialize.dumps_pickle({"args": list(args), "kwargs": kwargs}))
    rest = ',"serialization":"pickle","run_name":%s,"stream_logs":%s,"remote":%s}' % (
        json.dumps(run_name),
        "true" if follows else "false",
        "true" if remote else "false",
    )
    body = b"".join((b'{"data":', data, rest.encode()))
    target = "/%s/%s" % (quote(key, safe=""), quote(method, safe=""))
    if follows:
        with Follower("(%s): " % key, run_name, key=key) as follower:
            status, content = daemon.ask("POST", target, body, follower.start)
    else:
        status, content = daemon.ask("POST", target, body)
    value = daemon.decoded(status, content, "POST " + target)
    if isinstance(value, daemon.Config) and "resource_type" in value:
        return store.handle(value)
    return dict(value) if isinstance(value, daemon.Config) else value


class Follower:
    """Prints what a run elsewhere prints, while it lasts, as part of the call that runs here.

    Most calls are over before it would be worth a thread: `start` is for those that are not, the
    output of the others is fetched at their end. target: what store.logs takes.
    """

    def __init__(self, prefix: str, run_name: str, **target: Any) -> None:
        self._prefix = prefix
        self._run_name = run_name
        self._target = target
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> Follower:
        return self

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._print, name="logs of " + self._run_name, daemon=True
        )
        self._thread.start()

    def _print(self) -> None:
        for batch in store.logs(self._run_name, **self._target):
            for line in batch:
                print(self._prefix + line, end="")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            return  # the run may never have begun
        if self._thread is not None:
            self._thread.join()
        else:
            self._print()


def new_run_name(head: str) -> str:
    """HEAD--YYYYMMDD--HHMMSS_ffffff, no two alike in this process. Source: http-api.md section 6."""
    global _last_us
    with _name_lock:
        _last_us = max(_last_us + 1, time.time_ns() // 1000)
        now_us = _last_us
    moment = time.strftime("%Y%m%d--%H%M%S", time.localtime(now_us // 1_000_000))
    head = _NOT_IN_RUN_NAMES.sub("_", head[:_RUN_NAME_HEAD_MAX]).lstrip(".")
    return "%s--%s_%06d" % (head, moment, now_us % 1_000_000)


# ---------------------------------------------------------------- waiting


def wait_for(awaitable: Any) -> Any:
    """The result of AWAITABLE, for code that is no coroutine.

    Runs on this process's event loop; when that is what calls (a coroutine that calls a blocking
    function), on a loop of its own, since the first would wait for itself.
    """
    import asyncio

    from . import asyncrun

    async def drive() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run_coroutine_threadsafe(drive(), asyncrun.loop()).result()
    outcome: List[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(_outcome(asyncio.run, drive())))
    thread.start()
    thread.join()
    return _result(outcome[0])


async def in_thread(fn: Any, *args: Any) -> Any:
    """fn(*args) in a thread of its own. Not in a pool: calls that call back would wait for its slots."""
    import asyncio
    from contextvars import copy_context

    loop = asyncio.get_running_loop()
    done = loop.create_future()
    context = copy_context()

    def finish(outcome: tuple) -> None:
        if not done.done():
            done.set_result(outcome)

    def run() -> None:
        outcome = _outcome(context.run, fn, *args)
        try:
            loop.call_soon_threadsafe(finish, outcome)
        except RuntimeError:
            pass  # the loop was closed: nobody waits any more

    threading.Thread(target=run, name="asks for a coroutine", daemon=True).start()
    return _result(await done)


def _outcome(fn: Any, *args: Any) -> tuple:
    try:
        return True, fn(*args)
    except BaseException as error:
        return False, error


def _result(outcome: tuple) -> Any:
    is_good, value = outcome
    if not is_good:
        raise value
    return value
