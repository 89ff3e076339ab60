"""Byte-level byte-pair encoding, learnt by Hugging Face `tokenizers`, run by tiktoken: any text comes back exactly."""

from __future__ import annotations

import base64
import difflib
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import regex
import tiktoken

from seq2seq.data.timeouts import within
from seq2seq.data.tokenizers import SPECIAL, encodable
from seq2seq.errors import DataError

# How cl100k_base (GPT-4) splits text into words, which no token crosses, without possessive quantifiers: those mean
# something else to the regular expressions that learn than to those that run.
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# A million blanks in a row overflow the stack of tiktoken's regular expressions.
_LONGEST_ENCODED = 100_000
# Learning takes time quadratic in the length of a word: a page of letters without a blank would take minutes.
_LONGEST_LEARNT = 1000
# Text to learn from, in memory; of more, a sample: more changes the vocabulary little.
_LEARNT_BYTES = 400_000_000
_PATIENCE = 5.0  # seconds
_DOWNLOAD = 120.0  # seconds, of some megabytes
_LEAST_SEEN = 2  # a token that training sees once cannot be learnt by the model either

_PROBE = "Été  2024: l'eau\r\n\n\t e\u0301 \u65e5\u672c \U0001f600\u200d\0!?\u2028 x  "


class BytePairs:
    """Byte-level subwords: nothing is unknown, and decoding an encoding restores the text, line ends and blanks too.

    A token's id is its rank + 4. Half a surrogate pair, which is no text, comes back as U+FFFD. In a text of over
    100,000 characters a word without blanks as long as that is cut.
    """

    def __init__(self, pieces: Sequence[bytes], pattern: str, encoding: str | None = None) -> None:
        """Of the bytes of each rank, b"" for a rank that has no token; `encoding` names one of tiktoken's own.

        Raises ValueError: a piece twice, a byte without a token, a pattern that is none or loses text.
        """
        self._pieces = list(pieces)
        self._pattern = pattern
        self._encoding = encoding
        self.size = len(SPECIAL) + len(self._pieces)
        # Ranks need not begin at 0: begun at 4, they are the ids.
        ids = {piece: rank + len(SPECIAL) for rank, piece in enumerate(self._pieces) if piece}
        if len(ids) + self._pieces.count(b"") != len(self._pieces):
            raise ValueError("a piece stands in it twice")
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
        # Text by text: tiktoken's batches make a task of each, which for lines costs ten times the work itself.
        run = self._runner.encode_ordinary
        return [
            run(text)
            if len(text) <= _LONGEST_ENCODED
            else [token for part in parts(text, _LONGEST_ENCODED) for token in run(part)]
            for text in encodable(texts)
        ]

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """The segmentation of `encode`: there is no sampling here."""
        return self.encode(texts)

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence; bytes that are not UTF-8 become U+FFFD."""
        first, pieces = len(SPECIAL), self._pieces
        return [
            b"".join(pieces[token - first] for token in ids if token >= first).decode("utf-8", "replace")
            for ids in tokens
        ]

    def piece(self, token: int) -> str:
        """The token's text; where it is not whole UTF-8, each byte as <0x41>."""
        if token < len(SPECIAL):
            return SPECIAL[token]
        piece = self._pieces[token - len(SPECIAL)]
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "".join(f"<0x{byte:02X}>" for byte in piece)

    def serialise(self) -> tuple[str, bytes]:
        """JSON with the pattern and the bytes of each rank in base64: all that `restore` needs, network never."""
        values = {
            "kind": "tiktoken" if self._encoding else "byte-bpe",
            "encoding": self._encoding,
            "pattern": self._pattern,
            "ranks": [base64.b64encode(piece).decode() for piece in self._pieces],
        }
        return "json", json.dumps(values).encode()


def _matches_nothing(pattern: str) -> bool:
    """Whether a pattern finds words without a character, or takes for ever: tiktoken, given one, ends the program."""
    try:
        return not all(found[0] for found in regex.finditer(pattern, _PROBE, timeout=_PATIENCE))
    except (regex.error, TimeoutError) as error:
        raise ValueError(f"its pattern cannot be used: {error}") from error


def restore(values: dict[str, Any]) -> BytePairs:
    """What `serialise` wrote. Raises ValueError, KeyError or TypeError where it is damaged."""
    pieces = [base64.b64decode(rank, validate=True) for rank in values["ranks"]]
    return BytePairs(pieces, values["pattern"], values["encoding"])


def train(vocabulary_size: int, lines: Iterable[str]) -> BytePairs:
    """Learn `vocabulary_size` tokens, the 4 special ones and the 256 bytes among them, deterministically.

    Line ends are learnt where they stand in the text. Raises DataError where the text has too few pairs to merge.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    room = vocabulary_size - len(SPECIAL)
    if room < 256:
        raise DataError(
            f"no byte-bpe vocabulary of {vocabulary_size} tokens can be made: 4 special tokens and 256 bytes are in "
            f"each; raise tokenizer.vocabulary_size to at least {len(SPECIAL) + 256}"
        )
    learner = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    trainer = trainers.BpeTrainer(
        vocab_size=room,
        min_frequency=_LEAST_SEEN,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    words = (part for line in lines for part in parts(encodable([line])[0], _LONGEST_LEARNT))
    learner.train_from_iterator(sampled(words, _LEARNT_BYTES), trainer)
    byte = _bytes_by_sign()
    learnt = sorted((rank, piece) for piece, rank in learner.get_vocab().items() if len(piece) > 1)
    pieces = [bytes([each]) for each in range(256)] + [bytes(byte[sign] for sign in piece) for _, piece in learnt]
    if len(pieces) < room:
        raise DataError(
            f"the text is too small for a byte-bpe vocabulary of {vocabulary_size} tokens: at most "
            f"{len(SPECIAL) + len(pieces)}; give more text or lower tokenizer.vocabulary_size"
        )
    return BytePairs(pieces, PATTERN)


def named(encoding: str, *, timeout: float = _DOWNLOAD) -> BytePairs:
    """One of tiktoken's encodings, without its special tokens. Raises DataError: unknown, or not to be had."""
    known = sorted(tiktoken.list_encoding_names())
    if encoding not in known:
        close = difflib.get_close_matches(encoding, known, n=1)
        near = f" (did you mean {close[0]}?)" if close else ""
        raise DataError(f"tiktoken has no encoding {encoding!r}{near}; it has: {', '.join(known)}")
    try:
        found = within(timeout, lambda: tiktoken.get_encoding(encoding))
    except (OSError, ValueError) as error:
        # What requests says of a failed connection fills a screen.
        told = isinstance(error, ValueError | TimeoutError)
        reason = str(error) if told else getattr(error, "strerror", 0) or type(error).__name__
        raise DataError(
            f"the tiktoken encoding {encoding} cannot be had ({reason}): it needs the network once, or a folder that "
            'has it in TIKTOKEN_CACHE_DIR;\nor set tokenizer.kind = "byte-bpe", which learns from your own text'
        ) from error
    # The way that tiktoken's own documentation takes to extend an encoding.
    ranks: dict[bytes, int] = found._mergeable_ranks
    pieces = [b""] * (max(ranks.values()) + 1)
    for piece, rank in ranks.items():
        pieces[rank] = piece
    return BytePairs(pieces, found._pat_str, encoding)


def parts(text: str, longest: int) -> Iterator[str]:
    """A text in parts of at most `longest` characters, cut before a blank after a word, where words are split anyway;
    elsewhere only in what has no such place."""
    if len(text) <= longest:
        yield text
        return
    for found in re.finditer(rf"(?s:.{{0,{longest - 1}}}\S(?= |\Z)|.{{1,{longest}}})", text):
        yield found[0]


def sampled(texts: Iterable[str], most_bytes: int) -> list[str]:
    """All the texts, or where they would take more memory than that, between a half and all of it, drawn evenly; the
    same ones each time."""
    draw = random.Random(most_bytes)
    kept: list[str] = []
    size, share = 0, 1.0
    for text in texts:
        if share == 1 or draw.random() < share:
            kept.append(text)
            size += sys.getsizeof(text)
        while size > most_bytes and len(kept) > 1:
            share /= 2
            kept = [each for each in kept if draw.random() < 0.5]
            size = sum(map(sys.getsizeof, kept))
    return kept


def _bytes_by_sign() -> dict[str, int]:
    """Byte-level models write a byte as a sign that can be seen: its own character, or else one from U+0100 on."""
    seen = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + index): byte for index, byte in enumerate(unseen)}
