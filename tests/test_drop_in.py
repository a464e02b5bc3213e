"""What clients of Tracr assume of ``compile_rasp_to_model``."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import shoal
from shoal.errors import InvalidInputError
from shoal.rasp import Map, SOp, tokens
from shoal.rasp.library import make_frac_prevs, make_reverse
from shoal.rasp.stock import STOCK
from shoal.tracr import MLP, CategoricalEncoder, MultiAttentionHead, NumericalEncoder
from tests.targets.programs import clients_programs

VOCAB = ("a", "b", "c")


def compiled(program: SOp, **options: object) -> shoal.Model:
    return shoal.compile_rasp_to_model(program, set(VOCAB), 4, compiler_bos="BOS", **options)


@pytest.mark.parametrize("name", clients_programs())
def test_every_column_has_a_label_of_its_own(name: str) -> None:
    program = clients_programs()[name]
    model = compiled(program)
    labels = model.residual_labels
    assert len(set(labels)) == len(labels) == model.d_model
    assert model.params["token_embed"]["embeddings"].shape[1] == model.d_model
    encoder = model.output_encoder
    assert isinstance(encoder, CategoricalEncoder)
    wanted = {f"{model.atlas.output}:{value}" for value in encoder.encoding_map}
    assert wanted <= set(labels)
    assert sorted(encoder.encoding_map.values()) == list(range(encoder.vocab_size))
    assert [str(direction) for direction in encoder.basis] == [
        f"{model.atlas.output}:{value}" for value in encoder.encoding_map
    ]


def test_none_has_a_class_and_a_column_that_wins_where_nothing_else_is() -> None:
    model = compiled(clients_programs()["previous"])
    encoder = model.output_encoder
    columns = [model.residual_labels.index(f"previous:{value}") for value in encoder.encoding_map]
    applied = model.apply(["BOS", "b", "a"])
    numbers = applied.transformer_output[0, 1:, columns].T.argmax(axis=-1)
    assert encoder.decode(numbers.tolist()) == [None, "b"]
    assert applied.unembedded[0, 1:].tolist() == encoder.encode([None, "b"])
    assert applied.decoded == ["BOS", None, "b"]
    assert model.run(["b", "a"]) == [None, "b"]


def test_numbers_have_no_encoding_map() -> None:
    model = compiled(make_frac_prevs(tokens == "a"))
    assert isinstance(model.output_encoder, NumericalEncoder)
    assert not hasattr(model.output_encoder, "encoding_map")
    applied = model.apply(["BOS", "a", "b"])
    assert np.allclose(applied.unembedded[0, 1:], [1.0, 0.5])
    assert model.output_encoder.decode([0.5]) == [0.5] == model.output_encoder.encode([0.5])


def test_named_values_are_in_the_stream() -> None:
    program = make_reverse(Map(lambda t: t.upper(), tokens).named("upper"))
    model = compiled(program)
    assert {"upper:A", "upper:B", "upper:C"} <= set(model.residual_labels)
    assert model.variables["upper"].is_materialised


def test_options_ask_for_less_depth() -> None:
    program = STOCK["sort"].make(4)
    plain, shallow = (
        shoal.compile_rasp_to_model(program, {1, 2, 3}, 4, passes=passes)
        for passes in ("none", "all")
    )
    assert shallow.num_layers < plain.num_layers
    assert shallow.run([3, 1, 2]) == plain.run([3, 1, 2]) == [1, 2, 3]
    with pytest.raises(shoal.InvalidOptionError, match="allocator"):
        compiled(tokens, allocator="magic")


def test_graph_and_blocks_are_there() -> None:
    model = compiled(make_reverse(tokens)).model
    assert isinstance(model.graph, nx.DiGraph)
    output = model.graph.nodes[model.atlas.output]
    assert output["VALUE_SET"] == set(VOCAB)
    assert [str(d) for d in output["OUTPUT_BASIS"]] == [f"{output['ID']}:{v}" for v in VOCAB]
    blocks = model.craft_model.blocks
    assert len(blocks) == 2 * model.num_layers
    assert all(isinstance(block, MultiAttentionHead) for block in blocks[::2])
    assert all(isinstance(block, MLP) for block in blocks[1::2])
    heads = [head for block in blocks[::2] for head in block.heads()]
    for head in heads:
        assert head.w_qk.matrix.shape == (len(head.w_qk.input_space), len(head.w_qk.output_space))
        assert head.w_ov.matrix.shape == (len(head.w_ov.input_space), len(head.w_ov.output_space))


def test_refusals_are_not_implemented_errors() -> None:
    with pytest.raises(NotImplementedError):
        compiled(Map(lambda t: 1 / 0, tokens))
    with pytest.raises(InvalidInputError, match="no result of this program"):
        compiled(tokens).output_encoder.encode(["z"])


def test_a_result_that_nothing_reads_needs_only_be_nearest_to_the_right_code() -> None:
    """Means of many values are too close for a table whose readers bear little."""
    stock = STOCK["sort"]
    model = shoal.compile_rasp_to_model(stock.make(8), set(stock.vocab), 8)
    assert model.atlas.result.form == "one-hot"
    assert model.run([3, 1, 2, 8]) == [1, 2, 3, 8]


def test_reprs_are_short() -> None:
    program = STOCK["most_freq"].make(5)
    model = shoal.compile_rasp_to_model(program, vocab=STOCK["most_freq"].vocab, max_seq_len=5)
    assert len(repr(model)) < 200
    assert len(repr(model.output_encoder)) < 200
