"""A forward pass with replaced values, and whether the model still does what its program says.

A model is made for what its s-ops are on some input. Where a patch leads to something else, such as
a selector that selects nothing though it always selects, a network answers anyhow: that is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from shoal.atlas.aggregating import aggregated
from shoal.atlas.atlas import Atlas, NamedValue, Reading, Selector
from shoal.atlas.content import Classes, Content, points_of
from shoal.atlas.patch import Patch
from shoal.atlas.readers import Readers
from shoal.atlas.reading import Reader
from shoal.atlas.selecting import Selection, is_defined, selection
from shoal.errors import UnreadableError, UnwritableError
from shoal.forms.scores import Scores
from shoal.program.facts.lookup import NONE, UNDEFINED, Lookup
from shoal.program.ir import Op
from shoal.rasp.values import canonical_key
from shoal.transformer.decoding import code_logits

ForSome = tuple[str, Content, set[str]]
"""An s-op's label, what it becomes, and the labels of those who see that."""


@dataclass(frozen=True, eq=False)
class Patched:
    """A forward pass in which s-ops are replaced.

    Attributes:
        now: what can be read of it.
        contents: what s-ops become for everybody, by label.
        for_some: what s-ops become for some.
    """

    now: Reader
    contents: dict[str, Content]
    for_some: tuple[ForSome, ...]

    @property
    def atlas(self) -> Atlas:
        """What is known of the model."""
        return self.now.atlas

    @property
    def length(self) -> int:
        """Of the input, without BOS."""
        return len(self.now.token_ids)

    @property
    def replaced(self) -> set[str]:
        """The labels of the s-ops that are replaced, for everybody or for some."""
        return {*self.contents, *(label for label, _, _ in self.for_some)}

    def seen_by(self, label: str) -> dict[str, Content]:
        """The contents that an s-op finds: those for everybody, and those for some with it."""
        own = {name: content for name, content, served in self.for_some if label in served}
        return self.contents | own

    def classes(self, label: str, seen: dict[str, Content]) -> Classes:
        """The class of an s-op at each position, for one who sees some contents.

        Raises:
            UnreadableError: it is not in the model, or its values are not listed.
        """
        content, table = seen.get(label), self.atlas.values[label].table
        if content is None and table is not None and self._is_inferred_from(label, seen):
            operands = [self.classes(name, seen) for name in self.atlas.values[label].inputs]
            return np.asarray(Lookup(table)(operands))
        if content is None or content.classes is None:
            return self.now.classes(label)
        if content.mask.all():
            return content.classes
        return np.where(content.mask, content.classes, self.now.classes(label))

    def classes_of_operand(self, label: str, seen: dict[str, Content]) -> Classes:
        """The same; of an aggregate of which too little is stored, from what it averages."""
        try:
            return self.classes(label, seen)
        except UnreadableError:
            value = self.atlas.values[label]
            if value.op != Op.AGGREGATE:
                raise
        selector, averaged = value.inputs
        selected = self.selection(selector, seen)
        values = self.atlas.values[averaged].values_of(self.classes(averaged, seen))
        return aggregated(replace(value, default=value.fallback), selected, values)

    def _is_inferred_from(self, label: str, seen: dict[str, Content]) -> bool:
        """Whether nothing in the stream holds a function of what is replaced.

        Then the token and the position say what it is when nothing is replaced.
        """
        return self._depends(label, seen, lambda v: not v.readings and v.table is not None)

    def _follows(self, label: str, seen: dict[str, Content]) -> bool:
        """Whether an s-op depends on what is replaced."""
        return self._depends(label, seen, lambda value: True)

    def _depends(
        self, label: str, seen: dict[str, Content], goes_on: Callable[[NamedValue], bool]
    ) -> bool:
        """Whether an s-op depends on what is replaced, by way of s-ops at which that goes on."""
        agenda, visited = [label], {label}
        while agenda:
            name = agenda.pop()
            if not goes_on(self.atlas.values[name]):
                continue
            sources = self.atlas.sources[name]
            if not seen.keys().isdisjoint(sources):
                return True
            agenda += [source for source in sources if source not in visited]
            visited.update(sources)
        return False

    def selection(self, label: str, seen: dict[str, Content]) -> Selection:
        """[queries, keys], what a selector selects for one who sees some contents.

        Raises:
            UnreadableError: that is not known.
        """

        def operand(name: str, axis: int, table: Lookup) -> tuple[Classes, Lookup]:
            if name in seen or self._is_inferred_from(name, seen):
                return self.classes(name, seen), table
            by_length = self.atlas.values[name].by_length
            if by_length is not None and not self._follows(name, seen):
                return np.asarray(by_length[self.length - 1, : self.length], dtype=int), table
            return self.now.as_it_matters(name, axis, table, must_be_defined=True)

        return selection(self.atlas, label, operand, self.length)


def require_defined(patched: Patched, readers: Readers) -> None:
    """Refuse what makes operands meet that never do: a network may answer them anyhow.

    So it may where nobody can tell what they are, since what is stored of them is what is read.

    Args:
        patched: the forward pass.
        readers: of the model.
    """
    affected = _affected(patched, readers.led_to)
    for step in patched.atlas.values.values():
        if step.table is None or not step.is_compiled:
            continue
        values = [patched.atlas.values[label] for label in step.inputs]
        if (step.table != UNDEFINED).all() and not any(value.nullable for value in values):
            continue
        seen = patched.seen_by(step.label)
        try:
            operands = [patched.classes_of_operand(label, seen) for label in step.inputs]
        except UnreadableError as error:
            if affected.isdisjoint(step.inputs) or not readers.variables_for({step.holder}):
                continue  # nothing reads it either
            raise UnwritableError(
                step.inputs[0],
                f"{step.label!r} is defined only for values of {' and '.join(step.inputs)} that "
                f"they have together on some input, and whether they have such ones now is not "
                f"known: {error}",
            ) from None
        rows = np.unique(np.array(operands, dtype=int).T, axis=0)
        if (Lookup(step.table)(rows.T) == UNDEFINED).any() or not all(
            _meet(values, row) for row in rows if (row == NONE).any()
        ):
            raise UnwritableError(
                step.inputs[0],
                f"the new value makes {' and '.join(step.inputs)} have values together that "
                f"they have on no input, and {step.label!r} is defined only for those that "
                "they have",
            )


def require_followed(patched: Patched, readers: Readers) -> None:
    """Refuse what changes an s-op whose equal, which stands for it, does not follow.

    The two are the same on all inputs, and need not be if something that they depend on is
    replaced: one may be computed from that, and the other be it.

    Args:
        patched: the forward pass.
        readers: of the model.
    """
    affected = _affected(patched, readers.led_to)
    told = {step for label in patched.replaced for step in readers.reached(label)}
    for step in patched.atlas.values.values():
        if step.replaced_by is None or step.table is None or affected.isdisjoint(step.inputs):
            continue
        if step.label in told or not [*readers.consumers(step.label)]:
            continue
        try:
            wanted = _wanted(patched, step, patched.seen_by(step.label))
            found = patched.classes(step.label, patched.contents)
        except UnreadableError as error:
            why = f"whether it is still {step.replaced_by!r} is not known: {error}"
        else:
            if (wanted == found).all():
                continue
            why = f"it would no longer be {step.replaced_by!r}"
        raise UnwritableError(
            step.inputs[0],
            f"the model reads {step.label!r} from {step.replaced_by!r}, since the two are the same "
            f"on all inputs, and with the new value {why}",
        )


def _wanted(patched: Patched, step: NamedValue, seen: dict[str, Content]) -> Classes:
    """The classes that a table gives an s-op of operands as they are seen.

    Raises:
        UnreadableError: one of them is not known.
    """
    assert step.table is not None
    operands = [patched.classes_of_operand(label, seen) for label in step.inputs]
    return np.asarray(Lookup(step.table)(operands), dtype=int)


def require_decided(patched: Patched, readers: Readers) -> None:
    """Refuse what makes scores decide for another class than the operands of a result say.

    Scores are right on what can occur together, and any values have some that are the greatest.

    Args:
        patched: the forward pass.
        readers: of the model.
    """
    affected = _affected(patched, readers.led_to)
    for step in patched.atlas.values.values():
        scores = next((r for r in step.readings if r.form == Scores.name), None)
        if scores is None or step.table is None or affected.isdisjoint(step.inputs):
            continue
        found = patched.now.classes_by(step, scores)
        seen = patched.seen_by(step.label) | patched.seen_by(Patch.RESULT)
        try:
            wanted = _wanted(patched, step, seen)
        except UnreadableError as error:
            why = f"whether it still is what its operands say is not known: {error}"
        else:
            content = patched.contents.get(step.label)
            stays = ~content.mask if content is not None else np.ones(patched.length, dtype=bool)
            if (wanted == found)[stays].all():
                continue
            why = "with the new value it would be another one than its operands say"
        raise UnwritableError(
            step.inputs[0],
            f"{step.label!r} is decided by the decoder, on values that occur together, and {why}",
        )


def require_met(patched: Patched, readers: Readers) -> None:
    """Refuse what makes values meet in an MLP that token, position and length never bring together.

    Args:
        patched: the forward pass.
        readers: of the model.
    """
    atlas = patched.atlas
    affected = _affected(patched, readers.led_to)
    for part in atlas.parts:
        owners = [atlas.places[name].value or "" for name in part.reads if name in atlas.places]
        written = atlas.places[part.writes[0]].value if part.writes[0] in atlas.places else None
        operands = atlas.values[written].inputs if written and written in atlas.values else ()
        read = dict.fromkeys((*owners, *operands))
        values = [atlas.values[label] for label in read if label in atlas.values]
        known = [v for v in values if v.local is not None or v.by_length is not None]
        if part.kind != "neurons" or len(known) < 2:
            continue
        seen = patched.seen_by(written or part.name)
        views = [label for label in seen if written in dict(readers.consumers(label))]
        told = [x for x in views if any(_tell(atlas.values[x], v) for v in known)]
        if affected.isdisjoint(v.label for v in known) and not told:
            continue
        try:
            now = np.stack([_as_seen(patched, value, seen, views) for value in known], axis=1)
        except UnreadableError:
            continue  # nothing reads it either
        if not all(_meet(known, row) for row in np.unique(now, axis=0)):
            names = " and ".join(value.label for value in known)
            raise UnwritableError(
                told[0] if told else known[0].label,
                f"the new value makes {names} have values together that they have on no input, and "
                f"the neurons of {part.name!r} were made only for those that they have",
            )


def _tell(view: NamedValue, value: NamedValue) -> Reading | None:
    """The reading of an s-op in what holds another one, and nothing else."""
    if view.label == value.label:
        return None
    held = {reading.variables for reading in value.readings if reading.shows_classes}
    return next((r for r in view.readings if r.variables in held), None)


def _as_seen(
    patched: Patched, value: NamedValue, seen: dict[str, Content], views: Sequence[str]
) -> Classes:
    """The classes of an s-op to one who reads replaced s-ops from what holds it.

    What holds it is set to a class of it for which these are what they become.
    """
    classes = patched.classes(value.label, seen)
    for label in views:
        content, reading = seen[label], _tell(patched.atlas.values[label], value)
        if reading is None or content.classes is None:
            continue
        points = points_of(reading, content.coordinates(reading), content.mask)
        if points is None:
            continue
        whole = next(r for r in value.readings if r.variables == reading.variables)
        assert whole.codes is not None
        found = code_logits(points @ whole.matrix + whole.bias, whole.codes, False).argmax(axis=1)
        classes = np.where(content.mask, found, classes)
    return classes


def _meet(values: Sequence[NamedValue], classes: Classes) -> bool:
    """Whether values have some classes, one each, together at some position of some input."""
    each = list(zip(values, classes, strict=True))
    local = [v.local == number for v, number in each if v.local is not None]
    rest = [(v.by_length, number) for v, number in each if v.local is None]
    timed = [grid == number for grid, number in rest if grid is not None]
    there = [np.all(grids, axis=0).any(axis=0) for grids in (local, timed) if grids]
    return bool(np.all(there, axis=0).any())


def require_selected(patched: Patched, name: str, led_to: Callable[[str], Set[str]]) -> None:
    """Refuse what makes a selector select more or fewer keys than it does on any input.

    Args:
        patched: the forward pass.
        name: of the s-op that is replaced.
        led_to: from a label to those of the s-ops that depend on it.
    """
    affected = _affected(patched, led_to)
    for step in patched.atlas.values.values():
        for label in step.inputs if step.is_compiled else ():
            selector = patched.atlas.selectors.get(label)
            operands = patched.atlas.through_selectors((label,))
            if selector is not None and affected & {*operands}:
                _require_width(patched, name, step, selector)


def _affected(patched: Patched, led_to: Callable[[str], Set[str]]) -> set[str]:
    """What is replaced, and what depends on that."""
    return patched.replaced.union(*map(led_to, patched.replaced))


def _require_width(patched: Patched, name: str, step: NamedValue, selector: Selector) -> None:
    """Refuse that a selector selects more or fewer keys than it ever does, or than are counted."""
    most = patched.length if selector.most is None else selector.most
    is_bounded = selector.least > 0 or most < patched.length
    if not is_bounded and is_defined(patched.atlas, selector.label) and step.op != Op.WIDTH:
        return
    try:
        selected = patched.selection(selector.label, patched.seen_by(step.label))
    except UnreadableError as error:
        raise UnwritableError(
            name,
            f"it cannot be told whether {selector.label!r} would select as many keys as it does on "
            f"every input: {error}",
        ) from None
    widths = selected.sum(axis=1)
    for width in (widths.min(), widths.max()):
        if not selector.least <= width <= most:
            raise UnwritableError(
                name,
                f"the new value would make {selector.label!r} select {width} keys, which it does "
                "on no input, and the model was not made for that",
            )
    if step.op == Op.WIDTH and not _is_counted(patched, step, widths.tolist()):
        raise UnwritableError(
            name,
            f"the new value would change what {selector.label!r} selects in a way in which it "
            f"changes on no input, and {step.label!r} would not follow",
        )


def _is_counted(patched: Patched, step: NamedValue, widths: list[int]) -> bool:
    """Whether a width that is not replaced is what its selector now selects."""
    if step.label in patched.replaced:
        return True
    if step.label in patched.atlas.left_to_counts and not step.readings:
        return True  # nothing holds it, and nothing reads it
    try:
        found = patched.now.classes(step.label)
    except UnreadableError:
        return True  # nothing reads it either
    wanted = [step.class_of.get(canonical_key(width)) for width in widths]
    return bool(found.tolist() == wanted)


def require_known(patched: Patched, name: str) -> None:
    """Refuse what makes an s-op have a value that it has on no input.

    Args:
        patched: the forward pass.
        name: of the s-op that is replaced.
    """
    for other in patched.atlas.values.values():
        for reading in other.readings:
            if not patched.now.is_known(other, reading):
                raise UnwritableError(
                    name,
                    f"the new value would make {other.label!r} something that it is on no "
                    "input, for which the model was not made",
                )
