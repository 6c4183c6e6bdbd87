# SPDX-License-Identifier: Apache-2.0
"""daemon.py and store.py against a stand-in for the daemon: connections, answers, errors, env resources."""

from __future__ import annotations

import base64
import json
import os
import pickle
import socket
import subprocess
import sys
import threading

import pytest
from workerkit import HERE, Process, standin

from gatehouse import daemon, nested, store
from gatehouse.current import Call, call_var


def envelope(kind, data, form=None):
    return {"data": data, "output_type": kind, "serialization": form}


def pickled(value):
    return base64.encodebytes(pickle.dumps(value, 5)).decode()


class FakeDaemon:
    """Answers with what `answers` holds for a path; keeps what it was asked.

    An answer is (status, body), "close" to leave without one, "cut" to leave in the middle of it, or
    "last" for an answer after which the connection is closed.
    """

    def __init__(self, path):
        self.answers = {}
        self.asked = []
        self.connections = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, peer.makefile("rb") as reader:
            while True:
                line = reader.readline()
                if not line:
                    return
                method, target, _ = line.decode().split()
                headers = {}
                for head in iter(reader.readline, b"\r\n"):
                    name, _, value = head.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = reader.read(int(headers.get("content-length", 0)))
                self.asked.append((method, target, headers, json.loads(body) if body else None))
                answer = self.answers.get(target.partition("?")[0], (404, {"detail": "Not Found"}))
                if callable(answer):
                    answer = answer(self.asked[-1])
                if answer == "close":
                    return
                if answer == "cut":
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
                    return
                if answer == "last":
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
                    return
                status, value = answer
                raw = value if isinstance(value, bytes) else json.dumps(value).encode()
                peer.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(raw)) + raw)

    def stop(self):
        self.listener.close()


@pytest.fixture
def fake(tmp_path, monkeypatch, w):
    daemon._idle.clear()
    made = FakeDaemon(tmp_path / "control.sock")
    monkeypatch.setattr(Process, "control_socket", str(tmp_path / "control.sock"))
    yield made
    made.stop()
    daemon._idle.clear()


def test_one_connection_serves_one_question_after_another(fake):
    fake.answers["/keys"] = 200, envelope("result_serialized", ["a"])
    assert [store.keys() for _ in range(5)] == [["a"]] * 5
    assert fake.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced(fake):
    fake.answers["/keys"] = "last"
    for _ in range(3):
        assert daemon.value("GET", "/keys") == 1
    assert fake.connections == 3


def test_questions_do_not_wait_for_each_other(fake):
    gate = threading.Barrier(8, timeout=30)

    def together(asked):
        gate.wait()
        return 200, envelope("result_serialized", [])

    fake.answers["/keys"] = together
    threads = [threading.Thread(target=store.keys) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fake.asked) == 8 and len(daemon._idle) == 8


def test_a_daemon_that_leaves_is_a_connection_error(fake):
    for how in ("close", "cut"):
        fake.answers["/keys"] = how
        with pytest.raises(ConnectionError, match="went away.*GET /keys"):
            store.keys()


def test_no_control_socket_is_said(monkeypatch, w):
    daemon._idle.clear()
    monkeypatch.setattr(Process, "control_socket", "")
    with pytest.raises(ConnectionError, match="named no control_socket"):
        store.keys()
    monkeypatch.setattr(Process, "control_socket", "/nonexistent/control.sock")
    with pytest.raises(ConnectionError, match="/nonexistent/control.sock"):
        store.keys()


def test_without_a_daemon_own_keys_work_all_the_same(monkeypatch, w):
    daemon._idle.clear()
    monkeypatch.setattr(Process, "control_socket", "")
    thing = object()
    store.put("own", thing)
    assert store.get("own") is thing and store.contains("own")


@pytest.mark.parametrize(
    "status, body, error, words",
    [
        (503, {"detail": "busy now"}, RuntimeError, "503: busy now"),
        (401, {"detail": "no token"}, PermissionError, "no token"),
        (500, b"Internal", RuntimeError, "Internal"),
        (200, envelope("exception", {"error": pickled(KeyError("k")), "traceback": "T"}, "pickle"),
         KeyError, "k"),
        (200, envelope("exception", {"error": "!!", "traceback": "T", "exception_as_str": "text"},
                       "pickle"), RuntimeError, "text"),
        (200, envelope("exception", {"error": "ValueError: v", "traceback": "T"}, "json"),
         RuntimeError, "ValueError: v"),
    ],
)
def test_errors(fake, status, body, error, words):
    fake.answers["/processes"] = status, body
    with pytest.raises(error, match=words) as caught:
        store.list_processes()
    if status == 200:
        assert "T" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "answer, value",
    [
        (b'{"data":null,"output_type":"success","serialization":null}', None),
        (envelope("result_serialized", '{"a": 1}', "json"), {"a": 1}),
        (envelope("result_serialized", pickled({1, 2}), "pickle"), {1, 2}),
        (b'{"data":' + standin.base64_literal(pickle.dumps((1, b"\xff"), 5))
         + b',"output_type":"result_serialized","serialization":"pickle"}', (1, b"\xff")),
        (b"null", None),
        (b'{"data":"config"}', {"data": "config"}),
    ],
)
def test_values(fake, answer, value):
    fake.answers["/keys"] = 200, answer
    assert daemon.value("GET", "/keys") == value


def test_a_call_elsewhere_as_it_travels(fake):
    fake.answers["/far%2Fkey/m%20x"] = 200, envelope("result_serialized", pickled(7), "pickle")
    assert nested.call("far/key", "m x", (1,), {"b": 2}, run_name="r1") == 7
    method, _, headers, body = fake.asked[-1]
    assert method == "POST" and headers["content-type"] == "application/json"
    assert pickle.loads(base64.b64decode(body["data"])) == {"args": [1], "kwargs": {"b": 2}}
    assert {name: body[name] for name in body if name != "data"} == {
        "serialization": "pickle", "run_name": "r1", "stream_logs": False, "remote": False}


def test_a_question_names_the_call_that_it_is_part_of(fake):
    fake.answers["/keys"] = 200, envelope("result_serialized", [])
    store.keys()
    assert "x-gatehouse-call" not in fake.asked[-1][2]
    token = call_var.set(Call(42, False, "r"))
    try:
        store.keys()
    finally:
        call_var.reset(token)
    assert fake.asked[-1][2]["x-gatehouse-call"] == "42"


def test_run_names_differ_and_keep_to_the_allowed_characters():
    names = [nested.new_run_name("a key/é") for _ in range(1000)]
    assert len(set(names)) == 1000
    assert names[0].startswith("a_key__--") and "/" not in names[0]


def test_deleting_nothing_asks_nothing(fake):
    store.delete([])
    assert fake.asked == []


def test_bash_names_nodes_by_index(fake, monkeypatch):
    monkeypatch.setattr(Process, "cluster_config", {"ips": ["10.0.0.1", "10.0.0.2"]})
    fake.answers["/run_bash"] = 200, envelope("result_serialized", [0, "out", ""])
    assert store.run_bash("true", True, "10.0.0.2") == (0, "out", "")
    assert fake.asked[-1][3]["node_ip_or_idx"] == 1
    fake.answers["/run_bash"] = 200, envelope("result_serialized", 3)
    assert store.run_bash("false", process="p") == 3
    for node, process in ((0, "p"), (None, None)):
        with pytest.raises(ValueError, match="node_ip"):
            store.run_bash("true", node=node, process=process)


def test_settings_that_cannot_change_are_named(fake):
    with pytest.raises(ValueError, match="ips.*autostop_mins"):
        store.set_cluster_config("ips", [])
    fake.answers["/settings"] = 200, envelope("success", None)
    store.set_cluster_config("name", "/ada/box")
    assert fake.asked[-1][3] == {"cluster_name": "/ada/box"}
    assert store.is_here("/ada/box")
    Process.cluster_config = {}


# ---------------------------------------------------------------- env resources of old SDKs


OLD_ENV = {"name": "worker_env", "resource_type": "env", "resource_subtype": "Env",
           "env_name": "worker_env", "setup_cmds": ["echo hi"], "env_vars": {"SHADE": "dark"}}


@pytest.fixture
def accepting(fake, monkeypatch):
    """A daemon that does what an env asks for."""
    monkeypatch.delenv("SHADE", raising=False)
    for path in ("/install_package", "/env_vars", "/create_process"):
        fake.answers[path] = 200, envelope("success", None)
    fake.answers["/resource"] = 200, envelope("result_serialized", "worker_env")
    yield fake
    os.environ.pop("SHADE", None)


def put_env(w, key="", **more):
    data = json.dumps([dict(OLD_ENV, **more), None, True]).encode()
    return w.raw("put_resource", "none", key=key, data=data)


def packages_of(fake):
    return [body["package_config"] for _, path, _, body in fake.asked if path == "/install_package"]


def test_env_of_an_old_sdk(accepting, w):
    assert put_env(w, reqs=["pip:six==1.16", "numpy --no-deps", str(w.home)]).value
    assert w.call("worker_env", "install", force=True).value is None
    packages = packages_of(accepting)
    assert [p["install_method"] for p in packages] == ["pip", "pip", "reqs"]
    assert packages[1]["install_args"] == "--no-deps"
    assert packages[2]["install_target"] == [str(w.home)] * 2
    assert os.environ["SHADE"] == "dark"
    assert w.call("worker_env", "_run_setup_cmds", ["echo hi"]).value == [[0, "hi\n", ""]]
    assert w.call("worker_env", "_run_command", "exit 3", require_outputs=False).value == 3
    error = w.call("worker_env", "_run_setup_cmds", ["echo no such thing >&2; exit 2"]).value
    assert isinstance(error, RuntimeError) and "no such thing" in str(error)


def test_env_is_installed_once_unless_forced(accepting, w):
    for times, options in ((1, {}), (1, {}), (2, {"force": True})):
        put_env(w, reqs=["pip:once"])
        assert w.call("worker_env", "install", **options).value is None
        assert len(packages_of(accepting)) == times
    put_env(w, reqs=["pip:other"])
    w.call("worker_env", "install")
    assert len(packages_of(accepting)) == 3


def test_failed_install_is_tried_again(accepting, w):
    put_env(w, reqs=["pip:sometimes"], setup_cmds=["exit 1"])
    for times in (1, 2):
        assert isinstance(w.call("worker_env", "install").value, RuntimeError)
        assert len(packages_of(accepting)) == times


def test_env_vars_that_name_a_file_are_left_to_the_client(accepting, w):
    put_env(w, env_vars=".env", reqs=["six"])
    assert w.call("worker_env", "install").value is None
    assert w.call("worker_env", "_set_env_vars", {"SHADE": 1}).value is None
    assert os.environ["SHADE"] == "1"


def test_packages_of_an_old_sdk_are_read_by_their_attributes(accepting, w):
    from runhouse.resources.packages.git_package import GitPackage
    from runhouse.resources.packages.package import InstallTarget, Package

    folder, git, pip = Package(), GitPackage(), Package()
    target = InstallTarget.__new__(InstallTarget)  # as pickles make it
    target.local_path = target._path_to_sync_to_on_cluster = "~/code"
    folder.install_method, folder.install_target = "reqs", target
    git.install_method, git.install_target = "local", "./six"
    git.git_url, git.revision = "https://example.org/six.git", "v1"
    pip.install_method, pip.install_target, pip.preferred_version = "pip", "six", "1.16"
    put_env(w)
    assert w.call("worker_env", "_install_reqs", reqs=[folder, git, pip]).value is None
    assert packages_of(accepting) == [
        {"install_method": "reqs", "install_target": ["~/code", "~/code"],
         "resource_subtype": "Package"},
        {"install_method": "local", "install_target": "./six", "resource_subtype": "GitPackage",
         "git_url": "https://example.org/six.git", "revision": "v1"},
        {"install_method": "pip", "install_target": "six", "preferred_version": "1.16",
         "resource_subtype": "Package"}]
    error = w.call("worker_env", "_install_reqs", reqs=[7]).value
    assert isinstance(error, TypeError) and "7 among the packages" in str(error)


def test_env_makes_its_process(accepting, w):
    assert put_env(w, key="worker_env", compute={"CPU": 1}).value == "worker_env"
    (_, path, _, wanted), (_, then, _, body) = accepting.asked
    assert (path, then) == ("/create_process", "/resource")
    assert wanted == {"name": "worker_env", "compute": {"CPU": 1}, "runtime_env": {},
                      "env_vars": {}}
    assert body["process_name"] == "worker_env"


def test_nothing_but_an_env_makes_a_process(fake, w):
    answer = put_env(w, key="nowhere", resource_type="resource").value
    assert answer["detail"] == "runhouse.servers.obj_store.ObjStoreError: Got None servlet for servlet_name nowhere."
    assert fake.asked == []


def test_conda_env_without_its_name(fake, w):
    answer = put_env(w, key="cave", conda_yaml={"dependencies": []}).value
    assert "ValueError: conda_yaml should be a dict with the env's name" in answer["detail"]


def test_default_env_is_there_without_being_put(accepting, w):
    assert w.call("_cluster_default_env", "_set_env_vars", {"SHADE": "light"}).value is None
    assert os.environ["SHADE"] == "light"


# ---------------------------------------------------------------- what a start costs


def test_a_start_imports_nothing_of_this():
    """A worker that never asks pays nothing: no module for it, no client's package."""
    code = (
        "import sys; sys.path[:0] = [%r, %r]; import standin\n"
        "sys.modules['_gatehouse'] = standin.as_module()\n"
        "from gatehouse import worker, shim, hooks\n"
        "shim.install()\n"
        "hooks.when_imported('runhouse.globals', worker._serve_the_package)\n"
        "names = 'daemon store nested sdk light env results'.split()\n"
        "print([n for n in names if 'gatehouse.' + n in sys.modules],"
        " [n for n in ('http.client', 'runhouse', 'urllib.parse', 'enum') if n in sys.modules"
        " and n != 'enum'])"
    ) % (os.path.join(HERE, "..", "..", "modules", "python"), HERE)
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout == "[] []\n", done.stdout + done.stderr
