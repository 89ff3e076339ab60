"""French conjugation: every simple form of every verb of the lexicon, from rules and a table of irregular verbs."""

from functools import cache

from tests.phrasebook.lexicon import rows

PERSONS = ("je", "tu", "il", "nous", "vous", "ils")
SIMPLE_TENSES = ("présent", "imparfait", "futur", "conditionnel", "subjonctif")

_IMPARFAIT = ("ais", "ais", "ait", "ions", "iez", "aient")
_FUTUR = ("ai", "as", "a", "ons", "ez", "ont")
_DOUBLING = frozenset({"appeler", "rappeler", "jeter", "épeler"})
_ALONE = frozenset({"être", "avoir", "aller"})  # the end of other infinitives (installer) by chance only
_CONSONANTS = frozenset("bcdfgjklmnprstvz")

Forms = tuple[str, ...]


@cache
def _irregular() -> dict[str, dict[str, str]]:
    return {row["infinitive"]: row for row in rows("lexicon/irregular.tsv")}


@cache
def _entry(infinitive: str) -> tuple[str, dict[str, str]] | None:
    """The prefix and the table row that conjugate `infinitive`: its own or that of the longest ending (re-venir)."""
    for start in range(len(infinitive) - 3):
        row = _irregular().get(infinitive[start:])
        if row is not None and not (start and infinitive[start:] in _ALONE):
            return infinitive[:start], row
    return None


def _heavy_stem(stem: str) -> str:
    """The stem of an -er verb before a silent e: j'achète, je préfère, j'appelle, je nettoie."""
    if stem + "er" in _DOUBLING:
        return stem + stem[-1]
    if stem.endswith(("oy", "uy", "ay")):
        return stem[:-1] + "i"
    if len(stem) > 2 and stem[-1] in _CONSONANTS and stem[-2] in "eé":
        return f"{stem[:-2]}è{stem[-1]}"
    return stem


def _soft_stem(stem: str) -> str:
    """The stem of an -er verb before a or o: nous mangeons, nous commençons."""
    if stem.endswith("g"):
        return stem + "e"
    if stem.endswith("c"):
        return stem[:-1] + "ç"
    return stem


def _present(infinitive: str) -> Forms:
    entry = _entry(infinitive)
    if entry is not None:
        prefix, row = entry
        return tuple(prefix + form for form in row["present"].split())
    stem, ending = infinitive[:-2], infinitive[-2:]
    if ending == "er":
        heavy = _heavy_stem(stem)
        return (heavy + "e", heavy + "es", heavy + "e", _soft_stem(stem) + "ons", stem + "ez", heavy + "ent")
    if ending == "ir":
        return tuple(stem + part for part in ("is", "is", "it", "issons", "issez", "issent"))
    if ending == "re":
        return tuple(stem + part for part in ("s", "s", "", "ons", "ez", "ent"))
    raise ValueError(f"no conjugation is known for {infinitive!r}; add a row to lexicon/irregular.tsv")


def _future_stem(infinitive: str) -> str:
    entry = _entry(infinitive)
    if entry is not None:
        return entry[0] + entry[1]["future"]
    if infinitive == "envoyer":
        return "enverr"
    if infinitive.endswith("er"):
        stem = infinitive[:-2]
        # The written tradition keeps the acute accent here: je préférerai.
        return infinitive if stem[-2] == "é" and stem[-1] in _CONSONANTS else _heavy_stem(stem) + "er"
    return infinitive.removesuffix("e")


def _subjunctive(infinitive: str) -> Forms:
    entry = _entry(infinitive)
    if entry is not None and entry[1]["subjunctive"]:
        return tuple(entry[0] + form for form in entry[1]["subjunctive"].split())
    stem = _present(infinitive)[5].removesuffix("ent")
    imperfect = conjugate(infinitive, "imparfait")
    return (stem + "e", stem + "es", stem + "e", imperfect[3], imperfect[4], stem + "ent")


@cache
def conjugate(infinitive: str, tense: str) -> Forms:
    """The six forms (je, tu, il, nous, vous, ils) of `infinitive` in one of `SIMPLE_TENSES`, without pronouns."""
    match tense:
        case "présent":
            return _present(infinitive)
        case "imparfait":
            stem = "ét" if infinitive == "être" else _present(infinitive)[3].removesuffix("ons")
            forms = tuple(stem + ending for ending in _IMPARFAIT)
            if infinitive.endswith(("ger", "cer")):
                base = infinitive[:-2]
                forms = (*forms[:3], base + "ions", base + "iez", forms[5])
            return forms
        case "futur":
            return tuple(_future_stem(infinitive) + ending for ending in _FUTUR)
        case "conditionnel":
            return tuple(_future_stem(infinitive) + ending for ending in _IMPARFAIT)
        case "subjonctif":
            return _subjunctive(infinitive)
        case _:
            raise ValueError(f"{tense!r} is not one of {', '.join(SIMPLE_TENSES)}")


@cache
def imperative(infinitive: str) -> Forms:
    """The three forms (tu, nous, vous) that give an order."""
    entry = _entry(infinitive)
    if entry is not None and entry[1]["imperative"]:
        return tuple(entry[0] + form for form in entry[1]["imperative"].split())
    present = _present(infinitive)
    second = present[1].removesuffix("s") if present[1].endswith("es") and infinitive.endswith("er") else present[1]
    return (second, present[3], present[4])


@cache
def past_participle(infinitive: str) -> str:
    """The masculine singular past participle."""
    entry = _entry(infinitive)
    if entry is not None:
        return entry[0] + entry[1]["participle"]
    return infinitive[:-2] + {"er": "é", "ir": "i", "re": "u"}[infinitive[-2:]]


def agree(participle: str, *, feminine: bool, plural: bool) -> str:
    """A past participle in the gender and number of what it agrees with."""
    if participle == "dû" and (feminine or plural):
        participle = "du"
    ending = ("e" if feminine else "") + ("s" if plural and not (participle.endswith("s") and not feminine) else "")
    return participle + ending
