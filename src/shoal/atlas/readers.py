"""Who reads a named value, where in the weights, and whether anything reads around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import BOS, Atlas, NamedValue, Part, Reading
from shoal.atlas.basis import weights_in_columns
from shoal.atlas.patch import Patch
from shoal.transformer.edits import Read
from shoal.transformer.weights import Weights
from shoal_solvers import ALTERNATING

TOLERANCE = 1e-6
"""Of the largest weight: what is smaller is rounding."""


@dataclass(frozen=True, eq=False)
class Heard:
    """How an s-op, or the result, reads a value.

    Attributes:
        reads: what reads it, and by which reading of it.
        shared: other s-ops that the same head or helper serves in the same role.
        is_whole: whether it reads the value and nothing in its stead.
    """

    reads: tuple[tuple[Reading, Read], ...]
    shared: tuple[str, ...]
    is_whole: bool


@dataclass(frozen=True)
class Made:
    """How an s-op is computed.

    Attributes:
        parts: the components that do so, in order, and those of helpers that are there for it.
        variables: which of what they write is the s-op, or a helper for it.
    """

    parts: tuple[Part, ...]
    variables: frozenset[str]


@dataclass(frozen=True, eq=False)
class Readers:
    """Who reads what in a model, by its atlas and its weights.

    Attributes:
        atlas: what is known of the model.
        weights: of the model.
    """

    atlas: Atlas
    weights: Weights

    def held(self, value: NamedValue) -> tuple[Reading, ...]:
        """All ways in which the stream holds an s-op, or the blocks of its classes."""
        return (*value.readings, *((value.of_blocks,) if value.of_blocks is not None else ()))

    def own(self, value: NamedValue) -> tuple[Reading, ...]:
        """Those in which variables of the stream are the s-op's alone."""
        holder = value.holder
        return tuple(
            reading
            for reading in self.held(value)
            if (reading.is_raw and len(reading.variables) == 1)
            or {self.atlas.places[name].value for name in reading.variables} == {holder}
        )

    def consumers(self, label: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is computed from an s-op, with the s-ops on the way that no component computes.

        The result is among them where it is the s-op, or one of these.
        """
        if label == self.atlas.output:
            yield Patch.RESULT, ()
        for reader, path in self.reached(label).items():
            if self.parts_of(self.atlas.values[reader]):
                yield reader, path
            elif reader == self.atlas.output:
                yield Patch.RESULT, (*path, reader)

    def reached(self, label: str) -> dict[str, tuple[str, ...]]:
        """What is computed from an s-op, and what is on the way there, each with its own way."""
        found: dict[str, tuple[str, ...]] = {}
        on: dict[str, tuple[str, ...]] = {label: ()}
        for reader, sources in self.atlas.sources.items():
            before = [s for s in sources if s in on]
            if before:
                path = dict.fromkeys(x for s in before for x in (*on[s], *((s,) * (s != label))))
                found[reader] = tuple(path)
                if not self.parts_of(self.atlas.values[reader]):
                    on[reader] = found[reader]
        return found

    def led_to(self, label: str) -> set[str]:
        """The s-ops that depend on one, without itself."""
        reached = {label}
        for other, sources in self.atlas.sources.items():  # operands come first
            if reached & {*sources}:
                reached.add(other)
        return reached - {label}

    def variables_for(self, labels: set[str]) -> set[str]:
        """The variables of the stream that belong to s-ops."""
        return {place.name for place in self.atlas.places.values() if place.value in labels}

    def read_by(self, value: NamedValue) -> set[str]:
        """The variables of all ways in which an s-op is held."""
        return {name for reading in self.held(value) for name in reading.variables}

    def reads_around(
        self, label: str, seen: Mapping[str, tuple[str, ...]], is_everywhere: bool
    ) -> str | None:
        """An s-op that a value leads to, and that is computed from what the value is made of.

        It would not notice that the value, or what follows from it, has changed. One that reads the
        value as it is to be may in another role read something else that follows from it.

        Args:
            label: of the value.
            seen: s-ops that are known to read it as it is to be, with the s-ops on the way there.
            is_everywhere: whether the value is replaced in the stream, and not for some readers.
        """
        before = set() if is_everywhere else {label}
        todo = [label]
        while todo:
            sources = self.atlas.mentioned[todo.pop()]
            todo += [source for source in sources if source not in before]
            before.update(sources)
        variables, led_to = self.variables_for(before), self.led_to(label)
        for other in led_to:
            value = self.atlas.values[other]
            on_the_way = {label, *seen[other]} if other in seen else set()
            for part in self.parts_of(value):
                for role, units in self._roles(part, value.holder):
                    operands = self.atlas.operands_in(other, role, part.rules)
                    if on_the_way and (on_the_way & {*operands} or not led_to & {*operands}):
                        continue
                    allowed = set(self._read_for(operands, led_to))
                    used = {*self._used(part, role, units)}
                    if used & variables - allowed:
                        return other
                    is_around = any(self._is_passed_over(o, used) for o in led_to & {*operands})
                    if not is_everywhere and other not in seen and is_around and used & variables:
                        return other
        on_the_way = {label, *seen[Patch.RESULT]} if Patch.RESULT in seen else set()
        changed = led_to | ({label} if is_everywhere else set())
        return self.atlas.output if self._result_reads_around(changed, on_the_way) else None

    def _is_passed_over(self, label: str, used: set[str]) -> bool:
        """Whether an s-op is held, and a component that needs it reads it in no way."""
        value = self.atlas.values[label]
        return bool(self.held(value)) and not self.read_by(value) & used

    def _result_reads_around(self, changed: set[str], on_the_way: set[str]) -> bool:
        """Whether the decoder reads something that changes from what does not.

        Args:
            changed: s-ops whose variables follow what is replaced.
            on_the_way: s-ops that the decoder is known to read as they are to be.
        """
        used = set(self.atlas.result.variables)
        agenda, visited = [self.atlas.output], {self.atlas.output}
        while agenda:
            label = agenda.pop()
            value = self.atlas.values[label]
            own = {name for reading in self.own(value) for name in reading.variables}
            if label in on_the_way or label not in changed or own & used:
                continue
            views = [{*r.variables} for r in value.readings if r.variables]
            views = [names for names in views if names <= used and label != self.atlas.output]
            if views:
                if not any(all(self._owner(n) in changed for n in names) for names in views):
                    return True
                continue
            more = {*self.atlas.mentioned[label]} - visited
            visited |= more
            agenda += more
        return False

    def _owner(self, variable: str) -> str | None:
        return self.atlas.places[variable].value

    def heard(self, reader: str, path: tuple[str, ...], value: NamedValue) -> Heard:
        """How a consumer reads a value; see ``_hear``."""
        key = (reader, path, value.label)
        if key not in self._known:
            self._known[key] = self._hear(*key[:2], value)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[str, ...], str], Heard]:
        return {}

    def _hear(self, reader: str, path: tuple[str, ...], value: NamedValue) -> Heard:
        """How a consumer reads a value.

        Args:
            reader: one of ``consumers``.
            path: the s-ops on the way.
            value: what is read.
        """
        readings = self.held(value)
        if reader == Patch.RESULT:
            return self._by_result(path, value)
        consumer = self.atlas.values[reader]
        holder = consumer.holder
        on_the_way = {value.label, *path}
        reads: list[tuple[Reading, Read]] = []
        whole, served, used = True, {consumer.label}, set()
        for part in self.parts_of(consumer):
            for role, units in self._roles(part, holder):
                operands = self.atlas.operands_in(reader, role, part.rules)
                others = set(self._others(operands, on_the_way, value))
                found = [(r, self._sees(part.half_layer, role, units, r)) for r in readings]
                hits = [r for r, sees in found if sees is True]
                mine = {name for r in hits[:1] for name in r.variables}
                allowed = {BOS, *mine, *others, *self._made_for(consumer), *self._embedded}
                here = set(self._used(part, role, units))
                used |= here
                whole &= here <= allowed
                if not hits:
                    whole &= all(sees is None for _, sees in found) or not on_the_way & {*operands}
                elif on_the_way & {*operands}:
                    whole &= not mine & others
                    reads.append((hits[0], Read(part.half_layer, role, units)))
                    served.update(self._served(part, role, units))
        shared = tuple(sorted(served - {consumer.label}))
        steps = (*path, reader) if consumer.table is not None else path
        mine = self.read_by(value)
        whole &= bool(reads) and self._is_computed(steps, on_the_way, used - mine)
        return Heard(tuple(reads), shared, whole)

    def _is_computed(self, steps: tuple[str, ...], on_the_way: set[str], used: set[str]) -> bool:
        """Whether steps are computed from all their operands, none of which is inferred."""
        return all(
            label in on_the_way
            or self.atlas.values[label].is_constant
            or used & {*self._variables_of(label)}
            for step in steps
            for label in self.atlas.sources[step]
        )

    def _made_for(self, consumer: NamedValue) -> set[str]:
        """Variables of an s-op and of its helpers."""
        return {name for part in self.parts_of(consumer) for name in part.writes}

    @cached_property
    def _embedded(self) -> frozenset[str]:
        """What is nobody's, and the embedding provides: it is the same whatever is replaced."""
        places = self.atlas.places.values()
        return frozenset(p.name for p in places if p.value is None and p.written_by is None)

    def _others(
        self, operands: Iterable[str], on_the_way: set[str], value: NamedValue
    ) -> Iterator[str]:
        """The variables by which operands are read that are not, and lead not to, a value."""
        for label in operands:
            if label not in on_the_way:
                yield from self._variables_of(label)
            elif label != value.label:
                yield from self._others(self.atlas.mentioned[label], on_the_way, value)

    def _read_for(self, operands: Iterable[str], changed: set[str]) -> Iterator[str]:
        """What operands are read from, but for what has changed, which is read as it is."""
        for label in operands:
            if label not in changed:
                yield from self._variables_of(label)
            elif not self.held(self.atlas.values[label]):
                yield from self._read_for(self.atlas.mentioned[label], changed)

    def _by_result(self, path: tuple[str, ...], value: NamedValue) -> Heard:
        end = ALTERNATING.last_state(self.weights.sizes.num_layers)
        units = tuple(range(len(self.weights.unembedding_b)))
        found = [(r, self._sees(end, "result", units, r)) for r in self.held(value)]
        reads = tuple((r, Read(end, "result", units)) for r, sees in found if sees)[:1]
        mine = self.read_by(value)
        allowed = set(mine)
        on_the_way = {value.label, *path}
        for label in path:
            allowed |= set(self._others(self.atlas.mentioned[label], on_the_way, value))
        used = set(self.atlas.result.variables)
        whole = bool(reads) and used <= allowed and self._is_computed(path, on_the_way, used - mine)
        return Heard(reads, (), whole)

    def _variables_of(self, label: str) -> Iterator[str]:
        """What holds an s-op, or what it is made of where nothing holds it."""
        value = self.atlas.values[label]
        yield from self.read_by(value)
        if not self.held(value):
            for operand in self.atlas.mentioned[label]:
                yield from self._variables_of(operand)

    def parts_of(self, value: NamedValue) -> tuple[Part, ...]:
        """The components that compute an s-op, and helpers that are there for it."""
        return self._made[value.holder].parts

    @cached_property
    def _made(self) -> dict[str, Made]:
        """How each s-op is computed, by label."""
        own = {
            label: {name for reading in self.own(value) for name in reading.variables}
            for label, value in self.atlas.values.items()
            if value.replaced_by is None
        }
        for place in self.atlas.places.values():
            if place.value is not None:
                own.setdefault(place.value, set()).add(place.name)
        replaced = {value.replaced_by for value in self.atlas.values.values() if value.replaced_by}
        nothing = dict.fromkeys(replaced, Made((), frozenset()))
        return {**nothing, **{label: self._making(label, own) for label in own}}

    def _making(self, label: str, own: Mapping[str, set[str]]) -> Made:
        """Components of an s-op's variables, and of helpers that are nobody's."""
        others = {name for other, names in own.items() if other != label for name in names}
        parts: dict[int, Part] = {}
        variables: set[str] = set()
        todo = list(own[label])
        while todo:
            name = todo.pop()
            variables.add(name)
            for number, part in enumerate(self.atlas.parts):
                if part.kind != "erasure" and name in part.writes and number not in parts:
                    parts[number] = part
                    todo += [
                        read
                        for read in part.reads
                        if self.atlas.places[read].value is None and read not in others
                    ]
        return Made(tuple(parts[number] for number in sorted(parts)), frozenset(variables))

    def _served(self, part: Part, role: str, units: tuple[int, ...]) -> Iterator[str]:
        """The s-ops that units of a component work for in a role."""
        for label, made in self._made.items():
            if part not in made.parts:
                continue
            own = dict(self._roles(part, label))[role]
            if {*own} & {*units}:
                yield label

    def _roles(self, part: Part, label: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The roles of a component, with the units that work for an s-op."""
        if part.kind != "head":
            yield "hidden", tuple(range(part.first, part.first + part.size))
            return
        sizes = self.weights.sizes
        keys = range(part.first * sizes.key_size, (part.first + 1) * sizes.key_size)
        yield "query", tuple(keys)
        yield "key", tuple(keys)
        layer = self._weights.layers[ALTERNATING.layer(part.half_layer)]
        columns = [
            column
            for name in part.writes
            if len(part.writes) == 1 or name in self._made[label].variables
            for column in self.atlas.places[name].columns
        ]
        values = range(part.first * sizes.value_size, (part.first + 1) * sizes.value_size)
        yield "value", tuple(unit for unit in values if layer.output_w[unit, columns].any())

    def _used(self, part: Part, role: str, units: tuple[int, ...]) -> Iterator[str]:
        """The variables that units read at all."""
        matrix = self._matrix(part.half_layer, role)
        for name in part.reads:
            if matrix[np.ix_(self.atlas.places[name].columns, units)].any():
                yield name

    def _sees(
        self, half_layer: int, role: str, units: tuple[int, ...], reading: Reading
    ) -> bool | None:
        """Whether units read a value by a reading alone; None if they read nothing of it."""
        if not reading.variables or not units:
            return None
        places = [self.atlas.places[name] for name in reading.variables]
        if not all(place.first <= half_layer <= place.last for place in places):
            return None
        columns = [column for place in places for column in place.columns]
        weights = self._matrix(half_layer, role)[np.ix_(columns, units)].astype(float)
        least = TOLERANCE * np.abs(weights).max(initial=0)
        if not least:
            return None
        through = reading.matrix @ np.linalg.lstsq(reading.matrix, weights, rcond=None)[0]
        return bool(np.abs(through - weights).max() <= least)

    @cached_property
    def _weights(self) -> Weights:
        return weights_in_columns(self.atlas, self.weights)

    def _matrix(self, half_layer: int, role: str) -> npt.NDArray[np.float32]:
        if role == "result":
            return self._weights.unembedding_w
        layer = self._weights.layers[ALTERNATING.layer(half_layer)]
        found: npt.NDArray[np.float32] = getattr(layer, f"{role}_w")
        return found
