"""`seqx bench`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from . import options
from .printing import note, show_json
from .train import on_bundled

if TYPE_CHECKING:
    from seq2seq.data.corpus import Corpus
    from seq2seq.measure.steps import Spread
    from seq2seq.measure.throughput import TrainingThroughput, TranslationThroughput
    from seq2seq.run import Run


def bench(
    *,
    run: options.RunFolder = None,
    recipe_name: Annotated[
        str | None,
        Option(
            "--recipe", "-r", help="Measure training of this recipe, without a run. Default: the recipe of the run."
        ),
    ] = None,
    changes: options.Set = None,
    seconds: Annotated[float, Option(min=0.1, help="Time for training, for each engine and for start-up.")] = 10.0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    as_json: options.Json = False,
) -> None:
    """Measure how fast this machine trains a recipe, translates with a run and starts: medians and percentiles.

    It trains new weights for some seconds and discards them. With a trained run it also translates the test set with
    each engine. Default: the newest finished translator, else (or where that one was trained by rewards or comparisons)
    the recipe fr-en.

    Example: seqx bench --recipe fr-en --seconds 5
    """
    if run and (recipe_name or changes):
        options.usage_error("--run has a recipe of its own: leave out --recipe and --set, or --run")
    if changes and not recipe_name:
        options.usage_error("--set changes a recipe: name it with --recipe")
    measured = _run(run, recipe_name)
    from seq2seq import device as devices
    from seq2seq import tasks
    from seq2seq.errors import MissingCorpusError, RecipeError, SeqxError
    from seq2seq.lifecycle import ancestors
    from seq2seq.measure import throughput
    from seq2seq.measure.machine import this_machine
    from seq2seq.tasks.opening import EngineChoice
    from seq2seq.tasks.translation_opening import open_translator

    recipe = measured.recipe() if measured else ancestors.with_usual_start(recipe_name or "fr-en", changes, note)
    if not tasks.of(recipe).workload().predicts:
        raise RecipeError(
            f"recipe {recipe.name}: bench times the parts of an update that predicts, which {tasks.of(recipe).plural} "
            f"do not; `seqx train --recipe {recipe.name} --dry-run` times whole updates"
        )
    corpus: Corpus[Any] | None = None
    try:
        corpus = tasks.of(recipe).find({})
    except MissingCorpusError as missing:
        if measured is None and recipe.data.bundled is not None:
            recipe, corpus = on_bundled(recipe, missing, "used instead, with the sizes that suit it")
    choice = devices.choose(device, recipe.training.precision)
    note(f"{recipe.name}: training on {choice}")
    training = throughput.training(recipe, corpus, choice, seconds, measured)
    translating, loading = [], None
    lines = tasks.of(recipe).workload().lines(measured) if measured else None
    if measured is not None and lines is not None:
        for name, precision in (("ctranslate2", "int8"), ("ctranslate2", "float32"), ("torch", "auto")):
            note(f"{measured.path}: translating with {name}, {precision}")
            try:
                opened = open_translator(measured, EngineChoice(name, precision, device))
            except SeqxError as error:
                note(f"not measured: {error}")
            else:
                translating.append(throughput.translating(opened.engine, opened.translator, lines, seconds))
        note(f"{measured.path}: loading")
        command = [sys.executable, "-P", "-m", "seq2seq", "translate"]
        command += ["--run", str(measured.path), "--device", device, "-q"]
        loading = throughput.loading([*command, "--", lines[0]], seconds)
    report = {
        "machine": this_machine(),
        "device": str(choice.numerics.device),
        "precision": choice.numerics.precision,
        "recipe": recipe.name,
        "run": str(measured.path) if measured else None,
        "training": asdict(training),
        "translating": [asdict(each) for each in translating],
        "loading_seconds": asdict(loading) if loading else None,
    }
    if as_json:
        show_json(report)
    else:
        _show(report, training, translating, loading)


def _run(run: Path | None, recipe_name: str | None) -> Run | None:
    """The run to measure; None where a recipe was named, or there is no finished run that can be measured."""
    from seq2seq import tasks
    from seq2seq.errors import RunError

    if run is not None:
        return options.open_run(run, "bench")
    newest = None
    with suppress(RunError):
        newest = None if recipe_name else options.open_run(None)
    return newest if newest and tasks.of(newest.recipe()).workload().predicts else None


def _show(
    report: dict[str, Any],
    training: TrainingThroughput,
    translating: list[TranslationThroughput],
    loading: Spread | None,
) -> None:
    """Print the report as tables to standard output."""
    from .console import Console, figures

    console = Console()
    machine = report["machine"]
    console.print(
        f"seqx {machine['seqx']}, torch {machine['torch']}, Python {machine['python']}, {machine['platform']}\n"
        f"{report['device']}, {machine['threads']} of {machine['processors']} processors, OMP_WAIT_POLICY "
        f"{machine['omp_wait_policy'] or 'not set'}, load {machine['load']}\n\n"
        f"Training {report['recipe']} ({training.parameters / 1e6:.1f} million parameters), {report['precision']}, "
        f"{training.updates} updates\n{training.text}"
    )
    console.print(figures(("", "median", "p10", "p90", "rounds"), _training(training)))
    update = sum(training.parts.values())
    parts = (f"{part} {1000 * each:.1f} ms ({each / update:.0%})" for part, each in training.parts.items())
    console.print(f"\nTime per update, by part\n{', '.join(parts)}")
    if translating:
        console.print(f"\nTranslating with {report['run']}")
        headings = ("engine", "lines/s", "p10", "p90", "tokens/s", "one line ms", "p90", "lines")
        console.print(figures(headings, [_translating(each) for each in translating]))
    if loading:
        console.print(
            f"\nLoading: {loading.median:.2f} s from the start of `seqx translate` to its answer "
            f"(p10 {loading.p10:.2f}, p90 {loading.p90:.2f}, {loading.rounds} times)"
        )


def _training(training: TrainingThroughput) -> list[tuple[str, ...]]:
    size = training.peak_size
    rows = []
    for label, each, unit in (
        ("target tokens/s", training.target_tokens_per_second, 1.0),
        ("all tokens/s", training.tokens_per_second, 1.0),
        ("GFLOP/s", training.flops_per_second, 1e9),
        (f"GFLOP/s of {size} x {size} products", training.peak_flops_per_second, 1e9),
    ):
        values = (f"{value / unit:,.0f}" for value in (each.median, each.p10, each.p90))
        rows.append((label, *values, str(each.rounds)))
    shares = (("share of that peak", training.peak_share), ("padding", training.padding))
    return [*rows, *((label, f"{share:.1%}", "", "", "") for label, share in shares)]


def _translating(timed: TranslationThroughput) -> tuple[str, ...]:
    speed, first = timed.lines_per_second, timed.first_answer_seconds
    return (
        timed.engine.partition(" (")[0],  # without the reason for the device
        *(f"{value:,.0f}" for value in (speed.median, speed.p10, speed.p90, timed.tokens_per_second.median)),
        f"{1000 * first.median:.1f}",
        f"{1000 * first.p90:.1f}",
        str(timed.lines),
    )
