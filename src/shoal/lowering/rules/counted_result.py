"""Results that counts of tokens determine, whatever the order of the tokens.

A head whose attention is the same everywhere counts each token, in the first layer. Of these counts
the decoder tells the result, if it is an argmax of affine functions of them: the most frequent
token, the median, the second largest. If not, neurons bend each count first, and the result goes up
with what they add up to: how many different tokens there are, whether all are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shoal.arrays import Array, Bool, Float, Int
from shoal.contract import ROUNDING
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.forms.scalar import Scalar
from shoal.forms.scores import Scores
from shoal.limits import Work
from shoal.lowering.context import Context
from shoal.lowering.heads import selects_all
from shoal.lowering.held import Errors, Held, stored, variables_of
from shoal.lowering.offers import LeftOut, Offer, Offers
from shoal.lowering.rules.decode import one_hot
from shoal.lowering.rules.result_scores import as_scores
from shoal.lowering.rules.width import Countable, countable_terms, counted_values
from shoal.lowering.synthesis.scores import (
    MARGIN,
    Scoring,
    any_scores,
    ordered_scores,
    scores_of_many,
)
from shoal.lowering.synthesis.tables import Floats, Layer, as_mlp
from shoal.program.facts.domains import Enumerated, domain_of
from shoal.program.facts.lookup import NONE
from shoal.program.facts.symmetric import (
    OnHistograms,
    Own,
    dependences,
    number_of_histograms,
    on_histograms,
)
from shoal.program.ir import ELEMENTWISE, SELECTORS, Node

_MOST_PAIRS = 2**19
"""Pairs of query and key of all histograms that there may be, which are looked at."""

_MOST_CHOICES = 16
"""Different results of which any scores are looked for, by inequalities for each pair of them."""


@dataclass(frozen=True, eq=False)
class _Bends:
    """What neurons make of counts: each takes one, from some number on, for some own tokens.

    Attributes:
        token: [neurons], whose count it is.
        start: [neurons], from which number on.
        is_on: [neurons, tokens], for which own tokens it is on; None if all are for any.
    """

    token: Int[Array, " neurons"]
    start: Int[Array, " neurons"]
    is_on: Bool[Array, "neurons tokens"] | None = None

    def of(self, known: OnHistograms, longest: int) -> Float[Array, "rows neurons"]:
        """What the neurons are."""
        bent = known.counts[:, self.token] - self.start
        if self.is_on is not None:
            bent = bent - longest * ~self.is_on[:, known.own].T
        return np.asarray(np.maximum(bent, 0.0))

    def chosen(self, used: Int[Array, " some"]) -> _Bends:
        """Some of them."""
        is_on = None if self.is_on is None else self.is_on[used]
        return _Bends(self.token[used], self.start[used], is_on)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A result to find by counts.

    Attributes:
        context: what is held.
        node: the result.
        known: what it is on every histogram.
        choices: [rows], which choice of the decoder that is, of those that there are.
        chosen: the choices that there are: classes, and one more for None.
        count: how many choices the decoder has.
        own: the own token or index, as it is held, where it makes a difference.
        own_points: [rows, coordinates], its coordinates.
        work: counts what is done.
    """

    context: Context
    node: Node
    known: OnHistograms
    choices: Int[Array, " rows"]
    chosen: Int[Array, " some"]
    count: int
    own: tuple[Held, ...]
    own_points: Float[Array, "rows coordinates"]
    work: Work

    def scoring(self, points: Floats, find: Callable[..., Scoring | None]) -> Scoring | None:
        """Scores of points and what is the own, if there are any."""
        both = np.hstack([points, self.own_points])
        return scores_of_many(both, self.choices, len(self.chosen), self.work, find)

    def view(self, operands: Sequence[Held], points: Floats, scoring: Scoring) -> Offers[None]:
        """The result as scores of operands and what is the own, if they are exact enough."""
        if not operands and not self.own:
            return  # it is the same on all inputs
        seen = (np.hstack([points, self.own_points]), self.chosen[self.choices])
        matrix, bias = (np.repeat(part[..., :1], self.count, axis=-1) for part in scoring)
        matrix[:, self.chosen], bias = scoring[0], bias - 4 * MARGIN  # of what never occurs
        bias[self.chosen] = scoring[1]
        held = as_scores(self.context, self.node, [*operands, *self.own], seen, (matrix, bias))
        if held is not None:
            yield Offer(held, view_of=self.node.id)


def counted_result(context: Context, node: Node) -> Offers[None]:
    """A result that only the decoder reads, told from how often each token occurs.

    It is offered where the program attends to what it has attended to; others take one layer.
    """
    facts = context.inferred
    pairs = number_of_histograms(len(facts.vocab), facts.max_seq_len) * facts.max_seq_len**2
    is_free = node.id in context.held and context.is_only_decoded(node) and facts.inputs is None
    if not is_free or pairs > _MOST_PAIRS or _depth(context, node) < 2:
        return
    counts = domain_of([count] for count in range(facts.max_seq_len + 1))
    countable = countable_terms(context, [selects_all()], counts)
    depends = dependences(facts).get(node.id)
    source = context.only_tokens
    kinds = None if source is None else facts.sops[source.id].local
    if countable is None or depends is None or kinds is None:
        return
    try:
        with facts.work.optional() as work:
            work.spend(pairs * len(facts.program.graph) / 50, "")
            known = on_histograms(facts, node.id, depends, kinds[:, 0].astype(int))
            if known is not None:
                yield from _offered(context, node, known, (countable, counts), work)
    except UnsupportedProgramError as error:
        if error.kind is not Refusal.TOO_MUCH_WORK:
            raise
        yield LeftOut(f"{node.label} by counts would take too much work")


def _depth(context: Context, node: Node) -> int:
    """How often one after the other the program attends, as it is written."""
    depths: dict[int, int] = {}
    for other in context.inferred.program:
        before = max((depths[number] for number in other.inputs), default=0)
        is_attending = not (other.op in ELEMENTWISE or other.op in SELECTORS or other.is_input)
        depths[other.id] = before + is_attending
    return depths[node.id]


def _offered(
    context: Context,
    node: Node,
    known: OnHistograms,
    counting: tuple[Countable, Enumerated],
    work: Work,
) -> Offers[None]:
    """The result as scores of counts, or of what neurons make of them."""
    domain = context.inferred.listed(node, node.label)
    count = len(domain) + domain.nullable
    every = np.where(known.classes == NONE, len(domain), known.classes)
    chosen, choices = np.unique(every, return_inverse=True)
    if len(chosen) < 2 or Scores().misfit(domain, context.inferred.limits) is not None:
        return
    found = yield from _own(context, node, known)
    if found is None:
        return
    own, points = found
    asked = _Asked(context, node, known, choices, chosen, count, own, points, work)
    is_found = yield from _by_counts(asked, counting)
    if not is_found:
        yield from _by_bends(asked, counting)


def _own(
    context: Context, node: Node, known: OnHistograms
) -> Generator[Offer | LeftOut, Held, tuple[tuple[Held, ...], Floats] | None]:
    """The own token or index as it is held, and what it is on each row; None if it is not held."""
    if known.by is None:
        return (), np.zeros((len(known.own), 0))
    if known.by is Own.TOKEN:
        assert context.only_tokens is not None  # of which kinds are
        held = yield from one_hot(context, context.only_tokens.id, node.label)
        return (held,), held.points(known.own)
    index = next((other for other in context.inferred.program if other.is_plain_index), None)
    local = None if index is None else context.inferred.sops[index.id].local
    if index is None or local is None:
        return None
    held = yield from one_hot(context, index.id, node.label)
    return (held,), held.points(local[0][known.own])


def _by_counts(
    asked: _Asked, counting: tuple[Countable, Enumerated]
) -> Generator[Offer | LeftOut, Held, bool]:
    """Scores that are affine functions of counts; whether there are any."""
    counts = asked.known.counts.astype(float)
    for find in (ordered_scores, any_scores)[: 2 if len(asked.chosen) <= _MOST_CHOICES else 1]:
        scoring = asked.scoring(counts, find)
        if scoring is not None:
            matrix, bias = scoring
            tokens = np.flatnonzero(matrix[: counts.shape[1]].any(axis=1))
            operands = yield from _counted(asked, counting, tokens)
            there = np.concatenate([tokens, np.arange(counts.shape[1], len(matrix))])
            yield from asked.view(operands, counts[:, tokens], (matrix[there], bias))
            return True
    return False


def _by_bends(asked: _Asked, counting: tuple[Countable, Enumerated]) -> Offers[None]:
    """Scores that go up with a sum of bent counts."""
    longest = asked.context.inferred.max_seq_len
    for bends in _bends(asked.known, longest):
        bent = bends.of(asked.known, longest)
        scoring = asked.scoring(bent, ordered_scores)
        if scoring is None:
            continue
        matrix, bias = scoring
        weights = matrix[: len(bends.token), 1] - matrix[: len(bends.token), 0]
        used = np.flatnonzero(weights)
        if len(used):
            total = yield from _total(asked, counting, bends.chosen(used), weights[used])
            if total is not None:
                steps = np.arange(len(asked.chosen), dtype=float)[None]
                values = bent[:, used] @ weights[used]
                scoring = np.vstack([steps, matrix[len(bends.token) :]]), bias
                yield from asked.view([total], values[:, None], scoring)
        return


def _bends(known: OnHistograms, longest: int) -> Iterator[_Bends]:
    """Ways to bend counts: each for itself, and besides where the own token is near in order."""
    tokens = known.counts.shape[1]
    token, start = (part.ravel() for part in np.indices((tokens, longest)))
    yield _Bends(token, start)
    if known.by is Own.TOKEN:
        own = np.arange(tokens)
        compared = [compare(token[:, None], own) for compare in (np.equal, np.less, np.greater)]
        yield _Bends(np.tile(token, 3), np.tile(start, 3), np.vstack(compared))


def _counted(
    asked: _Asked, counting: tuple[Countable, Enumerated], kinds: Int[Array, " kinds"]
) -> Generator[Offer | LeftOut, Held, list[Held]]:
    """How often tokens of some kinds occur, one head for all if heads are shared."""
    context, (countable, counts) = asked.context, counting
    source = context.only_tokens
    assert source is not None
    held = yield from one_hot(context, source.id, asked.node.label)
    sharing = f"tokens of {asked.node.label}" if "shared-heads" in context.passes else None
    found: list[Held] = []
    for kind in kinds:
        name = context.fresh_name(f"{asked.node.label}.count {len(found) + 1}")
        offer = counted_values(context, name, countable, counts, held, np.eye(held.width)[kind])
        found.append((yield replace(offer, sharing=sharing)))
    return found


def _total(
    asked: _Asked,
    counting: tuple[Countable, Enumerated],
    bends: _Bends,
    weights: Float[Array, " neurons"],
) -> Generator[Offer | LeftOut, Held, Held | None]:
    """What bent counts add up to, each times its weight; None if that is too much of a number."""
    context, longest = asked.context, asked.context.inferred.max_seq_len
    tokens = np.unique(bends.token)
    operands = yield from _counted(asked, counting, tokens)
    values = np.unique(bends.of(asked.known, longest) @ weights)
    name = context.fresh_name(f"{asked.node.label}.total")
    domain = domain_of([value] for value in values.tolist())
    if Scalar().misfit(domain, context.inferred.limits) is not None:
        return None
    held = stored(Scalar(), name, domain, None)
    into = (tokens[:, None] == bends.token).astype(float)
    threshold = -bends.start.astype(float)
    if bends.is_on is not None:
        (own,) = asked.own
        coordinates = np.zeros((bends.is_on.shape[1], own.width))
        coordinates[asked.known.own] = asked.own_points
        into = np.vstack([into, longest * (bends.is_on @ coordinates).T])
        threshold = threshold - longest
        operands.append(own)
    layer = Layer(into, threshold, weights[:, None], np.zeros(1))
    off = max(context.variables[o.variables[0]].errors.largest for o in operands)
    error = float(np.abs(weights).sum()) * (len(into) * off + 4 * ROUNDING * longest)
    assert held.own is not None
    made = as_mlp(name, operands, layer, held.own.space)
    return (yield Offer(held, made, variables_of(operands), Errors(apart=error)))
