"""What a task tries out while it is learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from seq2seq.data.corpus import Corpus
from seq2seq.data.encoded import encode
from seq2seq.data.tokenizers import Bytes, Tokenizers, train
from seq2seq.decoding.options import SearchOptions
from seq2seq.device import Numerics
from seq2seq.recipe import Noise
from seq2seq.recipe import files as recipe_files
from seq2seq.tasks import models
from seq2seq.tasks.translation_training import TranslationTraining, batches
from seq2seq.training.overfitting import for_overfitting
from tests.support import tiny
from tests.support.fakes import randomise
from tests.support.samples import text

CPU = Numerics(torch.device("cpu"), None)
RECIPE = tiny.RECIPE.replace("[model]\n", '[model]\narchitecture = "decoder-only"\n').replace(
    "max_length = 32\n[tokenizer]\n", 'max_length = 16\n[tokenizer]\nkind = "byte"\n'
)


def test_dev_sentences_are_translated_as_they_will_be(tmp_path: Path) -> None:
    """A decoder-only model reads both sides: what is over half of its window is cut, in serving and in validation;
    sentences are translated one by one where the training text held single ones."""
    wanted = recipe_files.parse(RECIPE, "tiny")
    both = Tokenizers(*[Bytes()] * 2)
    pairs = encode([text(tiny.pairs(20, 1))], both, tmp_path, max_length=99, max_ratio=9.0, language="fr")
    dev = [("un chat rouge deux chien", "one cat red two dog"), ("Un chat. Un chien.", "One cat. One dog.")] * 4
    model = randomise(models.model(wanted, both.source.size, both.target.size))
    corpus = Corpus("sample", "files", (text(dev),), text(dev), text(dev))
    samples = TranslationTraining(wanted, both, pairs, corpus).validate(model, CPU).samples
    options = SearchOptions(beam_size=1, max_extra=wanted.decoding.max_extra)

    def served(longest: int, lines: list[str]) -> list[str]:
        translator = models.translating(
            models.architecture(wanted).engine(model, CPU), CPU.device, both, options, longest
        )
        return [translation.text for translation in translator.translate(lines)]

    found = {sample.source: sample.output for sample in samples}
    assert found[dev[0][0]] == served(models.longest_source(wanted), [dev[0][0]])[0]
    assert found[dev[0][0]] != served(wanted.model.max_length, [dev[0][0]])[0]
    assert found[dev[1][0]] == " ".join(served(models.longest_source(wanted), ["Un chat.", "Un chien."]))


def test_a_tag_that_the_tokenizer_normalises_stays_without_noise(tmp_path: Path) -> None:
    wanted = recipe_files.parse(
        tiny.RECIPE.replace("[tokenizer]", "[data.noise]\nupper_case = 0.999\n[tokenizer]"), "tiny"
    )
    source = replace(text(tiny.pairs(60, 1)), tag="<№1>")
    corpus = Corpus("sample", "files", (source,), source, source)
    joint = train(wanted.tokenizer, (source.tagged(side) for pair in source.read() for side in pair))
    both = Tokenizers(joint, joint)
    encoded = encode(corpus.train, both, tmp_path, max_length=99, max_ratio=9.0)
    _, batch = next(batches(wanted, encoded, both, corpus).stream())
    sources = joint.decode(batch.inputs[0].tolist())
    assert any("CHIEN" in noisy for noisy in sources)
    assert all(noisy.startswith("<No1> ") for noisy in sources)


def test_what_is_overfitted_has_no_noise() -> None:
    noisy = recipe_files.load("fr-en-general")
    assert noisy.data.noise != Noise() == for_overfitting(noisy).data.noise
