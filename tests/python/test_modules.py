# SPDX-License-Identifier: Apache-2.0
"""Putting functions and classes: pointers, state, attributes, reloads, keys."""

import json
import sys

import pytest
from workerkit import PICKLE, REMOTE, encode


@pytest.fixture
def demo(w, write):
    write("""
        loads = 0
        class Base:
            shared = "base"
        class Counter(Base):
            registry = []
            def __init__(self, start=0):
                self.value = start
                self.history = []
            def inc(self, by=1):
                self.value += by
                self.history.append(by)
                return self.value
            def me(self):
                return self
            def wrapped(self):
                return {"me": self}
            def child(self):
                return Node(self.value)
            @staticmethod
            def ping():
                return "pong"
            @classmethod
            def kind(cls):
                return cls.__name__
            @property
            def doubled(self):
                return self.value * 2
            @doubled.setter
            def doubled(self, v):
                self.value = v // 2
            @property
            def broken(self):
                raise AttributeError("inside")
            def _private(self):
                return "private!"
            def __len__(self):
                return 7
            class Nested:
                def hello(self):
                    return "nested"
        class Node:
            def __init__(self, n):
                self.n = n
        class NeedsNew:
            def __new__(cls, a):
                return super().__new__(cls)
        class Dynamic:
            def __getattr__(self, name):
                if name.startswith("dyn"):
                    return name
                raise AttributeError(name)
        def f():
            return 1
        """)
    return w


def test_remote_construction(demo):
    assert demo.put_class("counter", "Counter").raw == b'"counter"'
    assert demo.call("counter", "_remote_init", 5).body["output_type"] == "success"
    assert demo.call("counter", "inc").value == 6
    assert demo.call("counter", "inc", by=3).value == 9
    assert demo.call("counter", "history").value == [1, 3]


def test_a_class_without_construction(demo):
    demo.put_class("Cls", "Counter")
    assert demo.call("Cls", "ping").value == "pong"
    assert demo.call("Cls", "kind").value == "Counter"
    assert isinstance(demo.call("Cls", "inc").value, AttributeError)


def test_state_is_set(demo):
    demo.put_class("c", "Counter", state={"value": 3, "history": []})
    assert demo.call("c", "inc").value == 4


def test_attributes(demo):
    demo.put_class("c", "Counter", state={"value": 3, "history": []})
    assert demo.raw("call", "pickle", key="c", method="value").value == 3
    assert demo.call("c", "value", 100).body["output_type"] == "success"
    assert demo.call("c", "value").value == 100
    assert demo.call("c", "doubled").value == 200
    demo.call("c", "doubled", 10)
    assert demo.call("c", "value").value == 5
    assert demo.call("c", "shared").value == "base"
    assert demo.call("c", "_private").value == "private!"
    assert demo.call("c", "__len__").value == 7
    assert demo.get("c", "value").value == 5
    assert demo.call("c", "__dict__").value == {"value": 5, "history": []}
    assert demo.call("c", "a.b").body["data"]["exception_as_str"].startswith("Method a.b not found")


def test_a_method_set_on_the_instance_wins(demo):
    pytest.importorskip("cloudpickle")
    demo.put_class("c", "Counter", state={"value": 3})
    assert demo.call("c", "ping").value == "pong"
    from gatehouse import objects

    objects.entries["c"].value.ping = lambda: "patched"
    assert demo.call("c", "ping").value == "patched"


def test_an_attribute_error_inside_a_property_is_its_own(demo):
    demo.put_class("c", "Counter")
    assert str(demo.call("c", "broken").value) == "inside"


def test_dynamic_attributes(demo):
    demo.put_class("d", "Dynamic")
    assert demo.call("d", "dyn_x").value == "dyn_x"
    assert demo.call_as("json", "d", "other").status == 404


def test_nested_classes_and_new_with_arguments(demo):
    demo.put_class("n", "Counter.Nested")
    assert demo.call("n", "hello").value == "nested"
    assert demo.put_class("nn", "NeedsNew").status == 200


def test_returning_self_is_a_handle(demo):
    demo.put_class("c", "Counter", state={"value": 3})
    for value in (demo.call("c", "me").value, demo.call("c", "wrapped").value["me"]):
        assert value.config()["name"] == "c" and value.config()["pointers"][2] == "Counter"
        assert vars(value)["value"] == 3


def test_get_object_and_its_config(demo):
    demo.put_class("c", "Counter", state={"value": 3})
    reply = demo.raw("get_object", "pickle", key="c")
    assert reply.value.config()["resource_subtype"] == "Counter"
    reply = demo.raw("get_object", "pickle", REMOTE, key="c")
    assert reply.output_type == "config"
    wanted = [
        "name",
        "resource_type",
        "resource_subtype",
        "visibility",
        "system",
        "process",
        "pointers",
        "signature",
        "endpoint",
    ]
    assert list(reply.body["data"]) == wanted


def test_resolved_state_is_a_plain_instance(demo):
    demo.put_class("c", "Counter", state={"value": 3})
    value = demo.call("c", "resolved_state").value
    assert type(value) is sys.modules["demo"].Counter and value.value == 3
    demo.put_class("k", "Counter")
    assert demo.call("k", "resolved_state").value is sys.modules["demo"].Counter


def test_a_second_put_reloads_the_module(demo, write, home):
    demo.put_function("f")
    assert demo.call("f", "call").value == 1
    path = home / "demo.py"
    path.write_text(path.read_text().replace("return 1", "return 222"))
    assert demo.call("f", "call").value == 1
    demo.put_function("f")
    assert demo.call("f", "call").value == 222


def test_objects_of_a_reloaded_class_still_travel_by_reference(demo):
    demo.put_class("a", "Counter", state={"value": 1})
    old = sys.modules["demo"].Counter
    from gatehouse import objects

    objects.entries["a"].value.node = sys.modules["demo"].Node(5)
    demo.put_class("b", "Counter", state={"value": 2})
    assert sys.modules["demo"].Counter is not old
    node = demo.call("a", "node").value
    assert type(node) is sys.modules["demo"].Node and node.n == 5
    assert demo.call("a", "me").value.config()["name"] == "a"


def test_functions_are_imported_at_the_first_call(demo):
    assert demo.put_function("g", "no_such").status == 200
    assert isinstance(demo.call("g", "call").value, AttributeError)
    demo.put_function("h", module="no_such_module")
    error = demo.call("h", "call").value
    assert isinstance(error, ModuleNotFoundError) and "no_such_module" in str(error)


def test_classes_are_imported_at_the_put(demo):
    reply = demo.put_class("x", "NoSuch", serialization="pickle")
    assert isinstance(reply.value, AttributeError)
    assert demo.put_class("x", "NoSuch").status == 500
    assert demo.call_as("json", "x", "m").status == 404


def test_relative_roots_start_at_home(w, write, home):
    write("def g():\n    return __file__\n", "proj/sub/rel.py")
    w.put_function("g", module="rel", root="proj/sub")
    assert w.call("g", "call").value == str(home / "proj" / "sub" / "rel.py")
    assert sys.path[0] == str(home / "proj" / "sub")


def test_two_roots_with_a_module_of_one_name(w, write, home):
    write("def g():\n    return 1\n", "one/same.py")
    write("def g():\n    return 2\n", "two/same.py")
    w.put_function("one", "g", "same", "one")
    w.put_function("two", "g", "same", "two")
    assert (w.call("one", "call").value, w.call("two", "call").value) == (1, 2)
    w.put_function("one", "g", "same", "one")
    assert w.call("one", "call").value == 1


def test_a_saved_name_is_an_address(demo):
    reply = demo.put_function("/user/f", "f")
    assert reply.raw == b'"f"'
    event = json.loads(demo.events(35)[-1])
    assert (event["key"], event["address"], event["visibility"]) == ("f", "/user/f", "private")
    assert demo.call("f", "call").value == 1
    assert demo.raw("get_object", "pickle", REMOTE, key="f").body["data"]["name"] == "/user/f"


def test_share_and_save_set_attributes_of_the_resource(demo):
    demo.put_class("c", "Counter", state={"value": 3})
    demo.call("c", "visibility", "public")
    assert json.loads(demo.events(35)[-1])["visibility"] == "public"
    demo.call("c", "name", "/user/c")
    assert json.loads(demo.events(35)[-1])["address"] == "/user/c"
    assert demo.call("c", "name").value == "c"
    assert demo.call("c", "visibility").value == "public"


def test_the_enum_of_the_client_is_read_as_text(demo):
    from gatehouse import shim

    visibility = sys.modules.get("runhouse.rns.utils.api") or __import__(
        "runhouse.rns.utils.api", fromlist=["x"]
    )
    demo.put_class("c", "Counter")
    demo.call("c", "visibility", visibility.ResourceVisibility.UNLISTED)
    assert json.loads(demo.events(35)[-1])["visibility"] == "unlisted"
    assert shim


def test_type_strings(demo):
    demo.put_function("f")
    demo.put_class("c", "Counter")
    demo.raw("put_object", "pickle", key="d", data=encode({"a": 1}, PICKLE))
    kinds = [json.loads(event)["type"] for event in demo.events(35)]
    assert kinds == [
        "runhouse.resources.functions.function.Function",
        "runhouse.resources.module.Counter",
        "dict",
    ]
    assert [json.loads(event)["resource"] for event in demo.events(35)] == [True, True, False]


def test_bad_puts(w):
    for data in (b"[1]", b'{"a": 1}', b"null", b"[1, 2, 3]"):
        assert w.raw("put_resource", "none", data=data).status == 422
    reply = w.raw("put_resource", "pickle", data=encode([1], PICKLE))
    assert isinstance(reply.value, ValueError)
    assert (
        w.raw(
            "put_resource", "none", data=b'[{"name": "x", "resource_type": "odd"}, null, true]'
        ).status
        == 500
    )


def test_plain_resource(w):
    data = json.dumps(
        [{"name": "r4", "resource_type": "resource", "resource_subtype": "Resource"}, None, False]
    ).encode()
    assert w.raw("put_resource", "none", data=data).raw == b'"r4"'
    assert w.call("r4", "name").value == "r4"


def test_map_and_starmap(w, write):
    write("def add(a, b):\n    return a + b\n")
    w.put_function("add")
    assert w.call("add", "map", [1, 2], [3, 4]).value == [4, 6]
    assert w.call("add", "starmap", [(1, 1), (2, 2)]).value == [2, 4]
    assert w.call("add", "get_or_call", "run1", True, 1, 2).value == 3


def test_a_given_run_name_stores_a_returned_module(demo):
    demo.put_class("c", "Counter", state={"value": 3, "history": []})
    reply = demo.call_as("pickle", "c", "me", flags=REMOTE, run_name="mine")
    assert reply.output_type == "config" and reply.body["data"]["name"] == "mine"
    assert demo.call("mine", "inc").value == 4
    assert demo.call("c", "inc").value == 5


def test_remote_leaves_an_existing_key_alone(demo):
    demo.put_class("c", "Counter", state={"value": 3, "history": []})
    reply = demo.call_as("pickle", "c", "me", flags=REMOTE)
    assert reply.body["data"]["name"] == "c"
    assert demo.call("c", "inc").value == 4
