"""`seqx recipes`; and every recipe that ships loads, builds and takes a step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq import recipe, tasks
from seq2seq.data.batches import Batch, Place
from seq2seq.data.labelled_batches import RowCollator
from seq2seq.data.masking import masked
from seq2seq.device import Numerics
from seq2seq.model.masked import MaskedEncoder
from seq2seq.recipe import files as recipe_files
from seq2seq.tasks import models
from seq2seq.training import objective, optimisers, schedule
from seq2seq.training.loop import train
from seq2seq.training.loss import expected_at_start
from tests.support.command import Seqx


def versions_of(name: str) -> list[recipe.Recipe]:
    """A recipe with two layers of its own width, and what it becomes on the bundled corpus; none with a start."""
    shipped = recipe_files.load(name)
    if shipped.start is not None:  # its model is that of the run it starts from
        return []
    layers = {"encoder_layers": 2, "decoder_layers": 2}
    wanted = shipped.model_copy(update={"model": shipped.model.model_copy(update=layers)})
    return [wanted] if wanted.data.bundled is None else [wanted, wanted.on_bundled()]


def different(recipes: Iterable[recipe.Recipe]) -> list[recipe.Recipe]:
    """The first of those that differ in their text alone, and so have the same model and make the same update."""
    found: dict[str, recipe.Recipe] = {}
    for each in recipes:
        learning = each.model_dump(include={"task", "tokenizer", "model", "optimizer", "training"})
        found.setdefault(repr(learning), each)
    return [*found.values()]


def random_batch(wanted: recipe.Recipe, vocabulary: int) -> Batch:
    """Random tokens in the recipe's layout."""
    generator = torch.Generator().manual_seed(3)
    rows = torch.randint(4, vocabulary, (16, 40), generator=generator)
    if wanted.task == "language-model":
        return Batch((rows[:, :-1],), rows[:, 1:], rows[:, 1:].numel(), padded=rows.numel(), filled=rows.numel())
    if wanted.task == "masked-language-model":
        texts = RowCollator(40, first=False).collate(rows[:, :-1].tolist(), [0] * len(rows))
        return masked(texts, vocabulary, np.random.default_rng(1))
    return models.architecture(wanted).layout.collate(rows[:, :20].tolist(), rows[:, 20:].tolist())


@pytest.mark.parametrize(
    "wanted",
    different(each for name in recipe_files.names() for each in versions_of(name) if each.task != "classification"),
    ids=lambda each: f"{each.name} on {each.data.corpus}",
)
def test_every_recipe_begins_at_the_loss_that_it_should_and_takes_a_step(wanted: recipe.Recipe) -> None:
    size = 69 if wanted.tokenizer.kind == "character" else wanted.tokenizer.vocabulary_size
    torch.manual_seed(1)
    masking = wanted.task == "masked-language-model"
    model = MaskedEncoder(wanted.model, size) if masking else models.model(wanted, size, size)
    batch = random_batch(wanted, size)
    numerics = Numerics(torch.device("cpu"), None)
    measuring = objective.for_recipe(wanted, model, numerics)
    first = measuring.evaluate([batch])["negative_log_likelihood"]
    expected = expected_at_start(model.head, model.last_norm.get_parameter("weight"))
    # Silent branches let a tied head see its own input.
    above = 0.04 if wanted.model.residual_start == "zero" else 0.01
    if not masking:  # some of whose tokens are there to be read
        assert -0.01 < first / expected - 1 < above
    assert math.log(size) < expected < math.log(size) + 0.55

    before = model.head.weight[int(batch.labels[0, -1])].clone()
    updates = train(
        list(model.parameters()),
        optimisers.for_recipe(wanted, model),
        schedule.for_recipe(wanted),
        iter([(Place(), batch)]),
        measuring,
        numerics,
    )
    progress = next(updates)
    assert progress.loss.isfinite() and progress.tokens == batch.tokens
    assert not torch.equal(before, model.head.weight[int(batch.labels[0, -1])])
    assert progress.learning_rate == pytest.approx(schedule.for_recipe(wanted)(1))


@pytest.mark.parametrize("name", ["sentiment", "classify"])
def test_a_recipe_of_classes_begins_at_the_uniform_loss_and_takes_a_step(name: str) -> None:
    for wanted in versions_of(name):
        workload = tasks.of(wanted).workload()
        model, numerics = workload.model(300), Numerics(torch.device("cpu"), None)
        batch = workload.worst(512, 300)
        measuring = workload.objective(model, numerics)
        assert measuring.evaluate([batch])["negative_log_likelihood"] == pytest.approx(math.log(2))
        updates = train(
            list(model.parameters()),
            optimisers.for_recipe(wanted, model),
            schedule.for_recipe(wanted),
            iter([(Place(), batch)]),
            measuring,
            numerics,
        )
        assert next(updates).tokens == len(batch.labels) and model.head.bias.any()


@pytest.mark.parametrize("name", recipe_files.names())
def test_every_recipe_says_what_it_is_and_needs(name: str) -> None:
    wanted = recipe_files.load(name)
    assert wanted.summary and wanted.needs
    assert wanted.name == name


def test_the_paper_recipes_hold_the_papers_numbers() -> None:
    base, big = recipe_files.load("wmt14-en-de-base"), recipe_files.load("wmt14-en-fr-big")
    assert (base.model.d_model, base.model.d_ff, base.model.n_heads, base.model.dropout) == (512, 2048, 8, 0.1)
    assert (big.model.d_model, big.model.d_ff, big.model.n_heads, big.model.dropout) == (1024, 4096, 16, 0.1)
    assert (base.training.steps, big.training.steps) == (100_000, 300_000)
    assert (base.training.average_last, big.training.average_last) == (5, 20)
    assert base.optimizer == recipe.Adam(betas=(0.9, 0.98), epsilon=1e-9)
    assert schedule.for_recipe(base)(4000) == pytest.approx(512**-0.5 * 4000**-0.5)


def test_the_list_names_every_recipe(seqx: Seqx) -> None:
    done = seqx("recipes")
    assert done.code == 0
    assert all(name in done.out for name in recipe_files.names())


def test_show_is_a_recipe_itself(seqx: Seqx, tmp_path: Path) -> None:
    done = seqx("recipes", "show", "fr-en", "--set", "model.d_model=128")
    (tmp_path / "mine.toml").write_text(done.out)
    assert recipe_files.load(str(tmp_path / "mine.toml")) == recipe_files.load("fr-en", ["model.d_model=128"])


def test_a_copy_finds_the_base_and_the_files_of_its_recipe(seqx: Seqx, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "own.toml").write_text('# ours\nbase = "other.toml"\n[model]\nd_model = 64\n')
    (inner / "other.toml").write_text((recipe_files.RECIPES / "fr-en-phrasebook.toml").read_text())
    (inner / "mail.toml").write_text('[[data.corpora]]\nname = "mail"\nfiles = ["mail.tsv"]\n')
    for name in ("own", "mail"):
        assert seqx("recipes", "copy", f"inner/{name}.toml", f"{name}.toml").code == 0
        copied, wanted = (recipe_files.load(folder / f"{name}.toml") for folder in (tmp_path, inner))
        assert copied == wanted
    assert "# ours" in (tmp_path / "own.toml").read_text()


def test_copy_keeps_comments_and_overwrites_nothing(seqx: Seqx, tmp_path: Path) -> None:
    assert seqx("recipes", "copy", "wmt14-en-de-base", "mine.toml").code == 0
    assert "# 5.1" in (tmp_path / "mine.toml").read_text()
    again = seqx("recipes", "copy", "fr-en", "mine.toml")
    assert again.code == 1 and "mine.toml exists already" in again.err
