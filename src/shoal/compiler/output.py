"""How the program's result is read from the last state of the stream."""

from __future__ import annotations

from shoal.contract import agrees
from shoal.errors import Refusal, UnsupportedProgramError
from shoal.lowering.held import Held
from shoal.lowering.lowered import LoweredProgram
from shoal.lowering.radii import largest_error
from shoal.program.facts.domains import Enumerated
from shoal.program.facts.inferred import Inferred
from shoal.rasp.values import is_one_in_float32, show_value
from shoal.transformer.encoders import OutputDecoder


def require_distinct_results(inferred: Inferred) -> None:
    """Refuse a categorical program two of whose results look the same, but are not equal.

    Raises:
        UnsupportedProgramError: names such results.
    """
    root = inferred.program.node(inferred.program.root)
    domain = inferred.domain(root.id)
    if isinstance(domain, Enumerated) and not len(domain) and not domain.nullable:
        raise UnsupportedProgramError(
            Refusal.ALWAYS_RAISES,
            root.label,
            "it is undefined on every input",
            "let its functions and predicates return something on the values that occur",
        )
    if root.is_numerical:
        return
    for members in inferred.listed(root, root.label).classes:
        different = [v for v in members if not agrees(v, members[0], numerical=False)]
        if different:
            raise UnsupportedProgramError(
                Refusal.INDISTINGUISHABLE,
                root.label,
                f"the program can result in {show_value(members[0])} and in "
                f"{show_value(different[0])}, which a float32 network cannot tell apart",
                "annotate it with rasp.numerical, or round earlier",
                outside_float32=is_one_in_float32(members[0], different[0]),
            )


def require_precise(lowered: LoweredProgram) -> None:
    """Refuse a program if float32 arithmetic takes its result, or a kept number, too far off.

    Raises:
        UnsupportedProgramError: says how far.
    """
    inferred = lowered.inferred
    for number in inferred.program.ends:
        node = inferred.program.node(number)
        held = lowered.first(number)
        error = largest_error(held, lowered.variables)
        allowed = held.form.room(held.domain)
        if error > allowed:
            raise UnsupportedProgramError(
                Refusal.TOO_INEXACT,
                node.label,
                f"float32 arithmetic may take it off by {error:.1g}, more than {allowed:.1g}",
                "use smaller numbers, fewer of them, or a shorter max_seq_len",
            )


def output_decoder(result: Held) -> OutputDecoder:
    """The decoder for what holds the result."""
    domain = result.domain
    if result.form.is_number or not isinstance(domain, Enumerated):
        return OutputDecoder((), None, domain.nullable)
    return OutputDecoder(domain.values, result.codes, domain.nullable)
