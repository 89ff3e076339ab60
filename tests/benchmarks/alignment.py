"""How good a translator's word alignments are: python -m tests.benchmarks.alignment --run RUN [--each].

Alignment error rate on the hundred French-English pairs of tests/alignment that are aligned by hand, whose targets are
given to the model (forced decoding): of the map that `seqx translate --alignment` reads, beside the diagonal and word
counts; with --each, of every layer and head, and of other ways to read links off weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seq2seq import device
from seq2seq.decoding.alignment import Link, links_of, words
from seq2seq.evaluation import judge
from seq2seq.evaluation.alignment import by_cooccurrence, error_rate
from seq2seq.tasks import open_run
from seq2seq.tasks.alignment import Aligner, candidates_of
from tests.alignment.hand_aligned import diagonal, read

PAIRS = read()
HALF = len(PAIRS) // 2
Weights = NDArray[np.float64]


def rate(found: Sequence[Sequence[Link]]) -> str:
    """The error rate, of all pairs and of each half."""

    def of(part: slice) -> float:
        return error_rate(found[part], [pair.sure for pair in PAIRS[part]], [pair.possible for pair in PAIRS[part]])

    return f"{of(slice(None)):.3f}  ({of(slice(0, HALF)):.3f}, {of(slice(HALF, None)):.3f})"


def forward(weights: Weights) -> list[Link]:
    """Each target word with the source word that it gives most to."""
    return [(int(source), target) for target, source in enumerate(weights.argmax(1))]


def backward(weights: Weights) -> list[Link]:
    return [(source, int(target)) for source, target in enumerate(weights.argmax(0))]


READINGS: dict[str, Callable[[Weights], Sequence[Link]]] = {
    "grow-diag-final": links_of,
    "target words alone": forward,
    "both agree": lambda weights: sorted({*forward(weights)} & {*backward(weights)}),
    "either": lambda weights: sorted({*forward(weights)} | {*backward(weights)}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--each", action="store_true")
    given = parser.parse_args()
    run = open_run(given.run)
    texts = [(pair.source, pair.target) for pair in PAIRS]
    print(f"diagonal                    {rate([diagonal(*text) for text in texts])}")
    test = [(sentence.source, sentence.references[0]) for sentence in judge.read_set(run)]
    counted = by_cooccurrence([(words(one.lower()), words(other.lower())) for one, other in [*test, *texts]])
    print(f"word counts of the test set {rate([links_of(weights) for weights in counted[len(test) :]])}")
    aligner = Aligner(run, device.choose("cpu", "float32").numerics, say=print)
    print(f"attention                   {rate(aligner.align(texts))}  {aligner.chosen}")
    if given.each:
        candidates = candidates_of(run.recipe())
        maps = aligner.maps(texts, candidates)
        for name, reading in READINGS.items():
            print(f"\n{name}")
            for place, candidate in enumerate(candidates):
                print(f"  {rate([reading(weights[place]) for weights in maps])}  {candidate}")


if __name__ == "__main__":
    main()
