"""From a recipe and a corpus to a session, and from a finished run to its scores, with all of it put on record."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch

from seq2seq import build, device, recipe, run
from seq2seq.data.bundled import phrasebook
from seq2seq.data.corpora import Corpus
from seq2seq.errors import RunError
from seq2seq.evaluation import judge as judging
from seq2seq.training.session import Session


def session(
    wanted: recipe.Recipe, corpus: Corpus, folder: run.Run, device_name: str, say: Callable[[str], None]
) -> Session:
    """Everything that training needs, made or found; `say` is told what is being done.

    Raises RunError where the folder holds a run on other text.
    """
    choice = device.choose(device_name, wanted.training.precision)
    say(f"Device: {choice}")
    record = corpus.record()
    known = folder.record().get("corpora")
    if known is not None and known != record:
        raise RunError(
            f"{folder.path} was begun on other text ({known['name']}: {known['train'][0]['origin']}); "
            "name another folder with --run"
        )
    for text in corpus.train:
        say(f"Training text: {text.origin}")
    both = build.train_tokenizers(wanted, corpus, folder.path)
    say(
        f"Tokenizer: {wanted.tokenizer.kind}, {both.source.size:,} tokens"
        + ("" if both.joint else f" and {both.target.size:,}")
    )
    pairs = build.encoded(wanted, corpus, both, run.root() / ".cache")
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in pairs.report["dropped"].items()) or "none"
    say(
        f"Training pairs: {len(pairs):,} of {pairs.report['read']:,} (dropped: {dropped}); "
        f"{pairs.report['tokens']:,} tokens"
    )
    judging.write_set(folder, corpus.test)
    folder.note(corpora=record, pairs=pairs.report, device=str(choice), versions=_versions(), seed=wanted.training.seed)
    return Session(folder, wanted, both, pairs, list(corpus.dev.read()), choice)


def judge(folder: run.Run, device_name: str) -> None:
    """Translate the test set with the finished model, and put translations and scores into the run folder.

    A model that saw the phrasebook is also judged on inputs typed as people type.
    """
    wanted = folder.recipe()
    choice = device.choose(device_name, wanted.training.precision)
    translator = build.translator(folder, choice)
    judging.keep(folder, judging.judge(translator, judging.read_set(folder)), wanted)
    trained_on = [text["origin"] for text in folder.record()["corpora"]["train"]]
    if any(origin.startswith("bundled phrasebook") for origin in trained_on):
        typed = [judging.Sentence(source, tuple(answers)) for source, answers in phrasebook.typed()]
        judging.keep(folder, judging.judge(translator, typed, "typed"), wanted)


def _versions() -> dict[str, Any]:
    packages = {name: version(name) for name in ("torch", "sentencepiece", "sacrebleu", "numpy")}
    return {
        "seqx": version("seqx"),
        "python": platform.python_version(),
        **packages,
        "threads": torch.get_num_threads(),
    }
