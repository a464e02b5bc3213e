"""What compile promises besides agreement with the interpreter."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

import shoal
from shoal import InvalidInputError, InvalidOptionError, ProgramError, UnsupportedProgramError
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    RASPExpr,
    Select,
    SelectorWidth,
    SOp,
    indices,
    keep,
    numerical,
    tokens,
)
from shoal.rasp.library import make_hist, make_reverse
from tests.support import agree, all_sequences, interpreted

HIST = make_hist()
EVERYTHING = Select(tokens, tokens, Comparison.TRUE)


@pytest.mark.parametrize("backend", ["craft", "numpy"])
def test_none_decodes_to_none(backend: str) -> None:
    selector = Select(indices, tokens, Comparison.EQ)
    program = Aggregate(selector, Aggregate(selector, indices))
    model = shoal.compile(program, vocab={1, 2, 3, 4}, max_seq_len=5)
    assert program([1, 2, 3, 4]) == [2, 3, None, None]
    assert model.run([1, 2, 3, 4], backend) == [2, 3, None, None]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"vocab": []}, "empty"),
        ({"vocab": "ab"}, "string"),
        ({"vocab": 5}, "collection of tokens"),
        ({"vocab": None}, "collection of tokens"),
        ({"vocab": ["a", ["b"]]}, "not hashable"),
        ({"vocab": ["a", None]}, "None"),
        ({"vocab": [float("nan")]}, "nan"),
        ({"vocab": ["a", "BOS"]}, r"bos token 'BOS' is in the vocab.*bos="),
        ({"vocab": ["a", "PAD"]}, r"pad token 'PAD' is in the vocab.*pad="),
        ({"vocab": [1, 2], "bos": 1.0}, "in the vocab"),
        ({"bos": "x", "pad": "x"}, "must differ"),
        ({"max_seq_len": 0}, "from 1 to"),
        ({"max_seq_len": -3}, "from 1 to"),
        ({"max_seq_len": 2.0}, "from 1 to"),
        ({"max_seq_len": True}, "from 1 to"),
        ({"max_seq_len": "3"}, "from 1 to"),
        ({"passes": "fold"}, "known: look-ups, common-subexpressions"),
        ({"passes": ["all", "fold"]}, "fold"),
        ({"passes": 5}, "pass"),
        ({"allocator": "greedy"}, "known: longest-path"),
        ({"budget": 3}, "Budgets"),
        ({"time_limit": -1}, "time_limit"),
        ({"time_limit": "long"}, "time_limit"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidOptionError, match=reason):
        shoal.compile(HIST, **{"vocab": ["a", "b"], "max_seq_len": 3, **options})


@pytest.mark.parametrize("program", [EVERYTHING, RASPExpr(), "tokens", 5, None, make_hist])
def test_only_s_ops_are_programs(program: object) -> None:
    with pytest.raises(ProgramError, match="s-op"):
        shoal.compile(program, vocab=["a"], max_seq_len=3)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (Map(lambda token: token.nothing, tokens), "raises on every value"),
        (numerical(tokens), "numerical.*'a'"),
        (numerical(Map(str, indices)), "numerical.*'0'"),
        (Map(lambda token: [token], tokens), "not hashable"),
        (SOp(), "SOp"),
    ],
)
def test_what_cannot_be_compiled_is_refused_by_name(program: SOp, reason: str) -> None:
    with pytest.raises(UnsupportedProgramError, match=reason) as caught:
        shoal.compile(program.named("culprit"), vocab=["a", "b"], max_seq_len=3)
    assert "culprit" in str(caught.value)


def test_a_table_too_large_is_refused_with_its_size() -> None:
    widths = [SelectorWidth(Select(tokens, tokens, lambda k, q, c=c: k == c)) for c in "ab"]
    pair = (10 * widths[0] + widths[1]).named("pair")
    with pytest.raises(UnsupportedProgramError, match=r"pair.*31 x 31 = 961.*limit is 900"):
        shoal.compile(pair, vocab=["a", "b"], max_seq_len=30,
                      limits=shoal.Limits(table_entries=900))  # fmt: skip
    with pytest.raises(UnsupportedProgramError, match=r"limit is 1,048,576"):
        shoal.compile(
            Aggregate(Select(tokens, tokens, lambda k, q: k < q), tokens),
            vocab=range(1025),
            max_seq_len=2,
        )


def test_a_model_refuses_what_it_is_not_made_for() -> None:
    model = shoal.compile(HIST, vocab=["a", "b"], max_seq_len=3)
    for bad in (["c"], [], ["a"] * 4, ["BOS", "a"], [None], [["a"]]):
        with pytest.raises(InvalidInputError):
            model.run(bad)
    for bad in (["a"], [], ["a", "BOS"]):
        with pytest.raises(InvalidInputError, match="must begin with BOS"):
            model.apply(bad)
    with pytest.raises(InvalidInputError, match="numpy"):
        model.run(["a"], "magic")
    with pytest.raises(InvalidInputError, match="half-layer"):
        model.labels_at(99)


HASHING = """
import hashlib
import shoal
from shoal.rasp import Map, tokens
from shoal.rasp.library import make_reverse
program = make_reverse(Map(lambda t: (t, frozenset(["x", "y", t])), tokens))
model = shoal.compile(program, vocab={"alpha", "beta", "gamma", "delta"}, max_seq_len=4)
digest = hashlib.sha256()
for name, group in sorted(model.params.items()):
    for part, array in sorted(group.items()):
        digest.update(f"{name} {part} {array.shape}".encode() + array.tobytes())
digest.update(repr(model.residual_labels[:1]).encode())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_weights_do_not_depend_on_the_hash_seed() -> None:
    digests = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", HASHING],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 2 * hashlib.sha256().digest_size


def test_compiling_and_running_imports_no_jax() -> None:
    code = """
import sys
import shoal
from shoal.rasp.library import make_hist
assert shoal.compile(make_hist(), vocab={"a"}, max_seq_len=2).run(["a"]) == [1]
sys.exit(any(name.split(".")[0] in ("jax", "haiku") for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


@pytest.mark.parametrize(
    "vocab",
    [
        ("x",),
        (0, 1),
        (True, False),
        (1, True, 1.0),
        (0.5, -2, 3.25),
        ((1, "a"), (1,), ()),
        ("", "None", "1", 1),
        (b"a", "a", frozenset({1})),
        tuple(f"token {i}" for i in range(100)),
    ],
)
@pytest.mark.parametrize("causal", [False, True])
def test_odd_vocabularies(vocab: tuple[object, ...], causal: bool) -> None:
    for program in (HIST, make_reverse(tokens), Map(repr, tokens), Full(None)):
        model = shoal.compile(program, vocab=vocab, max_seq_len=2, causal=causal)
        for xs, wanted in interpreted(program, all_sequences(vocab[:4], 2), causal):
            for backend in ("craft", "numpy"):
                assert agree(program, wanted, model.run(xs, backend))


@pytest.mark.parametrize("program", [tokens, indices, Full(3), keep(numerical(indices)), HIST])
def test_one_position_is_enough(program: SOp) -> None:
    model = shoal.compile(program, vocab=[4, 5], max_seq_len=1)
    assert agree(program, program([5]), model.run([5]))


@pytest.mark.parametrize("allocator", ["longest-path", "critical-path", "cp-sat"])
@pytest.mark.parametrize("reuse", [False, True])
def test_kept_and_named_values_are_found_in_the_stream(allocator: str, reuse: bool) -> None:
    hist = keep(HIST)
    later = SelectorWidth(Select(hist, hist, Comparison.EQ)).named("later")
    program = (later + 1).named("result")
    model = shoal.compile(
        program,
        vocab=["a", "b"],
        max_seq_len=3,
        passes="none",
        allocator=allocator,
        reuse=reuse,
    )
    assert model.run(["a", "b", "a"]) == program(["a", "b", "a"])
    for name, sop in (("hist", HIST), ("result", program)):
        info = model.variables[name]
        assert info.last == 2 * model.num_layers
        residual = model.apply(["BOS", "a", "b", "a"]).residuals[-1][0, 1:]
        hot = residual[:, list(info.columns)]
        labels = [info.labels[i] for i in hot.argmax(axis=1)]
        assert labels == [f"{name}:{value}" for value in sop(["a", "b", "a"])]
        assert np.allclose(np.sort(hot)[:, -1], 1, atol=1e-5)
        assert [model.residual_labels[c] for c in info.columns] == list(info.labels)
