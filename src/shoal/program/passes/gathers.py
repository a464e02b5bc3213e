"""Gathers of gathers: what is fetched from where it was fetched to is fetched from there at once.

An aggregate whose selector always picks one key, which the length and the position of the query
determine, is a gather. A gather of a gather is a gather, and a gather of a function is that
function of gathers: so the token two positions back, by way of that one position back, takes one
layer of attention instead of two. Source: D2 of the notes on what can still be won.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

import numpy as np

from shoal.program.facts.by_length import grid_of, selections, widths_by_length, with_places
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.infer import infer_sop
from shoal.program.facts.inferred import Inferred, Lengths, Predicate, SOpFacts
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.facts.width_bounds import tighter
from shoal.program.ir import ELEMENTWISE, Node, Op
from shoal.program.passes.identities import is_everywhere_alike
from shoal.program.rewriting import Rewrite, fresh_id, fresh_label, rewritten
from shoal.rasp.values import Key, Value, canonical_key

GATHERS = "gathers"
"""The name of the pass."""

MOST_MADE = 32
"""New s-ops and selectors for one gather."""

Known = dict[int, Lengths | None]
"""By node id of a selector, the [lengths, positions] that it picks; None if it picks several."""


def gather_at_once(inferred: Inferred) -> Rewrite:
    """Fetch what gathers of gathers fetch from where it is.

    What has no reader any more is left for dead code.
    """
    current, saved = inferred, 0
    known: Known = {}
    for node in inferred.program:
        following = _at_once(current, node, known)
        saved += following is not None
        current = following or current
    return Rewrite(current, saved)


def _at_once(inferred: Inferred, node: Node, known: Known) -> Inferred | None:
    """The program in which a gather of gathers fetches from where they do; None if it is none."""
    if not _may_gather(inferred, node):
        return None
    gathering = _gathering(inferred)
    places = _places(inferred, node, known) if node.inputs[1] in gathering else None
    if places is None:
        return None
    sinking = _Sinking(inferred, node.id, gathering, known)
    try:
        number = sinking.sunk(node.inputs[1], places)
    except _NotSunkError:
        return None
    is_made = number not in inferred.program.graph
    return _in_place_of(sinking.facts, node, sinking.facts.program.node(number), is_made)


def _may_gather(inferred: Inferred, node: Node) -> bool:
    if node.op is not Op.AGGREGATE:
        return False
    widths = inferred.widths[node.inputs[0]]
    return widths.low == widths.high == 1


def _gathering(inferred: Inferred) -> set[int]:
    """The s-ops that may be gathers, or functions of one."""
    found: set[int] = set()
    for node in inferred.program:
        is_function = node.op in ELEMENTWISE and not found.isdisjoint(node.inputs)
        if is_function or _may_gather(inferred, node):
            found.add(node.id)
    return found


def _places(inferred: Inferred, node: Node, known: Known) -> Lengths | None:
    """[lengths, positions], from where a gather fetches; None for other s-ops."""
    if not _may_gather(inferred, node):
        return None
    selector = node.inputs[0]
    if selector not in known:
        known[selector] = _picked(inferred, selector)
    return known[selector]


def _picked(inferred: Inferred, selector: int) -> Lengths | None:
    """[lengths, positions], the only key that each query selects; None if there is none."""
    selected = selections(inferred, inferred.program.node(selector))
    if selected is None or not all((chosen.sum(axis=1) == 1).all() for chosen in selected):
        return None
    places = np.full((len(selected), len(selected)), UNDEFINED, dtype=np.int32)
    for number, chosen in enumerate(selected):
        places[number, : number + 1] = chosen.argmax(axis=1)
    return places


def _through(inner: Lengths, outer: Lengths) -> Lengths:
    """From where is fetched what a gather fetches from where another one does."""
    found = np.take_along_axis(inner, np.maximum(outer, 0), axis=1)
    return np.where(outer == UNDEFINED, UNDEFINED, found).astype(np.int32)


@dataclass(frozen=True)
class _Place:
    """The place that an index and something that tells the length stand for."""

    places: Mapping[tuple[int, Key], int]

    def __call__(self, index: int, length: Value) -> int:
        return self.places[index, canonical_key(length)]


class _NotSunkError(Exception):
    """A gather cannot be had at once, or takes too much."""


@dataclass(eq=False)
class _Sinking:
    """What is put before a gather.

    Attributes:
        facts: the program so far.
        before: the gather.
        gathering: what may be a gather, or a function of one.
        places: what selectors pick, as far as that has been asked for.
        made: how many nodes are new.
        known: s-ops by what they fetch, and from where.
    """

    facts: Inferred
    before: int
    gathering: set[int]
    places: Known
    made: int = 0
    known: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def sunk(self, number: int, places: Lengths) -> int:
        """What an s-op is at some places, by gathers as far down as they go."""
        key = (number, places.tobytes())
        if key not in self.known:
            self.known[key] = self._sunk(number, places)
        return self.known[key]

    def _sunk(self, number: int, places: Lengths) -> int:
        node = self.facts.program.node(number)
        if _is_own(places) or is_everywhere_alike(self.facts, number):
            return number
        inner = _places(self.facts, node, self.places)
        if inner is not None:
            return self.sunk(node.inputs[1], _through(inner, places))
        if node.op in ELEMENTWISE and number in self.gathering:
            return self._function(node, [self.sunk(each, places) for each in node.inputs])
        selector = self._selector(places)
        return self.add(
            Op.AGGREGATE, (selector, number), f"{node.label}.there", is_numerical=node.is_numerical
        ).id

    def _function(self, node: Node, operands: list[int]) -> int:
        """The function of a node of other operands, which have values of its own ones."""
        facts = self.facts.sops[node.id]
        if facts.table is None or not isinstance(facts.domain, Enumerated):
            raise _NotSunkError
        entries = facts.table.entries
        for axis, (old, new) in enumerate(zip(node.inputs, operands, strict=True)):
            entries = entries.take(_classes(self.facts, new, old), axis=axis)
        return self.add(
            node.op,
            tuple(operands),
            f"{node.label}.there",
            facts=SOpFacts(facts.domain, Lookup(entries)),
            is_numerical=node.is_numerical,
            function=node.function,
            factors=node.factors,
        ).id

    def _earlier(self) -> Iterator[Node]:
        """What comes before the gather."""
        return takewhile(lambda node: node.id != self.before, self.facts.program)

    def _selector(self, places: Lengths) -> int:
        """A selector that picks the places."""
        for node in self._earlier():
            if node.op is Op.AGGREGATE:
                known = _places(self.facts, node, self.places)
                if known is not None and np.array_equal(known, places):
                    return node.inputs[0]
        indices = self._indices()
        query, picked = self._query(places)
        holds = np.zeros((len(picked), self.facts.max_seq_len), dtype=np.int32)
        holds[np.arange(len(picked))[picked >= 0], picked[picked >= 0]] = 1
        holds[picked < 0] = UNDEFINED
        return self.add(Op.SELECT, (indices, query), "there", predicate=holds).id

    def _indices(self) -> int:
        """The indices, new ones if there are none before the gather of which none are merged."""
        for node in self._earlier():
            domain = self.facts.domain(node.id) if node.is_plain_index else None
            if isinstance(domain, Enumerated) and len(domain) == self.facts.max_seq_len:
                return node.id
        return self.add(Op.INDICES, (), str(Op.INDICES)).id

    def _query(self, places: Lengths) -> tuple[int, Lengths]:
        """An s-op that tells the places, of as few layers as there are, and the place by class."""
        known = self._shallowest(lambda number: _told(self.facts, number, places))
        if known is not None:
            return known
        length = self._shallowest(lambda number: _length_told(self.facts, number))
        indices = self._indices()
        if length is None:
            every = np.ones((self.facts.max_seq_len, self.facts.max_seq_len), dtype=np.int32)
            everything = self.add(Op.SELECT, (indices, indices), "everything", predicate=every)
            number = self.add(Op.WIDTH, (everything.id,), "length").id
            length = number, np.arange(self.facts.max_seq_len, dtype=np.int32)
        place = _Place(_by_index_and_length(self.facts, places, *length))
        made = self.add(Op.MAP, (indices, length[0]), "place", function=place).id
        picked = _told(self.facts, made, places)
        if picked is None:
            raise _NotSunkError
        return made, picked

    def _shallowest(self, told: Callable[[int], Lengths | None]) -> tuple[int, Lengths] | None:
        """The s-op before the gather of the fewest layers that tells something; what it tells."""
        deep: dict[int, int] = {}
        best: tuple[int, int, Lengths] | None = None
        for node in self._earlier():
            deep[node.id] = max((deep[n] for n in node.inputs), default=0)
            deep[node.id] += node.op in (Op.AGGREGATE, Op.WIDTH)
            if node.is_sop and (best is None or deep[node.id] < best[0]):
                found = told(node.id)
                best = best if found is None else (deep[node.id], node.id, found)
        return None if best is None else best[1:]

    def add(
        self,
        op: Op,
        inputs: tuple[int, ...],
        label: str,
        facts: SOpFacts | None = None,
        predicate: Predicate | None = None,
        **parts: object,
    ) -> Node:
        """Put a node before the gather, with its facts.

        Raises:
            _NotSunkError: there are too many already.
        """
        self.made += 1
        if self.made > MOST_MADE:
            raise _NotSunkError
        program = self.facts.program
        label = fresh_label(program, label)
        node = Node(fresh_id(program), op, inputs, label, **parts)  # type: ignore[arg-type]
        nodes = list(program)
        nodes.insert([old.id for old in nodes].index(self.before), node)
        if predicate is not None:
            made = rewritten(self.facts, nodes, predicates={node.id: predicate})
            exact = widths_by_length(made, node)
            widths = made.widths[node.id]
            widths = widths if exact is None else tighter(widths, exact)
            self.facts = replace(made, widths={**made.widths, node.id: widths})
            return node
        if facts is None:
            facts = infer_sop(self.facts, node, {})
        else:
            facts = with_places(self.facts, node, facts)
        self.facts = rewritten(self.facts, nodes, {node.id: facts})
        return node


def _is_own(places: Lengths) -> bool:
    own = np.arange(len(places), dtype=np.int32)
    return bool(((places == own) | (places == UNDEFINED)).all())


def _classes(inferred: Inferred, one: int, other: int) -> list[int]:
    """For each class of an s-op the class that another one has for the same values.

    Raises:
        _NotSunkError: it has none.
    """
    first, second = inferred.domain(one), inferred.domain(other)
    if not isinstance(first, Enumerated) or not isinstance(second, Enumerated):
        raise _NotSunkError
    if first.nullable and not second.nullable:
        raise _NotSunkError
    classes = [first.class_in(second, number) for number in range(len(first))]
    known = [number for number in classes if number is not None]
    if len(known) < len(classes):
        raise _NotSunkError
    return known


def _told(inferred: Inferred, number: int, places: Lengths) -> Lengths | None:
    """[classes], the place that each class of an s-op tells; None if it does not tell them."""
    grid, domain = grid_of(inferred, number), inferred.domain(number)
    if grid is None or domain.nullable or not isinstance(domain, Enumerated):
        return None
    there = places != UNDEFINED
    classes, wanted = grid[there], places[there]
    picked = np.full(len(domain), UNDEFINED, dtype=np.int32)
    picked[classes] = wanted
    return picked if (classes >= 0).all() and (picked[classes] == wanted).all() else None


def _length_told(inferred: Inferred, number: int) -> Lengths | None:
    """[lengths], the class of an s-op at all positions; None if some share one."""
    grid = grid_of(inferred, number)
    if grid is None or inferred.domain(number).nullable:
        return None
    first = grid[:, 0]
    tells = len(np.unique(first)) == len(first) and is_everywhere_alike(inferred, number)
    return first if tells else None


def _by_index_and_length(
    inferred: Inferred, places: Lengths, number: int, classes: Lengths
) -> Mapping[tuple[int, Key], int]:
    """The place by index and value of an s-op, which tells the length by its classes."""
    domain = inferred.domain(number)
    assert isinstance(domain, Enumerated)
    return {
        (index, canonical_key(member)): int(places[n, index])
        for n, chosen in enumerate(classes.tolist())
        for member in domain.classes[chosen]
        for index in range(n + 1)
    }


def _in_place_of(inferred: Inferred, node: Node, found: Node, is_made: bool) -> Inferred | None:
    """The program in which a node does what another one does, which may be made for it."""
    known = inferred.sops[found.id]
    try:
        renamed = np.array(_classes(inferred, found.id, node.id), dtype=np.int32)
    except _NotSunkError:
        return None
    facts = replace(inferred.sops[node.id], mixture=False, local=None, by_length=None)
    if is_made and found.op is Op.AGGREGATE:
        changed = replace(node, inputs=found.inputs, value=None)
        facts = replace(inferred.sops[node.id], mixture=False)
    elif is_made and known.table is not None:
        changed = replace(node, op=Op.MAP, inputs=found.inputs, value=None)
        facts = with_places(inferred, changed, replace(facts, table=known.table.renamed(renamed)))
    else:
        changed = replace(node, op=Op.MAP, inputs=(found.id,), value=None)
        facts = with_places(inferred, changed, replace(facts, table=Lookup(renamed)))
    nodes = [changed if old.id == node.id else old for old in inferred.program]
    return rewritten(inferred, nodes, {node.id: facts})
