"""Text, recipes, models and training runs small enough for a note: seconds on one thread."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from seq2seq.data import sources, stream, tokenizers
from seq2seq.data.batches import Batch, Place
from seq2seq.data.documents import DocumentKind
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.device import Numerics
from seq2seq.errors import MissingCorpusError
from seq2seq.learn.pictures import shown
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import Data, Recipe, files
from seq2seq.recipe import Tokenizer as TokenizerSettings
from seq2seq.training import objective, optimisers, schedule
from seq2seq.training.loop import train
from seq2seq.training.objective import Objective

CPU = Numerics(torch.device("cpu"), None)
CONTEXT = 32
_CHARACTERS = 65  # of the lecture's vocabulary; here with the four special tokens
_DEV_TOKENS = 4096  # that a loss is measured on
# `seqx train --recipe nanogpt-cpu` with these changes.
_SMALL = (
    *("model.d_model=64", "model.d_ff=256", "model.decoder_layers=2", f"model.max_length={CONTEXT}"),
    *("model.positions=rotary", "training.batch_tokens=512", "training.learning_rate=6e-3", "training.schedule=linear"),
    *("training.warmup_steps=10", "training.steps=200"),
)


class Verse(NamedTuple):
    """The text of the lecture, one token per character."""

    name: str
    lines: list[str]
    tokenizer: Tokenizer
    train: NDArray[Any]
    dev: NDArray[Any]

    def some(self, start: int, length: int) -> torch.Tensor:
        """Some tokens of dev, (1, length)."""
        return torch.from_numpy(self.dev[start : start + length].astype(np.int64))[None]

    def letters(self, tokens: torch.Tensor) -> list[str]:
        """The characters of tokens (length,), blanks visible."""
        return [shown(self.tokenizer.piece(int(token))) for token in tokens]


@functools.cache
def verse() -> Verse:
    """Tiny Shakespeare where $SEQX_DATA has it, else the bundled play; 65 tokens, the rarest characters unknown."""
    try:
        corpus, name = sources.find(DocumentKind(Data(corpus="tinyshakespeare"))), "tiny Shakespeare"
    except MissingCorpusError:
        corpus, name = sources.find(DocumentKind(Data(corpus="play"))), "the bundled play"
    text = "".join(corpus.train[0].read())
    tokenizer = tokenizers.train(TokenizerSettings(kind="character", vocabulary_size=_CHARACTERS), [text])
    train, dev = (stream.in_memory(documents, tokenizer)[0] for documents in (corpus.train[0], corpus.dev))
    return Verse(name, text.splitlines(), tokenizer, train, dev)


def recipe(*changes: str) -> Recipe:
    """The recipe of the notes with some changes, written as `--set` takes them."""
    return files.load("nanogpt-cpu", [*_SMALL, *changes])


def gpt(recipe: Recipe, vocabulary: int = _CHARACTERS) -> Gpt:
    """The model of a recipe, the same each time."""
    torch.manual_seed(recipe.training.seed)
    return Gpt(recipe.model, vocabulary)


def batches(recipe: Recipe, tokens: NDArray[Any]) -> Iterator[tuple[Place, Batch]]:
    """Endless batches of some text, shuffled."""
    rows = [*stream.windows(tokens, context=recipe.model.max_length, batch_tokens=recipe.training.batch_tokens)]
    for epoch in itertools.count():
        for index in np.random.default_rng((recipe.training.seed, epoch)).permutation(len(rows)):
            yield Place(epoch, 0, int(index)), rows[index]


def trained(
    recipe: Recipe, model: Any, source: Iterator[tuple[Place, Batch]], minimised: Objective | None = None
) -> Iterator[dict[str, float]]:
    """Train a model as a recipe says, with the loop of `seqx train`; yields `loss` and figures of each update."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    updates = train(
        weights,
        optimisers.for_recipe(recipe, model),
        schedule.for_recipe(recipe),
        source,
        minimised or objective.for_recipe(recipe, model, CPU),
        CPU,
        clip_norm=recipe.training.clip_norm,
    )
    for update in itertools.islice(updates, recipe.training.steps):
        yield {"loss": update.loss.item(), **{name: figure.item() for name, figure in update.figures.items()}}


def curve(recipe: Recipe, model: Gpt, tokens: NDArray[Any] | None = None) -> list[float]:
    """Train a GPT on the lecture's text; the loss of each update, in nats per character."""
    source = batches(recipe, verse().train if tokens is None else tokens)
    return [each["negative_log_likelihood"] for each in trained(recipe, model, source)]


def dev_batches() -> list[Batch]:
    """Held-out text."""
    return [*stream.windows(verse().dev[: _DEV_TOKENS + 1], context=CONTEXT, batch_tokens=_DEV_TOKENS)]


def dev_rows() -> tuple[torch.Tensor, torch.Tensor]:
    """Eight rows of held-out text and their labels, (8, CONTEXT) each."""
    rows = dev_batches()[0]
    (tokens,) = rows.inputs
    assert tokens is not None
    return tokens[:8], rows.labels[:8]


def dev_loss(model: Any, some: Sequence[Batch] | None = None) -> float:
    """The loss of a GPT on held-out text, in nats per character."""
    measured = objective.CrossEntropy(model, CPU, 0.0).evaluate(some or dev_batches())
    return measured["negative_log_likelihood"]


@functools.cache
def trained_gpt() -> Gpt:
    """A GPT that was trained on the lecture's text for some seconds."""
    settings = recipe()
    model = gpt(settings)
    curve(settings, model)
    return model.eval()
