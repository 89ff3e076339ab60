"""Scores by sacreBLEU, never without its signature."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import DataError

# sacreBLEU warns where hypotheses end in a tokenized period: an early model writes such, and it changes nothing.
logging.getLogger("sacrebleu").setLevel(logging.ERROR)

SAMPLES = 1000  # bootstrap resamples


@dataclass(frozen=True)
class Score:
    """One corpus score; `low` and `high` bound its 95 % bootstrap interval."""

    name: str
    value: float
    low: float
    high: float
    signature: str

    def record(self) -> dict[str, Any]:
        """For run.json and --json."""
        return asdict(self)


class _Plain:
    """A metric whose scores are all of one type: where a resample has blank sides alone, sacreBLEU's are not, and it
    cannot average them."""

    def _compute_score_from_stats(self, stats: list[float]) -> Any:
        found = super()._compute_score_from_stats(stats)  # type: ignore[misc]
        found.score = float(found.score)
        return found


class _Chrf(_Plain, CHRF):  # type: ignore[misc]
    pass


class _Ter(_Plain, TER):
    pass


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU (13a, cased), one reference: the quick figure of a validation."""
    return float(BLEU().corpus_score(list(hypotheses), [list(references)]).score)


def score(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> list[Score]:
    """BLEU, chrF2 and TER of hypotheses against one or more references each, with 95 % intervals.

    Raises DataError where the counts differ or there is nothing to score.
    """
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses):,} translations cannot be judged by {len(references):,} references")
    if not hypotheses:
        raise DataError("nothing to judge: there are no translations")
    streams = reference_streams(references)
    found = []
    for metric in (BLEU(), _Chrf(), _Ter()):
        result = metric.corpus_score(list(hypotheses), streams, n_bootstrap=SAMPLES)
        mean, half = float(result._mean), float(result._ci)
        found.append(Score(result.name, float(result.score), mean - half, mean + half, str(metric.get_signature())))
    return found


def reference_streams(references: Sequence[Sequence[str]]) -> list[list[str]]:
    """References by sentence -> sacreBLEU's streams, None (which its types leave out) where a sentence has fewer."""
    most = max(map(len, references))
    streams = [[each[index] if index < len(each) else None for each in references] for index in range(most)]
    return cast(list[list[str]], streams)


def by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    bounds: Sequence[int] = (5, 10, 20, 40),
) -> list[tuple[str, int, float]]:
    """BLEU of the sentences whose source has so many words: (label, sentences, BLEU) for each range that has any."""
    groups: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        words = len(source.split())
        groups.setdefault(sum(words > bound for bound in bounds), []).append(index)
    found = []
    for group in sorted(groups):
        low = bounds[group - 1] + 1 if group else 0
        label = f"{low}-{bounds[group]} words" if group < len(bounds) else f"{low} words or more"
        chosen = groups[group]
        streams = reference_streams([references[index] for index in chosen])
        found.append(
            (label, len(chosen), float(BLEU().corpus_score([hypotheses[index] for index in chosen], streams).score))
        )
    return found
