"""Each filter takes what it is for, and leaves its neighbours."""

from __future__ import annotations

import pytest

from seq2seq.data.cleaning import Cleaner
from seq2seq.data.pairs import Pair
from seq2seq.recipe import Cleaning
from tests.support.samples import text

OFF = dict.fromkeys(Cleaning.model_fields, 0)
FOX = "Le vif renard brun saute chaque matin par-dessus le chien paresseux."
THE_FOX = "The quick brown fox jumps over the lazy dog every morning."

TAKEN = [
    ("blank", " \u2028 ", "nothing"),
    ("blank", "rien", "\u200b\ufeff"),
    ("damaged", "caf\ufffd noir", "black coffee"),
    ("damaged", "caf\x1a noir", "black coffee"),
    ("max_characters", "mot " * 800, "word " * 700),
    ("max_words", "a " * 600, "b " * 600),
    ("max_ratio", "Et où le faire ?", "And above all, think carefully about where you want to apply for it."),
    ("min_letters", "– 97 –", "olive oil"),
    ("min_letters", "•", "•"),
    ("max_other_script", "Привет, как дела ?", "Hello, how are you?"),
    ("max_other_script", "Bonjour, ça va ?", "你好,你好吗 today?"),
    ("identical", "« European Union Fishery Products Annual 2003 ».", '"European Union fishery products annual 2003."'),
    ("max_repeats", "la la la la la la maison", "the house over there, yes"),
    ("max_repeats", "page une page une page une page une page une", "this is the first page of the long book"),
    ("placeholders", "Bonjour %s, ça va ?", "Good day, how are you?"),
    ("placeholders", "Écrivez à marie@exemple.fr.", "Write to us, please, today."),
    ("placeholders", "Voir www.exemple.fr pour cela.", "See our site to read about it."),
    ("placeholders", "un mot <b>gras</b>", "a word in bold"),
    ("numbers", "Il est né en 1935.", "He was born in 1936."),
    ("numbers", "Le marché de l'alimentation.", "The market in 2004 and after."),
    ("language", THE_FOX, THE_FOX + " That was all."),
    ("language", FOX, "Porque elegir el seguro de automóvil adecuado es incluso más difícil que elegir el modelo."),
]  # fmt: skip

KEPT = [
    ("Stop !", "Stop!"),
    ("Winston Churchill", "Winston Churchill"),
    ("Merci.", "Thank you very much."),
    ("J'ai 19 ans.", "I'm 19."),
    ("Il est 8 h 30.", "It's 8:30."),
    ("ha ha ha ha ha ha", "ha ha ha ha ha ha ha"),
    ("très très très bien", "very very very good"),
    ("Il a 5 000 couronnes.", "He has 5,000 crowns."),
    ("les années 1990", "the 90's"),
    ("dans les années 90", "in the 1990s"),
    ("cent mille Tchèques", "100 thousand Czechs"),
    ("quinze ans", "15 years"),
    ("Le :term:`chercheur <path based finder>` cherche.", "The :term:`path based finder` finds."),
    ("Appelez %(nom)s au <b>9</b>.", "Call %(nom)s at <b>9</b>."),
    ("l'angle α et la lettre Ж", "the angle α and the letter Ж"),
    ("ligne\u2028suivante\rencore", "line\u2028next\ragain"),
    (FOX, THE_FOX),
    ("in vino veritas, alea jacta est", "in vino veritas, alea jacta est now"),
]


def taken_by(pair: Pair, cleaning: Cleaning, languages: tuple[str, str] = ("fr", "en")) -> list[str]:
    report = Cleaner(text([pair]), cleaning, *languages).report()
    return [name for name, finding in report.dropped.items() if finding.count]


@pytest.mark.parametrize(("name", "source", "target"), TAKEN)
def test_a_filter_takes_what_it_is_for(name: str, source: str, target: str) -> None:
    alone = Cleaning.model_validate(OFF | {name: getattr(Cleaning(), name)})
    assert taken_by((source, target), alone) == [name]
    without = Cleaning.model_validate(OFF)
    assert taken_by((source, target), without) == []


@pytest.mark.parametrize("pair", KEPT)
def test_neighbours_stay(pair: Pair) -> None:
    assert taken_by(pair, Cleaning()) == []


def test_the_least_length_is_off_until_it_is_set() -> None:
    pair = ("Oui.", "Yes.")
    assert taken_by(pair, Cleaning()) == []
    assert taken_by(pair, Cleaning(min_words=2)) == ["min_words"]
    assert taken_by(pair, Cleaning(min_characters=5)) == ["min_characters"]
    assert taken_by(pair, Cleaning(min_characters=4)) == []


def test_text_without_blanks_is_measured_in_bytes() -> None:
    pair = ("我们昨天在北京见到了他们", "We met them in Beijing yesterday afternoon, all of us.")
    assert taken_by(pair, Cleaning(max_ratio=1.6), ("zh", "en")) == []
    assert taken_by(pair, Cleaning(max_ratio=1.6), ("fi", "en")) != []


@pytest.mark.parametrize("languages", [("xx", "en"), ("fr", "tlh"), ("fr", "fra"), ("en", "en")])
def test_an_unknown_language_is_not_judged(languages: tuple[str, str]) -> None:
    pair = (THE_FOX, FOX)
    assert "language" in taken_by(pair, Cleaning())
    assert taken_by(pair, Cleaning(), languages) == []


def test_a_short_line_has_no_language() -> None:
    assert taken_by(("These are not French.", "Ce n'est pas anglais."), Cleaning()) == []


@pytest.mark.parametrize(
    ("languages", "pair"),
    [
        (("hi", "en"), ("मैं कल दिल्ली जा रहा हूँ और वहाँ रहूँगा", "I am going to Delhi tomorrow and will stay there")),
        (("el", "en"), ("Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί", "The quick brown fox jumps over the dog")),
        (("ru", "en"), ("Быстрая коричневая лиса прыгает через собаку", "The quick brown fox jumps over the dog")),
        (
            ("ja", "en"),
            ("素早い茶色の狐がのろまな犬を飛び越えるのを見た", "I saw the quick brown fox jump over the lazy dog"),
        ),
        (("ar", "fr"), ("الثعلب البني السريع يقفز فوق الكلب الكسول", "Le vif renard brun saute par-dessus le chien")),
    ],
)
def test_languages_in_their_own_scripts_stay(languages: tuple[str, str], pair: Pair) -> None:
    assert taken_by(pair, Cleaning(), languages) == []
    assert taken_by(pair[::-1], Cleaning(), languages) != []


def test_languages_that_are_easily_confused_are_not_told_apart() -> None:
    pair = ("Быстрая коричневая лиса прыгает через собаку", "Швидка бура лисиця стрибає через собаку")
    assert taken_by(pair, Cleaning(), ("ru", "uk")) == taken_by(pair[::-1], Cleaning(), ("ru", "uk")) == []


def test_every_value_is_a_filter_and_in_their_order() -> None:
    on = Cleaning(min_characters=1, min_words=1)
    names = Cleaner(text([]), on, "fr", "en").report().dropped
    assert ["mend", *names] == [*Cleaning.model_fields]
    assert Cleaner(text([]), Cleaning.model_validate(OFF), "fr", "en").report().dropped == {}
