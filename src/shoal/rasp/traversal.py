"""Walking through expressions without recursion, so that deep programs are no problem."""

from __future__ import annotations

from shoal.rasp.expressions import RASPExpr


def postorder(root: RASPExpr) -> list[RASPExpr]:
    """Every expression that ``root`` is made of, once, children first; ``root`` is last."""
    order: list[RASPExpr] = []
    done: set[int] = set()
    agenda: list[tuple[RASPExpr, bool]] = [(root, False)]
    while agenda:
        expression, children_done = agenda.pop()
        if id(expression) in done:
            continue
        if children_done:
            done.add(id(expression))
            order.append(expression)
        else:
            agenda.append((expression, True))
            agenda.extend((child, False) for child in reversed(expression.children))
    return order
