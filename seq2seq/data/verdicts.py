"""Verdicts on a corpus of pairs: lines misaligned, sides swapped, placeholders lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from seq2seq.data import alignment
from seq2seq.data.direction import Direction
from seq2seq.data.findings import EXAMPLES, FindingCounter, Place, RecordExample, Verdict
from seq2seq.data.pairs import Pair, PairSource

_PLACEHOLDER = re.compile(
    r"\{\{?[^{}\n]{0,40}\}?\}"  # {name}
    r"|%(?:\(\w+\)|\d+\$)?[-+0#]*\d*(?:\.\d+)?[sdifgxXuc@](?![A-Za-z])"  # %s, %(name)s, %1$d
    r"|(?<!\d)%[1-9](?!\w)"  # %1
    r"|\$\{\w+\}|\[\[\w+\]\]|__\w+__"
    r"|&(?:nbsp|ensp|emsp|thinsp|shy|zwnj|zwj|#160|#173|#xa0|#xA0);"
    r"|\\[nrt]"  # as a program's text has it
    r"|</?(?:[A-Za-z][\w:-]*(?:\s[^<>]*)?|\d+)/?>"
    r"|(?:https?://|www\.)[^\s<>\"«»()]+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
)
_ARGUMENT = re.compile(r"(?<![\w$])\$([1-9])(?!\d|[.,]\d)")  # $1, or money
_MAY_HOLD = re.compile(r"[{%<$\[@&\\]|__|://|www\.")
_GROUPS = re.compile(r"(?<=\d)[\s.,'’](?=\d{3}(?!\d))")
_DIGIT = re.compile(r"\d")
_LONG_NUMBER = re.compile(r"\d{3,}")  # seldom written as a word
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
            left, right = map(_placeholders, pair)
            if left != right:
                lost.add(Place(pairs.origin, line), pair)
            if digits := _arguments(pair):
                holding_arguments += 1
                if not digits <= set(pair[0]) & set(pair[1]):
                    arguments.add(Place(pairs.origin, line), pair)
            left, right = map(_long_numbers, pair)
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


def _placeholders(side: str) -> dict[str, int]:
    if not _MAY_HOLD.search(side):
        return {}
    return Counter(map(_as_one, _PLACEHOLDER.findall(side)))


def _arguments(pair: Pair) -> set[str]:
    """The digits of $1 and the like on either side."""
    return {digit for side in pair if "$" in side for digit in _ARGUMENT.findall(side)}


def _as_one(placeholder: str) -> str:
    """The part that must be equal on both sides: of a tag its name, of an address only that it is one."""
    if placeholder.startswith("<"):
        return placeholder.split()[0].strip("/<>").lower()
    if placeholder.startswith(("http", "www.")) or ("@" in placeholder and not placeholder.startswith(("%", "{"))):
        return "address"
    return placeholder.replace(" ", "")


def _long_numbers(side: str) -> dict[str, int]:
    if not _DIGIT.search(side):
        return {}
    return Counter(str(int(number[:30])) for number in _LONG_NUMBER.findall(_GROUPS.sub("", side)))  # of any script
