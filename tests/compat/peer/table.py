# SPDX-License-Identifier: Apache-2.0
"""The table of cases, and how what they return is made comparable.

A case is a function of a Bench. It returns what a person at the client would see, as values that
show() can write down; an exception that it lets through is an answer like any other.
"""
from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import re
from typing import Any, Callable

CASES: dict[str, Case] = {}

LONG = 300
COLOUR = re.compile(r"\x1b\[[0-9;]*[mA]\r?")
BANNER = re.compile(r"^(-+)\ntest-cluster\n\1\n", re.M)  # the client's, once in a while
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
REQUEST_ID = re.compile(r',"request_id":"[^"]*"')  # beside the detail of what the daemon refuses itself
STAMP = re.compile(r"--\d{8}--\d{6}_\d+|\d{8}_\d{6}(_\d+)?")


@dataclasses.dataclass
class Case:
    """needs: modules that both sides must have for it. group: the file it is in."""

    name: str
    run: Callable[[Bench], Any]
    needs: tuple[str, ...] = ()
    group: str = ""


def case(function: Callable = None, **options: Any) -> Callable:
    """Put FUNCTION into the table under its own name."""
    if function is None:
        return lambda inner: case(inner, **options)
    add(function.__name__.replace("_", " "), function, **options)
    return function


def add(name: str, run: Callable, **options: Any) -> None:
    assert name not in CASES, f"two cases are called {name}"
    CASES[name] = Case(name, run, **options)


class Bench:
    """What a case has: the cluster, and ways to put user code there that are remembered."""

    def __init__(self, cluster: Any):
        self.cluster = cluster
        self._put: dict[tuple, Any] = {}
        self.printed = io.StringIO()
        self._loop = asyncio.new_event_loop()

    def fn(self, function: Callable, process: str = "shared_functions", name: str | None = None):
        """FUNCTION on the cluster, put once for each process."""
        import runhouse as rh

        name = name or f"{function.__name__}_{process}"
        if (name, process) not in self._put:
            self._put[name, process] = rh.function(function, name=name).to(
                self.cluster, process=process, sync_local=False)
        return self._put[name, process]

    def cls(self, cls: type, process: str = "shared_classes"):
        """The class on the cluster, under its own name, put once for each process."""
        import runhouse as rh

        if (cls.__name__, process) not in self._put:
            self._put[cls.__name__, process] = rh.module(cls).to(
                self.cluster, process=process, sync_local=False)
        return self._put[cls.__name__, process]

    def out(self) -> list[str]:
        """Lines printed at the client since the case began, or since the last out()."""
        text = BANNER.sub("", COLOUR.sub("", self.printed.getvalue()))
        self.printed.seek(0)
        self.printed.truncate()
        return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")

    def run(self, coroutine: Any) -> Any:
        """One loop for all cases: the client's connection belongs to the first that uses it."""
        return self._loop.run_until_complete(coroutine)

    def failure(self, run: Callable, *args: Any, **kwargs: Any) -> Any:
        """What RUN raises, or its result in a box that says that it did not."""
        try:
            return {"did not raise": show(run(*args, **kwargs))}
        except BaseException as error:
            return shown_error(error)


def shown_error(error: BaseException) -> dict:
    shown = {"raised": type_name(type(error)), "text": clean(_text(error))}
    if error.args != (_text(error),):
        shown["args"] = show(error.args)
    if vars(error):
        shown["attributes"] = show(dict(sorted(vars(error).items())))
    if isinstance(error, OSError) and error.errno:
        shown["errno"] = error.errno
        shown["filename"] = error.filename
    if hasattr(error, "exceptions"):
        shown["exceptions"] = [shown_error(inner) for inner in error.exceptions]
    return shown


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        return f"<{type(second).__name__}>"


def clean(text: str) -> str:
    """TEXT without what differs from run to run; long text by its length and hash."""
    text = STAMP.sub("<time>", ADDRESS.sub("0x", COLOUR.sub("", REQUEST_ID.sub("", text))))
    if len(text) > LONG:
        data = text.encode("utf-8", "surrogatepass")
        return f"{text[:40]}... {len(text)} characters, {hashlib.sha256(data).hexdigest()[:16]}"
    return text


def type_name(kind: type) -> str:
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def show(value: Any) -> Any:
    """VALUE as JSON that keeps types apart."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 1 << 53 else {"int": clean(hex(value))}
    if kind is str:
        return clean(value)
    if kind is float:
        return {"float": repr(value)}
    if kind in (bytes, bytearray):
        return {kind.__name__: clean(bytes(value).hex())}
    if kind in (list, tuple, set, frozenset, dict):
        return _shown_container(value, kind)
    if kind.__module__ == "numpy" or kind.__module__.startswith("numpy."):
        return _shown_numpy(value)
    if isinstance(value, BaseException):
        return {"exception": shown_error(value)}
    if hasattr(kind, "resolved_state") and hasattr(kind, "refresh"):
        local = object.__getattribute__(value, "local")
        return {"handle": clean(str(local._name)), "process": str(local.process),
                "methods": sorted(local.signature(rich=True))}
    if isinstance(value, type):
        return {"class": type_name(value)}
    return {"is a": type_name(kind), "repr": clean(repr(value))}


def _shown_container(value: Any, kind: type) -> Any:
    try:
        repr(value)
    except RecursionError:
        return {"is a": kind.__name__, "repr": "recursive"}
    if "..." in repr(value)[:200] and len(repr(value)) < 200:
        return {"is a": kind.__name__, "repr": repr(value)}
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: show(item) for key, item in value.items()}
        return {"dict": [[show(key), show(item)] for key, item in value.items()]}
    if len(value) > LONG:
        return {"is a": kind.__name__, "repr": clean(repr(value))}
    if kind is list:
        return [show(item) for item in value]
    items = sorted(value, key=repr) if kind in (set, frozenset) else value
    return {kind.__name__: [show(item) for item in items]}


def _shown_numpy(value: Any) -> Any:
    if not hasattr(value, "tobytes"):
        return {"is a": type_name(type(value)), "repr": clean(repr(value))}
    shown = {"is a": type_name(type(value)), "dtype": str(value.dtype), "shape": list(value.shape)}
    if value.dtype.hasobject:
        return {**shown, "items": show(value.tolist())}
    flags = getattr(value, "flags", None)
    if flags is not None:
        shown["fortran"] = bool(flags["F_CONTIGUOUS"] and not flags["C_CONTIGUOUS"])
    return {**shown, "bytes": clean(value.tobytes().hex()), "repr": clean(repr(value))}
