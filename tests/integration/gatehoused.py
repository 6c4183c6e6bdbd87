# SPDX-License-Identifier: Apache-2.0
"""Start, ask, watch and stop a real gatehoused for one test.

A Gatehoused owns one daemon process, its home, its state folder and its log. Nothing here sleeps for
a fixed time: every wait names what it waits for and has a bound (see wait_until).
"""
from __future__ import annotations

import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GATEHOUSE_BUILD_DIR", REPO / "build")).resolve()
PYTHON = os.environ.get("GATEHOUSE_TEST_PYTHON", sys.executable)
USER_CODE = Path(__file__).resolve().parent / "user_code"

# Bounds, not expectations: a sanitizer build under valgrind on a busy machine stays below them.
START_S = 60.0
STOP_S = 30.0
ANSWER_S = 60.0
SETTLE_S = 15.0

TROUBLE = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|MemorySanitizer"
    r"|runtime error:|\bpanic\b|\b[Aa]ssertion\b(?!Error)"
)


class StartFailed(Exception):
    """The daemon ended, or said nothing, before it was ready."""

    def __init__(self, returncode: int | None, stderr: str):
        super().__init__(f"gatehoused did not start (exit status {returncode}):\n{stderr}")
        self.returncode = returncode
        self.stderr = stderr


def wait_until(what: str, true: Callable[[], Any], within_s: float = ANSWER_S) -> Any:
    """Ask TRUE until it answers something true, and return that. Fails, naming WHAT, at the bound."""
    end = time.monotonic() + within_s
    pause = 0.002
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still waiting after {within_s:g} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


@dataclass
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:600]!r}>"


@dataclass
class Gatehoused:
    """What to start and, once started, the running daemon.

    folder: a private folder: home/, state/ and the log go there.
    modules: "NAME=FILE.py:ATTR" texts for --module.
    args: more options, appended last, so that they win.
    wrapper: words put before the command, for example unshare or valgrind.
    tls: speak HTTPS, with the certificate that the daemon makes for itself.
    """

    folder: Path
    modules: Sequence[str] = ()
    args: Sequence[str] = ()
    host: str = "127.0.0.1"
    port_option: int = 0
    python: str = PYTHON
    env: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    tls: bool = False

    process: subprocess.Popen | None = None
    port: int = 0
    pid: int = 0
    fd_baseline: int | None = None

    # -- life ---------------------------------------------------------------------------------

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def log_path(self) -> Path:
        return self.folder / "gatehoused.log"

    def command(self, ready_fd: int | None) -> list[str]:
        words = [*self.wrapper, str(BUILD / "gatehoused"), "--host", self.host,
                 "--port", str(self.port_option), "--state-dir", str(self.folder / "state"),
                 "--log-format", "json", "--env", self.python]
        if self.tls:
            words.append("--use-https")
        if ready_fd is not None:
            words += ["--ready-fd", str(ready_fd)]
        for module in self.modules:
            words += ["--module", module]
        return words + list(self.args)

    def environment(self) -> dict[str, str]:
        dropped = ("GATEHOUSE_", "RH_", "XDG_", "PYTHON", "VIRTUAL_ENV", "LISTEN_", "NOTIFY_SOCKET",
                   "JOURNAL_STREAM")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        env["HOME"] = str(self.home)
        # Tests kill workers by SIGSEGV and look at the signal; of the daemon a crash is seen by its
        # exit status.
        env["ASAN_OPTIONS"] = ":".join(filter(None, [env.get("ASAN_OPTIONS"), "handle_segv=0"]))
        env.update(self.env)
        return env

    def start(self) -> "Gatehoused":
        if not (BUILD / "gatehoused").exists():
            raise FileNotFoundError(f"no gatehoused in {BUILD}: build it, or set GATEHOUSE_BUILD_DIR")
        self.home.mkdir(parents=True, exist_ok=True)
        read_fd, write_fd = os.pipe()
        try:
            with open(self.log_path, "ab") as log, open(self.folder / "stdout", "ab") as out:
                self.process = subprocess.Popen(
                    self.command(write_fd), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                    env=self.environment(), cwd=self.home, pass_fds=(write_fd,),
                    start_new_session=True)
            os.close(write_fd)
            write_fd = -1
            line = self._read_ready_line(read_fd)
        except BaseException:
            self.kill()
            raise
        finally:
            os.close(read_fd)
            if write_fd >= 0:
                os.close(write_fd)
        ready = json.loads(line)
        self.port, self.pid = ready["port"], ready["pid"]
        return self

    def _read_ready_line(self, fd: int) -> bytes:
        data, end = b"", time.monotonic() + START_S
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise StartFailed(None, f"not ready within {START_S:g} s\n{self.log()}")
            chunk = os.read(fd, 4096)
            data += chunk
            if data.endswith(b"\n"):
                return data
            if not chunk:
                raise StartFailed(self.process.wait(START_S), self.log())

    def run_to_exit(self) -> subprocess.CompletedProcess:
        """Start a daemon that is expected to refuse its options; returns when it has ended."""
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(self.command(None), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=self.environment(), cwd=self.home, timeout=START_S)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, within_s: float = STOP_S) -> int:
        return self.process.wait(within_s)

    def stop(self) -> None:
        """SIGTERM, and everything it promises: exit status 0, and no worker left behind."""
        if not self.alive:
            raise AssertionError(f"gatehoused ended by itself, exit status {self.process.returncode}")
        children = descendants(self.pid)
        self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"gatehoused still ran {STOP_S:g} s after SIGTERM") from None
        assert status == 0, f"exit status {status} after SIGTERM"
        wait_until("the workers to end with their daemon",
                   lambda: not [p for p in children if is_running(p)], SETTLE_S)

    def kill(self) -> None:
        """End the whole process group, whatever state it is in."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(STOP_S)

    # -- what it says and holds -----------------------------------------------------------------

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def trouble(self) -> list[str]:
        return [line for line in self.log().splitlines() if TROUBLE.search(line)]

    def fds(self) -> list[str]:
        found = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                found.append(f"{fd} -> {os.readlink(f'/proc/{self.pid}/fd/{fd}')}")
            except FileNotFoundError:
                pass
        return sorted(found, key=lambda text: int(text.split()[0]))

    def rss_kib(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1))

    def processes(self) -> dict[str, Any]:
        """The `processes` object of /status: name -> {pid, process_resource_mapping, ...}."""
        return self.get("/status").json()[0]["processes"]

    def worker_pid(self, process: str = "default_process") -> int:
        def pid():
            return self.processes().get(process, {}).get("pid")
        return wait_until(f"process {process} to have a pid", pid)

    def kill_worker(self, process: str = "default_process") -> None:
        """Kill the worker of PROCESS and wait until the daemon has seen it: the next call finds another."""
        pid = self.worker_pid(process)
        os.kill(pid, signal.SIGKILL)
        wait_until("the daemon to see the death",
                   lambda: self.processes().get(process, {}).get("pid") != pid)

    def active_calls(self, process: str, key: str) -> list[dict]:
        mapping = self.processes().get(process, {}).get("process_resource_mapping", {})
        return mapping.get(key, {}).get("active_function_calls", [])

    def measure_baseline(self) -> None:
        """Bring up what a daemon keeps for good (worker, zygote), then count descriptors."""
        requests = [("/create_process", {"name": "baseline_a"}),
                    ("/create_process", {"name": "baseline_b"}),
                    ("/kill_process", {"process_name": "baseline_a"}),
                    ("/kill_process", {"process_name": "baseline_b"}),
                    ("/object", {"key": "baseline", "serialized_data": 1}),
                    ("/delete_object", {"keys": ["baseline"]})]
        for path, body in requests:
            answer = self.post(path, body)
            assert answer.status == 200, f"{path}: {answer}\n{self.log()}"
        previous = [-1]

        def steady():
            count = len(self.fds())
            same, previous[0] = count == previous[0], count
            return same
        wait_until("a steady number of descriptors", steady, SETTLE_S)
        self.fd_baseline = previous[0]

    def forget_everything(self) -> None:
        """Back to the declared modules and one process."""
        declared = {module.partition("=")[0] for module in self.modules}
        keys = [key for key in self.get("/keys").json()["data"] if key not in declared]
        if keys:
            self.post("/delete_object", {"keys": keys})
        for name in json.loads(self.get("/processes").json()["data"]):
            if name != "default_process":
                self.post("/kill_process", {"process_name": name})

    def check_descriptors(self) -> None:
        """Every descriptor opened since measure_baseline() is closed again."""
        try:
            wait_until("descriptors to be closed",
                       lambda: len(self.fds()) <= self.fd_baseline, SETTLE_S)
        except AssertionError:
            listing = "\n".join(self.fds())
            raise AssertionError(
                f"{len(self.fds())} descriptors are open, {self.fd_baseline} before:\n{listing}"
            ) from None

    # -- asking ---------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def certificate(self) -> Path:
        """What the daemon made for itself; its key is in the file too."""
        return self.folder / "state" / "tls" / "self-signed.pem"

    @cached_property
    def tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def request(self, method: str, path: str, body: bytes | str | None = None,
                headers: Mapping[str, str] | None = None, timeout: float = ANSWER_S) -> Answer:
        """One exchange on a connection of its own."""
        if self.tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                                     context=self.tls_context)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body, {"Connection": "close", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()},
                          answer.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None, **options) -> Answer:
        return self.request("GET", path, None, headers, **options)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None,
             **options) -> Answer:
        """POST BODY as JSON; bytes go as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data,
                            {"Content-Type": "application/json", **(headers or {})}, **options)

    def call(self, key: str, method: str = "call", args: Sequence[Any] = (),
             kwargs: Mapping[str, Any] | None = None, **fields) -> Answer:
        """A call without pickle: serialization none, arguments and result as JSON values."""
        body = {"run_name": fields.pop("run_name", f"{key}_{method}--test"),
                "data": {"args": list(args), "kwargs": dict(kwargs or {})}, **fields}
        return self.post(f"/{key}/{method}", body)

    def put_function(self, name: str, attribute: str | None = None, file: str = "things",
                     root: Path = USER_CODE, process: str = "default_process") -> None:
        """Deploy a function as a client without pickle does: a JSON array to /resource."""
        config = {"name": name, "resource_type": "function", "resource_subtype": "Function",
                  "system": None, "process": process,
                  "fn_pointers": [str(root), file, attribute or name]}
        answer = self.post("/resource", {"serialized_data": [config, None, True],
                                         "process_name": process})
        assert (answer.status, answer.json()) == (200, name), answer

    def put_class(self, name: str, attribute: str, *, state: dict | None = None,
                  file: str = "things", root: Path = USER_CODE,
                  process: str = "default_process") -> None:
        """Deploy an instance made elsewhere: its class by pointers, its attributes as state."""
        config = {"name": name, "resource_type": "module", "resource_subtype": attribute,
                  "system": None, "process": process, "pointers": [str(root), file, attribute],
                  "signature": {}}
        answer = self.post("/resource", {"serialized_data": [config, state or {}, True],
                                         "process_name": process})
        assert (answer.status, answer.json()) == (200, name), answer

    def connect(self, timeout: float = ANSWER_S) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout)
        if not self.tls:
            return connection
        return self.tls_context.wrap_socket(connection, server_hostname=self.host)


def is_running(pid: int) -> bool:
    """True while PID is a process that is more than a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def descendants(pid: int) -> list[int]:
    """All processes below PID, children before grandchildren."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found: list[int] = []
    queue = [pid]
    while queue:
        children = parents.get(queue.pop(0), [])
        found += children
        queue += children
    return found


def copy_user_code(names: Iterable[str], to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(USER_CODE / name, to / name)
