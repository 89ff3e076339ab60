"""Noise on the source side: what people type, as against what is printed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from seq2seq import recipe as recipes

Change = Callable[[str], str]

_WORD = re.compile(r"\w[\w'’-]*")
_ENDS = " .!?…。！？"
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
_LETTERS_PER_ERROR = 25
_BLOCK = 1000  # texts
_TO_TYPOGRAPHIC = str.maketrans({"'": "’"})
_TO_PLAIN = str.maketrans({"’": "'", "«": '"', "»": '"', "“": '"', "”": '"'})
_NO_APOSTROPHES = str.maketrans("'’", "  ")
_QUOTED = re.compile(r'"([^"]*)"')
_ABBREVIATIONS = {  # French and English
    "s'il vous plaît": "svp",
    "s'il te plaît": "stp",
    "aujourd'hui": "auj",
    "beaucoup": "bcp",
    "maintenant": "mtn",
    "pourquoi": "pq",
    "quelque chose": "qqch",
    "quelqu'un": "qqn",
    "rendez-vous": "rdv",
    "toujours": "tjs",
    "please": "pls",
    "thanks": "thx",
    "tomorrow": "tmrw",
}
_LONG_FORMS = re.compile(
    rf"(?:,(?=\s))?(\s*)(?<!\w)({'|'.join(_ABBREVIATIONS)})(?!\w)".replace("'", "['’]"), re.IGNORECASE
)


class SourceNoise:
    """Changes some of the sources, each with a change of its own."""

    def __init__(self, noise: recipes.Noise, tags: Sequence[str] = ()) -> None:
        self._shares = noise.model_dump()
        self._abbreviations = self._shares.pop("abbreviations")
        # The longest first: one may begin like another.
        self._tags = tuple(sorted((f"{tag} " for tag in tags if tag), key=len, reverse=True))

    def __bool__(self) -> bool:
        return any((self._abbreviations, *self._shares.values()))

    def draw(self, count: int, generator: np.random.Generator) -> dict[int, Change]:
        """Which of `count` sources to change, by their numbers, and how. Sources in capitals, and without them,
        lose their accents, their last mark and their apostrophes, each half of the time, as typed ones do."""
        chosen = {name: generator.random(count) < share for name, share in self._shares.items()}
        careless = chosen["upper_case"] | chosen["lower_case"]
        for name in ("no_accents", "no_end", "no_apostrophes"):
            chosen[name] |= careless & (generator.random(count) < 0.5)
        seeds = generator.integers(2**32, size=count)
        # Drawn last, so that recipes without it draw what they drew before it existed; applied first.
        chosen = {"abbreviations": generator.random(count) < self._abbreviations, **chosen}
        rows = np.flatnonzero(np.any(list(chosen.values()), axis=0))
        return {int(row): self._change([name for name in chosen if chosen[name][row]], int(seeds[row])) for row in rows}

    def over(self, texts: Iterable[str], seed: int) -> Iterator[str]:
        """The texts, some of them changed."""
        iterator, generator = iter(texts), np.random.default_rng(seed)
        while block := list(islice(iterator, _BLOCK)):
            for row, change in self.draw(len(block), generator).items():
                block[row] = change(block[row])
            yield from block

    def _change(self, names: Sequence[str], seed: int) -> Change:
        def change(text: str) -> str:
            tag = next((tag for tag in self._tags if text.startswith(tag)), "")
            text = text[len(tag) :]
            for name in names:
                text = typing_errors(text, seed) if name == "typing_errors" else _CHANGES[name](text)
            return tag + text

        return change


def abbreviations(text: str) -> str:
    """With abbreviations for words that have one, and without a comma before them."""
    return _LONG_FORMS.sub(lambda found: found[1] + _ABBREVIATIONS[found[2].lower().replace("’", "'")], text)


def title_case(text: str) -> str:
    """Every word with a capital."""
    return _WORD.sub(lambda word: word[0][0].upper() + word[0][1:], text)


def no_accents(text: str) -> str:
    """Without accents, ligatures taken apart."""
    apart = unicodedata.normalize("NFD", text.translate(_LIGATURES))
    return unicodedata.normalize("NFC", "".join(char for char in apart if not unicodedata.combining(char)))


def no_end(text: str) -> str:
    """Without the marks at the end; as it is where it has nothing else."""
    return text.rstrip(_ENDS) or text


def no_apostrophes(text: str) -> str:
    """With spaces for apostrophes."""
    return text.translate(_NO_APOSTROPHES)


def other_quotes(text: str) -> str:
    """Typographic apostrophes and quotation marks in place of plain ones; plain in place of typographic ones."""
    if "'" in text or '"' in text:
        return _QUOTED.sub(r"« \1 »", text.translate(_TO_TYPOGRAPHIC))
    return text.translate(_TO_PLAIN)


def typing_errors(text: str, seed: int) -> str:
    """With an error in about one letter of 25, one at least: left out, doubled, replaced, exchanged with the next."""
    generator = np.random.default_rng(seed)
    letters = [index for index, char in enumerate(text) if char.isalpha()]
    if len(letters) < 4:  # short words would become others
        return text
    chars = list(text)
    for index in generator.choice(letters, 1 + len(letters) // _LETTERS_PER_ERROR, replace=False):
        following = index + 1
        match int(generator.integers(4)):
            case 0:
                chars[index] = ""
            case 1:
                chars[index] *= 2
            case 2:
                chars[index] = chars[int(generator.choice(letters))]
            case _ if following < len(chars) and chars[following].isalpha():
                chars[index], chars[following] = chars[following], chars[index]
    return "".join(chars)


_CHANGES: dict[str, Change] = {
    "upper_case": str.upper,
    "lower_case": str.lower,
    **{
        change.__name__: change
        for change in (abbreviations, title_case, no_accents, no_end, no_apostrophes, other_quotes)
    },
}
