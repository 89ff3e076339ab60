"""Noise on sources."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import noise
from seq2seq.data.noise import SourceNoise

TEXTS = ["Où sont les toilettes ?", "« J'ai faim », dit-elle.", "L'œuvre d'été est à l'abri.", "Oui."]
FULL = 0.999999999


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            noise.title_case,
            ["Où Sont Les Toilettes ?", "« J'ai Faim », Dit-elle.", "L'œuvre D'été Est À L'abri.", TEXTS[3]],
        ),
        (
            noise.no_accents,
            ["Ou sont les toilettes ?", TEXTS[1], "L'oeuvre d'ete est a l'abri.", TEXTS[3]],
        ),
        (noise.no_end, ["Où sont les toilettes", "« J'ai faim », dit-elle", "L'œuvre d'été est à l'abri", "Oui"]),
        (
            noise.no_apostrophes,
            [TEXTS[0], "« J ai faim », dit-elle.", "L œuvre d été est à l abri.", TEXTS[3]],
        ),
    ],
)
def test_changes(change: noise.Change, expected: list[str]) -> None:
    assert [change(text) for text in TEXTS] == expected


def test_quotation_marks_change_both_ways() -> None:
    assert noise.other_quotes('L\'ami dit "oui".') == "L’ami dit « oui »."
    assert noise.other_quotes("L’ami dit “oui”.") == 'L\'ami dit "oui".'


def test_words_are_abbreviated_whole() -> None:
    long = ["Un café, s’il vous plaît.", "S'il te plaît, viens.", "Merci beaucoup !", "Beaucoups", "Thanks, Ann."]
    short = ["Un café svp.", "stp, viens.", "Merci bcp !", "Beaucoups", "thx, Ann."]
    assert [noise.abbreviations(text) for text in long] == short


def test_abbreviations_change_nothing_else_that_is_drawn() -> None:
    others = {"upper_case": 0.2, "typing_errors": 0.2}
    texts = ["Il y a beaucoup de monde.", "Où sont les toilettes ?"] * 100
    plain = list(SourceNoise(recipe.Noise(**others)).over(texts, seed=1))
    noisy = list(SourceNoise(recipe.Noise(**others, abbreviations=0.5)).over(texts, seed=1))
    assert plain[1::2] == noisy[1::2]
    assert 30 < sum("bcp" in text or "BCP" in text for text in noisy[::2]) < 70


def test_a_text_of_marks_alone_stays() -> None:
    assert noise.no_end("...") == "..."


@given(text=st.text(max_size=40), seed=st.integers(0, 1000))
def test_typing_errors_are_few_and_deterministic(text: str, seed: int) -> None:
    typed = noise.typing_errors(text, seed)
    assert typed == noise.typing_errors(text, seed)
    assert abs(len(typed) - len(text)) <= 1 + len(text) // 25


def test_each_source_is_changed_in_its_share_and_the_same_way_again() -> None:
    made = SourceNoise(recipe.Noise(no_end=0.3))
    changes = made.draw(4000, np.random.default_rng(1))
    assert 0.27 < len(changes) / 4000 < 0.33
    again = made.draw(4000, np.random.default_rng(1))
    assert {row: change("Oui.") for row, change in changes.items()} == {row: c("Oui.") for row, c in again.items()}
    assert {change("Oui.") for change in changes.values()} == {"Oui"}
    assert not SourceNoise(recipe.Noise())


def test_a_tag_stays_as_it_is() -> None:
    made = SourceNoise(recipe.Noise(upper_case=FULL), ["", "<news>"])
    assert set(made.over(["<news> Déjà vu."] * 50, seed=1)) <= {
        "<news> DÉJÀ VU.",
        "<news> DEJA VU.",
        "<news> DÉJÀ VU",
        "<news> DEJA VU",
    }


def test_a_tag_that_begins_like_another_stays_as_it_is() -> None:
    made = SourceNoise(recipe.Noise(upper_case=FULL), ["<a>", "<a> b"])
    assert all(text.startswith("<a> b OU") for text in made.over(["<a> b ou"] * 20, seed=1))


def test_capitals_lose_accents_half_of_the_time() -> None:
    texts = list(SourceNoise(recipe.Noise(upper_case=FULL)).over(["Où ?"] * 2500, seed=1))
    assert 0.45 < sum("OU" in text for text in texts) / len(texts) < 0.55
