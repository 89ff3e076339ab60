"""`seqx data check`, `seqx data get`; `seqx data clean` is in `data_clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import data_clean, options
from .command import Command
from .printing import show, show_json

if TYPE_CHECKING:
    from seq2seq.data.audit import Audit, Split
    from seq2seq.data.findings import Finding, RecordExample

app = typer.Typer(help="Download, audit and clean training text.", no_args_is_help=True, rich_markup_mode=None)
app.command(cls=Command)(data_clean.clean)

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe (name or path) whose corpus to download.")]


@app.command(cls=Command)
def get(
    recipe_name: RecipeName,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Folder for the corpora; set SEQX_DATA=DIR to use it.")
    ],
    changes: options.Set = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Download a recipe's corpus from the Hugging Face Hub into DIR as plain text, also for offline machines."""
    from seq2seq import tasks
    from seq2seq.data.fetch import fetch
    from seq2seq.recipe import files as recipe_files

    recipe = recipe_files.load(recipe_name, changes, options.noting(quiet))
    options.note(f"Fetching {recipe.data.corpus} from the Hugging Face Hub", quiet=quiet)
    for path in fetch(tasks.of(recipe).kind(), to):
        options.note(f"Written: {path}", quiet=quiet)
    options.note(f"Use it with: SEQX_DATA={to} seqx train --recipe {recipe_name}", quiet=quiet)


@app.command(cls=Command)
def check(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE|FILE",
            help="Recipe whose corpus or languages to use; more files for --data. With --recipe, files only.",
        ),
    ] = None,
    recipe_name: Annotated[
        str | None, typer.Option("--recipe", "-r", help="The same as RECIPE. Default: fr-en.")
    ] = None,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            help=(
                "Sentence pairs in one file (.tsv, .jsonl, .csv, .parquet); or running text: any number of "
                "files (also .txt), or a folder."
            ),
        ),
    ] = None,
    changes: options.Set = None,
    columns: options.Columns = None,
    encoding: options.Encoding = "utf-8",
    encoding_errors: options.EncodingErrors = "strict",
    as_json: options.Json = False,
    debug: options.Debug = False,
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

    reading = options.reading(encoding, encoding_errors, columns)
    name, more = (recipe_name, words or []) if recipe_name else ((words or ["fr-en"])[0], (words or [])[1:])
    if more and not data:
        options.usage_error(f"unexpected argument {more[0]}; pass files of text or pairs with --data")
    recipe = recipe_files.load(name, changes, options.noting())
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
        options.note(f"NOTE: {missing}.\n      The bundled {recipe.data.bundled} is checked instead")
        kind = tasks.of(recipe.on_bundled()).kind()
        corpus = find(kind, reading=reading)
    audit: Any = kind.audit(corpus)
    if as_json:
        show_json(audit.as_dict())
        return
    match audit:
        case TextAudit():
            from . import data_text

            data_text.show(audit)
        case _:
            _show(audit)


def _show(audit: Audit) -> None:
    from .console import Console, figures

    rows = [(label, *(value(split) for split in audit.splits)) for label, value in _FIGURES]
    overlaps = {each.name: each for each in audit.overlaps}
    for side in ("source", "target"):
        counts = [f"{overlaps[s.name].fields[side].count:,}" if s.name in overlaps else "" for s in audit.splits]
        rows.append((f"{side} also in train", *counts))
    show(f"{audit.corpus}: " + "; ".join(sorted({origin for split in audit.splits for origin in split.origins})))
    Console().print(figures(("", *(split.name for split in audit.splits)), rows))
    for split in audit.splits:
        for name, finding in {"blank": split.blank, "duplicates": split.duplicates, **split.findings}.items():
            _show_examples(f"{split.name}, {name}", finding)
        for character in split.characters[:5]:
            show(
                f"  {split.name}, odd character U+{character.code_point:04X} {character.name}: "
                f"{character.count:,}, first at line {character.first.line:,} of {character.first.origin}"
            )
    for each in audit.overlaps:
        _show_examples(f"{each.name}, source also in train", each.fields["source"])
        _show_examples(f"{each.name}, target also in train", each.fields["target"])
    for verdict in audit.verdicts:
        show(f"VERDICT, {verdict.kind}: {verdict.count:,} pairs of {verdict.origin}: {verdict.message}")
        for example in verdict.examples[:2]:
            _show_example("", example)
    if not audit.verdicts:
        show("No verdict: lines are aligned, sides are not swapped, placeholders are on both sides")


def _ratio(split: Split) -> str:
    ratio = split.figures["ratio"]
    return "" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


_FIGURES = (
    ("pairs", lambda split: f"{split.records:,}"),
    ("words, source", lambda split: f"{split.words['source']:,}"),
    ("words, target", lambda split: f"{split.words['target']:,}"),
    ("a side blank", lambda split: f"{split.blank.count:,}"),
    ("duplicate pairs", lambda split: f"{split.duplicates.count:,}"),
    ("sides alike", lambda split: f"{split.findings['copied'].count:,}"),
    ("length ratio (1-99 %)", _ratio),
    ("ratio over 4", lambda split: f"{split.findings['odd ratio'].count:,}"),
    ("odd characters", lambda split: f"{sum(each.count for each in split.characters):,}"),
    (
        "longest, characters",
        lambda split: f"{max((side.characters for side in split.longest.values() if side), default=0):,}",
    ),
)


def _show_examples(label: str, finding: Finding[RecordExample]) -> None:
    for example in finding.examples[:1]:
        _show_example(f"{label}, ", example)


def _show_example(label: str, example: RecordExample) -> None:
    show(f"  {label}line {example.place.line:,}: {example.texts[0]!r} = {example.texts[1]!r}"[:160])
