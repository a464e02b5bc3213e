"""What the tokens determine whatever their order: functions of the histogram of an input.

Without a causal mask, what an s-op is at a position may depend on how often each token occurs, and
besides on the own token, on how many equal ones come before it, or on the own index, and on nothing
else. Then it is known for all inputs from one input for each histogram, the sorted one.

Proof: at position i let an s-op be a function of the histogram and of some of token, occurrence
(how many equal tokens come before) and index. Elementwise functions of such are such. Of a
selector whose keys and values do not depend on the index, the keys (token, occurrence) of an input
are those (v, k) with k below the number of v, so they are the same for all inputs of one histogram;
what is counted or averaged over them depends on the query and the histogram alone, since means do
not depend on the order. The same holds if keys depend on the index alone, which is each of 0 to
n - 1. And a selector by token and index that compares positions of equal tokens alone, counts
occurrences: its width depends on token and occurrence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import combinations_with_replacement
from math import comb

import numpy as np

from shoal.arrays import Array, Bool, Int
from shoal.program.facts.combinations import classes_by_place, parts_of, selected
from shoal.program.facts.inferred import Inferred
from shoal.program.facts.promised import Seen, run_all, seen_on
from shoal.program.ir import ELEMENTWISE, Node, Op

_MOST_PAIRS = 2**16
"""Pairs of (token, index) that a selector is looked at on."""


class Own(Enum):
    """What an s-op depends on at its own position, besides the histogram."""

    TOKEN = "token"
    OCCURRENCE = "occurrence"
    INDEX = "index"


Dependence = frozenset[Own]

_BY_TOKEN = frozenset({Own.TOKEN})
_BY_OCCURRENCE = frozenset({Own.TOKEN, Own.OCCURRENCE})
_BY_INDEX = frozenset({Own.INDEX})


@dataclass(frozen=True, eq=False)
class OnHistograms:
    """What an s-op is, by the histogram of the input and by the own token or index.

    Attributes:
        counts: [rows, kinds], how often tokens of each kind occur.
        own: [rows], the kind of the own token, or the own index; 0 if neither makes a difference.
        classes: [rows], what the s-op is.
        by: what ``own`` is, if it makes a difference.
    """

    counts: Int[Array, "rows kinds"]
    own: Int[Array, " rows"]
    classes: Int[Array, " rows"]
    by: Own | None


def dependences(facts: Inferred) -> dict[int, Dependence]:
    """For each s-op that is a function of the histogram what it depends on besides; see above."""
    program = facts.program
    found: dict[int, Dependence] = {}
    if program.causal:
        return found
    for node in program:
        if node.is_sop:
            depends = _dependence(facts, node, found)
            if depends is not None:
                found[node.id] = depends
    return found


def _dependence(facts: Inferred, node: Node, known: Mapping[int, Dependence]) -> Dependence | None:
    if node.op is Op.TOKENS:
        return _BY_TOKEN
    if node.op is Op.INDICES:
        return _BY_INDEX
    if node.op is Op.CONSTANT or node.op in ELEMENTWISE:
        return _together(node.inputs, known)
    selector = facts.program.node(node.inputs[0])
    parts = parts_of(facts, selector)
    if parts is None:
        return None
    selects = [part for part in parts if part.op is Op.SELECT]
    queries = _together([part.inputs[1] for part in selects], known)
    keys = _together([*(part.inputs[0] for part in selects), *node.inputs[1:]], known)
    if queries is None or keys is None:
        return None
    if Own.INDEX not in keys or keys == _BY_INDEX:
        return queries
    return _BY_OCCURRENCE if node.op is Op.WIDTH and _counts_occurrences(facts, parts) else None


def _together(numbers: Iterable[int], known: Mapping[int, Dependence]) -> Dependence | None:
    """What several s-ops depend on; None if that is not known of all."""
    each = [known.get(number) for number in numbers]
    there = [one for one in each if one is not None]
    return frozenset().union(*there) if len(there) == len(each) else None


def _counts_occurrences(facts: Inferred, parts: list[Node]) -> bool:
    """Whether a selector by token and index compares positions of equal tokens alone.

    For different tokens it looks at the tokens alone; for equal ones besides at which is earlier.
    """
    tokens, positions = len(facts.vocab), facts.max_seq_len
    tables = classes_by_place(facts, parts)
    if tables is None or (tokens * positions) ** 2 > _MOST_PAIRS:
        return False
    classes = {number: table.ravel() for number, table in tables.items()}
    holds = selected(facts, parts, classes, classes)
    if holds is None:
        return False
    by_token = holds.reshape(tokens, positions, tokens, positions).transpose(0, 2, 1, 3)
    alike = (by_token == by_token[:, :, :1, :1]).all(axis=(2, 3))
    others = ~np.eye(tokens, dtype=bool)
    own = by_token[np.arange(tokens), np.arange(tokens)]  # [tokens, queries, keys]
    return bool(alike[others].all() and all(map(_is_order, own)))


def _is_order(holds: Bool[Array, "queries keys"]) -> bool:
    """Whether it is decided by which of both is earlier, and the same for all pairs else."""
    lower = holds[np.tril_indices(len(holds), -1)]
    upper = holds[np.triu_indices(len(holds), 1)]
    return all(len(np.unique(part)) <= 1 for part in (lower, upper, np.diagonal(holds)))


def number_of_histograms(tokens: int, longest: int) -> int:
    """How many histograms inputs of 1 to so many positions have."""
    return comb(tokens + longest, tokens) - 1


def on_histograms(
    facts: Inferred, number: int, depends: Dependence, kinds: Int[Array, " tokens"]
) -> OnHistograms | None:
    """What an s-op is on every histogram, from sorted inputs.

    Args:
        facts: about the program.
        number: the s-op.
        depends: as of ``dependences``.
        kinds: what each token is counted as.

    Returns:
        None if it is not listed, or depends on more than that and the own token or the own index.
    """
    seen = run_all(facts, seen_on(list(_sorted_inputs(facts))))
    classes = seen.classes.get(number)
    if classes is None or (Own.INDEX in depends and depends != _BY_INDEX):
        return None
    if not seen.alive.all():
        return None  # it may be defined on another order of the same tokens
    there = seen.there
    counts = _counts(seen, kinds)
    inputs, positions = np.nonzero(there)
    own = positions if depends == _BY_INDEX else kinds[seen.tokens[there]]
    rows = np.column_stack([counts[inputs], own, classes[there]])
    rows = np.unique(rows, axis=0)
    keys = np.unique(rows[:, :-1], axis=0)
    if len(keys) < len(rows):  # it depends on the occurrence, say
        return None
    alone = np.unique(rows[:, [*range(counts.shape[1]), -1]], axis=0)
    if len(alone) == len(np.unique(alone[:, :-1], axis=0)):
        return OnHistograms(alone[:, :-1], np.zeros(len(alone), dtype=int), alone[:, -1], None)
    by = Own.INDEX if depends == _BY_INDEX else Own.TOKEN
    return OnHistograms(rows[:, :-2], rows[:, -2], rows[:, -1], by)


def _sorted_inputs(facts: Inferred) -> Iterator[tuple[int, ...]]:
    tokens = range(len(facts.vocab))
    for length in range(1, facts.max_seq_len + 1):
        yield from combinations_with_replacement(tokens, length)


def _counts(seen: Seen, kinds: Int[Array, " tokens"]) -> Int[Array, "inputs kinds"]:
    """How often tokens of each kind occur in each input."""
    each = [(seen.tokens == token).sum(axis=1) for token in range(len(kinds))]
    return np.stack(each, axis=1) @ np.eye(int(kinds.max()) + 1, dtype=int)[kinds]
