"""Reading any named s-op out of a forward pass, however it is held, by the atlas alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shoal.atlas.aggregating import aggregated, counted
from shoal.atlas.atlas import Atlas, NamedValue, Reading
from shoal.atlas.selecting import selection
from shoal.contract import agrees
from shoal.errors import UnreadableError
from shoal.forms.form import with_none
from shoal.forms.scores import Scores
from shoal.program.facts.lookup import NONE, UNDEFINED, Lookup
from shoal.rasp.values import Value, canonical_key, show_value
from shoal.transformer.decoding import code_logits

Classes = npt.NDArray[np.int_]

_MOST_OFF = 1e-2
"""How far off what is still a value may be, where values are far apart."""


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads s-ops from the states of one forward pass.

    S-ops are those of the program as it was written: what passes dropped or folded is looked up in
    tables from what is there, or selected and averaged as the program says.

    Attributes:
        atlas: what is known of the model.
        states: [positions, d_model] in every state, BOS left out.
        token_ids: [positions], the tokens' numbers.
        result: [positions, coordinates] that the decoder is given, if that is known.
    """

    atlas: Atlas
    states: Sequence[npt.NDArray[np.float32]]
    token_ids: npt.NDArray[np.int32]
    result: npt.NDArray[np.float32] | None = None

    def read(self, name: str) -> list[Value]:
        """The values of an s-op, one for each position.

        Raises:
            InvalidInputError: there is no s-op of that name.
            UnreadableError: it is not in the model, since nothing needs it.
        """
        value = self.atlas.named(name)
        reading = next(iter(value.readings), None)
        if reading is not None and reading.is_number:
            return self._numbers(value, reading)
        return self._choices(value)

    def has(self, value: NamedValue) -> bool:
        """Whether an s-op can be read."""
        try:
            self.read(value.label)
        except UnreadableError:
            return False
        return True

    def classes(self, name: str) -> Classes:
        """The class of an s-op at each position; NONE for None.

        Raises:
            InvalidInputError: there is no s-op of that name.
            UnreadableError: it is not in the model, or its values are not listed.
        """
        value = self.atlas.named(name)
        reading = next(iter(value.readings), None)
        if value.classes is None:
            raise UnreadableError(value.label, f"{value.label!r} has values that are not listed")
        if reading is None or reading.codes is not None:
            return self._classes(value)
        each = [value.class_of.get(canonical_key(v), NONE) for v in self._numbers(value, reading)]
        return np.array(each, dtype=int)

    def classes_by(self, value: NamedValue, reading: Reading) -> Classes:
        """The class of an s-op at each position that one of its readings with codes shows."""
        return self._nearest(reading, value.nullable)

    def _choices(self, value: NamedValue) -> list[Value]:
        """The first value of the class of an s-op at each position."""
        if value.classes is None:
            raise _unreadable(value, self.atlas)
        return value.values_of(self._classes(value))

    def _numbers(self, value: NamedValue, reading: Reading) -> list[Value]:
        _require_precise(value, reading)
        coordinates = self.coordinates(reading)
        there = coordinates[:, 1] > 0.5 if value.nullable else np.ones(len(coordinates), bool)
        return [
            float(number) if present else None
            for number, present in zip(coordinates[:, 0], there, strict=True)
        ]

    def _classes(self, value: NamedValue) -> Classes:
        """The class of an s-op's value at each position; NONE for None."""
        if value.readings:
            _require_precise(value, value.readings[0])
            return self._nearest(value.readings[0], value.nullable)
        # nothing in the stream holds it: look it up from its operands
        if value.local is not None:
            return value.local[self.token_ids, np.arange(len(self.token_ids))].astype(int)
        if value.is_constant:
            return np.full(len(self.token_ids), NONE if value.nullable else 0)
        if value.table is not None:
            return self._looked_up(value, Lookup(value.table))
        return self._selected(value)

    def _selected(self, value: NamedValue) -> Classes:
        """The class of what is not computed, from what it selects and averages.

        Or of an aggregate with a name of which too little is held, since nothing tells its values
        apart.
        """
        default = value.default
        if default is None and value.is_merged and value.is_named:
            default = value.fallback
        if default is None:
            raise _unreadable(value, self.atlas)
        length = len(self.token_ids)
        try:
            selected = selection(self.atlas, value.inputs[0], self.as_it_matters, length)
            if len(value.inputs) == 1:
                return counted(value, selected)
            averaged = self._choices(self.atlas.values[value.inputs[1]])
            return aggregated(replace(value, default=default), selected, averaged)
        except UnreadableError as error:
            reason = f"{value.label!r} cannot be read: {error}"
            raise UnreadableError(value.label, reason, error.merged, error.inexact) from None

    def _is_stored(self, value: NamedValue) -> bool:
        """Whether columns are there for it, though they do not tell all its values apart."""
        return value.label in self.atlas.owners

    def _one_of_each(self, value: NamedValue) -> Classes | None:
        """A class of each block that is read, if all of them agree but for rounding; else None."""
        first_of = first_of_blocks(value)
        if first_of is None or value.of_blocks is None:
            return None
        _require_precise(value, value.of_blocks)
        return np.append(first_of, NONE)[self._nearest(value.of_blocks, value.nullable)]

    def _looked_up(self, value: NamedValue, table: Lookup) -> Classes:
        operands = []
        for axis, label in enumerate(value.inputs):
            try:
                found, table = self.as_it_matters(label, axis, table)
            except UnreadableError as error:
                alike = self._one_of_each(value)
                if alike is not None:
                    return alike
                if value.is_merged or self._is_stored(value):
                    raise _unreadable(value, self.atlas) from None
                reason = f"{value.label!r} cannot be read: {error}"
                raise UnreadableError(value.label, reason, error.merged, error.inexact) from None
            operands.append(found)
        return np.asarray(np.maximum(table(operands), NONE))

    def as_it_matters(
        self, label: str, axis: int, table: Lookup, must_be_defined: bool = False
    ) -> tuple[Classes, Lookup]:
        """The class of an operand, or its block; and the table over what it is.

        Args:
            label: of an operand.
            axis: of the table.
            table: of a reader, over classes.
            must_be_defined: whether a block is undefined where any of its classes is: then other
                operands may have values that they never have together with this one.

        Raises:
            UnreadableError: it is not in the model.
        """
        operand = self.atlas.values[label]
        try:
            return self._classes(operand), table
        except UnreadableError:
            known = self._as_far_as_it_matters(operand, axis, table, must_be_defined)
            if known is None:
                raise
            return known

    def _nearest(self, reading: Reading, nullable: bool) -> Classes:
        """The class of the nearest code at each position; NONE for None."""
        assert reading.codes is not None
        nearest = code_logits(self.coordinates(reading), reading.codes, nullable).argmax(axis=1)
        return np.asarray(np.where(nearest == len(reading.codes), NONE, nearest))

    def _as_far_as_it_matters(
        self, operand: NamedValue, axis: int, table: Lookup, must_be_defined: bool
    ) -> tuple[Classes, Lookup] | None:
        """The block of an operand whose values are merged, and a table over blocks.

        What no reader tells apart is held as one, or is not held at all. A reader's table then
        has the same result for all values of a block, so that the block is enough.

        Args:
            operand: it cannot be read in full.
            axis: of the table.
            table: of the reader.
            must_be_defined: see ``as_it_matters``.
        """
        if operand.classes is None:
            return None
        block_of = np.array(operand.blocks or [0] * len(operand.classes), dtype=int)
        blocks = [np.flatnonzero(block_of == block) for block in range(block_of.max(initial=0) + 1)]
        if operand.blocks is None and operand.is_compiled:  # each class by itself
            blocks = [np.array([number]) for number in range(len(operand.classes))]
        if len(blocks) == 1 and not operand.nullable:
            found = np.zeros(len(self.states[0]), dtype=int)
        elif operand.of_blocks is not None:
            found = self._nearest(operand.of_blocks, operand.nullable)
        elif operand.blocks is None and operand.readings:
            found = self._nearest(operand.readings[0], operand.nullable)
        else:
            return None
        slices = []
        for block in blocks:
            rows = table.entries.take(block, axis=axis)
            most = rows.max(axis=axis, keepdims=True)
            if not ((rows == most) | (rows == UNDEFINED)).all():
                return None
            is_unknown = must_be_defined & (rows == UNDEFINED).any(axis=axis, keepdims=True)
            slices.append(np.where(is_unknown, UNDEFINED, most))
        return found, Lookup(np.concatenate(slices, axis=axis))

    def coordinates(self, reading: Reading) -> npt.NDArray[np.float64]:
        """[positions, coordinates] of a reading."""
        if reading.form == Scores.name and self.result is not None:
            return self.result.astype(float)
        result: npt.NDArray[np.float64] = self.dimensions(reading) @ reading.matrix + reading.bias
        return result

    def is_known(self, value: NamedValue, reading: Reading) -> bool:
        """Whether what a reading gives is a value of the s-op, or None, at every position.

        Scores always give one; whether it is the right one ``require_decided`` asks.
        """
        if reading.form == Scores.name:
            return True
        coordinates = self.coordinates(reading)
        off = max(4 * reading.error, min(reading.room / 2, _MOST_OFF))
        if reading.codes is None:
            low, high = value.bounds
            numbers = coordinates[:, 0]
            return bool(((numbers >= low - off) & (numbers <= high + off)).all())
        codes = with_none(reading.codes, value.nullable)
        distances = np.abs(coordinates[:, None] - codes).max(axis=2, initial=0.0)
        return bool((distances.min(axis=1) <= off).all())

    def dimensions(self, reading: Reading) -> npt.NDArray[np.float64]:
        """[positions, dimensions] of its variables, each read when it is first there."""
        parts = [np.zeros((len(self.states[0]), 0))]
        for name in reading.variables:
            place = self.atlas.places[name]
            state = self.states[place.first]
            if self.atlas.basis is None:
                parts.append(state[:, list(place.columns)].astype(float))
            else:
                parts.append(state @ self.atlas.basis[:, list(place.columns)])
        return np.hstack(parts)


def first_of_blocks(value: NamedValue) -> Classes | None:
    """The first class of each block, where all classes of a block agree by the contract."""
    if value.blocks is None or value.classes is None:
        return None
    found: dict[int, int] = {}
    for number, block in enumerate(value.blocks):
        first = value.classes[found.setdefault(block, number)][0]
        if not all(agrees(first, v, numerical=False) for v in value.classes[number]):
            return None
    return np.array([found[block] for block in range(len(found))], dtype=int)


def _require_precise(value: NamedValue, reading: Reading) -> None:
    """What float32 may take too far off is not read; its readers need less of it."""
    if reading.error > reading.room:
        raise UnreadableError(
            value.label,
            f"{value.label!r} cannot be read exactly enough: float32 arithmetic may take it off "
            f"by {reading.error:.1g}, more than {reading.room:.1g}, which nothing that reads it "
            "minds; use smaller numbers, fewer of them, or a shorter max_seq_len",
            inexact=True,
        )


def _unreadable(value: NamedValue, atlas: Atlas) -> UnreadableError:
    missing = _missing(value, atlas)
    told_apart = value.nullable or any(value.blocks or ())
    if missing is None and value.blocks is not None and told_apart and value.classes is not None:
        members: dict[int, list[Value]] = {}
        for block, values in zip(value.blocks, value.classes, strict=True):
            members.setdefault(block, []).extend(values)
        group = max(members.values(), key=len)
        return UnreadableError(
            value.label,
            f"{value.label!r} is not in the model in full: nothing tells {show_value(group[0])} "
            f"from {show_value(group[1])}; give it a name, keep it by rasp.keep(...), or leave "
            "out the pass merged-values",
            merged=True,
        )
    if (
        missing is None
        and value.is_compiled
        and (value.table is None or value.label in atlas.owners)
    ):
        return UnreadableError(
            value.label,
            f"{value.label!r} is not in the model in full: nothing that reads it tells all its "
            "values apart; give it a name, keep it by rasp.keep(...), or leave out the pass narrow",
            merged=True,
        )
    is_given_up = "joint" in atlas.passes and value.is_named
    advice = ", and without the pass joint names stay" if is_given_up else ""
    which = "it" if missing in (None, value.label) else f"{missing!r}, from which it follows"
    return UnreadableError(
        value.label,
        f"{value.label!r} is not in the model: nothing that its result needs reads {which}; "
        f"rasp.keep(...) would keep it{advice}",
    )


def _missing(value: NamedValue, atlas: Atlas) -> str | None:
    """What a value follows from that no variable holds, or the value itself; None if all is there.

    A component may compute what follows from it, and need no more than the other operands.
    """
    agenda, visited = [value.label], {value.label}
    while agenda:
        step = atlas.values[agenda.pop()]
        is_held = step.readings or step.of_blocks is not None or step.local is not None
        if is_held or step.holder in atlas.owners:
            continue
        if step.table is None:
            return step.label
        agenda += [label for label in step.inputs if label not in visited]
        visited.update(step.inputs)
    return None
