# SPDX-License-Identifier: Apache-2.0
"""UNPACK_FILES: serialized contents of a put, taken apart."""

import json

import pytest
from workerkit import JSON, PICKLE, encode


def unpack(w, serialization, value):
    name = "pickle" if serialization == PICKLE else "json"
    return w.raw("unpack_files", name, data=encode(value, serialization))


def test_json_values_become_texts(w):
    answer = unpack(w, JSON, {"a": {"x": [1, "é"]}, "b\n": None})
    assert json.loads(answer.raw) == {"a": '{"x": [1, "\\u00e9"]}', "b\n": "null"}


def test_pickled_values_become_base64(w):
    from gatehouse import serialize

    answer = unpack(w, PICKLE, {"a": {"x": 1}, "long": b"y" * 1000})
    files = json.loads(answer.raw)
    assert all(len(line) <= 76 for line in files["long"].splitlines())
    assert serialize.decode(PICKLE, json.dumps(files["a"]).encode()) == {"x": 1}


@pytest.mark.parametrize("value", [[1], "text", None, 5])
def test_what_is_no_dict_is_422(w, value):
    answer = unpack(w, JSON, value)
    assert answer.status == 422
    assert "`contents` argument must be a dict" in answer.body["detail"]


def test_names_must_be_text(w):
    answer = unpack(w, PICKLE, {1: 2})
    assert answer.body["output_type"] == "exception"
    assert "file names should be text, not int" in answer.body["data"]["exception_as_str"]


def test_broken_contents(w):
    assert w.raw("unpack_files", "json", data=b'"{"').status == 422
    assert w.raw("unpack_files", "pickle", data=b'"AAAA"').body["output_type"] == "exception"
