"""A part: a compiled program whose inputs a host provides, and whose outputs a host reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shoal.arrays import Array, Float
from shoal.compiler.pipeline import compile
from shoal.errors import InvalidInputError
from shoal.model import Model
from shoal.options import rules_alone
from shoal.rasp.expressions import RASPExpr, SOp, TokensType
from shoal.rasp.traversal import postorder
from shoal.rasp.values import Value, show_value
from shoal.shown import shown_fields
from shoal.targets.target import module_of
from shoal_analysis.lab.transplants.coordinates import require_names
from shoal_analysis.lab.transplants.inputs import (
    InputVariable,
    Numbers,
    declared,
    embedded,
    s_ops,
    tokens_of,
)
from shoal_analysis.lab.transplants.maps import LinearMap
from shoal_analysis.lab.transplants.outputs import OutputVariable, outputs_of


@dataclass(frozen=True, eq=False)
class CompiledPart:
    """A compiled program that can be put into another model.

    Attributes:
        model: the program, whose tokens are tuples with one element for each input (or the values
            themselves where there is one input). It runs by itself as any model does.
        inputs: what a host provides, by name.
        outputs: what a host reads, by name: the program's result, and what it keeps.
        bias: [d_model], what the embedding adds to the stream whatever the inputs are.
    """

    __repr__ = shown_fields

    model: Model
    inputs: Mapping[str, InputVariable]
    outputs: Mapping[str, OutputVariable]
    bias: Float[Array, " d_model"]

    def run(self, **inputs: Sequence[Value]) -> list[Value]:
        """The program's result, for values of each input at every position.

        Raises:
            InvalidInputError: an input is missing or unknown, they differ in length, or a value is
                none of the input's.
        """
        require_names(inputs, self.inputs, "input")
        columns = [list(inputs[name]) for name in self.inputs]
        if len(set(map(len, columns))) > 1:
            lengths = ", ".join(f"{name} has {len(inputs[name])}" for name in self.inputs)
            raise InvalidInputError(f"inputs have one value for each position, but {lengths}")
        is_single = len(columns) == 1
        return self.model.run(columns[0] if is_single else list(zip(*columns, strict=True)))

    def to_torch(
        self,
        reads: Mapping[str, LinearMap],
        writes: Mapping[str, LinearMap],
        *,
        harden: bool = True,
        skip: int = 0,
    ) -> Any:
        """The part as a ``torch.nn.Module`` that adds into a host's stream.

        Args:
            reads: for each input a map from the host's stream to the input's coordinates.
            writes: for outputs a map from their coordinates to the host's stream; what is left out
                is not written.
            harden: whether coordinates that are read are rounded to the nearest value.
            skip: positions of the host before its first token, such as a BOS of its own; nothing is
                added there.

        Returns:
            A ``Transplant``; see ``shoal_analysis.lab.transplants.in_torch``.

        Raises:
            InvalidInputError: PyTorch is not installed, a name is unknown, a map is missing or does
                not fit the part, or the maps are for hosts of different widths.
        """
        module_of("torch")
        from shoal_analysis.lab.transplants.in_torch import Transplant

        return Transplant(self, reads, writes, harden=harden, skip=skip)


def part_of(
    program: Callable[..., SOp],
    *,
    inputs: Mapping[str, Iterable[Value] | Numbers],
    max_seq_len: int,
    result: str = "one-hot",
    **options: Any,
) -> CompiledPart:
    """Compile a program whose inputs are variables that a host provides.

    Args:
        program: from s-ops under the names of the inputs to the s-op of the result. What is to be
            read besides the result is wrapped in ``rasp.keep``.
        inputs: for each its values; ``Numbers(values)`` for what a host provides as a number.
        max_seq_len: the greatest number of the host's positions that hold a token.
        result: "one-hot", or "code" for a result that may be one number for each value, which often
            saves the neurons that would take it apart.
        options: others of ``shoal.compile``. Nothing is looked up by the whole input, which is
            that of the host.

    Raises:
        InvalidInputError: inputs do not fit the program, or have too many combinations of values.
        ProgramError, InvalidOptionError, UnsupportedProgramError, BudgetError: as of
            ``shoal.compile``.
    """
    found = declared(inputs)
    if "vocab" in options:
        raise InvalidInputError("a part's vocab is made of its inputs' values; drop `vocab`")
    root = _made(program, s_ops(found))
    options["passes"] = rules_alone(options.get("passes", "all"))
    model = compile(root, vocab=tokens_of(found), max_seq_len=max_seq_len, result=result, **options)
    variables, bias = embedded(found, model.input_encoder.vocab, model.weights.token_embedding)
    by_name = {one.coordinates.name: one for one in variables}
    return CompiledPart(model, by_name, outputs_of(model), bias)


def _made(program: Callable[..., SOp], sops: Mapping[str, SOp]) -> SOp:
    """The program, of the inputs' s-ops."""
    if isinstance(program, SOp) or not callable(program):
        raise InvalidInputError(
            f"a part is made by a function of its inputs, not {show_value(program)}; give "
            f"`lambda {', '.join(sops)}: ...`"
        )
    try:
        inspect.signature(program).bind(**sops)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"the inputs are {', '.join(sops)}, and the program takes others: {error}; give its "
            "arguments the inputs' names"
        ) from None
    root = program(**sops)
    if len(sops) > 1 and isinstance(root, SOp) and any(map(_is_token, postorder(root))):
        raise InvalidInputError(
            "the program reads `tokens`, which a part has none of; read its inputs "
            f"({', '.join(sops)})"
        )
    return root


def _is_token(expression: RASPExpr) -> bool:
    return isinstance(expression, TokensType) and expression.element is None
