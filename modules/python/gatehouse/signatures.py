# SPDX-License-Identifier: Apache-2.0
"""Signature entries of configs, for objects that came without one (LOAD, plain JSON puts).

Shape: method -> {"signature", "async", "gen", "doc", "annotations"}. Source: modules-and-calls.md section 2.1.
"""

from __future__ import annotations

import inspect

TYPE_CHECKING = False  # importing typing takes milliseconds at start
if TYPE_CHECKING:
    from typing import Any, Dict


def of_function(fn: Any) -> dict:
    """The entry of one callable."""
    try:
        text = str(inspect.signature(fn))
    except (TypeError, ValueError):
        text = "(*args, **kwargs)"
    return {
        "signature": text,
        "async": inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn),
        "gen": inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn),
        "doc": inspect.getdoc(fn) if getattr(fn, "__doc__", None) else None,
        "annotations": str(getattr(fn, "__annotations__", {})),
    }


def of_class(cls: type) -> Dict[str, dict]:
    """The entries of all public callables of CLS."""
    found = {}
    for name in dir(cls):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property):
            continue
        try:
            method = getattr(cls, name)
        except AttributeError:
            continue
        if callable(method):
            found[name] = of_function(method)
    return found
