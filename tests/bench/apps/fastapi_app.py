# SPDX-License-Identifier: Apache-2.0
"""The endpoints in FastAPI, twice: `coroutines` has them as async def, `threads` as def."""
import asyncio
import base64
import pickle
import time

from fastapi import FastAPI
from pydantic import BaseModel

import plain


class Pair(BaseModel):
    a: str
    b: str


class Value(BaseModel):
    value: str


class Call(BaseModel):
    data: str
    serialization: str
    run_name: str


class Result(BaseModel):
    data: str
    output_type: str = "result_serialized"
    serialization: str = "pickle"


def call_pickle(call: Call, function) -> Result:
    data = pickle.loads(base64.b64decode(call.data))
    result = function(*data["args"], **data["kwargs"])
    return Result(data=base64.b64encode(pickle.dumps(result, protocol=5)).decode("ascii"))


coroutines = FastAPI()


@coroutines.get("/concat")
async def concat_get(a: str, b: str) -> str:
    return a + b


@coroutines.post("/concat")
async def concat_json(pair: Pair) -> str:
    return pair.a + pair.b


@coroutines.post("/concat_pickle")
async def concat_pickle(call: Call) -> Result:
    return call_pickle(call, plain.concat)


@coroutines.post("/echo")
async def echo_json(value: Value) -> str:
    return value.value


@coroutines.post("/echo_pickle")
async def echo_pickle(call: Call) -> Result:
    return call_pickle(call, plain.echo)


@coroutines.get("/sleep")
async def sleep() -> str:
    await asyncio.sleep(0.005)
    return "slept"


threads = FastAPI()


@threads.get("/concat")
def concat_get_in_thread(a: str, b: str) -> str:
    return a + b


@threads.post("/concat")
def concat_json_in_thread(pair: Pair) -> str:
    return pair.a + pair.b


@threads.post("/concat_pickle")
def concat_pickle_in_thread(call: Call) -> Result:
    return call_pickle(call, plain.concat)


@threads.post("/echo")
def echo_json_in_thread(value: Value) -> str:
    return value.value


@threads.post("/echo_pickle")
def echo_pickle_in_thread(call: Call) -> Result:
    return call_pickle(call, plain.echo)


@threads.get("/sleep")
def sleep_in_thread() -> str:
    time.sleep(0.005)
    return "slept"
