"""A compiled model before it has a number: what the index says of it, and its arrays."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from shoal.atlas.text import atlas_to_json
from shoal.model import Model
from shoal.transformer.storage import arrays_of, checksum, describe

_ROWS = "drafts"

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Draft:
    """What is known of a model that has no number yet.

    Attributes:
        source: the program, as Python.
        structure: digest of the program up to names.
        function: digest of what it computes.
        family: digest of the program without its functions.
        weights: digest of the arrays.
        constructs: what the program uses.
        inputs: on how many inputs it was compared with the interpreter.
        sizes: numbers by name: lines, parameters, layers, and so on.
        proven: objectives that are proven optimal.
        description: everything about the transformer but its arrays, as JSON.
        atlas: everything that is known about the model, as JSON.
    """

    source: str
    structure: str
    function: str
    family: str
    weights: str
    constructs: tuple[str, ...]
    inputs: int
    sizes: Mapping[str, int]
    proven: tuple[str, ...]
    description: str
    atlas: str

    @property
    def num_layers(self) -> int:
        """Attention + MLP pairs."""
        return self.sizes["num_layers"]


def sizes_of(model: Model) -> dict[str, int]:
    """The sizes that the index has a column for."""
    weights = model.weights
    return {
        **asdict(weights.sizes),
        "num_parameters": weights.num_parameters,
        "vocab_size": len(model.input_encoder.vocab),
        "num_results": len(model.output_encoder.values),
    }


def texts_of(model: Model) -> tuple[str, str]:
    """A model's description and its atlas, without the seconds that it took."""
    parts = (model.weights, model.input_encoder, model.output_encoder)
    atlas = atlas_to_json(replace(model.atlas, seconds={}))
    return describe(*parts).to_json(), json.dumps(atlas, allow_nan=False)


def model_arrays(model: Model) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a model by name."""
    parts = (model.weights, model.input_encoder, model.output_encoder)
    return {name: np.ascontiguousarray(array) for name, array in arrays_of(*parts).items()}


def digest_of_arrays(arrays: Arrays) -> str:
    """Sixteen digits that tell models apart by what is in their arrays."""
    return checksum("", arrays)[:16]


def pack(drafts: Sequence[tuple[Draft, Arrays]]) -> bytes:
    """The drafts of a batch as compressed bytes, which any worker can send."""
    arrays = {
        f"{place}/{name}": array
        for place, (_, each) in enumerate(drafts)
        for name, array in each.items()
    }
    rows = json.dumps([asdict(draft) for draft, _ in drafts]).encode()
    return zlib.compress(save({**arrays, _ROWS: np.frombuffer(rows, np.uint8)}))


def unpack(path: Path) -> Iterator[tuple[Draft, Arrays]]:
    """The drafts that a file holds, in their order."""
    everything = load(zlib.decompress(path.read_bytes()))
    rows = json.loads(everything.pop(_ROWS).tobytes())
    arrays: list[dict[str, npt.NDArray[Any]]] = [{} for _ in rows]
    for key, array in everything.items():
        place, _, name = key.partition("/")
        arrays[int(place)][name] = array
    for row, each in zip(rows, arrays, strict=True):
        texts = {"constructs": tuple(row["constructs"]), "proven": tuple(row["proven"])}
        yield Draft(**{**row, **texts}), each
