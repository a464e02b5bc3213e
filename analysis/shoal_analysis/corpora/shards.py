"""Shards: the weights of many models in one safetensors file, and their rows of the index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal.transformer.description import Description
from shoal_analysis.corpora.drafts import Arrays, Draft
from shoal_analysis.corpora.index import key_of, row_of, write_index
from shoal_analysis.corpora.options import LICENCE, SCHEMA, CorpusOptions
from shoal_analysis.corpora.splits import split_of

MOST_BYTES = 2**28
"""A shard with so many bytes of weights is full, however few models it has."""


_MOST_OPEN = 8
"""Shards that are open at once; each open one has the names of its arrays in memory."""


class Shard:
    """A shard that is being filled.

    Args:
        number: of the shard.
        first: number of its first model.
        options: of the corpus.
    """

    def __init__(self, number: int, first: int, options: CorpusOptions) -> None:
        self.number = number
        self._first = first
        self._options = options
        self._rows: list[dict[str, Any]] = []
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def end(self) -> int:
        """Number of the first model after it."""
        return self._first + len(self)

    @property
    def is_full(self) -> bool:
        """Whether nothing more goes in."""
        return len(self) >= self._options.shard_models or self._bytes >= MOST_BYTES

    def add(self, draft: Draft, arrays: Arrays, batch: int) -> None:
        """Take in a model, which gets the next number."""
        number, name = self.end, weights_name(self.number)
        split = split_of(draft.family)
        self._rows.append(row_of(draft, number, split, name, batch, self._options))
        for part, array in arrays.items():
            self._arrays[f"{key_of(number)}/{part}"] = array
            self._bytes += array.nbytes

    def write(self, folder: Path, versions: Mapping[str, str]) -> None:
        """Write it; every file is there whole, or as it was before.

        Raises:
            InvalidInputError: a file cannot be written, for one because the disk is full.
        """
        facts = {"format": f"shoal corpus {SCHEMA}", "licence": LICENCE}
        content = save(self._arrays, {"shoal": json.dumps(facts)})  # several have no fixed order
        write_file(folder / weights_name(self.number), lambda file: file.write(content))
        write_index(folder, self.number, self._rows, versions)


def weights_name(shard: int) -> str:
    """The file of a shard's weights, from the corpus's folder."""
    return f"weights/{shard:05}.safetensors"


class ShardReader:
    """Reads models from shards, of which it keeps the last few open.

    Args:
        folder: of the corpus.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return ShardReader, (self._folder,)  # open files stay in their process

    def arrays(self, row: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """The arrays of a model by name.

        Args:
            row: of the index, or at least ``shard``, ``key`` and ``description`` of that.

        Raises:
            InvalidInputError: the shard is missing or damaged, or has no such model.
        """
        try:
            names = Description.from_json(row["description"], {}).shapes()
            file = self._open(row["shard"])
            return {name: file.get_tensor(f"{row['key']}/{name}") for name in names}
        except (OSError, ValueError, SafetensorError) as error:
            raise InvalidInputError(
                f"{self._folder / row['shard']} does not give the model {row['key']}: {error}"
            ) from error

    def _open(self, shard: str) -> Any:
        if shard not in self._files:
            while len(self._files) >= _MOST_OPEN:
                del self._files[next(iter(self._files))]
            self._files[shard] = safe_open(self._folder / shard, framework="numpy")
        return self._files[shard]
