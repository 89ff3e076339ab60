"""The bundled play: its size, its characters, its speeches."""

import re
import string
from collections import Counter
from importlib.resources import files

import pytest

CHARACTERS = set(string.ascii_letters + "\n !$&',-.3:;?")
NAME = re.compile(r"(?:[A-Z]+|[A-Z][a-z]+(?: [A-Z][a-z]+)*):")
REFRAINS = (
    "ring low ring low for the boats that go",
    "and high for the boats come home",
    "with a heave and a haul away",
    "my love she is a dumpling",
    "my love she is a pasty",
)


@pytest.fixture(scope="module")
def play() -> str:
    return (files("seq2seq.data.bundled") / "play.txt").read_bytes().decode("ascii")


@pytest.fixture(scope="module")
def speeches(play: str) -> list[list[str]]:
    return [speech.split("\n") for speech in play.removesuffix("\n").split("\n\n")]


def test_size(play: str) -> None:
    assert 70_000 <= len(play) <= 95_000


def test_characters_are_those_of_tiny_shakespeare(play: str) -> None:
    assert len(CHARACTERS) == 65
    assert set(play) <= CHARACTERS


def test_every_speech_is_a_name_and_lines(speeches: list[list[str]]) -> None:
    assert [speech for speech in speeches if not NAME.fullmatch(speech[0])] == []
    assert [speech for speech in speeches if len(speech) < 2] == []
    assert [line for speech in speeches for line in speech if not line or line != line.strip()] == []


def test_names_stand_only_above_speeches(speeches: list[list[str]]) -> None:
    names = {name for name, *_ in speeches}
    assert [line for _, *lines in speeches for line in lines if line in names] == []


def test_no_line_occurs_twice_but_refrains(speeches: list[list[str]]) -> None:
    spoken = Counter(" ".join(re.findall(r"[a-z']+", line.lower())) for _, *lines in speeches for line in lines)
    twice = [line for line, times in spoken.items() if times > 1 and len(line.split()) > 3]
    assert sorted(twice) == sorted(REFRAINS)


def test_speakers_recur(speeches: list[list[str]]) -> None:
    times = Counter(name for name, *_ in speeches)
    assert len([name for name, count in times.items() if count >= 8]) >= 12


def test_the_end_brings_no_new_speaker(play: str) -> None:
    """The last tenth is what a character model is measured on."""
    border = len(play) * 9 // 10
    names = re.compile(NAME.pattern + "$", re.MULTILINE)
    assert set(names.findall(play[border:])) <= set(names.findall(play[:border]))
