"""The lexicon is large enough, and consistent."""

from collections import Counter

from tests.phrasebook import lexicon
from tests.phrasebook.patterns.draw import matching


def test_there_are_words_enough() -> None:
    verbs = {(verb.french, verb.reflexive) for verb in lexicon.verbs()}
    tables = (lexicon.nouns(), lexicon.adjectives(), lexicon.adverbs(), lexicon.places(), lexicon.names())
    assert len(verbs) >= 190
    assert len(verbs) + sum(map(len, tables)) >= 1200


def test_every_item_a_verb_asks_for_exists() -> None:
    for verb in lexicon.verbs():
        for spec in (verb.subjects, verb.objects, verb.complements):
            assert matching(spec) or not spec


def test_verbs_say_what_the_grammar_expects() -> None:
    for verb in lexicon.verbs():
        assert verb.auxiliary in ("avoir", "être"), verb
        assert verb.aspect in ("state", "activity", "event", "habit"), verb
        assert verb.tags <= {"optional", "generic", "definite", "indefinite", "past", "affirmative", "perfective"}, verb


def test_no_row_occurs_twice() -> None:
    for path in ("nouns", "adjectives", "adverbs", "places", "names", "verbs"):
        table = [tuple(row.values()) for row in lexicon.rows(f"lexicon/{path}.tsv")]
        assert [row for row, times in Counter(table).items() if times > 1] == []


def test_a_french_noun_has_one_translation() -> None:
    translations: dict[str, set[str]] = {}
    for noun in lexicon.nouns():
        translations.setdefault(noun.french, set()).add(noun.english)
    assert {french: english for french, english in translations.items() if len(english) > 1} == {}
