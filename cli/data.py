"""`seqx data check`, `seqx data get`; `seqx data clean` is in `data_clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import command, data_clean, options
from .printing import note, report, show, show_json

if TYPE_CHECKING:
    from seq2seq.data.records import Kind


app = typer.Typer(help="Download, audit and clean training text.", no_args_is_help=True, rich_markup_mode=None)


def get(
    *,
    recipe_name: Annotated[str, Argument(metavar="RECIPE", help="Recipe (name or path) whose corpus to download.")],
    to: Annotated[Path, Option(metavar="DIR", help="Folder for the corpora; set SEQX_DATA=DIR to use it.")],
    changes: options.Set = None,
) -> None:
    """Download a recipe's corpus, or its corpora, from the Hugging Face Hub into DIR as plain text, also for offline
    machines. One that cannot be fetched does not prevent the others. The same command again fetches those that are
    still missing."""
    from seq2seq import tasks
    from seq2seq.data import corpora
    from seq2seq.data.fetch import fetch
    from seq2seq.errors import DataError
    from seq2seq.recipe import files as recipe_files

    recipe = recipe_files.load(recipe_name, changes, note)
    failed = False
    several: list[Kind[Any, Any]] = [corpora.kind_of(recipe.data, named) for named in recipe.data.corpora if named.hub]
    for kind in several or [tasks.of(recipe).kind()]:
        if several and kind.complete(to / kind.data.corpus):
            note(f"{to / kind.data.corpus} is there already: delete it to fetch it again")
            continue
        note(f"Fetching {kind.data.corpus} from the Hugging Face Hub")
        try:
            for path in fetch(kind, to):
                note(f"Written: {path}")
        except DataError as error:
            if len(several) < 2:
                raise
            failed = True
            report(f"seqx: {error}")
    if failed:
        note("The same command again fetches what is missing")
        raise typer.Exit(1)
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
    text: counts, rare and unusual characters, repeated and very long lines, overlap. Texts with labels: counts,
    classes, texts with two labels, overlap. Comparisons: sides that do not differ, lengths of chosen against rejected
    sides, signs that tell them apart, overlap.

    Default: the recipe's corpus, as `seqx train` would find it.
    """
    from seq2seq import tasks
    from seq2seq.data.corpus import Given
    from seq2seq.errors import MissingCorpusError
    from seq2seq.recipe import files as recipe_files

    reading = text.reading(columns)
    name, more = (recipe_name, words or []) if recipe_name else ((words or ["fr-en"])[0], (words or [])[1:])
    if more and not data:
        options.usage_error(f"unexpected argument {more[0]}; pass files of text or pairs with --data")
    recipe = recipe_files.load(name, changes, note)
    given = Given(source_file, target_file, (*(data or []), *map(Path, more)))
    task = tasks.of(recipe)
    if message := task.refused_files(given):
        options.usage_error(message)
    try:
        corpus = task.find({"train": given}, reading)
    except MissingCorpusError as missing:
        if recipe.data.bundled is None:
            raise
        note(f"NOTE: {missing}.\n      The bundled {recipe.data.bundled} is checked instead")
        task = tasks.of(recipe.on_bundled())
        corpus = task.find({}, reading)
    audit = task.audit(corpus)
    if as_json:
        show_json(audit.report)
        return
    from .console import Console, figures

    show(audit.title)
    Console().print(figures(("", *audit.splits), audit.figures))
    for remark in audit.remarks:
        show(remark)


command.add(app, get)
command.add(app, check)
command.add(app, data_clean.clean)
