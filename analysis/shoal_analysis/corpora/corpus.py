"""A corpus's folder: batches come in any order, models are numbered in the order of batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shoal.errors import InvalidInputError, InvalidOptionError
from shoal.files import write_file
from shoal_analysis.corpora.arrow import arrow
from shoal_analysis.corpora.batches import BatchMade
from shoal_analysis.corpora.drafts import Draft, pack, unpack
from shoal_analysis.corpora.index import read_rows
from shoal_analysis.corpora.options import CORPUS, CorpusOptions
from shoal_analysis.corpora.selection import STAYS, Selection
from shoal_analysis.corpora.shards import Shard
from shoal_analysis.engine.failures import Failure, failure_from_json, require_counts
from shoal_analysis.engine.folder import Folder
from shoal_analysis.engine.logs import append_to_log, read_log

MOST_BARREN = 400
"""After so many batches in a row without a model that stays, there is nothing more to find."""

_JUDGED = ("structure", "function", "family", "weights", "num_layers", "constructs")


@dataclass(frozen=True)
class BatchRecord:
    """What the log says of a batch.

    Attributes:
        number: of the batch.
        counts: see ``BatchMade``.
        failures: likewise.
        seconds: likewise.
    """

    number: int
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class ShardRecord:
    """What the log says of a full shard, from where the next one goes on.

    Attributes:
        shard: its number.
        models: how many there are up to its end.
        batch: where the next model may come from.
        place: how many models of that batch have been judged.
        tally: how many models were judged how, up to here.
    """

    shard: int
    models: int
    batch: int
    place: int
    tally: dict[str, int]


class Corpus(Folder):
    """A corpus's folder, which can be read while the corpus is made.

    In ``work`` lies what is of use only while it grows: logs, and the models of batches that are in
    no full shard yet.

    Attributes:
        options: what it is made of.
        counts: what became of all programs that were drawn.
        failures: all failures, with the batches in which they were.
        selection: which models stay.
        recorded: batches that are done, and have not been judged yet.

    Raises:
        InvalidOptionError: the folder cannot be one, or holds a corpus of other options or
            versions.
        InvalidInputError: pyarrow is not installed, or a shard is damaged.
    """

    def __init__(self, path: Path, options: CorpusOptions) -> None:
        arrow()
        super().__init__(path, CORPUS, asdict(options))
        self.options = options
        self.counts: Counter[str] = Counter()
        self.failures: list[tuple[int, Failure]] = []
        self.seconds = 0.0
        self.recorded: set[int] = set()
        self._parcels = self._work / "parcels"
        for inside in (self._parcels, path / "data", path / "weights"):
            inside.mkdir(exist_ok=True)
        self._resume()

    def _resume(self) -> None:
        """Go on after the last full shard, with what there is of later batches."""
        self.selection = Selection(self.options)
        shards = list(read_log(self._work / "shards.jsonl", _shard_record, self.warnings))
        last = shards[-1] if shards else ShardRecord(-1, 0, 0, 0, {})
        columns = ["split", *(name for name in _JUDGED if name != "family")]
        for row in read_rows(self.path, range(last.shard + 1), columns):
            self.selection.take(**{name: row[name] for name in columns})
        if self.selection.count != last.models:
            raise InvalidInputError(
                f"{self.path} has {self.selection.count:,} models in full shards, and its log says "
                f"{last.models:,}; remove the file 'work/shards.jsonl' to make it again"
            )
        self.selection.tally.update(last.tally)
        self._batch, self._place, self._barren = last.batch, last.place, 0
        self._shard = Shard(last.shard + 1, last.models, self.options)
        seen: set[int] = set()
        for record in read_log(self._work / "batches.jsonl", _batch_record, self.warnings):
            lost = record.number >= self._batch and not self._parcel(record.number).exists()
            if record.number not in seen and not lost:
                seen.add(record.number)
                self._count(record)
        self.recorded = {number for number in seen if number >= self._batch}

    def _count(self, record: BatchRecord) -> None:
        self.counts.update(record.counts)
        self.failures += [(record.number, failure) for failure in record.failures]
        self.seconds += record.seconds

    def _parcel(self, number: int) -> Path:
        return self._parcels / f"{number:07}.zlib"

    @property
    def models(self) -> int:
        """How many models there are."""
        return self.selection.count

    @property
    def next_batch(self) -> int:
        """The batch of which the next model may come."""
        return self._batch

    def missing(self) -> Iterator[int]:
        """Numbers of batches that have not been made, in order, without end."""
        number = self._batch
        while True:
            if not self.has(number):
                yield number
            number = max(number + 1, self._batch)

    def has(self, number: int) -> bool:
        """Whether a batch has been made."""
        return number < self._batch or number in self.recorded

    def record(self, number: int, made: BatchMade) -> None:
        """Keep a batch; it is on disk when this returns.

        Raises:
            InvalidInputError: it cannot be written.
        """
        if self.has(number):
            return
        record = BatchRecord(number, made.counts, made.failures, made.seconds)
        self.keep_failures(number, made.failures)
        write_file(self._parcel(number), lambda file: file.write(made.parcel))
        append_to_log(self._work / "batches.jsonl", asdict(record))
        self._count(record)
        self.recorded.add(number)

    def record_nothing(self, number: int, failures: tuple[Failure, ...]) -> None:
        """Keep that a batch cannot be made."""
        self.record(number, BatchMade(pack([]), failures=failures))

    def settle(self, programs: int) -> None:
        """Judge the models of batches whose turn it is, and write the shards that are full.

        Args:
            programs: so many models are wanted.

        Raises:
            InvalidOptionError: nothing that stays has been found for long.
            InvalidInputError: a shard cannot be written.
        """
        while self.models < programs and self._batch in self.recorded:
            before = self.models
            for place, (draft, arrays) in enumerate(unpack(self._parcel(self._batch))):
                if place < self._place or self.models >= programs:
                    continue
                self._place = place + 1
                if self._judge(draft) == STAYS:
                    self._shard.add(draft, arrays, self._batch)
                if self._shard.is_full:
                    self._close_shard()
            if self.models >= programs:
                return
            self._next_batch(is_barren=self.models == before)

    def _next_batch(self, is_barren: bool) -> None:
        self.recorded.discard(self._batch)
        self._batch, self._place = self._batch + 1, 0
        self._barren = self._barren + 1 if is_barren else 0
        if self._barren >= MOST_BARREN:
            raise InvalidOptionError(
                f"{self._barren} batches of programs had no model that is new"
                f"{' and fits the balance' if self.options.balance else ''}; "
                f"{self.models:,} were found: ask for so many, or choose another folder and longer "
                "programs or sequences, or no balance"
            )

    def _judge(self, draft: Draft) -> str:
        return self.selection.judge(**{name: getattr(draft, name) for name in _JUDGED})

    def _close_shard(self) -> None:
        """Write the shard, then say so, then remove what it was made of."""
        self._shard.write(self.path, self.kind.versions())
        record = ShardRecord(
            self._shard.number,
            self._shard.end,
            self._batch,
            self._place,
            dict(sorted(self.selection.tally.items())),
        )
        append_to_log(self._work / "shards.jsonl", asdict(record))
        for parcel in self._parcels.iterdir():
            if int(parcel.stem.lstrip(".").split(".")[0]) < self._batch:
                parcel.unlink(missing_ok=True)
        self._shard = Shard(record.shard + 1, record.models, self.options)

    def close(self) -> None:
        """Write the last shard, which need not be full; the corpus can still grow.

        Raises:
            InvalidInputError: it cannot be written.
        """
        if len(self._shard):
            self._shard.write(self.path, self.kind.versions())
        append_to_log(self._work / "finished.jsonl", {"models": self.models})

    def require_no_more(self, programs: int) -> None:
        """Refuse to make a corpus smaller.

        Raises:
            InvalidOptionError: there are more models than asked for.
        """
        finished = read_log(self._work / "finished.jsonl", _models, self.warnings)
        there = max([self.models, *finished])
        if there > programs:
            raise InvalidOptionError(
                f"{self.path} holds a corpus of {there:,} models, more than {programs:,}; ask for "
                "as many or more, or choose another folder"
            )


def _models(models: int) -> int:
    """A number of models from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    require_counts(models)
    return models


def _batch_record(failures: list[dict[str, str]], **others: Any) -> BatchRecord:
    """A batch from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    record = BatchRecord(**others, failures=tuple(map(failure_from_json, failures)))
    require_counts(record.number)
    if not isinstance(record.counts, dict) or not isinstance(record.seconds, int | float):
        raise TypeError("a field of another type")
    return record


def _shard_record(**entry: Any) -> ShardRecord:
    """A full shard from its entry in the log.

    Raises:
        TypeError: it is none.
    """
    record = ShardRecord(**entry)
    require_counts(record.shard, record.models, record.batch, record.place)
    if not isinstance(record.tally, dict):
        raise TypeError("a field of another type")
    return record
