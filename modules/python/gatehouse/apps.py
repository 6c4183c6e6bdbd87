# SPDX-License-Identifier: Apache-2.0
"""ASGI and WSGI apps under a key: what is one, and the frames of their HTTP exchanges.

The daemon streams each request under /KEY to us as HTTP_REQUEST, HTTP_BODY, HTTP_GONE and HTTP_SENT;
asgi.py and wsgi.py answer with HTTP_START, HTTP_DATA, HTTP_READ and, once, HTTP_END. The handlers of
frames run one after the other in the order of the frames, and must not wait.
Source: docs/ipc.md; the ASGI 3 specification; PEP 3333.
"""

from __future__ import annotations

import json
import sys

import _gatehouse

from . import calls, objects
from .current import Process
from .errors import BadRequest, text_of, traceback_text, type_name
from .objects import ResourceEntry, Target

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Headers = List[Tuple[bytes, bytes]]

HTTP_REQUEST, HTTP_BODY, HTTP_GONE, HTTP_SENT = 17, 18, 19, 20
HTTP_START, HTTP_DATA, HTTP_END, HTTP_READ = 38, 39, 40, 41

WINDOW = 256 * 1024
"""Bytes of an answer that may be under way before the daemon has said that its client took them."""
STEP = 64 * 1024
"""Bytes of a body are reported as read, and pieces of an answer cut, at this size."""

WHOLE, BROKEN = b"\x00", b"\x01"
"""HTTP_END: the answer is whole, or cannot be finished."""

_SAY_SO = "say which it is: ATTR@asgi, ATTR@wsgi or, if it is no web app, ATTR@module"
_FRAMEWORKS = frozenset(
    "asgiref a2wsgi bottle django falcon fastapi flask litestar pyramid quart sanic starlette".split()
)

exchanges: Dict[int, Any] = {}
"""call_id -> the exchange that its further frames are for: on_body, on_gone, on_sent."""


class NotAnApp(Exception):
    """The text says what is wrong with what should be served."""


# ---------------------------------------------------------------- what is an app


def _code_names(fn: Any, skip: int) -> Optional[List[str]]:
    code = getattr(fn, "__code__", None)
    if code is None or hasattr(fn, "__wrapped__"):
        return None
    return list(code.co_varnames[skip : code.co_argcount])


def _parameters(found: Any) -> List[str]:
    """Names of the positional parameters of a call of FOUND; [] when nobody can tell."""
    is_bound = getattr(found, "__self__", None) is not None
    names = _code_names(found, int(is_bound))  # without inspect, which takes long to import
    if names is None and isinstance(found, type):
        names = _code_names(found.__init__, 1)
    elif names is None and not hasattr(found, "__wrapped__"):
        names = _code_names(getattr(type(found), "__call__", None), 1)
    if names is not None:
        return names
    import inspect

    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def kind_of(found: Any, hint: str = "") -> Optional[str]:
    """"asgi", "wsgi", or None for what is served by calls. HINT is what the user says it is.

    An app is told by the names of its parameters, which the two specifications fix in practice: (scope,
    receive, send), and (environ, start_response). Raises NotAnApp when it could be one, but which is
    not clear.
    """
    if hint == "module" or (not hint and not callable(found)):
        return None
    if hint in ("asgi", "wsgi"):
        if not callable(found):
            raise NotAnApp("a %s cannot be called, so it is no %s app" % (type(found).__name__, hint))
        return hint
    if hint:
        raise NotAnApp("@%s is no kind of app: %s" % (hint, _SAY_SO))
    names = _parameters(found)
    if names[:3] == ["scope", "receive", "send"]:
        return "asgi"
    if len(names) == 2 and names[1] == "start_response":
        return "wsgi"
    if names == ["scope"]:
        raise NotAnApp(
            "it takes a scope alone, as ASGI 2 apps do; wrap it with "
            "asgiref.compatibility.guarantee_single_callable, or " + _SAY_SO
        )
    if hasattr(found, "__code__") or isinstance(found, type):
        return None
    is_of_framework = any(c.__module__.partition(".")[0] in _FRAMEWORKS for c in type(found).__mro__)
    if is_of_framework or (len(names) == 3 and objects.is_coroutine_function(found)):
        raise NotAnApp(
            "a %s takes %s, which does not tell whether it is an ASGI or a WSGI app; %s"
            % (type(found).__qualname__, ", ".join(names) or "any arguments", _SAY_SO)
        )
    return None


# ---------------------------------------------------------------- entries


class AppEntry(ResourceEntry):
    """An app. Everything below its key belongs to it, so it has no methods to call."""

    def __init__(self, config: Dict[str, Any], app: Any, kind: str) -> None:
        super().__init__(config)
        self.value = app
        self.app = kind
        if kind == "asgi":
            from .asgi import Server
        else:
            from .wsgi import Server  # type: ignore[assignment]
        self.server = Server(app)

    def start(self) -> AppEntry:
        """Let the app get ready. Raises NotAnApp with what it says when it cannot."""
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()

    dropped = stop

    def type_name(self) -> str:
        return "runhouse.resources.asgi.Asgi" if self.app == "asgi" else super().type_name()

    def client_config(self) -> dict:
        return self.module_config()

    def find(self, method: str) -> Target:
        # The daemon sends calls here only while it does not know yet what the key is.
        raise BadRequest(
            503, "Module %s was still being loaded, and is an %s app. Try again." % (self.key, self.app)
        )


def build(config: Dict[str, Any], state: Dict[str, Any]) -> AppEntry:
    """The entry of a put config of subtype Asgi or Wsgi: its pointers name the app. Raises ValueError,
    which every client can load, and what the import raises.
    """
    from . import modules

    pointers = state.get("app_pointers") or config.get("app_pointers") or config.get("pointers")
    if not pointers or len(pointers) != 3:
        raise ValueError("App %s has no pointers [folder, module, name]." % config["name"])
    app = modules.load(pointers)
    try:
        kind = kind_of(app, str(config.get("resource_subtype")).lower())
        return AppEntry(dict(config, pointers=pointers), app, str(kind)).start()
    except NotAnApp as error:
        raise ValueError("App %s cannot be served: %s" % (config["name"], error)) from None


# ---------------------------------------------------------------- frames from the daemon


class Request:
    """The head of a request, as HTTP_REQUEST has it. Texts of the wire are bytes."""

    __slots__ = (
        "call_id", "has_body", "key", "request_id", "scheme", "version", "method", "path", "query",
        "client", "server", "headers",
    )  # fmt: skip

    def __init__(self, call_id: int, data: bytes) -> None:
        fields = data[4:].split(b"\0")
        self.call_id = call_id
        self.has_body = bool(data[0] & 1)
        self.key = fields[0].decode("utf-8", "replace")
        self.request_id = fields[1].decode()
        self.scheme = fields[2].decode()
        self.version = fields[3].decode()
        self.method = fields[4].decode("latin-1")
        self.path = fields[5]
        self.query = fields[6]
        self.client = _address(fields[7], fields[8])
        self.server = _address(fields[9], fields[10])
        self.headers: Headers = list(zip(fields[11:-1:2], fields[12:-1:2]))

    def __str__(self) -> str:
        return "%s %s, request %s" % (self.method, self.path.decode("latin-1"), self.request_id)


def _address(host: bytes, port: bytes) -> Optional[Tuple[str, int]]:
    return (host.decode(), int(port)) if host else None


def on_request(call_id: int, data: bytes) -> Optional[Callable[[], None]]:
    """Begin an exchange. Returns None, or what this thread is to run next, free to wait."""
    request = Request(call_id, data)
    entry = objects.entries.get(request.key)
    if isinstance(entry, AppEntry):
        return entry.server.open(request)
    answer_json(request, 404, "Key %s is no app." % request.key)
    return None


def _frame(handler: Callable[..., Any]) -> Callable[..., Any]:
    def handle(
        call_id: int, serialization: int, flags: int, key: str, method: str, run_name: str, data: Any
    ) -> Any:
        return handler(call_id, data)

    return handle


def _on_body(call_id: int, data: bytes) -> None:
    exchange = exchanges.get(call_id)
    if exchange is not None:
        exchange.on_body(data[1:], data[0] == 1)


def _on_gone(call_id: int, data: bytes) -> None:
    exchange = exchanges.get(call_id)
    if exchange is not None:
        exchange.on_gone()


def _on_sent(call_id: int, data: bytes) -> None:
    exchange = exchanges.get(call_id)
    if exchange is not None:
        exchange.on_sent(int.from_bytes(data, "little"))


calls.other_requests.update(
    {
        HTTP_REQUEST: _frame(on_request),
        HTTP_BODY: _frame(_on_body),
        HTTP_GONE: _frame(_on_gone),
        HTTP_SENT: _frame(_on_sent),
    }
)


# ---------------------------------------------------------------- frames to the daemon


def head_of(status: int, headers: Headers) -> bytes:
    """The body of HTTP_START. Raises ValueError, TypeError for what cannot be sent as a header."""
    if not 200 <= status <= 599:
        raise ValueError("the status %r is not one of 200 to 599" % status)
    texts = []
    for name, value in headers:
        texts.append(bytes(name))
        texts.append(bytes(value).strip(b" \t"))
    body = b"\0".join(texts)
    if b"\n" in body or b"\r" in body or body.count(b"\0") != max(0, len(texts) - 1):
        raise ValueError("a header holds a line break or a NUL: %r" % (headers,))
    head = status.to_bytes(2, "little") + len(headers).to_bytes(2, "little")
    return head + body + b"\0" if texts else head


def length_of(headers: Headers) -> Optional[int]:
    """The Content-Length among HEADERS. Raises ValueError."""
    found = [bytes(value) for name, value in headers if bytes(name).lower() == b"content-length"]
    if not found:
        return None
    if len(found) > 1 or not found[0].strip().isdigit():
        raise ValueError("Content-Length is %r, not one number" % (found,))
    return int(found[0])


def has_no_body(method: str, status: int) -> bool:
    """Source: RFC 9110 sections 6.4.1, 9.3.2."""
    return method == "HEAD" or status in (204, 304)


def report_read(call_id: int, count: int) -> None:
    _gatehouse.http(HTTP_READ, call_id, count.to_bytes(4, "little"), True)


def answer_json(request: Request, status: int, detail: str) -> None:
    """A whole answer of ours."""
    body = json.dumps({"detail": detail, "request_id": request.request_id}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    _gatehouse.http(HTTP_START, request.call_id, head_of(status, headers), False)
    if not has_no_body(request.method, status):
        _gatehouse.http(HTTP_DATA, request.call_id, body, False)
    _gatehouse.http(HTTP_END, request.call_id, WHOLE, True)


def one_line(error: BaseException) -> str:
    return "%s: %s" % (type_name(error), text_of(error))


def log_failure(request: Optional[Request], error: Optional[BaseException], what: str) -> None:
    """WHAT happened in the process log, with the traceback of ERROR."""
    where = " (%s)" % request if request is not None else ""
    trace = ":\n" + traceback_text(error).rstrip("\n") if error is not None else ""
    print("%s%s%s" % (what, where, trace), file=sys.stderr)


def answer_failed(request: Request, error: Optional[BaseException], what: str, started: bool) -> None:
    """End an exchange whose app failed: the reason goes to the log, the client gets a 500, or an
    answer cut short when its head is out.
    """
    log_failure(request, error, what)
    if started:
        _gatehouse.http(HTTP_END, request.call_id, BROKEN, True)
    else:
        answer_json(request, 500, "The app failed; the log of process %s says why." % Process.name)


def stop_all() -> None:
    """Tell the apps that this process ends, and give them what time there is."""
    for entry in list(objects.entries.values()):
        if isinstance(entry, AppEntry):
            entry.stop()
