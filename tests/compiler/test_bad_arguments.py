"""Arguments that make no sense are refused by the project's own errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import shoal
from shoal import rasp

MODEL = shoal.compile(rasp.tokens, vocab={1, 2}, max_seq_len=2)


def compiled(**options: object) -> shoal.Model:
    return shoal.compile(rasp.tokens, **{"vocab": {1, 2}, "max_seq_len": 2, **options})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rasp.ConstantSOp(5), "ConstantSOp needs a list"),
        (lambda: rasp.ConstantSelector(5), "ConstantSelector needs a list"),
        (lambda: rasp.ConstantSelector([[True, False]]), "must be square"),
        (lambda: rasp.annotate(5, name="five"), "only s-ops and selectors can be annotated"),
        (lambda: compiled(bos=[1]), "not hashable"),
        (lambda: compiled(bos=np.array([1])), "not hashable"),
        (lambda: compiled(pad=None), "None cannot be used: it means that nothing was selected"),
        (lambda: compiled(pad=float("nan")), "it is not equal to itself"),
        (lambda: compiled(bos="X", pad="X"), "must differ"),
        (lambda: compiled(passes=5), "passes is 5"),
        (lambda: compiled(passes=["magic"]), "there is no pass magic; known: look-ups"),
        (lambda: compiled(limits=shoal.Limits(table_entries=0)), "table_entries is 0"),
        (lambda: compiled(limits=5), "limits is 5; give shoal.Limits"),
        (lambda: compiled(limits={}), "limits is {}; give shoal.Limits"),
        (lambda: compiled(wall_clock_limit=-1), "wall_clock_limit is -1"),
        (lambda: MODEL.run(5), "no sequence of tokens"),
        (lambda: MODEL.run({1, 2}), "its tokens have no order"),
        (lambda: MODEL.run([1], backend="magic"), "there is no backend 'magic'"),
        (lambda: MODEL.apply([1]), "must begin with BOS"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(shoal.ShoalError, match=message):
        call()
