"""The copy of a language model: what is checked, and what keeps it from being made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq import recipe
from seq2seq.decoding.options import GenerationOptions
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2 import specification
from seq2seq.interop.ctranslate2.specification import DECODER_ONLY
from seq2seq.tasks.language_model_opening import open_generator
from seq2seq.tasks.opening import EngineChoice
from tests.support.finished_generators import CONTEXT, TEXT, add_copy, finished


def test_a_copy_knows_the_context_and_whether_documents_were_learnt(tmp_path: Path) -> None:
    for documents in (1, 3):
        run = finished(tmp_path / str(documents), documents=documents)
        made = add_copy(run, [TEXT])
        copy = copies.read(run.path)
        assert copy is not None and copy.settings.documents == (documents > 1)
        assert copy.settings.positions == CONTEXT and copy.precision == made.precision
        assert made.bytes["int8"] < made.bytes["float32"]
        assert made.nats_per_token["float32"] == pytest.approx(made.nats_per_token["PyTorch"], abs=1e-5)


def test_a_model_that_cannot_be_expressed_says_why_now_and_when_it_is_used(tmp_path: Path) -> None:
    run = finished(tmp_path, activation="squared_relu")
    with pytest.raises(RunError, match=r"keeps the PyTorch engine: .*squared_relu"):
        add_copy(run, [TEXT])
    opened = open_generator(run, EngineChoice(device="cpu"), GenerationOptions())
    assert opened.engine.startswith("PyTorch") and "squared_relu" in opened.missing


def test_a_copy_that_continues_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(model: recipe.Model, weights: dict[str, Any], *rest: Any) -> Any:
        noise = np.random.default_rng(1)
        shaken = {name: weight + noise.normal(0, 0.1, weight.shape).astype("f4") for name, weight in weights.items()}
        return DECODER_ONLY.fill(model, shaken, *rest)

    run = finished(tmp_path)
    monkeypatch.setattr(specification, "DECODER_ONLY", DECODER_ONLY._replace(fill=wrong))
    with pytest.raises(RunError, match=r"keeps the PyTorch engine: CTranslate2 continues .* prompts alike"):
        add_copy(run, [TEXT])
    assert copies.read(run.path) is None and "refused" in run.record()["ctranslate2"]


def test_short_texts_are_checked_on_and_none_is_an_error(tmp_path: Path) -> None:
    run = finished(tmp_path)
    assert add_copy(run, ["ab", "", "a", "cab é"]).prompts == 2
    with pytest.raises(RunError, match="no text to check"):
        add_copy(run, ["", "a"])
