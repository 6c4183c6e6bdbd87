# SPDX-License-Identifier: Apache-2.0
"""Requests that are not calls: hello, objects, env, paths, LOAD, secrets, the shim."""

import json
import os
import stat
import sys

import pytest
from workerkit import PICKLE, REMOTE, encode
from gatehouse.current import Process


@pytest.fixture
def hi(w, monkeypatch, home):
    """A function that says HELLO and gives back the event."""
    from workerkit import KINDS, calls, standin

    monkeypatch.setenv("HOME", str(home))
    cwd = os.getcwd()

    def say(**changes):
        settings = {
            "protocol": 1,
            "process": "p1",
            "cluster_config": {"name": "c"},
            "sys_path": [],
            "env_vars": {},
        }
        settings.update(changes)
        assert (
            calls.handle(KINDS["hello"], 77, 0, 0, "p1", "", "", json.dumps(settings).encode())
            is None
        )
        return standin.sent[-1]

    yield say
    os.chdir(cwd)
    Process.cluster_config, Process.log_level = {}, "INFO"


def test_hello(hi, home):
    _, kind, call_id, payload = hi(sys_path=["/a", "b"], env_vars={"GH_TEST_VAR": "1"})
    ready = json.loads(payload)
    assert (kind, call_id, ready["protocol"], ready["pid"], ready["runtime"]) == (
        32,
        77,
        1,
        os.getpid(),
        "python",
    )
    assert (
        ready["version"] == "%d.%d.%d" % sys.version_info[:3]
        and ready["executable"] == sys.executable
    )
    assert (Process.name, Process.cluster_config) == ("p1", {"name": "c"})
    assert os.environ.pop("GH_TEST_VAR") == "1"
    assert os.getcwd() == str(home)
    assert sys.path[:3] == [str(home / "b"), "/a", str(home)]


def test_another_protocol_is_refused_with_both_numbers(hi):
    _, kind, _, payload = hi(protocol=9)
    assert kind == 37 and b"9" in payload and b"1" in payload


def test_bad_hello_is_failed(hi):
    assert hi(env_vars={"A": 1})[1] == 37


def test_objects(w):
    assert (
        w.raw("put_object", "pickle", key="o", data=encode({"a": [1]}, PICKLE)).body["output_type"]
        == "success"
    )
    assert w.raw("get_object", "pickle", key="o").value == {"a": [1]}
    assert w.raw("get_object", "json", key="o").body["data"] == '{"a": [1]}'
    assert w.raw("get_object", "none", key="o").raw == b'{"a":[1]}'
    assert w.raw("get_object", "json", key="nope").raw == b"null"
    w.raw("put_object", "none", key="n", data=b"null")
    assert w.raw("put_object", "pickle", key="p", data=b"null").body["output_type"] == "success"
    assert w.raw("get_object", "pickle", key="p").body["output_type"] == "success"
    assert w.raw("get_object", "json", key="n").body["output_type"] == "success"
    reply = w.raw("get_object", "pickle", REMOTE, key="o")
    assert (
        str(reply.value) == "Cannot return remote for non-Resource object of type <class 'dict'>."
    )
    assert w.call("o", "get", "a").value == [1]
    assert w.raw("put_object", "json", key="b", data=b'"{"').status == 422


def test_rename_and_delete(w):
    w.raw("put_object", "none", key="o", data=b"[9]")
    assert w.raw("rename", key="o", method="p").body["output_type"] == "success"
    assert w.raw("get_object", "none", key="p").raw == b"[9]"
    assert (w.events(36)[-1], json.loads(w.events(35)[-1])["key"]) == (b"o", "p")
    assert isinstance(w.raw("rename", key="zzz", method="y").value, KeyError)
    assert w.raw("delete", key="p").body["output_type"] == "success"
    assert w.events(36)[-1] == b"p"
    reply = w.raw("delete", key="p")
    assert reply.value.args == ("Key p not found in any process.",)


def test_rename_to_an_address(w, write):
    write("def f(): return 1\n")
    w.put_function("f")
    w.raw("rename", key="f", method="/user/g")
    event = json.loads(w.events(35)[-1])
    assert (event["key"], event["address"]) == ("g", "/user/g")
    assert w.call("g", "call").value == 1
    assert w.call_as("json", "f", "call").status == 404


def test_env_and_path(w):
    assert w.raw("set_env", data=b'{"GH_X": "1"}').body["output_type"] == "success"
    assert os.environ.pop("GH_X") == "1"
    assert w.raw("set_env", data=b'{"GH_X": 1}').status == 422
    w.raw("add_path", data=b'"/some/where"')
    w.raw("add_path", data=b'"/else"')
    w.raw("add_path", data=b'"/some/where"')
    assert sys.path[0] == "/some/where" and sys.path.count("/some/where") == 1
    assert w.raw("add_path", data=b"5").status == 422


@pytest.fixture
def import_state():
    """sys.path, and what is imported, as before."""
    path, imported = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - imported:
        del sys.modules[name]


def test_added_site_folders_come_before_the_interpreters_own(w, tmp_path, monkeypatch, import_state):
    import site

    own, other, linked = tmp_path / "own", tmp_path / "other", tmp_path / "linked"
    for folder, version in ((own, "old"), (other, "new")):
        folder.mkdir()
        (folder / "gh_test_package.py").write_text("VERSION = %r\n" % version)
    linked.mkdir()
    (linked / "gh_test_linked.py").write_text("")
    (other / "linked.pth").write_text("%s\n" % linked)
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(own)])
    sys.path.append(str(own))
    first = list(sys.path)

    data = json.dumps([str(other), str(tmp_path / "nothing")]).encode()
    for _ in range(2):  # the second time changes nothing
        assert w.raw("add_site", data=data).body["output_type"] == "success"
    place = first.index(str(own))
    assert sys.path == first[:place] + [str(other), str(linked)] + first[place:]
    import gh_test_linked  # noqa: F401
    import gh_test_package

    assert gh_test_package.VERSION == "new"


def test_later_changes_of_an_added_site_folder_are_seen(w, tmp_path, import_state):
    folder, linked = tmp_path / "site", tmp_path / "linked"
    folder.mkdir()
    linked.mkdir()
    w.raw("add_site", data=json.dumps([str(folder)]).encode())
    (folder / "later.pth").write_text("%s\n" % linked)
    times = folder.stat()
    os.utime(folder, (times.st_atime, times.st_mtime + 1))  # coarse clocks of file systems
    assert w.raw("add_site", data=b"[]").body["output_type"] == "success"
    assert str(linked) in sys.path
    assert w.raw("add_site", data=b'"x"').status == 422


def test_unknown_kinds_are_refused(w):
    from workerkit import calls

    status, outcome, _ = calls.handle(99, 1, 0, 0, "", "", "", None)
    assert (status, outcome) == (400, 2)


# ---------------------------------------------------------------- LOAD


def load(w, name, file, attr):
    return w.raw("load", key=name, data=json.dumps({"file": str(file), "attr": attr}).encode())


def test_load(w, write):
    app = write(
        """
        def f(a: int = 1): return a
        class C:
            made = 0
            def __init__(self):
                C.made += 1
                self.n = 5
            def m(self): return [self.n, C.made]
        def factory(): return C()
        def maker():
            def inner(x: int): return x * 2
            return inner
        things = {"a": 1}
        """,
        "app.py",
    )
    for name, attr in (
        ("f", "f"),
        ("c", "C"),
        ("x", "factory()"),
        ("y", "maker()"),
        ("t", "things"),
    ):
        assert load(w, name, app, attr).body["output_type"] == "success"
    assert w.get("f", "call", a="5").value == 5
    assert w.get("c", "m").value == [5, 2] and w.get("x", "m").value == [5, 2]
    assert w.get("y", "call", x="4").value == 8
    assert w.call("t", "get", "a").value == 1
    config = w.raw("get_object", "pickle", REMOTE, key="f").body["data"]
    assert (
        config["resource_type"] == "function"
        and config["signature"]["call"]["signature"] == "(a: int = 1)"
    )
    assert (
        w.raw("get_object", "pickle", REMOTE, key="c").body["data"]["signature"]["m"]["async"]
        is False
    )


@pytest.mark.parametrize(
    "text,attr,wanted",
    [
        (
            "import no_such_thing\n",
            "f",
            "app.py, line 1: ModuleNotFoundError: No module named 'no_such_thing'",
        ),
        ("x = 1\ndef f(:\n", "f", "app.py, line 2: SyntaxError"),
        ("def g(): ...\n", "f", "the file has no 'f'; it defines g"),
        ("class C:\n    def __init__(self, a): ...\n", "C", "TypeError"),
        ("def f():\n    raise ValueError('no')\n", "f()", "app.py, line 2: ValueError: no"),
        ("x = 1\n", "", "FILE.py:ATTR is needed"),
    ],
)
def test_load_failures_say_where(w, write, text, attr, wanted):
    reply = load(w, "m", write(text, "app.py"), attr)
    assert reply.outcome == 2 and wanted in reply.body["detail"]


def test_load_without_a_file_and_with_a_taken_name(w, write):
    assert "no such file" in load(w, "m", "/no/where.py", "f").body["detail"]
    assert "taken by" in load(w, "m", write("def f(): ...\n", "json.py"), "f").body["detail"]


# ---------------------------------------------------------------- secrets


def put_secret(w, name, **config):
    made = dict({"name": name, "resource_type": "secret", "resource_subtype": "Secret"}, **config)
    return w.raw("put_resource", "pickle", data=encode([made, {}, False], PICKLE))


def test_secrets(w, home):
    assert put_secret(w, "mine", values={"token": "s3cret"}).value == "mine"
    assert w.call("mine", "values").value == {"token": "s3cret"}
    w.call("mine", "_write_to_file", path="~/.x/mine.json")
    file = home / ".x" / "mine.json"
    # ~ is the daemon user's home, which in this test is not $HOME
    file = file if file.exists() else type(home)(os.path.expanduser("~/.x/mine.json"))
    assert (
        json.loads(file.read_text()) == {"token": "s3cret"}
        and stat.S_IMODE(file.stat().st_mode) == 0o600
    )
    file.unlink()
    # The client makes its own object of this, which cannot be without values.
    assert w.raw("get_object", "pickle", REMOTE, key="mine").body["data"] == {
        "name": "mine",
        "resource_type": "secret",
        "resource_subtype": "Secret",
        "visibility": "private",
        "values": {"token": "s3cret"},
    }
    assert w.call("mine", "is_present").value is True


def test_secret_formats(w, home):
    put_secret(w, "aws", provider="aws", values={"access_key": "A", "secret_key": "B"})
    path = str(home / "aws" / "credentials")
    w.call("aws", "_write_to_file", path=path, values={"access_key": "A", "secret_key": "B"})
    assert "aws_access_key_id = A" in open(path).read()
    put_secret(w, "ssh", provider="ssh", values={"private_key": "k", "public_key": "p"})
    path = str(home / "ssh" / "id")
    w.call("ssh", "_write_to_file", path=path)
    assert (open(path).read(), open(path + ".pub").read()) == ("k", "p")
    w.call("ssh", "_write_to_file", path=path, values={"private_key": "other"})
    assert open(path).read() == "k"


@pytest.mark.parametrize(
    "provider, values, text",
    [
        ("azure", {"subscription_id": "sub"}, "[AzureCloud]\nsubscription = sub\n\n"),
        ("lambda", {"api_key": "key"}, "api_key = key\n"),
        ("huggingface", {"token": "hf"}, "hf"),
        ("other", {"a": 1}, '{\n    "a": 1\n}'),
    ],
)
def test_secret_is_written_as_its_provider_reads_it(w, home, provider, values, text):
    put_secret(w, provider, provider=provider, values=values)
    path = home / "formats" / provider
    w.call(provider, "_write_to_file", path=str(path))
    assert path.read_text() == text


def test_secret_of_github_is_yaml_with_or_without_a_package_for_it(w, home, monkeypatch):
    put_secret(w, "github", provider="github", values={"oauth_token": "gh"})
    monkeypatch.setitem(sys.modules, "yaml", None)
    w.call("github", "_write_to_file", path=str(home / "hosts.yml"))
    assert json.loads((home / "hosts.yml").read_text()) == {"github.com": {"oauth_token": "gh"}}


# ---------------------------------------------------------------- shim


def needs_shim():
    import runhouse

    if "_gatehouse_shim" not in vars(runhouse):
        pytest.skip("runhouse is installed here")
    return runhouse


def test_a_file_that_imports_runhouse_loads_without_it(w, write):
    needs_shim()
    write("""
        import runhouse as rh
        from runhouse.exceptions import InsufficientDiskError
        def f(): return rh.__name__
        class C(rh.Module):
            def __init__(self): super().__init__(); self.n = 2
            def m(self): return self.n
        g = rh.function(f)
        """)
    w.put_function("g")
    assert w.call("g", "call").value == "runhouse"
    w.put_class("c", "C")
    w.call("c", "_remote_init")
    assert w.call("c", "m").value == 2


def test_a_cluster_of_the_client_goes_through_unchanged(monkeypatch):
    """The client pickles its cluster object plainly: a class and attributes."""
    runhouse = needs_shim()
    monkeypatch.setitem(Process.cluster_config, "name", "box")
    sent = runhouse.Cluster.__new__(runhouse.Cluster)
    state = {"_name": "box", "_rns_folder": None, "ips": ["127.0.0.1"], "server_port": 1, "dryrun": False}
    sent.__setstate__(state)
    assert (sent.name, sent.on_this_cluster(), sent.server_port) == ("box", True, 1)
    assert sent.__reduce__()[1:] == ((runhouse.Cluster,), state)
    other = runhouse.Cluster.__new__(runhouse.Cluster)
    other.__setstate__({"_name": "box", "_rns_folder": "/ada"})
    assert not other.on_this_cluster() and other.rns_address == "/ada/box"


def test_the_shim_says_what_it_is():
    runhouse = needs_shim()
    with pytest.raises(AttributeError, match="stand-in"):
        runhouse.ondemand_cluster
    with pytest.raises(ImportError):
        import runhouse.no_such_module  # noqa: F401


def test_a_handle_of_an_object_here_can_be_called(w, write):
    needs_shim()
    write("""
        def use(m, by): return m.inc(by)
        class C:
            def __init__(self, n): self.n = n
            def inc(self, by):
                self.n += by
                return self.n
        """)
    signature = {"inc": {"async": False, "gen": False}}
    w.put_class("c", "C", state={"n": 1}, signature=signature)
    w.put_function("use")
    handle = w.raw("get_object", "pickle", key="c").value
    assert w.call("use", "call", handle, 2).value == 3
