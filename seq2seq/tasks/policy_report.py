"""What a report shows of a policy beside its scores: what it gained for how far it went."""

from __future__ import annotations

from collections.abc import Iterator

from seq2seq.errors import RunError
from seq2seq.evaluation import frontier
from seq2seq.evaluation.parts import Chart, Line, Paragraph, Section
from seq2seq.run import Run


def sections(run: Run) -> Iterator[Section]:
    """Reward, and gold where it is known, against the distance from the start, beside best-of-n; nothing before the
    first validation."""
    try:
        drawn = frontier.curves([run])
    except RunError:
        return
    charts = []
    for name, label in frontier.FIGURES.items():
        points = [
            Line(curve.name, [(point.distance, value) for point in curve.points if (value := getattr(point, name))
                              is not None], marked=True)
            for curve in drawn
        ]  # fmt: skip
        lines = [line for line in points if line.points]
        if lines:
            charts.append(Chart(name.capitalize(), "√KL from the start (nats per completion)", label, lines))
    explained = Paragraph(
        "What the policy gained for how far it went from its start, beside the best of n completions of the start."
    )
    yield Section("Reward and distance", (explained, *charts))
