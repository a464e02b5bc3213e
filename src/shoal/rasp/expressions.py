"""The RASP language: immutable expressions for s-ops and selectors.

The names, arguments and attributes are those of Tracr's ``rasp`` module, so that programs
written for it run after changing an import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Self

from shoal.errors import ProgramError
from shoal.rasp.functions import (
    BinaryOperator,
    ConstantOperator,
    LinearCombination,
    UnaryOperator,
    compose,
)
from shoal.rasp.positions import Position, position_of_caller
from shoal.rasp.requirements import listed, require_function, require_kind, require_usable
from shoal.rasp.values import Value, show_value


@dataclass(frozen=True, eq=False, repr=False)
class RASPExpr:
    """An s-op or a selector, with annotations such as its name and encoding."""

    default_name: ClassVar[str] = "expression"
    annotations: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), kw_only=True
    )

    def __new__(cls, *arguments: Any, **others: Any) -> Self:
        """An expression that knows where it is written."""
        expression = super().__new__(cls)
        object.__setattr__(expression, "_position", position_of_caller())
        return expression

    @property
    def position(self) -> Position | None:
        """Where it was written first, if that is known."""
        position: Position | None = self.__dict__.get("_position")
        return position

    def __call__(
        self, xs: Sequence[Value], *, causal: bool = False, inputs: object = None
    ) -> list[Any]:
        """Evaluate on a sequence by the interpreter."""
        from shoal.rasp.interpreter import evaluate  # the interpreter knows the expressions

        return evaluate(self, xs, causal=causal, inputs=inputs)

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """The expressions that this one is made of."""
        return ()

    @property
    def name(self) -> str:
        """The name given by ``named``, or one made from the kind of expression."""
        return str(self.annotations.get("name", self.default_name))

    @property
    def label(self) -> str:
        """The same as ``name``; compiled values are found by it."""
        return self.name

    @property
    def unique_id(self) -> int:
        """A number that no other expression has while this one is there."""
        return id(self)

    @property
    def is_named(self) -> bool:
        """Whether the user gave this expression a name."""
        return "name" in self.annotations

    def annotated(self, **annotations: Any) -> Self:
        """A copy with further annotations."""
        copy = replace(self, annotations=MappingProxyType({**self.annotations, **annotations}))
        object.__setattr__(copy, "_position", self.position)
        return copy

    def named(self, name: str) -> Self:
        """A copy with a name, under which its values are found in the compiled model."""
        if not isinstance(name, str) or not name:
            raise ProgramError(f"a name is a non-empty string, not {show_value(name)}")
        return self.annotated(name=name)

    def copy(self) -> Self:
        """A new expression that is the same."""
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: an expression cannot change, and those that read it know it by identity."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "annotations": dict(self.annotations)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        annotations = MappingProxyType(state["annotations"])
        self.__dict__.update({**state, "annotations": annotations})

    def __bool__(self) -> bool:
        raise ProgramError(
            f"{self!r} is an expression, and neither true nor false; combine expressions by &, | "
            "and ~ instead of and, or, not and chained comparisons, and compare them by `is`"
        )

    def __repr__(self) -> str:
        from shoal.rasp.printing import show  # printing knows the expressions

        return show(self)


def _binary(symbol: str) -> tuple[Callable[[SOp, Any], SOp], Callable[[SOp, Any], SOp]]:
    """The methods for ``sop OPERATOR other`` and ``other OPERATOR sop``."""

    def method(self: SOp, other: Any) -> SOp:
        if isinstance(other, Selector):
            raise ProgramError(f"operator {symbol} joins s-ops and constants, not selectors")
        if isinstance(other, SOp):
            return SequenceMap(BinaryOperator(symbol), self, other)
        return Map(ConstantOperator(symbol, other), self)

    def reflected(self: SOp, other: Any) -> SOp:
        if isinstance(other, RASPExpr):
            raise ProgramError(f"operator {symbol} joins s-ops and constants, not selectors")
        return Map(ConstantOperator(symbol, other, reflected=True), self)

    return method, reflected


@dataclass(frozen=True, eq=False, repr=False)
class SOp(RASPExpr):
    """A sequence operation: one element for every position of the input.

    The operators build further s-ops; ``==`` therefore gives an s-op, not a truth value.
    """

    default_name: ClassVar[str] = "sop"
    __hash__ = object.__hash__

    __lt__, _ = _binary("<")
    __le__, _ = _binary("<=")
    __eq__, _ = _binary("==")  # type: ignore[assignment]
    __ne__, _ = _binary("!=")  # type: ignore[assignment]
    __gt__, _ = _binary(">")
    __ge__, _ = _binary(">=")
    __add__, __radd__ = _binary("+")
    __sub__, __rsub__ = _binary("-")
    __mul__, __rmul__ = _binary("*")
    __truediv__, __rtruediv__ = _binary("/")
    __floordiv__, __rfloordiv__ = _binary("//")
    __mod__, __rmod__ = _binary("%")
    __pow__, __rpow__ = _binary("**")
    __and__, __rand__ = _binary("&")
    __or__, __ror__ = _binary("|")

    def __invert__(self) -> SOp:
        return Map(UnaryOperator("~"), self)

    def __neg__(self) -> SOp:
        return Map(UnaryOperator("-"), self)


@dataclass(frozen=True, eq=False, repr=False)
class TokensType(SOp):
    """The input itself; or, where tokens are tuples, one element of each.

    Elements are inputs of their own: the embedding of a compiled model is a sum of what each of
    them gives, and a function of several is computed by an MLP.

    Attributes:
        element: which one, counted from 0; None for the token itself.
    """

    default_name: ClassVar[str] = "tokens"
    element: int | None = None

    def __post_init__(self) -> None:
        element = self.element
        if element is not None and (type(element) is not int or element < 0):
            raise ProgramError(
                f"TokensType({show_value(element)}) is no element of tokens; give its number, "
                "counted from 0"
            )


@dataclass(frozen=True, eq=False, repr=False)
class IndicesType(SOp):
    """The position, counted from 0."""

    default_name: ClassVar[str] = "indices"


@dataclass(frozen=True, eq=False, repr=False)
class LengthType(SOp):
    """The length of the input, at every position."""

    default_name: ClassVar[str] = "length"


@dataclass(frozen=True, eq=False, repr=False)
class Map(SOp):
    """``f`` of every element.

    A map of an unannotated map is one map of the composed function, unless ``simplify`` is
    false. None flows through: ``f`` is never called with it.
    """

    default_name: ClassVar[str] = "map"
    f: Callable[[Any], Any]
    inner: SOp
    simplify: bool = True

    def __post_init__(self) -> None:
        require_function(self.f, "Map")
        _require_sop(self.inner, "Map", "inner")
        if self.simplify and isinstance(self.inner, Map) and not self.inner.annotations:
            object.__setattr__(self, "f", compose(self.f, self.inner.f))
            object.__setattr__(self, "inner", self.inner.inner)

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """The mapped s-op."""
        return (self.inner,)


@dataclass(frozen=True, eq=False, repr=False)
class SequenceMap(SOp):
    """``f`` of the elements of two s-ops at the same position; None if either is None."""

    default_name: ClassVar[str] = "sequence_map"
    f: Callable[[Any, Any], Any]
    fst: SOp
    snd: SOp

    def __post_init__(self) -> None:
        require_function(self.f, type(self).__name__)
        _require_sop(self.fst, type(self).__name__, "fst")
        _require_sop(self.snd, type(self).__name__, "snd")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """Both s-ops."""
        return (self.fst, self.snd)


@dataclass(frozen=True, eq=False, repr=False, init=False)
class LinearSequenceMap(SequenceMap):
    """``fst_fac * fst + snd_fac * snd``."""

    default_name: ClassVar[str] = "linear_sequence_map"
    fst_fac: float = 1.0
    snd_fac: float = 1.0

    def __init__(
        self,
        fst: SOp,
        snd: SOp,
        fst_fac: float,
        snd_fac: float,
        *,
        annotations: Mapping[str, Any] | None = None,
        f: Callable[[Any, Any], Any] | None = None,  # given when copied
    ) -> None:
        for factor in (fst_fac, snd_fac):
            if not isinstance(factor, int | float):
                raise ProgramError(
                    f"a factor of LinearSequenceMap is a number, not {show_value(factor)}"
                )
        for name, content in {
            "annotations": annotations or MappingProxyType({}),
            "f": f or LinearCombination(fst_fac, snd_fac),
            "fst": fst,
            "snd": snd,
            "fst_fac": fst_fac,
            "snd_fac": snd_fac,
        }.items():
            object.__setattr__(self, name, content)
        self.__post_init__()


@dataclass(frozen=True, eq=False, repr=False)
class Full(SOp):
    """The same value at every position."""

    default_name: ClassVar[str] = "full"
    fill: Value

    def __post_init__(self) -> None:
        require_usable(self.fill, "Full")


@dataclass(frozen=True, eq=False, repr=False)
class ConstantSOp(SOp):
    """Given values, one for every position.

    With ``check_length`` the input must be exactly as long as ``value``. Without, a shorter input
    takes the first values; a longer one gets them as they are, which functions of elements stop
    with, and which attention refuses. What a compiled model gives beyond them is not promised.
    """

    default_name: ClassVar[str] = "constant_sop"
    value: Sequence[Value]
    check_length: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", listed(self.value, "ConstantSOp"))
        for value in self.value:
            require_usable(value, "ConstantSOp")


@dataclass(frozen=True, eq=False, repr=False)
class SelectorWidth(SOp):
    """How many keys each query selects."""

    default_name: ClassVar[str] = "selector_width"
    selector: Selector

    def __post_init__(self) -> None:
        _require_selector(self.selector, "SelectorWidth", "selector")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """The selector."""
        return (self.selector,)


@dataclass(frozen=True, eq=False, repr=False)
class Aggregate(SOp):
    """The mean of the selected elements; the element itself where one is selected.

    Where nothing is selected it is ``default``.
    """

    default_name: ClassVar[str] = "aggregate"
    selector: Selector
    sop: SOp
    default: Value = None

    def __post_init__(self) -> None:
        _require_selector(self.selector, "Aggregate", "selector")
        _require_sop(self.sop, "Aggregate", "sop")
        require_usable(self.default, "Aggregate")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """The selector and the s-op."""
        return (self.selector, self.sop)


@dataclass(frozen=True, eq=False, repr=False)
class Selector(RASPExpr):
    """A boolean matrix: which keys (columns) each query (row) selects."""

    default_name: ClassVar[str] = "selector"

    def __and__(self, other: Selector) -> Selector:
        return selector_and(self, other)

    def __or__(self, other: Selector) -> Selector:
        return selector_or(self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Selector:
        return selector_not(self)


@dataclass(frozen=True, eq=False, repr=False)
class Select(Selector):
    """Selects the keys for which ``predicate(key, query)`` holds."""

    default_name: ClassVar[str] = "select"
    keys: SOp
    queries: SOp
    predicate: Callable[[Any, Any], Any]

    def __post_init__(self) -> None:
        _require_sop(self.keys, "Select", "keys")
        _require_sop(self.queries, "Select", "queries")
        require_function(self.predicate, "Select")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """Keys and queries."""
        return (self.keys, self.queries)


@dataclass(frozen=True, eq=False, repr=False)
class ConstantSelector(Selector):
    """A given matrix, ``value[query position][key position]``.

    With ``check_length`` the input must be exactly as long as the matrix; without, a shorter
    input takes its upper left corner.
    """

    default_name: ClassVar[str] = "constant_selector"
    value: Sequence[Sequence[bool]]
    check_length: bool = True

    def __post_init__(self) -> None:
        rows = tuple(
            tuple(map(bool, listed(row, "ConstantSelector")))
            for row in listed(self.value, "ConstantSelector")
        )
        if any(len(row) != len(rows) for row in rows):
            raise ProgramError("the matrix of ConstantSelector must be square")
        object.__setattr__(self, "value", rows)


@dataclass(frozen=True, eq=False, repr=False)
class BinarySelector(Selector):
    """A boolean combination of two selectors."""

    fst: Selector
    snd: Selector

    def __post_init__(self) -> None:
        _require_selector(self.fst, type(self).__name__, "fst")
        _require_selector(self.snd, type(self).__name__, "snd")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """Both selectors."""
        return (self.fst, self.snd)


@dataclass(frozen=True, eq=False, repr=False)
class SelectorAnd(BinarySelector):
    """Selects what both selectors select."""

    default_name: ClassVar[str] = "selector_and"


@dataclass(frozen=True, eq=False, repr=False)
class SelectorOr(BinarySelector):
    """Selects what either selector selects."""

    default_name: ClassVar[str] = "selector_or"


@dataclass(frozen=True, eq=False, repr=False)
class SelectorNot(Selector):
    """Selects what a selector does not select."""

    default_name: ClassVar[str] = "selector_not"
    inner: Selector

    def __post_init__(self) -> None:
        _require_selector(self.inner, "SelectorNot", "inner")

    @property
    def children(self) -> tuple[RASPExpr, ...]:
        """The negated selector."""
        return (self.inner,)


def selector_and(fst: Selector, snd: Selector) -> Selector:
    """Both selectors at once."""
    return SelectorAnd(fst, snd)


def selector_or(fst: Selector, snd: Selector) -> Selector:
    """Either selector."""
    return SelectorOr(fst, snd)


def selector_not(inner: Selector) -> Selector:
    """The complement.

    Not the opposite comparison: of values that are ordered partially, such as frozensets, neither
    may be less, so that "not less" is more than "greater or equal". The name stays with what is
    negated.
    """
    return SelectorNot(inner)


def sop_not(sop: SOp) -> SOp:
    """Logical not of every element."""
    return ~sop


tokens = TokensType()
indices = IndicesType()
length = LengthType()


def _require_sop(argument: object, owner: str, name: str) -> None:
    require_kind(argument, SOp, owner, name, "an s-op")


def _require_selector(argument: object, owner: str, name: str) -> None:
    require_kind(argument, Selector, owner, name, "a selector")
