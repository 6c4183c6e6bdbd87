# SPDX-License-Identifier: Apache-2.0
"""Results that are resources: the object of a key, or a handle of one.

Source: serialization.md section 6, http-api.md section 7 quirk 17.
"""

from __future__ import annotations

import sys

from . import objects
from .objects import Entry, ResourceEntry

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Optional


class HandleEntry(ResourceEntry):
    """A handle stored under a key: its methods go where the handle goes."""

    def __init__(self, config: dict, handle: object) -> None:
        super().__init__(config)
        self.value = handle

    def type_name(self) -> str:
        return "runhouse.resources.module.%s" % self.config.get("resource_subtype", "Module")

    def client_config(self) -> dict:
        return self.module_config()


def handle_config(value: object) -> Optional[dict]:
    """The config of a handle (the client's Resource or the stand-in's), or None for any other object."""
    for name in ("runhouse.resources.resource", "gatehouse.light"):
        module = sys.modules.get(name)
        base = getattr(module, "Resource", None)
        if isinstance(base, type) and isinstance(value, base):
            return dict(value.config())  # type: ignore[attr-defined]
    return None


def is_given_name(run_name: str) -> bool:
    """True for run names chosen by the user; generated ones hold `--` (SDKs up to 0.0.36: `@` and a
    time).
    """
    return bool(run_name) and "--" not in run_name and "@" not in run_name


def register(value: object, remote: bool, run_name: str) -> Optional[dict]:
    """Store a resource result under the name that the user gave to the run, or with REMOTE under
    its own.

    Returns its config when the answer is to be that (REMOTE), else None.
    """
    given = is_given_name(run_name)
    if not (remote or given):
        return None
    entry = objects.entry_of(value)
    config = entry.client_config() if entry is not None else handle_config(value)
    if config is None:
        return None
    name = run_name if given else (config.get("name") or run_name)
    key = str(name).rpartition("/")[2]
    # A named handle stands for an object elsewhere. To store it under that object's key would take the
    # key away from the object, and a call through it would come back here for ever.
    is_elsewhere = entry is None and config.get("name")
    if given or not (is_elsewhere or key in objects.entries):
        entry = stored_as(config, name, value, entry)
        objects.put(key, entry)
        config = entry.client_config()
    return config if remote else None


def stored_as(config: dict, name: str, value: object, entry: Optional[Entry]) -> Entry:
    """An entry for NAME: another name for an object of this process, else the handle itself."""
    old_key = str(config.get("name") or "").rpartition("/")[2]
    local = entry if entry is not None else objects.entries.get(old_key)
    config = dict(config, name=name)
    if isinstance(local, ResourceEntry):
        import copy

        made = copy.copy(local)
        made.config = dict(local.config, name=name)
        made.rename(name)
        return made
    return HandleEntry(config, value)
