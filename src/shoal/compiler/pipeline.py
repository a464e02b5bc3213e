"""The compiler: from a RASP expression to a model, one stage after the other."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from shoal.atlas.survey import Stages
from shoal.compiler.assemble import assemble
from shoal.compiler.output import output_decoder, require_distinct_results, require_precise
from shoal.compiler.place import allocate
from shoal.compiler.problem import allocation_problem
from shoal.compiler.promises import require_promised_sizes
from shoal.compiler.threads import one_thread
from shoal.limits import Limits, Work
from shoal.lowering.lower import lower
from shoal.lowering.lowered import chosen_result
from shoal.model import Model
from shoal.options import CompileOptions
from shoal.program.facts.infer import infer
from shoal.program.passes import run_before_inference, run_passes
from shoal.program.trace import trace
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value
from shoal.transformer.encoders import InputEncoder
from shoal.transformer.weights import print_weights
from shoal_solvers import Budgets


def compile_program(
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
) -> Model:
    """Compile a RASP program into a transformer.

    Args:
        program: an s-op.
        vocab: the tokens that inputs are made of.
        max_seq_len: the greatest number of tokens, BOS not counted.
        causal: whether positions see only themselves and earlier ones.
        bos: the token that input sequences begin with; not in the vocab.
        pad: the token that fills sequences up; not in the vocab.
        passes: "all", "none" (the program as written), or names of passes.
        allocator: what places operations into layers: "longest-path", "critical-path" or
            "cp-sat".
        reuse: whether residual columns are cleared and used again.
        budget: upper limits on layers, width, neurons and heads.
        time_limit: deterministic seconds for the allocator, about a second each; they count
            work instead of time, so that the model does not depend on the machine.
        wall_clock_limit: seconds for the allocator; a limit that strikes makes results differ
            from run to run.
        workers: threads of the allocator.
        limits: sizes above which a program is refused before memory is taken.

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
    )
    return compile_with(program, options)


def compile_with(program: Any, options: CompileOptions, equal_sizes: bool = False) -> Model:
    """Compile with options that are made already.

    Args:
        program: the s-op to compute.
        options: what for, and how.
        equal_sizes: whether values get the size of keys, as Tracr's have.
    """
    with one_thread():
        return _run_stages(program, options, equal_sizes)


def _run_stages(program: Any, options: CompileOptions, equal_sizes: bool) -> Model:
    clock = _Clock()
    work = Work(options.limits.work)
    traced = trace(program, causal=options.causal)
    clock.lap("trace")
    merged = run_before_inference(traced, options.passes)
    inferred = infer(merged, options.vocab, options.max_seq_len, options.limits, work)
    require_distinct_results(inferred)
    clock.lap("infer values")
    optimised = run_passes(inferred, options.passes, len(traced.graph) - len(merged.graph))
    clock.lap("passes")
    lowered = lower(optimised.inferred, options.passes)
    require_precise(lowered)
    clock.lap("lower")
    problem = allocation_problem(lowered, options)
    allocated = allocate(problem, options)
    clock.lap("allocate")
    result = chosen_result(lowered, allocated.allocation)
    craft = assemble(lowered, allocated.allocation)
    clock.lap("assemble")
    weights = print_weights(
        craft,
        allocated.allocation.columns,
        result.coordinates,
        options.limits.model_bytes,
        equal_sizes,
    )
    require_promised_sizes(weights.sizes, allocated.costs)
    clock.lap("weights")
    encoder = InputEncoder(options.vocab, options.bos, options.pad, options.max_seq_len)
    return Model(
        weights=weights,
        input_encoder=encoder,
        output_encoder=output_decoder(result),
        stages=Stages(program, options, optimised, lowered, problem, allocated, craft, clock.laps),
    )


class _Clock:
    """Wall-clock time of each stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = now - self._last
        self._last = now
