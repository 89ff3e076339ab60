"""The output of `seqx data check` for running text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .printing import show as say

if TYPE_CHECKING:
    from seq2seq.data.audit_texts import Line, Spot, TextAudit, TextSplit
    from seq2seq.data.findings import Character, Finding


def show(audit: TextAudit) -> None:
    """Figures of the splits side by side, then one example per finding."""
    from seq2seq.data.audit_texts import LONG, VERY_LONG

    from .console import Console, figures

    say(f"{audit.corpus}: " + "; ".join(split.origin for split in audit.splits))
    rows = [
        *((label, *(f"{value:,}" for value in values)) for label, values in _figures(audit, LONG, VERY_LONG)),
        ("long lines also in train", "", *(f"{each.in_train.count:,}" for each in audit.overlaps)),
        ("characters not in train", "", *(f"{len(each.new_characters):,}" for each in audit.overlaps)),
    ]
    Console().print(figures(("", *(split.name for split in audit.splits)), rows))
    for split in audit.splits:
        _show_split(split)
    for overlap in audit.overlaps:
        _show_example(f"{overlap.name}, long line also in train", overlap.in_train, "train, ")
        if overlap.new_characters:
            say(f"  {overlap.name}, not in train: {_characters(overlap.new_characters[:8])}")


def _figures(audit: TextAudit, long: int, very_long: int) -> list[tuple[str, list[int]]]:
    splits = audit.splits
    return [
        ("documents", [split.documents for split in splits]),
        ("blank documents", [split.blank_documents for split in splits]),
        ("repeated documents", [split.repeated_documents for split in splits]),
        ("lines", [split.lines for split in splits]),
        (f"repeated lines of {long} or more", [split.repeated_lines.count for split in splits]),
        (f"lines over {very_long:,}", [split.very_long_lines.count for split in splits]),
        ("longest line", [split.longest_line for split in splits]),
        ("characters", [split.characters for split in splits]),
        ("bytes", [split.bytes for split in splits]),
        ("distinct characters", [split.distinct for split in splits]),
        ("odd characters", [sum(each.count for each in split.odd) for split in splits]),
    ]


def _show_split(split: TextSplit) -> None:
    say(f"  {split.name}, rarest characters: {_characters(split.rarest)}")
    _show_example(f"{split.name}, repeated line", split.repeated_lines)
    _show_example(f"{split.name}, very long line", split.very_long_lines)
    for character in split.odd[:5]:
        say(
            f"  {split.name}, odd character U+{character.code_point:04X} {character.name}: {character.count:,}, "
            f"first at {_place(character.first)}"
        )


def _characters(characters: tuple[Character[Spot], ...]) -> str:
    return ", ".join(f"{chr(each.code_point)!r} {each.count:,}" for each in characters)


def _show_example(label: str, lines: Finding[Line], other: str = "") -> None:
    for line in lines.examples[:1]:
        say(f"  {label}, {_place(line.spot)}{_as_in(line, other)}: {line.text!r}"[:160])


def _as_in(line: Line, other: str) -> str:
    return f" (as {other}{_place(line.other)})" if line.other else ""


def _place(spot: Spot) -> str:
    return f"line {spot.line:,}" if spot.document == 1 else f"document {spot.document:,}, line {spot.line:,}"
