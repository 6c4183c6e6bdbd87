# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI documents of modules and of the node."""
from __future__ import annotations

import ast
import inspect
import json

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, validate

from . import node_document
from .gatehoused import REPO, USER_CODE, wait_until
from .user_code import things

FUNCTIONS = sorted(name for name, item in vars(things).items()
                   if inspect.isfunction(item) and item.__module__ == things.__name__)

# What the other suites deploy.
FOLDERS = {"compat": REPO / "tests/compat/user_code", "examples": REPO / "examples"}


def document(daemon, key):
    answer = daemon.get(f"/{key}/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer
    validate(answer.json(), cls=OpenAPIV30SpecValidator)
    return answer.json()


def others() -> list[tuple[str, str, str, bool]]:
    """(folder, file, name, is a class) of what files of FOLDERS define at their top."""
    return [(folder, file.stem, node.name, isinstance(node, ast.ClassDef))
            for folder, path in FOLDERS.items() for file in sorted(path.glob("*.py"))
            for node in ast.parse(file.read_text("utf-8")).body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and not node.name.startswith("_")]


# ---------------------------------------------------------------- modules


@pytest.mark.parametrize("name", FUNCTIONS)
def test_document_of_each_function_is_valid(daemon, name):
    daemon.put_function(name)
    made = document(daemon, name)
    assert made["info"]["title"] == name
    assert f"/{name}/call" in made["paths"]


def test_document_of_a_class(daemon):
    daemon.put_class("counter", "Counter", state={"value": 3, "history": []})
    made = document(daemon, "counter")
    assert {path.rpartition("/")[2] for path in made["paths"]} == {
        "ainc", "doubled", "fail", "inc", "kind", "ping"}
    assert made["components"]["schemas"]["inc_arguments"]["properties"] == {
        "by": {"type": "integer", "default": 1}}


@pytest.mark.release_only("documents are made by Python code")
def test_documents_of_what_other_suites_deploy(daemon):
    found = others()
    assert len(found) > 20
    for folder, file, name, is_class in found:
        put = daemon.put_class if is_class else daemon.put_function
        try:
            put(f"x_{name}", name, file=file, root=FOLDERS[folder])
        except AssertionError:
            continue  # a class that only its own suite can build
        answer = daemon.get(f"/x_{name}/openapi.json")
        if answer.status == 500 and "No module named" in answer.text:
            continue  # imports what only its own suite has
        assert document(daemon, f"x_{name}")["info"]["title"] == f"x_{name}"


def test_declared_module_has_one(start_daemon):
    daemon = start_daemon(modules=[f"add={USER_CODE}/things.py:add",
                                   f"counter={USER_CODE}/things.py:make_counter()"])
    made = document(daemon, "add")  # at once: it waits for the module to be loaded
    assert made["components"]["schemas"]["call_arguments"]["required"] == ["a"]
    assert "/counter/inc" in document(daemon, "counter")["paths"]


@pytest.mark.parametrize("kind", ["bare", "fields"])
def test_call_by_the_document_works(daemon, kind):
    daemon.put_function("add")
    operation = document(daemon, "add")["paths"]["/add/call"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"][kind]["value"]
    assert example in ({"a": 0, "b": 2}, {"run_name": "docs", "data": {"kwargs": {"a": 0, "b": 2}}})
    answer = daemon.post("/add/call", example)
    assert (answer.status, answer.json()) == (200, 2)


def test_property_is_read_as_the_document_says(daemon):
    daemon.put_class("counter", "Counter", state={"value": 3, "history": []})
    assert "get" in document(daemon, "counter")["paths"]["/counter/doubled"]
    assert daemon.get("/counter/doubled?_bare=1").json() == 6


def test_slash_at_the_end_and_head_are_served(daemon):
    daemon.put_function("add")
    assert daemon.get("/add/openapi.json/").json() == document(daemon, "add")
    head = daemon.request("HEAD", "/add/openapi.json")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("key", ["nothing", "note"])
def test_unknown_keys_and_plain_objects_have_none(daemon, key):
    daemon.post("/object", {"key": "note", "serialized_data": [1]})
    answer = daemon.get(f"/{key}/openapi.json")
    assert answer.status == 404
    assert answer.json()["detail"] == f"Module {key} not found."


def test_method_of_that_name_can_be_posted_to(daemon):
    """GET is taken; POST is still the method's."""
    answer = daemon.post("/nothing/openapi.json", {})
    assert answer.json()["detail"].startswith("Key nothing not found")


def test_failing_import_is_told(daemon, tmp_path):
    (tmp_path / "broken_import.py").write_text("raise OSError('no disk')\n")
    daemon.put_function("broken", "x", file="broken_import", root=tmp_path)
    answer = daemon.get("/broken/openapi.json")
    assert (answer.status, answer.json()["detail"]) == (500, "OSError: no disk")


def test_death_of_the_worker_is_told_and_outlived(daemon, tmp_path):
    (tmp_path / "deadly_import.py").write_text(
        "import os, signal\n"
        f"if not os.path.exists({str(tmp_path / 'died')!r}):\n"
        f"    open({str(tmp_path / 'died')!r}, 'w').close()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "def x(a: int): return a\n")
    daemon.put_function("deadly", "x", file="deadly_import", root=tmp_path)
    answer = daemon.get("/deadly/openapi.json")
    assert answer.status == 500
    assert "SIGKILL" in answer.json()["detail"]
    assert "/deadly/call" in document(daemon, "deadly")["paths"]


def test_client_may_leave_while_it_is_made(daemon, tmp_path):
    started, release = tmp_path / "started", tmp_path / "release"
    (tmp_path / "slow_import.py").write_text(
        "import os, time\n"
        f"open({str(started)!r}, 'w').close()\n"
        f"while not os.path.exists({str(release)!r}): time.sleep(0.002)\n"
        "def x(a: int): return a\n")
    daemon.put_function("slow", "x", file="slow_import", root=tmp_path)
    with daemon.connect() as client:
        client.sendall(b"GET /slow/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until("the import to begin", started.exists)
    assert daemon.get("/check").status == 200
    release.touch()
    assert "/slow/call" in document(daemon, "slow")["paths"]


# ---------------------------------------------------------------- the node


def test_document_of_the_node_is_valid_and_of_this_version(daemon):
    answer = daemon.get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    made = answer.json()
    validate(made, cls=OpenAPIV30SpecValidator)
    assert made == node_document.document()
    configure = (REPO / "configure.ac").read_text("utf-8")
    assert f"AC_INIT([gatehouse], [{made['info']['version']}]" in configure


def test_document_of_the_node_has_every_route_and_no_other():
    routes, described = node_document.routes(), node_document.described()
    assert routes - described == set(), "routes that web/openapi.json does not describe"
    assert described - routes == set(), "described, but no route"


def test_fields_of_bodies_are_those_of_the_routes():
    """Each body's fields, and which of them are required, as the tables of src/api have them."""
    compared = 0
    for path, item in node_document.document()["paths"].items():
        fields = node_document.body_fields(path) if "post" in item and "{" not in path else {}
        if not fields:
            continue  # no route yet, or its table lies elsewhere
        schema = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        required = schema.get("required", [])
        assert {name: name in required for name in schema["properties"]} == fields, path
        compared += 1
    assert compared >= 10
