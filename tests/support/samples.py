"""Made-up text of two languages for tests: words of random letters, lengths that go together as in translations."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from seq2seq.data.pairs import Pair, PairSource
from seq2seq.data.unchanged import digest


def pairs(count: int, seed: int = 1, most_words: int = 24) -> Iterator[Pair]:
    """`count` pairs, different with near certainty, a pure function of the arguments."""
    generator = random.Random(seed)
    lexicon = [
        (
            "".join(generator.choices("abcdeilmnoprstuvé", k=size)),
            "".join(generator.choices("abcdehiklnorstwy", k=size)),
        )
        for size in (generator.randint(2, 8) for _ in range(800))
    ]
    for number in range(count):
        length = min(most_words, 3 + int(generator.expovariate(0.12)))
        words = generator.choices(lexicon, k=length)
        source = " ".join(word for word, _ in words)
        yield f"{source} {number} !", " ".join(word for _, word in words[generator.random() < 0.3 :]) + f" {number}."


def text(of: Iterable[Pair], origin: str = "sample") -> PairSource:
    """Pairs as a corpus has them."""
    kept = list(of)
    return PairSource(origin, lambda: iter(kept), lambda: digest(kept))
