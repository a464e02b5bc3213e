"""Models in a random orthogonal basis: the same function, and no column that means anything.

A matrix that reads the stream is multiplied by the inverse of the basis, one that writes it by the
basis. In exact arithmetic nothing else changes. In float32 every read of the stream is off by some
2^-24 of its length times that of the weights, where before a column that was not read could not
disturb, and one that was 0 was 0 exactly. Two things do not survive:

* heads that write a count itself (the pass ``linear-counts``) multiply what they find at BOS by
  2^30, and rely on its being 0 exactly. That is so in every basis if the whole stream is 0 there,
  and else in none but the columns' own;
* weights, or numbers beside small ones in the stream, so large that 2^-24 of them matters.

Both are looked for by running the rotated model on inputs, as it is and with its weights off by
several times as much as rounding takes them off.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas, Matrix, Reading
from shoal.atlas.basis import WEIGHTS, directions_of, in_columns
from shoal.craft.architecture import PLAIN
from shoal.errors import InvalidInputError
from shoal.lowering.rules.width import LINEAR_COUNTS
from shoal.model import Model
from shoal.rasp.values import show_value
from shoal.transformer.weights import Weights, in_basis
from shoal_analysis.lab.realism.changes import over_arrays
from shoal_analysis.lab.realism.counting import heads_that_count
from shoal_analysis.lab.realism.samples import Sample, joined, sampled, shortest
from shoal_analysis.lab.realism.seeds import require_seed

STRESS = 4.0
"""Weights are off by a normal deviate of so many times 2^-24 of their size, some fourteen times as
much as rounding takes them off on average (2^-24 / sqrt(12))."""

DRAWS = 3
"""Of weights that are off."""

INPUTS = 250
"""Of the shortest inputs, and again of random ones, on which it is tried, at most."""

LEAST_INPUTS, MOST_PAIRS = 20, 200_000
"""Of long inputs there are fewer, since the interpreter takes its time for pairs of positions."""


def rotate(model: Model, seed: int = 0) -> Model:
    """The same function in a random orthogonal basis of the residual stream.

    The basis is drawn uniformly (Haar measure; Mezzadri 2007) and is in the atlas of the result,
    so that ``read``, ``patch`` and their kin go on working, and ``directions`` says where values
    are. What speaks of columns refuses. A rotated model can be rotated again; one whose weights
    were changed is rotated without a look at what it computes.

    Args:
        model: a compiled model.
        seed: of the basis; the same seed gives the same weights.

    Raises:
        InvalidInputError: it is no compiled model, or float32 is too coarse for it in another
            basis; the message says which pass to leave out.
    """
    require_seed(seed)
    if not isinstance(model, Model):
        raise InvalidInputError(
            f"only models with an atlas can be rotated, and {show_value(model)} has none; compile "
            "one, or load one from a .safetensors file"
        )
    if model.weights.architecture != PLAIN:
        raise InvalidInputError(
            f"models of the architecture {model.weights.architecture.name!r} cannot be rotated: "
            "what their norm does depends on the basis; rotate a plain one"
        )
    made = _turned(model, orthogonal(model.d_model, seed))
    if WEIGHTS in model.atlas.claims:
        return made  # what it computes is nobody's promise any more
    pairs = model.input_encoder.max_seq_len**2
    count = min(INPUTS, max(LEAST_INPUTS, MOST_PAIRS // pairs))
    sample = joined(shortest(model, count), sampled(model, count, seed=0))
    _require_exact(model, made, sample)
    return _with_errors(model, made, sample)


def orthogonal(size: int, seed: int) -> Matrix:
    """[size, size], an orthogonal matrix drawn uniformly.

    The Q of a QR decomposition of Gaussian numbers, with signs that make R's diagonal positive
    (Mezzadri 2007, How to generate random matrices from the classical compact groups).
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))
    return np.asarray(q * np.sign(np.diag(r)))


def directions(model: Model, name: str, half_layer: int | None = None) -> Matrix:
    """Along which directions of the stream a named value lies: [coordinates, d_model].

    ``stream @ directions(model, name).T`` gives the coordinates of the value, up to a constant that
    is a reading's ``bias``: one for each dimension of a variable of the stream; of a view, those of
    the form in which it is read. Of models that were not rotated they are unit vectors, or sums.

    Args:
        model: rotated, or not.
        name: of an s-op, one of its aliases, or of a helper in ``model.variables``.
        half_layer: just before which the stream is looked at, counted from 0; the number of
            half-layers for the end. None for when the value is first there.

    Raises:
        InvalidInputError: there is no such value, nothing in the stream holds it, or not then.
    """
    atlas = model.atlas
    places = [atlas.places[variable] for variable in _variables(atlas, name)]
    columns = [column for place in places for column in place.columns]
    value = atlas.value(name)
    matrix = np.eye(len(columns)) if value is None else value.readings[0].matrix
    first, last = max(p.first for p in places), min(p.last for p in places)
    if half_layer is not None and half_layer not in range(first, last + 1):
        raise InvalidInputError(
            f"{name!r} is in the stream from half-layer {first} to {last}, and not just before "
            f"{show_value(half_layer)}; ask for one of these"
        )
    return np.asarray((directions_of(atlas, columns, model.d_model) @ matrix).T)


def _variables(atlas: Atlas, name: str) -> tuple[str, ...]:
    """The variables of the stream that hold a value."""
    if name in atlas.places and atlas.value(name) is None:
        return (name,)
    reading = next(iter(atlas.named(name).readings), None)
    if reading is None or not reading.variables:
        raise InvalidInputError(
            f"nothing in the stream holds {name!r} in full: it is computed inside a component, or "
            "constant; keep it by rasp.keep(...)"
        )
    return reading.variables


def _turned(model: Model, turn: Matrix) -> Model:
    """The model with its stream multiplied by a matrix."""
    basis = turn.T if model.atlas.basis is None else turn.T @ model.atlas.basis
    atlas = replace(model.atlas, basis=basis)
    parts = (model.input_encoder, model.output_encoder, model.stages)
    return Model(in_basis(model.weights, turn), *parts, loaded=atlas)


def _require_exact(model: Model, made: Model, sample: Sample) -> None:
    """Refuse a rotated model that is wrong somewhere, or would be if rounding were coarser."""
    generator = np.random.default_rng(0)
    tried = [made, *(replace(made, weights=_off(made.weights, generator)) for _ in range(DRAWS))]
    right = min(sample.share_right(one) for one in tried)
    if right == 1.0:
        return
    counts = [head.name for head in heads_that_count(model) if not head.is_zero_at_bos]
    if counts:
        raise InvalidInputError(
            f"it cannot be rotated: the head that computes {', '.join(map(repr, counts))} "
            "multiplies what it finds at BOS by 2^30, and needs a 0 there, which is exact in no "
            f"other basis; compile with passes=[...] that leave out {LINEAR_COUNTS!r}, or with "
            'passes="none"'
        )
    raise InvalidInputError(
        "it cannot be rotated: with weights that are off by a few times what float32 rounds, it is "
        f'right on {right:.1%} of {len(sample.inputs)} inputs only; compile with passes="none", '
        "for a shorter max_seq_len, or for fewer values"
    )


def _off(weights: Weights, generator: np.random.Generator) -> Weights:
    """Weights that are off at random; see ``STRESS``."""

    def change(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        noise = STRESS * 2.0**-24 * generator.standard_normal(array.shape)
        return (array * (1.0 + noise)).astype(np.float32)

    return over_arrays(weights, change)


def _with_errors(model: Model, made: Model, sample: Sample) -> Model:
    """The rotated model, whose readings say how far float32 now takes them off."""
    ids = model.ids(sample.inputs)
    is_token = model.input_encoder.is_token(ids)
    exact, off = _states(model, ids, is_token), _states(made, ids, is_token)

    def known(reading: Reading) -> Reading:
        moved = np.zeros((is_token.sum(), 0))
        for name in reading.variables:
            place = model.atlas.places[name]
            change = off[place.first] - exact[place.first]
            moved = np.hstack([moved, change[:, list(place.columns)]])
        measured = float(np.abs(moved @ reading.matrix).max(initial=0.0))
        return replace(reading, error=reading.error + STRESS * measured)

    values = {
        label: replace(
            value,
            readings=tuple(map(known, value.readings)),
            of_blocks=None if value.of_blocks is None else known(value.of_blocks),
        )
        for label, value in made.atlas.values.items()
    }
    atlas = replace(made.atlas, values=values, result=known(made.atlas.result))
    return replace(made, loaded=atlas)


def _states(
    model: Model, ids: npt.NDArray[np.int32], chosen: npt.NDArray[np.bool_]
) -> list[Matrix]:
    """The stream [chosen positions, d_model] in every state, in the columns of the atlas."""
    states = model.run_ids(ids).states
    return [in_columns(model.atlas, state[chosen].astype(np.float64)) for state in states]
