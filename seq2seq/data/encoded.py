"""Pairs as token ids on disk, memory-mapped: encoded once, cached by the hash of all that they depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.cache import find_or_build, map_file, release, report_of, token_type, write_report, write_through
from seq2seq.data.folding import fold
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.data.style import Style
from seq2seq.data.style import count as style_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import DataError

_FORMAT = 5
CHUNK = 5000  # pairs encoded at a time
_SAMPLED = 100  # sources of a chunk whose style is counted
_HELD = 500  # pairs read before their pages are released: each may have loaded 64 kB of either file
_SHORT = 10  # tokens: below this, the ratio of two lengths says nothing


@dataclass
class SourceCounts:
    """What became of the pairs of one source."""

    origin: str
    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class EncodedPairs:
    """N pairs of token sequences in memory-mapped files; only what is being read is resident."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = report_of(folder)
        self._maps = [map_file(folder / name) for name in ("offsets", "tokens")]
        self._offsets: NDArray[np.int64] = np.frombuffer(self._maps[0], np.int64)
        self._tokens: NDArray[Any] = np.frombuffer(self._maps[1], np.dtype(self.report["dtype"]))

    def __len__(self) -> int:
        return (len(self._offsets) - 1) // 2

    @property
    def style(self) -> Style:
        """The style of a sample of the sources."""
        return Style(**self.report["source_style"])

    @property
    def sizes(self) -> list[int]:
        """The number of pairs of each source, in order."""
        return [part["kept"] for part in self.report["sources"]]

    def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Source and target tokens of a pair, without BOS and EOS."""
        start, middle, end = self._offsets[2 * index : 2 * index + 3]
        return self._tokens[start:middle], self._tokens[middle:end]

    def take(self, indices: Iterable[int]) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Copies of the sources and targets of several pairs; the pages that were read do not stay resident."""
        sources, targets = [], []
        for count, index in enumerate(indices, start=1):
            source, target = self[int(index)]
            sources.append(source.copy())
            targets.append(target.copy())
            if count % _HELD == 0:
                release(*self._maps)
        release(*self._maps)
        return sources, targets

    def lengths(self) -> NDArray[np.uint32]:
        """Tokens of both sides of each pair, (N, 2), without BOS and EOS."""
        lengths = np.empty(len(self._offsets) - 1, np.uint32)
        for start in range(0, len(lengths), 1 << 20):
            part = self._offsets[start : start + (1 << 20) + 1]
            lengths[start : start + len(part) - 1] = np.diff(part)
        return lengths.reshape(-1, 2)


def encode(
    pairs: Sequence[PairSource],
    tokenizers: Tokenizers,
    cache: Path,
    *,
    max_length: int,
    max_ratio: float,
    language: str = "",
    held_out: Sequence[PairSource] = (),
    also: Sequence[Path] = (),
    say: Callable[[str], None] = lambda message: None,
) -> EncodedPairs:
    """Encode pairs, or find them encoded, in `cache` or in `also`, which are only read: each source in order, without
    the pairs that training should not see.

    Dropped, counted by reason in `report`: what cleaning drops; a side blank; a side over `max_length` tokens (EOS
    counted); sides of a ratio over `max_ratio`; a side that is also in `held_out`, in any form (`fold`). `report` also
    has the numbers of each source, and the style of all, in this `language`. Raises DataError: text that cannot be
    read, no pair left, a cache that cannot be written.
    """
    settings = f"{_FORMAT} {max_length} {max_ratio} {len(pairs)} {language}"
    checksums = (f"{source.checksum()} {source.tag}".strip() for source in (*pairs, *held_out))
    models = (tokenizer.serialise()[1] for tokenizer in (tokenizers.source, tokenizers.target))
    folder = find_or_build(
        (settings, *checksums, *models),
        lambda partial: _write(partial, pairs, tokenizers, max_length, max_ratio, language, _seen(held_out)),
        cache,
        also=also,
        say=say,
    )
    return EncodedPairs(folder)


def _seen(held_out: Sequence[PairSource]) -> tuple[set[bytes], set[bytes]]:
    sources, targets = set(), set()
    for pairs in held_out:
        for source, target in pairs.read():
            sources.add(fold(source))
            targets.add(fold(target))
    return sources - {b""}, targets - {b""}


def _write(
    folder: Path,
    pairs: Sequence[PairSource],
    tokenizers: Tokenizers,
    max_length: int,
    max_ratio: float,
    language: str,
    seen: tuple[set[bytes], set[bytes]],
) -> None:
    style = Style()
    end = 0
    parts = [SourceCounts(source.origin) for source in pairs]
    kind = token_type(max(tokenizers.source.size, tokenizers.target.size))
    with (folder / "tokens").open("wb") as tokens, (folder / "offsets").open("wb") as offsets:
        offsets.write(np.zeros(1, np.int64).tobytes())
        for part, text, chunk in _chunks(zip(parts, pairs)):
            part.read += len(chunk)
            sources, targets = (list(side) for side in zip(*chunk))
            ends: list[int] = []
            flat: list[int] = []
            encoded = zip(
                tokenizers.encode_source([text.tagged(source) for source in sources]), tokenizers.target.encode(targets)
            )
            style += style_of(sources[:: -(-len(chunk) // _SAMPLED)], language)
            for (source_text, target_text), (source, target) in zip(chunk, encoded):
                short, long = sorted((len(source), len(target)))
                if not short:
                    part.dropped["blank"] += 1
                elif long >= max_length:
                    part.dropped["too long"] += 1
                elif long > _SHORT and long > max_ratio * short:
                    part.dropped["odd ratio"] += 1
                elif fold(source_text) in seen[0] or fold(target_text) in seen[1]:
                    part.dropped["in dev or test"] += 1
                else:
                    ends += (end + len(source), end + len(source) + len(target))
                    end = ends[-1]
                    flat += source
                    flat += target
                    part.kept += 1
            tokens.write(np.asarray(flat, kind).tobytes())
            offsets.write(np.asarray(ends, np.int64).tobytes())
        write_through(tokens, offsets)
    dropped = sum((part.dropped for part in parts), Counter[str]())
    reasons = dict(sorted(dropped.items()))
    if not end:
        counts = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items()) or "the text is empty"
        raise DataError(
            f"no pair is left of {', '.join(source.origin for source in pairs)} ({counts}); "
            "see data.max_length, data.max_ratio and whether dev or test are the training text"
        )
    write_report(
        folder,
        {
            "read": sum(part.read for part in parts),
            "kept": sum(part.kept for part in parts),
            "dropped": reasons,
            "sources": [{**vars(part), "dropped": dict(sorted(part.dropped.items()))} for part in parts],
            "tokens": end,
            "dtype": kind.name,
            "source_style": asdict(style),
        },
    )


def _chunks(texts: Iterable[tuple[SourceCounts, PairSource]]) -> Iterator[tuple[SourceCounts, PairSource, list[Pair]]]:
    for part, text in texts:
        pairs = text.read()
        while chunk := list(islice(pairs, CHUNK)):
            yield part, text, chunk
        if text.dropped:
            part.dropped.update(text.dropped())
            part.read += sum(text.dropped().values())
