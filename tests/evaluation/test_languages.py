"""BLEU of a language is by the tokenizer that sacreBLEU prescribes for it, wherever a figure is made."""

from __future__ import annotations

import importlib.util

import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU

from seq2seq.evaluation.compare import compare
from seq2seq.evaluation.judge import Sentence, by_length
from seq2seq.evaluation.metrics import Bleu, bleu, metrics_of, score

CHINESE = ["我们明天去北京。", "这只猫在睡觉，那只狗在吃东西。", "他今天没有来上班。", "请给我一杯茶。"] * 3
ALMOST = ["我们明天去上海。", "这只猫在睡觉，这只狗在吃东西。", "他今天没来上班。", "请给我一杯茶。"] * 3
WITH_MECAB = {
    language: importlib.util.find_spec(module) is not None for language, module in (("ja", "MeCab"), ("ko", "mecab_ko"))
}


def test_chinese_is_judged_as_sacrebleu_judges_it() -> None:
    expected = BLEU(trg_lang="zh").corpus_score(ALMOST, [CHINESE])
    assert 40 < expected.score < 90 and sacrebleu.corpus_bleu(ALMOST, [CHINESE]).score < 40
    (found, chrf, ter) = score(metrics_of("en", "zh"), ALMOST, ALMOST, [[each] for each in CHINESE])
    assert found.value == bleu(ALMOST, CHINESE, "zh") == pytest.approx(expected.score)
    assert "tok:zh" in found.signature
    assert 0 < ter.value < 50 < chrf.value  # a sentence is not one word
    rows = by_length(ALMOST, ALMOST, [[each] for each in CHINESE], ("zh", "zh"))
    assert [(row["source"], row["sentences"]) for row in rows] == [("6-10 characters", 9), ("11-20 characters", 3)]
    sentences = [Sentence("", (each,)) for each in CHINESE]
    (difference, *_) = compare(sentences, ALMOST, CHINESE, metrics_of("en", "zh")).differences
    assert difference.first == pytest.approx(expected.score) and "tok:zh" in difference.signature


@pytest.mark.parametrize(
    "code", ["zh", "zh-CN", "zh_TW", "ZH", "zho", "zho_Hans", "cmn", "yue", "chi", "Chinese", "zh.utf8"]
)
def test_chinese_has_many_names(code: str) -> None:
    assert "tok:zh" in _signature(code)


@pytest.mark.parametrize(
    "code, tokenizer",
    [
        *((code, "ja-mecab" if WITH_MECAB["ja"] else "char") for code in ("ja", "ja-JP", "jpn", "Japanese")),
        *((code, "ko-mecab" if WITH_MECAB["ko"] else "char") for code in ("ko", "ko_KR", "kor")),
        *((code, "char") for code in ("th", "tha", "km", "my", "lo", "th-TH", "bo")),
        *((code, "13a") for code in ("en", "fr", "de", "vi", "hi", "ar", "xx", "", "zha", "jav", "kok")),
    ],
)
def test_each_language_has_its_tokenizer(code: str, tokenizer: str) -> None:
    assert f"tok:{tokenizer}" in _signature(code)


def test_without_blanks_a_language_has_a_figure_that_moves() -> None:
    thai = ["แมวกำลังนอนหลับอยู่บนเสื่อ"] * 4
    almost = ["แมวกำลังนอนอยู่บนเสื่อ"] * 4
    assert sacrebleu.corpus_bleu(almost, [thai]).score == 0 < 50 < bleu(almost, thai, "th")


def _signature(code: str) -> str:
    return Bleu(code).corpus([""], ["a"], [["a"]]).signature
