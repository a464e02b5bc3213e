"""Writing named s-ops into a running model: the twin of reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shoal.atlas.atlas import Atlas, NamedValue, Reading
from shoal.atlas.basis import directions_of
from shoal.atlas.content import (
    Content,
    content_of,
    content_of_classes,
    points_of,
    require_reachable,
)
from shoal.atlas.granted import taken_for_granted
from shoal.atlas.patch import Patch, Source
from shoal.atlas.patched import (
    ForSome,
    Patched,
    require_decided,
    require_defined,
    require_followed,
    require_known,
    require_met,
    require_selected,
)
from shoal.atlas.readers import Heard, Readers
from shoal.atlas.reading import Reader
from shoal.errors import InvalidInputError, UnreadableError, UnwritableError
from shoal.program.facts.lookup import UNDEFINED, Lookup
from shoal.program.ir import Op
from shoal.rasp.values import Value, show_value
from shoal.transformer.edits import Edit, Read

Run = Callable[[Sequence[Value], tuple[Edit, ...]], Reader]
"""From an input and edits to what can be read of such a forward pass."""

_CLASSES = (Source.VALUE, Source.VALUES, Source.LIKE)
"""What makes an s-op a value of its own, and no mean or zero."""


@dataclass(frozen=True, eq=False)
class Writer:
    """Turns patches of named s-ops into edits of the stream.

    Where variables hold an s-op, they are set when they are first there. A view is set for those
    who read it, and they see nothing else of what it is a view of. What is computed inside a
    component is followed through its table to what that component computes.

    Attributes:
        readers: who reads what in the model.
        run: a forward pass.
    """

    readers: Readers
    run: Run

    @property
    def atlas(self) -> Atlas:
        """What is known of the model."""
        return self.readers.atlas

    def edits(self, tokens: Sequence[Value], patches: Sequence[Patch]) -> tuple[Edit, ...]:
        """The edits that patches ask for on an input.

        Raises:
            InvalidInputError: there is no such s-op, reader, position, or value.
            UnwritableError: the model does not hold it so that it could be replaced.
        """
        replaced = self._replaced(tokens, patches)
        made: tuple[Edit, ...] = ()
        contents: dict[str, Content] = {}
        for_some: list[ForSome] = []
        waiting: dict[str, tuple[str, ...]] = {}
        for label, value in self.atlas.values.items():  # operands come first
            given = replaced.get(label, [])
            if label in waiting:
                patched = Patched(self.run(tokens, made), contents, tuple(for_some))
                seen = patched.seen_by(label)
                named = self.atlas.named(patches[0].name)
                for step in (*waiting[label], label):
                    if step not in seen:
                        seen[step] = self._computed(named, self.atlas.values[step], patched, seen)
                    if not for_some:
                        contents.setdefault(step, seen[step])
                given = [(seen[label], None), *given]
            for chosen, content in _merged(given):
                more, around = self.written(value, content, chosen)
                made += more
                for reader, path in around.items():
                    waiting[reader] = tuple(
                        step
                        for step in self.atlas.values
                        if step in path or step in waiting.get(reader, ())
                    )
                if chosen is None:
                    contents[label] = content
                else:
                    for_some.append((label, content, chosen | set(around)))
        if all(patch.source in _CLASSES for patch in patches) and made:
            patched = Patched(self.run(tokens, made), contents, tuple(for_some))
            require_defined(patched, self.readers)
            require_followed(patched, self.readers)
            require_decided(patched, self.readers)
            require_met(patched, self.readers)
            require_selected(patched, patches[0].name, self.readers.led_to)
            require_known(patched, patches[0].name)
        return made

    def _replaced(
        self, tokens: Sequence[Value], patches: Sequence[Patch]
    ) -> dict[str, list[tuple[Content, set[str] | None]]]:
        """By label, what patches make of it, and who is to see that."""
        replaced: dict[str, list[tuple[Content, set[str] | None]]] = {}
        for patch in patches:
            if not isinstance(patch, Patch):
                raise InvalidInputError(
                    f"{show_value(patch)} is no patch; make one by shoal.Patch.value(name, value)"
                )
            value = self.atlas.named(patch.name)
            self.require_computed(value, patch.readers is None)
            content = content_of(value, tokens, patch, lambda other: self.run(other, ()))
            chosen = self._chosen(value, patch.readers)
            replaced.setdefault(value.label, []).append((content, chosen))
        return replaced

    def require_computed(self, value: NamedValue, is_for_all: bool = True) -> None:
        """Refuse to replace what the model takes something for granted of."""
        granted = taken_for_granted(self.readers, value.label, is_for_all)
        if granted is not None:
            raise UnwritableError(
                value.label,
                f"the model takes for granted what {granted!r} is, from what is so on all "
                'inputs and would no longer be; compile with passes="none"',
            )

    def written(
        self, value: NamedValue, content: Content, chosen: set[str] | None
    ) -> tuple[tuple[Edit, ...], dict[str, tuple[str, ...]]]:
        """The edits of one s-op, and who computes it inside, with the s-ops on the way."""
        own = self.readers.own(value)
        stands_alone = value.replaced_by is None and all(
            other.replaced_by != value.label for other in self.atlas.values.values()
        )
        # heads count what is there, so nobody else can tell the result
        is_counted = value.op == Op.TOKENS and self.atlas.is_decided_by_counts
        everybody = bool(own) and chosen is None and (stands_alone or is_counted)
        edits = [self._edit(value, r, content, None) for r in own] if everybody else []
        consumers = dict(self.readers.consumers(value.label))
        names = set(consumers) if chosen is None else chosen
        seen = {name: path for name, path in consumers.items() if name in names}
        inside = self.readers.reads_around(value.label, seen, is_everywhere=everybody)
        if inside is not None:
            raise UnwritableError(
                value.label,
                f"{inside!r} follows from it, and is computed from what it is made of, where it "
                'would not be noticed; compile with passes="none"',
            )
        around = {}
        for name, path in consumers.items():
            if name not in names:
                continue
            if name == Patch.RESULT and everybody and is_counted:
                continue
            heard = self.readers.heard(name, path, value)
            if heard.is_whole:
                apart = [(r, read) for r, read in heard.reads if not (everybody and r in own)]
                if not everybody:
                    _require_alone(value, name, heard, names)
                edits += [self._edit(value, reading, content, read) for reading, read in apart]
            else:
                if name == Patch.RESULT and not path:
                    raise UnwritableError(
                        value.label, f"{value.label!r} is never there by itself to be replaced"
                    )
                target, before = (path[-1], path[:-1]) if name == Patch.RESULT else (name, path)
                around[target] = before
        return tuple(edits), around

    def _computed(
        self, value: NamedValue, step: NamedValue, patched: Patched, contents: dict[str, Content]
    ) -> Content:
        """What an elementwise function of patched operands becomes, by its table."""
        if step.table is None or step.classes is None:
            raise UnwritableError(
                value.label,
                f"{step.label!r} is computed without {value.label!r} ever being there by itself, "
                "and is no function of values at its own position that could be looked up; compile "
                'with passes="none", or keep it by rasp.keep(...)',
            )
        operands, mask = [], np.zeros(patched.length, dtype=bool)
        for label in step.inputs:
            content = contents.get(label)
            if content is not None and content.classes is None:
                raise UnwritableError(
                    value.label,
                    f"{step.label!r} looks {label!r} up inside a component, and that is to become "
                    "something that is no value of it; give values, or another input, or compile "
                    'with passes="none"',
                )
            try:
                operands.append(patched.classes(label, contents))
            except UnreadableError as error:
                raise UnwritableError(
                    value.label, f"{step.label!r} is computed from it and {label!r}, and {error}"
                ) from None
            if content is not None:
                mask |= content.mask
        classes = np.asarray(Lookup(step.table)(operands), dtype=int)
        if (classes[mask] == UNDEFINED).any():
            raise UnwritableError(
                value.label,
                f"{step.label!r} is not defined for the new value of {value.label!r} beside the "
                "other values that it is computed from",
            )
        return content_of_classes(step, classes, mask)

    def _edit(
        self, value: NamedValue, reading: Reading, content: Content, read: Read | None
    ) -> Edit:
        """The edit by which a reading gives the content, BOS left alone."""
        places = [self.atlas.places[name] for name in reading.variables]
        columns = [column for place in places for column in place.columns]
        state = max((p.first for p in places), default=0)
        last = min((p.last for p in places), default=state)
        if read is None:  # the variable is the value's alone: set all of it
            wanted = content.dimensions(reading)
            matrix = inverse = np.eye(len(columns))
            bias = np.zeros(len(columns))
        else:
            wanted, state = content.coordinates(reading), read.half_layer
            matrix, inverse, bias = reading.matrix, reading.inverse, reading.bias
            points = points_of(reading, wanted, content.mask)
            if points is not None:
                wanted, bias = points, np.zeros(len(columns))
                matrix = inverse = np.eye(len(columns))
            else:
                require_reachable(value, reading, wanted[content.mask])
        width = self.readers.weights.sizes.d_model
        directions = directions_of(self.atlas, columns, width)
        whole, back = directions @ matrix, inverse @ directions.T
        target = np.pad(wanted, ((1, 0), (0, 0)))[None]
        mask = np.pad(content.mask, (1, 0))[None]
        return Edit(value.label, state, whole, bias, back, target, mask, last, read)

    def _chosen(self, value: NamedValue, readers: tuple[str, ...] | None) -> set[str] | None:
        """The consumers that are to see the new value, as the atlas calls them."""
        if readers is None:
            return None
        known = dict(self.readers.consumers(value.label))
        chosen = set()
        for name in readers:
            reader = None if name == Patch.RESULT else self.atlas.value(name)
            label = name if reader is None else reader.label
            if label == self.atlas.output and label not in known:
                label = Patch.RESULT  # what it is, the decoder decides
            if label not in known:
                shown = ", ".join(map(repr, known)) or "nothing"
                raise InvalidInputError(
                    f"{name!r} does not read {value.label!r}; its readers are: {shown}"
                )
            chosen.add(label)
        return chosen


def _merged(
    given: Sequence[tuple[Content, set[str] | None]],
) -> list[tuple[set[str] | None, Content]]:
    """Contents of one s-op with who sees each; what comes later for everybody wins.

    The one for everybody comes first.
    """
    everybody: Content | None = None
    some: list[tuple[set[str] | None, Content]] = []
    for content, chosen in given:
        if chosen is not None:
            some.append((chosen, content))
            continue
        everybody = content if everybody is None else content.over(everybody)
        some = [(who, old.without(content.mask)) for who, old in some]
    some = [(who, content) for who, content in some if content.mask.any()]
    return [*([] if everybody is None else [(None, everybody)]), *some]


def _require_alone(value: NamedValue, reader: str, heard: Heard, names: set[str]) -> None:
    others = [name for name in heard.shared if name not in names and name != reader]
    if others:
        raise UnwritableError(
            value.label,
            f"{reader!r} reads {value.label!r} by a component that serves {', '.join(others)} as "
            "well; patch it for all of them, or compile without the pass shared-heads",
        )
