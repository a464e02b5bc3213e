"""What seeds may be."""

from __future__ import annotations

from shoal.errors import InvalidInputError
from shoal.rasp.values import show_value


def require_seed(seed: object) -> None:
    """Refuse what is no seed of NumPy's and PyTorch's generators.

    Raises:
        InvalidInputError: it is no whole number from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InvalidInputError(
            f"a seed is a whole number from 0 to 2^63 - 1, and {show_value(seed)} is none"
        )
