# SPDX-License-Identifier: Apache-2.0
"""What user code may do with its node: the operations behind `runhouse.globals.obj_store` (sdk.py) and
behind the stand-in's `rh.here` (light.py). Calls are in nested.py.

A key of this process is used directly, by reference. Anything else is asked of the daemon.
Source: modules-and-calls.md section 7.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import quote

import _gatehouse

from . import daemon, objects, results, serialize
from .current import Process

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Sequence, Union


def cluster_config() -> Dict[str, Any]:
    """A copy of the cluster's config: the client's package takes members out of what it gets."""
    return dict(Process.cluster_config)


def is_here(system: object) -> bool:
    """Whether SYSTEM (a config, an address or a name) is this node's own cluster."""
    name = system.get("name") if isinstance(system, dict) else system
    return name == Process.cluster_config.get("name")


# ---------------------------------------------------------------- objects


def handle(config: Dict[str, Any]) -> Any:
    """The object through which what CONFIG describes is used, by the package or by the stand-in."""
    from runhouse.resources.resource import Resource

    config = dict(config)
    if "system" in config and is_here(config["system"]):
        config["system"] = cluster_config()
    return Resource.from_config(config, dryrun=True)


def handle_of(entry: objects.Entry) -> Any:
    """A handle of an object of this process, whatever name its client gave to this node."""
    return handle(dict(entry.client_config(), system=Process.cluster_config))


def get(key: str, default: Any = None, remote: bool = False) -> Any:
    """The object under KEY; with REMOTE a handle of it. An unknown key gives DEFAULT, or raises
    KeyError when that is KeyError.
    """
    entry = objects.entries.get(key)
    if entry is not None:
        if remote and not entry.resource:
            raise ValueError(
                "Cannot return remote for non-Resource object of type %s." % type(entry.value)
            )
        if remote or entry.value is entry:  # a function: what lies in the store is not the user's
            return handle_of(entry)
        return entry.value
    target = "/object?key=%s&serialization=pickle" % quote(key, safe="")
    value = daemon.value("GET", target + "&remote=true" if remote else target)
    if isinstance(value, daemon.Config):
        return handle(value)
    if value is None and not contains(key):
        if default is KeyError:
            raise KeyError("Key %s not found in any process." % key)
        return default
    return value


def contains(key: str) -> bool:
    return key in objects.entries or key in keys()


def keys(process: Optional[str] = None) -> List[str]:
    """All keys of the node, or those of PROCESS, in order of insertion."""
    return daemon.value(
        "GET", "/keys" + ("?process_name=" + quote(process, safe="") if process else "")
    )


def put(key: str, value: Any, process: Optional[str] = None) -> None:
    """Store VALUE under KEY: here by reference, or as a copy in PROCESS. Raises ObjStoreError when
    there is no such process.
    """
    if process is None or process == Process.name:
        put_here(key, value)
        return
    if process not in list_processes():
        from runhouse.servers.obj_store import ObjStoreError

        raise ObjStoreError("Process %s does not exist; cannot put key %s there." % (process, key))
    daemon.value("POST", "/object", _with_pickle(value, key=key, process_name=process))


def _with_pickle(value: Any, **fields: str) -> bytes:
    """The body of a request whose serialized_data is VALUE."""
    raw = _gatehouse.base64_literal(serialize.dumps_pickle(value))
    rest = json.dumps(dict(fields, serialization="pickle"))
    return b"".join((b'{"serialized_data":', raw, b",", rest[1:].encode()))


_ANNOUNCE_TRIES = 100


def _wait_till_known(key: str) -> None:
    """Return when the daemon has read that KEY is here, so that whoever is called next finds it.

    What a worker says of its keys and what it asks travel on two sockets, in no order.
    """
    _gatehouse.flush()
    for _ in range(_ANNOUNCE_TRIES):
        try:
            if key in keys(Process.name) or key not in objects.entries:
                return
        except ConnectionError:
            return  # nobody who could be called, then


def put_here(key: str, value: Any) -> None:
    _put_here(key, value)
    _wait_till_known(key)


def _put_here(key: str, value: Any) -> None:
    entry = objects.entry_of(value)
    config = entry.client_config() if entry is not None else results.handle_config(value)
    if config is None:
        objects.put(key, objects.PlainEntry(value))
    elif str(config.get("name") or "").rpartition("/")[2] in ("", key):
        _put_module(key, value, config)
    else:
        objects.put(key, results.stored_as(config, key, value, entry))


def _put_module(key: str, value: Any, config: Dict[str, Any]) -> None:
    """A module that is itself what is to be stored, not a handle of something elsewhere."""
    from . import modules

    config = dict(config, name=config.get("name") or key, process=Process.name)
    if config.get("resource_type") == "module":
        made: objects.Entry = modules.ModuleEntry(config, type(value), value)
        modules._set_base_attributes(made)  # type: ignore[arg-type]
    else:
        made = modules.build(config, {})
    objects.put(key, made)


def put_resource(config: Dict[str, Any], state: Dict[str, Any], process: Optional[str]) -> str:
    """Build the module that CONFIG describes, in PROCESS; its key.

    In this process a state is taken by reference. Without one the daemon is asked even so: it can
    then build the module again after this worker's death.
    """
    if config.get("resource_type") == "function":
        state = {}  # the function is imported from its pointers
    config = _with_real_pointers(config)
    process = process or Process.name
    if process == Process.name and state:
        from . import modules

        made = modules.build(config, state)
        objects.put(made.key, made)
        _wait_till_known(made.key)
        return made.key
    body = _with_pickle([config, state, True], process_name=process)
    return daemon.value("POST", "/resource", body)


def root_of(module_name: str) -> Optional[str]:
    """The directory that holds the top package of a module that is loaded here from a file."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    if not file:
        return None
    root = os.path.dirname(os.path.abspath(file))
    for _ in range(module_name.count(".") + (os.path.basename(file) == "__init__.py")):
        root = os.path.dirname(root)
    return root


def _with_real_pointers(config: Dict[str, Any]) -> Dict[str, Any]:
    """CONFIG with pointers to where the code is.

    `.to` names the place below home that a client would have copied it to. Code of this node may be
    anywhere, and nothing is copied.
    """
    for field in ("pointers", "fn_pointers"):
        pointers = config.get(field)
        if pointers and pointers[0]:
            root = root_of(pointers[1])
            if root and not os.path.isdir(os.path.join(Process.home, pointers[0])):
                config = dict(config, **{field: (root, pointers[1], pointers[2])})
    return config


def rename(key: str, new_key: str) -> None:
    """new_key: may be an address `/user/name`. Raises KeyError."""
    if key in objects.entries:
        objects.rename(key, new_key)
        _wait_till_known(new_key.rpartition("/")[2])
    else:
        daemon.value("POST", "/rename", {"key": key, "new_key": new_key})


def delete(names: Union[str, Sequence[str]]) -> None:
    """Raises KeyError for an unknown key; those before it are gone then."""
    names = [names] if isinstance(names, str) else list(names)
    if names:  # the route takes an empty list for "all"
        daemon.value("POST", "/delete_object", {"keys": names})


def clear() -> None:
    daemon.value("POST", "/delete_object", {"keys": []})


_FRAMEWORKS = {"ray": "ray", "pytorch": "torch", "dask": "dask", "spark": "pyspark"}
"""distribution -> the package that it needs."""


def distribute(entry: objects.Entry, distribution: str, *args: Any, **kwargs: Any) -> Any:
    """`module.distribute(...)`: "pool" needs this node only, the others their own frameworks."""
    from importlib.util import find_spec

    if distribution != "pool" and distribution not in _FRAMEWORKS:
        known = ", ".join(["pool", *sorted(_FRAMEWORKS)])
        raise ValueError("distribution should be one of %s; not %r." % (known, distribution))
    package = _FRAMEWORKS.get(distribution)
    if package and find_spec(package) is None:
        raise ModuleNotFoundError(
            "distribute(%r) needs the package %s in the environment %s. Install it with: %s -m pip "
            "install %s" % (distribution, package, sys.prefix, sys.executable, package),
            name=package,
        )
    module = handle_of(entry)
    if not hasattr(type(module), "distribute"):
        from .light import install_hint

        raise NotImplementedError(install_hint("distribute(%r)" % distribution))
    module.__dict__.update(entry.client_state())  # replicas begin with the attributes of this one
    return module.distribute(distribution, *args, **kwargs)


# ---------------------------------------------------------------- the node


def list_processes() -> Dict[str, Dict[str, Any]]:
    return daemon.value("GET", "/processes")


def create_process(
    name: str, compute: object = None, runtime_env: object = None, env_vars: object = None
) -> None:
    wanted = {"name": name, "compute": compute, "runtime_env": runtime_env, "env_vars": env_vars}
    daemon.value("POST", "/create_process", wanted)


def kill_process(name: str) -> None:
    daemon.value("POST", "/kill_process", {"process_name": name})


def set_env_vars(env_vars: Dict[str, str], process: Optional[str] = None) -> None:
    """In PROCESS, or in all of them and those to come."""
    body: Dict[str, Any] = {"env_vars": env_vars}
    if process is not None:
        body["process_name"] = process
    daemon.value("POST", "/env_vars", body)


def _node(node: object) -> object:
    """The index of an address of this cluster's, which the route knows in any case."""
    ips = Process.cluster_config.get("ips") or []
    return ips.index(node) if node in ips else node


def run_bash(
    command: str,
    require_outputs: bool = False,
    node: object = None,
    process: Optional[str] = None,
    run_name: Optional[str] = None,
) -> Any:
    """The exit code, or with REQUIRE_OUTPUTS (code, stdout, stderr), of a shell command on NODE (an
    index or an address) or in PROCESS.
    """
    if node is not None and process:
        raise ValueError("Cannot specify both node_ip and process.")
    if node is None and not process:
        raise ValueError("Must specify either node_ip or process.")
    wanted = {
        "command": command,
        "require_outputs": require_outputs,
        "node_ip_or_idx": _node(node),
        "process": process,
        "run_name": run_name,
    }
    done = daemon.value("POST", "/run_bash", wanted)
    return tuple(done) if isinstance(done, list) else done


def logs(
    run_name: str, key: Optional[str] = None, process: Optional[str] = None, node: object = None
) -> Iterator[List[str]]:
    """Lines of a run of KEY, PROCESS or NODE (one of them), in batches, until it ends."""
    given = {"key": key, "process": process, "node_ip_or_idx": _node(node)}
    named = {name: item for name, item in given.items() if item is not None}
    if len(named) != 1:
        raise ValueError("Must provide exactly one of servlet_name, key, or node_ip.")
    return daemon.lines(dict(named, run_name=run_name))


def install_package(
    config: Dict[str, Any],
    conda_env_name: Optional[str] = None,
    venv_path: Optional[str] = None,
    override_remote_version: bool = False,
) -> None:
    wanted = {
        "package_config": config,
        "conda_env_name": conda_env_name,
        "venv_path": venv_path,
        "override_remote_version": override_remote_version,
    }
    daemon.value("POST", "/install_package", wanted)


def add_path(path: str) -> None:
    """PATH to position 0 of sys.path of every process, and of those to come."""
    install_package({"install_method": "local", "install_target": [path, path]})


def status(send_to_den: bool = False) -> tuple:
    """(status of the node, what Den answered or None)."""
    return tuple(daemon.value("GET", "/status?send_to_den=" + ("true" if send_to_den else "false")))


_SETTINGS = {
    "name": "cluster_name",
    "den_auth": "den_auth",
    "autostop_mins": "autostop_mins",
    "status_check_interval": "status_check_interval",
}


def set_cluster_config(name: str, value: object) -> None:
    """Change the member NAME of the cluster's config. Raises ValueError for one that is fixed."""
    if name not in _SETTINGS:
        raise ValueError(
            "%s of the cluster's config cannot be changed while it runs; only %s can."
            % (name, ", ".join(sorted(_SETTINGS)))
        )
    daemon.value("POST", "/settings", {_SETTINGS[name]: value})
    Process.cluster_config = dict(Process.cluster_config, **{name: value})
