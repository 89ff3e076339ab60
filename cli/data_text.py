"""The output of `seqx data check` for running text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .printing import show as say

if TYPE_CHECKING:
    from collections.abc import Callable

    from seq2seq.data.audit_texts import Line, Spot, TextAudit, TextSplit
    from seq2seq.data.findings import Character, Finding


def show(audit: TextAudit) -> None:
    """Figures of the splits side by side, then one example per finding."""
    from seq2seq.data.audit_texts import LONG, VERY_LONG

    from .console import Console, figures

    say(f"{audit.corpus}: " + "; ".join(split.origin for split in audit.splits))
    counts: dict[str, Callable[[TextSplit], int]] = {
        "documents": lambda split: split.documents,
        "blank documents": lambda split: split.blank_documents,
        "repeated documents": lambda split: split.repeated_documents,
        "lines": lambda split: split.lines,
        f"repeated lines of {LONG} or more": lambda split: split.repeated_lines.count,
        f"lines over {VERY_LONG:,}": lambda split: split.very_long_lines.count,
        "longest line": lambda split: split.longest_line,
        "characters": lambda split: split.characters,
        "bytes": lambda split: split.bytes,
        "distinct characters": lambda split: split.distinct,
        "odd characters": lambda split: sum(each.count for each in split.odd),
    }
    rows = [
        *((label, *(f"{count(split):,}" for split in audit.splits)) for label, count in counts.items()),
        ("long lines also in train", "", *(f"{each.in_train.count:,}" for each in audit.overlaps)),
        ("characters not in train", "", *(f"{len(each.new_characters):,}" for each in audit.overlaps)),
    ]
    Console().print(figures(("", *(split.name for split in audit.splits)), rows))
    for split in audit.splits:
        say(f"  {split.name}, rarest characters: {_characters(split.rarest)}")
        _show_example(f"{split.name}, repeated line", split.repeated_lines)
        _show_example(f"{split.name}, very long line", split.very_long_lines)
        for character in split.odd[:5]:
            say(
                f"  {split.name}, odd character U+{character.code_point:04X} {character.name}: {character.count:,}, "
                f"first at {_place(character.first)}"
            )
    for overlap in audit.overlaps:
        _show_example(f"{overlap.name}, long line also in train", overlap.in_train, "train, ")
        if overlap.new_characters:
            say(f"  {overlap.name}, not in train: {_characters(overlap.new_characters[:8])}")


def _characters(characters: tuple[Character[Spot], ...]) -> str:
    return ", ".join(f"{chr(each.code_point)!r} {each.count:,}" for each in characters)


def _show_example(label: str, lines: Finding[Line], other: str = "") -> None:
    for line in lines.examples[:1]:
        same = f" (as {other}{_place(line.other)})" if line.other else ""
        say(f"  {label}, {_place(line.spot)}{same}: {line.text!r}"[:160])


def _place(spot: Spot) -> str:
    return f"line {spot.line:,}" if spot.document == 1 else f"document {spot.document:,}, line {spot.line:,}"
