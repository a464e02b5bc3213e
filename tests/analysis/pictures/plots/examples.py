"""One small picture of each kind, whose baselines stand beside this file.

``python -m tests.analysis.pictures.plots`` draws all baselines anew, and the images of
docs/pictures.md; look at them before they are committed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from types import MappingProxyType

import matplotlib as mpl
from matplotlib.figure import Figure

import shoal
from shoal import rasp
from shoal_analysis import draw_occupancy, draw_schedule
from shoal_analysis.comparison import Measurement
from shoal_analysis.growth import Growth
from shoal_analysis.pictures import plots
from shoal_analysis.pictures.bars import Bars, bars_of_result
from shoal_solvers import AllocationProblem, Alternative, Kind, Operation, Result, Variable, solve
from tests.analysis.pictures.solved import PROBLEM, RESULT, wide

HERE = Path(__file__).parent
BASELINES = HERE / "baseline"
PAGE = HERE.parents[3] / "docs" / "pictures.md"
IMAGES = PAGE.parent / "images"


def model() -> shoal.Model:
    """How often each token occurs, as written and placed by the heuristic: it stays as it is."""
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    hist = rasp.SelectorWidth(same).named("hist")
    often = rasp.Map(lambda n: n > 1, hist).named("often")
    return shoal.compile(
        often, vocab=["a", "b"], max_seq_len=3, passes="none", allocator="critical-path"
    )


def problem() -> AllocationProblem:
    """A chain of three operations, of which the first value can be erased."""
    return AllocationProblem(
        (
            Variable("x", 3, is_input=True, erase_neurons=3),
            Variable("y", 2, erase_neurons=2),
            Variable("z", 4, is_output=True),
        ),
        (
            Operation("y", Kind.MLP, ("y",), (Alternative(("x",), 5),)),
            Operation("z", Kind.MLP, ("z",), (Alternative(("y",), 4),)),
        ),
    )


def result() -> Result:
    return solve(problem(), "cp-sat")


def bars() -> Bars:
    return bars_of_result(problem(), result())


def measurements() -> list[Measurement]:
    return [
        Measurement("sort", "all", "longest-path", 6, 60, 40, 90, 2, 90_000, 91_000, 0.1, "-"),
        Measurement("sort", "all", "cp-sat", 3, 30, 30, 60, 2, 9_000, 9_100, 0.2, "all"),
        Measurement("hist", "all", "longest-path", 1, 9, 6, 12, 1, 700, 730, 0.1, "layers"),
        Measurement("hist", "all", "cp-sat", 1, 6, 6, 10, 1, 300, 320, 0.2, "all"),
    ]


def growths() -> list[Growth]:
    return [
        Growth(length, size, 2 + length // 8, 3 * length + size, 40 * length * size, 0.01 * length)
        for size in (4, 16)
        for length in (4, 8, 16)
    ]


PICTURES: Mapping[str, Callable[[], Figure]] = MappingProxyType(
    {
        "residual_stream": lambda: model().plot.residual_stream(["a", "b", "a"]),
        "attention": lambda: model().plot.attention(["a", "b", "a"]),
        "allocation": lambda: plots.allocation(bars()),
        "occupancy": lambda: plots.occupancy(bars()),
        "occupancy_with_gap": lambda: draw_occupancy(PROBLEM, RESULT),
        "schedule": lambda: draw_schedule(PROBLEM, RESULT),
        "schedule_in_groups": lambda: draw_schedule(*wide(300)),
        "circuit": lambda: model().plot.circuit(),
        "comparison": lambda: plots.comparison(measurements()),
        "growth": lambda: plots.growth(growths()),
    }
)


@contextmanager
def plain_settings(dpi: int) -> Iterator[None]:
    """Settings that are the same everywhere, with a font that comes with matplotlib."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {"font.family": "DejaVu Sans", "figure.dpi": dpi, "text.hinting": "none"}
        )
        yield


def draw_baselines(folder: Path) -> None:
    """Write every example into a folder."""
    for name in PICTURES:
        draw_baseline(name, folder)


def draw_baseline(name: str, folder: Path) -> None:
    with plain_settings(dpi=60):
        PICTURES[name]().savefig(folder / f"{name}.png", metadata={"Software": None})


def draw_page(folder: Path) -> None:
    """Run the code of the page, one block after the other, in a folder."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    with chdir(folder), plain_settings(dpi=80):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
