"""What is wrong with a corpus is said: lines out of step, sides swapped, placeholders lost; of a sound one nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from seq2seq.data.audit_pairs import judge
from seq2seq.data.direction import Direction, looks_swapped
from seq2seq.data.findings import JsonObject
from seq2seq.data.misalignment import Shift, shift
from seq2seq.data.pairs import Pair, PairKind, PairSource
from seq2seq.recipe import Data
from tests.phrasebook.generator import phrases
from tests.support.corpora import held_out
from tests.support.samples import pairs, text


@pytest.fixture(scope="module")
def sound() -> list[Pair]:
    """A thousand bundled phrases, in an order of their own."""
    return random.Random(1).sample(phrases(), 1000)


FR_EN, EN_FR = PairKind(Data()), PairKind(Data(source="en", target="fr"))


def _shifted(of: list[Pair], line: int, by: int) -> list[Pair]:
    """Pairs whose target is the one of `by` lines further on, from a line on."""
    targets = [target for _, target in of]
    targets = targets[:line] + targets[line + by :] if by > 0 else targets[:line] + targets[:-by] + targets[line:]
    return list(zip([source for source, _ in of], targets))


def _only(verdicts: list[JsonObject]) -> JsonObject:
    (verdict,) = verdicts
    return verdict


@pytest.mark.parametrize("count", [0, 3, 30, 200, 1000])
def test_a_sound_text_has_no_verdict(sound: list[Pair], count: int) -> None:
    assert judge(text(sound[:count]), FR_EN) == []
    assert judge(text([pair[::-1] for pair in sound[:count]]), EN_FR) == []


@pytest.mark.parametrize("by", [1, 2, 7, -1, -3, 20])
@pytest.mark.parametrize("line", [0, 300])
def test_a_shift_is_found_with_its_size_and_where_it_begins(sound: list[Pair], by: int, line: int) -> None:
    found = shift(_shifted(sound, line, by))
    assert found is not None
    assert found.by == -by
    assert abs(found.start - 1 - line) <= 25
    assert found.end > 940


def test_a_shift_of_made_up_words_in_a_long_text_is_found_over_all_its_parts() -> None:
    of = list(pairs(45_000))
    assert shift(of) is None
    found = shift(_shifted(of, 30_000, 1))
    assert found is not None
    assert found.by == -1
    assert abs(found.start - 30_001) < 10 and found.end == 44_999
    mended = _shifted(of, 19_990, 1)[:21_000] + of[21_001:]
    found = shift(mended)
    assert found is not None
    assert (abs(found.start - 19_991) < 10, abs(found.end - 21_000) < 10) == (True, True)


def test_scripts_without_capitals_are_in_step_by_lengths_numbers_and_ends() -> None:
    draw = random.Random(4)
    of = []
    for _ in range(400):
        words, number, end = draw.randint(2, 20), draw.randint(1, 9999), draw.choice("?。！")
        of.append(
            ("字" * words + str(number) + end, "word " * words + f"{number:,}" + {"。": ".", "！": "!"}.get(end, end))
        )
    assert shift(of) is None
    assert shift(_shifted(of, 100, 1)) is not None


def test_a_small_file_shifted_as_a_whole(sound: list[Pair]) -> None:
    verdict = _only(judge(text(_shifted(sound[:80], 0, 1), "a.fr, a.en"), FR_EN))
    assert (verdict["kind"], verdict["origin"]) == ("misaligned", "a.fr, a.en")
    assert "source line i fits target line i - 1" in verdict["message"]
    assert len(verdict["examples"]) == 3


def test_sides_in_another_order_fit_no_better_than_others(sound: list[Pair]) -> None:
    targets = [target for _, target in sound]
    random.Random(2).shuffle(targets)
    found = shift(zip([source for source, _ in sound], targets))
    assert found == Shift(1, 1000, 0)
    assert _only(judge(text(zip([source for source, _ in sound], sorted(targets))), FR_EN))["kind"] == "unrelated"


def test_swapped_sides_are_said(sound: list[Pair]) -> None:
    verdict = _only(judge(text([pair[::-1] for pair in sound]), FR_EN))
    assert (verdict["kind"], verdict["examples"][0]["place"]["line"]) == ("swapped", 1)
    assert verdict["count"] > 900
    assert "the source looks like en and the target like fr: swap" in verdict["message"]


def test_a_part_that_is_swapped_is_found(sound: list[Pair]) -> None:
    verdict = _only(judge(text([*sound[:700], *(pair[::-1] for pair in sound[700:])]), FR_EN))
    assert "in some of the lines looked at, first at" in verdict["message"]
    assert abs(verdict["examples"][0]["place"]["line"] - 701) <= 6
    assert 250 < verdict["count"] < 310


def test_few_lines_and_unknown_languages_are_not_judged(sound: list[Pair]) -> None:
    turned = [pair[::-1] for pair in sound]
    assert not looks_swapped(turned[:3], "fr", "en")
    for source, target in (("xx", "en"), ("fr", "fr"), ("src", "tgt")):
        direction = Direction(source, target)
        for pair in turned:
            direction.add(pair)
        assert (direction.swapped, direction.right) == (0, 0)
    assert looks_swapped(turned, "fra", "en-GB")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Bonjour {name} !", "Hello!"),
        ("Bonjour {nom} !", "Hello {name}!"),
        ("%s fichiers sur %(total)d", "%s files"),
        ("%1$s de %2$s", "%1$s of %1$s"),
        ("<b>Gras</b> et <i>penché</i>", "Bold and <i>slanted</i>"),
        ("Voir https://example.org/fr.", "See our page."),
        ("${user} part", "user leaves"),
        ("Écrire à ana@example.org", "Write to Ana"),
        ("%1 fichiers", "many files"),
        ("<0>Oui</0>", "Yes"),
        ("{n, plural, =1 un}", "one"),
        ("Voir www.example.org", "See our site"),
        ("Attention&nbsp;!", "Careful!"),
        ("Un\\nDeux", "One two"),
    ],
)
def test_a_lost_placeholder_is_found(sound: list[Pair], source: str, target: str) -> None:
    verdict = _only(judge(text([*sound[:9], (source, target), *sound[9:50]]), FR_EN))
    assert (verdict["kind"], verdict["count"]) == ("placeholders", 1)
    assert (verdict["examples"][0]["place"]["line"], verdict["examples"][0]["source"]) == (10, source)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Bonjour {name} !", "Hello, {name}!"),
        ('<a href="/fr">Oui</a>', '<A href="/en">Yes</A>'),
        ("Voir https://example.org/fr.", "See https://example.org/en"),
        ("100 % de 50% des gens", "100% of 50% of people"),
        ("Lui & elle", "Him &amp; her"),
        ("2 < 3 et 5 > 4", "2 < 3 and 5 > 4"),
        ("{ nom }", "{nom}"),
        ("Un\\nDeux", "One\\nTwo"),
        ("Il coûte $5, ou 3&nbsp;€", "It costs 5 dollars, or 3&nbsp;€"),
        ("Un dollar", "$1"),
    ],
)
def test_what_is_kept_is_not_called_lost(sound: list[Pair], source: str, target: str) -> None:
    assert judge(text([*sound[:9], (source, target), *sound[9:50]]), FR_EN) == []


def test_numbered_arguments_are_told_from_money_by_how_many_are_lost(sound: list[Pair]) -> None:
    def lines(lost: int, kept: int) -> PairSource:
        arguments = [(f"{source} $1", target) for source, target in sound[:lost]]
        money = [(f"{source} $2", f"{target} 2 $") for source, target in sound[lost : lost + kept]]
        return text([*arguments, *money, *sound[lost + kept : 100]])

    verdict = _only(judge(lines(30, 3), FR_EN))
    assert (verdict["kind"], verdict["count"], len(verdict["examples"]) > 0) == ("placeholders", 30, True)
    assert "of 33 pairs" in verdict["message"]
    assert judge(lines(30, 20), FR_EN) == judge(lines(2, 0), FR_EN) == judge(lines(0, 50), FR_EN) == []


def test_lost_numbers_are_said_where_they_are_many() -> None:
    def lines(wrong: int) -> Iterator[Pair]:
        for number in range(40):
            yield (
                f"Il y a 1\u202f{number + 100} places.",
                f"There are {number + 1100 if number >= wrong else 7:,} seats.",
            )

    assert judge(text(lines(0)), FR_EN) == []
    assert judge(text(lines(2)), FR_EN) == []
    verdict = _only(judge(text(lines(20)), FR_EN))
    assert (verdict["kind"], verdict["count"]) == ("numbers", 20)
    assert "of 40 pairs with numbers" in verdict["message"]


def test_lines_of_what_is_held_out_are_those_of_the_whole(sound: list[Pair]) -> None:
    whole = text(_shifted(sound, 500, 1))
    assert all(part.whole is whole for part in held_out(whole).values())
