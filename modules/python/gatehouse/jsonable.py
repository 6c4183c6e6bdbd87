# SPDX-License-Identifier: Apache-2.0
"""JSON text of any Python value, for the serializations `json`, `none` and for configs.

Conversions: serialization.md section 3, its column `none`, with its "Improve": dataclass -> object,
enum -> value, other objects -> their public attributes, for all three serializations alike.
"""

from __future__ import annotations

import json
import sys
from json.encoder import encode_basestring, encode_basestring_ascii


class NotJsonable(TypeError):
    """A value that has no JSON form. The text names its type."""


def _refuse(value: object, why: str = "") -> NotJsonable:
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else "%s.%s" % (kind.__module__, kind.__qualname__)
    )
    return NotJsonable(
        "Object of type %s cannot be turned into JSON%s." % (name, why and ": " + why)
    )


def _public_attributes(value: object) -> dict:
    """Attributes without a leading underscore, from __dict__ and __slots__. Raises NotJsonable."""
    found = {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("_") and hasattr(value, name):
                found[name] = getattr(value, name)
    attributes = getattr(value, "__dict__", None)
    if attributes is None and not found:
        raise _refuse(value)
    for name, item in (attributes or {}).items():
        if isinstance(name, str) and not name.startswith("_"):
            found[name] = item
    return found


def convert(value: object) -> object:
    """One step towards JSON for a value that json.dumps refuses; used as its `default`.

    Raises NotJsonable for classes, functions, modules, complex, generators, bytes that are not
    UTF-8, and objects without attributes.
    """
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise _refuse(value, "not UTF-8") from None
    if isinstance(value, (type, complex)) or callable(value) and hasattr(value, "__code__"):
        raise _refuse(value)
    if isinstance(value, BaseException):
        return "%s: %s" % (type(value).__name__, value)

    module = type(value).__module__
    for cls in type(value).__mro__:
        special = _BY_TYPE.get((cls.__module__, cls.__qualname__))
        if special:
            return special(value)
    if module.startswith("numpy") and hasattr(value, "tolist"):
        return value.tolist()
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields if hasattr(value, name)}
    for name in ("model_dump", "to_dict", "tolist"):
        method = getattr(type(value), name, None)
        if callable(method):
            return method(value)
    if isinstance(value, type(sys)) or module in ("_thread", "_io", "builtins"):
        return _builtin_iterable(value)
    return _public_attributes(value)


def _builtin_iterable(value: object) -> object:
    if type(value).__name__ in ("dict_keys", "dict_values", "dict_items", "range", "mappingproxy"):
        return dict(value) if type(value).__name__ == "mappingproxy" else list(value)  # type: ignore[call-overload]
    if type(value).__module__ == "builtins" and type(value).__name__ == "SimpleNamespace":
        return dict(vars(value))
    raise _refuse(value)


_BY_TYPE = {
    ("datetime", "date"): lambda value: value.isoformat(),
    ("datetime", "time"): lambda value: value.isoformat(),
    ("datetime", "timedelta"): lambda value: value.total_seconds(),
    ("decimal", "Decimal"): float,
    ("fractions", "Fraction"): float,
    ("uuid", "UUID"): str,
    ("pathlib", "PurePath"): str,
    ("pathlib._local", "PurePath"): str,
    ("enum", "Enum"): lambda value: value.value,
    ("collections", "deque"): list,
    ("types", "SimpleNamespace"): lambda value: dict(vars(value)),
}


def _make(ascii_only: bool, item_separator: str, key_separator: str, allow_nan: bool):
    """A function value -> JSON text, built once: json.dumps makes an encoder on every call."""
    fallback = json.JSONEncoder(
        ensure_ascii=ascii_only,
        separators=(item_separator, key_separator),
        allow_nan=allow_nan,
        default=convert,
    )
    quote = encode_basestring_ascii if ascii_only else encode_basestring
    maker = json.encoder.c_make_encoder
    # No table of markers: it would be shared by threads. A value that holds itself ends in
    # RecursionError.
    fast = (
        maker(None, convert, quote, None, key_separator, item_separator, False, False, allow_nan)
        if maker
        else None
    )

    def dumps(value: object) -> str:
        if type(value) is str:
            return quote(value)
        try:
            return "".join(fast(value, 0)) if fast else fallback.encode(value)
        except NotJsonable:
            raise
        except RecursionError:
            raise NotJsonable(
                "The value contains itself, or is nested too deeply for JSON."
            ) from None
        except TypeError:
            return fallback.encode(_with_text_keys(value))
        except ValueError as error:
            raise NotJsonable(str(error)) from None

    return dumps


def _with_text_keys(value: object) -> object:
    """VALUE with keys that JSON cannot have (tuples, UUIDs, enums, ...) turned into text."""
    if isinstance(value, dict):
        return {_text_key(key): _with_text_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_text_keys(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _with_text_keys(convert(value))


def _text_key(key: object) -> object:
    if key is None or isinstance(key, (str, int, float)):
        return key
    if isinstance(key, tuple):
        return str(key)
    try:
        short = convert(key)
    except NotJsonable:
        return str(key)
    return short if isinstance(short, (str, int, float)) else str(key)


def _finite(value: object) -> object:
    """VALUE with NaN and infinities replaced by None, as upstream has it in `config` answers."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


dumps_json = _make(True, ", ", ": ", True)
"""Text for serialization `json`: json.dumps with its defaults."""

dumps_plain = _make(False, ",", ":", False)
"""Text for serialization `none`: as the HTTP body has it. NaN raises NotJsonable."""

dumps_plain_ascii = _make(True, ",", ":", False)
"""As dumps_plain with everything above ASCII escaped, for text that UTF-8 cannot hold."""


def dumps_config(value: object) -> str:
    """Text of a `config` answer: as `none`, but NaN is null."""
    try:
        return dumps_plain(value)
    except NotJsonable:
        return dumps_plain(_finite(value))
