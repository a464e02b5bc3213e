"""What the page knows of a model, as JSON: its weights, its atlas, and how values are replaced."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas, NamedValue, Reading, Selector
from shoal.atlas.explain import merged, unmaterialised
from shoal.atlas.readers import Readers
from shoal.atlas.text import array_to_json
from shoal.model import Model
from shoal.rasp.values import Value, show_value
from shoal.report import sizes_of
from shoal.targets.in_numpy import MASKED
from shoal.transformer.encoders import InputEncoder
from shoal.transformer.storage import arrays_of
from shoal_analysis.pictures.explorer.replacing import replacements

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
    replaced = replacements(Readers(atlas, model.weights), pool)
    encoder, decoder = model.input_encoder, model.output_encoder
    return {
        "title": atlas.output,
        "source": atlas.source,
        "options": dict(atlas.options),
        "figures": dict(sizes_of(model)),
        "sizes": vars(model.weights.sizes),
        "causal": model.weights.causal,
        "masked": float(MASKED),
        "vocab": [show_value(token) for token in encoder.vocab],
        "words": _words(encoder.vocab),
        "bos": show_value(encoder.bos_token),
        "maxLength": encoder.max_seq_len,
        "example": _example(encoder),
        "tensors": _tensors(model),
        "decoder": {
            "shown": [show_value(value) for value in decoder.values],
            "codes": None if decoder.codes is None else decoder.codes.tolist(),
            "nullable": decoder.nullable,
        },
        "output": atlas.output,
        "values": [_value(value, atlas) for value in atlas.values.values()],
        "selectors": [_selector(selector) for selector in atlas.selectors.values()],
        "places": [_plain(place) | {"labels": place.labels} for place in atlas.places.values()],
        "parts": [_plain(part) for part in atlas.parts],
        "result": _reading(atlas.result),
        "proofs": [_plain(proof) | {"isOptimal": proof.is_optimal} for proof in atlas.proofs],
        "savings": [_plain(saved) for saved in atlas.savings],
        "undefined": [_plain(undefined) for undefined in atlas.undefined],
        "notes": [*unmaterialised(atlas), *merged(atlas)],
        "seconds": dict(atlas.seconds),
        "replacements": replaced,
        "ledTo": {label: sorted(led) for label, led in _led_to(atlas).items()},
        "arrays": pool.arrays,
    }


def _led_to(atlas: Atlas) -> Mapping[str, set[str]]:
    """For each s-op those that depend on it."""
    found: dict[str, set[str]] = {label: set() for label in atlas.values}
    before: dict[str, set[str]] = {}
    for label, sources in atlas.sources.items():  # operands come first
        before[label] = {*sources}.union(*(before[source] for source in sources))
        for source in before[label]:
            found[source].add(label)
    return found


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


def _value(value: NamedValue, atlas: Atlas) -> dict[str, Any]:
    classes = value.classes
    members = () if classes is None else tuple(group[0] for group in classes)
    return {
        "label": value.label,
        "aliases": value.aliases,
        "op": value.op,
        "inputs": value.inputs,
        "isNamed": value.is_named,
        "isKept": value.is_kept,
        "nullable": value.nullable,
        "shown": None if classes is None else [show_value(member) for member in members],
        "numbers": None if classes is None else [_number(member) for member in members],
        "bounds": value.bounds,
        "table": None if value.table is None else array_to_json(value.table),
        "local": None if value.local is None else array_to_json(value.local),
        "replacedBy": value.replaced_by,
        "isCompiled": value.is_compiled,
        "blocks": value.blocks,
        "readings": [_reading(reading) for reading in value.readings],
        "ofBlocks": None if value.of_blocks is None else _reading(value.of_blocks),
    }


def _selector(selector: Selector) -> dict[str, Any]:
    table = selector.predicate
    return {
        "label": selector.label,
        "op": selector.op,
        "inputs": selector.inputs,
        "text": selector.text,
        "isConstant": selector.is_constant,
        "predicate": None if table is None else array_to_json(table),
        "least": selector.least,
        "most": selector.most,
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "form": reading.form,
        "variables": reading.variables,
        "matrix": array_to_json(reading.matrix),
        "bias": reading.bias.tolist(),
        "codes": None if reading.codes is None else array_to_json(reading.codes),
        "error": reading.error,
        "room": reading.room,
    }


def _plain(item: Any) -> dict[str, Any]:
    return {f.name: getattr(item, f.name) for f in fields(item)}


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


def _example(encoder: InputEncoder) -> list[int]:
    """Numbers of tokens that tell most programs' answers apart: with a repetition, out of order."""
    length = min(LONGEST_EXAMPLE, encoder.max_seq_len)
    size = len(encoder.vocab)
    order: Iterable[int] = (2, 0, 1, 0, 3, 2, 1, 4)
    return [number % size for number in order][:length]
