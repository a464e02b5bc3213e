"""Failures as short Python files that show them."""

from __future__ import annotations

from dataclasses import asdict

from shoal_analysis.fuzzing.cases import Case

_FILE = '''"""A program that Shoal gets wrong.

{message}
"""

import sys

from shoal_analysis.fuzzing.cases import Case, CaseOptions, Line
from shoal_analysis.fuzzing.oracles import examine

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
    print(examine(case, haiku="--haiku" in sys.argv))
'''


def reproduction(case: Case, message: str) -> str:
    """A file that raises as long as the failure is there, and prints the verdict after that."""
    safe = message.replace("\\", "\\\\").replace('"""', "'''")
    return _FILE.format(
        message=safe,
        program=case.source().replace("\\", "\\\\"),
        vocab=case.vocab,
        options=asdict(case.options),
        seed=case.seed,
    )
