"""What cleaning takes of corpora, and how fast it is: python -m tests.benchmarks.cleaning FOLDER...

Each folder has train.fr and train.en. Speed is per second of one core's processor time, so that other work on the
machine changes it little. With --pairs N, that many pairs (of the folders, again and again, a number added to each so
that they differ) are cleaned in one go, and the peak of the resident memory is shown.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from seq2seq.data.cleaning import Cleaner, Report
from seq2seq.data.pairs import Pair, PairSource, file_pair
from seq2seq.recipe import Cleaning


def cleaned(pairs: PairSource, cleaning: Cleaning) -> tuple[Report, float]:
    """The report, and pairs per second of processor time."""
    start = time.process_time()
    report = Cleaner(pairs, cleaning, "fr", "en").report()
    return report, report.read / (time.process_time() - start)


def many(sources: list[PairSource], count: int) -> PairSource:
    """Pairs that all differ by a word."""

    def read() -> Iterator[Pair]:
        every = cycle(pair for source in sources for pair in source.read())
        for number, (source, target) in enumerate(islice(every, count)):
            word = "".join(chr(97 + int(digit)) for digit in str(number))
            yield f"{source} {word}", f"{target} {word}"

    return PairSource("many", read, lambda: str(count))


def peak() -> float:
    """MiB of memory that were resident at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--pairs", type=int, default=0)
    given = parser.parse_args()
    sources = [file_pair(folder / "train.fr", folder / "train.en") for folder in given.folders]
    if given.pairs:
        before = peak()
        for cleaning in (Cleaning(language=0), Cleaning()):
            report, speed = cleaned(many(sources, given.pairs), cleaning)
            print(
                f"language = {cleaning.language}: {speed:,.0f} pairs/s, {report.kept:,} of {report.read:,} kept, "
                f"peak {peak():,.0f} MiB, {before:,.0f} before"
            )
        return
    columns: list[list[str]] = []
    for folder, source in zip(given.folders, sources):
        _, fast = cleaned(source, Cleaning(language=0))
        report, speed = cleaned(source, Cleaning())
        counts = {"read": report.read, "kept": report.kept, "mended": report.mended.count}
        counts |= {name: finding.count for name, finding in report.dropped.items()}
        rows = {name: f"{count:,}" for name, count in counts.items()}
        rows |= {"pairs/s": f"{speed:,.0f}", "without language": f"{fast:,.0f}"}
        columns = columns or [["", *rows]]
        columns.append([folder.name, *rows.values()])
    for row in zip(*columns):
        print(f"{row[0]:<18}" + "".join(f"{cell:>11}" for cell in row[1:]))


if __name__ == "__main__":
    main()
