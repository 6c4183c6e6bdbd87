# SPDX-License-Identifier: Apache-2.0
"""The three serializations, both ways, and the envelopes around results.

json:   `data` is a JSON string literal holding a JSON document.
pickle: `data` is a JSON string literal holding base64 of a pickle, in lines of 76.
none:   `data` is the JSON value itself.
Source: serialization.md sections 1 to 3.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from json.encoder import encode_basestring, encode_basestring_ascii

import _gatehouse

from . import jsonable
from .current import JSON, OK, PICKLE, SERIALIZATION_NAMES

SUCCESS = b'{"data":null,"output_type":"success","serialization":null}'

_HEAD = b'{"data":'
_TAILS = tuple(
    ',"output_type":"result_serialized","serialization":%s}'
    % ("null" if name == "none" else '"%s"' % name)
    for name in SERIALIZATION_NAMES
)
_PICKLE_TAIL = _TAILS[PICKLE].encode()
_JSON_TAIL = _TAILS[JSON]
_CONFIG_TAIL = ',"output_type":"config","serialization":null}'

_SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))
_CONTAINERS = frozenset((list, tuple, set, frozenset))
_CONTAINERS_LOOKED_INTO = 2000
_LARGE_TEXT_BYTES = 4096  # from here on the extension quotes faster than json does
_LAZY_BASE64_BYTES = 256 * 1024
"""From this size on the reply encodes the base64 itself, straight into its buffer."""

pickle_dumps = pickle.dumps
base64_literal = _gatehouse.base64_literal

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def quote(text: str) -> bytes:
    """TEXT as a JSON string literal in UTF-8."""
    try:
        return encode_basestring(text).encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates, from os.fsdecode for instance
        return json.dumps(text).encode("ascii")


# ---------------------------------------------------------------- in


def loads_json(text: str) -> object:
    """The JSON document TEXT. Raises ValueError."""
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    return json.loads(text)


def decode(serialization: int, data: object, field: str = "data") -> object:
    """The value that the client put into `data`, or another FIELD of the body.

    data: None, or the JSON text (bytes or a buffer) of the field; null is no data, however it is
        serialized. Raises errors.BadData.
    """
    if data is None or data == b"null":
        return None
    try:
        if serialization == PICKLE:
            return loads_pickle(_gatehouse.unbase64(data))
        value = loads_json(str(data, "utf-8"))  # type: ignore[arg-type]
        if serialization == JSON and value is not None:
            if not isinstance(value, str):
                raise TypeError(
                    "expected a string that holds a JSON document, got %s" % type(value).__name__
                )
            return loads_json(value)
        return value
    except Exception as error:
        from . import errors

        if serialization == PICKLE:
            kind, wanted = "pickle_invalid", "base64 of a pickle"
        elif isinstance(error, TypeError):
            kind, wanted = "string_type", "a JSON string"
        else:
            kind, wanted = "json_invalid", "a JSON document"
        text = "%s should be %s: %s" % (field, wanted, errors.text_of(error))
        raise errors.BadData(field, kind, text) from error


def loads_pickle(raw: bytes) -> object:
    """RAW unpickled. A module it names and this env lacks is told with the env and the remedy."""
    try:
        return pickle.loads(raw)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "ray":
            return _without_ray(raw)
        raise _missing_module(error, missing) from None


def _missing_module(error: ModuleNotFoundError, missing: str) -> ModuleNotFoundError:
    text = (
        "%s in the environment %s, and the data of this call names it. Install it with: %s -m pip install %s"
        % (
            error.msg,
            sys.prefix,
            sys.executable,
            missing or "the package",
        )
    )
    return ModuleNotFoundError(text, name=error.name)


class _WithoutRay(pickle.Unpickler):
    """SDKs up to 0.0.38 name ray.cloudpickle in their pickles. Source: modules-and-calls.md section
    8.
    """

    def find_class(self, module: str, name: str) -> object:
        if module == "ray.cloudpickle" or module.startswith("ray.cloudpickle."):
            module = module[len("ray.") :]
        return super().find_class(module, name)


def _without_ray(raw: bytes) -> object:
    try:
        return _WithoutRay(io.BytesIO(raw)).load()
    except ModuleNotFoundError as error:
        raise _missing_module(error, (error.name or "").partition(".")[0]) from None


# ---------------------------------------------------------------- out


def is_plain(value: object) -> bool:
    """True when VALUE is made of exact builtin types only, so that the C pickle of it is the last
    word.

    Looks into so many containers at most: a value may hold one of them in many places, or itself.
    """
    if type(value) in _SCALARS:
        return True
    waiting = [value]
    for _ in range(_CONTAINERS_LOOKED_INTO):
        container = waiting.pop()
        kind = type(container)
        if kind is dict:
            parts = (container, container.values())
        elif kind in _CONTAINERS:
            parts = (container,)
        else:
            return False
        for part in parts:
            if not set(map(type, part)) <= _SCALARS:
                waiting += [item for item in part if type(item) not in _SCALARS]
        if not waiting:
            return True
    return False


def dumps_pickle(value: object) -> bytes:
    """VALUE pickled with protocol 5.

    Objects that the store holds travel as handles, classes by reference; what plain pickle refuses
    goes to cloudpickle when the env has it. Raises what pickle raises (TypeError, PicklingError...).
    """
    if is_plain(value):
        return pickle.dumps(value, 5)
    from . import handles

    return handles.dumps(value)


def result(value: object, serialization: int) -> object:
    """The body of a call's RESULT: bytes, or (200, OK, parts) for large ones. Raises when VALUE has
    no such form.
    """
    return encoders[serialization](value)


def _json_result(value: object) -> object:
    if value is None:
        return SUCCESS
    text = encode_basestring_ascii(value) if type(value) is str else jsonable.dumps_json(value)
    if len(text) > _LARGE_TEXT_BYTES:
        return 200, OK, (_HEAD, _gatehouse.quote(text), _JSON_TAIL.encode())
    return ('{"data":%s%s' % (encode_basestring(text), _JSON_TAIL)).encode()


def _pickle_result(value: object) -> object:
    if value is None:
        return SUCCESS
    raw = pickle_dumps(value, 5) if type(value) in _SCALARS else dumps_pickle(value)
    if len(raw) >= _LAZY_BASE64_BYTES and hasattr(_gatehouse, "Base64"):
        return 200, OK, (_HEAD, _gatehouse.Base64(raw), _PICKLE_TAIL)
    return b"".join((_HEAD, base64_literal(raw), _PICKLE_TAIL))


def plain(value: object) -> bytes:
    """VALUE as a bare JSON value."""
    try:
        if type(value) is str:
            return encode_basestring(value).encode()
        return jsonable.dumps_plain(value).encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates
        return jsonable.dumps_plain_ascii(value).encode("ascii")


def config(value: object) -> bytes:
    """A `config` envelope around VALUE, or the success envelope for None."""
    if value is None:
        return SUCCESS
    return ('{"data":%s%s' % (jsonable.dumps_config(value), _CONFIG_TAIL)).encode(
        "utf-8", "replace"
    )


encoders = (plain, _json_result, _pickle_result)
"""By number of the serialization."""
