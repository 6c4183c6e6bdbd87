# SPDX-License-Identifier: Apache-2.0
"""The keys of this process and what lies under them.

entries: key -> Entry, in order of insertion. A Target says how to run one method of one key; the
hot path finds it in `targets` by (key, method). Changes are told to the daemon as KEY_PUT and
KEY_GONE events, always before the RESULT of the request that made them.
Source: modules-and-calls.md sections 4 and 5.
"""

from __future__ import annotations

import json
import time
from threading import RLock

import _gatehouse

from .current import Process, request_var
from .errors import key_missing, method_missing

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

KEY_PUT, KEY_GONE = 35, 36

entries: Dict[str, Entry] = {}
targets: Dict[Tuple[str, str], Target] = {}
_by_identity: Dict[int, Entry] = {}
_lock = RLock()

_INTERNAL_STATE = frozenset(
    "_pointers _endpoint _client _visibility _name _rns_folder _system process dryrun _resolve _signature "
    "_dumb_signature_cache _openapi_spec access_level _gatehouse_config".split()
)


class Target:
    """How to run one method.

    fn: what to call, or None: then it is the attribute `name` of `owner`, looked up on each call.
    is_async: await the result before answering (the signature says async and not gen).
    is_general: the short way through calls.handle is not for it.
    texts: names of the parameters that take the text of a GET call as it is; None until asked for.
    """

    __slots__ = ("fn", "owner", "name", "is_async", "is_general", "entry", "texts")

    def __init__(self, entry: Entry, fn: object, owner: object, name: str, is_async: bool) -> None:
        self.entry = entry
        self.fn = fn
        self.owner = owner
        self.name = name
        self.is_async = is_async
        self.is_general = is_async or isinstance(fn, _Attribute)
        self.texts: Optional[frozenset] = None


def is_coroutine_function(fn: object) -> bool:
    """True for `async def` functions and methods, through functools.partial. Without importing
    inspect.
    """
    for _ in range(20):
        inner = getattr(fn, "__func__", None) or (
            getattr(fn, "func", None) if type(fn).__name__ == "partial" else None
        )
        if inner is None:
            break
        fn = inner
    code = getattr(fn, "__code__", None)
    if code is None and not isinstance(fn, type):
        code = getattr(getattr(type(fn), "__call__", None), "__code__", None)
    return bool(getattr(code, "co_flags", 0) & 0x80) or bool(
        getattr(fn, "_is_coroutine_mark", False)
    )


def has_attribute(obj: object, name: str) -> bool:
    """True when OBJ or its classes hold NAME, without running properties."""
    attributes = getattr(obj, "__dict__", None)
    if attributes is not None and name in attributes:
        return True
    if any(name in cls.__dict__ for cls in type(obj).__mro__):
        return True
    return isinstance(obj, type) and any(name in cls.__dict__ for cls in obj.__mro__)


class Entry:
    """One key. Subclasses: PlainEntry here, the kinds of resources in modules.py, lazy.py,
    secret.py.
    """

    resource = False
    visibility: Optional[str] = None
    address: Optional[str] = None
    key = ""
    value: object = None
    signature: Optional[dict] = None
    app: Optional[str] = None  # "asgi" or "wsgi": all below the key is the app's

    def type_name(self) -> str:
        kind = type(self.value)
        return (
            kind.__qualname__
            if kind.__module__ == "builtins"
            else "%s.%s" % (kind.__module__, kind.__qualname__)
        )

    def shown(self) -> object:
        """What an error text prints for this object."""
        return self.value

    def client_config(self) -> dict:
        raise NotImplementedError

    def client_state(self) -> dict:
        attributes = getattr(self.value, "__dict__", None) or {}
        return {name: item for name, item in attributes.items() if name not in _INTERNAL_STATE}

    def portable(self) -> object:
        """The value that GET /object pickles."""
        return self.value

    def find(self, method: str) -> Target:
        """Raises errors.NotHere when there is no such attribute."""
        owner = self.value
        if not has_attribute(owner, method) and not hasattr(owner, method):
            raise method_missing(self.key, method, self.shown())
        return Target(self, None, owner, method, self.awaits(owner, method))

    def awaits(self, owner: object, method: str) -> bool:
        if self.signature:
            known = self.signature.get(method)
            return bool(known and known.get("async") and not known.get("gen"))
        static = next(
            (cls.__dict__[method] for cls in type(owner).__mro__ if method in cls.__dict__), None
        )
        if isinstance(static, property):
            return False
        if static is None:
            static = (getattr(owner, "__dict__", None) or {}).get(method)
        return is_coroutine_function(static)

    def keeps_targets(self, method: str) -> bool:
        """False when the Target for METHOD must be found anew on each call."""
        return True

    def dropped(self) -> None:
        """It is no longer under its key. Called without locks."""


class PlainEntry(Entry):
    """A value put with /object, or with rh.here.put."""

    def __init__(self, value: object) -> None:
        self.value = value


class ResourceEntry(Entry):
    """Common part of functions, modules, secrets and lazy results: a config and what may be set on
    it.

    config: the dict that the client sent, our own copy.
    """

    resource = True

    def __init__(self, config: Dict[str, Any]) -> None:
        self.config = config
        self.visibility = as_text(config.get("visibility")) or "private"
        self.signature = config.get("signature") or None
        self._set_address(config.get("name") or "")

    def _set_address(self, name: str) -> None:
        self.key = name.rpartition("/")[2]
        self.address = name if "/" in name else None

    def rename(self, name: str) -> None:
        """NAME may be a full address `/user/name`."""
        self._set_address(name)

    # -- what the client may read and set besides the user's own attributes

    def _read_attributes(self) -> dict:
        config = self.config
        return {
            "name": self.key,
            "rns_address": self.address,
            "visibility": self.visibility,
            "process": config.get("process") or Process.name,
            "system": config.get("system"),
            "pointers": config.get("pointers"),
            "_pointers": config.get("pointers"),
            "fn_pointers": config.get("fn_pointers"),
            "access_level": config.get("access_level") or "write",
            "dryrun": False,
            "_endpoint": config.get("endpoint"),
            "RESOURCE_TYPE": config.get("resource_type"),
        }

    def methods(self) -> Dict[str, Callable]:
        """Methods of the resource itself, in the place of those of the client's base classes."""
        return {
            "config": lambda condensed=True: self.client_config(),
            "signature": lambda rich=False: self.signature or {},
            "endpoint": lambda external=False: self.config.get("endpoint"),
            "set_endpoint": lambda new_endpoint: self.config.__setitem__("endpoint", new_endpoint),
            "rename": self._rename_now,
            "resolved_state": lambda: self.value,
            "resolve": lambda: self.value,
        }

    def _rename_now(self, name: str) -> None:
        rename(self.key, name)

    def distribute(self, distribution: str, *args: Any, **kwargs: Any) -> object:
        """Replicas of a module and one that speaks for them; the client's package makes them."""
        from . import store

        return store.distribute(self, distribution, *args, **kwargs)

    def find_own(self, method: str) -> Optional[Target]:
        own = self.methods().get(method)
        if own is not None:
            return Target(self, own, None, method, False)
        if method in self._read_attributes():
            return Target(self, _Attribute(self, method), None, method, False)
        return None

    def keeps_targets(self, method: str) -> bool:
        return method not in self._read_attributes() and method not in self.methods()

    def set_attribute(self, name: str, value: object) -> None:
        if name == "visibility":
            self.visibility = as_text(value)
        elif name == "name" and isinstance(value, str):
            # The key stays; /rename moves it. Source: modules-and-calls.md section 5, share and
            # save.
            self.address = value if "/" in value else None
        elif name in ("_endpoint", "endpoint"):
            self.config["endpoint"] = value
        else:
            self.config[name.lstrip("_")] = value
        announce(self)

    def client_config(self) -> dict:
        """The condensed config, in the client's order of keys."""
        config = self.config
        made = {
            "name": self.address or self.key,
            "resource_type": config.get("resource_type"),
            "resource_subtype": config.get("resource_subtype"),
            "visibility": self.visibility,
        }
        for name in ("provider", "path", "env_vars"):
            if config.get(name) is not None:
                made[name] = config[name]
        return made

    def module_config(self) -> dict:
        """client_config of things with a system, a process and a signature."""
        config = self.config
        made = ResourceEntry.client_config(self)
        made["system"] = condensed_system(config.get("system"))
        made["process"] = config.get("process") or Process.name
        if config.get("pointers"):
            made["pointers"] = tuple(config["pointers"])
        made["signature"] = self.signature or {}
        made["endpoint"] = config.get("endpoint")
        if config.get("openapi_spec"):
            made["openapi_spec"] = config["openapi_spec"]
        if config.get("fn_pointers"):
            made["fn_pointers"] = tuple(config["fn_pointers"])
        return made


class _Attribute:
    """A resource attribute, to be read or set by calls.invoke."""

    def __init__(self, entry: ResourceEntry, name: str) -> None:
        self.entry = entry
        self.name = name

    def read(self) -> object:
        return self.entry._read_attributes()[self.name]

    def write(self, value: object) -> None:
        self.entry.set_attribute(self.name, value)


def as_text(value: object) -> Optional[str]:
    """Text of an enum member or a string."""
    value = getattr(value, "value", value)
    return value if value is None else str(value)


def condensed_system(system: object) -> object:
    """A saved cluster (a name with a folder) is just its name. Source: serialization.md section 9."""
    if isinstance(system, dict) and "/" in str(system.get("name") or ""):
        return system["name"]
    return system


def own_system() -> object:
    """The `system` of configs made here. Source: serialization.md section 9.

    A node without a name is what its latest client calls it: the client cannot use a handle whose
    cluster has none, and would look for it at our address instead of the one it knows.
    """
    config = Process.cluster_config
    name = config.get("name") if config else None
    if not name and Process.client_system:
        return condensed_system(Process.client_system)
    if not config:
        return None
    if name and "/" in name:
        return name
    made = {"name": name, "resource_type": "cluster", "resource_subtype": "Cluster"}
    made["visibility"] = config.get("visibility") or "private"
    for field in ("ips", "server_port", "server_host", "server_connection_type"):
        if config.get(field) is not None:
            made[field] = config[field]
    made["den_auth"] = bool(config.get("den_auth"))
    made["ssh_port"] = config.get("ssh_port") or 22
    return made


# ---------------------------------------------------------------- the table


def _forget_targets(key: str) -> None:
    for pair in [pair for pair in targets if pair[0] == key]:
        targets.pop(pair, None)


def _forget_identity(entry: Entry) -> None:
    """ENTRY no longer speaks for its object; another key of the same object may."""
    if _by_identity.get(id(entry.value)) is entry:
        del _by_identity[id(entry.value)]
        for other in entries.values():
            if other.resource and other.value is entry.value and other is not entry:
                _by_identity[id(entry.value)] = other


def announce(entry: Entry) -> None:
    """Tell the daemon that ENTRY is here, or changed."""
    payload = {
        "key": entry.key,
        "address": entry.address,
        "visibility": entry.visibility,
        "type": entry.type_name(),
        "resource": entry.resource,
    }
    if entry.app is not None:
        payload["app"] = entry.app
    _gatehouse.event(KEY_PUT, request_var.get(), json.dumps(payload).encode())


def put(key: str, entry: Entry) -> None:
    """Store ENTRY under KEY; what was there is replaced."""
    entry.key = key
    with _lock:
        old = entries.get(key)
        entries[key] = entry
        if old is not None:
            _forget_identity(old)
        if entry.resource and entry.value is not None:
            _by_identity[id(entry.value)] = entry
        _forget_targets(key)
        announce(entry)
    if old is not None and old is not entry:
        old.dropped()


def drop(key: str) -> bool:
    """Forget KEY. False when it was not here."""
    with _lock:
        entry = entries.pop(key, None)
        if entry is None:
            return False
        _forget_identity(entry)
        _forget_targets(key)
        _gatehouse.event(KEY_GONE, 0, key.encode("utf-8", "replace"))
    entry.dropped()
    return True


def rename(key: str, new: str) -> None:
    """Move KEY to NEW, which may be an address `/user/name`. Raises KeyError."""
    with _lock:
        entry = entries.get(key)
        if entry is None:
            raise KeyError("Key %s not found in any process." % key)
        new_key = new.rpartition("/")[2]
        if new_key != key:
            del entries[key]
            _forget_targets(key)
            _gatehouse.event(KEY_GONE, 0, key.encode("utf-8", "replace"))
        if isinstance(entry, ResourceEntry):
            entry.rename(new)
        put(new_key, entry)


def entry_of(value: object) -> Optional[Entry]:
    """The resource entry whose value is VALUE itself, or None."""
    entry = _by_identity.get(id(value))
    return entry if entry is not None and entry.value is value else None


def find_target(key: str, method: str) -> Target:
    """The Target for METHOD of KEY. Raises errors.NotHere, or whatever the import of user code
    raises.
    """
    entry = entries.get(key)
    method = method or "__call__"
    if entry is None and key == "_cluster_default_env":
        from . import env

        entry = env.default_entry()
        put(key, entry)
    if entry is None:
        raise key_missing(key, method)
    target = entry.find(method)
    if entry.keeps_targets(method):
        with _lock:
            if entries.get(key) is entry:
                targets[key, method] = target
    return target


def default_name(prefix: str) -> str:
    """A name for a resource that came without one."""
    return "%s_%s" % (prefix, time.strftime("%Y%m%d_%H%M%S"))
