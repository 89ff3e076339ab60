"""The metrics of sacreBLEU, with its signatures, intervals and test."""

from __future__ import annotations

import logging
from typing import Any, cast

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest, Result

from seq2seq.errors import refuse_one_text
from seq2seq.evaluation.bootstrap import SAMPLES
from seq2seq.evaluation.metrics.languages import tokenizer_of
from seq2seq.evaluation.metrics.metric import Difference, References, Score, Texts

# sacreBLEU warns where hypotheses end in a tokenized period: an early model writes such, and it changes nothing.
logging.getLogger("sacrebleu").setLevel(logging.ERROR)


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


class SacreBleuMetric:
    """A metric that sacreBLEU computes; it reads no sources."""

    def __init__(self, name: str, scorer: BLEU | CHRF | TER) -> None:
        self.name = name
        self._scorer = scorer

    def value(self, hypotheses: Texts, references: References) -> float:
        """The score of a corpus without its interval, which takes most of the time."""
        return float(self._scorer.corpus_score(list(hypotheses), _streams(references)).score)

    def segments(self, sources: Texts, hypotheses: Texts, references: References) -> list[float]:
        """sacreBLEU's sentence scores."""
        pairs = zip(hypotheses, references)
        return [float(self._scorer.sentence_score(text, list(known)).score) for text, known in pairs]

    def corpus(self, sources: Texts, hypotheses: Texts, references: References) -> Score:
        """sacreBLEU's corpus score and interval."""
        result = self._scorer.corpus_score(list(hypotheses), _streams(references), n_bootstrap=SAMPLES)
        mean, half = float(result._mean), float(result._ci)
        signature = str(self._scorer.get_signature())
        return Score(self.name, float(result.score), mean - half, mean + half, signature)

    def difference(self, sources: Texts, first: Texts, second: Texts, references: References) -> Difference:
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


class Bleu(SacreBleuMetric):
    """Corpus BLEU, cased, of text in a language, by the tokenizer that sacreBLEU prescribes for it. Of Japanese and
    Korean it is of characters where MeCab is not installed (the extras `ja` and `ko`)."""

    def __init__(self, language: str) -> None:
        try:
            scorer = BLEU(tokenize=tokenizer_of(language))
        except RuntimeError:  # how sacreBLEU says that MeCab is missing
            scorer = BLEU(tokenize="char")
        super().__init__("BLEU", scorer)


class ChrF(SacreBleuMetric):
    """chrF2: character n-grams, recall weighted twice."""

    def __init__(self) -> None:
        super().__init__("chrF2", _Chrf())


class Ter(SacreBleuMetric):
    """TER, lower is better; of Chinese and Japanese its words are characters, since it would else take a sentence as
    one word."""

    def __init__(self, language: str) -> None:
        asian = tokenizer_of(language) in ("zh", "ja-mecab")
        super().__init__("TER", _Ter(normalized=asian, asian_support=asian))


def bleu(hypotheses: Texts, references: Texts, target: str) -> float:
    """Corpus BLEU of text in the language `target`, one reference: the quick figure of a validation."""
    refuse_one_text(hypotheses, "bleu")
    refuse_one_text(references, "bleu")
    return Bleu(target).value(hypotheses, [[reference] for reference in references])


def _streams(references: References) -> list[list[str]]:
    """References by sentence -> sacreBLEU's streams, None (which its types leave out) where a sentence has fewer."""
    most = max(map(len, references))
    streams = [[known[index] if index < len(known) else None for known in references] for index in range(most)]
    return cast(list[list[str]], streams)
