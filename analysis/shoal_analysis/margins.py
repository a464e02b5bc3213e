"""How much room a model's weights leave: how far they may change before an answer could be wrong.

The margin of a model on some inputs is the greatest delta such that an interval bound from the
first layer to the last (``shoal_analysis.error_bounds``) still proves every answer right when
each weight w becomes w * (1 + e), |e| <= delta, every e chosen by itself. The margin of a head or
a neuron is the same with only its own weights changed. Right is what the interpreter returns: the
same class, None included, and numbers within 1e-4 * max(1, |v|).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shoal.contract import TOLERANCE, agrees
from shoal.craft.affine import Matrix
from shoal.errors import EvaluationError, InvalidInputError
from shoal.model import Model
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value
from shoal.transformer.decoding import code_logits
from shoal.transformer.encoders import OutputDecoder
from shoal.transformer.weights import Sizes, Weights
from shoal_analysis.error_bounds import Deltas, ExactPass, exact_pass, stream_radius
from shoal_solvers import ALTERNATING, Kind

MOST = 1.0
"""No margin is sought beyond this, where weights may vanish."""

LEAST = 1e-12
"""What is not proven right at this has margin 0: no weights in use are that exact."""

PRECISION = 1.01
"""Margins are found up to this factor, rounded down."""


@dataclass(frozen=True)
class Margins:
    """How far the weights of a model may change, relative to their size.

    Attributes:
        model: if all change at once.
        smallest_head: if only one head's change, whichever it is; None without heads.
        smallest_neuron: if only one neuron's change, whichever it is; None without neurons.
        limiting: the head or neuron with the smallest margin; "" if the model is wrong as it is,
            no change does harm, or there is neither.
        inputs: on how many inputs the interpreter returns, and answers are proven right.
    """

    model: float
    smallest_head: float | None
    smallest_neuron: float | None
    limiting: str
    inputs: int

    @property
    def smallest(self) -> float:
        """The smallest margin of any head or neuron."""
        found = (self.smallest_head, self.smallest_neuron)
        return min((margin for margin in found if margin is not None), default=MOST)


class Part(NamedTuple):
    """A head or a neuron.

    Attributes:
        kind: "head" or "neuron".
        layer: its layer.
        number: its number among the layer's heads or neurons.
    """

    kind: str
    layer: int
    number: int


@dataclass(frozen=True, eq=False)
class _Exam:
    """Inputs of one length: a model's exact pass on them, with what would be right.

    A result is right where faces @ result < bounds. Faces with bounds of infinity do not count,
    so that results of different kinds can have the same number of faces.

    Attributes:
        exact: the pass.
        faces: [kinds, faces, coordinates of the result].
        through: [kinds, d_model, faces], |unembedding faces|.
        kinds: [batch, tokens], the faces of each result.
        slack: [batch, tokens, faces], bounds - faces @ result for the unchanged model.
        unembedding_w, unembedding_b: absolute values.
    """

    exact: ExactPass
    faces: Matrix
    through: Matrix
    kinds: npt.NDArray[np.intp]
    slack: Matrix
    unembedding_w: Matrix
    unembedding_b: Matrix

    def failed(self, deltas: Deltas) -> _Exam:
        """The inputs whose answers are not all proven right under all such changes."""
        radius = stream_radius(self.exact, deltas)[:, 1:]
        size = np.abs(self.exact.stream[:, 1:]) + radius
        noise = deltas.others * (size @ self.unembedding_w + self.unembedding_b)
        reach = np.zeros_like(self.slack)
        for kind in np.unique(self.kinds):
            rows = self.kinds == kind
            reach[rows] = radius[rows] @ self.through[kind]
            reach[rows] += noise[rows] @ np.abs(self.faces[kind]).T
        chosen = np.asarray(~(self.slack > reach).all(axis=(1, 2)))
        return replace(
            self, exact=self.exact.only(chosen), kinds=self.kinds[chosen], slack=self.slack[chosen]
        )


def margins(
    model: Model, sequences: Sequence[Sequence[Value]], program: SOp | None = None
) -> Margins:
    """The margins of a model on inputs; those on which the interpreter raises do not count.

    Margins of heads and neurons are sought by elimination: a set of parts that may all change
    at once by the smallest margin found so far holds no smaller one; else it is halved.

    Args:
        model: a compiled program.
        sequences: inputs without BOS.
        program: what is right; the program that was compiled, but for models that were loaded.

    Raises:
        InvalidInputError: the interpreter returns on none of the inputs.
    """
    sizes = model.weights.sizes
    exams = _exams(model, sequences, program)
    heads, neurons = head_parts(model.weights), neuron_parts(model.weights)
    if _failed(exams, Deltas.none(sizes)):
        whole = head_margin = neuron_margin = 0.0
        limiting = None
    else:
        whole = _greatest(exams, partial(Deltas.everywhere, sizes), MOST)
        head, head_margin = _smallest(exams, heads)
        neuron, neuron_margin = _smallest(exams, neurons)
        limiting = head if head_margin <= neuron_margin else neuron
    return Margins(
        model=whole,
        smallest_head=head_margin if heads else None,
        smallest_neuron=neuron_margin if neurons else None,
        limiting="" if limiting is None else part_name(model, limiting),
        inputs=sum(len(exam.kinds) for exam in exams),
    )


def part_margin(model: Model, part: Part, sequences: Sequence[Sequence[Value]]) -> float:
    """The margin of one head or neuron; see ``margins``.

    Raises:
        InvalidInputError: the interpreter returns on none of the inputs.
    """
    change = partial(changing, model.weights.sizes, [part])
    return _greatest(_exams(model, sequences), change, MOST)


def head_parts(weights: Weights) -> list[Part]:
    """All heads that write something."""
    size = weights.sizes.value_size
    return [
        Part("head", number, head)
        for number, layer in enumerate(weights.layers)
        for head in range(weights.sizes.num_heads)
        if layer.output_w[head * size : (head + 1) * size].any()
    ]


def neuron_parts(weights: Weights) -> list[Part]:
    """All neurons that write something."""
    return [
        Part("neuron", number, int(neuron))
        for number, layer in enumerate(weights.layers)
        for neuron in np.flatnonzero(layer.mlp_output_w.any(axis=1))
    ]


def part_name(model: Model, part: Part) -> str:
    """The component that a part belongs to, such as "hist 3" for its fourth neuron."""
    kind = Kind.ATTENTION if part.kind == "head" else Kind.MLP
    half_layer = ALTERNATING.half_layer(part.layer, kind)
    for known in model.atlas.parts:
        number = part.number - known.first
        if known.half_layer == half_layer and 0 <= number < known.size:
            return f"{known.name} {number}" if known.size > 1 else known.name
    return f"{part.kind} {part.number} of layer {part.layer}"


def changing(sizes: Sizes, parts: Sequence[Part], delta: float) -> Deltas:
    """Changes of some parts' weights only."""
    deltas = Deltas.none(sizes)
    for part in parts:
        (deltas.heads if part.kind == "head" else deltas.neurons)[part.layer, part.number] = delta
    return deltas


def _failed(exams: Sequence[_Exam], deltas: Deltas) -> list[_Exam]:
    """What is left of exams when inputs whose answers are proven right are taken away."""
    left = [exam.failed(deltas) for exam in exams]
    return [exam for exam in left if len(exam.kinds)]


def _smallest(exams: Sequence[_Exam], parts: Sequence[Part]) -> tuple[Part | None, float]:
    """The part with the smallest margin, and that; None if no change up to ``MOST`` does harm."""
    best: Part | None = None
    least = MOST
    groups = [(list(parts), list(exams))] if parts else []
    while groups and least:
        group, asked = groups.pop()
        left = _failed(asked, changing(exams[0].exact.sizes, group, least))
        if left and len(group) > 1:
            middle = len(group) // 2
            groups += [(group[middle:], left), (group[:middle], left)]
        elif left:
            best = group[0]
            least = _greatest(left, partial(changing, exams[0].exact.sizes, group), least)
    return best, least


def _greatest(exams: Sequence[_Exam], change: Callable[[float], Deltas], most: float) -> float:
    """The greatest delta up to ``most`` that is proven, up to ``PRECISION``; 0 if none is.

    Inputs that are proven at the upper end of the bracket need not be looked at again.
    """
    left = _failed(exams, change(most))
    if not left:
        return most
    low, high = LEAST, most
    if _failed(left, change(low)):
        return 0.0
    while high > PRECISION * low:
        middle = float(np.sqrt(low * high))
        failed = _failed(left, change(middle))
        if failed:
            left, high = failed, middle
        else:
            low = middle
    return low


def _exams(
    model: Model, sequences: Sequence[Sequence[Value]], program: SOp | None = None
) -> list[_Exam]:
    """What is asked of a model, one exam for each length."""
    program = model.program if program is None else program
    by_length: dict[int, list[tuple[list[int], list[Value]]]] = {}
    for sequence in sequences:
        try:
            answers = program(sequence, causal=model.weights.causal)
        except EvaluationError:
            continue
        ids = model.input_encoder.encode_tokens(sequence)
        by_length.setdefault(len(ids), []).append((ids, answers))
    if not by_length:
        raise InvalidInputError("the interpreter returns on none of these inputs; give others")
    return [_exam(model, asked) for _, asked in sorted(by_length.items())]


def _exam(model: Model, asked: Sequence[tuple[list[int], list[Value]]]) -> _Exam:
    weights = model.weights
    bos = model.input_encoder.bos_encoding
    exact = exact_pass(weights, np.array([[bos, *ids] for ids, _ in asked], dtype=np.int32))
    unembedding_w = weights.unembedding_w.astype(float)
    results = exact.stream[:, 1:] @ unembedding_w + weights.unembedding_b
    answers = [answers for _, answers in asked]
    find = _numbers if model.output_encoder.is_numerical else _classes
    faces, kinds, bounds = find(model.output_encoder, results, answers)
    return _Exam(
        exact,
        faces,
        through=np.abs(unembedding_w @ faces.transpose(0, 2, 1)),
        kinds=kinds,
        slack=bounds - np.einsum("btfc,btc->btf", faces[kinds], results),
        unembedding_w=np.abs(unembedding_w),
        unembedding_b=np.abs(weights.unembedding_b).astype(float),
    )


_Regions = tuple[Matrix, npt.NDArray[np.intp], Matrix]
"""Faces and kinds as in ``_Exam``, and bounds [batch, tokens, faces]."""


def _numbers(
    decoder: OutputDecoder, results: Matrix, answers: Sequence[Sequence[Value]]
) -> _Regions:
    """Numbers lie within the tolerance; the second coordinate, if any, says they are there."""
    values = np.array([[_number(answer) for answer in row] for row in answers])
    there = ~np.isnan(values)
    room = np.where(there, TOLERANCE * np.maximum(1.0, np.abs(values)), np.inf)
    values = np.where(there, values, 0.0)
    first = np.eye(results.shape[-1])[0]
    sign = np.where(there, -1.0, 1.0)
    presence = np.eye(results.shape[-1])[-1] if decoder.nullable else 0.0 * first
    faces = np.array([[first, -first, presence], [first, -first, -presence]])
    half = sign / 2 if decoder.nullable else np.where(there, 1.0, -np.inf)
    return faces, there.astype(np.intp), np.stack([values + room, room - values, half], axis=-1)


def _number(answer: Value) -> float:
    return math.nan if answer is None else float(answer)  # type: ignore[arg-type]


def _classes(
    decoder: OutputDecoder, results: Matrix, answers: Sequence[Sequence[Value]]
) -> _Regions:
    """The code of the right class is nearer than all others.

    Code k is nearer than code c if 2 (c - k) @ y < |c|^2 - |k|^2. What is wrong has no room.
    """
    assert decoder.codes is not None
    codes = np.vstack([decoder.codes, np.zeros((int(decoder.nullable), results.shape[-1]))])
    choices = decoder.choices
    size = (codes**2).sum(axis=1)
    chosen = code_logits(results, decoder.codes, decoder.nullable).argmax(axis=-1)
    right = np.array(
        [
            [agrees(wanted, choices[c], numerical=False) for wanted, c in zip(*row, strict=True)]
            for row in zip(answers, chosen, strict=True)
        ]
    )
    bounds = (size - size[:, None])[chosen]
    is_itself = np.eye(len(codes), dtype=bool)[chosen]
    bounds = np.where(is_itself, np.inf, np.where(right[..., None], bounds, -np.inf))
    return 2 * (codes - codes[:, None]), chosen, bounds
