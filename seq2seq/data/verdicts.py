"""Verdicts on a corpus of pairs: lines misaligned, sides swapped, placeholders lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from seq2seq.data import alignment, invariants
from seq2seq.data.direction import Direction
from seq2seq.data.findings import EXAMPLES, FindingCounter, Place, RecordExample, Verdict
from seq2seq.data.pairs import Pair, PairSource

_LEAST_NUMBERS, _NUMBER_SHARE = 3, 0.2
_LEAST_ARGUMENTS, _ARGUMENT_SHARE = 3, 0.9


def judge(pairs: PairSource, source: str, target: str) -> tuple[Verdict, ...]:
    """What is wrong with a text of pairs from one language to another. Raises DataError: unreadable text."""
    direction = Direction(source, target)
    lost, numbers, arguments = _counter(), _counter(), _counter()
    holding = holding_arguments = 0  # pairs with a long number; with $1

    def watched() -> Iterator[Pair]:
        nonlocal holding, holding_arguments
        for line, pair in enumerate(pairs.read(), start=1):
            direction.add(pair)
            left, right = map(invariants.placeholders, pair)
            if left != right:
                lost.add(Place(pairs.origin, line), pair)
            if digits := {digit for side in pair for digit in invariants.arguments(side)}:
                holding_arguments += 1
                if not digits <= set(pair[0]) & set(pair[1]):
                    arguments.add(Place(pairs.origin, line), pair)
            left, right = map(invariants.long_numbers, pair)
            holding += bool(left or right)
            if left != right:
                numbers.add(Place(pairs.origin, line), pair)
            yield pair

    shift = alignment.shift(watched())
    verdicts = []
    if shift is not None:
        verdicts.append(_misaligned(pairs, shift))
    if direction.certain:
        verdicts.append(_swapped(pairs, direction, source, target))
    if lost.count:
        message = "placeholders, tags or addresses of one side are not on the other"
        verdicts.append(Verdict("placeholders", pairs.origin, message, lost.count, tuple(lost.examples)))
    if arguments.count >= max(_LEAST_ARGUMENTS, _ARGUMENT_SHARE * holding_arguments):
        message = f"$1 and the like of one side are not on the other, of {holding_arguments:,} pairs with them"
        verdicts.append(Verdict("placeholders", pairs.origin, message, arguments.count, tuple(arguments.examples)))
    if shift is None and numbers.count >= max(_LEAST_NUMBERS, _NUMBER_SHARE * holding):
        message = f"numbers of one side are not on the other, of {holding:,} pairs with numbers of 3 digits or more"
        verdicts.append(Verdict("numbers", pairs.origin, message, numbers.count, tuple(numbers.examples)))
    return tuple(verdicts)


def _counter() -> FindingCounter[Place, Pair, RecordExample]:
    return FindingCounter(lambda place, pair, other: RecordExample(place, pair, other))


def _misaligned(pairs: PairSource, shift: alignment.Shift) -> Verdict:
    count = shift.end - shift.start + 1
    examples = _examples(pairs, shift.start)
    if not shift.by:
        message = "lines fit those of the other side no better than any others: other texts, or in another order"
        return Verdict("unrelated", pairs.origin, message, count, examples)
    other = f"{'-' if shift.by < 0 else '+'} {abs(shift.by)}"
    message = (
        f"from about line {shift.start:,} to {shift.end:,}, source line i fits target line i {other}: near "
        f"{shift.start:,} a line is missing, or there is one too many"
    )
    return Verdict("misaligned", pairs.origin, message, count, examples)


def _swapped(pairs: PairSource, direction: Direction, source: str, target: str) -> Verdict:
    looks = f"the source looks like {target} and the target like {source}"
    if direction.throughout:
        message, count = f"{looks}: swap the files, or the columns", direction.lines
    else:
        message, count = f"{looks} in some of the lines looked at, first at {direction.first:,}", direction.swapped
    return Verdict("swapped", pairs.origin, message, count, _examples(pairs, direction.first))


def _examples(pairs: PairSource, line: int) -> tuple[RecordExample, ...]:
    few = islice(pairs.read(), line - 1, line - 1 + EXAMPLES)
    return tuple(RecordExample(Place(pairs.origin, number), pair) for number, pair in enumerate(few, start=line))
