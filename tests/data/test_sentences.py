"""Where sentences end: a bar in these lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.characters import has_letters
from seq2seq.data.sentences import sentences

LINES = {
    "fr": """
        Le chat dort. |Le chien mange. |Il pleut.
        Bonjour M. Dupont. |Comment allez-vous ?
        M. et Mme. Martin dorment. |Ils ronflent.
        MM. Dupont et Durand sont là. |Ils parlent.
        C'est M. Le Pen. |Mme La Fayette est là.
        Le Dr. House est malade. |Il dort à St. Malo.
        J. Jaurès est mort en 1914. |La guerre suit.
        J.-P. Belmondo est là. |Il rit.
        Elle vit à Washington D.C. |Il vit ici.
        Prends de la vitamine C. |Elle est bonne.
        Il est né en 50 av. J.-C. |Elle est morte.
        Voir n° 5, p. 12 et fig. 3. |Ensuite, art. 5.
        Le prof. Martin enseigne. |Mon prof. |Il est gentil.
        Il achète du pain, etc. et rentre. |Il dort, etc. |Il mange.
        Il aime les fruits, p. ex. ceci (c.-à-d. cela). |Bien sûr.
        Il pèse 3.5 kg, elle 1.000,5 kg. |Le 12.03.2024 à 10h30. |Bien !
        Il est 15 h. |Elle est là.
        Qui ?! |Moi ? |Non...
        Attends... |Quoi donc ? |Attends… |Oui… peut-être.
        Il hésite... puis il part.
        Il a dit : « Viens. Pars vite ! » |Puis il partit.
        « Viens ! » dit-il. |Elle vint.
        Elle cria : « Au secours ! » et partit. |Fin du jour.
        Il dit "Viens." |Elle vint. |"Oui" dit-il.
        « Le chat dort. |Le chien mange. |Il pleut. »
        (Il part. |Elle reste.) |Ils se voient.
        — Viens ! |— Non, dit-il.
        Salut!|Comment vas-tu? |Il pleut.|Je reste ici.
        Voir www.exemple.com. |Écrire à a.b@c.org. |System.Out.Println marche.
        1. Le chat dort. |2. Le chien mange.
        L'O.N.U. a dit non. |Il pleut.
        Il dort. 😀 |Elle mange. 👍🏽
        Combien ? 123. |Merci.
        ça va ? |oui et toi ? |il pleut. |je reste, etc. et toi... tant pis.
        Ça va ? oui et toi ?
    """,
    "en": """
        Mr. Smith went to Washington. |He slept.
        The U.S. Army came. |He lives in the U.S. |She lives here.
        At 5 p.m. he left. |She stayed until 6 p.m. |Then she left.
        J. R. R. Tolkien wrote it. |It was John F. Kennedy. |He died.
        Mt. Everest is high. |Ft. Worth is hot, e.g. in May. |It is I. |He left.
        Wait... |What happened? |I don't know… |Nothing.
        “Go away!” he said. |“I won't.” |She left.
        He asked, "Why?" |Then he left. |"Go away. |Now."
        The so-called "U.S." Army. |It's 5'4". |He's tall.
        (He left. |She stayed.) |They met.
        No. 5 is alive. |No. |It is not. |I am 5. |She is 6.
        The file is called main.py. |Open it.
    """,
    "de": """
        Am 3. Mai kam er. |Der 2. Weltkrieg endete 1945. |Gut.
        Er ist 5. |Sie ist 6. |So geht es z. B. gut.
        Er sagte: „Komm!“ |Dann ging er.
        „Komm her. Sofort!“, sagte er. |Sie kam.
    """,
    "es": """
        ¿Qué tal? |¡Muy bien! |El Sr. Pérez duerme.
    """,
    "ru": """
        А. С. Пушкин родился в Москве. |Он жил там.
    """,
    "zh": """
        今天天气很好！|我们去公园吧？|好啊。
        我们走了。|3天后回来。|价格是3.5元。
        “你好。”他说。|她笑了。
        他说：“走吧！”|然后走了。
        「你好！」|「好。」
        他（昨天来的。）走了。|（他走了。）|她来。
        我……我不知道。|他是J. Smith先生。
        你好. |再见. |真的?|好的!
    """,
    "ja": """
        今日は雨です。|家にいます。|えっ？|本当ですか！
        「行こう。」と彼は言った。|それで終わり。
        彼は「はい。そうです。」と言った。
        「はい。」|「いいえ。」
        田中さんは3.5キロ走った。|（笑）そうですね。
    """,
    "ar": """
        ذهب الولد إلى المدرسة. |ثم عاد إلى البيت.
        ما اسمك؟ |اسمي علي. |وأنت؟
        قال: «نعم. لا.» |ثم ذهب.
        جاء د. أحمد إلى هنا. |السعر 3.5 دولار.
    """,
    "hi": """
        यह मेरा घर है। |वह तुम्हारा घर है।
        यह मेरा घर है।|वह तुम्हारा घर है।
        क्या हुआ? |कुछ नहीं! |ठीक है।
        डॉ. शर्मा आए। |श्री. वर्मा गए। |कीमत 3.5 रुपये है।
        उसने कहा, “चलो।” |फिर वह गया। |वह यहाँ है. |वह वहाँ है.
    """,
    "hy": "Բարեւ։ |Ինչպես ես։",
    "am": "ሰላም። |እንዴት ነህ፧ |ደህና።",
    "bo": "བཀྲ་ཤིས་བདེ་ལེགས། |ཁྱེད་རང་སྐུ་གཟུགས་བདེ་པོ་ཡིན་པས།",
    "my": "မင်္ဂလာပါ။ |နေကောင်းလား။",
    "km": "សួស្តី។ |សុខសប្បាយទេ?",
    "ur": "یہ ایک ہے۔ |یہ دو ہے۔",
    "el": "Τι κάνεις; |Καλά.",
    "ko": "안녕하세요. |잘 지내요? |네.",
    "fra": "Bonjour M. Dupont. |Il dort.",
    "fr-CA": "Bonjour M. Dupont. |Il dort.",
    "qaa": "One sentence here. |Two here. |Mr. Three.",
}
CASES = [(code, line.strip()) for code, lines in LINES.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("language", "line"), CASES)
def test_a_line_is_cut_between_its_sentences_alone(language: str, line: str) -> None:
    assert sentences(line.replace("|", ""), language) == line.split("|")


def test_white_space_goes_with_the_sentence_before_it() -> None:
    assert sentences("  Il dort.\u00a0\u00a0Elle part.\t\u2028Il rit.  ", "fr") == [
        "  Il dort.\u00a0\u00a0",
        "Elle part.\t\u2028",
        "Il rit.  ",
    ]
    assert sentences(f"Il dort.{' ' * 100}Elle part.", "fr") == [f"Il dort.{' ' * 100}", "Elle part."]


PIECES = st.sampled_from(
    [
        *"aB. !?…\"'’“”«»()「」。！؟।1\t\u00a0\u2028\x85é—:,\u200d\u0301\ud800",
        *("M. ", "Dr. ", "etc. ", "J. ", "J.-C. ", "...", "3.5", "</b>", "😀", "。」", "Il ", "Α. \u2028", "१. "),
    ]
)
CODES = st.sampled_from(["fr", "en", "de", "zh", "ja", "ar", "hi", "el", "ru", "am", "hy", "es", "it", "qaa", ""])


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(), CODES)
def test_sentences_joined_are_the_line_and_each_holds_a_word(line: str, language: str) -> None:
    found = sentences(line, language)
    assert "".join(found) == line
    assert len(found) == 1 or all(map(has_letters, found))


@pytest.mark.parametrize("unit", ["«", "(", f".{' ' * 3000}", '" ', "! ", "word ", "Il dort. ", ". (", "1.", "。", "…"])
def test_a_line_of_a_hundred_thousand_marks_takes_no_longer_than_words(unit: str) -> None:
    start = time.perf_counter()
    sentences(unit * (100_000 // len(unit)), "fr")
    assert time.perf_counter() - start < 5  # a tenth of a second to one; quadratic: a minute
