# SPDX-License-Identifier: Apache-2.0
"""Exceptions on their way to the client: envelopes, status codes, tracebacks.

Source: serialization.md sections 4 and 8, http-api.md section 7 quirks 1 and 3.
"""

from __future__ import annotations

import os
import struct

import _gatehouse

from . import serialize
from .current import BAD, JSON, NONE, PICKLE, RAISED
from .jsonable import NotJsonable, dumps_config

_OUR_FILES = os.path.dirname((lambda: 0).__code__.co_filename) + os.sep


class BadRequest(Exception):
    """The request itself is at fault. detail: text, or a list of {"type","loc","msg","input"}."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


class BadData(Exception):
    """The field `data` (or serialized_data) could not be decoded; __cause__ says why."""

    def __init__(self, field: str, kind: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.kind = kind


class NotHere(Exception):
    """A key or method that is not in this process, sent as MODULE.NAME(text) under pickle.

    Under json and none it is a 404 with the short text.
    """

    def __init__(self, module: str, name: str, text: str, short: str) -> None:
        super().__init__(text)
        self.module = module
        self.name = name
        self.short = short


class Ended(Exception):
    """A lazy result has no more items. Sent as ITEM (a StopIteration) under pickle, as 410
    otherwise.
    """

    def __init__(self, item: Exception, text: str) -> None:
        super().__init__(text)
        self.item = item


class CallCancelled(BaseException):
    """Raised in the thread of a call that the daemon cancelled. Never leaves this process."""


def key_missing(key: str, method: str) -> NotHere:
    text = "Key %s not found in any process, cannot call method %s on it." % (key, method)
    return NotHere("runhouse.servers.obj_store", "ObjStoreError", text, text)


def method_missing(key: str, method: str, shown: object) -> NotHere:
    short = "Method %s not found on module %s." % (method, key)
    return NotHere(
        "builtins", "ValueError", "Method %s not found on module %s" % (method, shown), short
    )


def error_pickle(module: str, name: str, text: str) -> bytes:
    """The pickle of MODULE.NAME(TEXT), made without importing MODULE. Source: serialization.md
    section 1.
    """
    raw = text.encode("utf-8", "surrogatepass")
    return b"".join(
        (
            b"\x80\x04c",
            module.encode(),
            b"\n",
            name.encode(),
            b"\nX",
            struct.pack("<I", len(raw)),
            raw,
            b"\x85R.",
        )
    )


def text_of(error: BaseException) -> str:
    """str(ERROR), even when that raises."""
    try:
        return str(error)
    except Exception as second:
        return "<str() of %s raised %s>" % (type(error).__name__, type(second).__name__)


def type_name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else "%s.%s" % (kind.__module__, kind.__qualname__)
    )


def _pickled(error: BaseException) -> bytes:
    """ERROR as the client loads it, or RuntimeError("<module.Class>: <text>") when it cannot be
    pickled.

    One that pickles but does not load (its __init__ wants other arguments than its args) is sent as
    it is: the client shows text and traceback and raises what the loading raises. Source:
    serialization.md section 4.
    """
    try:
        return serialize.dumps_pickle(error)
    except Exception:
        kind = type(error)
        text = "%s.%s: %s" % (kind.__module__, kind.__qualname__, text_of(error))
        return error_pickle("builtins", "RuntimeError", text)


def traceback_text(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of this package at its top."""
    import traceback

    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_OUR_FILES):
        tb = tb.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, tb))
    except Exception:
        return "%s: %s\n" % (type_name(error), text_of(error))


def envelope(serialization: int, error: object, trace: str, text: str) -> bytes:
    """The exception envelope. error: pickle bytes under pickle, text under json."""
    literal = (
        _gatehouse.base64_literal(error) if serialization == PICKLE else serialize.quote(str(error))
    )
    name = b'"pickle"' if serialization == PICKLE else b'"json"'
    return b"".join(
        (
            b'{"data":{"error":',
            literal,
            b',"traceback":',
            serialize.quote(trace),
            b',"exception_as_str":',
            serialize.quote(text),
            b'},"output_type":"exception","serialization":',
            name,
            b"}",
        )
    )


def detail_body(detail: object) -> bytes:
    return ('{"detail":%s}' % dumps_config(detail)).encode("utf-8", "replace")


def answer(error: BaseException, serialization: int) -> tuple:
    """(status, outcome, body) for an ERROR that ended a request.

    pickle: 200 with the exception envelope. json: 500 with the envelope, `error` being
    "<type>: <text>". none: 500 {"detail"}. The request's own faults are 4xx under json and none.
    """
    if isinstance(error, BadRequest):
        return error.status, BAD, detail_body(error.detail)
    if isinstance(error, NotHere):
        if serialization != PICKLE:
            return 404, BAD, detail_body(error.short)
        text = text_of(error)
        trace = "%s: %s\n" % (
            error.name if error.module == "builtins" else error.module + "." + error.name,
            text,
        )
        return (
            200,
            RAISED,
            envelope(PICKLE, error_pickle(error.module, error.name, text), trace, text),
        )
    if isinstance(error, BadData):
        cause = error.__cause__ or error
        if serialization != PICKLE:
            entry = {
                "type": error.kind,
                "loc": ["body", error.field],
                "msg": text_of(error),
                "input": None,
            }
            return 422, BAD, detail_body([entry])
        return 200, RAISED, envelope(PICKLE, _pickled(cause), traceback_text(cause), text_of(cause))
    if isinstance(error, Ended):
        if serialization != PICKLE:
            return 410, BAD, detail_body(text_of(error))
        return (
            200,
            RAISED,
            envelope(PICKLE, _pickled(error.item), type(error.item).__name__ + "\n", ""),
        )
    if isinstance(error, CallCancelled):
        error = RuntimeError("The call was cancelled.")
    if isinstance(error, NotJsonable):
        return 500, RAISED, detail_body(text_of(error))
    if serialization == NONE:
        return 500, RAISED, detail_body("%s: %s" % (type_name(error), text_of(error)))
    trace, text = traceback_text(error), text_of(error)
    if serialization == JSON:
        return 500, RAISED, envelope(JSON, "%s: %s" % (type_name(error), text), trace, text)
    return 200, RAISED, envelope(PICKLE, _pickled(error), trace, text)
