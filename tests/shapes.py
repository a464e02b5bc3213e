"""Checks the shapes that annotations give, and nothing else of them, while tests run."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from jaxtyping import AbstractArray


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that holds arrays against the shapes in its annotations.

    One word means one size within a call; ``jaxtyping`` sees to that. What else annotations say is
    left to mypy.
    """
    if not callable(function) or isinstance(function, type):
        return function
    names = getattr(function, "__annotations__", {})
    if not any("Array" in text or "ndarray" in text for text in map(str, names.values())):
        return function
    hints: dict[str, list[Any]] = {}
    signature = inspect.signature(function)

    def checked(*arguments: Any, **others: Any) -> Any:
        if not hints:
            hints.update(_shapes(function))
        bound = signature.bind(*arguments, **others)
        for name, value in bound.arguments.items():
            _require(value, hints.get(name, []))
        result = function(*arguments, **others)
        _require(result, hints.get("return", []))
        return result

    return checked


def _shapes(function: Callable[..., Any]) -> dict[str, list[Any]]:
    """The annotations that give shapes, each with its alternatives."""
    found: dict[str, list[Any]] = {"": []}
    for name, hint in typing.get_type_hints(function).items():
        options = [hint] if _is_shape(hint) else list(typing.get_args(hint))
        if any(map(_is_shape, options)) and typing.get_origin(hint) not in (list, dict):
            found[name] = options
    return found


def _is_shape(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def _require(value: Any, options: list[Any]) -> None:
    """Refuse an array of another shape; ``jaxtyping`` says which, and what it was."""
    shapes = [option for option in options if _is_shape(option)]
    if shapes and hasattr(value, "shape") and not isinstance(value, tuple(shapes)):
        raise TypeError("an array of another shape")
