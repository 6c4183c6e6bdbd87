# SPDX-License-Identifier: Apache-2.0
"""Runs cases with the real client, one after the other, and writes one line of JSON for each.

    runner.py HOST PORT REPORT [CASE...]

A program of its own, because the client keeps its connection, its settings and its home for good. A
case that hangs is left behind in its thread.
"""
from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path

CASE_S = float(os.environ.get("PEER_CASE_S", "30"))

FILES = ("values", "calls", "classes", "factories", "lazy", "errors", "output", "objects",
         "processes", "files", "node", "inside", "http",
         "streams", "odd")


def load_cases() -> dict:
    """The table, filled. The user code must be importable."""
    from peer import table

    for name in FILES:
        importlib.import_module(f"peer.cases_{name}")
        for one in table.CASES.values():
            one.group = one.group or name
    return table.CASES


def answer_of(case, bench) -> dict:
    from peer import table

    found: dict = {}

    def run() -> None:
        try:
            found["answer"] = table.show(case.run(bench))
        except BaseException as error:
            found["answer"] = table.shown_error(error)

    for module in case.needs:
        try:
            importlib.import_module(module)
        except ImportError:
            return {"skipped": f"{module} is not installed"}
    before, sys.stdout = sys.stdout, bench.printed
    bench.out()
    thread = threading.Thread(target=run, daemon=True)
    started = time.monotonic()
    try:
        thread.start()
        thread.join(CASE_S)
    finally:
        sys.stdout = before
    found["seconds"] = round(time.monotonic() - started, 3)
    return found if "answer" in found else {"answer": "no answer", "seconds": found["seconds"]}


def main(host: str, port: str, report: str, *names: str) -> None:
    import cloudpickle
    import runhouse as rh

    cases = load_cases()
    from peer import table

    for name in FILES:  # what the cases themselves define is not importable by the server
        cloudpickle.register_pickle_by_value(sys.modules[f"peer.cases_{name}"])

    address = {"server_host": host} if host == "127.0.0.1" else {}
    cluster = rh.cluster(name="test-cluster", host=host, server_port=int(port),
                         server_connection_type="none", **address)
    bench = table.Bench(cluster)
    with open(report, "w") as lines:
        for name in names or cases:
            answer = answer_of(cases[name], bench)
            lines.write(json.dumps({"case": name, **answer}) + "\n")
            lines.flush()
    os._exit(0)  # threads of cases that hang


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.path.insert(0, os.getcwd())
    main(*sys.argv[1:])
