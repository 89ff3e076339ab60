"""The words that the grammar draws on, read from the tab-separated files beside this module."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path


def rows(path: str) -> list[dict[str, str]]:
    """The rows of a tab-separated file ("lexicon/nouns.tsv"), as dictionaries by column name."""
    text = (Path(__file__).parent / path).read_text(encoding="utf-8")
    header, *lines = text.removesuffix("\n").split("\n")
    names = header.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


@dataclass(frozen=True, slots=True)
class Noun:
    """A French noun and its English counterpart; `mass` nouns are counted in neither language."""

    french: str
    feminine: bool
    french_plural: str
    english: str
    english_plural: str
    mass: bool
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Adjective:
    """A French adjective's four forms, its side of the noun, and its English counterpart."""

    masculine: str
    feminine: str
    masculine_plural: str
    before: bool
    english: str
    tags: frozenset[str]

    @property
    def feminine_plural(self) -> str:
        """The feminine plural form."""
        return self.feminine if self.feminine.endswith("s") else self.feminine + "s"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb in one meaning: its forms' sources in both languages and the complements it takes.

    `english` may hold a particle ("look for") and a `*` where a pronoun object stands before it ("turn * on").
    `aspect` decides the English tenses: state (simple), activity and event (progressive), habit (simple unless marked).
    `objects` and `complements` are noun tags; `preposition` leads to the complement, as (French, English);
    `infinitive` is how another verb follows, as (French preposition or "", English "to" or "ing").
    `tags`: optional (complements may be left out), generic, definite, indefinite (the determiner of objects), past (odd
    in the present), affirmative (not denied), perfective (a state that can also happen).
    """

    french: str
    english: str
    auxiliary: str = "avoir"
    reflexive: bool = False
    past: str = ""
    participle: str = ""
    gerund: str = ""
    aspect: str = "state"
    subjects: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    preposition: tuple[str, str] | None = None
    complements: tuple[str, ...] = ()
    infinitive: tuple[str, str] | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expression:
    """An adverb, place or first name: French, English and its kind."""

    french: str
    english: str
    kind: str


def _french_plural(noun: str) -> str:
    return noun if noun[-1] in "sxz" else noun + "s"


def english_plural(noun: str) -> str:
    """The regular English plural of `noun`."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


@cache
def _groups() -> dict[str, frozenset[str]]:
    return {row["name"]: frozenset(row["members"].split(" | ")) for row in rows("lexicon/groups.tsv")}


def group(name: str) -> frozenset[str]:
    """The words of the group `name`: English verbs or adjectives that suit a pattern, or French nouns."""
    return _groups()[name]


@cache
def nouns() -> tuple[Noun, ...]:
    """Every noun of the lexicon, in the order of the file."""
    return tuple(
        Noun(
            row["fr"],
            row["gender"] == "f",
            row["fr_plural"] or _french_plural(row["fr"]),
            row["en"],
            row["en_plural"] or english_plural(row["en"]),
            row["en_plural"] == "-",
            frozenset(row["tags"].split()),
        )
        for row in rows("lexicon/nouns.tsv")
    )


@cache
def aspirated_nouns() -> frozenset[str]:
    """Nouns, singular and plural, before which nothing elides."""
    marked = [noun for noun in nouns() if "h_aspire" in noun.tags]
    return frozenset(form.lower() for noun in marked for form in (noun.french, noun.french_plural))


@cache
def adjectives() -> tuple[Adjective, ...]:
    """Every adjective of the lexicon, in the order of the file."""
    return tuple(
        Adjective(
            row["fr_m"],
            row["fr_f"],
            row["fr_m_plural"] or _french_plural(row["fr_m"]),
            row["position"] == "before",
            row["en"],
            frozenset(row["tags"].split()),
        )
        for row in rows("lexicon/adjectives.tsv")
    )


def _pair(field: str) -> tuple[str, str] | None:
    french, found, english = field.partition(">")
    return (french, english) if found else None


@cache
def verbs() -> tuple[Verb, ...]:
    """Every verb of the lexicon, one row a meaning, in the order of the file."""
    return tuple(
        Verb(
            row["fr"].removeprefix("se ").removeprefix("s'"),
            row["en"],
            auxiliary=row["auxiliary"],
            reflexive=row["fr"].startswith(("se ", "s'")),
            past=row["past"],
            participle=row["participle"],
            gerund=row["gerund"],
            aspect=row["aspect"],
            subjects=tuple(row["subject"].split()),
            objects=tuple(row["object"].split()),
            preposition=_pair(row["preposition"]),
            complements=tuple(row["complement"].split()),
            infinitive=_pair(row["infinitive"]),
            tags=frozenset(row["tags"].split()),
        )
        for row in rows("lexicon/verbs.tsv")
    )


def _expressions(path: str, kind: str) -> tuple[Expression, ...]:
    return tuple(Expression(row["fr"], row["en"], row[kind]) for row in rows(path))


@cache
def adverbs() -> tuple[Expression, ...]:
    """Every adverb; `kind` is manner, frequency, time_past, time_present, time_future or place."""
    return _expressions("lexicon/adverbs.tsv", "kind")


@cache
def places() -> tuple[Expression, ...]:
    """Every city and country, without article; `kind` is city, country_m, country_f or country_pl."""
    return _expressions("lexicon/places.tsv", "kind")


@cache
def names() -> tuple[Expression, ...]:
    """Every first name; `kind` is its gender, m or f."""
    return tuple(Expression(row["name"], row["name"], row["gender"]) for row in rows("lexicon/names.tsv"))
