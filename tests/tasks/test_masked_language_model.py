"""The task of filling in tokens: learned, judged, resumed bit for bit, overfitted, and a start for a classifier."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import seq2seq
from seq2seq import device
from seq2seq.data.corpus import Corpus, Given
from seq2seq.data.documents import Documents
from seq2seq.errors import RunError
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks import must_offer
from seq2seq.tasks.classification import Classification
from seq2seq.tasks.masked_language_model import MaskedLanguageModel
from seq2seq.tasks.preparation import session
from seq2seq.training.overfitting import for_overfitting
from seq2seq.training.session import Session, Stopped, Validated
from tests.support import tiny
from tests.support.sessions import final, rows, stop_after

CPU = device.choose("cpu", "float32")
CHANGES = (
    *("tokenizer.kind=bpe", "tokenizer.vocabulary_size=40", "tokenizer.byte_fallback=false"),
    "tokenizer.sampling=0.2",
    *("model.d_model=16", "model.d_ff=32", "model.n_heads=2", "model.encoder_layers=1", "training.steps=60"),
    *(
        "training.batch_tokens=512",
        "training.validate_every=20",
        "training.warmup_steps=5",
        "training.precision=float32",
    ),
    *("training.learning_rate=1e-2", "data.corpus=own"),
)


def recipe(*changes: str) -> Recipe:
    return recipe_files.load("encoder-text", [*CHANGES, *changes])


def corpus(task: MaskedLanguageModel, folder: Path) -> Corpus[Documents]:
    (folder / "verse.txt").write_text(tiny.verse(300, 1))
    return task.find({"train": Given(data=(folder / "verse.txt",))})


def begun(wanted: Recipe, folder: Path, name: str) -> tuple[MaskedLanguageModel, Run, Session]:
    task, run = MaskedLanguageModel(wanted), Run(folder / name)
    run.claim(wanted)
    return task, run, session(task, corpus(task, folder), run, CPU, lambda message: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; its tests must not change it."""
    folder = tmp_path_factory.mktemp("masked")
    task, run, training = begun(recipe(), folder, "whole")
    events = list(training.events())
    losses = [event.figures["loss"] for event in events if isinstance(event, Validated)]
    assert losses[-1] < losses[0] and "per masked token" in task.validation_line({"negative_log_likelihood": 1.0})
    task.judge(run, CPU, lambda message: None)
    return run.path


def test_it_is_judged_alike_each_time(whole: Path) -> None:
    run, task = Run(whole), MaskedLanguageModel(recipe())
    scores = run.record()["scores"]["test"]
    again = task.scores(run, run, CPU)
    assert again["tokens"] == scores["tokens"] > 10 and again["nats_per_token"] == scores["nats_per_token"]
    assert "nats per masked token" in "\n".join(task.score_lines("test", scores))
    assert [figure.name for figure in task.figures(scores)] == ["nats per token", "perplexity"]


def test_resumed_is_uninterrupted_bit_for_bit(whole: Path, tmp_path: Path) -> None:
    stop_after(27, begun(recipe(), tmp_path, "stopped")[2].events())
    resumed = list(begun(recipe(), tmp_path, "stopped")[2].events())
    assert resumed[-1] == Stopped(60, "all steps done", finished=True)
    expected, found = final(whole), final(tmp_path / "stopped")
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(whole) == rows(tmp_path / "stopped")


def test_lines_of_dev_and_test_are_not_trained_on(whole: Path) -> None:
    report = Run(whole).record()["text"]
    assert report["kept"] + report["dropped"].get("in dev or test", 0) == report["read"] < 300


def test_a_line_is_overfitted(tmp_path: Path) -> None:
    task = MaskedLanguageModel(for_overfitting(recipe("tokenizer.sampling=0.0")))
    training = session(task, corpus(task, tmp_path), Run(tmp_path / "few"), CPU, lambda message: None, overfit=1)
    losses: list[float] = []
    for event in training.events(lambda: bool(losses) and losses[-1] < 0.2):
        if isinstance(event, Validated):
            losses.append(event.figures["loss"])
    assert losses[-1] < 0.2


def test_a_classifier_starts_from_its_encoder(whole: Path, tmp_path: Path) -> None:
    few = ["training.steps=4", "training.validate_every=2", "training.warmup_steps=2", "data.max_length=64"]
    task, run = Classification(recipe_files.load("classify", few, start=whole)), Run(tmp_path / "run")
    given = {
        split: Given(data=(tiny.write_labelled(tmp_path / f"{split}.csv", tiny.labelled(40, seed)),))
        for seed, split in enumerate(("train", "dev", "test"))
    }
    run.claim(task.recipe)
    training = session(task, task.find(given), run, CPU, lambda message: None)  # type: ignore[arg-type]
    expected = final(whole)
    taken = {name for name, _ in training.model.named_parameters() if name.startswith("encoder.")}
    assert taken == expected.keys()
    assert all(torch.equal(dict(training.model.named_parameters())[name], expected[name]) for name in taken)
    assert list(training.events())[-1] == Stopped(4, "all steps done", finished=True)


def test_it_answers_nothing_by_itself(whole: Path) -> None:
    with pytest.raises(RunError, match=r"is a masked language model, not a classifier: use `seqx evaluate"):
        must_offer(Run(whole), "classify")
    with pytest.raises(RunError, match=r"which others start from: `seqx train --start"):
        seq2seq.load(whole)
    assert "--start" in MaskedLanguageModel(recipe()).example(Run(whole))
