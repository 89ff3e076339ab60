"""A source of pairs without those that filters take, and with damaged encodings mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, repeat
from typing import Any

from seq2seq.data.cleaning.filters import filters
from seq2seq.data.cleaning.mending import mended
from seq2seq.data.findings import Finding, JsonObject
from seq2seq.data.hold_out import part_checksum
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.recipe import Cleaning

_FORMAT = 1  # raise it where the same values would keep other pairs


@dataclass(frozen=True)
class Report:
    """What cleaning did to a source. A pair counts for the first filter that took it."""

    read: int
    kept: int
    mended: Finding
    dropped: dict[str, Finding]  # by filter, in their order

    def counts(self) -> dict[str, int]:
        """The number of pairs that each filter took, of those that took any."""
        return {name: finding.count for name, finding in self.dropped.items() if finding.count}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "read": self.read,
            "kept": self.kept,
            "mended": self.mended.report(),
            "dropped": {name: finding.report() for name, finding in self.dropped.items()},
        }


class Cleaner:
    """Cleans one source. What stays is decided in a reading of its own, before the first pair, and then fixed: a byte
    per pair."""

    def __init__(self, pairs: PairSource, cleaning: Cleaning, source_language: str, target_language: str) -> None:
        self._pairs = pairs
        self._cleaning = cleaning
        self._languages = source_language, target_language

    def source(self) -> PairSource:
        """The pairs that stay, mended, with their numbers in the text as the user has it. Raises DataError while it is
        read, as the source itself does."""
        described = " ".join(("cleaned", str(_FORMAT), *self._languages, self._cleaning.model_dump_json()))
        return replace(
            self._pairs,
            origin=f"{self._pairs.origin}, cleaned",
            read=lambda: (pair for _, pair in self._kept()),
            lines=self._kept,
            whole=self._pairs,
            checksum=lambda: part_checksum(self._pairs.checksum(), described),
            files=lambda: part_checksum(self._pairs.file_checksum(), described),
            dropped=lambda: self.report().counts(),
        )

    def report(self) -> Report:
        """Counts and a few examples; reads the source where this has not happened yet."""
        return self._decided[1]

    def _kept(self) -> Iterator[tuple[int, Pair]]:
        kept, _ = self._decided
        # A source that has become longer is read to its end, where it raises an error.
        for (number, pair), keep in zip(self._pairs.numbered(), chain(kept, repeat(0))):
            if keep:
                yield number, self._mended(pair)

    @cached_property
    def _decided(self) -> tuple[bytes, Report]:
        """Which pairs stay, in their order, and the report."""
        chosen = filters(self._cleaning, *self._languages)
        steps = [(name, each.takes, Finding(_dropped)) for name, each in chosen]
        mends = Finding(_mend)
        kept = bytearray()
        for number, pair in self._pairs.numbered():
            whole = self._mended(pair)
            for _, takes, taken in steps:
                if takes(whole):
                    taken.add(number, whole)
                    kept.append(0)
                    break
            else:
                kept.append(1)
                if whole is not pair:
                    mends.add(number, (pair, whole))
        dropped = {name: taken for name, _, taken in steps}
        return bytes(kept), Report(len(kept), sum(kept), mends, dropped)

    def _mended(self, pair: Pair) -> Pair:
        """The pair itself where there is nothing to mend."""
        if not self._cleaning.mend:
            return pair
        whole = mended(pair[0]), mended(pair[1])
        return whole if whole != pair else pair


def _dropped(line: int, pair: Pair, _: None) -> JsonObject:
    return {"line": line, "source": pair[0], "target": pair[1]}


def _mend(line: int, pairs: tuple[Pair, Pair], _: None) -> JsonObject:
    return {"line": line, "before": pairs[0], "after": pairs[1]}
