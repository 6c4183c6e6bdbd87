# SPDX-License-Identifier: Apache-2.0
"""What the documents of all keys have in common: fields, query parameters, answers."""

from __future__ import annotations

from typing import Any, Dict, List

from .schemas import Schema

def references(*names: str) -> List[Dict[str, Any]]:
    return [{"$ref": "#/components/parameters/" + name} for name in names]


def responses(result: Schema, by_get: bool) -> Dict[str, Any]:
    envelope = {"$ref": "#/components/schemas/envelope"}
    kinds = [envelope, result] if by_get else [result, envelope]
    text = (
        "The result: in an envelope, or the plain value of a bare call."
        if by_get
        else "The result: the plain value, or an envelope where `serialization` asks for one."
    )
    made: Dict[str, Any] = {
        "200": {"description": text, "content": {"application/json": {"schema": {"anyOf": kinds}}}}
    }
    for status in RESPONSES:
        made[status[1:]] = {"$ref": "#/components/responses/" + status}
    return made


_DETAIL = {"$ref": "#/components/schemas/detail"}

SCHEMAS: Dict[str, Schema] = {
    "envelope": {
        "type": "object",
        "properties": {
            "data": {},
            "output_type": {
                "type": "string",
                "enum": ["result_serialized", "success", "config", "exception"],
            },
            "serialization": {"type": "string", "nullable": True, "enum": ["json", "pickle", None]},
        },
        "required": ["data", "output_type", "serialization"],
    },
    "detail": {
        "type": "object",
        "properties": {"detail": {"type": "string"}, "request_id": {"type": "string"}},
        "required": ["detail"],
    },
    "misfits": {
        "type": "object",
        "properties": {
            "detail": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "loc": {"type": "array", "items": {}},
                        "msg": {"type": "string"},
                        "input": {},
                    },
                    "required": ["type", "loc", "msg"],
                },
            }
        },
        "required": ["detail"],
    },
}


def _response(text: str, *schemas: Schema) -> Dict[str, Any]:
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


RESPONSES: Dict[str, Any] = {
    "_404": _response("No such module or method.", _DETAIL),
    "_422": _response("The arguments do not fit.", {"$ref": "#/components/schemas/misfits"}),
    "_500": _response(
        "The function raised, or its result has no JSON form.",
        _DETAIL,
        {"$ref": "#/components/schemas/envelope"},
    ),
    "_503": _response("Busy: try again after the seconds of Retry-After.", _DETAIL),
}

_RUN_NAME: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_@-][A-Za-z0-9_.@-]*$",
    "minLength": 1,
    "maxLength": 512,
}

FIELD_ORDER = ("run_name", "data", "serialization", "stream_logs", "save", "remote")

CALL_FIELDS: Dict[str, Schema] = {
    "run_name": dict(_RUN_NAME, description="Names the run, for /logs."),
    "serialization": {
        "type": "string",
        "nullable": True,
        "default": "none",
        "enum": ["none", "json", "pickle", None],
        "description": "The form of `data` and of the answer; `data` is shown as `none` has it.",
    },
    "stream_logs": {
        "type": "boolean",
        "nullable": True,
        "default": False,
        "description": "Keep what the call prints for /logs.",
    },
    "save": {"type": "boolean", "nullable": True, "default": False, "description": "No effect."},
    "remote": {
        "type": "boolean",
        "nullable": True,
        "default": False,
        "description": "Answer with the config of the result.",
    },
}


def _parameter(name: str, schema: Schema, text: str) -> Dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


PARAMETERS: Dict[str, Any] = {
    "_bare": _parameter(
        "_bare", {"type": "boolean", "default": False}, "Answer with the plain value."
    ),
    "serialization": _parameter(
        "serialization",
        {"type": "string", "enum": ["json", "none", "pickle"], "default": "json"},
        "The form of the result.",
    ),
    "run_name": _parameter("run_name", _RUN_NAME, "Names the run; made up when absent."),
    "stream_logs": _parameter(
        "stream_logs",
        {"type": "boolean", "default": False},
        "Keep what the call prints for /logs; needs a run_name.",
    ),
    "remote": _parameter(
        "remote", {"type": "boolean", "default": False}, "Answer with the config of the result."
    ),
}
