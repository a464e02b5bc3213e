"""``compile_rasp_to_model``: compile with Tracr's signature, for Tracr's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shoal.compiler.pipeline import compile_with
from shoal.model import Model
from shoal.options import CompileOptions
from shoal.rasp.expressions import Map, SOp
from shoal.rasp.values import Value
from shoal.tracr import AssembledTransformerModel, as_tracr


def compile_rasp_to_model(
    program: SOp,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool = False,
    compiler_bos: str = "compiler_bos",
    compiler_pad: str = "compiler_pad",
    mlp_exactness: int = 100,
    *,
    passes: str | Iterable[str] = "none",
    reuse: bool = False,
    **options: Any,
) -> AssembledTransformerModel:
    """Compile with Tracr's signature; the model has the attributes of Tracr's.

    One component an expression, and one label a column for the whole network; the result is
    one-hot (or a number) under ``name:value``. Where it can be None, that is a class of its own,
    with a column that wins an argmax where all others are 0.

    Args:
        program: the s-op to compute.
        vocab: the tokens.
        max_seq_len: the greatest number of tokens.
        causal: whether positions see only themselves and earlier ones.
        compiler_bos: the token that every sequence begins with.
        compiler_pad: the token that fills sequences up.
        mlp_exactness: has no effect: MLPs are exact.
        passes: "all" for fewer layers, and names that may not all be in the stream.
        reuse: whether columns are used again, which makes them hold several things.
        options: further ones of ``shoal.compile``, such as ``allocator`` and ``budget``.

    Raises:
        ShoalError: as ``shoal.compile``; refusals are ``NotImplementedError`` as well.
    """
    del mlp_exactness

    def compiled(wanted: SOp) -> Model:
        made = CompileOptions(
            vocab,  # type: ignore[arg-type]  # options take what users give
            max_seq_len,
            causal,
            bos=compiler_bos,
            pad=compiler_pad,
            passes=passes,  # type: ignore[arg-type]
            reuse=reuse,
            **{"result": "one-hot", **options},
        )
        return compile_with(wanted, made, equal_sizes=True)

    return as_tracr(_one_hot(program, compiled))


def _one_hot(program: SOp, compiled: Callable[[SOp], Model]) -> Model:
    """The model of a program; with a look-up at its end where its result is no one-hot value.

    An average of classes is a distribution over what is averaged, which no argmax decodes.
    """
    model = compiled(program)
    result = model.atlas.result
    is_plain = result.is_number or (result.shows_classes and len(result.variables) == 1)
    is_own = len(result.matrix) == result.matrix.shape[1] and not result.bias.any()
    if is_plain and (is_own or result.is_number):
        return model
    before = program.named(f"{program.name}_before")
    return compiled(Map(_itself, before, simplify=False).named(program.name))


def _itself(value: Value) -> Value:
    return value
