"""`seqx data clean`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from . import options
from .printing import note, printable, show, show_json

if TYPE_CHECKING:
    from seq2seq.data.cleaning import Report
    from seq2seq.data.pairs import Pair, PairSource

_TABLES = (".tsv", ".jsonl")
_HEADING = ("source", "target")  # which names the columns for every recipe
_OFTEN = 1000  # pairs between updates of the bar


def clean(
    *,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    output_source: Annotated[
        Path | None, Option(help="File for the source sentences that stay.", callback=options.writable)
    ] = None,
    output_target: Annotated[
        Path | None, Option(help="File for the target sentences that stay.", callback=options.writable)
    ] = None,
    data: Annotated[Path | None, Option(help="Sentence pairs in one file (.tsv, .jsonl, .csv, .parquet).")] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="File for the pairs that stay (.tsv or .jsonl).", callback=options.writable),
    ] = None,
    recipe_name: Annotated[
        str, Option("--recipe", "-r", help="Recipe (name or path) whose languages and filters to use.")
    ] = "fr-en",
    changes: Annotated[
        list[str] | None,
        Option(
            "--set",
            "-s",
            metavar="FILTER=VALUE",
            help="Change a filter (0 or false: off), or with SECTION.KEY=VALUE the recipe; repeatable.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Write nothing; show examples of what each filter takes.")
    ] = False,
    columns: options.Columns = None,
    text: options.Text,
    as_json: options.Json = False,
) -> None:
    """Write the pairs of a text that are fit for training: damaged encodings mended; without blank, untranslated,
    misaligned and repeated ones. Prints how many pairs each filter took; a pair counts for the first.

    Files are written all or none, line i of one translating line i of the other. Else lines that stay are not changed.

    Example: seqx data clean --data pairs.tsv --dry-run --set language=false --set max_ratio=3
    """
    reading = text.reading(columns)
    inputs = [path for path in (source_file, target_file, data) if path]
    outputs = [path for path in (output_source, output_target, output) if path]
    if bool(source_file) != bool(target_file) or bool(source_file) == bool(data):
        options.usage_error("give --source-file and --target-file, or --data")
    if bool(output_source) != bool(output_target) or (output_source and output) or not (outputs or dry_run):
        options.usage_error("give --output-source and --output-target, or --output; or --dry-run")
    _refuse_same(inputs, outputs)
    from seq2seq import tasks
    from seq2seq.data.cleaning import Cleaner
    from seq2seq.data.corpus import Given
    from seq2seq.data.pairs import PairKind
    from seq2seq.data.tables import suffix_of
    from seq2seq.errors import DataError
    from seq2seq.recipe import changed_cleaning
    from seq2seq.recipe import files as recipe_files

    if output and suffix_of(output) not in _TABLES:
        options.usage_error(f"--output {output}: end its name in {' or '.join(_TABLES)}")
    of_recipe = [change for change in changes or [] if "." in change.partition("=")[0]]
    recipe = recipe_files.load(recipe_name, of_recipe, note)
    filters = [change for change in changes or [] if change not in of_recipe]
    cleaning = changed_cleaning(filters, recipe.data.cleaning or None)
    kind = tasks.of(recipe).kind()
    if not isinstance(kind, PairKind):
        options.usage_error(f"recipe {recipe_name} is for running text; cleaning is for sentence pairs")
    pairs = kind.given("train", Given(source_file, target_file, (data,) if data else ()), reading)
    with _progress() as counted:
        cleaner = Cleaner(counted(pairs), cleaning, recipe.data.source, recipe.data.target)
        report = cleaner.report()
        if not dry_run:
            if not report.kept:
                raise DataError(f"{pairs.origin}: no pair is left of {report.read:,}; see --dry-run, and change --set")
            match output and suffix_of(output):
                case ".tsv":
                    _write(chain((_HEADING,), cleaner.source().read()), outputs, _row)
                case ".jsonl":
                    _write(cleaner.source().read(), outputs, _json_row)
                case _:
                    _write(cleaner.source().read(), outputs, _lines)
    if as_json:
        written = [] if dry_run else [str(path) for path in outputs]
        show_json({"origin": pairs.origin, "cleaning": cleaning.model_dump(), **report.as_dict(), "written": written})
    else:
        show(pairs.origin)
        _show(report)
        if dry_run:
            _show_examples(report)
    if not dry_run:
        note(f"Written: {', '.join(map(str, outputs))}")


def _refuse_same(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """End with a usage error where a file would be written that is read, or written twice."""
    for index, path in enumerate(outputs):
        if any(_same(path, other) for other in inputs):
            options.usage_error(f"{path} is read, and would be written; name another file for the output")
        if any(_same(path, other) for other in outputs[:index]):
            options.usage_error(f"{path} would be written twice; name another file for one of the outputs")


def _same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


@contextmanager
def _progress() -> Iterator[Callable[[PairSource], PairSource]]:
    """A function that makes a source show how far it is read, on standard error where that is a terminal."""
    from .console import Bar, Console

    console = Console(error=True)
    with Bar(console, "{} pairs", disable=not console.live) as bar:
        task = bar.add_task("", total=None)

        def watched(pairs: PairSource) -> Iterator[tuple[int, Pair]]:
            count = 0
            for count, pair in enumerate(pairs.numbered(), start=1):
                if count % _OFTEN == 0:
                    bar.update(task, completed=count)
                yield pair
            bar.update(task, completed=count, total=count)

        yield lambda pairs: replace(pairs, lines=lambda: watched(pairs))


def _write(pairs: Iterator[Pair], outputs: Sequence[Path], rendered: Callable[[Pair], tuple[str, ...]]) -> None:
    """Write all files, or none; `rendered` says what each of them gets of a pair."""
    from seq2seq.data.compression import compressing
    from seq2seq.storage.atomic import replacing_all

    with replacing_all(outputs) as files, ExitStack() as stack:
        opened = [stack.enter_context(compressing(file, path)) for file, path in zip(files, outputs)]
        for pair in pairs:
            for file, text in zip(opened, rendered(pair)):
                file.write(text.encode("utf-8", "replace"))


def _lines(pair: Sequence[str]) -> tuple[str, ...]:
    """A line of each side. A carriage return that ends a side is not taken for a part of the line's end."""
    return tuple(side + ("\r\n" if side.endswith("\r") else "\n") for side in pair)


def _row(pair: Pair) -> tuple[str, ...]:
    """A row of tab-separated text, in which a tab within a side becomes a blank."""
    source, target = (side.replace("\t", " ") for side in pair)
    return _lines((f"{source}\t{target}",))


def _json_row(pair: Pair) -> tuple[str, ...]:
    from seq2seq.storage.jsonl import json_line

    return (json_line(dict(zip(_HEADING, pair))).decode(),)


def _show(report: Report) -> None:
    """A table of counts."""
    from .console import Console, figures

    rows = [("read", report.read), ("kept", report.kept), ("mended", report.mended.count)]
    rows += [(name, finding.count) for name, finding in report.dropped.items()]
    shown = [(name, f"{count:,}", f"{100 * count / max(1, report.read):.2f} %") for name, count in rows]
    Console().print(figures(("", "pairs", "share"), shown))


def _show_examples(report: Report) -> None:
    """The first pairs of each filter, a line per side, cut to the width."""
    from seq2seq.recipe import Cleaning

    from .console import Console, cut

    width = Console().width
    reports = report.as_dict()
    examples: dict[str, list[tuple[int, str, str]]] = {"mend": []}
    for mend in reports["mended"]["examples"]:
        changed = ((before, after) for before, after in zip(mend["before"], mend["after"]) if before != after)
        examples["mend"] += [(mend["line"], before, after) for before, after in changed]
    for name, finding in reports["dropped"].items():
        examples[name] = [(each["line"], each["source"], each["target"]) for each in finding["examples"]]
    for name, found in examples.items():
        if found:
            show(f"{name}: {Cleaning.model_fields[name].description}")
        for line, first, second in found:
            show(cut(f"{line:>8,}  {printable(first)}", width))
            show(cut(f"{'':8}  {printable(second)}", width))
