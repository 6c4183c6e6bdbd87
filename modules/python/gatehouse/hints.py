# SPDX-License-Identifier: Apache-2.0
"""Annotations and signatures of user code, read without ever failing.

What cannot be evaluated stays as it is: text, or a ForwardRef. Python 3.14 evaluates annotations
when they are asked for, so there they are asked for in its format FORWARDREF.
"""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from typing import Any, Dict, Optional

DEPTH_MAX = 20

_WRAPPERS = ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly")



def is_typed_dict(cls: Any) -> bool:
    return type(cls).__name__ == "_TypedDictMeta"


def plain(hint: Any) -> Any:
    """HINT without what only type checkers read: NewType, Annotated, Final, an alias's name."""
    for _ in range(DEPTH_MAX):
        if hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif hasattr(hint, "__metadata__"):
            hint = typing.get_args(hint)[0]
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        elif getattr(typing.get_origin(hint), "_name", None) in _WRAPPERS or (
            getattr(typing.get_origin(hint), "__name__", None) in _WRAPPERS
        ):
            hint = typing.get_args(hint)[0]
        else:
            break
    return hint


def innermost(fn: Any) -> Any:
    """The function that FN, a method, partial, decorated function or callable object, runs."""
    for _ in range(DEPTH_MAX):
        if hasattr(fn, "__func__"):
            fn = fn.__func__
        elif hasattr(fn, "__wrapped__"):
            fn = fn.__wrapped__
        elif type(fn).__name__ == "partial":
            fn = fn.func
        else:
            break
    if not hasattr(fn, "__code__") and not isinstance(fn, type) and hasattr(type(fn), "__call__"):
        inner = type(fn).__call__
        fn = inner if hasattr(inner, "__code__") else fn
    return fn


def hints_of(target: Any) -> Dict[str, Any]:
    """name -> annotation of a function or class; text that cannot be evaluated is left as text."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:
        pass
    found: Dict[str, Any] = {}
    for owner in reversed(target.__mro__) if isinstance(target, type) else (target,):
        for name, hint in _annotations(owner).items():
            found[name] = _evaluated(hint, owner)
    return found


def signature_of(fn: Any) -> Optional[inspect.Signature]:
    """None for what has no signature, as some functions written in C."""
    options = {"annotation_format": _forward()} if sys.version_info >= (3, 14) else {}
    try:
        return inspect.signature(fn, **options)
    except Exception:
        return None


def _forward() -> Any:
    import annotationlib

    return annotationlib.Format.FORWARDREF


def _annotations(owner: Any) -> Dict[str, Any]:
    try:
        if sys.version_info >= (3, 14):
            import annotationlib

            return annotationlib.get_annotations(owner, format=_forward())
        if isinstance(owner, type):
            return dict(owner.__dict__.get("__annotations__") or {})
        return dict(getattr(owner, "__annotations__", None) or {})
    except Exception:
        return {}


def _evaluated(hint: Any, owner: Any) -> Any:
    """One annotation of OWNER, whose others may be beyond evaluation."""
    names = getattr(owner, "__globals__", None)
    if names is None:
        names = getattr(sys.modules.get(getattr(owner, "__module__", "")), "__dict__", {})
    local = dict(vars(owner)) if isinstance(owner, type) else {}

    def holder() -> None:
        pass

    holder.__annotations__ = {"it": hint}
    try:
        return typing.get_type_hints(holder, names, local, include_extras=True)["it"]
    except Exception:
        return _evaluated_union(hint, names, local) if isinstance(hint, str) else hint


class _BarToUnion(ast.NodeTransformer):
    """`A | B` as Union[A, B], which Python before 3.10 can evaluate."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        pair = ast.Tuple([node.left, node.right], ast.Load())
        return ast.Subscript(ast.Name("__union__", ast.Load()), pair, ast.Load())


def _evaluated_union(text: str, names: Dict[str, Any], local: Dict[str, Any]) -> Any:
    try:
        tree = ast.fix_missing_locations(_BarToUnion().visit(ast.parse(text, mode="eval")))
        scope = dict(names, __union__=typing.Union)
        return eval(compile(tree, "<annotation>", "eval"), scope, local)
    except Exception:
        return text
