"""Holding records out of the training text for dev and test, chosen by content."""

from __future__ import annotations

import functools
import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, starmap
from typing import Any, NamedTuple

from seq2seq.data.corpus import SourceT, SplitName
from seq2seq.errors import DataError

# Where the user gives no evaluation text, one record in this many is held out for dev, and one for test.
SHARE = 50
_MOST = 2000


class HeldOut(NamedTuple):
    """What is held out, by fingerprint."""

    splits: dict[int, SplitName]
    distinct: int  # number of fingerprints, as far as it matters
    otherwise: str  # for checksums: where an older version, which counted repetitions, chose others


def hold_out(
    source: SourceT,
    splits: Sequence[SplitName],
    *,
    noun: str,
    texts: Callable[[Any], Sequence[str]],
    share: int = SHARE,
) -> dict[SplitName, SourceT]:
    """Hold one record in `share` of a source out for each of `splits` (one at least, about 2,000 at most); the rest is
    `train`.

    Chosen by content (`texts` of a record) among the records that differ: neither order nor repetition matters,
    and equal records stay together. Records with a blank text are not held out. Reading raises DataError where nothing
    is left to train on.
    """

    @functools.cache
    def held_out() -> HeldOut:
        kept = (record for record in map(texts, source.read()) if all(text.strip() for text in record))
        chosen = choose(starmap(fingerprint, kept), splits, share)
        if chosen.distinct <= len(splits):
            raise DataError(
                f"{source.origin}: no {noun} for train is left of {chosen.distinct} distinct {noun}s where "
                f"{' and '.join(splits)} are held out; give more text, or files for {' and '.join(splits)}"
            )
        return chosen

    def read(split: SplitName) -> Iterator[tuple[int, Any]]:
        chosen = held_out().splits
        return (line for line in source.numbered() if chosen.get(fingerprint(*texts(line[1])), "train") == split)

    def part(split: SplitName) -> SourceT:
        described = f"{split} part, {' and '.join(splits)} held out"
        return replace(
            source,
            origin=f"{source.origin} ({described})",
            read=lambda: (record for _, record in read(split)),
            whole=source,
            lines=lambda: read(split),
            checksum=lambda: part_checksum(source.checksum(), described, sorted(held_out().splits.items())),
            files=lambda: part_checksum(source.file_checksum(), f"{described}{held_out().otherwise}"),
        )

    return {split: part(split) for split in ("train", *splits)}


def part_checksum(whole: str, *part: Any) -> str:
    """The checksum of a part of a text, given that of the whole and a description of the part."""
    return hashlib.sha256(" ".join(map(str, (whole, *part))).encode()).hexdigest()


def choose(fingerprints: Iterable[int], splits: Sequence[SplitName], share: int = SHARE) -> HeldOut:
    """What to hold out for each of `splits`, the smallest first: one in `share` of those that differ, one at least,
    about 2,000 at most."""
    count = 0
    smallest: list[int] = []
    distinct: set[int] = set()
    iterator = iter(fingerprints)
    while chunk := list(islice(iterator, share * _MOST)):
        count += len(chunk)
        if len(distinct) < share * _MOST:  # from there on, the share is the maximum
            distinct.update(chunk)
        smallest = heapq.nsmallest(_MOST * len(splits), {*smallest, *chunk})
    held, once = (min(_MOST, max(1, number // share)) for number in (len(distinct), count))
    chosen = {value: splits[index % len(splits)] for index, value in enumerate(smallest[: held * len(splits)])}
    return HeldOut(chosen, len(distinct), "" if held == once else ", distinct ones")


def fingerprint(*texts: str) -> int:
    """A number of 8 bytes that distinguishes a text, or a record of several, from others."""
    digest = hashlib.blake2b("\t".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest())
