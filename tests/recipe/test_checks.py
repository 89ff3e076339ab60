"""Values of a recipe that have no effect: refused where they are given, left out where an earlier seqx kept them."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from seq2seq.errors import RecipeError
from seq2seq.recipe import Adam
from seq2seq.recipe import files as recipe_files
from seq2seq.recipe.checks import without_effect
from seq2seq.run import Run

PAIRS: dict[str, Any] = {"data": {"corpus": "own"}}
TEXT: dict[str, Any] = {
    "task": "language-model",
    "data": {"corpus": "own"},
    "tokenizer": {"kind": "byte-bpe"},
    "model": {"architecture": "decoder-only"},
    "training": {"metric": "loss"},
}
CLASSES: dict[str, Any] = {
    "task": "classification",
    "data": {"corpus": "own"},
    "model": {"architecture": "encoder-only"},
    "training": {"metric": "accuracy"},
}
# What makes values idle -> the values.
IDLE = {
    "optimizer.kind=adam": ["optimizer.weight_decay=0.1", "optimizer.muon_learning_rate=0.01"],
    "optimizer.kind=adamw": ["optimizer.muon_learning_rate=0.01"],
    "training.schedule=inverse_square_root": ["training.final_share=0.1", "training.decay_share=0.2"],
    "training.schedule=cosine": ["training.decay_share=0.2"],
    "training.keep=average": ["training.ema=0.99"],
    "training.keep=best": ["training.ema=0.99", "training.average_last=3"],
    "tokenizer.kind=bpe": ["tokenizer.encoding=cl100k_base"],
    "tokenizer.kind=byte": [
        *("tokenizer.vocabulary_size=99", "tokenizer.encoding=cl100k_base", "tokenizer.sampling=0.1"),
        *("tokenizer.byte_fallback=false", "tokenizer.normalization=nfkc"),
    ],
    "tokenizer.kind=tiktoken": ["tokenizer.vocabulary_size=99", "tokenizer.byte_fallback=false"],
    "tokenizer.kind=character": ["tokenizer.sampling=0.1", "tokenizer.normalization=identity"],
    "model.architecture=decoder-only": ["model.encoder_layers=3"],
    "data.corpora=[{name='one', share=0.5}, {name='two', share=0.5}]": [
        *("data.temperature=2.0", "data.hub.path=owner/name"),
    ],
    "data.corpora=[]": ["data.temperature=2.0"],
    "data.corpus=phrasebook": ["data.hub.path=owner/name"],
    "task=translation": [
        *("data.chunks=packed", "fallback.training.steps=3", "data.text=body", "data.label=team"),
        *("data.classes=['a', 'b']", "model.pooling=first", "training.class_weights=balanced"),
    ],
    "task=classification": [
        *("data.source=de", "data.target=de", "data.max_ratio=9", "data.sacrebleu_test=wmt14", "data.chunks=packed"),
        *("training.validate_sentences=9", "decoding.beam_size=2", "decoding.length_penalty=1", "model.tie=none"),
        *("decoding.max_extra=9", "decoding.batch_tokens=999", "model.decoder_layers=3", "data.noise.no_end=0.5"),
    ],
    "task=language-model": [
        *("data.source=de", "data.target=de", "data.max_length=64", "data.max_ratio=9", "data.sacrebleu_test=wmt14"),
        *("training.validate_sentences=9", "decoding.beam_size=2", "decoding.length_penalty=1"),
        *("decoding.max_extra=9", "decoding.batch_tokens=999", "model.encoder_layers=3"),
    ],
}
EACH = [(cause, value) for cause, values in IDLE.items() for value in values]


def written(folder: Path, base: dict[str, Any], *values: str) -> str:
    """A recipe file of some values."""
    contents = copy.deepcopy(base)
    for value in values:
        recipe_files.override(contents, value)
    (folder / "mine.toml").write_text(tomli_w.dumps(contents))
    return str(folder / "mine.toml")


def named(value: str) -> str:
    """The key by which a message tells of a value."""
    key = value.partition("=")[0]
    return next((whole for whole in ("fallback", "data.hub", "data.noise") if key.startswith(f"{whole}.")), key)


def base_of(cause: str) -> dict[str, Any]:
    return {"task=language-model": TEXT, "task=classification": CLASSES}.get(cause, PAIRS)


@pytest.mark.parametrize(("cause", "value"), EACH)
def test_a_value_without_effect_is_refused_in_a_file(tmp_path: Path, cause: str, value: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_files.load(written(tmp_path, base_of(cause), cause, value))
    assert f"mine.toml: {named(value)} has no effect with" in str(caught.value)


@pytest.mark.parametrize(("cause", "value"), EACH)
def test_a_value_without_effect_is_refused_in_set_and_the_cause_alone_is_not(
    tmp_path: Path, cause: str, value: str
) -> None:
    path = written(tmp_path, base_of(cause))
    recipe_files.load(path, [cause])
    with pytest.raises(RecipeError, match="has no effect with"):
        recipe_files.load(path, [cause, value])


@pytest.mark.parametrize(("cause", "value"), [each for each in EACH if base_of(each[0]) is PAIRS])
def test_a_value_of_the_file_that_set_makes_idle_is_left_out_and_said(tmp_path: Path, cause: str, value: str) -> None:
    effective = {
        "optimizer": {"kind": "muon"},
        "training": {"schedule": "wsd", "keep": "ema", "ema": 0.5},
        "data": {"corpora": [{"name": "own"}]},
    }
    said: list[str] = []
    if named(value) not in without_effect(recipe_files.load(written(tmp_path, effective)).model_dump()):
        made = recipe_files.load(written(tmp_path, effective, value), [cause], said.append)
        assert any(line.startswith(f"NOTE: {named(value)} of ") for line in said)
        assert made == recipe_files.load(written(tmp_path, effective), [cause])


def test_the_defaults_written_out_are_no_values_that_were_given(tmp_path: Path) -> None:
    for name in recipe_files.names():
        made = recipe_files.load(name)
        for each in [made, made.on_bundled()] if made.data.bundled else [made]:
            (tmp_path / "shown.toml").write_text(each.to_toml())
            assert each.idle() == {} and recipe_files.load(str(tmp_path / "shown.toml")) == each


def test_what_a_fallback_sets_in_vain_is_refused(tmp_path: Path) -> None:
    base = {"data": {"corpus": "own", "bundled": "phrasebook"}, "optimizer": {"kind": "muon"}}
    for value, why in (
        ("fallback.optimizer.weight_decay=0.1", 'optimizer.weight_decay has no effect with optimizer.kind = "adam"'),
        ("fallback.data.corpus=other", "the bundled corpus in place"),
        ("fallback.model.d_modell=3", r"unknown key model\.d_modell \(did you mean d_model"),
        ("fallback.training.steps=many", r"training\.steps.*'many'"),
        ("fallback.model.n_heads=3", "does not divide"),
    ):
        path = written(tmp_path, base, value, "fallback.optimizer.kind=adam")
        for overrides in ([], ["training.seed=3"]):
            with pytest.raises(RecipeError, match=why):
                recipe_files.load(path, overrides)
    recipe_files.load(written(tmp_path, base, "fallback.optimizer.kind=adam"))


def test_of_a_value_given_twice_the_last_counts_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    overrides = ["training.steps=5", "training.seed=2", " training.steps = 6"]
    assert recipe_files.load(written(tmp_path, PAIRS), overrides, said.append).training.steps == 6
    assert said == ["NOTE: --set training.steps was given 2 times: the last counts"]


@pytest.fixture
def old_run(tmp_path: Path) -> Iterator[Run]:
    """A run whose recipe has values without effect, as an earlier seqx wrote them."""
    run = Run(tmp_path / "run")
    run.path.mkdir()
    values = recipe_files.load(written(tmp_path, PAIRS)).model_dump(exclude_none=True)
    values["data"] |= {"mix_pairs": 40_000, "max_ratio": 4.0, "temperature": 2.0}
    del values["optimizer"]
    values["training"] |= {"optimizer": "adam", "weight_decay": 0.1}
    (run.path / "recipe.toml").write_text(tomli_w.dumps(values))
    (run.path / "run.json").write_text("{}")
    yield run
    shutil.rmtree(run.path)


def test_an_old_run_opens_goes_on_and_is_a_recipe(old_run: Run, tmp_path: Path) -> None:
    assert old_run.recipe().optimizer == Adam()
    made = recipe_files.load(written(tmp_path, PAIRS))
    assert recipe_files.differences(old_run.recipe(), made) == []
    old_run.claim(made)
    path = str(old_run.path / "recipe.toml")
    assert recipe_files.load(path) == made
    with pytest.raises(RecipeError, match=r"--set optimizer\.weight_decay has no effect"):
        recipe_files.load(path, ["optimizer.weight_decay=0.2"])
    shutil.copy(path, tmp_path / "copied.toml")
    with pytest.raises(RecipeError, match=r"weight_decay has no effect with .*; data\.temperature has no effect"):
        recipe_files.load(str(tmp_path / "copied.toml"))
