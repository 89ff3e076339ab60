"""Recipes that older versions wrote, or that were written for them, are read as today's."""

from __future__ import annotations

import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from seq2seq.errors import FormatError, RecipeError
from seq2seq.recipe import Adam, AdamW, Muon, migrations
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run

KEPT = Path(__file__).parents[1] / "kept_runs"
OLD = {"training": {"optimizer": "muon", "muon_learning_rate": 0.01, "betas": [0.9, 0.99], "steps": 7}}
NEW = {"optimizer": {"kind": "muon", "muon_learning_rate": 0.01, "betas": [0.9, 0.99]}, "training": {"steps": 7}}


def written(folder: Path, values: dict[str, Any], name: str = "mine.toml") -> Path:
    (folder / name).write_text(tomli_w.dumps(values))
    return folder / name


def kept(name: str, folder: Path) -> Run:
    with tarfile.open(KEPT / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return Run(folder / name)


@pytest.mark.parametrize(("name", "optimizer"), [("translator", Adam()), ("text-stopped", Muon())])
def test_the_recipe_of_an_old_run_is_read_and_its_file_is_left_alone(
    tmp_path: Path, name: str, optimizer: object
) -> None:
    run = kept(name, tmp_path)
    before = (run.path / "recipe.toml").read_bytes()
    assert "format" not in tomllib.loads(before.decode())
    assert run.recipe().optimizer == optimizer
    said: list[str] = []
    assert recipe_files.load(run.path / "recipe.toml", say=said.append).optimizer == optimizer
    run.claim(run.recipe())
    assert (run.path / "recipe.toml").read_bytes() == before and said == []


def test_a_written_recipe_begins_with_its_format() -> None:
    assert recipe_files.load("fr-en").to_toml().startswith(f"format = {migrations.FORMAT}\n")


@pytest.mark.parametrize("number", [{}, {"format": 0}, {"format": 1}])
def test_old_keys_of_a_users_file_are_read_and_said_and_the_file_is_left_alone(
    tmp_path: Path, number: dict[str, int]
) -> None:
    old, new = written(tmp_path, {**number, **OLD}), written(tmp_path, {"name": "mine", **NEW}, "new.toml")
    before, said = old.read_bytes(), list[str]()
    assert recipe_files.load(old, say=said.append) == recipe_files.load(new)
    assert old.read_bytes() == before
    (note,) = said
    assert note.startswith(f"NOTE: {old}: training.optimizer is optimizer.kind now, ") and "training.steps" not in note


def test_a_new_file_is_read_without_a_word(tmp_path: Path) -> None:
    said: list[str] = []
    for number in ({}, {"format": migrations.FORMAT}):
        recipe_files.load(written(tmp_path, {**number, **NEW}), say=said.append)
    assert said == []


def test_old_keys_may_be_set_and_it_is_said_what_they_are_now(tmp_path: Path) -> None:
    said: list[str] = []
    overrides = ["training.optimizer=adamw", "training.weight_decay=0.3", "training.muon_learning_rate=0.1"]
    recipe = recipe_files.load(written(tmp_path, {}), overrides[:2], said.append)
    assert recipe.optimizer == AdamW(weight_decay=0.3)
    assert said[0] == "NOTE: --set training.optimizer is optimizer.kind now; the old name is read too"
    with pytest.raises(RecipeError, match=r"--set optimizer\.muon_learning_rate has no effect with .*muon has it"):
        recipe_files.load(written(tmp_path, {}), overrides)


def test_what_an_older_version_wrote_out_in_full_is_read(tmp_path: Path) -> None:
    defaults = {"weight_decay": 0.0, "muon_learning_rate": 0.02, "betas": [0.9, 0.98], "epsilon": 1e-9}
    for kind, optimizer in (("adam", Adam()), ("adamw", AdamW()), ("muon", Muon())):
        path = written(tmp_path, {"training": {"optimizer": kind, **defaults}})
        assert recipe_files.load(path).optimizer == optimizer


def test_a_fallback_keeps_its_old_keys(tmp_path: Path) -> None:
    fallback = {"training": {"weight_decay": 0.0, "steps": 3}}
    values = {"data": {"corpus": "own", "bundled": "phrasebook"}, "fallback": fallback}
    values |= {"training": {"optimizer": "muon", "weight_decay": 0.1}}
    recipe = recipe_files.load(written(tmp_path, values))
    assert (recipe.optimizer, recipe.on_bundled().optimizer) == (Muon(weight_decay=0.1), Muon())
    values["fallback"] = {"training": {"optimizer": "adam"}}
    assert recipe_files.load(written(tmp_path, values)).on_bundled().optimizer == Adam()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**OLD, "optimizer": {"kind": "adam"}}, r"unknown key training\.optimizer, which is optimizer\.kind now"),
        ({"format": 2, **OLD}, r"unknown key training\.optimizer, which is optimizer\.kind now"),
        ({"training": {"weight_decay": 0.1}}, r"optimizer\.weight_decay has no effect with optimizer\.kind = \"adam\""),
        ({"training": {"optimizer": 3}}, r"optimizer\.kind: .*\(got 3\)"),
        ({"training": {"optimizer": ["muon"]}}, r"optimizer\.kind: "),
        ({"training": 3}, r"training: "),
        ({"optimizer": 3}, r"optimizer: "),
        ({"optimizer": 3, **OLD}, r"optimizer: .*\(got 3\)"),
        ({"fallback": 3, **OLD}, r"fallback: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_files.load(written(tmp_path, values))


@pytest.mark.parametrize(("form", "task"), [("pairs", "translation"), ("text", "language-model")])
def test_the_form_of_the_data_is_the_task_now(tmp_path: Path, form: str, task: str) -> None:
    values: dict[str, Any] = {"format": 2, "data": {"form": form, "corpus": "own"}, "tokenizer": {"kind": "byte"}}
    values |= {"model": {"architecture": "decoder-only"}, "training": {"metric": "loss"}}
    if form == "text":
        values["data"]["bundled"], values["fallback"] = "play", {"data": {"form": form}, "training": {"steps": 3}}
    said: list[str] = []
    recipe = recipe_files.load(written(tmp_path, values), say=said.append)
    assert recipe.task == task and "data.form is task now" in said[0]
    assert form == "pairs" or (recipe.on_bundled().task, recipe.on_bundled().training.steps) == (task, 3)


def test_the_form_of_the_data_is_set_by_both_names(tmp_path: Path) -> None:
    values = {"tokenizer": {"kind": "byte"}, "model": {"architecture": "decoder-only"}, "training": {"metric": "loss"}}
    path, said = written(tmp_path, {"data": {"corpus": "own"}, **values}), []
    for given in ("data.form=text", "task=language-model", 'task="language-model"'):
        assert recipe_files.load(path, [given], said.append).task == "language-model"
    assert [each for each in said if "NOTE: --set" in each] == [
        "NOTE: --set data.form is task now; the old name is read too"
    ]
    with pytest.raises(RecipeError, match=r"task: Input should be 'translation', 'language-model', .* \(got 'x'\)"):
        recipe_files.load(path, ["task=x"])


def test_a_newer_recipe_is_refused(tmp_path: Path) -> None:
    newer = migrations.FORMAT + 1
    with pytest.raises(FormatError, match=rf"mine\.toml has format {newer}, and this seqx reads up to .*update seqx"):
        recipe_files.load(written(tmp_path, {"format": newer, "surprise": 1}))
    written(tmp_path, {"format": newer, "surprise": 1}, "recipe.toml")
    with pytest.raises(FormatError, match=rf"recipe\.toml has format {newer}"):
        Run(tmp_path).recipe()
