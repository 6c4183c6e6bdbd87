# SPDX-License-Identifier: Apache-2.0
"""Where the daemon answers otherwise than the recorded server, on purpose, and exactly how.

Each row: the exchanges (ids, shell patterns), the reason, and a check that returns "" when the
answer is exactly the improved one. The rules are the "Improve" rows of the protocol pages
http-api.md (section 7, quirk numbers below) and serialization.md.
"""
from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any, Callable, NamedTuple, Sequence

from integration import pickles
from .replay import Answer, Exchange, Plain, Server, log_lines, short, status_difference, value_difference

Check = Callable[[Exchange, Answer, Server], str]


class Deviation(NamedTuple):
    """free_text: the recorded server does not repeat its own text either."""

    exchanges: str
    reason: str
    check: Check
    free_text: bool = False


# -- checks -------------------------------------------------------------------------------------

def is_json(answer: Answer) -> str:
    if answer.error:
        return answer.error
    if answer.content_type != "application/json":
        return f"content type is {answer.content_type!r}"
    try:
        json.loads(answer.body)
    except ValueError as error:
        return f"not JSON: {error}"
    return ""


def body_is(value: Any, status: int = 200) -> Check:
    """Exactly this JSON value."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        plain = Plain(server.home, server.port)
        if answer.status != status:
            return f"status is {answer.status}, not {status}: {answer.body[:400]!r}"
        return value_difference("body", value, json.loads(answer.body), plain)
    return check


def detail(status: int, *words: str) -> Check:
    """`{"detail": "..."}` with this status; the text names each of WORDS."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        body = json.loads(answer.body)
        if answer.status != status:
            return f"status is {answer.status}, not {status}: {answer.body[:400]!r}"
        if not isinstance(body, dict) or not isinstance(body.get("detail"), str):
            return f"no detail text: {short(body)}"
        missing = [word for word in words if word not in body["detail"]]
        return f"detail does not name {missing}: {body['detail']!r}" if missing else ""
    return check


def invalid(type_: str, *loc: Any, then: Sequence[tuple[str, list]] = ()) -> Check:
    """A 422 with an error of this type and place, then those of THEN, as the validator has them."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        if answer.status != 422:
            return f"status is {answer.status}, not 422: {answer.body[:400]!r}"
        errors = json.loads(answer.body).get("detail")
        found = [(e["type"], e["loc"]) for e in errors] if isinstance(errors, list) else errors
        return "" if found == [(type_, list(loc)), *then] else f"errors are {found!r}"
    return check


def status_with(key: str, value: Any) -> Check:
    """The recorded status, but for KEY of its configuration."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        recorded = json.loads(exchange.answer_body)
        recorded[0]["cluster_config"][key] = value
        return status_difference(recorded, json.loads(answer.body), Plain(server.home, server.port))
    return check


def exception(name: str, text: str, *, prefix: bool = False, status: int = 200,
              exact_text: bool = True) -> Check:
    """An exception envelope under pickle: class NAME ("module.Class") and its text."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        if answer.status != status:
            return f"status is {answer.status}, not {status}: {answer.body[:400]!r}"
        body = json.loads(answer.body)
        if list(body)[:3] != ["data", "output_type", "serialization"] or \
                body["output_type"] != "exception":
            return f"no exception envelope: {short(body)}"
        data = body["data"]
        error = pickles.loads(data["error"])
        if not isinstance(error, pickles.Stub) or error.name != name:
            return f"error is {error!r}"
        plain = Plain(server.home, server.port)
        found = plain.text(str(error.args[0])) if error.args else ""
        if prefix and not found.startswith(text) or exact_text and not prefix and found != text:
            return f"text is {found!r}"
        if not isinstance(data.get("traceback"), str):
            return "no traceback text"
        return ""
    return check


def json_exception(status: int, error: str) -> Check:
    """The exception envelope for serialization json: `error` is "<type>: <text>", no pickle."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        body = json.loads(answer.body)
        if answer.status != status:
            return f"status is {answer.status}, not {status}: {answer.body[:400]!r}"
        if body.get("output_type") != "exception" or body.get("serialization") != "json":
            return f"no exception envelope: {short(body)}"
        data = body["data"]
        if data.get("error") != error:
            return f"error is {data.get('error')!r}"
        if not data.get("traceback", "").startswith("Traceback") or "exception_as_str" not in data:
            return f"no traceback or text: {short(data)}"
        return ""
    return check


def lines_are(*lines: str) -> Check:
    """A well-formed /logs stream with exactly these lines on stdout."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if answer.error or answer.status != 200 or answer.content_type != "application/json":
            return repr(answer)
        plain = Plain(server.home, server.port)
        found = [(kind, plain.text(text)) for kind, text in log_lines(answer.body)]
        return "" if found == [("stdout", line) for line in lines] else f"lines are {found}"
    return check


def same_names(*names: str) -> Check:
    """A listing of these, in any order."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        data = json.loads(answer.body).get("data")
        plain = Plain(server.home, server.port)
        if not isinstance(data, list):
            return repr(answer)
        found = sorted(plain.text(name) for name in data)
        return "" if found == sorted(names) else f"names are {found}"
    return check


def described(*without: str) -> Check:
    """An OpenAPI document with the recorded paths but WITHOUT, each with its `<method>_body_schema`,
    whose fields are the recorded ones."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        ours, theirs = json.loads(answer.body), json.loads(exchange.answer_body)
        if answer.status != 200 or not ours["openapi"].startswith("3.0."):
            return f"no OpenAPI 3.0 document: {short(ours)}"
        lost = {path for path in theirs["paths"] if path.rpartition("/")[2] not in without} \
            - {path for path, item in ours["paths"].items() if "post" in item}
        if lost or ours["info"]["title"] != theirs["info"]["title"]:
            return f"title {ours['info']['title']!r}, without {lost}"
        for name, schema in theirs["components"]["schemas"].items():
            if name.removesuffix("_body_schema") in without:
                continue
            found = ours["components"]["schemas"].get(name, {"properties": {}})
            if set(found["properties"]) != set(schema["properties"]):
                return f"{name} has {sorted(found['properties'])}"
        return ""
    return check


def page_with(*words: str) -> Check:
    """An HTML page that holds WORDS and names no other server."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if answer.status != 200 or answer.content_type != "text/html; charset=utf-8":
            return repr(answer)
        missing = [word for word in words if word not in answer.body]
        return f"without {missing}" if missing or "://" in answer.body else ""
    return check


def head_like_get(exchange: Exchange, answer: Answer, server: Server) -> str:
    if answer.error or answer.status != 200 or answer.body:
        return repr(answer)
    return "" if answer.content_type == "application/json" else repr(answer)


def same_without_slash(exchange: Exchange, answer: Answer, server: Server) -> str:
    """What the path without the slash answers now."""
    path, mark, query = exchange.path.partition("?")
    plain = server.send(exchange.method, path.rstrip("/") + mark + query, exchange.headers, "")
    if answer.status != 200:
        return f"status is {answer.status}: {answer.body[:300]!r}"
    if "keys" in path:  # the store has moved on; the shape is what counts
        body = json.loads(answer.body)
        same = list(body) == ["data", "output_type", "serialization"] and \
            isinstance(body["data"], list)
        return "" if same else f"body is {answer.body[:300]!r}"
    return "" if answer.body == plain.body else f"{answer.body!r} is not {plain.body!r}"


def like_recorded_but(**changes: Any) -> Check:
    """The recorded envelope with another decoded `data`."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        body = json.loads(answer.body)
        if answer.status != 200 or body.get("output_type") != "result_serialized":
            return repr(answer)
        data = body["data"]
        if body["serialization"] == "pickle":
            data = pickles.loads(data)
        elif body["serialization"] == "json":
            data = json.loads(data)
        return value_difference("data", changes["data"], data, Plain(server.home, server.port))
    return check


def instance_state(exchange: Exchange, answer: Answer, server: Server) -> str:
    """fetch(): an instance of the user's class with the object's own attributes."""
    if wrong := is_json(answer):
        return wrong
    body = json.loads(answer.body)
    if body.get("output_type") != "result_serialized":
        return repr(answer)
    instance = pickles.loads(body["data"])
    if not isinstance(instance, pickles.Stub) or instance.name != "demo.Counter":
        return f"data is {instance!r}"
    own = {k: instance.state.get(k) for k in ("value", "history")}
    return "" if own == {"value": 102, "history": [1, 3]} else f"attributes are {own}"


def handle_with_state(exchange: Exchange, answer: Answer, server: Server) -> str:
    """The recorded handle; its state may hold more of the object's attributes."""
    if wrong := is_json(answer):
        return wrong
    body = json.loads(answer.body)
    if body.get("output_type") != "result_serialized":
        return repr(answer)
    plain = Plain(server.home, server.port)
    recorded = plain.value(pickles.loads(json.loads(exchange.answer_body)["data"]))
    actual = plain.value(pickles.loads(body["data"]))
    if (recorded.name, recorded.args) != (actual.name, actual.args):
        return f"handle {short(recorded)} became {short(actual)}"
    return "" if (actual.state or {}).get("value") == 102 else f"state is {actual.state!r}"


def lazy_description(exchange: Exchange, answer: Answer, server: Server) -> str:
    if wrong := is_json(answer):
        return wrong
    body = json.loads(answer.body)
    if answer.status != 200 or body.get("serialization") != "json":
        return repr(answer)
    data = json.loads(body["data"])
    run = data.get("run_name", "")
    same = data == {"run_name": run, "type": "generator", "next": f"/{run}/remote_next"}
    return "" if same and run.startswith("gen_call--") else f"data is {data}"


def status_without_the_shadow(exchange: Exchange, answer: Answer, server: Server) -> str:
    """The recorded status, less the copy of counter2 that quirk 17 left in default_process."""
    if wrong := is_json(answer):
        return wrong
    recorded = json.loads(exchange.answer_body)
    del recorded[0]["processes"]["default_process"]["process_resource_mapping"]["counter2"]
    return status_difference(recorded, json.loads(answer.body), Plain(server.home, server.port))


def exception_but_for_text(prefix: str) -> Check:
    """The recorded exception class; only the start of its text is promised."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        recorded = json.loads(exchange.answer_body)["data"]
        name = pickles.loads(recorded["error"]).name
        return exception(name, prefix, prefix=True)(exchange, answer, server)
    return check


def pip_failure(requirement: str) -> Check:
    """The recorded text, with the daemon's interpreter, and below it what pip said."""
    def check(exchange: Exchange, answer: Answer, server: Server) -> str:
        if wrong := is_json(answer):
            return wrong
        error = pickles.loads(json.loads(answer.body)["data"]["error"])
        if error.name != "builtins.RuntimeError":
            return f"error is {error!r}"
        first, _, rest = error.args[0].partition("\n")
        if not re.fullmatch(rf'Pip install /\S+ -m pip install "{requirement}" failed, check that the '
                            r"package exists and is available for your platform\.", first):
            return f"text is {first!r}"
        return "" if f"No matching distribution found for {requirement}" in rest else rest
    return check


# -- the table ----------------------------------------------------------------------------------

TABLE = [
    # slashes, methods, content types
    Deviation("core/check_trailing_slash", "both slash forms are served directly, no 307",
              body_is({"rh_version": "0.0.42"})),
    Deviation("functions/get_call_trailing_slash", "both slash forms are served directly, no 307",
              body_is({"data": "\"runhouse\"", "output_type": "result_serialized",
                       "serialization": "json"})),
    Deviation("objects/keys_for_process#1:keys", "both slash forms are served directly, no 307",
              same_without_slash),
    Deviation("old-sdk/*-keys-env#1:keys", "both slash forms are served directly, no 307",
              same_without_slash),
    Deviation("core/head_check", "quirk 23: HEAD is answered like GET", head_like_get),
    Deviation("errors/wrong_content_type", "quirk 24: JSON is read whatever the content type says",
              body_is("ab")),

    # documents
    Deviation("functions/openapi_function", "http-api.md section 6: the real signature; `run` is the "
              "client's own", described("run")),
    Deviation("modules/openapi_class", "http-api.md section 6: the real signatures",
              described("local_only")),  # the copy of its class here has no such method
    Deviation("functions/docs", "the viewer comes from this node, so the page needs no internet",
              page_with("<title>concat - Swagger UI</title>", '"/concat/openapi.json"')),
    Deviation("functions/redoc", "the viewer comes from this node, so the page needs no internet",
              page_with("<title>concat - ReDoc</title>", '"/concat/openapi.json"')),

    # 500 without a word becomes JSON with a reason
    Deviation("functions/get_exception_json", "quirk 1: an exception under json is an envelope",
              json_exception(500, "ValueError: zz")),
    Deviation("functions/post_exception_none", "quirk 1: an exception under none has a detail",
              detail(500, "ValueError", "zz")),
    Deviation("errors/unknown_key_get", "quirk 3: unknown key under json is 404",
              detail(404, "nokey")),
    Deviation("errors/unknown_method_get", "quirk 3: unknown method under json is 404",
              detail(404, "nomethod")),
    Deviation("errors/missing_argument_get", "bad input is 4xx and names the argument",
              invalid("missing", "query", "b")),
    Deviation("errors/bad_serialization_post_no_data", "bad serialization is 400 without data too",
              detail(400, "Invalid serialization type random")),
    Deviation("errors/bad_serialization_get", "quirk 2: GET has the status codes of POST",
              detail(400, "Invalid serialization type yaml")),
    Deviation("errors/missing_run_name", "versions.md 4: a call without a run name gets one",
              body_is("ab")),
    Deviation("errors/empty_run_name", "bad input is 4xx and names the field",
              invalid("string_pattern_mismatch", "body", "run_name")),
    Deviation("errors/empty_body", "an empty body is a bare call without arguments",
              invalid("missing", "body", "a", then=[("missing", ["body", "b"])])),
    Deviation("errors/bad_json_data", "bad input is 4xx and names the field",
              invalid("json_invalid", "body", "data")),
    Deviation("errors/data_not_dict", "serialization.md 2: call data must be an object",
              invalid("dict_type", "body", "data")),
    Deviation("errors/get_stream_logs_without_run_name", "http-api.md 6: 422 instead of 500",
              invalid("missing", "query", "run_name")),
    Deviation("errors/logs_no_target", "a target that is missing is 422, not 500",
              invalid("missing", "body", "key")),

    Deviation("generators-async/get_generator_json", "a lazy result under json tells what to call",
              lazy_description),

    # other classes of exceptions: builtins and runhouse ones only (quirk 25)
    Deviation("errors/bad_base64", "quirk 25: no class built on ray.exceptions",
              exception("builtins.ValueError", "", prefix=True)),
    Deviation("errors/resource_bad_pickle", "serialization.md 8: any ValueError is as good",
              exception("builtins.ValueError", "", prefix=True)),
    Deviation("modules/put_resource_bad_module", "quirks 1 and 25: the import error itself",
              json_exception(500, "ModuleNotFoundError: No module named 'nomod'")),
    Deviation("processes/kill_unknown_process", "a KeyError with the name instead of a Ray class",
              exception("builtins.KeyError", "pmin")),
    Deviation("objects/rename_missing", "http-api.md 5: KeyError for an unknown key",
              exception("builtins.KeyError", "Key zzz not found in any process.")),
    Deviation("objects/delete_process_name", "deleting a process by its name succeeds",
              body_is({"data": ["brandnew"], "output_type": "result_serialized",
                       "serialization": None})),
    Deviation("errors/unknown_key_sdk#2:logs", "quirk 11: the stream of a failed call just ends",
              lines_are()),
    Deviation("errors/logs_unknown_key_pickle", "quirk 11: the stream of an unknown run just ends",
              lines_are()),

    # texts that hold what differs between machines or servers
    Deviation("errors/unknown_method_sdk#1:local_inst.nomethod", "the repr of the object is free",
              exception_but_for_text("Method nomethod not found on module "), True),
    Deviation("core/cert_missing", "the path of the certificate is the daemon's own",
              exception_but_for_text("No certificate found on cluster in path: "), True),
    Deviation("processes/create_process_too_many_cpus", "what is free is the machine's",
              exception_but_for_text("Requested resource CPU=99 is not available on the cluster."), True),
    Deviation("processes/create_process_gpu_missing", "what is free is the machine's",
              exception_but_for_text("Requested resource GPU=1 is not available on the cluster."), True),
    Deviation("packages/install_unknown_version", "a failed install ends in the tool's last lines",
              pip_failure("six==99.0")),
    Deviation("old-sdk/*-install", "a failed install ends in the tool's last lines",
              pip_failure("six==99")),
    Deviation("packages/install_bad_method", "the order of a set of names is not fixed",
              exception_but_for_text("Unknown install method zzz. Must be one of "), True),

    # the order of a directory
    Deviation("folders/folder_ls", "without sort the order is the file system's own",
              same_names("~/fold/c.pkl", "~/fold/b.txt", "~/fold/a.txt"), True),
    Deviation("folders/folder_ls_names_sorted",
              "files written within one tick of the file system's clock are of one age",
              same_names("c.pkl", "b.txt", "a.txt"), True),

    # what older clients ask and the recorded server did not know
    Deviation("old-sdk/sdk-0.0.36-call#1:*", "versions.md 4: GET /logs/... is served", lines_are()),
    Deviation("old-sdk/sdk-0.0.3[68]-env", "versions.md 4: /process_env_vars is served",
              body_is({"data": None, "output_type": "success", "serialization": None})),

    # who may (auth.md)
    Deviation("auth/lowercase_bearer", "auth.md 2: the scheme is accepted in any case", body_is(
        {"data": ["shared_fn", "unl_fn", "pub_fn", "localfn"], "output_type": "result_serialized",
         "serialization": None})),
    Deviation("auth/status_reader_request_id", "the recorded server listened on 0.0.0.0; on such an address den "
              "auth cannot be switched off, as it is further on", status_with("server_host", "127.0.0.1")),
    Deviation("auth/bearer_empty", "auth.md 2: an empty token is none", detail(401, "No Runhouse token")),
    Deviation("auth/call_private_no_token_get", "auth.md 5: GET says 401 too",
              detail(401, "No Runhouse token")),
    Deviation("auth/call_private_stranger_get", "auth.md 5: GET says 403 too",
              detail(403, "Unauthorized access to resource shared_fn.")),
    Deviation("auth/unknown_key_no_token", "auth.md 5: who has no token is not told which keys there are",
              detail(401, "No Runhouse token")),
    Deviation("auth/logs_no_token", "auth.md 3: output of runs is for whoever may call",
              detail(401, "No Runhouse token")),
    Deviation("auth/validation_before_auth", "auth.md 5: nobody's body is looked into before it is known "
              "who sends it", detail(401, "No Runhouse token")),

    # values
    Deviation("functions/get_add_strings", "GET arguments are cast by the annotations (a: int)",
              body_is({"data": "3", "output_type": "result_serialized", "serialization": "json"})),
    Deviation("functions/call_noisy_stream#2:logs",
              "quirk 14: a log record once; one stream in the order of writing",
              lines_are(*(line for i in range(3) for line in (
                  f"line {i}\n", f"WARNING | TIME | demo:LINE | log {i}\n", f"err {i}\n")))),
    Deviation("modules/fetch_object#1:counter.resolved_state",
              "the instance holds the object's attributes; internals of the SDK are not needed",
              instance_state),
    Deviation("modules/get_full_object", "the handle carries the object's own attributes",
              handle_with_state),
    Deviation("core/status_with_active_call",
              "quirk 17: a handle does not replace the object it stands for",
              status_without_the_shadow),
    Deviation("modules/method_after_shadowing#1:counter2.inc",
              "quirk 17: a handle does not replace the object it stands for",
              like_recorded_but(data=116)),
]


def find(id_: str) -> Deviation | None:
    for row in TABLE:
        if fnmatchcase(id_, row.exchanges):
            return row
    return None
