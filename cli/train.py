"""`seqx train`."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from . import budget, export, options, processes, report
from .printing import note, show
from .stopping import StopSignals, handled

if TYPE_CHECKING:
    from seq2seq.data.corpus import Corpus, Given, SplitName
    from seq2seq.data.lines import Reading
    from seq2seq.device import Choice
    from seq2seq.errors import MissingCorpusError
    from seq2seq.recipe import Recipe
    from seq2seq.run import Run
    from seq2seq.training.parallel.team import Team


def train(
    *,
    context: typer.Context,
    recipe_name: options.OptionalRecipe = None,
    run_folder: Annotated[
        Path | None, Option("--run", help="Run folder to create or resume. Default: runs/<recipe>.")
    ] = None,
    changes: options.Set = None,
    start: Annotated[
        Path | None,
        Option(
            metavar="RUN",
            help="Start from the weights, tokenizer and recipe of this run, of one of its checkpoints, or of a pack.",
        ),
    ] = None,
    with_ancestors: Annotated[
        bool,
        Option(
            "--with-ancestors",
            help="First train the recipes on whose runs this one stands, where these are not finished. --seed is for "
            "all that are trained now, --set and text for the last alone.",
        ),
    ] = False,
    longer: Annotated[
        bool, Option("--more", help="Train the finished run of --run longer, by --minutes; its schedule begins again.")
    ] = False,
    reverse: Annotated[bool, Option("--reverse", help="Exchange source and target of a translation recipe.")] = False,
    source_file: options.SourceFile = None,
    target_file: options.TargetFile = None,
    dev_source_file: Annotated[Path | None, Option(help="Source sentences for validation.")] = None,
    dev_target_file: options.TargetFile = None,
    test_source_file: Annotated[Path | None, Option(help="Source sentences of the test set.")] = None,
    test_target_file: options.TargetFile = None,
    data: options.Data = None,
    dev_data: Annotated[list[Path] | None, Option(help="Files of --data for validation.")] = None,
    test_data: Annotated[list[Path] | None, Option(help="Files of --data for the test set.")] = None,
    more: Annotated[list[Path] | None, Argument(help="More files for --data, for example from *.txt.")] = None,
    add_data: Annotated[
        list[str] | None,
        Option(
            metavar="FILE[:SHARE]",
            help="More sentence pairs beside the recipe's corpora, by size or by a share of what is trained on (0.3; "
            "the other shares shrink in proportion): a file of pairs, or SOURCE,TARGET. May be repeated.",
        ),
    ] = None,
    columns: options.Columns = None,
    files: options.Text,
    fallback: Annotated[bool, Option(help="Train on the bundled corpus if the recipe's own is not available.")] = True,
    device: options.Device = "auto",
    threads: options.Threads = None,
    batch_tokens: Annotated[
        str | None, Option(metavar="N|auto", help="Override training.batch_tokens; auto = as many as fit into memory.")
    ] = None,
    minutes: Annotated[
        float | None,
        Option(
            min=0.01,
            help="Override training.steps: as many updates as fit into this time, validations and final scores "
            "included; a few are timed first.",
        ),
    ] = None,
    seed: Annotated[int | None, Option(help="Override training.seed.", min=0)] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show model size, memory and a measured estimate of the time, without training.")
    ] = False,
    overfit: Annotated[
        int | None, Option(min=1, help="Sanity check: overfit this many examples, then discard the run.")
    ] = None,
    parallel: Annotated[
        str,
        Option(
            help="Under torchrun: ddp (the whole model in each process) or fsdp (model sharded). auto = ddp.",
            callback=options.one_of("auto", "ddp", "fsdp"),
        ),
    ] = "auto",
    tensorboard: Annotated[
        bool, Option("--tensorboard", help="Write the curves for TensorBoard too, at each validation.")
    ] = False,
) -> None:
    """Train a recipe and evaluate the result. The same command again resumes a stopped run.

    Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 finish the update, save and stop. The text comes from the files given here, else
    from $SEQX_DATA, else from the Hugging Face Hub, else from the corpus that ships with seqx. On several GPUs or
    machines: torchrun --nproc-per-node=N --no-python -- seqx train ...
    """
    from seq2seq import device as devices
    from seq2seq.data.corpus import Given
    from seq2seq.lifecycle import ancestors
    from seq2seq.measure.devices import attempt
    from seq2seq.recipe import files as recipe_files
    from seq2seq.run import Run, found, root
    from seq2seq.tasks import lineage, reward_run
    from seq2seq.training import extension, provenance

    from . import checks
    from .added import added
    from .longer import prepared

    if longer:
        own: dict[str, Any] = {"--recipe": recipe_name, "--start": start, "--reverse": reverse, "--add-data": add_data}
        own |= {"--batch-tokens": batch_tokens, "--dry-run": dry_run, "--overfit": overfit}
        own |= {"--with-ancestors": with_ancestors}
        if option := next((option for option, value in own.items() if value), ""):
            options.usage_error(f"{option} does not go with --more, which continues the run as it was begun")
        if run_folder is None:
            options.usage_error("--more: name the run to train longer with --run")
    elif recipe_name is None:
        options.usage_error("name a recipe with --recipe (`seqx recipes` lists them), or a run to train with --more")
    if overfit is not None and (dry_run or minutes):
        options.usage_error(f"--overfit {overfit} has a budget of its own: leave out --dry-run and --minutes")
    if tensorboard:
        report.must_have_tensorboard()
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
    if add_data and any(text.values()):
        options.usage_error(
            f"--add-data {add_data[0]} goes with the recipe's own corpora: name all files by --add-data, or in "
            "[[data.corpora]]"
        )
    if with_ancestors:
        if dry_run:
            options.usage_error(
                "--dry-run does not go with --with-ancestors, which trains: dry-run one recipe at a time"
            )
        _train_ancestors(context, recipe_name or "", device, threads, seed)
    reading = files.reading(columns)
    single = dry_run or minutes or overfit is not None or batch_tokens == "auto"
    with ExitStack() as kept:
        with processes.joined(parallel, device) as team:
            if device != "auto":
                devices.named(team.device(device))  # before text is fetched
            with team.main_first():
                if team.size > 1 and single:
                    options.usage_error(
                        "--dry-run, --overfit, --minutes and --batch-tokens auto take a single process: leave out "
                        "torchrun"
                    )
                if recipe_name is None:
                    run = Run(run_folder or root())
                    recipe, corpus, choice = prepared(run, changes, minutes, text, reading, team.device(device))
                    team.check(recipe)
                else:
                    place = run_folder or root() / recipe_files.path_of(recipe_name).stem
                    named = any(key.startswith("start.run") for key in given)
                    start = _present(start and found(start), place) or (
                        None if named else ancestors.usual_start(recipe_name, place)
                    )
                    recipe = recipe_files.load(recipe_name, changes, note, start=start, reverse=reverse)
                    lineage.must_be_usable(recipe)
                    reward_run.must_be_usable(recipe, Run(place))
                    if add_data:
                        recipe = recipe.with_corpora(added(recipe, add_data))
                    team.check(recipe)
                    if team.main and not dry_run and overfit is None:
                        Run(run_folder or root() / recipe.name).must_be_writable()
                    recipe, corpus = _find(recipe, text, reading, fallback)
                    run = Run(run_folder or root() / recipe.name)
                    choice = devices.choose(team.device(device), recipe.training.precision, attempt(recipe))
                    if batch_tokens == "auto":
                        recipe = budget.fitted(recipe, run, choice)
                    if minutes:
                        recipe, corpus = budget.timed(recipe, corpus, run, choice, minutes)
                if dry_run:
                    checks.dry_run(recipe, corpus, choice)
                    return
                if overfit is not None:
                    checks.overfit(recipe, corpus, choice, overfit, given)
                    return
                stop, new = StopSignals(), False
                kept.enter_context(handled(stop.request))
                if team.main:
                    kept.enter_context(run.locked())
                    if longer:
                        provenance.refuse_other_text(run, corpus)
                        extension.begin(run, recipe)
                    else:
                        new = run.claim(recipe)
                        provenance.refuse_other_text(run, corpus)
            to_conclude = _train(recipe, corpus, run, choice, stop, team, new=new, tensorboard=tensorboard)
        if team.main:  # The rest is for one process; the others have ended.
            conclude(recipe, corpus, run, choice if to_conclude else None)


def _train_ancestors(context: typer.Context, recipe: str, device: str, threads: int | None, seed: int | None) -> None:
    """Train what a recipe stands on, one after the other; what is finished stays as it is."""
    from seq2seq.lifecycle import ancestors

    train: Any = context.command
    options = ["--device", device, *(["--threads", str(threads)] if threads else [])]
    options += ["--seed", str(seed)] if seed is not None else []
    for name in ancestors.missing(recipe):
        note(f"Training {name}, on which {recipe} stands")
        if code := train.main(["--recipe", name, *options], prog_name="seqx train", standalone_mode=False):
            raise typer.Exit(code)
        note("")


def _present(start: Path | None, run: Path) -> Path | None:
    """The start that was named; where it is gone, the copy of it in the folder of the run, if that was begun."""
    if start is None or start.exists() or not (run / "start").is_dir():
        return start
    note(f"NOTE: {start} is not there any more; {run} has kept what it starts from")
    return run / "start"


def _find(
    recipe: Recipe, text: Mapping[SplitName, Given], reading: Reading, fallback: bool
) -> tuple[Recipe, Corpus[Any]]:
    from seq2seq import tasks
    from seq2seq.errors import DataError, MissingCorpusError
    from seq2seq.sizes import must_fit_machine
    from seq2seq.tasks.replay import with_start

    task = tasks.of(recipe)
    try:
        corpus = task.find(text, reading)
    except MissingCorpusError as missing:
        remedy = f"give {task.files_option}"
        if recipe.data.hub or any(corpus.hub for corpus in recipe.data.corpora):
            remedy += f", or fill a folder with `seqx data get {recipe.name} --to DIR` and set SEQX_DATA=DIR"
        if not fallback or recipe.data.bundled is None:
            raise DataError(f"{missing}; {remedy}") from missing
        return on_bundled(
            recipe, missing, f"used instead, with the budget that suits it.\n      For the real corpus {remedy}."
        )
    if corpus.missing and not fallback:
        raise DataError(f"{corpus.missing[0]}; without --no-fallback it is left out")
    must_fit_machine(recipe)
    return recipe, with_start(task, corpus)


def on_bundled(recipe: Recipe, missing: MissingCorpusError, use: str) -> tuple[Recipe, Corpus[Any]]:
    """The recipe on its bundled corpus, and that corpus, in place of a missing one; `use` says how, for a note."""
    from seq2seq import tasks

    note(f"NOTE: {missing}.\n      The bundled {recipe.data.bundled} is {use}")
    recipe = recipe.on_bundled()
    return recipe, tasks.of(recipe).find({})


def _train(
    recipe: Recipe,
    corpus: Corpus[Any],
    run: Run,
    device: Choice,
    stop: StopSignals,
    team: Team,
    *,
    new: bool,
    tensorboard: bool,
) -> bool:
    """Train the run to its end if it is not finished; returns whether it still has to be judged. The folder of a `new`
    run is deleted where its text or its start cannot be used."""
    from seq2seq import tasks
    from seq2seq.tasks import preparation
    from seq2seq.tasks.task import judged

    from .screen import Screen

    if team.broadcast(run.finished and judged(run)):
        return False
    if team.main:
        run.clear()
    if not team.broadcast(run.finished):
        screen = Screen(recipe)
        with run.undone() if new else nullcontext():
            session = preparation.session(tasks.of(recipe), corpus, run, device, screen.say, team=team)
        events = session.events(stop.asked)
        if tensorboard and team.main:
            events = report.with_event_files(events, run)
        with stop.after_an_update():
            stopped = screen.follow(events)
        if not stopped.finished:
            note(f"Stopped at step {stopped.step:,}, all saved. The same command resumes from there.")
            raise typer.Exit(stop.exit_code or 128 + signal.SIGTERM)  # 0 where another process got the signal
        if stop.asked():
            raise typer.Exit(stop.exit_code)
    return True


def conclude(recipe: Recipe, corpus: Corpus[Any] | None, run: Run, device: Choice | None) -> None:
    """Convert to CTranslate2, checked on the dev set of the corpus, else on the test set, and judge on `device`, unless
    done already (None). Show the scores."""
    from seq2seq import tasks
    from seq2seq.tasks import forgetting

    from .screen import Screen

    task = tasks.of(recipe)
    if device is None:
        note(f"{run.path} is trained already; its scores:")
    else:
        if "ctranslate2" not in run.record():
            note(f"Copying the model for CTranslate2, and checking the copy on the {'dev' if corpus else 'test'} set")
            export.after_training(task, run, corpus)
        forgetting.judge(task, run, device, note)
        note("Judging the model on the test set")
        task.judge(run, device, note)
    Screen(recipe).scores(run.record())
    for line in forgetting.lines(task, run.record()):
        show(line)
    report.after_training(run, again=device is not None)
    if device is not None:
        note(f"\nTry it: {task.example(run)}")
