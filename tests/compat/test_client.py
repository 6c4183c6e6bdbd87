# SPDX-License-Identifier: Apache-2.0
"""The unmodified runhouse client, with a cluster that is a gatehoused."""
from __future__ import annotations

import pytest

from . import sdk

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


@pytest.fixture
def client(request, tmp_path) -> sdk.Client:
    """A client of the shared daemon, or of the server that --true-server names."""
    if url := request.config.getoption("--true-server", None):
        host, _, port = url.removeprefix("http://").partition(":")
        return sdk.Client(tmp_path / "client", host, int(port))
    daemon = request.getfixturevalue("daemon")
    return sdk.Client(tmp_path / "client", daemon.host, daemon.port)


def test_function_returns_its_result(client):
    seen = client.run("""
        remote = rh.function(concat).to(cluster, sync_local=False)
        report(remote("run", "house"), remote(a="x", b="y"), remote.call("1", b="2"))
    """)
    assert seen.reports == ["runhouse", "xy", "12"]


def test_function_deployed_twice_still_answers(client):
    seen = client.run("""
        for _ in range(2):
            remote = rh.function(concat).to(cluster, sync_local=False)
            report(remote("a", "b"))
    """)
    assert seen.reports == ["ab", "ab"]


def test_function_in_a_named_process(client):
    seen = client.run("""
        process = cluster.ensure_process_created("workshop", env_vars={"PLACE": "workshop"})
        remote = rh.function(getenv).to(cluster, process="workshop", sync_local=False)
        report(remote("PLACE"), cluster.keys(process="workshop"))
    """)
    assert seen.reports == ["workshop", ["getenv"]]


def test_values_survive_both_ways(client):
    seen = client.run("""
        remote = rh.function(echo).to(cluster, sync_local=False)
        values = [None, True, 0, -1, 1 << 80, 1.5, "", "text \\u00e9\\u2028\\U0001f3e0", b"\\x00\\xff",
                  [], [1, [2]], {}, {"a": {1: 2}}, (1, 2), {1, 2}, "x" * 100_000]
        report(*[remote(value) == value and type(remote(value)) is type(value)
                 for value in values])
    """)
    assert seen.reports == [True] * 16


def test_printed_lines_appear_at_the_client(client):
    seen = client.run("""
        remote = rh.function(talk).to(cluster, sync_local=False)
        report(remote(["alpha", "beta", "gamma \\u00e9"]))
    """)
    assert seen.reports == [3]
    lines = seen.stdout.splitlines()
    assert [line for line in lines if line in ("alpha", "beta", "gamma é")] == [
        "alpha", "beta", "gamma é"]
    assert "and that was all" in seen.stdout + seen.stderr


def test_log_records_appear_at_the_client(client):
    seen = client.run("""
        rh.function(log_something).to(cluster, sync_local=False)("the thing")
    """)
    assert "logged the thing" in seen.stdout


def test_output_by_all_means_appears_in_order(client):
    seen = client.run("""
        remote = rh.function(talk_by_all_means).to(cluster, sync_local=False)
        remote("m1")
    """)
    text = seen.stdout.replace("\r", "\n")
    found = [line for line in text.splitlines() if line.startswith("m1 ")]
    assert found == [f"m1 {end}" for end in (
        "print", "child", "child err", "pool", "thread", "shell", "end")]
    assert "m1: 100%|##| 2/2" in text


def test_no_lines_without_log_streaming(client):
    seen = client.run("""
        remote = rh.function(talk).to(cluster, sync_local=False)
        report(remote(["silence"], stream_logs=False))
    """)
    assert seen.reports == [1]
    assert "silence" not in seen.stdout


def test_lines_appear_while_the_call_runs(client, tmp_path):
    release = tmp_path / "release"
    running = client.watch(f"""
        remote = rh.function(first_line_then_wait).to(cluster, sync_local=False)
        remote({str(release)!r})
    """)
    try:
        running.wait_for_line("first line")  # the call cannot have ended: it waits for the file
        release.touch()
        running.wait_for_line("last line")
        running.finish()
    finally:
        release.touch()
        running.kill()


def test_shell_commands(client):
    seen = client.run("""
        cluster.set_process_env_vars("default_process", {"PLACE": "there"})
        report(cluster.run_bash("echo shown; echo err >&2; exit 3"),
               cluster.run_bash(["echo a", "exit 4"], require_outputs=False, stream_logs=False),
               cluster.run_bash("echo $PLACE", process="default_process", stream_logs=False))
        try:
            cluster.run_bash("echo", process="nowhere", stream_logs=False)
        except ValueError as error:
            report(str(error))
    """)
    assert seen.reports == [[3, "shown\n", "err\n"], [0, 4], [0, "there\n", ""],
                            "Process nowhere not found on the cluster."]
    assert "shown" in seen.stdout


def test_files_and_folders(client):
    seen = client.run("""
        cluster._folder_mkdir("~/kept")
        cluster._folder_put("~/kept", contents={"a.txt": "hello"}, overwrite=False, mode="w")
        cluster._folder_put("~/kept", contents={"b.pkl": [1, 2]}, overwrite=False, mode="wb",
                            serialization="pickle")
        report(cluster._folder_get("~/kept/a.txt", mode="r", encoding="utf-8"),
               sorted(cluster._folder_ls("~/kept", full_paths=False, sort=False)))
        cluster._folder_mv("~/kept", dest_path="~/moved", overwrite=True)
        report(cluster._folder_exists("~/kept"), cluster._folder_exists("~/moved"))
        cluster._folder_rm("~/moved", contents=None, recursive=True)
        report(cluster._folder_exists("~/moved"))
        try:
            cluster._folder_get("~/moved", mode="r", encoding=None)
        except ValueError as error:
            report("does not exist" in str(error))
    """)
    assert seen.reports == ["hello", ["a.txt", "b.pkl"], False, True, False, True]


def test_builtin_exception_is_raised_as_itself(client):
    seen = client.run("""
        remote = rh.function(fail_builtin).to(cluster, sync_local=False)
        try:
            remote("missing")
        except KeyError as error:
            report(type(error).__name__, list(error.args))
    """)
    assert seen.reports == ["KeyError", ["missing"]]
    assert "fail_builtin" in seen.stdout + seen.stderr  # the remote traceback is shown


def test_own_exception_is_raised_as_itself(client):
    seen = client.run("""
        remote = rh.function(fail_own).to(cluster, sync_local=False)
        try:
            remote("broken", 42)
        except OwnError as error:
            report(type(error).__name__, list(error.args), error.code)
    """)
    assert seen.reports == ["OwnError", ["broken"], 42]


def test_none_is_none(client):
    seen = client.run("""
        report(rh.function(returns_none).to(cluster, sync_local=False)())
    """)
    assert seen.reports == [None]


def test_generator_is_iterated_step_by_step(client):
    seen = client.run("""
        remote = rh.function(countdown).to(cluster, sync_local=False)
        report([value for value in remote(3)])
    """)
    assert seen.reports == [[3, 2, 1]]
    assert [line for line in seen.stdout.splitlines() if line.startswith("at ")] == [
        "at 3", "at 2", "at 1"]


def test_two_generators_of_one_function_do_not_mix(client):
    seen = client.run("""
        remote = rh.function(countdown).to(cluster, sync_local=False)
        one, two = iter(remote(3)), iter(remote(30))
        report([next(one), next(two), next(one), next(two), next(one)])
    """)
    assert seen.reports == [[3, 30, 2, 29, 1]]


def test_coroutine_function_is_awaited(client):
    seen = client.run("""
        import asyncio
        remote = rh.function(double_later).to(cluster, sync_local=False)
        report(asyncio.run(remote(21)))
    """)
    assert seen.reports == [42]


def test_function_that_returns_a_coroutine(client):
    seen = client.run("""
        import asyncio
        remote = rh.function(lazy_double).to(cluster, sync_local=False)
        async def wait():
            return await remote(4)
        report(asyncio.run(wait()))
    """)
    assert seen.reports == [8]


def test_async_generator(client):
    seen = client.run("""
        import asyncio
        remote = rh.function(async_countdown).to(cluster, sync_local=False)
        async def collect():
            return [value async for value in remote(3)]
        report(asyncio.run(collect()))
    """)
    assert seen.reports == [[3, 2, 1]]


def test_class_constructed_on_the_server(client):
    seen = client.run("""
        Remote = rh.module(Account).to(cluster, sync_local=False)
        account = Remote("ada", balance=5, name="ada_account")
        report(account.deposit(10), account.deposit(amount=1), account.currency(),
               account.describe())
    """)
    assert seen.reports == [15, 16, "EUR", "gatehouse"]
    assert "ada has 15" in seen.stdout


def test_two_instances_have_their_own_state(client):
    seen = client.run("""
        Remote = rh.module(Account).to(cluster, sync_local=False)
        one, two = Remote("one", name="one_account"), Remote("two", name="two_account")
        one.deposit(1), two.deposit(20)
        report(one.deposit(1), two.deposit(20))
    """)
    assert seen.reports == [2, 40]


def test_instance_made_at_the_client_brings_its_state(client):
    seen = client.run("""
        local = rh.module(Account)("bob", balance=100, name="bob_account")
        report(local.to(cluster, sync_local=False).deposit(1))
    """)
    assert seen.reports == [101]


def test_attributes_are_read_and_set(client):
    seen = client.run("""
        account = rh.module(Account).to(cluster, sync_local=False)("eve", name="eve_account")
        account.deposit(7)
        report(account.remote.balance, account.remote.summary, account.fetch("owner"))
        account.remote.balance = 1000
        report(account.deposit(1), account.remote.balance)
    """)
    assert seen.reports == [7, "eve: 7", "eve", 1001, 1001]


def test_async_and_generator_methods(client):
    seen = client.run("""
        import asyncio
        account = rh.module(Account).to(cluster, sync_local=False)("gil", name="gil_account")
        report(asyncio.run(account.deposit_later(3)), list(account.forecast(3)))
    """)
    assert seen.reports == [3, [3, 4, 5]]


def test_exception_of_a_method(client):
    seen = client.run("""
        account = rh.module(Account).to(cluster, sync_local=False)("low", name="low_account")
        try:
            account.overdraw()
        except Exception as error:  # the client has loaded client_code again, OwnError with it
            report(type(error).__name__, str(error), error.code)
    """)
    assert seen.reports == ["OwnError", "no money", 0]


def test_fetch_brings_the_instance_home(client):
    seen = client.run("""
        account = rh.module(Account).to(cluster, sync_local=False)("flo", name="flo_account")
        account.deposit(9)
        here = account.fetch()
        report(type(here).__name__, here.owner, here.balance)
    """)
    assert seen.reports == ["Account", "flo", 9]


def test_handle_found_again_by_its_name(client):
    seen = client.run("""
        rh.module(Account).to(cluster, sync_local=False)("kim", name="kim_account").deposit(2)
        again = cluster.get("kim_account", remote=True)
        report(again.deposit(3))
    """)
    assert seen.reports == [5]


def test_objects_are_put_got_renamed_and_deleted(client):
    seen = client.run("""
        cluster.put("thing", {"a": [1, 2]})
        report(cluster.get("thing"), cluster.get("nothing"))
        cluster.rename("thing", "other")
        report(cluster.get("thing"), cluster.get("other"), "other" in cluster.keys())
        cluster.delete(["other"])
        report("other" in cluster.keys())
    """)
    assert seen.reports == [{"a": [1, 2]}, None, None, {"a": [1, 2]}, True, False]


def test_method_of_a_plain_object_is_called(client):
    seen = client.run("""
        cluster.put("words", ["b", "a"])
        report(cluster.call("words", "index", "a"))
    """)
    assert seen.reports == [1]


def test_unknown_key_is_an_error_with_its_name(client):
    seen = client.run("""
        try:
            cluster.call("nowhere", "method")
        except Exception as error:
            report(type(error).__name__, str(error))
    """)
    assert seen.reports and "nowhere" in seen.reports[1]


def test_processes_are_made_listed_and_killed(client):
    seen = client.run("""
        cluster.create_process("mine", env_vars={"A": "1"})
        listed = cluster.list_processes()
        report(sorted(set(listed) & {"default_process", "mine"}), listed["mine"].get("env_vars"))
        cluster.put("inside", 1, process="mine")
        report(cluster.keys(process="mine"))
        cluster.kill_process("mine")
        report("mine" in cluster.list_processes(), cluster.get("inside"))
    """)
    assert seen.reports == [["default_process", "mine"], {"A": "1"}, ["inside"], False, None]


def test_environment_variables_reach_user_code(client):
    seen = client.run("""
        cluster.create_process("early", env_vars={"OWN": "own"})
        cluster.set_env_vars_globally({"EVERYWHERE": "g"})
        cluster.create_process("late")
        cluster.set_process_env_vars("late", {"ONLY_LATE": "l"})
        for process in ("early", "late"):
            remote = rh.function(getenv, name=f"getenv_{process}").to(
                cluster, process=process, sync_local=False)
            report([remote(name) for name in ("OWN", "EVERYWHERE", "ONLY_LATE")])
    """)
    assert seen.reports == [["own", "g", None], [None, "g", "l"]]


def test_status_has_what_the_client_reads(client):
    seen = client.run("""
        rh.function(concat).to(cluster, sync_local=False)
        status = cluster.status(send_to_den=False)
        report("concat_process" in status["processes"],
               list(status["processes"]["concat_process"]["process_resource_mapping"]),
               status["cluster_config"]["is_gpu"], status["runhouse_version"])
    """)
    assert seen.reports == [True, ["concat"], False, "0.0.42"]


def test_remote_result_is_a_handle(client):
    seen = client.run("""
        Remote = rh.module(Account).to(cluster, sync_local=False)
        account = Remote("ann", name="ann_account")
        pass_on = rh.function(echo).to(cluster, sync_local=False, process="Account_process")
        handle = pass_on(account, remote=True)
        report(handle.name, handle.deposit(4), account.deposit(1))
    """)
    assert seen.reports == ["ann_account", 4, 5]


def test_handle_as_an_argument_is_called_in_the_worker(client):
    seen = client.run("""
        account = rh.module(Account).to(cluster, sync_local=False)("ivy", name="ivy_account")
        rh.function(deposit_with).to(cluster, process="Account_process", sync_local=False)
        report(cluster.call("deposit_with", "call", account, 6), account.remote.balance)
    """)
    assert seen.reports == [6, 6]


def test_calls_from_many_threads_get_their_own_answers(client):
    seen = client.run("""
        from concurrent.futures import ThreadPoolExecutor
        remote = rh.function(echo).to(cluster, sync_local=False)
        with ThreadPoolExecutor(8) as threads:
            report(list(threads.map(lambda n: remote(n, stream_logs=False), range(40))))
    """)
    assert seen.reports == [list(range(40))]


def test_a_server_elsewhere_is_asked_with_trailing_slashes(request, tmp_path):
    if request.config.getoption("--true-server", None):
        pytest.skip("needs a server on 127.0.0.2")
    daemon = request.getfixturevalue("start_daemon")(host="127.0.0.2")
    seen = sdk.Client(tmp_path / "client", daemon.host, daemon.port).run("""
        remote = rh.function(talk).to(cluster, sync_local=False)
        report(remote(["from far away"]))
        cluster.put("thing", 1)
        report(cluster.get("thing"), "thing" in cluster.keys(), cluster.list_processes() != {})
        report(cluster.keys(process="default_process"))
        cluster.delete(["thing"])
        report(cluster.get("thing"))
    """)
    assert seen.reports == [1, 1, True, True, ["thing"], None]
    assert "from far away" in seen.stdout
