"""Which models stay: different ones, each family in one split, in the order of their batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shoal_analysis.corpora.balance import Balance
from shoal_analysis.corpora.digests import Digests
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.splits import SPLITS, split_of

STAYS = "stays"


class Selection:
    """What has been taken so far; digests alone, so that it stays small.

    Attributes:
        count: how many models stay.
        tally: how many models were judged how.
    """

    def __init__(self, options: CorpusOptions) -> None:
        self.count = 0
        self.tally: Counter[str] = Counter()
        self._structures = Digests()
        self._functions = Digests()
        self._weights = {split: Digests() for split in SPLITS}
        self._balance = Balance(options.balance)

    def judge(
        self,
        *,
        structure: str,
        function: str,
        family: str,
        weights: str,
        num_layers: int,
        constructs: Sequence[str],
    ) -> str:
        """Whether the next model stays; if so, it counts from now on.

        Returns:
            ``STAYS``, or why it does not, in words.
        """
        split = split_of(family)
        verdict = STAYS
        if structure in self._structures:
            verdict = "same structure"
        elif function in self._functions:
            verdict = "same function"
        elif any(weights in self._weights[other] for other in SPLITS if other != split):
            verdict = "same weights in another split"
        elif not self._balance.allows(num_layers, constructs):
            verdict = "more of its kind than balance allows"
        self.tally[verdict] += 1
        if verdict == STAYS:
            self.take(structure, function, split, weights, num_layers, constructs)
        return verdict

    def take(
        self,
        structure: str,
        function: str,
        split: str,
        weights: str,
        num_layers: int,
        constructs: Sequence[str],
    ) -> None:
        """Count a model that stays."""
        self.count += 1
        self._structures.add(structure)
        self._functions.add(function)
        self._weights[split].add(weights)
        self._balance.add(num_layers, constructs)
