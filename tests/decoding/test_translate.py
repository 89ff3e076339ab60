"""Text in, text out: each line answered in its place, long ones in parts; over a fake engine that writes backwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.tokenizers import Bytes, Tokenizers
from seq2seq.decoding import translate
from seq2seq.decoding.engine import Hypothesis, Options
from seq2seq.decoding.translate import Translator, split_long, windows_of
from seq2seq.errors import RunError


class Backwards:
    """An engine whose translation is the source backwards; it remembers the batches that it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def translate(self, sources: Sequence[Sequence[int]], options: Options) -> list[list[Hypothesis]]:
        self.batches.append([len(source) for source in sources])
        return [[Hypothesis(tuple(source[::-1]), (0.0,) * (len(source) + 1), 0.0)] for source in sources]

    def score(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], alpha: float
    ) -> list[Hypothesis]:
        return [Hypothesis(tuple(target), (-1.0,) * (len(target) + 1), -float(len(target))) for target in targets]


class FirstLast(Backwards):
    """Its first batch is done when all others are."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self._others = threading.Barrier(batches)

    def translate(self, sources: Sequence[Sequence[int]], options: Options) -> list[list[Hypothesis]]:
        first = not self.batches
        found = super().translate(sources, options)
        if first:
            self._others.wait(30)
        else:
            threading.Thread(target=self._others.wait, args=(30,), daemon=True).start()
        return found


def translator(engine: Backwards, *, batch_tokens: int = 64, max_length: int = 32, workers: int = 1) -> Translator:
    tokenizer = Bytes()
    options = Options(1, 0.0, batch_tokens=batch_tokens)
    return Translator(engine, Tokenizers(tokenizer, tokenizer), options, max_length, workers=workers)


ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.lists(ASCII, max_size=30))
def test_every_line_is_answered_in_its_place(lines: list[str]) -> None:
    found = translator(Backwards(), max_length=200).translate(lines)
    assert [each.source for each in found] == lines
    for each in found:
        assert each.text == (each.source[::-1] if each.source.strip() else "")


@given(st.lists(st.text(max_size=80), max_size=10))
def test_any_text_gives_as_many_lines_and_blank_ones_stay_blank(lines: list[str]) -> None:
    found = translator(Backwards()).translate(lines)
    assert len(found) == len(lines)
    for line, each in zip(lines, found):
        assert "\n" not in each.text
        assert bool(each.text) <= bool(line.strip())


def test_whichever_batch_is_done_first_every_line_is_answered_in_its_place() -> None:
    lines = ["x" * length + "y" for length in (5, 25, 15, 20, 10, 28)]
    engine = Backwards()
    translator(engine).translate(lines)
    found = translator(FirstLast(len(engine.batches)), workers=2).translate(lines)
    assert len(engine.batches) > 2
    assert [each.text for each in found] == [line[::-1] for line in lines]


def test_batches_hold_the_budget_and_little_padding() -> None:
    engine = Backwards()
    translator(engine).translate(["x" * (1 + 7 * n % 30) for n in range(50)])
    assert len(engine.batches) > 1
    assert all(len(batch) * (max(batch) + 1) <= 64 for batch in engine.batches)
    assert [length for batch in engine.batches for length in batch] == sorted(1 + 7 * n % 30 for n in range(50))


def test_a_stream_gives_answers_before_it_has_read_all() -> None:
    read = []

    def lines():  # type: ignore[no-untyped-def]
        for number in range(10_000):
            read.append(number)
            yield str(number)

    stream = translator(Backwards()).stream(lines(), window=100)
    first = next(stream)
    assert first.text == "0" and len(read) <= 16 + 32  # its window, and the one that is made ready meanwhile
    assert [each.source for each in stream] == [str(number) for number in range(1, 10_000)]


def test_long_text_is_cut_after_sentences_then_clauses_then_words_then_characters() -> None:
    assert split_long("One two. Three four! Five?", 12, len) == ["One two.", "Three four!", "Five?"]
    assert split_long("One two. Three four! Five?", 20, len) == ["One two. Three four!", "Five?"]
    assert split_long("one two, three four, five", 12, len) == ["one two,", "three four,", "five"]
    assert split_long("one two three", 8, len) == ["one two", "three"]
    assert split_long("abcdefgh", 3, len) == ["ab", "cd", "ef", "gh"]


def test_windows_grow_and_end_with_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [str(number) for number in range(250)]
    windows = list(windows_of(lines, 100))
    assert [len(window) for window in windows] == [16, 32, 64, 100, 38]
    assert [line for window in windows for line in window] == lines
    monkeypatch.setattr(translate, "MOST_CHARACTERS", 5)
    assert list(windows_of(["ab", "cd", "", "e", "fghijkl", "m"], 100)) == [["ab", "cd", "", "e"], ["fghijkl"], ["m"]]


def test_a_text_that_is_certainly_too_long_is_not_counted_whole() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text)

    for text in ("one two three. " * 5000, "one two three, " * 5000, "one two three " * 5000, "one" * 20_000):
        parts = split_long(text, 40, count)
        assert "".join("".join(parts).split()) == "".join(text.split())
        assert max(map(len, parts)) <= 40
    assert max(counted) <= 64 * 40


@given(ASCII, st.integers(1, 40))
def test_cutting_loses_nothing_but_blanks(text: str, limit: int) -> None:
    parts = split_long(text, limit, len)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= limit for part in parts)


def test_scores_of_parts_are_joined() -> None:
    found = translator(Backwards()).translate(["one two three. four five six. seven eight nine."])[0]
    assert found.parts == 2
    assert found.text == ".xis evif ruof .eerht owt eno" + " " + ".enin thgie neves"
    assert len(found.outputs[0].pieces) == len(found.outputs[0].token_scores)


def test_scoring_leaves_out_what_cannot_be_scored() -> None:
    scored = translator(Backwards()).score(["ab", "", "cd", "x" * 40], ["a", "b", "", "y"])
    assert [each and each.text for each in scored] == ["a", None, None, None]


def test_a_model_that_finds_nothing_is_an_error() -> None:
    class Nothing(Backwards):
        def translate(self, sources: Sequence[Sequence[int]], options: Options) -> list[list[Hypothesis]]:
            return [[] for _ in sources]

    with pytest.raises(RunError, match="no finite probability"):
        translator(Nothing()).translate(["one"])
