"""A part in a host adds what the interpreter says, whatever else the host's stream holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from shoal.errors import InvalidInputError
from shoal.rasp import (
    Aggregate,
    Comparison,
    Full,
    Map,
    Select,
    SequenceMap,
    SOp,
    indices,
    keep,
    numerical,
)
from shoal.rasp.interpreter import evaluate_all
from shoal.rasp.traversal import postorder
from shoal_analysis.lab.transplants import CompiledPart, LinearMap, Numbers, part_of
from tests.analysis.lab.transplants.examples import Rows, count_of, plain_host

torch = pytest.importorskip("torch")

LONGEST = 4

PARTS: Mapping[str, tuple[Callable[..., SOp], dict[str, Any], dict[str, Any]]] = {
    "a count": (count_of, {"letter": "abc"}, {}),
    "a count as a code": (
        lambda letter: count_of(keep(letter)),
        {"letter": "abc"},
        {"result": "code"},
    ),
    "a count as a number": (lambda letter: numerical(count_of(letter)), {"letter": "abc"}, {}),
    "neurons over two inputs": (
        lambda count, letter: SequenceMap(lambda n, x: n * ord(x) % 5, count, letter),
        {"count": range(1, 6), "letter": "abcd"},
        {},
    ),
    "a kept function of two inputs": (
        lambda count, letter: (
            keep(SequenceMap(lambda n, x: n * ord(x) % 5, count, letter)).named("both") > 2
        ),
        {"count": range(1, 4), "letter": "abc"},
        {},
    ),
    "a number": (
        lambda count, flag: SequenceMap(lambda n, x: (n % 3, x), count, flag),
        {"count": Numbers(range(1, 8)), "flag": [True, 1, "1"]},
        {},
    ),
    "a kept function of a number": (
        lambda count, flag: keep(Map(lambda n: n % 3, count)).named("kept") + flag,
        {"count": Numbers(range(1, 8)), "flag": [0, 1]},
        {},
    ),
    "no value": (
        lambda a, b: Aggregate(
            Select(a, b, Comparison.EQ) & Select(indices, indices, Comparison.EQ), b
        ),
        {"a": "abc", "b": "bcd"},
        {},
    ),
    "causal": (
        lambda a, b: numerical(Aggregate(Select(a, b, Comparison.EQ), indices, default=-1)),
        {"a": range(2), "b": range(2)},
        {"causal": True},
    ),
    "names that modules have": (
        lambda keys, update: keys | update,
        {"keys": [0, 1], "update": [0, 2]},
        {},
    ),
    "names with dots": (lambda x: keep(count_of(x)).named("a.b") % 2, {"x": "ab"}, {}),
    "values that are tuples": (lambda x: Map(sum, x), {"x": [(1, 2), (3, 4)]}, {}),
    "inputs that nothing reads": (lambda a, b: indices, {"a": "ab", "b": "ab"}, {}),
    "a constant": (lambda a: Full(3), {"a": "ab"}, {}),
}


def words_for(part: CompiledPart, count: int = 60) -> list[Rows]:
    chance = random.Random(0)
    values = [one.coordinates.values for one in part.inputs.values()]
    lengths = [LONGEST, *(chance.randint(1, LONGEST) for _ in range(count))]
    return [[tuple(map(chance.choice, values)) for _ in range(length)] for length in lengths]


def as_tokens(word: Rows) -> list[Any]:
    return [values[0] for values in word] if len(word[0]) == 1 else list(word)


def interpreted(part: CompiledPart, word: Rows) -> dict[str, list[Any]]:
    """What the interpreter says of each output."""
    program = part.model.program
    values = evaluate_all(program, as_tokens(word), causal=part.model.options.causal)
    named = {one.name: values[id(one)] for one in postorder(program) if one.is_named}
    return {name: named.get(name, values[id(program)]) for name in part.outputs}


@pytest.mark.parametrize("name", PARTS)
def test_a_transplant_adds_what_the_interpreter_says(name: str) -> None:
    program, inputs, options = PARTS[name]
    part = part_of(program, inputs=inputs, max_seq_len=LONGEST, **options)
    host, words = plain_host(part), words_for(part)
    stream, there = host.stream(words, skip=1, noise=0.05)
    module = part.to_torch(host.reads, host.writes, skip=1)
    added = module(torch.tensor(stream).float(), torch.tensor(there)).numpy()
    for row, word in enumerate(words):
        for output, wanted in interpreted(part, word).items():
            found = added[row, 1 : 1 + len(word), host.columns[output]]
            assert np.abs(found - part.outputs[output].of(wanted)).max() < 1e-3
    assert not added[~there].any()


def test_a_part_by_itself_runs_as_a_model() -> None:
    part = part_of(
        PARTS["neurons over two inputs"][0],
        inputs=PARTS["neurons over two inputs"][1],
        max_seq_len=3,
    )
    assert part.run(count=[1, 5], letter="ab") == [ord("a") % 5, 5 * ord("b") % 5]
    assert part.model.run([(1, "a"), (5, "b")]) == part.run(count=[1, 5], letter="ab")


def test_what_is_not_hardened_is_read_as_it_is() -> None:
    part = part_of(lambda x: Map(lambda n: n % 2 == 0, x), inputs={"x": range(4)}, max_seq_len=2)
    host = plain_host(part)
    half = 0.5 * host.directions["x"][0] + 0.5 * host.directions["x"][1]
    stream = torch.tensor(half).float()[None, None]
    soft = part.to_torch(host.reads, host.writes, harden=False)(stream)
    assert torch.allclose(soft[0, 0, :2], torch.tensor([0.5, 0.5]), atol=1e-4)
    hard = part.to_torch(host.reads, host.writes)(stream)
    assert sorted(hard[0, 0, :2].round().tolist()) == [0.0, 1.0]


@pytest.mark.parametrize("harden", [True, False])
def test_gradients_pass_through_a_part_and_leave_it_as_it_is(harden: bool) -> None:
    part = part_of(count_of, inputs={"letter": "abc"}, max_seq_len=LONGEST)
    host = plain_host(part)
    stream, there = host.stream(words_for(part, 3), skip=0, noise=0.0)
    given = torch.tensor(stream).float().requires_grad_()
    module = part.to_torch(host.reads, host.writes, harden=harden)
    module(given, torch.tensor(there)).square().sum().backward()
    assert given.grad is not None
    assert given.grad[torch.tensor(there)].abs().max() > 0
    assert torch.isfinite(given.grad).all()
    assert all(p.grad is None and not p.requires_grad for p in module.parameters())


def test_a_part_in_half_precision_hosts_is_exact() -> None:
    part = part_of(count_of, inputs={"letter": "abc"}, max_seq_len=LONGEST)
    host, words = plain_host(part), words_for(part)
    stream, there = host.stream(words, skip=0, noise=0.0)
    module = part.to_torch(host.reads, host.writes)
    exact = module(torch.tensor(stream).float(), torch.tensor(there))
    rough = module(torch.tensor(stream).bfloat16(), torch.tensor(there))
    assert rough.dtype == torch.bfloat16
    assert torch.equal(rough, exact.bfloat16())


def small() -> tuple[CompiledPart, dict[str, LinearMap], dict[str, LinearMap]]:
    part = part_of(
        lambda count, letter: SequenceMap(lambda n, x: f"{n}{x}", count, letter).named("text"),
        inputs={"count": range(2), "letter": "ab"},
        max_seq_len=2,
    )
    host = plain_host(part, 8)
    return part, host.reads, host.writes


@pytest.mark.parametrize(
    ("reads", "writes", "options", "says"),
    [
        ({"count": None}, {}, {}, "no LinearMap; of a Fit give its `map`"),
        (
            {"letters": LinearMap(np.eye(8, 2))},
            {},
            {},
            "no input 'letters'; the part has the inputs count, letter",
        ),
        ({"count": LinearMap(np.eye(8, 3))}, {}, {}, "has 3 coordinates, and the part's has 2"),
        (
            {"count": LinearMap(np.eye(9, 2))},
            {},
            {},
            "different widths: what reads 'count' is for 9",
        ),
        (
            {},
            {"txt": LinearMap(np.eye(4, 8))},
            {},
            "no output 'txt'; the part has the outputs text",
        ),
        ({}, {"text": LinearMap(np.eye(8, 4))}, {}, "what writes 'text' has 8 coordinates"),
        ({}, {}, {"skip": -1}, "skip is -1"),
        ({}, {}, {"skip": True}, "skip is True"),
    ],
)
def test_maps_that_do_not_fit_are_refused(
    reads: dict[str, Any], writes: dict[str, Any], options: dict[str, Any], says: str
) -> None:
    part, good_reads, good_writes = small()
    with pytest.raises(InvalidInputError) as caught:
        part.to_torch({**good_reads, **reads}, writes or good_writes, **options)
    assert says in str(caught.value)


def test_what_is_missing_is_said() -> None:
    part, reads, writes = small()
    with pytest.raises(InvalidInputError, match="'letter' is missing"):
        part.to_torch({"count": reads["count"]}, writes)
    with pytest.raises(InvalidInputError, match="nothing is written"):
        part.to_torch(reads, {})


@pytest.mark.parametrize(
    ("shape", "there", "says"),
    [
        ((1, 2, 7), None, "fit maps on this host's own activations"),
        ((2, 8), None, "fit maps on this host's own activations"),
        ((1, 4, 8), None, "compile it with a greater max_seq_len"),
        ((1, 1, 8), None, "compile it with a greater max_seq_len"),
        ((2, 3, 8), [[True, True]], "one truth value for each"),
        ((1, 3, 8), [[True, False, True]], "pad on the right"),
    ],
)
def test_streams_that_do_not_fit_are_refused(shape: tuple[int, ...], there: Any, says: str) -> None:
    part, reads, writes = small()
    module = part.to_torch(reads, writes, skip=1)
    with pytest.raises(InvalidInputError, match=says):
        module(torch.zeros(shape), None if there is None else torch.tensor(there))
