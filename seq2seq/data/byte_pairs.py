"""Byte-level byte-pair encoding, trained by Hugging Face `tokenizers`, run by tiktoken, exact on any text."""

from __future__ import annotations

import base64
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import regex
import tiktoken

from seq2seq.data.timeouts import within
from seq2seq.data.tokenizer import SPECIAL, Tokenizer, encodable
from seq2seq.errors import DataError, near

# How cl100k_base (GPT-4) splits text into words, which no token crosses, without possessive quantifiers, which mean
# something else to the regular expressions of training than to those of encoding.
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# A million blanks in a row overflow the stack of tiktoken's regular expressions.
_LONGEST_ENCODED = 100_000
# Training takes time quadratic in the length of a word: a page of letters without a blank would take minutes.
_LONGEST_TRAINED = 1000
# Training text in memory; of more text a sample is used, since more changes the vocabulary little.
_TRAINING_BYTES = 400_000_000
_PATIENCE = 5.0  # seconds
_DOWNLOAD = 120.0  # seconds, of some megabytes
_LEAST_SEEN = 2  # a model cannot learn a token that occurs once

_PROBE = "Été  2024: l'eau\r\n\n\t e\u0301 \u65e5\u672c \U0001f600\u200d\0!?\u2028 x  "


class BytePairs(Tokenizer):
    """Byte-level subwords: nothing is unknown, and decoding an encoding restores the text, line ends and blanks too.

    A token's id is its rank + 4. Half a surrogate pair, which is not text, becomes U+FFFD. In a text of over 100,000
    characters, words as long as that are cut.
    """

    def __init__(self, pieces: Sequence[bytes], pattern: str, encoding: str | None = None) -> None:
        """`pieces`: the bytes of each rank, b"" for a rank without a token; `encoding` names one of tiktoken's own.

        Raises ValueError: a piece twice, a byte without a token, a pattern that is not valid or loses text.
        """
        self._pieces = list(pieces)
        self._pattern = pattern
        self._encoding = encoding
        self.size = len(SPECIAL) + len(self._pieces)
        # Ranks need not begin at 0: begun at 4, they are the ids.
        ids = {piece: rank + len(SPECIAL) for rank, piece in enumerate(self._pieces) if piece}
        if len(ids) + self._pieces.count(b"") != len(self._pieces):
            raise ValueError("a piece occurs twice")
        if not pattern:
            raise ValueError("its pattern is empty")
        if missing := [byte for byte in range(256) if bytes([byte]) not in ids]:
            raise ValueError(f"byte 0x{missing[0]:02X} has no token")
        self._runner = tiktoken.Encoding(
            encoding or "byte-bpe", pat_str=pattern, mergeable_ranks=ids, special_tokens={}
        )
        if _matches_nothing(pattern):
            raise ValueError("its pattern loses text")
        if self.decode(self.encode([_PROBE])) != [_PROBE]:
            raise ValueError("its pattern loses text")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        # Text by text: in tiktoken's batches each is a task, which for lines costs ten times the work itself.
        run = self._runner.encode_ordinary
        return [
            run(text)
            if len(text) <= _LONGEST_ENCODED
            else [token for part in parts(text, _LONGEST_ENCODED) for token in run(part)]
            for text in encodable(texts)
        ]

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence; bytes that are not UTF-8 become U+FFFD."""
        first, pieces = len(SPECIAL), self._pieces
        return [
            b"".join(pieces[token - first] for token in ids if token >= first).decode("utf-8", "replace")
            for ids in tokens
        ]

    def piece(self, token: int) -> str:
        """The token's text; where it is not valid UTF-8, each byte as <0x41>."""
        if token < len(SPECIAL):
            return SPECIAL[token]
        piece = self._pieces[token - len(SPECIAL)]
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "".join(f"<0x{byte:02X}>" for byte in piece)

    def serialise(self) -> tuple[str, bytes]:
        """JSON with the pattern and the bytes of each rank in base64: all that `restore` needs, without a network."""
        values = {
            "kind": "tiktoken" if self._encoding else "byte-bpe",
            "encoding": self._encoding,
            "pattern": self._pattern,
            "ranks": [base64.b64encode(piece).decode() for piece in self._pieces],
        }
        return "json", json.dumps(values).encode()


def _matches_nothing(pattern: str) -> bool:
    """Whether a pattern matches the empty string, or does not end: tiktoken would crash on one."""
    try:
        return not all(match[0] for match in regex.finditer(pattern, _PROBE, timeout=_PATIENCE))
    except (regex.error, TimeoutError) as error:
        raise ValueError(f"its pattern cannot be used: {error}") from error


def restore(values: dict[str, Any]) -> BytePairs:
    """The tokenizer that `serialise` wrote. Raises ValueError, KeyError or TypeError where it is damaged."""
    pieces = [base64.b64decode(rank, validate=True) for rank in values["ranks"]]
    return BytePairs(pieces, values["pattern"], values["encoding"])


def train(vocabulary_size: int, lines: Iterable[str]) -> BytePairs:
    """Train `vocabulary_size` tokens, the 4 special ones and the 256 bytes included, deterministically.

    Line ends are part of the training text. Raises DataError where the text has too few pairs to merge.
    """
    import tokenizers
    from tokenizers import Regex, models, pre_tokenizers, trainers

    free = vocabulary_size - len(SPECIAL)
    if free < 256:
        raise DataError(
            f"no byte-bpe vocabulary of {vocabulary_size} tokens can be made: 4 special tokens and 256 bytes are in "
            f"each; raise tokenizer.vocabulary_size to at least {len(SPECIAL) + 256}"
        )
    model = tokenizers.Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    model.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    trainer = trainers.BpeTrainer(
        vocab_size=free,
        min_frequency=_LEAST_SEEN,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    words = (part for line in lines for part in parts(encodable([line])[0], _LONGEST_TRAINED))
    model.train_from_iterator(sampled(words, _TRAINING_BYTES), trainer)
    byte = _bytes_by_character()
    merged = sorted((rank, piece) for piece, rank in model.get_vocab().items() if len(piece) > 1)
    pieces = [bytes([value]) for value in range(256)] + [
        bytes(byte[character] for character in piece) for _, piece in merged
    ]
    if len(pieces) < free:
        raise DataError(
            f"the text is too small for a byte-bpe vocabulary of {vocabulary_size} tokens: at most "
            f"{len(SPECIAL) + len(pieces)}; give more text or lower tokenizer.vocabulary_size"
        )
    return BytePairs(pieces, PATTERN)


def named(encoding: str, *, timeout: float = _DOWNLOAD) -> BytePairs:
    """One of tiktoken's encodings, without its special tokens. Raises DataError: unknown, or not downloaded within
    `timeout` seconds."""
    known = sorted(tiktoken.list_encoding_names())
    if encoding not in known:
        raise DataError(f"tiktoken has no encoding {encoding!r}{near(encoding, known)}; it has: {', '.join(known)}")
    try:
        downloaded = within(timeout, lambda: tiktoken.get_encoding(encoding))
    except (OSError, ValueError) as error:
        # The message of `requests` on a failed connection fills a screen.
        short = isinstance(error, ValueError | TimeoutError)
        reason = str(error) if short else getattr(error, "strerror", 0) or type(error).__name__
        raise DataError(
            f"the tiktoken encoding {encoding} could not be downloaded ({reason}): it needs the network once, or "
            'TIKTOKEN_CACHE_DIR set to a folder that has it;\nor set tokenizer.kind = "byte-bpe", trained on your text'
        ) from error
    # The way that tiktoken's own documentation takes to extend an encoding.
    ranks: dict[bytes, int] = downloaded._mergeable_ranks
    pieces = [b""] * (max(ranks.values()) + 1)
    for piece, rank in ranks.items():
        pieces[rank] = piece
    return BytePairs(pieces, downloaded._pat_str, encoding)


def parts(text: str, longest: int) -> Iterator[str]:
    """A text in parts of at most `longest` characters, cut before a blank after a word, where words are split anyway;
    elsewhere only where there is no such place."""
    if len(text) <= longest:
        yield text
        return
    for match in re.finditer(rf"(?s:.{{0,{longest - 1}}}\S(?= |\Z)|.{{1,{longest}}})", text):
        yield match[0]


def sampled(texts: Iterable[str], most_bytes: int) -> list[str]:
    """All the texts; where they would take more memory than `most_bytes`, a uniform sample that takes between half and
    all of it, the same one each time."""
    draw = random.Random(most_bytes)
    kept: list[str] = []
    size, share = 0, 1.0
    for text in texts:
        if share == 1 or draw.random() < share:
            kept.append(text)
            size += sys.getsizeof(text)
        while size > most_bytes and len(kept) > 1:
            share /= 2
            kept = [text for text in kept if draw.random() < 0.5]
            size = sum(map(sys.getsizeof, kept))
    return kept


def _bytes_by_character() -> dict[str, int]:
    """Byte-level models write a byte as a visible character: its own, or else one from U+0100 on."""
    visible = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + index): byte for index, byte in enumerate(hidden)}
