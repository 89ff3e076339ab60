"""seqx itself: its training loop on its batches; its translator on CTranslate2."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from seq2seq import device, recipe
from seq2seq.data import tokenizers
from seq2seq.data.corpus import Corpus
from seq2seq.data.encoded import encode
from seq2seq.data.pairs import file_pair
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.run import Run
from seq2seq.tasks import models, translation_training
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from seq2seq.training import objective, optimisers, schedule
from seq2seq.training.loop import train as updates
from tests.benchmarks.peers.setting import Done, Setting, Translate


def train(setting: Setting, done: Done) -> None:
    wanted = recipe.Recipe(
        tokenizer=recipe.Tokenizer(vocabulary_size=setting.vocabulary),
        model=recipe.Model(
            d_model=setting.d_model, d_ff=setting.d_ff, n_heads=setting.heads, encoder_layers=setting.layers,
            decoder_layers=setting.layers, dropout=setting.dropout,
        ),
        training=recipe.Training(
            batch_tokens=setting.batch_tokens, label_smoothing=setting.label_smoothing,
            learning_rate=setting.learning_rate, precision="float32" if setting.precision == "float32" else "bfloat16",
        ),
    )  # fmt: skip
    choice = device.choose("cpu", setting.precision)
    print(choice, file=sys.stderr)
    joint = tokenizers.read(Path(setting.text))
    both = Tokenizers(joint, joint)
    text = file_pair(setting.file("train.fr"), setting.file("train.en"))
    encoded = encode(
        [text], both, Path(setting.scratch), max_length=wanted.data.max_length, max_ratio=wanted.data.max_ratio
    )
    torch.manual_seed(1)
    model = models.model(wanted, joint.size, joint.size)
    for progress in updates(
        list(model.parameters()),
        optimisers.for_recipe(wanted, model),
        schedule.for_recipe(wanted),
        translation_training.batches(wanted, encoded, both, Corpus("benchmark", "files", (text,), text, text)).stream(),
        objective.for_recipe(wanted, model, choice.numerics),
        choice.numerics,
    ):
        done(progress.tokens)


def translator(setting: Setting, engine: str = "ctranslate2") -> Translate:
    asked = EngineChoice(
        engine,
        setting.precision,
        "cpu",
        beam_size=setting.beam_size,
        length_penalty=setting.length_penalty,
    )
    found = open_translator(Run(Path(setting.run)), asked).translator

    def translate(lines: Sequence[str]) -> list[str]:
        return [translation.text for translation in found.translate(lines)]

    return translate
