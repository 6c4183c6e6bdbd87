# SPDX-License-Identifier: Apache-2.0
"""The worker's main function and the requests that are not calls.

Frames: docs/ipc.md. Bodies: http-api.md section 5.
"""

from __future__ import annotations

import json
import os
import sys
import threading  # noqa: F401  (first imported in the real main thread: before 3.13 that thread counts as main)

import _gatehouse

from . import calls, errors, modules, objects, serialize, streams
from .current import BAD, PICKLE, PROTOCOL, REMOTE, Process
from .errors import BadRequest
from .objects import PlainEntry

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any

    from .calls import Answer

HELLO, PUT_RESOURCE, PUT_OBJECT, GET_OBJECT, RENAME, DELETE = 1, 3, 4, 5, 6, 7
SET_ENV, ADD_PATH, LOAD, CANCEL, SET_CONFIG = 8, 9, 10, 11, 13
RUN_BASH, UNPACK_FILES, DESCRIBE, ADD_SITE, SET_LIMITS = 14, 15, 16, 21, 22
HTTP_REQUEST = 17
READY, FAILED = 32, 37


def _json(data: object, wanted: type) -> Any:
    """The JSON DATA of a request between daemon and worker. Raises BadRequest."""
    try:
        value = serialize.loads_json(str(data, "utf-8"))  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise BadRequest(422, "The request's data is not JSON: %s" % error) from None
    if not isinstance(value, wanted):
        raise BadRequest(422, "The request's data should be a JSON %s." % wanted.__name__)
    return value


# ---------------------------------------------------------------- start


def _take_limits(settings: dict) -> None:
    """Of HELLO or SET_LIMITS: {"log_level": "INFO", "lazy_keep_s": int, "lazy_idle_s": int}."""
    Process.log_level = settings.get("log_level") or "INFO"
    Process.lazy_keep_s = settings.get("lazy_keep_s", Process.lazy_keep_s)
    Process.lazy_idle_s = settings.get("lazy_idle_s", Process.lazy_idle_s)


def hello(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Take over the settings of the daemon, answer READY; FAILED with both numbers on another
    protocol.
    """
    try:
        settings = _json(data, dict)
        theirs = settings.get("protocol")
        if theirs != PROTOCOL:
            _fail(
                call_id,
                "The daemon speaks frame protocol %s, this worker speaks %d." % (theirs, PROTOCOL),
            )
            return None
        Process.name = settings.get("process") or key or Process.name
        Process.cluster_config = settings.get("cluster_config") or {}
        Process.control_socket = settings.get("control_socket") or ""
        _take_limits(settings)
        set_env_vars(settings.get("env_vars") or {})
        Process.home = os.path.expanduser("~")
        _enter_home()
        for path in settings.get("sys_path") or ():
            add_path(path)
        modules.watch_site_packages()
    except BaseException as error:
        _fail(
            call_id,
            "The worker could not start: %s: %s" % (errors.type_name(error), errors.text_of(error)),
        )
        return None
    ready = {
        "protocol": PROTOCOL,
        "pid": os.getpid(),
        "runtime": "python",
        "version": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
    }
    _gatehouse.event(READY, call_id, json.dumps(ready).encode())
    return None


def _fail(call_id: int, text: str) -> None:
    _gatehouse.event(FAILED, call_id, text.encode("utf-8", "replace"))


def _enter_home() -> None:
    """Working directory home; sys.path: module roots, then the working directory, then the
    interpreter's.
    """
    try:
        os.chdir(Process.home)
    except OSError as error:
        print("cannot enter the home directory %s: %s" % (Process.home, error), file=sys.stderr)
    here = os.getcwd()
    sys.path[:] = [path for path in sys.path if path not in ("", here)]
    sys.path.insert(0, here)


def set_env_vars(env_vars: dict) -> None:
    """Into os.environ. OMP_NUM_THREADS stays as given. Raises BadRequest for values that are not
    text.
    """
    for name, value in env_vars.items():
        if not isinstance(value, str):
            raise BadRequest(422, "Environment variable %s should be a string." % name)
    os.environ.update(env_vars)


def add_path(path: str) -> None:
    """PATH to position 0 of sys.path."""
    path = os.path.abspath(os.path.join(Process.home, os.path.expanduser(path)))
    while path in sys.path:
        sys.path.remove(path)
    sys.path.insert(0, path)


# ---------------------------------------------------------------- requests


def put_resource(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Build what [config, state, dryrun] describes; the answer is its key, serialized.

    key: a process that is not there yet: only an env makes its own.
    """
    payload = serialize.decode(serialization, data, "serialized_data")
    if (
        not isinstance(payload, (list, tuple))
        or len(payload) != 3
        or not isinstance(payload[0], dict)
    ):
        text = "serialized_data should hold [config, state, dryrun]"
        if serialization == PICKLE:
            raise ValueError("%s, got %s." % (text, type(payload).__name__))
        entry = {
            "type": "list_type",
            "loc": ["body", "serialized_data"],
            "msg": text,
            "input": None,
        }
        raise BadRequest(422, [entry])
    if key:
        from . import env

        made_key = env.put_with_process(key, payload)  # type: ignore[arg-type]
    else:
        made = modules.build(payload[0], payload[1])
        objects.put(made.key, made)
        made_key = made.key
    return serialize.result(made_key, serialization)  # type: ignore[return-value]


def put_object(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Store a value under KEY."""
    objects.put(key, PlainEntry(serialize.decode(serialization, data, "serialized_data")))
    return serialize.SUCCESS


def get_object(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """The value under KEY, or with REMOTE its config. An unknown key is `null`. Source: http-
    api.md, GET /object.
    """
    entry = objects.entries.get(key)
    if entry is None:
        return b"null"
    if flags & REMOTE:
        if not entry.resource:
            raise ValueError(
                "Cannot return remote for non-Resource object of type %s." % type(entry.value)
            )
        return serialize.config(entry.client_config())
    value = entry.portable()
    if serialization != PICKLE and entry.resource:
        value = entry.client_config()
    return serialize.result(value, serialization)  # type: ignore[return-value]


def _name_missing(error: KeyError) -> Answer:
    return errors.answer(error, PICKLE)


def rename(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Move KEY to the name in METHOD."""
    try:
        objects.rename(key, method)
    except KeyError as error:
        return _name_missing(error)
    return serialize.SUCCESS


def delete(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Forget KEY."""
    if not objects.drop(key):
        return _name_missing(KeyError("Key %s not found in any process." % key))
    _gatehouse.trim()
    return serialize.SUCCESS


def set_env(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    set_env_vars(_json(data, dict))
    return serialize.SUCCESS


def add_sys_path(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    add_path(_json(data, str))
    return serialize.SUCCESS


def add_site(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Packages were installed, maybe into folders that this interpreter does not know."""
    modules.add_site_folders(_json(data, list))
    return serialize.SUCCESS


def set_config(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    Process.cluster_config = _json(data, dict)
    return serialize.SUCCESS


def set_limits(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Settings of the daemon have changed."""
    _take_limits(_json(data, dict))
    streams.set_level()
    if "gatehouse.expiry" in sys.modules:  # nothing to expire otherwise
        sys.modules["gatehouse.expiry"].look_again()
    return serialize.SUCCESS


def load(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """Serve FILE.py:ATTR under KEY. A failed import is outcome 2, its detail names file and line."""
    from . import serve

    wanted = _json(data, dict)
    try:
        entry = serve.load(key, str(wanted.get("file") or ""), str(wanted.get("attr") or ""))
    except BaseException as error:
        return 500, BAD, errors.detail_body(serve.explain(error, key, wanted))
    objects.put(key, entry)
    return serialize.SUCCESS


def describe(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """The OpenAPI document of KEY."""
    from . import openapi

    return openapi.describe(call_id, serialization, flags, key, method, run_name, data)


def http_request(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> object:
    """The first request for an app brings the code for them, which takes this kind over."""
    from . import apps

    return apps.on_request(call_id, data)  # type: ignore[arg-type]


def cancel(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    calls.cancel(call_id)
    return None


def run_bash(*request: Any) -> Answer:
    from . import shell

    return shell.run_bash(*request)


def unpack_files(*request: Any) -> Answer:
    from . import files

    return files.unpack_files(*request)


calls.other_requests.update(
    {
        HELLO: hello,
        PUT_RESOURCE: put_resource,
        PUT_OBJECT: put_object,
        GET_OBJECT: get_object,
        RENAME: rename,
        DELETE: delete,
        SET_ENV: set_env,
        ADD_PATH: add_sys_path,
        LOAD: load,
        CANCEL: cancel,
        HTTP_REQUEST: http_request,  # type: ignore[dict-item]
        SET_CONFIG: set_config,
        RUN_BASH: run_bash,
        UNPACK_FILES: unpack_files,
        ADD_SITE: add_site,
        SET_LIMITS: set_limits,
        DESCRIBE: describe,
    }
)


def _serve_the_package(runhouse_globals: Any) -> None:
    """User code imported the client's package, the real one: its object store is this node's."""
    from . import sdk

    sdk.attach(runhouse_globals)


def _serve_its_modules(runhouse_module: Any) -> None:
    from . import sdk

    sdk.attach_modules(runhouse_module)


def main(fd: int, process_name: str) -> None:
    """Serve the daemon at descriptor FD until it says STOP or closes. Main thread only.

    The launcher then runs atexit functions and leaves by os._exit. Raises RuntimeError when the
    connection breaks or the protocol differs.
    """
    from . import hooks, shim

    Process.name = process_name
    shim.install()
    hooks.when_imported("runhouse.globals", _serve_the_package)
    hooks.when_imported("runhouse.resources.module", _serve_its_modules)
    streams.install()
    _gatehouse.serve(fd, calls.handle)
    if "gatehouse.apps" in sys.modules:
        sys.modules["gatehouse.apps"].stop_all()  # type: ignore[attr-defined]
    sys.stdout.flush()
    sys.stderr.flush()
