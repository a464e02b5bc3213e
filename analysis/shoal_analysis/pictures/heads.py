"""What there is to say of a head: by which selector it attends, and what it writes."""

from __future__ import annotations

from shoal.atlas.atlas import Atlas, NamedValue, Part


def selector_of(atlas: Atlas, part: Part) -> str:
    """The selector of a head, as a program would say it; "" if that is not known.

    Args:
        atlas: of the model.
        part: a head.
    """
    for name, rule in zip(part.writes, part.rules, strict=False):
        value = _value(atlas, name)
        for label in value.inputs if value is not None else ():
            if label in atlas.selectors:
                of = "part of " if rule == "split-selectors" else ""
                return of + selector_text(atlas, label)
    return ""


def selector_text(atlas: Atlas, label: str) -> str:
    """A selector in full, with those that it combines."""
    selector = atlas.selectors[label]
    if not any(label in atlas.selectors for label in selector.inputs):
        return selector.text
    inputs = (
        selector_text(atlas, label) if label in atlas.selectors else label
        for label in selector.inputs
    )
    return f"{selector.op}({', '.join(inputs)})"


def _value(atlas: Atlas, variable: str) -> NamedValue | None:
    """The s-op of a variable; that of a helper, such as ``hist.reciprocal``, begins its name."""
    place = atlas.places.get(variable)
    if place is not None and place.value is not None:
        return atlas.values.get(place.value)
    labels = [label for label in atlas.values if variable.startswith(f"{label}.")]
    return atlas.values[max(labels, key=len)] if labels else atlas.values.get(variable)
