# SPDX-License-Identifier: Apache-2.0
"""Arguments of GET calls, which come as text, cast by the function's annotations.

int, float, bool, str, dates, Decimal, UUID, Path, enums, Literal; JSON for lists, tuples, sets and
dicts; Optional and Union take the first member that fits, str last. Without annotation text stays
text, as upstream has it. Source: docs/http-api.md, design.md section 9.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from typing import Any, Dict, List, Optional, Tuple
from weakref import WeakKeyDictionary

from .errors import BadRequest

_TRUE = frozenset("1 true t yes y on".split())
_FALSE = frozenset("0 false f no n off".split())
_NONE = frozenset(("null", "none", "None", ""))

_plans: WeakKeyDictionary[Any, Tuple[Dict[str, Any], Any]] = WeakKeyDictionary()


class _Unfit(Exception):
    """(type, msg) of one entry of a 422."""


def _plan(fn: Any) -> Tuple[Dict[str, Any], Any]:
    """(name -> annotation, annotation of **kwargs) of FN; annotations as text are evaluated."""
    inner = getattr(fn, "__func__", fn)
    try:
        return _plans[inner]
    except (KeyError, TypeError):
        pass
    target = inner
    if isinstance(target, type):
        target = target.__init__  # type: ignore[misc]
    elif not hasattr(target, "__code__") and not hasattr(target, "__wrapped__"):
        target = getattr(target, "func", None) or getattr(type(target), "__call__", target)
    try:
        hints = typing.get_type_hints(target)
    except Exception:
        hints = {
            n: a
            for n, a in getattr(target, "__annotations__", {}).items()
            if not isinstance(a, str)
        }
    rest = None
    try:
        for parameter in inspect.signature(target).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                rest = hints.pop(parameter.name, None)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                hints.pop(parameter.name, None)
    except (TypeError, ValueError):
        pass
    hints.pop("return", None)
    try:
        _plans[inner] = (hints, rest)
    except TypeError:
        pass
    return hints, rest


def text_parameters(fn: Any) -> frozenset:
    """Names of the parameters of FN whose text needs no cast: annotated str, or not at all."""
    hints, rest = _plan(fn)
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(name for name in parameters if hints.get(name, rest) in (None, str))


def arguments(fn: Any, given: Dict[str, Any]) -> Dict[str, Any]:
    """GIVEN (name -> text) cast for FN. Raises BadRequest(422) with one entry per argument that
    does not fit.
    """
    if not callable(fn):
        return given
    hints, rest = _plan(fn)
    made: Dict[str, Any] = {}
    entries = []
    for name, text in given.items():
        hint = hints.get(name, rest)
        if hint is None or not isinstance(text, str):
            made[name] = text
            continue
        try:
            made[name] = _from_text(text, hint)
        except _Unfit as unfit:
            kind, message = unfit.args
            entries.append({"type": kind, "loc": ["query", name], "msg": message, "input": text})
    if entries:
        raise BadRequest(422, entries)
    return made


def misfits(fn: Any, args: Any, kwargs: Dict[str, Any], where: List[str]) -> List[dict]:
    """422 entries, at the place WHERE of the request, for required arguments that are missing and for
    those that FN does not take. Empty when they fit.
    """
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return []
    kinds = [parameter.kind for parameter in parameters.values()]
    in_order = [
        name
        for name, p in parameters.items()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    filled = in_order[: len(args)]
    expected = "expected: %s" % (", ".join(parameters) or "none")
    entries = []
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name not in kwargs and name not in filled and parameter.default is parameter.empty:
            entries.append(_misfit("missing", where + [name], "Field required", None))
    if len(args) > len(in_order) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        text = "Too many arguments in order; %s" % expected
        entries.append(_misfit("too_many_arguments", where, text, len(args)))
    for name, value in kwargs.items():
        known = parameters.get(name)
        if name in filled and known is not None and known.kind is known.POSITIONAL_OR_KEYWORD:
            text = "Given both in order and by name"
            entries.append(_misfit("multiple_argument_values", where + [name], text, value))
        elif inspect.Parameter.VAR_KEYWORD not in kinds and (
            known is None or known.kind is known.POSITIONAL_ONLY
        ):
            text = "Unexpected argument; %s" % expected
            entries.append(_misfit("extra_forbidden", where + [name], text, value))
    return entries


def _misfit(kind: str, where: List[str], text: str, given: Any) -> dict:
    return {"type": kind, "loc": where, "msg": text, "input": given}


# ---------------------------------------------------------------- one value


def _members(hint: Any) -> Optional[tuple]:
    """The members of a Union, or None."""
    origin = typing.get_origin(hint)
    if origin is typing.Union:
        return typing.get_args(hint)
    if sys.version_info >= (3, 10):
        import types

        if origin is types.UnionType or isinstance(hint, types.UnionType):
            return typing.get_args(hint)
    return None


def _from_text(text: str, hint: Any) -> Any:
    """TEXT as HINT wants it. Raises _Unfit."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    if hasattr(hint, "__metadata__"):
        hint = typing.get_args(hint)[0]
    members = _members(hint)
    if members is not None:
        return _first_fit(text, members)
    maker = _MAKERS.get(hint) if isinstance(hint, type) else None
    if maker is not None:
        return maker(text)
    origin = typing.get_origin(hint) or hint
    if (
        typing.get_origin(hint) is not None
        and getattr(origin, "_name", None) == "Literal"
        or origin is _LITERAL
    ):
        return _literal(text, typing.get_args(hint))
    if origin is type(None):
        return None
    if _container(origin) is not None or getattr(origin, "__dataclass_fields__", None):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise _Unfit(
                "json_invalid", "Invalid JSON for %s: %s" % (_shown(hint), error)
            ) from None
        return _from_json(value, hint)
    if isinstance(origin, type):
        return _named_type(text, origin)
    return text


_LITERAL = typing.get_origin(typing.Literal["x"])


def _first_fit(text: str, members: tuple) -> Any:
    kinds = [member for member in members if member not in (str, type(None))]
    if type(None) in members and str not in members and text in _NONE:
        return None
    problem = None
    for member in kinds:
        try:
            return _from_text(text, member)
        except _Unfit as unfit:
            problem = problem or unfit
    if str in members or not kinds:
        return text
    raise problem or _Unfit("union", "no member of the Union fits")


def _literal(text: str, choices: tuple) -> Any:
    for choice in choices:
        if text == str(choice):
            return choice
    raise _Unfit("literal_error", "Input should be one of %s" % ", ".join(map(repr, choices)))


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise _Unfit("int_parsing", message) from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        message = "Input should be a valid number, unable to parse string as a number"
        raise _Unfit("float_parsing", message) from None


def _bool(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise _Unfit("bool_parsing", "Input should be a valid boolean, unable to interpret input")


_MAKERS: Dict[type, Any] = {
    int: _int,
    float: _float,
    bool: _bool,
    str: lambda text: text,
    bytes: lambda text: text.encode(),
    complex: lambda text: _called(complex, text, "complex"),
}


def _called(maker: Any, text: str, name: str) -> Any:
    try:
        return maker(text)
    except Exception as error:
        raise _Unfit(
            "%s_parsing" % name, "Input should be a valid %s: %s" % (name, error)
        ) from None


def _named_type(text: str, kind: type) -> Any:
    """Enums, dates and the like; any other class gets the text."""
    for base in kind.__mro__:
        full = "%s.%s" % (base.__module__, base.__qualname__)
        if full == "enum.Enum":
            for member in kind:  # type: ignore[attr-defined]
                if text in (member.name, str(member.value)):
                    return member
            names = ", ".join(repr(member.value) for member in kind)  # type: ignore[attr-defined]
            raise _Unfit("enum", "Input should be one of %s" % names)
        if full in ("datetime.datetime", "datetime.date", "datetime.time"):
            return _called(kind.fromisoformat, text, base.__name__)  # type: ignore[attr-defined]
        if full in ("decimal.Decimal", "uuid.UUID", "fractions.Fraction"):
            return _called(kind, text, base.__name__.lower())
        if base.__name__ == "PurePath" and base.__module__.startswith("pathlib"):
            return kind(text)  # type: ignore[call-arg]
    return text


def _container(origin: Any) -> Optional[type]:
    """The class of JSON containers that ORIGIN takes: list or dict, or None."""
    if not isinstance(origin, type):
        return None
    if origin in (list, tuple, set, frozenset) or origin.__name__ in (
        "Sequence",
        "Iterable",
        "Collection",
        "MutableSequence",
        "Set",
    ):
        return list
    if issubclass(origin, dict) or origin.__name__ in ("Mapping", "MutableMapping"):
        return dict
    return None


def _shown(hint: Any) -> str:
    return getattr(hint, "__name__", None) if isinstance(hint, type) else str(hint).replace("typing.", "")  # type: ignore[return-value]


def _from_json(value: Any, hint: Any) -> Any:
    """A JSON VALUE as HINT wants it. Raises _Unfit."""
    if hint is Any or isinstance(hint, typing.TypeVar):
        return value
    members = _members(hint)
    if members is not None:
        if value is None and type(None) in members:
            return None
        problem = None
        for member in members:
            try:
                return _from_json(value, member)
            except _Unfit as unfit:
                problem = unfit
        raise problem or _Unfit("union", "no member of the Union fits")
    if isinstance(value, str):
        return _from_text(value, hint) if hint is not str else value
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    fields = getattr(origin, "__dataclass_fields__", None)
    if fields is not None and isinstance(value, dict):
        return _called(lambda given: origin(**given), value, origin.__name__)  # type: ignore[arg-type]
    wanted = _container(origin)
    if wanted is not None:
        if not isinstance(value, wanted):
            name = "list" if wanted is list else "dict"
            raise _Unfit(
                "%s_type" % name,
                "Input should be a valid %s" % ("list" if wanted is list else "dictionary"),
            )
        return _items(value, origin, inner)
    if (
        isinstance(value, bool)
        and origin in (int, float)
        or origin is bool
        and not isinstance(value, (bool, int))
    ):
        raise _Unfit("%s_type" % origin.__name__, "Input should be a valid %s" % origin.__name__)
    if origin is float and isinstance(value, int):
        return float(value)
    if isinstance(origin, type) and origin in _MAKERS and not isinstance(value, origin):
        raise _Unfit("%s_type" % origin.__name__, "Input should be a valid %s" % origin.__name__)
    return value


def _items(value: Any, origin: Any, inner: tuple) -> Any:
    if isinstance(value, dict):
        if len(inner) != 2:
            return value
        return {
            _from_json(key, inner[0]): _from_json(item, inner[1]) for key, item in value.items()
        }
    if origin is tuple and inner and not (len(inner) == 2 and inner[1] is Ellipsis):
        if len(value) != len(inner):
            raise _Unfit("tuple_type", "Input should have %d items" % len(inner))
        return tuple(_from_json(item, kind) for item, kind in zip(value, inner))
    made = [_from_json(item, inner[0]) for item in value] if inner else value
    return origin(made) if origin in (tuple, set, frozenset) else made
