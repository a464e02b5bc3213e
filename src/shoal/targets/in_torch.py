"""The same transformer as a PyTorch module, whose parts have names that hooks can use."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shoal.errors import InvalidInputError
from shoal.files import write_file
from shoal.forms.form import with_none
from shoal.rasp.values import Value
from shoal.targets.in_numpy import MASKED
from shoal.targets.target import ForwardPass, Runnable, Runner
from shoal.targets.torch_edits import hooks
from shoal.transformer.description import Description
from shoal.transformer.edits import Edit
from shoal.transformer.storage import assemble, describe, type_of
from shoal.transformer.weights import Array, LayerWeights, Sizes, Weights

FORMAT = "shoal torch 1"

_UNREADABLE = (
    *(OSError, EOFError, UnpicklingError),
    *(KeyError, TypeError, ValueError, RuntimeError),
)
"""What ``torch.load`` and modules raise of files that are none of theirs."""

EXACT_TYPES = (torch.float32, torch.float64)
"""Types in which models are right. In bfloat16 and float16 sums and counts are not."""


@dataclass
class KeyValueCache:
    """Keys and values of the positions that a causal model has seen, for each layer.

    Attributes:
        visible: [batch, positions], which of them are no PAD.
        layers: (keys, values), each [batch, heads, positions, size].
    """

    visible: Tensor | None = None
    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """How many positions it holds."""
        return 0 if self.visible is None else self.visible.shape[1]


class Attention(nn.Module):
    """Multi-head attention; ``scores`` (after masking) and ``pattern`` are modules for hooks."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.num_heads = sizes.num_heads
        self.q = nn.Linear(sizes.d_model, sizes.num_heads * sizes.key_size)
        self.k = nn.Linear(sizes.d_model, sizes.num_heads * sizes.key_size)
        self.v = nn.Linear(sizes.d_model, sizes.num_heads * sizes.value_size)
        self.scores = nn.Identity()
        self.pattern = nn.Identity()
        self.o = nn.Linear(sizes.num_heads * sizes.value_size, sizes.d_model)
        self.root = float(np.float32(np.sqrt(sizes.key_size)))

    def forward(
        self, stream: Tensor, visible: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What it adds to the stream [batch, positions, d_model], and all keys and values.

        Args:
            stream: what is seen of it.
            visible: [batch, 1, queries, keys], which key each query may see.
            past: keys and values of earlier positions.
        """

        def split(flat: Tensor) -> Tensor:
            return flat.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

        keys, values = split(self.k(stream)), split(self.v(stream))
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        scores = split(self.q(stream)) @ keys.transpose(-1, -2) / self.root
        scores = self.scores(scores.masked_fill(~visible, float(MASKED)))
        mixed = self.pattern(scores.softmax(dim=-1)) @ values
        return self.o(mixed.transpose(1, 2).flatten(-2)), (keys, values)


class MLP(nn.Module):
    """One hidden layer with ReLU."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.hidden = nn.Linear(sizes.d_model, sizes.mlp_hidden_size)
        self.neurons = nn.ReLU()
        self.out = nn.Linear(sizes.mlp_hidden_size, sizes.d_model)

    def forward(self, stream: Tensor) -> Tensor:
        """What it adds to the stream [batch, positions, d_model]."""
        update: Tensor = self.out(self.neurons(self.hidden(stream)))
        return update


class Block(nn.Module):
    """One layer; ``mid`` is the stream after attention, and ``end`` after the MLP, for hooks."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.attn = Attention(sizes)
        self.mid = nn.Identity()
        self.mlp = MLP(sizes)
        self.end = nn.Identity()


class NearestCode(nn.Module):
    """Logits [..., values, and None after them]: 2 c.x - |c|^2 of each code c.

    Codes other than digits need double precision: the squares are large, their differences small.
    """

    def __init__(self, codes: npt.NDArray[np.float64], nullable: bool) -> None:
        super().__init__()
        table = with_none(codes, nullable)
        plain = bool(np.isin(table, (0.0, 1.0)).all())
        kind = torch.float32 if plain else torch.float64
        self.register_buffer("codes", torch.tensor(table, dtype=kind))
        self.register_buffer("squares", torch.tensor((table**2).sum(axis=1), dtype=kind))

    def forward(self, result: Tensor) -> Tensor:
        """Logits for coordinates [..., coordinates]."""
        codes, squares = self.get_buffer("codes"), self.get_buffer("squares")
        return 2 * result.to(codes.dtype) @ codes.T - squares


class TorchTransformer(nn.Module):
    """A compiled model.

    ``model(ids)`` gives logits [batch, positions, values, and None after them], or for results that
    are numbers the coordinates [number, and whether it is there where it can be None]. Position 0
    is BOS, and token i stands at position i + 1.

    Modules: ``embed``, ``pos_embed``, ``start``, ``blocks.0.attn`` (with ``q``, ``k``, ``v``,
    ``scores``, ``pattern``, ``o``), ``blocks.0.mid``, ``blocks.0.mlp`` (with ``hidden``,
    ``neurons``, ``out``), ``blocks.0.end``, ``unembed``, ``decode``. What comes out of
    ``blocks.0.attn.o`` and ``blocks.0.mlp`` is added to the stream, which passes through ``start``,
    ``mid`` and ``end``.

    Attributes:
        values: what logits are over, None included; empty for numbers.
        pad: the number of PAD, which is never attended to.
        bos: the number of BOS, which every sequence begins with.
    """

    def __init__(self, model: Runnable) -> None:
        super().__init__()
        weights, decoder, encoder = model.weights, model.output_encoder, model.input_encoder
        sizes = weights.sizes
        self.causal = weights.causal
        self.values: tuple[Value, ...] = () if decoder.codes is None else decoder.choices
        self.pad, self.bos = encoder.pad_encoding, encoder.bos_encoding
        self.description = describe(weights, encoder, decoder)
        self._seen = weights.architecture.seen
        self.embed = nn.Embedding(*weights.token_embedding.shape)
        self.pos_embed = nn.Embedding(*weights.position_embedding.shape)
        self.start = nn.Identity()
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.num_layers))
        self.unembed = nn.Linear(*weights.unembedding_w.shape)
        self.decode: nn.Module = nn.Identity()
        if decoder.codes is not None:
            self.decode = NearestCode(decoder.codes, decoder.nullable)
        self._copy(weights)

    def _copy(self, weights: Weights) -> None:
        with torch.no_grad():
            self.embed.weight.copy_(torch.from_numpy(weights.token_embedding))
            self.pos_embed.weight.copy_(torch.from_numpy(weights.position_embedding))
            _set(self.unembed, weights.unembedding_w, weights.unembedding_b)
            for block, layer in zip(self.blocks, weights.layers, strict=True):
                for linear, matrix, bias in _linears(block, layer):
                    _set(linear, matrix, bias)

    def forward(self, ids: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Logits, or the coordinates of numbers.

        Args:
            ids: [batch, positions], numbers of tokens, BOS first, PAD last.
            cache: of a causal model, what earlier positions left; it is brought up to date.
        """
        _warn_of_inexact_types(self.unembed.weight.dtype)
        with _full_precision():
            result: Tensor = self.decode(self.unembed(self._seen(self._stream(ids, cache))))
        return result

    def _stream(self, ids: Tensor, cache: KeyValueCache | None) -> Tensor:
        start = 0 if cache is None else cache.length
        places = torch.arange(start, start + ids.shape[1], device=ids.device)
        there = ids != self.pad
        if cache is not None:
            there = there if cache.visible is None else torch.cat([cache.visible, there], 1)
            cache.visible = there
        visible = there[:, None, None, :].expand(-1, 1, len(places), -1)
        if self.causal:
            visible = visible & (torch.arange(there.shape[1], device=ids.device) <= places[:, None])
        return self.run_layers(self.start(self.embed(ids) + self.pos_embed(places)), visible, cache)

    def run_layers(
        self, stream: Tensor, visible: Tensor, cache: KeyValueCache | None = None
    ) -> Tensor:
        """The stream [batch, positions, d_model] after all layers, from what it is before them.

        Args:
            stream: BOS at position 0.
            visible: [batch, 1, queries, keys], which key each query may see.
            cache: as of ``forward``.
        """
        with _full_precision():
            for number, block in enumerate(self.blocks):
                past = next(iter([] if cache is None else cache.layers[number:]), None)
                update, present = block.attn(self._seen(stream), visible, past)
                if cache is not None:
                    cache.layers[number : number + 1] = [present]
                stream = block.mid(stream + update)
                stream = block.end(stream + block.mlp(self._seen(stream)))
        return stream

    def activations(self, ids: Tensor) -> dict[str, Tensor]:
        """What comes out of every module by its name, and ``logits`` (of numbers ``result``).

        Of ``blocks.0.attn`` it is what is added to the stream.
        """
        found: dict[str, Tensor] = {}

        def keep(name: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Any) -> None:
                found[name] = output[0] if isinstance(output, tuple) else output

            return hook

        named = [(name, module) for name, module in self.named_modules() if name]
        handles = [module.register_forward_hook(keep(name)) for name, module in named]
        try:
            found["result" if not self.values else "logits"] = self(ids)
        finally:
            for handle in handles:
                handle.remove()
        return found

    @contextmanager
    def edited(self, edits: tuple[Edit, ...]) -> Iterator[None]:
        """Meanwhile, forward passes find edits of the stream (see ``Model.edits``)."""
        handles = [
            self.get_submodule(name).register_forward_hook(hook)
            for name, hook in hooks(edits).items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @staticmethod
    def load(path: str | Path) -> TorchTransformer:
        """Read a module from a file that ``shoal export --to torch`` wrote.

        Raises:
            InvalidInputError: there is no such file, or it is no such module.
        """
        try:
            content = torch.load(path, weights_only=True)
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            description = Description.from_json(content["description"], {})
            arrays = {
                name: np.zeros(shape, type_of(name)) for name, shape in description.shapes().items()
            }
            module = TorchTransformer(_Parts(*assemble(description, arrays)))
            module.load_state_dict(content["state_dict"])
        except FileNotFoundError:
            raise InvalidInputError(f"there is no file {path}") from None
        except _UNREADABLE as error:
            raise InvalidInputError(
                f"{path} is no PyTorch module of Shoal, or is damaged: {error}; write one by "
                "shoal export --to torch"
            ) from error
        return module.eval()


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a module is made of."""

    weights: Weights
    input_encoder: Any
    output_encoder: Any


def to_torch(
    model: Runnable, dtype: torch.dtype | None = None, device: Any = None
) -> TorchTransformer:
    """A model as a PyTorch module, in evaluation mode.

    Args:
        model: the compiled model.
        dtype: ``torch.float32`` (the usual one) or ``torch.float64``.
        device: where it is to be.

    Raises:
        InvalidInputError: the model would not be exact in that type.
    """
    dtype = torch.float32 if dtype is None else dtype
    if dtype not in EXACT_TYPES:
        raise InvalidInputError(
            f"compiled models are exact in torch.float32 and torch.float64, not in {dtype}: sums, "
            "counts and comparisons come out wrong; use torch.float32"
        )
    return TorchTransformer(model).to(device=device, dtype=dtype).eval()


def runner(model: Runnable) -> Runner:
    """Run a model as a module on the CPU."""
    module = to_torch(model)

    @torch.no_grad()
    def run(ids: npt.NDArray[Any], edits: tuple[Edit, ...] = ()) -> ForwardPass:
        with module.edited(edits):
            tensors = module.activations(torch.from_numpy(ids).long())
        found = {name: tensor.numpy() for name, tensor in tensors.items()}
        layers = range(len(module.blocks))
        return ForwardPass(
            tuple(found[f"blocks.{i}.{part}"] for i in layers for part in ("mid", "end")),
            tuple(found[f"blocks.{i}.{part}"] for i in layers for part in ("attn", "mlp")),
            tuple(found[f"blocks.{i}.attn.scores"] for i in layers),
            found["start"],
            found["unembed"],
            found["logits"].astype(np.float64) if module.values else None,
        )

    return run


def next_value(model: Runnable) -> Callable[[list[Value]], Value]:
    """From a sequence to its last result, for sequences that each continue the one before."""
    module, cache = to_torch(model), KeyValueCache()

    @torch.no_grad()
    def result(sequence: list[Value]) -> Value:
        ids = [module.bos, *model.input_encoder.encode_tokens(sequence)][cache.length :]
        coordinates: list[Tensor] = []
        handle = module.unembed.register_forward_hook(lambda *parts: coordinates.append(parts[2]))
        module(torch.tensor([ids]), cache)
        handle.remove()
        return model.output_encoder.decode(coordinates[0][0, -1:].numpy())[0]

    return result


def write(model: Runnable, path: Path) -> None:
    """Write a file with the module's state dict, from which ``TorchTransformer.load`` reads it.

    ``torch.load(path, weights_only=True)["state_dict"]`` needs no Shoal.
    """
    module = to_torch(model)
    content = {
        "format": FORMAT,
        "description": module.description.to_json(),
        "values": [str(value) for value in module.values],
        "state_dict": module.state_dict(),
    }
    write_file(path, lambda file: torch.save(content, file))


def _linears(block: nn.Module, layer: LayerWeights) -> Sequence[tuple[nn.Module, Array, Array]]:
    """The linear modules of a block, with their weights."""
    attn, mlp = block.get_submodule("attn"), block.get_submodule("mlp")
    return (
        (attn.get_submodule("q"), layer.query_w, layer.query_b),
        (attn.get_submodule("k"), layer.key_w, layer.key_b),
        (attn.get_submodule("v"), layer.value_w, layer.value_b),
        (attn.get_submodule("o"), layer.output_w, layer.output_b),
        (mlp.get_submodule("hidden"), layer.hidden_w, layer.hidden_b),
        (mlp.get_submodule("out"), layer.mlp_output_w, layer.mlp_output_b),
    )


def _set(linear: nn.Module, matrix: Array, bias: Array) -> None:
    linear.get_parameter("weight").copy_(torch.from_numpy(matrix.T.copy()))
    linear.get_parameter("bias").copy_(torch.from_numpy(bias))


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32, whatever the process has set, and no autocast."""
    before = torch.get_float32_matmul_precision()
    if before != "highest":
        torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
            yield
    finally:
        if before != "highest":
            torch.set_float32_matmul_precision(before)


def _warn_of_inexact_types(dtype: torch.dtype) -> None:
    if dtype not in EXACT_TYPES:
        warnings.warn(
            f"this model runs in {dtype}, in which its results are wrong on many inputs; "
            "use module.float()",
            stacklevel=3,
        )
