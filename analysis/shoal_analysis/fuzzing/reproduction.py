"""Failures as short Python files that show them."""

from __future__ import annotations

from dataclasses import asdict

from shoal_analysis.fuzzing.cases import Case

_FILE = '''"""A program that Shoal gets wrong.

{message}
"""

import sys

from shoal_analysis.fuzzing.cases import Case, CaseOptions, Line
from {module} import {function}

PROGRAM = """
{program}
"""

case = Case(
    lines=Line.parse(PROGRAM),
    vocab={vocab!r},
    options=CaseOptions(**{options!r}),
    seed={seed},
)

if __name__ == "__main__":
    print({function}(case, haiku="--haiku" in sys.argv))
'''


def reproduction(
    case: Case,
    message: str,
    module: str = "shoal_analysis.fuzzing.oracles",
    function: str = "examine",
) -> str:
    """A file that raises as long as the failure is there, and prints the verdict after that.

    Args:
        case: what fails.
        message: what happens.
        module: of the function.
        function: what is called with the case, and whether Haiku is to be asked.
    """
    safe = message.replace("\\", "\\\\").replace('"""', "'''")
    return _FILE.format(
        module=module,
        function=function,
        message=safe,
        program=case.source().replace("\\", "\\\\"),
        vocab=case.vocab,
        options=asdict(case.options),
        seed=case.seed,
    )
