"""Tokenizers: SentencePiece, characters and bytes; one of any kind trained, and kept in the run folder of its model."""

from __future__ import annotations

import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sentencepiece

from seq2seq import limits
from seq2seq.data.characters import is_blank, visible
from seq2seq.data.pieces import PIECE
from seq2seq.data.tokenizer import BOS, EOS, PAD, SPECIAL, UNKNOWN, Tokenizer, encodable
from seq2seq.errors import DataError, RunError, refuse_one_text
from seq2seq.storage.atomic import write_bytes
from seq2seq.storage.reading import read_json, read_small

if TYPE_CHECKING:
    from seq2seq.recipe import Tokenizer as TokenizerConfig

# SentencePiece is trained on at most this many lines, sampled from all: more change little and cost memory.
TRAINING_LINES = 1_000_000

_SAMPLING = ("bpe", "unigram")  # kinds that can segment a text in more ways than one

_FEW = 30  # texts

_sampling = threading.Lock()

_LOST = "restore the file from a backup, or train the run again"


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizer of each side; the same object where the vocabulary is joint."""

    source: Tokenizer
    target: Tokenizer

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each source text, without its invisible characters, in training and in translation."""
        return self.source.encode([visible(text) for text in texts])

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.source is self.target


class SentencePiece(Tokenizer):
    """BPE or unigram subwords (SentencePiece). Decoding an encoding restores the text after the model's normalisation.

    `identity`: runs of blanks become one, none stay at the ends, U+2581 becomes a blank. `nfkc`: NFKC before that.
    `nmt_nfkc`: most controls are dropped too, and other white space, zero-width spaces, non-joiners and byte order
    marks become blanks. Characters not seen in training are encoded as bytes or, without byte fallback, decode to
    U+2047. `nmt_nfkc_cf`, `nfkc_cf`: capitals become small letters too.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        if not model:
            raise ValueError("it is empty")
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        ids = [getattr(self._processor, f"{name}_id")() for name in ("pad", "unk", "bos", "eos")]
        if ids != [PAD, UNKNOWN, BOS, EOS]:
            raise ValueError(f"its special tokens are {ids}, not [0, 1, 2, 3]")
        self.size: int = self._processor.get_piece_size()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        valid = encodable(texts)
        # For several texts SentencePiece starts threads, which takes as long as encoding thirty.
        if len(valid) < _FEW:
            return [self._processor.encode(text) for text in valid]
        return self._processor.encode(valid, num_threads=limits.threads())  # type: ignore[no-any-return]

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """BPE-dropout with probability `strength`, or unigram sampling with alpha `strength`."""

        def encode() -> list[list[int]]:
            return self._processor.encode(  # type: ignore[no-any-return]
                encodable(texts), enable_sampling=True, alpha=strength, nbest_size=-1, num_threads=1
            )

        # SentencePiece seeds one generator per thread, once, from a global seed: so a new thread, one at a time. It
        # takes 2**32 - 1 for no seed.
        with _sampling, ThreadPoolExecutor(1) as thread:
            sentencepiece.set_random_generator_seed(seed % (2**32 - 1))
            return thread.submit(encode).result()

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""
        # An empty batch would decode to one empty text.
        return self._processor.decode([list(ids) for ids in tokens]) if tokens else []

    def piece(self, token: int) -> str:
        """How one token looks; U+2581 stands for a blank before it."""
        return str(self._processor.id_to_piece(token))

    def serialise(self) -> tuple[str, bytes]:
        """A SentencePiece model, usable with any SentencePiece program."""
        return "model", self._model


class Characters(Tokenizer):
    """One token per character; a character not seen in training is UNKNOWN and decodes to U+FFFD."""

    def __init__(self, alphabet: str) -> None:
        self._alphabet = alphabet
        self._ids = {character: index + len(SPECIAL) for index, character in enumerate(alphabet)}
        self.size = len(SPECIAL) + len(alphabet)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        refuse_one_text(texts, "encode")
        return [[self._ids.get(character, UNKNOWN) for character in text] for text in texts]

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""
        return ["".join(self.piece(token) for token in ids if token not in (PAD, BOS, EOS)) for ids in tokens]

    def piece(self, token: int) -> str:
        """The character; U+FFFD for UNKNOWN."""
        if token < len(SPECIAL):
            return "\ufffd" if token == UNKNOWN else SPECIAL[token]
        return self._alphabet[token - len(SPECIAL)]

    def serialise(self) -> tuple[str, bytes]:
        """JSON with the alphabet."""
        return "json", json.dumps({"kind": "character", "alphabet": self._alphabet}).encode()


class Bytes(Tokenizer):
    """One token per byte of UTF-8: nothing is unknown; bytes that are not UTF-8 decode to U+FFFD."""

    size = len(SPECIAL) + 256

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        return [[byte + len(SPECIAL) for byte in text.encode()] for text in encodable(texts)]

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""
        first = len(SPECIAL)
        return [bytes(token - first for token in ids if token >= first).decode("utf-8", "replace") for ids in tokens]

    def piece(self, token: int) -> str:
        """The byte, as <0x41>."""
        return SPECIAL[token] if token < len(SPECIAL) else f"<0x{token - len(SPECIAL):02X}>"

    def serialise(self) -> tuple[str, bytes]:
        """JSON with the kind only."""
        return "json", json.dumps({"kind": "byte"}).encode()


def train(settings: TokenizerConfig, lines: Iterable[str]) -> Tokenizer:
    """Train the tokenizer of a recipe on raw text, deterministically.

    Raises DataError where the text is too small for the vocabulary, or the vocabulary for the text, where the kind has
    no sampling but it is set, and where a tiktoken encoding could not be downloaded.
    """
    if settings.sampling and settings.kind not in _SAMPLING:
        raise DataError(
            f"tokenizer.sampling = {settings.sampling:g}, but {settings.kind} segments a text in one way only; "
            f"set tokenizer.sampling = 0, or tokenizer.kind to {' or '.join(_SAMPLING)}"
        )
    match settings.kind:
        case "byte":
            return Bytes()
        case "character":
            return _train_characters(settings, lines)
        case "byte-bpe":
            from seq2seq.data import byte_pairs

            return byte_pairs.train(settings.vocabulary_size, lines)
        case "tiktoken":
            from seq2seq.data import byte_pairs

            return byte_pairs.named(settings.encoding)
        case _:
            return _train_sentencepiece(settings, lines)


def save(tokenizer: Tokenizer, folder: Path, stem: str = "tokenizer") -> Path:
    """Write a tokenizer beside a model; returns the file."""
    suffix, contents = tokenizer.serialise()
    path = folder / f"{stem}.{suffix}"
    write_bytes(path, contents)
    return path


def read(folder: Path, stem: str = "tokenizer") -> Tokenizer:
    """Read what `save` wrote. Raises RunError where it is missing or damaged."""
    path = next((path for suffix in ("model", "json") if (path := folder / f"{stem}.{suffix}").is_file()), None)
    if path is None:
        raise RunError(f"no {stem}.model or {stem}.json in {folder}: the run folder is incomplete; {_LOST}")
    try:
        return SentencePiece(read_small(path)) if path.suffix == ".model" else _restored(read_json(path))
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a tokenizer that seqx wrote ({error!r}); {_LOST}") from error


def _restored(values: dict[str, Any]) -> Tokenizer:
    match values["kind"]:
        case "byte":
            return Bytes()
        case "character":
            return Characters(values["alphabet"])
        case "byte-bpe" | "tiktoken":
            from seq2seq.data import byte_pairs

            return byte_pairs.restore(values)
    raise ValueError(f"kind {values['kind']!r}")


def read_both(folder: Path, *, joint: bool) -> Tokenizers:
    """The tokenizers of a run folder, one for both sides where they are joint."""
    if joint:
        one = read(folder)
        return Tokenizers(one, one)
    return Tokenizers(read(folder, "tokenizer.source"), read(folder, "tokenizer.target"))


def _train_characters(settings: TokenizerConfig, lines: Iterable[str]) -> Characters:
    counts = Counter(character for line in lines for character in line)
    common = [character for character, _ in counts.most_common(settings.vocabulary_size - len(SPECIAL))]
    if not common:
        raise DataError(
            f"no character vocabulary of {settings.vocabulary_size} tokens can be made: "
            "the text is blank, or tokenizer.vocabulary_size leaves no token besides the 4 special ones"
        )
    return Characters("".join(sorted(common)))


def _train_sentencepiece(settings: TokenizerConfig, lines: Iterable[str]) -> SentencePiece:
    model = io.BytesIO()
    broken: list[BaseException] = []

    def usable() -> Iterator[str]:
        try:
            for text in lines:  # of pairs; or pieces of documents, which are too long for SentencePiece
                if "\0" not in text:
                    yield from encodable([*io.StringIO(text, newline="\n")])
        except BaseException as error:
            broken.append(error)
            raise

    sentences = usable()
    first = []  # up to one that is not blank: SentencePiece ends the process where it finds none
    for line in sentences:
        first.append(line)
        if not is_blank(line):
            break
    else:
        raise DataError(_explain(settings, "sentences_.empty()"))
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=chain(first, sentences),
            model_writer=model,
            model_type=settings.kind,
            vocab_size=settings.vocabulary_size,
            byte_fallback=settings.byte_fallback,
            normalization_rule_name=settings.normalization,
            character_coverage=0.9999,
            input_sentence_size=TRAINING_LINES,
            shuffle_input_sentence=True,
            max_sentence_length=8 * PIECE,  # bytes, more than a line of a piece has
            pad_id=PAD,
            unk_id=UNKNOWN,
            bos_id=BOS,
            eos_id=EOS,
            minloglevel=2,
        )
    except RuntimeError as error:
        # SentencePiece turns all errors of reading into RuntimeError.
        raise broken[0] if broken else DataError(_explain(settings, str(error))) from error
    return SentencePiece(model.getvalue())


def _explain(settings: TokenizerConfig, message: str) -> str:
    vocabulary = f"a {settings.kind} vocabulary of {settings.vocabulary_size} tokens"
    if most := re.search(r"value <= (\d+)", message):
        return (
            f"the text is too small for {vocabulary}: at most {most[1]}; give more text or lower "
            "tokenizer.vocabulary_size"
        )
    if least := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return (
            f"{vocabulary} does not hold the characters of the text: at least {least[1]}; raise "
            "tokenizer.vocabulary_size"
        )
    if "sentences_.empty()" in message or "all_chars_count" in message:
        return f"the text is too small for {vocabulary}: it is blank; give more text"
    said = message.strip().splitlines()[-1] if message.strip() else "no reason given"
    return f"{vocabulary} cannot be made (sentencepiece: {said}); give more text or change tokenizer.vocabulary_size"
