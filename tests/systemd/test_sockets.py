# SPDX-License-Identifier: Apache-2.0
"""gatehoused.socket and its fellows: systemd holds the ports, and no connection is refused."""
from __future__ import annotations

import json
import subprocess

from .machine import wait_for
from .test_service import SERVICE, bash, configure, main_pid, override

#: Connects, asks /check on a new connection each time, and counts how that went, until STOP is there.
CLIENT = """\
import collections, http.client, json, pathlib, sys
counts, stop = collections.Counter(), pathlib.Path(sys.argv[2])
while not stop.exists():
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    try:
        connection.connect()
    except OSError as error:
        counts[f"connect: {type(error).__name__}"] += 1
        continue
    try:
        connection.request("GET", "/check", headers={"Connection": "close"})
        counts[str(connection.getresponse().status)] += 1
    except (OSError, http.client.HTTPException) as error:
        counts[f"request: {type(error).__name__}"] += 1
    connection.close()
    pathlib.Path(sys.argv[2] + ".count").write_text(str(sum(counts.values())))
print(json.dumps(counts))
"""


class Clients:
    """The program above, while the block runs; `counts` afterwards."""

    def __init__(self, machine, port: int = 32300):
        self.machine, self.port = machine, port
        self.stop = machine.root / "srv/client.stop"
        self.asked = machine.root / "srv/client.stop.count"

    def answered(self) -> int:
        try:
            return int(self.asked.read_text() or 0)
        except FileNotFoundError:
            return 0

    def wait_for_more(self, number: int = 20) -> None:
        before = self.answered()
        wait_for(f"{number} more answers", lambda: self.answered() >= before + number)

    def __enter__(self) -> "Clients":
        self.stop.unlink(missing_ok=True)
        self.asked.unlink(missing_ok=True)
        self.process = self.machine.start("python3", "-c", CLIENT, str(self.port), "/srv/client.stop",
                                          stdout=subprocess.PIPE)
        self.wait_for_more()
        return self

    def __exit__(self, *trouble) -> None:
        self.stop.touch()
        self.counts = json.loads(self.process.communicate(timeout=60)[0])


def test_first_connection_starts_the_daemon(machine):
    machine.systemctl("start", "gatehoused.socket")
    assert machine.show(SERVICE, "ActiveState") == "inactive"
    assert machine.http("/check")[0] == 200
    assert machine.show(SERVICE, "ActiveState") == "active"
    assert 'socket="127.0.0.1:32300"' in machine.journal()
    assert bash(machine, "echo well") == (0, "well\n")


def test_sockets_take_the_place_of_host_and_port(machine):
    configure(machine, "port: 32301\n")
    machine.systemctl("start", "gatehoused.socket", SERVICE)
    assert machine.http("/check")[0] == 200
    assert machine.http("/check", port=32301, check=False) == (0, "")


def test_restart_refuses_no_connection(machine):
    machine.systemctl("start", "gatehoused.socket", SERVICE)
    pids = {main_pid(machine)}
    with Clients(machine) as clients:
        for _ in range(5):
            machine.systemctl("restart", SERVICE)
            pids.add(main_pid(machine))
            clients.wait_for_more()
    assert len(pids) == 6
    assert set(clients.counts) == {"200"}, clients.counts


def test_killed_daemon_refuses_no_connection(machine):
    machine.systemctl("start", "gatehoused.socket", SERVICE)
    with Clients(machine) as clients:
        machine.run("kill", "-KILL", str(main_pid(machine)))
        wait_for("the restart", lambda: machine.show(SERVICE, "NRestarts") == "1")
        clients.wait_for_more()
    # What it had taken on when it was killed is cut; whoever comes meanwhile waits.
    assert not [how for how in clients.counts if how.startswith("connect:")], clients.counts
    assert sum(n for how, n in clients.counts.items() if how != "200") <= 1, clients.counts


def test_stopped_daemon_is_started_by_the_next_connection(machine):
    machine.systemctl("start", "gatehoused.socket", SERVICE)
    old = main_pid(machine)
    machine.run("systemctl", "stop", SERVICE)
    assert machine.http("/check")[0] == 200
    assert main_pid(machine) not in (0, old)


def test_port_80_by_a_socket_needs_no_right(machine):
    configure(machine, "insecure: true\n")
    override(machine, "AmbientCapabilities=\nCapabilityBoundingSet=")
    machine.systemctl("start", "gatehoused.socket", "gatehoused-http.socket", SERVICE)
    assert machine.http("/check", port=80)[0] == 200
    assert machine.http("/check", port=32300)[0] == 200
    status = machine.run("cat", f"/proc/{main_pid(machine)}/status")
    assert "CapEff:\t0000000000000000" in status


def test_ports_80_and_443_by_sockets(machine):
    configure(machine, "insecure: true\n")
    override(machine, "AmbientCapabilities=\nCapabilityBoundingSet=")
    machine.systemctl("start", "gatehoused.socket", "gatehoused-http.socket", "gatehoused-https.socket", SERVICE)
    assert machine.show(SERVICE, "StatusText") == "Serves port 32300"
    said = machine.run("curl", "--silent", "--insecure", "https://127.0.0.1/check")
    assert said == '{"rh_version":"0.0.42"}'
    said = machine.run("curl", "--silent", "--dump-header", "-", "http://127.0.0.1/concat/call")
    assert "location: https://127.0.0.1/concat/call" in said.lower()
    assert machine.http("/check")[0] == 200
    configure(machine, "insecure: true\nredirect_http: 0\n")
    machine.systemctl("restart", SERVICE)
    assert machine.http("/check", port=80)[0] == 200


def test_certificate_comes_as_credentials(machine):
    configure(machine, "insecure: true\n")
    machine.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9",
                "-subj", "/CN=credential.test", "-addext", "subjectAltName=DNS:credential.test", "-keyout",
                "/etc/credstore/gatehouse.tls.key", "-out", "/etc/credstore/gatehouse.tls.crt")
    machine.systemctl("start", "gatehoused-https.socket")
    said = machine.run("curl", "--silent", "--cacert", "/etc/credstore/gatehouse.tls.crt", "--resolve",
                       "credential.test:443:127.0.0.1", "https://credential.test/check")
    assert said == '{"rh_version":"0.0.42"}'


def test_open_port_without_auth_is_refused(machine):
    machine.systemctl("start", "gatehoused-http.socket")
    machine.systemctl("start", SERVICE, check=False)
    wait_for("the failure", lambda: machine.show(SERVICE, "ActiveState") == "failed")
    assert machine.show(SERVICE, "ExecMainStatus") == "78"
    assert "it would listen on '[::]:80', which others can reach" in machine.journal()


def test_control_socket_can_be_handed_over(machine):
    unit = "[Socket]\nListenStream=/run/gatehouse-control.sock\nFileDescriptorName=control\nService=gatehoused.service\n"
    machine.write("/etc/systemd/system/gatehoused-control.socket", unit)
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "gatehoused-control.socket")
    machine.systemctl("start", SERVICE, check=False)
    assert "everybody may open the control socket /run/gatehouse-control.sock (mode 0666)" in machine.journal()
    machine.systemctl("stop", "gatehoused-control.socket", SERVICE)
    machine.write("/etc/systemd/system/gatehoused-control.socket", unit + "SocketMode=0600\n")
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "gatehoused-control.socket", SERVICE)
    said = machine.run("curl", "--silent", "--unix-socket", "/run/gatehouse-control.sock", "http://node/check")
    assert said == '{"rh_version":"0.0.42"}'
    machine.systemctl("stop", SERVICE)
    machine.run("test", "-S", "/run/gatehouse-control.sock")
    machine.systemctl("stop", "gatehoused-control.socket")
