"""How much: containers, beaucoup, trop, peu; what one would like to have; where it hurts."""

from tests.phrasebook.grammar.conjugation import conjugate
from tests.phrasebook.grammar.nominal import noun_phrase
from tests.phrasebook.grammar.numerals import counted
from tests.phrasebook.grammar.predicate import Phrase, Predicate, join
from tests.phrasebook.lexicon import Noun, Verb, group
from tests.phrasebook.patterns.draw import Draw, as_subject
from tests.phrasebook.patterns.sentence import Form, Sentence, clause, sentence
from tests.phrasebook.patterns.statements import finished, time_for

_DRINK = Verb("boire", "drink", past="drank", participle="drunk", aspect="activity")
_EAT = Verb("manger", "eat", past="ate", participle="eaten", aspect="activity")
_BUY = Verb("acheter", "buy", past="bought", aspect="event")
_HAVE = Verb("avoir", "have", past="had")
_WANT = Verb("vouloir", "want")
_LIKE = Verb("vouloir", "like")

_CUPS = ("=verre", "=tasse", "=bouteille", "=bol", "=carafe")
_FITTING = {
    "glass": frozenset(
        {
            "milk",
            "water",
            "orange juice",
            "apple juice",
            "grape juice",
            "wine",
            "beer",
            "lemonade",
            "cider",
            "champagne",
            "whiskey",
            "rum",
            "iced tea",
            "red wine",
            "white wine",
            "mineral water",
        }
    ),
    "cup": frozenset({"coffee", "tea", "hot chocolate", "herbal tea", "green tea"}),
    "bottle": frozenset(
        {
            "milk",
            "water",
            "wine",
            "beer",
            "lemonade",
            "cider",
            "champagne",
            "whiskey",
            "rum",
            "red wine",
            "white wine",
            "mineral water",
            "orange juice",
            "apple juice",
            "grape juice",
        }
    ),
    "bowl": frozenset({"hot chocolate", "milk", "rice", "soup", "popcorn"}),
    "pitcher": frozenset({"water", "lemonade", "iced tea", "orange juice"}),
}


def _contained(draw: Draw, *, plural: bool) -> tuple[Phrase, Noun]:
    """A container of something, with un or a number."""
    container = draw.noun(*_CUPS)
    content = draw.noun("drink_mass", "=riz", "=soupe", "=pop-corn")
    while content.english not in _FITTING[container.english]:
        content = draw.noun("drink_mass", "=riz", "=soupe", "=pop-corn")
    concepts = (f"n:{container.english}", f"n:{content.english}")
    if plural:
        number = counted(draw.number(2, 6), feminine=container.feminine)
        french = f"{number.french} {container.french_plural} de {content.french}"
        english = f"{number.english} {container.english_plural} of {content.english}"
        return Phrase(french, english, (*concepts, *number.concepts)), content
    article = "une" if container.feminine else "un"
    return Phrase(
        f"{article} {container.french} de {content.french}", f"a {container.english} of {content.english}", concepts
    ), content


_NOT_DRUNK = frozenset({"rice", "soup", "popcorn"})


def container(draw: Draw) -> Sentence:
    """Je voudrais un verre d'eau."""
    subject = draw.subject(on=True)
    amount, content = _contained(draw, plural=draw.chance(0.25))
    consuming = _EAT if content.english in _NOT_DRUNK else _DRINK
    verb, tense = draw.one(
        (
            (_LIKE, "conditionnel"),
            (_WANT, "présent"),
            (consuming, "passé composé"),
            (consuming, "futur proche"),
            (_BUY, "passé composé"),
            (consuming, "présent"),
        )
    )
    if verb is _BUY and "bottle" not in amount.english:
        verb = consuming
    said = Predicate(verb, amount.french, amount.english, concepts=(f"v:{verb.english}", *amount.concepts))
    return finished(clause(subject, said, tense))


_AMOUNTS = (
    ("beaucoup de", "a lot of", "a lot of"),
    ("trop de", "too much", "too many"),
    ("assez de", "enough", "enough"),
    ("un peu de", "a little", ""),
)


def amount(draw: Draw) -> Sentence:
    """Il boit trop de café."""
    subject = draw.subject(on=True)
    noun = draw.noun("food_mass", "drink_mass", "food")
    french, much, many = draw.one(_AMOUNTS)
    while not noun.mass and not many:
        french, much, many = draw.one(_AMOUNTS)
    phrase = noun_phrase(noun, "bare", plural=not noun.mass)
    consuming = _DRINK if "drink_mass" in noun.tags else _EAT
    verb, tense = draw.one(
        (
            (consuming, "présent"),
            (consuming, "passé composé"),
            (_BUY, "passé composé"),
            (_HAVE, "présent"),
            (consuming, "imparfait"),
        )
    )
    if french == "assez de" and verb is _HAVE and draw.chance(0.5):
        verb = consuming
    said = Predicate(
        verb,
        f"{french} {phrase.french}",
        f"{much if noun.mass else many} {phrase.english}",
        concepts=(f"v:{verb.english}", f"d:{much}", *phrase.concepts),
    )
    english = {"présent": "present", "imparfait": "used to"}.get(tense, "")
    return finished(clause(subject, said, tense, english=english))


_ABUNDANT = (
    (
        ("=touriste", "=étudiant", "=enfant", "=client"),
        (
            "=restaurant",
            "=musée",
            "=magasin",
            "=hôtel",
            "=gare",
            "=banque",
            "=château",
            "=plage",
            "=parc",
            "=rue",
            "=ville",
        ),
    ),
    (("=arbre", "=fleur", "=oiseau"), ("=parc", "=jardin", "=forêt", "=rue", "=village")),
    (("=voiture", "=vélo", "=camion", "=bus"), ("=rue", "=ville", "=parking", "=route", "=pont")),
    (("=livre", "=document", "=magazine"), ("=bibliothèque", "=bureau", "=école", "=librairie")),
)


def many_there(draw: Draw) -> Sentence:
    """Il y a beaucoup de touristes sur la plage."""
    things, places = draw.one(_ABUNDANT)
    thing, place = noun_phrase(draw.noun(*things), "bare", plural=True), noun_phrase(draw.noun(*places), "definite")
    on = place.noun.english in ("beach", "road", "bridge")
    where = (
        f"{'sur' if on else 'dans'} {place.french}",
        f"{'on' if on or place.noun.english == 'street' else 'in'} {place.english}",
    )
    french, _, english = draw.one(_AMOUNTS[:2])
    lead = draw.one((("il y a", "there are"), ("il y avait", "there were"), ("il y aura", "there will be")))
    return sentence(
        f"{lead[0]} {french} {thing.french} {where[0]}",
        f"{lead[1]} {english} {thing.english} {where[1]}",
        concepts=(*thing.concepts, *place.concepts, f"d:{english}"),
    )


def wanted(draw: Draw) -> Sentence:
    """Voulez-vous du fromage ?"""
    subject = draw.subject(on=True)
    noun = draw.noun(
        "food_mass", "drink_mass", "food", "dish", "object", "clothing", "=chien", "=chat", "=vélo", "=voiture"
    )
    edible = bool(noun.tags & {"food_mass", "drink_mass", "food", "dish"})
    if edible:
        phrase = noun_phrase(noun, "indefinite", plural="food" in noun.tags and draw.chance(0.4))
    else:
        phrase = noun_phrase(noun, draw.one(("indefinite", "demonstrative")))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.5)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    verb, tense = draw.one(((_WANT, "présent"), (_LIKE, "conditionnel")))
    said = Predicate(verb, phrase.french, phrase.english, concepts=("v:want", *phrase.concepts))
    return finished(clause(subject, said, tense, form=form), "." if form == "statement" else "?")


def not_wanted(draw: Draw) -> Sentence:
    """Je ne veux pas de sucre."""
    subject = draw.subject(on=True)
    noun = draw.noun("food_mass", "drink_mass", "food", "dish")
    countable = not noun.mass
    phrase = noun_phrase(
        noun, "negated", plural=countable and "food" in noun.tags, some="a" if "dish" in noun.tags else "any"
    )
    verb = draw.one((_WANT, _HAVE, _HAVE))
    negation = draw.one(("pas", "pas", "plus")) if verb is _WANT or "dish" not in noun.tags else "pas"
    if negation == "plus" and verb is _HAVE and "dish" not in noun.tags:
        said = Predicate(verb, phrase.french, phrase.english, "left", concepts=("v:have", *phrase.concepts))
        result = clause(subject, said, "présent", negation="plus")
        return sentence(result.french, result.english.replace(" anymore", ""), concepts=result.concepts)
    said = Predicate(verb, phrase.french, phrase.english, concepts=(f"v:{verb.english}", *phrase.concepts))
    return finished(
        clause(
            subject,
            said,
            draw.one(("présent", "présent", "imparfait")) if negation == "pas" else "présent",
            negation=negation,
        )
    )


_SINGLE = group("single")
_SORE = (
    "=jambe",
    "=bras",
    "=genou",
    "=pied",
    "=main",
    "=épaule",
    "=cheville",
    "=oreille",
    "=dos",
    "=cou",
    "=tête",
    "=poignet",
    "=doigt",
    "=ventre",
    "=coude",
    "=gorge",
    "=pouce",
    "=hanche",
    "=orteil",
)


def hurts(draw: Draw) -> Sentence:
    """Mon genou me fait mal."""
    noun = draw.noun(*_SORE)
    owner, clitic = draw.one((("je", "me"), ("tu", "te"), ("vous", "vous")))
    plural = draw.chance(0.25) and noun.english not in _SINGLE
    part = noun_phrase(noun, "possessive", plural=plural, owner=owner)
    hurting = Verb("faire mal", "hurt", past="hurt", aspect="habit")
    # French names the part with the article: the pronoun already says whose it is.
    definite = noun_phrase(noun, "definite", plural=plural)
    subject = as_subject(part)
    said = Predicate(hurting, clitics=(clitic,), concepts=("v:hurt",))
    result = clause(subject, said, "présent")
    french = (
        clause(as_subject(definite), said, "présent").french if draw.chance(0.3) and owner != "vous" else result.french
    )
    return sentence(french, result.english, concepts=result.concepts)


_BREAK = Verb("casser", "break", past="broke", participle="broken", aspect="event")
_BROKEN = ("=jambe", "=bras", "=poignet", "=cheville", "=doigt", "=pied", "=nez", "=pouce", "=orteil", "=coude")


def broke_a_bone(draw: Draw) -> Sentence:
    """Elle s'est cassé le bras."""
    subject = draw.subject()
    while subject.plural:
        subject = draw.subject()
    part = noun_phrase(draw.noun(*_BROKEN), "definite")
    owner = {"I": "my", "you": "your"}.get(subject.english, "her" if subject.feminine else "his")
    when = time_for(draw, _BREAK, "time_past") if draw.chance(0.5) else Phrase("", "")
    # The participle does not agree: what is broken is the direct object, and it follows.
    auxiliary = conjugate("être", "présent")[subject.french_person]
    french = join(subject.french, subject.reflexive, auxiliary, "cassé", part.french, when.french)
    english = join(subject.english, "broke", owner, part.noun.english, when.english)
    return sentence(french, english, concepts=(*subject.concepts, "v:break", *part.concepts, *when.concepts))


_ILLNESSES = ("=rhume", "=migraine", "=allergie", "=otite", "=entorse", "=torticolis", "=coup_de_soleil", "=infection")


def illness(draw: Draw) -> Sentence:
    """Mon frère a un rhume."""
    subject = draw.subject(on=True)
    noun = draw.noun(*_ILLNESSES)
    phrase = noun_phrase(noun, "indefinite")
    said = Predicate(_HAVE, phrase.french, phrase.english, concepts=("v:have", *phrase.concepts))
    form: Form = (
        "statement"
        if subject.english_person in (0, 3) or draw.chance(0.7)
        else draw.one(("intonation", "est-ce que", "inversion"))
    )
    return finished(
        clause(subject, said, draw.one(("présent", "présent", "imparfait")), form=form),
        "." if form == "statement" else "?",
    )
