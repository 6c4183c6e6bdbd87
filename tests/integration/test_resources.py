# SPDX-License-Identifier: Apache-2.0
"""What processes reserve: CPUs, memory, GPUs and other things; and which GPUs they see."""
from __future__ import annotations

import concurrent.futures
import os

import pytest

from .gatehoused import BUILD, Gatehoused, wait_until
from .test_objects import SUCCESS, error_of
from .test_processes import listed

FAKE_NVML = BUILD / "tests" / "libnvidia-ml.so.1"
RESOURCES = ["--resources", "CPU=4,memory=1000000,licence=2"]
GIB = 1 << 30


def gpu_options(count: int = 2, args=(), **variables: str) -> dict:
    """Options of a daemon on a node that seems to have COUNT GPUs."""
    return {"args": [*RESOURCES, "--gpu-library", str(FAKE_NVML), *args],
            "env": {"FAKE_NVML_GPUS": str(count), **variables}}


DAEMON_OPTIONS = gpu_options()
NODE = "'node:127.0.0.1': 1.0, "
HEAD = ", 'node:__internal_head__': 1.0, 'licence': 2.0}"


def create(daemon, name, compute, **fields):
    return daemon.post("/create_process", {"name": name, "compute": compute, **fields})


def made(daemon, name, compute, **fields):
    assert create(daemon, name, compute, **fields).json() == SUCCESS


def kill(daemon, name):
    assert daemon.post("/kill_process", {"process_name": name}).body == b"null"


def refusal(daemon, compute, name="refused"):
    found = error_of(create(daemon, name, compute))
    assert name not in listed(daemon)
    return found


def free(daemon) -> str:
    """The dict of what is free, as a refusal has it."""
    _, text = refusal(daemon, {"CPU": 999})
    head, _, rest = text.partition("Available resources: ")
    assert head == "Requested resource CPU=999 is not available on the cluster. "
    return rest


def visible(daemon, process):
    name = f"getenv_{process}"
    daemon.put_function(name, "getenv", process=process)
    return daemon.call(name, args=["CUDA_VISIBLE_DEVICES"]).json()


# -- the ledger -----------------------------------------------------------------------------------

def test_what_is_free_is_told_as_the_clients_server_does(daemon):
    assert refusal(daemon, {"GPU": 3}) == (
        "builtins.Exception",
        "Requested resource GPU=3 is not available on the cluster. Available resources: "
        "{" + NODE + "'memory': 1000000.0, 'CPU': 4.0, 'GPU': 2.0" + HEAD)


def test_default_process_takes_nothing(daemon):
    assert free(daemon) == "{" + NODE + "'memory': 1000000.0, 'CPU': 4.0, 'GPU': 2.0" + HEAD


def test_reserved_is_not_free_until_the_process_is_killed(daemon):
    made(daemon, "a", {"CPU": 3, "GPU": 1, "memory": 600000, "licence": 1})
    assert free(daemon) == ("{" + NODE + "'memory': 400000.0, 'CPU': 1.0, 'GPU': 1.0, "
                            "'node:__internal_head__': 1.0, 'licence': 1.0}")
    assert refusal(daemon, {"CPU": 2})[0] == "builtins.Exception"
    assert refusal(daemon, {"memory": 600000})[0] == "builtins.Exception"
    made(daemon, "b", {"CPU": 1, "GPU": 1})
    assert refusal(daemon, {"GPU": 1})[1].startswith(
        "Requested resource GPU=1 is not available on the cluster. Available resources: {")
    kill(daemon, "a")
    made(daemon, "c", {"CPU": 3, "GPU": 1})


def test_kill_and_create_again_fits(daemon):
    for _ in range(3):
        made(daemon, "all", {"CPU": 4, "GPU": 2, "memory": 1000000, "licence": 2})
        kill(daemon, "all")


def test_process_deleted_by_its_name_lets_go(daemon):
    made(daemon, "all", {"CPU": 4})
    assert daemon.post("/delete_object", {"keys": ["all"]}).status == 200
    made(daemon, "all", {"CPU": 4})


def test_existing_name_reserves_nothing_more(daemon):
    made(daemon, "a", {"CPU": 3})
    made(daemon, "a", {"CPU": 3})
    made(daemon, "b", {"CPU": 1})


def test_reservation_is_kept_over_a_restart(daemon):
    made(daemon, "a", {"CPU": 4, "GPU": 1})
    daemon.kill_worker("a")
    assert refusal(daemon, {"CPU": 1})[0] == "builtins.Exception"
    assert visible(daemon, "a") == "0"


def test_fractions_add_up(daemon):
    made(daemon, "a", {"CPU": 0.5, "GPU": 0.25})
    made(daemon, "b", {"CPU": 0.3, "GPU": 0.25})
    made(daemon, "c", {"CPU": 0.2001})
    assert "'CPU': 2.9999, 'GPU': 1.5" in free(daemon)


def test_process_that_cannot_start_holds_nothing(daemon, tmp_path):
    bad = tmp_path / "python"
    bad.write_text("#!/bin/sh\nexit 1\n")
    bad.chmod(0o755)
    assert create(daemon, "a", {"CPU": 4}, runtime_env={"python": str(bad)}
                  ).json()["output_type"] == "exception"
    assert "a" not in listed(daemon)
    made(daemon, "a", {"CPU": 4})


def test_nothing_of_anything_is_always_there(daemon):
    made(daemon, "a", {"CPU": 0, "unheard": 0, "GPU": 0})
    assert visible(daemon, "a") == "0,1"


def test_caller_that_leaves_has_its_process_all_the_same(daemon):
    body = b'{"name": "left", "compute": {"CPU": 1}}'
    connection = daemon.connect()
    connection.sendall(b"POST /create_process HTTP/1.1\r\nHost: localhost\r\n"
                       b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    wait_until("the process to be made", lambda: "left" in listed(daemon))
    connection.close()
    wait_until("it to serve", lambda: daemon.processes()["left"].get("pid"))
    kill(daemon, "left")
    made(daemon, "all", {"CPU": 4})


@pytest.mark.parametrize("compute, name, text", [
    ({"CPU": -1}, "ValueError", "The quantity of resource num_cpus cannot be negative"),
    ({"GPU": -0.5}, "ValueError", "The quantity of resource num_gpus cannot be negative"),
    ({"licence": -1}, "ValueError", "The quantity of resource licence cannot be negative"),
    ({"GPU": 1.5}, "ValueError", "GPU resource quantities >1 must be whole numbers. The specified "
                                 "quantity 1.5 is invalid."),
    ({"GPU": 0.00001}, "ValueError", "The precision of the fractional quantity of resource num_gpus "
                                     "cannot go beyond 0.0001"),
    ({"CPU": "two"}, "TypeError", "Requested resource CPU=two is no number."),
    ({"CPU": None}, "TypeError", "Requested resource CPU=None is no number."),
    ({"memory": [1]}, "TypeError", "Requested resource memory=[1] is no number."),
    ({"node_idx": "a"}, "TypeError", "compute has a node_idx that is no whole number."),
])
def test_values_that_cannot_be_are_refused(daemon, compute, name, text):
    assert refusal(daemon, compute) == ("builtins." + name, text)


@pytest.mark.parametrize("compute", [{"unheard": 1}, {"unheard": "x"}, {"licence": 3},
                                     {"CPU": 1e300}, {"memory": 10**15}, {"CPU": 1, "licence": 9}])
def test_what_is_not_there_is_refused(daemon, compute):
    name, text = refusal(daemon, compute)
    assert name == "builtins.Exception"
    assert " is not available on the cluster. Available resources: {" in text
    assert "'CPU': 4.0" in text  # nothing of a refused request is held


def test_not_a_number_is_no_json(daemon):
    answer = daemon.post("/create_process", b'{"name": "n", "compute": {"CPU": NaN}}')
    assert answer.status == 422


@pytest.mark.parametrize("compute", [[1], "CPU", 3])
def test_compute_must_be_an_object(daemon, compute):
    answer = create(daemon, "n", compute)
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "compute"]


@pytest.mark.parametrize("value", ["CPU", "CPU=", "=2", "CPU=x", "CPU=-1", "GPU=2", "a=1,b"])
def test_setting_that_cannot_be_read_is_named(tmp_path, value):
    ended = Gatehoused(tmp_path / "d", args=["--resources", value]).run_to_exit()
    assert ended.returncode == 78
    assert "resources has '" in ended.stderr and "NAME=NUMBER" in ended.stderr


# -- GPUs -----------------------------------------------------------------------------------------

def test_whole_gpus_are_seen_by_who_reserved_them_alone(daemon):
    made(daemon, "first", {"GPU": 1})
    made(daemon, "second", {"GPU": 1})
    made(daemon, "none", None)
    assert [visible(daemon, p) for p in ("first", "second", "none", "default_process")] == [
        "0", "1", "0,1", "0,1"]
    kill(daemon, "first")
    made(daemon, "third", {"GPU": 1})
    assert visible(daemon, "third") == "0"


def test_two_gpus_are_a_list(daemon):
    made(daemon, "both", {"GPU": 2})
    assert visible(daemon, "both") == "0,1"


def test_fractions_share_a_device_as_long_as_they_fit(daemon):
    made(daemon, "a", {"GPU": 0.5})
    made(daemon, "b", {"GPU": 0.25})
    made(daemon, "c", {"GPU": 0.5})
    assert [visible(daemon, p) for p in "abc"] == ["0", "0", "1"]
    name, text = refusal(daemon, {"GPU": 0.75})
    assert name == "builtins.Exception" and "'GPU': 0.75" in text
    assert text.endswith(" No single GPU has that much left.")
    name, text = refusal(daemon, {"GPU": 1})
    assert name == "builtins.Exception"


def test_variables_of_the_user_win(daemon):
    made(daemon, "own", {"GPU": 1}, env_vars={"CUDA_VISIBLE_DEVICES": "7"})
    made(daemon, "runtime", {"GPU": 1}, runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": "8"}})
    assert visible(daemon, "own") == "7"
    assert visible(daemon, "runtime") == "8"


def test_global_variables_win_and_threads_are_left_alone(start_daemon):
    daemon = start_daemon(**gpu_options())
    daemon.post("/env_vars", {"env_vars": {"CUDA_VISIBLE_DEVICES": "1"}})
    made(daemon, "p", {"GPU": 1})
    assert visible(daemon, "p") == "1"
    daemon.put_function("getenv", process="p")
    assert daemon.call("getenv", args=["OMP_NUM_THREADS"]).json() == os.environ.get("OMP_NUM_THREADS")


def test_it_is_set_before_the_interpreter_starts(daemon, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nos.environ['SEEN_AT_START'] = os.environ.get('CUDA_VISIBLE_DEVICES', '?')\n")
    made(daemon, "p", {"GPU": 1}, runtime_env={"env_vars": {"PYTHONPATH": str(tmp_path)}})
    daemon.put_function("getenv", process="p")
    assert daemon.call("getenv", args=["SEEN_AT_START"]).json() == "0"


def test_narrowing_can_be_switched_off(start_daemon):
    daemon = start_daemon(**gpu_options(args=["--all-gpus-visible"]))
    made(daemon, "p", {"GPU": 1})
    assert visible(daemon, "p") == "0,1"
    assert "'GPU': 1.0" in free(daemon)


def test_node_without_gpus_shows_none(start_daemon):
    daemon = start_daemon(**gpu_options(count=0))
    made(daemon, "p", None)
    assert visible(daemon, "p") in ("", None)  # None where other GPUs than NVIDIA's may be
    assert refusal(daemon, {"GPU": 1})[1].startswith("Requested resource GPU=1 is not available")
    assert daemon.get("/status").json()[0]["cluster_config"]["is_gpu"] is False


@pytest.mark.parametrize("mask, shown", [("1", ["1"]), ("1,0", ["1", "0"]), ("", []), ("-1", []),
                                         ("0,9,1", ["0"]), ("GPU-0000abc1", ["GPU-0000abc1"]),
                                         ("MIG-1234,1", ["MIG-1234", "1"])])
def test_only_gpus_that_the_daemon_may_see_count(start_daemon, mask, shown):
    daemon = start_daemon(**gpu_options(CUDA_VISIBLE_DEVICES=mask))
    for i, gpu in enumerate(shown):
        made(daemon, f"p{i}", {"GPU": 1})
        assert visible(daemon, f"p{i}") == gpu
    assert refusal(daemon, {"GPU": 1})[0] == "builtins.Exception"


@pytest.mark.parametrize("how", ["absent", "broken", "no library", "no driver"])
def test_library_that_does_not_work_is_no_gpus(start_daemon, tmp_path, how):
    library = tmp_path / "lib.so"
    env = {}
    if how == "broken":
        library.write_bytes(b"not ELF")
    elif how == "no library":
        library = "libm.so.6"  # loads, but knows nothing of GPUs
    elif how == "no driver":
        library, env = FAKE_NVML, {"FAKE_NVML_GPUS": "2", "FAKE_NVML_INIT_CODE": "9"}
    daemon = start_daemon(args=["--gpu-library", str(library)], env=env)
    assert refusal(daemon, {"GPU": 1})[0] == "builtins.Exception"
    assert daemon.get("/status").json()[0]["cluster_config"]["is_gpu"] is False
    assert ('"gpu.none"' in daemon.log()) == (how in ("no library", "no driver"))


def test_driver_that_wakes_slowly_holds_nobody_up(start_daemon, tmp_path):
    """All is served while NVML initialises; who wants GPUs waits, and gets them."""
    awake = tmp_path / "awake"
    daemon = start_daemon(inspect=False, **gpu_options(FAKE_NVML_INIT_UNTIL=str(awake)))
    assert daemon.get("/check").status == 200
    assert daemon.get("/status").json()[0]["cluster_config"]["is_gpu"] is False
    made(daemon, "plain", {"CPU": 1})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(create, daemon, "p", {"GPU": 1})
        assert daemon.get("/check").status == 200
        awake.touch()
        assert waiting.result(60).json() == SUCCESS
    assert visible(daemon, "p") == "0"
    assert daemon.get("/status").json()[0]["cluster_config"]["is_gpu"] is True
    wait_until("earlier processes to see them", lambda: visible(daemon, "plain") == "0,1")


def test_driver_that_hangs_does_not_hold_the_end_back(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, **gpu_options(FAKE_NVML_INIT_UNTIL=str(tmp_path / "never")))
    assert daemon.get("/check").status == 200
    daemon.stop()


# -- /status --------------------------------------------------------------------------------------

def test_status_has_the_gpus_of_the_node_and_of_processes(start_daemon, tmp_path):
    uses = tmp_path / "uses"
    daemon = start_daemon(**gpu_options(
        FAKE_NVML_TOTAL_BYTES=str(80 * GIB), FAKE_NVML_USED_BYTES=str(20 * GIB),
        FAKE_NVML_UTILIZATION="10,40", FAKE_NVML_PROCESSES=str(uses)))
    made(daemon, "p", {"GPU": 1})
    daemon.put_function("child_pid", process="p")
    child = daemon.call("child_pid").json()
    assert daemon.get("/status").json()[0]["cluster_config"]["is_gpu"] is True
    uses.write_text(f"{daemon.worker_pid('p')} 1 {GIB}\n{child} 1 {2 * GIB}\n1 0 {GIB}\n")

    def sampled():
        status = daemon.get("/status").json()[0]
        return status if "process_gpu_usage" in status["processes"]["p"] else None
    status = wait_until("a sample with the process", sampled)
    node = {"total_memory": 80 * GIB, "used_memory": 20 * GIB, "used_memory_percent": 25.0,
            "free_memory": 60 * GIB, "gpu_count": 2, "utilization_percent": 25.0}
    assert status["workers"][0]["server_gpu_usage"] == node
    assert status["processes"]["p"]["process_gpu_usage"] == {
        "total_memory": 80 * GIB, "used_memory": 3 * GIB, "used_memory_percent": 3.75}
    assert "process_gpu_usage" not in status["processes"]["default_process"]
