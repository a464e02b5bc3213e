"""Every stock program against a plain implementation of what it says it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shoal import ProgramError, UnknownProgramError
from shoal.rasp import library, tokens
from shoal.rasp.stock import STOCK, stock_program
from tests.support import agree, random_sequences

Tokens = Sequence[Any]


def shares(xs: Tokens, token: Any) -> list[float]:
    return [sum(x == token for x in xs[: i + 1]) / (i + 1) for i in range(len(xs))]


def shuffle_dyck(pairs: list[str]) -> Callable[[Tokens], list[Any]]:
    def check(xs: Tokens) -> list[Any]:
        good = True
        for opening, closing in pairs:
            depth = 0
            for x in xs:
                depth += (x == opening) - (x == closing)
                good = good and depth >= 0
            good = good and depth == 0
        return [good] * len(xs)

    return check


def prefixes(pairs: list[str]) -> Callable[[Tokens], list[Any]]:
    def check(xs: Tokens) -> list[Any]:
        stack: list[Any] = []
        results: list[Any] = []
        for x in xs:
            closes = {pair[1]: pair[0] for pair in pairs}
            if results and results[-1] == "F":
                pass
            elif x not in closes:
                stack.append(x)
            elif not stack or stack.pop() != closes[x]:
                results.append("F")
                continue
            failed = bool(results) and results[-1] == "F"
            results.append("F" if failed else "P" if stack else "T")
        return results

    return check


def most_frequent(xs: Tokens) -> list[Any]:
    different = sorted(dict.fromkeys(xs), key=lambda x: -list(xs).count(x))
    return different + [None] * (len(xs) - len(different))


def induction(xs: Tokens) -> list[Any]:
    results: list[Any] = []
    for i, x in enumerate(xs):
        earlier = [j for j in range(i) if xs[j] == x]
        results.append(xs[earlier[-1] + 1] if earlier else None)
    return results


def counts(xs: Tokens) -> list[int]:
    return [list(xs).count(x) for x in xs]


def pattern(xs: Tokens) -> list[Any]:
    """None where a comparison with a position before the first is asked for."""
    results: list[Any] = []
    for i in range(len(xs)):
        results.append(None if i < 2 else "".join(xs[i - 2 : i + 1]) == "abc")
    return results


PLAIN: dict[str, Callable[[Tokens], list[Any]]] = {
    "length": lambda xs: [len(xs)] * len(xs),
    "reverse": lambda xs: list(xs)[::-1],
    "hist": counts,
    "frac_prevs": lambda xs: shares(xs, "a"),
    "pair_balance": lambda xs: [
        o - c for o, c in zip(shares(xs, "("), shares(xs, ")"), strict=True)
    ],
    "shuffle_dyck1": shuffle_dyck(["()"]),
    "shuffle_dyck2": shuffle_dyck(["()", "{}"]),
    "shuffle_dyck3": shuffle_dyck(["()", "{}", "[]"]),
    "sort_unique": sorted,
    "sort": sorted,
    "sort_freq": lambda xs: sorted(xs, key=lambda x: -list(xs).count(x)),
    "count_less_freq": lambda xs: [sum(count <= 2 for count in counts(xs))] * len(xs),
    "detect_pattern": pattern,
    "count": lambda xs: [list(xs).count("a")] * len(xs),
    "nary_sum": lambda xs: [2 * x + 1 + i for i, x in enumerate(xs)],
    "shift": lambda xs: [None, *xs[:-1]],
    "double_hist": lambda xs: [
        sum(list(xs).count(y) == list(xs).count(x) for y in set(xs)) for x in xs
    ],
    "most_freq": most_frequent,
    "copy_previous": induction,
    "dyck1_ptf": prefixes(["()"]),
    "dyck2_ptf": prefixes(["()", "{}"]),
}

SAME_UNDER_A_CAUSAL_MASK = ("frac_prevs", "pair_balance", "detect_pattern", "nary_sum", "shift")


def sequences(name: str) -> list[list[Any]]:
    stock = STOCK[name]
    found = random_sequences(stock.vocab, 1, stock.max_seq_len, 150)
    if name == "sort_unique":
        found = [list(dict.fromkeys(xs)) for xs in found]
    return found


def test_every_stock_program_is_tested() -> None:
    assert set(PLAIN) == set(STOCK)


@pytest.mark.parametrize("name", STOCK)
def test_stock_programs_compute_what_they_say(name: str) -> None:
    program = STOCK[name].make(STOCK[name].max_seq_len)
    for xs in sequences(name):
        assert agree(program, PLAIN[name](xs), program(xs)), xs


@pytest.mark.parametrize("name", [*SAME_UNDER_A_CAUSAL_MASK, "dyck1_ptf", "dyck2_ptf"])
def test_programs_that_look_back_only_do_not_mind_a_causal_mask(name: str) -> None:
    program = STOCK[name].make(STOCK[name].max_seq_len)
    for xs in sequences(name):
        assert agree(program, PLAIN[name](xs), program(xs, causal=True)), xs


@pytest.mark.parametrize(("name", "whole"), [("length", len), ("count", lambda xs: xs.count("a"))])
def test_counts_become_running_counts_under_a_causal_mask(
    name: str, whole: Callable[[Tokens], int]
) -> None:
    program = STOCK[name].make(STOCK[name].max_seq_len)
    for xs in sequences(name):
        assert program(xs, causal=True) == [whole(xs[: i + 1]) for i in range(len(xs))]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownProgramError, match="reverse"):
        stock_program("revers")


def test_parts_of_the_library_check_their_arguments() -> None:
    for build in (
        lambda: library.make_shuffle_dyck([]),
        lambda: library.make_shuffle_dyck(["("]),
        lambda: library.detect_pattern(tokens, ""),
        lambda: library.make_nary_sequencemap(max),
    ):
        with pytest.raises(ProgramError):
            build()


def test_shift_by_goes_both_ways() -> None:
    assert library.shift_by(2, tokens)("abc") == [None, None, "a"]
    assert library.shift_by(-1, tokens)("abc") == ["b", "c", None]
