"""Two language models on one test text: whether their bits per byte differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.documents import Documents, streamed
from seq2seq.data.pieces import by_document, cut_at_lines
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.errors import DataError
from seq2seq.evaluation.bootstrap import interval, resampled, two_sided_p_value

if TYPE_CHECKING:
    from seq2seq.evaluation.parts import Part

_CHUNKS = 200  # of a text of a single document
_SHORTEST = 200  # characters of a chunk
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Parts:
    """A test text in the parts that are resampled: its documents, or chunks of a single one.

    The parts are in pieces that end where no tokenizer joins two lines, so that they have the tokens of the whole text.
    """

    text: Documents
    pieces: Sequence[Sequence[str]]  # of each part
    unit: str  # documents or chunks

    def bytes(self) -> NDArray[np.int64]:
        """UTF-8 bytes of each part."""
        return np.array([sum(len(piece.encode("utf-8", "surrogatepass")) for piece in part) for part in self.pieces])

    def of_parts(self, nats: NDArray[np.float64], tokenizer: Tokenizer) -> NDArray[np.float64]:
        """The negative log-likelihood of each part, from that of each token of the text but the first."""
        ends = int(self.unit == "documents")  # of several documents each ends with EOS
        counts = [sum(map(len, tokenizer.encode(part))) + ends for part in self.pieces]
        owner = np.repeat(np.arange(len(counts)), counts)[1:]
        return np.bincount(owner, weights=nats, minlength=len(counts)).astype(np.float64)


@dataclass(frozen=True)
class TextComparison:
    """Bits per byte of two models on one text, with the 95 % interval of the second's less the first's."""

    first: float
    second: float
    low: float
    high: float
    p_value: float  # how often chance alone makes such a difference
    parts: int
    unit: str  # what was resampled

    def record(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def lines(self, first: Path, second: Path) -> Iterator[str]:
        """A table, with the paths of the runs."""
        yield f"A = {first}, B = {second}: the test text of A, {self.parts:,} {self.unit}"
        yield f"{'':14}{'A':>8}{'B':>8}{'B - A':>9}{'p':>8}"
        yield (
            f"{'bits per byte':14}{self.first:8.4f}{self.second:8.4f}{self.second - self.first:+9.4f}"
            f"{self.p_value:8.3f}  {verdict(self.p_value)}; 95 %: {self.low:+.4f} to {self.high:+.4f}"
        )

    def shown(self) -> Iterator[Part]:
        """For a page."""
        from seq2seq.evaluation.parts import Table

        gain = self.second - self.first
        cells = ("bits per byte", self.first, self.second, gain, (self.low, self.high), self.p_value)
        columns = ("figure", "A", "B", "B - A", "95 % interval", "p", "verdict")
        caption = f"Paired bootstrap test over {self.parts:,} {self.unit}"
        yield Table(caption, columns, [(*cells, verdict(self.p_value))])


def verdict(p_value: float) -> str:
    """Whether a p-value is significant."""
    return "significant at p < 0.05" if p_value < _SIGNIFICANT else "not significant (p >= 0.05)"


def in_parts(text: Documents) -> Parts:
    """A text as its documents; a text of a single document as about 200 chunks. Raises DataError where it is empty."""
    documents = [[piece for piece, _ in pieces] for _, pieces in by_document(text.pieces())]
    documents = [document for document in documents if any(document)]
    if not documents:
        raise DataError(f"{text.origin}: no text to compare on")
    if len(documents) > 1:
        return Parts(text, documents, "documents")
    size = max(_SHORTEST, sum(map(len, documents[0])) // _CHUNKS)
    chunks = [piece for piece, _ in cut_at_lines(documents[0], size)]
    marked = [(chunk, number == len(chunks)) for number, chunk in enumerate(chunks, start=1)]
    return Parts(streamed(text.origin, lambda: iter(marked), text.checksum), [[chunk] for chunk in chunks], "chunks")


def compare(parts: Parts, first: NDArray[np.float64], second: NDArray[np.float64]) -> TextComparison:
    """Paired bootstrap resampling (Koehn, 2004) of the parts, by their negative log-likelihoods under two models."""
    sizes = parts.bytes()
    gains = resampled(second - first, sizes) / math.log(2)
    bits, other = (float(nats.sum() / sizes.sum() / math.log(2)) for nats in (first, second))
    # Resampling says nothing of two models that do not differ at all.
    p_value = 1.0 if bits == other else two_sided_p_value(gains)
    low, high = interval(gains)
    return TextComparison(bits, other, low, high, p_value, len(sizes), parts.unit)
