"""What programs have in common: their structure up to names, and their family."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from types import MappingProxyType

from shoal.rasp.annotations import is_numerical
from shoal.rasp.expressions import (
    Aggregate,
    BinarySelector,
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    SelectorNot,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
)
from shoal.rasp.traversal import postorder
from shoal_analysis.fuzzing.cases import Line, needed

_NAME = re.compile(r"\b[sv]\d+\b")


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that tell texts apart.

    Of ten million texts two share one with a probability of 10^14 / 2^65, or 3 in a million; the
    later model would be left out then.
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def structure_of(lines: Sequence[Line]) -> str:
    """A digest of a program that names, the order of lines, and lines said twice do not change."""
    known: dict[str, str] = {}
    for line in needed(tuple(lines)):
        known[line.name] = digest(_NAME.sub(lambda name: known[name.group()], line.source))
    return known[lines[-1].name]


def family_of(program: SOp) -> str:
    """A digest of what is left of a program without what its functions and predicates are.

    Constants, functions, comparisons, defaults, negations, encodings and the vocab are forgotten;
    elementwise functions in a row are one; the order of two operands does not count.
    """
    known: dict[int, str] = {}
    for expression in postorder(program):
        known[id(expression)] = _skeleton(expression, [known[id(c)] for c in expression.children])
    return digest(known[id(program)])


def _skeleton(expression: RASPExpr, parts: list[str]) -> str:
    if isinstance(expression, SelectorNot):
        return parts[0]
    word = _word(expression)
    if word in ("map", "zip"):
        parts = sorted({part for part in parts if part != "constant"})
        if len(parts) < 2:  # a map of what is read, and a map of a map is one
            inner = parts[0] if parts else "constant"
            return inner if inner.startswith(("map(", "zip(", "constant")) else f"map({inner})"
    if word == "both":
        parts = sorted(parts)
    text = f"{word}({','.join(parts)})" if parts else word
    return text if len(text) < 200 else f"{word}({digest(text)})"


_WORDS = MappingProxyType(
    {
        TokensType: "tokens",
        IndicesType: "indices",
        LengthType: "length",
        Map: "map",
        SequenceMap: "zip",
        LinearSequenceMap: "zip",
        Full: "constant",
        ConstantSOp: "constant",
        Select: "select",
        BinarySelector: "both",
        SelectorWidth: "width",
        Aggregate: "aggregate",
    }
)


def _word(expression: RASPExpr) -> str:
    for kind in type(expression).__mro__:
        if kind in _WORDS:
            return _WORDS[kind]
    return type(expression).__name__.lower()


CONSTRUCTS = ("selector algebra", "width", "aggregate", "elementwise")
"""What a program is balanced by: the first of these that it uses."""


def constructs_of(program: SOp) -> tuple[str, ...]:
    """What a program uses, in words, in alphabetical order."""
    found = set()
    for expression in postorder(program):
        word = _word(expression)
        if isinstance(expression, BinarySelector | SelectorNot):
            word = "selector algebra"
        found.add({"map": "elementwise", "zip": "elementwise"}.get(word, word))
        if isinstance(expression, SOp) and is_numerical(expression):
            found.add("numerical")
    return tuple(sorted(found))


def main_construct(constructs: Sequence[str]) -> str:
    """The one of ``CONSTRUCTS`` by which a program is balanced."""
    return next((name for name in CONSTRUCTS if name in constructs), CONSTRUCTS[-1])
