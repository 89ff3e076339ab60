"""The French-English phrasebook: hand-written phrases, and sentences drawn from a bilingual grammar."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import NamedTuple

from seq2seq.data.pairs import Pair
from tests.phrasebook.holdout import Split, key, split_of, words
from tests.phrasebook.lexicon import rows
from tests.phrasebook.patterns.catalogue import any_sentence
from tests.phrasebook.patterns.draw import Draw
from tests.phrasebook.variants import as_typed

_SENTENCES: dict[Split, int] = {"train": 60_000, "dev": 1_000, "test": 1_000}
_SEED = 1
# A phrase is worth more than a sentence of the grammar: people type it. So training sees it this often an epoch.
_COPIES_OF_A_PHRASE = 3
_VARIANTS_OF_A_PHRASE = 12
_SHARE_TYPED = 0.25
# A pattern may fill this share of a split at most, so that no one kind of sentence prevails.
_LARGEST_SHARE = 0.04


class Drawn(NamedTuple):
    """A generated pair, the concepts that meet in it, and the name of its pattern."""

    french: str
    english: str
    concepts: frozenset[str]
    pattern: str


def text() -> str:
    """The whole corpus as tab-separated lines under a header: split, French, English."""
    table = [("split", "fr", "en"), *((split, *pair) for split in ("dev", "test", "train") for pair in pairs(split))]
    return "".join("\t".join(row) + "\n" for row in table)


def phrases() -> list[Pair]:
    """The hand-written phrases, in the order of the file."""
    return [(row["fr"], row["en"]) for row in rows("phrases.tsv")]


def _candidates(split: Split) -> Iterator[Drawn]:
    """An endless stream of the split's sentences, with repetitions."""
    draw = Draw(Random(f"{split} {_SEED}"))
    while True:
        pattern, made = any_sentence(draw)
        if split_of(made.concepts) == split:
            yield Drawn(made.french, made.english, made.concepts, pattern)


@cache
def sentences(split: Split) -> tuple[Drawn, ...]:
    """The generated sentences of a split, the same on any machine.

    Development and test sentences hold at least one combination of concepts that no training sentence holds; none of
    them is a training sentence or a hand-written phrase in either language, and all their words occur in training.
    """
    admits = _training() if split == "train" else _held_out(split)
    count = _SENTENCES[split]
    shares: Counter[str] = Counter()
    drawn: list[Drawn] = []
    for made in _candidates(split):
        if shares[made.pattern] < int(count * _LARGEST_SHARE) and admits(made):
            shares[made.pattern] += 1
            drawn.append(made)
            if len(drawn) == count:
                break
    return tuple(drawn)


def _training() -> Callable[[Drawn], bool]:
    """Whether a sentence is new in French, and no phrase."""
    french_phrases = {key(french) for french, _ in phrases()}
    seen: set[str] = set()

    def admits(made: Drawn) -> bool:
        if made.french in seen or key(made.french) in french_phrases:
            return False
        seen.add(made.french)
        return True

    return admits


def _held_out(split: Split) -> Callable[[Drawn], bool]:
    """Whether a sentence is new in both languages, and its every word known."""
    training = sentences("train")
    french_seen = {key(french) for french, _ in phrases()} | {key(made.french) for made in training}
    english_seen = {key(english) for _, english in phrases()} | {key(made.english) for made in training}
    if split == "dev":
        english_seen |= {key(made.english) for made in sentences("test")}
    french_words = {word for made in training for word in words(made.french)}
    english_words = {word for made in training for word in words(made.english)}

    def admits(made: Drawn) -> bool:
        french, english = key(made.french), key(made.english)
        if french in french_seen or english in english_seen:
            return False
        if not (french_words.issuperset(words(made.french)) and english_words.issuperset(words(made.english))):
            return False
        french_seen.add(french)
        english_seen.add(english)
        return True

    return admits


class _Typist:
    """Adds typed variants to a corpus, none of which has another meaning there already."""

    def __init__(self, corpus: list[Pair]) -> None:
        self.random = Random(f"variants {_SEED}")
        self._meanings = dict(corpus)

    def variants(self, pair: Pair, wanted: int, *, capitals: bool = False) -> list[Pair]:
        """About `wanted` ways to type the French of `pair`, each new, one surely in capitals if so asked; fewer where
        it is too short."""
        french, english = pair
        found: list[Pair] = []
        for attempt in range(wanted * 6):
            variant = french.upper() if capitals and attempt == 0 else as_typed(french, self.random)
            if variant not in self._meanings:
                self._meanings[variant] = english
                found.append((variant, english))
            if len(found) == wanted:
                break
        return found


def pairs(split: Split) -> list[Pair]:
    """A split of the corpus, as `seq2seq.data.bundled.phrasebook` gives it."""
    made = [(sentence.french, sentence.english) for sentence in sentences(split)]
    if split != "train":
        return made
    typist = _Typist([*phrases(), *made])
    corpus: list[Pair] = []
    for pair in phrases():
        corpus += [*[pair] * _COPIES_OF_A_PHRASE, *typist.variants(pair, _VARIANTS_OF_A_PHRASE, capitals=True)]
    for pair in made:
        corpus.append(pair)
        if typist.random.random() < _SHARE_TYPED:
            corpus += typist.variants(pair, 1)
    return corpus
