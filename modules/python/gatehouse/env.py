# SPDX-License-Identifier: Apache-2.0
"""`resource_type: env` of SDKs up to 0.0.36: packages, setup commands and variables of a process.

The SDK puts one and then calls it like any object. Installing and running commands is the daemon's
business, as for newer SDKs. Source: versions.md section 5.
"""

from __future__ import annotations

import os

from .current import Process
from .objects import ResourceEntry

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

_METHODS = ("pip", "uv", "conda", "local", "reqs", "rh", "git")


class Env:
    """What the SDK calls; the attributes are those of its config."""

    def __init__(self, config: Dict[str, Any]) -> None:
        self.reqs = list(config.get("reqs") or ())
        self.setup_cmds = list(config.get("setup_cmds") or ())
        self.env_vars = dict(config.get("env_vars") or {})
        self.working_dir = config.get("working_dir")
        self.conda_env_name = config.get("env_name") or None if config.get("conda_yaml") else None

    def install(self, force: bool = False) -> None:
        """Packages, then commands, then variables, as the config has them."""
        self._install_reqs()
        self._run_setup_cmds()
        self._set_env_vars()

    def _install_reqs(self, reqs: Optional[list] = None, **ignored: Any) -> None:
        from . import store

        for requirement in self.reqs if reqs is None else reqs:
            store.install_package(package_config(requirement), self.conda_env_name)

    def _run_setup_cmds(self, setup_cmds: Optional[list] = None, **ignored: Any) -> list:
        """[exit code, stdout, stderr] of each. Raises RuntimeError at the first that fails."""
        from . import store

        done = []
        for command in self.setup_cmds if setup_cmds is None else setup_cmds:
            result = store.run_bash(command, require_outputs=True, process=Process.name)
            if result[0] != 0:
                raise RuntimeError(
                    "Setup command %r failed with exit code %s: %s"
                    % (command, result[0], (result[2] or result[1]).strip())
                )
            done.append(list(result))
        return done

    def _set_env_vars(self, env_vars: Optional[dict] = None, **ignored: Any) -> None:
        from . import store

        given = self.env_vars if env_vars is None else env_vars
        wanted = {str(name): str(value) for name, value in given.items()}
        if wanted:
            store.set_env_vars(wanted, Process.name)
            os.environ.update(wanted)


def package_config(requirement: Any) -> Dict[str, Any]:
    """The config of a package given as the SDK does: "pip:numpy", "./folder", a config or a Package."""
    if isinstance(requirement, dict):
        return requirement
    if not isinstance(requirement, str):
        return requirement.config()
    method, colon, target = requirement.partition(":")
    if not colon or method not in _METHODS:
        method, target = "", requirement
    path = os.path.abspath(os.path.join(Process.home, os.path.expanduser(target)))
    if method in ("", "local", "reqs") and os.path.isdir(path):
        return {"install_method": method or "local", "install_target": [path, path]}
    target, _, args = target.partition(" ")
    return {"install_method": method or "pip", "install_target": target, "install_args": args}


class EnvEntry(ResourceEntry):
    """An env under its own name."""

    def __init__(self, config: Dict[str, Any], state: Dict[str, Any]) -> None:
        super().__init__(config)
        self.value = Env(config)
        self.value.__dict__.update(state)

    def type_name(self) -> str:
        return "runhouse.resources.envs.env.Env"

    def find(self, method: str) -> Any:
        if method in type(self.value).__dict__:
            return super().find(method)
        return self.find_own(method) or super().find(method)

    def shown(self) -> object:
        return self.client_config()
