"""What cleaning takes of corpora, and how fast it is: python -m tests.benchmarks.cleaning FOLDER...

Each folder has train.fr and train.en. Speed is per second of one core's processor time, so that other work on the
machine changes it little. With --pairs N, that many pairs (of the folders, again and again, a number added to each so
that they differ) are cleaned in one go, and the peak of the resident memory is shown. With --run RUN, a translator says
of the pairs that each filter takes, and of those that stay, how often it finds a target likelier after its own source
than after another one of about the same length: half of the time where the two have nothing in common.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import seq2seq
from seq2seq.data.cleaning import Cleaner, Report
from seq2seq.data.cleaning.filters import filters
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


def taken(pairs: PairSource, cleaning: Cleaning) -> dict[str, list[Pair]]:
    """The pairs that each filter is the first to take, and as "kept" those that stay."""
    steps, by_filter = list(filters(cleaning, "fr", "en")), defaultdict[str, list[Pair]](list)
    for pair in pairs.read():
        by_filter[next((name for name, each in steps if each.takes(pair)), "kept")].append(pair)
    return by_filter


def gains(translator: seq2seq.Translator, pairs: list[Pair]) -> list[float]:
    """Of each pair that the model takes, how much higher it scores the target after its own source than after that of
    the pair next in length."""
    ordered = sorted(pairs, key=lambda pair: len(pair[0]))
    sources, targets = map(list, zip(*ordered))
    own = translator.score(sources, targets)
    other = translator.score([*sources[1:], sources[0]], targets)
    return [one - two for one, two in zip(own, other) if one is not None and two is not None]


def peak() -> float:
    """MiB of memory that were resident at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--run", type=Path)
    given = parser.parse_args()
    sources = [file_pair(folder / "train.fr", folder / "train.en") for folder in given.folders]
    if given.run:
        translator = seq2seq.load(given.run)
        if not isinstance(translator, seq2seq.Translator):
            parser.error(f"--run {given.run}: not a translator's")
        for folder, source in zip(given.folders, sources):
            for name, pairs in taken(source, Cleaning()).items():
                drawn = random.Random(1).sample(pairs, min(2000, len(pairs)))
                gained = gains(translator, drawn)
                share = sum(gain > 0 for gain in gained) / max(1, len(gained))
                middle = median(gained) if gained else 0.0
                print(f"{folder.name} {name}: {len(pairs):,} pairs, {len(gained):,} scored, {share:.0%}, {middle:.2f}")
        return
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
