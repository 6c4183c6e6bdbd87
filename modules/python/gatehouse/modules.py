# SPDX-License-Identifier: Apache-2.0
"""Import pointers, and building the object that a config describes.

A pointer is (root, module, qualified name); root is a directory, relative to home or absolute.
Source: modules-and-calls.md sections 2 to 4.
"""

from __future__ import annotations

import os
import sys
from threading import Lock, RLock

from . import objects
from .current import Process
from .errors import method_missing
from .objects import Entry, ResourceEntry, Target, is_coroutine_function

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, Optional, Sequence

imported: Dict[str, ModuleType] = {}
"""Modules that came in through pointers or LOAD; a second import of one reloads it."""

_lock = RLock()
_site_times: Dict[str, float] = {}
_more_site_folders: list = []
"""Of another env that this process takes packages from, see add_site_folders."""


def _own_site_folders(site: Any) -> list:
    folders = list(site.getsitepackages()) if hasattr(site, "getsitepackages") else []
    if getattr(site, "ENABLE_USER_SITE", False):
        folders.append(site.getusersitepackages())
    return folders


def _look_for_new_packages() -> None:
    """Make packages installed a moment ago visible: new .pth files of changed site directories.

    Upstream reloads `site` before each import; this does the part of it that matters.
    """
    _invalidate_import_caches()
    site = sys.modules.get("site")
    if site is None:
        return
    for folder in _more_site_folders + _own_site_folders(site):
        try:
            changed = os.stat(folder).st_mtime
        except OSError:
            continue
        if _site_times.setdefault(folder, changed) != changed:
            _site_times[folder] = changed
            site.addsitedir(folder)


def _invalidate_import_caches() -> None:
    """importlib.invalidate_caches(), which on 3.12 and later imports importlib.metadata (20 ms) for
    it.
    """
    if "importlib.metadata" in sys.modules:
        import importlib

        importlib.invalidate_caches()
        return
    for path, finder in list(sys.path_importer_cache.items()):
        if finder is None:
            del sys.path_importer_cache[path]
        elif hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()


def watch_site_packages() -> None:
    """Note what the site directories look like now, before user code."""
    _look_for_new_packages()


def add_site_folders(folders: Sequence[str]) -> None:
    """Take packages from FOLDERS too, and see what was installed a moment ago.

    They come before the interpreter's own folders of packages, as they would in a venv that sees
    those: what is newer there wins. What is imported already stays as it is.
    """
    import site

    with _lock:
        for folder in folders:
            if folder in sys.path or not os.path.isdir(folder):
                continue
            before = list(sys.path)
            _site_times[folder] = os.stat(folder).st_mtime
            _more_site_folders.append(folder)
            site.addsitedir(folder)
            new = [path for path in sys.path if path not in before]
            own = _own_site_folders(site)
            place = next((i for i, path in enumerate(before) if path in own), len(before))
            sys.path[:] = before[:place] + new + before[place:]
        _look_for_new_packages()


def add_root(root: Optional[str]) -> None:
    """Put the directory ROOT on sys.path at position 0 unless it is there. It need not exist."""
    if not root:
        return
    path = os.path.realpath(os.path.join(Process.home, os.path.expanduser(root)))
    if path not in sys.path:
        sys.path.insert(0, path)


def _prefer_root(root: Optional[str], module_name: str) -> None:
    """When two roots have a top module of the same name, let the pointer's own root win."""
    if not root:
        return
    path = os.path.realpath(os.path.join(Process.home, os.path.expanduser(root)))
    top = module_name.partition(".")[0]

    def holds(folder: str) -> bool:
        stem = os.path.join(folder, top)
        return os.path.isfile(stem + ".py") or os.path.isdir(stem)

    if not holds(path):
        return
    for folder in sys.path:
        if folder == path:
            return
        if holds(folder or os.curdir):
            sys.path.remove(path)
            sys.path.insert(0, path)
            return


def resolve(owner: object, qualified_name: str) -> object:
    """The attribute QUALIFIED_NAME (dots allowed) of a module. Raises AttributeError."""
    for part in qualified_name.split("."):
        owner = getattr(owner, part)
    return owner


def load(pointers: Sequence[str], reload: bool = True) -> object:
    """The function or class that POINTERS name. Raises what the import raises.

    A module that came in this way before is reloaded (only it, not what it imports).
    """
    import importlib

    root, module_name, qualified_name = pointers
    with _lock:
        add_root(root)
        _look_for_new_packages()
        known = imported.get(module_name)
        if known is not None and reload:
            _prefer_root(root, module_name)
            sys.modules.setdefault(module_name, known)
            imported[module_name] = importlib.reload(known)
        elif known is None:
            _prefer_root(root, module_name)
            imported[module_name] = importlib.import_module(module_name)
        module = imported[module_name]
    found = resolve(module, qualified_name)
    return _unwrapped(found)


def _unwrapped(found: object) -> object:
    """The user's function or class behind a module-level `rh.function(f)` or `rh.module(C)`."""
    inner = getattr(found, "_gatehouse_wrapped", None)
    return found if inner is None else inner


# ---------------------------------------------------------------- functions


class FunctionEntry(ResourceEntry):
    """A function: imported at the first call after the put, so a wrong pointer shows up there."""

    fn: object = None

    def __init__(self, config: Dict[str, Any]) -> None:
        super().__init__(config)
        self.value = self
        self._import_lock = Lock()

    def type_name(self) -> str:
        return "runhouse.resources.functions.function.Function"

    def shown(self) -> object:
        from pprint import pformat

        return pformat(self.client_config())

    def client_config(self) -> dict:
        return self.module_config()

    def client_state(self) -> dict:
        return {"_loaded_fn": None}

    def function(self) -> Any:
        if self.fn is None:
            with self._import_lock:  # one import, however many first calls come at once
                if self.fn is None:
                    pointers = self.config.get("fn_pointers")
                    if not pointers or not pointers[1]:
                        raise ValueError("Function %s has no import pointers." % self.key)
                    self.fn = load(pointers)
        return self.fn

    def find(self, method: str) -> Target:
        if method in ("call", "__call__"):
            fn = self.function()
            known = (self.signature or {}).get("call")
            if known:
                is_async = bool(known.get("async") and not known.get("gen"))
            else:
                is_async = is_coroutine_function(fn)
            return Target(self, fn, None, method, is_async)
        own = self.find_own(method)
        if own is None:
            raise method_missing(self.key, method, self.shown())
        return own

    def methods(self) -> Dict[str, Any]:
        found = super().methods()
        found.update(
            map=self._map, starmap=self._starmap, get=self._get, get_or_call=self._get_or_call
        )
        found["distribute"] = self.distribute
        found["resolved_state"] = self.function
        return found

    def _map(self, *args: Any, **kwargs: Any) -> list:
        return self._starmap(list(zip(*args)), **kwargs)

    def _starmap(self, args_lists: Any, **kwargs: Any) -> list:
        """The function over many argument tuples, in threads (upstream: Ray tasks), in order."""
        from concurrent.futures import ThreadPoolExecutor
        from contextvars import copy_context

        fn = self.function()
        jobs = list(args_lists)
        with ThreadPoolExecutor(min(32, max(1, len(jobs))), "gatehouse-map") as pool:
            running = [
                pool.submit(copy_context().run, lambda a=args: fn(*a, **kwargs)) for args in jobs
            ]
            return [job.result() for job in running]

    def _get(self, run_key: str) -> object:
        return self._stored(run_key, None)

    def _get_or_call(
        self, run_name: str, load_from_den: bool = True, *args: Any, **kwargs: Any
    ) -> object:
        """The stored result of RUN_NAME, else a call. Plain results are never stored:
        serialization.md section 6.
        """
        try:
            return self._stored(run_name, KeyError)
        except KeyError:
            return self.function()(*args, **kwargs)

    def _stored(self, run_name: str, default: Any) -> object:
        """What lies under RUN_NAME in this process or another. Raises KeyError if DEFAULT is that."""
        entry = objects.entries.get(run_name)
        if entry is not None:
            return entry.portable()
        if Process.control_socket:
            from . import store

            return store.get(run_name, default)
        if default is KeyError:
            raise KeyError(run_name)
        return default


# ---------------------------------------------------------------- modules


class ModuleEntry(ResourceEntry):
    """An instance of a user's class, made without __init__; `_remote_init` constructs it."""

    def __init__(self, config: Dict[str, Any], cls: type, value: object) -> None:
        super().__init__(config)
        self.cls = cls
        self.value = value

    def type_name(self) -> str:
        if _is_own_module(self.cls):
            return "%s.%s" % (self.cls.__module__, self.cls.__qualname__)
        return "runhouse.resources.module.%s" % self.cls.__name__

    def shown(self) -> object:
        from pprint import pformat

        return pformat(self.client_config())

    def client_config(self) -> dict:
        if not self.signature:
            from .signatures import of_class

            self.signature = of_class(self.cls)
        return self.module_config()

    def methods(self) -> Dict[str, Any]:
        found = super().methods()
        found["_remote_init"] = self._remote_init
        found["distribute"] = self.distribute
        found["resolved_state"] = self._resolved_state
        return found

    def _remote_init(self, *args: Any, **kwargs: Any) -> None:
        self.cls.__init__(self.value, *args, **kwargs)
        _set_base_attributes(self)  # the client's Module.__init__ takes the object for a handle

    def _resolved_state(self) -> object:
        """A plain copy of the user's object, or its class when it has no attributes."""
        attributes = getattr(self.value, "__dict__", None)
        if attributes is None:
            import copy

            return copy.copy(self.value)
        if not attributes:
            return self.cls
        made = _bare_instance(self.cls)
        made.__dict__.update(
            {k: v for k, v in attributes.items() if k not in ("_system", "_client")}
        )
        return made

    def find(self, method: str) -> Target:
        if method == "_remote_init" and method not in self.cls.__dict__:
            return Target(self, self._remote_init, None, method, False)
        if self._is_of_the_client(method) or not objects.has_attribute(self.value, method):
            own = self.find_own(method)
            if own is not None:
                return own
        return super().find(method)

    def _is_of_the_client(self, method: str) -> bool:
        """True when METHOD comes from the client's own base class, for subclasses of rh.Module."""
        owner = next((cls for cls in self.cls.__mro__ if method in cls.__dict__), None)
        return owner is not None and owner.__module__.partition(".")[0] == "runhouse"


def _bare_instance(cls: type) -> Any:
    """An object of CLS without running __init__."""
    try:
        return cls.__new__(cls)
    except TypeError:
        return object.__new__(cls)


def _build_module(config: Dict[str, Any], state: Dict[str, Any]) -> Entry:
    if config.get("pointers"):
        cls: Any = load(config["pointers"])
    else:
        cls = _builtin_class(config)
    if not isinstance(cls, type):
        raise TypeError(
            "Pointers %s name %r, which is not a class." % (tuple(config["pointers"]), cls)
        )
    value = _bare_instance(cls)
    entry = ModuleEntry(config, cls, value)
    _set_base_attributes(entry)
    for name, item in state.items():
        setattr(value, name, item)
    return entry


def _is_own_module(cls: type) -> bool:
    """True for a subclass of the client's own Module."""
    return any(base.__module__ == "runhouse.resources.module" for base in cls.__mro__)


def _set_base_attributes(entry: ModuleEntry) -> None:
    """For subclasses of the client's own Module: what its methods read. Its _system is None, so
    calls stay here; what its `system` is then, sdk.attach_modules tells.
    """
    if not _is_own_module(entry.cls):
        return
    config = entry.config
    values = {
        "_system": None,
        "process": config.get("process"),
        "_name": entry.key or None,
        "_rns_folder": None,
        "access_level": "write",
        "_visibility": entry.visibility,
        "_endpoint": None,
        "_pointers": config.get("pointers"),
        "_signature": config.get("signature") or {},
        "dryrun": False,
        "_openapi_spec": None,
        "_resolve": False,
        "_dumb_signature_cache": None,
    }
    entry.value.__dict__.update(values)


def _builtin_class(config: Dict[str, Any]) -> object:
    """Modules without pointers are classes of the top `runhouse` namespace."""
    import runhouse

    name = config.get("resource_subtype") or "Module"
    found = getattr(runhouse, name, None) or getattr(runhouse, name.capitalize(), None)
    if found is None:
        raise TypeError("Could not find module associated with %s" % name)
    return found


class PlainResourceEntry(ResourceEntry):
    """`resource_type: resource`: a named config."""

    def __init__(self, config: Dict[str, Any], state: Dict[str, Any]) -> None:
        super().__init__(config)
        self.value = _Holder()
        self.value.__dict__.update(state)

    def type_name(self) -> str:
        return "runhouse.resources.resource.Resource"

    def find(self, method: str) -> Target:
        return self.find_own(method) or super().find(method)

    def shown(self) -> object:
        return self.client_config()


class _Holder:
    """The attributes of a plain resource."""


def build(config: Dict[str, Any], state: Optional[Dict[str, Any]]) -> Entry:
    """The Entry for a put config. Raises what the import of the user's class raises, TypeError,
    ValueError.
    """
    config = dict(config)
    state = dict(state or {})
    kind = config.get("resource_type")
    system = config.get("system")
    if isinstance(system, dict) and system.get("name"):
        Process.client_system = system
    for name in ("name", "visibility"):
        config[name] = objects.as_text(config.get(name))
    if not config["name"]:
        config["name"] = objects.default_name(str(kind))
    if kind == "function":
        return FunctionEntry(config)
    if kind == "module" and config.get("resource_subtype") in ("Asgi", "Wsgi"):
        from . import apps

        return apps.build(config, state)
    if kind == "module":
        return _build_module(config, state)
    if kind == "secret":
        from .secret import SecretEntry

        return SecretEntry(config, state)
    if kind == "resource":
        return PlainResourceEntry(config, state)
    if kind == "env":
        from .env import EnvEntry

        return EnvEntry(config, state)
    raise TypeError("Could not find module associated with %s" % kind)
