"""Compiled models squeezed through fewer dimensions than they have columns.

The experiment of the paper on Tracr (Lindner et al. 2023, section 5): of a compiled model all
weights are frozen, and one matrix W [d_model, d] is learnt. The stream is held in d dimensions;
embedding and components write through W and read through its transpose. W is trained on the
model's outputs and on what each half-layer adds to the stream, so that W W^T comes to say which
values share directions: the identity on what is kept apart, 0 on what is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from shoal.atlas.atlas import BOS, Matrix
from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal.model import Model
from shoal.rasp.values import show_value
from shoal.transformer.storage import arrays_of, checksum
from shoal.transformer.weights import in_basis
from shoal_analysis.lab.realism.changes import with_weights
from shoal_analysis.lab.realism.counting import require_none_that_counts
from shoal_analysis.lab.realism.loading import load_with_torch
from shoal_analysis.lab.realism.samples import Sample, sampled
from shoal_analysis.lab.realism.schedule import Schedule
from shoal_analysis.lab.realism.seeds import require_seed

Progress = Callable[[int, int], None]
"""Called with how many steps are done, and of how many."""

FORMAT = "shoal compression 1"

_PLAIN = ("d", "seed", "labels", "accuracy", "fingerprint")
"""Fields that JSON holds as they are."""

TRAINING, TESTING = 1000, 500
"""Random inputs that it is trained on, and those on which it is measured, which may be the same."""

TOLERANCE = 0.05
"""Numbers count as right within this, relative to max(1, size): what is learnt is never exact."""


@dataclass(frozen=True, eq=False)
class Compression:
    """A learnt compression of a compiled model.

    Attributes:
        d: dimensions that the stream is held in.
        seed: of the matrix that training began with.
        matrix: W, [d_model, d].
        labels: [d_model], what each column of the compiled model holds, one after the other.
        losses: [steps], of each step of training.
        accuracy: the share of positions at which the compressed model says what the interpreter
            says, numbers within ``TOLERANCE``, over random inputs that are drawn anew. Where there
            are few inputs at all, they are among those that it was trained on.
        similarity: the cosine between what a half-layer adds in the compressed and in the compiled
            model, over all positions of the same inputs, for each half-layer that adds anything.
        schedule: how it was trained.
        fingerprint: of the weights that were compressed.
    """

    d: int
    seed: int
    matrix: Matrix
    labels: tuple[str, ...]
    losses: npt.NDArray[np.float64]
    accuracy: float
    similarity: tuple[float, ...]
    schedule: Schedule
    fingerprint: str

    def __repr__(self) -> str:
        return f"<Compression to {self.d} of {len(self.matrix)}: accuracy {self.accuracy:.3f}>"

    @property
    def shared(self) -> Matrix:
        """W W^T, [d_model, d_model]: how much of column j is found when column i is read."""
        return self.matrix @ self.matrix.T

    def model(self, compiled: Model) -> Model:
        """The compressed model, of d columns, which runs and can be read like any other.

        Args:
            compiled: what was compressed.

        Raises:
            InvalidInputError: it has other weights.
        """
        if fingerprint_of(compiled) != self.fingerprint:
            raise InvalidInputError(
                "this compression is of a model with other weights than the one given; give the "
                "one that was compressed, or compile it again with the same version and options"
            )
        return _squeezed(compiled, self.matrix)

    def save(self, path: str | Path) -> None:
        """Write it to a safetensors file, whole or not at all.

        Raises:
            InvalidInputError: the file cannot be written.
        """
        known = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in _PLAIN},
            "similarity": self.similarity,
            "schedule": asdict(self.schedule),
        }
        arrays = {"matrix": np.ascontiguousarray(self.matrix), "losses": self.losses}
        content = to_bytes(arrays, {"shoal": json.dumps(known)})
        write_file(path, lambda file: file.write(content))

    @staticmethod
    def load(path: str | Path) -> Compression:
        """Read what ``save`` wrote.

        Raises:
            InvalidInputError: there is no such file, or it is none of a compression.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                known = json.loads((file.metadata() or {}).get("shoal", "{}"))
                if known.pop("format", None) != FORMAT:
                    raise ValueError("it has another format")
                matrix, losses = file.get_tensor("matrix"), file.get_tensor("losses")
            known["schedule"] = Schedule(**known["schedule"])
            known |= {name: tuple(known[name]) for name in ("labels", "similarity")}
            if matrix.shape != (len(known["labels"]), known["d"]):
                raise ValueError("its matrix has another shape")
            return Compression(**known, matrix=matrix, losses=losses)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{str(path)!r} is no compression that save wrote, or is damaged: {error}"
            ) from error


def compress(
    model: Model,
    d: int,
    seed: int = 0,
    schedule: Schedule | None = None,
    progress: Progress | None = None,
) -> Compression:
    """Learn to hold a compiled model's stream in fewer dimensions.

    The same arguments give the same matrix on the same machine.

    Args:
        model: compiled, with no heads that write counts; of wide models, such as those of
            ``passes="none", reuse=False``, more can be learnt.
        d: dimensions, from 1 to the width of the model.
        seed: of the matrix that training begins with, whose columns are orthonormal.
        schedule: of the training.
        progress: called after each step.

    Raises:
        InvalidInputError: there is no such d or seed, the model is no compiled one or has heads
            that write counts, or PyTorch is not installed.
    """
    return compress_each(model, [(d, seed)], schedule, progress)[0]


def compress_each(
    model: Model,
    wanted: Sequence[tuple[int, int]],
    schedule: Schedule | None = None,
    progress: Progress | None = None,
) -> tuple[Compression, ...]:
    """Several compressions, learnt side by side, which is much faster than one by one.

    Args:
        model: as of ``compress``.
        wanted: for each its d, and its seed.
        schedule: of the training.
        progress: called after each step.
    """
    schedule = Schedule() if schedule is None else schedule
    _require_compressible(model)
    for d, seed in wanted:
        _require_width(d, model.d_model)
        require_seed(seed)
    if not wanted:
        return ()
    learning = load_with_torch("compressing")
    training, testing = sampled(model, TRAINING, seed=1), sampled(model, TESTING, seed=2)
    matrices, losses = learning.learn(model, wanted, training, schedule, progress)
    labels = column_labels(model)
    return tuple(
        Compression(
            d,
            seed,
            matrix,
            labels,
            each,
            testing.share_of_positions(_squeezed(model, matrix), TOLERANCE),
            _similarity(model, matrix, testing),
            schedule,
            fingerprint_of(model),
        )
        for (d, seed), matrix, each in zip(wanted, matrices, losses, strict=True)
    )


def fingerprint_of(model: Model) -> str:
    """What tells the weights of a model from those of all others."""
    arrays = arrays_of(model.weights, model.input_encoder, model.output_encoder)
    return checksum("", arrays)


def column_labels(model: Model) -> tuple[str, ...]:
    """What each column holds; several values one after the other, "" if none."""
    labels: list[list[str]] = [[] for _ in range(model.d_model)]
    for place in model.atlas.places.values():
        for column, label in zip(place.columns, place.labels, strict=True):
            labels[column].append(BOS if place.name == BOS else label)
    return tuple(", then ".join(each) for each in labels)


def _require_compressible(model: object) -> None:
    if not isinstance(model, Model) or model.atlas.basis is not None:
        raise InvalidInputError(
            "only models that were compiled, and not rotated or compressed, are compressed, since "
            f"the columns are what shares directions; {show_value(model)} is none"
        )
    require_none_that_counts(model, "compressed")


def _require_width(d: object, most: int) -> None:
    if isinstance(d, bool) or not isinstance(d, int) or not 1 <= d <= most:
        raise InvalidInputError(
            f"a stream of {most} columns is held in 1 to {most} dimensions, and not in "
            f"{show_value(d)}"
        )


def _squeezed(model: Model, matrix: Matrix) -> Model:
    what = f"compressed to {matrix.shape[1]} dimensions"
    made = with_weights(model, in_basis(model.weights, matrix), what)
    return replace(made, loaded=replace(made.atlas, basis=matrix.T.copy()))


def _similarity(model: Model, matrix: Matrix, sample: Sample) -> tuple[float, ...]:
    """The cosine between what half-layers add on all inputs, of those that add anything."""
    ids = model.ids(sample.inputs)
    is_token = model.input_encoder.is_token(ids)
    found = []
    passes = (model.run_ids(ids), _squeezed(model, matrix).run_ids(ids))
    for exact, other in zip(*(passed.layer_outputs for passed in passes), strict=True):
        one, two = exact[is_token].astype(float), other[is_token] @ matrix.T
        if one.any():
            found.append(float((one * two).sum() / _length(one) / max(_length(two), 1e-12)))
    return tuple(found)


def _length(array: Matrix) -> float:
    return float(np.sqrt(np.square(array).sum()))
