# SPDX-License-Identifier: Apache-2.0
"""`--module NAME=FILE.py:ATTR`: serve what a file defines, without any SDK.

ATTR names a function (served as /NAME/call), a class (one instance, made without arguments when it
is loaded; its methods are served), an ASGI or WSGI app (served below /NAME), or any other object.
`ATTR()` is a factory: it is called once and its result is served. `ATTR@asgi`, `ATTR@wsgi` and
`ATTR@module` say what it is where that cannot be seen. The file's directory goes on sys.path, its
module name is its stem.
"""

from __future__ import annotations

import os
import sys

from . import apps, modules, objects
from .current import Process
from .modules import FunctionEntry, ModuleEntry

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .objects import Entry

_times: dict[str, float] = {}


class CannotLoad(Exception):
    """The text says what is wrong with FILE:ATTR."""


def _module_of(path: str) -> ModuleType:
    """The module of the file PATH. A file that changed since it was loaded is loaded again."""
    import importlib

    if not os.path.isfile(path):
        raise CannotLoad("there is no such file")
    folder, stem = os.path.dirname(path), os.path.splitext(os.path.basename(path))[0]
    if stem == "__init__":
        folder, stem = os.path.dirname(folder), os.path.basename(folder)
    if not stem.isidentifier():
        raise CannotLoad("%r is no module name; rename the file to letters, digits and _" % stem)
    modules.add_root(folder)
    modules._look_for_new_packages()
    known = sys.modules.get(stem)
    if known is not None and os.path.realpath(getattr(known, "__file__", None) or "") != path:
        where = getattr(known, "__file__", None) or "the interpreter itself"
        raise CannotLoad("the module name %r is taken by %s; rename the file" % (stem, where))
    changed = os.stat(path).st_mtime
    if known is None:
        known = importlib.import_module(stem)
    elif _times.get(path) != changed:
        known = importlib.reload(known)
    _times[path] = changed
    modules.imported[stem] = known
    return known


def load(name: str, file: str, attr: str) -> Entry:
    """The Entry for NAME. Raises CannotLoad, and whatever the file or the factory raises."""
    if not file or not attr:
        raise CannotLoad("FILE.py:ATTR is needed, got %r" % ("%s:%s" % (file, attr)))
    path = os.path.realpath(os.path.join(Process.home, os.path.expanduser(file)))
    module = _module_of(path)
    attr, _, hint = attr.partition("@")
    plain = attr[:-2] if attr.endswith("()") else attr
    try:
        found: Any = modules._unwrapped(modules.resolve(module, plain))
    except AttributeError:
        raise CannotLoad("the file has no %r; it defines %s" % (plain, _defined(module))) from None
    if attr.endswith("()"):
        found = found()
    elif isinstance(found, type) and apps.kind_of(found, hint) is None:
        found = found()
    pointers = (os.path.dirname(path), module.__name__, plain)
    kind = apps.kind_of(found, hint)
    if kind is not None:
        return apps.AppEntry(_app_config(name, pointers, kind), found, kind).start()
    return _entry(name, pointers, found)


def _defined(module: ModuleType) -> str:
    names = [
        n
        for n, item in vars(module).items()
        if not n.startswith("_") and getattr(item, "__module__", "") == module.__name__
    ]
    return ", ".join(names[:20]) or "nothing"


def _app_config(name: str, pointers: tuple, kind: str) -> dict:
    return {
        "name": name,
        "resource_type": "module",
        "resource_subtype": kind.capitalize(),
        "visibility": "private",
        "system": objects.own_system(),
        "process": Process.name,
        "endpoint": None,
        "pointers": pointers,
    }


def _entry(name: str, pointers: tuple, found: Any) -> FunctionEntry | ModuleEntry:
    is_function = hasattr(found, "__code__") or type(found).__name__ in (
        "builtin_function_or_method",
        "partial",
    )
    config = {
        "name": name,
        "resource_type": "function" if is_function else "module",
        "resource_subtype": "Function" if is_function else type(found).__name__,
        "visibility": "private",
        "system": objects.own_system(),
        "process": Process.name,
        "endpoint": None,
    }
    if not is_function:
        return ServedEntry(dict(config, pointers=pointers), type(found), found)
    entry = ServedFunction(dict(config, fn_pointers=pointers))
    entry.fn = found
    return entry


class ServedFunction(FunctionEntry):
    """Its signature is read from the function when somebody asks for the config."""

    def client_config(self) -> dict:
        from .signatures import of_function

        made = self.module_config()
        made["signature"] = {"call": of_function(self.fn)}
        return made


class ServedEntry(ModuleEntry):
    """An instance that the user's own code made."""

    def client_config(self) -> dict:
        from .signatures import of_class

        made = self.module_config()
        made["signature"] = of_class(self.cls)
        return made


def explain(error: BaseException, name: str, wanted: dict) -> str:
    """One line for a LOAD that failed: module, file, line, error."""
    file = str(wanted.get("file"))
    head = "cannot load module %s from %s:%s" % (name, file, wanted.get("attr"))
    if isinstance(error, (CannotLoad, apps.NotAnApp)):
        return "%s: %s" % (head, error)
    where = ""
    if isinstance(error, SyntaxError) and error.filename:
        where = "%s, line %s" % (error.filename, error.lineno)
    else:
        trace = error.__traceback__
        while trace is not None:
            filename = trace.tb_frame.f_code.co_filename
            if not filename.startswith("<") and os.sep + "importlib" + os.sep not in filename:
                if not filename.startswith(os.path.dirname(__file__)):
                    where = "%s, line %d" % (filename, trace.tb_lineno)
            trace = trace.tb_next
    return "%s: %s%s: %s" % (head, where and where + ": ", type(error).__name__, error)
