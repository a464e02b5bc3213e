"""What is known about a program: values, tables and widths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.program.facts.domains import Domain, Enumerated, domain_of, group_close
from shoal.program.facts.joint import Choices
from shoal.program.facts.lookup import NONE, Lookup
from shoal.program.facts.width_bounds import WidthBounds
from shoal.program.ir import Node, Program
from shoal.rasp.values import Value, is_number, show_value
from shoal.shown import shown_fields

Grid = npt.NDArray[np.int32]
"""[tokens, positions], the class of a value at a position that holds a token."""

Lengths = npt.NDArray[np.int32]
"""[lengths, positions], the class of a value in an input of 1, 2, ... tokens; UNDEFINED beyond."""

Occurrences = npt.NDArray[np.int_]
"""[classes], the greatest number of positions of one input at which a value is of each."""

Predicate = npt.NDArray[np.int32]
"""[query classes, key classes], whether a select holds; UNDEFINED where its predicate raises."""


@dataclass(frozen=True)
class SOpFacts:
    """What is known about one s-op.

    Attributes:
        domain: what it can be.
        table: for elementwise s-ops, its class by those of its operands; for constants, of none.
        local: its class where token and position alone determine it; None elsewhere.
        by_length: its class where the length of the input and the position alone determine it, and
            not the position by itself; None elsewhere.
        mixture: for aggregates, whether several different numbers can be averaged.
        distinct: whether it surely differs between any two positions of one input.
        ranks_from: if its values on n tokens are surely n numbers in a row, the first of them.
        occurs: how often each class can occur in one input; None where nothing is known.
    """

    domain: Domain
    table: Lookup | None = None
    local: Grid | None = None
    by_length: Lengths | None = None
    mixture: bool = False
    distinct: bool = False
    ranks_from: int | None = None
    occurs: Occurrences | None = None


@dataclass(frozen=True)
class Raises:
    """A function that raises on some values, where nothing is promised.

    Attributes:
        label: the s-op or selector that it belongs to.
        function: how it reads in the program.
        rows: on how many joint values of the operands it raises.
        of: how many joint values there are.
        example: what it is called with, and what it raises then.
    """

    label: str
    function: str
    rows: int
    of: int
    example: str


@dataclass(frozen=True)
class Inferred:
    """A program with the facts about its nodes.

    Attributes:
        program: the program.
        vocab: the tokens in canonical order.
        max_seq_len: the greatest number of tokens.
        limits: what a compilation may take.
        sops: facts by node id.
        predicates: for each select by node id, for which classes it holds.
        widths: for each selector by node id, how many keys a query can select.
        raises: by node id, the functions that raise on some values.
        work: counts what the compilation does.
        inputs: those that are promised, as numbers of tokens; None if there may be any.
    """

    __repr__ = shown_fields

    program: Program
    vocab: tuple[Value, ...]
    max_seq_len: int
    limits: Limits
    sops: Mapping[int, SOpFacts] = field(default_factory=dict)
    predicates: Mapping[int, Predicate] = field(default_factory=dict)
    widths: Mapping[int, WidthBounds] = field(default_factory=dict)
    raises: Mapping[int, Raises] = field(default_factory=dict)
    work: Work = field(default_factory=Work, compare=False)
    inputs: Sequence[Sequence[int]] | None = None

    def domain(self, number: int) -> Domain:
        """What an s-op can be."""
        return self.sops[number].domain

    def listed(self, node: Node, reader: str) -> Enumerated:
        """The domain of a node, which a reader needs as a list.

        Raises:
            UnsupportedProgramError: there are too many to list.
        """
        domain = self.sops[node.id].domain
        if not isinstance(domain, Enumerated):
            low, high = domain.bounds
            raise UnsupportedProgramError(
                Refusal.TOO_MANY_VALUES,
                reader,
                f"reads {node.label!r}, which takes too many different values to list (between "
                f"{low:g} and {high:g}); only linear readers and aggregates can "
                "use it",
                "use a shorter max_seq_len, or round the values earlier",
            )
        return domain


def encoded(node: Node, groups: Iterable[Sequence[Value]], nullable: bool) -> Enumerated:
    """The domain of a node as it may be held: one scalar cannot tell 1 from True or 1.0.

    Args:
        node: an s-op.
        groups: its values, in groups that look the same.
        nullable: whether it can be None.

    Raises:
        UnsupportedProgramError: it is numerical, and a value is no number.
    """
    groups = list(groups)
    if node.is_numerical:
        values = [value for group in groups for value in group]
        wrong = [value for value in values if not is_number(value)]
        if wrong:
            raise UnsupportedProgramError(
                Refusal.NO_NUMBER,
                node.label,
                f"is annotated as numerical, but can be {show_value(wrong[0])}, which is no "
                "finite number in float32",
                "drop rasp.numerical, or map the values to numbers",
                outside_float32=isinstance(wrong[0], int | float),
            )
        groups += group_close(values)
    return domain_of(groups, nullable, node.label)


def constant_facts(facts: Inferred, domain: Enumerated) -> SOpFacts:
    """The facts about an s-op without operands that is always the same; ``domain.is_constant``."""
    number = NONE if domain.nullable else 0
    shape = (len(facts.vocab), facts.max_seq_len)
    table = Lookup(np.array(number, np.int32))
    return SOpFacts(domain, table, np.full(shape, number, np.int32))


def local_result(facts: Inferred, inputs: Sequence[int], table: Lookup) -> Grid | None:
    """The class of an elementwise value where token and position determine its operands."""
    grids = [facts.sops[operand].local for operand in inputs]
    known = [grid for grid in grids if grid is not None]
    return table(known) if len(known) == len(grids) else None


def choices(facts: Inferred, number: int) -> Choices:
    """What a listed s-op adds to joint values."""
    known = facts.sops[number]
    return choices_of(known.domain, known.local, known.by_length)


def choices_of(
    domain: Domain, local: Grid | None = None, by_length: Lengths | None = None
) -> Choices:
    """What a listed domain adds to joint values, and its class where that is known."""
    assert isinstance(domain, Enumerated)
    return Choices(len(domain), domain.nullable, local, by_length)
