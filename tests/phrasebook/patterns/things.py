"""Things: what they are and whose, where they are, whether there are any."""

from tests.phrasebook.grammar.english_clause import contracted, negated
from tests.phrasebook.grammar.english_text import a_or_an, genitive
from tests.phrasebook.grammar.french_text import contract
from tests.phrasebook.grammar.nominal import article, noun_phrase
from tests.phrasebook.grammar.numerals import counted
from tests.phrasebook.grammar.predicate import Phrase, Predicate
from tests.phrasebook.lexicon import Noun
from tests.phrasebook.patterns.being import BE, KINDS, fitting
from tests.phrasebook.patterns.draw import ONE_OF_A_KIND, Draw, as_subject
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished


def this_is(draw: Draw) -> Sentence:
    """C'est une belle maison."""
    tag = draw.one(("object", "clothing", "place", "event", "abstract", "animal"))
    noun = draw.noun(*KINDS[tag])
    plural = draw.chance(0.2)
    adjective = fitting(draw, tag)
    if (plural and adjective.before) or noun.mass:
        return this_is(draw)
    phrase = noun_phrase(noun, "indefinite", plural=plural, adjective=adjective, some="")
    if plural:
        return sentence(f"ce sont {phrase.french}", f"they're {phrase.english}", concepts=phrase.concepts)
    if draw.chance(0.2):
        return sentence(f"ce n'est pas {phrase.french}", f"it isn't {phrase.english}", concepts=phrase.concepts)
    return sentence(f"c'est {phrase.french}", f"it's {phrase.english}", concepts=phrase.concepts)


def exclamation(draw: Draw) -> Sentence:
    """Quelle belle maison !"""
    tag = draw.one(("object", "clothing", "place", "event", "abstract", "animal"))
    noun = draw.noun(*KINDS[tag])
    adjective = fitting(draw, tag)
    if noun.mass or "colour" in adjective.tags:
        return exclamation(draw)
    plural = draw.chance(0.2)
    phrase = noun_phrase(noun, "bare", plural=plural, adjective=adjective)
    word = ("quelle" if noun.feminine else "quel") + ("s" if plural else "")
    lead = "what" if plural else f"what {a_or_an(phrase.english)}"
    return sentence(f"{word} {phrase.french}", f"{lead} {phrase.english}", "!", concepts=phrase.concepts)


def whose(draw: Draw) -> Sentence:
    """C'est la voiture de Paul."""
    noun = draw.noun(
        "object", "clothing", "document", "=voiture", "=vélo", "=maison", "=chien", "=chat", "=moto", "=ordinateur"
    )
    plural = draw.chance(0.2)
    owner = draw.named() if draw.chance(0.5) else as_subject(draw.someone())
    while " et " in owner.french:
        owner = draw.named()
    thing = noun_phrase(noun, "bare", plural=plural)
    french = f"{article(noun.feminine, plural)} {thing.french} {contract('de', owner.french)}"
    english = f"{genitive(owner.english)} {thing.english}"
    concepts = (*thing.concepts, *(owner.concepts or (f"o:{owner.english}",)))
    if plural:
        return sentence(f"ce sont {french}", f"they're {english}", concepts=concepts)
    return sentence(f"c'est {french}", f"it's {english}", concepts=concepts)


_OWNERS = {"je": "my", "tu": "your", "nous": "our", "vous": "your", "ils": "their"}


def mine(draw: Draw) -> Sentence:
    """Ce sont mes clés."""
    noun = draw.noun(
        "object", "clothing", "document", "family", "=voiture", "=vélo", "=maison", "=chien", "=ami", "=voisine"
    )
    single = noun.english in ONE_OF_A_KIND
    plural = draw.chance(0.35) and not single
    owner = draw.one(("je", "tu")) if single else draw.one(tuple(_OWNERS))
    phrase = noun_phrase(noun, "possessive", plural=plural, owner=owner)
    concepts = (*phrase.concepts, f"o:{_OWNERS[owner]}")
    if plural:
        french, english = ("ce ne sont pas", "these aren't") if draw.chance(0.2) else ("ce sont", "these are")
    else:
        french, english = ("ce n'est pas", "this isn't") if draw.chance(0.2) else ("c'est", "this is")
    return sentence(f"{french} {phrase.french}", f"{english} {phrase.english}", concepts=concepts)


_STANDING = ("=table", "=chaise", "=lit", "=étagère", "=canapé", "=commode", "=fauteuil", "=boîte", "=banc")
_RELATIONS = (
    ("sur", "on"),
    ("sous", "under"),
    ("derrière", "behind"),
    ("devant", "in front of"),
    ("à côté de", "next to"),
)
_ENCLOSING = (
    "=tiroir",
    "=placard",
    "=armoire",
    "=sac",
    "=valise",
    "=boîte",
    "=panier",
    "=cuisine",
    "=salon",
    "=chambre",
    "=garage",
    "=voiture",
    "=couloir",
    "=jardin",
)
_SMALL = (
    "=clé",
    "=livre",
    "=stylo",
    "=portefeuille",
    "=montre",
    "=téléphone",
    "=parapluie",
    "=lettre",
    "=chat",
    "=bougie",
    "=photo",
    "=sac",
    "=poupée",
    "=balle",
    "=gant",
    "=chaussette",
    "=écharpe",
    "=cravate",
    "=casquette",
    "=tasse",
    "=verre",
    "=cahier",
    "=dictionnaire",
    "=briquet",
    "=bague",
    "=collier",
    "=serviette",
    "=timbre",
    "=enveloppe",
    "=lampe_de_poche",
    "=passeport",
    "=peigne",
    "=brosse",
    "=billet",
    "=journal",
    "=magazine",
    "=casque",
    "=bol",
    "=assiette",
    "=fourchette",
    "=couteau",
)


def _location(draw: Draw, thing: Noun) -> Phrase:
    """Where a small thing may be: sur la table, dans le tiroir."""
    if draw.chance(0.5):
        place = noun_phrase(draw.noun(*_STANDING), draw.one(("definite", "definite", "definite", "possessive")))
        french, english = draw.one(_RELATIONS)
    else:
        place = noun_phrase(draw.noun(*_ENCLOSING), draw.one(("definite", "definite", "definite", "possessive")))
        french, english = "dans", "in"
    if place.noun == thing:
        return _location(draw, thing)
    if french.endswith(" de"):
        located = f"à côté {contract('de', place.french)}"
    else:
        located = f"{french} {place.french}"
    return Phrase(located, f"{english} {place.english}", place.concepts)


def located(draw: Draw) -> Sentence:
    """Les clés sont dans le tiroir."""
    noun = draw.noun(*_SMALL)
    subject = as_subject(
        noun_phrase(
            noun,
            draw.one(("definite", "possessive", "possessive")),
            plural=draw.chance(0.25),
            owner=draw.one(("je", "tu", "nous", "vous")),
        )
    )
    where = _location(draw, noun)
    said = Predicate(BE, where.french, english_tail=where.english, concepts=where.concepts)
    form: Form = draw.one(("statement", "statement", "statement", "intonation", "est-ce que", "inversion"))
    negation = "pas" if form == "statement" and draw.chance(0.2) else ""
    return finished(
        clause(subject, said, draw.one(("présent", "présent", "imparfait")), form=form, negation=negation),
        "." if form == "statement" else "?",
    )


def there_is(draw: Draw) -> Sentence:
    """Il y a un chat sous la table."""
    noun = draw.noun(*_SMALL)
    where = _location(draw, noun)
    plural = draw.chance(0.4)
    number = counted(draw.number(2, 15), feminine=noun.feminine)
    if plural and draw.chance(0.5):
        thing = noun_phrase(noun, "numeral", plural=True, numeral=(number.french, number.english))
        concepts = (*thing.concepts, *number.concepts, *where.concepts)
    else:
        thing = noun_phrase(noun, "indefinite", plural=plural)
        concepts = (*thing.concepts, *where.concepts)
    french, english = draw.one(
        ((("il y a"), ("there are" if plural else "there's")), ("il y avait", "there were" if plural else "there was"))
    )
    return sentence(
        f"{french} {thing.french} {where.french}", f"{english} {thing.english} {where.english}", concepts=concepts
    )


def there_is_none(draw: Draw) -> Sentence:
    """Il n'y a plus de lait."""
    noun = draw.noun("food_mass", "drink_mass", "food", "=verre", "=assiette", "=chaise", "=bougie", "=train", "=bus")
    past, left = draw.chance(0.35), draw.chance(0.4)
    phrase = noun_phrase(noun, "negated", plural=not noun.mass, some="no" if left else "any")
    french = f"il n'y {'avait' if past else 'a'} {'plus' if left else 'pas'} {phrase.french}"
    be = ("was" if noun.mass else "were") if past else ("is" if noun.mass else "are")
    said = f"{contracted('there', be)} {phrase.english} left" if left else f"there {negated(be)} {phrase.english}"
    return sentence(french, said, concepts=(*phrase.concepts, "v:there is not"))


def is_there(draw: Draw) -> Sentence:
    """Y a-t-il une pharmacie près d'ici ?"""
    noun = draw.noun("building", "=parc", "=plage", "=lac", "=parking", "=camping")
    place = noun_phrase(noun, "indefinite")
    where = draw.one(
        (
            Phrase("près d'ici", "near here"),
            Phrase("dans le quartier", "in the neighborhood", ("n:neighborhood",)),
            Phrase("en ville", "in town", ("t:in town",)),
            Phrase("dans le village", "in the village", ("n:village",)),
        )
    )
    form = draw.one(("y a-t-il", "est-ce qu'il y a", "il y a"))
    return sentence(
        f"{form} {place.french} {where.french}",
        f"is there {place.english} {where.english}",
        "?",
        concepts=(*place.concepts, *where.concepts, "v:is there"),
    )


def where_is(draw: Draw) -> Sentence:
    """Où est la gare, s'il vous plaît ?"""
    noun = draw.noun("building", "object", "clothing", "room", "=plage", "=parc", "=parking", "family")
    plural = draw.chance(0.25) and not noun.tags & {"building", "room", "family", "outdoors"}
    if noun.tags & {"building", "room", "outdoors"}:
        place = noun_phrase(noun, "definite")
    else:
        place = noun_phrase(noun, "possessive", plural=plural, owner=draw.one(("je", "tu")))
    are = (
        ("sont", "are")
        if plural
        else draw.one((("est", "is"), ("était", "was")))
        if "family" in noun.tags
        else ("est", "is")
    )
    concepts = (*place.concepts, "q:where")
    if noun.tags & {"building"} and draw.chance(0.4):
        lead = draw.one((("excusez-moi, ", "excuse me, "), ("pardon, ", "excuse me, ")))
        return sentence(
            f"{lead[0]}où {are[0]} {place.french}", f"{lead[1]}where {are[1]} {place.english}", "?", concepts=concepts
        )
    return sentence(f"où {are[0]} {place.french}", f"where {are[1]} {place.english}", "?", concepts=concepts)
