# SPDX-License-Identifier: Apache-2.0
"""Send the recorded requests of a transcript again and compare the answers.

replay() sends the exchanges in the order of recording and keeps the answers. difference() says how
an answer differs from the recorded one, after what cannot be equal between two machines has been
replaced on both sides: ports, homes, generated run names, times, tracebacks, process ids.
"""
from __future__ import annotations

import concurrent.futures
import http.client
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable

from integration import pickles

TRANSCRIPTS = Path(__file__).resolve().parent / "transcripts"
RECORDED_HOME = "/home/ubuntu"
RECORDED_PORTS = (32300, 32390)  # the server's own, and that of the recording proxy
ANSWER_S = 60.0


@dataclass(frozen=True)
class Exchange:
    """One recorded request with its answer."""

    file: str
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer_body: str
    note: str

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"

    @property
    def run_name(self) -> str | None:
        try:
            return json.loads(self.body).get("run_name")
        except (ValueError, AttributeError):
            return None

    @property
    def is_logs(self) -> bool:
        return self.path.startswith("/logs")


@dataclass
class Answer:
    """What the server under test said. `error` is set when it said nothing usable."""

    status: int = 0
    content_type: str = ""
    body: str = ""
    error: str = ""

    def __repr__(self) -> str:
        return self.error or f"{self.status} {self.content_type} {self.body[:1500]!r}"


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    home: str

    def send(self, method: str, path: str, headers: dict[str, str], body: str) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        try:
            connection.request(method, path, body.encode() if body else None,
                               {"Connection": "close", **headers})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("content-type") or "",
                          answer.read().decode("utf-8"))
        except (OSError, http.client.HTTPException) as error:
            return Answer(error=f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def post(self, path: str, body: Any) -> Answer:
        return self.send("POST", path, {"Content-Type": "application/json"}, json.dumps(body))


def load(name: str) -> list[Exchange]:
    exchanges = []
    for line in (TRANSCRIPTS / f"{name}.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        request, response = item["request"], item["response"]
        exchanges.append(Exchange(
            name, item["name"], request["method"], request["path"], request.get("headers") or {},
            request.get("body") or "", response["status"], response.get("headers") or {},
            response.get("body") or "", item.get("note") or ""))
    return exchanges


# -- requests -----------------------------------------------------------------------------------

def is_pickle(text: Any) -> bool:
    return isinstance(text, str) and text.startswith("gA")


def with_ports(value: Any, port: int) -> Any:
    """VALUE with the recorded ports replaced, inside pickles too."""
    if isinstance(value, dict):
        return {key: with_ports(item, port) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ports(item, port) for item in value]
    if is_pickle(value):
        return pickles.replace_ports(value, dict.fromkeys(RECORDED_PORTS, port))
    if isinstance(value, str):
        for recorded in RECORDED_PORTS:
            value = value.replace(f":{recorded}/", f":{port}/")
        return value
    if value in RECORDED_PORTS and not isinstance(value, bool):
        return port
    return value


def request_body(exchange: Exchange, server: Server) -> str:
    try:
        body = json.loads(exchange.body)
    except ValueError:
        return exchange.body
    changed = with_ports(body, server.port)
    return exchange.body if changed == body else json.dumps(changed)


def send(exchange: Exchange, server: Server) -> Answer:
    return server.send(exchange.method, exchange.path, exchange.headers,
                       request_body(exchange, server))


def pairs(exchanges: list[Exchange]) -> Iterable[list[Exchange]]:
    """Group what the client sends side by side: a call and the /logs of the same run."""
    i = 0
    while i < len(exchanges):
        here, following = exchanges[i], exchanges[i + 1] if i + 1 < len(exchanges) else None
        if (following and here.run_name and here.run_name == following.run_name
                and here.is_logs != following.is_logs and "#" in here.name):
            yield [here, following]
            i += 2
        else:
            yield [here]
            i += 1


def replay(exchanges: list[Exchange], server: Server,
           background: dict[str, Callable[[Server], bool]]) -> dict[str, Answer]:
    """Send EXCHANGES in order; the answers by exchange id.

    background: ids whose call the recording left running while it sent the next requests, with the
        condition that tells that the call runs.
    """
    answers: dict[str, Answer] = {}
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        running: dict[str, concurrent.futures.Future] = {}
        for group in pairs(exchanges):
            if group[0].id in background:
                exchange = group[0]
                running[exchange.id] = threads.submit(send, exchange, server)
                await_condition(lambda: background[exchange.id](server))
                continue
            futures = {e.id: threads.submit(send, e, server) for e in group}
            answers.update((id_, future.result()) for id_, future in futures.items())
        answers.update((id_, future.result()) for id_, future in running.items())
    return answers


def await_condition(true: Callable[[], bool], within_s: float = ANSWER_S) -> None:
    end = time.monotonic() + within_s
    while not true() and time.monotonic() < end:
        time.sleep(0.02)


# -- comparing ----------------------------------------------------------------------------------

GENERATED_TIME = re.compile(r"--\d{8}--\d{6}_\d+")
LOG_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| (\w+):\d+ \|")
SITE_PACKAGES = re.compile(r"[^\s'\"]*/(?:site|dist)-packages|[^\s'\"]*/gatehouse(?=['\"\s]|$)")


class Plain:
    """Replaces in a decoded value what differs between two servers that behave the same."""

    def __init__(self, home: str, port: int):
        self.home = home
        self.port = port

    def text(self, text: str) -> str:
        text = GENERATED_TIME.sub("--TIME", text)
        text = LOG_TIME.sub(r"TIME | \1:LINE |", text)
        text = text.replace(self.home, "~").replace(RECORDED_HOME, "~")
        for port in (*RECORDED_PORTS, self.port):
            text = text.replace(f"127.0.0.1:{port}", "127.0.0.1:PORT")
        return text

    def value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, pickles.Stub):
            same = type(type(value).__name__, (pickles.Stub,), {"name": value.name})(
                *(self.value(item) for item in value.args))
            same.state = self.value(value.state)
            return same
        if isinstance(value, dict):
            if value.get("resource_type") == "cluster":
                return self.cluster(value)
            return {self.value(k): self.value(v, k if isinstance(k, str) else "")
                    for k, v in value.items()}
        if key == "pointers" and isinstance(value, (list, tuple)) and \
                value[1].startswith("runhouse.resources."):
            return ("SITE-PACKAGES", *value[1:])  # "the directory is not needed on the client"
        if isinstance(value, (list, tuple, set)):
            return type(value)(self.value(item) for item in value)
        if isinstance(value, str):
            return self.text(value)
        if value in (*RECORDED_PORTS, self.port) and not isinstance(value, bool):
            return "PORT"
        return value

    def cluster(self, config: dict) -> dict:
        """How the server's own address is written is its configuration, not its behaviour."""
        kept = {k: v for k, v in config.items()
                if k not in ("server_connection_type", "client_port", "ssh_properties")}
        return {k: self.value(v) for k, v in kept.items()}


def decode(data: Any, serialization: str | None) -> Any:
    if serialization == "pickle" and isinstance(data, str):
        return pickles.loads(data)
    if serialization == "json" and isinstance(data, str):
        return json.loads(data)
    return data


def difference(exchange: Exchange, answer: Answer, server: Server) -> str:
    """How ANSWER differs from the recorded one, in words; "" when it does not."""
    if answer.error:
        return answer.error
    if answer.status != exchange.status:
        return f"status {exchange.status} became {answer.status}: {answer.body[:400]!r}"
    recorded_type = exchange.answer_headers.get("content-type", "")
    if recorded_type.split(";")[0] != answer.content_type.split(";")[0]:
        return f"content type {recorded_type!r} became {answer.content_type!r}"
    plain = Plain(server.home, server.port)
    if exchange.is_logs and exchange.answer_headers.get("transfer-encoding") == "chunked":
        return logs_difference(exchange.answer_body, answer.body, plain)
    if exchange.method == "HEAD":
        return "a body after HEAD" if answer.body else ""
    if recorded_type != "application/json":
        return "" if exchange.answer_body == answer.body else f"body became {answer.body[:400]!r}"
    try:
        actual = json.loads(answer.body)
    except ValueError as error:
        return f"body is not JSON ({error}): {answer.body[:400]!r}"
    recorded = json.loads(exchange.answer_body)
    if exchange.path.startswith("/status") and exchange.status == 200:
        return status_difference(recorded, actual, plain)
    if exchange.status == 422:
        return validation_difference(recorded, actual)
    if isinstance(recorded, dict) and set(recorded) == {"detail"} and isinstance(actual, dict):
        actual.pop("request_id", None)  # may be added to any error
    if isinstance(recorded, dict) and set(recorded) == {"data", "output_type", "serialization"}:
        return envelope_difference(recorded, actual, plain)
    return value_difference("body", recorded, actual, plain)


def value_difference(what: str, recorded: Any, actual: Any, plain: Plain) -> str:
    place, old, new = first_difference(plain.value(recorded), plain.value(actual), what)
    return f"{place}: {short(old)} became {short(new)}" if place else ""


ABSENT = "(absent)"


def first_difference(old: Any, new: Any, place: str) -> tuple[str, Any, Any]:
    """The innermost place where two values differ; ("", None, None) when they do not."""
    if old == new:
        return "", None, None
    if isinstance(old, pickles.Stub) and isinstance(new, pickles.Stub) and old.name == new.name:
        old, new = {"args": old.args, "state": old.state}, {"args": new.args, "state": new.state}
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            found = first_difference(old.get(key, ABSENT), new.get(key, ABSENT), f"{place}[{key!r}]")
            if found[0]:
                return found
    if isinstance(old, (list, tuple)) and type(old) is type(new) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new)):
            found = first_difference(one, other, f"{place}[{i}]")
            if found[0]:
                return found
    return place, old, new


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 900 else text[:900] + f"... ({len(text)} characters)"


def envelope_difference(recorded: dict, actual: Any, plain: Plain) -> str:
    if not isinstance(actual, dict) or list(actual)[:3] != list(recorded):
        return f"envelope keys {list(recorded)} became {short(actual)}"
    for key in ("output_type", "serialization"):
        if recorded[key] != actual[key]:
            return f"{key} {recorded[key]!r} became {actual[key]!r}: {short(actual['data'])}"
    if recorded["output_type"] == "exception":
        return exception_difference(recorded["data"], actual["data"], recorded["serialization"],
                                    plain)
    serialization = recorded["serialization"]
    return value_difference("data", decode(recorded["data"], serialization),
                            decode(actual["data"], serialization), plain)


def exception_difference(recorded: dict, actual: Any, serialization: str | None,
                         plain: Plain) -> str:
    if not isinstance(actual, dict) or not set(recorded) <= set(actual):
        return f"keys of the exception {sorted(recorded)} became {short(actual)}"
    if not isinstance(actual["traceback"], str):
        return f"the traceback is no text: {short(actual['traceback'])}"
    found = value_difference("error", decode(recorded["error"], serialization),
                             decode(actual["error"], serialization), plain)
    if not found and "exception_as_str" in recorded:
        found = value_difference("exception_as_str", recorded["exception_as_str"],
                                 actual["exception_as_str"], plain)
    return found


def validation_difference(recorded: dict, actual: Any) -> str:
    """Texts and inputs vary between validators; the type and place of each error do not."""
    def errors(body: Any) -> Any:
        detail = body.get("detail") if isinstance(body, dict) else body
        if isinstance(detail, list):
            return [(e.get("type"), e.get("loc")) for e in detail]
        return detail
    if errors(recorded) != errors(actual):
        return f"errors {errors(recorded)} became {short(actual)}"
    for error in actual["detail"] if isinstance(actual["detail"], list) else []:
        if not isinstance(error.get("msg"), str) or "input" not in error:
            return f"an error without msg or input: {error}"
    return ""


def log_lines(body: str) -> list[tuple[str, Any]]:
    """The lines of a /logs stream as (output type, text or exception), batches taken apart."""
    lines: list[tuple[str, Any]] = []
    for line in body.splitlines():
        item = json.loads(line)
        if list(item) != ["data", "output_type", "serialization"]:
            raise ValueError(f"a log line with the keys {list(item)}")
        if item["output_type"] == "stdout":
            lines += [("stdout", text) for text in item["data"]]
        else:
            lines.append((item["output_type"], item["data"]))
    return lines


def logs_difference(recorded: str, actual: str, plain: Plain) -> str:
    try:
        lines = log_lines(actual)
    except ValueError as error:
        return f"a line of the stream is wrong: {error}"
    if not actual.isascii():
        return "the stream is not ASCII"
    return value_difference("log lines", comparable(log_lines(recorded)), comparable(lines), plain)


def comparable(lines: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Exceptions opened and without their tracebacks."""
    return [(kind, pickles.loads(data["error"])) if kind == "exception" else (kind, data)
            for kind, data in lines]


def status_difference(recorded: Any, actual: Any, plain: Plain) -> str:
    """The shape of /status, its processes, keys, types and running calls; not its measurements."""
    if not isinstance(actual, list) or len(actual) != 2 or actual[1] != recorded[1]:
        return f"/status is not [status, null]: {short(actual)}"
    return value_difference("status", status_shape(recorded[0]), status_shape(actual[0]), plain)


CONFIG_READ = ("name", "resource_subtype", "den_auth", "server_host", "autostop_mins", "domain",
               "ips", "is_gpu", "status_check_interval")


def status_shape(status: dict) -> dict:
    def process(item: dict) -> dict:
        return {
            "node": [item["node_ip"], item["node_name"], item["node_index"]],
            "pid": type(item["pid"]),
            "cpu": sorted(item["process_cpu_usage"]),
            "keys": {key: (entry["resource_type"],
                           [(call["key"], call["method_name"], call["run_name"],
                             type(call["start_time"]), type(call["request_id"]))
                            for call in entry["active_function_calls"]])
                     for key, entry in item["process_resource_mapping"].items()},
        }
    return {
        "cluster_config": {key: status["cluster_config"].get(key) for key in CONFIG_READ},
        "config_keys": sorted({"server_port", "server_connection_type"}
                              & set(status["cluster_config"])),
        "workers": [(worker["ip"], sorted(worker["server_cpu_usage"]))
                    for worker in status["workers"]],
        "processes": {name: process(item) for name, item in status["processes"].items()},
        "server_pid": type(status["server_pid"]),
        "runhouse_version": status["runhouse_version"],
        "is_multinode": status["is_multinode"],
    }
