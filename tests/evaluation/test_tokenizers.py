"""Comparison of tokenizers: figures counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pytest

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.tokenizers import Bytes, Characters
from seq2seq.errors import DataError
from seq2seq.evaluation.tokenizers import (
    Missing,
    SplitText,
    TokenizerFigures,
    Width,
    compare_tokenizers,
    hold_out,
    label,
    measure,
)
from tests.support.samples import pairs


@pytest.fixture(scope="module")
def sample() -> SplitText:
    return hold_out(side for pair in pairs(600) for side in pair)


def settings(kind: str, *sizes: int) -> list[recipe.Tokenizer]:
    return [recipe.Tokenizer.model_validate({"kind": kind, "vocabulary_size": size}) for size in sizes]


def test_every_tenth_line_is_held_out_and_none_is_blank() -> None:
    lines = [f"line {number}" for number in range(1, 26)]
    sample = hold_out([*lines[:3], "", " \t", *lines[3:]])
    assert sample.held_out == ["line 10", "line 20"]
    assert sample.training == [line for line in lines if line not in sample.held_out]


def test_too_few_lines_are_an_error() -> None:
    assert hold_out(["x"] * 10).held_out == ["x"]
    with pytest.raises(DataError, match="too little text to hold a tenth of it out: 9 lines; give 10 or more"):
        hold_out(["x"] * 9 + [""] * 9)


def test_the_share_is_that_of_a_model_counted_by_hand() -> None:
    width = Width(d_model=10, layers=2)
    attention, feed_forward = 4 * 10 * 10, 2 * 10 * 40
    assert width.share(300) == pytest.approx(3000 / (3000 + 2 * (attention + feed_forward)))


def test_figures_are_those_counted_by_hand() -> None:
    found = measure("character", Characters("abé"), ["abc", "éé", "x"], Width(10, 1))
    assert (found.vocabulary, found.lines, found.bytes, found.tokens, found.unknown) == (7, 3, 8, 6, 2)
    assert (found.tokens_per_line, found.tokens_per_byte, found.bytes_per_token) == (2, 6 / 8, 8 / 6)
    assert found.unknown_share == pytest.approx(2 / 6)
    assert found.megabytes_per_second == pytest.approx(8e-6 / found.seconds)
    assert found.kind == "character"


def test_bytes_are_a_token_each(sample: SplitText) -> None:
    (found,) = compare_tokenizers(settings("byte", 1), sample, Width())
    assert isinstance(found, TokenizerFigures)
    assert (found.vocabulary, found.tokens_per_byte, found.unknown) == (260, 1, 0)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "byte-bpe"])
def test_a_larger_vocabulary_makes_shorter_sequences_and_a_larger_embedding(sample: SplitText, kind: str) -> None:
    found = list(compare_tokenizers(settings(kind, 400, 600, 800), sample, Width()))
    lengths = [each.tokens for each in found if isinstance(each, TokenizerFigures)]
    shares = [each.embedding_share for each in found if isinstance(each, TokenizerFigures)]
    assert len(lengths) == 3
    assert lengths == sorted(lengths, reverse=True) and len(set(lengths)) == 3
    assert shares == sorted(shares)


def test_tokenizers_learn_nothing_from_what_is_held_out() -> None:
    lines = ["only the old words"] * 99 + ["ØØØØØ"]
    (found,) = compare_tokenizers(settings("character", 100), hold_out(lines), Width())
    assert isinstance(found, TokenizerFigures)
    assert found.unknown == 5


def test_characters_are_measured_until_all_are_in(sample: SplitText) -> None:
    found = list(compare_tokenizers(settings("character", 10, 200, 400, 800), sample, Width()))
    alphabet = len(set("".join(sample.training)))
    assert [each.vocabulary for each in found] == [10, alphabet + 4]
    assert [isinstance(each, TokenizerFigures) and each.unknown > 0 for each in found] == [True, False]


def test_what_cannot_be_made_does_not_stop_the_rest(sample: SplitText) -> None:
    wanted = [*settings("bpe", 300, 100_000), *settings("byte-bpe", 100_000), *settings("byte", 1)]
    made, *missing, last = compare_tokenizers(wanted, sample, Width())
    assert isinstance(made, TokenizerFigures) and isinstance(last, TokenizerFigures)
    assert [(each.kind, each.vocabulary) for each in missing] == [("bpe", 100_000), ("byte-bpe", 100_000)]
    assert all(isinstance(each, Missing) and "the text is too small" in each.reason for each in missing)


def test_the_kinds_sequence_is_asked_for_as_it_is_needed(sample: SplitText) -> None:
    asked: list[str] = []

    def each_noted(wanted: Sequence[recipe.Tokenizer]) -> object:
        for one in wanted:
            asked.append(label(one))
            yield one

    rows = compare_tokenizers(each_noted([*settings("byte", 1), *settings("bpe", 300)]), sample, Width())  # type: ignore[arg-type]
    next(rows)
    assert asked == ["byte"]


def test_a_label_names_the_encoding() -> None:
    assert label(recipe.Tokenizer(kind="tiktoken", encoding="o200k_base")) == "tiktoken:o200k_base"
    assert label(recipe.Tokenizer(kind="bpe")) == "bpe"


def test_the_same_tokenizer_measured_twice_has_the_same_figures(sample: SplitText) -> None:
    tokenizer = tokenizers.train(settings("bpe", 400)[0], sample.training)
    one, other = (asdict(measure("bpe", tokenizer, sample.held_out, Width())) for _ in range(2))
    for volatile in ("seconds", "megabytes_per_second"):
        assert one.pop(volatile) > 0 and other.pop(volatile) > 0
    assert one == other
    assert measure("byte", Bytes(), ["é"], Width()).tokens == 2
