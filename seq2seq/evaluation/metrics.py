"""Scores by sacreBLEU, by the tokenizer that it prescribes for a language, never without its signature."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import DataError, refuse_one_text

# sacreBLEU warns where hypotheses end in a tokenized period: an early model writes such, and it changes nothing.
logging.getLogger("sacrebleu").setLevel(logging.ERROR)

SAMPLES = 1000  # bootstrap resamples

# sacreBLEU's tokenizer for a language, by ISO 639 code or English name; for all others 13a.
_TOKENIZERS = {
    language: tokenizer
    for tokenizer, languages in {
        "zh": "zh zho chi cmn yue wuu nan hak gan hsn lzh cn chinese mandarin cantonese",
        "ja-mecab": "ja jpn jp japanese",
        "ko-mecab": "ko kor korean",
        # Written without blanks between words. What sacreBLEU has for them (flores200) has to be downloaded.
        "char": "th tha thai lo lao km khm khmer my mya bur burmese bo bod tib tibetan dz dzo dzongkha",
    }.items()
    for language in languages.split()
}
_WITHOUT_BLANKS = ("zh", "ja-mecab", "char")  # tokenizers of languages that are written so


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


def bleu_of(language: str) -> BLEU:
    """Corpus BLEU, cased, of text in a language (zh, zh-CN, zho_Hans and Chinese are one), by the tokenizer that
    sacreBLEU prescribes for it. Of Japanese and Korean it is of characters where MeCab is not installed (the extras
    `ja` and `ko`). The signature says which it was."""
    try:
        return BLEU(tokenize=_tokenizer(language))
    except RuntimeError:  # how sacreBLEU says that MeCab is missing
        return BLEU(tokenize="char")


def metrics_of(language: str) -> dict[str, BLEU | CHRF | TER]:
    """BLEU, chrF2 and TER of text in a language; TER of Chinese characters each, since it would else take a sentence
    as one word."""
    ter = _Ter(normalized=True, asian_support=True) if _tokenizer(language) in ("zh", "ja-mecab") else _Ter()
    return {"BLEU": bleu_of(language), "chrF2": _Chrf(), "TER": ter}


def bleu(hypotheses: Sequence[str], references: Sequence[str], target: str) -> float:
    """Corpus BLEU of text in the language `target`, one reference: the quick figure of a validation."""
    refuse_one_text(hypotheses, "bleu")
    refuse_one_text(references, "bleu")
    return float(bleu_of(target).corpus_score(list(hypotheses), [list(references)]).score)


def score(hypotheses: Sequence[str], references: Sequence[Sequence[str]], target: str) -> list[Score]:
    """BLEU, chrF2 and TER of hypotheses in the language `target` against one or more references each, with 95 %
    intervals.

    Raises DataError where the counts differ or there is nothing to score.
    """
    for texts in (hypotheses, *references):
        refuse_one_text(texts, "score")
    if len(hypotheses) != len(references):
        raise DataError(f"{len(hypotheses):,} translations cannot be judged by {len(references):,} references")
    if not hypotheses:
        raise DataError("nothing to judge: there are no translations")
    streams = reference_streams(references)
    found = []
    for metric in metrics_of(target).values():
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
    languages: tuple[str, str],
    bounds: Sequence[int] = (5, 10, 20, 40),
) -> list[tuple[str, int, float]]:
    """BLEU of the sentences whose source has so many words, or characters where its language has no blanks between
    words: (label, sentences, BLEU) for each range that has any. `languages`: of sources and of targets."""
    metric = bleu_of(languages[1])
    blanks = _tokenizer(languages[0]) not in _WITHOUT_BLANKS
    groups: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        words = len(source.split() if blanks else "".join(source.split()))
        groups.setdefault(sum(words > bound for bound in bounds), []).append(index)
    found = []
    for group in sorted(groups):
        low = bounds[group - 1] + 1 if group else 0
        unit = "words" if blanks else "characters"
        label = f"{low}-{bounds[group]} {unit}" if group < len(bounds) else f"{low} {unit} or more"
        chosen = groups[group]
        streams = reference_streams([references[index] for index in chosen])
        found.append((label, len(chosen), float(metric.corpus_score([hypotheses[i] for i in chosen], streams).score)))
    return found


def _tokenizer(language: str) -> str:
    return _TOKENIZERS.get(re.split(r"[-_.@\s]", language.strip().casefold())[0], BLEU.TOKENIZER_DEFAULT)
