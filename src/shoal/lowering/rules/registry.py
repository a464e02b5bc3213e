"""The rules of lowering, in the order in which they are asked for each s-op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shoal.lowering.context import RESULT_CODES, Context
from shoal.lowering.heads import PARABOLAS
from shoal.lowering.offers import Offers
from shoal.lowering.rules.argmax import ARGMAX, argmax
from shoal.lowering.rules.coded_result import coded_result
from shoal.lowering.rules.cone import cone
from shoal.lowering.rules.copy import copy
from shoal.lowering.rules.counted_result import counted_result
from shoal.lowering.rules.digits import DIGITS, count_by_digits
from shoal.lowering.rules.embedding import embed_input, embed_kept
from shoal.lowering.rules.frequencies import FREQUENCIES, frequency
from shoal.lowering.rules.further_forms import further_forms, further_operands
from shoal.lowering.rules.histograms import HISTOGRAMS, sorted_values
from shoal.lowering.rules.length_gates import LENGTH_GATES, length_gates
from shoal.lowering.rules.linear import linear_map
from shoal.lowering.rules.mean import coded_mean, decoded_mean, mean
from shoal.lowering.rules.priority import PRIORITIES, priority
from shoal.lowering.rules.result_scores import RESULT_SCORES, result_scores
from shoal.lowering.rules.split_width import SPLIT_SELECTORS, only_parts, parts, sum_of_parts
from shoal.lowering.rules.sums import SUMS, sums
from shoal.lowering.rules.table import TABLES, table
from shoal.lowering.rules.view import view
from shoal.lowering.rules.whole_numbers import (
    WHOLE_NUMBERS,
    also_queries,
    number_query,
    only_queries,
)
from shoal.lowering.rules.width import LINEAR_COUNTS, decode_width, width
from shoal.program.ir import ELEMENTWISE, Node, Op

Rule = Callable[[Context, Node], Offers[None]]

_INPUTS = frozenset({Op.TOKENS, Op.INDICES})
_LOCAL = ELEMENTWISE | {Op.CONSTANT}
_WIDTHS = frozenset({Op.WIDTH})
_AGGREGATES = frozenset({Op.AGGREGATE})

STEPS: tuple[tuple[str, frozenset[Op], Rule], ...] = (
    ("inputs", _INPUTS, embed_input),
    ("views", _LOCAL, view),
    ("views", _LOCAL, embed_kept),
    (WHOLE_NUMBERS, ELEMENTWISE, only_queries),
    ("linear", frozenset({Op.LINEAR}), linear_map),
    (SUMS, ELEMENTWISE, sums),
    (TABLES, _LOCAL, table),
    ("cones", ELEMENTWISE, cone),
    (RESULT_CODES, ELEMENTWISE, coded_result),
    (RESULT_SCORES, ELEMENTWISE, result_scores),
    (DIGITS, _WIDTHS, count_by_digits),
    (SPLIT_SELECTORS, _WIDTHS, only_parts),
    ("widths", _WIDTHS, width),
    (SPLIT_SELECTORS, _WIDTHS, parts),
    ("widths", _WIDTHS, decode_width),
    (SPLIT_SELECTORS, _WIDTHS, sum_of_parts),
    (PRIORITIES, _AGGREGATES, priority),
    (ARGMAX, _AGGREGATES, argmax),
    (WHOLE_NUMBERS, _AGGREGATES, number_query),
    ("means", _AGGREGATES, mean),
    (RESULT_CODES, _AGGREGATES, coded_mean),
    ("means", _AGGREGATES, decoded_mean),
    ("copies", _AGGREGATES, copy),
    (HISTOGRAMS, _AGGREGATES, sorted_values),
    (HISTOGRAMS, ELEMENTWISE | _WIDTHS | _AGGREGATES, counted_result),
    (LENGTH_GATES, _AGGREGATES, length_gates),
    (FREQUENCIES, ELEMENTWISE, frequency),
    ("further-forms", frozenset(Op), further_forms),
    ("further-forms", ELEMENTWISE, further_operands),
    (WHOLE_NUMBERS, ELEMENTWISE, also_queries),
)
"""Each with the name of the rule that it belongs to, and the operations that it is asked for. A
step that finds an s-op held already offers nothing."""


SELECT_BY_THEMSELVES = (PRIORITIES, ARGMAX, HISTOGRAMS, LENGTH_GATES)
"""Rules whose components know what a selector selects, and read nothing of what it looks at."""


@dataclass(frozen=True)
class Optional:
    """A rule that can be switched off.

    Attributes:
        saves: what it counts.
        by_default: whether it is among all rules, or has to be asked for.
    """

    saves: str
    by_default: bool = True


OPTIONAL: Mapping[str, Optional] = MappingProxyType(
    {
        "views": Optional("values that need no operation"),
        "cones": Optional("further cuts offered"),
        SPLIT_SELECTORS: Optional("selectors offered in parts"),
        DIGITS: Optional("counts by an order that are made digit by digit"),
        LINEAR_COUNTS: Optional("counts that heads can write themselves"),
        SUMS: Optional("means times widths that heads write as sums"),
        PARABOLAS: Optional("equalities scored in two dimensions"),
        PRIORITIES: Optional("positions picked without knowing the length"),
        ARGMAX: Optional("best keys picked by their score"),
        WHOLE_NUMBERS: Optional("positions picked by numbers that are not decoded"),
        HISTOGRAMS: Optional("values told from counts of tokens"),
        FREQUENCIES: Optional("counts divided by the length that heads average"),
        "shared-heads": Optional("aggregates whose head others can share"),
        RESULT_CODES: Optional("results held as a number for each value"),
        RESULT_SCORES: Optional("cuts by which the decoder alone finds the result"),
        "binary": Optional("values held in binary digits as well", by_default=False),
        LENGTH_GATES: Optional(
            "positions fetched for all lengths, and chosen afterwards", by_default=False
        ),
    }
)
"""What lowering does beyond one component for each expression; docs/passes.md says what each does.
All other rules are essential."""
