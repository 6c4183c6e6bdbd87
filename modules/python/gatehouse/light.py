# SPDX-License-Identifier: Apache-2.0
"""Modules and functions of the stand-in for the `runhouse` package (shim.py); all its names are here.

Handles call through the daemon when their object lives in another process. What is missing needs the
package, and says so. Imported by the first `import runhouse`; what it takes to ask the daemon, by the
first question. Source: modules-and-calls.md sections 7 and 8, way B.
"""

from __future__ import annotations

import sys

from .current import Process
from .handles import from_config as _pickled_from_config
from .lightbase import (  # noqa: F401  (names of the stand-in)
    OWN,
    GitPackage,
    InstallTarget,
    InsufficientDiskError,
    NoLocalObjStoreError,
    ObjStoreError,
    Package,
    Resource,
    ResourceAccess,
    ResourceVisibility,
    RunhouseStopIteration,
    Secret,
    TLSCertConfig,
    install_hint,
)
from .lightnode import Cluster, here

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple


class _Method:
    """A method of a handle, as the package has it: called, or called by `remote` or `run`."""

    def __init__(self, key: str, name: str, is_async: bool) -> None:
        self._key = key
        self._name = name
        self._is_async = is_async

    def __call__(
        self,
        *args: Any,
        run_name: Optional[str] = None,
        stream_logs: bool = True,
        remote: bool = False,
        run_async: Optional[bool] = None,
        **kwargs: Any,
    ) -> Any:
        from . import nested

        is_async = self._is_async if run_async is None else run_async
        call = nested.acall if is_async else nested.call
        return call(self._key, self._name, args, kwargs, run_name, stream_logs, remote)

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        return self(*args, remote=True, **kwargs)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return self(*args, **dict({"stream_logs": False}, **kwargs))


class _RemoteAttributes:
    """`handle.remote`: attributes of the object itself."""

    def __init__(self, key: str) -> None:
        self.__dict__["_key"] = key

    def __getattr__(self, name: str) -> Any:
        from . import nested

        return nested.call(self._key, name)

    def __setattr__(self, name: str, value: Any) -> None:
        from . import nested

        nested.call(self._key, name, (value,))


class Module(Resource):
    """A handle of a module, and the base of users' own classes."""

    RESOURCE_TYPE = "module"

    def __init__(
        self,
        pointers: Optional[tuple] = None,
        signature: Optional[dict] = None,
        endpoint: Optional[str] = None,
        name: Optional[str] = None,
        system: Any = None,
        dryrun: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__({"name": name, "resource_type": "module", "visibility": "private"})

    def __getattr__(self, name: str) -> Any:
        known = (self.__dict__.get(OWN) or {}).get("signature") or {}
        is_open = not known and self._is_handle() and not name.startswith("_")
        if name not in known and not is_open:  # without a signature the object itself will say
            raise AttributeError("%r has no attribute %r" % (type(self).__name__, name))
        method = known.get(name) or {}
        is_async = bool(method.get("async") and not method.get("gen"))
        return _Method(self._key(), name, is_async)

    def config(self, condensed: bool = True) -> Dict[str, Any]:
        config = dict(self._gatehouse_config)
        if not self._is_handle():
            config.update(resource_type="module", resource_subtype=type(self).__name__)
            config.update(pointers=pointers_of(type(self)), signature=self._own_methods())
        return config

    def _own_methods(self) -> Dict[str, Any]:
        from . import signatures

        found = signatures.of_class(type(self))
        return {name: found[name] for name in found if not hasattr(Module, name)}

    def _key(self) -> str:
        name = self.name
        if not name:
            raise ValueError("%r has no name: send it somewhere with .to(rh.here) first." % self)
        return name

    def __reduce__(self) -> Any:
        return super().__reduce__() if self._is_handle() else object.__reduce_ex__(self, 4)

    def _is_handle(self) -> bool:
        return type(self).__module__.partition(".")[0] == "runhouse"

    def __repr__(self) -> str:
        return super().__repr__() if self._is_handle() else object.__repr__(self)

    @property
    def system(self) -> Any:
        system = self._gatehouse_config.get("system")
        if system is None or system == Process.cluster_config.get("name"):
            return here()
        return Cluster(system) if isinstance(system, dict) else system

    @property
    def remote(self) -> Any:
        return _RemoteAttributes(self._key())

    def fetch(self, item: Optional[str] = None) -> Any:
        from . import nested

        return nested.call(self._key(), item or "resolved_state")

    def refresh(self) -> Any:
        from . import store

        return store.get(self._key(), remote=True)

    def rename(self, name: str) -> None:
        from . import store

        store.rename(self._key(), name)
        self.name = name

    def to(
        self,
        system: Any,
        process: Any = None,
        name: Optional[str] = None,
        sync_local: bool = True,
    ) -> Any:
        """Put this (an instance of a user's own Module) into PROCESS; a handle of it."""
        config = dict(self._gatehouse_config, resource_subtype=type(self).__name__)
        if self._is_handle():
            raise TypeError("%r is a handle: what it stands for is at its place already." % self)
        config["pointers"] = pointers_of(type(self))
        config["signature"] = self._own_methods()
        state = {item: value for item, value in self.__dict__.items() if item != OWN}
        return _send(config, state, system, process, name or self.name or type(self).__name__)


class Function(Module):
    """A handle of a function. Made of a function, it calls that until it is sent somewhere."""

    RESOURCE_TYPE = "function"
    _gatehouse_wrapped: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._gatehouse_wrapped is not None:
            return self._gatehouse_wrapped(*args, **kwargs)
        return self.__getattr__("call")(*args, **kwargs)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return self.call.run(*args, **kwargs)

    def to(
        self, system: Any, process: Any = None, name: Optional[str] = None, sync_local: bool = True
    ) -> Any:
        from . import signatures

        fn = self._gatehouse_wrapped
        if fn is None:
            return super().to(system, process, name, sync_local)
        config = dict(self._gatehouse_config, resource_subtype="Function")
        config["fn_pointers"] = pointers_of(fn)
        method = signatures.of_function(fn)
        plain = {"signature": "(self, *args, **kwargs)", "async": False, "gen": False}
        plain.update(doc=None, annotations="{}")
        config["signature"] = {"call": method}
        for more in ("map", "starmap", "get", "get_or_call"):
            config["signature"][more] = plain
        return _send(config, {}, system, process, name or self.name or fn.__name__)


class _ModuleOfClass(Module):
    """`rh.module(C)`: a class that can be sent somewhere and constructed there."""

    _gatehouse_wrapped: Any = None

    def __call__(self, *args: Any, name: Optional[str] = None, **kwargs: Any) -> Any:
        config = self._gatehouse_config
        if not config.get("process"):
            return self._gatehouse_wrapped(*args, **kwargs)
        from . import nested, store

        made = dict(config, name=name or config["name"])
        store.put_resource(made, {}, config["process"])
        nested.call(made["name"], "_remote_init", args, kwargs)
        return Module._of(made)

    def _is_handle(self) -> bool:
        return True

    def to(
        self, system: Any, process: Any = None, name: Optional[str] = None, sync_local: bool = True
    ) -> Any:
        from . import signatures

        cls = self._gatehouse_wrapped
        config = dict(self._gatehouse_config, resource_subtype=cls.__name__)
        config["pointers"] = pointers_of(cls)
        config["signature"] = signatures.of_class(cls)
        sent = _send(config, {}, system, process, name or self.name or cls.__name__)
        made = _ModuleOfClass._of(sent.config())
        made.__dict__["_gatehouse_wrapped"] = cls
        return made

    def __reduce__(self) -> Any:
        return _pickled_from_config, (self.config(),), {}


def pointers_of(item: Any) -> Tuple[str, str, str]:
    """(root, module, qualified name) of a function or class of a file. Raises ValueError."""
    from . import store

    root = store.root_of(item.__module__)
    if root is None or "<locals>" in item.__qualname__:
        raise ValueError(
            "%s.%s cannot be imported by another process: define it at the top level of a file."
            % (item.__module__, item.__qualname__)
        )
    return root, item.__module__, item.__qualname__


def _send(config: Dict[str, Any], state: Dict[str, Any], system: Any, process: Any, name: str) -> Any:
    """Put a module into a process of this node, as the package's `.to` does; a handle of it."""
    from . import store

    if not (system == "here" or (isinstance(system, Cluster) and system.on_this_cluster())):
        raise NotImplementedError(install_hint("Sending %s to another cluster" % name))
    wanted = dict(process) if isinstance(process, dict) else {"name": process} if process else {}
    if not wanted.get("name"):
        wanted["name"] = name + "_process"
        if wanted["name"] in store.list_processes():
            store.kill_process(wanted["name"])
    here().ensure_process_created(**wanted)
    config = dict(config, name=name, process=wanted["name"], system=store.cluster_config())
    config["system"].setdefault("resource_type", "cluster")
    store.put_resource(config, state, wanted["name"])
    return Resource.from_config(config)


# ---------------------------------------------------------------- lazy results


class GeneratorModule(Module):
    """A generator that lives in another process."""

    def __iter__(self) -> GeneratorModule:
        return self

    def __next__(self) -> Any:
        return _Method(self._key(), "remote_next", False)()


class AsyncGeneratorModule(Module):
    def __aiter__(self) -> AsyncGeneratorModule:
        return self

    async def __anext__(self) -> Any:
        return await _Method(self._key(), "remote_anext", True)(run_name=self.name)


class FutureModule(Module):
    def __await__(self) -> Any:
        return _Method(self._key(), "remote_await", True)(run_name=self.name).__await__()


_LAZY = {
    "GeneratorModule": GeneratorModule,
    "AsyncGeneratorModule": AsyncGeneratorModule,
    "FutureModule": FutureModule,
}


# ---------------------------------------------------------------- factories


def _is_being_defined(item: Any) -> bool:
    """True in a decorator: the name does not mean ITEM yet."""
    module = sys.modules.get(item.__module__)
    return "." not in item.__qualname__ and getattr(module, item.__name__, None) is not item


def function(fn: Any = None, name: Optional[str] = None, **settings: Any) -> Any:
    """A Function that can be sent somewhere. As a decorator at the top of a file: the function itself."""
    if fn is None:
        return lambda inner: function(inner, name, **settings)
    if _is_being_defined(fn):
        return fn
    made = Function._of({"name": name or fn.__name__, "resource_type": "function"})
    made.__dict__["_gatehouse_wrapped"] = fn
    return made


def module(cls: Any = None, name: Optional[str] = None, **settings: Any) -> Any:
    """A class that can be sent somewhere. As a decorator at the top of a file: the class itself."""
    if cls is None:
        return lambda inner: module(inner, name, **settings)
    if _is_being_defined(cls):
        return cls
    made = _ModuleOfClass._of({"name": name or cls.__name__, "resource_type": "module"})
    made.__dict__["_gatehouse_wrapped"] = cls
    return made


def resource_of(config: Dict[str, Any]) -> Resource:
    """The object that stands for what CONFIG describes."""
    kind = config.get("resource_type")
    if kind == "cluster":
        return Cluster(config)
    if kind == "secret":
        return Secret(config)
    if kind == "function":
        return Function._of(config)
    if kind == "module":
        return _LAZY.get(str(config.get("resource_subtype")), Module)._of(config)
    return Resource(config)
