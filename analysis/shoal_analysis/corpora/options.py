"""What a corpus is made of, and under which terms it is given."""

from __future__ import annotations

from dataclasses import dataclass

from shoal.errors import InvalidOptionError
from shoal.options import pass_names
from shoal_analysis.engine.folder import Kind

SCHEMA = "1"
"""Of folder, index and shards; another one is read by another version of Shoal."""

LICENCE = "cc0-1.0"
"""Of the data, as Hugging Face names it: random programs, and what a compiler makes of them."""

PACKAGES = ("shoal", "numpy", "ortools", "networkx")
"""Another version of these may draw other programs, or place them otherwise."""

CORPUS = Kind(
    "corpus",
    (*PACKAGES, "safetensors", "pyarrow"),
    inside="work",
    facts=(("schema", SCHEMA), ("licence", LICENCE)),
)
"""The last two write files, for which they need not be the same on workers."""

BALANCES = ("depth", "constructs")
"""What a corpus can be balanced over."""


@dataclass(frozen=True)
class CorpusOptions:
    """What a corpus is made of; kept in its folder, so that it can be resumed.

    How many models there are is no option: a larger corpus begins with the smaller one.

    Attributes:
        seed: two corpora with one seed are the same.
        most_steps: the greatest number of steps in which a program is written.
        max_seq_len: for which programs are compiled.
        causal: whether attention is.
        passes: "all", "none", or names of passes.
        balance: over what it is balanced; see ``BALANCES``.
        shard_models: so many models are in one shard, at most.

    Raises:
        InvalidOptionError: one of them makes no sense.
    """

    seed: int = 0
    most_steps: int = 14
    max_seq_len: int = 6
    causal: bool = False
    passes: str | tuple[str, ...] = "all"
    balance: tuple[str, ...] = ()
    shard_models: int = 1000

    def __post_init__(self) -> None:
        pass_names(self.passes)
        for name, least, most in (
            ("most_steps", 2, 1000),
            ("max_seq_len", 1, 64),
            ("shard_models", 1, 10**6),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise InvalidOptionError(f"{name} is {value}; give a number from {least} to {most}")
        odd = [name for name in self.balance if name not in BALANCES]
        if odd:
            raise InvalidOptionError(
                f"a corpus cannot be balanced over {odd[0]!r}; known: {', '.join(BALANCES)}"
            )
