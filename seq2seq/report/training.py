"""The course of a training run, from its logs: curves, validations, samples, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from seq2seq.evaluation.parts import Answers, Cell, Chart, ChartLine, LabelledOutput, PageSection, Part, Table, Texts
from seq2seq.report.logs import LogRow, number, points, spread, thinned
from seq2seq.report.logs import read as read_log
from seq2seq.run import Run

_POINTS = 240  # of a line
_VALIDATIONS = 60  # of the table
_SAMPLES, _OUTPUTS = 6, 8  # inputs, and outputs of each
_FAULTS = 100
_OWN = {"step", "updates", "skipped", "learning_rate", "loss", "gradient_norm", "tokens", "seconds"}  # of an update
_AXIS = "step"
_SPELT = {"bleu": "BLEU", "chrf": "chrF", "kl": "KL divergence", "f1": "F1"}


def validations(run: Run) -> list[LogRow]:
    """The validations of a run, in order."""
    return read_log(run.metrics)


def updates(run: Run) -> list[LogRow]:
    """Figures of updates; for a run of an older seqx, which kept none, those of the updates that were validated after,
    with the speed between validations."""
    if rows := read_log(run.updates):
        return rows
    rows, before = [], (0.0, 0.0)
    for row in validations(run):
        tokens, seconds = number(row.get("tokens")), number(row.get("seconds"))
        made: LogRow = {
            name.removeprefix("update_"): value for name, value in row.items() if name.startswith("update_")
        }
        made |= {"step": row.get("step"), "loss": row.get("train_loss")}
        made |= {name: row.get(name) for name in ("learning_rate", "gradient_norm")}
        if tokens is not None and seconds is not None:
            made |= {"tokens": tokens - before[0], "seconds": seconds - before[1]}
            before = tokens, seconds
        rows.append(made)
    return rows


def charts(named: Sequence[tuple[str, Run]], predicted: str) -> list[Chart]:
    """The curves of one run, or of several, whose lines then have the names of the runs: loss, the figures of
    validations and of updates, learning rate, gradient norm and speed."""
    figures = [(name, updates(run), validations(run)) for name, run in named]
    several = len(named) > 1

    def line(label: str, name: str, found: Sequence[tuple[float, float]], marked: bool = False) -> list[ChartLine]:
        full = f"{name}, {label}" if several else label
        marked = marked and len(found) <= _POINTS
        return [ChartLine(full, thinned(found, _POINTS), marked)] if found else []

    def chart(title: str, unit: str, training: str, dev: Sequence[str]) -> list[Chart]:
        lines: list[ChartLine] = []
        for name, made, judged in figures:
            lines += line("training", name, points(made, training))
            for key in dev:
                label = _words(key.removeprefix(f"dev_{training}_")) if key != f"dev_{training}" else "dev"
                lines += line(label, name, points(judged, key), marked=True)
        return [Chart(title, _AXIS, unit, lines)] if lines else []

    def alone(title: str, of: Callable[[Sequence[LogRow]], list[tuple[float, float]]]) -> list[Chart]:
        found = [(name, of(made)) for name, made, _ in figures]
        unit = title[:1].lower() + title[1:]
        lines = [ChartLine(name if several else unit, thinned(values, _POINTS)) for name, values in found if values]
        return [Chart(title, _AXIS, unit, lines)] if lines else []

    groups = _groups([row for _, made, _ in figures for row in made], [row for *_, judged in figures for row in judged])
    drawn = chart("Loss", "loss", "loss", groups.pop("loss"))
    for name, dev in groups.items():
        words = _words(name)
        drawn += chart(words[:1].upper() + words[1:], words, name, dev)
    drawn += alone("Learning rate", lambda made: points(made, "learning_rate"))
    drawn += alone("Gradient norm", lambda made: points(made, "gradient_norm"))
    return drawn + alone(f"{predicted.capitalize()}s per second", _speed)


def sections(run: Run, predicted: str) -> Iterator[PageSection]:
    """Curves with their numbers, samples of validations, and faults."""
    judged = validations(run)
    parts: list[Part] = [*charts([(run.path.name, run)], predicted)]
    columns = [key for key in dict.fromkeys(key for row in judged for key in row) if key not in ("samples", "epoch")]
    if judged:
        rows = [[_cell(row.get(key)) for key in columns] for row in spread(judged, _VALIDATIONS)]
        parts.append(Table("The validations as a table", [_words(key) for key in columns], rows, folded=True))
    yield PageSection("Curves", parts)
    yield PageSection("Samples in the course of training", samples(judged))
    yield PageSection("Faults", faults(run))


def samples(judged: Sequence[LogRow]) -> list[Part]:
    """What the model made of the same inputs at each validation."""
    found: dict[tuple[str, str], list[LabelledOutput]] = {}
    for row in judged:
        for sample in row.get("samples") or ():
            source, reference, output = (str(sample.get(key, "")) for key in ("source", "reference", "output"))
            label = f"step {number(row.get('step')) or 0:,.0f}"
            found.setdefault((source, reference), []).append(LabelledOutput(label, output))
    # Inputs that were answered most often: some tasks show others each time.
    most = sorted(found, key=lambda key: -len(found[key]))[:_SAMPLES]
    answers = [Answers(*key, spread(found[key], _OUTPUTS)) for key in found if key in most]
    return [Texts("Inputs, and what the model made of them", answers)] if answers else []


def faults(run: Run) -> list[Part]:
    """What went wrong, the first of many."""
    rows = read_log(run.faults)
    cells = [(number(row.get("step")), str(row.get("kind", "")), str(row.get("message", ""))) for row in rows[:_FAULTS]]
    more = f", the first {_FAULTS} of {len(rows):,}" if len(rows) > _FAULTS else ""
    return [Table(f"Faults{more}", ("step", "kind", "what happened"), cells)] if cells else []


def _groups(made: Sequence[LogRow], judged: Sequence[LogRow]) -> dict[str, list[str]]:
    """The figures that are drawn, each with the keys of its validations; the loss first. A figure of dev that is a
    part of another by its name, as `bleu_news` is of `bleu`, and that updates do not have, is drawn with that one."""
    of_updates = [key for key in dict.fromkeys(key for row in made for key in row) if key not in _OWN]
    of_dev = [key[4:] for key in dict.fromkeys(key for row in judged for key in row) if key.startswith("dev_")]
    groups: dict[str, list[str]] = {"loss": []}
    for name in dict.fromkeys((*of_dev, *of_updates)):
        whole = next((each for each in groups if name.startswith(f"{each}_") and name not in of_updates), name)
        groups.setdefault(whole, [])
        if name in of_dev:
            groups[whole].append(f"dev_{name}")
    return groups


def _speed(rows: Sequence[LogRow]) -> list[tuple[float, float]]:
    found = ((number(row.get("step")), number(row.get("tokens")), number(row.get("seconds"))) for row in rows)
    return [(step, tokens / seconds) for step, tokens, seconds in found if step is not None and tokens and seconds]


def _cell(value: Any) -> Cell:
    """A value of a log: a truth value, or a finite number, whole where it is."""
    found = number(value)
    return value if isinstance(value, bool) or (found is not None and isinstance(value, int)) else found


def _words(key: str) -> str:
    return " ".join(_SPELT.get(word, word) for word in key.split("_"))
