"""A run that starts from another: its weights, what is frozen and what is refused; resumed as uninterrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from seq2seq import tasks
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import PairSource
from seq2seq.errors import RecipeError, RunError
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights, save_weights
from seq2seq.tasks import lineage, replay
from seq2seq.tasks.models import read_tokenizers
from seq2seq.training.session import Started, Stopped
from tests.support import samples, tiny
from tests.support.sessions import final, session, stop_after, tiny_recipe


def corpus(name: str, seed: int) -> Corpus[PairSource]:
    """Sixty pairs to train on, six each for dev and test."""
    train, dev, test = (samples.text(tiny.pairs(count, seed + n)) for n, count in enumerate((60, 6, 6)))
    return Corpus(name, "files", (train,), dev, test)


TEXT, OTHER = corpus("mine", 5), corpus("other", 8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; its tests must not change it."""
    folder = tmp_path_factory.mktemp("base") / "base"
    list(session(tiny_recipe(), TEXT, folder).events())
    return folder


def finetuned(start: Path, *changes: str) -> Recipe:
    few = ["training.steps=6", "training.validate_every=2", "training.warmup_steps=2", "data.max_length=32"]
    return recipe_files.load("finetune", [*few, *changes], start=start)


def test_it_begins_with_the_weights_and_tokenizer_of_its_start_and_records_them(base: Path, tmp_path: Path) -> None:
    training = session(finetuned(base), OTHER, tmp_path / "run")
    expected = final(base)
    for name, weight in training.model.named_parameters():
        assert torch.equal(weight, expected[name])
    run = Run(tmp_path / "run")
    assert (run.path / "tokenizer.model").read_bytes() == (base / "tokenizer.model").read_bytes()
    (parent,) = run.record()["lineage"]
    assert parent["run"] == str(base) and parent["weights"]["sha256"] == Run(base).record()["weights"]["sha256"]
    assert parent["tokenizer"].keys() == {"tokenizer.model"} and parent["corpora"]["name"] == "mine"
    assert (lineage.of(run).path / "test.jsonl").read_bytes() == (base / "test.jsonl").read_bytes()
    started = next(training.events())
    assert isinstance(started, Started) and started.first is None
    list(training.events())
    # A child's child stands on both.
    session(finetuned(run.path), OTHER, tmp_path / "third")
    assert [each["run"] for each in Run(tmp_path / "third").record()["lineage"]] == [str(run.path), str(base)]


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_what_is_frozen_stays_and_resumed_it_ends_as_uninterrupted(base: Path, tmp_path: Path, optimiser: str) -> None:
    averaged = ["training.ema=0.5", "training.keep=ema"] if optimiser == "muon" else []
    recipe = finetuned(base, f"optimizer.kind={optimiser}", 'start.freeze=["encoder"]', *averaged)
    list(session(recipe, OTHER, tmp_path / "whole").events())
    stop_after(3, session(recipe, OTHER, tmp_path / "stopped").events())
    assert list(session(recipe, OTHER, tmp_path / "stopped").events())[-1] == Stopped(6, "all steps done", True)
    expected, found, before = final(tmp_path / "whole"), final(tmp_path / "stopped"), final(base)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    for name, weight in found.items():
        assert torch.equal(weight, before[name]) == name.startswith("encoder."), name


def test_it_goes_on_where_its_start_is_gone_and_not_with_other_weights(base: Path, tmp_path: Path) -> None:
    start = Path(shutil.copytree(base, tmp_path / "start"))
    recipe = finetuned(start)
    stop_after(3, session(recipe, OTHER, tmp_path / "run").events())
    whole = finetuned(base)
    list(session(whole, OTHER, tmp_path / "whole").events())
    weights = {name: weight + 1 for name, weight in read_weights(start / "model.safetensors").items()}
    save_weights(weights, start / "model.safetensors")
    with pytest.raises(RunError, match=r"was begun from other weights than those that .* has now"):
        session(recipe, OTHER, tmp_path / "run")
    shutil.rmtree(start)
    list(session(recipe, OTHER, tmp_path / "run").events())
    assert all(torch.equal(weight, final(tmp_path / "whole")[name]) for name, weight in final(tmp_path / "run").items())


def test_a_checkpoint_is_a_start(base: Path, tmp_path: Path) -> None:
    saved = base / "checkpoints" / "step-0000004"
    training = session(finetuned(saved), OTHER, tmp_path / "run")
    expected = read_weights(saved / "weights.safetensors")
    assert all(torch.equal(weight, expected[name]) for name, weight in training.model.named_parameters())
    assert Run(tmp_path / "run").record()["lineage"][0]["weights"]["steps"] == [4]


@pytest.mark.parametrize("recipe", ["finetune", "fr-en"])
def test_what_cannot_be_a_start_is_refused(base: Path, tmp_path: Path, recipe: str) -> None:
    unfinished = Path(shutil.copytree(base, tmp_path / "unfinished"))
    (unfinished / "model.safetensors").unlink()
    with pytest.raises(RunError, match=r"has no model.safetensors to start from: finish its training, or name one of"):
        lineage.must_be_usable(recipe_files.load(recipe, start=unfinished))
    with pytest.raises(RunError, match=r"step-0000099 has no weights.safetensors to start from"):
        lineage.must_be_usable(recipe_files.load(recipe, start=base / "checkpoints" / "step-0000099"))
    with pytest.raises(RecipeError, match=r"recipe finetune begins from a run .* name it with --start"):
        lineage.must_be_usable(recipe_files.load("finetune"))
    again = Path(shutil.copytree(base, tmp_path / "again"))
    with pytest.raises(RunError, match="cannot start from itself"):
        lineage.begin(finetuned(again), Run(again))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ['start.freeze=["enoder"]'],
            r"no part 'enoder' \(did you mean encoder\?\); its parts are: target_embedding, enc",
        ),
        (['start.freeze=["encoder", "decoder", "target_embedding"]'], "leaves nothing to train"),
        (['start.parts=["head.bias"]'], "the model has no part 'head.bias'"),
    ],
)
def test_parts_that_do_not_exist_are_refused(base: Path, tmp_path: Path, changes: list[str], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        session(finetuned(base, *changes), OTHER, tmp_path / "run")


def test_weights_that_do_not_fit_are_refused_with_the_difference(base: Path, tmp_path: Path) -> None:
    recipe = finetuned(base)
    wider = recipe.model_copy(update={"model": recipe.model.model_copy(update={"d_ff": 48})})
    with pytest.raises(RunError, match=r"feed_forward\S*weight is 48 x 16 here, 32 x 16 there; .*; and \d more"):
        session(wider, OTHER, tmp_path / "run")


def test_parts_are_taken_and_the_rest_is_new(base: Path, tmp_path: Path) -> None:
    recipe = finetuned(base, 'start.parts=["encoder", "head"]')
    deeper = recipe.model_copy(update={"model": recipe.model.model_copy(update={"decoder_layers": 2})})
    run = Run(tmp_path / "run")
    run.path.mkdir()
    lineage.begin(deeper, run)
    task = tasks.of(deeper)
    model = task.model(read_tokenizers(deeper, run.path))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    lineage.load(task, model, run)
    for name, weight in model.named_parameters():
        taken = name.startswith("encoder.") or name == "target_embedding.weight"  # to which the head is tied
        assert torch.equal(weight, final(base)[name] if taken else before[name]), name


def test_the_test_set_of_a_start_is_kept_out_of_training(base: Path, tmp_path: Path) -> None:
    own = [*tiny.pairs(30, 11), *TEXT.test.read()]
    corpus = Corpus("own", "files", (samples.text(own),), OTHER.dev, samples.text(tiny.pairs(6, 12)))
    recipe = finetuned(base)
    training = session(recipe, replay.with_start(tasks.of(recipe), corpus), tmp_path / "run")
    assert training and Run(tmp_path / "run").record()["pairs"]["dropped"]["in dev or test"] >= 6
    assert isinstance(corpus.train[0], PairSource)
