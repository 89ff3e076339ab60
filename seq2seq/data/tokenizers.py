"""Text to tokens and back, behind one small protocol; the tokenizer travels with the model in its run folder."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import sentencepiece

from seq2seq import recipe
from seq2seq.errors import DataError, RunError
from seq2seq.files import write_bytes

PAD, UNKNOWN, BOS, EOS = range(4)
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")

# A tokenizer is trained on at most this many lines: more change it little and cost memory.
_TRAINING_LINES = 2_000_000


class Tokenizer(Protocol):
    """Text in, token ids out, and back. Ids 0 to 3 are PAD, UNKNOWN, BOS and EOS; `encode` adds none of them."""

    size: int

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """One random segmentation of each text, a pure function of the arguments."""

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""

    def piece(self, token: int) -> str:
        """How one token looks."""

    def serialise(self) -> tuple[str, bytes]:
        """File suffix and contents that `read` takes."""


class SentencePiece:
    """BPE or unigram subwords (SentencePiece). Decoding an encoding restores the text after the model's normalisation:
    with `nmt_nfkc`, NFKC, runs of blanks made one, none at the ends; characters never seen come back byte by byte."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise RunError(f"not a SentencePiece model: {error}") from error
        self.size: int = self._processor.get_piece_size()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        return self._processor.encode(list(texts))  # type: ignore[no-any-return]

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """BPE-dropout with probability `strength`, or unigram sampling with alpha `strength`."""
        sampled: list[list[int]] = []

        def encode() -> None:
            sampled.extend(
                self._processor.encode(list(texts), enable_sampling=True, alpha=strength, nbest_size=-1, num_threads=1)
            )

        # SentencePiece seeds one generator a thread, once: a new thread is the only way to choose its seed each time.
        sentencepiece.set_random_generator_seed(seed % 2**32)
        thread = threading.Thread(target=encode)
        thread.start()
        thread.join()
        return sampled

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""
        return self._processor.decode([list(ids) for ids in tokens])  # type: ignore[no-any-return]

    def piece(self, token: int) -> str:
        """How one token looks; U+2581 stands for a blank before it."""
        return self._processor.id_to_piece(token)  # type: ignore[no-any-return]

    def serialise(self) -> tuple[str, bytes]:
        """A SentencePiece model, usable with any SentencePiece program."""
        return "model", self._model


class Characters:
    """One token a character; a character that training never saw is UNKNOWN and decodes to U+FFFD."""

    def __init__(self, alphabet: str) -> None:
        self._alphabet = alphabet
        self._ids = {character: index + len(SPECIAL) for index, character in enumerate(alphabet)}
        self.size = len(SPECIAL) + len(alphabet)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        return [[self._ids.get(character, UNKNOWN) for character in text] for text in texts]

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """The only segmentation there is."""
        return self.encode(texts)

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


class Bytes:
    """One token a byte of UTF-8: nothing is unknown; bytes that are not UTF-8 decode to U+FFFD."""

    size = len(SPECIAL) + 256

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        return [[byte + len(SPECIAL) for byte in text.encode("utf-8", "replace")] for text in texts]

    def sample(self, texts: Sequence[str], strength: float, seed: int) -> list[list[int]]:
        """The only segmentation there is."""
        return self.encode(texts)

    def decode(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """The text of each token sequence."""
        first = len(SPECIAL)
        return [bytes(token - first for token in ids if token >= first).decode("utf-8", "replace") for ids in tokens]

    def piece(self, token: int) -> str:
        """The byte, as <0x41>."""
        return SPECIAL[token] if token < len(SPECIAL) else f"<0x{token - len(SPECIAL):02X}>"

    def serialise(self) -> tuple[str, bytes]:
        """JSON that says no more than the kind."""
        return "json", json.dumps({"kind": "byte"}).encode()


def train(settings: recipe.Tokenizer, lines: Iterable[str]) -> Tokenizer:
    """Make the tokenizer of a recipe from raw text, deterministically.

    Raises DataError where the text is too small for the vocabulary asked for.
    """
    if settings.kind == "byte":
        return Bytes()
    if settings.kind == "character":
        counts = Counter(character for line in lines for character in line)
        common = [character for character, _ in counts.most_common(settings.vocabulary_size - len(SPECIAL))]
        return Characters("".join(sorted(common)))
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_at_most(lines, _TRAINING_LINES),
            model_writer=model,
            model_type=settings.kind,
            vocab_size=settings.vocabulary_size,
            byte_fallback=settings.byte_fallback,
            normalization_rule_name=settings.normalization,
            character_coverage=0.9999,
            max_sentence_length=1_000_000,
            pad_id=PAD,
            unk_id=UNKNOWN,
            bos_id=BOS,
            eos_id=EOS,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise DataError(
            f"the text is too small for a {settings.kind} vocabulary of {settings.vocabulary_size} tokens "
            f"(sentencepiece: {str(error).strip().splitlines()[-1]}); give more text or lower tokenizer.vocabulary_size"
        ) from error
    return SentencePiece(model.getvalue())


def save(tokenizer: Tokenizer, folder: Path, stem: str = "tokenizer") -> Path:
    """Write a tokenizer beside a model; returns the file."""
    suffix, contents = tokenizer.serialise()
    path = folder / f"{stem}.{suffix}"
    write_bytes(path, contents)
    return path


def read(folder: Path, stem: str = "tokenizer") -> Tokenizer:
    """Read what `save` wrote. Raises RunError where it is missing or damaged."""
    path = folder / f"{stem}.model"
    if path.is_file():
        return SentencePiece(path.read_bytes())
    path = folder / f"{stem}.json"
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
        return Bytes() if values["kind"] == "byte" else Characters(values["alphabet"])
    except FileNotFoundError as error:
        raise RunError(f"no {stem}.model or {stem}.json in {folder}: the run folder is incomplete") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a tokenizer that seqx wrote: {error}") from error


def _at_most(lines: Iterable[str], count: int) -> Iterator[str]:
    for index, line in enumerate(lines):
        if index == count:
            return
        if "\0" not in line:
            yield line
