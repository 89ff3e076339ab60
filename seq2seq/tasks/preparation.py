"""From a task and a corpus to a session in a run folder, with all of it put on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from seq2seq import run as runs
from seq2seq.data import tokenizers as tokenizer_files
from seq2seq.data.corpus import Corpus, SourceT
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.device import Choice
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.storage.atomic import must_take_files
from seq2seq.tasks import lineage
from seq2seq.tasks.models import read_tokenizers
from seq2seq.tasks.task import Say, Task
from seq2seq.training.parallel.team import ALONE, Team
from seq2seq.training.provenance import former_sessions, refuse_other_text, versions
from seq2seq.training.session import Session
from seq2seq.training.task import Prepared


def session(
    task: Task[SourceT],
    corpus: Corpus[SourceT],
    run: Run,
    device: Choice,
    say: Say,
    *,
    overfit: int = 0,
    team: Team = ALONE,
) -> Session:
    """A session, with everything that training needs created or loaded; `say` receives progress messages.

    With `overfit`, that many examples are trained on and judged on. Of a `team`, the first process writes what the
    others then read. Raises RunError where the run was trained on other text, or its folder is not shared by the team.
    """
    recipe = task.recipe
    prepared = None
    if team.main:
        prepared = prepare(task, corpus, run, device, say, overfit)
        task.write_test(run, prepared.corpus.test)
        run.note(**prepared.report)
        run.keep_checksums("test.jsonl", *(path.name for path in run.path.glob("tokenizer*")))
        run.note(
            sessions=former_sessions(run.record()),
            device=str(device),
            versions=versions(),
            seed=recipe.training.seed,
            processes=team.size,
        )
    record = team.broadcast(run.record())
    if prepared is None and run.record() != record:
        raise RunError(
            f"{run.path} is not the folder that the first process writes: several machines train in one run folder, "
            "on a disk that they share; name it with --run, or set SEQX_RUNS"
        )
    prepared = prepared or prepare(task, corpus, run, device, say, overfit)
    torch.manual_seed(recipe.training.seed)
    model = task.model(prepared.tokenizers)
    if recipe.start is not None:
        described = task.initialise(model, run)
        if team.main:
            say(described)
    return Session(run, recipe, model, prepared.training, device, team)


def prepare(
    task: Task[SourceT], corpus: Corpus[SourceT], run: Run, device: Choice, say: Say, overfit: int = 0
) -> Prepared[SourceT]:
    """Train or load the tokenizers and encode the text. Raises DataError where it cannot be trained on."""
    say(f"Device: {device}")
    record = refuse_other_text(run, corpus)
    for text in record["train"]:
        say(f"Training text: {text['origin']}")
    for remark in task.remarks(corpus):
        say(remark)
    if task.recipe.start is not None:
        with run.writing():
            run.path.mkdir(parents=True, exist_ok=True)
        lineage.begin(task.recipe, run)
    tokenizers = train_tokenizers(task, corpus, run.path)
    say(
        f"Tokenizer: {task.recipe.tokenizer.kind}, {tokenizers.source.size:,} tokens"
        + ("" if tokenizers.joint else f" and {tokenizers.target.size:,}")
    )
    corpus = task.sampled(corpus, tokenizers, run, device, say)
    if overfit:
        corpus = task.first(corpus, tokenizers, overfit)
    training = task.training(corpus, tokenizers, run, say)
    return Prepared(tokenizers, training, corpus, {"corpora": record, **training.report})


def train_tokenizers(task: Task[SourceT], corpus: Corpus[SourceT], folder: Path) -> Tokenizers:
    """The tokenizers of a run: read from its folder, or trained on the corpus and written there."""
    settings = task.recipe.tokenizer
    stems = ("tokenizer",) if settings.joint else ("tokenizer.source", "tokenizer.target")
    if not all(any((folder / f"{stem}.{suffix}").is_file() for suffix in ("model", "json")) for stem in stems):
        for side, stem in enumerate(stems):
            sides = (0, 1) if settings.joint else (side,)
            tokenizer_files.save(tokenizer_files.train(settings, task.lines(corpus, sides)), folder, stem)
    tokenizers = read_tokenizers(task.recipe, folder)
    Run(folder).must_be_unchanged("tokenizer")
    return tokenizers


def cache_for(run: Run, corpus: Corpus[Any]) -> Path:
    """The cache of encoded text: beside the run, shared with other runs; inside it where the parent is not writable."""
    if corpus.found == "overfit":
        return run.path / "cache"
    beside = run.path.parent / ".cache"
    try:
        must_take_files(beside)
    except OSError:
        return run.path / ".cache"
    return beside


def other_caches() -> list[Path]:
    """The caches of runs under `root()`, which may hold the same text."""
    return [runs.root() / ".cache"]
