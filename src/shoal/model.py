"""A compiled program: a transformer, and everything that is known about how it came about."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from shoal.craft.model import CraftModel, run_craft
from shoal.errors import InvalidInputError
from shoal.lowering.held import Held
from shoal.lowering.lowered import LoweredProgram, chosen_result
from shoal.options import CompileOptions
from shoal.program.passes import Optimised
from shoal.program.rewriting import Saving
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value
from shoal.reading import Reader, node_named
from shoal.transformer.forward import forward
from shoal.transformer.runnable import Transformer
from shoal.variables import Variables, labels_at, variable_table
from shoal_solvers import ALTERNATING, Allocation, AllocationProblem, Result, Status


@dataclass(frozen=True, eq=False)
class Model(Transformer):
    """A compiled program.

    Attributes:
        program: the program that was compiled.
        options: what it was compiled for.
        optimised: the program before and after the passes, with what each saved.
        lowered: its variables and operations.
        problem: the allocation problem that it posed.
        allocated: the allocation with what is proven about it.
        craft: the model in craft, which can run itself.
        seconds: wall-clock time of each compile stage.
    """

    program: SOp
    options: CompileOptions
    optimised: Optimised
    lowered: LoweredProgram
    problem: AllocationProblem
    allocated: Result
    craft: CraftModel
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def allocation(self) -> Allocation:
        """Where every operation and variable is."""
        return self.allocated.allocation

    @property
    def result(self) -> Held:
        """How the program's result is held at the end."""
        return chosen_result(self.lowered, self.allocation)

    @property
    def savings(self) -> tuple[Saving, ...]:
        """What each pass saved."""
        return (*self.optimised.savings, *self.lowered.savings)

    @cached_property
    def variables(self) -> Variables:
        """For every s-op by name: where it lives, from when to when, in which encoding."""
        return variable_table(self.optimised, self.lowered, self.problem, self.allocation)

    @property
    def residual_labels(self) -> list[str]:
        """What each residual column holds at the end of the network, as ``name:value``."""
        return self.labels_at(ALTERNATING.last_state(self.num_layers))

    def read(self, name: str, tokens: Sequence[Value]) -> list[Value]:
        """The values of a named s-op, read from the residual stream of a forward pass.

        Args:
            name: its name, or one of its aliases.
            tokens: the input, without BOS.

        Returns:
            One value for each token, whether the s-op is materialised, a view, or fused.

        Raises:
            InvalidInputError: there is no such s-op, or the sequence does not fit the model.
        """
        node = node_named(self.optimised.original, name)
        encoder = self.input_encoder
        ids = np.array([[encoder.bos_encoding, *encoder.encode_tokens(tokens)]], dtype=np.int32)
        passed = forward(self.weights, ids, encoder.pad_encoding)
        states = [stream[0, 1:] for stream in (passed.input_embeddings, *passed.residuals)]
        present = {n: info for n, info in self.variables.items() if info.is_materialised}
        return Reader(self.optimised, self.lowered, present, states, ids[0, 1:]).values(node)

    def labels_at(self, half_layer: int) -> list[str]:
        """What each residual column holds just before a half-layer; "" where it is free.

        Args:
            half_layer: counted from 0, two for each layer; ``2 * num_layers`` is the end.

        Raises:
            InvalidInputError: there is no such half-layer.
        """
        end = ALTERNATING.last_state(self.num_layers)
        if half_layer not in range(end + 1):
            raise InvalidInputError(
                f"there is no half-layer {half_layer}; the model has {end}, "
                "counted from 0, and that number itself stands for the end"
            )
        return labels_at(self.variables, self.d_model, half_layer)

    def report(self) -> str:
        """The model's sizes, what is proven about them, and the time of each stage."""
        layers = self.allocated.objectives[0]
        proof = "optimal" if layers.status is Status.OPTIMAL else f"at least {layers.bound}"
        sizes = {
            "layers": f"{self.num_layers} ({proof} for these components)",
            "residual width": self.d_model,
            "heads x key size": f"{self.num_heads} x {self.key_size}",
            "neurons per MLP": self.mlp_hidden_size,
            "parameters": f"{self.num_parameters:,}",
            "vocab, length": f"{len(self.options.vocab)} tokens, up to {self.options.max_seq_len}",
            "attention": "causal" if self.options.causal else "bidirectional",
            "allocator": self.options.allocator,
        }
        total = sum(self.seconds.values())
        stages = ", ".join(f"{name} {1000 * s:.1f}" for name, s in self.seconds.items())
        lines = [f"{name:<17} {value}" for name, value in sizes.items()]
        for line, saving in enumerate(self.savings):
            head = "" if line else "passes"
            what = textwrap.wrap(f"{saving.count} {saving.what}", 40)
            lines.append(f"{head:<17} {saving.name:<21} {what[0]}")
            lines += [f"{'':<39} {further}" for further in what[1:]]
        if not self.savings:
            lines.append(f"{'passes':<17} none")
        for line, found in enumerate(self.optimised.original.raises.values()):
            lines += textwrap.wrap(
                f"{found.label}: {found.function} raises on {found.rows:,} of {found.of:,} values, "
                f"for example on {found.example}",
                initial_indent=f"{'' if line else 'undefined where':<17} ",
                subsequent_indent=f"{'':<17} ",
            )
        lines.append(f"{'compile time':<17} {1000 * total:.1f} ms ({stages})")
        return "\n".join(lines)

    def run_batch(
        self, sequences: Sequence[Sequence[Value]], backend: str = "numpy"
    ) -> list[list[Value]]:
        """As for every transformer; the backend "craft" runs the model in double precision."""
        if backend != "craft":
            return super().run_batch(sequences, backend)
        return [self._run_craft(ids) for ids in self._encoded(sequences)]

    def _run_craft(self, ids: list[int]) -> list[Value]:
        stream = run_craft(self.craft, ids)[-1]
        result = self.result.coordinates.read_from(self.craft.space, stream)
        return self.output_encoder.decode(result[1:])
