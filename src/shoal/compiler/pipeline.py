"""The compiler: from a RASP expression to a model, one stage after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.atlas.survey import Stages
from shoal.compiler.assemble import assemble
from shoal.compiler.few_inputs import from_all_inputs
from shoal.compiler.fewest_parameters import place_with_few_parameters
from shoal.compiler.output import output_decoder, require_distinct_results
from shoal.compiler.place import Placed, place
from shoal.compiler.problem import allocation_problem
from shoal.compiler.promised import promised_inputs, smaller
from shoal.compiler.promises import require_promised_sizes
from shoal.compiler.variants import Variant, lower_all, variants
from shoal.craft.model import CraftModel
from shoal.errors import UnsupportedProgramError
from shoal.limits import Limits, Work
from shoal.lowering.lowered import chosen_result, decided
from shoal.model import Model
from shoal.options import PARAMETERS, USUAL_OBJECTIVES, CompileOptions
from shoal.program.facts.infer import infer
from shoal.program.ir import Program
from shoal.program.look_ups import LookUps, with_savings
from shoal.program.passes import run_before_inference, run_passes
from shoal.program.trace import trace, trace_with_expressions
from shoal.rasp.expressions import SOp
from shoal.rasp.positions import refusals_at
from shoal.rasp.values import Value
from shoal.threads import one_thread
from shoal.transformer.encoders import InputEncoder, PromisedInputs
from shoal.transformer.weights import Weights, print_weights
from shoal_solvers import AllocationProblem, Budgets, ObjectiveResult


def compile(
    program: SOp,
    *,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool = False,
    bos: Value = "BOS",
    pad: Value = "PAD",
    passes: str | Collection[str] = "all",
    allocator: str = "cp-sat",
    reuse: bool = True,
    budget: Budgets | None = None,
    time_limit: float = 10.0,
    wall_clock_limit: float | None = None,
    workers: int = 1,
    limits: Limits | None = None,
    result: str = "code",
    objective: str | Sequence[str] = USUAL_OBJECTIVES,
    inputs: Callable[[list[Value]], Any] | Iterable[Sequence[Value]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Model:
    """Compile a RASP program into a transformer.

    Args:
        program: an s-op.
        vocab: the tokens that inputs are made of.
        max_seq_len: the greatest number of tokens, BOS not counted.
        causal: whether positions see only themselves and earlier ones.
        bos: the token that input sequences begin with; not in the vocab.
        pad: the token that fills sequences up; not in the vocab.
        passes: "all", "none" (the program as written), "smallest" (all, and names are given up
            where that takes fewer columns), or names of passes.
        allocator: what places operations into layers: "longest-path", "critical-path",
            "cp-sat", or "milp".
        reuse: whether residual columns are cleared and used again.
        budget: upper limits on layers, width, neurons and heads.
        time_limit: deterministic seconds for the allocator, about a second each; they count
            work instead of time, so that the model does not depend on the machine.
        wall_clock_limit: seconds for the allocator; a limit that strikes makes results differ
            from run to run.
        workers: threads of the allocator.
        limits: sizes above which a program is refused before memory is taken.
        result: "code" holds a result of classes that nothing else reads as one number for each
            value, if the passes have "result-codes"; "one-hot" for those who probe.
        objective: what is to be small, the most important first, of "layers", "width", "neurons",
            "heads", "total" (of neurons and heads) and "parameters"; what is not named comes after
            what is, in this order, but for the parameters. These are counted of the models that are
            worth a look, and nothing is proven of them.
        inputs: which inputs are promised: a predicate of lists of tokens, which is asked about
            all there are, or a collection of inputs; None for all. The program is compiled for
            these, and may be smaller; the model refuses others.
        progress: called with what is being done, in words: the stage that begins, and during
            allocation what is proven so far.

    Raises:
        ProgramError: ``program`` is not an s-op.
        InvalidOptionError: an option makes no sense.
        UnsupportedProgramError: the program cannot be compiled; the message says why.
        BudgetError: the budgets cannot be met; the message says which, and what would do.
    """
    options = CompileOptions(
        vocab,  # type: ignore[arg-type]  # options take what users give
        max_seq_len,
        causal,
        bos,
        pad,
        passes,  # type: ignore[arg-type]
        allocator,
        reuse,
        budget,  # type: ignore[arg-type]
        time_limit,
        wall_clock_limit,
        workers,
        limits,  # type: ignore[arg-type]
        result,
        objective,  # type: ignore[arg-type]
        inputs,  # type: ignore[arg-type]
    )
    return compile_with(program, options, progress=progress)


def compile_with(
    program: Any,
    options: CompileOptions,
    equal_sizes: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Model:
    """Compile with options that are made already.

    Args:
        program: the s-op to compute.
        options: what for, and how.
        equal_sizes: whether values get the size of keys, as Tracr's have.
        progress: called with what is being done, as of ``compile``.
    """
    with one_thread():
        clock = _Clock(progress)
        clock.begin("trace")
        traced = trace_with_expressions(program, causal=options.causal)
        with refusals_at(traced.program.position_of):
            promised = promised_inputs(options)

            def run(knowing: PromisedInputs | None, look_ups: LookUps | None = None) -> Model:
                asked = _Asked(program, traced.program, look_ups, knowing, promised)
                return _run_stages(asked, options, equal_sizes, clock)

            try:
                return run(None) if promised is None else smaller(run, promised, options.objective)
            except UnsupportedProgramError as refusal:
                return from_all_inputs(run, traced, program, options, promised, refusal)


@dataclass(frozen=True)
class _Asked:
    """What is to be compiled.

    Attributes:
        program: the s-op to compute.
        traced: its graph.
        look_ups: the graph with look-ups instead, if rules alone cannot compute it.
        knowing: the inputs by which it is compiled; None for what holds of all.
        promised: the inputs that the model is for; None if there may be any.
    """

    program: SOp
    traced: Program
    look_ups: LookUps | None
    knowing: PromisedInputs | None
    promised: PromisedInputs | None

    @property
    def graph(self) -> Program:
        """What the stages begin with."""
        return self.traced if self.look_ups is None else self.look_ups.program


def _run_stages(asked: _Asked, options: CompileOptions, equal_sizes: bool, clock: _Clock) -> Model:
    lowered_variants = _lowered_variants(asked, options, clock)
    clock.begin("allocate")

    def count(placed: Placed) -> int:
        return _weights(placed, options, equal_sizes).num_parameters

    if PARAMETERS in options.objective:
        placed = place_with_few_parameters(lowered_variants, options, count)
    else:
        placed = place(lowered_variants, options, count, clock.proven)
    optimised, problem, allocated = placed.optimised, placed.problem, placed.allocated
    clock.begin("assemble")
    lowered = decided(placed.lowered, allocated.allocation)
    result = chosen_result(lowered, allocated.allocation)
    craft = assemble(lowered, allocated.allocation)
    clock.begin("weights")
    weights = _weights(placed, options, equal_sizes, craft)
    require_promised_sizes(weights.sizes, allocated.costs)
    clock.end()
    encoder = InputEncoder(
        options.vocab, options.bos, options.pad, options.max_seq_len, promised=asked.promised
    )
    return Model(
        weights=weights,
        input_encoder=encoder,
        output_encoder=output_decoder(result),
        stages=Stages(
            asked.program,
            options,
            optimised,
            lowered,
            problem,
            allocated,
            craft,
            clock.laps,
            asked.look_ups,
        ),
    )


def _lowered_variants(asked: _Asked, options: CompileOptions, clock: _Clock) -> list[Variant]:
    """Everything that the allocator may choose from."""
    traced, knowing = asked.graph, asked.knowing
    work = Work(options.limits.work)
    clock.begin("infer values")
    merged = run_before_inference(traced, options.passes)
    inputs = None if knowing is None else sorted(knowing.inputs)
    inferred = infer(merged, options.vocab, options.max_seq_len, options.limits, work, inputs)
    require_distinct_results(inferred)
    clock.begin("passes")
    optimised = run_passes(inferred, options.passes, len(traced.graph) - len(merged.graph))
    optimised = with_savings(optimised, asked.look_ups, options.passes)
    programs = variants(optimised, options.passes)
    clock.begin("lower")
    return lower_all(programs, options)


def offered(program: SOp, options: CompileOptions) -> tuple[AllocationProblem, ...]:
    """What the allocator is asked for a program: a problem for each variant of it.

    Args:
        program: the s-op to compute.
        options: what for, and how. What they promise of inputs is not made use of.

    Raises:
        UnsupportedProgramError: the program cannot be compiled; the message says why.
    """
    traced = trace(program, causal=options.causal)
    with one_thread(), refusals_at(traced.position_of):
        asked = _Asked(program, traced, None, None, None)
        found = _lowered_variants(asked, options, _Clock(None))
        return tuple(allocation_problem(variant.lowered, options) for variant in found)


def _weights(
    placed: Placed, options: CompileOptions, equal_sizes: bool, craft: CraftModel | None = None
) -> Weights:
    """The weights of an allocated program, from craft if that is there already."""
    allocation = placed.allocated.allocation
    return print_weights(
        craft or assemble(placed.lowered, allocation),
        allocation.columns,
        chosen_result(placed.lowered, allocation).coordinates,
        options.limits.model_bytes,
        equal_sizes,
    )


class _Clock:
    """Wall-clock time of each stage; says which one begins, and what is proven so far."""

    def __init__(self, progress: Callable[[str], None] | None) -> None:
        self.laps: dict[str, float] = {}
        self._stage = ""
        self._begun = 0.0
        self._progress = progress
        self._known: list[str] = []

    def begin(self, stage: str) -> None:
        """End the stage before, and begin the next."""
        self.end()
        self._stage, self._begun = stage, time.perf_counter()
        self._tell(stage)

    def end(self) -> None:
        """End the last stage."""
        if self._stage:
            before = self.laps.get(self._stage, 0.0)  # under a promise it compiles twice
            self.laps[self._stage] = before + time.perf_counter() - self._begun
            self._stage = ""

    def proven(self, objective: ObjectiveResult) -> None:
        """Say what is known about an objective of the allocation."""
        gap = "optimal" if objective.gap == 0 else f"at least {objective.bound}"
        self._known.append(f"{objective.name} {objective.value} ({gap})")
        self._tell(f"{self._stage}: {', '.join(self._known)}")

    def _tell(self, what: str) -> None:
        if self._progress is not None:
            self._progress(what)
