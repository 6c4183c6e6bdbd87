# SPDX-License-Identifier: Apache-2.0
"""Older releases of the client, from the package index, drive the daemon.

tools/get-old-clients gets them into build-deps/old-clients, or where GATEHOUSE_OLD_CLIENTS says.
"""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from integration.gatehoused import REPO, USER_CODE

FOLDER = Path(os.environ.get("GATEHOUSE_OLD_CLIENTS") or REPO / "build-deps" / "old-clients")
PROGRAM_S = 120
DAEMON_OPTIONS = {"modules": [f"{name}={USER_CODE}/things.py:{name}" for name in
                              ("concat", "talk", "getenv", "boom")]}

# Releases up to 0.0.36 report their errors to their makers over the network; not from here.
# What a person does with a cluster, in the words of each release.
PROGRAM = """\
import inspect, json, sys
from runhouse.servers.http import HTTPClient

client = HTTPClient("127.0.0.1", port=int(sys.argv[1]), resource_address=None, use_https=False)
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
json.dump(seen, open(sys.argv[2], "w"))
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
    python = FOLDER / "venv" / "bin" / "python"
    if not python.exists() or not (FOLDER / version / "runhouse").is_dir():
        pytest.skip(f"no runhouse {version} in {FOLDER}: run tools/get-old-clients")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "sentry_sdk.py").write_text("def init(*args, **kwargs):\n    pass\n")
    (tmp_path / "home").mkdir()
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("GATEHOUSE_", "RH_", "XDG_", "PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [python, "program.py", str(daemon.port), "seen.json"], cwd=tmp_path, capture_output=True,
        text=True, timeout=PROGRAM_S, stdin=subprocess.DEVNULL,
        env={**kept, "PYTHONPATH": str(FOLDER / version), "HOME": str(tmp_path / "home"),
             "RH_LOG_LEVEL": "ERROR", "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == EXPECTED[version]
    assert "first line" in done.stdout and "second line" in done.stdout
