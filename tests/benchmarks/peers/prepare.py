"""Multi30k, tokenised once by one SentencePiece model for all; everything is kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.lines import read_lines
from seq2seq.data.tokenizers import SPECIAL
from seq2seq.errors import DataError
from seq2seq.storage.atomic import write_bytes

SIDES = ("fr", "en")
FORMAT = 1


def corpus() -> Path:
    """The folder of Multi30k. Raises DataError where it is not there."""
    root = os.environ.get("SEQX_DATA")
    folder = Path(root or "") / "multi30k"
    if not root or not folder.is_dir():
        raise DataError("these benchmarks need Multi30k: set SEQX_DATA to the folder that holds multi30k/train.fr")
    return folder


def prepare(cache: Path, vocabulary: int) -> Path:
    """A folder with train.fr, train.en, dev.fr, dev.en and test.fr as text; the same with .pieces, tokens apart by
    blanks; pairs.json; vocabulary.txt, a piece a line in the order of ids; tokenizer.model."""
    origin = corpus()
    lines = {
        (split, side): list(read_lines(origin / f"{split}.{side}"))
        for split in ("train", "dev", "test")
        for side in SIDES
    }
    key = hashlib.sha256(json.dumps([FORMAT, vocabulary, *lines.values()]).encode()).hexdigest()[:16]
    folder = cache / f"text-{key}"
    if (folder / "complete").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    both = [line for pair in zip(lines["train", "fr"], lines["train", "en"]) for line in pair]
    tokenizer = tokenizers.train(recipe.Tokenizer(vocabulary_size=vocabulary), both)
    tokenizers.save(tokenizer, folder)
    pieces = [tokenizer.piece(token) for token in range(tokenizer.size)]
    assert tuple(pieces[: len(SPECIAL)]) == SPECIAL
    encoded = {name: tokenizer.encode(each) for name, each in lines.items()}
    for (split, side), each in lines.items():
        _write(folder / f"{split}.{side}", each)
        _write(
            folder / f"{split}.{side}.pieces",
            [" ".join(pieces[token] for token in row) for row in encoded[split, side]],
        )
    _write(folder / "vocabulary.txt", pieces)
    pairs = list(zip(encoded["train", "fr"], encoded["train", "en"]))
    write_bytes(folder / "pairs.json", json.dumps(pairs).encode())
    write_bytes(folder / "complete", b"")
    return folder


def _write(path: Path, lines: list[str]) -> None:
    write_bytes(path, "".join(line + "\n" for line in lines).encode())
