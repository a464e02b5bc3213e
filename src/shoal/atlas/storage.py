"""Models on disk: weights as safetensors, with the description and the atlas in the metadata.

Files of the first format, ``.npz``, are read as well; they hold no atlas. Whatever a file says is
checked before memory is taken for it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shoal.atlas.atlas import Atlas
from shoal.atlas.fits import misfits
from shoal.atlas.text import atlas_from_json, atlas_to_json
from shoal.files import write_file
from shoal.limits import Limits
from shoal.runnable import Transformer
from shoal.transformer.description import Description
from shoal.transformer.storage import (
    DamagedError,
    arrays_of,
    assemble,
    checksum,
    describe,
    load_arrays,
    reading,
    require_finite,
    require_size,
    type_of,
)

FORMAT = "shoal model 2"

_ZIP = b"PK\x03\x04"
_TYPES = {"F32": np.dtype(np.float32), "F64": np.dtype(np.float64)}


def save_file(path: Path, model: Transformer, atlas: Atlas) -> None:
    """Write a model and its atlas; the file is there whole, or as it was before.

    Raises:
        InvalidInputError: a token or a result cannot be saved, or the file cannot be written.
    """
    parts = (model.weights, model.input_encoder, model.output_encoder)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays_of(*parts).items()}
    texts = {
        "format": FORMAT,
        "description": describe(*parts).to_json(),
        "atlas": json.dumps(atlas_to_json(atlas), allow_nan=False),
    }
    texts["sha256"] = checksum("".join(texts.values()), arrays)
    content = save(arrays, texts)
    write_file(path, lambda file: file.write(content))


def load_file(path: Path, limits: Limits | None = None) -> tuple[Transformer, Atlas | None]:
    """Read a model, and its atlas if the file has one.

    Args:
        path: the file.
        limits: ``model_bytes`` is the most memory that its weights may take.

    Raises:
        InvalidInputError: the file is not there, is no saved model, is damaged, or is too large.
    """
    with reading(path):
        with path.open("rb") as file:
            is_zip = file.read(len(_ZIP)) == _ZIP
        if not is_zip:
            return _read(path, (limits or Limits()).model_bytes)
    return Transformer(*load_arrays(path, limits)), None


def _read(path: Path, most_bytes: int) -> tuple[Transformer, Atlas]:
    try:
        with safe_open(path, framework="numpy") as file:
            texts = file.metadata() or {}
            if texts.get("format") != FORMAT:
                raise DamagedError(f"its format is {texts.get('format')!r}, not {FORMAT!r}")
            missing = {"description", "atlas", "sha256"} - set(texts)
            if missing:
                raise DamagedError(f"its metadata lacks {min(missing)!r}")
            description = Description.from_json(texts["description"], {})
            expected = description.shapes()
            require_size(expected, most_bytes)
            odd = set(file.keys()) ^ set(expected)
            if odd:
                word = "is missing" if min(odd) in expected else "does not belong"
                raise DamagedError(f"its array {min(odd)!r} {word}")
            arrays = {name: _array(file, name, shape) for name, shape in expected.items()}
    except SafetensorError as error:
        raise DamagedError(f"it is no safetensors file ({error})") from error
    wanted = checksum("".join(texts[n] for n in ("format", "description", "atlas")), arrays)
    if wanted != texts["sha256"]:
        raise DamagedError("its content does not match its checksum")
    atlas = atlas_from_json(json.loads(texts["atlas"]))
    transformer = Transformer(*assemble(description, arrays))
    wrong = next(misfits(atlas, transformer.weights.sizes), None)
    if wrong is not None:
        raise DamagedError(f"its atlas is of another model: {wrong}")
    return transformer, atlas


def _array(file: Any, name: str, wanted: tuple[int, ...]) -> npt.NDArray[Any]:
    """An array, after a look at its shape and type."""
    part = file.get_slice(name)
    shape, kind = tuple(part.get_shape()), part.get_dtype()
    if shape != wanted or _TYPES.get(kind) != type_of(name):
        raise DamagedError(
            f"its array {name!r} is {kind} {list(shape)}, and not {type_of(name)} {list(wanted)} "
            "as its description says"
        )
    return require_finite(name, file.get_tensor(name))
