"""What tasks show of their scores in a report, and policies of the gain for each distance from their start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.errors import RunError
from seq2seq.evaluation import frontier
from seq2seq.evaluation.parts import Cell, Chart, ChartLine, Matrix, PageSection, Paragraph, Part, Table
from seq2seq.run import Run

if TYPE_CHECKING:
    from seq2seq.tasks.task import Figure

_FEW = 40  # classes whose confusion matrix can be read
_MOST_PAIRS = 20  # that are confused


def figures(rows: Iterable[Figure], caption: str = "") -> Table:
    """Figures with their 95 % intervals."""
    cells = [(each.name, each.value, (each.low, each.high)) for each in rows]
    return Table(caption, ("figure", "value", "95 % interval"), cells)


def scores(caption: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Scores of sacreBLEU, with their signatures."""
    cells = [(row["name"], row["value"], (row["low"], row["high"]), row["signature"]) for row in rows]
    return Table(caption, ("metric", "value", "95 % interval", "signature"), cells)


def translation(judged: Mapping[str, Any]) -> Iterator[Part]:
    """The scores of translations: with signatures, by length and by kind of text."""
    search = f", beam {judged['beam_size']}, alpha {judged['length_penalty']}" if "beam_size" in judged else ""
    engine = f", by {judged['engine']}" if "engine" in judged else ""
    yield Paragraph(
        f"{judged['sentences']:,} sentences{search}{engine}; {judged['right']:,} exact matches (case and punctuation "
        "ignored)"
    )
    yield scores("", judged["scores"])
    if known := judged.get("all_known_references"):
        yield scores("Against all known references", known)
    if kinds := judged.get("by_kind"):
        names = [each["name"] for each in kinds[0]["scores"]]
        rows: list[tuple[Cell, ...]] = [
            (row["kind"] or "(no kind)", row["sentences"], *(each["value"] for each in row["scores"])) for row in kinds
        ]
        rows.append(("mean over the kinds", None, *judged["macro"].values()))
        yield Table("By kind of text", ("kind", "sentences", *names), rows)
    lengths = [(row["source"], row["sentences"], row["bleu"]) for row in judged.get("by_length", ())]
    if lengths:
        yield Table("By length of the source", ("source", "sentences", "BLEU"), lengths)


def classes(judged: Mapping[str, Any]) -> Iterator[Part]:
    """Each class, and which is given for which."""
    rows = sorted(judged["by_class"], key=lambda row: -row["texts"])
    columns = ("class", "texts", "precision", "recall", "f1")
    yield Table("By class", (*columns[:-1], "F1"), [tuple(row[key] for key in columns) for row in rows])
    names, counts = [row["class"] for row in judged["by_class"]], judged["confusion"]
    if len(names) <= _FEW:
        yield Matrix("Confusion matrix", names, counts)
        return
    pairs = [(counts[i][j], names[i], names[j]) for i in range(len(names)) for j in range(len(names)) if i != j]
    most = sorted(pairs, key=lambda pair: -pair[0])[:_MOST_PAIRS]
    yield Table("Confused most often", ("texts", "class", "given"), [pair for pair in most if pair[0]])


def calibration(judged: Mapping[str, Any]) -> Iterator[Part]:
    """Whether probabilities mean what they say."""
    measured = judged["calibration"]
    yield Paragraph(
        f"Calibration error {measured['error']:.1%}: the mean probability of the class that was given is "
        f"{measured['confidence']:.1%}. On the diagonal, accuracy equals probability."
    )
    bins = measured["bins"]
    line = ChartLine("model", [(row["confidence"], row["accuracy"]) for row in bins], marked=True)
    yield Chart("Calibration", "probability", "share that is right", [line], diagonal=True)
    rows = [(f"{row['from']:.0%}–{row['to']:.0%}", row["texts"], row["confidence"], row["accuracy"]) for row in bins]
    yield Table("Calibration by probability", ("probability", "texts", "mean", "share right"), rows, folded=True)


def most_wrong(judged: Mapping[str, Any]) -> Iterator[Part]:
    """The texts that a classifier is most wrong about."""
    columns = ("number", "text", "label", "given", "probability")
    if rows := [tuple(row[key] for key in columns) for row in judged["most_wrong"]]:
        yield Table("Most wrong", ("no.", "text", "class", "given", "probability"), rows)


def drawn(judged: Mapping[str, Any]) -> Iterator[Part]:
    """Sampled completions of a policy, beside those of its start."""
    yield Paragraph(f"{judged['prompts']:,} prompts, one completion of each at temperature {judged['temperature']:g}")
    names = [name for name in judged if name in judged["start"]]
    rows = [(name.replace("_", " "), judged["start"][name], judged[name]) for name in names]
    yield Table("", ("figure", "start", "policy"), rows)


def distance(run: Run) -> Iterator[PageSection]:
    """Reward, and gold where it is known, against the distance from the start, beside best-of-n; nothing before the
    first validation."""
    try:
        curves = frontier.curves([run])
    except RunError:
        return
    charts = []
    for name, label in frontier.FIGURES.items():
        points = [
            ChartLine(curve.name, [(point.distance, value) for point in curve.points if (value := getattr(point, name))
                              is not None], marked=True)
            for curve in curves
        ]  # fmt: skip
        lines = [line for line in points if line.points]
        if lines:
            charts.append(Chart(name.capitalize(), "√KL from the start (nats per completion)", label, lines))
    explained = Paragraph(
        "What the policy gained for how far it went from its start, beside the best of n completions of the start."
    )
    yield PageSection("Reward and distance", (explained, *charts))
