"""Half-layers, states and layers; against their definition by counting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal_solvers import ALTERNATING, Kind, Timeline

TIMELINES = st.permutations(list(Kind)).map(lambda kinds: Timeline(tuple(kinds)))


@given(TIMELINES, st.integers(0, 5))
def test_half_layers_are_the_slots_of_one_layer_after_the_other(
    timeline: Timeline, num_layers: int
) -> None:
    slots = [(layer, kind) for layer in range(num_layers) for kind in timeline.slots]
    assert list(timeline.half_layers(num_layers)) == list(range(len(slots)))
    assert timeline.last_state(num_layers) == len(slots)
    for half_layer, (layer, kind) in enumerate(slots):
        assert timeline.layer(half_layer) == layer
        assert timeline.kind(half_layer) is kind
        assert timeline.half_layer(layer, kind) == half_layer


@given(TIMELINES, st.sampled_from(Kind), st.integers(0, 9))
def test_the_next_half_layer_is_the_first_that_is_not_too_early(
    timeline: Timeline, kind: Kind, state: int
) -> None:
    later = (h for h in range(state, state + 3) if timeline.kind(h) is kind)
    assert timeline.next_half_layer(kind, state) == next(later)


@pytest.mark.parametrize("source", Kind)
@pytest.mark.parametrize("target", Kind)
@given(TIMELINES)
def test_a_reader_lags_behind_its_source(source: Kind, target: Kind, timeline: Timeline) -> None:
    written = timeline.half_layer(3, source) + 1
    reader = timeline.next_half_layer(target, written)
    assert timeline.layer(reader) == 3 + timeline.lag(source, target)


def test_transformers_attend_first() -> None:
    assert [ALTERNATING.kind(h) for h in ALTERNATING.half_layers(1)] == [Kind.ATTENTION, Kind.MLP]
