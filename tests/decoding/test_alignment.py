"""Links of words out of weights of tokens: whatever the tokenizer, and whatever the weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seq2seq.data import tokenizers
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.decoding.alignment import links_of, of_words, pharaoh, word_of_each, words
from seq2seq.recipe import Tokenizer as TokenizerConfig

TEXT = ["où est la gare ?", "l'été   finit déjà, hélas", "deux mots", "a", "100 000 €", "naïve 🙂 fin"]
KINDS = {
    "byte": TokenizerConfig(kind="byte"),
    "character": TokenizerConfig(kind="character", vocabulary_size=100),
    "bpe": TokenizerConfig(kind="bpe", vocabulary_size=300),
    "unigram": TokenizerConfig(kind="unigram", vocabulary_size=290),
    "byte-bpe": TokenizerConfig(kind="byte-bpe", vocabulary_size=290),
}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return tokenizers.train(KINDS[request.param], [*TEXT, *TEXT])


def test_words_are_what_blanks_separate_and_characters_of_scripts_without_them() -> None:
    for text in TEXT:
        assert words(text) == text.split()
    assert words("") == words(" \t") == []
    assert words("私は学生 ok。") == ["私", "は", "学", "生", "ok", "。"]


@pytest.mark.parametrize("text", [*TEXT, "東京 est grande", "mots  inconnus: ÿøþ"])
def test_every_token_is_of_the_word_that_it_spells(tokenizer: Tokenizer, text: str) -> None:
    """In order, each word at least once; tokens of one word decode to it."""
    (tokens,) = tokenizer.encode([text])
    places = word_of_each(tokenizer, tokens, text)
    assert len(places) == len(tokens) and places == sorted(places)
    if "�" in tokenizer.decode([tokens])[0]:
        assert {*places} <= {*range(len(words(text)))}  # what is not known is not spelt
        return
    assert {*places} == {*range(len(words(text)))}
    for place, word in enumerate(words(text)):
        own = [token for token, at in zip(tokens, places) if at == place]
        assert tokenizer.decode([own])[0].strip() == word


def test_words_of_a_text_that_the_vocabulary_changes_keep_their_order() -> None:
    """NFKC writes this fraction with blanks in it, so that the numbers of words differ."""
    nfkc = tokenizers.train(TokenizerConfig(vocabulary_size=300, normalization="nfkc"), TEXT)
    text = "x ¨ y"
    (tokens,) = nfkc.encode([text])
    places = word_of_each(nfkc, tokens, text)
    assert places == sorted(places) and all(0 <= place < 3 for place in places)


def test_weights_of_words_are_sums_over_sources_and_means_over_targets() -> None:
    weights = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.0, 0.0, 1.0]])
    found = of_words(weights, [0, 0, 1], [0, 1, 1], (2, 2))
    assert np.allclose(found, [[0.75, 0.25], [0.15, 0.85]])
    assert np.allclose(found.sum(1), 1)


matrices = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1)).map(
    lambda drawn: np.random.default_rng(drawn[2]).random(drawn[:2])
)


@given(matrices)
def test_links_agree_with_the_largest_weights(weights: NDArray[np.float64]) -> None:
    """Every target word has a link; each link is the largest of its row or column; what both say is in it."""
    found = {*links_of(weights)}
    forward = {(int(source), target) for target, source in enumerate(weights.argmax(1))}
    backward = {(source, int(target)) for source, target in enumerate(weights.argmax(0))}
    assert forward & backward <= found <= forward | backward
    assert {target for _, target in found} == {*range(len(weights))}


@given(st.permutations(range(6)))
def test_a_permutation_is_found(order: list[int]) -> None:
    weights = np.full((6, 6), 0.05)
    weights[np.arange(6), order] = 0.75
    assert links_of(weights) == sorted((source, target) for target, source in enumerate(order))


def test_a_word_may_come_from_two_and_two_from_one() -> None:
    ne_pas = np.array([[0.9, 0.04, 0.03, 0.03], [0.02, 0.48, 0.02, 0.48], [0.03, 0.04, 0.9, 0.03]])
    assert links_of(ne_pas) == [(0, 0), (1, 1), (2, 2), (3, 1)]
    assert links_of(ne_pas.T) == [(0, 0), (1, 1), (1, 3), (2, 2)]
    assert links_of(np.zeros((0, 3))) == links_of(np.zeros((3, 0))) == []


def test_pharaoh_names_the_source_first() -> None:
    assert pharaoh([(0, 1), (2, 0)]) == "0-1 2-0" and pharaoh([]) == ""
