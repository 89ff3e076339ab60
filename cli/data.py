"""`seqx data check`, `seqx data get`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import command, options
from .printing import note, show, show_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seq2seq.data.audit import Audit, Split
    from seq2seq.data.audit_texts import Line, Spot, TextAudit, TextSplit
    from seq2seq.data.findings import Character, Finding, RecordExample

app = typer.Typer(help="Download and audit training text.", no_args_is_help=True, rich_markup_mode=None)


def get(
    *,
    recipe_name: Annotated[str, Argument(metavar="RECIPE", help="Recipe (name or path) whose corpus to download.")],
    to: Annotated[Path, Option(metavar="DIR", help="Folder for the corpora; set SEQX_DATA=DIR to use it.")],
    changes: options.Set = None,
) -> None:
    """Download a recipe's corpus from the Hugging Face Hub into DIR as plain text, also for offline machines."""
    from seq2seq import tasks
    from seq2seq.data.fetch import fetch
    from seq2seq.recipe import files as recipe_files

    recipe = recipe_files.load(recipe_name, changes, note)
    note(f"Fetching {recipe.data.corpus} from the Hugging Face Hub")
    for path in fetch(tasks.of(recipe).kind(), to):
        note(f"Written: {path}")
    note(f"Use it with: SEQX_DATA={to} seqx train --recipe {recipe_name}")


def check(
    *,
    words: Annotated[
        list[str] | None,
        Argument(
            metavar="RECIPE|FILE",
            help="Recipe whose corpus or languages to use; more files for --data. With --recipe, files only.",
        ),
    ] = None,
    recipe_name: Annotated[str | None, Option("--recipe", "-r", help="The same as RECIPE. Default: fr-en.")] = None,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    data: options.Data = None,
    changes: options.Set = None,
    columns: options.Columns = None,
    text: options.Text,
    as_json: options.Json = False,
) -> None:
    """Audit training text on one screen. Sentence pairs: counts, blanks, duplicates, copies, length ratio, unusual
    characters, train/test overlap; and verdicts: lines misaligned, sides swapped, placeholders or numbers lost. Running
    text: counts, rare and unusual characters, repeated and very long lines, overlap.

    Default: the recipe's corpus, as `seqx train` would find it.
    """
    from seq2seq import tasks
    from seq2seq.data.audit_texts import TextAudit
    from seq2seq.data.corpus import Given
    from seq2seq.data.sources import find
    from seq2seq.errors import MissingCorpusError
    from seq2seq.recipe import files as recipe_files

    reading = text.reading(columns)
    name, more = (recipe_name, words or []) if recipe_name else ((words or ["fr-en"])[0], (words or [])[1:])
    if more and not data:
        options.usage_error(f"unexpected argument {more[0]}; pass files of text or pairs with --data")
    recipe = recipe_files.load(name, changes, note)
    given = Given(source_file, target_file, (*(data or []), *map(Path, more)))
    task = tasks.of(recipe)
    kind = task.kind()
    if message := task.refused_files(given):
        options.usage_error(message)
    try:
        corpus = find(kind, {"train": given}, reading=reading)
    except MissingCorpusError as missing:
        if recipe.data.bundled is None:
            raise
        note(f"NOTE: {missing}.\n      The bundled {recipe.data.bundled} is checked instead")
        kind = tasks.of(recipe.on_bundled()).kind()
        corpus = find(kind, reading=reading)
    audit: Any = kind.audit(corpus)
    if as_json:
        show_json(audit.as_dict())
    elif isinstance(audit, TextAudit):
        _show_texts(audit)
    else:
        _show_pairs(audit)


def _show_pairs(audit: Audit) -> None:
    from .console import Console, figures

    rows = [(label, *map(figure, audit.splits)) for label, figure in _FIGURES.items()]
    overlaps = {each.name: each for each in audit.overlaps}
    for side in ("source", "target"):
        counts = [f"{overlaps[s.name].fields[side].count:,}" if s.name in overlaps else "" for s in audit.splits]
        rows.append((f"{side} also in train", *counts))
    show(f"{audit.corpus}: " + "; ".join(sorted({origin for split in audit.splits for origin in split.origins})))
    Console().print(figures(("", *(split.name for split in audit.splits)), rows))
    for split in audit.splits:
        for name, finding in {"blank": split.blank, "duplicates": split.duplicates, **split.findings}.items():
            _show_examples(f"{split.name}, {name}, ", finding.examples[:1])
        for character in split.characters[:5]:
            show(
                f"  {split.name}, odd character U+{character.code_point:04X} {character.name}: "
                f"{character.count:,}, first at line {character.first.line:,} of {character.first.origin}"
            )
    for each in audit.overlaps:
        for side in ("source", "target"):
            _show_examples(f"{each.name}, {side} also in train, ", each.fields[side].examples[:1])
    for verdict in audit.verdicts:
        show(f"VERDICT, {verdict.kind}: {verdict.count:,} pairs of {verdict.origin}: {verdict.message}")
        _show_examples("", verdict.examples[:2])
    if not audit.verdicts:
        show("No verdict: lines are aligned, sides are not swapped, placeholders are on both sides")


def _ratio(split: Split) -> str:
    ratio = split.figures["ratio"]
    return "" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


_FIGURES: dict[str, Callable[[Split], str]] = {
    "pairs": lambda split: f"{split.records:,}",
    "words, source": lambda split: f"{split.words['source']:,}",
    "words, target": lambda split: f"{split.words['target']:,}",
    "a side blank": lambda split: f"{split.blank.count:,}",
    "duplicate pairs": lambda split: f"{split.duplicates.count:,}",
    "sides alike": lambda split: f"{split.findings['copied'].count:,}",
    "length ratio (1-99 %)": _ratio,
    "ratio over 4": lambda split: f"{split.findings['odd ratio'].count:,}",
    "odd characters": lambda split: f"{sum(each.count for each in split.characters):,}",
    "longest, characters": lambda split: (
        f"{max((side.characters for side in split.longest.values() if side), default=0):,}"
    ),
}


def _show_examples(label: str, examples: Iterable[RecordExample]) -> None:
    for example in examples:
        show(f"  {label}line {example.place.line:,}: {example.texts[0]!r} = {example.texts[1]!r}"[:160])


def _show_texts(audit: TextAudit) -> None:
    from seq2seq.data.audit_texts import LONG, VERY_LONG

    from .console import Console, figures

    show(f"{audit.corpus}: " + "; ".join(split.origin for split in audit.splits))
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
        show(f"  {split.name}, rarest characters: {_characters(split.rarest)}")
        _show_line(f"{split.name}, repeated line", split.repeated_lines)
        _show_line(f"{split.name}, very long line", split.very_long_lines)
        for character in split.odd[:5]:
            show(
                f"  {split.name}, odd character U+{character.code_point:04X} {character.name}: {character.count:,}, "
                f"first at {_place(character.first)}"
            )
    for overlap in audit.overlaps:
        _show_line(f"{overlap.name}, long line also in train", overlap.in_train, "train, ")
        if overlap.new_characters:
            show(f"  {overlap.name}, not in train: {_characters(overlap.new_characters[:8])}")


def _characters(characters: tuple[Character[Spot], ...]) -> str:
    return ", ".join(f"{chr(each.code_point)!r} {each.count:,}" for each in characters)


def _show_line(label: str, lines: Finding[Line], other: str = "") -> None:
    for line in lines.examples[:1]:
        same = f" (as {other}{_place(line.other)})" if line.other else ""
        show(f"  {label}, {_place(line.spot)}{same}: {line.text!r}"[:160])


def _place(spot: Spot) -> str:
    return f"line {spot.line:,}" if spot.document == 1 else f"document {spot.document:,}, line {spot.line:,}"


command.add(app, get)
command.add(app, check)
