"""Every sentence pattern with its weight."""

import re
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from tests.phrasebook.patterns import (
    being,
    circumstances,
    comparisons,
    compounds,
    conditions,
    infinitives,
    journeys,
    measures,
    orders,
    pronouns,
    quantities,
    questions,
    relatives,
    statements,
    things,
    times,
    weather,
)
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.patterns.sentence import Sentence


class Pattern(NamedTuple):
    """A function that makes sentences, and how often it is asked to, relative to the others."""

    make: Callable[[Draw], Sentence]
    weight: float

    @property
    def name(self) -> str:
        """The module and function: statements.past."""
        return f"{self.make.__module__.rpartition('.')[2]}.{self.make.__name__}"


PATTERNS: tuple[Pattern, ...] = (
    Pattern(statements.present, 5),
    Pattern(statements.present_with_time, 3),
    Pattern(statements.negative, 4),
    Pattern(statements.never, 2),
    Pattern(statements.no_longer, 2),
    Pattern(statements.frequency, 2.5),
    Pattern(statements.habit, 2.5),
    Pattern(statements.past, 5),
    Pattern(statements.past_with_time, 4.5),
    Pattern(statements.past_negative, 3),
    Pattern(statements.not_yet, 2),
    Pattern(statements.already, 2),
    Pattern(statements.never_before, 2),
    Pattern(statements.just, 2),
    Pattern(statements.future, 4),
    Pattern(statements.arranged, 2),
    Pattern(statements.near_future, 3),
    Pattern(statements.future_negative, 2),
    Pattern(questions.intonation, 3),
    Pattern(questions.est_ce_que, 3),
    Pattern(questions.inversion, 3),
    Pattern(questions.already_asked, 1.5),
    Pattern(questions.where, 2),
    Pattern(questions.where_to, 0.5),
    Pattern(questions.when, 2),
    Pattern(questions.why, 2),
    Pattern(questions.why_not, 1.5),
    Pattern(questions.how, 1),
    Pattern(questions.what, 2),
    Pattern(questions.who, 1.5),
    Pattern(questions.whom, 1),
    Pattern(questions.with_whom, 1),
    Pattern(questions.how_many, 2),
    Pattern(questions.which, 2),
    Pattern(orders.order, 2.5),
    Pattern(orders.prohibition, 2),
    Pattern(orders.suggestion, 1.5),
    Pattern(orders.order_to_give, 2),
    Pattern(orders.order_about_it, 1.5),
    Pattern(orders.must_be_done, 2.5),
    Pattern(orders.must_not_be_done, 1.5),
    Pattern(orders.must_in_general, 1.5),
    Pattern(orders.wish_for_another, 2),
    Pattern(orders.judgement, 1.5),
    Pattern(pronouns.me_or_you, 2),
    Pattern(pronouns.him_or_her, 2),
    Pattern(pronouns.him_alone, 1.5),
    Pattern(pronouns.it_or_them, 2),
    Pattern(pronouns.to_him_or_them, 2.5),
    Pattern(pronouns.to_her, 1.5),
    Pattern(pronouns.there, 1.5),
    Pattern(pronouns.some_of_it, 0.5),
    Pattern(pronouns.how_many_of_them, 0.5),
    Pattern(pronouns.nothing, 1.5),
    Pattern(pronouns.nobody, 1),
    Pattern(pronouns.nobody_does, 1.5),
    Pattern(being.feeling, 2.5),
    Pattern(being.character, 2.5),
    Pattern(being.are_you, 2),
    Pattern(being.thing_is, 3),
    Pattern(being.profession, 2),
    Pattern(being.becoming, 1),
    Pattern(being.good_at_work, 1),
    Pattern(being.nationality, 1.5),
    Pattern(being.foreigner, 1.5),
    Pattern(things.this_is, 2.5),
    Pattern(things.exclamation, 1.5),
    Pattern(things.whose, 2),
    Pattern(things.mine, 1.5),
    Pattern(things.located, 3),
    Pattern(things.there_is, 2.5),
    Pattern(things.there_is_none, 1),
    Pattern(things.is_there, 1),
    Pattern(things.where_is, 1.5),
    Pattern(measures.age, 1.5),
    Pattern(measures.how_old, 0.4),
    Pattern(times.hour, 0.8),
    Pattern(times.at_an_hour, 2.5),
    Pattern(times.what_time, 1),
    Pattern(times.today_is, 1),
    Pattern(times.on_a_date, 1.5),
    Pattern(times.on_a_day, 2),
    Pattern(measures.price, 2),
    Pattern(measures.how_much, 1),
    Pattern(measures.number_alone, 2),
    Pattern(measures.sum_of, 1),
    Pattern(measures.population, 0.7),
    Pattern(weather.weather, 1.5),
    Pattern(comparisons.person_to_person, 2.5),
    Pattern(comparisons.thing_to_thing, 2.5),
    Pattern(comparisons.most_of_people, 1.5),
    Pattern(comparisons.most_of_things, 2),
    Pattern(comparisons.better_than_another, 1.5),
    Pattern(comparisons.in_what_manner, 1),
    Pattern(infinitives.governed, 4),
    Pattern(infinitives.governed_before, 2.5),
    Pattern(infinitives.governed_negative, 2),
    Pattern(infinitives.governed_question, 2.5),
    Pattern(infinitives.would_like, 2),
    Pattern(infinitives.modal, 3.5),
    Pattern(infinitives.modal_question, 2.5),
    Pattern(infinitives.obligation_past, 1.5),
    Pattern(circumstances.in_order_to, 1.5),
    Pattern(infinitives.help_to, 1.5),
    Pattern(circumstances.before_or_without, 1.5),
    Pattern(circumstances.after_having, 1.5),
    Pattern(circumstances.while_doing, 1.5),
    Pattern(circumstances.since, 2),
    Pattern(circumstances.for_a_while, 1.5),
    Pattern(compounds.interrupted, 2),
    Pattern(compounds.already_over, 2),
    Pattern(compounds.had_done, 1),
    Pattern(compounds.as_a_child, 1.5),
    Pattern(compounds.formerly, 1),
    Pattern(conditions.if_it_were_so, 2.5),
    Pattern(conditions.if_the_weather, 1.5),
    Pattern(conditions.in_your_place, 2),
    Pattern(compounds.because, 1.5),
    Pattern(compounds.but, 2),
    Pattern(compounds.think_that, 2.5),
    Pattern(compounds.said_that, 1.5),
    Pattern(compounds.when_future, 1.5),
    Pattern(relatives.person_who, 2),
    Pattern(relatives.the_one_who, 2),
    Pattern(relatives.the_one_that, 2.5),
    Pattern(relatives.this_is_what, 2),
    Pattern(relatives.place_where, 2),
    Pattern(relatives.it_is_who, 1.5),
    Pattern(journeys.travel, 2),
    Pattern(journeys.live, 1.5),
    Pattern(journeys.come_from, 1.5),
    Pattern(journeys.back_from, 1.5),
    Pattern(journeys.born, 1),
    Pattern(journeys.know_place, 1.5),
    Pattern(journeys.by_what_means, 2),
    Pattern(journeys.called, 0.8),
    Pattern(journeys.called_question, 0.2),
    Pattern(quantities.container, 1.5),
    Pattern(quantities.amount, 2),
    Pattern(quantities.many_there, 1),
    Pattern(quantities.wanted, 2),
    Pattern(quantities.not_wanted, 1),
    Pattern(quantities.hurts, 0.3),
    Pattern(quantities.broke_a_bone, 0.7),
    Pattern(quantities.illness, 0.7),
)

_BOUNDS = tuple(accumulate(pattern.weight for pattern in PATTERNS))


_SAID_TU = re.compile(r"\b(?:tu|te|toi|ton|ta|tes)\b|\bt'", re.IGNORECASE)
_SAID_VOUS = re.compile(r"\b(?:vous|votre|vos)\b|\b(?!nez\b|chez\b|assez\b)\w+ez\b", re.IGNORECASE)


def addresses_alike(french: str) -> bool:
    """Whether a sentence keeps to tu or to vous."""
    return not (_SAID_TU.search(french) and _SAID_VOUS.search(french))


def any_sentence(draw: Draw) -> tuple[str, Sentence]:
    """A sentence and the name of its pattern, each pattern as likely as its weight says."""
    while True:
        pattern = PATTERNS[bisect(_BOUNDS, draw.random.random() * _BOUNDS[-1])]
        made = pattern.make(draw)
        if addresses_alike(made.french):
            return pattern.name, made
