"""Faults in what the stream holds: narrow variables, and results as codes and scores."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from shoal.errors import ShoalError
from shoal.forms.code import Code
from shoal.forms.scores import Scores
from shoal.lowering import cuts
from shoal.lowering.lowered import chosen_result
from shoal.lowering.rules import (
    mean,
    result_scores,
)
from shoal.narrowing import joined
from shoal.narrowing.narrow import Narrowed
from shoal.options import pass_names
from shoal_analysis.fuzzing.cases import Case, Line
from shoal_analysis.fuzzing.oracles import compile_case
from tests.mutants.planting import (
    Fault,
    Function,
    both,
    fault,
    has,
    has_pass,
    model_of,
    uses_rule,
)

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)


# narrow variables


def _compared_and_fetched(case: Case) -> Case:
    """Tokens are told apart first, and only whether they are the first one is fetched later."""
    source = """\
s1 = Select(tokens, tokens, Comparison.EQ)
v2 = SelectorWidth(s1)
v3 = tokens == FIRST
s4 = Select(v2, indices, Comparison.EQ)
v5 = Aggregate(s4, v3)"""
    return replace(case, lines=Line.parse(source.replace("FIRST", repr(case.vocab[0]))))


@_fault(
    Narrowed,
    "through",
    "constants forgotten",
    "readers of what is stored do not add what is left out",
    can_show=has_pass("narrow"),
)
def _constants_forgotten(correct: Function) -> Function:
    def through(self: Any, affine: Any, is_exact: bool) -> Any:
        found = correct(self, affine, is_exact)
        return found and replace(found, bias=affine.bias)

    return through


@_fault(
    Narrowed,
    "input",
    "columns exchanged",
    "the embedding stores functionals in another order than readers read them",
    can_show=has_pass("narrow"),
)
def _columns_exchanged(correct: Function) -> Function:
    def exchanged(table: Any) -> Any:
        return None if table is None else table[:, ::-1]

    def input_(self: Any, table: Any) -> Any:
        found = correct(self, table)
        if table.variable not in self.stored:
            return found
        return tuple(
            replace(
                part, by_token=exchanged(part.by_token), by_position=exchanged(part.by_position)
            )
            for part in found
        )

    return input_


def _with_early_tables(correct: Function, change: Function) -> Function:
    """The embedding of a variable in which the tables of what ends early are changed."""

    def changed(table: Any) -> Any:
        return None if table is None else change(table)

    def input_(self: Any, table: Any) -> Any:
        late, *early = correct(self, table)
        names = ("by_token", "by_position")
        return (
            late,
            *(replace(part, **{n: changed(getattr(part, n)) for n in names}) for part in early),
        )

    return input_


@_fault(
    Narrowed,
    "input",
    "early columns not embedded",
    "the embedding has zeros for what ends early",
    can_show=has_pass("narrow"),
    adapted=_compared_and_fetched,
)
def _early_columns_not_embedded(correct: Function) -> Function:
    return _with_early_tables(correct, np.zeros_like)


@_fault(
    Narrowed,
    "input",
    "early columns of the next token",
    "of what ends early the embedding has for each token what belongs to the next one",
    can_show=has_pass("narrow"),
    adapted=_compared_and_fetched,
)
def _early_columns_of_the_next_token(correct: Function) -> Function:
    return _with_early_tables(correct, partial(np.roll, shift=1, axis=0))


def _added_to_its_position(case: Case) -> Case:
    """A token's number and its position, which share a column for their sum."""
    source = "v1 = Map(as_number, tokens)\nv2 = SequenceMap(weighted, v1, indices)"
    return replace(case, lines=Line.parse(source))


def _shares_columns(case: Case) -> bool:
    """Whether inputs are held in the same columns."""
    model = model_of(case)
    return model is not None and any(" and " in name for name in model.variables)


@_fault(
    joined,
    "side_by_side",
    "positions not added",
    "the embedding has a token and nothing of its position in a column that they share",
    can_show=both(has_pass("narrow"), _shares_columns),
    adapted=_added_to_its_position,
)
def _positions_not_added(correct: Function) -> Function:
    def side_by_side(tables: Any, sizes: Any) -> Any:
        found = correct(tables, sizes)
        is_of_positions = found is not None and tables[0] is None
        return np.zeros_like(found) if is_of_positions else found

    return side_by_side


@_fault(
    joined,
    "side_by_side",
    "inputs exchanged",
    "what is read of inputs in shared columns is taken to be of their dimensions in reverse",
    can_show=both(has_pass("narrow"), _shares_columns),
    adapted=_added_to_its_position,
)
def _inputs_exchanged(correct: Function) -> Function:
    def side_by_side(tables: Any, sizes: Any) -> Any:
        found = correct(tables, sizes)
        return None if found is None else found[:, ::-1]

    return side_by_side


def _two_shares_compared(case: Case) -> Case:
    """Whether there are more first tokens than others so far: the difference of two means."""
    source = """\
s1 = Select(indices, indices, Comparison.LEQ)
v2 = numerical(tokens == FIRST)
v3 = numerical(tokens == LAST)
v4 = numerical(Aggregate(s1, v2))
v5 = numerical(Aggregate(s1, v3))
v6 = SequenceMap(less, v4, v5)"""
    source = source.replace("FIRST", repr(case.vocab[0])).replace("LAST", repr(case.vocab[-1]))
    options = replace(case.options, passes="smallest", allocator="cp-sat")
    return replace(case, lines=Line.parse(source), options=options)


@_fault(
    joined,
    "_wide",
    "heads that write alone",
    "of heads that write the same columns each but the first writes nothing",
    can_show=both(has_pass("joint"), _shares_columns),
    adapted=_two_shares_compared,
)
def _heads_that_write_alone(correct: Function) -> Function:
    def wide(head: Any, space: Any) -> Any:
        found = correct(head, space)
        if head.target.directions[0] == space.directions[0]:
            return found
        value = replace(found.value, matrix=np.zeros_like(found.value.matrix))
        return replace(found, value=value)

    return wide


@_fault(
    joined,
    "_into",
    "added instead of subtracted",
    "what several components write into shared columns has no sign",
    can_show=both(has_pass("joint"), _shares_columns),
    adapted=_two_shares_compared,
)
def _added_instead_of_subtracted(correct: Function) -> Function:
    def into(affine: Any, space: Any) -> Any:
        found = correct(affine, space)
        is_later = affine.target.directions[0] != space.directions[0]
        return replace(found, matrix=-found.matrix) if is_later else found

    return into


# result codes


@_fault(
    Code,
    "codes",
    "codes that meet",
    "the two largest codes of a result are the same",
    can_show=has_pass("result-codes"),
)
def _codes_that_meet(correct: Function) -> Function:
    def codes(form: Any, domain: Any) -> Any:
        found = correct(form, domain)
        return np.minimum(found, np.sort(found[:, 0])[-2:].min(initial=np.inf))

    return codes


@_fault(
    mean,
    "_averaged",
    "numbers not moved",
    "a mean that can be None is not moved away from 0, as its code is",
    can_show=both(has_pass("result-codes"), has("Aggregate")),
)
def _numbers_not_moved(correct: Function) -> Function:
    def averaged(*arguments: Any, shift: float = 0.0) -> Any:
        return correct(*arguments)

    return averaged


@_fault(
    cuts,
    "cut_table",
    "code of another class",
    "the code of a result that is also a view is that of the class before",
    can_show=both(has(r"Map\(.*Map\("), uses_rule("result-codes")),
)
def _code_of_another_class(correct: Function) -> Function:
    def cut_table(context: Any, node: Any, cut: Any, most: int, held: Any) -> Any:
        made = correct(context, node, cut, most, held)
        is_coded = made is not None and held is not None
        return replace(made, classes=np.maximum(made.classes - 1, -1)) if is_coded else made

    return cut_table


# result scores


def _is_decided_by_scores(case: Case) -> bool:
    """Whether the decoder decides the result of a case."""
    if "result-scores" not in pass_names(case.options.passes):
        return False
    try:
        stages = compile_case(case, case.build()).stages
    except ShoalError:
        return False
    assert stages is not None
    return chosen_result(stages.lowered, stages.allocated.allocation).form == Scores()


@_fault(
    result_scores,
    "_as_coordinates",
    "None without a score",
    "the score of None is not taken from those of the classes",
    can_show=_is_decided_by_scores,
)
def _none_without_a_score(correct: Function) -> Function:
    def as_coordinates(scoring: Any, classes: int) -> Any:
        matrix, bias = scoring
        return correct((matrix[:, :classes], bias[:classes]), classes)

    return as_coordinates


@_fault(
    result_scores,
    "cut_table",
    "scores of half of the rows",
    "scores are found for half of the values that can occur",
    can_show=_is_decided_by_scores,
)
def _scores_of_half_of_the_rows(correct: Function) -> Function:
    def cut_table(*arguments: Any) -> Any:
        recipe = correct(*arguments)
        if recipe is None:
            return None
        return replace(recipe, rows=recipe.rows[::2], classes=recipe.classes[::2])

    return cut_table


STREAM_FAULTS: tuple[Fault, ...] = tuple(_FAULTS)
"""Faults in what is stored, and in how results are held."""
