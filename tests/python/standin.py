# SPDX-License-Identifier: Apache-2.0
"""A pure Python stand-in for the C extension `_gatehouse`, for tests without a build.

Records what the worker sends: `sent` holds ("log", call_id, stream, text), ("event", kind, call_id,
payload), ("http", kind, call_id, payload) and ("reply", call_id, status, outcome, body) in order.
"""

from __future__ import annotations

import binascii
import ctypes
import json
import threading
import types

sent: list = []
replied = threading.Condition()


def unquote(data):
    value = json.loads(bytes(data).decode("utf-8"))
    if not isinstance(value, str):
        raise ValueError("not a JSON string")
    return value.encode("utf-8")


def unbase64(data):
    try:
        return binascii.a2b_base64(unquote(data))
    except (binascii.Error, ValueError) as error:
        raise ValueError(str(error)) from None


def quote(text):
    return json.dumps(text, ensure_ascii=False).encode("utf-8")


def base64_literal(buffer):
    raw = bytes(buffer)
    lines = [binascii.b2a_base64(raw[i : i + 57], newline=False) for i in range(0, len(raw), 57)]
    return b'"' + b"".join(line + b"\\n" for line in lines) + b'"'


class Base64:
    def __init__(self, buffer):
        self.buffer = buffer


def trim():
    pass


def reply(call_id, status, outcome, body):
    with replied:
        sent.append(("reply", call_id, status, outcome, body))
        replied.notify_all()


def log(call_id, stream, text):
    sent.append(("log", call_id, stream, text))


def flush():
    pass


def event(kind, call_id, payload):
    sent.append(("event", kind, call_id, bytes(payload)))


def http(kind, call_id, payload, flush):
    sent.append(("http", kind, call_id, bytes(payload)))


def flush():
    pass


def async_raise(thread_id, exc_type):
    target = ctypes.py_object(exc_type) if exc_type is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), target)


def as_module():
    module = types.ModuleType("_gatehouse")
    for name, item in globals().items():
        if not name.startswith("__"):
            setattr(module, name, item)
    return module
