# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every kind of caller at a route of every need, for objects of every visibility.

TABLE is what a node answers. DIFFERENT lists where the server of the client's package answers otherwise, with
the reason; peer/auth.json is what it answered, with the same callers and the same Den.
"""
from __future__ import annotations

import json
from typing import Any, Callable, NamedTuple

from integration.auth_kit import OWNER, WRONG_TOKEN
from integration.den_kit import people
from integration.fake_den import FakeDen

CALLERS = ["nobody", "wrong", "stranger", "denied", "obj_reader", "obj_writer", "obj_holder", "reader", "writer",
           "holder", "owner", "module", "local_r", "local_w"]
"""Without a token; with one that nobody knows; with Den's: no rights, rights taken away, rights on private_fn
alone, on the node; the owner's; with one that the node gave out: for private_fn, to read, to write."""

LOCAL = ["module", "local_r", "local_w"]

TABLE = """
what                  nobody wrong stranger denied obj_reader obj_writer obj_holder reader writer holder owner module local_r local_w
GET check                  y     y        y      y          y          y          y      y      y      y     y      y       y       y
GET cert                   y     y        y      y          y          y          y      y      y      y     y      y       y       y
GET nowhere                y     y        y      y          y          y          y      y      y      y     y      y       y       y
GET keys                 401   403      403    403        403        403        403      y      y      y     y    403       y       y
GET status               401   403      403    403        403        403        403      y      y      y     y    403       y       y
GET processes            401   403      403    403        403        403        403      y      y      y     y    403       y       y
GET object               401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST object              401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST resource            401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST rename              401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST delete_object       401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST env_vars            401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST run_bash            401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST settings            401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST folder              401   403      403    403        403        403        403    403      y      y     y    403     403       y
GET documents            401   403      403    403        403        403        403      y      y      y     y      y       y       y
POST private_fn          401   403      403    403          y          y          y      y      y      y     y      y       y       y
GET private_fn           401   403      403    403          y          y          y      y      y      y     y      y       y       y
POST public_fn           401   403        y      y          y          y          y      y      y      y     y    403       y       y
GET public_fn            401   403        y      y          y          y          y      y      y      y     y    403       y       y
POST open_fn               y     y        y      y          y          y          y      y      y      y     y      y       y       y
GET open_fn                y     y        y      y          y          y          y      y      y      y     y      y       y       y
POST local_fn            401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST plain               401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST no_such_key         401   403      403    403        403        403        403      y      y      y     y    403       y       y
POST logs                401   403      403    403          y          y          y      y      y      y     y      y       y       y
"""

CALL = {"run_name": "q", "data": {"args": ["x", "y"], "kwargs": {}}, "serialization": "none"}


def function(name: str, visibility: str = "private") -> dict:
    """The order to deploy concat of user_code/demo.py, copied to proj/ in the server's home."""
    config = {"name": name, "resource_type": "function", "resource_subtype": "Function", "system": None,
              "visibility": visibility, "process": "default_process",
              "fn_pointers": ["proj", "demo", "concat"]}
    return {"serialized_data": [config, None, True], "process_name": "default_process"}


OBJECTS = [
    ("/resource", function(f"/{OWNER}/private_fn")),
    ("/resource", function(f"/{OWNER}/public_fn", "public")),
    ("/resource", function(f"/{OWNER}/open_fn", "unlisted")),
    ("/resource", function("local_fn")),
    ("/object", {"key": "plain", "serialized_data": 5, "process_name": "default_process"}),
]
"""What the owner puts first. Den lets everyone that it knows read public_fn."""

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "GET check": ("GET", "/check", None),
    "GET cert": ("GET", "/cert", None),
    "GET nowhere": ("GET", "/nowhere", None),
    "GET keys": ("GET", "/keys", None),
    "GET status": ("GET", "/status", None),
    "GET processes": ("GET", "/processes", None),
    "GET object": ("GET", "/object?key=plain&serialization=json", None),
    "POST object": ("POST", "/object", {"key": "other", "serialized_data": 5,
                                        "process_name": "default_process"}),
    "POST resource": ("POST", "/resource", function(f"/{OWNER}/other_fn")),
    "POST rename": ("POST", "/rename", {"key": "no_such_key", "new_key": "none"}),
    "POST delete_object": ("POST", "/delete_object", {"keys": ["no_such_key"]}),
    "POST env_vars": ("POST", "/env_vars", {"process_name": "default_process", "env_vars": {}}),
    "POST run_bash": ("POST", "/run_bash", {"command": "true"}),
    "POST settings": ("POST", "/settings", {}),
    "POST folder": ("POST", "/folder/method/exists", {"path": "~"}),
    "GET documents": ("GET", "/private_fn/openapi.json", None),
    "POST plain": ("POST", "/plain/bit_length", {**CALL, "data": {"args": [], "kwargs": {}}}),
    "POST logs": ("POST", "/logs", {"run_name": "no-run", "key": "private_fn"}),
    **{f"POST {key}": ("POST", f"/{key}/call", CALL)
       for key in ("private_fn", "public_fn", "open_fn", "local_fn", "no_such_key")},
    **{f"GET {key}": ("GET", f"/{key}/call?a=x&b=y", None) for key in ("private_fn", "public_fn", "open_fn")},
}


class Verdict(NamedTuple):
    """status: of the answer; detail: its sentence, where it was a refusal."""

    status: int
    detail: str = ""

    @property
    def short(self) -> str:
        return str(self.status) if self.status in (401, 403) else "y"


def rows() -> dict[str, dict[str, str]]:
    """What -> caller -> y, 401 or 403."""
    head, *lines = [line for line in TABLE.splitlines() if line.strip()]
    names = head.split()[1:]
    found = {}
    for line in lines:
        *words, = line.split()
        what, verdicts = " ".join(words[:2]), words[2:]
        assert len(verdicts) == len(names), line
        found[what] = dict(zip(names, verdicts))
    return found


def different(what: str, caller: str) -> tuple[str, str] | None:
    """The true server's verdict and the reason, where it is not the node's."""
    node = rows()[what][caller]
    by_get = what in ("GET private_fn", "GET public_fn")
    if what == "POST logs" and node != "y":
        return "y", "it guards no logs"
    if what == "POST no_such_key":
        return "500", "it tells everybody which keys there are, without pickle by 500"
    if by_get and node != "y":
        return "500", "a refusal of a GET is 500 there, as all errors of one"
    return None


def furnish(den: FakeDen) -> dict[str, str]:
    """Tell DEN of its users; token by caller, of those that the node does not make."""
    tokens = {name.replace("den_", ""): token for name, token in people(den).items()}
    den.sets("", f"{OWNER}:public_fn", "read")
    return {**tokens, "wrong": WRONG_TOKEN}


def ask_all(callers: list[str], ask: Callable[[str, str], tuple[int, bytes]]) -> dict[str, dict[str, Verdict]]:
    """The verdicts of a server: ASK(what, caller) sends REQUESTS[what] for CALLER."""
    found: dict[str, dict[str, Verdict]] = {}
    for what in REQUESTS:
        for caller in callers:
            found.setdefault(what, {})[caller] = verdict(*ask(what, caller))
    return found


def verdict(status: int, body: bytes) -> Verdict:
    if status not in (401, 403):
        return Verdict(status)
    return Verdict(status, json.loads(body)["detail"])
