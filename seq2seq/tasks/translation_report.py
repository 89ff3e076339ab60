"""The sentences of a translator's test set that a report shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seq2seq.evaluation import judge as judging
from seq2seq.evaluation.metrics import ChrF
from seq2seq.evaluation.parts import Answers, LabelledOutput, PageSection, Texts
from seq2seq.run import Run

_SHOWN = 8  # best, and as many worst
_MOST = 5000  # sentences that are looked at


def sections(run: Run) -> Iterator[PageSection]:
    """The best and the worst translations of the test set by sentence chrF2, of equal ones the longest; nothing where
    judging left none. Raises DataError where the test set is damaged."""
    outputs = judging.read_translations(run)
    if not outputs:
        return
    test = judging.read_set(run)[:_MOST]
    sources = [sentence.source for sentence in test]
    references = [sentence.references[:1] for sentence in test]
    scores = ChrF().segments(sources, outputs[: len(test)], references)
    order = sorted(range(len(scores)), key=lambda index: (scores[index], len(sources[index])))

    def texts(caption: str, chosen: Sequence[int]) -> Texts:
        answers = [
            Answers(sources[i], references[i][0], [LabelledOutput("model", outputs[i], f"chrF2 {scores[i]:.0f}")])
            for i in chosen
        ]
        return Texts(caption, answers)

    worst = order[: min(_SHOWN, len(order) // 2)]
    best = order[::-1][: min(_SHOWN, len(order) - len(worst))]
    parts = texts("Farthest from the reference", worst), texts("Closest to the reference", best)
    yield PageSection("Best and worst sentences", parts)
