# SPDX-License-Identifier: Apache-2.0
"""A machine whose systemd is booted in systemd-nspawn, with gatehouse installed there by `make install`.

Its /usr is that of this machine, read-only, so nothing is fetched or unpacked; /usr/local is what was installed;
/etc, /var and /home are folders of its own, and so is its network. Commands are run inside by nsenter.
"""
from __future__ import annotations

import fcntl
import glob
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

BUILD = Path(os.environ["GATEHOUSE_BUILD_DIR"])
SYSTEMD = "/usr/lib/systemd/systemd"
BOOT_S = 60.0
COMMAND_S = 60.0
#: Of this machine's /etc, what its programs want to see there too.
KEPT_OF_ETC = ("passwd group shadow nsswitch.conf login.defs pam.d security ssl ca-certificates ld.so.cache ld.so.conf "
               "ld.so.conf.d alternatives dbus-1").split()
#: nspawn goes by this instead of what it makes of our own control groups.
NSPAWN_ENVIRONMENT = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
USER = "alice"
USER_ID = 2750


def wait_for(what: str, look: Callable[[], object], seconds: float = 30.0):
    """The first true value of LOOK."""
    end = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)
    return value


def find(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def make(target: str, stage: Path) -> None:
    """`make install` or `uninstall` of the build under test, below STAGE; one at a time, since make may write there."""
    with open(BUILD / "config.status") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "-C", str(BUILD), target, f"DESTDIR={stage}"], capture_output=True, text=True)
    assert made.returncode == 0, (made.stdout + made.stderr)[-4000:]


def make_root(root: Path) -> None:
    """Folders and links of a machine without programs of its own."""
    for name in "etc var usr run tmp proc sys dev root home opt srv".split():
        (root / name).mkdir()
    for link in glob.glob("/lib*") + ["/bin", "/sbin"]:
        if os.path.islink(link):
            (root / link[1:]).symlink_to(f"usr{link}")
    for name in KEPT_OF_ETC:
        if os.path.exists(f"/etc/{name}"):
            subprocess.run(["cp", "-a", f"/etc/{name}", str(root / "etc")], check=True)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    # Not a first boot, which would enable all that this machine's packages bring.
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    for name, line in (("passwd", f"{USER}:x:{USER_ID}:{USER_ID}::/home/{USER}:/bin/bash"), ("group", f"{USER}:x:{USER_ID}:"),
                       ("shadow", f"{USER}:!:20000::::::")):
        with open(root / "etc" / name, "a") as file:
            file.write(f"{line}\n")
    home = root / "home" / USER
    home.mkdir(mode=0o700)
    os.chown(home, USER_ID, USER_ID)


def cgroup_folder() -> Path | None:
    """Where control groups of the second version are mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return Path(place.split()[4])
    return None


class Group:
    """A control group for one machine, which takes it for all there are: two of them must not share one."""

    def __init__(self):
        self.path = cgroup_folder() / f"gatehouse-test-{os.getpid()}-{next(Group.numbers)}"
        self.path.mkdir()

    def enter_and(self, words: list[str]) -> list[str]:
        return ["/bin/sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.path), *words]

    def remove(self) -> None:
        for folder, _, _ in os.walk(self.path, topdown=False):
            wait_for("the end of a control group", lambda path=folder: "populated 0" in Path(
                path, "cgroup.events").read_text())
            os.rmdir(folder)

    numbers = itertools.count()


def nspawn(root: Path, stage: Path, *words: str) -> list[str]:
    return ["systemd-nspawn", "--quiet", f"--directory={root}", "--bind-ro=/usr",
            f"--bind-ro={stage}/usr/local:/usr/local", "--register=no", "--keep-unit", "--link-journal=no",
            "--private-network", "--console=pipe", f"--machine=gatehouse-test-{os.getpid()}", *words]


def lacking() -> str:
    """Why no machine can be booted here; empty when one can."""
    if os.geteuid() != 0:
        return "systemd-nspawn needs root"
    for program in (SYSTEMD, "systemd-nspawn", "dbus-daemon", "nsenter", "curl"):
        if find(program) is None:
            return f"no {program} here: tools/install-packages test"
    if cgroup_folder() is None or not os.access(cgroup_folder(), os.W_OK):
        return "no control groups (cgroup2) that can be written here"
    with tempfile.TemporaryDirectory(prefix="gatehouse-nspawn.") as folder:
        root, stage = Path(folder, "root"), Path(folder, "stage")
        root.mkdir()
        (stage / "usr/local").mkdir(parents=True)
        make_root(root)
        group = Group()
        tried = subprocess.run(group.enter_and(nspawn(root, stage, "--as-pid2", "/bin/true")), env=NSPAWN_ENVIRONMENT,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        group.remove()
    if tried.returncode != 0:
        lines = (tried.stderr + tried.stdout).strip().splitlines()
        return f"systemd-nspawn cannot run here: {lines[0] if lines else tried.returncode}"
    return ""


class Machine:
    def __init__(self, folder: Path):
        self.root = folder / "root"
        self.stage = folder / "stage"
        self.console = folder / "console.log"
        self.nspawn: subprocess.Popen | None = None
        self.leader = 0
        self.group: Group | None = None

    # ---- on and off ----

    def boot(self) -> "Machine":
        self.root.mkdir(parents=True)
        make("install", self.stage)
        make_root(self.root)
        self.group = Group()
        with open(self.console, "wb") as console:
            self.nspawn = subprocess.Popen(
                self.group.enter_and(nspawn(self.root, self.stage, SYSTEMD, "systemd.unit=multi-user.target")),
                env=NSPAWN_ENVIRONMENT,
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.leader = wait_for("systemd in nspawn", self._find_leader, BOOT_S)
        wait_for("the end of the boot", self._is_booted, BOOT_S)
        self.run("systemd-sysusers", "/usr/local/lib/sysusers.d/gatehouse.conf")
        self.run("systemd-tmpfiles", "--create", "/usr/local/lib/tmpfiles.d/gatehouse.conf")
        return self

    def _find_leader(self) -> int:
        assert self.nspawn.poll() is None, self.console.read_text(errors="replace")
        pid = self.nspawn.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    return int(child)
            except OSError:
                pass  # it is on its way
        return 0

    def _is_booted(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).strip()
        return state in ("running", "degraded")

    def power_off(self) -> None:
        """At once: nothing in it is of use to anyone."""
        if self.leader:
            os.kill(self.leader, signal.SIGKILL)  # it is the machine's init, with which all inside goes
        if self.nspawn is not None:
            try:
                self.nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()
        if self.group is not None:
            self.group.remove()

    # ---- inside ----

    def inside(self, *words: str) -> list[str]:
        return ["nsenter", f"--target={self.leader}", "--all", "--root", "--wd", "--", "/usr/bin/env", "-i", "LANG=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *words]

    def start(self, *words: str, **popen) -> subprocess.Popen:
        return subprocess.Popen(self.inside(*words), stdin=subprocess.DEVNULL, text=True, **popen)

    def run(self, *words: str, check: bool = True) -> str:
        """What a command inside says."""
        done = subprocess.run(self.inside(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=COMMAND_S)
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def systemctl(self, *words: str, check: bool = True) -> str:
        return self.run("systemctl", *words, check=check)

    def show(self, unit: str, name: str) -> str:
        return self.systemctl("show", "--property", name, "--value", unit).strip()

    def journal(self, unit: str = "gatehoused.service", *words: str) -> str:
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "--unit", unit, *words)

    def entries(self, *words: str, unit: str = "gatehoused.service") -> list[dict]:
        return [json.loads(line) for line in self.journal(unit, "--output=json", *words).splitlines()]

    def http(self, path: str, *options: str, port: int = 32300, check: bool = True) -> tuple[int, str]:
        """Status and body. Where nobody listens: an error, or (0, "")."""
        said = self.run("curl", "--silent", "--show-error", "--max-time", "50", "--write-out", "\\n%{http_code}",
                        *options, f"http://127.0.0.1:{port}{path}", check=check)
        body, _, status = said.rpartition("\n")
        return int(status), body

    def pids_of(self, unit: str = "gatehoused.service") -> list[int]:
        """Of all its processes, as the machine numbers them."""
        group = self.show(unit, "ControlGroup")
        if not group:
            return []
        text = self.run("find", f"/sys/fs/cgroup{group}", "-name", "cgroup.procs", "-exec", "cat", "{}", "+",
                        check=False)
        return sorted(int(word) for word in text.split())

    def is_running(self, pid: int) -> bool:
        return self.run("cat", f"/proc/{pid}/stat", check=False).rpartition(")")[2].split()[:1] not in ([], ["Z"])

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
