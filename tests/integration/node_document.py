# SPDX-License-Identifier: Apache-2.0
"""The node's OpenAPI document and the table of routes, side by side."""
from __future__ import annotations

import json
import re

from .gatehoused import REPO

def routes() -> set[tuple[str, str]]:
    """(method, path) of each row of src/api/routes.c, but for those of the control socket alone, and those of
    the embedded Den, which docs/den.md has."""
    text = (REPO / "src/api/routes.c").read_text("utf-8")
    table = text[text.index("routes[] = {"):text.index("};", text.index("routes[] = {"))]
    rows = re.findall(r'\{GH_([A-Z]+),\s*"([^"]+)",\s*GH_NEED_(\w+)', table)
    assert len(rows) == table.count("{GH_")
    return {(method, path) for method, path, need in rows
            if need not in ("LOCAL", "DEN") and not path.startswith("/_gatehouse/den/")}


def document() -> dict:
    return json.loads((REPO / "web/openapi.json").read_text("utf-8"))


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document()["paths"].items()
            for method in item if method in ("get", "post", "put", "delete")}


def body_fields(path: str) -> dict[str, bool]:
    """name -> is required, from the field table in the function that serves POST PATH, if any."""
    table = (REPO / "src/api/routes.c").read_text("utf-8")
    route = re.search(r'\{GH_POST,\s*"%s",[^,]+,\s*(\w+)\}' % re.escape(path), table)
    for file in sorted((REPO / "src/api").glob("*.c")) if route else ():
        body = re.search(r"^%s\(.*?^\}" % route.group(1), file.read_text("utf-8"), re.M | re.S)
        if body:
            rows = re.findall(r'\{"(\w+)",\s*GH_FIELD_\w+,\s*(true|false)\}', body.group(0))
            return {name: required == "true" for name, required in rows}
    return {}
