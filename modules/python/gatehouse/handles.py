# SPDX-License-Identifier: Apache-2.0
"""Pickles of values that are not made of builtin types only.

Objects of the store (a module, a lazy result) travel as handles:
    Resource.from_config(config), then the state, as the client's own package reads them.
Source: serialization.md section 5, modules-and-calls.md section 8.
"""

from __future__ import annotations

import io
import pickle
import sys
import types

_REAL = b"runhouse.resources.resource"
_ALIAS = "gatehouse._resource_pointer"
"""Same length as the real name: a pickle made here names the alias, its bytes then get the real
name. So a handle can be sent without importing the client's package (0.6 s, 59 MiB)."""


class Resource:
    """Stands for the client's class of that name in pickles."""

    @staticmethod
    def from_config(config: dict) -> object:
        """Reached only by pickles that user code made and loads in this process."""
        from runhouse.resources.resource import Resource as real

        return real.from_config(config)


def _make_alias() -> None:
    module = types.ModuleType(_ALIAS)
    Resource.__module__ = Resource.from_config.__module__ = _ALIAS
    Resource.from_config.__qualname__ = "Resource.from_config"
    module.Resource = Resource  # type: ignore[attr-defined]
    sys.modules[_ALIAS] = module


_make_alias()
from_config = Resource.from_config


def _current_class(cls: type) -> object:
    """The class that CLS was replaced by when its module was reloaded, or None."""
    from .modules import imported

    module = sys.modules.get(cls.__module__)
    if module is None or cls.__module__ not in imported:
        return None
    found: object = module
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and found is not cls else None


def _reduce(obj: object) -> object:
    """What both picklers do first; NotImplemented leaves OBJ to them."""
    from . import objects

    entry = objects.entry_of(obj)
    if entry is not None:
        return from_config, (entry.client_config(),), entry.client_state()
    if isinstance(obj, type):
        current = _current_class(obj)
        if current is not None:
            # Objects made before a reload: by reference to the class that has the name now.
            return getattr, (current, "_gatehouse_no_such_name", current)
    return NotImplemented


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: object) -> object:
        return _reduce(obj)


_cloud_pickler = None


def _cloud() -> type:
    """The same on top of cloudpickle. Raises ImportError when the env has none."""
    global _cloud_pickler
    if _cloud_pickler is None:
        import cloudpickle

        base = cloudpickle.Pickler if hasattr(cloudpickle, "Pickler") else cloudpickle.CloudPickler

        class CloudPickler(base):  # type: ignore[misc, valid-type]
            def reducer_override(self, obj: object) -> object:
                reduced = _reduce(obj)
                return super().reducer_override(obj) if reduced is NotImplemented else reduced

        _cloud_pickler = CloudPickler
    return _cloud_pickler


def _run(pickler: type, value: object) -> bytes:
    buffer = io.BytesIO()
    pickler(buffer, 5).dump(value)
    raw = buffer.getvalue()
    alias = _ALIAS.encode()
    return raw.replace(alias, _REAL) if alias in raw else raw


def dumps(value: object) -> bytes:
    """VALUE pickled: plainly when that works, else by cloudpickle.

    cloudpickle is imported only when needed (it brings logging along). Once it is loaded it goes
    first, since the user may have registered modules with it.
    """
    if "cloudpickle" not in sys.modules:
        try:
            return _run(_Pickler, value)
        except Exception as error:
            try:
                cloud = _cloud()
            except ImportError:
                raise error from None
        return _run(cloud, value)
    return _run(_cloud(), value)
