"""Two translators on one test set: whether they differ by more than chance, and in which sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.errors import DataError
from seq2seq.evaluation.compare_texts import verdict
from seq2seq.evaluation.judge import Sentence
from seq2seq.evaluation.metrics import ChrF, Difference, Metric

if TYPE_CHECKING:
    from seq2seq.evaluation.parts import Answers, Part


@dataclass(frozen=True)
class Changed:
    """A sentence that one system translates better; `gain` is the sentence chrF2 of the second less the first's."""

    source: str
    reference: str
    first: str
    second: str
    gain: float

    def answers(self) -> Answers:
        """For a page."""
        from seq2seq.evaluation.parts import Answers, LabelledOutput

        outputs = (LabelledOutput("A", self.first), LabelledOutput("B", self.second, f"{self.gain:+.0f} chrF2"))
        return Answers(self.source, self.reference, outputs)


@dataclass(frozen=True)
class TranslationComparison:
    """The scores of two systems, and the sentences that differ most."""

    sentences: int
    same: int  # translations of both that are equal
    differences: tuple[Difference, ...]
    better: tuple[Changed, ...]  # where the second gains most
    worse: tuple[Changed, ...]  # where it loses most

    def record(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def lines(self, first: Path, second: Path) -> Iterator[str]:
        """A table and sentences, with the paths of the runs."""
        yield f"A = {first}, B = {second}: {self.sentences:,} sentences, {self.same:,} translated alike"
        yield f"{'':8}{'A':>7}{'B':>7}{'B - A':>8}{'p':>8}"
        for difference in self.differences:
            gain = difference.second - difference.first
            figures = f"{difference.first:7.1f}{difference.second:7.1f}{gain:+8.1f}{difference.p_value:8.3f}"
            yield f"{difference.metric:8}{figures}  {verdict(difference.p_value):27} {difference.signature}"
        for title, group in (("B gains most", self.better), ("B loses most", self.worse)):
            for changed in group:
                yield f"\n{title} ({changed.gain:+.0f} chrF2)"
                yield f"    {'source':10}{changed.source}"
                yield f"    {'reference':10}{changed.reference}"
                yield f"    {'A':10}{changed.first}"
                yield f"    {'B':10}{changed.second}"

    def shown(self) -> Iterator[Part]:
        """For a page."""
        from seq2seq.evaluation.parts import Paragraph, Table, Texts

        yield Paragraph(f"{self.sentences:,} sentences, {self.same:,} translated alike")
        rows = [
            (each.metric, each.first, each.second, each.second - each.first, each.p_value, verdict(each.p_value),
             each.signature)
            for each in self.differences
        ]  # fmt: skip
        yield Table("Paired bootstrap test", ("metric", "A", "B", "B - A", "p", "verdict", "signature"), rows)
        for title, group in (("B gains most", self.better), ("B loses most", self.worse)):
            if group:
                yield Texts(title, [changed.answers() for changed in group])


def compare(
    sentences: Sequence[Sentence],
    first: Sequence[str],
    second: Sequence[str],
    metrics: Sequence[Metric],
    *,
    most: int = 5,
) -> TranslationComparison:
    """Paired bootstrap resampling (Koehn, 2004) against the first references, and the sentences that changed most.

    Raises DataError where the counts differ.
    """
    if not len(sentences) == len(first) == len(second) > 0:
        raise DataError(
            f"{len(first):,} and {len(second):,} translations of {len(sentences):,} sentences cannot be compared"
        )
    sources = [sentence.source for sentence in sentences]
    references = [sentence.references[:1] for sentence in sentences]
    differences = [metric.difference(sources, first, second, references) for metric in metrics]
    before, after = (ChrF().segments(sources, texts, references) for texts in (first, second))
    changed = [
        Changed(sentence.source, sentence.references[0], first[index], second[index], after[index] - before[index])
        for index, sentence in enumerate(sentences)
        if first[index] != second[index]
    ]
    changed.sort(key=lambda sentence: sentence.gain)
    return TranslationComparison(
        len(sentences),
        len(sentences) - len(changed),
        tuple(differences),
        better=tuple(sentence for sentence in changed[::-1][:most] if sentence.gain > 0),
        worse=tuple(sentence for sentence in changed[:most] if sentence.gain < 0),
    )
