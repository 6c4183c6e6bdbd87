# SPDX-License-Identifier: Apache-2.0
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

LOADED = {}


@asynccontextmanager
async def lifespan(app):
    LOADED["model"] = "loaded"
    yield {"greeting": "hello"}


app = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    name: str
    price: float


@app.get("/hello/{name}")
def hello(name: str, request: Request):
    return {"text": f"{request.state.greeting} {name}", "model": LOADED["model"],
            "url": str(request.url_for("hello", name="x"))}


@app.post("/items")
async def items(item: Item):
    return {"total": item.price * 2}


@app.get("/missing")
async def missing():
    raise HTTPException(404, "no such item")


@app.get("/numbers")
async def numbers():
    async def lines():
        for number in range(3):
            yield f"{number}\n"
    return StreamingResponse(lines(), media_type="text/plain")
