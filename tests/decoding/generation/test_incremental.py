"""Tokens come out as whole characters, and nothing comes out that a stop string cuts off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.byte_pairs import BytePairs
from seq2seq.data.tokenizers import EOS, SPECIAL, Bytes, Characters, Tokenizer
from seq2seq.decoding.generation.incremental import IncrementalDecoder, StopStrings, WholeCharacters
from seq2seq.errors import RunError

# Bytes, and pieces that end or begin within a character: é is C3 A9, € is E2 82 AC.
HALVES = BytePairs(
    [*(bytes([byte]) for byte in range(256)), b"a\xc3", b"\xa9b", b"\xe2\x82", b"\xac\xe2", b"\xc3\xa9"], r"(?s).+"
)
TOKENIZERS: list[Tokenizer] = [Bytes(), HALVES, Characters("ab\n é\ufffd€\U0001f600")]


def written(
    tokenizer: Tokenizer, tokens: Sequence[int], stop: Sequence[str] = ()
) -> tuple[list[str], IncrementalDecoder]:
    """What each token, and the end, adds to the text."""
    making = IncrementalDecoder(tokenizer, stop)
    pieces = []
    for token in tokens:
        pieces.append(making.take(token, -0.5))
        if making.ended:
            break
    return [*pieces, making.close()], making


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["bytes", "byte pairs", "characters"])
@given(data=st.data())
def test_pieces_joined_are_the_text_of_all_tokens_whatever_they_are(tokenizer: Tokenizer, data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.integers(len(SPECIAL), tokenizer.size - 1), max_size=30))
    pieces, making = written(tokenizer, tokens)
    assert "".join(pieces) == making.generated().text == tokenizer.decode([tokens])[0]
    assert making.generated().tokens == tuple(tokens)
    assert making.generated().log_probability == pytest.approx(-0.5 * len(tokens))


@given(st.text(max_size=20))
def test_a_character_comes_out_whole_and_at_once(text: str) -> None:
    """Byte by byte, nothing comes before the last byte of a character; only U+FFFD itself waits for what follows."""
    tokenizer = Bytes()
    making = WholeCharacters(tokenizer)
    for character in text:
        *first, last = tokenizer.encode([character])[0]
        for token in first:
            assert making.take(token) in ("", "\ufffd")
        piece = making.take(last)
        if character != "\ufffd":
            assert piece.removeprefix("\ufffd") == character


def slow_cut(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """The text up to the stop string that a reader, character by character, first has whole."""
    for end in range(len(text) + 1):
        if found := [each for each in stop if text[:end].endswith(each)]:
            return text[: end - max(map(len, found))], True
    return text, False


@given(
    text=st.text("ab\n", max_size=20),
    stop=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3),
    cuts=st.lists(st.integers(0, 20), max_size=6),
)
def test_a_stop_string_cuts_the_same_wherever_the_pieces_are_cut(text: str, stop: list[str], cuts: list[int]) -> None:
    expected, stopped = slow_cut(text, stop)
    stopping = StopStrings(stop)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    given_out = ""
    for start, end in pairwise(bounds):
        given_out += stopping.take(text[start:end])
        assert expected.startswith(given_out)
        if stopping.found:
            break
        held = text[len(given_out) : end]
        assert given_out + held == text[:end]
        assert not held or any(each.startswith(held) for each in stop)  # nothing is held back for nothing
    assert stopping.found == stopped
    assert given_out + ("" if stopped else stopping.rest()) == expected


def test_a_text_ends_for_one_reason() -> None:
    tokenizer = Characters("abc")
    a, b, c = tokenizer.encode(["abc"])[0]
    pieces, making = written(tokenizer, [a, b, EOS, a])
    assert (pieces, making.ended) == (["a", "b", "", ""], "end")
    assert making.generated().tokens == (a, b)
    assert making.generated().log_probability == -1.5  # that it ends there counts
    pieces, making = written(tokenizer, [a, b, c, a], ["bc"])
    assert (pieces, making.ended) == (["a", "", "", ""], "stop")
    assert making.generated().tokens == (a, b, c)
    pieces, making = written(tokenizer, [a, b], ["bc"])
    assert (pieces, making.ended) == (["a", "", "b"], "length")
    pieces, making = written(tokenizer, [a, b, EOS], ["bc"])
    assert (pieces, making.ended) == (["a", "", "b", ""], "end")


def test_a_stop_string_may_be_the_half_character_that_the_text_ends_with() -> None:
    pieces, making = written(Bytes(), [*Bytes().encode(["a"])[0], len(SPECIAL) + 0xC3], ["\ufffd"])
    assert (pieces, making.ended) == (["a", "", ""], "stop")


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_an_error(score: float) -> None:
    with pytest.raises(RunError, match="diverged"):
        IncrementalDecoder(Bytes(), ()).take(70, score)
