"""Pairs as token ids on disk, memory-mapped: encoded once, cached by the hash of all that they depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
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

_FORMAT = 4
CHUNK = 5000  # pairs encoded at a time
_SAMPLED = 100  # sources of a chunk whose style is counted
_HELD = 500  # pairs read before their pages are released: each may have loaded 64 kB of either file
_SHORT = 10  # tokens: below this, the ratio of two lengths says nothing


class Encoded:
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
) -> Encoded:
    """Encode pairs, or find them encoded, in `cache` or in `also`, which are only read: each source in order, without
    the pairs that training should not see.

    Dropped, counted by reason in `report`: a side blank; a side over `max_length` tokens (EOS counted); sides of a
    ratio over `max_ratio`; a side that is also in `held_out`, in any form (`fold`). `report` also has the style of
    the sources, in this `language`. Raises DataError: text that cannot be read, no pair left, a cache that
    cannot be written.
    """
    settings = f"{_FORMAT} {max_length} {max_ratio} {len(pairs)} {language}"
    checksums = (source.checksum() for source in (*pairs, *held_out))
    models = (tokenizer.serialise()[1] for tokenizer in (tokenizers.source, tokenizers.target))
    folder = find_or_build(
        (settings, *checksums, *models),
        lambda partial: _write(partial, pairs, tokenizers, max_length, max_ratio, language, _seen(held_out)),
        cache,
        also=also,
        say=say,
    )
    return Encoded(folder)


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
    dropped: Counter[str] = Counter()
    style = Style()
    kept = read = end = 0
    kind = token_type(max(tokenizers.source.size, tokenizers.target.size))
    with (folder / "tokens").open("wb") as tokens, (folder / "offsets").open("wb") as offsets:
        offsets.write(np.zeros(1, np.int64).tobytes())
        for chunk in _chunks(pair for source in pairs for pair in source.read()):
            read += len(chunk)
            sources, targets = (list(side) for side in zip(*chunk))
            ends: list[int] = []
            flat: list[int] = []
            encoded = zip(tokenizers.encode_source(sources), tokenizers.target.encode(targets))
            style += style_of(sources[:: -(-len(chunk) // _SAMPLED)], language)
            for (source_text, target_text), (source, target) in zip(chunk, encoded):
                short, long = sorted((len(source), len(target)))
                if not short:
                    dropped["blank"] += 1
                elif long >= max_length:
                    dropped["too long"] += 1
                elif long > _SHORT and long > max_ratio * short:
                    dropped["odd ratio"] += 1
                elif fold(source_text) in seen[0] or fold(target_text) in seen[1]:
                    dropped["in dev or test"] += 1
                else:
                    ends += (end + len(source), end + len(source) + len(target))
                    end = ends[-1]
                    flat += source
                    flat += target
                    kept += 1
            tokens.write(np.asarray(flat, kind).tobytes())
            offsets.write(np.asarray(ends, np.int64).tobytes())
        write_through(tokens, offsets)
    reasons = dict(sorted(dropped.items()))
    if not kept:
        counts = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items()) or "the text is empty"
        raise DataError(
            f"no pair is left of {', '.join(source.origin for source in pairs)} ({counts}); "
            "see data.max_length, data.max_ratio and whether dev or test are the training text"
        )
    write_report(
        folder,
        {
            "read": read,
            "kept": kept,
            "dropped": reasons,
            "tokens": end,
            "dtype": kind.name,
            "source_style": asdict(style),
        },
    )


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    iterator = iter(pairs)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
