# SPDX-License-Identifier: Apache-2.0
"""Do something right after a module is first imported, without importing it ourselves."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Callable, Dict

_waiting: Dict[str, Callable] = {}


class _Loader:
    """The module's own loader, with our function after it."""

    def __init__(self, loader: object, then: Callable) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: object) -> object:
        return self._loader.create_module(spec)  # type: ignore[attr-defined]

    def exec_module(self, module: object) -> None:
        spec = module.__spec__  # type: ignore[attr-defined]
        spec.loader = module.__loader__ = self._loader  # type: ignore[attr-defined]
        self._loader.exec_module(module)  # type: ignore[attr-defined]
        self._then(module)

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)


class _Finder:
    """First on sys.meta_path; steps aside for every name nobody waits for."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        then = _waiting.pop(name, None)
        if then is None:
            return None
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            _waiting[name] = then
            return None
        spec.loader = _Loader(spec.loader, then)  # type: ignore[assignment]
        return spec


_finder = _Finder()


def when_imported(name: str, then: Callable) -> None:
    """Call THEN(module) once NAME has been executed; at once when it is loaded already."""
    module = sys.modules.get(name)
    if module is not None:
        then(module)
        return
    _waiting[name] = then
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)  # type: ignore[arg-type]
