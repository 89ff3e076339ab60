"""`seqx bench`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .printing import show_json

if TYPE_CHECKING:
    from rich.table import Table

    from seq2seq.checkup.pace import Training, Translating
    from seq2seq.checkup.timing import Spread
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.translate import Translator
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe
    from seq2seq.run import Run

_LINES = 1000  # of the test set, at most


def bench(
    run: options.RunFolder = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", "-r", help="Measure training of this recipe, without a run. Default: the recipe of the run."
        ),
    ] = None,
    changes: options.Set = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="Time for training, for each engine and for start-up.")
    ] = 10.0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure how fast this machine trains a recipe, translates with a run and starts: medians and percentiles.

    It trains new weights for some seconds and discards them. With a trained run it also translates the test set with
    each engine. Default: the newest finished translator, else the recipe fr-en.

    Example: seqx bench --recipe fr-en --seconds 5
    """
    if run and (recipe or changes):
        options.usage_error("--run has a recipe of its own: leave out --recipe and --set, or --run")
    if changes and not recipe:
        options.usage_error("--set changes a recipe: name it with --recipe")
    folder = _folder(run, recipe, quiet)
    from seq2seq import device as devices
    from seq2seq import tasks
    from seq2seq.checkup import pace
    from seq2seq.checkup.machine import this_machine
    from seq2seq.recipe import files as recipe_files

    machine = this_machine()
    if folder:
        wanted, both = _wanted(folder)
    else:
        wanted = _with_text(recipe_files.load(recipe or "fr-en", changes, options.noting(quiet)), quiet)
        both = None
    choice = devices.choose(device, wanted.training.precision)
    options.note(f"{wanted.name}: training on {choice}", quiet=quiet)
    trained = pace.training(wanted, choice, seconds, both)
    translated, loaded = [], None
    if folder is not None and "translate" in tasks.COMMANDS[wanted.task]:
        lines = _lines(folder)
        for engine, translator in _engines(folder, device, quiet):
            translated.append(pace.translating(engine, translator, lines, seconds))
        options.note(f"{folder.path}: loading", quiet=quiet)
        command = [sys.executable, "-P", "-m", "seq2seq", "translate"]
        command += ["--run", str(folder.path), "--device", device, "-q"]
        loaded = pace.loading([*command, "--", lines[0]], seconds)
    found = {
        "machine": asdict(machine),
        "device": str(choice.numerics.device),
        "precision": _precision(choice),
        "recipe": wanted.name,
        "run": str(folder.path) if folder else None,
        "training": asdict(trained),
        "translating": [asdict(each) for each in translated],
        "loading_seconds": asdict(loaded) if loaded else None,
    }
    if as_json:
        show_json(found)
    else:
        _show(found, trained, translated, loaded)


def _folder(run: Path | None, recipe: str | None, quiet: bool) -> Run | None:
    """The run to measure; none where a recipe was asked for, or nothing is trained yet."""
    from seq2seq.errors import RunError

    if run is not None:
        return options.open_run(run, "bench")
    if recipe is not None:
        return None
    try:
        return options.open_run(None, quiet=quiet)
    except RunError:
        return None


def _wanted(folder: Run) -> tuple[Recipe, Tokenizers]:
    from seq2seq.tasks.pytorch import read_tokenizers

    return folder.recipe(), read_tokenizers(folder.recipe(), folder.path)


def _with_text(wanted: Recipe, quiet: bool) -> Recipe:
    """The recipe as `seqx train` would take it: where its corpus is missing, the bundled one stands in."""
    from seq2seq import tasks
    from seq2seq.errors import MissingCorpusError

    try:
        tasks.of(wanted).find({})
        return wanted
    except MissingCorpusError as missing:
        if wanted.data.bundled is None:
            return wanted
        options.note(
            f"NOTE: {missing}.\n      The bundled {wanted.data.bundled} is used instead, with the sizes that suit it",
            quiet=quiet,
        )
        return wanted.on_bundled()


def _lines(folder: Run) -> list[str]:
    from seq2seq.evaluation import judge

    return [sentence.source for sentence in judge.read_set(folder)[:_LINES]]


def _engines(folder: Run, device: str, quiet: bool) -> Iterator[tuple[str, Translator]]:
    """Each engine that the run has, by name, and its translator."""
    from seq2seq.errors import SeqxError
    from seq2seq.tasks.opening import EngineChoice, open_translator

    for name, precision in (("ctranslate2", "int8"), ("ctranslate2", "float32"), ("torch", "auto")):
        options.note(f"{folder.path}: translating with {name}, {precision}", quiet=quiet)
        try:
            opened = open_translator(folder, EngineChoice(name, precision, device))
        except SeqxError as error:
            options.note(f"not measured: {error}", quiet=quiet)
            continue
        yield opened.engine, opened.translator


def _precision(choice: Choice) -> str:
    return "float32" if choice.numerics.autocast is None else "bfloat16"


def _show(found: dict[str, Any], training: Training, translating: list[Translating], loading: Spread | None) -> None:
    """All of it as tables, to standard output."""
    from .console import Console

    console = Console()
    machine = found["machine"]
    console.print(
        f"seqx {machine['seqx']}, torch {machine['torch']}, Python {machine['python']}, {machine['platform']}"
    )
    console.print(
        f"{found['device']}, {machine['threads']} of {machine['processors']} processors, OMP_WAIT_POLICY "
        f"{machine['omp_wait_policy'] or 'not set'}, load {machine['load']}"
    )
    console.print(
        f"\nTraining {found['recipe']} ({training.parameters / 1e6:.1f} million parameters), {found['precision']}, "
        f"{training.updates} updates\n{training.text}"
    )
    console.print(_training(training))
    console.print(f"\nAn update, by part\n{_parts(training)}")
    if translating:
        console.print(f"\nTranslating with {found['run']}")
        console.print(_translating(translating))
    if loading:
        console.print(
            f"\nLoading: {loading.median:.2f} s from the start of `seqx translate` to its answer "
            f"(p10 {loading.p10:.2f}, p90 {loading.p90:.2f}, {loading.rounds} times)"
        )


def _training(found: Training) -> Table:
    from .console import figures

    rows = []
    for label, each, unit in (
        ("target tokens/s", found.target_tokens_per_second, 1.0),
        ("all tokens/s", found.tokens_per_second, 1.0),
        ("GFLOP/s", found.flops_per_second, 1e9),
        (f"GFLOP/s of {found.peak_size} x {found.peak_size} products", found.peak_flops_per_second, 1e9),
    ):
        values = (f"{value / unit:,.0f}" for value in (each.median, each.p10, each.p90))
        rows.append((label, *values, str(each.rounds)))
    rows.append(("share of that peak", f"{found.peak_share:.1%}", "", "", ""))
    rows.append(("padding", f"{found.padding:.1%}", "", "", ""))
    return figures(("", "median", "p10", "p90", "rounds"), rows)


def _parts(found: Training) -> str:
    whole = sum(found.parts.values())
    return ", ".join(f"{part} {1000 * each:.1f} ms ({each / whole:.0%})" for part, each in found.parts.items())


def _translating(found: list[Translating]) -> Table:
    from .console import figures

    rows = []
    for each in found:
        speed, first = each.lines_per_second, each.first_answer_seconds
        rows.append(
            (
                each.engine.partition(" (")[0],  # without the reason for the device
                *(f"{value:,.0f}" for value in (speed.median, speed.p10, speed.p90, each.tokens_per_second.median)),
                f"{1000 * first.median:.1f}",
                f"{1000 * first.p90:.1f}",
                str(each.lines),
            )
        )
    return figures(("engine", "lines/s", "p10", "p90", "tokens/s", "one line ms", "p90", "lines"), rows)
