# SPDX-License-Identifier: Apache-2.0
"""The plain names of the stand-in for the `runhouse` package: Resource, errors, enumerations."""

from __future__ import annotations

import enum
import sys

from .handles import from_config as _pickled_from_config

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

OWN = "_gatehouse_config"


def install_hint(what: str) -> str:
    return "%s needs the package runhouse in the environment %s. Install it with: %s -m pip install runhouse" % (
        what,
        sys.prefix,
        sys.executable,
    )


class Resource:
    """Something with a name and a config; pickles back to the form it came in."""

    _gatehouse_config: Dict[str, Any] = {}
    RESOURCE_TYPE = "resource"

    def __init__(self, config: Optional[Dict[str, Any]] = None, **more: Any) -> None:
        self.__dict__[OWN] = dict(config or {}, **more)

    @staticmethod
    def from_config(
        config: Dict[str, Any], dryrun: bool = False, _resolve_children: bool = True
    ) -> Resource:
        from . import light

        return light.resource_of(config)

    @classmethod
    def _of(cls, config: Dict[str, Any]) -> Any:
        """A handle of what CONFIG describes, without the __init__ of users' subclasses."""
        made = cls.__new__(cls)
        Resource.__init__(made, config)
        return made

    @property
    def name(self) -> Optional[str]:
        name = self.__dict__.get("_name") or self._gatehouse_config.get("name") or ""
        return name.rpartition("/")[2] or None

    @name.setter
    def name(self, name: Optional[str]) -> None:
        self.__dict__.setdefault(OWN, {})["name"] = name
        if "_name" in self.__dict__:
            self.__dict__["_name"] = name

    @property
    def rns_address(self) -> Optional[str]:
        name = self._gatehouse_config.get("name") or ""
        return name if "/" in name else None

    @property
    def visibility(self) -> str:
        return self.__dict__.get("_visibility") or self._gatehouse_config.get("visibility") or "private"

    @visibility.setter
    def visibility(self, visibility: Any) -> None:
        self.__dict__.setdefault(OWN, {})["visibility"] = getattr(visibility, "value", visibility)

    def config(self, condensed: bool = True) -> Dict[str, Any]:
        return dict(self._gatehouse_config)

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(install_hint("Saving a resource to Den"))

    share = save

    def __reduce__(self) -> tuple:
        state = {name: item for name, item in self.__dict__.items() if name != OWN}
        return _pickled_from_config, (self.config(),), state

    def __repr__(self) -> str:
        return "<handle of %s>" % self._gatehouse_config.get("name")


class Secret(Resource):
    """A secret's config."""

    RESOURCE_TYPE = "secret"


# ---------------------------------------------------------------- small names


class TLSCertConfig:
    """Paths of certificates; part of a pickled cluster."""


class InstallTarget:
    """A folder among the packages of an env (SDKs up to 0.0.35)."""


class Package:
    """A package of an env, pickled by reference to its class: env.py reads its attributes."""


class GitPackage(Package):
    """One that is cloned."""


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
