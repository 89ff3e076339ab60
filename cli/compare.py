"""`seqx compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options, progress
from .printing import show, show_json

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.evaluation.compare import Changed, Comparison
    from seq2seq.run import Run

_SIGNIFICANT = 0.05


def compare(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="Run folder: the baseline.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="Run folder to compare with the baseline.")],
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    most: Annotated[
        int, typer.Option("--most", min=0, help="Number of sentences to show that became better, and worse.")
    ] = 5,
    as_json: options.Json = False,
    encoding: options.Encoding = "utf-8",
    encoding_errors: options.EncodingErrors = "strict",
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Compare two runs on one test set: is the difference significant, and what changed?

    Translators of one direction: sacreBLEU's paired bootstrap test, and the sentences that changed most. Language
    models: bits per byte, with a paired bootstrap test over documents, or over chunks of a single document. Default:
    the test set of RUN_A. Each run is evaluated with its default engine, as `seqx evaluate` does.
    """
    if bool(source_file) != bool(target_file):
        options.usage_error("--source-file and --target-file go together; one of them is missing")
    reading = options.reading(encoding, encoding_errors)
    if not source_file:
        options.refuse_given(context, "encoding", "encoding_errors", because="no file is given")
    from seq2seq.run import open_run

    runs = [open_run(path, "compare") for path in (first, second)]
    _must_be_alike(runs)
    if runs[0].form == "text":
        options.refuse_given(
            context, "source_file", "target_file", "most", because="two models of running text are compared"
        )
        _compare_texts(runs, device, as_json, quiet)
        return
    found = _compare_translators(runs, source_file, target_file, reading, most, device, quiet)
    if as_json:
        show_json(found.record())
    else:
        _show(found, first, second)


def _must_be_alike(runs: Sequence[Run]) -> None:
    """Raise RunError where two runs do different things."""
    from seq2seq.errors import RunError

    def does(run: Run) -> str:
        data = run.recipe().data
        return "continues text" if data.form == "text" else f"translates {data.source} to {data.target}"

    one, other = map(does, runs)
    if one != other:
        raise RunError(
            f"{runs[0].path} {one}, {runs[1].path} {other}: name two runs that do the same; `seqx evaluate` judges "
            "each by itself"
        )


def _compare_translators(
    runs: Sequence[Run],
    source_file: Path | None,
    target_file: Path | None,
    reading: Reading,
    most: int,
    device: str,
    quiet: bool,
) -> Comparison:
    from seq2seq.decoding.open import EngineChoice, open_translator
    from seq2seq.evaluation import compare as comparing
    from seq2seq.evaluation import judge as judging

    if source_file and target_file:
        sentences = judging.read_files(source_file, [target_file], reading)
    else:
        sentences = judging.read_set(runs[0])
    translations: list[list[str]] = []
    for run in runs:
        opened = open_translator(run, EngineChoice(device=device))
        if opened.missing:
            options.note(f"NOTE: {opened.missing}", quiet=quiet)
        options.note(f"Translating {len(sentences):,} sentences with {run.path}, by {opened.engine}", quiet=quiet)
        lines = [sentence.source for sentence in sentences]
        with progress.watched(opened.translator, len(lines), quiet=quiet) as translator:
            translations.append([translation.text for translation in translator.stream(lines)])
    one, other = translations
    return comparing.compare(sentences, one, other, opened.target, most=most)


def _compare_texts(runs: Sequence[Run], device: str, as_json: bool, quiet: bool) -> None:
    from seq2seq import device as devices
    from seq2seq.evaluation import compare_texts as comparing
    from seq2seq.evaluation import fluency
    from seq2seq.training.prepare import surprises_of

    parts = comparing.in_parts(fluency.read_set(runs[0]))
    nats = []
    for run in runs:
        options.note(f"Reading {len(parts.pieces):,} {parts.unit} with {run.path}", quiet=quiet)
        choice = devices.choose(device, run.recipe().training.precision)
        of_tokens, tokenizer, unknown = surprises_of(run, parts.text, choice)
        nats.append(parts.shared_out(of_tokens, tokenizer))
        if unknown:
            options.note(
                f"NOTE: {unknown:,} characters are unknown to {run.path} and cost it little: its figure is too low",
                quiet=quiet,
            )
    found = comparing.compare(parts, *nats)
    if as_json:
        show_json(found.record())
        return
    show(f"A = {runs[0].path}, B = {runs[1].path}: the test text of A, {found.parts:,} {found.unit}")
    show(f"{'':14}{'A':>8}{'B':>8}{'B - A':>9}{'p':>8}")
    show(
        f"{'bits per byte':14}{found.first:8.4f}{found.second:8.4f}{found.second - found.first:+9.4f}"
        f"{found.p_value:8.3f}  {_verdict(found.p_value)}; 95 %: {found.low:+.4f} to {found.high:+.4f}"
    )


def _verdict(p_value: float) -> str:
    return "significant at p < 0.05" if p_value < _SIGNIFICANT else "not significant (p >= 0.05)"


def _show(found: Comparison, first: Path, second: Path) -> None:
    show(f"A = {first}, B = {second}: {found.sentences:,} sentences, {found.same:,} translated alike")
    show(f"{'':8}{'A':>7}{'B':>7}{'B - A':>8}{'p':>8}")
    for each in found.differences:
        figures = f"{each.first:7.1f}{each.second:7.1f}{each.second - each.first:+8.1f}{each.p_value:8.3f}"
        show(f"{each.metric:8}{figures}  {_verdict(each.p_value):27} {each.signature}")
    _show_changed("B gains most", found.better)
    _show_changed("B loses most", found.worse)


def _show_changed(title: str, changed: tuple[Changed, ...]) -> None:
    for each in changed:
        show(f"\n{title} ({each.gain:+.0f} chrF2)")
        for label, text in (
            ("source", each.source),
            ("reference", each.reference),
            ("A", each.first),
            ("B", each.second),
        ):
            show(f"    {label:10}{text}")
