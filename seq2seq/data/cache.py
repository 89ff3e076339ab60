"""Encoded text on disk: built when it is first needed, found by the hash of all that it depends on, and read through
memory maps."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from seq2seq.errors import DataError
from seq2seq.storage.atomic import sync_folder, write_json
from seq2seq.storage.checksums import checksum_of, described, difference
from seq2seq.storage.locks import LockedError, lock


def find_or_build(
    key: Iterable[str | bytes],
    write: Callable[[Path], None],
    cache: Path,
    *,
    also: Sequence[Path] = (),
    say: Callable[[str], None] = lambda message: None,
) -> Path:
    """The cache folder of `key`: found complete in `cache` or in one of `also`, which are only read, or built
    atomically in `cache` by `write`.

    Of several processes that need it one writes; the others wait and `say` for whom. Leftovers of killed ones are
    deleted. Raises DataError where the cache cannot be written.
    """
    parts = (part.encode() if isinstance(part, str) else part for part in key)
    name = hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    complete = next((place / name for place in (*also, cache) if not damaged(place / name)), None)
    if complete is not None:
        return complete
    folder = cache / name
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f".{folder.name}.lock", say):
            if not damaged(folder):
                return folder
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
            f"cannot write tokens under {cache}: {error.strerror or error}; free some space there, or choose another "
            "folder with --run or SEQX_RUNS"
        ) from error
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    """The report of a folder of tokens, without the checksums."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {name: value for name, value in report.items() if name not in ("files", "sha256")}


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write the report of a folder of tokens, with the checksums of its files."""
    whole = {**report, "files": {path.name: described(path) for path in sorted(folder.iterdir())}}
    write_json(folder / "report.json", {**whole, "sha256": checksum_of(whole)})


def damaged(folder: Path, *, again: bool = False) -> str:
    """Which file of a folder of tokens has changed since it was written, and why; empty if none; `again` as for
    `checksums.difference`."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if report.pop("sha256") != checksum_of(report):
            return "report.json: its checksum has changed since it was written"
        reasons = ((name, difference(folder / name, known, again=again)) for name, known in report["files"].items())
        return next((f"{name}: {reason}" for name, reason in reasons if reason), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"report.json: {error!r}"


def _clear(cache: Path) -> None:
    """Delete what killed processes left of tokens that are no longer requested."""
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
    """A file as memory, read only."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def release(*maps: mmap.mmap) -> None:
    """Let the system reclaim the memory of the pages of mapped files."""
    for mapped in maps:
        if hasattr(mapped, "madvise"):  # not on Windows
            mapped.madvise(mmap.MADV_DONTNEED)


def token_type(vocabulary: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds every token of a vocabulary."""
    return np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.uint32)


def write_through(*files: IO[bytes]) -> None:
    """Flush and fsync open files."""
    for file in files:
        file.flush()
        os.fsync(file.fileno())
