# SPDX-License-Identifier: Apache-2.0
"""The unmodified client brings a node up, over a real sshd and through its own tunnel. The node has
neither the client's package nor Ray, and gets neither."""
from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from .client import BRING_UP, SshClient, server_port

BROUGHT_UP = ("python3 -I -c ",  # the daemon asks an interpreter what it is
              "python3 -c import psutil")  # the client asks for the free space


def environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if b"=" in entry)


def check_spies(node) -> None:
    """Nothing was installed, and no Ray, screen or proxy was asked for."""
    others = [line for line in node.spied() if not line.startswith(BROUGHT_UP)]
    assert others == []


def test_start_call_restart_stop(client, node):
    seen = client.run("""
        report(cluster.is_up())
        cluster.up_if_not()
        cluster.start_server()
        report(cluster.server_connection_type)
        report(rh.function(concat).to(cluster)("a", "b"))
        cluster.restart_server()
        report(cluster.keys())
        report(rh.function(concat).to(cluster)("c", "d"))
        cluster.stop_server()
    """)
    assert seen.reports == [True, "ssh", "ab", [], "cd"]
    assert "Server is up: gatehoused at " in seen.stdout and "Server stopped." in seen.stdout
    assert node.daemon_pids() == []
    assert node.server_log.count("daemon.ready") == 2
    check_spies(node)


def test_a_node_that_is_up_already_is_used_as_it_is(client, node):
    """`gatehouse up` on the node, and the first call from elsewhere: no bring-up by the client."""
    node.gatehouse(f"up --port {client.port}")
    (pid,) = node.processes("gatehoused")
    seen = client.run("""
        cluster.up_if_not()
        report(rh.function(concat).to(cluster)("a", "b"))
        report(cluster.status()["server_pid"])
        cluster.start_server()
    """)
    assert seen.reports == ["ab", pid]
    assert "Server is up already" in seen.stdout
    check_spies(node)


def test_streams_and_errors_come_through_the_tunnel(client):
    seen = client.run("""
        cluster.start_server()
        report(rh.function(talk).to(cluster)(["one", "two"]))
        report(list(rh.function(countdown).to(cluster)(3)))
        try:
            rh.function(fail_builtin).to(cluster)("no such key")
        except KeyError as error:
            report(str(error))
    """)
    assert seen.reports == [2, [3, 2, 1], "'no such key'"]
    assert "one" in seen.stdout and "two" in seen.stdout


def test_env_vars_of_the_start_reach_all_workers(client, node):
    seen = client.run("""
        cluster.image = rh.Image("fruit").set_env_vars({"FLAVOUR": "plum"})
        cluster.restart_server()
        cluster.create_process("second", env_vars={"OWN": "1"})
        cluster.set_env_vars_globally({"LATER": "2"})
        import os
        for process in ("default_process", "second"):
            remote = rh.function(os.getenv).to(cluster, process=process)
            report([remote(name) for name in ("FLAVOUR", "OWN", "LATER")])
    """)
    assert seen.reports == [["plum", None, "2"], ["plum", "1", "2"]]
    for pid in node.daemon_pids():
        assert environment_of(pid)["FLAVOUR"] == "plum"


def test_the_daemon_outlives_the_ssh_session(client, node):
    client.run("cluster.start_server()")
    (pid,) = node.processes("gatehoused")
    assert os.getsid(pid) == pid
    seen = client.run("""
        report(cluster.status()["server_pid"], cluster.run_bash_over_ssh("echo here"))
    """)
    assert seen.reports == [pid, [[0, "here\n", ""]]]


# -- HTTPS: the client makes a certificate, uploads it, and verifies by it ---------------------------


def test_tls_by_the_clients_own_certificate(client, node):
    client.connection = "tls"
    seen = client.run(BRING_UP + "    report(cluster.client.use_https)")
    endpoint, verify, *rest = seen.reports
    assert endpoint == f"https://127.0.0.1:{client.port}"
    assert verify.endswith(".rh/certs/rh_server.crt")
    assert rest == ["ab", "cd", "tls", True]
    key = node.home / "certs" / "rh_server.key"
    assert key.stat().st_mode & 0o777 == 0o600  # it came readable to all
    assert node.server_log.count("tls.key_closed") == 2


# -- failures: the reason is in what the client prints -----------------------------------------------


def test_a_port_in_use(client, node):
    with socket.create_server(("127.0.0.1", client.port)):
        seen = client.fail("cluster.start_server()")
    assert f"listening on 127.0.0.1 port {client.port}: Address already in use" in seen
    assert "Failed to restart server" in seen
    assert node.daemon_pids() == []


def test_den_auth_keeps_out_who_has_no_token(client, node):
    seen = client.fail("cluster.den_auth = True; cluster.start_server(); print(cluster.keys())")
    assert "No Runhouse token provided" in seen
    assert len(node.daemon_pids()) > 0


def test_a_broken_cluster_config(client, node):
    client.run("cluster.start_server()")
    (node.home / ".rh" / "cluster_config.json").write_text('{"name": ')
    done = node.run("runhouse server restart", check=False)
    assert done.returncode != 0 and "cluster_config.json" in done.stdout


def test_no_python_on_the_node(client, node):
    (node.folder / "spy" / "python3").unlink()
    for program in ("mkdir", "touch"):
        node.spy_on(program, f"/bin/{program}")
    (node.home / ".bashrc").write_text(f"PATH={node.folder}/spy:{node.home}/.local/bin\n")
    (node.home / ".profile").unlink()
    seen = client.fail("cluster.start_server()")
    assert "its workers are not: " in seen and "no python3 on PATH: install one" in seen


def test_a_daemon_that_crashes_at_its_start(client, node):
    library = node.preloaded("raise(SIGABRT);")
    with open(node.home / ".bashrc", "a") as bashrc:
        bashrc.write(f"export LD_PRELOAD={library}\n")
    seen = client.fail("cluster.start_server()")
    assert "gatehoused was ended at its start by signal 6 (Aborted)" in seen


def test_without_psutil_check_names_the_remedy(client, node):
    node.spy_on("python3", None)
    done = node.gatehouse("shim check --dir ~/.local/bin", check=False)
    assert done.returncode == 1 and "pip install psutil" in done.stdout


# -- two hosts -----------------------------------------------------------------------------------


def test_the_second_host_is_joined(new_node, tmp_path):
    head, second = new_node("127.0.0.1"), new_node("127.0.0.2")
    second.trust(head)
    client = SshClient(tmp_path / "client", [head, second], server_port())
    seen = client.run("""
        cluster.restart_server()
        report(cluster.ips)
        report(rh.function(concat).to(cluster)("a", "b"))
        report(cluster.run_bash_over_ssh("ray status", node="127.0.0.2")[0][0])
    """)
    assert seen.reports == [["127.0.0.1", "127.0.0.2"], "ab", 0]
    assert "Joined to the head 127.0.0.1:6379" in seen.stdout and "takes no work yet" in seen.stdout
    assert json.loads((second.state / "joined.json").read_text())["head"] == "127.0.0.1:6379"
    assert second.daemon_pids() == [] and not (head.state / "joined.json").exists()
    assert (second.home / "project" / "client_code.py").exists()  # code is synced to both
    check_spies(head)
    check_spies(second)
