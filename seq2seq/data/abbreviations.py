"""Words that decide whether a point ends a sentence, by language code; "" is for all languages."""

from __future__ import annotations


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Never the end of a sentence: titles and abbreviations before a name or a number, after which sentencex would cut.
NEVER_LAST = {
    "": _words("Dr dr Drs Mr Mrs Ms Mt Ft St Messrs Prof vs cf Cf e.g E.g i.e I.e"),
    "fr": _words(
        "M MM Mme mme Mmes Mlle mlle Mlles Mgr Me Pr Ste Sts Stes Vve Cdt Cne Lt Sgt Ph Ch Chr Th Cl p.ex P.ex c.-à-d "
        "réf tél env n°"
    ),
    "hi": _words("डॉ डा श्री श्रीमती प्रो सुश्री कु पं स्व"),
    "mr": _words("डॉ श्री प्रा"),
    "ar": _words("د أ م ص ج"),
}
# Before a name or a number only: after one of these, an article or a pronoun begins a sentence.
SELDOM_LAST = {"fr": _words("prof Prof av Av bd Bd boul pl col Col cap Cap Gal Gén adj art chap vol apr ex")}
BEFORE_NUMBERS = _words("no nr nº n° n nos nrs num art fig figs p pp pag pág abs bd vol chap ch sec eq")
# Words that begin a sentence, and are not names after an initial.
BEGINNERS = {
    "en": _words(
        "he she it we they you i this that these those there but and so then the if when what who how why is are do "
        "did my his her our their its no yes not please thanks now here"
    ),
    "fr": _words(
        "il elle ils elles on nous vous je j' tu c' ce cela ça mais et puis alors donc les des mon ma mes son sa ses "
        "qui que qu' quel quelle quand où pourquoi comment oui non merci ici n' ne"
    ),
    "de": _words(
        "er sie es wir ihr ich der die das dies ein eine so da hier heute aber und dann wenn was wer wie warum ja nein "
        "nicht"
    ),
    "es": _words("él ella ellos ellas yo tú esto eso pero y entonces si cuando qué quién cómo sí no"),
}
ARTICLES = _words("le la l' un une du de d' au aux")
# Languages whose ordinal numbers have a point.
POINTED_ORDINALS = _words("de da nb nn no fi is et lv cs sk sl hr sr bs hu pl")
