"""The functions that random programs are made of; they have names, so that programs print.

Some raise on some values, some return None, and some tell equal values of different types
apart: all of that is allowed in RASP.
"""

from __future__ import annotations

from math import copysign
from typing import Any

# one value


def add_one(x: Any) -> Any:
    """The next number."""
    return x + 1


def negate(x: Any) -> Any:
    """The negative."""
    return -x


def double(x: Any) -> Any:
    """Twice a number."""
    return 2 * x


def half(x: Any) -> Any:
    """Half a number, a float."""
    return x / 2


def square(x: Any) -> Any:
    """The square."""
    return x * x


def mod_three(x: Any) -> Any:
    """The remainder by 3."""
    return x % 3


def clip(x: Any) -> Any:
    """A number forced into -2 .. 2."""
    return max(-2, min(2, x))


def rounded(x: Any) -> Any:
    """Rounded to one digit."""
    return round(x, 1)


def reciprocal(x: Any) -> Any:
    """One over a number; raises at 0."""
    return 1 / x


def shifted_far(x: Any) -> Any:
    """A number far from 0."""
    return x + 1000


def shifted_beyond_floats(x: Any) -> Any:
    """A number that is no longer exact once it is a float."""
    return x + 2**53


def tiny(x: Any) -> Any:
    """A number far below what float32 tells from 0."""
    return x * 1e-30


def as_float(x: Any) -> Any:
    """The number as a float, which equals it or is near it."""
    return float(x)


def zero_below_zero(x: Any) -> Any:
    """The negative zero for 0, which equals it."""
    return -0.0 if x == 0 else x


def none_if_negative(x: Any) -> Any:
    """None for negative numbers."""
    return None if x < 0 else x


def none_if_odd(x: Any) -> Any:
    """None for odd numbers."""
    return x if x % 2 == 0 else None


def is_positive(x: Any) -> Any:
    """Whether a number is above 0."""
    return x > 0


def is_even(x: Any) -> Any:
    """Whether a number is even."""
    return x % 2 == 0


def has_sign(x: Any) -> Any:
    """Whether a number has the sign that -0.0 has."""
    return copysign(1.0, x) < 0


def as_number(x: Any) -> Any:
    """A number for anything: strings and tuples have lengths."""
    return x if isinstance(x, int | float) else len(x)


def as_text(x: Any) -> Any:
    """The value's text, which tells 1, 1.0 and True apart."""
    return str(sorted(map(repr, x))) if isinstance(x, frozenset) else str(x)


def kind_of(x: Any) -> Any:
    """The name of the value's type."""
    return type(x).__name__


def always_seven(x: Any) -> Any:
    """7, whatever the value."""
    return 7


# two values


def first_of(x: Any, y: Any) -> Any:
    """The first value."""
    return x


def second_of(x: Any, y: Any) -> Any:
    """The second value."""
    return y


def pair(x: Any, y: Any) -> Any:
    """Both values."""
    return (x, y)


def equal(x: Any, y: Any) -> Any:
    """Whether two values are equal."""
    return x == y


def set_of(x: Any, y: Any) -> Any:
    """A set of both values; sets are ordered partially."""
    return frozenset((x, y))


def either(x: Any, y: Any) -> Any:
    """The first value unless it is falsy."""
    return x or y


def larger(x: Any, y: Any) -> Any:
    """The greater number."""
    return max(x, y)


def distance(x: Any, y: Any) -> Any:
    """How far two numbers are apart."""
    return abs(x - y)


def less(x: Any, y: Any) -> Any:
    """Whether the first number is smaller."""
    return x < y


def far_apart(x: Any, y: Any) -> Any:
    """A number that orders by the first value, and then by the second one."""
    return 100 * x + y


def weighted(x: Any, y: Any) -> Any:
    """A sum that tells most pairs apart."""
    return 3 * x + y


def none_if_equal(x: Any, y: Any) -> Any:
    """The first value, or None if both are equal."""
    return None if x == y else x


def quotient(x: Any, y: Any) -> Any:
    """The ratio; raises if the second number is 0."""
    return x / y


def rounded_product(x: Any, y: Any) -> Any:
    """The sum of y whole numbers whose mean is x; drawn programs do not name it."""
    return round(x * y)


# positions, of indices and lengths


def one_before(index: int) -> int:
    """The position before, or the first one."""
    return max(0, index - 1)


def half_way(index: int) -> int:
    """Half the position."""
    return index // 2


def opposite(index: int, length: int) -> int:
    """As far from the end as the position is from the beginning."""
    return length - 1 - index


def one_after(index: int, length: int) -> int:
    """The next position, or the last one."""
    return min(index + 1, length - 1)


# predicates, called with key and query


def follows(key: Any, query: Any) -> bool:
    """Whether the key is the number after the query."""
    return bool(key == query + 1)


def precedes(key: Any, query: Any) -> bool:
    """Whether the key is the number before the query."""
    return bool(key + 1 == query)


def key_is_positive(key: Any, query: Any) -> bool:
    """Whether the key is above 0, whatever the query."""
    return bool(key > 0)


def sum_is_even(key: Any, query: Any) -> bool:
    """Whether key and query add up to an even number."""
    return bool((key + query) % 2 == 0)


def same_kind(key: Any, query: Any) -> bool:
    """Whether key and query are of one type."""
    return type(key) is type(query)
