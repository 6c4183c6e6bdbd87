# SPDX-License-Identifier: Apache-2.0
"""Conda envs that SDKs up to 0.0.36 describe by a dict, as conda's YAML files do.

Where conda is looked for is what node/install_conda.c says, which also gets it where the node's owner
allows that.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from threading import Lock

from .current import Process

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

_PREFIXES = (
    "~/miniconda3 ~/miniforge3 ~/mambaforge ~/anaconda3 /opt/conda /opt/miniconda3 /opt/miniforge3 "
    "/opt/anaconda3 /opt/mambaforge /usr/local/conda /usr/local/miniconda3"
).split()

_OF_THE_CLIENT = "ray >= 2.2.0, != 2.6.0"
"""Added by the client to every env, for its server; nothing here needs it."""

_lock = Lock()


def _find() -> Optional[str]:
    named = os.environ.get("CONDA_EXE")
    places = [os.path.join(os.path.expanduser(prefix), "bin", "conda") for prefix in _PREFIXES]
    for path in [shutil.which("conda"), named] + places:
        if path and os.access(path, os.X_OK):
            return path
    return None


def program() -> str:
    """The path of conda. Raises RuntimeError, with what to do, when there is none."""
    found = _find()
    if found is None:
        from . import store

        # Any install by conda makes the daemon get it, or say why not; this one changes nothing.
        store.install_package({"install_method": "conda", "install_target": "pip"})
        found = _find()
    if found is None:
        raise RuntimeError("Conda is not installed on this node.")
    return found


def _run(*words: str, shows: bool = True) -> List[Any]:
    from .env import run_shell

    return run_shell(" ".join(map(shlex.quote, words)), shows=shows)


def _has_env(conda: str, name: str) -> bool:
    code, out, err = _run(conda, "env", "list", "--json", shows=False)
    if code != 0:
        raise RuntimeError("%s env list failed: %s" % (conda, err.strip()))
    return any(os.path.basename(path) == name for path in json.loads(out).get("envs", ()))


def _without_ray(described: Dict[str, Any]) -> Dict[str, Any]:
    """DESCRIBED less what the client adds for its own server."""
    dependencies: List[Any] = []
    for item in described.get("dependencies") or ():
        if isinstance(item, dict) and "pip" in item:
            kept = [package for package in item["pip"] if package != _OF_THE_CLIENT]
            item = dict(item, pip=kept) if kept else None
        if item is not None:
            dependencies.append(item)
    if not any(isinstance(item, str) and item.startswith("python") for item in dependencies):
        dependencies.append("python")
    return dict(described, dependencies=dependencies)


def need_env(described: Dict[str, Any]) -> None:
    """Make the conda env that DESCRIBED is, unless there is one of its name. Raises ValueError, RuntimeError."""
    name = described.get("name") if isinstance(described, dict) else None
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError("conda_yaml should be a dict with the env's name, got %r" % (described,))
    with _lock:
        conda = program()
        if _has_env(conda, name):
            return
        folder = os.path.join(Process.home, ".rh", "envs")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name + ".yml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(_without_ray(described), out, indent=2)  # which is YAML, too
        code, text, err = _run(conda, "env", "create", "-n", name, "-f", path)
        if code != 0:
            raise RuntimeError("conda env create -n %s failed: %s" % (name, (err or text).strip()))
