"""The bundled French-English phrasebook: hand-written phrases, and sentences drawn from a bilingual grammar."""

from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from seq2seq.data.bundled.holdout import Split, key, split_of, words
from seq2seq.data.bundled.lexicon import rows
from seq2seq.data.bundled.patterns.catalogue import any_sentence
from seq2seq.data.bundled.patterns.draw import Draw
from seq2seq.data.bundled.variants import as_typed

Pair = tuple[str, str]  # (French, English)

TRAINING_SENTENCES = 60_000
HELD_OUT_SENTENCES = 1_000
# A phrase is worth more than a sentence of the grammar: people type it. So training sees it this often an epoch.
_COPIES_OF_A_PHRASE = 3
_VARIANTS_OF_A_PHRASE = 12
_SHARE_TYPED = 0.25
# A pattern may fill this share of a draw at most, so that no one kind of sentence prevails.
_LARGEST_SHARE = 0.04


class Drawn(NamedTuple):
    """A generated pair, the concepts that meet in it, and the name of its pattern."""

    french: str
    english: str
    concepts: frozenset[str]
    pattern: str


def phrases() -> list[Pair]:
    """The hand-written phrases, in the order of the file."""
    return [(row["fr"], row["en"]) for row in rows("phrases.tsv")]


def typed() -> list[tuple[str, list[str]]]:
    """Inputs as people type them, each with every English answer that is right, the best first."""
    return [(row["fr"], row["en"].split(" | ")) for row in rows("typed.tsv")]


@lru_cache(maxsize=1)
def _keys_of_phrases() -> tuple[frozenset[str], frozenset[str]]:
    pairs_ = phrases()
    return frozenset(key(french) for french, _ in pairs_), frozenset(key(english) for _, english in pairs_)


def _candidates(split: Split, seed: int) -> Iterator[Drawn]:
    """An endless stream of the split's sentences, with repetitions."""
    draw = Draw(Random(f"{split} {seed}"))
    while True:
        pattern, made = any_sentence(draw)
        if split_of(made.concepts) == split:
            yield Drawn(made.french, made.english, made.concepts, pattern)


def _training(count: int, seed: int) -> tuple[Drawn, ...]:
    french_phrases, _ = _keys_of_phrases()
    seen: set[str] = set()
    shares: dict[str, int] = {}
    limit = max(1, int(count * _LARGEST_SHARE))
    drawn: list[Drawn] = []
    for made in _candidates("train", seed):
        if len(drawn) == count:
            break
        if made.french in seen or shares.get(made.pattern, 0) >= limit or key(made.french) in french_phrases:
            continue
        seen.add(made.french)
        shares[made.pattern] = shares.get(made.pattern, 0) + 1
        drawn.append(made)
    return tuple(drawn)


@lru_cache(maxsize=4)
def _known(seed: int) -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Of the training sentences and the phrases: the keys of both languages, and of the sentences the words of both."""
    training = _drawn("train", TRAINING_SENTENCES, seed)
    french_phrases, english_phrases = _keys_of_phrases()
    return (
        french_phrases | {key(made.french) for made in training},
        english_phrases | {key(made.english) for made in training},
        frozenset(word for made in training for word in words(made.french)),
        frozenset(word for made in training for word in words(made.english)),
    )


def _held_out(split: Split, count: int, seed: int) -> tuple[Drawn, ...]:
    """Sentences unknown in either language whose every word is known, each French and each English one only once."""
    french_keys, english_keys, french_words, english_words = _known(seed)
    other_english = (
        {key(made.english) for made in _drawn("test", HELD_OUT_SENTENCES, seed)} if split == "dev" else set()
    )
    seen: set[str] = set()
    shares: dict[str, int] = {}
    limit = max(1, int(count * _LARGEST_SHARE))
    drawn: list[Drawn] = []
    for made in _candidates(split, seed):
        if len(drawn) == count:
            break
        french, english = key(made.french), key(made.english)
        known = french in french_keys or english in english_keys or english in other_english
        if known or french in seen or english in seen or shares.get(made.pattern, 0) >= limit:
            continue
        if french_words.issuperset(words(made.french)) and english_words.issuperset(words(made.english)):
            seen |= {french, english}
            shares[made.pattern] = shares.get(made.pattern, 0) + 1
            drawn.append(made)
    return tuple(drawn)


@lru_cache(maxsize=8)
def _drawn(split: Split, count: int, seed: int) -> tuple[Drawn, ...]:
    return _training(count, seed) if split == "train" else _held_out(split, count, seed)


def sentences(split: Split, *, count: int, seed: int = 1) -> tuple[Drawn, ...]:
    """`count` sentences of the grammar with what is known of them; `generated` gives the pairs alone."""
    return _drawn(split, count, seed)


def generated(split: Split, *, count: int, seed: int = 1) -> list[Pair]:
    """`count` distinct pairs of the grammar, the same for the same seed on any machine.

    Development and test sentences hold at least one combination of concepts that no training sentence holds; none of
    them is a training sentence of the same seed or a hand-written phrase in either language, and all their words occur
    in training.
    """
    return [(made.french, made.english) for made in sentences(split, count=count, seed=seed)]


class _Typist:
    """Adds typed variants to a corpus, none of which has another meaning there already."""

    def __init__(self, corpus: list[Pair], random: Random) -> None:
        self.random = random
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


def pairs(split: Split, *, seed: int = 1) -> list[Pair]:
    """A split of the corpus, ready to use.

    train: every hand-written phrase, three times as written and as typed in about 12 ways, and 60,000 generated pairs,
    a quarter of them also as typed; dev and test: 1,000 generated pairs each, as written.
    """
    if split != "train":
        return generated(split, count=HELD_OUT_SENTENCES, seed=seed)
    written = phrases()
    made = generated("train", count=TRAINING_SENTENCES, seed=seed)
    typist = _Typist([*written, *made], Random(f"variants {seed}"))
    corpus: list[Pair] = []
    for pair in written:
        corpus += [*[pair] * _COPIES_OF_A_PHRASE, *typist.variants(pair, _VARIANTS_OF_A_PHRASE, capitals=True)]
    for pair in made:
        corpus.append(pair)
        if typist.random.random() < _SHARE_TYPED:
            corpus += typist.variants(pair, 1)
    return corpus
