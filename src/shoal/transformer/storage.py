"""Transformers on disk: arrays and a JSON text in one ``.npz`` file.

Whatever a file says is checked before memory is taken for it: the description first, then the
shape and type of every array against it, then that numbers are finite, and at last a checksum over
everything.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal.limits import Limits
from shoal.rasp.values import Value
from shoal.transformer.description import Description
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal.transformer.weights import LayerWeights, Weights

Arrays = Mapping[str, npt.NDArray[Any]]

_EXPECTED_TYPES = {"codes": np.dtype(np.float64)}
_SUFFIX = ".npy"
_PER_LAYER = len(fields(LayerWeights))
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_DESCRIPTION = 2**26
"""Bytes of the largest description; one of a million short tokens has less."""


def save_arrays(
    path: Path, weights: Weights, encoder: InputEncoder, decoder: OutputDecoder
) -> None:
    """Write a transformer to a file; it is there whole, or as it was before.

    Raises:
        InvalidInputError: a value cannot be saved, or the file cannot be written.
    """
    description, arrays = describe(weights, encoder, decoder), arrays_of(weights, encoder, decoder)
    text = description.to_json()
    texts = {"description": np.array(text), "sha256": np.array(checksum(text, arrays))}
    everything: dict[str, Any] = {**arrays, **texts}
    write_file(path, lambda file: np.savez_compressed(file, **everything))


def describe(weights: Weights, encoder: InputEncoder, decoder: OutputDecoder) -> Description:
    """Everything about a transformer but its arrays."""
    return Description(
        sizes=asdict(weights.sizes),
        causal=weights.causal,
        vocab=encoder.vocab,
        bos=encoder.bos_token,
        pad=encoder.pad_token,
        max_seq_len=encoder.max_seq_len,
        promised=encoder.promised,
        values=decoder.values,
        nullable=decoder.nullable,
        numerical=decoder.is_numerical,
        coordinates=len(weights.unembedding_b),
    )


def arrays_of(
    weights: Weights, encoder: InputEncoder, decoder: OutputDecoder
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a transformer by name."""
    arrays: dict[str, npt.NDArray[Any]] = {
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
    return arrays


def load_arrays(
    path: Path, limits: Limits | None = None
) -> tuple[Weights, InputEncoder, OutputDecoder]:
    """Read a transformer from a file.

    Args:
        path: what ``save_arrays`` wrote.
        limits: ``model_bytes`` is the most memory that is taken.

    Raises:
        InvalidInputError: the file is not there, is no saved transformer, is damaged, or is too
            large.
    """
    with reading(path):
        if not zipfile.is_zipfile(path) and path.exists() and path.stat().st_size:
            raise DamagedError("it is no .npz file (shoal.load reads model files of all formats)")
        with zipfile.ZipFile(path) as archive:
            return _read(archive, (limits or Limits()).model_bytes)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong while a model is read from a file is one kind of error.

    Raises:
        InvalidInputError: says what is wrong, and what to do.
    """
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder; give the file of a saved model")
    try:
        yield
    except FileNotFoundError:
        raise InvalidInputError(f"there is no file {path}") from None
    except PermissionError:
        raise InvalidInputError(f"{path} cannot be read: permission denied") from None
    except MemoryError:
        raise
    except Exception as error:
        raise InvalidInputError(
            f"{path} is no saved model, or is damaged: {_in_words(error)}; write one with "
            "Model.save or shoal compile --save"
        ) from error


class DamagedError(Exception):
    """What is wrong with a file, in words."""


def _in_words(error: Exception) -> str:
    """What is wrong with a file."""
    if isinstance(error, RecursionError):
        return "its description is nested too deeply"
    return f"{error}" if str(error) else type(error).__name__


def _read(archive: zipfile.ZipFile, most_bytes: int) -> tuple[Weights, InputEncoder, OutputDecoder]:
    odd = [e.filename for e in archive.infolist() if e.compress_type not in _COMPRESSIONS]
    if odd:  # others are expanded in one go, however little of them is asked for
        raise DamagedError(f"its entry {odd[0]!r} is compressed in a way that is not used here")
    entries = {entry.filename.removesuffix(_SUFFIX): entry for entry in archive.infolist()}
    if len(entries) < len(archive.infolist()):
        raise DamagedError("it has two entries of one name")
    if "description" not in entries:
        raise DamagedError("it has no description")
    text = _read_text(archive, entries["description"], _MOST_DESCRIPTION)
    # files of before there were checksums do not say how many coordinates the result has
    shape = _peek(archive, entries, "unembedding_b")
    defaults = {"numerical": "codes" not in entries, "coordinates": shape[0] if shape else 0}
    description = Description.from_json(text, defaults)
    if _PER_LAYER * description.sizes["num_layers"] > len(entries):
        raise DamagedError("it has fewer arrays than its description says")
    expected = description.shapes()
    require_size(expected, most_bytes)
    known = {*expected, "description", "sha256"}
    if set(entries) - known:
        raise DamagedError(f"it has an entry that does not belong: {min(set(entries) - known)!r}")
    arrays = {}
    for name, shape in expected.items():
        if name not in entries:
            raise DamagedError(f"its array {name!r} is missing")
        arrays[name] = _read_array(archive, entries[name], name, shape)
    if "sha256" in entries:
        wanted = _read_text(archive, entries["sha256"], 4_096)
        if wanted != checksum(text, arrays):
            raise DamagedError("its content does not match its checksum")
    return assemble(description, arrays)


def _peek(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str
) -> tuple[int, ...]:
    """The shape of an array, without reading it."""
    if name not in entries:
        raise DamagedError(f"its array {name!r} is missing")
    with archive.open(entries[name]) as file:
        return _read_header(file)[0]


def _bytes(name: str, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * type_of(name).itemsize


def type_of(name: str) -> np.dtype[Any]:
    """The type of an array of a file."""
    return _EXPECTED_TYPES.get(name, np.dtype(np.float32))


def _read_text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int) -> str:
    """A text that is stored as an array of one string."""
    with archive.open(entry) as file:
        shape, _, kind = _read_header(file)
        if shape != () or kind.kind != "U":
            raise DamagedError(f"its entry {entry.filename!r} is no text")
        if kind.itemsize > most_bytes:
            raise DamagedError(f"its entry {entry.filename!r} has {kind.itemsize:,} bytes")
        data = file.read(kind.itemsize)
        if len(data) != kind.itemsize or file.read(1):
            raise DamagedError(f"its entry {entry.filename!r} is cut off, or too long")
        return str(np.frombuffer(data, dtype=kind, count=1)[0])


def _read_array(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, wanted: tuple[int, ...]
) -> npt.NDArray[Any]:
    with archive.open(entry) as file:
        shape, by_columns, kind = _read_header(file)
        if kind.hasobject:
            raise DamagedError(f"its array {name!r} holds pickled objects, which are never loaded")
        if shape != wanted or kind != type_of(name):
            raise DamagedError(
                f"its array {name!r} is {kind} {list(shape)}, and not {type_of(name)} "
                f"{list(wanted)} as its description says"
            )
        if entry.file_size > _bytes(name, wanted) + 2**16:
            raise DamagedError(f"its array {name!r} has {entry.file_size:,} bytes")
        data = file.read()
    if len(data) != _bytes(name, wanted):
        raise DamagedError(f"its array {name!r} is cut off, or has more than it says")
    array = np.frombuffer(data, dtype=kind).reshape(wanted, order="F" if by_columns else "C")
    return np.ascontiguousarray(require_finite(name, array))


def require_size(expected: Mapping[str, tuple[int, ...]], most_bytes: int) -> None:
    """Refuse shapes that take too much memory together.

    Raises:
        DamagedError: says how much.
    """
    size = sum(_bytes(name, shape) for name, shape in expected.items())
    if size > most_bytes:
        raise DamagedError(
            f"it describes {size:,} bytes of weights, and the limit is {most_bytes:,} (allow more "
            f"by limits=shoal.Limits(model_bytes={size}))"
        )


def require_finite(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, if all its numbers are finite.

    Raises:
        DamagedError: they are not.
    """
    if not np.isfinite(array).all():
        raise DamagedError(f"its array {name!r} has numbers that are not finite")
    return array


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0 if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, by_columns, kind = read(file)
    return shape, by_columns, kind


def checksum(text: str, arrays: Arrays) -> str:
    """Over the description, and name, shape and content of every array."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def assemble(
    description: Description, arrays: Arrays
) -> tuple[Weights, InputEncoder, OutputDecoder]:
    """A transformer from its description and arrays that fit it."""
    sizes = description.as_sizes()
    layers = tuple(
        LayerWeights(**{f.name: arrays[f"layer_{i}/{f.name}"] for f in fields(LayerWeights)})
        for i in range(sizes.num_layers)
    )
    weights = Weights(
        sizes,
        description.causal,
        arrays["token_embedding"],
        arrays["position_embedding"],
        layers,
        arrays["unembedding_w"],
        arrays["unembedding_b"],
    )
    encoder = InputEncoder(
        description.vocab,
        description.bos,
        description.pad,
        description.max_seq_len,
        promised=description.promised,
    )
    values: tuple[Value, ...] = description.values
    return weights, encoder, OutputDecoder(values, arrays.get("codes"), description.nullable)
