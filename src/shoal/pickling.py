"""Pickling models, whose programs hold functions that pickle knows nothing of.

A lambda has no name to be found by, so a pickled model keeps its text instead: all that a model
does is in its weights and tables, and only the interpreter would call it.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, MappingProxyType
from typing import Any

from shoal.errors import EvaluationError
from shoal.rasp.functions import show_function


@dataclass(frozen=True)
class FunctionText:
    """A function that was left behind, by how it reads in a program."""

    text: str

    @property
    def __name__(self) -> str:
        return self.text

    def __call__(self, *arguments: Any) -> Any:
        """A text cannot be called.

        Raises:
            EvaluationError: always.
        """
        raise EvaluationError(
            f"the function {self.text} was left behind when the model was pickled; define it in a "
            "module, or build the program again"
        )


def pack(state: Mapping[str, Any]) -> bytes:
    """A pickle in which functions without a name that leads to them are texts."""
    file = io.BytesIO()
    _Pickler(file).dump(dict(state))
    return file.getvalue()


def unpack(kind: Callable[..., Any], packed: bytes) -> Any:
    """What was packed, given to ``kind`` as arguments."""
    return kind(**pickle.loads(packed))


def read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A read-only view; its own type has no name that pickle finds."""
    return MappingProxyType(content)


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType) and not _can_be_found(obj):
            return FunctionText, (show_function(obj),)
        if isinstance(obj, MappingProxyType):
            return read_only, (dict(obj),)
        return NotImplemented


def _can_be_found(function: FunctionType) -> bool:
    """Whether the name of a function leads to it."""
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
