"""The stock programs by name, each with the vocabulary and length it is benchmarked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shoal.errors import UnknownProgramError, did_you_mean
from shoal.rasp import library
from shoal.rasp.expressions import SOp, tokens
from shoal.rasp.values import Value


@dataclass(frozen=True)
class StockProgram:
    """A program that comes with Shoal.

    Attributes:
        make: builds the program for a greatest input length.
        vocab: the tokens that it is benchmarked with.
        max_seq_len: the greatest input length that it is benchmarked with.
        summary: what it computes, in a line.
        benchmark: whether it belongs to the 15 programs of the reference table.
        causal: whether it means something under a causal mask.
    """

    make: Callable[[int], SOp]
    vocab: tuple[Value, ...]
    max_seq_len: int
    summary: str
    benchmark: bool = True
    causal: bool = True


def stock_program(name: str) -> StockProgram:
    """A stock program by name.

    Raises:
        UnknownProgramError: lists the known names.
    """
    if name not in STOCK:
        raise UnknownProgramError(
            f"there is no stock program {name!r};{did_you_mean(name, STOCK)} known: "
            f"{', '.join(STOCK)}. A program of your own is named path/to/file.py:name"
        )
    return STOCK[name]


_LETTERS = ("a", "b", "c", "d")
_NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8)

STOCK: Mapping[str, StockProgram] = MappingProxyType(
    {
        "length": StockProgram(
            lambda n: library.make_length(), _LETTERS, 10, "the number of tokens"
        ),
        "reverse": StockProgram(
            lambda n: library.make_reverse(tokens), _LETTERS, 10, "the input backwards"
        ),
        "hist": StockProgram(
            lambda n: library.make_hist(), _LETTERS, 10, "how often each token occurs"
        ),
        "frac_prevs": StockProgram(
            lambda n: library.make_frac_prevs(tokens == "a"),
            _LETTERS,
            10,
            'the share of "a" so far',
        ),
        "pair_balance": StockProgram(
            lambda n: library.make_pair_balance(tokens, "(", ")"),
            ("(", ")", "{", "}"),
            10,
            "the share of ( minus the share of ) so far",
        ),
        "shuffle_dyck1": StockProgram(
            lambda n: library.make_shuffle_dyck(["()"]),
            ("(", ")"),
            10,
            "whether () is balanced",
        ),
        "shuffle_dyck2": StockProgram(
            lambda n: library.make_shuffle_dyck(["()", "{}"]),
            ("(", ")", "{", "}"),
            10,
            "whether () and {} are balanced, each for itself",
        ),
        "shuffle_dyck3": StockProgram(
            lambda n: library.make_shuffle_dyck(["()", "{}", "[]"]),
            ("(", ")", "{", "}", "[", "]"),
            10,
            "whether (), {} and [] are balanced, each for itself",
        ),
        "sort_unique": StockProgram(
            lambda n: library.make_sort_unique(tokens, tokens),
            _NUMBERS,
            8,
            "different numbers in order",
        ),
        "sort": StockProgram(
            lambda n: library.make_sort(tokens, tokens, max_seq_len=n, min_key=1),
            _NUMBERS,
            8,
            "numbers in order",
        ),
        "sort_freq": StockProgram(
            lambda n: library.make_sort_freq(n), _NUMBERS, 8, "tokens, the most frequent first"
        ),
        "count_less_freq": StockProgram(
            lambda n: library.make_count_less_freq(2),
            _LETTERS,
            10,
            "how many tokens occur at most twice",
        ),
        "detect_pattern": StockProgram(
            lambda n: library.detect_pattern(tokens, "abc"),
            ("a", "b", "c"),
            10,
            'whether "abc" ends here',
        ),
        "count": StockProgram(
            lambda n: library.make_count(tokens, "a"), _LETTERS, 10, 'how often "a" occurs'
        ),
        "nary_sum": StockProgram(
            lambda n: library.make_nary_sum(), (0, 1, 2), 5, "token + successor + index"
        ),
        "shift": StockProgram(
            lambda n: library.shift_by(1, tokens), _LETTERS, 10, "the previous token", False
        ),
        "double_hist": StockProgram(
            lambda n: library.make_double_hist(),
            _LETTERS,
            8,
            "how many different tokens occur as often as this one",
            False,
        ),
        "most_freq": StockProgram(
            lambda n: library.make_most_freq(n),
            _LETTERS,
            6,
            "the different tokens, the most frequent first",
            False,
        ),
        "copy_previous": StockProgram(
            lambda n: library.make_copy_previous(),
            _LETTERS,
            8,
            "what followed the latest same token (induction)",
            False,
        ),
        "dyck1_ptf": StockProgram(
            lambda n: library.make_dyck_ptf(["()"]),
            ("(", ")"),
            8,
            "whether each prefix is balanced (T), can be (P), or cannot (F)",
            False,
        ),
        "dyck2_ptf": StockProgram(
            lambda n: library.make_dyck_ptf(["()", "{}"]),
            ("(", ")", "{", "}"),
            6,
            "the same for two kinds of brackets, nested",
            False,
        ),
    }
)
