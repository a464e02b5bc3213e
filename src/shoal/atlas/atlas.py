"""What is known about a compiled model: what every value, column, head and neuron is.

Frozen data that knows nothing of the compiler's stages. It is saved with the model, so that whoever
loads the model can read its values by name, and draw, explain or report it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from shoal.errors import InvalidInputError
from shoal.rasp.values import Key, Value, canonical_key
from shoal.shown import shown_fields

Matrix = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int32]

BOS = "BOS"
"""The variable that marks the BOS position."""

RESULT = "result"
"""The node of a circuit that reads the program's result."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One way in which the stream holds a value.

    The coordinates are an affine function of the dimensions of variables; a class is what has the
    nearest code, and None the zero vector. A number is the first coordinate, and where it can be
    None a second one says whether it is there.

    Attributes:
        form: the name of the form.
        variables: the variables that are read.
        matrix: [dimensions of these variables, coordinates].
        bias: [coordinates].
        codes: [classes, coordinates]; None for numbers that are not listed.
        examples: [classes, and None if it can be; coordinates], what is read for each on some
            input, if that is not its code.
        is_number: whether the coordinates are a number, and its presence.
        shows_classes: whether there is one coordinate for each class.
        is_raw: whether the value is decoded from this, where it is needed.
        error: how far float32 may take a coordinate off.
        room: how far it may be off for the value to be read rightly.
    """

    __repr__ = shown_fields

    form: str
    variables: tuple[str, ...]
    matrix: Matrix
    bias: Matrix
    codes: Matrix | None
    is_number: bool
    shows_classes: bool
    is_raw: bool
    error: float
    room: float
    examples: Matrix | None = None

    @cached_property
    def inverse(self) -> Matrix:
        """[coordinates, dimensions], from a change of coordinates to the least that makes it."""
        return np.asarray(np.linalg.pinv(self.matrix), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NamedValue:
    """An s-op of the program as it was written.

    Attributes:
        label: its unique name.
        aliases: further names of it.
        op: what it does, in a word.
        inputs: the labels of its operands, selectors included.
        is_named: whether the user gave it a name.
        is_numerical: whether it was wished to be a number.
        is_kept: whether it was wished to be kept.
        nullable: whether it can be None.
        classes: the values besides None, in classes of which no network tells the members apart;
            None if they are too many to list.
        bounds: the least and the greatest number.
        table: by the classes of the inputs, its class (-1 for None, -2 for what never occurs).
        local: [tokens, positions], its class where token and position determine it.
        by_length: [lengths, positions], its class where length and position determine it, and not
            the position by itself; None in older files.
        replaced_by: the label of another s-op that stands for it, if one does.
        is_compiled: whether it, or what stands for it, is in the program that was compiled.
        made_from: the labels of what it is computed from there.
        blocks: for each class the block that it is merged into where no reader tells more apart.
        readings: the ways in which the stream holds it in full.
        of_blocks: a reading of its blocks, where they are held.
        default: of an aggregate or a width that is not computed, and is read through what it
            selects and averages: its class where nothing is selected (-1 for None, -2 for what
            never is so, and for widths). None for all others.
        fallback: the same of any other aggregate; None in older files.
        looks_at: of an aggregate whose head picks the best of the keys that match, the labels of
            what says so, in place of the counts that its selector compares. None for all others.
    """

    __repr__ = shown_fields

    label: str
    aliases: tuple[str, ...]
    op: str
    inputs: tuple[str, ...]
    is_named: bool
    is_numerical: bool
    is_kept: bool
    nullable: bool
    classes: tuple[tuple[Value, ...], ...] | None
    bounds: tuple[float, float]
    table: Classes | None
    local: Classes | None
    replaced_by: str | None
    is_compiled: bool
    made_from: tuple[str, ...]
    blocks: tuple[int, ...] | None
    readings: tuple[Reading, ...]
    of_blocks: Reading | None
    default: int | None = None
    by_length: Classes | None = None
    fallback: int | None = None
    looks_at: tuple[str, ...] | None = None

    @cached_property
    def class_of(self) -> dict[Key, int]:
        """The class of a value, by canonical key."""
        return {canonical_key(v): i for i, c in enumerate(self.classes or ()) for v in c}

    @property
    def holder(self) -> str:
        """The label of the s-op that is computed for it: its own, or that of its equal."""
        return self.replaced_by or self.label

    def values_of(self, classes: npt.NDArray[np.integer]) -> list[Value]:
        """One value for each class; None for None."""
        listed = self.classes or ()
        return [None if number < 0 else listed[number][0] for number in classes]

    @property
    def is_constant(self) -> bool:
        """Whether there is one possibility alone: a class, or None."""
        return self.classes is not None and len(self.classes) + self.nullable == 1

    @property
    def is_merged(self) -> bool:
        """Whether the stream holds blocks of its classes alone."""
        return self.blocks is not None


def _attended(value: NamedValue) -> tuple[str, ...]:
    """The labels of an s-op's inputs, or of what it looks at in place of its selector."""
    return value.inputs if value.looks_at is None else (*value.looks_at, *value.inputs[1:])


@dataclass(frozen=True, eq=False)
class Selector:
    """A selector of the program as it was written.

    Attributes:
        label: its unique name.
        op: what it does, in a word.
        inputs: the labels of its operands; of a select, keys and then queries.
        text: it, as a program would say it.
        is_constant: whether it selects everything, or nothing, whatever its operands are.
        predicate: of a select that is not constant, [queries, keys] whether it selects, by class (1
            or 0, and -2 for what never meets); None in older files.
        least: no query selects fewer keys, on any input.
        most: no query selects more; None if nothing is known.
    """

    __repr__ = shown_fields

    label: str
    op: str
    inputs: tuple[str, ...]
    text: str
    is_constant: bool
    predicate: Classes | None = None
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Place:
    """A variable of the residual stream.

    Attributes:
        name: the s-op's name, or the name of a helper value.
        value: the label of the s-op that it belongs to; None for helpers.
        words: how it holds the value, in words.
        parts: what each dimension says.
        columns: the residual column of each dimension.
        first: the first half-layer that can read it.
        last: the last half-layer that can read it; the number of half-layers if it is there at
            the end.
        written_by: the half-layer that writes it; None for what the embedding writes.
        largest: the greatest absolute value of a dimension; None if its file does not say.
    """

    name: str
    value: str | None
    words: str
    parts: tuple[str, ...]
    columns: tuple[int, ...]
    first: int
    last: int
    written_by: int | None
    largest: float | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """``name:value`` of each dimension, or the name alone of a number."""
        return tuple(f"{self.name}:{part}" if part else self.name for part in self.parts)


@dataclass(frozen=True)
class Part:
    """A head, or a group of neurons.

    Attributes:
        name: the variables that it writes, or clears.
        half_layer: where it is.
        kind: "head", "neurons", or "erasure".
        first: the number of the head, or of the first neuron, within its half-layer.
        size: how many neurons; 1 for a head.
        writes: the variables that it writes, or clears.
        reads: the variables that it reads, the mark of BOS left out.
        rules: for each variable that it writes, the rule that offered it.
    """

    name: str
    half_layer: int
    kind: str
    first: int
    size: int
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """What is proven about one objective, over the offers that there were.

    Attributes:
        objective: its name.
        value: what the model has.
        bound: no model of these components that is as good in the objectives before has less.
        within: under which limits on a layer.
    """

    objective: str
    value: int
    bound: int
    within: str = ""

    @property
    def is_optimal(self) -> bool:
        """Whether the value meets the bound."""
        return self.value <= self.bound


@dataclass(frozen=True)
class Saved:
    """What one pass or rule saved: how much of what."""

    name: str
    count: int
    what: str


@dataclass(frozen=True)
class Undefined:
    """A function that raises on some values, in words."""

    label: str
    text: str


@dataclass(frozen=True, eq=False)
class Atlas:
    """Everything that is known about a compiled model.

    Attributes:
        source: the program, as text.
        options: what it was compiled for, in words, by name.
        output: the label of the s-op that the model computes.
        result: how it is read at the end.
        values: the s-ops of the program as it was written, by label, operands first.
        places: the variables of the stream by name.
        parts: heads and groups of neurons, in order.
        proofs: what is proven, in the order of the objectives.
        savings: what each pass and rule saved.
        undefined: functions that raise somewhere.
        seconds: wall-clock time of each stage of compiling.
        selectors: the selectors of the program as it was written, by label; none in older files.
        claims: what later checks say of the model, by name.
        width_bound: no fewer columns hold what the components read of the stream; None if that is
            not known.
        spare: by variable, how many of its columns nothing needs where the stream is widest.
        looked_up: s-ops that no rule computes, and that are looked up by the whole input.
        behind_look_ups: the s-ops that these are computed from as they were written; the model does
            not compute them from these. Tokens are none of them where the tables follow them.
        basis: [d_model, columns] of a model whose stream was rotated or compressed: in the columns
            that the atlas speaks of it is ``stream @ basis``. Of rotated models it is orthogonal.
            None if the columns are the model's own.
    """

    __repr__ = shown_fields

    source: str
    options: Mapping[str, str]
    output: str
    result: Reading
    values: Mapping[str, NamedValue]
    places: Mapping[str, Place]
    parts: tuple[Part, ...]
    proofs: tuple[Proof, ...]
    savings: tuple[Saved, ...]
    undefined: tuple[Undefined, ...]
    seconds: Mapping[str, float]
    selectors: Mapping[str, Selector] = field(default_factory=lambda: MappingProxyType({}))
    claims: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    width_bound: int | None = None
    spare: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    looked_up: tuple[str, ...] = ()
    behind_look_ups: frozenset[str] = frozenset()
    basis: Matrix | None = None

    @property
    def passes(self) -> tuple[str, ...]:
        """The names of the passes that it was compiled with."""
        return tuple(self.options["passes"].split(", "))

    @cached_property
    def told_by_counts(self) -> frozenset[str]:
        """S-ops that fetch by a rank, and are told from how often each token occurs instead.

        And a result that the decoder tells from that.
        """
        owners = {self.places[name].value for name in self._from_counts if name in self.places}
        told = {self.output} if self.is_decided_by_counts else set()
        return frozenset(told | {label for label in owners if label is not None})

    @property
    def is_decided_by_counts(self) -> bool:
        """Whether the decoder tells the result from how often each token occurs."""
        return bool(self._from_counts & {*self.result.variables})

    @cached_property
    def _from_counts(self) -> frozenset[str]:
        """The variables that count tokens, or are made of such counts."""
        rules = {"histograms", "frequencies"}
        parts = [part for part in self.parts if not rules.isdisjoint(part.rules)]
        return frozenset(name for part in parts for name in part.writes)

    @cached_property
    def left_to_counts(self) -> frozenset[str]:
        """What those depend on as they are written, tokens included."""
        found: set[str] = set()
        for label, sources in reversed(self.sources.items()):  # operands come first
            if label in self.told_by_counts | found:
                found.update(sources)
        return frozenset(found)

    @cached_property
    def owners(self) -> frozenset[str]:
        """The s-ops that variables of the stream belong to."""
        return frozenset(p.value for p in self.places.values() if p.value is not None)

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """For each s-op the s-ops that it depends on, through selectors, as it is computed.

        That is as it was written, but for what looks at other things than its selector does.
        """
        return {label: self.through_selectors(_attended(v)) for label, v in self.values.items()}

    @cached_property
    def written_sources(self) -> dict[str, tuple[str, ...]]:
        """The same as it was written."""
        return {label: self.through_selectors(v.inputs) for label, v in self.values.items()}

    @cached_property
    def needed(self) -> frozenset[str]:
        """The s-ops that something in the model depends on, and those that are in it."""
        there = [label for label, value in self.values.items() if value.readings]
        return self.made_of((self.output, *there), self.sources)

    def made_of(
        self, labels: Sequence[str], sources: Mapping[str, tuple[str, ...]]
    ) -> frozenset[str]:
        """Some s-ops, and all that they are made of, by ``sources`` or ``written_sources``."""
        found, agenda = {*labels}, [*labels]
        while agenda:
            more = {*sources.get(agenda.pop(), ())} - found
            found |= more
            agenda += more
        return frozenset(found)

    @cached_property
    def mentioned(self) -> dict[str, tuple[str, ...]]:
        """The same, with operands of selectors that select the same whatever these are."""
        return {
            label: self.through_selectors(_attended(v), False) for label, v in self.values.items()
        }

    def operands_in(self, label: str, role: str, rules: Sequence[str] = ()) -> tuple[str, ...]:
        """The s-ops that an s-op needs in a role: "query", "key" or "value" of a head, or another.

        Args:
            label: of the s-op. Of elementwise functions all operands are in all roles.
            role: of a component that computes it.
            rules: by which that is there. A head that fetches a length reads positions as values.
        """
        if "length-gates" in rules:
            return self.mentioned[label]
        looks_at, inputs = self.values[label].looks_at, self.values[label].inputs
        if looks_at is not None and role in ("query", "key"):
            return looks_at
        selectors = [label for label in inputs if label in self.selectors]
        if not selectors or role not in ("query", "key", "value"):
            return self.mentioned[label]
        averaged = tuple(label for label in inputs if label not in self.selectors)
        if role == "value" and averaged:
            return averaged
        # a width averages nothing; what its keys are may tell them from BOS
        return self._sides(selectors[0], "query" if role == "query" else "key")

    def _sides(self, label: str, role: str) -> tuple[str, ...]:
        """The keys or queries of a selector."""
        selector = self.selectors[label]
        if any(operand in self.selectors for operand in selector.inputs):
            return tuple(s for operand in selector.inputs for s in self._sides(operand, role))
        return selector.inputs[:1] if role == "key" else selector.inputs[1:]

    def through_selectors(
        self, labels: tuple[str, ...], only_what_matters: bool = True
    ) -> tuple[str, ...]:
        """S-ops, and those of selectors in the selectors' place.

        Args:
            labels: of s-ops and selectors.
            only_what_matters: whether to leave out the operands of selectors that select the same
                whatever these are.
        """
        found: dict[str, None] = {}
        for label in labels:
            selector = self.selectors.get(label)
            if selector is None:
                found[label] = None
            elif not (selector.is_constant and only_what_matters):
                found |= dict.fromkeys(self.through_selectors(selector.inputs, only_what_matters))
        return tuple(found)

    def value(self, name: str) -> NamedValue | None:
        """The s-op of a name or alias; None if there is none."""
        if name in self.values:
            return self.values[name]
        return next((v for v in self.values.values() if name in v.aliases), None)

    def named(self, name: str) -> NamedValue:
        """The s-op of a name or alias.

        Raises:
            InvalidInputError: there is none; it lists the names.
        """
        value = self.value(name)
        if value is None:
            known = ", ".join(
                label for v in self.values.values() for label in (v.label, *v.aliases)
            )
            raise InvalidInputError(f"there is no s-op named {name!r}; the names are: {known}")
        return value

    def labels_at(self, half_layer: int, d_model: int) -> list[str]:
        """The label of each residual column just before a half-layer; "" for free columns."""
        labels = [""] * d_model
        for place in self.places.values():
            if place.first <= half_layer <= place.last:
                for column, label in zip(place.columns, place.labels, strict=True):
                    labels[column] = "tokens:BOS" if place.name == BOS else label
        return labels
