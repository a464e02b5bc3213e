"""What a model takes for granted of values, and would be wrong about if one were replaced."""

from __future__ import annotations

from shoal.atlas.atlas import Atlas, NamedValue
from shoal.atlas.readers import Readers
from shoal.program.ir import Op


def taken_for_granted(readers: Readers, label: str, is_for_all: bool = True) -> str | None:
    """An s-op that the model does not compute as the program says, if a value is replaced.

    It depends on the value, and is the same on all inputs; or it does not, and is read from what
    does, since the two are the same on all inputs. An aggregate that is left out follows what its
    operand is made of, but not the operand itself. What is looked up follows the tokens alone. One
    that is told from counts of tokens follows
    these, and nothing that is made of them.

    Args:
        readers: of the model.
        label: of the value.
        is_for_all: whether all who read it see the new one.
    """
    atlas = readers.atlas
    if label in atlas.behind_look_ups or (atlas.looked_up and not is_for_all):
        return atlas.looked_up[0]
    led_to, reached = readers.led_to(label), readers.reached(label)
    affected = readers.variables_for(led_to)
    changed = {label, *led_to}
    is_token = atlas.values[label].op == Op.TOKENS and is_for_all
    for other, value in atlas.values.items():
        if other in atlas.told_by_counts & led_to and not is_token:
            return other  # counts are of tokens, whatever follows from these
        made_from = {other, value.replaced_by, *value.made_from}
        if other != label and made_from & changed and _is_told_otherwise(atlas, value):
            return other
        if _is_merged_by_operands(atlas, value, label, led_to):
            return other
        if _is_fetched_at_once(atlas, value, label, changed):
            return other
        if _picks_by_counts(atlas, value, label, is_for_all):
            return other
        if _picks_by_itself(readers, value) and changed & _chosen_by(atlas, value):
            return other
        if other in led_to:
            follows = value.default is not None and other not in reached
            is_there = value.table is not None or readers.held(value) or readers.parts_of(value)
            follows |= other in atlas.left_to_counts and is_token
            follows |= other not in atlas.needed
            if not follows and not is_there:
                return other
        elif other != label and readers.read_by(value) & affected:
            return other
    return None


def _attends(atlas: Atlas, value: NamedValue) -> bool:
    """Whether an s-op is an aggregate or a width, as it is written."""
    return any(label in atlas.selectors for label in value.inputs)


def _picks_by_itself(readers: Readers, value: NamedValue) -> bool:
    """Whether what computes it knows which position is asked for, and reads no query."""
    rules = {rule for part in readers.parts_of(value) for rule in part.rules}
    return not rules.isdisjoint(("priorities", "length-gates"))


def _picks_by_counts(atlas: Atlas, value: NamedValue, label: str, is_for_all: bool) -> bool:
    """Whether what picks the best key would not, since it looks at no count that may change.

    It follows what it looks at, and what that is made of, but for positions and constants.
    """
    if value.looks_at is None:
        return False
    selected_by = (*atlas.through_selectors(value.inputs[:1]), *value.looks_at)
    if label not in atlas.made_of(selected_by, atlas.written_sources):
        return False
    is_fixed = atlas.values[label].op in (Op.INDICES, Op.CONSTANT)
    return is_fixed or not (is_for_all and label in atlas.made_of(value.looks_at, atlas.sources))


def _chosen_by(atlas: Atlas, value: NamedValue) -> set[str]:
    """What the selectors of something that attends look at."""
    selectors = tuple(label for label in value.inputs if label in atlas.selectors)
    return {*atlas.through_selectors(selectors)}


def _is_fetched_at_once(atlas: Atlas, value: NamedValue, label: str, changed: set[str]) -> bool:
    """Whether what is fetched from where it was fetched to is fetched at once, from where it was.

    What says where that is may change at some positions, and is read at others; and so may what was
    fetched first, which may even be read at the own position, where it is the same on all inputs.
    And of two s-ops that are one by now, one may be fetched twice, and the other at once.
    """
    if value.replaced_by is None or value.replaced_by in atlas.values:
        return False
    holders = [other.replaced_by for other in atlas.values.values()]
    is_merged = atlas.values[label].replaced_by is not None or label in holders
    if is_merged and value.label in changed:
        return True
    agenda, visited = [value.label], {value.label}
    read = {name for reading in value.readings for name in reading.variables}
    while agenda:
        step = atlas.values[agenda.pop()]
        held = {name for reading in step.readings for name in reading.variables}
        if step is not value and step.label in changed and _attends(atlas, step) and held & read:
            return True
        if _attends(atlas, step) and changed & _chosen_by(atlas, step):
            return True
        if step is not value and step.label == label and _attends(atlas, step):
            return True
        if step is value or not step.readings or not _attends(atlas, step):
            more = {label for label in step.inputs if label in atlas.values} - visited
            visited |= more
            agenda += more
    return False


def _is_told_otherwise(atlas: Atlas, value: NamedValue) -> bool:
    """Whether something that attends, as it is written, is told from what it equals.

    It is looked up by the index, or another s-op stands for it that is computed from others.
    """
    if not _attends(atlas, value):
        return False
    made_from = atlas.values.get(value.replaced_by or "", value).made_from
    by_selector = any(label in atlas.selectors for label in made_from)
    is_made = bool(made_from) or value.replaced_by is not None
    return is_made and not by_selector


def _is_merged_by_operands(atlas: Atlas, value: NamedValue, label: str, led_to: set[str]) -> bool:
    """Whether another s-op that attends stands for it, whose operands would then differ.

    One fetches what is replaced, say, and the other what equals it in the program.
    """
    holder = atlas.values.get(value.holder, value)
    if holder is value or not (_attends(atlas, value) and _attends(atlas, holder)):
        return False

    def changed(other: NamedValue, role: str) -> set[str]:
        operands = {*atlas.operands_in(other.label, role)} & {label, *led_to}
        return {(o != label and atlas.values[o].replaced_by) or o for o in operands}

    return any(changed(value, r) != changed(holder, r) for r in ("query", "key", "value"))
