"""The copy of a model, by CTranslate2, against the model itself, by PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.data.tokenizers import BOS, PAD
from seq2seq.decoding.options import Sampling, SearchOptions
from seq2seq.decoding.translation.engine import Engine
from seq2seq.device import Numerics
from seq2seq.errors import DeviceError, RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2 import loading
from seq2seq.interop.ctranslate2.engine import load
from seq2seq.interop.ctranslate2.loading import choose_device
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights, save_weights
from seq2seq.tasks import models
from tests.support.finished_translators import SENTENCES, add_copy, finished

VARIANTS: dict[str, dict[str, Any]] = {
    "the paper's": {},
    "pre-norm": {"norm": "pre"},
    "nothing tied": {"joint": False},
    "gelu": {"activation": "gelu"},
    "learned positions": {"positions": "learned"},
    "unscaled embeddings": {"scale_embedding": False},
    "decoder-only": {"architecture": "decoder-only", "norm": "pre", "decoder_layers": 3},
    "decoder-only, learned, gelu": {"architecture": "decoder-only", "positions": "learned", "activation": "gelu"},
    "decoder-only, rotary, qk-norm": {
        "architecture": "decoder-only",
        "norm": "pre",
        "positions": "rotary",
        "qk_norm": True,
    },
}
SOURCES = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 10], [11], [12, 13, 14, 15, 16, 17], [20, 19, 18]]


def engines(run: Run) -> tuple[Engine, Engine]:
    """CTranslate2 in float32, and PyTorch."""
    copy = copies.read(run.path)
    assert copy is not None
    cpu = torch.device("cpu")
    model, _ = models.trained_model(run, cpu)
    plain = models.architecture(run.recipe()).engine(model, Numerics(cpu, None))
    return load(copy, "float32", "cpu", 1), plain


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Engine]:
    run = finished(tmp_path_factory.mktemp("run"), **VARIANTS[request.param])
    add_copy(run, SENTENCES)
    return engines(run)


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_the_best_output_is_the_pytorch_engines(pair: tuple[Engine, Engine], beam_size: int, alpha: float) -> None:
    fast, plain = pair
    options = SearchOptions(beam_size, alpha, max_extra=6)
    for one, other in zip(fast.translate(SOURCES, options), plain.translate(SOURCES, options), strict=True):
        assert one[0].tokens == other[0].tokens
        assert one[0].score == pytest.approx(other[0].score, abs=1e-4)
        assert one[0].token_scores == pytest.approx(other[0].token_scores, abs=1e-4)


def test_given_outputs_have_the_pytorch_engines_scores(pair: tuple[Engine, Engine]) -> None:
    fast, plain = pair
    targets = [[4, 5, 6, 7], [8], [9, 10, 11], [], [5, 5]]
    for one, other in zip(fast.score(SOURCES, targets, 0.6), plain.score(SOURCES, targets, 0.6), strict=True):
        assert one.tokens == other.tokens
        assert one.token_scores == pytest.approx(other.token_scores, abs=1e-4)
        assert one.score == pytest.approx(other.score, abs=1e-4)


def test_scores_without_those_of_tokens_are_nearly_the_same(pair: tuple[Engine, Engine]) -> None:
    fast, _ = pair
    with_tokens = fast.translate(SOURCES, SearchOptions(4, 0.6, n_best=3, max_extra=6))
    without = fast.translate(SOURCES, SearchOptions(4, 0.6, n_best=3, max_extra=6, token_scores=False))
    for one, other in zip(with_tokens, without, strict=True):
        assert [each.tokens for each in one] == [each.tokens for each in other] and len(one) == 3
        assert [each.score for each in one] == pytest.approx([each.score for each in other], abs=1e-3)
        assert all(len(each.token_scores) == len(each.tokens) + 1 for each in one)
        assert not any(each.token_scores for each in other)


def test_no_output_passes_its_own_sources_limit(pair: tuple[Engine, Engine]) -> None:
    fast, plain = pair
    for options in (
        SearchOptions(4, 0.6, max_extra=1),
        SearchOptions(1, 0.6, max_extra=1),
        SearchOptions(4, 0.6, n_best=4, max_extra=1),
    ):
        found, expected = fast.translate(SOURCES, options), plain.translate(SOURCES, options)
        for source, group, other in zip(SOURCES, found, expected, strict=True):
            assert 1 <= len(group) <= options.n_best
            assert all(len(each.tokens) <= len(source) + 1 for each in group)
            assert group[0].score <= other[0].score + 1e-4  # no better than the best that may be


def test_a_batch_gives_what_its_sentences_give_alone(pair: tuple[Engine, Engine]) -> None:
    fast, _ = pair
    options = SearchOptions(4, 0.6, n_best=2, max_extra=6)
    for source, group in zip(SOURCES, fast.translate(SOURCES, options), strict=True):
        (alone,) = fast.translate([source], options)
        assert [each.tokens for each in alone] == [each.tokens for each in group]
        assert [each.score for each in alone] == pytest.approx([each.score for each in group], abs=1e-5)


@pytest.mark.parametrize("alone", [False, True])
def test_a_model_that_prefers_what_no_text_holds_writes_none_of_it(tmp_path: Path, alone: bool) -> None:
    run = finished(tmp_path, seed=2, **(VARIANTS["decoder-only"] if alone else {}))
    weights = read_weights(run.weights)
    weights["embedding.weight" if alone else "target_embedding.weight"][[PAD, BOS], 0] = 30.0
    save_weights(weights, run.weights)
    add_copy(run, SENTENCES)
    fast, plain = engines(run)
    options = SearchOptions(1, 0.6, max_extra=6)
    found = [group[0].tokens for group in fast.translate(SOURCES, options)]
    assert found == [group[0].tokens for group in plain.translate(SOURCES, options)]
    assert not {PAD, BOS} & {token for tokens in found for token in tokens}


def test_drawing_at_random_is_refused(pair: tuple[Engine, Engine]) -> None:
    with pytest.raises(RunError, match="--engine torch"):
        pair[0].translate(SOURCES, SearchOptions(sampling=Sampling()))


@pytest.mark.parametrize("name", ["mps", "cpu:1", "cuda:x", "cuda:99"])
def test_a_device_that_ctranslate2_lacks_is_named(name: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {name}"):
        choose_device(name)


def test_a_damaged_copy_says_what_to_do(tmp_path: Path) -> None:
    run = finished(tmp_path)
    add_copy(run, SENTENCES)
    copy = copies.read(run.path)
    assert copy is not None
    (copy.model("int8") / "model.bin").write_bytes(b"nothing")
    with pytest.raises(RunError, match="seqx export --run"):
        load(copy, "int8", "cpu", 1)


def test_a_copy_is_opened_with_one_reading_of_each_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path, joint=False)
    add_copy(run, SENTENCES)
    copy = copies.read(run.path)
    assert copy is not None
    read: list[str] = []
    plain = loading.read_words

    def recorded(path: Path) -> list[str]:
        read.append(path.name)
        return plain(path)

    monkeypatch.setattr(loading, "read_words", recorded)
    load(copy, "float32", "cpu", 1)
    assert sorted(read) == ["source_vocabulary.json", "target_vocabulary.json"]


def test_the_engine_does_without_torch() -> None:
    modules = "seq2seq.interop.ctranslate2.engine, seq2seq.tasks.translation_opening"
    check = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[3]).returncode == 0
