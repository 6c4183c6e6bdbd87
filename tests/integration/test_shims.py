# SPDX-License-Identifier: Apache-2.0
"""gatehouse shim, and the commands `runhouse` and `ray` that it installs. No ssh is needed here; what
the client does with them by ssh is in tests/ssh."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .ownhome import GATEHOUSE, OwnHome, free_port

# All but --no-screen with --no-nohup, which together mean the foreground.
COMMON = ("--restart-ray", "--no-restart-ray", "--screen", "--no-screen", "--nohup", "--resync-rh", "--restart-proxy", "--use-caddy", "--from-python", "--conda-env base",
          "--api-server-url https://api.run.house", "--certs-address 10.0.0.1", "--domain n.example.com",
          "--ssl-keyfile ~/k", "--ssl-certfile=~/c", "--stop-ray", "--no-cleanup-actors")


@pytest.fixture
def home():
    made = OwnHome()
    yield made
    made.stop()


@pytest.fixture
def node(home):
    return home.install_shims()


@pytest.fixture
def port() -> int:
    return free_port()


def write_config(home: OwnHome, port: int, **members) -> None:
    config = {"name": "demo", "resource_subtype": "Cluster", "den_auth": False, "server_port": port,
              "server_connection_type": "ssh", "server_host": "0.0.0.0", "autostop_mins": None,
              "domain": None, "ips": ["127.0.0.1"], **members}
    (home.home / ".rh").mkdir(exist_ok=True)
    (home.home / ".rh" / "cluster_config.json").write_text(json.dumps(config))


def daemon_words(home: OwnHome) -> list[str]:
    (pid,) = home.processes("gatehoused")
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def listeners(port: int) -> list[str]:
    """The addresses, in hexadecimal, that somebody listens at on PORT."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1].split(":")[0] for row in rows
            if row[3] == "0A" and row[1].endswith(f":{port:04X}")]


# -- shim install, check, remove -----------------------------------------------------------------


def test_install_makes_two_links_that_win_in_a_login(home):
    shown = home.gatehouse("shim install --dir ~/.local/bin").stdout
    for name in ("runhouse", "ray"):
        link = home.home / ".local" / "bin" / name
        assert os.readlink(link) == str(GATEHOUSE)
        assert home.run(f"type -P {name}").stdout.strip() == str(link)
        assert str(link) in shown
    assert "missing" not in shown
    home.gatehouse("shim install --dir ~/.local/bin")  # again: nothing to complain of
    home.gatehouse("shim check --dir ~/.local/bin")


def test_install_takes_no_foreign_file_unless_forced(home):
    mine = home.home / ".local" / "bin" / "runhouse"
    mine.write_text("#!/bin/sh\necho mine\n")
    mine.chmod(0o755)
    done = home.gatehouse("shim install --dir ~/.local/bin", check=False)
    assert done.returncode == 1 and f"{mine} is there already, and not from here" in done.stdout
    assert "mine" in mine.read_text() and not (mine.parent / "ray").exists()
    home.gatehouse("shim install --dir ~/.local/bin --force")
    assert home.run("runhouse --version").stdout.strip() == "0.0.42"


def test_install_says_how_to_mend_a_path_where_another_wins(home):
    other = home.folder / "spy" / "runhouse"
    other.write_text("#!/bin/sh\necho other\n")
    other.chmod(0o755)
    done = home.gatehouse("shim install --dir ~/bin", check=False)
    mend = f"echo 'export PATH=\"{home.home}/bin:$PATH\"' >>~/.bashrc"
    assert done.returncode == 1 and mend in done.stdout
    home.run(mend)
    assert home.run("runhouse --version").stdout.strip() == "0.0.42"
    home.gatehouse("shim check --dir ~/bin")


def test_what_else_the_client_needs_is_named_with_its_remedy(node):
    node.spy_on("python3", None)
    (node.home / ".local" / "bin" / "ray").unlink()
    (node.home / ".profile").write_text(f"PATH={node.folder}/spy:{node.home}/.local/bin:/nowhere\n")
    (node.home / ".bashrc").unlink()
    done = subprocess.run([GATEHOUSE, "shim", "check", "--json", "--dir", "~/.local/bin"],
                          env=node.environment(), capture_output=True, text=True)
    needs = {need["name"]: need["mend"] for need in json.loads(done.stdout)}
    assert done.returncode == 1 and "of 6 things that the client needs" in done.stderr
    assert needs["bashrc"] == "touch ~/.bashrc"
    assert needs["ray"] == "gatehouse shim install"
    assert needs["rsync"] == "apt-get install rsync"
    assert "psutil" in needs["psutil"]
    assert needs["runhouse"] is None


@pytest.mark.release_only("it waits for a limit of 20 s")
def test_start_up_files_that_never_end_are_named(home):
    (home.home / ".bashrc").write_text("exec sleep 1000\n")
    done = subprocess.run([GATEHOUSE, "shim", "check"], env=home.environment(), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1 and "start-up files" in done.stderr


def test_remove_takes_its_own_links_only(node):
    foreign = node.home / ".local" / "bin" / "ray"
    foreign.unlink()
    foreign.write_text("#!/bin/sh\n")
    node.gatehouse("shim remove --dir ~/.local/bin")
    assert foreign.exists() and not (foreign.parent / "runhouse").exists()


# -- runhouse ------------------------------------------------------------------------------------


def test_version_is_the_clients(node):
    assert node.run("runhouse --version").stdout == "0.0.42\n"
    assert node.run("runhouse --version", env={"GATEHOUSE_RH_VERSION": "9.9"}).stdout == "9.9\n"


def test_start_status_restart_stop(node, port):
    assert "Server is up: " in node.run(f"runhouse server start --port {port}").stdout
    first = node.processes("gatehoused")
    status = node.run(f"runhouse server status --port {port}").stdout
    assert "Server is up" in status and f"server pid: {first[0]}" in status
    assert "Server is up already" in node.run(f"runhouse server start --port {port}").stdout
    shown = node.run(f"FLAVOUR=plum runhouse server restart --port {port}").stdout
    assert "Server stopped." in shown and node.processes("gatehoused") not in (first, [])
    assert "FLAVOUR=plum" in Path(f"/proc/{node.processes('gatehoused')[0]}/environ").read_text()
    assert node.server_log.count("daemon.ready") == 2
    assert node.run("runhouse server stop").stdout == "Server stopped.\n"  # it knows the port
    assert node.daemon_pids() == []
    assert "None was running" in node.run("runhouse server stop").stdout
    assert node.run(f"runhouse server status --port {port}", check=False).returncode == 1


@pytest.mark.parametrize("command", ["start", "restart", "stop", "status"])
def test_every_option_of_the_client_is_taken(node, port, command):
    node.run(f"runhouse server start --port {port}")
    node.run(f"runhouse server {command} {' '.join(COMMON)} --port {port} --host 127.0.0.1 --venv /usr")


@pytest.mark.parametrize("words, text", [
    ("server start my-cluster", "'my-cluster': this command is of the node it runs on"),
    ("server start --speed", "option '--speed' is not known"),
    ("server start --port", "option '--port' needs a value"),
    ("server start --port 0", "port is 0, but the client needs to know it"),
    ("server start --port many", "port is 'many', but must be a whole number"),
    ("cluster list", "`runhouse` knows only --version and server start"),
    ("", "`runhouse` knows only --version and server start"),
])
def test_what_it_cannot_do_is_refused_in_clear_words(node, words, text):
    done = node.run(f"runhouse {words}", check=False)
    assert (done.returncode, node.daemon_pids()) == (2, []) and text in done.stdout, done.stdout


def test_callers_are_checked_when_that_is_asked(node, port):
    node.run(f"runhouse server start --use-den-auth --port {port}")
    assert "den auth: true" in node.run(f"runhouse server status --port {port}").stdout
    for path, status in ("/check", 200), ("/keys", 401):
        done = node.run(f"curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{port}{path}")
        assert done.stdout.strip().endswith(str(status))


def test_a_refused_restart_leaves_the_server_running(node, port):
    node.run(f"runhouse server start --port {port}")
    before = node.processes("gatehoused")
    assert node.run(f"runhouse server restart --port {port} --speed", check=False).returncode == 2
    assert node.run("runhouse server restart --port 0", check=False).returncode == 2
    assert node.processes("gatehoused") == before
    node.run("runhouse server stop --use-https")
    assert node.processes("gatehoused") == []


def test_the_address_follows_the_cluster_config(node, port):
    write_config(node, port)
    node.run("runhouse server start")
    assert listeners(port) == ["0100007F"]  # ssh comes from loopback
    write_config(node, port, server_connection_type="none")
    node.run("runhouse server restart")
    assert listeners(port) == ["00000000"]
    node.run("runhouse server restart --host 127.0.0.1")
    assert listeners(port) == ["0100007F"]  # what was said wins
    for connection in ("none", "docker"):
        write_config(node, port, server_connection_type=connection, server_host=None)
        node.run("runhouse server restart")
        assert listeners(port) == ["00000000"]


def test_a_restart_on_another_port_ends_the_server_on_the_first(node, port):
    write_config(node, port)
    node.run("runhouse server start")
    write_config(node, free_port())
    node.run("runhouse server restart")
    assert len(node.processes("gatehoused")) == 1 and listeners(port) == []


def test_a_server_that_others_started_is_left_alone(node, port):
    other = free_port()
    node.gatehouse(f"up --port {other}")
    node.run(f"runhouse server restart --port {port}")
    node.run("runhouse server stop")
    assert len(node.processes("gatehoused")) == 1 and listeners(other)


def test_without_screen_and_nohup_it_is_the_server(node, port):
    process = subprocess.Popen(
        [node.home / ".local" / "bin" / "runhouse", "server", "start", "--no-restart-ray", "--port",
         str(port), "--no-screen", "--no-nohup"], env=node.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        assert b"daemon.ready" in process.stderr.readline()
        assert node.processes("gatehoused") == [process.pid]
        node.run("runhouse server stop")
        process.stderr.read()
        assert process.wait(30) == 0


def test_a_venv_is_the_servers_python(node, port):
    subprocess.run([node.python, "-m", "venv", "--without-pip", node.home / "venv"], check=True)
    node.run(f"source ~/venv/bin/activate && runhouse server start --port {port} --venv ~/venv")
    assert f"--env={node.home}/venv" in daemon_words(node)
    assert f"{node.home}/venv/bin/python" in node.server_log


# -- ray -----------------------------------------------------------------------------------------


def test_a_further_node_is_registered_and_says_what_it_can_do(node):
    shown = node.run("ray start --address=10.0.0.1:6379 --disable-usage-stats").stdout
    assert "Joined to the head 10.0.0.1:6379" in shown and "takes no work yet" in shown
    assert json.loads((node.state / "joined.json").read_text())["head"] == "10.0.0.1:6379"
    assert "Joined to the head 10.0.0.1:6379" in node.run("ray status").stdout
    node.run("ray stop")
    assert not (node.state / "joined.json").exists()


def test_ray_of_a_head_does_nothing_and_says_so(node):
    assert "nothing was started" in node.run("ray start --head --port 6379").stdout
    assert "nothing was stopped" in node.run("ray stop").stdout
    assert "No Ray is here" in node.run("ray status").stdout
    done = node.run("ray submit job.py", check=False)
    assert done.returncode == 2 and "which has no Ray" in done.stdout
    assert node.daemon_pids() == []


def test_no_pip_and_no_other_helper_is_ever_run(node, port):
    node.run("runhouse --version")
    node.run(f"runhouse server restart --restart-ray --port {port} --from-python")
    node.run("ray start --address 10.0.0.1:6379")
    node.run("runhouse server stop --stop-ray")
    assert [line for line in node.spied() if not line.startswith("python3 -I -c ")
            and "psutil" not in line] == []
