"""Reward models and preferences, learnt from comparisons of a tiny translator's samples."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from seq2seq import device, tasks
from seq2seq.data.batches import Place
from seq2seq.data.comparisons import ComparisonKind, ComparisonSource
from seq2seq.data.corpus import Corpus
from seq2seq.data.lines import PLAIN
from seq2seq.data.pairs import PairSource
from seq2seq.errors import DataError, RecipeError, RunError
from seq2seq.model.scored import Scored
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from seq2seq.training.session import Event, Session
from tests.support import samples, tiny
from tests.support.sessions import final, rows, session, stop_after, tiny_corpus, updates

SECTIONS = """
summary = "tiny"
[start]
[data]
corpus = "nowhere"
max_length = 30
[comparisons]
rater = "chrf"
pairs = 24
held_out = 8
flipped = 0.25
max_tokens = 6
[optimizer]
kind = "adamw"
[training]
steps = 8
batch_tokens = 256
learning_rate = 1e-2
warmup_steps = 1
validate_every = 4
average_last = 1
precision = "float32"
"""


def recipe(task: str, start: Path, *changes: str) -> Recipe:
    file = start.parent / f"{task}.toml"
    file.write_text(f'task = "{task}"\n{SECTIONS}')
    return recipe_files.load(file, list(changes), start=start)


def learning(task: str, start: Path, folder: Path, *changes: str, text: Corpus | None = None) -> Session:
    return session(recipe(task, start, *changes), text or tiny_corpus(), folder)


@pytest.fixture(scope="module", params=["reward", "preference"])
def whole(request: pytest.FixtureRequest, start: Path) -> tuple[str, Path, list[Event]]:
    """A run of each task that nothing interrupted, and its events."""
    folder = start.parent / str(request.param)
    return request.param, folder, list(learning(request.param, start, folder).events())


def test_the_first_loss_is_ln_2_and_the_first_margin_0(whole: tuple[str, Path, list[Event]]) -> None:
    """Though the start was trained with dropout."""
    first = updates(whole[2])[0]
    assert first.loss.item() == pytest.approx(math.log(2), abs=1e-5)
    assert first.figures["margin"].item() == pytest.approx(0, abs=1e-5)
    if whole[0] == "reward":
        assert first.loss.item() == pytest.approx(math.log(2), abs=1e-7) and first.figures["accuracy"] == 0.5


def test_resumed_is_uninterrupted_bit_for_bit(
    whole: tuple[str, Path, list[Event]], start: Path, tmp_path: Path
) -> None:
    task, folder, _ = whole
    for asked in (3, 6):
        stop_after(asked, learning(task, start, tmp_path / "run").events())
    list(learning(task, start, tmp_path / "run").events())
    expected, found = final(folder), final(tmp_path / "run")
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(tmp_path / "run") == rows(folder)


def test_the_loss_does_not_depend_on_how_a_batch_is_cut(
    whole: tuple[str, Path, list[Event]], start: Path, tmp_path: Path
) -> None:
    training = learning(whole[0], start, tmp_path / "run")
    stop_after(3, training.events())
    task = tasks.of(recipe(whole[0], start))
    prepared = task.training(
        sampled(whole[0], start, tmp_path / "run"), tokenizers(start), Run(tmp_path / "run"), print
    )
    objective = prepared.objective(training.model, device.choose("cpu", "float32").numerics)
    objective.begin(4)
    training.model.eval()
    _, batch = next(iter(prepared.source.stream(Place(0, 0, 0))))
    assert len(batch.labels) > 2 and batch.tokens == len(batch.labels)
    at_once, pieces = objective(batch, 4), [objective(piece, 4) for piece in batch.pieces(3)]
    assert at_once.loss.item() == pytest.approx(sum(piece.loss.item() for piece in pieces), rel=1e-5)
    for name, value in at_once.figures.items():
        assert value.item() == pytest.approx(sum(piece.figures[name].item() for piece in pieces), rel=1e-4, abs=1e-5)
    assert objective(batch.share(5, 4), 4).loss.item() == 0 or len(batch.labels) > 5


def tokenizers(start: Path):  # type: ignore[no-untyped-def]
    from seq2seq.tasks.models import read_tokenizers

    return read_tokenizers(Run(start).recipe(), start)


def sampled(task: str, start: Path, folder: Path, *changes: str) -> Corpus[ComparisonSource]:
    made = tasks.of(recipe(task, start, *changes))
    choice = device.choose("cpu", "float32")
    return made.sampled(tiny_corpus(), tokenizers(start), Run(folder), choice, lambda message: None)


def test_comparisons_are_made_once_of_held_out_prompts_unflipped(
    whole: tuple[str, Path, list[Event]], start: Path
) -> None:
    made = sampled(whole[0], start, whole[1])
    report = made.train[0].made
    other = "preference" if whole[0] == "reward" else "reward"
    assert sampled(other, start, whole[1], "training.seed=5").train[0].made["caches"] == report["caches"]
    assert report["dev"]["agreement"] == report["test"]["agreement"] == 1
    assert 0.5 < report["train"]["agreement"] < 1 and report["train"]["comparisons"] == 24
    prompts = [{each.prompt for each in source.read()} for source in (made.train[0], made.dev, made.test)]
    assert not prompts[0] & prompts[1] and not prompts[0] & prompts[2] and not prompts[1] & prompts[2]
    others = sampled(whole[0], start, whole[1], "comparisons.seed=2")
    assert list(others.train[0].read()) != list(made.train[0].read())


def test_a_judged_run_has_figures_and_serves(whole: tuple[str, Path, list[Event]], start: Path) -> None:
    task, folder, _ = whole
    run = Run(folder)
    tasks.of(run.recipe()).judge(run, device.choose("cpu", "float32"), lambda message: None)
    scores = run.record()["scores"]
    told = scores["test" if task == "reward" else "comparisons"]
    assert told["comparisons"] == 8 and told["accuracy"]["low"] <= told["accuracy"]["value"] <= told["accuracy"]["high"]
    assert all(list(tasks.of(run.recipe()).score_lines(name, each)) for name, each in scores.items())
    validated = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"dev_accuracy", "dev_train_accuracy", "dev_flipped_accuracy", "dev_margin"} <= validated.keys()
    if task == "preference":
        assert final(folder).keys() == final(start).keys() and tasks.serving(run) == "translation"
        assert {score["name"] for score in scores["test"]["scores"]} == {"BLEU", "chrF2", "TER"}
        assert open_translator(run, EngineChoice(device="cpu")).translator.translate(["un chat"])
    else:
        assert isinstance(tasks.of(run.recipe()).trained(run, torch.device("cpu")), Scored)
        with pytest.raises(RunError, match="reward model"):
            open_translator(run, EngineChoice(device="cpu"))


def test_a_user_s_comparisons_are_learnt(whole: tuple[str, Path, list[Event]], start: Path, tmp_path: Path) -> None:
    """The chosen side has a word that the rejected one lacks."""
    kind = ComparisonKind(recipe(whole[0], start).data)
    for split, seed in (("train", 1), ("dev", 2), ("test", 3)):
        lines = [
            {"prompt": french, "chosen": english, "rejected": english.partition(" ")[2] + " red red"}
            for french, english in tiny.pairs(60, seed)
        ]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    train, dev, test = (kind.file(tmp_path / f"{split}.jsonl", PLAIN) for split in ("train", "dev", "test"))
    given = Corpus("mine", "files", (train,), dev, test)
    learnt = learning(whole[0], start, tmp_path / "run", "training.steps=40", text=given)
    list(learnt.events())
    assert rows(tmp_path / "run")[-1]["dev_accuracy"] > 0.9
    assert (tmp_path / "run" / "test.jsonl").is_file()


def test_of_what_cannot_be_used_the_error_says_what_to_do(start: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"write \[start\], or give --start"):
        file = tmp_path / "reward.toml"
        file.write_text('task = "reward"\nsummary = "x"\n')
        recipe_files.load(file)
    with pytest.raises(RecipeError, match=r"comparisons\.flipped has no effect with comparisons\.rater unset"):
        file = tmp_path / "reward.toml"
        file.write_text('task = "reward"\nsummary = "x"\n[start]\n[comparisons]\nflipped = 0.2\n')
        recipe_files.load(file)
    with pytest.raises(RecipeError, match=r"comparisons.flipped: Input should be less than or equal to 0.5"):
        recipe("reward", start, "comparisons.flipped=1")
    with pytest.raises(RecipeError, match=r"preference.smoothing: Input should be less than 0.5"):
        recipe("preference", start, "preference.smoothing=0.5")
    with pytest.raises(RecipeError, match=r"--set preference.beta has no effect"):
        recipe("reward", start, "preference.beta=1")
    with pytest.raises(DataError, match="no prompt for test has a reference and is short enough"):
        list(learning("reward", start, tmp_path / "long", "comparisons.max_tokens=6", text=empty()).events())


def empty() -> Corpus[PairSource]:
    blank = samples.text([("un chat", "")])
    return Corpus("mine", "files", (blank,), blank, blank)
