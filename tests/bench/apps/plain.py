# SPDX-License-Identifier: Apache-2.0
"""The work behind the endpoints of the servers without a framework: bytes in, bytes out."""
import base64
import json
import pickle
from urllib.parse import parse_qs


def concat_get(query: str) -> bytes:
    values = parse_qs(query)
    return json.dumps(values["a"][0] + values["b"][0]).encode()


def concat_json(body: bytes) -> bytes:
    values = json.loads(body)
    return json.dumps(values["a"] + values["b"]).encode()


def echo_json(body: bytes) -> bytes:
    return json.dumps(json.loads(body)["value"]).encode()


def call_pickle(body: bytes, function) -> bytes:
    call = pickle.loads(base64.b64decode(json.loads(body)["data"]))
    result = function(*call["args"], **call["kwargs"])
    return json.dumps({
        "data": base64.b64encode(pickle.dumps(result, protocol=5)).decode("ascii"),
        "output_type": "result_serialized",
        "serialization": "pickle",
    }).encode()


def concat(a: str, b: str) -> str:
    return a + b


def echo(value):
    return value


# path -> what answers a POST there
POSTS = {
    "/concat": concat_json,
    "/concat_pickle": lambda body: call_pickle(body, concat),
    "/echo": echo_json,
    "/echo_pickle": lambda body: call_pickle(body, echo),
}
