"""An audit of sentence pairs: that of any records, the ratio of lengths, and verdicts: lines misaligned, sides swapped,
placeholders or numbers lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from seq2seq.data import invariants, misalignment
from seq2seq.data.audit import Tally, audit, example
from seq2seq.data.corpus import Corpus
from seq2seq.data.direction import Direction
from seq2seq.data.findings import EXAMPLES, Audit, Finding, JsonObject, RecordPlace
from seq2seq.data.pairs import Pair, PairKind, PairSource

_ODD_RATIO = 4.0
_STEPS = 64  # steps per doubling in which ratios are counted: percentiles are exact to about 1 %
_LEAST_NUMBERS, _NUMBER_SHARE = 3, 0.2
_LEAST_ARGUMENTS, _ARGUMENT_SHARE = 3, 0.9


class PairTally(Tally[Pair]):
    """Counts of one split of pairs: also whether the sides are the same text, or one is over 4 times as long as the
    other, in characters."""

    findings = ("copied", "odd_ratio")
    labels = {"copied": "sides alike", "ratio": "length ratio (1-99 %)", "odd_ratio": "ratio over 4"}  # noqa: RUF012

    def __init__(self, kind: PairKind) -> None:
        super().__init__(kind)
        self._ratios: Counter[int] = Counter()

    def checks(self, record: Pair, shown: Sequence[str]) -> Iterator[str]:
        """Whether the sides are alike, and whether the ratio of their lengths is odd."""
        source, target = shown
        ratio = len(target) / len(source)
        self._ratios[round(math.log2(ratio) * _STEPS)] += 1
        if source == target:
            yield "copied"
        if max(ratio, 1 / ratio) > _ODD_RATIO:
            yield "odd_ratio"

    def figures(self) -> JsonObject:
        """Characters of the target over characters of the source, over pairs without a blank side: median, 1 % and
        99 %; None where there are none."""
        if not self._ratios:
            return {"ratio": None}
        steps = sorted(self._ratios)
        reached = np.cumsum([self._ratios[step] for step in steps])
        shares = {"median": 0.5, "low": 0.01, "high": 0.99}
        places = {name: int(np.searchsorted(reached, share * reached[-1])) for name, share in shares.items()}
        return {"ratio": {name: 2 ** (steps[place] / _STEPS) for name, place in places.items()}}

    def cell(self, name: str, value: Any) -> str:
        """A ratio with its range."""
        if name != "ratio":
            return super().cell(name, value)
        return f"{value['median']:.2f} ({value['low']:.2f}-{value['high']:.2f})" if value else ""


def audit_pairs(corpus: Corpus[PairSource], kind: PairKind) -> Audit:
    """Check every pair of a corpus, and each text as a whole. Raises DataError: unreadable text."""
    records = audit(corpus, kind, PairTally)
    # Of a held-out part, the whole source, where lines have their neighbours.
    whole = {
        id(source.whole or source): source.whole or source for split in corpus.splits().values() for source in split
    }
    verdicts = [verdict for source in whole.values() for verdict in judge(source, kind)]
    remarks = []
    for verdict in verdicts:
        remarks.append(
            f"VERDICT, {verdict['kind']}: {verdict['count']:,} pairs of {verdict['origin']}: {verdict['message']}"
        )
        remarks += [f"  {example(kind, shown)}"[:160] for shown in verdict["examples"][:2]]
    return replace(
        records,
        report={**records.report, "verdicts": verdicts},
        remarks=records.remarks
        + (remarks or ["No verdict: lines are aligned, sides are not swapped, placeholders are on both sides"]),
    )


def judge(pairs: PairSource, kind: PairKind) -> list[JsonObject]:
    """What is wrong with a text of pairs, in how many of them, and the first of these. Raises DataError: unreadable
    text."""
    languages = kind.data.source, kind.data.target
    direction = Direction(*languages)
    show = PairTally(kind).show
    lost, numbers, arguments = (Finding(show) for _ in range(3))
    holding = holding_arguments = 0  # pairs with a long number; with $1

    def watched() -> Iterator[Pair]:
        nonlocal holding, holding_arguments
        for line, pair in enumerate(pairs.read(), start=1):
            direction.add(pair)
            left, right = map(invariants.placeholders, pair)
            if left != right:
                lost.add(RecordPlace(pairs.origin, line), pair)
            if digits := {digit for side in pair for digit in invariants.arguments(side)}:
                holding_arguments += 1
                if not digits <= set(pair[0]) & set(pair[1]):
                    arguments.add(RecordPlace(pairs.origin, line), pair)
            left, right = map(invariants.long_numbers, pair)
            holding += bool(left or right)
            if left != right:
                numbers.add(RecordPlace(pairs.origin, line), pair)
            yield pair

    def verdict(name: str, message: str, finding: JsonObject) -> JsonObject:
        return {"kind": name, "origin": pairs.origin, "message": message, **finding}

    def from_line(line: int, count: int) -> JsonObject:
        few = islice(pairs.read(), line - 1, line - 1 + EXAMPLES)
        examples = [show(RecordPlace(pairs.origin, number), pair, None) for number, pair in enumerate(few, start=line)]
        return {"count": count, "examples": examples}

    shift = misalignment.shift(watched())
    verdicts = []
    if shift is not None:
        name, message = _misaligned(shift)
        verdicts.append(verdict(name, message, from_line(shift.start, shift.end - shift.start + 1)))
    if direction.certain:
        message, count = _swapped(direction, *languages)
        verdicts.append(verdict("swapped", message, from_line(direction.first, count)))
    if lost.count:
        message = "placeholders, tags or addresses of one side are not on the other"
        verdicts.append(verdict("placeholders", message, lost.report()))
    if arguments.count >= max(_LEAST_ARGUMENTS, _ARGUMENT_SHARE * holding_arguments):
        message = f"$1 and the like of one side are not on the other, of {holding_arguments:,} pairs with them"
        verdicts.append(verdict("placeholders", message, arguments.report()))
    if shift is None and numbers.count >= max(_LEAST_NUMBERS, _NUMBER_SHARE * holding):
        message = f"numbers of one side are not on the other, of {holding:,} pairs with numbers of 3 digits or more"
        verdicts.append(verdict("numbers", message, numbers.report()))
    return verdicts


def _misaligned(shift: misalignment.Shift) -> tuple[str, str]:
    if not shift.by:
        return (
            "unrelated",
            "lines fit those of the other side no better than any others: other texts, or in another order",
        )
    other = f"{'-' if shift.by < 0 else '+'} {abs(shift.by)}"
    return "misaligned", (
        f"from about line {shift.start:,} to {shift.end:,}, source line i fits target line i {other}: near "
        f"{shift.start:,} a line is missing, or there is one too many"
    )


def _swapped(direction: Direction, source: str, target: str) -> tuple[str, int]:
    looks = f"the source looks like {target} and the target like {source}"
    if direction.throughout:
        return f"{looks}: swap the files, or the columns", direction.lines
    return f"{looks} in some of the lines looked at, first at {direction.first:,}", direction.swapped
