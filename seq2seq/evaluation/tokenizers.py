"""Comparison of tokenizers: a larger vocabulary makes sequences shorter and the embedding larger."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seq2seq.data.byte_pairs import sampled
from seq2seq.data.tokenizer import UNKNOWN, Tokenizer
from seq2seq.data.tokenizers import train
from seq2seq.errors import DataError
from seq2seq.recipe import Tokenizer as TokenizerSettings

_HELD_OUT = 10  # one line in this many
_MOST_BYTES = 1_000_000_000  # of lines in memory; a sample of larger texts
_TIMED = 0.1  # seconds of encoding, at least
_SHORTEST = 1e-6  # seconds that the clock can measure


@dataclass(frozen=True)
class SplitText:
    """Lines that tokenizers are trained on, and those that they are measured on. None is blank."""

    training: list[str]
    held_out: list[str]


@dataclass(frozen=True)
class Width:
    """The size of the model that an embedding is part of: decoder-only, its head tied to the embedding, 12 d_model²
    parameters per layer (attention 4, a feed-forward of 4 x d_model 8), without norms, biases and positions."""

    d_model: int = 256
    layers: int = 6

    def share(self, vocabulary: float) -> float:
        """The embedding's share of the whole model, 0 to 1."""
        return vocabulary / (vocabulary + 12 * self.layers * self.d_model)


@dataclass(frozen=True)
class TokenizerFigures:
    """What a tokenizer makes of the held-out lines; for JSON too."""

    kind: str
    vocabulary: int
    lines: int
    bytes: int
    tokens: int
    unknown: int  # tokens that are UNKNOWN
    embedding_parameters: int
    embedding_share: float
    seconds: float  # of one core, to encode the lines once
    tokens_per_line: float  # the length of a sequence
    tokens_per_byte: float  # times loss per token: loss per byte, which compares models across tokenizers
    bytes_per_token: float
    unknown_share: float  # of the tokens, 0 to 1
    megabytes_per_second: float  # of text, encoded by one core


@dataclass(frozen=True)
class Missing:
    """A tokenizer that cannot be trained on this text, or is not available, and why."""

    kind: str
    vocabulary: int | None
    reason: str


def label(settings: TokenizerSettings) -> str:
    """The kind of a tokenizer, with its encoding where it is one of tiktoken."""
    return f"tiktoken:{settings.encoding}" if settings.kind == "tiktoken" else settings.kind


def hold_out(lines: Iterable[str]) -> SplitText:
    """Every tenth line held out, whatever the order of the text. Raises DataError where there are too few."""
    kept = sampled((line for line in lines if line.strip()), _MOST_BYTES)
    if len(kept) < _HELD_OUT:
        raise DataError(f"too little text to hold a tenth of it out: {len(kept)} lines; give {_HELD_OUT} or more")
    held_out = kept[_HELD_OUT - 1 :: _HELD_OUT]
    del kept[_HELD_OUT - 1 :: _HELD_OUT]
    return SplitText(kept, held_out)


def compare_tokenizers(
    settings: Iterable[TokenizerSettings], text: SplitText, width: Width
) -> Iterator[TokenizerFigures | Missing]:
    """Train and measure tokenizers one after the other, those of a kind by growing vocabulary. Once a vocabulary has
    all characters of the text, larger ones of characters, which would be the same, are left out."""
    all_characters = False
    for choice in settings:
        if choice.kind == "character" and all_characters:
            continue
        try:
            tokenizer = train(choice, text.training)
        except DataError as error:
            fixed = choice.kind in ("byte", "tiktoken")
            yield Missing(label(choice), None if fixed else choice.vocabulary_size, str(error))
            continue
        if choice.kind == "character":
            all_characters = tokenizer.size < choice.vocabulary_size
        yield measure(label(choice), tokenizer, text.held_out, width)


def measure(kind: str, tokenizer: Tokenizer, lines: Sequence[str], width: Width) -> TokenizerFigures:
    """The figures of a tokenizer on some lines."""
    encoded = tokenizer.encode(lines)
    size = sum(len(line.encode()) for line in lines)
    tokens = sum(map(len, encoded))
    unknown = sum(ids.count(UNKNOWN) for ids in encoded)
    seconds = _seconds(tokenizer, lines)
    return TokenizerFigures(
        *(kind, tokenizer.size, len(lines), size, tokens, unknown),
        embedding_parameters=width.d_model * tokenizer.size,
        embedding_share=width.share(tokenizer.size),
        seconds=seconds,
        tokens_per_line=tokens / len(lines),
        tokens_per_byte=tokens / size,
        bytes_per_token=size / tokens,
        unknown_share=unknown / tokens,
        megabytes_per_second=size / seconds / 1e6,
    )


def _seconds(tokenizer: Tokenizer, lines: Sequence[str]) -> float:
    """Processor time, over all threads, of the fastest of several encodings: other processes slow down the rest."""
    fastest = float("inf")
    end = time.process_time() + _TIMED
    while fastest == float("inf") or time.process_time() < end:
        start = time.process_time()
        tokenizer.encode(lines)
        fastest = min(fastest, time.process_time() - start)
    return max(fastest, _SHORTEST)
