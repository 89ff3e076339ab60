"""What a policy gained for how far it went: reward and gold against the square root of the KL divergence from its start
(Gao et al., 2023), beside best-of-n, from the figures that training recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.data.rows import read_json_lines
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = "frontier.png"  # in the run folder
FIGURES = {"gold": "gold (never seen in training)", "reward": "score of the reward model"}
_INCHES = (10.0, 4.2)


class Point(NamedTuple):
    """The means of completions of held-out prompts."""

    kl: float  # nats per completion; the estimate k1: single completions of k3 can be far above all others
    reward: float
    gold: float | None

    @property
    def distance(self) -> float:
        """The square root of the divergence, of which an estimate near zero can be negative."""
        return math.sqrt(max(0.0, self.kl))


class Curve(NamedTuple):
    """A policy in the course of its training, or best-of-n with growing n."""

    name: str
    points: tuple[Point, ...]


def curves(runs: Sequence[Run]) -> list[Curve]:
    """The curve of each run, after that of best-of-n from the first run that recorded it. Raises RunError for a run
    that is no policy, or was not validated yet."""
    found = [_of(run) for run in runs]
    return [*next((best for best in map(_best_of, runs) if best), []), *found]


def picture(drawn: Sequence[Curve]) -> bytes:
    """The curves as a PNG: gold where all have it, and reward."""
    import matplotlib
    from matplotlib.figure import Figure

    known = all(point.gold is not None for curve in drawn for point in curve.points)
    shown = [name for name in FIGURES if name == "reward" or known]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # ignore a matplotlibrc in the working directory
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.subplots(1, len(shown), squeeze=False)[0]
        for place, name in zip(axes, shown):
            _draw(place, drawn, name)
        axes[0].legend(frameon=False)
        file = BytesIO()
        figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def save(run: Run) -> None:
    """Put the picture of a run into its folder. Raises RunError as `curves` does, and where it cannot be written."""
    drawn = picture(curves([run]))
    with run.writing():
        write_bytes(run.path / PICTURE, drawn)


def table(drawn: Sequence[Curve]) -> list[dict[str, Any]]:
    """The curves as rows: `curve`, `kl`, `distance`, `reward` and `gold`."""
    return [
        {"curve": curve.name, "distance": point.distance, **point._asdict()}
        for curve in drawn
        for point in curve.points
    ]


def _draw(place: Axes, drawn: Sequence[Curve], name: str) -> None:
    for curve in drawn:
        best = curve.name.startswith("best of")
        place.plot(
            [point.distance for point in curve.points],
            [getattr(point, name) for point in curve.points],
            label=curve.name,
            marker="s" if best else "o",
            markersize=4,
            linestyle="--" if best else "-",
            color="black" if best else None,
        )
    place.set_xlabel("√KL from the start (nats per completion)")
    place.set_ylabel(FIGURES[name])
    place.grid(alpha=0.3)


def _of(run: Run) -> Curve:
    measured = [row for _, row in read_json_lines(run.metrics)] if run.metrics.is_file() else []
    points = [_point(row, "dev_") for row in measured if "dev_kl" in row]
    if not points:
        raise RunError(f'{run.path} has no figures of a policy: name runs that `seqx train` made with task = "policy"')
    start = [_point(row) for row in run.record().get("best_of", ())[:1]]
    return Curve(Path(run.path).name, (*start, *points))


def _best_of(run: Run) -> list[Curve]:
    recorded = run.record().get("best_of", ())
    return [Curve(f"best of 1 to {recorded[-1]['n']}", tuple(map(_point, recorded)))] if recorded else []


def _point(row: Mapping[str, Any], prefix: str = "") -> Point:
    return Point(row[f"{prefix}kl"], row[f"{prefix}reward"], row.get(f"{prefix}gold"))
