"""What a model file says of itself, as JSON, and whether that makes sense."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

from shoal.errors import InvalidInputError
from shoal.rasp.values import Value, canonical_key, show_value, why_unusable
from shoal.transformer.encoders import PromisedInputs
from shoal.transformer.weights import Sizes

FORMAT = "shoal transformer 1"

_MOST = 2**31
"""No size of an array is as large as this."""


@dataclass(frozen=True)
class Description:
    """Everything about a transformer but its arrays.

    Attributes:
        sizes: the fields of ``Sizes``.
        causal: whether attention is causal.
        vocab: the tokens in canonical order.
        bos: the token that every sequence begins with.
        pad: the token that fills sequences up.
        max_seq_len: the greatest number of tokens.
        values: the categorical results, one for each class.
        nullable: whether the result can be None.
        numerical: whether the result is a number.
        coordinates: of the result.
        promised: the inputs that are promised; None if there may be any.
    """

    sizes: Mapping[str, int]
    causal: bool
    vocab: tuple[Value, ...]
    bos: Value
    pad: Value
    max_seq_len: int
    values: tuple[Value, ...]
    nullable: bool
    numerical: bool
    coordinates: int
    promised: PromisedInputs | None = None

    def to_json(self) -> str:
        """The description as a text.

        Raises:
            InvalidInputError: a value is no number, string, bool, None or tuple of those.
        """
        content = {
            **vars(self),
            "format": FORMAT,
            "sizes": dict(self.sizes),
            "vocab": [value_to_json(token) for token in self.vocab],
            "bos": value_to_json(self.bos),
            "pad": value_to_json(self.pad),
            "values": [value_to_json(value) for value in self.values],
        }
        if self.promised is not None:  # else files are as they were before there were promises
            inputs = sorted(self.promised.inputs)
            content["promised"] = {"words": self.promised.words, "inputs": inputs}
        return json.dumps(content, allow_nan=False)

    @staticmethod
    def from_json(text: str, defaults: Mapping[str, Any]) -> Description:
        """The description that a text holds.

        Args:
            text: what ``to_json`` made.
            defaults: ``numerical`` and ``coordinates``, which older files lack.

        Raises:
            ValueError: something is missing or makes no sense; the text says what.
        """
        content = json.loads(text, parse_constant=_no_constant)
        _require(isinstance(content, dict), "its description is no object")
        _require(
            content.get("format") == FORMAT, f"its format is {show_value(content.get('format'))}"
        )
        content = {**defaults, **content}
        found = Description(
            sizes=_get(content, "sizes", dict),
            causal=_get(content, "causal", bool),
            vocab=tuple(map(value_from_json, _get(content, "vocab", list))),
            bos=value_from_json(content.get("bos")),
            pad=value_from_json(content.get("pad")),
            max_seq_len=_get(content, "max_seq_len", int),
            values=tuple(map(value_from_json, _get(content, "values", list))),
            nullable=_get(content, "nullable", bool),
            numerical=_get(content, "numerical", bool),
            coordinates=_get(content, "coordinates", int),
            promised=_promised(content.get("promised")),
        )
        found._validate()
        return found

    def _validate(self) -> None:
        names = {field.name for field in fields(Sizes)}
        _require(set(self.sizes) == names, f"its sizes are not {', '.join(sorted(names))}")
        for name, size in self.sizes.items():
            least = 0 if name == "num_layers" else 1
            _require(_is_size(size, least), f"its size {name} is {show_value(size)}")
        _require(
            _is_size(self.max_seq_len, 1), f"its max_seq_len is {show_value(self.max_seq_len)}"
        )
        _require(
            _is_size(self.coordinates, 0), f"its coordinates are {show_value(self.coordinates)}"
        )
        for numbers in () if self.promised is None else self.promised.inputs:
            fits = 1 <= len(numbers) <= self.max_seq_len and max(numbers) < len(self.vocab)
            _require(fits, f"its promised input {show_value(list(numbers))} does not fit")
        for value in (*self.vocab, self.bos, self.pad, *self.values):
            _require(why_unusable(value) is None, f"its value {show_value(value)} cannot be used")
        keys = [canonical_key(token) for token in self.vocab]
        _require(bool(keys), "its vocab is empty")
        _require(keys == sorted(set(keys)), "its vocab is not in order, or has a token twice")
        special = [canonical_key(self.bos), canonical_key(self.pad)]
        apart = len({*special, *keys}) == len(keys) + 2
        _require(apart and None not in (self.bos, self.pad, *self.vocab), "its BOS or PAD is amiss")
        results = {canonical_key(value) for value in self.values}
        _require(len(results) == len(self.values), "its values have one twice")
        if self.numerical:
            _require(not self.values, "its result is numerical, but has values")
            _require(self.coordinates == 1 + self.nullable, "its result has other coordinates")
        else:
            _require(bool(self.values) or self.nullable, "its result has no value")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every array that the file must have."""
        s = self.as_sizes()
        keys, values = s.num_heads * s.key_size, s.num_heads * s.value_size
        layer = {
            "query_w": (s.d_model, keys),
            "query_b": (keys,),
            "key_w": (s.d_model, keys),
            "key_b": (keys,),
            "value_w": (s.d_model, values),
            "value_b": (values,),
            "output_w": (values, s.d_model),
            "output_b": (s.d_model,),
            "hidden_w": (s.d_model, s.mlp_hidden_size),
            "hidden_b": (s.mlp_hidden_size,),
            "mlp_output_w": (s.mlp_hidden_size, s.d_model),
            "mlp_output_b": (s.d_model,),
        }
        shapes: dict[str, tuple[int, ...]] = {
            "token_embedding": (len(self.vocab) + 2, s.d_model),
            "position_embedding": (self.max_seq_len + 1, s.d_model),
            "unembedding_w": (s.d_model, self.coordinates),
            "unembedding_b": (self.coordinates,),
        }
        if not self.numerical:
            shapes["codes"] = (len(self.values), self.coordinates)
        for number in range(s.num_layers):
            shapes |= {f"layer_{number}/{name}": shape for name, shape in layer.items()}
        return shapes

    def as_sizes(self) -> Sizes:
        """The sizes as what weights have."""
        return Sizes(**self.sizes)


def _no_constant(name: str) -> Any:
    raise ValueError(f"its description has the number {name}")


def _require(holds: bool, what_is_wrong: str) -> None:
    if not holds:
        raise ValueError(what_is_wrong)


def _get(content: Mapping[str, Any], name: str, kind: type) -> Any:
    _require(name in content, f"its description lacks {name!r}")
    _require(type(content[name]) is kind, f"its {name} is no {kind.__name__}")
    return content[name]


def _is_size(number: object, least: int) -> bool:
    return type(number) is int and least <= number < _MOST


def value_to_json(value: Value) -> Any:
    """A value as what JSON can hold.

    Raises:
        InvalidInputError: it is no number, string, bool, None or tuple of those.
    """
    if type(value) is tuple:
        return {"tuple": [value_to_json(element) for element in value]}
    if type(value) is float and not isfinite(value):
        return {"float": str(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise InvalidInputError(
        f"the value {show_value(value)} cannot be saved; use numbers, strings, bools or tuples of "
        "those"
    )


def value_from_json(value: Any) -> Value:
    """The value that ``value_to_json`` made that of.

    Raises:
        ValueError: it did not.
    """
    if not isinstance(value, dict):
        _require(not isinstance(value, list), "its values have a list among them")
        result: Value = value
        return result
    _require(set(value) in ({"tuple"}, {"float"}), "its values have an object among them")
    if "float" in value:
        _require(value["float"] in ("inf", "-inf"), "its values have a number that is none")
        return float(value["float"])
    _require(isinstance(value["tuple"], list), "its values have a tuple that is none")
    return tuple(map(value_from_json, value["tuple"]))


def _promised(content: Any) -> PromisedInputs | None:
    """The inputs that are promised, as ``to_json`` writes them; None where it wrote none."""
    if content is None:
        return None
    _require(isinstance(content, dict), "its promised inputs are no object")
    inputs = _get(content, "inputs", list)
    are_numbers = all(
        isinstance(numbers, list) and all(_is_size(number, 0) for number in numbers)
        for numbers in inputs
    )
    _require(are_numbers, "its promised inputs are no lists of numbers of tokens")
    return PromisedInputs(_get(content, "words", str), frozenset(map(tuple, inputs)))
