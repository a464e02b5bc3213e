"""Small programs besides the stock ones, from a look at the token to several layers."""

from __future__ import annotations

from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    length,
    numerical,
    tokens,
)
from shoal.rasp.library import make_hist, make_reverse, make_sort, shift_by
from shoal.rasp.values import Value

EQ, LT, LEQ, GT = Comparison.EQ, Comparison.LT, Comparison.LEQ, Comparison.GT


def gather(positions: SOp, values: SOp = tokens) -> SOp:
    """The value at a position; None where there is no such position."""
    return Aggregate(Select(indices, positions, EQ), values)


def count(where: SOp, so_far: bool = False) -> SOp:
    """How many positions have a property: all, or those up to here."""
    selector = Select(where, Full(True), EQ)
    return SelectorWidth(selector & Select(indices, indices, LEQ) if so_far else selector)


def is_vowel() -> SOp:
    """Whether the token is a vowel."""
    return Map(lambda t: t in ("a", "e"), tokens).named("is_vowel")


def caesar() -> SOp:
    """The next letter of the alphabet, the first after the last."""
    return Map(lambda t: "abcd"[("abcd".index(t) + 1) % 4], tokens).named("caesar")


def first_token() -> SOp:
    """The first token, everywhere."""
    return gather(Map(lambda i: 0, indices)).named("first_token")


def last_token() -> SOp:
    """The last token, everywhere."""
    return gather((length - 1).named("last_index")).named("last_token")


def two_back() -> SOp:
    """The token two positions before."""
    return gather((indices - 2).named("two_before")).named("two_back")


def swap_pairs() -> SOp:
    """Each two neighbours exchanged."""
    return gather(Map(lambda i: i ^ 1, indices).named("partner")).named("swap_pairs")


def count_vowels() -> SOp:
    """How many tokens are vowels."""
    return count(is_vowel()).named("count_vowels")


def vowel_share() -> SOp:
    """The share of vowels so far, a number."""
    so_far = Select(indices, indices, LEQ)
    share = Aggregate(so_far, numerical(is_vowel()), default=0)
    return numerical(share).named("vowel_share")


def has_a() -> SOp:
    """Whether "a" occurs."""
    return (count((tokens == "a").named("is_a")) > 0).named("has_a")


def rank() -> SOp:
    """How many tokens are smaller."""
    return SelectorWidth(Select(tokens, tokens, LT)).named("rank")


def occurrence() -> SOp:
    """How often the token has occurred before."""
    before = Select(indices, indices, LT)
    return SelectorWidth(before & Select(tokens, tokens, EQ)).named("occurrence")


def is_first() -> SOp:
    """Whether the token has not occurred before."""
    return (occurrence() == 0).named("is_first")


def is_duplicate() -> SOp:
    """Whether the token occurs more than once."""
    return (make_hist() > 1).named("is_duplicate")


def all_same() -> SOp:
    """Whether all tokens are the same."""
    return (make_hist() == length).named("all_same")


def parity() -> SOp:
    """Whether "a" occurs an odd number of times."""
    return Map(lambda n: n % 2 == 1, count((tokens == "a").named("is_a"))).named("parity")


def bracket_depth() -> SOp:
    """How many brackets are open here."""
    opened = count((tokens == "(").named("is_open"), so_far=True).named("opened")
    closed = count((tokens == ")").named("is_close"), so_far=True).named("closed")
    return (opened - closed).named("bracket_depth")


def double_letter() -> SOp:
    """Whether the token is the same as the one before."""
    previous = shift_by(1, tokens).named("previous")
    return SequenceMap(lambda a, b: a == b, tokens, previous).named("double_letter")


def xor_neighbours() -> SOp:
    """The exclusive or of a bit and the one before it."""
    previous = shift_by(1, tokens).named("previous")
    return SequenceMap(lambda a, b: a ^ b, tokens, previous).named("xor_neighbours")


def majority_of_three() -> SOp:
    """What most of a bit and the two before it are."""
    one, two = shift_by(1, tokens).named("one_back"), shift_by(2, tokens).named("two_back")
    pair = SequenceMap(lambda a, b: a + b, tokens, one).named("sum_of_two")
    return SequenceMap(lambda a, b: int(a + b >= 2), pair, two).named("majority_of_three")


def palindrome_here() -> SOp:
    """Whether the token is the same as its opposite."""
    backwards = make_reverse(tokens)
    return SequenceMap(lambda a, b: a == b, tokens, backwards).named("palindrome_here")


def palindrome() -> SOp:
    """Whether the input is a palindrome."""
    return (count((~palindrome_here()).named("differs")) == 0).named("palindrome")


def greatest() -> SOp:
    """The greatest token."""
    greater = SelectorWidth(Select(tokens, tokens, GT)).named("greater")
    return Aggregate(Select(greater, Map(lambda i: 0, indices), EQ), tokens).named("greatest")


def smallest() -> SOp:
    """The smallest token."""
    return Aggregate(Select(rank(), Map(lambda i: 0, indices), EQ), tokens).named("smallest")


def previous_or(default: Value) -> SOp:
    """The token before, or a default at the first position."""
    before = Select(indices, (indices - 1).named("before"), EQ)
    return Aggregate(before, tokens, default=default).named("previous")


def is_sorted() -> SOp:
    """Whether no token is smaller than the one before."""
    previous = previous_or(0)
    falls = SequenceMap(lambda a, b: a < b, tokens, previous).named("falls")
    return (count(falls) == 0).named("is_sorted")


def changes() -> SOp:
    """How often the token has changed so far; the first one is a change."""
    previous = previous_or("")
    changed = SequenceMap(lambda a, b: a != b, tokens, previous).named("changed")
    return count(changed, so_far=True).named("changes")


def bigram_count() -> SOp:
    """How often this token comes after the one that is before it."""
    previous = previous_or("")
    bigram = SequenceMap(lambda a, b: (b, a), tokens, previous).named("bigram")
    return SelectorWidth(Select(bigram, bigram, EQ)).named("bigram_count")


def skip_trigram() -> SOp:
    """What follows "b": "c" if there was an "a" before, and "d" if not; else the token."""
    seen = (count((tokens == "a").named("is_a"), so_far=True) > 0).named("seen_a")
    follows = {True: "c", False: "d"}
    return SequenceMap(lambda t, a: follows[a] if t == "b" else t, tokens, seen).named(
        "skip_trigram"
    )


def sum_modulo() -> SOp:
    """The sum of all digits so far, modulo 3."""
    ones = count((tokens == 1).named("is_one"), so_far=True).named("ones")
    twos = count((tokens == 2).named("is_two"), so_far=True).named("twos")
    return SequenceMap(lambda a, b: (a + 2 * b) % 3, ones, twos).named("sum_modulo")


def is_majority() -> SOp:
    """Whether more than half of all tokens are like this one."""
    return SequenceMap(lambda h, n: 2 * h > n, make_hist(), length).named("is_majority")


def most_frequent() -> SOp:
    """The token that occurs most often, the smallest of several."""
    hist = make_hist()
    beats = SequenceMap(lambda h, t: 10 * h - t, hist, tokens).named("strength")
    stronger = SelectorWidth(Select(beats, beats, GT)).named("stronger")
    return Aggregate(Select(stronger, Map(lambda i: 0, indices), EQ), tokens).named("mode")


def median(max_seq_len: int) -> SOp:
    """The token in the middle of the sorted input."""
    ordered = make_sort(tokens, tokens, max_seq_len=max_seq_len, min_key=1)
    middle = Map(lambda n: (n - 1) // 2, length).named("middle")
    return Aggregate(Select(indices, middle, EQ), ordered).named("median")


def sort_descending(max_seq_len: int) -> SOp:
    """The tokens, the greatest first."""
    negative = Map(lambda t: 9 - t, tokens).named("key")
    return make_sort(tokens, negative, max_seq_len=max_seq_len, min_key=1).named("descending")


def unique_in_order() -> SOp:
    """Every different token once, in order of appearance; nothing after that."""
    first = is_first()
    before = count(first, so_far=True).named("number")
    place = SequenceMap(lambda n, f: n - 1 if f else -1, before, first).named("place")
    return Aggregate(Select(place, indices, EQ), tokens).named("unique_in_order")


def running_count() -> SOp:
    """How often "a" has occurred so far; under a causal mask there is nothing else."""
    return count((tokens == "a").named("is_a")).named("running_count")
