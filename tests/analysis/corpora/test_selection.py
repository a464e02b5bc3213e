"""What stays: digests, splits, balance, and all of it in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import InvalidOptionError
from shoal_analysis.corpora import digests as module
from shoal_analysis.corpora.balance import DEPTHS, ROOM, SLACK, Balance, depth_of
from shoal_analysis.corpora.digests import Digests
from shoal_analysis.corpora.options import CorpusOptions
from shoal_analysis.corpora.selection import STAYS, Selection
from shoal_analysis.corpora.splits import SPLITS, split_of
from shoal_analysis.corpora.structure import CONSTRUCTS

hexadecimal = st.integers(0, 2**64 - 1).map(lambda number: f"{number:016x}")


@given(st.lists(hexadecimal), st.lists(hexadecimal), st.integers(1, 5))
def test_digests_are_a_set(added: list[str], others: list[str], recent: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_RECENT", recent)
        digests = Digests(added + added)
    assert len(digests) == len(set(added))
    assert all((digest in digests) == (digest in set(added)) for digest in added + others)


def test_families_go_to_splits_by_shares() -> None:
    count = Counter(split_of(f"{number:016x}") for number in range(10_000))
    assert count == {"train": 9_000, "validation": 500, "test": 500}
    assert tuple(SPLITS) == ("train", "validation", "test")


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(CONSTRUCTS)), max_size=300))
def test_balance_holds_at_every_time(models: list[tuple[int, str]]) -> None:
    balance = Balance(("depth", "constructs"))
    depths: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    count = 0
    for layers, construct in models:
        if not balance.allows(layers, (construct,)):
            full_depth = depths[depth_of(layers)] >= ROOM * count / len(DEPTHS) + SLACK
            full_kind = kinds[construct] >= ROOM * count / len(CONSTRUCTS) + SLACK
            assert full_depth or full_kind
            continue
        balance.add(layers, (construct,))
        depths[depth_of(layers)] += 1
        kinds[construct] += 1
        count += 1
        assert depths[depth_of(layers)] <= ROOM * count / len(DEPTHS) + SLACK + 1
        assert kinds[construct] <= ROOM * count / len(CONSTRUCTS) + SLACK + 1


def test_without_balance_all_are_allowed() -> None:
    balance = Balance(())
    for _ in range(100):
        assert balance.allows(1, ("width",))
        balance.add(1, ("width",))


def model(**changes: Any) -> dict[str, Any]:
    usual = {"structure": "1" * 16, "function": "2" * 16, "family": "3" * 16, "weights": "4" * 16}
    return {**usual, "num_layers": 1, "constructs": ("width",), **changes}


def in_split(split: str) -> str:
    return next(f for f in (f"{n:016x}" for n in range(100)) if split_of(f) == split)


def test_of_two_that_are_one_the_first_stays() -> None:
    selection = Selection(CorpusOptions())
    assert selection.judge(**model()) == STAYS
    assert selection.judge(**model()) == "same structure"
    assert selection.judge(**model(structure="5" * 16)) == "same function"
    assert selection.judge(**model(structure="5" * 16, function="6" * 16)) == STAYS
    assert selection.count == 2
    assert selection.tally == {STAYS: 2, "same structure": 1, "same function": 1}


def test_equal_weights_are_in_one_split_alone() -> None:
    selection = Selection(CorpusOptions())
    train, test = in_split("train"), in_split("test")
    assert selection.judge(**model(family=train)) == STAYS
    other = model(structure="5" * 16, function="6" * 16, family=test)
    assert selection.judge(**other) == "same weights in another split"
    assert selection.judge(**{**other, "family": train}) == STAYS


def test_what_balance_leaves_out_may_come_later() -> None:
    selection = Selection(CorpusOptions(balance=("depth",)))
    verdicts = [
        selection.judge(**model(structure=f"{n:016x}", function=f"{n:016x}", num_layers=n % 9 == 8))
        for n in range(40)
    ]
    assert set(verdicts) == {STAYS, "more of its kind than balance allows"}
    left_out = verdicts.index("more of its kind than balance allows")
    again = model(structure=f"{left_out:016x}", function=f"{left_out:016x}", num_layers=3)
    assert selection.judge(**again) == STAYS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"balance": ("colour",)}, "cannot be balanced over 'colour'"),
        ({"max_seq_len": 0}, "max_seq_len is 0"),
        ({"most_steps": 1}, "most_steps is 1"),
        ({"shard_models": 0}, "shard_models is 0"),
        ({"passes": ("nonsense",)}, "nonsense"),
    ],
)
def test_options_that_make_no_sense_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        CorpusOptions(**changes)
