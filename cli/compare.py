"""`seqx compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options

if TYPE_CHECKING:
    from seq2seq.evaluation.compare import Changed, Comparison

_SIGNIFICANT = 0.05


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder: the baseline.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="A run folder: what is held against it.")],
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    most: Annotated[int, typer.Option("--most", min=0, help="Changed sentences to show, each way.")] = 5,
    as_json: options.Json = False,
    encoding: options.Encoding = "strict",
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Compare two runs on one test set: paired bootstrap (sacreBLEU's) and the sentences that changed most.

    The test set is RUN_A's, or the files given.
    """
    if bool(source_file) != bool(target_file):
        options.usage_error("--source-file and --target-file go together; one of them is missing")
    errors = options.encoding_errors(encoding)
    from seq2seq import build
    from seq2seq import device as devices
    from seq2seq.evaluation import compare as comparing
    from seq2seq.evaluation import judge as judging
    from seq2seq.run import open_run

    folders = [open_run(path, "compare") for path in (first, second)]
    if source_file and target_file:
        sentences = judging.read_files(source_file, [target_file], errors)
    else:
        sentences = judging.read_set(folders[0])
    translations = []
    for folder in folders:
        options.note(f"Translating {len(sentences):,} sentences with {folder.path}", quiet=quiet)
        translator = build.translator(folder, devices.choose(device, folder.recipe().training.precision))
        translations.append(
            [translation.text for translation in translator.stream(sentence.source for sentence in sentences)]
        )
    found = comparing.compare(sentences, *translations, most=most)
    if as_json:
        typer.echo(json.dumps(found.record(), indent=2, ensure_ascii=False))
    else:
        _show(found, first, second)


def _show(found: Comparison, first: Path, second: Path) -> None:
    print(f"A = {first}, B = {second}: {found.sentences:,} sentences, {found.same:,} translated alike")
    print(f"{'':8}{'A':>7}{'B':>7}{'B - A':>8}{'p':>8}")
    for each in found.differences:
        verdict = "a real difference" if each.p_value < _SIGNIFICANT else "may be chance"
        figures = f"{each.first:7.1f}{each.second:7.1f}{each.second - each.first:+8.1f}{each.p_value:8.3f}"
        print(f"{each.metric:8}{figures}  {verdict:18} {each.signature}")
    _show_changed("B gains most", found.better)
    _show_changed("B loses most", found.worse)


def _show_changed(title: str, changed: tuple[Changed, ...]) -> None:
    for each in changed:
        print(f"\n{title} ({each.gain:+.0f} chrF2)")
        for label, text in (
            ("source", each.source),
            ("reference", each.reference),
            ("A", each.first),
            ("B", each.second),
        ):
            print(f"    {label:10}{text}")
