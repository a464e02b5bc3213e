from __future__ import annotations

import pytest

from shoal_analysis.fuzzing.cases import Case
from shoal_analysis.fuzzing.programs import random_cases


@pytest.fixture(scope="session")
def sample() -> list[Case]:
    """Random cases, the same on every run."""
    return [case for start in range(3) for case in random_cases(50, start)]
