"""The copy of a classifier: what it computes, against PyTorch, and what keeps it from being made or used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq import recipe
from seq2seq.device import bfloat16
from seq2seq.errors import DeviceError, RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2 import specification
from seq2seq.interop.ctranslate2.specification import ENCODER_ONLY
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights, save_weights
from seq2seq.tasks.classification_opening import OpenedClassifier, open_classifier
from seq2seq.tasks.opening import EngineChoice
from tests.support.finished_classifiers import CLASSES, LETTERS, LONGEST, TEXTS, add_copy, finished
from tests.support.hostile_folders import copy_array

VARIANTS: dict[str, dict[str, Any]] = {
    "the paper's": {},
    "pre-norm": {"norm": "pre"},
    "first token": {"pooling": "first", "norm": "pre"},
    "gelu, learned positions": {"activation": "gelu", "positions": "learned"},
    "rms, no bias": {"normalization": "rms", "bias": False, "norm": "pre"},
    "rotary, qk-norm": {"positions": "rotary", "qk_norm": True, "norm": "pre"},
    "unscaled embeddings": {"scale_embedding": False, "pooling": "first"},
    "two texts": {"text": "text_a,text_b"},
}
FAST, PLAIN = EngineChoice("ctranslate2", "float32", "cpu"), EngineChoice("torch", "float32", "cpu")


def lines(opened: OpenedClassifier) -> list[tuple[str, ...]]:
    return [(text, *[TEXTS[-1 - number]] * (opened.texts - 1)) for number, text in enumerate(TEXTS)]


def probabilities(opened: OpenedClassifier) -> Any:
    return opened.classifier.probabilities(lines(opened))[0]


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = finished(tmp_path_factory.mktemp("run"), **VARIANTS[request.param])
    add_copy(made)
    return made


def test_it_gives_the_probabilities_of_pytorch(run: Run) -> None:
    fast, plain = open_classifier(run, FAST), open_classifier(run, PLAIN)
    assert (fast.engine, fast.texts) == ("CTranslate2, float32, cpu", plain.texts)
    assert fast.classifier.classes == CLASSES == plain.classifier.classes
    np.testing.assert_allclose(probabilities(fast), probabilities(plain), atol=1e-5)
    assert probabilities(plain).std(0).max() > 0.02  # the texts differ
    one, other = (opened.classifier.classify(lines(opened)) for opened in (fast, plain))
    assert [(each.label, each.cut) for each in one] == [(each.label, each.cut) for each in other]
    assert one[-1].cut and not one[2].cut


def test_a_text_beside_others_has_the_probabilities_that_it_has_alone(run: Run) -> None:
    fast = open_classifier(run, FAST)
    alone = [fast.classifier.probabilities([each])[0][0] for each in lines(fast)]
    np.testing.assert_allclose(probabilities(fast), alone, atol=1e-6)


def test_threads_change_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    one = probabilities(open_classifier(run, FAST))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    threaded = open_classifier(run, FAST)
    many = lines(threaded) * 100
    found = threaded.classifier.probabilities(many)[0]
    np.testing.assert_allclose(found, np.tile(one, (100, 1)), atol=1e-6)


def test_a_copy_is_put_on_record(tmp_path: Path) -> None:
    run = finished(tmp_path)
    verified = add_copy(run, [*TEXTS, "", " "])
    assert verified.texts == len(TEXTS) == verified.same["float32"] and verified.difference < 1e-5
    assert verified.bytes["int8"] < verified.bytes["float32"] and run.record()["ctranslate2"]["same"] == verified.same
    copy = copies.read(run.path)
    assert copy is not None and copy.precision == verified.precision and f"of {len(TEXTS)} texts" in str(verified)
    assert (copy.settings.pooling, copy.settings.texts, copy.settings.longest) == ("mean", 1, LONGEST)
    assert open_classifier(run, EngineChoice(device="cpu")).engine == f"CTranslate2, {copy.precision}, cpu"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": "squared_relu"}, "squared_relu"),
        ({"activation": "swiglu"}, "swiglu"),
        ({"architecture": "decoder-only", "norm": "pre"}, "CTranslate2 gives no states of the layers of a GPT"),
    ],
)
def test_what_cannot_be_copied_says_why_now_and_when_it_is_used(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    run = finished(tmp_path, **changes)
    with pytest.raises(RunError, match=f"keeps the PyTorch engine: .*{reason}"):
        add_copy(run)
    assert not (tmp_path / copies.FOLDER).exists()
    opened = open_classifier(run, EngineChoice(device="cpu"))
    assert opened.engine.startswith("PyTorch") and reason in opened.missing
    with pytest.raises(RunError, match=reason):
        open_classifier(run, EngineChoice(engine="ctranslate2"))


def test_a_copy_with_other_probabilities_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(model: recipe.Model, weights: dict[str, Any], *rest: Any) -> Any:
        noise = np.random.default_rng(1)
        shaken = {name: weight + noise.normal(0, 0.1, weight.shape).astype("f4") for name, weight in weights.items()}
        return ENCODER_ONLY.fill(model, shaken, *rest)

    run = finished(tmp_path)
    monkeypatch.setattr(specification, "ENCODER_ONLY", ENCODER_ONLY._replace(fill=wrong))
    with pytest.raises(RunError, match=r"keeps the PyTorch engine: CTranslate2 gives \d of 7 texts the same class"):
        add_copy(run)
    assert copies.read(run.path) is None and "refused" in run.record()["ctranslate2"]


def test_without_a_text_nothing_is_checked(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no text to check a CTranslate2 copy on"):
        add_copy(finished(tmp_path), ["", " "])


def test_a_model_that_gives_no_number_is_an_error(tmp_path: Path) -> None:
    run = finished(tmp_path)
    weights = read_weights(run.weights)
    save_weights({**weights, "head.bias": torch.full((len(CLASSES),), torch.nan)}, run.weights)
    with pytest.raises(RunError, match="diverged"):
        add_copy(run)
    with pytest.raises(RunError, match="diverged"):
        open_classifier(run, PLAIN).classifier.classify([("abc",)])


def damaged(name: str) -> Any:
    """A file of the copy, some of whose bytes are zeros."""

    def change(path: Path) -> None:
        whole = bytearray((path / "ctranslate2" / "float32" / name).read_bytes())
        middle = len(whole) // 2
        whole[middle : middle + 20] = bytes(20)
        (path / "ctranslate2" / "float32" / name).write_bytes(whole)

    return change


def of_other_classes(path: Path) -> None:
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**record, "classes": ["one", "two"]}))


def of_another_kind(path: Path) -> None:
    record = json.loads((path / "ctranslate2" / "copy.json").read_text())
    record["settings"]["pooling"] = ""
    del record["sha256"]
    (path / "ctranslate2" / "copy.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (damaged("model.bin"), r"float32/model\.bin: its checksum has changed"),
        (damaged("head.safetensors"), r"float32/head\.safetensors: its checksum has changed"),
        (lambda path: (path / "ctranslate2/float32/head.safetensors").unlink(), r"No such file.*head\.safetensors"),
        (lambda path: (path / "ctranslate2/float32/head.safetensors").write_bytes(b"x"), "is damaged"),
        (of_other_classes, "where 2 classes fit"),
        (of_another_kind, "cannot be used by CTranslate2"),
        (copy_array("encoder/embeddings_0/weight", [20, 16]), rf"\(20, 16\), where \({LETTERS.size}, 16\) fits"),
        (copy_array("encoder/layer_1/ffn/linear_0/weight", [24, 8]), r"where \(24, 16\) fits"),
    ],
)
def test_a_damaged_copy_is_noticed_and_pytorch_does_without(tmp_path: Path, change: Any, words: str) -> None:
    run = finished(tmp_path / "run")
    add_copy(run)
    change(run.path)
    with pytest.raises(RunError, match=rf"(?s){words}.*`seqx export --run .*--engine torch does without"):
        open_classifier(run, FAST)
    if change is not of_other_classes:
        assert open_classifier(run, PLAIN).classifier.classify([("abc",)])[0].label in CLASSES


def test_a_copy_of_other_weights_is_not_used(tmp_path: Path) -> None:
    run = finished(tmp_path)
    add_copy(run)
    (tmp_path / "recipe.toml").write_text((tmp_path / "recipe.toml").read_text() + "\n")
    opened = open_classifier(run, EngineChoice(device="cpu"))
    assert opened.engine.startswith("PyTorch") and "a CTranslate2 copy of other weights" in opened.missing


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (EngineChoice(precision="bfloat16", engine="ctranslate2"), "not --precision bfloat16"),
        (EngineChoice(device="mps", engine="ctranslate2"), "no --device mps"),
        (EngineChoice(precision="int8", engine="torch"), "not --precision int8"),
    ],
)
def test_what_an_engine_lacks_is_refused_by_name(tmp_path: Path, choice: EngineChoice, message: str) -> None:
    run = finished(tmp_path)
    add_copy(run)
    with pytest.raises(RunError, match=message):
        open_classifier(run, choice)


def test_bfloat16_is_pytorchs_where_the_processor_has_it(tmp_path: Path) -> None:
    run, choice = finished(tmp_path), EngineChoice(precision="bfloat16", device="cpu")
    add_copy(run)
    if bfloat16(torch.device("cpu"))[0]:
        opened = open_classifier(run, choice)
        assert opened.engine.startswith("PyTorch") and not opened.missing
    else:
        with pytest.raises(DeviceError, match="no fast bfloat16"):
            open_classifier(run, choice)


def test_the_engine_does_without_torch() -> None:
    modules = "seq2seq.interop.ctranslate2.classifier, seq2seq.tasks.classification_opening"
    check = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[3]).returncode == 0
