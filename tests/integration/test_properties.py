# SPDX-License-Identifier: Apache-2.0
"""Whatever value or name a client may think of: it comes back as it went, or is refused by a 4xx.

GATEHOUSE_PROPERTIES=long tries a hundred times as many; quick is what the suite has time for.
"""
from __future__ import annotations

import base64
import datetime
import decimal
import fractions
import http.client
import json
import math
import os
import pickle
import string
import sys
import unicodedata
import uuid
from urllib.parse import quote, urlencode

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="no hypothesis in this venv")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from .gatehoused import ANSWER_S, USER_CODE  # noqa: E402

sys.path.append(str(USER_CODE))
import shapes  # noqa: E402

FILE = USER_CODE / "shapes.py"
DAEMON_OPTIONS = {"modules": [f"{name}={FILE}:{name}"
                              for name in ("same", "typed", "environ", "talk")]}

common = dict(deadline=None, database=None, print_blob=True,
              suppress_health_check=list(HealthCheck))
settings.register_profile("quick", max_examples=60, derandomize=True, **common)
settings.register_profile("long", max_examples=6000, **common)
settings.load_profile(os.environ.get("GATEHOUSE_PROPERTIES") or "quick")
few = settings(max_examples=max(8, settings().max_examples // 10))  # where each one is slow


class Client:
    """One kept connection; no answer may be a 5xx."""

    def __init__(self, daemon):
        self.connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=ANSWER_S)

    def ask(self, method, path, body=None, may_fail=False):
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        raw = answer.read()
        assert may_fail or answer.status < 500, (method, path, body, answer.status, raw)
        return answer.status, json.loads(raw) if raw else None

    def call(self, key, data, serialization="none", **fields):
        return self.ask("POST", f"/{key}/call", {
            "run_name": "run", "data": data, "serialization": serialization, **fields})


@pytest.fixture
def client(daemon):
    client = Client(daemon)
    yield client
    client.connection.close()


# ---------------------------------------------------------------- values

scalars = st.none() | st.booleans() | st.integers() | st.integers(-2**200, 2**200)
finite = st.floats(allow_nan=False, allow_infinity=False)
keys = st.text(max_size=8)
json_values = st.recursive(scalars | finite | st.text(),
                           lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
                           max_leaves=20)

hashable = st.recursive(
    scalars | st.floats() | st.text() | st.binary() | st.complex_numbers()
    | st.decimals().filter(lambda d: not d.is_snan()) | st.fractions() | st.uuids() | st.datetimes() | st.dates() | st.times()
    | st.datetimes(timezones=st.just(datetime.timezone.utc)) | st.timedeltas()
    | st.sampled_from(shapes.Colour) | st.just(Ellipsis) | st.builds(range, st.integers(0, 9)),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3)
    | st.builds(shapes.Pair, inner, inner),
    max_leaves=8)
pickled_values = st.recursive(
    hashable,
    lambda inner: st.lists(inner) | st.dictionaries(hashable, inner, max_size=4)
    | st.sets(hashable, max_size=4) | st.builds(shapes.Point, inner, inner)
    | st.builds(bytearray, st.binary()) | st.builds(shapes.Bag, st.dictionaries(keys, inner)),
    max_leaves=20)


def shown(value) -> str:
    """The repr of something hashable, its sets sorted."""
    if isinstance(value, (set, frozenset, tuple)):
        items = map(shown, value)
        return f"{type(value).__name__}({list(items if isinstance(value, tuple) else sorted(items))})"
    return repr(value)


def alike(a, b) -> bool:
    """Equal, of the same types all the way down; NaN is like NaN, 0.0 unlike -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) ==
                                                     math.copysign(1, b))
    if isinstance(a, complex):
        return alike(a.real, b.real) and alike(a.imag, b.imag)
    if isinstance(a, decimal.Decimal):
        return repr(a) == repr(b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return list(map(shown, a)) == list(map(shown, b)) and all(
            alike(x, y) for x, y in zip(a.values(), b.values()))
    if isinstance(a, (set, frozenset)):
        return shown(a) == shown(b)
    if isinstance(a, shapes.Point):
        return alike(a.x, b.x) and alike(a.y, b.y)
    return a == b


def test_alike_tells_types_and_signs_apart():
    assert alike([1, (2.0, {"a": float("nan")})], [1, (2.0, {"a": float("nan")})])
    assert not alike(1, True) and not alike(0.0, -0.0) and not alike([1], (1,))


@given(value=json_values)
def test_json_values_through_objects(client, value):
    for serialization, text in (("none", value), ("json", json.dumps(value))):
        body = {"key": "thing", "serialized_data": text, "serialization": serialization}
        assert client.ask("POST", "/object", body)[1]["output_type"] == "success"
        found = client.ask("GET", "/object?key=thing&serialization=none")[1]
        assert alike(found, value)
        found = client.ask("GET", "/object?key=thing&serialization=json")[1]
        assert found["data"] is None if value is None else alike(json.loads(found["data"]), value)


@given(value=json_values, named=st.dictionaries(st.from_regex(r"\A[a-z_]{1,6}\Z"), json_values,
                                                max_size=3))
def test_json_values_through_calls(client, value, named):
    data = {"args": [value], "kwargs": named}
    wanted = [[value], named] if named else value
    assert alike(client.call("same", data)[1], wanted)
    body = client.call("same", json.dumps(data), "json")[1]
    assert body["data"] is None if wanted is None else alike(json.loads(body["data"]), wanted)


@given(value=pickled_values)
def test_pickled_values_through_calls_and_objects(client, value):
    data = base64.encodebytes(pickle.dumps({"args": [value]}, 5)).decode()
    body = client.call("same", data, "pickle")[1]
    assert (value is None and body["data"] is None) or alike(unpickled(body), value)
    body = {"key": "thing", "serialization": "pickle",
            "serialized_data": base64.b64encode(pickle.dumps(value)).decode()}
    assert client.ask("POST", "/object", body)[1]["output_type"] == "success"
    body = client.ask("GET", "/object?key=thing&serialization=pickle")[1]
    assert (value is None and body["data"] is None) or alike(unpickled(body), value)


def unpickled(body):
    assert body["output_type"] == "result_serialized", body
    return pickle.loads(base64.b64decode(body["data"]))


@given(value=pickled_values, serialization=st.sampled_from(["none", "json"]))
def test_pickled_objects_as_json_are_values_or_say_why_not(client, value, serialization):
    """Never a broken body, whatever is in the store."""
    body = {"key": "thing", "serialization": "pickle",
            "serialized_data": base64.b64encode(pickle.dumps(value)).decode()}
    client.ask("POST", "/object", body)
    status, body = client.ask("GET", f"/object?key=thing&serialization={serialization}",
                              may_fail=True)
    if status == 500:
        assert "JSON" in json.dumps(body), body
    else:
        assert status == 200


@given(raw=st.binary(max_size=200) | st.text().map(str.encode), where=st.integers(0, 3))
def test_garbage_as_a_body_is_refused(client, raw, where):
    path = ("/same/call", "/object", "/resource", "/logs")[where]
    client.connection.request("POST", path, raw, {"Content-Type": "application/json"})
    answer = client.connection.getresponse()
    text = answer.read()
    assert answer.status in (200, 400, 404, 422), (raw, answer.status, text)


# ---------------------------------------------------------------- GET

def get(client, key, **query):
    return client.ask("GET", f"/{key}/call?" + urlencode(query))


@given(i=st.integers(), f=st.floats(), b=st.booleans(), s=st.text(), numbers=st.lists(st.integers()),
       d=st.dictionaries(keys, finite), o=st.none() | st.integers(), plain=st.text())
def test_get_arguments_are_cast(client, i, f, b, s, numbers, d, o, plain):
    status, body = get(client, "typed", i=i, f=f, b=str(b), s=s, l=json.dumps(numbers),
                       d=json.dumps(d), o="null" if o is None else o, plain=plain)
    assert status == 200, body
    assert alike(json.loads(body["data"]), [i, f, b, s, numbers, d, o, plain])


def fits(make, text):
    try:
        return [make(text)]
    except (ValueError, OverflowError):
        return []


TRUE, FALSE = "1 true t yes y on".split(), "0 false f no n off".split()
almost_numbers = st.text() | st.text(string.digits + "+-_.eE \u0663\t", max_size=8)


@given(text=almost_numbers | st.sampled_from(TRUE + FALSE).flatmap(
    lambda word: st.sampled_from([word, word.upper(), word + " "])))
def test_get_arguments_that_do_not_fit_are_named(client, text):
    models = {"i": fits(int, text), "f": fits(float, text),
              "b": [True] if text.lower() in TRUE else
                   [False] if text.lower() in FALSE else []}
    for position, (name, wanted) in enumerate(models.items()):
        status, body = get(client, "typed", **{name: text})
        if wanted:
            assert status == 200, (name, text, body)
            assert alike(json.loads(body["data"])[position], wanted[0]), (name, text, body)
        else:
            assert status == 422, (name, text, body)
            assert body["detail"][0]["loc"] == ["query", name]


# ---------------------------------------------------------------- names

odd_names = (st.text(min_size=1, max_size=40)
             | st.text(st.characters(max_codepoint=0x20), min_size=1, max_size=6)
             | st.text("/%.\\\"' ?#&=+\0\x7f\u2028\ufeff\u202e\U0001f3e0a0", min_size=1, max_size=10)
             | st.sampled_from(["..", ".", "%2e", "%00", "a/b", "__class__", "null", "call",
                                "x" * 300, "\ud800".encode("utf-16", "surrogatepass").hex()]))


@given(key=odd_names, value=st.integers())
def test_any_key_comes_back_or_is_refused(client, key, value):
    status, body = client.ask("POST", "/object", {"key": key, "serialized_data": value})
    if status != 200 or body["output_type"] == "exception":
        assert status in (200, 422), body
        return
    assert client.ask("GET", "/object?serialization=none&key=" + quote(key, safe=""))[1] == value
    assert key in client.ask("GET", "/keys")[1]["data"]
    client.ask("GET", "/" + quote(key, safe="") + "/bit_length")
    assert client.ask("POST", "/rename", {"key": key, "new_key": key + "2"})[0] in (200, 422)
    for name in key, key + "2":
        client.ask("POST", "/delete_object", {"keys": [name]})
    assert key not in client.ask("GET", "/keys")[1]["data"]


@given(key=odd_names, method=odd_names, text=st.text(max_size=20))
def test_any_path_and_query_is_answered(client, key, method, text):
    path = "/%s/%s?%s" % (quote(key, safe=""), quote(method, safe=""), urlencode({text or "a": text}))
    client.ask("GET", path)
    client.ask("POST", path, {"run_name": "r", "data": None})


@given(name=odd_names)
def test_any_run_name_is_one_or_is_refused(client, name):
    is_good = (not name.startswith(".") and len(name.encode()) <= 512 and "/" not in name
               and not any(unicodedata.category(each) == "Cc" for each in name))
    status, _ = client.call("same", {"args": [1]}, run_name=name, stream_logs=True)
    assert status == (200 if is_good else 422)
    status, _ = client.ask("GET", "/same/call?_bare=1&run_name=" + quote(name, safe=""))
    assert status in (200, 422)


@few
@given(name=odd_names)
def test_any_process_name_is_one_or_is_refused(client, name):
    status, body = client.ask("POST", "/create_process", {"name": name})
    if status == 200 and body["output_type"] == "success":
        try:
            assert name in json.loads(client.ask("GET", "/processes")[1]["data"])
            key = {"key": "there", "serialized_data": 1, "process_name": name}
            assert client.ask("POST", "/object", key)[1]["output_type"] == "success"
            found = client.ask("GET", "/keys?process_name=" + quote(name, safe=""))[1]["data"]
            assert found == ["there"]
        finally:
            assert client.ask("POST", "/kill_process", {"process_name": name})[0] == 200
    assert name not in json.loads(client.ask("GET", "/processes")[1]["data"])


@given(name=odd_names, value=st.text())
def test_any_environment_variable_is_set_or_is_refused(client, name, value):
    status, body = client.ask("POST", "/env_vars", {
        "process_name": "default_process", "env_vars": {name: value}})
    is_possible = "=" not in name and "\0" not in name + value
    done = status == 200 and body["output_type"] == "success"
    assert done == is_possible, (status, body)
    assert status in (200, 422)
    if done:
        assert client.call("environ", {"args": [name]})[1] == value


@given(text=st.text(st.characters(codec="utf-8"), max_size=60)
       | st.text("\n\r\u2028\u0085\x1c\x0b\x0c\t\0 a%|/", max_size=30))
def test_any_text_is_logged_as_it_was_printed(client, text):
    client.call("talk", {"args": [text]}, run_name="run", stream_logs=True)
    client.connection.request("POST", "/logs", json.dumps({"run_name": "run", "key": "talk"}),
                              {"Content-Type": "application/json"})
    raw = client.connection.getresponse().read()
    assert raw.isascii()
    found = "".join("".join(json.loads(line)["data"]) for line in raw.decode().splitlines())
    assert found == text


@given(text=st.text(st.characters(categories=["Cs", "L"]), min_size=1, max_size=5))
def test_lone_surrogates_do_no_harm(client, text):
    """JSON can say them, UTF-8 cannot."""
    client.call("same", {"args": [text]})
    client.call("same", json.dumps({"args": [text]}), "json")
    client.ask("POST", "/object", {"key": text, "serialized_data": text})
    client.ask("POST", "/delete_object", {"keys": [text]})
    client.call("talk", {"args": [text]}, stream_logs=True)
