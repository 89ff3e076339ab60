"""Batches as pure functions of (seed, place): resuming is exact by construction.

A batch holds a budget of padded tokens: sentences x longest side, EOS counted, is at most `batch_tokens`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.cutting import cut
from seq2seq.data.encoded import EncodedPairs
from seq2seq.data.noise import SourceNoise
from seq2seq.data.order import Order, Shuffled
from seq2seq.data.tokenizer import BOS, EOS, PAD, Tokenizer
from seq2seq.data.tokenizers import Tokenizers

TokenSequence = Sequence[int] | NDArray[Any]
TensorOrNone = TypeVar("TensorOrNone", bound=Tensor | None)


@dataclass(frozen=True)
class Batch:
    """The input of one forward pass and its loss. Its B rows are whole examples, between which it may be cut."""

    # As forward takes them: source (B, S), mask (B, 1, 1, S) and target (B, T); or tokens (B, T) alone.
    inputs: tuple[Tensor | None, ...]
    labels: Tensor  # (B, ...)
    tokens: int  # labels that count
    padded: int  # places of all inputs, padding included
    filled: int  # places that hold a token
    mask: Tensor | None = None  # of the labels' shape, bool: True where a label counts; None = all of them do
    extras: Mapping[str, Tensor] = field(default_factory=dict)  # (B, ...), further inputs of an objective

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; copies are asynchronous where the device allows."""
        if device.type == "cpu":
            return self
        return replace(
            self,
            inputs=tuple(to_device(part, device) for part in self.inputs),
            labels=to_device(self.labels, device),
            mask=to_device(self.mask, device),
            extras={name: to_device(part, device) for name, part in self.extras.items()},
        )

    def counted(self) -> Tensor | None:
        """The places (tokens,) of the labels that count among all of them; None where all do. To be called before
        the batch is moved to a device, for which this process would have to wait."""
        return None if self.mask is None else self.mask.flatten().nonzero().squeeze(1)

    def pieces(self, count: int) -> list[Batch]:
        """The rows in up to `count` batches of about equal size, padded as before."""
        size = -(-len(self.labels) // count)
        return [self._rows(slice(start, start + size)) for start in range(0, len(self.labels), size)]

    def share(self, number: int, count: int) -> Batch:
        """The rows of one among `count` processes, padded as before; a process that would have none gets a row of which
        no label counts."""
        pieces = self.pieces(count)
        if number < len(pieces):
            return pieces[number]
        row = self._rows(slice(0, 1))
        return replace(row, mask=torch.zeros_like(row.labels, dtype=torch.bool), tokens=0, filled=0)

    def by_length(self, places: int) -> list[tuple[Tensor, Batch]]:
        """The rows in batches of about so many labels, the shortest rows first: which rows (N,), and those, without the
        columns that hold padding alone. For batches of one or two sides with a mask."""
        assert self.mask is not None
        ends = _ends(self.mask).cpu()
        order = ends.argsort(stable=True)
        bounds = cut(ends[order].numpy() - 1, places)
        return [(order[start:end], self._rows(order[start:end])._trimmed()) for start, end in bounds]

    def _trimmed(self) -> Batch:
        assert self.mask is not None
        last = int(_ends(self.mask).max())
        *source, target = self.inputs
        assert target is not None
        target = target[:, :last]
        if source and source[1] is not None:
            longest = int(_ends(source[1][:, 0, 0]).max())
            source = [source[0][:, :longest], source[1][..., :longest]]  # type: ignore[index]
        extras = {name: part[:, :last] for name, part in self.extras.items()}
        return replace(
            self,
            inputs=(*source, target),
            labels=self.labels[:, :last],
            padded=sum(part.numel() for part in (*source[:1], target) if part is not None),
            mask=self.mask[:, :last],
            extras=extras,
        )

    def _rows(self, rows: slice | Tensor) -> Batch:
        labels, mask = self.labels[rows], None if self.mask is None else self.mask[rows]
        share = len(labels) / len(self.labels)
        return Batch(
            tuple(None if part is None else part[rows] for part in self.inputs),
            labels,
            labels.numel() if mask is None else int(mask.sum()),
            round(share * self.padded),
            round(share * self.filled),
            mask,
            {name: part[rows] for name, part in self.extras.items()},
        )


def to_device(part: TensorOrNone, device: torch.device) -> TensorOrNone:
    """A tensor of a batch on a device; the copy is asynchronous where the device allows."""
    if part is None or device.type == "cpu":
        return part
    return (part.pin_memory() if device.type == "cuda" else part).to(device, non_blocking=True)  # type: ignore[return-value]


class Layout(NamedTuple):
    """How the two sides of pairs are laid out in a batch."""

    collate: Callable[[Sequence[TokenSequence], Sequence[TokenSequence]], Batch]
    longest: Callable[[NDArray[Any]], NDArray[Any]]  # tokens of both sides (N, 2) -> tokens of a row (N,), minus one


class Place(NamedTuple):
    """The place of a batch: `index` counts the batches of one chunk of an epoch's shuffled pairs."""

    epoch: int = 0
    chunk: int = 0
    index: int = 0  # type: ignore[assignment]  # hides tuple.index, which is not needed


class BatchSource(Protocol):
    """Where training batches come from: a corpus, whose batches are a pure function of (seed, place); or the model
    itself, as it is when a batch is requested."""

    ahead: bool = True  # whether a batch may be prepared before the previous update is made

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """Endless batches with their places, from a place on; one past the last of its chunk is the first of the next
        chunk."""

    def boundary(self, place: Place) -> bool:
        """Whether a training run may be validated, saved and stopped after the batch of a place."""
        return True

    def state(self) -> Mapping[str, Any]:
        """What a checkpoint stores of the source besides its place: tensors and JSON values, by name."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        return


class ChunkedBatches(BatchSource):
    """The endless sequence of training batches over records, chunk by chunk of an order."""

    def __init__(self, order: Order, *, batch_tokens: int, seed: int) -> None:
        self._order = order
        self._batch_tokens = batch_tokens
        self._seed = seed

    def stream(self, start: Place = Place()) -> Iterator[tuple[Place, Batch]]:  # noqa: B008 (immutable)
        """Endless batches with their places, from a place on."""
        epoch, first, skipped = start
        while True:
            for number, indices in enumerate(self._order.chunks(epoch, first), start=first):
                for index, batch in enumerate(self.chunk(indices, epoch, number, skipped), start=skipped):
                    yield Place(epoch, number, index), batch
                skipped = 0
            epoch, first = epoch + 1, 0

    @abstractmethod
    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """The batches of a chunk of records but for the first `skipped`; the same whenever it is called."""


class Batches(ChunkedBatches):
    """The endless sequence of training batches over an encoded corpus.

    Each chunk of `order` is sorted by length so that little is padded, cut by budget, and its batches shuffled. `noise`
    changes some of its sources, and `sampling` > 0 re-segments it (subword regularisation), both seeded by (seed,
    epoch, chunk), before it is sorted; `max_length` bounds the changed sides, EOS counted.
    """

    def __init__(
        self,
        encoded: EncodedPairs,
        tokenizers: Tokenizers,
        *,
        batch_tokens: int,
        seed: int,
        order: Order | None = None,
        noise: SourceNoise | None = None,
        sampling: float = 0.0,
        max_length: int = 256,
        layout: Layout | None = None,
    ) -> None:
        super().__init__(order or Shuffled(len(encoded), seed), batch_tokens=batch_tokens, seed=seed)
        self._layout = layout or SIDE_BY_SIDE
        self._encoded = encoded
        self._tokenizers = tokenizers
        self._noise = noise
        self._sampling = sampling
        self._max_length = min(max_length, batch_tokens)

    def chunk(self, indices: NDArray[np.uint32], epoch: int, number: int, skipped: int) -> Iterator[Batch]:
        """The batches of a chunk but for the first `skipped`."""
        sources: Sequence[TokenSequence]
        targets: Sequence[TokenSequence]
        sources, targets = self._encoded.take(indices)
        generator = np.random.default_rng((self._seed, epoch, number))
        if self._noise:
            sources = self._noisy(sources, generator)
        if self._sampling:
            sources = self._sampled(self._tokenizers.source, sources, int(generator.integers(2**32)))
            targets = self._sampled(self._tokenizers.target, targets, int(generator.integers(2**32)))
        lengths = np.array([(len(source), len(target)) for source, target in zip(sources, targets)])
        longest = self._layout.longest(lengths)
        order = np.lexsort((_leaning(lengths, longest), longest))  # equal lengths keep their random order
        bounds = cut(longest[order], self._batch_tokens)
        generator.shuffle(bounds)
        for start, end in bounds[skipped:]:
            chosen = order[start:end]
            yield self._layout.collate([sources[i] for i in chosen], [targets[i] for i in chosen])

    def _noisy(self, sources: Sequence[TokenSequence], generator: np.random.Generator) -> list[TokenSequence]:
        assert self._noise is not None
        changes = self._noise.draw(len(sources), generator)
        texts = self._tokenizers.source.decode([[int(token) for token in sources[row]] for row in changes])
        noisy = [change(text) for change, text in zip(changes.values(), texts)]
        changed = list(sources)
        for row, new in zip(changes, self._tokenizers.source.encode(noisy)):
            changed[row] = self._fitting(new, sources[row])
        return changed

    def _sampled(self, tokenizer: Tokenizer, sequences: Sequence[TokenSequence], seed: int) -> list[TokenSequence]:
        texts = tokenizer.decode([[int(token) for token in tokens] for tokens in sequences])
        sampled = tokenizer.sample(texts, self._sampling, seed)
        return [self._fitting(new, old) for new, old in zip(sampled, sequences)]

    def _fitting(self, new: TokenSequence, old: TokenSequence) -> TokenSequence:
        """The new tokens of a text; the old ones where these are too many for the model, or for a batch."""
        return new if 0 < len(new) < self._max_length else old


def _leaning(lengths: NDArray[Any], longest: NDArray[Any]) -> NDArray[Any]:
    """A sort key of pairs (N, 2) with equal longer sides: by how much longer their source is, in alternating order from
    one length to the next, so that neighbours are similar on both sides, and little of either is padded."""
    leaning: NDArray[Any] = (lengths[:, 0] - lengths[:, 1]) * np.where(longest % 2, 1, -1)
    return leaning


def collate(sources: Sequence[TokenSequence], targets: Sequence[TokenSequence]) -> Batch:
    """Pad both sides: source + EOS, BOS + target, labels target + EOS; no mask where all sources are equally long."""
    source, mask, filled = pad_sources(sources)
    labels, lengths = _padded(targets)
    inputs = np.concatenate((np.full((len(targets), 1), BOS), labels[:, :-1]), axis=1)
    labels[np.arange(len(targets)), lengths - 1] = EOS
    tokens = int(lengths.sum())
    return Batch(
        (source, mask, torch.from_numpy(inputs)),
        torch.from_numpy(labels),
        tokens,
        padded=source.numel() + inputs.size,
        filled=filled + tokens,
        mask=mask_of(lengths, labels.shape[1]),
    )


def collate_joined(sources: Sequence[TokenSequence], targets: Sequence[TokenSequence]) -> Batch:
    """One sequence per pair, for a decoder-only model: source, BOS, target; labels target + EOS, none on the source."""
    longest = max(len(source) + len(target) for source, target in zip(sources, targets)) + 1
    inputs = np.full((len(targets), longest), PAD, np.int64)
    labels = np.full((len(targets), longest), PAD, np.int64)
    mask = np.zeros((len(targets), longest), np.bool_)
    tokens = filled = 0
    for row, (source, target) in enumerate(zip(sources, targets)):
        first, last = len(source), len(source) + len(target)
        inputs[row, :first] = source
        inputs[row, first] = BOS
        inputs[row, first + 1 : last + 1] = target
        labels[row, first:last] = target
        labels[row, last] = EOS
        mask[row, first : last + 1] = True
        tokens += len(target) + 1
        filled += last + 1
    return Batch(
        (torch.from_numpy(inputs),),
        torch.from_numpy(labels),
        tokens,
        padded=inputs.size,
        filled=filled,
        mask=torch.from_numpy(mask),
    )


def _ends(mask: Tensor) -> Tensor:
    """A mask (B, T) -> the places up to the last that counts, (B,); 0 where none does."""
    return (mask * torch.arange(1, mask.size(1) + 1, device=mask.device)).amax(1)


SIDE_BY_SIDE = Layout(collate, lambda lengths: lengths.max(axis=1))
JOINED = Layout(collate_joined, lambda lengths: lengths.sum(axis=1))


def pad_sources(sources: Sequence[TokenSequence]) -> tuple[Tensor, Tensor | None, int]:
    """Source + EOS, padded: tokens (B, S), mask (B, 1, 1, S) or None where all are equally long, number of tokens."""
    tokens, lengths = _padded(sources)
    tokens[np.arange(len(sources)), lengths - 1] = EOS
    mask = mask_of(lengths, tokens.shape[1])
    return torch.from_numpy(tokens), None if mask is None else mask[:, None, None, :], int(lengths.sum())


def _padded(rows: Sequence[TokenSequence]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows with PAD after them, one at least: tokens (B, T), and lengths (B,) with one PAD."""
    lengths = np.array([len(row) + 1 for row in rows])
    tokens = np.full((len(rows), int(lengths.max())), PAD, np.int64)
    for row, filled in zip(tokens, rows):
        row[: len(filled)] = filled
    return tokens, lengths


def mask_of(lengths: NDArray[Any], longest: int) -> Tensor | None:
    """Mask (B, T) of rows that are filled up to their lengths (B,), T being `longest`; None where all are full."""
    return None if lengths.min() == longest else torch.from_numpy(np.arange(longest) < lengths[:, None])
