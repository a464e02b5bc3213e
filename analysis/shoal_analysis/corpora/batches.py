"""One batch of a corpus: programs drawn, compiled, and compared with the interpreter."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import shoal
from shoal.errors import BudgetError, InvalidInputError, UnsupportedProgramError
from shoal.rasp.values import show_error
from shoal_analysis.corpora.behaviour import function_of, require_agreement, results_of
from shoal_analysis.corpora.drafts import (
    Arrays,
    Draft,
    digest_of_arrays,
    model_arrays,
    pack,
    sizes_of,
    texts_of,
)
from shoal_analysis.corpora.drawing import draw_cases
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.structure import constructs_of, family_of, structure_of
from shoal_analysis.engine.failures import Failure
from shoal_analysis.engine.notes import Note, write_note
from shoal_analysis.fuzzing.batches import case_key
from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.oracles import Difference, compile_case
from shoal_analysis.fuzzing.reproduction import reproduction

BATCH = 50
"""Programs drawn for one batch, which is what a corpus can resume after."""


@dataclass(frozen=True)
class BatchMade:
    """What came of one batch.

    Attributes:
        parcel: its models, as ``drafts.pack`` has them.
        counts: how many programs became what, and microseconds of each stage.
        failures: models that differ from the interpreter, and crashes of the compiler.
        seconds: wall-clock time of it all.
    """

    parcel: bytes
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0


def make_batch(
    options: CorpusOptions, number: int, skip: Collection[str] = (), note: Path | None = None
) -> BatchMade:
    """Make the models of one batch.

    Args:
        options: of the corpus.
        number: of the batch.
        skip: keys of programs that are not to be compiled, since workers died on them.
        note: a file that says, until the batch is done, which program is under way.
    """
    start = time.perf_counter()
    write_note(note, None)
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    drafts: list[tuple[Draft, Arrays]] = []
    seen: set[str] = set()
    with _timed(counts, "drawing"):
        cases = draw_cases(options, number, BATCH)
    for case in cases:
        counts["drawn"] += 1
        structure = structure_of(case.lines)
        if structure in seen:
            counts["same structure in its batch"] += 1
            continue
        seen.add(structure)
        if case_key(case) in skip:
            continue
        write_note(note, Note(case_key(case), _script(case, "Two workers died on it.")))
        try:
            made = make_model(case, counts)
        except Exception as error:  # noqa: BLE001 - a crash of the compiler is a failure
            stage = error.stage if isinstance(error, Difference) else "crash"
            message = show_error(error)
            failures.append(Failure(stage, message, _script(case, message)))
            continue
        if made is not None:
            drafts.append(made)
    if note is not None:
        note.unlink(missing_ok=True)
    seconds = time.perf_counter() - start
    return BatchMade(pack(drafts), dict(counts), tuple(failures), seconds)


def make_model(case: Case, counts: Counter[str]) -> tuple[Draft, Arrays] | None:
    """A model that agrees with the interpreter; None if the program has none.

    Args:
        case: the program.
        counts: what becomes of it is counted here.

    Raises:
        Difference: the model differs from the interpreter.
        Exception: whatever else the compiler raises but a refusal.
    """
    program = case.build()
    try:
        with _timed(counts, "compiling"):
            model = compile_case(case, program)
    except (UnsupportedProgramError, BudgetError):
        counts["refused"] += 1
        return None
    with _timed(counts, "interpreting"):
        results = results_of(case, program)
    if all(result is None for _, result in results):
        counts["undefined"] += 1
        return None
    with _timed(counts, "running"):
        inputs = require_agreement(model, program, results)
    try:
        with _timed(counts, "describing"):
            arrays = model_arrays(model)
            return _draft(case, model, arrays, function_of(case, results), inputs), arrays
    except InvalidInputError:  # a token or a result that files cannot hold
        counts["cannot be saved"] += 1
        return None


def _draft(case: Case, model: shoal.Model, arrays: Arrays, function: str, inputs: int) -> Draft:
    description, atlas = texts_of(model)
    source = case.source()
    return Draft(
        source=source,
        structure=structure_of(case.lines),
        function=function,
        family=family_of(model.program),
        weights=digest_of_arrays(arrays),
        constructs=constructs_of(model.program),
        inputs=inputs,
        sizes={"lines": len(source.splitlines()), **sizes_of(model)},
        proven=tuple(proof.objective for proof in model.atlas.proofs if proof.is_optimal),
        description=description,
        atlas=atlas,
    )


def _script(case: Case, message: str) -> str:
    return reproduction(case, message, "shoal_analysis.corpora.batches", "check")


def check(case: Case, haiku: bool = False) -> str:
    """Make a program's model again; what files that show a failure call.

    Raises:
        Difference: the model differs from the interpreter.
    """
    counts: Counter[str] = Counter()
    made = make_model(case, counts)
    return "no model" if made is None else f"agrees on {made[0].inputs} inputs"


@contextmanager
def _timed(counts: Counter[str], stage: str) -> Iterator[None]:
    """Count the microseconds of a stage, unless it raises."""
    start = time.perf_counter()
    yield
    counts[f"microseconds {stage}"] += round(1e6 * (time.perf_counter() - start))
