"""On how many inputs models are wrong if matrix products do not run at the highest precision.

Accelerators may round the factors of a float32 product to TF32 (10 bits of mantissa) or bfloat16
(7 bits) and add up in float32. That is emulated here: every matrix product of the forward pass
has its factors rounded, and nothing else. Compiled models need all 23 bits.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track
from rich.table import Table

import shoal
from benchmarks.agreement import inputs
from shoal.contract import all_agree
from shoal.rasp.annotations import is_numerical
from shoal.rasp.stock import STOCK, StockProgram
from shoal.transformer.weights import LayerWeights, Weights

MANTISSAS = {"float32": 23, "TF32": 10, "bfloat16": 7}
"""Bits of the mantissa, without the leading one."""


class Rounded(np.ndarray):
    """An array whose matrix products round their factors to ``bits`` of mantissa."""

    bits = 23

    def __array_finalize__(self, source: object) -> None:
        self.bits = getattr(source, "bits", 23)

    def __array_ufunc__(self, ufunc: Any, method: str, *factors: Any, **options: Any) -> Any:
        plain = [np.asarray(factor) for factor in factors]
        if ufunc is np.matmul:
            plain = [rounded(factor, self.bits) for factor in plain]
        if "out" in options:
            options["out"] = tuple(np.asarray(array) for array in options["out"])
        result = getattr(ufunc, method)(*plain, **options)
        return as_rounded(result, self.bits) if isinstance(result, np.ndarray) else result


def as_rounded(array: npt.NDArray[Any], bits: int) -> Rounded:
    made = array.view(Rounded)
    made.bits = bits
    return made


def rounded(numbers: npt.NDArray[Any], bits: int) -> npt.NDArray[np.float32]:
    """Numbers rounded to nearest, ties to even, with so many bits of mantissa."""
    if bits == 23:
        return numbers.astype(np.float32)
    whole = numbers.astype(np.float32).view(np.uint32)
    drop = np.uint32(23 - bits)
    half = np.uint32((1 << (22 - bits)) - 1)
    odd = (whole >> drop) & np.uint32(1)
    return (((whole + half + odd) >> drop) << drop).view(np.float32)


def in_precision(weights: Weights, bits: int) -> Weights:
    """The same weights, whose products round their factors."""

    def made(holder: Any) -> dict[str, Any]:
        arrays = {f.name: getattr(holder, f.name) for f in fields(holder)}
        return {n: as_rounded(a, bits) for n, a in arrays.items() if isinstance(a, np.ndarray)}

    layers = tuple(LayerWeights(**made(layer)) for layer in weights.layers)
    return replace(weights, **made(weights), layers=layers)


def shares_wrong(stock: StockProgram, arguments: argparse.Namespace) -> list[float]:
    """The share of inputs on which each precision is wrong somewhere."""
    program = stock.make(stock.max_seq_len)
    model = shoal.compile(program, vocab=stock.vocab, max_seq_len=stock.max_seq_len)
    asked = inputs(stock, arguments.longest, arguments.random)
    wanted = [program(sequence) for sequence in asked]
    shares = []
    for bits in MANTISSAS.values():
        results = replace(model, weights=in_precision(model.weights, bits)).run_batch(asked)
        right = [
            all_agree(one, other, numerical=is_numerical(program))
            for one, other in zip(wanted, results, strict=True)
        ]
        shares.append(right.count(False) / len(right))
    return shares


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.low_precision", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--longest", type=int, default=4, help="every input up to this length")
    parser.add_argument("--random", type=int, default=500, help="so many longer inputs")
    arguments = parser.parse_args()
    table = Table(box=None, padding=(0, 1))
    table.add_column("inputs that are wrong in", no_wrap=True)
    for name in MANTISSAS:
        table.add_column(name, justify="right")
    names = [name for name, stock in STOCK.items() if stock.benchmark]
    in_float32 = 0.0
    for name in track(names, console=Console(stderr=True), transient=True):
        shares = shares_wrong(STOCK[name], arguments)
        in_float32 += shares[0]
        table.add_row(name, *(f"{share:.0%}" if share else "-" for share in shares))
    Console().print(table)
    return 1 if in_float32 else 0


if __name__ == "__main__":
    sys.exit(main())
