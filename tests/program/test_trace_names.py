"""Whatever a user names is found under that name, in whatever order the names occur."""

from __future__ import annotations

import shoal
from shoal.rasp import Map, SequenceMap, SOp, indices, tokens


def pair(first: SOp, second: SOp) -> SOp:
    return SequenceMap(lambda x, y: (x, y), first, second)


def compiled(program: SOp, passes: str = "all") -> shoal.Model:
    return shoal.compile(program, vocab={"a", "b"}, max_seq_len=3, passes=passes)


def test_a_name_that_looks_like_a_default_one() -> None:
    mine = Map(lambda x: x + "!", tokens).named("map")
    for program in (pair(Map(lambda x: x == "a", tokens), mine), pair(mine, tokens == "a")):
        model = compiled(program)
        assert model.read("map", ["a", "b"]) == ["a!", "b!"]


def test_a_name_that_an_input_has() -> None:
    model = compiled(pair(Map(lambda x: x + "!", tokens).named("tokens"), tokens))
    assert model.read("tokens", ["a"]) == ["a!"]
    assert model.run(["a"]) == [("a!", "a")]


def test_the_mark_of_bos_leaves_its_name_to_users() -> None:
    model = compiled(pair(Map(lambda x: x + "!", tokens).named("BOS"), tokens))
    assert model.read("BOS", ["a"]) == ["a!"]


def test_doubled_names_make_way_for_what_looks_like_their_numbers() -> None:
    first, second = (tokens == "a").named("a"), (tokens == "b").named("a")
    third = Map(lambda i: i + 5, indices).named("a_2")
    model = compiled(pair(pair(first, second), third))
    assert model.read("a_2", ["a"]) == [5]
    assert model.read("a", ["a"]) == [True]


def test_variables_are_found_by_aliases() -> None:
    model = compiled(pair((tokens == "a").named("first"), (tokens == "a").named("second")))
    assert model.variables["second"] is model.variables["first"]
    assert "second" in model.variables
    assert "second" not in list(model.variables)
    assert model.read("second", ["b", "a"]) == [False, True]
