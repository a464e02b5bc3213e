"""What tests of single passes look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer
from shoal.program.facts.inferred import Inferred
from shoal.program.ir import Node
from shoal.program.rewriting import Rewrite
from shoal.program.trace import trace
from shoal.rasp import SOp
from shoal.rasp.values import Value


def inferred(
    program: SOp,
    vocab: Sequence[Value] = ("a", "b", "c"),
    max_seq_len: int = 3,
    causal: bool = False,
) -> Inferred:
    """A program with its facts, before any pass."""
    return infer(trace(program, causal=causal), vocab, max_seq_len)


def rewrite(
    run: Callable[[Inferred], Rewrite],
    program: SOp,
    vocab: Sequence[Value] = ("a", "b", "c"),
    max_seq_len: int = 3,
    causal: bool = False,
) -> Rewrite:
    """What one pass makes of a program."""
    return run(inferred(program, vocab, max_seq_len, causal))


def node(facts: Inferred, label: str) -> Node:
    """A node by its label."""
    (found,) = [each for each in facts.program if each.label == label]
    return found


def classes(facts: Inferred, label: str) -> tuple[tuple[Value, ...], ...]:
    """The classes of an s-op's values."""
    domain = facts.domain(node(facts, label).id)
    assert isinstance(domain, Enumerated)
    return domain.classes
