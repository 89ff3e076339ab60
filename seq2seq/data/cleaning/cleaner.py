"""A source of pairs without those that filters take, and with damaged encodings mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, repeat
from typing import Any

from seq2seq.data.cleaning.filters import filters
from seq2seq.data.cleaning.mending import mended
from seq2seq.data.findings import Finding, FindingCounter, Place, RecordExample
from seq2seq.data.hold_out import part_checksum
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.recipe import Cleaning

_FORMAT = 1  # raise it where the same values would keep other pairs


@dataclass(frozen=True)
class Mend:
    """A pair before and after its encoding was mended."""

    place: Place
    before: Pair
    after: Pair


@dataclass(frozen=True)
class Report:
    """What cleaning did to a source. A pair counts for the first filter that took it."""

    read: int
    kept: int
    mended: Finding[Mend]
    dropped: dict[str, Finding[RecordExample]]  # by filter, in their order

    def as_dict(self) -> dict[str, Any]:
        """For JSON and the run's record."""
        return {
            "read": self.read,
            "kept": self.kept,
            "mended": {
                "count": self.mended.count,
                "examples": [
                    {"line": mend.place.line, "before": mend.before, "after": mend.after}
                    for mend in self.mended.examples
                ],
            },
            "dropped": {
                name: {
                    "count": finding.count,
                    "examples": [
                        {"line": example.place.line, "source": example.texts[0], "target": example.texts[1]}
                        for example in finding.examples
                    ],
                }
                for name, finding in self.dropped.items()
            },
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
        by_name = {each.name: (each.takes, _Taken()) for each in filters(self._cleaning, *self._languages)}
        steps = list(by_name.values())
        mends: FindingCounter[Place, tuple[Pair, Pair], Mend] = FindingCounter(lambda place, two, _: Mend(place, *two))
        kept = bytearray()
        for number, pair in self._pairs.numbered():
            whole = self._mended(pair)
            for takes, taken in steps:
                if takes(whole):
                    taken.add(Place(self._pairs.origin, number), whole)
                    kept.append(0)
                    break
            else:
                kept.append(1)
                if whole is not pair:
                    mends.add(Place(self._pairs.origin, number), (pair, whole))
        dropped = {name: taken.finding() for name, (_, taken) in by_name.items()}
        return bytes(kept), Report(len(kept), sum(kept), mends.finding(), dropped)

    def _mended(self, pair: Pair) -> Pair:
        """The pair itself where there is nothing to mend."""
        if not self._cleaning.mend:
            return pair
        whole = mended(pair[0]), mended(pair[1])
        return whole if whole != pair else pair


class _Taken(FindingCounter[Place, Pair, RecordExample]):
    """The pairs that a filter took."""

    def __init__(self) -> None:
        super().__init__(lambda place, pair, _: RecordExample(place, pair))


def cleaned(pairs: PairSource, cleaning: Cleaning, source_language: str, target_language: str) -> PairSource:
    """The pairs that stay, as a source like any other; `Cleaner` also reports what was dropped."""
    return Cleaner(pairs, cleaning, source_language, target_language).source()
