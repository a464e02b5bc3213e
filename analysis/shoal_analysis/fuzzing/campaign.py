"""A campaign's folder: options, finished batches, failures; whatever happens, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shoal_analysis.engine.failures import Failure, failure_from_json, require_counts
from shoal_analysis.engine.folder import Folder, Kind
from shoal_analysis.engine.logs import append_to_log, read_log
from shoal_analysis.fuzzing.batches import BatchResult, CampaignOptions

CAMPAIGN = Kind("campaign", ("shoal", "hypothesis"))
"""Another version of these packages draws other programs."""


class Campaign(Folder):
    """A campaign's folder, which can be read while the campaign runs.

    Attributes:
        options: what it runs.
        results: finished batches by number.

    Raises:
        InvalidOptionError: the folder cannot be one, or holds a campaign with other options or
            of other versions.
    """

    def __init__(self, path: Path, options: CampaignOptions) -> None:
        super().__init__(path, CAMPAIGN, asdict(options))
        self.options = options
        self.results: dict[int, BatchResult] = {}
        for result in read_log(path / "batches.jsonl", _result, self.warnings):
            self.results[result.number] = result

    def record(self, result: BatchResult) -> None:
        """Keep a finished batch; it is on disk when this returns."""
        self.results[result.number] = result
        self.keep_failures(result.number, result.failures)
        append_to_log(self.path / "batches.jsonl", asdict(result))

    @property
    def programs(self) -> int:
        """How many programs have been examined."""
        return sum(result.programs for result in self.results.values())

    @property
    def failures(self) -> list[Failure]:
        """All failures, in the order of batches."""
        return [f for number in sorted(self.results) for f in self.results[number].failures]

    @property
    def counts(self) -> Counter[str]:
        """Tallies over all batches."""
        total: Counter[str] = Counter()
        for result in self.results.values():
            total.update(result.counts)
        return total

    def missing(self) -> Iterator[int]:
        """Numbers of batches that have not been run, in order, without end."""
        number = 0
        while True:
            if number not in self.results:
                yield number
            number += 1


def _result(failures: list[dict[str, str]], **others: Any) -> BatchResult:
    """A result from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    result = BatchResult(**others, failures=tuple(map(failure_from_json, failures)))
    require_counts(result.number, result.programs, *dict(result.counts).values())
    counts = result.counts
    if not isinstance(counts, dict) or not all(isinstance(key, str) for key in counts):
        raise TypeError("a field of another type")
    if not isinstance(result.seconds, int | float):
        raise TypeError("a field of another type")
    return result
