# SPDX-License-Identifier: Apache-2.0
"""--module NAME=FILE.py:ATTR: a function, a class, a factory, without any SDK."""
from __future__ import annotations

import json

import pytest

from .gatehoused import StartFailed, USER_CODE

THINGS = USER_CODE / "things.py"
DAEMON_OPTIONS = {"modules": [f"joined={THINGS}:concat", f"counter={THINGS}:Counter",
                              f"hundred={THINGS}:make_counter()", f"ping={THINGS}:Counter.ping"]}


def test_function_answers_curl(daemon):
    answer = daemon.get("/joined/call?a=run&b=house", {"Content-Type": "application/json"})
    assert answer.body == (b'{"data":"\\"runhouse\\"","output_type":"result_serialized",'
                           b'"serialization":"json"}')


def test_class_is_one_instance_with_state(daemon):
    before = int(daemon.get("/counter/value").json()["data"])
    assert daemon.get("/counter/inc?by=2&_bare=1").json() == before + 2
    assert daemon.post("/counter/inc", {"by": 3}).json() == before + 5


def test_factory_is_called_once(daemon):
    before = int(daemon.get("/hundred/value").json()["data"])
    assert before >= 100
    assert daemon.get("/hundred/inc?_bare=1").json() == before + 1


def test_attribute_may_be_dotted(daemon):
    assert daemon.get("/ping/call?_bare=1").json() == "pong"


def test_declared_modules_are_keys_from_the_start(daemon):
    assert set(daemon.get("/keys").json()["data"]) >= {"joined", "counter", "hundred", "ping"}


def test_one_module_does_not_shadow_the_other(daemon):
    assert daemon.get("/joined/call?a=1&b=2&_bare=1").json() == "12"
    assert daemon.get("/ping/call?_bare=1").json() == "pong"


def test_relative_file_is_found_from_the_working_directory(start_daemon, tmp_path):
    home = tmp_path / "gatehoused0" / "home"
    home.mkdir(parents=True)
    (home / "here.py").write_text("def f():\n    return __file__\n")
    daemon = start_daemon(modules=["f=here.py:f"])
    assert json.loads(daemon.get("/f/call").json()["data"]) == str(home / "here.py")


@pytest.mark.parametrize("text", ["noequals", "=x.py:f", "name=", "name=x.py", "name=x.py:",
                                  "name=:f", "a/b=x.py:f", "check=x.py:f"])
def test_malformed_declaration_is_refused_at_the_start(start_daemon, tmp_path, text):
    from .gatehoused import Gatehoused
    done = Gatehoused(tmp_path / "refused", modules=[text]).run_to_exit()
    assert done.returncode in (64, 78)
    assert text.partition("=")[0] in done.stderr and "module" in done.stderr


@pytest.mark.parametrize("attr, words", [
    ("missing.py:f", ["missing.py"]),
    (f"{THINGS}:nothing_of_that_name", ["nothing_of_that_name", "things.py"]),
])
def test_module_that_cannot_be_loaded_is_told(start_daemon, attr, words):
    """At the start, or by a 5xx-free answer that says why: never by silence."""
    try:
        daemon = start_daemon(inspect=False, modules=[f"wrong={attr}"])
    except StartFailed as failed:
        assert all(word in failed.stderr for word in words)
        return
    answer = daemon.get("/wrong/call")
    assert answer.status != 200
    text = answer.text + daemon.log()
    assert all(word in text for word in words)
