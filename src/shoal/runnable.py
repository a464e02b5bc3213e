"""A transformer with its encoders: can be run, saved and loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.generation import generate
from shoal.limits import Limits
from shoal.pickling import pack, unpack
from shoal.rasp.values import Value, show_value
from shoal.shown import shown_fields
from shoal.targets.target import ForwardPass, Runner, module_of, runner_of, write_to
from shoal.transformer.encoders import InputEncoder, OutputDecoder
from shoal.transformer.storage import load_arrays, save_arrays
from shoal.transformer.weights import Array, Weights
from shoal.views import Plots, arrays_card


@dataclass(frozen=True, eq=False)
class AppliedModel:
    """The result of ``Model.apply``, with Tracr's attributes.

    Attributes:
        decoded: BOS, then one value for each token.
        residuals: the stream [1, positions, d_model] after each half-layer.
        layer_outputs: what each half-layer adds.
        attn_logits: [1, heads, queries, keys] of each layer.
        transformer_output: the stream at the end.
        input_embeddings: the stream before half-layer 0.
        unembedded: [1, positions, coordinates], what ``decoded`` is read from.
    """

    __repr__ = shown_fields

    decoded: list[Value]
    residuals: list[Array]
    layer_outputs: list[Array]
    attn_logits: list[Array]
    transformer_output: Array
    input_embeddings: Array
    unembedded: Array

    def _repr_html_(self) -> str:
        """What a notebook shows: the values, and the shapes of what was computed."""
        return arrays_card("result", self, self.decoded)


@dataclass(frozen=True, eq=False)
class ModelConfig:
    """The shape of a model under Tracr's names (and the size of values besides)."""

    num_heads: int
    num_layers: int
    key_size: int
    value_size: int
    mlp_hidden_size: int
    causal: bool
    dropout_rate: float = 0.0
    layer_norm: bool = False

    @property
    def activation_function(self) -> Callable[[Any], Any]:
        """ReLU, as JAX has it."""
        import jax  # only those who ask for JAX's function pay for importing it

        return jax.nn.relu


@dataclass(frozen=True, eq=False)
class Transformer:
    """A transformer that computes a program.

    Attributes:
        weights: the NumPy arrays.
        input_encoder: from tokens to numbers.
        output_encoder: from the result's coordinates to values.
    """

    weights: Weights
    input_encoder: InputEncoder
    output_encoder: OutputDecoder

    def __repr__(self) -> str:
        sizes = self.weights.sizes
        layers = "1 layer" if sizes.num_layers == 1 else f"{sizes.num_layers} layers"
        return (
            f"<{type(self).__name__}{self._what}: {layers}, residual width {sizes.d_model}, "
            f"{self.num_parameters:,} parameters>"
        )

    @property
    def _what(self) -> str:
        """What it computes, for people, with a blank before it."""
        return ""

    @property
    def plot(self) -> Plots:
        """Pictures with matplotlib, such as ``model.plot.attention(tokens)``."""
        return Plots(self)

    def run(self, tokens: Sequence[Value], backend: str = "numpy") -> list[Value]:
        """The program's result on a sequence.

        Args:
            tokens: without BOS.
            backend: one of ``shoal.targets.target.RUNNERS``: "numpy" (at once), "haiku" (compiled
                by JAX), "torch", or for models that were compiled here "craft" (in double
                precision).

        Raises:
            InvalidInputError: the sequence does not fit the model, or the backend cannot run it.
        """
        return self.run_batch([tokens], backend)[0]

    def run_batch(
        self, sequences: Sequence[Sequence[Value]], backend: str = "numpy"
    ) -> list[list[Value]]:
        """The program's results on sequences of any lengths, in one forward pass."""
        return self._results(self._runner(backend), sequences)

    def _results(
        self, run: Runner, sequences: Sequence[Sequence[Value]], *more: Any
    ) -> list[list[Value]]:
        """What a runner gives for sequences of any lengths."""
        each = self.checked(sequences)
        if not each:
            return []
        result = run(self.ids(each), *more).result
        return [
            self.output_encoder.decode(rows[1 : 1 + len(tokens)])
            for rows, tokens in zip(result, each, strict=True)
        ]

    def run_ids(
        self, ids: npt.NDArray[np.int32], backend: str = "numpy", **more: Any
    ) -> ForwardPass:
        """A forward pass on numbers of tokens [batch, positions]; see ``ids``."""
        passed: ForwardPass = self._runner(backend)(ids, **more)
        return passed

    def generate(
        self,
        prompt: Sequence[Value],
        max_new_tokens: int,
        stop: Iterable[Value] = (),
        backend: str = "numpy",
    ) -> list[Value]:
        """A prompt, and the tokens that a causal program lets follow.

        Args:
            prompt: at least one token, without BOS.
            max_new_tokens: how many follow at most.
            stop: tokens after which nothing follows. Nothing follows None either, nor a sequence
                as long as the model can read.
            backend: as of ``run``; "torch" keeps keys and values of earlier positions.

        Raises:
            InvalidInputError: the model is not causal, the prompt does not fit it, or a result is
                no token.
        """
        if not self.weights.causal:
            raise InvalidInputError(
                "only causal programs generate: in others every token changes what was said "
                "before; compile with causal=True"
            )
        if backend == "torch":
            next_value = module_of("torch").next_value(self)
        else:
            next_value = lambda sequence: self.run(sequence, backend)[-1]  # noqa: E731
        return generate(next_value, self.input_encoder, prompt, max_new_tokens, stop)

    def apply(self, tokens: Sequence[Value]) -> AppliedModel:
        """Run the Haiku model on a sequence that begins with BOS, as Tracr's ``apply`` does.

        Raises:
            InvalidInputError: BOS is missing, or the sequence does not fit the model.
        """
        ids = np.array([self.input_encoder.encode(tokens)], dtype=np.int32)
        passed = self._runner("haiku")(ids)
        values = self.output_encoder.decode(passed.result[0, 1:])
        is_pad = ids[0, 1:] == self.input_encoder.pad_encoding
        pad = self.input_encoder.pad_token
        decoded = [pad if p else value for p, value in zip(is_pad, values, strict=True)]
        return AppliedModel(
            [self.input_encoder.bos_token, *decoded],
            list(passed.residuals),
            list(passed.layer_outputs),
            list(passed.attn_logits),
            (passed.residuals or (passed.input_embeddings,))[-1],
            passed.input_embeddings,
            passed.result,
        )

    @property
    def params(self) -> dict[str, dict[str, Array]]:
        """The weights under Tracr's Haiku names."""
        return self.weights.haiku_params()

    @property
    def num_parameters(self) -> int:
        """All entries of ``params``."""
        return self.weights.num_parameters

    @property
    def num_parameters_with_unembedding(self) -> int:
        """The same, and the entries of the unembedding, which has a row for each result."""
        weights = self.weights
        return self.num_parameters + weights.unembedding_w.size + weights.unembedding_b.size

    @property
    def model_config(self) -> ModelConfig:
        """The shape under Tracr's names."""
        sizes = self.weights.sizes
        return ModelConfig(
            num_heads=sizes.num_heads,
            num_layers=sizes.num_layers,
            key_size=sizes.key_size,
            value_size=sizes.value_size,
            mlp_hidden_size=sizes.mlp_hidden_size,
            causal=self.weights.causal,
        )

    @property
    def num_layers(self) -> int:
        """Attention + MLP pairs."""
        return self.weights.sizes.num_layers

    @property
    def num_heads(self) -> int:
        """Heads of each layer."""
        return self.weights.sizes.num_heads

    @property
    def key_size(self) -> int:
        """Dimensions in which queries and keys of a head meet."""
        return self.weights.sizes.key_size

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.weights.sizes.d_model

    @property
    def mlp_hidden_size(self) -> int:
        """Neurons of each MLP."""
        return self.weights.sizes.mlp_hidden_size

    def to_torch(self, dtype: Any = None, device: Any = None) -> Any:
        """The model as a ``torch.nn.Module``; see ``shoal.targets.in_torch``.

        Args:
            dtype: ``torch.float32`` (the usual one) or ``torch.float64``.
            device: where it is to be.

        Raises:
            InvalidInputError: PyTorch is not installed, or the model is not exact in that type.
        """
        return module_of("torch").to_torch(self, dtype, device)

    def to_transformer_lens(self, hooked: bool = False) -> Any:
        """The model in TransformerLens; see ``shoal.targets.to_transformer_lens``.

        Args:
            hooked: whether it is to be a ``HookedTransformer``, which tools for finding circuits
                ask for, also where TransformerLens has a bridge.

        Raises:
            InvalidInputError: TransformerLens is not installed, or cannot hold the model.
        """
        return module_of("transformer-lens").to_transformer_lens(self, hooked)

    def to_onnx(self, path: str | Path | None = None) -> Any:
        """The model as an ``onnx.ModelProto``, which is written to a file if one is named.

        Raises:
            InvalidInputError: ONNX is not installed or cannot hold the model, or the file cannot be
                written.
        """
        if path is not None:
            write_to("onnx", self, path)
        return module_of("onnx").to_onnx(self)

    def save(self, path: str | Path) -> None:
        """Write the weights and encoders to an ``.npz`` file (see ``load``).

        The file is there whole, or as it was before.

        Raises:
            InvalidInputError: a value is not a number, string, bool, None or tuple of those, or
                the file cannot be written.
        """
        save_arrays(Path(path), self.weights, self.input_encoder, self.output_encoder)

    @staticmethod
    def load(path: str | Path, limits: Limits | None = None) -> Transformer:
        """Read a transformer that ``save`` wrote.

        Args:
            path: the file.
            limits: ``model_bytes`` is the most memory that its weights may take.

        Raises:
            InvalidInputError: the file is not there, is no saved transformer, is damaged, or is
                too large; nothing is built before that is known.
        """
        return Transformer(*load_arrays(Path(path), limits))

    def __copy__(self) -> Self:
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(**{k: copy.deepcopy(v, memo) for k, v in self._state().items()})

    def __reduce__(self) -> tuple[Any, ...]:
        return unpack, (type(self), pack(self._state()))

    def _state(self) -> dict[str, Any]:
        """The fields, without what was computed from them on the way."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _runner(self, backend: str) -> Runner:
        """What runs this model on a target; made once."""
        if not isinstance(backend, str):
            raise InvalidInputError(f"a backend has a name, and is not {show_value(backend)}")
        if backend not in self._runners:
            self._runners[backend] = runner_of(backend, self)
        return self._runners[backend]

    @cached_property
    def _runners(self) -> dict[str, Runner]:
        return {}

    def checked(self, sequences: Sequence[Sequence[Value]]) -> list[list[Value]]:
        """Several sequences as lists.

        Raises:
            InvalidInputError: they are none.
        """
        wrong = InvalidInputError(
            f"{show_value(sequences)} is no list of sequences; give a list of lists of tokens"
        )
        if isinstance(sequences, str | bytes | Set | Mapping):
            raise wrong
        try:
            each = list(sequences)
        except TypeError:
            raise wrong from None
        return [self.input_encoder.as_list(sequence) for sequence in each]

    def ids(self, sequences: Sequence[Sequence[Value]]) -> npt.NDArray[np.int32]:
        """The numbers of tokens [batch, max_seq_len + 1]: BOS first, PAD last.

        All batches of one size have one shape, which JAX compiles once.

        Raises:
            InvalidInputError: a sequence does not fit the model.
        """
        encoder = self.input_encoder
        encoded = [encoder.encode_tokens(tokens) for tokens in self.checked(sequences)]
        ids = np.full((len(encoded), encoder.max_seq_len + 1), encoder.pad_encoding, np.int32)
        ids[:, 0] = encoder.bos_encoding
        for row, numbers in zip(ids, encoded, strict=True):
            row[1 : 1 + len(numbers)] = numbers
        return ids
