# SPDX-License-Identifier: Apache-2.0
"""A node that is reached by ssh only: an sshd of its own, on loopback, with a home of its own.

The account is that of the person who runs the tests, but nothing of its real home is touched: sshd sets
HOME to a scratch folder, and a forced command goes there before it runs what was asked, as a login to
that home would.
"""
from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
from typing import Mapping

from integration.gatehoused import descendants, is_running, wait_until
from integration.ownhome import COMMAND_S, PYTHONS, OwnHome, free_port, node_python

START_S = 20.0

SSHD_CONFIG = """\
ListenAddress {host}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
SetEnv HOME={home}
ForceCommand cd "$HOME" && exec /bin/bash -c "$SSH_ORIGINAL_COMMAND"
"""


def find(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def lacking() -> str:
    """Why no such node can be made here; empty when it can."""
    for program in ("sshd", "ssh", "ssh-keygen", "rsync", "bash"):
        if find(program) is None:
            return f"no {program} here: tools/install-packages test"
    if node_python() is None:
        return f"none of {', '.join(PYTHONS)} imports psutil: tools/install-packages test"
    return ""


class SshNode(OwnHome):
    """One sshd and the home it leads to."""

    def __init__(self, host: str = "127.0.0.1", ssh_port: int | None = None):
        super().__init__()
        self.host = host
        self.ssh_port = ssh_port or free_port(host)
        self.key = self.folder / "client_key"
        self.sshd: subprocess.Popen | None = None

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> "SshNode":
        self._make_keys()
        config = self.folder / "sshd_config"
        config.write_text(SSHD_CONFIG.format(host=self.host, port=self.ssh_port,
                                             folder=self.folder, home=self.home))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # sshd insists on it
        with open(self.folder / "sshd.log", "ab") as log:
            self.sshd = subprocess.Popen([find("sshd"), "-D", "-e", "-f", str(config)],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         start_new_session=True)
        wait_until("sshd to answer", self._answers, START_S)
        return self

    def _make_keys(self) -> None:
        for key in (self.folder / "host_key", self.key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.trust(self)

    def trust(self, other: "SshNode") -> None:
        """Whoever has the key of OTHER may come in."""
        with open(self.folder / "authorized_keys", "a") as keys:
            keys.write((other.folder / "client_key.pub").read_text())

    def _answers(self) -> bool:
        if self.sshd.poll() is not None:
            raise AssertionError(f"sshd ended: {(self.folder / 'sshd.log').read_text()}")
        try:
            with socket.create_connection((self.host, self.ssh_port), 1.0) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def stop(self) -> None:
        """End sshd and its sessions, and with them the client's control masters; then the daemon."""
        if self.sshd:
            ours = [self.sshd.pid, *descendants(self.sshd.pid)]
            for pid in ours:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.sshd.wait(START_S)
            wait_until("the sessions to end", lambda: not [p for p in ours if is_running(p)])
        super().stop()

    # -- doing things there ---------------------------------------------------------------------

    def ssh_command(self, *options: str) -> list[str]:
        return ["ssh", "-o", f"Port={self.ssh_port}", "-i", str(self.key), "-o", "IdentitiesOnly=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                "LogLevel=ERROR", "-o", "ControlPath=none", *options, f"{self.user}@{self.host}"]

    def run(self, command: str, check: bool = True,
            env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess:
        """COMMAND in an interactive login bash over ssh, as the client runs it."""
        prefix = "".join(f"export {name}={shlex.quote(value)} && " for name, value in (env or {}).items())
        line = ("/bin/bash --login -c -i "
                + shlex.quote(f"true && source ~/.bashrc && {prefix}({command})") + " 2>&1")
        done = subprocess.run([*self.ssh_command("-tt", "-q"), line], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=COMMAND_S)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done
