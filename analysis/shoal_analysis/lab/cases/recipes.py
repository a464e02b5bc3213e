"""The library of cases: what is compiled for which inputs, from easy to difficult."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shoal.rasp.expressions import SOp
from shoal.rasp.stock import STOCK
from shoal.rasp.values import Value
from shoal_analysis.lab.cases import programs


@dataclass(frozen=True)
class Recipe:
    """What a case is made of.

    Attributes:
        make: builds the program for a length of inputs.
        vocab: its tokens.
        length: of the inputs of the case, which is also the greatest that its model reads.
        difficulty: from 1 (a look-up, or one head) to 5 (many parts over several layers).
        summary: what it computes, in a line.
        causal: whether attention is causal.
    """

    make: Callable[[int], SOp]
    vocab: tuple[Value, ...]
    length: int
    difficulty: int
    summary: str
    causal: bool = False


_LETTERS = ("a", "b", "c", "d")
_DIGITS = (1, 2, 3, 4, 5)
_BITS = (0, 1)

_STOCK: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "reverse": (6, 2),
        "hist": (6, 1),
        "frac_prevs": (6, 1),
        "pair_balance": (6, 2),
        "shuffle_dyck1": (6, 3),
        "shuffle_dyck2": (6, 4),
        "shuffle_dyck3": (6, 5),
        "sort_unique": (5, 2),
        "sort": (6, 3),
        "sort_freq": (5, 5),
        "count_less_freq": (6, 3),
        "detect_pattern": (6, 3),
        "count": (6, 1),
        "nary_sum": (4, 2),
        "shift": (6, 1),
        "double_hist": (6, 4),
        "most_freq": (5, 5),
        "copy_previous": (7, 4),
        "dyck1_ptf": (6, 4),
        "dyck2_ptf": (6, 5),
    }
)
"""Of stock programs that depend on the tokens: the length of inputs, and the difficulty."""


def _of(
    make: Callable[[], SOp], vocab: tuple[Value, ...], difficulty: int, length: int = 6
) -> Recipe:
    return Recipe(lambda n: make(), vocab, length, difficulty, _summary(make))


def _for(make: Callable[[int], SOp], vocab: tuple[Value, ...], difficulty: int) -> Recipe:
    return Recipe(make, vocab, 5, difficulty, _summary(make))


def _summary(make: Callable[..., SOp]) -> str:
    """The first line of what is said of a program, as ``STOCK`` says it."""
    text = (make.__doc__ or "").splitlines()[0].rstrip(".")
    return text[:1].lower() + text[1:]


CASES: Mapping[str, Recipe] = MappingProxyType(
    {
        **{
            name: Recipe(
                STOCK[name].make, STOCK[name].vocab, length, difficulty, STOCK[name].summary
            )
            for name, (length, difficulty) in _STOCK.items()
        },
        "is_vowel": _of(programs.is_vowel, ("a", "b", "c", "d", "e"), 1),
        "caesar": _of(programs.caesar, _LETTERS, 1),
        "first_token": _of(programs.first_token, _LETTERS, 1),
        "last_token": _of(programs.last_token, _LETTERS, 1),
        "two_back": _of(programs.two_back, _LETTERS, 1),
        "swap_pairs": _of(programs.swap_pairs, _LETTERS, 1),
        "count_vowels": _of(programs.count_vowels, ("a", "b", "c", "d", "e"), 1),
        "vowel_share": _of(programs.vowel_share, ("a", "b", "c", "d", "e"), 1),
        "has_a": _of(programs.has_a, _LETTERS, 2),
        "rank": _of(programs.rank, _DIGITS, 2),
        "occurrence": _of(programs.occurrence, _LETTERS, 2),
        "is_first": _of(programs.is_first, _LETTERS, 2),
        "is_duplicate": _of(programs.is_duplicate, _LETTERS, 2),
        "all_same": _of(programs.all_same, _BITS, 2, length=4),
        "parity": _of(programs.parity, _LETTERS, 2),
        "bracket_depth": _of(programs.bracket_depth, ("(", ")"), 2),
        "double_letter": _of(programs.double_letter, _LETTERS, 2),
        "xor_neighbours": _of(programs.xor_neighbours, _BITS, 2),
        "majority_of_three": _of(programs.majority_of_three, _BITS, 3),
        "palindrome_here": _of(programs.palindrome_here, _LETTERS, 3),
        "palindrome": _of(programs.palindrome, _BITS, 4, length=4),
        "greatest": _of(programs.greatest, _DIGITS, 3),
        "smallest": _of(programs.smallest, _DIGITS, 3),
        "is_sorted": _of(programs.is_sorted, (1, 2, 3), 3, length=4),
        "changes": _of(programs.changes, ("a", "b"), 3),
        "bigram_count": _of(programs.bigram_count, ("a", "b", "c"), 3),
        "skip_trigram": _of(programs.skip_trigram, _LETTERS, 3),
        "sum_modulo": _of(programs.sum_modulo, (0, 1, 2), 3),
        "is_majority": _of(programs.is_majority, ("a", "b", "c"), 3),
        "most_frequent": _of(programs.most_frequent, (1, 2, 3), 4),
        "median": _for(programs.median, _DIGITS, 5),
        "sort_descending": _for(programs.sort_descending, _DIGITS, 4),
        "unique_in_order": _of(programs.unique_in_order, ("a", "b", "c"), 5, length=5),
        "induction": Recipe(
            STOCK["copy_previous"].make, _LETTERS, 7, 4, STOCK["copy_previous"].summary, True
        ),
        "running_count": Recipe(
            lambda n: programs.running_count(), _LETTERS, 6, 2, 'how often "a" has occurred', True
        ),
    }
)
"""By name, stock programs first."""
