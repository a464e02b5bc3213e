"""Problems and their solutions are drawn without a model; what does not fit together is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import shoal
import shoal_analysis
from shoal_analysis import draw_columns, draw_occupancy, draw_schedule
from shoal_analysis.pictures.plots.schedules import MOST_HALF_LAYERS, MOST_ROWS
from shoal_solvers import (
    Allocation,
    AllocationProblem,
    InvalidAllocationError,
    Placement,
    Variable,
)
from tests.analysis.pictures.solved import ALLOCATION, PROBLEM, RESULT, deep, wide

ALL = (draw_occupancy, draw_columns, draw_schedule)
Draw = Callable[..., Figure]


def texts(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(Text) if isinstance(t, Text))


def test_what_is_public_can_be_had_from_the_package() -> None:
    assert [getattr(shoal_analysis, name) for name in shoal_analysis.__all__] == [
        draw_columns,
        draw_occupancy,
        draw_schedule,
    ]


# Content.


def test_occupancy_is_counted_and_bounded_and_its_binding_states_are_marked() -> None:
    (ax,) = draw_occupancy(PROBLEM, RESULT).axes
    assert [patch.get_height() for patch in ax.patches] == [3, 6, 4, 6, 8]
    assert [line.get_label() for line in ax.lines] == ["width 8", "proven bound 6"]
    bold = [t.get_text() for t in ax.get_xticklabels() if t.get_fontweight() == "bold"]
    assert bold == ["MLP 1"]
    (ax,) = draw_occupancy(PROBLEM, ALLOCATION).axes
    assert [line.get_label() for line in ax.lines] == ["width 8"]
    assert "binding, all columns are in use (1 of 5 states)" in texts(ax.figure)


def test_a_bound_that_says_nothing_is_no_line() -> None:
    layers, width = RESULT.objectives
    nothing = replace(RESULT, objectives=(layers, replace(width, bound=0)))
    (ax,) = draw_occupancy(PROBLEM, nothing).axes
    assert [line.get_label() for line in ax.lines] == ["width 8"]
    assert "8 columns, nothing proven" in texts(draw_columns(PROBLEM, nothing))


def test_columns_hold_what_the_allocation_says() -> None:
    figure = draw_columns(PROBLEM, RESULT)
    (ax,) = figure.axes
    found = {
        (p.get_gid(), round(p.get_x()), round(p.get_x() + p.get_width()), round(p.get_y()))
        for p in ax.patches
    }
    assert found == {
        ("tokens", 0, 2, 0),
        ("here", 1, 2, 3),
        ("there", 1, 5, 4),
        ("sum", 2, 4, 0),
        ("copy", 3, 5, 2),
        ("result", 4, 5, 0),
        ("result", 4, 5, 6),
    }
    assert "8 columns, at least 6 proven" in texts(figure)
    assert "1 further values, of no column, are left out" in texts(figure)


def test_schedules_have_a_bar_for_each_operation_its_window_and_its_erasures() -> None:
    figure = draw_schedule(PROBLEM, RESULT)
    (ax,) = figure.axes
    placed = {
        p.get_gid(): int(p.get_x()) for p in ax.patches if p.get_gid() in ALLOCATION.placements
    }
    assert placed == {name: p.half_layer for name, p in ALLOCATION.placements.items()}
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert rows == [
        "tokens (input)",
        "look here",
        "look there",
        "add (1)",
        "never",
        "copy $x_1$",
        "finish",
        "in use",
    ]
    windows = [
        (rows[round(p.get_y() + p.get_height() / 2)], round(p.get_x()))
        for p in ax.patches
        if p.get_gid() == "window"
    ]
    assert [half_layer for row, half_layer in windows if row == "look here"] == [0, 2]
    assert [half_layer for row, half_layer in windows if row == "never"] == [1, 3]
    crosses = [t.get_position() for t in ax.texts if t.get_gid() == "erasure"]
    assert [(rows[round(y)], int(x)) for x, y in crosses] == [
        ("tokens (input)", 1),
        ("look here", 1),
        ("add (1)", 3),
    ]
    used = [p for p in ax.patches if str(p.get_gid()).startswith("half-layer")]
    heights = [abs(p.get_height()) for p in used]
    full = heights[2]  # each is relative to the fullest of its kind
    assert heights == pytest.approx([full / 2, full, full, full])
    assert "2 heads and 14 neurons at most" in texts(figure)
    assert draw_schedule(PROBLEM, ALLOCATION, Figure().add_subplot()).axes


# What does not fit together.


@pytest.mark.parametrize("draw", ALL)
def test_allocations_of_other_problems_are_refused(draw: Draw) -> None:
    with pytest.raises(InvalidAllocationError) as caught:
        draw(PROBLEM, wide(30)[1])
    message = str(caught.value)
    assert "cannot be drawn, since it is none of 'busy'" in message
    assert message.count("\n  - ") == 6
    assert "more\ngive the problem that it was made for" in message
    moved = replace(ALLOCATION, placements={**ALLOCATION.placements, "finish": Placement(1, 0)})
    with pytest.raises(InvalidAllocationError, match="'finish' reads 'copy', which is not in the"):
        draw(PROBLEM, replace(RESULT, allocation=moved))


@pytest.mark.parametrize("draw", ALL)
def test_other_things_are_refused(draw: Draw) -> None:
    with pytest.raises(shoal.InvalidInputError, match="needs an AllocationProblem first"):
        draw(ALLOCATION, PROBLEM)
    with pytest.raises(shoal.InvalidInputError, match="needs an Allocation or a Result, not None"):
        draw(PROBLEM, None)


@pytest.mark.parametrize("draw", ALL)
def test_without_layers_there_is_a_picture_that_says_so(draw: Draw, tmp_path: Path) -> None:
    problem = AllocationProblem((Variable("x", 2, is_input=True, is_output=True),), ())
    figure = draw(problem, Allocation(0, {}, {}, {"x": (0, 1)}))
    figure.savefig(tmp_path / "picture.png")
    said = {draw_schedule: "there is no layer, so nothing runs"}.get(draw, "embedding")
    assert said in texts(figure)
    draw(AllocationProblem((), ()), Allocation(0, {}, {}, {})).savefig(tmp_path / "nothing.png")


@pytest.mark.parametrize("draw", ALL)
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
@pytest.mark.parametrize(
    "prefix", ["$x_1$ \\frac{", "two\nlines\t", "x" * 5000, "<a&b>\0\ud800", " "]
)
def test_any_names_are_drawn(draw: Draw, ending: str, prefix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{ending}"
    figure = draw(*wide(6, prefix))
    assert max(figure.get_size_inches()) < 8
    figure.savefig(path)
    assert path.stat().st_size > 1000
    if ending == "svg":
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


# What is large.


@pytest.mark.parametrize("draw", ALL)
@pytest.mark.parametrize("example", [wide, deep])
def test_a_thousand_variables_are_drawn_in_part(
    draw: Draw, example: Callable[[int], tuple[AllocationProblem, Allocation]], tmp_path: Path
) -> None:
    figure = draw(*example(1000))
    assert max(figure.get_size_inches()) < 50
    figure.savefig(tmp_path / "picture.png", dpi=40)
    if example is wide and draw is draw_schedule:
        assert "1,000 operations in 3 rows: those of one half-layer share rows" in texts(figure)
        assert "left out" not in texts(figure)
    elif (example, draw) != (wide, draw_occupancy):
        assert "left out" in texts(figure)


def test_deep_schedules_say_how_much_is_left_out() -> None:
    (ax,) = draw_schedule(*deep(1000)).axes
    drawn = [p for p in ax.patches if str(p.get_gid()).startswith("v")]
    assert len(drawn) == MOST_HALF_LAYERS / 2 < MOST_ROWS
    assert f"{1000 - len(drawn):,} further operations are left out" in texts(ax.figure)
    assert f"{2000 - MOST_HALF_LAYERS:,} further half-layers are left out" in texts(ax.figure)


def test_without_matplotlib_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from shoal import InvalidInputError\n"
        "from shoal_analysis import draw_occupancy, draw_columns, draw_schedule\n"
        "from tests.analysis.pictures.solved import PROBLEM, RESULT\n"
        "for draw in (draw_occupancy, draw_columns, draw_schedule):\n"
        "    try: draw(PROBLEM, RESULT)\n"
        "    except InvalidInputError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.count("pip install 'shoal[plot]'") == 3
