# SPDX-License-Identifier: Apache-2.0
"""Python annotations as JSON schemas, in the dialect of OpenAPI 3.0.

An annotation that says nothing about JSON, or that cannot be evaluated, is the schema {}, which
anything satisfies: a description never fails for it. Classes with fields become components, so that
they may refer to themselves. Source: OpenAPI 3.0.3, "Schema Object"; what values become in JSON:
jsonable.py; what text of a GET call becomes: cast.py.
"""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, Callable, Dict, List

from . import cast, pydantic_schemas
from .hints import DEPTH_MAX, hints_of, is_typed_dict, plain

DEFAULT_MAX_CHARACTERS = 1000

Schema = Dict[str, Any]

NULL: Schema = {"type": "string", "nullable": True, "enum": [None]}
"""What only null satisfies: OpenAPI 3.0 has no type for it."""

_LITERAL = typing.get_origin(typing.Literal["x"])

_SIMPLE: Dict[str, Schema] = {
    "builtins.bool": {"type": "boolean"},
    "builtins.int": {"type": "integer"},
    "builtins.float": {"type": "number"},
    "builtins.complex": {"type": "string"},
    "builtins.str": {"type": "string"},
    "builtins.bytes": {"type": "string"},
    "builtins.bytearray": {"type": "string"},
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "datetime.timedelta": {"type": "number", "description": "seconds"},
    "decimal.Decimal": {"type": "number"},
    "fractions.Fraction": {"type": "number"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "pathlib.PurePath": {"type": "string", "format": "path"},
    "pathlib._local.PurePath": {"type": "string", "format": "path"},
}
_LISTS = frozenset(
    "list deque Sequence MutableSequence Iterable Collection Iterator Generator AsyncIterable "
    "AsyncIterator AsyncGenerator Reversible KeysView ValuesView".split()
)
_SETS = frozenset("set frozenset Set MutableSet".split())
_MAPS = frozenset("Mapping MutableMapping".split())

_TYPES: Dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Schemas:
    """Schemas of one document. components: name -> schema, for `#/components/schemas/NAME`."""

    def __init__(self) -> None:
        self.components: Dict[str, Schema] = {}
        self._names: Dict[Any, str] = {}

    def of(self, hint: Any) -> Schema:
        """The schema of an evaluated annotation."""
        try:
            return self._of(hint, 0)
        except Exception:  # an annotation may be any object, with any __eq__ or __getattr__
            return {}

    def add(self, name: str, schema: Schema) -> Schema:
        """Make SCHEMA the component NAME, or NAME_2 and so on when that is taken; the reference."""
        free, number = re.sub(r"[^A-Za-z0-9._-]", "_", name) or "_", 2
        while free in self.components:
            free, number = "%s_%d" % (re.sub(r"_\d+$", "", free), number), number + 1
        self.components[free] = schema
        return {"$ref": "#/components/schemas/" + free}

    def resolved(self, schema: Schema) -> Schema:
        """SCHEMA, or what it refers to."""
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.components.get(name, {}) if name else schema

    # -- one annotation

    def _of(self, hint: Any, depth: int) -> Schema:
        hint = plain(hint)
        if hint is None or hint is type(None):
            return dict(NULL)
        if hint is Any or hint is object or hint is inspect.Parameter.empty or depth > DEPTH_MAX:
            return {}
        members = cast._members(hint)
        if members is not None:
            return self._union(members, depth)
        origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin is _LITERAL:
            return enumeration(list(inner))
        if isinstance(hint, typing.TypeVar):
            return self._union(hint.__constraints__ or (hint.__bound__ or Any,), depth)
        if not isinstance(origin, type):
            return {}
        return self._of_class(origin, inner, depth)

    def _of_class(self, cls: type, inner: tuple, depth: int) -> Schema:
        names = ["%s.%s" % (base.__module__, base.__qualname__) for base in cls.__mro__]
        if "enum.Enum" in names:
            return enumeration([member.value for member in cls])  # type: ignore[attr-defined]
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return self._named_tuple(cls, depth)
        if is_typed_dict(cls):
            return self._component(cls, self._typed_dict, depth)
        if callable(getattr(cls, "model_json_schema", None)):
            return self._component(cls, self._model, depth)
        if hasattr(cls, "__dataclass_fields__"):
            return self._component(cls, self._dataclass, depth)
        for name in names:
            if name in _SIMPLE:
                return dict(_SIMPLE[name])
        if cls is tuple:
            return self._tuple(inner, depth)
        if issubclass(cls, dict) or cls.__name__ in _MAPS:
            return self._mapping(inner, depth)
        if cls.__name__ in ("Coroutine", "Awaitable"):
            return self._of(inner[-1], depth + 1) if inner else {}
        is_set = cls.__name__ in _SETS
        if is_set or cls.__name__ in _LISTS or issubclass(cls, (list, set, frozenset)):
            made: Schema = {"type": "array", "items": self._of(inner[0], depth + 1) if inner else {}}
            return dict(made, uniqueItems=True) if is_set else made
        return {}

    def _union(self, members: tuple, depth: int) -> Schema:
        kinds: List[Schema] = []
        for member in members:
            if member is type(None) or member is None:
                continue
            kind = self._of(member, depth + 1)
            if not kind:
                return {}
            if kind not in kinds:
                kinds.append(kind)
        is_nullable = type(None) in members or None in members
        if not kinds:
            return dict(NULL)
        if len(kinds) == 1:
            return nullable(kinds[0]) if is_nullable else kinds[0]
        return {"anyOf": kinds + ([dict(NULL)] if is_nullable else [])}

    def _mapping(self, inner: tuple, depth: int) -> Schema:
        items = self._of(inner[1], depth + 1) if len(inner) == 2 else {}
        return {"type": "object", "additionalProperties": items or True}

    def _tuple(self, inner: tuple, depth: int) -> Schema:
        if not inner:
            return {"type": "array", "items": {}}
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": self._of(inner[0], depth + 1)}
        if inner == ((),):  # Tuple[()] before 3.11
            inner = ()
        items = self._union(tuple(inner), depth) if inner else {}
        return {"type": "array", "items": items, "minItems": len(inner), "maxItems": len(inner)}

    def _named_tuple(self, cls: Any, depth: int) -> Schema:
        hints = hints_of(cls)
        made = self._tuple(tuple(hints.get(name, Any) for name in cls._fields), depth)
        made["minItems"] -= len(getattr(cls, "_field_defaults", ()))
        made["description"] = "%s: %s" % (cls.__name__, ", ".join(cls._fields))
        return made

    # -- classes that become components

    def _component(self, cls: type, make: Callable[[Any, int], Schema], depth: int) -> Schema:
        if cls not in self._names:
            reference = self.add(cls.__name__, {})  # first, since the class may refer to itself
            self._names[cls] = reference["$ref"].rpartition("/")[2]
            try:
                self.components[self._names[cls]] = make(cls, depth)
            except Exception:
                self.components[self._names[cls]] = {"type": "object", "title": cls.__name__}
        return {"$ref": "#/components/schemas/" + self._names[cls]}

    def _object(self, cls: type, properties: Dict[str, Schema], required: List[str]) -> Schema:
        made: Schema = {"type": "object", "title": cls.__name__, "properties": properties}
        if required:
            made["required"] = required
        text = cls.__dict__.get("__doc__")
        if text and not text.startswith(cls.__name__ + "("):  # what @dataclass writes itself
            made["description"] = inspect.cleandoc(text)
        return made

    def _dataclass(self, cls: Any, depth: int) -> Schema:
        from dataclasses import MISSING, fields

        hints, properties, required = hints_of(cls), {}, []
        for field in fields(cls):
            if field.name.startswith("_") or not field.init:
                continue
            schema = self._of(hints.get(field.name, Any), depth + 1)
            if field.default is not MISSING:
                schema = self.with_default(schema, field.default)
            elif field.default_factory is MISSING:
                required.append(field.name)
            properties[field.name] = schema
        return self._object(cls, properties, required)

    def _typed_dict(self, cls: Any, depth: int) -> Schema:
        properties = {name: self._of(hint, depth + 1) for name, hint in hints_of(cls).items()}
        required = [n for n in properties if n in getattr(cls, "__required_keys__", properties)]
        return self._object(cls, properties, required)

    def _model(self, cls: Any, depth: int) -> Schema:
        return pydantic_schemas.convert(cls.model_json_schema(), self.add, self.components.__setitem__)

    # -- defaults and examples

    def with_default(self, schema: Schema, default: Any) -> Schema:
        """SCHEMA with its default, when that has a JSON form that fits."""
        if default is None:
            schema = nullable(schema)
        value = _json_value(default)
        if value is _NO_VALUE or "$ref" in schema or not fits(value, schema):
            return schema
        return dict(schema, default=value)

    def example(self, schema: Schema, depth: int = 0) -> Any:
        """A value that SCHEMA takes, to begin with when trying a call out."""
        schema = self.resolved(schema)
        if "default" in schema:
            return schema["default"]
        if schema.get("enum"):
            return schema["enum"][0]
        if depth > 4 and schema.get("nullable"):
            return None
        for choice in ("anyOf", "oneOf", "allOf"):
            if schema.get(choice):
                return self.example(schema[choice][0], depth + 1)
        kind = schema.get("type")
        if kind == "object":
            wanted = schema.get("required", ()) if depth <= DEPTH_MAX else ()
            properties = schema.get("properties", {})
            return {name: self.example(properties.get(name, {}), depth + 1) for name in wanted}
        if kind == "array":
            count = schema.get("minItems", 0)
            return [self.example(schema.get("items", {}), depth + 1) for _ in range(count)]
        return _EXAMPLES.get(schema.get("format", ""), _EXAMPLES.get(kind or "", "string"))


_EXAMPLES: Dict[str, Any] = {
    "boolean": False,
    "integer": 0,
    "number": 0,
    "string": "string",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00",
    "time": "12:00:00",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
}

_NO_VALUE = object()


def _json_value(value: Any, depth: int = 0) -> Any:
    """VALUE as JSON has it, or _NO_VALUE."""
    if any(base.__module__ == "enum" for base in type(value).__mro__):
        value = getattr(value, "value", value)
    if value is None or isinstance(value, (bool, int, str)):
        return value if not isinstance(value, str) or len(value) <= DEFAULT_MAX_CHARACTERS else _NO_VALUE
    if isinstance(value, float):
        return value if value - value == 0 else _NO_VALUE
    if depth > 4 or not isinstance(value, (list, tuple, dict)) or len(value) > 100:
        return _NO_VALUE
    if isinstance(value, dict):
        made: Any = {name: _json_value(item, depth + 1) for name, item in value.items()}
        is_whole = all(isinstance(name, str) for name in made) and _NO_VALUE not in made.values()
    else:
        made = [_json_value(item, depth + 1) for item in value]
        is_whole = not any(item is _NO_VALUE for item in made)
    return made if is_whole and len(repr(made)) <= DEFAULT_MAX_CHARACTERS else _NO_VALUE


def fits(value: Any, schema: Schema) -> bool:
    """Does VALUE satisfy SCHEMA? False when that cannot be told here."""
    if "$ref" in schema:
        return False
    if value is None and schema and not schema.get("anyOf"):
        return bool(schema.get("nullable")) and None in schema.get("enum", [None])
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "anyOf" in schema:
        return any(fits(value, choice) for choice in schema["anyOf"])
    if "type" in schema and not _TYPES[schema["type"]](value):
        return False
    if isinstance(value, list):
        count, items = len(value), schema.get("items", {})
        return schema.get("minItems", 0) <= count <= schema.get("maxItems", count) and all(
            fits(item, items) for item in value
        )
    if isinstance(value, dict):
        rest = schema.get("additionalProperties", {})
        return "properties" not in schema and (
            rest is True or all(fits(item, rest) for item in value.values())
        )
    return True


def nullable(schema: Schema) -> Schema:
    """SCHEMA, or null."""
    if not schema or schema.get("nullable"):
        return schema
    if "type" not in schema:
        choices = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        return {"anyOf": choices + ([] if NULL in choices else [dict(NULL)])}
    made = dict(schema, nullable=True)
    if "enum" in made:
        made["enum"] = made["enum"] + [None]
    return made


def enumeration(values: List[Any]) -> Schema:
    """One of VALUES, of a Literal or an enum."""
    values = [_json_value(value) for value in values]
    if not values or any(value is _NO_VALUE for value in values):
        return {}
    kinds = [value for value in values if value is not None]
    made: Schema = {"enum": kinds}
    for name in ("boolean", "integer", "number", "string"):
        if kinds and all(_TYPES[name](value) for value in kinds):
            made = {"type": name, "enum": kinds}
            break
    return nullable(made) if len(kinds) < len(values) else made
