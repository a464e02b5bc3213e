"""What plots show is what is known of the model; what cannot be drawn is said."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import shoal
from shoal import rasp
from shoal.atlas.circuit import flow
from shoal.options import ALL as ALL_PASSES
from shoal.rasp.stock import STOCK
from shoal_analysis.growth import measure_growth
from shoal_analysis.pictures import plots
from shoal_analysis.pictures.bars import Bar, Bars, bars_of_atlas
from shoal_analysis.pictures.plots import (
    allocations,
    attention_patterns,
    comparisons,
    residual_streams,
)
from tests.analysis.pictures.plots.examples import bars, growths, measurements, model

MODEL = model()
ALL = ("residual_stream", "attention", "allocation", "occupancy", "circuit")


def drawn(of: shoal.Transformer, name: str, tokens: list[object], **options: object) -> Figure:
    inputs = (tokens,) if name in ("residual_stream", "attention") else ()
    figure = getattr(of.plot, name)(*inputs, **options)
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure


def texts(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(Text) if isinstance(t, Text))


def cells(ax: Axes) -> np.ma.MaskedArray:
    (image,) = ax.get_images()
    return np.ma.asarray(image.get_array())


@pytest.mark.slow
@pytest.mark.parametrize("plot", ALL)
@pytest.mark.parametrize("name", STOCK)
def test_every_stock_program_can_be_drawn(name: str, plot: str) -> None:
    stock = STOCK[name]
    made = shoal.compile(stock.make(5), vocab=stock.vocab, max_seq_len=5)
    drawn(made, plot, list(stock.vocab)[:3])


# Content.


def test_rows_of_the_stream_are_columns_of_values_while_they_live() -> None:
    figure = drawn(MODEL, "residual_stream", ["a", "b", "a"])
    passed = MODEL.run_ids(MODEL.ids([["a", "b", "a"]]))
    rows = residual_streams.rows_of(MODEL)
    assert len(figure.axes) == 2 * MODEL.num_layers + 1
    for state, ax in enumerate(figure.axes):
        stream = (passed.input_embeddings, *passed.residuals)[state][0]
        for row, shown in zip(rows, cells(ax), strict=True):
            alive = row.place.first <= state <= row.place.last
            assert np.ma.getmaskarray(shown).all() != alive
            if alive:
                largest = row.place.largest or 1
                np.testing.assert_allclose(shown, stream[:, row.column] / largest, atol=1e-6)
                assert MODEL.labels_at(state)[row.column] in (row.label, "tokens:BOS")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"{row.label} [{row.column}]" for row in rows]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["BOS", "a", "b", "a"]


def test_values_and_states_can_be_chosen() -> None:
    figure = drawn(MODEL, "residual_stream", ["a"], names=["hist"], states=[2, 3])
    assert len(figure.axes) == 2
    assert all(t.get_text().startswith("hist:") for t in figure.axes[0].get_yticklabels())


@pytest.mark.parametrize("causal", [False, True])
def test_patterns_are_what_the_model_attends_to(causal: bool) -> None:
    stock = STOCK["shuffle_dyck1"]
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
    passes = [name for name in ALL_PASSES if name != "linear-counts"]
    made = shoal.compile(program, vocab=stock.vocab, max_seq_len=4, causal=causal, passes=passes)
    figure = drawn(made, "attention", ["(", ")", "("])
    (ax,) = figure.axes
    third = [1 / 3, 1 / 3, 0, 1 / 3]
    assert np.allclose(cells(ax)[3], third, atol=1e-6)
    assert np.allclose(cells(ax)[1], [0.5, 0.5, 0, 0] if causal else third, atol=1e-6)
    title = " ".join(ax.get_title().split())
    assert "select(tokens, tokens, Comparison.EQ) writes selector_width.reciprocal" in title


def test_selectors_of_selectors_are_written_out() -> None:
    stock = STOCK["copy_previous"]
    made = shoal.compile(stock.make(4), vocab=stock.vocab, max_seq_len=4)
    names = [
        attention_patterns.selector_of(made.atlas, part)
        for part in made.atlas.parts
        if part.kind == "head"
    ]
    assert all(names)
    assert any(name.startswith("selector_and(selector_and(select(") for name in names)


def test_bars_are_drawn_where_values_are() -> None:
    chart = bars_of_atlas(MODEL.atlas, MODEL.num_layers, MODEL.d_model)
    (ax,) = drawn(MODEL, "allocation", []).axes
    found = {
        (p.get_gid(), round(p.get_x()), round(p.get_x() + p.get_width()), round(p.get_y()))
        for p in ax.patches
    }
    assert found == {(b.name, b.first, b.last + 1, r.start) for b in chart.bars for r in b.runs}
    crosses = [t for t in ax.texts if t.get_text() == "\N{MULTIPLICATION SIGN}"]
    assert len(crosses) == sum(len(b.runs) for b in chart.bars if b.erased)
    assert {line.get_xdata()[0] for line in ax.lines if line.get_gid() == "full"} == set(chart.full)


def test_occupancy_is_as_high_as_columns_are_in_use() -> None:
    (ax,) = plots.occupancy(bars()).axes
    assert [patch.get_height() for patch in ax.patches] == list(bars().occupancy)
    assert [line.get_label() for line in ax.lines] == ["width 4", "proven bound 4"]


def test_every_edge_of_the_circuit_has_a_wire_and_a_name() -> None:
    graph = flow(MODEL.circuit())
    (ax,) = plots.circuit(graph).axes
    assert sum(p.get_gid() == "wire" for p in ax.patches) == graph.number_of_edges()
    nodes = [p.get_gid() for p in ax.patches if str(p.get_gid()).startswith("node ")]
    assert sorted(nodes) == sorted(f"node {d['label']}" for _, d in graph.nodes(data=True))
    named = {t.get_text() for t in ax.texts if t.get_gid() == "variable"}
    assert named == {name for *_, name in graph.edges(data="variable")}


def test_comparisons_have_a_bar_for_each_measurement() -> None:
    figure = plots.comparison(measurements())
    for ax, measure in zip(figure.axes, comparisons.MEASURES, strict=True):
        widths = sorted(patch.get_width() for patch in ax.patches)
        assert widths == sorted(getattr(m, measure) for m in measurements())


def test_growth_is_drawn_against_what_varies() -> None:
    figure = plots.growth(growths())
    assert [line.get_xdata().tolist() for line in figure.axes[0].lines] == [[4, 8, 16]] * 2
    by_vocab = [g for g in growths() if g.length == 4]
    figure = plots.growth(by_vocab)
    assert [line.get_xdata().tolist() for line in figure.axes[1].lines] == [[4, 16]]
    measured = measure_growth(STOCK["hist"].make, [["a"], ["a", "b"]], [2, 3])
    assert [(g.length, g.vocab_size) for g in measured] == [(2, 1), (3, 1), (2, 2), (3, 2)]
    assert measured[0].width < measured[-1].width


# Manners.


def test_settings_are_left_as_they_are_and_nothing_is_shown() -> None:
    before = dict(mpl.rcParams)
    for name in ALL:
        drawn(MODEL, name, ["a"])
    assert dict(mpl.rcParams) == before
    code = (
        "import sys; from tests.analysis.pictures.plots.examples import PICTURES\n"
        "for draw in PICTURES.values(): draw()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_given_axes_are_drawn_into() -> None:
    figure = Figure()
    for name, kind in (("allocation", "ax"), ("occupancy", "ax"), ("circuit", "ax")):
        assert drawn(MODEL, name, [], **{kind: figure.add_subplot()}) is figure
    grid = Figure().subplots(1, 5)
    assert len(grid) == 2 * MODEL.num_layers + 1
    assert drawn(MODEL, "residual_stream", ["a"], axes=grid) is grid[0].figure
    with pytest.raises(shoal.InvalidInputError, match="has 5 panels, but 1 axes are given"):
        drawn(MODEL, "residual_stream", ["a"], axes=figure.add_subplot())
    with pytest.raises(shoal.InvalidInputError, match="axes of matplotlib"):
        MODEL.plot.allocation(ax=3)


def test_figures_show_themselves_in_notebooks_and_can_be_pickled() -> None:
    figure = drawn(MODEL, "occupancy", [])
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert len(pickle.loads(pickle.dumps(figure)).axes) == 1


def test_names_are_no_formulas() -> None:
    program = rasp.Map(lambda t: t, rasp.tokens).named("a$x_1$ \\frac{")
    made = shoal.compile(program, vocab=["$", "$$", "_^$x$"], max_seq_len=2, passes="none")
    for settings in ({}, {"text.usetex": True}):
        with mpl.rc_context(settings):
            for name in ALL:
                drawn(made, name, ["$$", "_^$x$"])
    axes = Figure().subplots(1, 3)
    drawn(made, "residual_stream", ["$$", "_^$x$"], axes=axes)


# Odd models, and what is not there.


@pytest.mark.parametrize("plot", ALL)
def test_models_without_layers_heads_or_choice(plot: str) -> None:
    nothing = shoal.compile(rasp.tokens, vocab=["a"], max_seq_len=1)
    assert nothing.num_layers == 0
    drawn(nothing, plot, ["a"])
    no_heads = shoal.compile(rasp.Map(lambda t: t * 2, rasp.tokens), vocab=[1], max_seq_len=1)
    drawn(no_heads, plot, [1])


def test_empty_things_say_that_they_are_empty() -> None:
    nothing = shoal.compile(rasp.tokens, vocab=["a"], max_seq_len=1)
    assert "no head does anything here" in texts(drawn(nothing, "attention", ["a"]))
    assert "nothing was measured" in texts(plots.comparison([]))
    assert "nothing was measured" in texts(plots.growth([]))
    assert "the circuit is empty" in texts(plots.circuit(type(MODEL.circuit())()))
    drawn_of_nothing = plots.allocation(Bars((), 1, 0))
    assert "0 columns, nothing proven" in texts(drawn_of_nothing)
    plots.occupancy(Bars((), 1, 0)).canvas.draw()


def test_results_that_are_none_are_drawn() -> None:
    first = rasp.Select(rasp.indices, rasp.Map(lambda i: i - 1, rasp.indices), rasp.Comparison.EQ)
    program = rasp.Aggregate(first, rasp.tokens, default=None).named("before")
    made = shoal.compile(program, vocab=["a", "b"], max_seq_len=3)
    assert made.run(["a", "b"])[0] is None
    for name in ALL:
        drawn(made, name, ["a", "b"])


def test_what_is_too_large_is_left_out_and_said() -> None:
    program = rasp.Map(lambda i: -i, rasp.indices)
    long = shoal.compile(program, vocab=["a"], max_seq_len=250, passes="none")
    allocation = drawn(long, "allocation", [])
    assert f"{long.d_model - allocations.MOST_COLUMNS} further columns" in texts(allocation)
    stream = texts(drawn(long, "residual_stream", ["a"] * 250))
    assert f"{251 - residual_streams.MOST_POSITIONS} further positions" in stream
    assert "further rows are left out" in stream
    many = Bars(tuple(Bar(f"b{i}", (i,), 0, 99, False) for i in range(4)), 100, 4)
    assert "further states are left out" in texts(plots.allocation(many))
    assert "further states are left out" in texts(plots.occupancy(many))
    for figure in (allocation, plots.allocation(many), plots.occupancy(many)):
        assert max(figure.get_size_inches()) < 50


def test_large_circuits_are_drawn_in_part() -> None:
    graph = type(MODEL.circuit())()
    for i in range(300):
        graph.add_node(i, kind="head", label=f"head {i}", half_layer=i // 10)
    for i in range(300):
        graph.add_edges_from((i, j, {"variable": f"v{i}"}) for j in range(i + 10, 300, 7))
    figure = plots.circuit(graph)
    assert "220 further nodes are left out" in texts(figure)
    assert "further edges are left out" in texts(figure)
    assert "labels of edges are left out" in texts(figure)


def test_inputs_and_requests_that_do_not_fit_are_refused() -> None:
    with pytest.raises(shoal.InvalidInputError, match="not in the vocab"):
        MODEL.plot.attention(["c"])
    with pytest.raises(shoal.InvalidInputError, match="there is no layer 7"):
        MODEL.plot.attention(["a"], layer=7)
    with pytest.raises(shoal.InvalidInputError, match="there is no head -1"):
        MODEL.plot.attention(["a"], head=-1)
    with pytest.raises(shoal.InvalidInputError, match="no value named 'histo'"):
        MODEL.plot.residual_stream(["a"], names=["histo"])
    with pytest.raises(shoal.InvalidInputError, match="there is no state 9"):
        MODEL.plot.residual_stream(["a"], states=[9])


def test_loaded_models_are_drawn_and_weights_alone_are_not(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "m.safetensors")
    loaded = shoal.load(tmp_path / "m.safetensors")
    for name in ALL:
        drawn(loaded, name, ["a"])
    MODEL.save(tmp_path / "m.npz")
    plain = shoal.load(tmp_path / "m.npz")
    for name in ALL:
        with pytest.raises(shoal.InvalidInputError, match="nothing is known of this model"):
            drawn(plain, name, ["a"])


def test_without_matplotlib_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import shoal; from shoal import rasp\n"
        "model = shoal.compile(rasp.tokens, vocab=['a'], max_seq_len=1)\n"
        "assert '<svg' in model._repr_html_()\n"
        "for draw in (model.plot.allocation, lambda: model.plot.attention(['a'])):\n"
        "    try: draw()\n"
        "    except shoal.InvalidInputError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.count("pip install 'shoal[plot]'") == 2
