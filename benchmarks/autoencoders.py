"""``python -m benchmarks.autoencoders``: do sparse autoencoders find the named values?

On rotated models, whose columns say nothing, by ``sae-lens``, in the environment that ``make
discovery`` makes. As many features as there are coordinates of named values, and twice as many; as
many active at a time as there are values in the stream.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from statistics import fmean, stdev

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.text import Text

from shoal_analysis import lab
from shoal_analysis.lab.cases.case import Case
from shoal_analysis.lab.methods.autoencoders import train_autoencoder
from shoal_analysis.lab.scores.features import FeatureScores, activations

CASES = ("hist", "rank", "two_back", "greatest")

HEADS = ("case", "features", "explained", "directions", "found", "active together", "found")


def sampled(case: Case, count: int) -> list[list[object]]:
    draw = random.Random(0)
    return [
        [draw.choice(case.recipe.vocab) for _ in range(draw.randint(1, case.recipe.length))]
        for _ in range(count)
    ]


def measured(name: str, seed: int, steps: int) -> Iterator[tuple[str, list[float]]]:
    case = lab.make_case(name, "faithful", pairs=2)
    model = lab.rotate(case.model, seed)
    inputs, end = sampled(case, 2000), 2 * case.model.num_layers
    named = lab.named_features(model, end, inputs)
    stream = activations(model, end, inputs)
    values = len({feature.label.split(":")[0] for feature in named})
    for times in (1, 2):
        count = times * len(named)
        made = train_autoencoder(model, end, inputs, count, values, steps, seed)
        directions = lab.score_features(named, made.directions)
        activity = lab.score_activity(named, stream, made.activity)
        yield f"{count} ({values} active)", _row(made.explained, directions, activity)
    noise = np.random.default_rng(seed).standard_normal((len(named), model.d_model))
    directions = lab.score_features(named, noise)
    activity = lab.score_activity(named, stream, np.maximum(stream @ noise.T, 0))
    yield f"{len(named)} at random", _row(float("nan"), directions, activity)


def _row(explained: float, directions: FeatureScores, activity: FeatureScores) -> list[float]:
    return [explained, directions.mean, directions.recall, activity.mean, activity.recall]


def _cell(values: list[float]) -> str:
    if np.isnan(values).any():
        return "-"
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.autoencoders", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000)
    arguments = parser.parse_args()
    rows: dict[tuple[str, str], list[list[float]]] = {}
    runs = [(name, seed) for name in arguments.cases for seed in range(arguments.seeds)]
    for name, seed in track(runs, console=Console(stderr=True), transient=True):
        for what, row in measured(name, seed, arguments.steps):
            rows.setdefault((name, what), []).append(row)
    lines = [list(HEADS), ["---"] * len(HEADS)]
    for (name, what), each in rows.items():
        lines.append([name, what, *map(_cell, map(list, zip(*each, strict=True)))])
    console = Console(highlight=False)
    for line in lines:
        console.print(Text(f"| {' | '.join(line)} |"), soft_wrap=True)


if __name__ == "__main__":
    main()
