# SPDX-License-Identifier: Apache-2.0
"""The `runhouse` package inside a worker: its `globals.obj_store` is ours.

All its modules hold that one object, so its class is replaced, the object stays. Names, parameters and
their order are those that the package itself calls. Source: modules-and-calls.md section 7 and
runhouse 0.0.42 servers/obj_store.py; what of that class is not named here needs Ray and says so.
"""

from __future__ import annotations

from . import nested, objects, store
from .current import Process

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, AsyncIterator, Dict, List, Optional, Tuple


def attach(runhouse_globals: ModuleType) -> None:
    """Make `obj_store` speak to this worker's daemon. Called once the module has been executed."""
    held = runhouse_globals.obj_store  # type: ignore[attr-defined]
    if not isinstance(held, _Operations):
        base = type(held)
        held.__class__ = type(base.__name__, (_Operations, base), {"__module__": base.__module__})
    _log_to_the_process()


def attach_modules(runhouse_module: ModuleType) -> None:
    """Let the `system` of an object of this process be this node. Its `_system` stays None: with one
    its methods would call each other by way of the daemon.
    """
    kept = runhouse_module.Module.system  # type: ignore[attr-defined]

    def system(self: Any) -> Any:
        found = kept.fget(self)
        if found is None and objects.entry_of(self) is not None:
            import runhouse

            found = runhouse.here
        return found

    runhouse_module.Module.system = property(system, kept.fset, doc=kept.__doc__)  # type: ignore[attr-defined]


def _log_to_the_process() -> None:
    """What the package says of itself is no output of the call that uses it, as upstream has it."""
    import logging

    for handler in logging.getLogger("runhouse").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(open(1, "w", buffering=1, closefd=False, errors="backslashreplace"))


class _Imported(dict):
    """Modules that the package imported for a handle. Never "contains" one, so that a handle which is
    unpickled does not reload the user's code while it runs: modules.build does that, at a put.
    """

    def __contains__(self, name: object) -> bool:
        return False


_imported = _Imported()


class _Done:
    """What an operation returns that the package sometimes awaits and sometimes forgets to."""

    def __await__(self) -> Any:
        return iter(())


def _parts(data: Any) -> Tuple[Any, Dict[str, Any]]:
    """(args, kwargs) of a call's data; modules that are marked for it are replaced by their state."""
    if data is None:
        return (), {}
    args, kwargs = data.get("args") or (), data.get("kwargs") or {}
    return [_resolved(arg) for arg in args], {name: _resolved(arg) for name, arg in kwargs.items()}


def _resolved(arg: Any) -> Any:
    attributes = getattr(arg, "__dict__", None)
    if type(attributes) is dict and attributes.get("_resolve") and "_pointers" in attributes:
        return arg.fetch()
    return arg


def _refuse_serialization(serialization: object) -> None:
    if serialization not in (None, "none"):
        raise ValueError(
            "serialization=%r: values are passed as they are inside a process" % serialization
        )


class _Operations:
    """Stands before the package's own ObjStore class."""

    # -- what it is

    servlet_name = property(lambda self: Process.name)
    has_local_storage = property(lambda self: True)
    cluster_config = property(lambda self: store.cluster_config())
    imported_modules = property(lambda self: _imported)

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """A worker is initialized as it is."""

    async def ainitialize(self, *args: Any, **kwargs: Any) -> None:
        """A worker is initialized as it is."""

    def get_process_name(self) -> str:
        return Process.name

    def get_process_servlet(self) -> str:
        return Process.name

    def get_internal_ips(self) -> List[str]:
        return list(Process.cluster_config.get("ips") or ["127.0.0.1"])

    def is_den_auth_enabled(self) -> bool:
        return bool(Process.cluster_config.get("den_auth"))

    def get_cluster_config(self) -> Dict[str, Any]:
        return store.cluster_config()

    async def aget_cluster_config(self, refresh: bool = False) -> Dict[str, Any]:
        return store.cluster_config()

    def set_cluster_config_value(self, key: str, value: Any) -> None:
        store.set_cluster_config(key, value)

    # -- keys

    def keys(self) -> List[str]:
        return store.keys()

    def contains(self, key: Any) -> bool:
        return store.contains(key)

    def get(
        self,
        key: Any,
        serialization: Optional[str] = None,
        remote: bool = False,
        default: Any = None,
    ) -> Any:
        _refuse_serialization(serialization)
        return store.get(key, default, remote)

    def put(
        self,
        key: Any,
        value: Any,
        process: Optional[str] = None,
        serialization: Optional[str] = None,
        create_servlet_if_not_exists: bool = False,
    ) -> None:
        _refuse_serialization(serialization)
        if create_servlet_if_not_exists and process and process not in store.list_processes():
            store.create_process(process)
        store.put(key, value, process)

    def put_local(self, key: Any, value: Any) -> None:
        store.put_here(key, value)

    async def aput_local(self, key: Any, value: Any) -> None:
        store.put_here(key, value)

    def put_resource(
        self,
        serialized_data: Any,
        serialization: Optional[str] = None,
        process: Optional[str] = None,
    ) -> str:
        _refuse_serialization(serialization)
        config, state, _ = serialized_data
        return store.put_resource(config, state or {}, process)

    def rename(self, old_key: Any, new_key: Any) -> None:
        store.rename(old_key, new_key)

    def delete(self, key: Any) -> None:
        store.delete(key)

    def clear(self) -> None:
        store.clear()

    # -- calls

    def call(
        self,
        key: str,
        method_name: Optional[str] = None,
        data: Any = None,
        serialization: Optional[str] = None,
        run_name: Optional[str] = None,
        stream_logs: bool = False,
        remote: bool = False,
    ) -> Any:
        _refuse_serialization(serialization)
        args, kwargs = _parts(data)
        return nested.call(key, method_name, args, kwargs, run_name, stream_logs, remote)

    async def acall(
        self,
        key: str,
        method_name: Optional[str] = None,
        data: Any = None,
        serialization: Optional[str] = None,
        run_name: Optional[str] = None,
        stream_logs: bool = False,
        remote: bool = False,
    ) -> Any:
        _refuse_serialization(serialization)
        args, kwargs = _parts(data)
        return await nested.acall(key, method_name, args, kwargs, run_name, stream_logs, remote)

    async def alogs_for_run_name(
        self,
        run_name: str,
        servlet_name: Optional[str] = None,
        key: Optional[str] = None,
        node_ip: Optional[str] = None,
    ) -> AsyncIterator[List[str]]:
        batches = store.logs(run_name, key, servlet_name, node_ip)
        while True:
            batch = await nested.in_thread(next, batches, None)
            if batch is None:
                return
            yield batch

    # -- processes

    def list_processes(self) -> Dict[str, Dict[str, Any]]:
        return store.list_processes()

    def get_servlet(
        self,
        name: str,
        create_process_params: Any = None,
        create: bool = False,
        raise_ex_if_not_found: bool = False,
        use_servlet_cache: bool = True,
        **kwargs: Any,
    ) -> Optional[str]:
        """The name of the process, made when CREATE is set; None when there is none."""
        if create_process_params is not None and name != create_process_params.name:
            raise ValueError("servlet name and create_process_params.name must be the same.")
        if name in store.list_processes():
            return name
        if create:
            if create_process_params is None:
                raise ValueError("Must provide create_process_params if creating a servlet.")
            wanted = create_process_params
            store.create_process(name, wanted.compute, wanted.runtime_env, wanted.env_vars)
            return name
        if raise_ex_if_not_found:
            from runhouse.servers.obj_store import ObjStoreError

            raise ObjStoreError(
                "Process %s does not exist. Please send it to the cluster first." % name
            )
        return None

    def delete_servlet_contents(self, servlet_name: str) -> None:
        store.kill_process(servlet_name)

    def set_process_env_vars(self, servlet_name: str, env_vars: Dict[str, str]) -> None:
        store.set_env_vars(env_vars, servlet_name)

    def set_env_vars_globally(self, env_vars: Dict[str, str]) -> None:
        """The package calls it and its own class lacks it."""
        store.set_env_vars(env_vars)

    # -- the node

    def run_bash_command_on_node_or_process(
        self,
        command: str,
        require_outputs: bool = False,
        run_name: Optional[str] = None,
        node_ip: Optional[str] = None,
        process: Optional[str] = None,
    ) -> Any:
        return store.run_bash(command, require_outputs, node_ip, process, run_name)

    def ainstall_package_in_all_nodes_and_processes(
        self,
        package: Any,
        conda_env_name: Optional[str] = None,
        venv_path: Optional[str] = None,
        override_remote_version: bool = False,
    ) -> _Done:
        """Installs at once: the package forgets to await this."""
        store.install_package(
            _package_config(package), conda_env_name, venv_path, override_remote_version
        )
        return _Done()

    def add_sys_path_to_all_processes(self, path: str) -> None:
        store.add_path(path)

    def status(self, send_to_den: bool = False) -> tuple:
        return store.status(send_to_den)


def _package_config(package: Any) -> Dict[str, Any]:
    """The config that a client sends, with the paths of this node: nothing is copied to it."""
    config = package.config()
    target = package.install_target
    if not isinstance(target, str) and target is not None:
        path = target.full_local_path_str()
        config["install_target"] = [path, path]
    return config


def _awaitable(name: str) -> Any:
    plain = getattr(_Operations, name)

    async def spelled_with_a(self: _Operations, *args: Any, **kwargs: Any) -> Any:
        return await nested.in_thread(lambda: plain(self, *args, **kwargs))

    return spelled_with_a


for _name in (
    "keys contains get put put_resource rename delete clear list_processes delete_servlet_contents "
    "set_process_env_vars set_env_vars_globally run_bash_command_on_node_or_process "
    "add_sys_path_to_all_processes status set_cluster_config_value"
).split():
    setattr(_Operations, "a" + _name, _awaitable(_name))
