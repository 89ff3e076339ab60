"""The values both grammars work on: a subject, and what is said of it."""

from dataclasses import dataclass

from tests.phrasebook.lexicon import Verb


@dataclass(frozen=True, slots=True)
class Phrase:
    """The same words in both languages, and the concepts they bring: names of lemmas, for the held-out combinations."""

    french: str
    english: str
    concepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what a clause is about.

    `french_person` and `english_person` index the six persons (je, tu, il, nous, vous, ils); they differ for on, which
    is we. `bare` says whether the subject is a personal pronoun.
    """

    french: str
    english: str
    french_person: int
    english_person: int
    feminine: bool
    plural: bool
    bare: bool
    concepts: tuple[str, ...] = ()

    @property
    def reflexive(self) -> str:
        """The pronoun a reflexive verb takes with this subject."""
        return ("me", "te", "se", "nous", "vous", "se")[self.french_person]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A verb with its complements in place, in no tense yet.

    `clitics` are the French pronouns before the verb, in order, without the reflexive one; `agreement` is the
    (feminine, plural) of a direct object that precedes. `english_object` is the direct object, `pronominal` if it is a
    pronoun.
    """

    verb: Verb
    french_tail: str = ""
    english_object: str = ""
    english_tail: str = ""
    pronominal: bool = False
    clitics: tuple[str, ...] = ()
    agreement: tuple[bool, bool] | None = None
    concepts: tuple[str, ...] = ()


def join(*parts: str) -> str:
    """The non-empty parts with a space between them."""
    return " ".join(filter(None, parts))
