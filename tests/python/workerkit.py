# SPDX-License-Identifier: Apache-2.0
"""Helpers of this suite: the worker's package in this process, and a client's view of it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import pickle
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "modules", "python"))
sys.path.insert(0, HERE)

import standin  # noqa: E402


def _find_extension():
    given = os.environ.get("GATEHOUSE_EXT")
    if given:
        return given
    for folder, _, names in os.walk(os.environ.get("GATEHOUSE_BUILD_DIR") or ""):
        if "_gatehouse.abi3.so" in names:
            return os.path.abspath(os.path.join(folder, "_gatehouse.abi3.so"))
    return None


EXTENSION = _find_extension()
"""Path of the built _gatehouse.abi3.so: then its codecs are used, and test_process.py runs.
From GATEHOUSE_EXT, else found in GATEHOUSE_BUILD_DIR."""


def extension():
    """The real _gatehouse, or None."""
    if not EXTENSION:
        return None
    from importlib.machinery import ExtensionFileLoader
    from importlib.util import module_from_spec, spec_from_file_location

    loader = ExtensionFileLoader("_gatehouse", EXTENSION)
    module = module_from_spec(spec_from_file_location("_gatehouse", EXTENSION, loader=loader))
    loader.exec_module(module)
    return module


def native():
    """What the tests use for _gatehouse: the stand-in, with the real codecs when there is a build."""
    module = standin.as_module()
    real = extension()
    if real is not None:
        for name in ("unquote", "unbase64", "quote", "base64_literal", "async_raise"):
            setattr(module, name, getattr(real, name))
    return module


if "_gatehouse" not in sys.modules:
    sys.modules["_gatehouse"] = native()

from gatehouse import calls, objects, shim, worker  # noqa: E402
from gatehouse.current import (
    BARE,
    JSON,
    NONE,
    PICKLE,
    QUERY,
    REMOTE,
    STREAM_LOGS,
    Process,
)  # noqa: E402,F401

shim.install()

MODES = {"none": NONE, "json": JSON, "pickle": PICKLE}
KINDS = {
    "hello": 1,
    "call": 2,
    "put_resource": 3,
    "put_object": 4,
    "get_object": 5,
    "rename": 6,
    "delete": 7,
}
KINDS.update(set_env=8, add_path=9, load=10, cancel=11, set_config=13)
KINDS.update(run_bash=14, unpack_files=15, describe=16, add_site=21)
_ids = itertools.count(1)


class Reply:
    """One answer. body: the JSON of the HTTP body; value: what a client gets out of it."""

    def __init__(self, status, outcome, body):
        self.status = status
        self.outcome = outcome
        if isinstance(body, tuple):
            parts = (
                standin.base64_literal(p.buffer) if isinstance(p, standin.Base64) else p
                for p in body
            )
            body = b"".join(parts)
        self.raw = bytes(body)
        self.body = json.loads(self.raw.decode("utf-8"))

    @property
    def output_type(self):
        return self.body["output_type"]

    @property
    def value(self):
        if not (isinstance(self.body, dict) and "output_type" in self.body):
            return self.body
        kind, data = self.body["output_type"], self.body["data"]
        if kind == "result_serialized":
            if self.body["serialization"] == "pickle":
                return pickle.loads(base64.b64decode(data))
            return json.loads(data) if self.body["serialization"] == "json" else data
        if kind == "exception":
            error = data["error"]
            return (
                pickle.loads(base64.b64decode(error))
                if self.body["serialization"] == "pickle"
                else error
            )
        return data


def encode(value, serialization):
    """What stands in the HTTP body for VALUE."""
    if serialization == PICKLE:
        text = base64.encodebytes(pickle.dumps(value, 5)).decode()
        return json.dumps(text).encode()
    if serialization == JSON:
        return json.dumps(json.dumps(value)).encode()
    return json.dumps(value).encode()


class Worker:
    """Sends requests to the worker's package and reads the answers."""

    def __init__(self, home):
        self.home = home
        self.sent = standin.sent

    def raw(
        self,
        kind,
        serialization="none",
        flags=0,
        key="",
        method="",
        run_name="",
        data=None,
        call_id=None,
    ):
        call_id = call_id or next(_ids)
        mode = MODES[serialization]
        answer = calls.handle(KINDS[kind], call_id, mode, flags, key, method, run_name, data)
        if answer is None:
            return self.wait(call_id)
        if isinstance(answer, bytes):
            return Reply(200, 0, answer)
        return Reply(*answer)

    def wait(self, call_id, timeout=10):
        def found():
            return next((item for item in standin.sent if item[:2] == ("reply", call_id)), None)

        with standin.replied:
            assert standin.replied.wait_for(found, timeout), "no reply to call %d" % call_id
        return Reply(*found()[2:])

    def call(self, key, method, *args, **kwargs):
        """A call by pickle, as the SDK makes it."""
        return self.call_as("pickle", key, method, args, kwargs)

    def call_as(
        self, serialization, key, method, args=(), kwargs=None, flags=0, run_name=None, call_id=None
    ):
        data = encode({"args": list(args), "kwargs": kwargs or {}}, MODES[serialization])
        name = run_name or "%s_%s--20261122--080228_083637" % (key, method)
        return self.raw("call", serialization, flags, key, method, name, data, call_id)

    def get(self, key, method, flags=0, serialization="json", **query):
        """GET /key/method?query."""
        data = json.dumps(query).encode()
        return self.raw("call", serialization, QUERY | flags, key, method, key + "_x--1--1", data)

    def put_function(self, name, attr=None, module="demo", root=None, **config):
        made = {
            "name": name,
            "resource_type": "function",
            "resource_subtype": "Function",
            "system": None,
        }
        made["fn_pointers"] = [root or str(self.home), module, attr or name]
        made.update(config)
        return self.raw("put_resource", "none", data=json.dumps([made, None, True]).encode())

    def put_class(self, name, attr, module="demo", state=None, serialization="none", **config):
        made = {"name": name, "resource_type": "module", "resource_subtype": attr, "system": None}
        made["pointers"] = [str(self.home), module, attr]
        made.update(config)
        return self.raw(
            "put_resource",
            serialization,
            data=encode([made, state or {}, False], MODES[serialization]),
        )

    def logs(self, call_id):
        return "".join(item[3] for item in standin.sent if item[:2] == ("log", call_id))

    def events(self, kind):
        return [item[3] for item in standin.sent if item[0] == "event" and item[1] == kind]
