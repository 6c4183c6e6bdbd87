# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of a pydantic model, put into the dialect of OpenAPI 3.0.

pydantic writes JSON Schema 2020-12; OpenAPI 3.0 knows no type `null`, no `const`, no numbers as
exclusive bounds, no `prefixItems`, no `$defs`. Nothing of pydantic is imported.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

Schema = Dict[str, Any]

_KEPT = frozenset(
    "title description enum format pattern minLength maxLength minItems maxItems uniqueItems "
    "minProperties maxProperties multipleOf minimum maximum readOnly writeOnly deprecated".split()
)
_NULL: Schema = {"type": "string", "nullable": True, "enum": [None]}


def convert(
    schema: Schema,
    add: Callable[[str, Schema], Schema],
    put: Callable[[str, Schema], None],
) -> Schema:
    """SCHEMA with its $defs made components: ADD reserves a name, PUT fills it."""
    references = {}
    definitions = schema.get("$defs") or {}
    for name in definitions:
        references["#/$defs/" + name] = add(name, {})["$ref"]
    for name, definition in definitions.items():
        put(references["#/$defs/" + name].rpartition("/")[2], _node(definition, references))
    return _node(schema, references)


def _node(node: Any, references: Dict[str, str]) -> Schema:
    if not isinstance(node, dict):
        return {} if node else {"not": {}}
    if "$ref" in node:
        return {"$ref": references.get(node["$ref"], node["$ref"])}
    made = {name: value for name, value in node.items() if name in _KEPT}
    for name in ("allOf", "anyOf", "oneOf"):
        if node.get(name):
            _choices(made, name, node[name], references)
    if "not" in node:
        made["not"] = _node(node["not"], references)
    if "const" in node:
        made["enum"] = [node["const"]]
    if node.get("examples"):
        made["example"] = node["examples"][0]
    _bounds(made, node)
    _type(made, node)
    if made.get("type") == "array":
        _items(made, node, references)
    elif made.get("type") == "object":
        _members(made, node, references)
    if node.get("discriminator"):
        made["discriminator"] = _discriminator(node["discriminator"], references)
    return made


def _choices(made: Schema, name: str, choices: List[Any], references: Dict[str, str]) -> None:
    kinds = [_node(c, references) for c in choices if c != {"type": "null"}]
    if len(kinds) == len(choices):
        made[name] = kinds
    elif len(kinds) == 1 and "type" in kinds[0]:
        made.update(kinds[0], nullable=True)
        if "enum" in made:
            made["enum"] = made["enum"] + [None]
    else:
        made[name] = kinds + [dict(_NULL)]


def _type(made: Schema, node: Schema) -> None:
    kind = node.get("type")
    if isinstance(kind, list):
        kinds = [one for one in kind if one != "null"]
        if len(kinds) == 1:
            made["type"] = kinds[0]
        if len(kinds) < len(kind) and len(kinds) == 1:
            made["nullable"] = True
    elif kind == "null":
        made.update(_NULL)
    elif kind:
        made["type"] = kind


def _bounds(made: Schema, node: Schema) -> None:
    for name, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        bound = node.get(name)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            made[plain], made[name] = bound, True


def _items(made: Schema, node: Schema, references: Dict[str, str]) -> None:
    first = node.get("prefixItems")
    if first:
        kinds = [_node(item, references) for item in first]
        made["items"] = {"anyOf": kinds} if len(kinds) > 1 else kinds[0]
    else:
        made["items"] = _node(node.get("items", True), references)


def _members(made: Schema, node: Schema, references: Dict[str, str]) -> None:
    if node.get("properties"):
        made["properties"] = {n: _node(p, references) for n, p in node["properties"].items()}
    if node.get("required"):
        made["required"] = list(node["required"])
    rest = node.get("additionalProperties")
    if rest is not None:
        made["additionalProperties"] = rest if isinstance(rest, bool) else _node(rest, references)


def _discriminator(given: Schema, references: Dict[str, str]) -> Schema:
    mapping = {v: references.get(r, r) for v, r in (given.get("mapping") or {}).items()}
    made: Schema = {"propertyName": given["propertyName"]}
    if mapping:
        made["mapping"] = mapping
    return made
