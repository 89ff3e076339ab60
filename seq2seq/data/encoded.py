"""Pairs as token ids on disk, memory-mapped: encoded once, cached by the hash of all that they depend on."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.corpora import Pair, Text
from seq2seq.data.folding import fold
from seq2seq.data.style import Style
from seq2seq.data.style import count as style_of
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import DataError
from seq2seq.storage.atomic import sync_folder, write_json
from seq2seq.storage.checksums import checksum_of, described, difference
from seq2seq.storage.locks import LockedError, lock

_FORMAT = 4
_CHUNK = 5000
_SAMPLED = 100  # sources of a chunk that are looked at
_HELD = 500  # pairs read before their pages are let go: each may have brought in 64 kB of either file
_SHORT = 10  # tokens: below this, the ratio of two lengths says nothing


class Encoded:
    """N pairs of token sequences in memory-mapped files; nothing is resident but what is being read."""

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
        """What a sample of the sources looks like."""
        return Style(**self.report["source_style"])

    def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Source and target tokens of a pair, without BOS and EOS."""
        start, middle, end = self._offsets[2 * index : 2 * index + 3]
        return self._tokens[start:middle], self._tokens[middle:end]

    def take(self, indices: Iterable[int]) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Copies of the sources and targets of several pairs; what was read of the files does not stay resident."""
        sources, targets = [], []
        for count, index in enumerate(indices, start=1):
            source, target = self[int(index)]
            sources.append(source.copy())
            targets.append(target.copy())
            if count % _HELD == 0:
                let_go(*self._maps)
        let_go(*self._maps)
        return sources, targets

    def lengths(self) -> NDArray[np.uint32]:
        """Tokens of both sides of each pair, (N, 2), without BOS and EOS."""
        lengths = np.empty(len(self._offsets) - 1, np.uint32)
        for start in range(0, len(lengths), 1 << 20):
            part = self._offsets[start : start + (1 << 20) + 1]
            lengths[start : start + len(part) - 1] = np.diff(part)
        return lengths.reshape(-1, 2)


def encode(
    texts: Sequence[Text],
    tokenizers: Tokenizers,
    cache: Path,
    *,
    max_length: int,
    max_ratio: float,
    language: str = "",
    held_out: Sequence[Text] = (),
    also: Sequence[Path] = (),
    progress: Callable[[int], None] = lambda pairs: None,
    say: Callable[[str], None] = lambda message: None,
) -> Encoded:
    """Encode pairs, or find them encoded, in `cache` or another one that is only read: each text in order, less the
    pairs that training should not see.

    Dropped, counted by reason in `report`: a side blank; a side over `max_length` tokens (EOS counted); sides of a
    ratio over `max_ratio`; a side that also stands in `held_out`, in whatever form (`fold`). `report` also counts what
    the sources, of this `language`, look like. Raises DataError: text that cannot be read, no pair left, a cache that
    cannot be written.
    """
    settings = f"{_FORMAT} {max_length} {max_ratio} {len(texts)} {language}"
    checksums = (text.checksum() for text in (*texts, *held_out))
    models = (tokenizer.serialise()[1] for tokenizer in (tokenizers.source, tokenizers.target))
    key = hashlib.sha256(b"\0".join([*(part.encode() for part in (settings, *checksums)), *models])).hexdigest()[:32]
    folder = next((each / key for each in also if not damaged(each / key)), cache / key)
    settled(
        folder,
        lambda partial: _write(partial, texts, tokenizers, max_length, max_ratio, language, _seen(held_out), progress),
        say,
    )
    return Encoded(folder)


def settled(folder: Path, write: Callable[[Path], None], say: Callable[[str], None]) -> None:
    """Have a folder of tokens as it was written: found, or written beside and renamed. Raises DataError.

    Of several processes that need it one writes, the others wait and `say` for whom. What a killed one left is cleared.
    """
    if not damaged(folder):
        return
    cache = folder.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f".{folder.name}.lock", say):
            if not damaged(folder):
                return
            partial = cache / f".{folder.name}.partial"
            for left in (partial, folder):
                shutil.rmtree(left, ignore_errors=True)
            _clear(cache)
            try:
                partial.mkdir()
                write(partial)
                sync_folder(partial)
                partial.rename(folder)
                sync_folder(cache)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"cannot write tokens under {cache}: {error.strerror or error}; make room there, or choose another folder "
            "with --run or SEQX_RUNS"
        ) from error


def report_of(folder: Path) -> dict[str, Any]:
    """What a folder of tokens says of itself, but for the checksums."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {name: value for name, value in report.items() if name not in ("files", "sha256")}


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write what a folder of tokens says of itself, and the checksums of its files."""
    whole = {**report, "files": {path.name: described(path) for path in sorted(folder.iterdir())}}
    write_json(folder / "report.json", {**whole, "sha256": checksum_of(whole)})


def damaged(folder: Path, *, again: bool = False) -> str:
    """Which file of a folder of tokens is not as it was written, and why; `again` as for `checksums.difference`."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if report.pop("sha256") != checksum_of(report):
            return "report.json: its checksum is another than when it was written"
        reasons = ((name, difference(folder / name, known, again=again)) for name, known in report["files"].items())
        return next((f"{name}: {reason}" for name, reason in reasons if reason), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"report.json: {error!r}"


def _clear(cache: Path) -> None:
    """Delete what killed processes left of tokens that nobody asks for any more."""
    for left in cache.glob(".*.partial"):
        if left.with_suffix(".lock").exists():
            with suppress(LockedError, OSError), lock(left.with_suffix(".lock"), wait=False):
                shutil.rmtree(left)


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(path, wait=False))
        except LockedError as owner:
            say(f"Waiting for {f'process {owner}' if str(owner) else 'another process'}, which encodes the same text")
            stack.enter_context(lock(path, wait=True))
        yield


def map_file(path: Path) -> mmap.mmap:
    """A file that is there to be read as memory."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def let_go(*maps: mmap.mmap) -> None:
    """What was read of mapped files need not stay resident."""
    for mapped in maps:
        if hasattr(mapped, "madvise"):  # not on Windows
            mapped.madvise(mmap.MADV_DONTNEED)


def token_kind(vocabulary: int) -> np.dtype[Any]:
    """The smallest numbers that hold every token of a vocabulary."""
    return np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.uint32)


def _seen(held_out: Sequence[Text]) -> tuple[set[bytes], set[bytes]]:
    sources, targets = set(), set()
    for text in held_out:
        for source, target in text.read():
            sources.add(fold(source))
            targets.add(fold(target))
    return sources - {b""}, targets - {b""}


def _write(
    folder: Path,
    texts: Sequence[Text],
    tokenizers: Tokenizers,
    max_length: int,
    max_ratio: float,
    language: str,
    seen: tuple[set[bytes], set[bytes]],
    progress: Callable[[int], None],
) -> None:
    dropped: Counter[str] = Counter()
    style = Style()
    kept = read = end = 0
    kind = token_kind(max(tokenizers.source.size, tokenizers.target.size))
    with (folder / "tokens").open("wb") as tokens, (folder / "offsets").open("wb") as offsets:
        offsets.write(np.zeros(1, np.int64).tobytes())
        for chunk in _chunks(pair for text in texts for pair in text.read()):
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
            progress(read)
        for file in (tokens, offsets):
            file.flush()
            os.fsync(file.fileno())
    reasons = dict(sorted(dropped.items()))
    if not kept:
        counts = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items()) or "the text is empty"
        raise DataError(
            f"no pair is left of {', '.join(text.origin for text in texts)} ({counts}); "
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
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
