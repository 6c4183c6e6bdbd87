# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the `runhouse` package in envs that lack it.

Found last on sys.meta_path, so an installed package always wins. It has the names that pickles of
the client mention and those that user code needs on its own node; light.py holds them and is imported
with the first. Source: modules-and-calls.md section 8, way B.
"""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict

_NAMES: Dict[str, str] = {
    "runhouse": "Resource Module Function Cluster Secret function module",
    "runhouse.exceptions": "InsufficientDiskError",
    "runhouse.resources": "",
    "runhouse.resources.resource": "Resource",
    "runhouse.resources.module": "Module module",
    "runhouse.resources.future_module": "GeneratorModule AsyncGeneratorModule FutureModule",
    "runhouse.resources.functions": "Function function",
    "runhouse.resources.functions.function": "Function",
    "runhouse.resources.functions.function_factory": "function",
    "runhouse.resources.packages": "InstallTarget Package",
    "runhouse.resources.packages.package": "InstallTarget Package",
    "runhouse.resources.packages.git_package": "GitPackage",
    "runhouse.resources.hardware": "Cluster",
    "runhouse.resources.hardware.cluster": "Cluster",
    "runhouse.resources.hardware.on_demand_cluster": "",
    "runhouse.resources.secrets": "Secret",
    "runhouse.resources.secrets.secret": "Secret",
    "runhouse.rns": "",
    "runhouse.rns.utils": "",
    "runhouse.rns.utils.api": "ResourceAccess ResourceVisibility",
    "runhouse.servers": "",
    "runhouse.servers.obj_store": "ObjStoreError NoLocalObjStoreError RunhouseStopIteration",
    "runhouse.servers.http": "",
    "runhouse.servers.http.certs": "TLSCertConfig",
}
"""module -> the names of light.py that it has."""

_ALIASES: Dict[str, Dict[str, str]] = {
    "runhouse": {"fn": "function", "cls": "module"},
    "runhouse.resources.hardware": {"OnDemandCluster": "Cluster"},
    "runhouse.resources.hardware.on_demand_cluster": {"OnDemandCluster": "Cluster"},
}


_LEFT_OUT = "runhouse.resources.packages.git_package"
"""Of older packages, and in their pickles: found here also where a newer one is installed."""


class _ShimModule(types.ModuleType):
    """Makes `here` anew each time, and says what it is when a name is missing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "here" and self.__name__ == "runhouse":
            from . import light

            return light.here()
        raise AttributeError(
            "module %r has no attribute %r: the package runhouse is not installed in the environment %s, and "
            "gatehouse's stand-in has only what code on its own node needs. Install the package with: "
            "%s -m pip install runhouse" % (self.__name__, name, sys.prefix, sys.executable)
        )


def _fill(shim_module: types.ModuleType) -> None:
    from . import light

    name = shim_module.__name__
    members = vars(shim_module)
    for item in _NAMES[name].split():
        members[item] = getattr(light, item)
    for alias, item in _ALIASES.get(name, {}).items():
        members[alias] = getattr(light, item)
    if name == "runhouse":
        members.update(__version__="0.0.42", _gatehouse_shim=True)
        # Pickles name a class by the module that the package has it in: the longest here.
        for home in sorted(_NAMES, key=len):
            for item in _NAMES[home].split():
                if isinstance(getattr(light, item), type):
                    getattr(light, item).__module__ = home


class _Finder:
    """Last on sys.meta_path: asked only for names that nobody else found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in _NAMES or (
            name not in ("runhouse", _LEFT_OUT)
            and not isinstance(sys.modules.get("runhouse"), _ShimModule)
        ):
            return None
        from importlib.machinery import ModuleSpec

        is_package = any(other.startswith(name + ".") for other in _NAMES)
        return ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> types.ModuleType:
        return _ShimModule(spec.name, __doc__)

    def exec_module(self, shim_module: types.ModuleType) -> None:
        _fill(shim_module)


_finder = _Finder()


def install() -> None:
    """Make `import runhouse` work where the package is missing."""
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)  # type: ignore[arg-type]
