"""The task of classification: learned, judged, resumed bit for bit, overfitted, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq import device
from seq2seq.data.corpus import Corpus, Given
from seq2seq.data.lines import PLAIN
from seq2seq.decoding.translation.distributed import OneProcess, Processes
from seq2seq.errors import DataError, RecipeError
from seq2seq.measure.estimate import estimate, fit_minutes
from seq2seq.measure.throughput import training as throughput
from seq2seq.model.stack import CausalEncoder
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks.classification import Classification
from seq2seq.tasks.classification_opening import torch_classifier
from seq2seq.tasks.classification_training import class_weights
from seq2seq.tasks.models import trained_gpt
from seq2seq.tasks.preparation import session
from seq2seq.tasks.task import judged
from seq2seq.training.overfitting import for_overfitting
from seq2seq.training.session import Session, Stopped, Validated
from tests.support import tiny
from tests.support.finished_generators import CONTEXT, finished
from tests.support.products import small_products
from tests.support.sessions import final, rows, stop_after

CPU = device.choose("cpu", "float32")


def recipe(**sections: dict[str, Any]) -> Recipe:
    usual: dict[str, dict[str, Any]] = {
        "tokenizer": {"kind": "bpe", "vocabulary_size": 40, "byte_fallback": False, "sampling": 0.2},
        "training": {"steps": 40, "validate_every": 10, "warmup_steps": 5},
    }
    return recipe_files.parse(tiny.LABELLED_RECIPE, "tiny").with_values(
        {name: {**usual.get(name, {}), **sections.get(name, {})} for name in {*usual, *sections}}
    )


def corpus(task: Classification, folder: Path) -> Corpus[Any]:
    paths = {
        split: tiny.write_labelled(folder / f"{split}.csv", tiny.labelled(count, seed))
        for split, count, seed in (("train", 150, 1), ("dev", 30, 2), ("test", 31, 3))
    }
    return task.find({split: Given(data=(path,)) for split, path in paths.items()})  # type: ignore[misc]


def begun(wanted: Recipe, folder: Path, name: str) -> tuple[Classification, Run, Session]:
    task, run = Classification(wanted), Run(folder / name)
    run.claim(wanted)
    return task, run, session(task, corpus(task, folder), run, CPU, lambda message: None)


def test_it_learns_stops_early_and_is_judged(tmp_path: Path) -> None:
    wanted = recipe(training={"steps": 400, "patience": 3, "metric": "macro_f1", "class_weights": "balanced"})
    task, run, training = begun(wanted, tmp_path, "run")
    events = list(training.events())
    figures = [event.figures for event in events if isinstance(event, Validated)]
    assert max(each["macro_f1"] for each in figures) > 0.9 and {*figures[0]} == {
        *("loss", "negative_log_likelihood", "accuracy", "macro_f1")
    }
    assert isinstance(events[-1], Stopped) and events[-1].reason == "no improvement in 3 validations"
    assert "accuracy" in task.validation_line(figures[-1])
    task.judge(run, CPU, lambda message: None)
    scores = run.record()["scores"]["test"]
    assert judged(run) and scores["texts"] == 31 and scores["accuracy"]["value"] > 0.9
    assert run.record()["classes"] == ["pet", "thing"]
    shown = "\n".join(task.score_lines("test", scores))
    for part in ("31 texts", "accuracy", "macro-F1", "95 %", "calibration error", "pet", "given:"):
        assert part in shown
    assert task.example(run).startswith("seqx classify ") and "pet, thing" in task.described(run)


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path, metric: str) -> None:
    wanted = recipe(training={"metric": metric})
    list(begun(wanted, tmp_path, "whole")[2].events())
    stop_after(27, begun(wanted, tmp_path, "stopped")[2].events())
    resumed = list(begun(wanted, tmp_path, "stopped")[2].events())
    assert resumed[-1] == Stopped(40, "all steps done", finished=True)
    expected, found = final(tmp_path / "whole"), final(tmp_path / "stopped")
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(tmp_path / "whole") == rows(tmp_path / "stopped")


@pytest.mark.parametrize("count", [1, 8])
def test_a_few_texts_are_overfitted_with_the_classes_of_all(tmp_path: Path, count: int) -> None:
    wanted = for_overfitting(recipe(tokenizer={"kind": "bpe", "vocabulary_size": 40, "byte_fallback": False}))
    task = Classification(wanted)
    training = session(task, corpus(task, tmp_path), Run(tmp_path / "few"), CPU, lambda message: None, overfit=count)
    losses: list[float] = []
    for event in training.events(lambda: bool(losses) and losses[-1] < 0.05):
        if isinstance(event, Validated):
            losses.append(event.figures["loss"])
    assert losses[-1] < 0.05


def test_it_starts_from_a_gpt_whose_states_are_its_own(tmp_path: Path) -> None:
    gpt_run = finished(tmp_path / "gpt", positions="rotary")
    few = ["training.steps=4", "training.validate_every=2", "training.warmup_steps=2", f"data.max_length={CONTEXT}"]
    wanted = recipe_files.load("classify", [*few, "model.dropout=0.0"], start=gpt_run.path)
    assert (wanted.model.architecture, wanted.tokenizer.kind) == ("decoder-only", "character")
    task, run, training = begun(wanted, tmp_path, "run")
    gpt, tokenizers = trained_gpt(gpt_run, CPU.numerics.device)
    tokens = torch.tensor(tokenizers.target.encode(["ab cé bag", "cab a fed"]))
    assert torch.equal(training.model.eval().hidden(tokens), gpt.hidden(tokens))
    assert list(training.events())[-1] == Stopped(4, "all steps done", finished=True)
    task.judge(run, CPU, lambda message: None)
    assert isinstance(task.trained(run, CPU.numerics.device).encoder, CausalEncoder)
    assert run.record()["lineage"][0]["task"] == "language-model"
    with pytest.raises(RecipeError, match=r"model is that of .*gpt, which has decoder-only"):
        recipe_files.load("classify", [*few, "model.architecture=encoder-only"], start=gpt_run.path)


def test_a_classifier_starts_from_another(tmp_path: Path) -> None:
    list(begun(recipe(training={"steps": 10}), tmp_path, "first")[2].events())
    few = ["training.steps=4", "training.validate_every=2", "training.warmup_steps=2"]
    training = begun(recipe_files.load("finetune", few, start=tmp_path / "first"), tmp_path, "second")[2]
    expected = final(tmp_path / "first")
    assert all(torch.equal(weight, expected[name]) for name, weight in training.model.named_parameters())


class Second(Processes):
    """The second of two processes, which knows what the first computed."""

    rank, size = 1, 2

    def __init__(self, first: Any) -> None:
        self._first = first

    def all_gather(self, value: Any) -> list[Any]:
        return [self._first, value]


def test_processes_divide_the_texts_of_an_evaluation(tmp_path: Path) -> None:
    task, run, training = begun(recipe(training={"steps": 20}), tmp_path, "run")
    list(training.events())
    text = task.read_test(run)
    texts = [record.texts for record in text.read()]
    first = torch_classifier(run, CPU).probabilities(texts[:16])[0]
    alone, together = (task.measure(run, text, CPU, processes) for processes in (OneProcess(), Second(first)))
    assert all(alone[name] == together[name] for name in ("texts", "accuracy", "macro_f1", "confusion"))


def test_labels_that_are_not_of_the_run_are_refused(tmp_path: Path) -> None:
    task, run, training = begun(recipe(training={"steps": 10}), tmp_path, "run")
    list(training.events())
    other = tiny.write_labelled(tmp_path / "other.csv", [("one cat", "pet"), ("one car", "vehicle"), ("", "pet")])
    text = task.kind().files([other], reading=PLAIN)
    with pytest.raises(DataError, match=r"other.csv, text 2: the label 'vehicle' is not one of the classes pet, thing"):
        task.measure(run, text, CPU, OneProcess())


def test_a_class_without_a_text_to_train_on_is_said(tmp_path: Path) -> None:
    task, run = Classification(recipe()), Run(tmp_path / "run")
    train = tiny.write_labelled(tmp_path / "train.csv", tiny.labelled(40, 1))
    dev = tiny.write_labelled(tmp_path / "dev.csv", [("one car", "vehicle"), ("one cat", "pet"), ("", "pet")])
    found = task.find({"train": Given(data=(train,)), "dev": Given(data=(dev,)), "test": Given(data=(dev,))})
    said: list[str] = []
    run.claim(task.recipe)
    session(task, found, run, CPU, said.append)
    assert "NOTE: no text to train on has the label vehicle: the model cannot learn it" in said
    assert "NOTE: 1 of 3 texts for dev are blank or have no label: left out" in said


def test_weights_of_classes_keep_the_scale_of_the_loss() -> None:
    counts = [90, 10]
    assert class_weights(counts, "equal") is None
    for kind, ratio in (("balanced", 9.0), ("square_root", 3.0)):
        weights = class_weights(counts, kind)
        assert weights is not None
        assert (weights * torch.tensor(counts)).sum() / 100 == pytest.approx(1)
        assert weights[1] / weights[0] == pytest.approx(ratio)
    assert torch.isfinite(class_weights([5, 0], "balanced")).all()  # type: ignore[arg-type]


def test_time_memory_and_speed_are_measured_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_products(monkeypatch)
    wanted = recipe()
    task = Classification(wanted)
    text = corpus(task, tmp_path)
    estimated = estimate(wanted, text, CPU, lambda message: None, 0.2)
    assert estimated.size == "150 texts" and estimated.target_tokens == 140 and estimated.costs.validation(30) > 0
    shorter, _ = fit_minutes(wanted, text, CPU, 0.1, lambda message: None)
    assert shorter.training.steps >= 10
    assert throughput(wanted, text, CPU, 0.2).updates > 0
    assert throughput(wanted, None, CPU, 0.2).text == "random tokens"
