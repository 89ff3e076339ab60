"""French clauses: pronouns before the verb, negation around it, compound tenses and their agreement, inversion."""

from tests.phrasebook.grammar.conjugation import agree, conjugate, imperative, past_participle
from tests.phrasebook.grammar.predicate import Predicate, Subject, join

_COMPOUND = {"passé composé": "présent", "plus-que-parfait": "imparfait", "conditionnel passé": "conditionnel"}
_PERIPHRASTIC = {"futur proche": "aller", "passé récent": "venir"}
_INVERTED = ("je", "tu", "il", "nous", "vous", "ils")
_VOWELS_AT_END = ("a", "e")

NEGATIONS = ("pas", "jamais", "plus", "rien", "personne")


def _head(predicate: Predicate) -> tuple[str, str]:
    """The infinitive that inflects, and the fixed words after it (avoir faim, faire la vaisselle)."""
    infinitive, _, fixed = predicate.verb.french.partition(" ")
    return infinitive, fixed


def _clitics(subject: Subject, predicate: Predicate) -> str:
    return join(subject.reflexive if predicate.verb.reflexive else "", *predicate.clitics)


def _participle(subject: Subject, predicate: Predicate) -> str:
    participle = past_participle(_head(predicate)[0])
    if predicate.verb.auxiliary == "être" or predicate.verb.reflexive:
        return agree(participle, feminine=subject.feminine, plural=subject.plural)
    if predicate.agreement is not None:
        feminine, plural = predicate.agreement
        return agree(participle, feminine=feminine, plural=plural)
    return participle


def infinitive(subject: Subject, predicate: Predicate, *, negation: str = "") -> str:
    """The predicate as an infinitive said of `subject`: me lever tôt, ne pas le manger."""
    head, fixed = _head(predicate)
    before = f"ne {negation}" if negation else ""
    return join(before, _clitics(subject, predicate), head, fixed, predicate.french_tail)


def _inverted(subject: Subject, finite: str) -> str:
    """The finite verb with the pronoun after it, the one that resumes the subject where that is a noun."""
    if subject.bare:
        pronoun = subject.french
    else:
        pronoun = ("elles" if subject.plural else "elle") if subject.feminine else _INVERTED[subject.french_person]
    euphonic = "t-" if pronoun in ("il", "elle", "on") and finite.endswith(_VOWELS_AT_END) else ""
    return f"{finite}-{euphonic}{pronoun}"


def french_clause(
    subject: Subject,
    predicate: Predicate,
    tense: str,
    *,
    negation: str = "",
    inversion: bool = False,
    adverb: str = "",
) -> str:
    """The clause in `tense`, without capital, elisions or mark; `adverb` follows the finite verb.

    `negation` is "" or one of `NEGATIONS`. With `inversion` the pronoun follows the verb, and a noun subject comes
    first and is resumed (Paul part-il): the caller puts a question word before it.
    """
    head, fixed = _head(predicate)
    clitics, participle = _clitics(subject, predicate), ""
    if tense in _COMPOUND:
        auxiliary = "être" if predicate.verb.reflexive else predicate.verb.auxiliary
        finite = conjugate(auxiliary, _COMPOUND[tense])[subject.french_person]
        participle = _participle(subject, predicate)
    elif tense in _PERIPHRASTIC:
        finite = conjugate(_PERIPHRASTIC[tense], "présent")[subject.french_person]
        participle = join("de" if tense == "passé récent" else "", clitics, head)
        clitics = ""
    else:
        finite = conjugate(head, tense)[subject.french_person]
    first = subject.french if not (inversion and subject.bare) else ""
    verb = _inverted(subject, finite) if inversion else finite
    middle, end = ("", negation) if negation == "personne" else (negation, "")
    return join(
        first, "ne" if negation else "", clitics, verb, middle, adverb, participle, fixed, end, predicate.french_tail
    )


_STRESSED = {"me": "moi", "te": "toi"}


def french_order(predicate: Predicate, person: int, *, negation: str = "") -> str:
    """The order given to tu, nous or vous (`person` 0, 1, 2), without capital, elisions or mark."""
    head, fixed = _head(predicate)
    reflexive = ("te", "nous", "vous")[person] if predicate.verb.reflexive else ""
    form = imperative(head)[person]
    if negation:
        return join("ne", reflexive, *predicate.clitics, form, negation, fixed, predicate.french_tail)
    pronouns = [reflexive] if reflexive else []
    # The indirect me and te follow le, la, les after the verb: donne-le-moi.
    pronouns += sorted(predicate.clitics, key=lambda clitic: clitic not in ("le", "la", "les"))
    if person == 0 and pronouns and pronouns[0] in ("y", "en") and not form.endswith("s"):
        form += "s"
    if pronouns and pronouns[-1] in _STRESSED:
        pronouns[-1] = _STRESSED[pronouns[-1]]
    return join("-".join([form, *pronouns]), fixed, predicate.french_tail)
