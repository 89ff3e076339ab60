"""What a task tries out while it is learnt."""

from __future__ import annotations

from pathlib import Path

import torch

from seq2seq.data.corpus import Corpus
from seq2seq.data.encoded import encode
from seq2seq.data.tokenizers import Bytes, Tokenizers
from seq2seq.decoding.options import SearchOptions
from seq2seq.device import Numerics
from seq2seq.recipe import files as recipe_files
from seq2seq.tasks import models
from seq2seq.tasks.translation_training import TranslationTraining
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
