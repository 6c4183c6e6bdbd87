# SPDX-License-Identifier: Apache-2.0
"""`rh.here` of the stand-in: this node, as the client's package has it. Imported by its first use."""

from __future__ import annotations

import copyreg

from .current import Process
from .lightbase import OWN, Resource, install_hint

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class Cluster(Resource):
    """A cluster's config, and when it is this node's, its operations."""

    RESOURCE_TYPE = "cluster"

    def __setstate__(self, state: Dict[str, Any]) -> None:
        """STATE: the attributes of a cluster object, as the client's package pickles them."""
        self.__dict__.update(state)
        folder, name = state.get("_rns_folder"), state.get("_name")
        config = {"name": "%s/%s" % (folder, name) if folder else name, "resource_type": "cluster"}
        for field in ("ips", "server_port", "server_host", "server_connection_type", "den_auth"):
            item = state.get(field, state.get("_" + field))
            if item is not None:
                config[field] = getattr(item, "value", item)
        self.__dict__[OWN] = config

    def __reduce__(self) -> tuple:
        if "_name" not in self.__dict__:  # made here, of a config
            return super().__reduce__()
        state = {name: item for name, item in self.__dict__.items() if name != OWN}
        return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined]

    def on_this_cluster(self) -> bool:
        return self._gatehouse_config.get("name") == Process.cluster_config.get("name")

    @property
    def ips(self) -> List[str]:
        return list(self._gatehouse_config.get("ips") or [])

    internal_ips = ips

    def _store(self) -> Any:
        if not self.on_this_cluster():
            raise NotImplementedError(install_hint("Asking the cluster %s" % self.name))
        from . import store

        return store

    def get(self, key: str, default: Any = None, remote: bool = False) -> Any:
        return self._store().get(key, default, remote)

    def put(self, key: str, obj: Any, process: Optional[str] = None) -> None:
        self._store().put(key, obj, process)

    def keys(self, process: Optional[str] = None) -> List[str]:
        return self._store().keys(process)

    def rename(self, old_key: str, new_key: str) -> None:
        self._store().rename(old_key, new_key)

    def delete(self, keys: Any) -> None:
        self._store().delete(keys)

    def clear(self) -> None:
        self._store().clear()

    def call(
        self,
        module_name: str,
        method_name: str,
        *args: Any,
        stream_logs: bool = True,
        run_name: Optional[str] = None,
        remote: bool = False,
        run_async: bool = False,
        save: bool = False,
        **kwargs: Any,
    ) -> Any:
        self._store()
        from . import nested

        call = nested.acall if run_async else nested.call
        return call(module_name, method_name, args, kwargs, run_name, stream_logs, remote)

    def list_processes(self) -> Dict[str, Any]:
        return self._store().list_processes()

    def create_process(
        self,
        name: str,
        env_vars: Optional[dict] = None,
        compute: Optional[dict] = None,
        runtime_env: Optional[dict] = None,
    ) -> str:
        if name in self.list_processes():
            raise ValueError(
                "Process %s already exists and was started with different arguments." % name
            )
        self._store().create_process(name, compute, runtime_env or {}, env_vars)
        return name

    def ensure_process_created(self, name: str, **settings: Any) -> str:
        return name if name in self.list_processes() else self.create_process(name, **settings)

    def kill_process(self, process: str) -> None:
        self._store().kill_process(process)

    def set_process_env_vars(self, name: str, env_vars: Dict[str, str]) -> None:
        self._store().set_env_vars(env_vars, name)

    def set_env_vars_globally(self, env_vars: Dict[str, str]) -> None:
        self._store().set_env_vars(env_vars)

    def status(self, send_to_den: bool = False) -> Any:
        return self._store().status(send_to_den)[0]

    def run_bash(
        self,
        commands: Any,
        node: Any = None,
        process: Optional[str] = None,
        stream_logs: bool = True,
        require_outputs: bool = True,
    ) -> Any:
        """Exit code, stdout and stderr of each command, or of the one given as text."""
        if node is not None and process is not None:
            raise ValueError("Only one of node or process can be specified.")
        store = self._store()
        from . import nested

        where = node if node is not None or process is not None else 0
        done = []
        for command in [commands] if isinstance(commands, str) else commands:
            if not stream_logs:
                done.append(store.run_bash(command, require_outputs, where, process))
                continue
            run_name = nested.new_run_name("run_bash")
            with nested.Follower("", run_name, process=process, node=where) as follower:
                follower.start()
                done.append(store.run_bash(command, require_outputs, where, process, run_name))
        return done[0] if isinstance(commands, str) else done

    run = run_bash

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        config = self.__dict__.get(OWN) or {}
        if name in config:
            return config[name]
        raise AttributeError(install_hint("Cluster.%s" % name))


def here() -> Cluster:
    """This node."""
    return Cluster(dict(Process.cluster_config, resource_type="cluster"))
