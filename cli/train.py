"""`seqx train`."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import export, options, processes
from .stopping import StopSignals

if TYPE_CHECKING:
    from seq2seq.data.corpus import Corpus, Given, SplitName
    from seq2seq.data.lines import Reading
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe
    from seq2seq.run import Run
    from seq2seq.training.parallel.team import Team

DevSource = Annotated[Path | None, typer.Option("--dev-source-file", help="Source sentences for validation.")]
DevTarget = Annotated[Path | None, typer.Option("--dev-target-file", help="Target sentences, line by line.")]
TestSource = Annotated[Path | None, typer.Option("--test-source-file", help="Source sentences of the test set.")]
TestTarget = Annotated[Path | None, typer.Option("--test-target-file", help="Target sentences, line by line.")]
DataFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help=(
            "Sentence pairs in one file (.tsv, .jsonl, .csv, .parquet) instead of two files; or running "
            "text in any number of files (also .txt)."
        ),
    ),
]
MoreFiles = Annotated[list[Path] | None, typer.Argument(help="More files for --data, for example from *.txt.")]
DevData = Annotated[list[Path] | None, typer.Option("--dev-data", help="The same for validation.")]
TestData = Annotated[list[Path] | None, typer.Option("--test-data", help="The same for the test set.")]


def train(
    recipe_name: options.Recipe,
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="Run folder to create or resume. Default: runs/<recipe>.")
    ] = None,
    changes: options.Set = None,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    dev_source_file: DevSource = None,
    dev_target_file: DevTarget = None,
    test_source_file: TestSource = None,
    test_target_file: TestTarget = None,
    data: DataFiles = None,
    dev_data: DevData = None,
    test_data: TestData = None,
    more: MoreFiles = None,
    columns: options.Columns = None,
    encoding: options.Encoding = "utf-8",
    encoding_errors: options.EncodingErrors = "strict",
    fallback: Annotated[
        bool,
        typer.Option(
            "--fallback/--no-fallback", help="Train on the bundled corpus if the recipe's own is not available."
        ),
    ] = True,
    device: options.Device = "auto",
    threads: options.Threads = None,
    batch_tokens: Annotated[
        str | None,
        typer.Option(
            "--batch-tokens",
            metavar="N|auto",
            help="Override training.batch_tokens; auto = as many as fit into memory.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            min=0.01,
            help="Override training.steps: as many updates as fit into this time, validations and final scores "
            "included; a few are timed first.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Override training.seed.", min=0)] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show model size, memory and a measured estimate of the time, without training."
        ),
    ] = False,
    overfit: Annotated[
        int | None,
        typer.Option("--overfit", min=1, help="Sanity check: overfit this many examples, then discard the run."),
    ] = None,
    parallel: Annotated[
        str,
        typer.Option(
            "--parallel",
            help="Under torchrun: ddp (the whole model in each process) or fsdp (model sharded). auto = ddp.",
        ),
    ] = "auto",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train a recipe and evaluate the result. The same command again resumes a stopped run.

    Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 finish the update, save and stop. The text comes from the files given here, else
    from $SEQX_DATA, else from the Hugging Face Hub, else from the corpus that ships with seqx. On several GPUs or
    machines: torchrun --nproc-per-node=N --no-python -- seqx train ...
    """
    from seq2seq import device as devices
    from seq2seq.data.corpus import Given
    from seq2seq.measure.devices import attempt
    from seq2seq.recipe import files as recipe_files
    from seq2seq.run import Run, root
    from seq2seq.training import provenance
    from seq2seq.training.parallel import launch

    if parallel not in ("auto", *launch.WAYS):
        options.usage_error(f"--parallel {parallel}: use auto, ddp or fsdp")
    if overfit is not None and (dry_run or minutes):
        options.usage_error(f"--overfit {overfit} has a budget of its own: leave out --dry-run and --minutes")
    changes = list(changes or [])
    given = {change.partition("=")[0].strip() for change in changes}
    for option, value, key in (
        ("--seed", seed, "training.seed"),
        ("--batch-tokens", batch_tokens, "training.batch_tokens"),
        ("--minutes", minutes, "training.steps"),
    ):
        if value is not None and key in given:
            options.usage_error(f"{option} and --set {key}: give one of them")
    changes += [f"training.seed={seed}"] if seed is not None else []
    changes += [f"training.batch_tokens={batch_tokens}"] if batch_tokens not in (None, "auto") else []
    if more and not data:
        options.usage_error(f"unexpected argument {more[0]}; pass files of text or pairs with --data")
    text: dict[SplitName, Given] = {
        "train": Given(source_file, target_file, (*(data or ()), *(more or ()))),
        "dev": Given(dev_source_file, dev_target_file, tuple(dev_data or ())),
        "test": Given(test_source_file, test_target_file, tuple(test_data or ())),
    }
    reading = options.reading(encoding, encoding_errors, columns)
    with ExitStack() as kept:
        with processes.joined(parallel, device, quiet=quiet) as team:
            quiet = quiet or not team.main
            if device != "auto":
                devices.named(team.device(device))  # before text is fetched
            with team.main_first():
                recipe = recipe_files.load(recipe_name, changes, options.noting(quiet))
                team.check(recipe)
                if team.main and not dry_run and overfit is None:
                    Run(run_folder or root() / recipe.name).must_be_writable()
                if team.size > 1 and (dry_run or minutes or overfit is not None or batch_tokens == "auto"):
                    options.usage_error(
                        "--dry-run, --overfit, --minutes and --batch-tokens auto take a single process: leave out "
                        "torchrun"
                    )
                recipe, corpus = _find(recipe, text, reading, fallback, quiet)
                run = Run(run_folder or root() / recipe.name)
                choice = devices.choose(team.device(device), recipe.training.precision, attempt(recipe))
                if batch_tokens == "auto":
                    recipe = _fitted(recipe, run, choice, quiet)
                if minutes:
                    recipe, corpus = _timed(recipe, corpus, run, choice, minutes, quiet)
                if dry_run:
                    from . import dry_run as dry

                    dry.show(recipe, corpus, choice, options.noting(quiet))
                    return
                if overfit is not None:
                    from . import overfit as check

                    check.refuse_replaced(recipe, given)
                    check.run(recipe, corpus, choice, overfit, quiet=quiet)
                    return
                stop = kept.enter_context(StopSignals(quiet=not team.main))
                if team.main:
                    kept.enter_context(run.locked())
                    run.claim(recipe)
                    provenance.refuse_other_text(run, corpus)
            to_conclude = _train(recipe, corpus, run, choice, stop, quiet, team)
        if team.main:  # The rest is for one process; the others have ended.
            _conclude(recipe, corpus, run, choice if to_conclude else None, quiet)


def _fitted(recipe: Recipe, run: Run, device: Choice, quiet: bool) -> Recipe:
    """The recipe with the largest batch that fits into memory; a resumed run keeps its batch size."""
    from seq2seq.measure.memory import largest_batch

    if (run.path / "recipe.toml").is_file():
        begun = run.recipe().training.batch_tokens
        options.note(f"Batch: {begun:,} tokens, as when {run.path} was begun", quiet=quiet)
        return recipe.with_values({"training": {"batch_tokens": begun}})
    budget = largest_batch(recipe, device.numerics)
    options.note(f"Batch: {budget.batch_tokens:,} tokens: {budget.how}", quiet=quiet)
    return recipe.with_values({"training": {"batch_tokens": budget.batch_tokens}})


def _timed(
    recipe: Recipe, corpus: Corpus[Any], run: Run, device: Choice, minutes: float, quiet: bool
) -> tuple[Recipe, Corpus[Any]]:
    """The recipe with a budget that fits the minutes, and the corpus with as much of dev and test as there is time for;
    a resumed run keeps its budget."""
    from seq2seq.measure.estimate import fit_minutes

    usual = recipe
    if (run.path / "recipe.toml").is_file():
        former = run.recipe()
        kept = former.training
        options.note(f"Steps: {kept.steps:,}, as when {run.path} was begun", quiet=quiet)
        recipe = recipe.with_budget(kept.steps, kept.validate_every, former.data.judge_pairs)
    else:
        recipe, estimate = fit_minutes(recipe, corpus, device, minutes, options.noting(quiet))
        steps, every = recipe.training.steps, recipe.training.validate_every
        options.note(
            f"Steps: {steps:,} in about {minutes:g} minutes, at {estimate.step_seconds:.2f} s each: "
            f"{estimate.epochs * steps / usual.training.steps:.1f} epochs, {math.ceil(steps / every)} validations",
            quiet=quiet,
        )
    pairs = recipe.data.judge_pairs
    if pairs == usual.data.judge_pairs:
        return recipe, corpus
    options.note(f"Dev and test: the first {pairs:,} pairs of each, to fit the time", quiet=quiet)
    return recipe, corpus.judged_on(pairs)


def _find(
    recipe: Recipe, text: Mapping[SplitName, Given], reading: Reading, fallback: bool, quiet: bool
) -> tuple[Recipe, Corpus[Any]]:
    from seq2seq import tasks
    from seq2seq.errors import DataError, MissingCorpusError
    from seq2seq.sizes import must_fit_machine

    task = tasks.of(recipe)
    try:
        corpus = task.find(text, reading)
    except MissingCorpusError as missing:
        remedy = f"give {task.files_option}"
        if recipe.data.hub is not None:
            remedy += f", or fill a folder with `seqx data get {recipe.name} --to DIR` and set SEQX_DATA=DIR"
        if not fallback or recipe.data.bundled is None:
            raise DataError(f"{missing}; {remedy}") from missing
        options.note(
            f"NOTE: {missing}.\n      The bundled {recipe.data.bundled} is used instead, with the budget "
            f"that suits it.\n      For the real corpus {remedy}.",
            quiet=quiet,
        )
        bundled = recipe.on_bundled()
        return bundled, tasks.of(bundled).find(text, reading)
    must_fit_machine(recipe)
    return recipe, corpus


def _train(
    recipe: Recipe,
    corpus: Corpus[Any],
    run: Run,
    device: Choice,
    stop: StopSignals,
    quiet: bool,
    team: Team,
) -> bool:
    """Train the run to its end if it is not finished; returns whether it still has to be judged."""
    from seq2seq import tasks
    from seq2seq.tasks import preparation
    from seq2seq.tasks.task import judged

    from .screen import Screen

    if team.broadcast(run.finished and judged(run)):
        return False
    if team.main:
        run.clear()
    if not team.broadcast(run.finished):
        screen = Screen(recipe, quiet=quiet)
        session = preparation.session(tasks.of(recipe), corpus, run, device, screen.say, team=team)
        with stop.after_an_update():
            stopped = screen.follow(session.events(stop.asked))
        if not stopped.finished:
            again = "all saved. The same command resumes from there."
            options.note(f"Stopped at step {stopped.step:,}, {again}", quiet=quiet)
            raise typer.Exit(stop.exit_code or 128 + signal.SIGTERM)  # 0 where another process got the signal
        if stop.asked():
            raise typer.Exit(stop.exit_code)
    return True


def _conclude(recipe: Recipe, corpus: Corpus[Any], run: Run, device: Choice | None, quiet: bool) -> None:
    """Convert to CTranslate2 and judge on `device`, unless done already (None). Show the scores."""
    from seq2seq import tasks

    from .screen import Screen

    task = tasks.of(recipe)

    screen = Screen(recipe, quiet=quiet)
    if device is None:
        options.note(f"{run.path} is trained already; its scores:", quiet=quiet)
        screen.scores(run.record())
        return
    if "ctranslate2" not in run.record():
        screen.say("Copying the model for CTranslate2, and checking the copy on the dev set")
        export.after_training(task, run, corpus, quiet=quiet)
    screen.say("Judging the model on the test set")
    task.judge(run, device, screen.say)
    screen.scores(run.record())
    options.note(f"\nTry it: {task.example(run)}", quiet=quiet)
