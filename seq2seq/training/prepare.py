"""From a recipe and a corpus to a session, and from a finished run to its scores, with all of it put on record."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq import build, recipe, run
from seq2seq.data import sources, stream
from seq2seq.data.bundled import phrasebook
from seq2seq.data.corpus import SPLITS, Corpus, Given, SplitName
from seq2seq.data.documents import Documents, holds_documents
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.pairs import Pair, PairSource, holds_pairs
from seq2seq.data.sources import AnyCorpus, kind_of
from seq2seq.data.tokenizers import Tokenizer, Tokenizers
from seq2seq.data.unchanged import digest
from seq2seq.decoding.open import EngineChoice, open_translator
from seq2seq.decoding.translation.distributed import Processes
from seq2seq.device import Choice
from seq2seq.errors import DataError, RunError
from seq2seq.evaluation import fluency
from seq2seq.evaluation import judge as judging
from seq2seq.model.gpt import Gpt
from seq2seq.storage.atomic import must_take_files
from seq2seq.training import schedule, usable
from seq2seq.training.parallel.team import ALONE, Team
from seq2seq.training.provenance import former_sessions, refuse_other_text
from seq2seq.training.session import Session
from seq2seq.training.tasks import Prediction, RunningText, Translation


def find(
    data: recipe.Data,
    sides: dict[SplitName, Given],
    files: dict[SplitName, Sequence[Path]],
    reading: Reading = PLAIN,
) -> AnyCorpus:
    """The corpus of a recipe, pairs or running text.

    The user's own text is in files of two `sides`, or in `files` that hold pairs or running text. Raises DataError,
    also where sacreBLEU does not have the test set that the recipe names, and MissingCorpusError where a corpus that is
    not the user's own is not available.
    """
    if data.form == "pairs" and data.sacrebleu_test is not None:
        judging.sacrebleu_pair(data.sacrebleu_test, data)
    given = {split: replace(sides.get(split, Given()), data=tuple(files.get(split, ()))) for split in SPLITS}
    corpus = sources.find(kind_of(data), given, reading=reading)
    return corpus.judged_on(data.judge_pairs) if holds_pairs(corpus) else corpus


def for_overfitting(wanted: recipe.Recipe) -> recipe.Recipe:
    """The recipe with all that hinders learning by heart taken away, and a short budget."""
    rate = schedule.peak(wanted)
    return wanted.model_copy(
        update={
            "data": wanted.data.model_copy(update={"chunks": "packed"}),
            "model": wanted.model.model_copy(update={"dropout": 0.0}),
            "tokenizer": wanted.tokenizer.model_copy(update={"sampling": 0.0}),
            "training": wanted.training.model_copy(
                update={
                    "steps": 1000,
                    "learning_rate": min(rate, 1e-3) if wanted.model.norm == "post" else rate,
                    "warmup_steps": 50,
                    "schedule": "wsd",
                    "label_smoothing": 0.0,
                    "validate_every": 50,
                    "patience": 0,
                    "ema": 0.0,
                    "keep": "best",
                    "average_last": 1,
                }
            ),
        }
    )


def session(
    wanted: recipe.Recipe,
    corpus: AnyCorpus,
    folder: run.Run,
    choice: Choice,
    say: Callable[[str], None],
    *,
    overfit: int = 0,
    team: Team = ALONE,
) -> Session:
    """Everything that training needs, made or found; `say` is told what is being done.

    `overfit` leaves that many examples, to train on and to judge by. Of a `team`, the first process makes what the
    others then find. Raises RunError where the folder holds a run on other text, or is not the first process's.
    """
    prepared = None
    if team.main:
        prepared = prepare_text(wanted, corpus, folder, choice, say, overfit)
        prepared.put_on_record(folder)
        folder.note(
            sessions=former_sessions(folder.record()),
            device=str(choice),
            versions=_versions(),
            seed=wanted.training.seed,
            processes=team.size,
        )
    record = team.broadcast(folder.record())
    if prepared is None and folder.record() != record:
        raise RunError(
            f"{folder.path} is not the folder that the first process writes: several machines train in one run folder, "
            "on a disk that all of them see; name it with --run, or set SEQX_RUNS"
        )
    found = prepared or prepare_text(wanted, corpus, folder, choice, say, overfit)
    torch.manual_seed(wanted.training.seed)
    model = build.model(wanted, found.tokenizers.source.size, found.tokenizers.target.size)
    return Session(folder, wanted, model, found.task, choice, team)


class Prepared(NamedTuple):
    """What a session is made of."""

    tokenizers: Tokenizers
    task: Prediction
    corpus: AnyCorpus
    report: dict[str, Any]  # for run.json

    def put_on_record(self, folder: run.Run) -> None:
        """Have the run folder tell what it was trained on, and keep what it is to be judged by."""
        if holds_documents(self.corpus):
            fluency.write_set(folder, self.corpus.test)
        else:
            judging.write_set(folder, self.corpus.test)
        folder.note(**self.report)
        folder.keep_checksums("test.jsonl", *(path.name for path in folder.path.glob("tokenizer*")))


def prepare_text(
    wanted: recipe.Recipe,
    corpus: AnyCorpus,
    folder: run.Run,
    choice: Choice,
    say: Callable[[str], None],
    overfit: int = 0,
) -> Prepared:
    """Text made ready for training, in a run folder. Raises DataError where it cannot be trained on."""
    say(f"Device: {choice}")
    record = refuse_other_text(folder, corpus)
    for text in record["train"]:
        say(f"Training text: {text['origin']}")
    if holds_pairs(corpus) and corpus.found == "files":
        usable.say_swapped(corpus.train[0], wanted.data, say)
    both = build.train_tokenizers(wanted, corpus, folder.path)
    say(
        f"Tokenizer: {wanted.tokenizer.kind}, {both.source.size:,} tokens"
        + ("" if both.joint else f" and {both.target.size:,}")
    )
    if overfit:
        corpus = _first(wanted, corpus, both, overfit)
    task, report = (
        _running_text(wanted, corpus, both.target, folder, say)
        if holds_documents(corpus)
        else _translation(wanted, corpus, both, folder, say)
    )
    return Prepared(both, task, corpus, {"corpora": record, **report})


def _first(wanted: recipe.Recipe, corpus: AnyCorpus, both: Tokenizers, count: int) -> AnyCorpus:
    """A corpus of its first few usable pairs, or chunks of text, in every split."""
    if holds_documents(corpus):
        context, tokenizer = wanted.model.max_length, both.target
        beginning = next(text for text, _ in corpus.train[0].pieces() if text)[: count * context * 20]
        tokens = tokenizer.encode([beginning])[0][: count * context + 1]
        text = tokenizer.decode([tokens])[0]
        few = Documents(f"first {count} chunks", lambda: iter([text]), lambda: digest([(text, "")]))
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def usable(pair: Pair) -> bool:
        lengths = [len(both.encode_source(pair[:1])[0]), len(both.target.encode(pair[1:])[0])]
        return min(lengths) > 0 and max(lengths) < min(wanted.data.max_length, wanted.data.max_ratio * min(lengths))

    pairs = list(islice(filter(usable, corpus.train[0].read()), count))
    some = PairSource(f"first {count} pairs", lambda: iter(pairs), lambda: digest(pairs))
    return replace(corpus, found="overfit", train=(some,), dev=some, test=some)


def _translation(
    wanted: recipe.Recipe, corpus: Corpus[PairSource], both: Tokenizers, folder: run.Run, say: Callable[[str], None]
) -> tuple[Prediction, dict[str, Any]]:
    pairs = build.encoded(wanted, corpus, both, _cache(folder, corpus), say=say, also=_other_caches())
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in pairs.report["dropped"].items()) or "none"
    say(
        f"Training pairs: {len(pairs):,} of {pairs.report['read']:,} (dropped: {dropped}); "
        f"{pairs.report['tokens']:,} tokens"
    )
    begun_on = folder.record().get("pairs", {}).get("kept", len(pairs))
    if begun_on != len(pairs):
        say(f"NOTE: this run was begun on {begun_on:,} of them: other pairs counted as those of dev or test then")
    task = Translation(wanted, both, pairs, list(corpus.dev.read()))
    usable.say_left_out("dev", corpus.dev, task.left_out, say)
    usable.say_left_out("test", corpus.test, usable.blank(corpus.test), say)
    return task, {"pairs": pairs.report, "caches": [pairs.folder.name]}


def _running_text(
    wanted: recipe.Recipe, corpus: Corpus[Documents], tokenizer: Tokenizer, folder: run.Run, say: Callable[[str], None]
) -> tuple[Prediction, dict[str, Any]]:
    cache, others = _cache(folder, corpus), _other_caches()
    train, dev = (stream.encode(text, tokenizer, cache, say=say, also=others) for text in (corpus.train[0], corpus.dev))
    usable.must_hold_tokens("train", corpus.train[0], len(train))
    usable.must_hold_tokens("dev", corpus.dev, len(dev))
    usable.must_hold_tokens("test", corpus.test, usable.few_tokens(corpus.test, tokenizer))
    say(f"Text: {train.report['characters']:,} characters, {len(train):,} tokens to train on; {len(dev):,} for dev")
    report = {"text": train.report, "caches": [train.folder.name, dev.folder.name]}
    return RunningText(wanted, tokenizer, train, dev), report


def _cache(folder: run.Run, corpus: AnyCorpus) -> Path:
    """Where encoded text goes: beside the run, for other runs too; into it where nothing else may be written."""
    if corpus.found == "overfit":
        return folder.path / "cache"
    beside = folder.path.parent / ".cache"
    try:
        must_take_files(beside)
    except OSError:
        return folder.path / ".cache"
    return beside


def _other_caches() -> list[Path]:
    """Where runs without --run have theirs."""
    return [run.root() / ".cache"]


def judge(folder: run.Run, choice: Choice, say: Callable[[str], None]) -> None:
    """Judge the finished model on the test text, and put the scores, and any translations, into the run folder.

    A translator is judged with the engine that serves it by default; one from French to English that saw the
    phrasebook, also on inputs typed as people type; and on the recipe's test set of sacreBLEU, or `say` is told why
    not.
    """
    wanted = folder.recipe()
    if wanted.data.form == "text":
        fluency.keep(folder, fluency_of(folder, fluency.read_set(folder), choice, "test"))
        return
    opened = open_translator(folder, EngineChoice(device=str(choice.numerics.device)))
    languages = opened.source, opened.target
    sets = {"test": judging.read_set(folder)}
    trained_on = [text["origin"] for text in folder.record()["corpora"]["train"]]
    if any(origin.startswith("bundled phrasebook") for origin in trained_on):
        if (wanted.data.source, wanted.data.target) == ("fr", "en"):
            # First: the scores of the test set say that all is judged.
            typed = [judging.Sentence(source, tuple(answers)) for source, answers in phrasebook.typed()]
            sets = {"typed": typed, **sets}
        else:
            say(f"The inputs typed as people type are French: they do not judge a model from {wanted.data.source}")
    if (name := wanted.data.sacrebleu_test) is not None:
        try:
            sets = {name: judging.read_sacrebleu(name, wanted.data), **sets}
        except DataError as error:
            say(f"NOTE: {error}; once it can: seqx evaluate --run {folder.path} --sacrebleu {name}")
    for name, sentences in sets.items():
        judged = judging.judge(opened.translator, sentences, languages, name)
        judging.keep(folder, judged, opened.options, opened.engine)


def judged(folder: run.Run) -> bool:
    """Whether `judge` came to its end."""
    return "test" in folder.record().get("scores", {})


def fluency_of(
    folder: run.Run, text: Documents, choice: Choice, name: str, processes: Processes | None = None
) -> fluency.Fluency:
    """How well a finished model foretells a text."""
    model, tokenizer = _text_model(folder, choice)
    return fluency.measure(model, tokenizer, text, choice.numerics, name, processes)


def surprises_of(folder: run.Run, text: Documents, choice: Choice) -> tuple[NDArray[np.float64], Tokenizer, int]:
    """The negative log-likelihood that a finished model gives each token of a text but the first; its tokenizer, and
    how many of the tokens that does not know."""
    model, tokenizer = _text_model(folder, choice)
    nats, report = fluency.surprises(model, tokenizer, text, choice.numerics)
    return nats, tokenizer, report["unknown"]


def _text_model(folder: run.Run, choice: Choice) -> tuple[Gpt, Tokenizer]:
    both = build.read_tokenizers(folder.recipe(), folder.path)
    return build.decoder_only(build.trained_model(folder, both, choice.numerics.device)).eval(), both.target


def _versions() -> dict[str, Any]:
    packages = {name: version(name) for name in ("torch", "sentencepiece", "sacrebleu", "numpy")}
    return {
        "seqx": version("seqx"),
        "python": platform.python_version(),
        **packages,
        "threads": torch.get_num_threads(),
    }
