"""What is known about a program: values, tables and widths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shoal.errors import Refusal, UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.program.graph import Node, Program
from shoal.program.selector_widths import WidthBounds
from shoal.program.value_sets import ValueRange, Values, ValueSet, group_close, value_set
from shoal.rasp.expressions import is_numerical
from shoal.rasp.values import Value, is_number, show_value

NONE = -1
"""In a table: the result is None."""
UNDEFINED = -2
"""In a table: the operands never meet, or the function raises on them."""

Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SOpFacts:
    """What is known about one s-op.

    Attributes:
        values: what it can be.
        table: for elementwise s-ops, the class of the result (or NONE, UNDEFINED) for the
            classes of the operands; one axis for each operand.
        local: [tokens, positions], the class of the value at a position that holds a token;
            None if it depends on more than that.
        mixture: for aggregates, whether several different numbers can be averaged.
    """

    values: Values
    table: Table | None = None
    local: Table | None = None
    mixture: bool = False


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
        predicates: for each ``Select`` by node id, whether it holds for the classes of
            [query, key]; UNDEFINED where the predicate raises.
        widths: for each selector by node id, how many keys a query can select.
        raises: by node id, the functions that raise on some values.
        work: counts what the compilation does.
    """

    program: Program
    vocab: tuple[Value, ...]
    max_seq_len: int
    limits: Limits
    sops: Mapping[int, SOpFacts] = field(default_factory=dict)
    predicates: Mapping[int, Table] = field(default_factory=dict)
    widths: Mapping[int, WidthBounds] = field(default_factory=dict)
    raises: Mapping[int, Raises] = field(default_factory=dict)
    work: Work = field(default_factory=Work, compare=False)

    def value_set(self, node: Node, reader: str) -> ValueSet:
        """The values of a node, which a reader needs as a finite set.

        Raises:
            UnsupportedProgramError: there are too many to list.
        """
        values = self.sops[node.id].values
        if isinstance(values, ValueRange):
            raise UnsupportedProgramError(
                Refusal.TOO_MANY_VALUES,
                reader,
                f"reads {node.label!r}, which takes too many different values to list (between "
                f"{values.low:g} and {values.high:g}); only linear readers and aggregates can "
                "use it",
                "use a shorter max_seq_len, or round the values earlier",
            )
        return values


def encoded(node: Node, groups: Iterable[Sequence[Value]], nullable: bool) -> ValueSet:
    """The value set in a node's encoding: one scalar cannot tell 1 from True or 1.0.

    Args:
        node: an s-op.
        groups: its values, in groups that look the same.
        nullable: whether it can be None.

    Raises:
        UnsupportedProgramError: it is numerical, and a value is no number.
    """
    groups = list(groups)
    if is_numerical(node.expression):  # type: ignore[arg-type]
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
    return value_set(groups, nullable, node.label)


def constant_facts(facts: Inferred, values: ValueSet) -> SOpFacts:
    """The facts about an s-op without operands that is always the same; ``values.is_constant``."""
    number = NONE if values.nullable else 0
    shape = (len(facts.vocab), facts.max_seq_len)
    return SOpFacts(values, np.array(number, np.int32), np.full(shape, number, np.int32))


def local_result(facts: Inferred, node: Node, table: Table) -> Table | None:
    """[tokens, positions], the class of an elementwise value where its operands are local."""
    grids = [facts.sops[operand].local for operand in node.inputs]
    if any(grid is None for grid in grids):
        return None
    stacked = np.stack([grid for grid in grids if grid is not None])
    known = (stacked >= 0).all(axis=0)
    result = np.where((stacked == UNDEFINED).any(axis=0), UNDEFINED, NONE).astype(np.int32)
    result[known] = table[tuple(grid[known] for grid in stacked)]
    return result
