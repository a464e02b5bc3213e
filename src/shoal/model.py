"""A compiled program: a transformer, and everything that is known about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import networkx as nx

from shoal.atlas.atlas import Atlas, Saved
from shoal.atlas.basis import require_columns, weights_in_columns
from shoal.atlas.circuit import circuit
from shoal.atlas.explain import Step, explain
from shoal.atlas.patch import Patch
from shoal.atlas.readers import Readers
from shoal.atlas.storage import load_file, save_file
from shoal.atlas.survey import Stages, survey
from shoal.atlas.variables import Variables, variable_table
from shoal.craft.model import CraftModel
from shoal.errors import InvalidInputError
from shoal.files import write_text
from shoal.interventions import edited_cache, edits_for, names_of, reader_of, readers_of_cache
from shoal.limits import Limits
from shoal.lowering.held import Held
from shoal.lowering.lowered import LoweredProgram, chosen_result
from shoal.narrowing.narrow import JOINT
from shoal.options import CompileOptions
from shoal.program.passes import Optimised
from shoal.rasp.expressions import SOp
from shoal.rasp.values import Value, show_value
from shoal.report import report
from shoal.runnable import Transformer
from shoal.targets.target import editing_runner_of, module_of
from shoal.threads import one_thread
from shoal.transformer.edits import Edit
from shoal.views import explorer_page, model_card
from shoal_solvers import ALTERNATING, Allocation, AllocationProblem, Result


@dataclass(frozen=True, eq=False, repr=False)
class Model(Transformer):
    """A compiled program.

    Attributes:
        stages: what the stages of its compilation made; None if it was loaded.
        loaded: what was known about it when it was saved; None if it was compiled here.
    """

    stages: Stages | None
    loaded: Atlas | None = None

    @property
    def _what(self) -> str:
        return f" of {self.atlas.output!r}"

    @cached_property
    def atlas(self) -> Atlas:
        """Everything that is known about it."""
        if self.loaded is not None:
            return self.loaded
        with one_thread():  # a rank may depend on the order in which sums are added up
            return survey(self._stages)

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall-clock time of each compile stage."""
        return self.atlas.seconds if self.stages is None else self.stages.seconds

    @property
    def savings(self) -> tuple[Saved, ...]:
        """What each pass and rule saved."""
        return self.atlas.savings

    @cached_property
    def variables(self) -> Variables:
        """For every s-op by name: where it lives, from when to when, in which form."""
        return variable_table(self.atlas)

    @property
    def residual_labels(self) -> list[str]:
        """What each residual column holds at the end of the network, as ``name:value``."""
        return self.labels_at(ALTERNATING.last_state(self.num_layers))

    def read(self, name: str, tokens: Sequence[Value], *patches: Patch) -> list[Value]:
        """The values of a named s-op, read from the residual stream of a forward pass.

        Args:
            name: its name, or one of its aliases.
            tokens: the input, without BOS.
            patches: what is replaced meanwhile.

        Returns:
            One value for each token, whether the s-op is materialised, a view, or fused.

        Raises:
            InvalidInputError: there is no such s-op, or the sequence does not fit the model.
        """
        if not isinstance(name, str):
            raise InvalidInputError(f"the name of an s-op is a text, not {show_value(name)}")
        ids = self.ids([tokens])
        passed = self.run_ids(ids, edits=self.edits([tokens], patches))
        length = len(self.checked([tokens])[0])
        return reader_of(self.atlas, passed, ids, 0, length).read(name)

    @cached_property
    def given_up(self) -> tuple[str, ...]:
        """Named s-ops that cannot be read, where the pass "joint" gives names up for columns.

        Found by reading each of them on one input that is as long as there may be.
        """
        if JOINT not in self.atlas.passes:
            return ()
        encoder = self.input_encoder
        tokens = list(islice(cycle(encoder.vocab), encoder.max_seq_len))
        if encoder.promised is not None:
            ids = max(encoder.promised.inputs, key=len)
            tokens = [encoder.vocab[number] for number in ids]
        numbers = self.ids([tokens])
        reader = reader_of(self.atlas, self.run_ids(numbers), numbers, 0, len(tokens))
        return tuple(
            v.label for v in self.atlas.values.values() if v.is_named and not reader.has(v)
        )

    def write(
        self, name: str, tokens: Sequence[Value], values: Sequence[Value], backend: str = "numpy"
    ) -> list[Value]:
        """The program's result on a sequence while a named s-op has other values.

        Args:
            name: its name, or one of its aliases.
            tokens: the input, without BOS.
            values: one for each token; None where nothing is selected.
            backend: "numpy" or "torch".

        Raises:
            InvalidInputError: there is no such s-op or value, or the sequence does not fit.
            UnwritableError: it is not there to be replaced.
        """
        return self.patch(tokens, Patch.values(name, values), backend=backend)

    def patch(
        self, tokens: Sequence[Value], *patches: Patch, backend: str = "numpy"
    ) -> list[Value]:
        """The program's result on a sequence while named s-ops are replaced.

        Args:
            tokens: the input, without BOS.
            patches: what is replaced, together; of one s-op the later; see ``shoal.Patch``.
            backend: "numpy" or "torch".

        Raises:
            InvalidInputError: there is no such s-op or value, or the sequence does not fit.
            UnwritableError: an s-op is not there to be replaced.
        """
        return self.patch_batch([tokens], patches, backend)[0]

    def patch_batch(
        self,
        inputs: Sequence[Sequence[Value]],
        patches: Sequence[Patch] | Sequence[Sequence[Patch]],
        backend: str = "numpy",
    ) -> list[list[Value]]:
        """The same for several inputs in one forward pass.

        Args:
            inputs: of any lengths, without BOS.
            patches: for all inputs, or for each input a list of its own.
            backend: "numpy" or "torch".
        """
        run = editing_runner_of(backend, self)
        inputs = self.checked(inputs)
        return self._results(run, inputs, self.edits(inputs, patches))

    def edits(
        self,
        inputs: Sequence[Sequence[Value]],
        patches: Sequence[Patch] | Sequence[Sequence[Patch]],
    ) -> tuple[Edit, ...]:
        """What patches change in the residual stream of a batch, for those who run it themselves.

        ``module.edited(edits)`` of ``to_torch()`` is a context in which forward passes find them.
        """
        return edits_for(self, self._readers, inputs, patches)

    def hooks(
        self,
        inputs: Sequence[Sequence[Value]],
        patches: Sequence[Patch] | Sequence[Sequence[Patch]],
    ) -> list[tuple[str, Any]]:
        """Patches as the ``fwd_hooks`` of TransformerLens's ``run_with_hooks``.

        Args:
            inputs: the batch that it will run; see ``ids``.
            patches: as of ``patch_batch``.
        """
        edits = self.edits(inputs, patches)
        hooks: list[tuple[str, Any]] = module_of("transformer-lens").lens_hooks(self, edits)
        return hooks

    def read_cache(
        self, name: str, cache: Mapping[str, Any], inputs: Sequence[Sequence[Value]]
    ) -> list[list[Value]]:
        """The values of a named s-op for each input of a cached forward pass.

        Args:
            name: its name, or one of its aliases.
            cache: of TransformerLens's ``run_with_cache``, or a ``TorchTransformer``'s
                ``activations``.
            inputs: what it ran.
        """
        return [reader.read(name) for reader in readers_of_cache(self, self.atlas, cache, inputs)]

    def patch_cache(
        self,
        cache: Mapping[str, Any],
        inputs: Sequence[Sequence[Value]],
        patches: Sequence[Patch] | Sequence[Sequence[Patch]],
    ) -> dict[str, Any]:
        """The streams of a cache, by name, with s-ops replaced wherever they are held.

        Nothing is computed anew: what the s-ops lead to stays as it was.
        """
        return edited_cache(self, cache, self.edits(inputs, patches), names_of(self.atlas, patches))

    @cached_property
    def _readers(self) -> Readers:
        return Readers(self.atlas, self.weights)

    @staticmethod
    def load(path: str | Path, limits: Limits | None = None) -> Transformer:
        """Read a model that ``save`` wrote; see ``shoal.load``."""
        return load(path, limits)

    def labels_at(self, half_layer: int) -> list[str]:
        """What each residual column holds just before a half-layer; "" where it is free.

        Args:
            half_layer: counted from 0, two for each layer; ``2 * num_layers`` is the end.

        Raises:
            InvalidInputError: there is no such half-layer, or the stream was rotated.
        """
        require_columns(self.atlas, "a list of labels")
        end = ALTERNATING.last_state(self.num_layers)
        if half_layer not in range(end + 1):
            raise InvalidInputError(
                f"there is no half-layer {half_layer}; the model has {end}, "
                "counted from 0, and that number itself stands for the end"
            )
        return self.atlas.labels_at(half_layer, self.d_model)

    def explain(self) -> list[Step]:
        """What it does, half-layer by half-layer; embeddings come first, as half-layer -1."""
        return explain(self.atlas, self.num_layers)

    def circuit(self, level: str = "neurons") -> nx.MultiDiGraph:
        """The circuit in the weights: who reads what of whom, as text and numbers alone.

        Nodes are embeddings, heads, groups of neurons and the result; edges say in which role
        (query, key, value or input) which columns are read, which value they hold, whether they
        take part in clearing columns alone, and whether they tell BOS from tokens. Whatever is no
        edge can be changed without changing anything. See ``shoal.atlas.circuit``.

        Args:
            level: "neurons", with a node for each group of neurons; or "head", with one for each
                MLP, as other tools have them.

        Raises:
            InvalidInputError: there is no such level.
        """
        return circuit(self.atlas, weights_in_columns(self.atlas, self.weights), level)

    def _repr_html_(self) -> str:
        """What a notebook shows: a card with sizes, proofs, the program and its values."""
        return model_card(self)

    def save_html(self, path: str | Path) -> None:
        """Write a page that shows the model and runs it: one file, which needs no network.

        Raises:
            InvalidInputError: the file cannot be written.
        """
        write_text(path, explorer_page(self))

    def report(self) -> str:
        """The model's sizes, what is proven about them, and the time of each stage."""
        return report(self, self.atlas, self.given_up)

    @property
    def width_bound(self) -> int | None:
        """No fewer columns hold what the components of the model read of the stream.

        None if the model is too large to tell.
        """
        return self.atlas.width_bound

    def save(self, path: str | Path) -> None:
        """Write the model, with all that is known about it, to a safetensors file (see ``load``).

        A name that ends with ``.npz`` gets the weights and encoders alone, as NumPy reads them. The
        file is there whole, or as it was before.

        Raises:
            InvalidInputError: a value is not a number, string, bool, None or tuple of those, or
                the file cannot be written.
        """
        if Path(path).suffix == ".npz":
            super().save(path)
        else:
            save_file(Path(path), self, self.atlas)

    def to_huggingface(
        self, folder: str | Path, head: str = "token-classification", overwrite: bool = False
    ) -> Path:
        """Write the model as a stock GPT-2, with a tokenizer and a card, into a folder.

        Args:
            folder: which ``from_pretrained`` of Hugging Face reads.
            head: "token-classification", a value for each token; or "lm", the next token, for
                causal programs whose results are tokens.
            overwrite: whether a folder that is there may be replaced.

        Returns:
            The folder.

        Raises:
            InvalidInputError: Hugging Face's packages are not installed, or cannot hold the model,
                or the folder is there already.
        """
        place: Path = module_of("huggingface").to_huggingface(self, folder, head, overwrite)
        return place

    # What the stages made.

    @property
    def _stages(self) -> Stages:
        if self.stages is None:
            raise InvalidInputError(
                "this model was loaded: the program, and what the stages of its compilation made, "
                "are not saved with it; compile it again, or ask its atlas"
            )
        return self.stages

    @property
    def program(self) -> SOp:
        """The program that was compiled."""
        return self._stages.program

    @property
    def options(self) -> CompileOptions:
        """What it was compiled for."""
        return self._stages.options

    @property
    def optimised(self) -> Optimised:
        """The program before and after the passes."""
        return self._stages.optimised

    @property
    def lowered(self) -> LoweredProgram:
        """Its variables and operations."""
        return self._stages.lowered

    @property
    def problem(self) -> AllocationProblem:
        """The allocation problem that it posed."""
        return self._stages.problem

    @property
    def allocated(self) -> Result:
        """The allocation, with what is proven about it."""
        return self._stages.allocated

    @property
    def allocation(self) -> Allocation:
        """Where every operation and variable is."""
        return self._stages.allocated.allocation

    @property
    def craft(self) -> CraftModel:
        """The model in craft, which can run itself."""
        return self._stages.craft

    @property
    def result(self) -> Held:
        """How the program's result is held at the end."""
        return chosen_result(self.lowered, self.allocation)


def load(path: str | Path, limits: Limits | None = None) -> Transformer:
    """Read a model that ``save`` wrote.

    Args:
        path: the file.
        limits: ``model_bytes`` is the most memory that its weights may take.

    Returns:
        A ``Model``; or a ``Transformer`` from a file that holds no more, such as those of the first
        format.

    Raises:
        InvalidInputError: the file is not there, is no saved model, is damaged, or is too large;
            nothing is built before that is known.
    """
    transformer, atlas = load_file(Path(path), limits)
    if atlas is None:
        return transformer
    parts = (transformer.weights, transformer.input_encoder, transformer.output_encoder)
    return Model(*parts, stages=None, loaded=atlas)
