"""TransformerLens's own helper for Tracr, unchanged, on what ``compile_rasp_to_model`` gives."""

from __future__ import annotations

import pytest

import shoal
from shoal.rasp import SOp, is_numerical
from shoal.rasp.stock import STOCK
from tests.support import agree, interpreted, random_sequences
from tests.targets.programs import clients_programs

pytest.importorskip("torch")
helper = pytest.importorskip("transformer_lens.utilities.tracr")
bridge = pytest.importorskip("transformer_lens.model_bridge")

STOCK_PROGRAMS = {
    name: (stock.make(stock.max_seq_len), stock.vocab, stock.max_seq_len)
    for name, stock in STOCK.items()
}
OWN_PROGRAMS = {name: (p, ("a", "b", "c"), 5) for name, p in clients_programs().items()}
PROGRAMS = STOCK_PROGRAMS | OWN_PROGRAMS


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, (p, _, _) in PROGRAMS.items() if not is_numerical(p)])
def test_the_helper_is_right_on_every_categorical_program(name: str) -> None:
    program, vocab, longest = PROGRAMS[name]
    sequences = random_sequences(vocab, 1, longest, 100)
    assert_right(program, shoal.compile_rasp_to_model(program, set(vocab), longest), sequences)


def labels_with(model: shoal.Model, values: set[str]) -> list[str]:
    """The names whose columns are labelled by just these values."""
    by_name: dict[str, set[str]] = {}
    for label in model.residual_labels:
        name, _, value = label.rpartition(":")
        by_name.setdefault(name, set()).add(value)
    return [name for name, found in by_name.items() if name and found == values]


def assert_right(program: SOp, model: shoal.Model, sequences: list[list]) -> None:
    import torch

    label = model.atlas.output
    values = {str(value) for value in model.output_encoder.encoding_map}
    if [name for name in labels_with(model, values) if name != label]:
        with pytest.raises(ValueError, match="Pass output_label"):  # another s-op looks the same
            helper.infer_tracr_output_label(model)
    else:
        assert helper.infer_tracr_output_label(model) == label
    made = bridge.TransformerBridge.boot_native(helper.make_tracr_transformer_bridge_config(model))
    states = helper.make_tracr_transformer_bridge_state_dict(model, output_label=label)
    made.load_state_dict(states, strict=False)
    for xs, wanted in interpreted(program, sequences):
        ids = model.input_encoder.encode([model.input_encoder.bos_token, *xs])
        with torch.no_grad():
            logits = made(torch.tensor([ids]))
        numbers = logits[0, 1:].argmax(dim=-1).tolist()
        assert agree(program, wanted, model.output_encoder.decode(numbers)), xs


@pytest.mark.parametrize("name", [n for n, (p, _, _) in PROGRAMS.items() if is_numerical(p)])
def test_the_helper_refuses_numbers_and_the_target_holds_them(name: str) -> None:
    program, vocab, longest = PROGRAMS[name]
    model = shoal.compile_rasp_to_model(program, set(vocab), longest)
    with pytest.raises(NotImplementedError, match="categorical"):
        helper.infer_tracr_output_label(model)
    assert model.to_transformer_lens() is not None
