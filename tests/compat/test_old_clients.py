# SPDX-License-Identifier: Apache-2.0
"""Older releases of the client, from the package index, drive the daemon."""
from __future__ import annotations

import pytest

from integration.gatehoused import USER_CODE

from . import old_clients

DAEMON_OPTIONS = {"modules": [f"{name}={USER_CODE}/things.py:{name}" for name in
                              ("concat", "talk", "getenv", "boom")]}

# What a person does with a cluster, in the words of each release.
PROGRAM = """\
import inspect, json, sys
from runhouse.servers.http import HTTPClient

client = HTTPClient("127.0.0.1", port=int(sys.argv[2]), resource_address=None, use_https=False)
seen = {}

def has(method, name):
    return hasattr(client, method) and name in inspect.signature(getattr(client, method)).parameters

def call(key, *args, **options):
    return client.call(key, "call", data={"args": args, "kwargs": {}}, **options)

client.check_server()
seen["keys"] = client.keys()
where = "env" if has("keys", "env") else "process"
client.put_object("note", {"a": [1, 2]}, **{where: None})
seen["keys of the default process"] = client.keys(**{where: "default_process"})
if where == "env":
    seen["keys of an old name"] = client.keys(env="_cluster_default_env")
seen["get"] = client.get("note")
client.rename("note", "memo")
seen["renamed"] = client.get("memo")
seen["deleted"] = client.delete(["memo"])
seen["call"] = call("concat", "a", "b", stream_logs=False)
seen["call with logs"] = call("talk", "first line", "second line", stream_logs=True)
try:
    call("boom", "from the server", stream_logs=False)
except ValueError as error:
    seen["error"] = str(error)
client.set_settings({"autostop_mins": 10})
seen["status"] = (client.status(None) if has("status", "resource_address") else client.status())[0]["runhouse_version"]
client.folder_mkdir("~/old")
client.folder_put("~/old", contents={"a.txt": "hello"}, overwrite=True, mode="w", serialization=None)
seen["file"] = client.folder_get("~/old/a.txt", mode="r", encoding=None)
seen["names"] = client.folder_ls("~/old", full_paths=False, sort=False)
client.folder_rm("~/old", contents=None, recursive=True)
seen["exists"] = client.folder_exists("~/old")
if hasattr(client, "list_processes"):
    seen["processes"] = list(client.list_processes())
    seen["bash"] = client.run_bash("echo hi; exit 3", require_outputs=True)
    if hasattr(client, "set_process_env_vars"):
        client.set_process_env_vars("default_process", {"OLD": "yes"})
    else:
        client.set_env_vars({"OLD": "yes"}, "default_process")
    seen["variable"] = call("getenv", "OLD", stream_logs=False)
if has("run_bash", "process"):
    seen["bash in a process"] = client.run_bash("echo $OLD", process="default_process",
                                                require_outputs=True)
json.dump(seen, open(sys.argv[1], "w"))
"""

KEYS = ["concat", "talk", "getenv", "boom"]
ALL = {
    "keys": KEYS, "keys of the default process": [*KEYS, "note"], "get": {"a": [1, 2]},
    "renamed": {"a": [1, 2]}, "deleted": ["memo"], "call": "ab",
    "call with logs": 2, "error": "from the server", "status": "0.0.42", "file": "hello",
    "names": ["a.txt"], "exists": False,
}
OLD_NAME = {"keys of an old name": [*KEYS, "note"]}
WITH_PROCESSES = {"processes": ["default_process"], "bash": [[3, "hi\n", ""]], "variable": "yes"}
IN_A_PROCESS = {"bash in a process": [0, "yes\n", ""]}
EXPECTED = {
    "0.0.33": {**ALL, **OLD_NAME},
    "0.0.34": {**ALL, **OLD_NAME},
    "0.0.35": {**ALL, **OLD_NAME},
    "0.0.36": {**ALL, **WITH_PROCESSES, **OLD_NAME},
    "0.0.37": {**ALL, **WITH_PROCESSES, **IN_A_PROCESS},
    "0.0.38": {**ALL, **WITH_PROCESSES, **IN_A_PROCESS},
    "0.0.40": {**ALL, **WITH_PROCESSES, **IN_A_PROCESS},
}


@pytest.mark.parametrize("version", EXPECTED)
def test_release(daemon, tmp_path, version):
    seen = old_clients.run(tmp_path, version, {"program.py": PROGRAM}, daemon.port)
    assert seen.report == EXPECTED[version]
    assert [line for line in seen.lines if line.endswith(" line")] == ["first line", "second line"]
