"""RASP embedded in Python, with the names of Tracr's ``rasp`` module.

>>> from shoal import rasp
>>> backwards = rasp.Select(rasp.indices, rasp.length - 1 - rasp.indices, rasp.Comparison.EQ)
>>> rasp.Aggregate(backwards, rasp.tokens)(["a", "b", "c"])
['c', 'b', 'a']
"""

from shoal.rasp.annotations import (
    Encoding,
    annotate,
    categorical,
    get_encoding,
    is_categorical,
    is_numerical,
    keep,
    numerical,
)
from shoal.rasp.expressions import (
    Aggregate,
    ConstantSelector,
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    Selector,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
    indices,
    length,
    selector_and,
    selector_not,
    selector_or,
    sop_not,
    tokens,
)
from shoal.rasp.functions import Comparison
from shoal.rasp.interpreter import SelectorValue, evaluate, evaluate_all
from shoal.rasp.printing import listing
from shoal.rasp.values import Value

__all__ = [
    "Aggregate",
    "Comparison",
    "ConstantSOp",
    "ConstantSelector",
    "Encoding",
    "Full",
    "IndicesType",
    "LengthType",
    "LinearSequenceMap",
    "Map",
    "RASPExpr",
    "SOp",
    "Select",
    "Selector",
    "SelectorAnd",
    "SelectorNot",
    "SelectorOr",
    "SelectorValue",
    "SelectorWidth",
    "SequenceMap",
    "TokensType",
    "Value",
    "annotate",
    "categorical",
    "evaluate",
    "evaluate_all",
    "get_encoding",
    "indices",
    "is_categorical",
    "is_numerical",
    "keep",
    "length",
    "listing",
    "numerical",
    "selector_and",
    "selector_not",
    "selector_or",
    "sop_not",
    "tokens",
]
