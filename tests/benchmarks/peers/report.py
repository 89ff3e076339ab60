"""What the contestants answered, as figures and as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.peers.roster import Task
from tests.benchmarks.peers.rounds import Contestant

Record = dict[str, Any]


class Figure(NamedTuple):
    """How much of one thing a round had for one of another: tokens a second, seconds a start."""

    key: str
    label: str
    of: str
    clock: str = "seconds"
    alone: bool = False  # of lines one by one


FIGURES: dict[Task, list[Figure]] = {
    "train": [
        Figure("target_tokens_per_second", "target tokens/s", "tokens"),
        Figure("target_tokens_per_cpu_second", "a CPU second", "tokens", "cpu_seconds"),
    ],
    "translate": [
        Figure("lines_per_second", "lines/s", "lines"),
        Figure("lines_per_cpu_second", "a CPU second", "lines", "cpu_seconds"),
        Figure("lines_per_second_alone", "lines/s one by one", "lines", alone=True),
    ],
    "start": [Figure("seconds_per_start", "seconds", "seconds", "starts")],
}


def record(task: Task, each: Contestant, ours: Sequence[Contestant]) -> Record:
    """The figures of a contestant: over the rounds, and ours over theirs of the same round."""
    values: Record = {"name": each.name, "failure": each.failure, "rounds": len(each.answers)}
    if not each.answers:
        return values
    for figure in FIGURES[task]:
        speeds = _speeds(figure, each)
        values[figure.key] = summary(speeds)
        values[f"ours_over_theirs_{figure.key}"] = {
            our.name: summary([mine / theirs for mine, theirs in zip(_speeds(figure, our), speeds)])
            for our in ours
            if our.answers
        }
    last = each.answers[-1]
    if "tokens" in last:
        values["target_tokens_per_update"] = sum(answer["tokens"] for answer in each.answers) / sum(
            answer["updates"] for answer in each.answers
        )
    if "outputs" in last:
        values["outputs"] = last["outputs"]
        values["words_per_line"] = sum(len(line.split()) for line in last["outputs"]) / len(last["outputs"])
    return values


def table(task: Task, found: Sequence[Record]) -> str:
    """Medians with p10 to p90; then the ratio of ours to each, by each figure."""
    answered = [each for each in found if each["rounds"]]
    figures = FIGURES[task]
    ours = list(answered[0][f"ours_over_theirs_{figures[0].key}"]) if answered else []
    last = {"train": ["tokens an update"], "translate": ["same lines as the first", "words a line"], "start": []}[task]
    ratios = [(figure, our) for figure in figures for our in ours]
    heads = [task, *(f"{figure.label} (p10-p90)" for figure in figures)]
    heads += [f"{our} over this, {figure.label}" for figure, our in ratios] + last
    rows = [heads, ["---"] * len(heads)]
    for each in answered:
        cells = [each["name"], *(_cell(each[figure.key]) for figure in figures)]
        cells += [f"{each[f'ours_over_theirs_{figure.key}'][our]['median']:.2f}" for figure, our in ratios]
        if task == "train":
            cells.append(f"{each['target_tokens_per_update']:,.0f}")
        if task == "translate":
            first = answered[0]["outputs"]
            same = sum(one == other for one, other in zip(each["outputs"], first)) / len(first)
            cells += [f"{same:.1%}", f"{each['words_per_line']:.1f}"]
        rows.append(cells)
    rows += [[each["name"], f"left out: {each['failure']}"] for each in found if each["failure"]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median and the tenths below and above which few lie."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {"median": median(ordered), "p10": ordered[round(0.1 * last)], "p90": ordered[round(0.9 * last)]}


def _speeds(figure: Figure, each: Contestant) -> list[float]:
    answers = each.alone if figure.alone else each.answers
    done = [len(answer["outputs"]) if figure.of == "lines" else answer[figure.of] for answer in answers]
    return [count / answer[figure.clock] for count, answer in zip(done, answers)]


def _cell(spread: dict[str, float]) -> str:
    digits = 0 if spread["median"] >= 100 else 1 if spread["median"] >= 10 else 3
    return "{median:,.{0}f} ({p10:,.{0}f}-{p90:,.{0}f})".format(digits, **spread)
