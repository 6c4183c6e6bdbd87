# SPDX-License-Identifier: Apache-2.0
"""`resource_type: env` of SDKs up to 0.0.36: packages, setup commands and variables of a process.

The SDK puts one, which makes its process, and then calls it like any object. Packages are installed by
the daemon, as for newer SDKs, so that one install runs in an env at a time. The default env is there
without being put. Source: versions.md section 5.
"""

from __future__ import annotations

import json
import os
import shlex
import sys

from .current import Process
from .objects import ResourceEntry

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple, Union

DEFAULT_KEY = "_cluster_default_env"

_METHODS = ("pip", "uv", "conda", "local", "reqs", "rh", "git")
_PACKAGE_FIELDS = (
    "install_method",
    "install_args",
    "install_extras",
    "preferred_version",
    "git_url",
    "revision",
)
_OUTPUT_MAX_BYTES = 1 << 20

_installed: Set[str] = set()
"""Configs, without their names, of what was installed from this process."""


class Env:
    """What the SDK calls; the attributes are those of its config."""

    def __init__(self, config: Dict[str, Any]) -> None:
        variables = config.get("env_vars")
        self.name = config.get("name")
        self.reqs = list(config.get("reqs") or ())
        self.setup_cmds = list(config.get("setup_cmds") or ())
        # Text names a file of the client's, which sends what is in it by _set_env_vars.
        self.env_vars = dict(variables) if isinstance(variables, dict) else {}
        self.working_dir = config.get("working_dir")
        self.compute = config.get("compute")
        self.conda_yaml = config.get("conda_yaml")

    @property
    def conda_env_name(self) -> Optional[str]:
        return self.conda_yaml.get("name") if self.conda_yaml else None

    @property
    def env_name(self) -> Optional[str]:
        return self.conda_env_name or self.name

    def install(self, force: bool = False, **ignored: Any) -> None:
        """The config's packages, then its commands; not again what was done here before, unless FORCE."""
        wanted = {name: item for name, item in vars(self).items() if name != "name"}
        content = json.dumps(wanted, default=_as_config, sort_keys=True)
        if content in _installed and not force:
            return
        self._create_conda_env()
        self._set_env_vars()
        self._install_reqs()
        self._run_setup_cmds()
        _installed.add(content)

    def _create_conda_env(self, force: bool = False, **ignored: Any) -> None:
        if self.conda_yaml:
            from . import conda

            conda.need_env(self.conda_yaml)

    def _install_reqs(self, reqs: Optional[list] = None, **ignored: Any) -> None:
        from . import store

        own = self.reqs + ([self.working_dir] if self.working_dir else [])
        for requirement in reqs or own:
            store.install_package(package_config(requirement), self.conda_env_name)

    def _run_setup_cmds(self, setup_cmds: Optional[list] = None, **ignored: Any) -> list:
        """[exit code, stdout, stderr] of each. Raises RuntimeError at the first that fails."""
        done = []
        for command in setup_cmds or self.setup_cmds:
            result = self._run_command(command)
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

    def _full_command(self, command: str) -> str:
        if not self.conda_env_name:
            return command
        from . import conda

        words = (conda.program(), "run", "-n", self.conda_env_name)
        return "%s ${SHELL:-/bin/bash} -c %s" % (
            " ".join(map(shlex.quote, words)),
            shlex.quote(command),
        )

    def _run_command(
        self, command: str, require_outputs: bool = True, **ignored: Any
    ) -> Union[int, Tuple[int, str, str]]:
        """The exit code, with REQUIRE_OUTPUTS (code, stdout, stderr), of a command in this env."""
        done = run_shell(self._full_command(command), require_outputs)
        return tuple(done) if isinstance(done, list) else done  # type: ignore[return-value]


def run_shell(command: str, require_outputs: bool = True, shows: bool = True) -> Any:
    """shell.run, as part of the call that runs here: if it SHOWS, its standard output is the call's."""
    from . import shell, streams

    call = streams.current_call()
    sys.stdout.flush()
    return shell.run(
        call.call_id if call is not None else 0,
        command,
        require_outputs,
        _OUTPUT_MAX_BYTES,
        shows and call is not None and call.stream,
    )


# ---------------------------------------------------------------- packages


def _as_config(package: Any) -> Dict[str, Any]:
    """The config of a Package of the SDK's, by its attributes: the class here may be another's."""
    target = getattr(package, "install_target", None)
    if hasattr(target, "local_path"):
        target = [target.local_path, getattr(target, "_path_to_sync_to_on_cluster", None)]
    if target is None and not getattr(package, "install_method", None):
        raise TypeError("%r among the packages of an env is no package" % (package,))
    config = {name: getattr(package, name, None) for name in _PACKAGE_FIELDS}
    is_git = config["git_url"] is not None
    return dict(
        {name: item for name, item in config.items() if item is not None},
        install_target=target,
        resource_subtype="GitPackage" if is_git else "Package",
    )


def package_config(requirement: Any) -> Dict[str, Any]:
    """The config of a package given as the SDK does: "pip:numpy", "./folder", a config or a Package."""
    if isinstance(requirement, dict):
        return requirement
    if not isinstance(requirement, str):
        return _as_config(requirement)
    method, colon, target = requirement.partition(":")
    if not colon or method not in _METHODS:
        method, target = "", requirement
    path = os.path.abspath(os.path.join(Process.home, os.path.expanduser(target)))
    if method in ("", "local", "reqs") and os.path.isdir(path):
        return {"install_method": method or "reqs", "install_target": [path, path]}
    target, _, args = target.partition(" ")
    return {"install_method": method or "pip", "install_target": target, "install_args": args}


# ---------------------------------------------------------------- as an object


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


def default_entry() -> EnvEntry:
    """The env that is there without being put: that of the default process."""
    return EnvEntry(
        {"name": DEFAULT_KEY, "resource_type": "env", "resource_subtype": "Env"}, {}
    )


def put_with_process(process: str, payload: List[Any]) -> str:
    """Make PROCESS for the env that PAYLOAD ([config, state, dryrun]) describes, and put it there; its
    key. Raises ObjStoreError for anything but an env, what create_process raises, RuntimeError when its
    conda env cannot be made.
    """
    from . import store

    config, state = payload[0], payload[1]
    if config.get("resource_type") != "env":
        from runhouse.servers.obj_store import ObjStoreError

        raise ObjStoreError("Got None servlet for servlet_name %s." % process)
    runtime_env: Dict[str, Any] = {}
    if config.get("conda_yaml"):
        from . import conda

        conda.need_env(config["conda_yaml"])
        runtime_env["conda"] = config["conda_yaml"].get("name")
    store.create_process(process, config.get("compute") or {}, runtime_env, {})
    return store.put_resource(config, state or {}, process)
