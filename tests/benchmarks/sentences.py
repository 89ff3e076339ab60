"""What BLEU keeps where text is not as the training text was: python -m tests.benchmarks.sentences --run RUN.

The run's own test set: as it is; two sentences on a line, cut by hand and by each rule; with invisible characters in
every word; with typographic apostrophes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from seq2seq.data.sentences import sentences
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.evaluation import judge
from seq2seq.tasks import open_run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator

PAIRS = 1000  # lines of two sentences


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    return BLEU().corpus_score(list(translations), [list(references)]).score


def translated(translator: TextTranslator, lines: Sequence[str]) -> list[str]:
    return [translation.text for translation in translator.stream(lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--engine", default="auto")
    given = parser.parse_args()
    run = open_run(given.run)
    rules = {
        rule: open_translator(run, EngineChoice(given.engine, sentences=rule)).translator
        for rule in ("auto", "split", "keep")
    }
    language = run.recipe().data.source
    rows = [(each.source, each.references[0]) for each in judge.read_set(run)]
    sources, references = ([row[side] for row in rows] for side in (0, 1))

    plain = translated(rules["auto"], sources)
    whole = translated(rules["keep"], sources)
    print(
        f"{len(rows):,} lines of the test set: auto {bleu(plain, references):.2f}, keep {bleu(whole, references):.2f}"
    )
    single = [number for number, source in enumerate(sources) if len(sentences(source, language)) == 1]
    changed = sum(plain[number] != whole[number] for number in single)
    print(f"  single sentences: {len(single):,}, changed: {changed}")

    lines, joined, by_hand = (
        [f"{one} {other}" for one, other in zip(side[0 : 2 * PAIRS : 2], side[1 : 2 * PAIRS : 2])]
        for side in (sources, references, plain)
    )
    print(f"{len(lines):,} lines of two of these lines: cut by hand {bleu(by_hand, joined):.2f}", end="")
    for rule, translator in rules.items():
        print(f", {rule} {bleu(translated(translator, lines), joined):.2f}", end="")
    print()

    odd = {
        "U+00AD inside every word": [re.sub(r"(?<=\w)(?=\w\w)", "\u00ad", source) for source in sources],
        "U+200B inside every word": [re.sub(r"(?<=\w)(?=\w\w)", "\u200b", source) for source in sources],
        "’ for '": [source.replace("'", "’") for source in sources],
        "' for ’": [source.replace("’", "'") for source in sources],
    }
    for name, changed_sources in odd.items():
        print(f"{name}: {bleu(translated(rules['auto'], changed_sources), references):.2f}")


if __name__ == "__main__":
    main()
