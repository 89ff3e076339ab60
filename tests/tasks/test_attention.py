"""What finished runs attend to: for each task, the tokens that its model reads and arrays that fit them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import seq2seq
from seq2seq import device, recipe, tasks
from seq2seq.data import tokenizers
from seq2seq.data.batches import collate
from seq2seq.data.tokenizers import Bytes
from seq2seq.decoding.attention import Attention
from seq2seq.errors import ArgumentError, DataError
from seq2seq.model.scored import Scored
from seq2seq.run import Run
from seq2seq.storage.tensors import save_weights, weights_of
from seq2seq.tasks import models
from tests.support import finished_generators, finished_translators
from tests.support.attention_by_hand import ByHand
from tests.support.fakes import randomise, tiny_recipe

CPU = device.choose("cpu", "float32").numerics


def finished(folder: Path, task: str, architecture: str = "decoder-only", **sections: Any) -> Run:
    """A finished run of a task, of random weights and byte tokens."""
    folder.mkdir()
    start = {"start": {"task": sections.pop("base")}} if "base" in sections else {}
    wanted = recipe.Recipe.model_validate(
        {
            "name": "tiny",
            "task": task,
            "data": {"max_length": 48, "corpus": "own"},
            "training": {"metric": "bleu" if task == "translation" else "accuracy" if task == "reward" else "loss"},
            "tokenizer": {"kind": "byte"},
            "model": tiny_recipe(architecture=architecture, max_length=64, norm="pre").model_dump(),
            **start,
            **sections,
        }
    )
    run = Run(folder)
    run.claim(wanted)
    tokenizers.save(Bytes(), folder)
    both = models.read_tokenizers(wanted, folder)
    save_weights(weights_of(randomise(tasks.of(wanted).model(both))), run.weights)
    run.note(finished={"step": 1})
    return run


def attends(run: Run, text: str, target: str | None = None) -> Attention:
    found = tasks.of(run.recipe()).served().attention(run, CPU)(text, target)
    for each in found.maps:
        shape = len(each.queries), len(each.keys)
        assert each.mask.shape == shape and each.mask.dtype == np.bool_
        assert len(each.predicted) in (0, shape[0])
        for layer in each.layers:
            assert layer.dtype == np.float32 and layer.shape == (2, *shape)
            assert np.abs(layer.sum(-1) - 1).max() < 1e-6 and (layer[:, ~each.mask] == 0).all()
    return found


@pytest.fixture
def translator(tmp_path: Path) -> Run:
    return finished_translators.finished(tmp_path)


def test_a_translator_looks_at_its_source_and_at_what_it_wrote(translator: Run) -> None:
    found = attends(translator, "to be", "why not")
    assert found.text == "to be" and found.output == "why not"
    assert found.encoder and found.decoder and found.cross
    assert found.encoder.queries == found.encoder.keys == found.cross.keys == (*"to be", "</s>")
    assert found.decoder.queries == found.decoder.keys == found.cross.queries == ("<s>", *"why not")
    assert found.cross.predicted == found.decoder.predicted == (*"why not", "</s>")
    assert found.encoder.mask.all() and found.cross.mask.all()
    assert (found.decoder.mask == np.tri(8, dtype=bool)).all()
    assert [len(each.layers) for each in found.maps] == [2, 2, 2]
    assert [each.kind for each in found.maps] == ["cross", "decoder", "encoder"]


def test_the_numbers_are_those_of_the_weights_by_hand(translator: Run) -> None:
    found = attends(translator, "to be", "why not")
    model, both = models.trained_model(translator, torch.device("cpu"))
    batch = collate(both.source.encode(["to be"]), both.target.encode(["why not"]))
    source, target = (part[0].tolist() for part in (batch.inputs[0], batch.inputs[2]) if part is not None)
    hand = ByHand(translator.recipe().model, {name: weight.numpy() for name, weight in model.state_dict().items()})
    hand.decode(target, hand.encode(source, "encoder.", "source_embedding.weight", causal=False))
    assert found.encoder and found.decoder and found.cross
    between = [layer for pair in zip(found.decoder.layers, found.cross.layers) for layer in pair]
    for own, expected in zip((*found.encoder.layers, *between), hand.attention, strict=True):
        assert np.abs(own - expected).max() < 1e-6


def test_a_translator_writes_its_own_translation_by_default(translator: Run) -> None:
    found = attends(translator, "to be")
    assert found.output == seq2seq.load(translator.path, engine="torch", precision="float32").translate("to be")
    assert found.cross and "".join(found.cross.predicted[:-1]) == found.output


def test_a_decoder_only_translator_reads_both_sides_as_one(tmp_path: Path) -> None:
    run = finished_translators.finished(tmp_path, architecture="decoder-only")
    found = attends(run, "to be", "why")
    assert found.decoder and not found.encoder and not found.cross
    assert found.decoder.queries == (*"to be", "<s>", *"why")
    assert found.decoder.predicted == (*[""] * 5, *"why", "</s>")


def test_a_language_model_looks_back(tmp_path: Path) -> None:
    run = finished_generators.finished(tmp_path)
    found = attends(run, "ab", " cab")
    assert found.decoder and found.maps == (found.decoder,) and found.output == " cab"
    assert found.decoder.keys == tuple("ab cab") and found.decoder.predicted == (*"b cab", "")
    assert (found.decoder.mask == np.tri(6, dtype=bool)).all()
    assert attends(run, "ab cab").decoder.layers[0] == pytest.approx(found.decoder.layers[0])  # type: ignore[union-attr]
    nothing = attends(run, "").decoder
    assert nothing and len(nothing.keys) == 1


def test_a_model_of_conversations_looks_at_the_question_from_its_answer(tmp_path: Path) -> None:
    run = finished(tmp_path / "run", "conversation", base="language-model")
    found = attends(run, "ab", "c")
    assert found.decoder and found.decoder.queries == ("<0x61>", "<0x62>", "<s>", "<0x63>")
    assert found.decoder.predicted == ("", "", "<0x63>", "</s>")
    own = attends(run, "ab")
    assert own.decoder and own.decoder.queries[:3] == ("<0x61>", "<0x62>", "<s>")


def test_encoders_look_everywhere(trained_classifier: Path, tmp_path: Path) -> None:
    classifier = Run(trained_classifier)
    found = attends(classifier, "one red cat")
    assert found.encoder and found.maps == (found.encoder,) and found.encoder.mask.all()
    assert found.encoder.keys == (*"one red cat", "</s>") and found.encoder.predicted == ()
    assert found.output == seq2seq.load(trained_classifier).classify("one red cat").label  # type: ignore[union-attr]
    masked = finished(tmp_path / "masked", "masked-language-model", "encoder-only")
    read = attends(masked, "ab").encoder
    assert read and read.keys == ("<0x61>", "<0x62>", "</s>")


def test_a_text_that_cannot_be_read_is_an_error(translator: Run, trained_classifier: Path, tmp_path: Path) -> None:
    for text, target in (("", None), ("a", ""), ("", "a")):
        with pytest.raises(DataError, match="blank text"):
            attends(translator, text, target)
    for text, target in (("a " * 24, None), ("a", "a " * 24)):
        with pytest.raises(DataError, match="48 tokens long, and the model reads 47 at once"):
            attends(translator, text, target)
    with pytest.raises(DataError, match="blank text"):
        attends(Run(trained_classifier), "")
    (tmp_path / "gpt").mkdir()
    with pytest.raises(DataError, match="17 tokens long, and the model reads 16"):
        attends(finished_generators.finished(tmp_path / "gpt"), "a" * 17)


def test_the_library_shows_the_same(translator: Run, trained_classifier: Path) -> None:
    loaded: Any = seq2seq.load(translator.path)
    found, same = loaded.attention("to be", "why not"), attends(translator, "to be", "why not")
    assert found.record() == same.record() and found.cross.layers[1][0].shape == (8, 6)
    with pytest.raises(ArgumentError, match="give one text"):
        loaded.attention(["to be"])
    with pytest.raises(DataError, match="judges one text: leave out the target"):
        seq2seq.load(trained_classifier).attention("one", "two")


def test_a_mean_is_that_of_layers_and_heads(translator: Run) -> None:
    cross = attends(translator, "to be", "why not").cross
    assert cross is not None
    assert np.allclose(cross.weights(), np.mean([layer.mean(0) for layer in cross.layers], axis=0))
    assert np.allclose(cross.weights(2), cross.layers[1].mean(0))
    assert np.array_equal(cross.weights(1, 2), cross.layers[0][1])
    assert np.allclose(cross.weights(head=1), (cross.layers[0][0] + cross.layers[1][0]) / 2)


def test_a_record_holds_all_that_there_is(translator: Run) -> None:
    found = attends(translator, "to be", "why")
    record = found.record()
    assert [each["kind"] for each in record["maps"]] == ["cross", "decoder", "encoder"]
    for own, each in zip(record["maps"], found.maps, strict=True):
        assert np.allclose(np.array(own["layers"]), np.array(each.layers), atol=1e-6)
        assert own["mask"] == each.mask.tolist() and own["queries"] == list(each.queries)


def test_a_reward_model_looks_at_what_it_values(tmp_path: Path) -> None:
    run = finished(tmp_path / "run", "reward", base="translation", comparisons={"rater": "chrf"})
    assert isinstance(tasks.of(run.recipe()).trained(run, torch.device("cpu")), Scored)
    found = attends(run, "ab", "c")
    assert found.decoder and found.output.startswith("c (") and len(found.decoder.keys) == 4
    with pytest.raises(DataError, match="values a completion: give it as the target"):
        attends(run, "ab")
