# SPDX-License-Identifier: Apache-2.0
"""DESCRIBE: the OpenAPI 3.0 document of one key, made from its real signatures.

Each public method has `POST /<key>/<method>`, whose body is the bare object of arguments or the
fields of a call, and `GET /<key>/<method>` with the arguments in the query where they can stand
there. Properties can be read by GET. Source: http-api.md section 6, docs/http-api.md.
"""

from __future__ import annotations

import inspect
from inspect import Parameter
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import quote

from . import errors, objects
from .current import BAD
from .hints import hints_of, innermost, signature_of
from .jsonable import dumps_plain
from .lazy import LazyEntry
from .modules import FunctionEntry, ModuleEntry
from .openapi_common import (
    CALL_FIELDS,
    FIELD_ORDER,
    PARAMETERS,
    RESPONSES,
    SCHEMAS,
    references,
    responses,
)
from .schemas import Schema, Schemas, nullable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .calls import Answer
    from .objects import Entry

QUERY_FIELDS = frozenset("data serialization run_name stream_logs save remote _bare".split())
"""Never arguments of a GET call. Source: docs/http-api.md."""

BODY_FIELDS = QUERY_FIELDS - {"_bare"}
"""An argument of such a name makes a POST look like one with fields."""

RESERVED = frozenset(("openapi.json", "docs", "redoc"))
"""GET of these under a key is about the key."""

GENERIC = {
    "get": "The stored result of a run, or null.",
    "get_or_call": "The stored result of a run, or the result of a new call.",
    "map": "The function over the items of several lists, taken side by side.",
    "starmap": "The function over a list of lists of arguments.",
}
"""What every function has besides its call."""


GENERIC_TAG = "every function"


class Operation(NamedTuple):
    """fn is None for a property, whose getter is then read by GET. tag: under which it is shown."""

    name: str
    tag: str
    fn: Any
    getter: Any = None
    text: str = ""


class Arguments(NamedTuple):
    """What a callable takes.

    named: (parameter, schema) of what can be given by name. first: of positional-only ones. rest:
    schema of *args, extra: (name, schema) of **kwargs, or None when it has none.
    """

    named: List[Tuple[Parameter, Schema]]
    first: List[Tuple[Parameter, Schema]]
    rest: Optional[Schema]
    extra: Optional[Tuple[str, Schema]]


def describe(
    call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: object
) -> Answer:
    """The document of KEY as JSON; 404 for unknown keys and for what has no methods of its own."""
    entry = objects.entries.get(key)
    if not isinstance(entry, (FunctionEntry, ModuleEntry, LazyEntry)):
        return 404, BAD, errors.detail_body("Module %s not found." % key)
    return dumps_plain(document(key, entry)).encode("utf-8", "replace")


def document(key: str, entry: Entry) -> Dict[str, Any]:
    """The document of ENTRY. Raises what the import of the user's code raises."""
    schemas = Schemas()
    for name, schema in SCHEMAS.items():
        schemas.add(name, schema)
    paths: Dict[str, Any] = {}
    for operation in _operations(entry):
        path = "/%s/%s" % (quote(key, safe=""), quote(operation.name, safe=""))
        if operation.fn is None:
            paths[path] = {"get": _read(operation, schemas)}
        else:
            paths[path] = _Call(operation, schemas).path_item()
    return {
        "openapi": "3.0.3",
        "info": _info(key, entry),
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": PARAMETERS,
            "responses": RESPONSES,
        },
    }


def _info(key: str, entry: Entry) -> Dict[str, str]:
    subject = innermost(entry.fn) if isinstance(entry, FunctionEntry) else type(entry.value)
    made = {"title": key, "version": "1.0.0"}
    text = _doc(subject) if not isinstance(entry, LazyEntry) else ""
    if text:
        made["description"] = text
    return made


def _doc(subject: Any) -> str:
    try:
        return inspect.getdoc(subject) or ""
    except Exception:
        return ""


# ---------------------------------------------------------------- what a key has


def _operations(entry: Entry) -> Iterator[Operation]:
    if isinstance(entry, FunctionEntry):
        yield Operation("call", entry.key, entry.function())
        own = entry.methods()
        for name, text in GENERIC.items():
            yield Operation(name, GENERIC_TAG, own[name], text=text)
        return
    value = entry.value
    for name in sorted(_public_names(value)):
        static = inspect.getattr_static(value, name, None)
        if isinstance(static, property) or type(static).__name__ == "cached_property":
            getter = getattr(static, "fget", None) or getattr(static, "func", None)
            yield Operation(name, entry.key, None, getter)
            continue
        if isinstance(static, type) or not (callable(static) or hasattr(static, "__get__")):
            continue
        try:
            method = getattr(value, name)
        except Exception:
            continue
        if callable(method):
            yield Operation(name, entry.key, method)


def _public_names(value: Any) -> List[str]:
    """Names of VALUE's class and of VALUE itself, without those of the client's own base classes."""
    found = set(getattr(value, "__dict__", None) or ())
    for cls in type(value).__mro__:
        if cls is not object and cls.__module__.partition(".")[0] != "runhouse":
            found.update(cls.__dict__)
    return [name for name in found if isinstance(name, str) and not name.startswith("_")]


# ---------------------------------------------------------------- one operation


def _read(operation: Operation, schemas: Schemas) -> Dict[str, Any]:
    """GET of a property."""
    hints = hints_of(innermost(operation.getter)) if operation.getter is not None else {}
    text = _doc(operation.getter) or "Read the property %s." % operation.name
    return {
        "operationId": "get_" + operation.name,
        "tags": [operation.tag],
        "summary": text.partition("\n")[0],
        "description": text,
        "parameters": references("_bare", "serialization", "run_name"),
        "responses": responses(schemas.of(hints.get("return", Any)), by_get=True),
    }


class _Call:
    """The operations of one callable."""

    def __init__(self, operation: Operation, schemas: Schemas) -> None:
        self.name, self.tag = operation.name, operation.tag
        self.schemas = schemas
        inner = innermost(operation.fn)
        hints = hints_of(inner)
        self.text = operation.text or _doc(inner)
        self.kind = _kind(inner)
        self.result = schemas.of(hints.get("return", Any))
        self.arguments = _arguments(signature_of(operation.fn), hints, schemas)

    def path_item(self) -> Dict[str, Any]:
        made = {"post": self._post()}
        if self._can_get():
            made["get"] = self._get()
        return made

    def _common(self, verb: str) -> Dict[str, Any]:
        text = "\n\n".join(part for part in (self.text, self.kind) if part)
        return {
            "operationId": "%s_%s" % (verb, self.name),
            "tags": [self.tag],
            "summary": self.text.partition("\n")[0],
            "description": text,
        }

    # -- POST

    def _post(self) -> Dict[str, Any]:
        bare, fields = self._bare_schema(), self._fields_schema()
        return dict(
            self._common("post"),
            parameters=references("_bare"),
            requestBody={
                "required": self._needs_any(),
                "content": {
                    "application/json": {
                        "schema": {"anyOf": [bare, fields]} if bare else fields,
                        "examples": self._examples(bare, fields),
                    }
                },
            },
            responses=responses(self.result, by_get=False),
        )

    def _needs_any(self) -> bool:
        given = self.arguments.named + self.arguments.first
        return any(parameter.default is parameter.empty for parameter, _ in given)

    def _bare_schema(self) -> Optional[Schema]:
        """The plain object of arguments; None when some can only be given in order."""
        if any(parameter.default is parameter.empty for parameter, _ in self.arguments.first):
            return None
        return self.schemas.add(self.name + "_arguments", self._kwargs())

    def _kwargs(self) -> Schema:
        named, extra = self.arguments.named, self.arguments.extra
        made: Schema = {
            "title": "%s: the arguments" % self.name,
            "type": "object",
            "properties": {parameter.name: schema for parameter, schema in named},
            "additionalProperties": (extra[1] or True) if extra else False,
        }
        required = [p.name for p, _ in named if p.default is p.empty]
        if required:
            made["required"] = required
        return made

    def _fields_schema(self) -> Schema:
        """The call body of http-api.md section 6, `data` as serialization `none` has it."""
        named, first, rest = self.arguments.named, self.arguments.first, self.arguments.rest
        properties = {"kwargs": self._kwargs()}
        if first or rest is not None:
            properties["args"] = self._args()
        data: Schema = {"title": "data", "type": "object", "properties": properties}
        required = []
        if any(p.default is p.empty for p, _ in named):
            required.append("kwargs")
        if any(p.default is p.empty for p, _ in first):
            required.append("args")
        if required:
            data["required"] = required
        made = dict(CALL_FIELDS, data=data if required else nullable(data))
        schema = {
            "title": "%s: a call with fields" % self.name,
            "type": "object",
            "properties": {name: made[name] for name in FIELD_ORDER},
            "required": ["run_name", "data"] if required else ["run_name"],
        }
        return self.schemas.add(self.name + "_body_schema", schema)

    def _args(self) -> Schema:
        first, rest = self.arguments.first, self.arguments.rest
        kinds = [schema for _, schema in first] + ([] if rest is None else [rest])
        made: Schema = {"type": "array", "items": {}}
        if len(kinds) == 1:
            made["items"] = kinds[0]
        elif kinds and all(kinds):
            made["items"] = {"anyOf": kinds}
        made["minItems"] = sum(1 for p, _ in first if p.default is p.empty)
        if rest is None:
            made["maxItems"] = len(first)
        names = ", ".join(p.name for p, _ in first)
        if names:
            made["description"] = "In this order: %s" % names
        return made

    def _examples(self, bare: Optional[Schema], fields: Schema) -> Dict[str, Any]:
        """All arguments that can be given by name, ready to be edited."""
        named = {p.name: self.schemas.example(schema) for p, schema in self.arguments.named}
        required = [self.schemas.example(s) for p, s in self.arguments.first if p.default is p.empty]
        data: Dict[str, Any] = {"kwargs": named}
        if required:
            data["args"] = required
        made: Dict[str, Any] = {}
        if bare and not BODY_FIELDS.intersection(named):
            made["bare"] = {"summary": "the arguments alone", "value": named}
        call = {"run_name": "docs", "data": data}
        made["fields"] = {"summary": "a call with fields", "value": call}
        return made

    # -- GET

    def _can_get(self) -> bool:
        if self.name in RESERVED:
            return False
        given = self.arguments.named + self.arguments.first
        positional = {p.name for p, _ in self.arguments.first}
        return not any(
            p.default is p.empty and (p.name in QUERY_FIELDS or p.name in positional)
            for p, _ in given
        )

    def _get(self) -> Dict[str, Any]:
        parameters: List[Dict[str, Any]] = []
        for parameter, schema in self.arguments.named:
            if parameter.name not in QUERY_FIELDS:
                parameters.append(self._query_parameter(parameter, schema))
        if self.arguments.extra and self.arguments.extra[0] not in QUERY_FIELDS:
            name, schema = self.arguments.extra
            free = {"type": "object", "additionalProperties": schema or {"type": "string"}}
            parameters.append(
                {"name": name, "in": "query", "style": "form", "explode": True, "schema": free}
            )
        parameters += references(
            "_bare", "serialization", "run_name", "stream_logs", "remote"
        )
        return dict(
            self._common("get"),
            parameters=parameters,
            responses=responses(self.result, by_get=True),
        )

    def _query_parameter(self, parameter: Parameter, schema: Schema) -> Dict[str, Any]:
        made: Dict[str, Any] = {
            "name": parameter.name,
            "in": "query",
            "required": parameter.default is parameter.empty,
        }
        if _is_text(schema):
            made["schema"] = schema or {"type": "string"}
        else:  # JSON in the text: cast.py
            made["content"] = {"application/json": {"schema": schema}}
        return made


def _is_text(schema: Schema) -> bool:
    """Can the value stand in a query as it is?"""
    if "anyOf" in schema:
        return all(_is_text(choice) for choice in schema["anyOf"])
    return "$ref" not in schema and schema.get("type") not in ("array", "object")


def _kind(fn: Any) -> str:
    """What its caller should know about how FN answers."""
    if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        name = "An async generator" if inspect.isasyncgenfunction(fn) else "A generator"
        return (
            name + ": a bare call answers the list of its items, any other says where to ask for "
            "the next one."
        )
    if inspect.iscoroutinefunction(fn):
        return "A coroutine: the answer comes when it has ended."
    return ""


def _arguments(
    signature: Optional[inspect.Signature], hints: Dict[str, Any], schemas: Schemas
) -> Arguments:
    if signature is None:  # it may take anything
        return Arguments([], [], {}, ("kwargs", {}))
    made = Arguments([], [], None, None)
    for parameter in signature.parameters.values():
        hint = hints.get(parameter.name, parameter.annotation)
        schema = schemas.of(hint)
        if parameter.kind is Parameter.VAR_POSITIONAL:
            made = made._replace(rest=schema)
        elif parameter.kind is Parameter.VAR_KEYWORD:
            is_unpacked = getattr(hint, "__origin__", None) is not None and "Unpack" in repr(hint)
            made = made._replace(extra=(parameter.name, {} if is_unpacked else schema))
        else:
            if parameter.default is not parameter.empty:
                schema = schemas.with_default(schema, parameter.default)
            is_first = parameter.kind is Parameter.POSITIONAL_ONLY
            (made.first if is_first else made.named).append((parameter, schema))
    return made
