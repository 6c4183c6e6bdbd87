# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the `runhouse` package in envs that lack it.

Found last on sys.meta_path, so an installed package always wins. It has the names that pickles of
the client mention; a user's file may import it at its top. Source: modules-and-calls.md section 8,
way B.
"""

from __future__ import annotations

import enum
import sys
import types

from . import objects
from .handles import from_config as _pickled_from_config

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional


class Resource:
    """A light handle of an object on the cluster; pickles back to the form it came in."""

    def __init__(self, config: Dict[str, Any]) -> None:
        self.__dict__["_gatehouse_config"] = dict(config)

    @staticmethod
    def from_config(
        config: Dict[str, Any], dryrun: bool = False, _resolve_children: bool = True
    ) -> Resource:
        return Resource(config)

    @property
    def name(self) -> Optional[str]:
        return (self._gatehouse_config.get("name") or "").rpartition("/")[2] or None

    @name.setter
    def name(self, name: str) -> None:
        self._gatehouse_config["name"] = name

    @property
    def rns_address(self) -> Optional[str]:
        name = self._gatehouse_config.get("name") or ""
        return name if "/" in name else None

    def config(self, condensed: bool = True) -> Dict[str, Any]:
        return dict(self._gatehouse_config)

    def __reduce__(self) -> tuple:
        state = {name: item for name, item in self.__dict__.items() if name != "_gatehouse_config"}
        return _pickled_from_config, (self.config(),), state

    def __repr__(self) -> str:
        return "<handle of %s>" % self._gatehouse_config.get("name")

    def _local(self) -> Any:
        """The object itself when it lives in this process. Raises RuntimeError when it does not."""
        entry = objects.entries.get(self.name or "")
        if entry is None:
            raise RuntimeError(
                "%r is not in this process; calling objects of other processes needs the package runhouse "
                "in the environment %s." % (self.name, sys.prefix)
            )
        return entry

    def __getattr__(self, method: str) -> Any:
        if method.startswith("__") or method not in (self._gatehouse_config.get("signature") or {}):
            raise AttributeError("%r has no attribute %r" % (self, method))

        def call(*args: Any, **kwargs: Any) -> Any:
            for name in ("run_name", "stream_logs", "remote", "run_async"):
                kwargs.pop(name, None)
            self._local()
            target = objects.find_target(self.name or "", method)
            fn = target.fn if target.fn is not None else getattr(target.owner, target.name)
            return fn(*args, **kwargs)

        return call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__getattr__("call")(*args, **kwargs)


class Module(Resource):
    """Base class for users' own subclasses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__({"name": kwargs.get("name"), "resource_type": "module"})

    def __reduce__(self) -> Any:
        return object.__reduce_ex__(self, 4)

    __getattr__ = None  # type: ignore[assignment]


class Function(Module):
    """Named by isinstance checks only."""


class Cluster(Resource):
    """A cluster's config."""


class Secret(Resource):
    """A secret's config."""


class TLSCertConfig:
    """Paths of certificates; part of a pickled cluster."""


class ResourceAccess(str, enum.Enum):
    WRITE = "write"
    READ = "read"


class ResourceVisibility(str, enum.Enum):
    UNLISTED = "unlisted"
    PUBLIC = "public"
    PRIVATE = "private"


class ObjStoreError(Exception):
    """A key or process that is not there."""


class NoLocalObjStoreError(ObjStoreError):
    def __init__(self, *args: object) -> None:
        super().__init__("No local object store exists; cannot perform operation.")


class RunhouseStopIteration(Exception):
    """The end of a generator, inside the client's own package."""


class InsufficientDiskError(Exception):
    """The node's disk is full."""

    def __init__(self, error_msg: Optional[str] = None, command: Optional[str] = None) -> None:
        self.command = command
        self.error_msg = error_msg
        super().__init__(
            error_msg
            or (command and "Command %s failed" % command)
            or "Cluster is out of disk space"
        )


def function(fn: Any = None, **settings: Any) -> Any:
    """`rh.function(f)` at the top of a user's file: the function itself."""
    return fn if fn is not None else lambda inner: inner


def module(cls: Any = None, **settings: Any) -> Any:
    """`rh.module(C)` at the top of a user's file: the class itself."""
    return cls if cls is not None else lambda inner: inner


_NAMES: Dict[str, Dict[str, Any]] = {
    "runhouse": {
        "Resource": Resource, "Module": Module, "Function": Function, "Cluster": Cluster, "Secret": Secret,
        "function": function, "fn": function, "module": module, "cls": module, "__version__": "0.0.42",
        "_gatehouse_shim": True,
    },
    "runhouse.exceptions": {"InsufficientDiskError": InsufficientDiskError},
    "runhouse.resources": {},
    "runhouse.resources.resource": {"Resource": Resource},
    "runhouse.resources.module": {"Module": Module, "module": module},
    "runhouse.resources.functions": {"Function": Function, "function": function},
    "runhouse.resources.functions.function": {"Function": Function},
    "runhouse.resources.functions.function_factory": {"function": function},
    "runhouse.resources.hardware": {"Cluster": Cluster, "OnDemandCluster": Cluster},
    "runhouse.resources.hardware.cluster": {"Cluster": Cluster},
    "runhouse.resources.hardware.on_demand_cluster": {"OnDemandCluster": Cluster},
    "runhouse.resources.secrets": {"Secret": Secret},
    "runhouse.resources.secrets.secret": {"Secret": Secret},
    "runhouse.rns": {},
    "runhouse.rns.utils": {},
    "runhouse.rns.utils.api": {"ResourceAccess": ResourceAccess, "ResourceVisibility": ResourceVisibility},
    "runhouse.servers": {},
    "runhouse.servers.obj_store": {
        "ObjStoreError": ObjStoreError, "NoLocalObjStoreError": NoLocalObjStoreError,
        "RunhouseStopIteration": RunhouseStopIteration,
    },
    "runhouse.servers.http": {},
    "runhouse.servers.http.certs": {"TLSCertConfig": TLSCertConfig},
}  # fmt: skip

_HOMES = {
    Resource: "runhouse.resources.resource",
    Module: "runhouse.resources.module",
    Function: "runhouse.resources.functions.function",
    Cluster: "runhouse.resources.hardware.cluster",
    Secret: "runhouse.resources.secrets.secret",
    TLSCertConfig: "runhouse.servers.http.certs",
    ResourceAccess: "runhouse.rns.utils.api",
    ResourceVisibility: "runhouse.rns.utils.api",
    ObjStoreError: "runhouse.servers.obj_store",
    NoLocalObjStoreError: "runhouse.servers.obj_store",
    RunhouseStopIteration: "runhouse.servers.obj_store",
    InsufficientDiskError: "runhouse.exceptions",
}


class _ShimModule(types.ModuleType):
    """Says what it is when a name is missing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            "module %r has no attribute %r: the package runhouse is not installed in the environment %s, and "
            "gatehouse's stand-in has only what pickles of the client name"
            % (self.__name__, name, sys.prefix)
        )


class _Finder:
    """Last on sys.meta_path: asked only for names that nobody else found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in _NAMES or (
            name != "runhouse" and not isinstance(sys.modules.get("runhouse"), _ShimModule)
        ):
            return None
        from importlib.machinery import ModuleSpec

        is_package = any(other.startswith(name + ".") for other in _NAMES)
        return ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> types.ModuleType:
        return _ShimModule(spec.name, __doc__)

    def exec_module(self, shim_module: types.ModuleType) -> None:
        for cls, home in _HOMES.items():
            cls.__module__ = home
        vars(shim_module).update(_NAMES[shim_module.__name__])


_finder = _Finder()


def install() -> None:
    """Make `import runhouse` work where the package is missing."""
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)  # type: ignore[arg-type]
