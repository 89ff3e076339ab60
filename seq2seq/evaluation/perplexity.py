"""The likelihood of a text under a language model: nats per token, perplexity, and bits per byte, which is comparable
across tokenizers."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.documents import Documents, streamed
from seq2seq.data.lines import read_lines
from seq2seq.data.pieces import Piece, by_document, cut_at_lines
from seq2seq.data.stream import in_memory, windows
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.decoding.log_probabilities import label_log_probabilities
from seq2seq.decoding.translation.distributed import OneProcess, Processes
from seq2seq.device import Numerics
from seq2seq.errors import DataError
from seq2seq.run import Run
from seq2seq.storage.atomic import replacing
from seq2seq.storage.checksums import sha256
from seq2seq.storage.jsonl import json_line
from seq2seq.storage.reading import parse_json

_LOGITS = 1 << 24  # of a batch
TEST_SET_ROW = 1 << 20  # characters of a line of test.jsonl


class NextTokenPredictor(Protocol):
    """A language model."""

    context: int

    def __call__(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V) of the tokens that follow."""


def measure(
    model: NextTokenPredictor,
    tokenizer: Tokenizer,
    text: Documents,
    numerics: Numerics,
    processes: Processes | None = None,
) -> dict[str, Any]:
    """The loss of a text, for run.json and --json. Raises DataError where there is too little of it."""
    start = time.perf_counter()
    losses, report = token_losses(model, tokenizer, text, numerics, processes)
    nats, size = float(losses.sum()), report["bytes"]  # UTF-8, of the whole text
    return {
        "tokens": len(losses),
        "bytes": size,
        "nats_per_token": nats / len(losses),
        "perplexity": math.exp(min(nats / len(losses), 700.0)),
        "bits_per_byte": nats / math.log(2) / size,  # comparable across tokenizers; bytes drawn uniformly have 8
        "context": model.context,
        "seconds": round(time.perf_counter() - start, 2),
    }


def token_losses(
    model: NextTokenPredictor,
    tokenizer: Tokenizer,
    text: Documents,
    numerics: Numerics,
    processes: Processes | None = None,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """The negative log-likelihood, in nats, of each token of a text but the first, in order; and what `stream.encode`
    reports of the text. Each token is predicted from those before it in its chunk of the model's context; several
    `processes` divide the chunks among them. Raises DataError where there is too little text.
    """
    tokens, report = in_memory(text, tokenizer)
    if len(tokens) < 2:
        raise DataError(f"{text.origin}: {len(tokens)} tokens, nothing to predict; give more text")
    rows = max(1, _LOGITS // tokenizer.size // model.context)
    batches = windows(tokens, context=model.context, batch_tokens=rows * model.context)
    processes = processes or OneProcess()
    own = []
    for batch in islice(batches, processes.rank, None, processes.size):
        moved = batch.to(numerics.device)
        with torch.inference_mode(), numerics.context():
            losses = -label_log_probabilities(model(*moved.inputs), moved.labels)  # type: ignore[arg-type]
        counted = losses.flatten() if moved.mask is None else losses[moved.mask]
        own.append(counted.double().cpu().numpy())
    # In the order of the text, as with a single process.
    every = (losses for batch in zip_longest(*processes.all_gather(own)) for losses in batch if losses is not None)
    return np.concatenate(list(every)), report


def write_set(run: Run, text: Documents) -> None:
    """Put the test text into the run folder: the run can be judged without its corpus. A document is one line, or
    several, of which all but the last have `more`."""
    with replacing(run.path / "test.jsonl") as file:
        for piece, ends in text.pieces():
            parts = [piece[start : start + TEST_SET_ROW] for start in range(0, len(piece), TEST_SET_ROW)] or [""]
            for number, part in enumerate(parts, start=1):
                row: dict[str, Any] = {"text": part}
                if number < len(parts) or not ends:
                    row["more"] = True
                file.write(json_line(row))


def read_set(run: Run) -> Documents:
    """The test text of a run. Raises DataError where it is missing or damaged."""
    path = run.path / "test.jsonl"

    def rows() -> Iterator[Piece]:
        run.must_be_unchanged(path.name)
        for number, line in enumerate(read_lines(path), start=1):
            try:
                row = parse_json(line)
                text = row["text"]
                if not isinstance(text, str):
                    raise ValueError(f"{text!r:.40} is no text")
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{path}, line {number}: not a test document ({error}); restore the file from a copy, or judge by "
                    "--input"
                ) from error
            yield text, not row.get("more")

    def pieces() -> Iterator[Piece]:
        for _, parts in by_document(rows()):
            yield from cut_at_lines(part for part, _ in parts)

    return streamed(str(path), pieces, lambda: sha256(path))
