"""What the page knows of a model, as JSON: its weights, its atlas, and how values are replaced."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas, NamedValue
from shoal.atlas.explain import merged, unmaterialised
from shoal.atlas.readers import Readers
from shoal.atlas.text import atlas_to_json
from shoal.model import Model
from shoal.rasp.values import Value, is_number, show_value
from shoal.report import sizes_of
from shoal.targets.in_numpy import MASKED
from shoal.transformer.encoders import InputEncoder
from shoal.transformer.storage import arrays_of
from shoal_analysis.pictures.explorer.replacing import replacements
from shoal_analysis.pictures.heads import selector_of

LONGEST_EXAMPLE = 8
"""Tokens of the input that the page begins with."""


@dataclass(frozen=True)
class Pool:
    """Arrays that are held once, by number."""

    numbers: dict[bytes, int] = field(default_factory=dict)
    arrays: list[Any] = field(default_factory=list)

    def __call__(self, array: npt.NDArray[Any]) -> int:
        """The number of an array."""
        key = repr((array.shape, array.dtype.kind)).encode() + array.tobytes()
        if key not in self.numbers:
            self.numbers[key] = len(self.arrays)
            self.arrays.append(array.tolist())
        return self.numbers[key]


def page_data(model: Model) -> dict[str, Any]:
    """Everything that the page needs, as what JSON can hold."""
    atlas, pool = model.atlas, Pool()
    readers = Readers(atlas, model.weights)
    encoder, decoder = model.input_encoder, model.output_encoder
    return {
        **_known(atlas),
        "figures": dict(sizes_of(model)),
        "sizes": vars(model.weights.sizes),
        "causal": model.weights.causal,
        "masked": float(MASKED),
        "vocab": [show_value(token) for token in encoder.vocab],
        "words": _words(encoder.vocab),
        "bos": show_value(encoder.bos_token),
        "maxLength": encoder.max_seq_len,
        "promised": _promised(encoder),
        "example": _example(encoder),
        "tensors": _tensors(model),
        "decoder": {
            "shown": [show_value(value) for value in decoder.values],
            "codes": None if decoder.codes is None else decoder.codes.tolist(),
            "nullable": decoder.nullable,
        },
        "notes": [*unmaterialised(atlas), *merged(atlas)],
        "replacements": replacements(readers, pool),
        "ledTo": {label: sorted(readers.led_to(label)) for label in atlas.values},
        "arrays": pool.arrays,
    }


def _known(atlas: Atlas) -> dict[str, Any]:
    """The atlas as model files have it, with what the page shows of values, places and heads."""
    known = atlas_to_json(atlas)
    for value, item in zip(atlas.values.values(), known["values"], strict=True):
        item |= _shown(value)
        del item["classes"]
    for place, item in zip(atlas.places.values(), known["places"], strict=True):
        item["labels"] = place.labels
    for part, item in zip(atlas.parts, known["parts"], strict=True):
        item["selector"] = selector_of(atlas, part)
    return known


def _shown(value: NamedValue) -> dict[str, Any]:
    """The first member of each class, as text, as a number that is typed, and as it is averaged."""
    if value.classes is None:
        return {"shown": None, "numbers": None, "averaged": None}
    members = [group[0] for group in value.classes]
    return {
        "shown": [*map(show_value, members)],
        "numbers": [*map(_number, members)],
        "averaged": [float(v) if is_number(v) else None for v in members],
    }


def _tensors(model: Model) -> dict[str, Any]:
    """All weights one after the other, in base64, with where each begins."""
    arrays = {
        name: array
        for name, array in arrays_of(
            model.weights, model.input_encoder, model.output_encoder
        ).items()
        if array.dtype == np.float32
    }
    where, offset = {}, 0
    for name, array in arrays.items():
        where[name] = {"shape": list(array.shape), "offset": offset}
        offset += array.size
    flat = np.concatenate([array.ravel() for array in arrays.values()]).astype("<f4")
    return {"where": where, "data": b64encode(flat.tobytes()).decode("ascii")}


def _words(vocab: tuple[Value, ...]) -> list[str]:
    """How each token is typed: a text as it is, where that is one word and means nothing else."""
    shown = [show_value(token) for token in vocab]
    odd = set(" \t'\",")
    if any(" " in text for text in shown):  # then quotes and brackets say where a token ends
        odd |= set("()[]{}")
    return [
        token if isinstance(token, str) and _is_plain(token, odd) and token not in shown else text
        for token, text in zip(vocab, shown, strict=True)
    ]


def _is_plain(text: str, odd: set[str]) -> bool:
    return bool(text) and text.isprintable() and not set(text) & odd


def _number(value: Value) -> float | None:
    """A value as a number, where it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _promised(encoder: InputEncoder) -> dict[str, Any] | None:
    """The inputs that there are, each as numbers of tokens; None if there may be any."""
    if encoder.promised is None:
        return None
    return {"words": encoder.promised.words, "inputs": sorted(encoder.promised.inputs)}


def _example(encoder: InputEncoder) -> list[int]:
    """Numbers of tokens that tell most programs' answers apart: with a repetition, out of order.

    Where inputs are promised, one of the longest that the page has room for.
    """
    if encoder.promised is not None:
        lengths = [len(numbers) for numbers in encoder.promised.inputs]
        fitting = [length for length in lengths if length <= LONGEST_EXAMPLE]
        chosen = max(fitting, default=min(lengths))
        return list(min(x for x in encoder.promised.inputs if len(x) == chosen))
    length = min(LONGEST_EXAMPLE, encoder.max_seq_len)
    size = len(encoder.vocab)
    order: Iterable[int] = (2, 0, 1, 0, 3, 2, 1, 4)
    return [number % size for number in order][:length]
