"""A task of its own, whole in this file: labelled sentences, classified by an encoder, class 0 a class as any other."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq import device
from seq2seq.data import corpus as corpora
from seq2seq.data.batches import Batch, BatchSource, Place
from seq2seq.data.corpus import Corpus, Given
from seq2seq.data.records import Kind
from seq2seq.data.tokenizers import PAD, Tokenizer, Tokenizers
from seq2seq.decoding.translation.distributed import Processes
from seq2seq.device import Choice, Numerics
from seq2seq.errors import RecipeError, RunError
from seq2seq.model.components import initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import ClassHead
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Encoder
from seq2seq.recipe import Model, Recipe
from seq2seq.recipe.recipe import validated
from seq2seq.run import Run
from seq2seq.storage.tensors import load_weights, read_weights
from seq2seq.tasks.models import read_tokenizers
from seq2seq.tasks.preparation import session
from seq2seq.tasks.task import Say, Task, judged
from seq2seq.training.objective import Measured
from seq2seq.training.session import Session, Stopped, Validated
from seq2seq.training.task import Validation
from tests.support.sessions import final, rows, stop_after


class Labelled(NamedTuple):
    text: str
    label: str


class LabelledKind(Kind[Labelled, corpora.Source[Labelled]]):
    """A sentence and its class."""

    noun = "example"
    reads = "examples"
    record_type = Labelled
    numbers = ("label",)


class Classifier(nn.Module):
    """Logits (B, 2) of sentences."""

    def __init__(self, config: Model, vocabulary: int) -> None:
        super().__init__()
        embedding = Embedding(vocabulary, config.d_model, scaled=config.scale_embedding)
        self.encoder = Encoder(config, embedding, added_positions(config, config.max_length))
        self.head = ClassHead(config.d_model, 2)
        initialise(self.encoder.blocks, config)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens (B, S), mask (B, 1, 1, S) -> logits (B, 2)."""
        return self.head(self.encoder(tokens, mask), mask)  # type: ignore[no-any-return]


def batch(tokenizer: Tokenizer, examples: Sequence[Labelled]) -> Batch:
    sentences = [torch.tensor(tokens) for tokens in tokenizer.encode([example.text for example in examples])]
    tokens = nn.utils.rnn.pad_sequence(sentences, batch_first=True, padding_value=PAD)
    mask, labels = tokens != PAD, torch.tensor([int(example.label) for example in examples])
    return Batch((tokens, mask[:, None, None]), labels, len(labels), tokens.numel(), int(mask.sum()))


class Examples(BatchSource):
    """Batches of eight, in an order drawn for each epoch."""

    def __init__(self, tokenizer: Tokenizer, examples: Sequence[Labelled], seed: int) -> None:
        self._tokenizer, self._examples, self._seed = tokenizer, examples, seed

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        epoch, first = start.epoch, start.index
        while True:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._examples)).reshape(-1, 8)
            for index, chosen in enumerate(order[first:], first):
                yield Place(epoch, 0, index), batch(self._tokenizer, [self._examples[number] for number in chosen])
            epoch, first = epoch + 1, 0


class Classes:
    """Cross-entropy of classes; figure: how many are right."""

    def __init__(self, model: Classifier, numerics: Numerics) -> None:
        self._model, self._numerics = model, numerics

    def begin(self, step: int) -> None:
        self._model.train()

    def __call__(self, batch: Batch, step: int) -> Measured:
        moved = batch.to(self._numerics.device)
        logits = self._model(*moved.inputs)
        right = (logits.argmax(1) == moved.labels).sum()
        return Measured(F.cross_entropy(logits, moved.labels, reduction="sum"), {"right": right})

    @torch.no_grad()
    def evaluate(self, batch: Batch) -> dict[str, float]:
        self._model.eval()
        measured = self(batch, 0)
        return {"loss": measured.loss.item() / batch.tokens, "accuracy": int(measured.figures["right"]) / batch.tokens}


class ClassificationTraining:
    """Judged by the accuracy on dev."""

    watched = "loss"

    def __init__(self, source: Examples, dev: Batch, report: dict[str, Any]) -> None:
        self.source, self.report = source, report
        self._dev = dev

    def objective(self, model: Classifier, numerics: Numerics) -> Classes:
        return Classes(model, numerics)

    def first_loss(self, model: Classifier, numerics: Numerics) -> None:
        """Nothing is expected."""

    def validate(self, model: Classifier, numerics: Numerics) -> Validation:
        return Validation(Classes(model, numerics).evaluate(self._dev), ())

    def ranking(self, figures: Mapping[str, float]) -> float:
        return figures["accuracy"]


class Classification(Task[corpora.Source[Labelled]]):
    noun = "classifier"
    plural = "classifiers"
    usual_recipe = "sentiment"

    def kind(self) -> LabelledKind:
        return LabelledKind(self.recipe.data)

    def model(self, tokenizers: Tokenizers) -> Classifier:
        return Classifier(self.recipe.model, tokenizers.source.size)

    def training(
        self, corpus: Corpus[corpora.Source[Labelled]], tokenizers: Tokenizers, run: Run, say: Say
    ) -> ClassificationTraining:
        train, dev = list(corpus.train[0].read()), list(corpus.dev.read())
        source = Examples(tokenizers.source, train, self.recipe.training.seed)
        return ClassificationTraining(source, batch(tokenizers.source, dev), {"examples": len(train)})

    def measure(self, run: Run, text: corpora.Source[Labelled], choice: Choice, processes: Processes) -> dict[str, Any]:
        tokenizers = read_tokenizers(self.recipe, run.path)
        model = self.model(tokenizers).to(choice.numerics.device)
        load_weights(model, read_weights(run.weights), run.weights)
        return Classes(model, choice.numerics).evaluate(batch(tokenizers.source, list(text.read())))


RECIPE = {
    "name": "sentiment",
    "data": {"corpus": "own", "max_length": 64},
    "tokenizer": {"kind": "character"},
    "model": {"d_model": 16, "d_ff": 32, "n_heads": 2, "encoder_layers": 1, "max_length": 64, "dropout": 0.1},
    "training": {"steps": 120, "learning_rate": 1e-2, "warmup_steps": 20, "validate_every": 40, "precision": "float32"},
}
CPU = device.choose("cpu", "float32")


def examples(count: int, seed: int) -> list[Labelled]:
    draw = random.Random(seed)
    words = [(draw.choice(("film", "book", "play")), draw.choice(("good", "bad")), number) for number in range(count)]
    return [Labelled(f"a {word} {noun}, number {number}", str(int(word == "good"))) for noun, word, number in words]


def given(folder: Path) -> dict[corpora.SplitName, Given]:
    splits: dict[corpora.SplitName, Given] = {}
    for seed, split in enumerate(corpora.SPLITS):
        path = folder / f"{split}.jsonl"
        records = examples(160 if split == "train" else 40, seed)
        path.write_text("".join(json.dumps(record._asdict()) + "\n" for record in records), encoding="utf-8")
        splits[split] = Given(data=(path,))
    return splits


def begun(folder: Path, name: str) -> tuple[Classification, Run, Session]:
    recipe: Recipe = validated(RECIPE, "here")
    task, run = Classification(recipe), Run(folder / name)
    run.claim(recipe)
    return task, run, session(task, task.find(given(folder)), run, CPU, lambda message: None)


def test_it_learns_is_judged_and_its_scores_stand_in_the_run(tmp_path: Path) -> None:
    task, run, training = begun(tmp_path, "run")
    events = list(training.events())
    assert [event for event in events if isinstance(event, Validated)][-1].figures["accuracy"] > 0.95
    assert run.finished and not judged(run)
    task.judge(run, CPU, lambda message: None)
    assert judged(run) and run.record()["scores"]["test"]["accuracy"] > 0.95
    assert "accuracy" in next(task.score_lines("test", run.record()["scores"]["test"]))
    assert task.example(run).startswith("seqx ") and run.record()["examples"] == 160
    with pytest.raises(RunError, match="CTranslate2 has no such model"):
        task.convert(run)
    with pytest.raises(RecipeError, match="classifiers cannot be measured beforehand"):
        task.workload()


def test_stopped_and_resumed_it_ends_bit_for_bit_as_uninterrupted(tmp_path: Path) -> None:
    list(begun(tmp_path, "whole")[2].events())
    stop_after(71, begun(tmp_path, "stopped")[2].events())
    resumed = list(begun(tmp_path, "stopped")[2].events())
    assert resumed[-1] == Stopped(120, "all steps done", finished=True)
    expected, found = final(tmp_path / "whole"), final(tmp_path / "stopped")
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(tmp_path / "whole") == rows(tmp_path / "stopped")
