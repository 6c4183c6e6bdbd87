# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI documents that DESCRIBE answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from described import ALL
from ext_worker import interpreters

HERE = Path(__file__).resolve().parent
NULL = {"type": "string", "nullable": True, "enum": [None]}
POINT = {"$ref": "#/components/schemas/Point"}


@pytest.fixture
def described(w, home):
    """described(name): the document of that function or class of described.py."""
    shutil.copy(HERE / "described.py", home / "subject.py")

    def describe(name, key=None):
        key = key or name
        data = json.dumps({"file": "subject.py", "attr": name}).encode()
        assert w.raw("load", key=key, data=data).status == 200
        reply = w.raw("describe", key=key)
        assert (reply.status, reply.outcome) == (200, 0)
        return reply.body

    return describe


def parameters(document, method="call"):
    """The schemas of what the method takes by name."""
    return document["components"]["schemas"][method + "_arguments"]["properties"]


def query(document, key, method="call"):
    operation = document["paths"]["/%s/%s" % (key, method)]["get"]
    return {p["name"]: p for p in operation["parameters"] if "name" in p}


# ---------------------------------------------------------------- all of it


@pytest.mark.parametrize("name", ALL)
def test_every_document_is_valid(described, name):
    validator = pytest.importorskip("openapi_spec_validator")
    document = described(name)
    validator.validate(document, cls=validator.OpenAPIV30SpecValidator)
    assert document["info"]["title"] == name


def on_another(python, home):
    """The documents as that interpreter makes them."""
    done = subprocess.run(
        [python, str(HERE / "described.py"), str(home)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def programs():
    """One interpreter of each kind, without the ways of loading it."""
    return sorted({path.split(":")[-1] for path in interpreters()} - {sys.executable})


@pytest.mark.parametrize("python", programs())
def test_every_interpreter_makes_the_same(python, home):
    shutil.copy(HERE / "described.py", home / "subject.py")
    ours, theirs = on_another(sys.executable, home), on_another(python, home)
    for name in ALL:
        assert theirs[name] == ours[name]


# ---------------------------------------------------------------- operations


def test_function_has_its_call_by_post_and_get(described):
    paths = described("concat")["paths"]
    assert list(paths)[0] == "/concat/call"
    assert set(paths["/concat/call"]) == {"get", "post"}
    assert set(paths) == {"/concat/" + m for m in ("call", "get", "get_or_call", "map", "starmap")}
    post = paths["/concat/call"]["post"]
    assert post["summary"] == "Join two texts."
    assert post["description"] == "Join two texts.\n\nIn this order."
    assert post["requestBody"]["required"] is True
    content = post["requestBody"]["content"]["application/json"]
    assert content["schema"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/call_arguments"},
            {"$ref": "#/components/schemas/call_body_schema"},
        ]
    }
    examples = {name: item["value"] for name, item in content["examples"].items()}
    assert examples["bare"] == {"a": "string", "b": "house"}
    assert examples["fields"] == {"run_name": "docs", "data": {"kwargs": examples["bare"]}}
    assert set(post["responses"]) == {"200", "404", "422", "500", "503"}


def test_arguments_and_body_schema(described):
    schemas = described("concat")["components"]["schemas"]
    wanted = {
        "title": "call: the arguments",
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string", "default": "house"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert schemas["call_arguments"] == wanted
    body = schemas["call_body_schema"]
    assert body["required"] == ["run_name", "data"]
    assert body["properties"]["data"]["properties"] == {"kwargs": wanted}
    assert body["properties"]["data"]["required"] == ["kwargs"]
    assert list(body["properties"]) == [
        "run_name", "data", "serialization", "stream_logs", "save", "remote",
    ]  # fmt: skip


def test_query_of_get(described):
    found = query(described("concat"), "concat")
    assert found["a"] == {"name": "a", "in": "query", "required": True, "schema": {"type": "string"}}
    assert found["b"]["required"] is False
    references = described("concat")["paths"]["/concat/call"]["get"]["parameters"][2:]
    names = [item["$ref"].rpartition("/")[2] for item in references]
    assert names == ["_bare", "serialization", "run_name", "stream_logs", "remote"]


def test_containers_stand_in_a_query_as_json(described):
    found = query(described("containers"), "containers")
    assert found["i"]["content"]["application/json"]["schema"]["items"] == {"type": "integer"}
    assert "schema" not in found["i"]


def test_class_has_its_public_methods_and_properties(described):
    document = described("Thing", key="thing")
    paths = {path.rpartition("/")[2]: set(item) for path, item in document["paths"].items()}
    both = {"get", "post"}
    assert paths == {
        "add": both, "later": both, "ping": both, "kind": both, "hook": {"post"}, "docs": {"post"},
        "doubled": {"get"}, "slow": {"get"}, "angry": {"get"},
    }  # fmt: skip
    assert document["info"]["description"] == "A thing."
    assert document["paths"]["/thing/doubled"]["get"]["summary"] == "Twice of it."
    assert parameters(document, "add") == {"by": {"type": "integer", "default": 1}}
    assert parameters(document, "ping") == {}
    assert list(parameters(document, "kind")) == ["colour"]
    assert "data" not in document["components"]["schemas"]["add_body_schema"]["required"]


@pytest.mark.parametrize(
    "name, word",
    [("generator", "generator"), ("coroutine", "coroutine"), ("async_generator", "async generator")],
)
def test_kinds_are_named_in_the_description(described, name, word):
    text = described(name)["paths"]["/%s/call" % name]["post"]["description"]
    assert word in text.lower()


def test_arguments_in_order_only(described):
    document = described("in_order")
    assert set(document["paths"]["/in_order/call"]) == {"post"}
    data = document["components"]["schemas"]["call_body_schema"]["properties"]["data"]
    assert data["required"] == ["args"]
    args = data["properties"]["args"]
    assert (args["minItems"], args["maxItems"]) == (1, 2)
    assert args["description"] == "In this order: a, b"
    assert "call_arguments" not in document["components"]["schemas"]


def test_variable_arguments(described):
    document = described("anything")
    schemas = document["components"]["schemas"]
    assert schemas["call_arguments"]["additionalProperties"] == {"type": "boolean"}
    assert schemas["call_arguments"]["required"] == ["key"]
    args = schemas["call_body_schema"]["properties"]["data"]["properties"]["args"]
    assert args == {"type": "array", "items": {"type": "integer"}, "minItems": 0}
    assert query(document, "anything")["rest"]["schema"]["type"] == "object"


def test_names_that_get_cannot_give(described):
    document = described("reserved")
    assert set(document["paths"]["/reserved/call"]) == {"post"}
    examples = document["paths"]["/reserved/call"]["post"]["requestBody"]["content"]
    assert set(examples["application/json"]["examples"]) == {"fields"}


def test_decorated_and_partial_functions(described):
    assert list(parameters(described("decorated"))) == ["a", "b"]
    assert list(parameters(described("halfway"))) == ["b"]


# ---------------------------------------------------------------- schemas


@pytest.mark.parametrize(
    "name, argument, schema",
    [
        ("plain", "a", {}),
        ("plain", "c", {"default": 3}),
        ("numbers", "i", {"type": "integer"}),
        ("numbers", "f", {"type": "number"}),
        ("numbers", "b", {"type": "boolean"}),
        ("numbers", "d", {"type": "number"}),
        ("numbers", "n", {"anyOf": [{"type": "integer"}, {"type": "number"}]}),
        ("numbers", "u", {"type": "integer"}),
        ("numbers", "c", {"type": "string"}),
        ("maybe", "o", {"type": "integer", "nullable": True}),
        ("maybe", "s", {"type": "string", "nullable": True, "default": None}),
        ("maybe", "u", {"type": "integer", "nullable": True, "default": None}),
        ("maybe", "v", {"anyOf": [{"type": "integer"}, {"type": "string"}, NULL], "default": 3}),
        ("containers", "l", {"type": "array", "items": {}}),
        ("containers", "s", {"type": "array", "items": {"type": "string"}}),
        ("containers", "d", {"type": "object", "additionalProperties": POINT}),
        ("containers", "r", {"type": "array", "items": {"type": "integer"}, "default": []}),
        ("containers", "e", {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        ("containers", "m", {"type": "object", "additionalProperties": True, "default": {}}),
        ("choices", "a", {"type": "string", "enum": ["x", "y"], "default": "x"}),
        ("choices", "b", {"type": "integer", "nullable": True, "enum": [1, None], "default": 1}),
        ("choices", "c", {"type": "string", "enum": ["red", "blue"], "default": "red"}),
        ("choices", "d", {"default": None}),
        ("texts", "t", {"type": "string", "format": "date-time"}),
        ("texts", "u", {"type": "string", "format": "uuid"}),
        ("texts", "p", {"type": "string", "format": "path"}),
        ("texts", "s", {"type": "number", "description": "seconds"}),
        ("classes", "p", POINT),
        ("classes", "q", {"anyOf": [POINT, NULL], "default": None}),
        ("classes", "ps", {"type": "array", "items": POINT, "default": []}),
        ("broken", "a", {"default": None}),
        ("broken", "b", {"default": 3}),
        ("broken", "c", {"default": None}),
        ("broken", "d", {"type": "array", "items": POINT, "default": []}),
        ("broken", "e", {"default": 1}),
        ("misleading", "a", {"type": "integer"}),
        ("misleading", "b", {"type": "array", "items": {"type": "integer"}}),
        ("misleading", "c", {"type": "number"}),
        ("misleading", "d", {}),
    ],
)  # fmt: skip
def test_schema(described, name, argument, schema):
    assert parameters(described(name))[argument] == schema


def test_tuples(described):
    found = parameters(described("containers"))
    kinds = [{"type": "integer"}, {"type": "string"}]
    assert found["t"] == {
        "type": "array", "items": {"anyOf": kinds}, "minItems": 2, "maxItems": 2, "default": [1, "a"],
    }  # fmt: skip
    assert (found["n"]["minItems"], found["n"]["maxItems"]) == (1, 2)
    assert found["n"]["description"] == "Pair: left, right"


def test_classes_are_components_and_may_hold_themselves(described):
    schemas = described("classes")["components"]["schemas"]
    assert schemas["Point"] == {
        "type": "object",
        "title": "Point",
        "description": "A place.",
        "properties": {
            "x": {"type": "number"},
            "y": {"type": "number", "default": 0.0},
            "next": {"anyOf": [POINT, NULL], "default": None},
        },
        "required": ["x"],
    }
    where = {"type": "array", "items": POINT}
    assert schemas["Options"]["properties"] == {"size": {"type": "integer"}, "where": where}
    assert "required" not in schemas["Options"]


def test_result_of_a_call(described):
    def result(name, method):
        answer = described(name)["paths"]["/%s/call" % name][method]["responses"]["200"]
        return answer["content"]["application/json"]["schema"]["anyOf"]

    envelope = {"$ref": "#/components/schemas/envelope"}
    assert result("concat", "post") == [{"type": "string"}, envelope]
    assert result("concat", "get") == [envelope, {"type": "string"}]
    assert result("classes", "post")[0] == POINT
    assert result("generator", "post")[0] == {"type": "array", "items": {"type": "integer"}}


def test_classes_of_one_name_are_told_apart(w, write):
    write("""
        import dataclasses
        @dataclasses.dataclass
        class envelope:
            a: int
        first = envelope
        @dataclasses.dataclass
        class envelope:
            b: int
        def take(x: first, y: envelope): pass
    """, "twins.py")  # fmt: skip
    w.raw("load", key="t", data=json.dumps({"file": "twins.py", "attr": "take"}).encode())
    schemas = w.raw("describe", key="t").body["components"]["schemas"]
    assert list(schemas["envelope"]["properties"]) == ["data", "output_type", "serialization"]
    assert list(schemas["envelope_2"]["properties"]) == ["a"]
    assert list(schemas["envelope_3"]["properties"]) == ["b"]


def test_pydantic_models(w, write):
    pydantic = pytest.importorskip("pydantic")
    validator = pytest.importorskip("openapi_spec_validator")
    assert pydantic
    write("""
        from typing import List, Literal, Optional, Tuple, Union
        from pydantic import BaseModel, Field
        class Cat(BaseModel):
            kind: Literal["cat"]
            lives: int = Field(9, gt=0, le=9)
        class Dog(BaseModel):
            kind: Literal["dog"]
            friend: Optional["Dog"] = None
        class Zoo(BaseModel):
            \"\"\"Animals.\"\"\"
            animals: List[Union[Cat, Dog]] = []
            first: Union[Cat, Dog] = Field(discriminator="kind")
            pair: Tuple[int, str] = (1, "a")
            name: Optional[str] = Field(None, max_length=5, examples=["x"])
        def visit(zoo: Zoo) -> Zoo: return zoo
    """, "zoo.py")  # fmt: skip
    w.raw("load", key="v", data=json.dumps({"file": "zoo.py", "attr": "visit"}).encode())
    document = w.raw("describe", key="v").body
    validator.validate(document, cls=validator.OpenAPIV30SpecValidator)
    schemas = document["components"]["schemas"]
    assert parameters(document)["zoo"] == {"$ref": "#/components/schemas/Zoo"}
    lives = schemas["Cat"]["properties"]["lives"]
    assert (lives["minimum"], lives["exclusiveMinimum"], lives["maximum"]) == (0, True, 9)
    assert schemas["Cat"]["properties"]["kind"]["enum"] == ["cat"]
    assert schemas["Zoo"]["description"] == "Animals."
    assert schemas["Zoo"]["required"] == ["first"]
    assert schemas["Zoo"]["properties"]["first"]["discriminator"]["mapping"] == {
        "cat": "#/components/schemas/Cat",
        "dog": "#/components/schemas/Dog",
    }


# ---------------------------------------------------------------- what has no document


def test_unknown_keys_and_plain_objects_have_none(w):
    w.raw("put_object", key="note", data=b"[1]")
    for key in ("note", "nothing"):
        reply = w.raw("describe", key=key)
        assert (reply.status, reply.body) == (404, {"detail": "Module %s not found." % key})


def test_import_that_fails_is_told(w, write):
    write("raise OSError('no disk')\n", "bad.py")
    w.put_function("f", module="bad")
    reply = w.raw("describe", key="f")
    assert (reply.status, reply.body) == (500, {"detail": "OSError: no disk"})


def test_key_is_escaped_in_paths(described):
    paths = described("concat", key="a {b}ü")["paths"]
    assert "/a%20%7Bb%7D%C3%BC/call" in paths


def test_stored_generator_has_its_steps(w, write):
    write("def count(n):\n    yield from range(n)\n")
    w.put_function("count")
    w.call("count", "call", 2)
    key = next(iter(set(json.loads(e)["key"] for e in w.events(35)) - {"count"}))
    paths = w.raw("describe", key=key).body["paths"]
    assert "/%s/remote_next" % key.replace("@", "%40") in paths
