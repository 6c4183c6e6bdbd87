# SPDX-License-Identifier: Apache-2.0
"""What `runhouse cluster status` prints of our /status: the client's own code, on our answer."""
from __future__ import annotations

import concurrent.futures
import json
import subprocess
from pathlib import Path

import pytest

from integration.gatehoused import ANSWER_S, PYTHON, Gatehoused, wait_until
from integration.test_resources import GIB, gpu_options

from . import sdk

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")

PRINT = """\
import json, sys
from runhouse.rns.rns_client import ResourceStatusData
from runhouse.cli_utils import print_status
status = json.load(sys.stdin)
ResourceStatusData(**status)  # the server's own check of what it answers
print_status(status, None, *json.loads(sys.argv[1]))
"""


def printed(daemon: Gatehoused, folder: Path, *node: str) -> str:
    status, den_code = daemon.get("/status").json()
    assert den_code is None
    client = sdk.Client(folder / f"client{len(list(folder.iterdir()))}", daemon.host, daemon.port)
    done = subprocess.run([PYTHON, "-c", PRINT, json.dumps(node)], input=json.dumps(status),
                          text=True, capture_output=True, timeout=2 * ANSWER_S,
                          env={**client.environment(), "COLUMNS": "300"}, cwd=client.project)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_node_without_gpus(start_daemon, tmp_path):
    daemon = start_daemon()
    daemon.post("/create_process", {"name": "workshop"})
    daemon.put_function("concat", process="workshop")
    text = printed(daemon, tmp_path)
    for part in ("Runhouse v0.0.42", f"server pid: {daemon.pid}", f"server port: {daemon.port}",
                 "den auth: False", "head node | IP: 127.0.0.1 | CPU Utilization: ",
                 "default_process", "workshop", "concat (runhouse.Function)",
                 "Currently not running", " Gb ("):
        assert part in text, text
    assert "GPU" not in text
    assert "head node" in printed(daemon, tmp_path, "head")
    assert "Invalid node provided" in printed(daemon, tmp_path, "10.9.9.9")


def test_node_with_gpus(start_daemon, tmp_path):
    uses = tmp_path / "uses"
    daemon = start_daemon(**gpu_options(
        FAKE_NVML_TOTAL_BYTES=str(80 * GIB), FAKE_NVML_UTILIZATION="10,40",
        FAKE_NVML_PROCESSES=str(uses)))
    daemon.post("/create_process", {"name": "trainer", "compute": {"GPU": 1}})
    uses.write_text(f"{daemon.worker_pid('trainer')} 0 {8 * GIB}\n")
    wait_until("a sample with the process",
               lambda: "process_gpu_usage" in daemon.processes()["trainer"])
    text = printed(daemon, tmp_path)
    assert "| GPU Utilization: 25.0%" in text, text
    assert "GPU Memory: 8.0 / 80 Gb (10.0%)" in text, text


def test_process_that_does_not_run_is_left_out(start_daemon, tmp_path):
    daemon = start_daemon()
    daemon.post("/create_process", {"name": "broken"})
    daemon.put_function("die_of", process="broken")
    wait_until("it to be parked", lambda: daemon.call("die_of", args=["SIGKILL"]).status == 503)
    wait_until("it to be shown so", lambda: daemon.processes()["broken"] == {})
    text = printed(daemon, tmp_path)
    assert "broken" not in text and "default_process" in text


def test_running_call_is_shown_as_running(start_daemon, tmp_path):
    daemon = start_daemon()
    daemon.put_function("hold")
    started, release = tmp_path / "started", tmp_path / "release"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(daemon.call, "hold", args=[str(started), str(release)])
        wait_until("the call to run", started.exists)
        try:
            assert "Running for " in printed(daemon, tmp_path)
        finally:
            release.touch()
        assert call.result(ANSWER_S).status == 200


def test_cluster_status_of_the_client(daemon, tmp_path):
    """The same by cluster.status(), over HTTP."""
    seen = sdk.Client(tmp_path / "client", daemon.host, daemon.port).run("""
        status = cluster.status()
        report(sorted(status), status["workers"][0]["ip"])
    """)
    assert {"cluster_config", "processes", "runhouse_version", "server_pid", "workers",
            "is_multinode"} <= set(seen.reports[0])
    assert seen.reports[1] == "127.0.0.1"
