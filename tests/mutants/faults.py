"""Planted compiler faults. They replace product functions while a context lasts.

Each fault wraps the correct function and spoils what it takes or gives, so that it keeps
working when the product changes. Faults sit in every stage but the interpreter, which is right
by definition.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from shoal.compiler import assemble, pipeline, place
from shoal.craft.components import BOS, Component, Head
from shoal.lowering import heads, lower, making, selectors
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.rules import linear, table
from shoal.options import pass_names
from shoal.program.facts import averages, infer
from shoal.program.facts.lookup import Lookup
from shoal.program.ir import Op
from shoal.targets import in_haiku, in_numpy
from shoal.transformer import weights
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal_solvers import Allocation
from shoal_solvers.allocation import lifetimes_in
from shoal_solvers.exact.lexicographic import LexicographicSearch
from shoal_solvers.heuristics import longest_path
from tests.mutants.fact_faults import FACT_FAULTS
from tests.mutants.pass_faults import PASS_FAULTS
from tests.mutants.planting import READY, Fault, Function, fault, lacks_pass
from tests.mutants.planting import has as _has
from tests.mutants.rule_faults import RULE_FAULTS
from tests.mutants.selection_faults import SELECTION_FAULTS
from tests.mutants.stream_faults import STREAM_FAULTS
from tests.mutants.strict_faults import STRICT_FAULTS

_solve = import_module("shoal_solvers.solve")  # the package has a function of that name

_FAULTS: list[Fault] = []
_fault = partial(fault, _FAULTS)

_ATTENDS = _has(r"Select\(|length")
_NEGATIVE = _has(r"numerical\([^\n]*(-|negate|Linear).*\b(Map|Sel|Agg|Seq)")


_TWO_HEADS = (
    rf"{READY}(?=.*(?:Aggregate|SelectorWidth)\(\1\b).*"
    rf"{READY}(?=.*(?:Aggregate|SelectorWidth)\(\2\b)"
)
"""Two selectors that heads in the first layer may use."""


# value inference


@_fault(
    averages,
    "means",
    "missing mean",
    "the middle one of an aggregate's means is missing in its value set",
    can_show=_has("Aggregate"),
)
def _missing_mean(correct: Function) -> Function:
    def means(*arguments: Any) -> Any:
        found = correct(*arguments)
        return found and found[: len(found) // 2] + found[len(found) // 2 + 1 :]

    return means


@_fault(
    infer,
    "width_bounds",
    "missing width",
    "the greatest width of a selector is missing in its value set",
    can_show=_has("SelectorWidth|length"),
)
def _missing_width(correct: Function) -> Function:
    def width_bounds(*arguments: Any) -> Any:
        bounds = correct(*arguments)
        return replace(bounds, high=max(bounds.low, bounds.high - 1))

    return width_bounds


@_fault(
    infer,
    "width_bounds",
    "never empty",
    "every selector is taken to select something, so that defaults and None are never prepared",
    can_show=_has("Aggregate"),
)
def _never_empty(correct: Function) -> Function:
    def width_bounds(*arguments: Any) -> Any:
        bounds = correct(*arguments)
        return replace(bounds, low=1, high=max(1, bounds.high))

    return width_bounds


@_fault(
    infer,
    "infer_aggregate",
    "mean as one value",
    "an average of several different values is read as if one of them were there",
    can_show=_has("Aggregate"),
)
def _mean_as_one_value(correct: Function) -> Function:
    def infer_aggregate(*arguments: Any) -> Any:
        return replace(correct(*arguments), mixture=False)

    return infer_aggregate


@_fault(
    infer,
    "_infer_elementwise",
    "None as first value",
    "where a function returns None, its table holds the first value",
    can_show=_has("none_if"),
)
def _none_as_first_value(correct: Function) -> Function:
    def infer_elementwise(*arguments: Any) -> Any:
        facts = correct(*arguments)
        entries = facts.table.entries
        none_is_first = Lookup(np.where(entries == infer.NONE, 0, entries))
        return replace(facts, table=none_is_first) if len(facts.domain) else facts

    return infer_elementwise


# lowering


@_fault(
    selectors,
    "Term",
    "key and query swapped",
    "selectors read the key at the query's position and the query at the key's",
    can_show=_has(r"Select\("),
)
def _key_and_query_swapped(correct: Function) -> Function:
    return lambda query, key, scores: correct(key, query, scores.T)


@_fault(
    selectors,
    "holds_where",
    "wrong precedence",
    "~(a & b) is taken for ~a & b, and ~(a | b) for ~a | b",
    can_show=_has(r"(s\d+) = s\d+ [&|] s\d+.* = ~\1\b"),
)
def _wrong_precedence(correct: Function) -> Function:
    def holds(context: Any, selector: Any, truth: Any) -> Any:
        inner = context.node(selector.inputs[0])
        if selector.op is not Op.NOT or inner.op not in (Op.AND, Op.OR):
            return correct(context, selector, truth)
        first, second = (holds(context, context.node(part), truth) for part in inner.inputs)
        return ~first & second if inner.op is Op.AND else ~first | second

    return holds


@_fault(
    heads,
    "head",
    "default dropped",
    "aggregates write nothing where nothing is selected, whatever their default",
    can_show=_has("default="),
)
def _default_dropped(correct: Function) -> Function:
    def head(name: Any, terms: Any, value: Any, at_bos: Any, *others: Any) -> Head:
        made: Head = correct(name, terms, value, np.zeros_like(at_bos), *others)
        return made

    return head


@_fault(
    heads,
    "head",
    "too warm",
    "attention is a fifth as cold as the margins take it to be: unselected keys do not vanish",
    can_show=_has(r"Aggregate\("),
)
def _too_warm(correct: Function) -> Function:
    def head(*arguments: Any, **others: Any) -> Head:
        cold: Head = correct(*arguments, **others)
        query, at_bos = cold.query, cold.query_at_bos
        assert at_bos is not None
        return replace(
            cold,
            query=replace(query, matrix=query.matrix / 5, bias=query.bias / 5),
            query_at_bos=at_bos / 5,
        )

    return head


@_fault(
    making,
    "synthesise",
    "threshold off by one",
    "neurons that look up several operands fire when all but one of them match",
    can_show=_has("SequenceMap"),
)
def _threshold_off_by_one(correct: Function) -> Function:
    def synthesise(table: Any, *arguments: Any) -> Any:
        made = correct(table, *arguments)
        several = len(table.operands) > 1 and all(o.form.picks_one for o in table.operands)
        if made is None or not several:
            return made
        mlp, errors = made
        return replace(mlp, hidden=replace(mlp.hidden, bias=mlp.hidden.bias + 1)), errors

    return synthesise


@_fault(
    making,
    "synthesise",
    "wrong default class",
    "a look-up that finds no neuron for its operands results in the next class",
    can_show=_has("Map"),
)
def _wrong_default_class(correct: Function) -> Function:
    def synthesise(table: Any, *arguments: Any) -> Any:
        made = correct(table, *arguments)
        if made is None or not all(operand.form.picks_one for operand in table.operands):
            return made
        mlp, errors = made
        return replace(mlp, output=replace(mlp.output, bias=np.roll(mlp.output.bias, 1))), errors

    return synthesise


@_fault(
    table,
    "joint",
    "no rows for None",
    "tables are made exact on the operands' values, and not where an operand is None",
    can_show=_has("Map"),
)
def _no_rows_for_none(correct: Function) -> Function:
    return lambda operands, most: correct([replace(o, nullable=False) for o in operands], most)


@_fault(
    linear,
    "Layer",
    "sign dropped",
    "negative results of linear combinations are cut off at 0",
    can_show=_has(r"numerical\(Linear"),
)
def _sign_dropped(correct: Function) -> Function:
    def layer(into: Any, threshold: Any, out: Any, bias: Any) -> Any:
        negative = (out < 0).any(axis=1)
        return correct(into, threshold, np.where(negative[:, None], 0.0, out), bias)

    return layer


# allocation


@_fault(
    lower,
    "LoweredOperation",
    "read not declared",
    "operations keep the allocator in the dark about the last operand that they read",
    can_show=lacks_pass("narrow"),  # which takes long where what is read is not there
)
def _read_not_declared(correct: Function) -> Function:
    def operation(name: Any, block: Any, components: Any, reads: Any, *further: Any) -> Any:
        fewer = tuple((*names[:-2], names[-1]) for names in reads)  # the mark of BOS is the last
        return correct(name, block, components, fewer, *further)

    return operation


@_fault(
    _solve,
    "check",
    "overlap before the check",
    "the solver gives two live variables a column in common (its checker is to find out)",
)
def _overlap_before_the_check(correct: Function) -> Function:
    return lambda problem, allocation: correct(problem, _with_overlap(problem, allocation))


@_fault(
    place,
    "allocate",
    "overlap after the check",
    "two live variables have a column in common, and nothing checks it",
)
def _overlap_after_the_check(correct: Function) -> Function:
    def allocate(problem: Any, options: Any, *progress: Any) -> Any:
        result = correct(problem, options, *progress)
        return replace(result, allocation=_with_overlap(problem, result.allocation))

    return allocate


def _with_overlap(problem: Any, allocation: Allocation) -> Allocation:
    """The allocation in which the last variable shares a column with one that it meets.

    No column is left empty, which would be noticed.
    """
    lives = lifetimes_in(problem, allocation)
    last_column = max((c for columns in allocation.columns.values() for c in columns), default=0)
    holders = [n for n in lives if last_column in allocation.columns[n]]
    names = [n for n in lives if allocation.columns[n] and (holders != [n])]
    if not names:
        return allocation
    last = names[-1]
    meets = [
        name
        for name in names[:-1]
        if lives[name].first <= lives[last].last and lives[last].first <= lives[name].last
    ]
    if not meets:
        return allocation
    shared = (allocation.columns[meets[-1]][0], *allocation.columns[last][1:])
    return replace(allocation, columns={**allocation.columns, last: shared})


@_fault(
    LexicographicSearch,
    "run",
    "deeper than needed",
    "the exact solver gives up at once and returns the longest-path allocation",
    can_show=lambda case: "allocators" in case.options.checks,
)
def _deeper_than_needed(correct: Function) -> Function:
    def run(self: Any) -> Allocation:
        return longest_path(self.problem)

    return run


# assembly


@_fault(
    pipeline,
    "assemble",
    "alternative ignored",
    "operations are assembled as first offered, whatever alternative the allocator chose",
    can_show=lambda case: "cones" in pass_names(case.options.passes),
)
def _alternative_ignored(correct: Function) -> Function:
    def assembled(lowered: LoweredProgram, allocation: Allocation) -> Any:
        first = {name: replace(p, alternative=0) for name, p in allocation.placements.items()}
        return correct(lowered, replace(allocation, placements=first))

    return assembled


@_fault(
    pipeline,
    "assemble",
    "erased too early",
    "variables are erased one layer before their last reader is done with them",
    can_show=lambda case: case.options.reuse,
)
def _erased_too_early(correct: Function) -> Function:
    def assembled(lowered: LoweredProgram, allocation: Allocation) -> Any:
        earlier = {name: max(1, half - 2) for name, half in allocation.erasures.items()}
        return correct(lowered, replace(allocation, erasures=earlier))

    return assembled


@_fault(
    assemble,
    "erasure",
    "half an erasure",
    "erasing a variable clears its positive values only",
    can_show=lambda case: case.options.reuse and _NEGATIVE(case),
)
def _half_an_erasure(correct: Function) -> Function:
    return lambda name, space, signed: correct(name, space, np.zeros_like(signed))


@_fault(
    assemble,
    "pin_to_bos",
    "BOS not gated",
    "heads do not keep BOS apart from other keys",
    can_show=_ATTENDS,
)
def _bos_not_gated(correct: Function) -> Function:
    def pin_to_bos(component: Component, stream: Any, at_bos: Any, mark: Any) -> Any:
        if isinstance(component, Head):
            component = replace(component, key_at_bos=None)
        return correct(component, stream, at_bos, mark)

    return pin_to_bos


@_fault(
    assemble,
    "pin_to_bos",
    "stale BOS",
    "BOS corrections count on what BOS was embedded as, not on what layers add to it",
    can_show=_ATTENDS,
)
def _stale_bos(correct: Function) -> Function:
    def pin_to_bos(component: Component, stream: Any, at_bos: Any, mark: Any) -> Any:
        embedded = np.array([float(direction == BOS) for direction in stream.directions])
        return correct(component, stream, embedded, mark)

    return pin_to_bos


# weights


@_fault(
    weights,
    "_layer",
    "keys of another head",
    "the keys of a layer's heads are printed in reverse order",
    can_show=_has(_TWO_HEADS),
)
def _keys_of_another_head(correct: Function) -> Function:
    def layer(attention: Any, *others: Any) -> Any:
        reverse = correct(attention[::-1], *others)
        return replace(correct(attention, *others), key_w=reverse.key_w, key_b=reverse.key_b)

    return layer


@_fault(
    weights,
    "_mlp_arrays",
    "bias overwritten",
    "where one MLP erases what another one writes over, the other one's bias is lost",
    can_show=lambda case: case.options.reuse,
)
def _bias_overwritten(correct: Function) -> Function:
    def mlp_arrays(mlps: Any, sizes: Any, place: Any) -> Any:
        *others, output_b = correct(mlps, sizes, place)
        for mlp in mlps:
            output_b[place.of(mlp.target)] = mlp.output.bias
        return (*others, output_b)

    return mlp_arrays


# forward passes


class _Shifted:
    """NumPy with masks that let every query see one key more."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def tri(self, size: int, dtype: Any) -> Any:
        return np.tri(size, k=1, dtype=dtype)


@_fault(
    in_numpy,
    "np",
    "causal mask off by one",
    "under a causal mask a query sees the key after its own",
    can_show=lambda case: case.options.causal and "Select(" in case.source(),
)
def _causal_mask_off_by_one(correct: Any) -> Any:
    return _Shifted()


@_fault(
    in_numpy,
    "_attention",
    "bfloat16",
    "what attention adds to the stream is rounded to bfloat16, as accelerators do by default",
    can_show=_has(r"numerical\(Agg"),
)
def _bfloat16(correct: Function) -> Function:
    def attention_of_layer(*arguments: Any) -> Any:
        update, logits = correct(*arguments)
        return (update.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32), logits

    return attention_of_layer


@_fault(
    in_numpy,
    "forward",
    "PAD attended to",
    "keys that are PAD are not masked",
    can_show=_ATTENDS,
)
def _pad_attended_to(correct: Function) -> Function:
    return lambda printed, ids, pad, *edits: correct(printed, ids, -1, *edits)


@_fault(
    in_haiku,
    "jitted_forward",
    "PAD attended to on Haiku",
    "keys that are PAD are not masked, on Haiku alone",
    can_show=_ATTENDS,
    on_haiku=True,
)
def _pad_attended_to_on_haiku(correct: Function) -> Function:
    return lambda printed, pad: correct(printed, -1)


# encoders


@_fault(
    pipeline,
    "InputEncoder",
    "tokens numbered otherwise",
    "the encoder numbers tokens by their text, and the embedding by their value",
)
def _tokens_numbered_otherwise(correct: Any) -> Any:
    def encoder(vocab: Iterable[Any], *others: Any, **further: Any) -> InputEncoder:
        return correct(tuple(sorted(vocab, key=repr)), *others, **further)

    return encoder


@_fault(
    pipeline,
    "CompileOptions",
    "order of the vocab",
    "the model depends on the order in which the vocab is given",
    can_show=lambda case: "recompile" in case.options.checks,
)
def _order_of_the_vocab(correct: Function) -> Function:
    def options(vocab: Any, *others: Any, **further: Any) -> Any:
        made = correct(vocab, *others, **further)
        object.__setattr__(made, "vocab", tuple(vocab))
        return made

    return options


@_fault(
    OutputDecoder,
    "decode",
    "None decoded as a value",
    "a result that can be None is decoded as if it could not",
)
def _none_decoded_as_a_value(correct: Function) -> Function:
    def decode(self: OutputDecoder, result: Any) -> Any:
        can_be_none = self.nullable and not (self.values or self.is_numerical)
        return correct(replace(self, nullable=can_be_none), result)

    return decode


FAULTS: tuple[Fault, ...] = (
    *FACT_FAULTS,
    *PASS_FAULTS,
    *RULE_FAULTS,
    *SELECTION_FAULTS,
    *STREAM_FAULTS,
    *_FAULTS,
    *STRICT_FAULTS,
)
"""All faults, by the stage of the compiler that they sit in."""
