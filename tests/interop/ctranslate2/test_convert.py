"""A run's copy for CTranslate2: the model it holds, how it is tied to the run, and what keeps it from being made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
import torch

from seq2seq import recipe
from seq2seq.data.tokenizers import SPECIAL, Bytes, Characters
from seq2seq.decoding.translation.torch import TorchEngine
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2 import specification
from seq2seq.interop.ctranslate2.convert import vocabulary
from seq2seq.interop.ctranslate2.specification import DECODER_ONLY, ENCODER_DECODER
from seq2seq.storage.tensors import weights_of
from seq2seq.tasks import models
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from tests.support.fakes import randomise, tiny_recipe
from tests.support.finished_translators import SENTENCES, add_copy, finished


@pytest.fixture
def run(tmp_path: Path) -> Any:
    made = finished(tmp_path / "run")
    add_copy(made, SENTENCES)
    return made


@pytest.mark.parametrize(
    "changes",
    [
        {"normalization": "rms", "bias": False, "norm": "pre"},
        {"normalization": "rms", "bias": False},
        {"bias": False, "activation": "gelu"},
        {"tie": "target", "norm": "pre"},
    ],
    ids=str,
)
def test_the_specification_has_the_models_probabilities(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = tiny_recipe(**changes)
    words = vocabulary(Characters("abcdefgh"))
    made = randomise(
        models.model(
            recipe.Recipe(data=recipe.Data(max_length=8), model=model, tokenizer=recipe.Tokenizer(kind="character")),
            len(words),
            len(words),
        ),
        0.3,
    )
    weights = {name: weight.numpy() for name, weight in weights_of(made).items()}
    spec = ENCODER_DECODER.specification(model, weights, words, words, 20)
    spec.save(str(tmp_path))
    sources, targets = [[4, 5, 6], [7, 8, 9, 10, 11]], [[5, 5, 9, 8], [6]]
    plain = TorchEngine(made, Numerics(torch.device("cpu"), None)).score(sources, targets, 0.6)
    found = ctranslate2.Translator(str(tmp_path), compute_type="float32").score_batch(
        *([[words[token] for token in tokens] for tokens in side] for side in (sources, targets))
    )
    for one, other in zip(found, plain, strict=True):
        assert one.log_probs == pytest.approx(other.token_scores, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": "squared_relu"}, "model.activation = squared_relu"),
        ({"activation": "swiglu"}, "model.activation = swiglu"),
        ({"qk_norm": True}, "model.qk_norm"),
        ({"positions": "rotary"}, "model.positions = rotary"),
        ({"qk_norm": True, "positions": "rotary", "architecture": "decoder-only"}, ""),
        ({}, ""),
    ],
)
def test_what_cannot_be_expressed_is_said_in_a_line(changes: dict[str, Any], reason: str) -> None:
    model = tiny_recipe(**changes)
    conversion = DECODER_ONLY if model.architecture == "decoder-only" else ENCODER_DECODER
    found = conversion.inexpressible(model)
    assert reason in found and bool(reason) == bool(found) and "\n" not in found


def test_a_run_that_cannot_be_copied_says_why_now_and_when_it_is_used(tmp_path: Path) -> None:
    run = finished(tmp_path, activation="squared_relu")
    with pytest.raises(RunError, match=r"keeps the PyTorch engine: .*squared_relu"):
        add_copy(run, SENTENCES)
    assert not (tmp_path / copies.FOLDER).exists()
    opened = open_translator(run, EngineChoice(device="cpu"))
    assert opened.engine.startswith("PyTorch") and "squared_relu" in opened.missing
    with pytest.raises(RunError, match="squared_relu"):
        open_translator(run, EngineChoice(engine="ctranslate2"))


def test_a_copy_is_put_on_record_and_serves(run: Any) -> None:
    noted = run.record()["ctranslate2"]
    assert noted["sentences"] == len(SENTENCES) == noted["same_greedy"] and noted["score_difference"] < 1e-4
    assert noted["bytes"]["int8"] < noted["bytes"]["float32"] and set(noted["bleu"]) == {"float32", "int8"}
    assert {path.name for path in (run.path / "ctranslate2").iterdir()} == {"copy.json", "float32", "int8"}
    assert not [path for path in run.path.iterdir() if path.name.startswith(".ctranslate2")]
    opened = open_translator(run, EngineChoice())
    assert opened.engine.startswith("CTranslate2, ") and not opened.missing and opened.source == "fr"
    plain = open_translator(run, EngineChoice(engine="torch", device="cpu", precision="float32"))
    exact = open_translator(run, EngineChoice(precision="float32", token_scores=True))
    texts = ["abc", "", "to be or not to be, that is the question. " * 3]
    for one, other in zip(exact.translator.translate(texts), plain.translator.translate(texts), strict=True):
        assert one.text == other.text and one.parts == other.parts
        assert one.outputs[0].score == pytest.approx(other.outputs[0].score, abs=1e-4)
        assert one.outputs[0].log_probability == pytest.approx(other.outputs[0].log_probability, abs=1e-3)


def test_weights_that_are_not_those_of_the_copy_are_refused(run: Any, tmp_path: Path) -> None:
    other = finished(tmp_path / "other", seed=2)
    assert other.weights.stat().st_size == run.weights.stat().st_size
    shutil.copy(other.weights, run.weights)
    assert copies.read(run.path) is None
    with pytest.raises(
        RunError, match=r"model\.safetensors is missing or damaged .*; if the change is intended, delete .*run/ct"
    ):
        open_translator(run, EngineChoice(device="cpu"))
    shutil.rmtree(run.path / "ctranslate2")
    opened = open_translator(run, EngineChoice(device="cpu"))
    assert opened.engine.startswith("PyTorch") and "has no CTranslate2 copy" in opened.missing


@pytest.mark.parametrize("name", ["recipe.toml", "tokenizer.json"])
def test_a_copy_of_another_recipe_or_tokenizer_is_not_used(run: Any, name: str) -> None:
    path = run.path / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert copies.read(run.path) is None


def test_a_run_that_was_only_moved_keeps_its_copy(run: Any, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(run.path, moved)
    os.utime(moved / "model.safetensors", (1, 1))
    assert copies.read(moved) is not None


def test_a_damaged_record_says_what_to_do(run: Any) -> None:
    (run.path / "ctranslate2" / "copy.json").write_text('{"format": 1}')
    with pytest.raises(RunError, match=r"copy\.json is damaged .*seqx export --run"):
        copies.read(run.path)


def test_a_copy_that_translates_otherwise_is_refused_and_the_former_stays(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = json.loads((run.path / "ctranslate2" / "copy.json").read_text())

    def wrong(model: recipe.Model, weights: dict[str, Any], *rest: Any) -> Any:
        noise = np.random.default_rng(1)
        shaken = {name: weight + noise.normal(0, 0.1, weight.shape).astype("f4") for name, weight in weights.items()}
        return ENCODER_DECODER.fill(model, shaken, *rest)

    monkeypatch.setattr(specification, "ENCODER_DECODER", ENCODER_DECODER._replace(fill=wrong))
    with pytest.raises(RunError, match="keeps the PyTorch engine: CTranslate2 translates"):
        add_copy(run, SENTENCES)
    assert json.loads((run.path / "ctranslate2" / "copy.json").read_text()) == former
    assert not [path for path in run.path.iterdir() if path.name.startswith(".ctranslate2")]


def test_exporting_again_takes_the_place_of_the_copy(run: Any) -> None:
    (run.path / "ctranslate2" / "former").touch()
    add_copy(run, SENTENCES)
    assert copies.read(run.path) is not None and not (run.path / "ctranslate2" / "former").exists()


@pytest.mark.parametrize("tokenizer", [Bytes(), Characters("ab\n\x00<\ud800"), Characters("\ufffd<>s/")])
def test_the_words_of_a_vocabulary_are_all_different(tokenizer: Any) -> None:
    words = vocabulary(tokenizer)
    assert len(words) == len(set(words)) == tokenizer.size and tuple(words[:4]) == SPECIAL


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (EngineChoice(precision="bfloat16", engine="ctranslate2"), "not --precision bfloat16"),
        (EngineChoice(device="mps", engine="ctranslate2"), "no --device mps"),
        (EngineChoice(precision="int8", engine="torch"), "not --precision int8"),
    ],
)
def test_what_an_engine_lacks_is_refused_by_name(run: Any, request_: EngineChoice, message: str) -> None:
    with pytest.raises(RunError, match=message):
        open_translator(run, request_)
