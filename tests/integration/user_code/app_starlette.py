# SPDX-License-Identifier: Apache-2.0
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route


async def home(request):
    return JSONResponse({"path": request.url.path, "root": request.scope["root_path"]})


async def upload(request):
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
    return JSONResponse({"bytes": total})


async def old(request):
    return RedirectResponse(request.url_for("home"))


def create_app():
    return Starlette(routes=[Route("/", home, name="home"), Route("/upload", upload, methods=["PUT"]),
                             Route("/old", old)])
