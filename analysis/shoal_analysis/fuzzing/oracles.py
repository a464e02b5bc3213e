"""What must hold for every program: the oracles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

import shoal
from shoal.atlas.atlas import NamedValue
from shoal.contract import all_agree
from shoal.errors import (
    BudgetError,
    EvaluationError,
    InvalidInputError,
    Refusal,
    UnreadableError,
    UnsupportedProgramError,
)
from shoal.narrowing.narrow import JOINT, NARROW
from shoal.options import pass_names
from shoal.program.ir import Node
from shoal.program.trace import trace_with_expressions
from shoal.rasp.annotations import is_numerical
from shoal.rasp.expressions import Map, SOp, tokens
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.values import Value, canonical_key
from shoal.targets.target import RUNNERS, is_installed
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.patching import wrong_patches
from shoal_analysis.fuzzing.promises import may_be_promised
from shoal_solvers import ALTERNATING, SOLVERS, Budgets

LIMITS = shoal.Limits(table_entries=20_000, averages=2_000, one_hot_values=256, mlp_weights=2**19)
"""Small limits keep campaigns fast; what exceeds them counts as refused."""

BUDGETS = "budgets that are not met"
"""The kind of refusal where the allocator found nothing within budgets."""


class Difference(AssertionError):
    """A model does what the interpreter does not.

    Attributes:
        stage: where the answers part.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(f"{stage}: {message}")
        self.stage = stage


@dataclass(frozen=True)
class Verdict:
    """What became of a case without differences.

    Attributes:
        outcome: "agrees", "refused", "outside float32" for what provably no float32 network could
            do, or "undefined" where the interpreter raises on all inputs.
        kind: the kind of refusal.
        reason: why it was refused, in words.
        inputs: on how many inputs it was compared.
        layers: of the model.
        operations: placed operations.
        haiku: whether Haiku ran as well.
    """

    outcome: str
    kind: str = ""
    reason: str = ""
    inputs: int = 0
    layers: int = 0
    operations: int = 0
    haiku: bool = False


def examine(case: Case, haiku: bool = False) -> Verdict:
    """Ask all oracles of a case.

    Raises:
        Difference: a stage disagrees with the interpreter, or an oracle does not hold.
        Exception: whatever else the compiler raises; only ``UnsupportedProgramError`` and
            ``BudgetError`` are refusals.
    """
    program = case.build()
    expected = _interpreted(program, case)
    try:
        model = compile_case(case, program)
    except UnsupportedProgramError as error:
        outcome = "outside float32" if error.outside_float32 else "refused"
        return Verdict(outcome, error.kind.value, str(error))
    except BudgetError as error:
        return Verdict("refused", BUDGETS, str(error))
    if not expected:
        return Verdict("undefined")
    inputs = [sequence for sequence, _ in expected]
    asked = [t for t in RUNNERS.values() if (haiku or not t.is_slow) and is_installed(t)]
    stages = [target.name for target in sorted(asked, key=lambda t: (t.is_slow, t.name))]
    for stage in stages:
        compare_results(stage, program, expected, model.run_batch(inputs, stage))
    _check_promise(case, program, model)
    for check in case.options.checks:
        _CHECKS[check](case, program, model, expected)
    return Verdict(
        "agrees",
        inputs=len(expected),
        layers=model.num_layers,
        operations=len(model.allocation.placements),
        haiku=haiku,
    )


Expected = list[tuple[list[Value], list[Value]]]


def _interpreted(program: SOp, case: Case) -> Expected:
    answers = ((sequence, answer_to(program, sequence, case)) for sequence in case.inputs())
    return [(sequence, answer) for sequence, answer in answers if answer is not None]


def answer_to(program: SOp, sequence: list[Value], case: Case) -> list[Value] | None:
    """What the interpreter says of an input; None if it raises, or says too little."""
    try:
        result = program(sequence, causal=case.options.causal, inputs=case.promise)
    except EvaluationError:
        return None
    return result if len(result) == len(sequence) else None  # constants may be too short


def compare_results(
    stage: str, sop: SOp, expected: Expected, results: Sequence[Sequence[Value]]
) -> None:
    """Raise ``Difference`` at the shortest input on which a stage is wrong about an s-op."""
    numerical = is_numerical(sop)
    wrong = [
        (sequence, wanted, list(result))
        for (sequence, wanted), result in zip(expected, results, strict=True)
        if not all_agree(wanted, result, numerical=numerical)
    ]
    if wrong:
        sequence, wanted, result = min(wrong, key=lambda entry: len(entry[0]))
        raise Difference(stage, f"on {sequence!r} got {result!r}, expected {wanted!r}")


def compile_case(case: Case, program: SOp, **changes: Any) -> shoal.Model:
    """The model that a case asks for, within its budgets.

    Args:
        case: how to compile it.
        program: what.
        changes: options that replace the case's.

    Raises:
        ShoalError: it is refused.
    """
    options: dict[str, Any] = {
        "vocab": case.vocab,
        "max_seq_len": case.options.max_seq_len,
        "causal": case.options.causal,
        "passes": case.options.passes,
        "allocator": case.options.allocator,
        "reuse": case.options.reuse,
        "time_limit": 1.0,
        "limits": LIMITS,
        "inputs": case.promise,
        **changes,
    }
    model = shoal.compile(program, **options)
    budget = _budget(case, model)
    if budget is None or "budget" in changes or options["allocator"] != "cp-sat":
        return model
    return shoal.compile(program, **options, budget=budget)


def _budget(case: Case, model: shoal.Model) -> Budgets | None:
    """Budgets a little above what the model takes without any; None if there are to be none."""
    costs = model.allocated.costs
    taken = (costs.layers, costs.width, costs.neurons, costs.heads)
    limits = [
        None if slack is None else max(1, cost + slack)
        for cost, slack in zip(taken, case.options.slack, strict=True)
    ]
    return None if limits == [None] * 4 else Budgets(*limits)


def _check_promise(case: Case, program: SOp, model: shoal.Model) -> None:
    """What is no promised input is refused, by the model as by the interpreter."""
    promise = case.promise
    if promise is None:
        return
    for sequence in filterfalse(promise, case.sequences(12)):
        for who in (lambda xs: program(xs, inputs=promise), model.run):
            try:
                result = who(sequence)
            except InvalidInputError:
                continue
            raise Difference("promise", f"{sequence!r} is not promised, but gives {result!r}")


def _check_allocators(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """All solvers give models with equal outputs, and none is better than what is proven.

    That is proven of what is offered. Components that are chosen by another solver may come out
    better once variables are narrow, so they are compared as they are offered.
    """
    inputs = [sequence for sequence, _ in expected]
    exact = compile_case(case, program, allocator="cp-sat", budget=None).allocated.costs
    names = pass_names(case.options.passes)
    wide = tuple(name for name in names if name not in (NARROW, JOINT))
    for allocator in SOLVERS:
        other = compile_case(case, program, allocator=allocator, budget=None)
        compare_results(f"numpy under {allocator}", program, expected, other.run_batch(inputs))
        costs, proven = other.allocated.costs, exact
        if len(wide) < len(names):
            if costs.layers >= proven.layers:
                continue
            options: dict[str, Any] = {"passes": wide, "budget": None}
            costs, proven = (
                compile_case(case, program, allocator=one, **options).allocated.costs
                for one in (allocator, "cp-sat")
            )
        if costs.as_tuple() < proven.as_tuple():
            raise Difference("allocators", f"{allocator} beats cp-sat, {other.allocated.costs}")


def _check_recompile(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """Compiling again, with the vocab in another order, gives identical weights, all of them."""
    again = _all_arrays(compile_case(case, case.build(), vocab=case.vocab[::-1]))
    arrays = _all_arrays(model)
    if arrays.keys() != again.keys():
        raise Difference("recompile", "other arrays")
    for name, array in arrays.items():
        if not np.array_equal(array, again[name]):
            raise Difference("recompile", f"other weights in {name}")


def _all_arrays(model: shoal.Model) -> dict[str, npt.NDArray[Any]]:
    """The weights of a model by name, the unembedding and the codes of results included."""
    arrays: dict[str, npt.NDArray[Any]] = {
        f"{group} {name}": a for group, row in model.params.items() for name, a in row.items()
    }
    arrays["unembedding w"] = model.weights.unembedding_w
    arrays["unembedding b"] = model.weights.unembedding_b
    if model.output_encoder.codes is not None:
        arrays["codes"] = model.output_encoder.codes
    return arrays


_LESS_EXACT = frozenset({Refusal.TOO_CLOSE, Refusal.TOO_INEXACT})
"""What a program may be refused for if its tokens come from a table, and not as they are."""

_LARGER = _LESS_EXACT | {
    Refusal.INDISTINGUISHABLE,
    Refusal.NO_NUMBER,  # what was alone may be averaged
    Refusal.TOO_MANY_VALUES,
    Refusal.TABLE_TOO_LARGE,
    Refusal.MODEL_TOO_LARGE,
    Refusal.TOO_MUCH_WORK,
}
"""What a program may be refused for if its sequences are longer."""


def _check_rename(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """Renamed tokens that are mapped back give the same outputs."""
    new_name = {canonical_key(token): f"token {i}" for i, token in enumerate(case.vocab)}
    old = {f"token {i}": token for i, token in enumerate(case.vocab)}
    renamed = case.build(Map(old.__getitem__, tokens))
    try:
        other = compile_case(case, renamed, vocab=tuple(old))
    except UnsupportedProgramError as error:
        if error.kind in _LESS_EXACT:
            return
        raise Difference("renamed tokens", f"refused: {error}") from error
    except BudgetError:
        return  # renaming adds an operation, which may not fit
    inputs = [[new_name[canonical_key(t)] for t in sequence] for sequence, _ in expected]
    compare_results("renamed tokens", program, expected, other.run_batch(inputs))


def _check_longer(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """A model for longer inputs agrees on the short ones."""
    longest = case.options.max_seq_len + 3
    if case.promise is not None and not may_be_promised(len(case.vocab), longest):
        return
    try:
        longer = compile_case(case, program, max_seq_len=longest)
    except UnsupportedProgramError as error:
        if error.kind in _LARGER:
            return
        raise Difference("longer max_seq_len", f"refused: {error}") from error
    except BudgetError:
        return
    inputs = [sequence for sequence, _ in expected]
    compare_results("longer max_seq_len", program, expected, longer.run_batch(inputs))


def _check_batch(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """A batch gives what single runs give."""
    inputs = [sequence for sequence, _ in expected]
    alone = [(sequence, model.run(sequence)) for sequence in inputs]
    compare_results("batch", program, alone, model.run_batch(inputs))


def _check_read(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """Every s-op can be read and replaced, and what is to be kept is there to the end."""
    nodes = [node for node in model.optimised.original.program if node.is_sop]
    expressions = trace_with_expressions(program, causal=case.options.causal).expressions
    end = ALTERNATING.last_state(model.num_layers)
    for node in nodes:
        if node.is_kept and not _lives_to(end, node, model):
            raise Difference("keep", f"{node.label} is not in the stream at the end")
    for sequence, _ in expected[-3:]:
        values = evaluate_all(program, sequence, causal=case.options.causal)
        for node in nodes:
            if node.id not in expressions:
                continue  # it is there for what is looked up alone
            sop = expressions[node.id]
            assert isinstance(sop, SOp)
            wanted = values.get(id(sop))
            for name in (node.label, *node.aliases):
                try:
                    read = model.read(name, sequence)
                except UnreadableError as error:
                    if not _may_be_unreadable(node, model, error):
                        raise Difference(f"read {name}", str(error)) from error
                    continue
                if wanted is not None:
                    known = model.atlas.values[node.label]
                    told = [_as_told(known, *each) for each in zip(wanted, read, strict=False)]
                    compare_results(f"read {name}", sop, [(sequence, told)], [read])
    inputs = [sequence for sequence, _ in expected[-3:]]
    wrong = wrong_patches(program, model, inputs, case.seed, case.options.causal)
    if wrong:
        raise Difference("patch", wrong[0])


def _as_told(known: NamedValue, wanted: Value, read: Value) -> Value:
    """What is wanted, or what is read if both look the same in the stream, as 0 and -1e-17 do."""
    one, other = (known.class_of.get(canonical_key(value)) for value in (wanted, read))
    return read if one is not None and one == other else wanted


def _may_be_unreadable(node: Node, model: shoal.Model, error: UnreadableError) -> bool:
    """Values without a name may be merged; what nothing reads is in no column.

    What float32 takes too far off is said to be inexact, unless it is to be kept.
    """
    if error.inexact:
        return not node.is_kept
    if error.merged:
        return not node.is_named
    return node.label not in model.allocation.columns


def _check_tokens(case: Case, program: SOp, model: shoal.Model, expected: Expected) -> None:
    """A token that only equals one of the vocab, and is of another type, is refused."""
    keys = {canonical_key(token) for token in case.vocab}
    for token in case.vocab:
        if not isinstance(token, int | float):
            continue
        for kind in (int, float, bool):
            try:
                other = kind(token)
            except OverflowError:
                continue
            if other != token or canonical_key(other) in keys:
                continue
            try:
                result = model.run([other])
            except InvalidInputError:
                continue
            raise Difference("tokens", f"{other!r} was taken for {token!r}, with {result!r}")


def _lives_to(end: int, node: Node, model: shoal.Model) -> bool:
    program = model.lowered.inferred.program
    place = model.optimised.place_of(node.id)
    if place not in program.graph:
        return False
    info = model.variables[program.node(place).label]
    return info.is_materialised and info.last == end


_CHECKS: Mapping[str, Callable[[Case, SOp, shoal.Model, Expected], None]] = MappingProxyType(
    {
        "allocators": _check_allocators,
        "recompile": _check_recompile,
        "rename": _check_rename,
        "longer": _check_longer,
        "batch": _check_batch,
        "read": _check_read,
        "tokens": _check_tokens,
    }
)
