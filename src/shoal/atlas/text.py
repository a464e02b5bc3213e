"""The atlas as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from shoal.atlas.atlas import (
    Atlas,
    NamedValue,
    Part,
    Place,
    Proof,
    Reading,
    Saved,
    Selector,
    Undefined,
)
from shoal.rasp.values import Value, show_value
from shoal.transformer.description import value_from_json, value_to_json

VERSION = 1
"""Of the atlas; readers refuse what they do not know."""

ROTATED = 2
"""Of the atlas of a rotated model, which older readers would look for in the wrong columns."""


def atlas_to_json(atlas: Atlas) -> dict[str, Any]:
    """The atlas as what JSON can hold.

    Values that JSON has no word for, such as sets, are held by their text.
    """
    return {
        "version": VERSION if atlas.basis is None else ROTATED,
        "source": atlas.source,
        "options": dict(atlas.options),
        "output": atlas.output,
        "result": _reading_to_json(atlas.result),
        "values": [_value_to_json(value) for value in atlas.values.values()],
        "places": [_plain(place) for place in atlas.places.values()],
        "parts": [_plain(part) for part in atlas.parts],
        "proofs": [_plain(proof) for proof in atlas.proofs],
        "savings": [_plain(saved) for saved in atlas.savings],
        "undefined": [_plain(undefined) for undefined in atlas.undefined],
        "seconds": dict(atlas.seconds),
        "selectors": [_selector_to_json(selector) for selector in atlas.selectors.values()],
        "claims": dict(atlas.claims),
        "width_bound": atlas.width_bound,
        **({"spare": dict(atlas.spare)} if atlas.spare else {}),
        **({"looked_up": list(atlas.looked_up)} if atlas.looked_up else {}),
        **({"behind_look_ups": sorted(atlas.behind_look_ups)} if atlas.behind_look_ups else {}),
        **({} if atlas.basis is None else {"basis": array_to_json(atlas.basis)}),
    }


def atlas_from_json(data: Mapping[str, Any]) -> Atlas:
    """The atlas that such data describe.

    Raises:
        ValueError: it is of another version, or something is missing or makes no sense.
    """
    try:
        if data["version"] not in (VERSION, ROTATED):
            raise ValueError(f"its atlas has version {show_value(data['version'])}")
        values = [_value_from_json(item) for item in data["values"]]
        selectors = [_selector_from_json(item) for item in data.get("selectors", ())]
        places = [Place(**_tuples(item)) for item in data["places"]]
        return Atlas(
            source=data["source"],
            options=dict(data["options"]),
            output=data["output"],
            result=_reading_from_json(data["result"]),
            values={value.label: value for value in values},
            places={place.name: place for place in places},
            parts=tuple(Part(**_tuples(item)) for item in data["parts"]),
            proofs=tuple(Proof(**item) for item in data["proofs"]),
            savings=tuple(Saved(**item) for item in data["savings"]),
            undefined=tuple(Undefined(**item) for item in data["undefined"]),
            seconds=dict(data["seconds"]),
            selectors={selector.label: selector for selector in selectors},
            claims=dict(data["claims"]),
            width_bound=data.get("width_bound"),
            spare=dict(data.get("spare", {})),
            looked_up=tuple(data.get("looked_up", ())),
            behind_look_ups=frozenset(data.get("behind_look_ups", ())),
            basis=_array_from_json(data["basis"], float) if data["version"] == ROTATED else None,
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"its atlas makes no sense ({type(error).__name__}: {error})") from error


def _plain(item: Any) -> dict[str, Any]:
    """A dataclass of texts, numbers and tuples of those."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}


_ARRAYS = ("matrix", "bias", "codes", "examples")
"""Of readings; the last two may be missing."""


def _reading_to_json(reading: Reading) -> dict[str, Any]:
    found = _plain(reading)
    for name in _ARRAYS:
        if found[name] is not None:
            found[name] = array_to_json(found[name])
    return found


def _reading_from_json(data: Mapping[str, Any]) -> Reading:
    given = {name: data[name] for name in _ARRAYS if data.get(name) is not None}
    arrays = {name: _array_from_json(array, float) for name, array in given.items()}
    return Reading(**{**_tuples(data), **arrays})


def _value_to_json(value: NamedValue) -> dict[str, Any]:
    classes = value.classes
    return {
        **_plain(value),
        "classes": None if classes is None else [list(map(_word, group)) for group in classes],
        "table": None if value.table is None else array_to_json(value.table),
        "local": None if value.local is None else array_to_json(value.local),
        "by_length": None if value.by_length is None else array_to_json(value.by_length),
        "readings": [_reading_to_json(reading) for reading in value.readings],
        "of_blocks": None if value.of_blocks is None else _reading_to_json(value.of_blocks),
    }


def _value_from_json(data: Mapping[str, Any]) -> NamedValue:
    classes, table, local = data["classes"], data["table"], data["local"]
    by_length = data.get("by_length")
    of_blocks = data["of_blocks"]
    parts = {
        "classes": None
        if classes is None
        else tuple(tuple(map(value_from_json, group)) for group in classes),
        "table": None if table is None else _array_from_json(table, np.int32),
        "local": None if local is None else _array_from_json(local, np.int32),
        "by_length": None if by_length is None else _array_from_json(by_length, np.int32),
        "readings": tuple(map(_reading_from_json, data["readings"])),
        "of_blocks": None if of_blocks is None else _reading_from_json(of_blocks),
    }
    return NamedValue(**{**_tuples(data), **parts})


def _selector_to_json(selector: Selector) -> dict[str, Any]:
    table = selector.predicate
    return {
        **_plain(selector),
        "predicate": None if table is None else array_to_json(table),
    }


def _selector_from_json(data: Mapping[str, Any]) -> Selector:
    table = data.get("predicate")
    made = None if table is None else _array_from_json(table, np.int32)
    return Selector(**{**_tuples(data), "predicate": made})


def _word(value: Value) -> Any:
    try:
        return value_to_json(value)
    except ValueError:
        return show_value(value)


def array_to_json(array: npt.NDArray[Any]) -> dict[str, Any]:
    """Rows that repeat are held once; of sparse arrays the entries that are not 0; and runs."""
    flat = array.ravel()
    at = np.flatnonzero(flat)
    if 2 * len(at) < flat.size:
        return {"shape": list(array.shape), "at": at.tolist(), "values": flat[at].tolist()}
    if array.ndim == 2 and len(array) > 1 and (array == array[:1]).all():
        return {"shape": list(array.shape), "row": array[0].tolist()}
    if array.ndim == 2 and array.shape[1] > 1 and (array == array[:, :1]).all():
        return {"shape": list(array.shape), "column": array[:, 0].tolist()}
    starts = np.flatnonzero(np.diff(flat, prepend=np.nan))
    if 2 * len(starts) < flat.size:
        runs = np.diff(starts, append=flat.size)
        return {"shape": list(array.shape), "runs": runs.tolist(), "values": flat[starts].tolist()}
    return {"shape": list(array.shape), "entries": flat.tolist()}


def _array_from_json(data: Mapping[str, Any], kind: type[Any]) -> npt.NDArray[Any]:
    shape = tuple(data["shape"])
    size = int(np.prod(shape, dtype=object)) if shape else 1
    if size > _MOST or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array of its atlas has the shape {list(shape)}")
    if "entries" in data:
        array = np.array(data["entries"], dtype=kind)
    elif "runs" in data:
        if sum(data["runs"]) != size or min(data["runs"], default=0) < 0:
            raise ValueError("an array of its atlas is cut off")
        array = np.repeat(np.array(data["values"], dtype=kind), data["runs"])
    elif "at" in data:
        array = np.zeros(size, dtype=kind)
        array[data["at"]] = data["values"]
    elif "row" in data:
        array = np.tile(np.array(data["row"], dtype=kind), shape[0])
    else:
        array = np.repeat(np.array(data["column"], dtype=kind), shape[1])
    if array.size != size or not all(map(isfinite, array.ravel().tolist())):
        raise ValueError("an array of its atlas is cut off, or has numbers that are not finite")
    return array.reshape(shape)


_MOST = 2**28
"""Entries of the largest array of an atlas."""
