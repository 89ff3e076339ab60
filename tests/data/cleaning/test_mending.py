"""Damaged encodings are mended where that is certain; right text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.cleaning.mending import mended

RIGHT = [
    "L'été à Paris, « déjà vu » ; c'était l’hôtel où nous étions, n'est-ce pas ?",
    "Ça coûte 3 € – ou 4 £ – et œuvre rime avec cœur…",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί.",
    "Съешь ещё этих мягких французских булок, да выпей чаю «сегодня».",
    "敏捷的棕色狐狸跳过了懒狗。“你好”，他说。",
    "素早い茶色の狐がのろまな犬を飛び越える。",
    "الثعلب البني السريع يقفز فوق الكلب",
    "NÃO é possível; SÃO PAULO; a criança já não está aqui à noite.",
    "Zażółć gęślą jaźń, Příliš žluťoučký kůň, Pijamalı hasta yağız şoföre",
    "“Quoted” ‘text’ — with dashes… and a trademark™ ©2020 ½ °C ×3",
    "Ångström, Ærø, Ýmir, Ðe Þorn, naïve façade, Ünïcödé",
    "Đặng Thị Hương đã đến Hà Nội hôm qua",
    "une ligne\u2028et la suite\x85fin",
    "Â, Ã et â sont des lettres ; â côté",
    "",
]
DAMAGED = [
    ("Ã©tÃ©", "été"),
    ("Abonnez-vous Ã notre cyberpublication", "Abonnez-vous à notre cyberpublication"),
    ("Vous prÃ©fÃ©rez l\u00e2\u20ac\u2122h\u00c3\u00b4tel", "Vous préférez l’hôtel"),
    ("la doctorant\x95e", "la doctorant•e"),
]


@pytest.mark.parametrize("text", RIGHT)
def test_right_text_stays(text: str) -> None:
    assert mended(text) == text


@pytest.mark.parametrize(("damaged", "right"), DAMAGED)
def test_damage_is_mended(damaged: str, right: str) -> None:
    assert mended(damaged) == right
    assert mended(right) == right


@pytest.mark.parametrize("text", [*RIGHT[:6], RIGHT[8]])
@pytest.mark.parametrize("encoding", ["latin-1", "sloppy-windows-1252"])
def test_utf_8_read_as_another_encoding_is_mended(text: str, encoding: str) -> None:
    import ftfy.bad_codecs  # noqa: F401 (registers the encoding)

    assert mended(text.encode().decode(encoding)) == text


@pytest.mark.parametrize("text", ["caf\ufffd Ã©tÃ©", "\ufffd\ufffd\ufffd", "\ufffd"])
def test_lost_text_is_left_to_its_filter(text: str) -> None:
    assert mended(text) == text


ALPHABETS = [
    "abcdefghàâçéèêëîïôùûœ'’ ,.«»",
    "αβγδεζηθάέήίόύώς ,.·",
    "абвгдежзийклмнё ,.«»—",
    "的一是不了人我在有他这 ，。“”",
]


@given(st.sampled_from(ALPHABETS).flatmap(lambda letters: st.lists(st.text(letters, min_size=1, max_size=8))))
def test_words_of_one_alphabet_stay(words: list[str]) -> None:
    assert mended(" ".join(words)) == " ".join(words)


@given(st.text())
def test_a_mend_needs_no_other(text: str) -> None:
    once = mended(text)
    assert mended(once) == once
    assert "\ufffd" not in once or "\ufffd" in text
