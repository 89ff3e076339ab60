"""Batches of the text that a recipe trains on, from its beginning: enough to time an update by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path

from seq2seq import recipe
from seq2seq.checkup import random_batches
from seq2seq.data import sources, stream, tokenizers
from seq2seq.data.batches import Batch, Place
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import DocumentKind, Documents
from seq2seq.data.encoded import encode
from seq2seq.data.pairs import PairKind, PairSource
from seq2seq.data.tokenizers import Tokenizer, Tokenizers
from seq2seq.data.unchanged import digest
from seq2seq.errors import MissingCorpusError
from seq2seq.tasks import language_model_training, translation_training

_PAIRS = 100_000  # as many as batches are cut of at once: fewer would be padded more
_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class Sample:
    """Training batches, for ever."""

    origin: str
    vocabularies: tuple[int, int]  # tokens of source and target
    batches: Iterator[tuple[Place, Batch]]


def sample(wanted: recipe.Recipe, scratch: Path, both: Tokenizers | None = None) -> Sample:
    """The beginning of a recipe's corpus, with the tokenizers of a run, or such as are trained on it here and now.

    Where the corpus cannot be had, random tokens of guessed lengths. `scratch` keeps files while batches are drawn.
    """
    try:
        if wanted.task == "language-model":
            return _of_text(wanted, sources.find(DocumentKind(wanted.data)), scratch, both)
        return _of_pairs(wanted, sources.find(PairKind(wanted.data)), scratch, both)
    except MissingCorpusError:
        tokens = random_batches.vocabulary(wanted.tokenizer)
        batch = random_batches.of_recipe(wanted, wanted.training.batch_tokens)
        return Sample("random tokens", (tokens, tokens), repeat((Place(), batch)))


def _of_pairs(wanted: recipe.Recipe, corpus: Corpus[PairSource], scratch: Path, both: Tokenizers | None) -> Sample:
    pairs = list(islice(corpus.train[0].read(), _PAIRS))
    if both is None:
        lines = [[side for pair in pairs for side in pair]] if wanted.tokenizer.joint else list(zip(*pairs))
        made: list[Tokenizer] = [tokenizers.train(wanted.tokenizer, each) for each in lines]
        both = Tokenizers(made[0], made[-1])
    origin = f"{corpus.train[0].origin}, first {len(pairs):,} pairs"
    beginning = PairSource(origin, lambda: iter(pairs), lambda: digest(pairs))
    encoded = encode([beginning], both, scratch, max_length=wanted.data.max_length, max_ratio=wanted.data.max_ratio)
    return Sample(
        origin, (both.source.size, both.target.size), translation_training.batches(wanted, encoded, both).stream()
    )


def _of_text(wanted: recipe.Recipe, corpus: Corpus[Documents], scratch: Path, both: Tokenizers | None) -> Sample:
    text = "".join(islice((piece for piece, _ in corpus.train[0].pieces()), 1000))[:_CHARACTERS]
    tokenizer = both.target if both else tokenizers.train(wanted.tokenizer, [text])
    origin = f"{corpus.train[0].origin}, first {len(text):,} characters"
    documents = Documents(origin, lambda: iter([text]), lambda: digest([(text, "")]))
    tokens = stream.encode(documents, tokenizer, scratch)
    return Sample(origin, (tokenizer.size, tokenizer.size), language_model_training.batches(wanted, tokens).stream())
