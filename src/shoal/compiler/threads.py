"""One thread for linear algebra while a program is compiled.

The matrices are small, so more threads of BLAS gain nothing, and on a busy machine they wait for
each other ten times longer than they work. Without them, sums are also added up in one order.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """A context in which BLAS has one thread, whatever it had and will have again."""
    limited: AbstractContextManager[object] = ThreadpoolController().limit(
        limits=1, user_api="blas"
    )
    return limited
