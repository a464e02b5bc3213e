"""A corpus as a dataset of PyTorch: models of one shape, for those who train on weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shoal.errors import InvalidInputError
from shoal_analysis.corpora.padding import CommonSizes, padded, sizes_of_row, smallest_common
from shoal_analysis.corpora.reading import rows_of
from shoal_analysis.corpora.shards import ShardReader

try:
    import torch
    from torch.utils.data import Dataset
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "torch":
        raise
    raise InvalidInputError(
        "a dataset of PyTorch needs the package 'torch', which is not installed; "
        "install it by \"pip install 'shoal[torch]'\""
    ) from error

_NEEDED = ("key", "shard", "description")


class CorpusDataset(Dataset[dict[str, Any]]):
    """Models of a split, each padded to common sizes so that batches stack.

    An item has the arrays that ``padding.padded`` describes, as float32 tensors; ``sizes``, what
    the model had before, as integers by name; and the columns that were asked for. Models that do
    not fit are left out. The rows of the index are held in memory, some 2 KB each; weights are read
    when they are asked for.

    Args:
        folder: of the corpus.
        split: "train", "validation" or "test".
        sizes: to which models are padded; None for the smallest that hold all of them. Give those
            of the training split to the others.
        columns: of the index, which items have besides.

    Attributes:
        sizes: to which models are padded.
        left_out: how many models do not fit.

    Raises:
        InvalidInputError: there is no corpus, or it has no models in the split.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        sizes: CommonSizes | None = None,
        columns: Sequence[str] = ("source",),
    ) -> None:
        rows = list(rows_of(folder, split, [*{*_NEEDED, *columns}]))
        if not rows:
            raise InvalidInputError(f"the corpus in {folder} has no models in the split {split!r}")
        self.sizes = sizes or smallest_common(map(sizes_of_row, rows))
        self._rows: list[Mapping[str, Any]] = [
            row for row in rows if self.sizes.hold(sizes_of_row(row))
        ]
        self.left_out = len(rows) - len(self._rows)
        self._columns = tuple(columns)
        self._reader = ShardReader(Path(folder))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self._rows[index]
        own = sizes_of_row(row)
        arrays = padded(self._reader.arrays(row), own, self.sizes)
        return {
            **{name: torch.from_numpy(array) for name, array in arrays.items()},
            **{name: row[name] for name in self._columns},
            "key": row["key"],
            "sizes": dict(vars(own)),
        }
