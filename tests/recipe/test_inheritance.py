"""What a recipe takes from the run that it starts from; recipes reversed."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq.errors import RecipeError
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from tests.support import tiny

CHANGES = ["training.label_smoothing=0.2", "model.norm=pre", "data.source=de", "tokenizer.sampling=0.1"]


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A run folder with the recipe of a translator from German."""
    (tmp_path / "tiny.toml").write_text(tiny.RECIPE)
    run = tmp_path / "base"
    run.mkdir()
    (run / "recipe.toml").write_text(recipe_files.load(tmp_path / "tiny.toml", CHANGES).to_toml())
    return run


def own(folder: Path, text: str) -> Path:
    (folder / "own.toml").write_text(text)
    return folder / "own.toml"


def test_what_a_recipe_leaves_out_is_its_starts(parent: Path) -> None:
    recipe = recipe_files.load("finetune", ["model.dropout=0.3"], start=parent)
    former = recipe_files.recipe_of(parent)
    assert recipe.model == former.model.model_copy(update={"dropout": 0.3})
    assert recipe.tokenizer == former.tokenizer and recipe.decoding == former.decoding
    assert (recipe.data.source, recipe.data.corpus, recipe.training.label_smoothing) == ("de", "own", 0.2)
    assert (recipe.training.steps, recipe.training.learning_rate, recipe.name) == (600, 3e-4, "finetune")
    assert recipe.start is not None and recipe.start.run == str(parent)
    assert recipe_files.load("finetune", ["model.dropout=0.3"], start=parent / "checkpoints" / "step-0000002") == (
        recipe.model_copy(
            update={"start": recipe.start.model_copy(update={"run": f"{parent}/checkpoints/step-0000002"})}
        )
    )


def test_a_start_in_a_recipe_is_found_from_its_folder_and_written_out(parent: Path, tmp_path: Path) -> None:
    path = own(tmp_path, '[start]\nrun = "base"\nfreeze = ["encoder"]\n[data]\ncorpus = "own"\n[model]\nd_model = 64\n')
    recipe = recipe_files.load(path)
    assert recipe.start is not None and recipe.start.run == str(tmp_path / "base")
    assert recipe.model.d_model == 16  # the start's
    again = recipe_files.parse(recipe.to_toml(), "again")
    assert again == recipe and not recipe_files.differences(again, recipe)
    moved = recipe.model_copy(update={"start": recipe.start.model_copy(update={"run": "/elsewhere"})})
    assert not recipe_files.differences(moved, recipe)
    thawed = recipe.model_copy(update={"start": recipe.start.model_copy(update={"freeze": ()})})
    assert recipe_files.differences(recipe, thawed) == ['start.freeze: ["encoder"] -> []']
    alone = recipe.model_copy(update={"start": None})
    assert recipe_files.differences(alone, recipe) == [f"start.run: no start -> {tmp_path / 'base'}"]


def test_another_architecture_is_refused_with_both_values(parent: Path) -> None:
    with pytest.raises(RecipeError, match=r"--set model.d_model=64: model is that of .*base, which has 16"):
        recipe_files.load("finetune", ["model.d_model=64"], start=parent)
    with pytest.raises(RecipeError, match=r"--set tokenizer.vocabulary_size=400"):
        recipe_files.load("finetune", ["tokenizer.vocabulary_size=400"], start=parent)
    with pytest.raises(RecipeError, match=r"absent is no run to start from \(there is no such folder\)"):
        recipe_files.load("finetune", start=parent.parent / "absent")
    with pytest.raises(RecipeError, match="the direction is that of"):
        recipe_files.load("fr-en", start=parent, reverse=True)


def test_replay_needs_a_start() -> None:
    with pytest.raises(RecipeError, match=r"data.replay has no effect with no run to start from \(--start\)"):
        recipe_files.load("fr-en", ["data.replay=0.3"])


def directed(recipe: Recipe) -> tuple[str, str]:
    return recipe.data.source, recipe.data.target


def test_a_recipe_is_reversed_by_option_and_by_a_recipe_on_it() -> None:
    turned, shipped = recipe_files.load("fr-en", reverse=True), recipe_files.load("en-fr")
    assert directed(turned) == ("en", "fr") and turned.name == "en-fr"
    assert not recipe_files.differences(turned, shipped)
    hubs = [recipe.data.corpora[0].hub for recipe in (turned, recipe_files.load("fr-en"))]
    assert hubs[0] and hubs[1]
    assert (hubs[0].source_column, hubs[0].target_column) == (hubs[1].target_column, hubs[1].source_column)
    assert recipe_files.load("wmt14-en-de-base", reverse=True).name == "wmt14-en-de-base-de-en"
    assert not recipe_files.differences(recipe_files.load("en-fr", reverse=True), recipe_files.load("fr-en"))


def test_files_of_a_recipe_turn_with_it_and_a_table_without_names_is_refused(tmp_path: Path) -> None:
    path = own(tmp_path, '[[data.corpora]]\nname = "mail"\nfiles = ["mail.fr", "mail.en"]\n')
    turned = recipe_files.load(path, reverse=True)
    assert turned.data.corpora[0].files == (str(tmp_path / "mail.en"), str(tmp_path / "mail.fr"))
    path.write_text('[[data.corpora]]\nname = "mail"\nfiles = ["mail.tsv"]\n')
    with pytest.raises(RecipeError, match=r"mail.tsv is a table whose columns need no names"):
        recipe_files.load(path, reverse=True)
    with pytest.raises(RecipeError, match="which has no direction"):
        recipe_files.load("gpt-shakespeare", reverse=True)
