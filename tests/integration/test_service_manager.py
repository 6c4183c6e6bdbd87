# SPDX-License-Identifier: Apache-2.0
"""What the daemon and a service manager tell and give each other, without one: the test listens at NOTIFY_SOCKET, and a
small program hands sockets over. tests/systemd does the same with a booted systemd."""
from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

from .gatehoused import REPO, START_S, Gatehoused
from .own_net import OwnNetwork, run
from .ports import free_port
from .tls_kit import Authority

HANDOVER = str(REPO / "tests/fake/handover.py")


@pytest.fixture
def manager(tmp_path):
    """The socket that a manager listens at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(START_S)
        yield made


def told(manager, wanted: str) -> dict[str, str]:
    """The next message that says WANTED, as a dictionary; others before it are taken."""
    while True:
        said = dict(line.split("=", 1) for line in manager.recv(4096).decode().splitlines())
        if wanted in said:
            return said


def handed(*sockets: str) -> list[str]:
    return [sys.executable, HANDOVER, *sockets, "--"]


def variables_of_worker(daemon: Gatehoused) -> set[str]:
    answer = daemon.post("/run_bash", {"command": "env", "process": "default_process", "require_outputs": True})
    return {line.partition("=")[0] for line in answer.json()["data"][1].splitlines()}


# ---- what is told ----

def test_ready_reload_and_stop_are_told(start_daemon, manager):
    daemon = start_daemon(inspect=False, env={"NOTIFY_SOCKET": manager.getsockname()})
    ready = told(manager, "READY")
    assert ready == {"READY": "1", "MAINPID": str(daemon.pid), "STATUS": f"Serves port {daemon.port}"}
    daemon.signal(signal.SIGHUP)
    assert int(told(manager, "RELOADING")["MONOTONIC_USEC"]) > 0
    assert told(manager, "READY")["STATUS"] == f"Serves port {daemon.port}"
    assert not variables_of_worker(daemon) & {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
    daemon.stop()
    assert told(manager, "STOPPING") == {"STOPPING": "1", "STATUS": "Stops; 0 requests may end first"}


def test_refused_reload_is_told_and_over(start_daemon, manager):
    daemon = start_daemon(env={"NOTIFY_SOCKET": manager.getsockname()})
    file = daemon.home / ".config/gatehouse/gatehouse.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("prot: 1\n")
    told(manager, "READY")
    daemon.signal(signal.SIGHUP)
    assert "unknown setting 'prot'; did you mean port" in told(manager, "READY")["STATUS"]
    assert daemon.get("/check").status == 200


def test_watchdog_is_fed_and_time_asked_for_while_calls_end(start_daemon, manager, tmp_path):
    daemon = start_daemon(inspect=False, args=["--drain-timeout-ms", "60000"],
                          env={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "100000"})
    for _ in range(3):
        told(manager, "WATCHDOG")
    connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=START_S)
    connection.request("POST", "/run_bash", json.dumps(
        {"command": f"until [ -e {tmp_path}/release ]; do sleep 0.02; done; echo done", "require_outputs": True}))
    assert daemon.get("/check").status == 200  # so the other request is taken
    daemon.signal(signal.SIGTERM)
    told(manager, "STOPPING")
    assert told(manager, "EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"] == "20000000"
    (tmp_path / "release").touch()
    assert b"done" in connection.getresponse().read()
    assert daemon.wait() == 0


@pytest.mark.parametrize("name, value", [("NOTIFY_SOCKET", "relative"), ("NOTIFY_SOCKET", "/nowhere/at/all"),
                                         ("WATCHDOG_USEC", "often")])
def test_manager_that_cannot_be_told_is_no_reason_not_to_serve(start_daemon, manager, name, value):
    daemon = start_daemon(env={"NOTIFY_SOCKET": manager.getsockname(), name: value})
    assert daemon.get("/check").status == 200
    assert "service.not_told" in daemon.log()


# ---- what is handed over ----

def test_handed_socket_takes_the_place_of_host_and_port(start_daemon):
    daemon = start_daemon(wrapper=handed("http=127.0.0.1:0"))
    assert daemon.get("/check").status == 200
    assert f'"socket":"127.0.0.1:{daemon.port}"' in daemon.log()
    assert not variables_of_worker(daemon) & {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}


def test_several_are_served_and_the_port_of_the_settings_comes_first(start_daemon):
    first, second = free_port(), free_port()
    daemon = start_daemon(wrapper=handed(f"http=127.0.0.1:{first}", f"=127.0.0.1:{second}"), port_option=second)
    assert daemon.port == second
    for port in (first, second):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
        connection.request("GET", "/check")
        assert connection.getresponse().status == 200
    assert (daemon.folder / f"state/control-{second}.sock").exists()


def test_handed_control_socket_is_served_and_left(start_daemon, tmp_path):
    path = tmp_path / "control-1.sock"
    daemon = start_daemon(inspect=False, wrapper=handed(f"control={path}"))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        peer = int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
        assert peer == daemon.pid  # so `gatehouse stop` ends it, and not whoever opened the socket
        client.sendall(b"GET /_gatehouse/v1/config HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 200")
    assert not (daemon.folder / f"state/control-{daemon.port}.sock").exists()
    daemon.stop()
    assert stat.S_ISSOCK(os.stat(path).st_mode)


@pytest.mark.parametrize("sockets, reason", [
    (["htpp=127.0.0.1:0"], "it is called 'htpp', but must be called http, https or control"),
    (["http=127.0.0.1:0", "control=127.0.0.1:0"], "socket 2 of 2 that the service manager handed over: it is called "
                                                  "'control', but is no UNIX socket"),
    (["control={tmp}/c.open"], "everybody may open the control socket"),
    (["http=0.0.0.0:0"], "which others can reach, and no caller is checked"),
])
def test_what_cannot_be_served_is_said(tmp_path, sockets, reason):
    words = [word.format(tmp=tmp_path) for word in sockets]
    done = Gatehoused(tmp_path / "gatehoused", wrapper=handed(*words)).run_to_exit()
    assert done.returncode == 78 and reason in done.stderr, done.stderr


def test_handed_socket_is_no_place_to_write_to(tmp_path):
    done = Gatehoused(tmp_path / "gatehoused", wrapper=handed("http=127.0.0.1:0"), args=["--ready-fd=3"]).run_to_exit()
    assert done.returncode == 78
    assert "ready_fd is 3, which is a socket that the service manager handed over" in done.stderr


def test_auth_stays_on_where_others_reach_a_handed_socket(start_daemon):
    daemon = start_daemon(inspect=False, wrapper=handed("http=0.0.0.0:0"), args=["--use-den-auth"], env={"RH_TOKEN": "owners"})
    request = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=START_S)
    request.request("POST", "/settings", json.dumps({"den_auth": False}), {"Authorization": "Bearer owners"})
    answer = request.getresponse()
    assert answer.status == 400 and b"the node listens on 0.0.0.0:" in answer.read()


# ---- ports 80 and 443 handed over ----

@pytest.fixture
def network():
    with OwnNetwork():
        yield


def redirect_of(*words: str) -> tuple[int, str]:
    status, _, location = run("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}",
                              *words).partition(" ")
    return int(status), location


def check_of(url: str) -> dict:
    return json.loads(run("curl", "--silent", "--insecure", "--location", url + "/check"))


@pytest.mark.parametrize("order", [("http=0.0.0.0:80", "https=0.0.0.0:443"), ("https=[::]:443", "=0.0.0.0:80")])
def test_handed_port_80_sends_clients_on_to_443(start_daemon, network, order):
    """As an own one does: the method stays, /livez is answered, the authority's questions are looked at."""
    start_daemon(inspect=False, wrapper=handed(*order), args=["--insecure"])
    url = "http://127.0.0.1"
    assert redirect_of(f"{url}/m/f?a=%20") == (301, "https://127.0.0.1/m/f?a=%20")
    assert redirect_of("--request", "POST", "--data", "x", f"{url}/m/f") == (308, "https://127.0.0.1/m/f")
    assert redirect_of(f"{url}/livez") == (200, "")
    assert redirect_of(f"{url}/.well-known/acme-challenge/x") == (404, "")
    assert check_of("https://127.0.0.1") == check_of(url) == {"rh_version": "0.0.42"}


@pytest.mark.parametrize("sockets, args", [
    (["http=127.0.0.1:80", "https=127.0.0.1:443"], ["--redirect-http", "0"]),
    (["http=127.0.0.1:80", "https=127.0.0.1:443"], ["--redirect-http", "8080"]),
    (["http=127.0.0.1:80", "https=127.0.0.1:8443"], []),
    (["http=127.0.0.1:80"], []),
])
def test_handed_port_80_serves_where_nothing_is_to_be_sent_on(start_daemon, network, sockets, args):
    start_daemon(inspect=False, wrapper=handed(*sockets), args=args)
    assert check_of("http://127.0.0.1") == {"rh_version": "0.0.42"}


def test_another_handed_port_is_chosen_by_the_setting(start_daemon, network):
    sockets = handed("http=127.0.0.1:8080", "http=127.0.0.1:80", "https=127.0.0.1:443")
    start_daemon(inspect=False, wrapper=sockets, args=["--redirect-http", "8080"])
    assert redirect_of("http://127.0.0.1:8080/check") == (301, "https://127.0.0.1/check")
    assert redirect_of("http://127.0.0.1/check") == (200, "")


def test_handed_sockets_that_serve_nobody_unknown_need_no_auth(start_daemon, network, tmp_path):
    """One that only sends clients on, and HTTPS for those alone who show a certificate."""
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority.make("clients", is_ca=True).pem)
    sockets = handed("http=0.0.0.0:80", "https=0.0.0.0:443")
    start_daemon(inspect=False, wrapper=sockets, args=["--client-ca", str(ca)])
    assert redirect_of("http://127.0.0.1/check") == (301, "https://127.0.0.1/check")
    done = subprocess.run(["curl", "-sS", "--insecure", "https://127.0.0.1/check"], capture_output=True, text=True)
    assert done.returncode != 0 and "certificate required" in done.stderr


def test_handed_https_without_client_ca_needs_auth(tmp_path, network):
    sockets = handed("http=0.0.0.0:80", "https=0.0.0.0:443")
    done = Gatehoused(tmp_path / "gatehoused", wrapper=sockets).run_to_exit()
    assert done.returncode == 78 and "it would listen on '0.0.0.0:443', which others can reach" in done.stderr
