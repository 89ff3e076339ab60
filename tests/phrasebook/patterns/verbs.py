"""Which verbs suit which pattern: criteria, each a function of a row of the lexicon, named for what its verbs tell."""

from tests.phrasebook.lexicon import Verb, group

# Undertakings that fill weeks or years, and so go with "this month" or "last summer".
_LONG = group("long")
# What one tells others one has done or has never done.
_EXPERIENCES = group("experiences")
_ROUTINE_EVENTS = group("routine_events")
_NOT_ROUTINE = group("not_routine")
_UNPLANNED = group("unplanned")
_LASTING_STATES = group("lasting_states")
_KEPT_UP = group("kept_up")
_DAILY = group("daily")
_ARRANGED = group("arranged")


def daily(verb: Verb) -> bool:
    """Done every day, and so told of yesterday or tomorrow, not of last week."""
    return verb.english in _DAILY


# Parts of the day that do not go with what is done in another part.
_NOT_AT = {
    "have dinner": ("morning", "afternoon"),
    "go to bed": ("morning", "afternoon"),
    "have breakfast": ("afternoon", "evening", "night"),
    "have lunch": ("morning", "evening", "night"),
    "get up": ("afternoon", "evening", "night"),
    "wake up": ("afternoon", "evening", "night"),
    "set the table": ("afternoon",),
    "fall asleep": ("morning",),
}


def fits_the_hour(verb: Verb, when: str) -> bool:
    """Whether the English time `when` names a part of the day at which one does this."""
    return not any(part in when for part in _NOT_AT.get(verb.english, ()))


def by_person(verb: Verb) -> bool:
    """Done by people."""
    return "person" in verb.subjects and verb.infinitive is None


def present_tense(verb: Verb) -> bool:
    """Said of the present moment."""
    return verb.infinitive is None and "past" not in verb.tags


def negatable(verb: Verb) -> bool:
    """Denied of the present moment."""
    return present_tense(verb) and "affirmative" not in verb.tags and verb.english != "prefer"


def ongoing(verb: Verb) -> bool:
    """Going on just now."""
    return present_tense(verb) and verb.aspect == "activity" and verb.english not in ("gain weight", "lose weight")


def long_lasting(verb: Verb) -> bool:
    """Filling weeks."""
    return verb.infinitive is None and verb.english in _LONG and verb.aspect in ("activity", "event")


def ongoing_for_long(verb: Verb) -> bool:
    """Going on these days."""
    return long_lasting(verb) and verb.aspect == "activity"


def routine(verb: Verb) -> bool:
    """Done by people again and again."""
    if not by_person(verb) or verb.english in _NOT_ROUTINE:
        return False
    return verb.aspect in ("activity", "habit") or verb.english in _ROUTINE_EVENTS


def routine_negatable(verb: Verb) -> bool:
    """Done by some people never."""
    return (routine(verb) and "affirmative" not in verb.tags and verb.english not in _KEPT_UP) or (
        verb.english.startswith("be ") and moment(verb)
    )


def moment(verb: Verb) -> bool:
    """A passing state: being hungry, late, angry."""
    return (
        by_person(verb)
        and verb.aspect == "state"
        and not verb.preposition
        and not verb.objects
        and "affirmative" not in verb.tags
    )


def spontaneous(verb: Verb) -> bool:
    """Done without plan, and so told of yesterday or an hour ago."""
    return verb.english in _UNPLANNED


def given_up(verb: Verb) -> bool:
    """Done by people no longer."""
    if (
        verb.english in _NOT_ROUTINE
        or "affirmative" in verb.tags
        or not present_tense(verb)
        or verb.english in _KEPT_UP
    ):
        return False
    if "device" in verb.subjects:
        return True
    return by_person(verb) and (
        verb.aspect in ("activity", "habit") or verb.english in _LASTING_STATES - {"look like", "know"}
    )


def happened(verb: Verb) -> bool:
    """Told as an event of the past."""
    if verb.infinitive is not None or "generic" in verb.tags or verb.english in ("get used to", "be wary of"):
        return False
    return verb.aspect != "state" or "perfective" in verb.tags


def happened_to_people(verb: Verb) -> bool:
    """Told as an event of someone's past."""
    return happened(verb) and ("person" in verb.subjects or verb.english in ("ring", "start", "end"))


def not_happened(verb: Verb) -> bool:
    """Denied of the past."""
    return happened_to_people(verb) and "affirmative" not in verb.tags


def expected(verb: Verb) -> bool:
    """Something one was going to do: it may have happened already, or not yet."""
    return not_happened(verb) and verb.aspect == "event" and "past" not in verb.tags and verb.english != "keep"


def experience(verb: Verb) -> bool:
    """Something one has done, or never."""
    if not by_person(verb) or "affirmative" in verb.tags or verb.english not in _EXPERIENCES:
        return False
    bare_study = verb.english == "study" and not verb.objects
    once = verb.english == "learn" and "definite" in verb.tags
    return (verb.aspect != "state" or verb.english == "see") and not bare_study and not once


def planned(verb: Verb) -> bool:
    """Something for tomorrow."""
    return (
        present_tense(verb)
        and verb.aspect in ("activity", "event")
        and verb.english not in ("bark", "meow", "shine", "blush", "gain weight")
    )


def scheduled(verb: Verb) -> bool:
    """Something for a given day."""
    return planned(verb) and verb.english not in _UNPLANNED


def arranged(verb: Verb) -> bool:
    """Something agreed on, of which both languages speak in the present."""
    return (
        by_person(verb)
        and verb.english in _ARRANGED
        and verb.aspect in ("activity", "event")
        and verb.french != "entrer"
    )


def planned_negatable(verb: Verb) -> bool:
    """Something one will not do."""
    return planned(verb) and "person" in verb.subjects and "affirmative" not in verb.tags


def state(verb: Verb) -> bool:
    """How someone is, what someone has or knows."""
    return by_person(verb) and verb.aspect == "state"


def transitive(verb: Verb) -> bool:
    """With a thing as its direct object."""
    return by_person(verb) and bool(verb.objects) and "past" not in verb.tags
