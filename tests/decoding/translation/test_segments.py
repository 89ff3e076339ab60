"""Lines cut into what a model can translate, and joined as they stood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import regex
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.style import Style
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.errors import RunError

ANY = Segmenter()


def cut(text: str, limit: int, language: str = "") -> list[str]:
    parts = Segmenter(language).shortened(text, limit, len)
    assert "".join(parts) == text
    return [part.strip() for part in parts]


def test_long_text_is_cut_after_sentences_then_clauses_then_words_then_characters() -> None:
    assert cut("One two. Three four! Five?", 12) == ["One two.", "Three four!", "Five?"]
    assert cut("One two. Three four! Five?", 20) == ["One two. Three four!", "Five?"]
    assert cut("one two, three four, five", 12) == ["one two,", "three four,", "five"]
    assert cut("one two three", 8) == ["one two", "three"]
    assert cut("abcdefgh", 3) == ["ab", "cd", "ef", "gh"]


def test_each_script_has_its_own_ends() -> None:
    assert cut("你好世界。" * 3, 12, "zh") == ["你好世界。你好世界。", "你好世界。"]
    assert cut("他来了，她走了、我们在；好的：行", 6, "zh") == ["他来了，", "她走了、", "我们在；", "好的：行"]
    assert cut("今日は雨です。家にいます！", 8, "ja") == ["今日は雨です。", "家にいます！"]
    assert cut("यह मेरा घर है।वह तुम्हारा घर है।", 20, "hi") == ["यह मेरा घर है।", "वह तुम्हारा घर है।"]
    assert cut("ما اسمك؟ اسمي علي۔ وأنت؟", 12, "ar") == ["ما اسمك؟", "اسمي علي۔", "وأنت؟"]
    assert cut("ذهب الولد، ثم عاد؛ ثم نام", 12, "ar") == ["ذهب الولد،", "ثم عاد؛", "ثم نام"]
    assert cut("ሰላም። እንዴት ነህ፧ ደህና", 9, "am") == ["ሰላም።", "እንዴት ነህ፧", "ደህና"]
    assert cut("Բարեւ։ Ինչպես ես։", 12, "hy") == ["Բարեւ։", "Ինչպես ես։"]
    assert cut("สวัสดีครับ คุณสบายดีไหม", 14, "th") == ["สวัสดีครับ", "คุณสบายดีไหม"]
    assert cut("ខ្ញុំ\u200bស្រលាញ់\u200bអ្នក", 8, "km")[0].endswith("ំ\u200b")


def test_a_quotation_too_long_is_cut_within() -> None:
    assert cut("Il a dit : « Viens. Pars vite ! »", 20, "fr") == ["Il a dit : « Viens.", "Pars vite ! »"]


def test_a_blank_that_joins_is_no_place_to_cut() -> None:
    assert cut("environ 10\u00a0000 euros", 11) == ["environ", "10\u00a0000", "euros"]


@given(
    st.text(
        st.sampled_from("ae\u0301\u0308\u200d\ufe0f\U0001f469\U0001f680\U0001f1eb\U0001f1f7한\u1100\u1161क्षि"),
        max_size=40,
    )
)
def test_no_character_is_cut_from_its_marks(text: str) -> None:
    whole = {0}
    for character in regex.findall(r"\X", text):
        whole.add(max(whole) + len(character))
    place = 0
    longest = max(map(len, regex.findall(r"\X", text)), default=1)
    for part in ANY.shortened(text, max(4, longest), len):
        assert place in whole
        place += len(part)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)) | st.text(), st.integers(1, 40))
def test_parts_joined_are_the_text_and_fit(text: str, limit: int) -> None:
    parts = ANY.shortened(text, limit, len)
    assert "".join(parts) == text
    assert all(len(part.strip()) <= limit for part in parts)


def test_a_text_that_is_certainly_too_long_is_not_counted_whole() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text)

    for text in ("one two three. " * 5000, "one two three, " * 5000, "one two three " * 5000, "one" * 20_000):
        parts = ANY.shortened(text, 40, count)
        assert "".join(parts) == text
        assert max(len(part.strip()) for part in parts) <= 40
    assert max(counted) <= 64 * 40


def joined(source: str, target: str, parts: list[str], translations: list[str]) -> str:
    return Segmenter(source, target).joined(parts, translations)


def test_translations_stand_apart_as_their_sources_did() -> None:
    assert joined("fr", "en", ["Un. ", "Deux.\t", "Trois."], ["One.", "Two.", "Three."]) == "One. Two.\tThree."
    assert joined("fr", "en", ["Un.  ", "Deux."], ["One.", "Two."]) == "One.  Two."
    assert joined("fr", "en", ["anti", "constitution"], ["anti", "constitution"]) == "anticonstitution"


def test_a_blank_stands_where_the_target_has_one_and_the_source_none() -> None:
    assert joined("zh", "en", ["你好。", "再见。"], ["Hello.", "Bye."]) == "Hello. Bye."
    assert joined("zh", "en", ["我们", "走"], ["we", "go"]) == "we go"
    assert joined("ja", "en", ["はい。\u3000", "いいえ。"], ["Yes.", "No."]) == "Yes. No."
    assert joined("hi", "en", ["घर है।", "वह"], ["A house.", "That"]) == "A house. That"


def test_no_blank_stands_where_the_target_has_none() -> None:
    assert joined("en", "zh", ["Hello. ", "Bye."], ["你好。", "再见。"]) == "你好。再见。"
    assert joined("en", "ja", ["Yes. ", "No."], ["はい。", "いいえ。"]) == "はい。いいえ。"
    assert joined("en", "zh_Hant", ["Yes.\t", "No."], ["是。", "不。"]) == "是。\t不。"


def test_what_became_nothing_leaves_no_blank() -> None:
    assert joined("fr", "en", ["Un. ", "Deux. ", "Trois."], ["One.", "", "Three."]) == "One. Three."
    assert joined("fr", "en", ["Un. ", "Deux."], ["", "Two."]) == "Two."


def test_the_rule_says_what_is_translated_by_itself() -> None:
    line = "Le chat dort. Le chien mange."
    alone = ["Le chat dort. ", "Le chien mange."]
    single, several = Style(lines=100, several=5), Style(lines=100, several=60)
    assert Segmenter("fr", "en", "split", lambda: several).segments(line) == alone
    assert Segmenter("fr", "en", "keep", lambda: single).segments(line) == [line]
    assert Segmenter("fr", "en", "auto", lambda: single).segments(line) == alone
    assert Segmenter("fr", "en", "auto", lambda: several).segments(line) == [line]


def test_the_style_is_asked_for_where_it_matters_alone() -> None:
    def style() -> Style:
        raise AssertionError

    segmenter = Segmenter("fr", "en", "auto", style)
    for line in ("bonjour", "Le chat dort.", "M. Dupont dort.", "Il est 3.5 kg.", "l'eau"):
        assert segmenter.segments(line) == [line] and segmenter.read(line) == line


def test_sides_are_paired_where_they_have_as_many_sentences() -> None:
    segmenter = Segmenter("fr", "en", "split")
    assert segmenter.paired("Il dort. Elle part.", "He sleeps. She leaves.") == [
        ("Il dort.", "He sleeps."),
        ("Elle part.", "She leaves."),
    ]
    assert segmenter.paired("Il dort. Elle part.", "He sleeps, she leaves.") == [
        ("Il dort. Elle part.", "He sleeps, she leaves.")
    ]


def test_a_run_whose_record_is_damaged_is_read_as_one_of_single_sentences(tmp_path: Path) -> None:
    def record() -> dict[str, Any]:
        raise RunError("damaged")

    segmenter = Segmenter.of_run(tmp_path, record, "fr", "en")
    assert len(segmenter.segments("Le chat dort. Le chien mange.")) == 2
    assert segmenter.read("l’eau") == "l'eau"


def test_apostrophes_are_read_as_the_training_text_has_them() -> None:
    style = Style(lines=9, plain=1, typographic=8)
    assert Segmenter("fr", "en", style=lambda: style).read("l’eau") == "l’eau"
    assert Segmenter("fr", "en").read("l’eau") == "l'eau"


def test_text_in_capitals_is_read_in_small_letters_where_the_training_text_is() -> None:
    usual, shouted = Segmenter("fr", "en", style=lambda: Style(100, capitals=1)), Style(100, capitals=30)
    read = usual.read
    assert read("OU SONT LES TOILETTES ?") == "Ou sont les toilettes ?"
    assert read("« ÉTÉ À L’OMBRE »") == "« Été à l'ombre »"
    for kept in ("NASA", "SALUT", "Il travaille à la NASA.", "12 345 678", "日本語の文です", ""):
        assert read(kept) == kept
    assert Segmenter("fr", "en", style=lambda: shouted).read("OU SONT LES TOILETTES ?") == "OU SONT LES TOILETTES ?"
    assert Segmenter("tr", "en", style=lambda: Style(100)).read("ISPARTA İYİ BİR YER") == "ISPARTA İYİ BİR YER"
