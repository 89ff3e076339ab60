"""More, less, as, most: adjectives and adverbs compared."""

from functools import cache

from tests.phrasebook.grammar.english_clause import english_clause
from tests.phrasebook.grammar.english_text import comparative, superlative
from tests.phrasebook.grammar.french_clause import french_clause
from tests.phrasebook.grammar.nominal import Determiner, adjective_form, article, noun_phrase
from tests.phrasebook.grammar.predicate import Phrase, Predicate, Subject
from tests.phrasebook.lexicon import Adjective, Verb, group
from tests.phrasebook.patterns import verbs
from tests.phrasebook.patterns.being import BE, EXTREME
from tests.phrasebook.patterns.draw import Draw, adjectives, as_subject
from tests.phrasebook.patterns.predicates import PAIRED, verb_concept
from tests.phrasebook.patterns.sentence import Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished

_TALL = Adjective("grand", "grande", "grands", True, "tall", frozenset({"person"}))
_SHORT = Adjective("petit", "petite", "petits", True, "short", frozenset({"person"}))
_STRESSED = (
    ("moi", "me", 0),
    ("toi", "you", 1),
    ("lui", "him", 2),
    ("elle", "her", 2),
    ("nous", "us", 3),
    ("vous", "you", 4),
    ("eux", "them", 5),
)
_NOT_COMPARED = group("not_compared")
_LESS_THAN = (("plus", "more"), ("plus", "more"), ("plus", "more"), ("moins", "less"), ("aussi", "as"))


def _superior(adjective: Adjective, feminine: bool, plural: bool) -> str:
    """The French comparative of superiority: plus belle, meilleure, pires."""
    if adjective.english == "good":
        return "meilleur" + ("e" if feminine else "") + ("s" if plural else "")
    if adjective.english == "bad":
        return "pires" if plural else "pire"
    return f"plus {adjective_form(adjective, feminine, plural)}"


def _compared(degree: str, adjective: Adjective, subject: Subject) -> tuple[str, str]:
    """The French and English of a degree with its que, than or as."""
    form = adjective_form(adjective, subject.feminine, subject.plural)
    if degree == "less":
        return f"moins {form} que", f"less {adjective.english} than"
    if degree == "as":
        return f"aussi {form} que", f"as {adjective.english} as"
    return f"{_superior(adjective, subject.feminine, subject.plural)} que", f"{comparative(adjective.english)} than"


def _personal(draw: Draw) -> Adjective:
    if draw.chance(0.25):
        return draw.one((_TALL, _SHORT))
    adjective = draw.adjective("person")
    while "no_degree" in adjective.tags or adjective.english in _NOT_COMPARED or adjective.english in EXTREME:
        adjective = draw.adjective("person")
    return adjective


def person_to_person(draw: Draw) -> Sentence:
    """Elle est plus grande que moi."""
    subject = draw.subject()
    adjective = _personal(draw)
    _, degree = draw.one(_LESS_THAN)
    if degree == "less" and len(adjective.english) < 6:
        degree = "as"
    french, english = _compared(degree, adjective, subject)
    if draw.chance(0.5):
        french_other, english_other, person = draw.one(_STRESSED)
        while person % 3 == subject.english_person % 3:
            french_other, english_other, person = draw.one(_STRESSED)
        concepts: tuple[str, ...] = (f"c:{english_other}",)
    else:
        other = draw.named() if draw.chance(0.5) else as_subject(draw.someone())
        while other.english == subject.english or " et " in other.french:
            other = draw.named()
        french_other, english_other, concepts = other.french, other.english, other.concepts
    said = Predicate(
        BE,
        f"{french} {french_other}",
        english_tail=f"{english} {english_other}",
        concepts=(f"a:{adjective.english}", f"d:{degree}", *concepts),
    )
    negation = "pas" if degree == "as" and draw.chance(0.5) else ""
    return finished(clause(subject, said, draw.one(("présent", "présent", "imparfait")), negation=negation))


_COMPARABLE = {
    "animal": ("animal",),
    "object": ("=valise", "=sac", "=boîte", "=panier", "=sac_à_dos"),
    "furniture": ("=table", "=chaise", "=lit", "=canapé", "=fauteuil", "=armoire", "=étagère"),
    "vehicle": ("=voiture", "=vélo", "=moto", "=camion", "=bateau", "=train", "=bus"),
    "device": ("=ordinateur", "=téléphone", "=tablette", "=télévision", "=radio", "=montre"),
    "clothing": ("clothing",),
    "food": ("food", "dish"),
    "place": ("building",),
    "event": ("=film", "=concert", "=match", "=spectacle", "=fête", "=mariage", "=festival", "=cours"),
}
_MEASURED = {
    "animal": "big small dangerous smart calm strong brave affectionate loyal lazy cute young old",
    "object": "heavy light expensive old useful practical modern big small",
    "furniture": "heavy light expensive old useful practical modern big small",
    "vehicle": "expensive old useful practical modern big small",
    "device": "expensive old useful practical modern big small",
    "clothing": "expensive pretty old elegant comfortable practical",
    "food": "good expensive sweet salty healthy fresh bad",
    "place": "old big beautiful modern quiet clean dirty pretty expensive interesting pleasant popular noisy",
    "event": "interesting boring important pleasant long good bad original surprising",
}


@cache
def _measured(tag: str) -> tuple[Adjective, ...]:
    wanted = frozenset(_MEASURED[tag].split())
    own = "object" if tag in ("furniture", "vehicle", "device") else tag
    return tuple(adjective for adjective in adjectives(own) if adjective.english in wanted)


def thing_to_thing(draw: Draw) -> Sentence:
    """Les chats sont plus petits que les chiens."""
    tag = draw.one(tuple(_COMPARABLE))
    first, second = draw.noun(*_COMPARABLE[tag]), draw.noun(*_COMPARABLE[tag])
    while first.english == second.english or first.mass or second.mass or {first.english, second.english} & PAIRED:
        first, second = draw.noun(*_COMPARABLE[tag]), draw.noun(*_COMPARABLE[tag])
    adjective = draw.one(_measured(tag))
    generic = tag in ("animal", "food")
    determiner: Determiner = "generic" if generic else draw.one(("definite", "demonstrative", "possessive"))
    if tag in ("place", "event") and determiner == "possessive":
        determiner = "definite"
    one = noun_phrase(first, determiner, plural=generic)
    other = noun_phrase(second, determiner if determiner != "demonstrative" else "definite", plural=generic)
    subject = as_subject(one)
    _, degree = draw.one(_LESS_THAN)
    if degree == "less" and len(adjective.english) < 6:
        degree = "as"
    french, english = _compared(degree, adjective, subject)
    said = Predicate(
        BE,
        f"{french} {other.french}",
        english_tail=f"{english} {other.english}",
        concepts=(f"a:{adjective.english}", f"d:{degree}", *other.concepts),
    )
    return finished(clause(subject, said, "présent", negation="pas" if degree == "as" and draw.chance(0.5) else ""))


_IN = (
    Phrase("de la classe", "in the class", ("n:class",)),
    Phrase("du village", "in the village", ("n:village",)),
    Phrase("de la famille", "in the family", ("n:family",)),
    Phrase("du monde", "in the world", ("n:world",)),
    Phrase("de l'équipe", "on the team", ("n:team",)),
    Phrase("de l'école", "in the school", ("n:school",)),
)


def most_of_people(draw: Draw) -> Sentence:
    """Tu es la plus forte de la classe."""
    subject = draw.subject()
    adjective = _personal(draw)
    form = adjective_form(adjective, subject.feminine, subject.plural)
    of = draw.one(_IN)
    said = Predicate(
        BE,
        f"{article(subject.feminine, subject.plural)} plus {form} {of.french}",
        english_tail=f"the {superlative(adjective.english)} {of.english}",
        concepts=(f"a:{adjective.english}", "d:most", *of.concepts),
    )
    return finished(clause(subject, said, draw.one(("présent", "imparfait"))))


_OF_PLACES = (
    Phrase("de la ville", "in the city", ("n:city",)),
    Phrase("du quartier", "in the neighborhood", ("n:neighborhood",)),
    Phrase("du monde", "in the world", ("n:world",)),
    Phrase("du pays", "in the country", ("n:country",)),
)


def most_of_things(draw: Draw) -> Sentence:
    """C'est le plus vieux restaurant de la ville."""
    tag = draw.one(("place", "place", "event", "food"))
    spec = {"place": ("building",), "event": _COMPARABLE["event"], "food": ("dish",)}[tag]
    noun = draw.noun(*spec)
    adjective = draw.one(_measured(tag))
    best = _superior(adjective, noun.feminine, False)
    the = article(noun.feminine, False)
    if adjective.before:
        french = f"{the} {best} {noun.french}"
    else:
        french = f"{the} {noun.french} {the} {best}"
    of = draw.one(
        _OF_PLACES
        if tag == "place"
        else (_OF_PLACES[2], Phrase("de l'année", "of the year", ("n:year",)))
        if tag == "event"
        else (_OF_PLACES[2],)
    )
    concepts = (f"n:{noun.english}", f"a:{adjective.english}", "d:most", *of.concepts)
    return sentence(
        f"c'est {french} {of.french}",
        f"it's the {superlative(adjective.english)} {noun.english} {of.english}",
        concepts=concepts,
    )


_HOW_COMPARED = (
    ("mieux que", "better than"),
    ("plus longtemps que", "longer than"),
    ("aussi bien que", "as well as"),
    ("plus vite que", "faster than"),
    ("plus souvent que", "more often than"),
    ("plus tôt que", "earlier than"),
    ("aussi souvent que", "as often as"),
    ("plus que", "more than"),
    ("moins que", "less than"),
)
_WAYS = {
    "sing": (0, 2, 3, 4, 6, 7, 8),
    "dance": (0, 2, 4, 6, 7),
    "swim": (0, 2, 3, 4, 7, 8),
    "run": (3, 4, 7),
    "cook": (0, 2, 4, 6),
    "work": (0, 1, 3, 7, 8),
    "sleep": (0, 1, 7, 8),
    "walk": (3, 4, 7),
    "speak": (0, 2),
    "get up": (5,),
    "go to bed": (5,),
    "wake up": (5,),
    "write": (3,),
    "play": (0, 2, 4),
    "drive": (0, 2),
    "read": (3, 7, 8),
    "eat": (3, 7, 8),
    "train": (4, 7, 8),
    "travel": (4, 7, 8),
    "laugh": (4, 7),
    "smoke": (7, 8),
    "cry": (4, 7),
}


def _comparable(verb: Verb) -> bool:
    return (
        verbs.by_person(verb)
        and verb.english in _WAYS
        and ("optional" in verb.tags or (not verb.objects and not verb.preposition))
    )


def better_than_another(draw: Draw) -> Sentence:
    """Il chante mieux que sa sœur."""
    verb = draw.verb(_comparable)
    french, english = _HOW_COMPARED[draw.one(_WAYS[verb.english])]
    subject = draw.subject()
    french_other, english_other, person = draw.one(_STRESSED)
    while person % 3 == subject.english_person % 3:
        french_other, english_other, person = draw.one(_STRESSED)
    concepts = (verb_concept(verb), f"d:{english}", f"c:{english_other}", *subject.concepts)
    said = Predicate(verb, f"{french} {french_other}", english_tail=f"{english} {english_other}")
    tense = draw.one(("présent", "présent", "passé composé"))
    target = "present" if tense == "présent" else "past"
    return sentence(french_clause(subject, said, tense), english_clause(subject, said, target), concepts=concepts)


def in_what_manner(draw: Draw) -> Sentence:
    """Elle parle lentement."""
    verb = draw.verb(_mannered)
    adverb = draw.one(_adverbs_of(verb.english))
    subject = draw.subject()
    said = Predicate(verb, adverb[0], english_tail=adverb[1], concepts=(verb_concept(verb), f"m:{adverb[1]}"))
    tense = draw.one(("présent", "passé composé", "futur", "imparfait"))
    return finished(
        clause(
            subject,
            said,
            tense,
            negation="pas" if draw.chance(0.15) else "",
            habitual=tense == "présent" and adverb[1] in ("well", "badly"),
        )
    )


_MANNERS = (
    ("lentement", "slowly"),
    ("rapidement", "quickly"),
    ("prudemment", "cautiously"),
    ("calmement", "calmly"),
    ("poliment", "politely"),
    ("silencieusement", "silently"),
    ("tranquillement", "peacefully"),
    ("nerveusement", "nervously"),
    ("tristement", "sadly"),
    ("doucement", "gently"),
    ("gentiment", "kindly"),
    ("discrètement", "discreetly"),
    ("patiemment", "patiently"),
    ("clairement", "clearly"),
    ("attentivement", "attentively"),
    ("joyeusement", "cheerfully"),
)
_BY_VERB = {
    "walk": (0, 1, 5, 6, 7),
    "eat": (0, 1, 5),
    "run": (0, 1),
    "talk": (0, 2, 3, 7, 11, 13),
    "work": (0, 1, 3, 5, 6),
    "sing": (8, 15, 9),
    "smile": (7, 8, 10, 15, 11),
    "read": (0, 1, 5, 14),
    "sleep": (6,),
    "cry": (5, 11),
    "get dressed": (0, 1, 5),
    "laugh": (7, 11),
    "answer": (4, 10, 2, 1),
    "write": (0, 1),
    "travel": (5, 1),
}


def _adverbs_of(english: str) -> tuple[tuple[str, str], ...]:
    return tuple(_MANNERS[index] for index in _BY_VERB[english])


def _mannered(verb: Verb) -> bool:
    if not verbs.by_person(verb) or verb.english not in _BY_VERB or verb.aspect != "activity":
        return False
    return "optional" in verb.tags or not (verb.objects or verb.preposition)
