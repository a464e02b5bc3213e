"""A part as a PyTorch module that adds into a host's residual stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from shoal.arrays import Array, Float
from shoal.errors import InvalidInputError
from shoal.rasp.values import show_value
from shoal.targets.in_torch import to_torch
from shoal_analysis.lab.transplants.coordinates import Coordinates, require_names
from shoal_analysis.lab.transplants.maps import LinearMap

if TYPE_CHECKING:
    from shoal_analysis.lab.transplants.part import CompiledPart


class Input(nn.Module):
    """From a host's stream to what an input adds to the part's.

    Attributes:
        read: the map from the host's stream to the input's coordinates.
        add: from these to the part's stream, as its embedding has it.
    """

    def __init__(
        self,
        coordinates: Coordinates,
        read: LinearMap,
        embedding: Float[Array, "coordinates d_model"],
        harden: bool,
    ) -> None:
        super().__init__()
        self.read = _linear(read)
        self.add = _linear(LinearMap(embedding))
        self.harden = harden
        numbers = torch.tensor(coordinates.values if coordinates.codes is None else ())
        self.register_buffer("numbers", numbers.to(torch.float32))

    def forward(self, stream: Tensor) -> Tensor:
        """[batch, positions, d_model of the part] for a stream [batch, positions, d_host]."""
        read: Tensor = self.read(stream)
        if self.harden:
            nearest = self._nearest(read)
            soft = read if len(self.get_buffer("numbers")) else read.softmax(dim=-1)
            # straight through: gradients are those of what is soft (Bengio et al. 2013)
            read = soft + (nearest - soft).detach()
        result: Tensor = self.add(read)
        return result

    def _nearest(self, read: Tensor) -> Tensor:
        numbers = self.get_buffer("numbers")
        if len(numbers):
            return numbers[(read - numbers).abs().argmin(dim=-1)][..., None]
        return functional.one_hot(read.argmax(dim=-1), read.shape[-1]).to(read.dtype)


class Transplant(nn.Module):
    """A compiled part, as a half-layer or some layers of a host.

    ``transplant(stream)`` is what it adds to the host's stream [batch, positions, d_host]. Its
    weights and maps are frozen; gradients pass through it. It runs on a stream of its own, with a
    BOS of its own before the host's first token.

    Modules, in the part's order of inputs and outputs: ``inputs.0`` (with ``read`` and ``add``),
    ``part`` (a ``TorchTransformer``), and ``outputs.0``, from the part's stream to the host's.
    """

    def __init__(
        self,
        part: CompiledPart,
        reads: Mapping[str, LinearMap],
        writes: Mapping[str, LinearMap],
        *,
        harden: bool,
        skip: int,
    ) -> None:
        super().__init__()
        self.d_host = _width_of_host(part, reads, writes)
        if isinstance(skip, bool) or not isinstance(skip, int) or skip < 0:
            raise InvalidInputError(
                f"skip is {show_value(skip)}; give the number of positions before the host's "
                "first token, 0 or more"
            )
        self.skip, self.max_seq_len = skip, part.model.input_encoder.max_seq_len
        self.part = to_torch(part.model)
        self.inputs = nn.ModuleList(
            Input(one.coordinates, reads[name], one.embedding, harden)
            for name, one in part.inputs.items()
        )
        self.register_buffer("bias", torch.tensor(part.bias, dtype=torch.float32))
        self.outputs = nn.ModuleList(
            _linear(LinearMap(output.matrix @ writes[name].matrix, writes[name](output.bias)))
            for name, output in part.outputs.items()
            if name in writes
        )
        self.requires_grad_(False)
        self.eval()

    def forward(self, stream: Tensor, there: Tensor | None = None) -> Tensor:
        """What is added to the host's stream [batch, positions, d_host].

        Args:
            stream: the host's.
            there: [batch, positions], whether a position holds a token; all do, but for those that
                are skipped, if it is not given. Tokens come first. Nothing is added elsewhere.

        Raises:
            InvalidInputError: the stream is of another width or too long, or ``there`` does not fit
                it.
        """
        there = self._checked(stream, there)
        tokens = stream[:, self.skip :].to(self.bias.dtype)
        with torch.autocast(stream.device.type, enabled=False):
            final = self._run(tokens, there)
            update = sum((write(final) for write in self.outputs), tokens.new_zeros(()))
            update = update * there[..., None]
        return functional.pad(update, (0, 0, self.skip, 0)).to(stream.dtype)

    def _run(self, tokens: Tensor, there: Tensor) -> Tensor:
        """The part's stream at its end, at the tokens' positions."""
        places = torch.arange(tokens.shape[1] + 1, device=tokens.device)
        positions = self.part.pos_embed(places)
        bos = self.part.embed.weight[self.part.bos] + positions[0]
        added = sum((one(tokens) for one in self.inputs), self.get_buffer("bias"))
        start = torch.cat([bos.expand(len(tokens), 1, -1), added + positions[1:]], dim=1)
        keys = functional.pad(there, (1, 0), value=True)
        visible = keys[:, None, None, :].expand(-1, 1, len(places), -1)
        if self.part.causal:
            visible = visible.tril()
        return self.part.run_layers(self.part.start(start), visible)[:, 1:]

    def _checked(self, stream: Tensor, there: Tensor | None) -> Tensor:
        """[batch, positions], which positions after those that are skipped hold a token."""
        if stream.ndim != 3 or stream.shape[-1] != self.d_host:
            raise InvalidInputError(
                f"the stream has the shape {tuple(stream.shape)}, and the part's maps are for "
                f"[batch, positions, {self.d_host}]; fit maps on this host's own activations"
            )
        count = stream.shape[1] - self.skip
        if not 1 <= count <= self.max_seq_len:
            raise InvalidInputError(
                f"the stream has {stream.shape[1]} positions, {self.skip} of which are skipped; "
                f"the part is for 1 to {self.max_seq_len} tokens: compile it with a greater "
                "max_seq_len, or see to skip"
            )
        if there is None:
            return torch.ones(len(stream), count, dtype=torch.bool, device=stream.device)
        if there.shape != stream.shape[:2]:
            raise InvalidInputError(
                f"`there` has the shape {tuple(there.shape)}, and the stream's positions are "
                f"{tuple(stream.shape[:2])}; give one truth value for each of them"
            )
        there = there[:, self.skip :].bool()
        if (there[:, 1:] & ~there[:, :-1]).any():
            raise InvalidInputError(
                "`there` has a token after a position that holds none; a part counts positions "
                "from the first token, so PAD comes last: pad on the right"
            )
        return there


def _width_of_host(
    part: CompiledPart, reads: Mapping[str, LinearMap], writes: Mapping[str, LinearMap]
) -> int:
    """The width of the host's stream, on which all maps agree."""
    require_names(reads, part.inputs, "input")
    require_names(writes, part.outputs, "output", all_of_them=False)
    if not writes:
        raise InvalidInputError(
            f"nothing is written; give a map for at least one of {', '.join(part.outputs)}"
        )
    widths = {
        f"reads {name!r}": _width(given, f"reads {name!r}", 0, part.inputs[name].coordinates.size)
        for name, given in reads.items()
    } | {
        f"writes {name!r}": _width(
            given, f"writes {name!r}", 1, part.outputs[name].coordinates.size
        )
        for name, given in writes.items()
    }
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"what {what} is for {width}" for what, width in widths.items())
        raise InvalidInputError(
            f"the maps are for hosts of different widths: {listed}; fit all on one host's stream"
        )
    return next(iter(widths.values()))


def _width(given: Any, what: str, axis: int, size: int) -> int:
    """The width of the host that a map is for.

    Args:
        given: the map.
        what: it does, in words.
        axis: of its matrix that is the host's.
        size: of the other axis, which is the part's.
    """
    if not isinstance(given, LinearMap):
        raise InvalidInputError(
            f"what {what} is {show_value(given)}, and no LinearMap; of a Fit give its `map`"
        )
    has = given.matrix.shape[1 - axis]
    if has != size:
        raise InvalidInputError(
            f"what {what} has {has} coordinates, and the part's has {size}; use `of(values)` of "
            "the part's input or output for fitting"
        )
    return int(given.matrix.shape[axis])


def _linear(given: LinearMap) -> nn.Linear:
    """A map as a module, in single precision."""
    module = nn.Linear(given.dimensions, given.results)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(given.matrix.T)))
        module.bias.copy_(torch.from_numpy(np.asarray(given.bias)))
    return module
