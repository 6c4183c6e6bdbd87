# SPDX-License-Identifier: Apache-2.0
"""The node: its shell, status, settings, secrets, packages."""
from __future__ import annotations

import os

import peer_node as code
import runhouse as rh

from .table import Bench, add, case

BASH = {
    "plain": "echo hello", "error output": "echo out; echo err >&2", "exit status": "exit 7",
    "unknown command": "no_such_command_here 2>/dev/null", "empty": "", "several lines": "printf 'a\\nb\\nc'",
    "unicode": "echo é漢", "pipes": "printf 'b\\na\\n' | sort | head -1", "quotes": "echo \"a 'b'\" '\"c\"'",
    "variables": "X=5; echo $X ${X}0 $((X+1))", "two lines": "echo a\necho b", "signal": "kill -9 $$",
    "working folder": "test \"$(pwd)\" = \"$HOME\" && echo home", "here document": "cat <<EOF\nx\nEOF",
    "empty input": "wc -c < /dev/null", "long output": "seq 1 20000", "false": "false",
    "no newline": "printf x", "status of the last": "false; true", "kill by term": "kill -TERM $$",
    "python": "python3 -c 'print(1+1)'", "error only": "echo e >&2; exit 2", "and": "true && echo yes || echo no",
    "tab": "printf 'a\\tb\\n'", "carriage return": "printf 'a\\rb\\n'", "background": "sleep 0 & wait; echo done",
}
for _name, _command in BASH.items():
    add(f"bash {_name}", lambda bench, c=_command: bench.cluster.run_bash(c, stream_logs=False))
    if _name in ("plain", "several lines", "unicode", "exit status", "no newline", "long output", "two lines"):
        def _run(bench: Bench, command=_command):
            bench.out()
            answer = bench.cluster.run_bash(command)
            return [answer, "".join(f"{line}\n" for line in bench.out())]
        add(f"bash shown {_name}", _run)


@case
def bash_list_of_commands(bench: Bench):
    return bench.cluster.run_bash(["echo a", "echo b >&2; exit 1"], stream_logs=False)


@case
def bash_list_of_one(bench: Bench):
    return bench.cluster.run_bash(["echo a"], stream_logs=False)


@case
def bash_without_outputs(bench: Bench):
    return [bench.cluster.run_bash("exit 3", require_outputs=False, stream_logs=False),
            bench.cluster.run_bash(["true", "false"], require_outputs=False, stream_logs=False)]


@case
def bash_shown_without_outputs(bench: Bench):
    bench.out()
    return [bench.cluster.run_bash("echo shown", require_outputs=False), bench.out()]


@case
def bash_of_a_process(bench: Bench):
    bench.cluster.create_process("bash_process", env_vars={"BASH_OWN": "of the process"})
    return [bench.cluster.run_bash("echo $BASH_OWN", process="bash_process", stream_logs=False),
            bench.cluster.run_bash("echo $BASH_OWN", stream_logs=False)]


@case
def bash_shown_of_a_process(bench: Bench):
    bench.cluster.ensure_process_created("bash_shown")
    bench.out()
    return [bench.cluster.run_bash("echo by a process", process="bash_shown"), bench.out()]


@case
def bash_sees_what_code_set(bench: Bench):
    bench.cluster.ensure_process_created("bash_env")
    bench.cluster.set_process_env_vars("bash_env", {"LATE": "late"})
    return bench.cluster.run_bash("echo $LATE", process="bash_env", stream_logs=False)


@case
def bash_of_an_unknown_process(bench: Bench):
    return bench.failure(bench.cluster.run_bash, "true", process="bash_nowhere", stream_logs=False)


@case
def bash_by_node(bench: Bench):
    return [bench.cluster.run_bash("echo a", node=0, stream_logs=False),
            bench.cluster.run_bash("echo b", node=bench.cluster.ips[0], stream_logs=False),
            bench.cluster.run_bash("echo c", node="all", stream_logs=False)]


@case
def bash_by_a_node_that_is_not_there(bench: Bench):
    return [bench.failure(bench.cluster.run_bash, "true", node=3, stream_logs=False),
            bench.failure(bench.cluster.run_bash, "true", node="10.9.8.7", stream_logs=False),
            bench.failure(bench.cluster.run_bash, "true", node=0, process="x", stream_logs=False)]


@case
def bash_by_client_of_a_node_out_of_range(bench: Bench):
    return [bench.failure(bench.cluster.client.run_bash, "true", node_ip_or_idx=5),
            bench.failure(bench.cluster.client.run_bash, "true", node_ip_or_idx="10.9.8.7")]


@case
def bash_by_client_on_all_nodes(bench: Bench):
    return [bench.cluster.client.run_bash("echo a"), bench.cluster.client.run_bash("echo a", require_outputs=True),
            bench.cluster.client.run_bash("echo b", node_ip_or_idx="localhost", require_outputs=True)]


@case
def bash_by_the_old_run(bench: Bench):
    return bench.cluster.run(["echo old"], stream_logs=False)


@case
def bash_files_stay(bench: Bench):
    bench.cluster.run_bash("echo kept > ~/bash_kept", stream_logs=False)
    return bench.cluster.run_bash("cat ~/bash_kept; rm ~/bash_kept", stream_logs=False)


@case
def bash_from_threads(bench: Bench):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda i: bench.cluster.run_bash(f"echo {i}", stream_logs=False), range(8)))


# -- what it is and does


@case
def cluster_is_connected(bench: Bench):
    return [bench.cluster.is_connected(), bench.cluster.on_this_cluster(), bench.cluster.endpoint() is not None]


@case
def cluster_disconnects_and_comes_back(bench: Bench):
    bench.cluster.disconnect()
    return bench.cluster.keys() is not None


LATER = {"server_cpu_usage", "server_gpu_usage"}  # of the true server's, some time after its start


@case
def status_fields(bench: Bench):
    status = bench.cluster.status()
    return [sorted({*status} - LATER), sorted(status["cluster_config"])]


@case
def status_kinds(bench: Bench):
    status = bench.cluster.status()
    return {key: type(value).__name__ for key, value in sorted(status.items()) if key not in LATER}


@case
def status_by_the_client(bench: Bench):
    status, code_of_den = bench.cluster.client.status()
    config = status["cluster_config"]
    wanted = {"den_auth", "domain", "ips", "is_gpu", "resource_subtype", "server_connection_type",
              "server_host", "server_port"}
    return [sorted(wanted - {*config}), code_of_den, status["runhouse_version"]]


@case
def status_of_a_process(bench: Bench):
    bench.cluster.create_process("status_process", env_vars={"A": "b"})
    bench.cluster.put("status_object", {"a": 1}, process="status_process")
    bench.cluster.put("status_text", "x", process="status_process")
    found = bench.cluster.status()["processes"]["status_process"]
    return [sorted(found), found["process_resource_mapping"], type(found["pid"]).__name__]


@case
def status_of_functions_and_modules(bench: Bench):
    rh.function(code.add, name="status_fn").to(bench.cluster, process="status_mods", sync_local=False)
    rh.module(code.Meter).to(bench.cluster, process="status_mods", sync_local=False)(1, name="status_meter")
    code.Own(2, name="status_own").to(bench.cluster, process="status_mods", sync_local=False)
    return bench.cluster.status()["processes"]["status_mods"]["process_resource_mapping"]


@case
def status_workers(bench: Bench):
    workers = bench.cluster.status()["workers"]
    return [len(workers), sorted(workers[0])]


@case
def settings_of_the_node(bench: Bench):
    answer = bench.cluster.client.set_settings({"autostop_mins": 30})
    return [answer.status_code, answer.json()]


@case
def settings_name(bench: Bench):
    answer = bench.cluster.client.set_settings({"cluster_name": "test-cluster"})
    return [answer.json(), bench.cluster.client.status()[0]["cluster_config"]["name"]]


@case
def certificate_that_is_not_there(bench: Bench):
    return bench.failure(bench.cluster.client.request, "cert", req_type="get", headers={})["raised"]


# -- secrets


@case
def secret_in_memory(bench: Bench):
    made = rh.secret(name="secret_plain", values={"a": "1"}).to(bench.cluster)
    got = bench.cluster.get("secret_plain")
    return [made.name, type(got).__name__, got.name, got.values, "secret_plain" in bench.cluster.keys()]


@case
def secret_in_memory_under_another_name(bench: Bench):
    made = rh.secret(name="secret_first", values={"a": "1"}).to(bench.cluster, name="secret_second")
    return [made.name, "secret_first" in bench.cluster.keys(), bench.cluster.get("secret_second").values]


@case
def secret_in_a_process(bench: Bench):
    bench.cluster.ensure_process_created("secret_process")
    rh.secret(name="secret_proc", values={"a": "1"}).to(bench.cluster, process="secret_process")
    return bench.cluster.keys(process="secret_process")


@case
def secret_values_by_call(bench: Bench):
    rh.secret(name="secret_called", values={"a": "1"}).to(bench.cluster)
    return [bench.cluster.call("secret_called", "values"), bench.cluster.call("secret_called", "is_present"),
            bench.cluster.call("secret_called", "name")]


@case
def secret_of_a_provider_as_variable(bench: Bench):
    rh.provider_secret("openai", values={"api_key": "key of openai"}).to(bench.cluster)
    return [bench.fn(code.getenv)("OPENAI_API_KEY"), bench.cluster.get("openai").values, type(
        bench.cluster.get("openai")).__name__]


@case
def secret_of_a_provider_in_a_process(bench: Bench):
    bench.cluster.ensure_process_created("secret_vars")
    rh.provider_secret("anthropic", values={"api_key": "key of anthropic"}).to(bench.cluster, process="secret_vars")
    return bench.fn(code.getenv, process="secret_vars")("ANTHROPIC_API_KEY")


@case
def secret_with_own_variables(bench: Bench):
    os.environ["OWN_A"], os.environ["OWN_B"] = "value a", "value b"
    made = rh.provider_secret(name="own_vars", provider="own", env_vars={"a": "OWN_A", "b": "OWN_B"})
    made.to(bench.cluster)
    return bench.fn(code.getenv)("OWN_A", "OWN_B")


@case
def secret_with_a_path(bench: Bench):
    rh.provider_secret(name="own_file", provider="own", values={"k": "v"}).to(
        bench.cluster, path="~/secrets_of_cases/own.json")
    return [bench.fn(code.read)("~/secrets_of_cases/own.json"), bench.cluster.get("own_file").values]


@case
def secret_of_aws_with_a_path(bench: Bench):
    rh.provider_secret("aws", name="aws_file", values={"access_key": "AK", "secret_key": "SK"}).to(
        bench.cluster, path="~/secrets_of_cases/aws")
    return bench.fn(code.read)("~/secrets_of_cases/aws")


@case
def secret_of_huggingface_with_a_path(bench: Bench):
    rh.provider_secret("huggingface", name="hf_file", values={"token": "hf_x"}).to(
        bench.cluster, path="~/secrets_of_cases/hf/token")
    return bench.fn(code.read)("~/secrets_of_cases/hf/token")


@case
def secret_of_azure_with_a_path(bench: Bench):
    rh.provider_secret("azure", name="azure_file", values={"subscription_id": "sub"}).to(
        bench.cluster, path="~/secrets_of_cases/azure")
    return bench.fn(code.read)("~/secrets_of_cases/azure")


@case
def secret_of_lambda_with_a_path(bench: Bench):
    rh.provider_secret("lambda", name="lambda_file", values={"api_key": "lam"}).to(
        bench.cluster, path="~/secrets_of_cases/lambda_keys")
    return bench.fn(code.read)("~/secrets_of_cases/lambda_keys")


@case
def secret_of_github_with_a_path(bench: Bench):
    rh.provider_secret("github", name="github_file", values={"token": "gh_x"}).to(
        bench.cluster, path="~/secrets_of_cases/hosts.yml")
    return bench.fn(code.read)("~/secrets_of_cases/hosts.yml")


@case
def secret_of_ssh_with_a_path(bench: Bench):
    rh.provider_secret("ssh", name="ssh_file", values={"public_key": "pub", "private_key": "priv"}).to(
        bench.cluster, path="~/secrets_of_cases/id_test")
    return [bench.fn(code.read)("~/secrets_of_cases/id_test"), bench.fn(code.read)("~/secrets_of_cases/id_test.pub"),
            bench.fn(code.mode_of)("~/secrets_of_cases/id_test")]


@case
def secret_of_gcp_with_a_path(bench: Bench):
    rh.provider_secret("gcp", name="gcp_file", values={"client_id": "c", "client_secret": "s"}).to(
        bench.cluster, path="~/secrets_of_cases/gcp.json")
    return bench.fn(code.read)("~/secrets_of_cases/gcp.json")


@case
def secret_of_kubeconfig_with_a_path(bench: Bench):
    rh.provider_secret("kubernetes", name="kube_file", values={"clusters": [], "kind": "Config"}).to(
        bench.cluster, path="~/secrets_of_cases/kube")
    return bench.fn(code.read)("~/secrets_of_cases/kube")


@case
def secrets_synced(bench: Bench):
    bench.cluster.sync_secrets([rh.provider_secret("wandb", values={"api_key": "w"}),
                                rh.secret(name="synced_plain", values={"x": "y"})])
    return [bench.cluster.get("wandb").values, bench.cluster.get("synced_plain").values]


@case
def secret_renamed_and_deleted(bench: Bench):
    rh.secret(name="secret_old", values={"a": "1"}).to(bench.cluster)
    bench.cluster.rename("secret_old", "secret_new")
    got = bench.cluster.get("secret_new").name
    bench.cluster.delete("secret_new")
    return [got, bench.cluster.get("secret_new")]


# -- packages


@case
def package_that_is_there(bench: Bench):
    return [bench.cluster.install_package("cloudpickle"), bench.fn(code.imports)("cloudpickle")]


@case
def packages_by_the_list(bench: Bench):
    return bench.cluster.client.install_package(rh.Package.from_string("pip:cloudpickle"))


@case
def package_by_pip_install(bench: Bench):
    return bench.failure(bench.cluster.pip_install, ["cloudpickle"])


@case
def package_of_an_unknown_method(bench: Bench):
    package = rh.Package.from_string("pip:cloudpickle")
    package.install_method = "brew"
    return bench.failure(bench.cluster.client.install_package, package)["raised"]


@case
def package_folder_of_the_node(bench: Bench):
    bench.fn(code.write)("~/package_of_cases/module_of_cases.py", "x = 1\n")
    from runhouse.resources.packages import InstallTarget, Package
    package = Package(install_target=InstallTarget(local_path="~/package_of_cases",
                                                   _path_to_sync_to_on_cluster="~/package_of_cases"),
                      install_method="local")
    bench.cluster.client.install_package(package)
    return [bench.fn(code.imports)("module_of_cases"), bench.fn(code.on_path)("package_of_cases")]


@case
def package_folder_is_known_to_later_processes(bench: Bench):
    bench.fn(code.write)("~/package_later/module_later.py", "x = 1\n")
    from runhouse.resources.packages import InstallTarget, Package
    package = Package(install_target=InstallTarget(local_path="~/package_later",
                                                   _path_to_sync_to_on_cluster="~/package_later"),
                      install_method="local")
    bench.cluster.client.install_package(package)
    bench.cluster.create_process("package_late")
    return bench.fn(code.imports, process="package_late")("module_later")


@case
def package_folder_that_is_not_there(bench: Bench):
    from runhouse.resources.packages import InstallTarget, Package
    package = Package(install_target=InstallTarget(local_path="/package_nowhere",
                                                   _path_to_sync_to_on_cluster="/package_nowhere"),
                      install_method="local")
    return bench.failure(bench.cluster.client.install_package, package)


# -- processes, more of them


@case
def process_parameters_are_listed(bench: Bench):
    bench.cluster.create_process("listed_a", env_vars={"A": "1"}, compute={"CPU": 0.5}, runtime_env={})
    bench.cluster.ensure_process_created("listed_b")
    found = bench.cluster.list_processes()
    return [found["listed_a"], found["listed_b"], found["default_process"]]


@case
def process_with_memory(bench: Bench):
    bench.cluster.create_process("with_memory", compute={"memory": 100_000_000})
    return bench.fn(code.add, process="with_memory")(1)


@case
def process_with_gpu_where_is_none(bench: Bench):
    return bench.failure(bench.cluster.create_process, "with_gpu", compute={"GPU": 1})["raised"]


@case
def process_with_node_and_cpu(bench: Bench):
    return bench.failure(bench.cluster.create_process, "node_and_cpu", compute={"node_idx": 0, "CPU": 1})


@case
def process_with_runtime_env_variables(bench: Bench):
    bench.cluster.create_process("runtime_vars", runtime_env={"env_vars": {"RUNTIME": "yes"}})
    return bench.fn(code.getenv, process="runtime_vars")("RUNTIME")


@case
def process_by_dict_with_to(bench: Bench):
    remote = rh.function(code.getenv, name="by_dict_fn").to(
        bench.cluster, process={"name": "by_dict", "env_vars": {"BY": "dict"}, "compute": {"CPU": 0.1}},
        sync_local=False)
    return [remote("BY"), remote.process, bench.cluster.list_processes()["by_dict"]]


@case
def process_dict_without_name(bench: Bench):
    remote = rh.function(code.getenv, name="no_name_fn").to(
        bench.cluster, process={"env_vars": {"BY": "dict"}}, sync_local=False)
    return [remote("BY"), remote.process]


@case
def process_names_that_are_odd(bench: Bench):
    seen = []
    for name in ("with space", "é", "a.b", "x" * 100, "with/slash", "1"):
        bench.cluster.create_process(name)
        seen.append(bench.fn(code.add, process=name, name=f"odd_{len(seen)}")(1))
        bench.cluster.kill_process(name)
    return seen


@case
def process_variables_of_code(bench: Bench):
    return bench.fn(code.in_home)()


@case
def omp_threads_are_left_alone(bench: Bench):
    return bench.fn(code.getenv)("OMP_NUM_THREADS")[0] in (None, "")


@case
def cuda_devices_without_gpus(bench: Bench):
    return bench.fn(code.getenv)("CUDA_VISIBLE_DEVICES")


@case
def default_process_is_killed(bench: Bench):
    bench.cluster.put("of_default", 1)
    bench.cluster.kill_process("default_process")
    failure = bench.failure(bench.cluster.put, "of_default", 2)
    return ["of_default" in bench.cluster.keys(), failure]
