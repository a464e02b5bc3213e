"""A test case: a compiled program, inputs in pairs, a metric, and what is true of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from shoal import compile as compile_program
from shoal.atlas.circuit import POSITIONS
from shoal.contract import agrees
from shoal.errors import InvalidInputError, InvalidOptionError, did_you_mean
from shoal.model import Model
from shoal.rasp.interpreter import evaluate
from shoal.rasp.values import Value
from shoal_analysis.circuits.checking import edges_of
from shoal_analysis.circuits.edge_patching import Edge, EdgePatching, EdgeRun
from shoal_analysis.circuits.names import edge_name, edges_from_names
from shoal_analysis.lab.cases.pairs import Pair, draw_pairs
from shoal_analysis.lab.cases.recipes import CASES, Recipe

STYLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"faithful": {"passes": "none", "reuse": False}, "shallow": {"passes": "all"}}
)
"""How a case is compiled: as it is written, each value in columns of its own; or as small as can
be, where columns are used again."""


@dataclass(frozen=True)
class Truth:
    """What a claim about the circuit is held against, on the pairs of a case.

    Attributes:
        required: edges that carry a value, and whose target writes something else when they carry
            what they carry on the corrupted input.
        allowed: what counts neither way: other edges of the circuit, which take part in clearing
            columns, tell BOS from tokens, or carry the same on both inputs; and all edges from the
            embedding of positions, of which nothing can be seen in inputs of one length.
        wrong: all others, which carry nothing on any input.
    """

    required: frozenset[Edge]
    allowed: frozenset[Edge]
    wrong: frozenset[Edge]


@dataclass(frozen=True, eq=False)
class Case:
    """A program whose circuit is known, with everything that a method asks for.

    Attributes:
        name: in the library, or of the program.
        recipe: the program, and what it is compiled for.
        style: one of ``STYLES``.
        seed: of the inputs.
        model: the compiled program.
        position: of the result that methods look at, without BOS.
        pairs: clean and corrupted inputs, all of one length.
    """

    name: str
    recipe: Recipe
    style: str
    seed: int
    model: Model
    position: int
    pairs: tuple[Pair, ...]

    def __repr__(self) -> str:
        return (
            f"<Case {self.name!r} ({self.style}, difficulty {self.recipe.difficulty}): "
            f"{len(self.pairs)} pairs of length {self.recipe.length}, looks at position "
            f"{self.position}>"
        )

    @property
    def clean(self) -> list[list[Value]]:
        """The clean inputs."""
        return [list(pair.clean) for pair in self.pairs]

    @property
    def corrupted(self) -> list[list[Value]]:
        """The corrupted inputs."""
        return [list(pair.corrupted) for pair in self.pairs]

    @cached_property
    def circuit(self) -> nx.MultiDiGraph:
        """The true circuit, with whole MLPs."""
        return self.model.circuit("head")

    @cached_property
    def patching(self) -> EdgePatching:
        """For interventions on single edges."""
        return EdgePatching(self.model)

    @cached_property
    def runs(self) -> tuple[EdgeRun, EdgeRun]:
        """The forward passes on all clean inputs, and on all corrupted ones."""
        ids = self.model.ids
        return self.patching.run(ids(self.clean)), self.patching.run(ids(self.corrupted))

    @cached_property
    def truth(self) -> Truth:
        """What is true of each edge that there could be."""
        every = edges_of(self.circuit)
        flowing = edges_of(self.circuit, flow_only=True)
        required = frozenset(edge for edge in flowing if self._is_used(edge))
        never = frozenset(edge for edge in self.patching.edges if edge.source == POSITIONS)
        wrong = frozenset(self.patching.edges) - every - never
        return Truth(required, (every | never) - required, wrong)

    def _is_used(self, edge: Edge) -> bool:
        """Whether its target does something else when it carries the corrupted input."""
        clean, corrupted = self.runs
        run = self.patching.patched(clean, [edge], corrupted.outputs)
        before, after = (r.outputs.get(edge.target, r.result) for r in (clean, run))
        return not np.allclose(before, after, rtol=1e-9, atol=1e-9)

    def named(self, edges: Iterable[Edge], convention: str) -> list[str]:
        """Edges as another tool calls them; see ``shoal_analysis.circuits.names``."""
        layers = self.model.num_layers
        return sorted({edge_name(edge, convention, layers) for edge in edges})

    def edges(self, names: Iterable[str], convention: str) -> frozenset[Edge]:
        """The edges that another tool calls so.

        Raises:
            InvalidInputError: there is no such edge in the model.
        """
        return edges_from_names(names, self.patching.edges, convention, self.model.num_layers)

    @cached_property
    def answers(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The wanted and the unwanted answer of each pair: number of the logit, or the number."""
        decoder = self.model.output_encoder
        wanted, unwanted = zip(*((p.wanted, p.unwanted) for p in self.pairs), strict=True)
        if decoder.codes is None:
            return np.array(wanted, dtype=np.float64), np.array(unwanted, dtype=np.float64)
        find = partial(_number, decoder.choices)
        return np.array([find(value) for value in wanted]), np.array(list(map(find, unwanted)))

    def metric(self, logits: Any) -> Any:
        """How far each answer is to the clean side: positive where the wanted one wins.

        Of categorical results it is the logit of the wanted less that of the unwanted answer; of
        numbers x, how much nearer x is to the wanted one, 2 x (w - u) - w^2 + u^2.

        Args:
            logits: of a batch of all pairs [pairs, positions with BOS, logits], as an array of
                NumPy or a tensor of PyTorch, in which gradients flow; of numbers, the numbers.

        Returns:
            [pairs].
        """
        rows = logits[:, self.position + 1]
        wanted, unwanted = self.answers
        if self.model.output_encoder.codes is None:
            convert = rows.new_tensor if hasattr(rows, "new_tensor") else np.asarray
            w, u = convert(wanted), convert(unwanted)
            return 2 * rows[:, 0] * (w - u) - w**2 + u**2
        each = range(len(self.pairs))
        return rows[each, wanted] - rows[each, unwanted]

    @cached_property
    def metrics(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The metric of all clean inputs, and of all corrupted ones: [pairs]."""
        clean, corrupted = self.runs
        return self.run_metric(clean), self.run_metric(corrupted)

    def run_metric(self, run: EdgeRun) -> npt.NDArray[np.float64]:
        """The metric of a run with patched edges: [pairs]."""
        logits = self.model.output_encoder.logits(run.result)
        return np.asarray(self.metric(run.result if logits is None else logits))


def make_case(
    program: str | Recipe, style: str = "shallow", seed: int = 0, pairs: int = 32
) -> Case:
    """A test case.

    Args:
        program: the name of one in the library (``CASES``), or a recipe of one's own.
        style: one of ``STYLES``.
        seed: of the inputs.
        pairs: how many; fewer if there are not so many.

    Raises:
        InvalidOptionError: there is no such style, or there are to be no pairs.
        InvalidInputError: there is no such case, or the program ignores its tokens.
        UnsupportedProgramError: the program cannot be compiled.
    """
    if style not in STYLES:
        raise InvalidOptionError(f"there is no style {style!r}; the styles are {', '.join(STYLES)}")
    if pairs < 1:
        raise InvalidOptionError(f"a case needs at least one pair of inputs, not {pairs}")
    name = program if isinstance(program, str) else "program"
    recipe = _recipe(program) if isinstance(program, str) else program
    model = compile_program(
        recipe.make(recipe.length),
        vocab=recipe.vocab,
        max_seq_len=recipe.length,
        causal=recipe.causal,
        **STYLES[style],
    )
    numerical = model.output_encoder.codes is None
    results = partial(evaluate, model.program, causal=recipe.causal)
    position, drawn = draw_pairs(results, recipe.vocab, recipe.length, pairs, seed, numerical)
    name = name if isinstance(program, str) else model.atlas.output
    return Case(name, recipe, style, seed, model, position, drawn)


def _recipe(name: str) -> Recipe:
    if name not in CASES:
        raise InvalidInputError(
            f"there is no case {name!r};{did_you_mean(name, CASES)} known: {', '.join(CASES)}. A "
            "program of your own is given as a Recipe"
        )
    return CASES[name]


def _number(choices: Sequence[Value], value: Value) -> int:
    """Which choice a value is: one of the same type before another that is equal."""
    same = [n for n, choice in enumerate(choices) if agrees(value, choice, numerical=False)]
    return min(same, key=lambda n: type(choices[n]) is not type(value))
