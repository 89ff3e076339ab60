"""What a vocabulary costs and what it saves: a larger one shortens the sequences and takes parameters for itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.byte_pairs import sampled
from seq2seq.data.tokenizers import UNKNOWN, Tokenizer
from seq2seq.errors import DataError

HELD_OUT = 10  # one line in this many
_MOST_BYTES = 1_000_000_000  # of lines in memory; of more, a sample
_TIMED = 0.1  # seconds that encoding is timed for, at least
_SHORTEST = 1e-6  # seconds that the clock can tell from none


@dataclass(frozen=True)
class Sample:
    """Lines that tokenizers learn from, and every tenth, which they are measured on. None is blank."""

    training: list[str]
    held_out: list[str]


@dataclass(frozen=True)
class Width:
    """The model an embedding is weighed against: decoder-only, its head tied to the embedding, 12 d_model² parameters
    a layer (attention 4, a feed-forward of 4 x d_model 8); norms, biases and positions are left out."""

    d_model: int = 256
    layers: int = 6

    def embedding(self, vocabulary: int) -> int:
        """Parameters of the embedding."""
        return vocabulary * self.d_model

    def share(self, vocabulary: float) -> float:
        """The embedding's share of the whole model, 0 to 1."""
        return vocabulary / (vocabulary + 12 * self.layers * self.d_model)


@dataclass(frozen=True)
class Measured:
    """One tokenizer on the held-out lines."""

    kind: str
    vocabulary: int
    lines: int
    bytes: int
    tokens: int
    unknown: int  # tokens that are UNKNOWN
    embedding_parameters: int
    embedding_share: float
    seconds: float  # of one core, to encode the lines once

    @property
    def tokens_per_line(self) -> float:
        """The length of a sequence."""
        return self.tokens / self.lines

    @property
    def tokens_per_byte(self) -> float:
        """By which a loss a token becomes a loss a byte, which alone compares models across tokenizers."""
        return self.tokens / self.bytes

    @property
    def bytes_per_token(self) -> float:
        """What a token holds."""
        return self.bytes / self.tokens

    @property
    def unknown_share(self) -> float:
        """Of the tokens, 0 to 1."""
        return self.unknown / self.tokens

    @property
    def megabytes_per_second(self) -> float:
        """Millions of bytes of text that one core encodes in a second."""
        return self.bytes / self.seconds / 1e6

    def record(self) -> dict[str, Any]:
        """All figures, for JSON."""
        derived = ("tokens_per_line", "tokens_per_byte", "bytes_per_token", "unknown_share", "megabytes_per_second")
        return asdict(self) | {name: getattr(self, name) for name in derived}


@dataclass(frozen=True)
class Missing:
    """A tokenizer that cannot be made of this text, or cannot be had, and why."""

    kind: str
    vocabulary: int | None
    reason: str

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def label(settings: recipe.Tokenizer) -> str:
    """The kind, and which of tiktoken's encodings."""
    return f"tiktoken:{settings.encoding}" if settings.kind == "tiktoken" else settings.kind


def hold_out(lines: Iterable[str]) -> Sample:
    """Every tenth line held out, so that a text in any order is measured all along it. Raises DataError: too few."""
    kept = sampled((line for line in lines if line.strip()), _MOST_BYTES)
    if len(kept) < HELD_OUT:
        raise DataError(f"too little text to hold a tenth of it out: {len(kept)} lines; give {HELD_OUT} or more")
    return Sample(
        [line for number, line in enumerate(kept, start=1) if number % HELD_OUT], kept[HELD_OUT - 1 :: HELD_OUT]
    )


def sweep(wanted: Iterable[recipe.Tokenizer], sample: Sample, width: Width) -> Iterator[Measured | Missing]:
    """Make and measure tokenizers one after the other, each kind's by growing vocabulary.

    Where a vocabulary of characters has them all, the kind's larger ones, which would be the same, are left out.
    """
    whole = False
    for settings in wanted:
        if settings.kind == "character" and whole:
            continue
        name = label(settings)
        fixed = settings.kind in ("byte", "tiktoken")
        try:
            tokenizer = tokenizers.train(settings, sample.training)
        except DataError as error:
            yield Missing(name, None if fixed else settings.vocabulary_size, str(error))
            continue
        if settings.kind == "character":
            whole = tokenizer.size < settings.vocabulary_size
        yield measure(name, tokenizer, sample.held_out, width)


def measure(kind: str, tokenizer: Tokenizer, lines: Sequence[str], width: Width) -> Measured:
    """One tokenizer on some lines."""
    encoded = tokenizer.encode(lines)
    return Measured(
        kind,
        tokenizer.size,
        len(lines),
        sum(len(line.encode()) for line in lines),
        sum(map(len, encoded)),
        sum(ids.count(UNKNOWN) for ids in encoded),
        width.embedding(tokenizer.size),
        width.share(tokenizer.size),
        _seconds(tokenizer, lines),
    )


def _seconds(tokenizer: Tokenizer, lines: Sequence[str]) -> float:
    """The processor's time, over all threads, of the fastest of several encodings: the others were disturbed."""
    fastest = float("inf")
    end = time.process_time() + _TIMED
    while fastest == float("inf") or time.process_time() < end:
        start = time.process_time()
        tokenizer.encode(lines)
        fastest = min(fastest, time.process_time() - start)
    return max(fastest, _SHORTEST)
