"""One thread for linear algebra while a program is compiled.

The matrices are small, so more threads of BLAS gain nothing, and on a busy machine they wait for
each other ten times longer than they work. Without them, sums are also added up in one order.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """A context in which BLAS has one thread, whatever it had and will have again."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> ThreadpoolController:
    """The libraries that are loaded; looking for them takes as long as a small compilation.

    NumPy's is among them, which is all that the compiler uses.
    """
    return ThreadpoolController()
