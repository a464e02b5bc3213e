"""The transformer as an ONNX graph, of any batch size and length, with names that say what is what.

Built node by node, so that neither PyTorch nor an exporter has a say in what is computed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from shoal.files import write_file
from shoal.targets.foreign import require_plain
from shoal.targets.in_numpy import MASKED
from shoal.targets.target import Runnable
from shoal.transformer.decoding import code_affine
from shoal.transformer.storage import describe
from shoal.transformer.weights import LayerWeights, Weights

OPSET = 17
"""Of the standard operators; onnxruntime has had it since 1.12."""

_IR_VERSION = 8


class _Graph:
    """Nodes and constants, put together one by one."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def constant(self, name: str, array: npt.ArrayLike) -> str:
        """A named array; it is kept once."""
        self.constants[name] = np.asarray(array)
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """A node whose output has its name."""
        node = helper.make_node(operator, list(inputs), [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def affine(self, name: str, stream: str, matrix: Any, bias: Any) -> str:
        """``stream @ matrix + bias``."""
        product = self.add(
            "MatMul", f"{name}/product", stream, self.constant(f"{name}/weight", matrix)
        )
        return self.add("Add", name, product, self.constant(f"{name}/bias", bias))


def to_onnx(model: Runnable) -> onnx.ModelProto:
    """A model as an ONNX graph, checked.

    Its input ``tokens`` [batch, length] are numbers of tokens: BOS first, PAD last. Its output is
    ``logits`` [batch, length, values, and None after them], or for numbers ``result`` [batch,
    length, number, and whether it is there where it can be None]. The metadata say which token and
    value has which number.

    Raises:
        InvalidInputError: it is no plain transformer, or a value cannot be written down.
    """
    weights, decoder, encoder = model.weights, model.output_encoder, model.input_encoder
    require_plain(weights, "onnx")
    graph = _Graph()
    visible = _visible(graph, weights.causal, encoder.pad_encoding)
    stream = _embedded(graph, weights)
    for number, layer in enumerate(weights.layers):
        update = _attention(graph, f"layer_{number}/attention", stream, visible, layer, weights)
        stream = graph.add("Add", f"layer_{number}/after_attention", stream, update)
        update = _mlp(graph, f"layer_{number}/mlp", stream, layer)
        stream = graph.add("Add", f"layer_{number}/after_mlp", stream, update)
    result = graph.affine("result", stream, weights.unembedding_w, weights.unembedding_b)
    output, kind, size = result, TensorProto.FLOAT, len(weights.unembedding_b)
    if decoder.codes is not None:
        kind, size = TensorProto.DOUBLE, len(decoder.choices)
        output = _nearest(graph, result, decoder.codes, decoder.nullable)
    shape = ["batch", "length", size]
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "shoal",
            [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "length"])],
            [helper.make_tensor_value_info(output, kind, shape)],
            [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        producer_name="shoal",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(made, _metadata(model))
    onnx.checker.check_model(made, full_check=True)
    return made


def write(model: Runnable, path: Path) -> None:
    """Write an ONNX file."""
    content = to_onnx(model).SerializeToString()
    write_file(path, lambda file: file.write(content))


def _metadata(model: Runnable) -> Mapping[str, str]:
    encoder, decoder = model.input_encoder, model.output_encoder
    texts = [str(token) for token in (*encoder.vocab, encoder.bos_token, encoder.pad_token)]
    values = [] if decoder.codes is None else [str(value) for value in decoder.choices]
    return {
        "description": describe(model.weights, encoder, decoder).to_json(),
        "tokens": json.dumps(texts),
        "values": json.dumps(values),
    }


def _visible(graph: _Graph, causal: bool, pad: int) -> str:
    """[batch, 1, 1 or queries, keys], which keys may be seen."""
    shape = graph.add("Shape", "shape", "tokens")
    length = graph.add("Gather", "length", shape, graph.constant("one", np.int64(1)), axis=0)
    places = graph.add(
        "Range",
        "positions",
        graph.constant("zero", np.int64(0)),
        length,
        graph.constant("one", np.int64(1)),
    )
    is_pad = graph.add("Equal", "is_pad", "tokens", graph.constant("pad", np.int64(pad)))
    axes = graph.constant("head_and_query", np.array([1, 2]))
    visible = graph.add("Unsqueeze", "there", graph.add("Not", "is_token", is_pad), axes)
    if not causal:
        return visible
    rows = graph.add("Unsqueeze", "queries", places, graph.constant("key", np.array([1])))
    earlier = graph.add("GreaterOrEqual", "earlier", rows, places)
    return graph.add("And", "visible", visible, earlier)


def _embedded(graph: _Graph, weights: Weights) -> str:
    table = graph.constant("token_embedding", weights.token_embedding)
    tokens = graph.add("Gather", "embedded_tokens", table, "tokens", axis=0)
    table = graph.constant("position_embedding", weights.position_embedding)
    places = graph.add("Gather", "embedded_positions", table, "positions", axis=0)
    return graph.add("Add", "embedding", tokens, places)


def _attention(
    graph: _Graph, name: str, stream: str, visible: str, layer: LayerWeights, weights: Weights
) -> str:
    sizes = weights.sizes

    def heads(part: str, matrix: Any, bias: Any, size: int, order: list[int]) -> str:
        flat = graph.affine(f"{name}/{part}", stream, matrix, bias)
        shape = graph.constant(f"{part}_shape", np.array([0, 0, sizes.num_heads, size]))
        split = graph.add("Reshape", f"{name}/{part}/heads", flat, shape)
        return graph.add("Transpose", f"{name}/{part}/by_head", split, perm=order)

    query = heads("query", layer.query_w, layer.query_b, sizes.key_size, [0, 2, 1, 3])
    key = heads("key", layer.key_w, layer.key_b, sizes.key_size, [0, 2, 3, 1])
    value = heads("value", layer.value_w, layer.value_b, sizes.value_size, [0, 2, 1, 3])
    root = graph.constant("root_of_key_size", np.float32(np.sqrt(sizes.key_size)))
    scores = graph.add(
        "Div", f"{name}/scores", graph.add("MatMul", f"{name}/products", query, key), root
    )
    masked = graph.constant("masked", MASKED)
    scores = graph.add("Where", f"{name}/visible_scores", visible, scores, masked)
    pattern = graph.add("Softmax", f"{name}/pattern", scores, axis=-1)
    mixed = graph.add("MatMul", f"{name}/mixed", pattern, value)
    mixed = graph.add("Transpose", f"{name}/mixed/by_position", mixed, perm=[0, 2, 1, 3])
    shape = graph.constant("mixed_shape", np.array([0, 0, sizes.num_heads * sizes.value_size]))
    flat = graph.add("Reshape", f"{name}/mixed/flat", mixed, shape)
    return graph.affine(f"{name}/output", flat, layer.output_w, layer.output_b)


def _mlp(graph: _Graph, name: str, stream: str, layer: LayerWeights) -> str:
    hidden = graph.affine(f"{name}/hidden", stream, layer.hidden_w, layer.hidden_b)
    neurons = graph.add("Relu", f"{name}/neurons", hidden)
    return graph.affine(f"{name}/output", neurons, layer.mlp_output_w, layer.mlp_output_b)


def _nearest(graph: _Graph, result: str, codes: npt.NDArray[np.float64], nullable: bool) -> str:
    """Logits of the nearest code, in double precision: 2 c.x - |c|^2."""
    double = graph.add("Cast", "result/double", result, to=TensorProto.DOUBLE)
    return graph.affine("logits", double, *code_affine(codes, nullable))
