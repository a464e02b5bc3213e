"""Stock programs: the corpus of the benchmarks, and programs of the RASP paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shoal.errors import ProgramError
from shoal.rasp.annotations import numerical
from shoal.rasp.expressions import (
    Aggregate,
    Full,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    tokens,
)
from shoal.rasp.functions import Comparison
from shoal.rasp.values import Value


def make_length() -> SOp:
    """The length of the input; under a causal mask, the number of tokens so far."""
    return SelectorWidth(Select(tokens, tokens, Comparison.TRUE)).named("length")


def make_reverse(sop: SOp) -> SOp:
    """A sequence backwards."""
    mirrored = (make_length() - indices).named("mirrored")
    opposite = (mirrored - 1).named("opposite")
    return Aggregate(Select(indices, opposite, Comparison.EQ), sop).named("reverse")


def make_hist() -> SOp:
    """How often the token occurs in the input."""
    return SelectorWidth(Select(tokens, tokens, Comparison.EQ)).named("hist")


def make_double_hist() -> SOp:
    """How many different tokens occur as often as this one."""
    earlier = Select(indices, indices, Comparison.LT)
    same = Select(tokens, tokens, Comparison.EQ)
    is_first = (SelectorWidth(earlier & same) == 0).named("is_first")
    hist = make_hist()
    first_of_same_count = Select(hist, hist, Comparison.EQ) & Select(
        is_first, Full(True), Comparison.EQ
    )
    return SelectorWidth(first_of_same_count).named("double_hist")


def make_frac_prevs(bools: SOp) -> SOp:
    """The share of positions so far at which a (numerical) boolean holds."""
    so_far = Select(indices, indices, Comparison.LEQ)
    return numerical(Aggregate(so_far, numerical(bools), default=0)).named("frac_prevs")


def make_pair_balance(sop: SOp, open_token: Value, close_token: Value) -> SOp:
    """The share of opening minus the share of closing tokens so far."""
    opened = make_frac_prevs(sop == open_token).named(f"share of {open_token}")
    closed = make_frac_prevs(sop == close_token).named(f"share of {close_token}")
    difference = LinearSequenceMap(opened, closed, 1, -1)
    return numerical(difference).named(f"balance of {open_token}{close_token}")


def make_shuffle_dyck(pairs: Sequence[str]) -> SOp:
    """Whether every kind of parenthesis is balanced, kinds not nesting with each other.

    Args:
        pairs: two characters each, such as ``["()", "{}"]``.
    """
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ProgramError(f"pairs are strings of two tokens each, at least one; got {pairs!r}")
    balances = [make_pair_balance(tokens, *pair) for pair in pairs]
    negative = balances[0] < 0
    zero = balances[0] == 0
    for balance in balances[1:]:
        negative = negative | (balance < 0)
        zero = zero & (balance == 0)
    ever = Select(indices, indices, Comparison.TRUE)
    is_negative = numerical(Map(bool, negative)).named("is_negative")
    share_negative = numerical(Aggregate(ever, is_negative, default=0)).named("share_negative")
    never_negative = (~share_negative).named("never_negative")
    last = (make_length() - 1).named("last_index")
    at_end = Select(indices, last, Comparison.EQ)
    ends_zero = Aggregate(at_end, zero.named("is_zero")).named("ends_zero")
    return (ends_zero & never_negative).named("shuffle_dyck")


def make_dyck_ptf(pairs: Sequence[str]) -> SOp:
    """Dyck-k of the RASP paper for every prefix: "T" balanced, "P" can still be, "F" cannot.

    Brackets are matched by depth: an opening bracket and the next closing one of its depth.
    Needs a causal reading order, and gives the same with and without a causal mask.
    """
    opens, closes = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    so_far = Select(indices, indices, Comparison.LEQ)
    is_open = Map(lambda token: token in opens, tokens).named("is_open")
    is_close = Map(lambda token: token in closes, tokens).named("is_close")
    opened = SelectorWidth(so_far & Select(is_open, Full(True), Comparison.EQ)).named("opened")
    closed = SelectorWidth(so_far & Select(is_close, Full(True), Comparison.EQ)).named("closed")
    balance = (opened - closed).named("balance")
    # an opening bracket has the depth it opens, a closing one the depth it closes
    depth = SequenceMap(lambda b, close: b + close, balance, is_close).named("depth")
    fault = (balance < 0).named("too_many_closed")
    if len(opens) > 1:
        fault = (fault | _closes_wrongly(pairs, depth, is_open)).named("fault")
    faults = SelectorWidth(so_far & Select(fault, Full(True), Comparison.EQ)).named("faults")
    return SequenceMap(
        lambda count, b: "F" if count > 0 else "T" if b == 0 else "P", faults, balance
    ).named("dyck_ptf")


def _closes_wrongly(pairs: Sequence[str], depth: SOp, is_open: SOp) -> SOp:
    """Whether a closing bracket's latest opening bracket of the same depth is of another kind."""
    partner = {pair[1]: pair[0] for pair in pairs}
    before = Select(indices, indices, Comparison.LT)
    open_at_depth = Select(depth, depth, Comparison.EQ) & Select(is_open, Full(True), Comparison.EQ)
    rank = SelectorWidth(before & open_at_depth).named("opened_before_at_depth")
    rank_if_open = SequenceMap(lambda r, o: r + 1 if o else 0, rank, is_open).named("open_rank")
    latest = open_at_depth & Select(rank_if_open, rank, Comparison.EQ)
    opener = Aggregate(latest & before, tokens, default="").named("opener")
    return SequenceMap(
        lambda token, o: token in partner and partner[token] != o, tokens, opener
    ).named("closes_wrongly")


def make_sort_unique(vals: SOp, keys: SOp) -> SOp:
    """``vals`` in the order of ``keys``, which must all differ."""
    smaller = Select(keys, keys, Comparison.LT)
    target = SelectorWidth(smaller).named("target_position")
    return Aggregate(Select(target, indices, Comparison.EQ), vals).named("sort_unique")


def make_sort(vals: SOp, keys: SOp, *, max_seq_len: int, min_key: float) -> SOp:
    """``vals`` in the order of ``keys``; equal keys keep their order.

    Args:
        vals: what is sorted.
        keys: numbers to sort by.
        max_seq_len: the longest input.
        min_key: a lower bound on the difference of two different keys.
    """
    unique = SequenceMap(
        lambda key, index: key + min_key * index / max_seq_len, keys, indices
    ).named("unique_keys")
    return make_sort_unique(vals, unique).named("sort")


def make_sort_freq(max_seq_len: int) -> SOp:
    """The tokens, the most frequent first."""
    keys = (-1 * make_hist()).named("minus_hist")
    return make_sort(tokens, keys, max_seq_len=max_seq_len, min_key=1).named("sort_freq")


def make_most_freq(max_seq_len: int) -> SOp:
    """The different tokens in order of frequency (ties in input order), then None.

    This is the "most-freq" program of the RASP paper.
    """
    same = Select(tokens, tokens, Comparison.EQ)
    repeats = SelectorWidth(Select(indices, indices, Comparison.LT) & same).named("repeats")
    keys = SequenceMap(
        lambda count, repeat: 1 if repeat > 0 else -count, make_hist(), repeats
    ).named("keys")
    ranked = make_sort(tokens, keys, max_seq_len=max_seq_len, min_key=1)
    ranked_repeats = make_sort(repeats, keys, max_seq_len=max_seq_len, min_key=1)
    return SequenceMap(
        lambda token, repeat: None if repeat > 0 else token,
        ranked.named("ranked"),
        ranked_repeats.named("ranked_repeats"),
    ).named("most_freq")


def make_count_less_freq(n: int) -> SOp:
    """How many positions hold a token that occurs at most ``n`` times."""
    hist = make_hist()
    rare = Select(hist, hist, lambda key, query: key <= n)
    return SelectorWidth(rare).named("count_less_freq")


def make_count(sop: SOp, token: Value) -> SOp:
    """How often a token occurs."""
    return SelectorWidth(Select(sop, sop, lambda key, query: key == token)).named("count")


def shift_by(offset: int, /, sop: SOp) -> SOp:
    """A sequence shifted to the right (to the left if negative); None comes in at the end."""
    source = Select(indices, indices, lambda key, query: query == key + offset)
    return Aggregate(source, sop).named(f"shift_by({offset})")


def detect_pattern(sop: SOp, pattern: Sequence[Value]) -> SOp:
    """Whether a pattern ends here; None where the input has not been long enough."""
    if len(pattern) < 1:
        raise ProgramError("a pattern has at least one element")
    found = None
    for distance, element in enumerate(reversed(pattern)):
        here = sop == element
        if distance:
            here = shift_by(distance, here)
        found = here if found is None else found & here
    assert found is not None
    return found.named("detect_pattern")


def make_nary_sequencemap(f: Callable[..., Any], *sops: SOp) -> SOp:
    """``f`` of the elements of any number of s-ops, by way of tuples.

    Tuples are built up one s-op at a time, since a sequence map takes two.
    """
    if not sops:
        raise ProgramError("an n-ary sequence map needs at least one s-op")
    if len(sops) == 1:
        return Map(f, sops[0])
    joint = SequenceMap(lambda first, second: (first, second), sops[0], sops[1])
    for sop in sops[2:]:
        joint = SequenceMap(lambda values, value: (*values, value), joint, sop)
    return Map(lambda values: f(*values), joint)


def make_nary_sum() -> SOp:
    """Token, its successor and its index, added by an n-ary sequence map."""
    successor = (tokens + 1).named("successor")
    return make_nary_sequencemap(lambda x, y, z: x + y + z, tokens, successor, indices).named(
        "nary_sum"
    )


def make_copy_previous() -> SOp:
    """Induction: the token that followed the latest earlier occurrence of this token.

    None where the token is new.
    """
    after_one = Select(indices, indices, lambda key, query: query == key + 1)
    previous = Aggregate(after_one, tokens, default="").named("previous")
    so_far = Select(indices, indices, Comparison.LEQ)
    follows_same = Select(previous, tokens, Comparison.EQ) & so_far
    matches = SelectorWidth(follows_same).named("matches")
    number = SelectorWidth(Select(previous, previous, Comparison.EQ) & so_far).named("number")
    latest = follows_same & Select(number, matches, Comparison.EQ)
    return Aggregate(latest, tokens).named("copy_previous")
