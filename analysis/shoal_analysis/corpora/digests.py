"""A set of digests that takes eight bytes for each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_MOST_RECENT = 2**16
"""So many digests are in a Python set before they join the sorted ones."""


class Digests:
    """Digests of sixteen hexadecimal digits, sorted in one array but for the latest."""

    def __init__(self, digests: Iterable[str] = ()) -> None:
        self._sorted: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._recent: set[int] = set()
        for digest in digests:
            self.add(digest)

    def __contains__(self, digest: str) -> bool:
        number = int(digest, 16)
        if number in self._recent:
            return True
        place = int(np.searchsorted(self._sorted, np.uint64(number)))
        return place < len(self._sorted) and int(self._sorted[place]) == number

    def __len__(self) -> int:
        return len(self._sorted) + len(self._recent)

    def add(self, digest: str) -> None:
        """Take one in that is not there yet."""
        if digest in self:
            return
        self._recent.add(int(digest, 16))
        if len(self._recent) > _MOST_RECENT:
            recent = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, recent]))
            self._recent = set()
