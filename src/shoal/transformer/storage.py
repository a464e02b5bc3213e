"""Transformers on disk: arrays and a JSON text in one ``.npz`` file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from shoal.errors import InvalidInputError
from shoal.rasp.values import Value
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal.transformer.weights import LayerWeights, Sizes, Weights

_FORMAT = "shoal transformer 1"


def save_arrays(
    path: Path, weights: Weights, encoder: InputEncoder, decoder: OutputDecoder
) -> None:
    """Write a transformer to a file."""
    description = {
        "format": _FORMAT,
        "sizes": asdict(weights.sizes),
        "causal": weights.causal,
        "vocab": [_to_json(token) for token in encoder.vocab],
        "bos": _to_json(encoder.bos_token),
        "pad": _to_json(encoder.pad_token),
        "max_seq_len": encoder.max_seq_len,
        "values": [_to_json(value) for value in decoder.values],
        "nullable": decoder.nullable,
    }
    arrays: dict[str, Any] = {
        "token_embedding": weights.token_embedding,
        "position_embedding": weights.position_embedding,
        "unembedding_w": weights.unembedding_w,
        "unembedding_b": weights.unembedding_b,
    }
    if decoder.codes is not None:
        arrays["codes"] = decoder.codes
    for number, layer in enumerate(weights.layers):
        for field in fields(LayerWeights):
            arrays[f"layer_{number}/{field.name}"] = getattr(layer, field.name)
    text = np.array(json.dumps(description))
    with path.open("wb") as file:
        np.savez_compressed(file, description=text, **arrays)


def load_arrays(path: Path) -> tuple[Weights, InputEncoder, OutputDecoder]:
    """Read a transformer from a file.

    Raises:
        InvalidInputError: the file is not there, or is no saved transformer.
    """
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
        description = json.loads(str(arrays["description"]))
        if description["format"] != _FORMAT:
            raise ValueError(f"its format is {description['format']!r}")
        return _assemble(description, arrays)
    except FileNotFoundError:
        raise InvalidInputError(f"there is no file {path}") from None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InvalidInputError(
            f"{path} is no saved transformer ({error}); write one with Model.save or "
            "shoal compile --save"
        ) from None


def _assemble(
    description: dict[str, Any], arrays: dict[str, Any]
) -> tuple[Weights, InputEncoder, OutputDecoder]:
    sizes = Sizes(**description["sizes"])
    layers = tuple(
        LayerWeights(**{f.name: arrays[f"layer_{i}/{f.name}"] for f in fields(LayerWeights)})
        for i in range(sizes.num_layers)
    )
    weights = Weights(
        sizes,
        description["causal"],
        arrays["token_embedding"],
        arrays["position_embedding"],
        layers,
        arrays["unembedding_w"],
        arrays["unembedding_b"],
    )
    encoder = InputEncoder(
        tuple(_from_json(token) for token in description["vocab"]),
        _from_json(description["bos"]),
        _from_json(description["pad"]),
        description["max_seq_len"],
    )
    values = tuple(_from_json(value) for value in description["values"])
    return weights, encoder, OutputDecoder(values, arrays.get("codes"), description["nullable"])


def _to_json(value: Value) -> Any:
    if isinstance(value, tuple):
        return {"tuple": [_to_json(element) for element in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidInputError(
        f"the value {value!r} cannot be saved; use numbers, strings, bools or tuples of those"
    )


def _from_json(value: Any) -> Value:
    if isinstance(value, dict):
        return tuple(_from_json(element) for element in value["tuple"])
    result: Value = value
    return result
