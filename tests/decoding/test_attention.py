"""Tokens as a reader sees them, whatever the vocabulary."""

from __future__ import annotations

import pytest

from seq2seq.decoding.attention import plain, shown


@pytest.mark.parametrize(
    ("pieces", "seen"),
    [
        (["▁où", "▁est", "▁ga", "re", "▁?", "</s>"], ["où", "est", "ga", "…re", "?", "</s>"]),  # SentencePiece
        (["The", " ga", "re", "'s", "."], ["The", "ga", "…re", "'s", "."]),  # byte pairs
        (list("ab c\n"), ["a", "b", "␣", "c", "⏎"]),  # characters are no rests of words
        (["<0x61>", "<0x62>", "<s>"], ["<0x61>", "<0x62>", "<s>"]),  # bytes
        (["<s>", "Where", "▁is"], ["<s>", "Where", "is"]),  # no rest of a special token
        (["▁", "▁a\x1b[2J", "\u202e"], ["␣", "a\\x1b[2J", "\\u202e"]),
        ([], []),
    ],
)
def test_tokens_are_shown_as_words_and_the_rests_of_words(pieces: list[str], seen: list[str]) -> None:
    assert shown(pieces) == seen


def test_every_shown_token_can_be_seen() -> None:
    every = [chr(code) for code in range(0x300)] + ["\ud800", "\u2028", "\ufeff", ""]
    assert all(each.isprintable() and each.strip() for each in shown(every))


def test_a_plain_text_keeps_its_blanks_and_loses_what_steers_a_terminal() -> None:
    assert plain("a b\n\tc\x1b[2J\u202e") == "a b\n\tc\\x1b[2J\\u202e"
