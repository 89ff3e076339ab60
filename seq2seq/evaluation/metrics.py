"""Metrics of translations. A new one is a subclass of `Metric`, listed in `metrics_of`."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, cast

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest, Result

from seq2seq.errors import DataError, refuse_one_text
from seq2seq.evaluation.bootstrap import SAMPLES, interval, resampled, two_sided_p_value

References = Sequence[Sequence[str]]  # one or more of each sentence

# sacreBLEU's tokenizer for a language, by ISO 639 code or English name; for all others 13a.
_TOKENIZERS = {
    language: tokenizer
    for tokenizer, languages in {
        "zh": "zh zho chi cmn yue wuu nan hak gan hsn lzh cn chinese mandarin cantonese",
        "ja-mecab": "ja jpn jp japanese",
        "ko-mecab": "ko kor korean",
        # Written without spaces between words. What sacreBLEU has for them (flores200) has to be downloaded.
        "char": "th tha thai lo lao km khm khmer my mya bur burmese bo bod tib tibetan dz dzo dzongkha",
    }.items()
    for language in languages.split()
}

# sacreBLEU warns where hypotheses end in a tokenized period: an early model writes such, and it changes nothing.
logging.getLogger("sacrebleu").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Score:
    """One corpus score; `low` and `high` bound its 95 % bootstrap interval."""

    name: str
    value: float
    low: float
    high: float
    signature: str


@dataclass(frozen=True)
class Difference:
    """One metric of two systems; `p_value` is how often chance alone makes such a difference (paired bootstrap)."""

    metric: str
    first: float
    second: float
    p_value: float
    signature: str


class Metric(ABC):
    """A metric, in points, which are shown with one decimal. Of a corpus it is the mean of its sentences' scores, as
    COMET and the word error rate of a sentence are. Few metrics read the sources."""

    name: str
    signature: str  # names all settings that a figure depends on

    @abstractmethod
    def segments(self, sources: Sequence[str], hypotheses: Sequence[str], references: References) -> list[float]:
        """The score of each sentence."""

    def corpus(self, sources: Sequence[str], hypotheses: Sequence[str], references: References) -> Score:
        """The score of all sentences, with its bootstrap interval."""
        scores = np.array(self.segments(sources, hypotheses, references))
        low, high = interval(resampled(scores, np.ones(len(scores), dtype=np.int64)))
        return Score(self.name, float(scores.mean()), low, high, self.signature)

    def difference(
        self, sources: Sequence[str], first: Sequence[str], second: Sequence[str], references: References
    ) -> Difference:
        """The scores of two systems, and paired bootstrap resampling of the sentences."""
        one, other = (np.array(self.segments(sources, texts, references)) for texts in (first, second))
        p_value = two_sided_p_value(resampled(other - one, np.ones(len(one), dtype=np.int64)))
        return Difference(self.name, float(one.mean()), float(other.mean()), p_value, self.signature)


class SacreBleuMetric(Metric):
    """A metric that sacreBLEU computes, with its signature, interval and test."""

    def __init__(self, scorer: BLEU | CHRF | TER) -> None:
        self._scorer = scorer

    def value(self, hypotheses: Sequence[str], references: References) -> float:
        """The score of a corpus without its interval, which takes most of the time."""
        return float(self._scorer.corpus_score(list(hypotheses), _streams(references)).score)

    def segments(self, sources: Sequence[str], hypotheses: Sequence[str], references: References) -> list[float]:
        """sacreBLEU's sentence scores."""
        pairs = zip(hypotheses, references)
        return [float(self._scorer.sentence_score(text, list(known)).score) for text, known in pairs]

    def corpus(self, sources: Sequence[str], hypotheses: Sequence[str], references: References) -> Score:
        """sacreBLEU's corpus score and interval."""
        result = self._scorer.corpus_score(list(hypotheses), _streams(references), n_bootstrap=SAMPLES)
        mean, half = float(result._mean), float(result._ci)
        signature = str(self._scorer.get_signature())
        return Score(self.name, float(result.score), mean - half, mean + half, signature)

    def difference(
        self, sources: Sequence[str], first: Sequence[str], second: Sequence[str], references: References
    ) -> Difference:
        """sacreBLEU's paired bootstrap resampling."""
        signatures, results = PairedTest(
            [("first", list(first)), ("second", list(second))],
            {self.name: self._scorer},
            references=_streams(references),
            test_type="bs",
            n_samples=SAMPLES,
            n_jobs=1,
        )()
        baseline, other = cast(list[Result], results[self.name])
        # Resampling says nothing of two systems that do not differ at all.
        p_value = 1.0 if baseline.score == other.score or other.p_value is None else other.p_value
        return Difference(self.name, baseline.score, other.score, p_value, str(signatures[self.name]))


class _FloatScores:
    """Scores all of one type: sacreBLEU cannot average them where a resample has only blank sides, whose score is not
    a float."""

    def _compute_score_from_stats(self, stats: list[float]) -> Any:
        score = super()._compute_score_from_stats(stats)  # type: ignore[misc]
        score.score = float(score.score)
        return score


class _Chrf(_FloatScores, CHRF):  # type: ignore[misc]
    pass


class _Ter(_FloatScores, TER):
    pass


class Bleu(SacreBleuMetric):
    """Corpus BLEU, cased, of text in a language, by the tokenizer that sacreBLEU prescribes for it. Of Japanese and
    Korean it is of characters where MeCab is not installed (the extras `ja` and `ko`)."""

    name = "BLEU"

    def __init__(self, language: str) -> None:
        try:
            super().__init__(BLEU(tokenize=_tokenizer_of(language)))
        except RuntimeError:  # how sacreBLEU says that MeCab is missing
            super().__init__(BLEU(tokenize="char"))


class ChrF(SacreBleuMetric):
    """chrF2: character n-grams, recall weighted twice."""

    name = "chrF2"

    def __init__(self) -> None:
        super().__init__(_Chrf())


class Ter(SacreBleuMetric):
    """TER, lower is better; of Chinese and Japanese its words are characters, since it would else take a sentence as
    one word."""

    name = "TER"

    def __init__(self, language: str) -> None:
        asian = _tokenizer_of(language) in ("zh", "ja-mecab")
        super().__init__(_Ter(normalized=asian, asian_support=asian))


def metrics_of(source: str, target: str) -> list[Metric]:
    """The metrics that judge translations between two languages, by their codes, in the order in which they are
    shown."""
    return [Bleu(target), ChrF(), Ter(target)]


def bleu(hypotheses: Sequence[str], references: Sequence[str], target: str) -> float:
    """Corpus BLEU of text in the language `target`, one reference: the quick figure of a validation."""
    refuse_one_text(hypotheses, "bleu")
    refuse_one_text(references, "bleu")
    return Bleu(target).value(hypotheses, [[reference] for reference in references])


def score(
    metrics: Sequence[Metric], sources: Sequence[str], hypotheses: Sequence[str], references: References
) -> list[Score]:
    """Scores of hypotheses against one or more references each, with 95 % intervals.

    Raises DataError where the counts differ or there is nothing to score.
    """
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses):,} translations cannot be judged by {len(references):,} references")
    if not hypotheses:
        raise DataError("nothing to judge: there are no translations")
    return [metric.corpus(sources, hypotheses, references) for metric in metrics]


def has_spaces(language: str) -> bool:
    """Whether the words of a language are written with spaces between them."""
    return _tokenizer_of(language) not in ("zh", "ja-mecab", "char")


def _tokenizer_of(language: str) -> str:
    """The tokenizer that sacreBLEU prescribes for a language: zh, zh-CN, zho_Hans and Chinese are one."""
    return _TOKENIZERS.get(re.split(r"[-_.@\s]", language.strip().casefold())[0], "13a")


def _streams(references: References) -> list[list[str]]:
    """References by sentence -> sacreBLEU's streams, None (which its types leave out) where a sentence has fewer."""
    return cast(list[list[str]], [list(stream) for stream in zip_longest(*references)])
