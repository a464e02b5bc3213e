"""Running models while named values are replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import Atlas
from shoal.atlas.basis import require_compiled
from shoal.atlas.patch import Patch
from shoal.atlas.readers import Readers
from shoal.atlas.reading import Reader
from shoal.atlas.writing import Writer
from shoal.errors import InvalidInputError
from shoal.rasp.values import Value, show_value
from shoal.runnable import Transformer
from shoal.targets.hooks import stream_hook
from shoal.targets.target import ForwardPass
from shoal.transformer.edits import Edit, stacked
from shoal_solvers import ALTERNATING

Inputs = Sequence[Sequence[Value]]


def edits_for(
    model: Transformer, readers: Readers, inputs: Inputs, patches: Sequence[Any]
) -> tuple[Edit, ...]:
    """The edits of a batch.

    Args:
        model: runs other inputs, and this one where that is needed.
        readers: who reads what in it.
        inputs: the batch.
        patches: the same for all inputs, or for each input a list of its own.
    """
    if isinstance(patches, Patch):
        patches = [patches]
    wrong = InvalidInputError(
        f"patches are a list of shoal.Patch for all inputs, or one such list for each of the "
        f"{len(inputs)} inputs; these are {show_value(patches)}"
    )
    if not isinstance(patches, Sequence):
        raise wrong
    if not all(isinstance(patch, Patch) for patch in patches):
        if len(patches) != len(inputs) or any(isinstance(patch, Patch) for patch in patches):
            raise wrong
        if not all(isinstance(own, Sequence) for own in patches):
            raise wrong
        each = [list(own) for own in patches]
    else:
        each = [list(patches)] * len(inputs)
    if any(each):
        require_compiled(readers.atlas, "a patch")

    clean: dict[bytes, Reader] = {}  # other inputs often are the same for the whole batch

    def run(tokens: Sequence[Value], edits: tuple[Edit, ...]) -> Reader:
        ids = model.ids([tokens])
        if not edits:
            if ids.tobytes() not in clean:
                passed = model.run_ids(ids)
                clean[ids.tobytes()] = reader_of(readers.atlas, passed, ids, 0, len(tokens))
            return clean[ids.tobytes()]
        passed = model.run_ids(ids, edits=stacked((edits,), ids.shape[1]))
        return reader_of(readers.atlas, passed, ids, 0, len(tokens))

    writer = Writer(readers, run)
    sequences = model.checked(inputs)
    made = tuple(writer.edits(tokens, own) for tokens, own in zip(sequences, each, strict=True))
    return stacked(made, model.input_encoder.max_seq_len + 1)


def reader_of(
    atlas: Atlas, passed: ForwardPass, ids: npt.NDArray[np.int32], row: int, length: int
) -> Reader:
    """What can be read of one input of a forward pass.

    Args:
        atlas: what is known of the model.
        passed: the forward pass of a batch.
        ids: its numbers of tokens.
        row: of the batch.
        length: of the input, without BOS.
    """
    there = slice(1, 1 + length)
    states = [stream[row, there] for stream in passed.states]
    return Reader(atlas, states, ids[row, there], passed.result[row, there])


def readers_of_cache(
    model: Transformer, atlas: Atlas, cache: Mapping[str, Any], inputs: Inputs
) -> list[Reader]:
    """What can be read of the inputs of a cached forward pass."""
    streams = _streams(cache, model.num_layers)
    states = [tensor.detach().cpu().numpy()[..., : model.d_model] for tensor in streams.values()]
    made = []
    for row, tokens in enumerate(model.checked(inputs)):
        there = slice(1, 1 + len(tokens))
        for state in states:
            if row >= len(state) or len(tokens) >= state.shape[1]:
                raise InvalidInputError(
                    f"the cache is of {len(state)} inputs of up to {state.shape[1] - 1} tokens; "
                    f"input {row} with {len(tokens)} tokens is not among them"
                )
        ids = np.array(model.input_encoder.encode_tokens(tokens), dtype=np.int32)
        made.append(Reader(atlas, [state[row, there] for state in states], ids))
    return made


def edited_cache(
    model: Transformer, cache: Mapping[str, Any], edits: tuple[Edit, ...], names: Set[str]
) -> dict[str, Any]:
    """The streams of a cache with values replaced at every half-layer at which they are held.

    Args:
        model: which the cache is of.
        cache: of a forward pass.
        edits: of its stream.
        names: of the values that are to be seen; what is computed from them stays as it was.

    Raises:
        InvalidInputError: a value is seen by some readers alone, which no stream shows; or it is no
            such cache.
    """
    edits = tuple(edit for edit in edits if edit.name in names)
    apart = next((edit.name for edit in edits if edit.read is not None), None)
    if apart is not None:
        raise InvalidInputError(
            f"{apart!r} would be replaced for some of its readers, and a cache has one stream for "
            "all of them; run with the hooks of Model.hooks instead"
        )
    made = {}
    for state, (name, tensor) in enumerate(_streams(cache, model.num_layers).items()):
        array = tensor.detach().cpu().numpy().copy()
        for edit in edits:
            if edit.state <= state <= edit.last:
                array[..., : model.d_model] = edit.applied(array[..., : model.d_model])
        made[name] = tensor.new_tensor(array)
    return made


def names_of(atlas: Atlas, patches: Sequence[Any]) -> set[str]:
    """The labels of the values that patches replace."""
    flat = [patch for own in patches for patch in ([own] if isinstance(own, Patch) else own)]
    return {value.label for patch in flat if (value := atlas.value(patch.name)) is not None}


def _streams(cache: Mapping[str, Any], num_layers: int) -> dict[str, Any]:
    """The streams [batch, positions, columns] in a cache, in order.

    Raises:
        InvalidInputError: it is neither a cache of TransformerLens nor activations of PyTorch.
    """
    for target in ("transformer-lens", "torch"):
        names = [stream_hook(target, s) for s in range(ALTERNATING.last_state(num_layers) + 1)]
        if all(name in cache for name in names):
            return {name: cache[name] for name in names}
    raise InvalidInputError(
        f"the cache does not have the stream of every half-layer, such as {names[0]!r}; take it "
        "from run_with_cache of TransformerLens, or from activations(ids) of a TorchTransformer"
    )
