"""Quality against time: a recipe trained anew for each of several budgets of minutes, by `seqx train --minutes`.

    python -m tests.benchmarks.frontier --recipe fr-en-multi30k [--minutes 10,20,45] [--arm "NAME: KEY=VALUE ..."]...
        [--folder DIR] [--plot FILE]

An arm is the recipe with values changed; without any the recipe stands as it is. Every point is a run folder of its
own in DIR, where a second call finds it, or goes on with it. Nothing else should compute meanwhile: the first seconds
of a training run decide how many updates it has time for. Prints a table of all points of the recipe in DIR.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seq2seq.run import Run


@dataclass(frozen=True)
class Point:
    """What a budget came to."""

    recipe: str
    arm: str
    minutes: float
    trained: float  # minutes, validations counted
    updates: int
    tokens: int  # target tokens seen
    dev_bleu: float  # the best of the validations, greedy
    test_bleu: float
    low: float  # of 95 %
    high: float
    signature: str


def train(folder: Path, recipe: str, arm: str, changes: list[str], minutes: float) -> None:
    """Train one point, unless it is there."""
    run = folder / f"{recipe}~{arm}~{minutes:g}"
    sets = [word for change in changes for word in ("--set", change)]
    command = ["train", "--recipe", recipe, "--minutes", f"{minutes:g}", "--run", str(run), "--device", "cpu", *sets]
    subprocess.run([sys.executable, "-m", "cli.main", *command], check=True)


def read(path: Path) -> Point | None:
    """The point of a run folder; None where its training has not come to its end."""
    record = Run(path).record()
    if "test" not in record.get("scores", {}):
        return None
    recipe, arm, minutes = path.name.split("~")
    rows = [json.loads(line) for line in Run(path).metrics.read_text(encoding="utf-8").splitlines()]
    bleu = next(score for score in record["scores"]["test"]["scores"] if score["name"] == "BLEU")
    return Point(
        recipe,
        arm,
        float(minutes),
        record["finished"]["seconds"] / 60,
        record["finished"]["step"],
        record["finished"]["target_tokens"],
        max(row["dev_bleu"] for row in rows),
        bleu["value"],
        bleu["low"],
        bleu["high"],
        bleu["signature"],
    )


def draw(points: list[Point], file: Path) -> None:
    """Test BLEU against minutes, a line an arm and recipe, with 95 % intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name in sorted({(point.recipe, point.arm) for point in points}):
        own = [point for point in points if (point.recipe, point.arm) == name]
        below, above = [p.test_bleu - p.low for p in own], [p.high - p.test_bleu for p in own]
        axes.errorbar(
            [p.minutes for p in own], [p.test_bleu for p in own], (below, above), marker="o", capsize=3,
            label=": ".join(name),
        )  # fmt: skip
    axes.set_xscale("log")
    ticks = sorted({point.minutes for point in points})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("test BLEU (95 %)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(file)


def table(points: list[Point]) -> Table:
    """All points, a row each."""
    shown = Table("recipe", "arm", "budget", "trained", "updates", "target tokens", "dev BLEU", "test BLEU (95 %)")
    for p in points:
        shown.add_row(
            p.recipe, p.arm, f"{p.minutes:g} min", f"{p.trained:.1f} min", f"{p.updates:,}", f"{p.tokens:,}",
            f"{p.dev_bleu:.1f}", f"{p.test_bleu:.1f} ({p.low:.1f}–{p.high:.1f})",
        )  # fmt: skip
    return shown


def main() -> None:
    """Train what is missing, and show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--minutes", default="10,20,45", help="comma-separated")
    parser.add_argument("--arm", action="append", default=[], metavar='"NAME: KEY=VALUE ..."')
    parser.add_argument("--folder", type=Path, default=Path("frontier"))
    parser.add_argument("--plot", type=Path, help="draw all points of DIR, of every recipe: .png or .svg")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for arm in given.arm or ["recipe:"]:
        name, _, changes = arm.partition(":")
        for minutes in given.minutes.split(","):
            train(given.folder, given.recipe, name.strip(), changes.split(), float(minutes))
    found = [read(path) for path in sorted(given.folder.glob("*~*~*"))]
    points = sorted(filter(None, found), key=lambda point: (point.recipe, point.arm, point.minutes))
    Console(width=120).print(table(points))
    for signature in sorted({point.signature for point in points}):
        print(signature)
    if given.plot:
        draw(points, given.plot)


if __name__ == "__main__":
    main()
