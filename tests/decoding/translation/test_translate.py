"""Text in, text out: each line answered in its place, long ones in parts; over a fake engine that writes backwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.characters import has_letters
from seq2seq.data.tokenizers import Bytes, Tokenizers
from seq2seq.decoding.hypothesis import Hypothesis
from seq2seq.decoding.options import SampleNumber, Sampling, SearchOptions
from seq2seq.decoding.translation import windows
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.decoding.translation.windows import numbered, windows_of
from seq2seq.errors import RunError


class Backwards:
    """An engine whose translation is the source backwards; it remembers the batches that it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
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

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        first = not self.batches
        found = super().translate(sources, options)
        if first:
            self._others.wait(30)
        else:
            threading.Thread(target=self._others.wait, args=(30,), daemon=True).start()
        return found


def translator(
    engine: Backwards,
    options: SearchOptions | None = None,
    segmenter: Segmenter | None = None,
    *,
    batch_tokens: int = 64,
    max_length: int = 32,
    workers: int = 1,
) -> TextTranslator:
    tokenizer = Bytes()
    options = options or SearchOptions(1, 0.0, batch_tokens=batch_tokens)
    both = Tokenizers(tokenizer, tokenizer)
    return TextTranslator(engine, both, options, max_length, segmenter=segmenter, workers=workers)


ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.lists(ASCII, max_size=30))
def test_every_line_is_answered_in_its_place(lines: list[str]) -> None:
    found = translator(Backwards(), max_length=200).translate(lines)
    assert [each.source for each in found] == lines
    for each in found:
        copied = bool(each.source.strip()) and not has_letters(each.source)
        assert each.copied == copied
        assert each.text == (each.source if copied else each.source[::-1] if each.source.strip() else "")


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


def test_windows_grow_and_end_with_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [str(number) for number in range(250)]
    groups = list(windows_of(lines, 100))
    assert [len(group) for group in groups] == [16, 32, 64, 100, 38]
    assert [line for group in groups for line in group] == lines
    assert [(window.first, len(window.lines)) for window in numbered(groups)][-2:] == [(112, 100), (212, 38)]
    monkeypatch.setattr(windows, "MOST_CHARACTERS", 5)
    assert list(windows_of(["ab", "cd", "", "e", "fghijkl", "m"], 100)) == [["ab", "cd", "", "e"], ["fghijkl"], ["m"]]


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
        def translate(
            self,
            sources: Sequence[Sequence[int]],
            options: SearchOptions,
            numbers: Sequence[SampleNumber] | None = None,
        ) -> list[list[Hypothesis]]:
            return [[] for _ in sources]

    with pytest.raises(RunError, match="no finite probability"):
        translator(Nothing()).translate(["one"])


def test_what_holds_no_letter_is_copied_and_what_nobody_sees_is_blank() -> None:
    lines = [
        "123",
        "10:30 – 11:45",
        " — — — ",
        "3,5 %",
        "\U0001f600",
        "\u200b\u00ad",
        "\ufeff",
        "\u2060 \u3164",
        "\x07",
    ]
    found = translator(Backwards()).translate(lines)
    assert [each.text for each in found] == [*lines[:5], "", "", "", ""]
    assert [each.copied for each in found] == [True] * 5 + [False] * 4
    assert {(each.outputs[0].score, each.outputs[0].pieces) for each in found} == {(0.0, ())}


def test_invisible_characters_reach_no_model() -> None:
    plain, odd = "bonjour", "b\u00ado\u200bn\u2060j\ufeffo\u200eur"
    found = translator(Backwards()).translate([plain, odd])
    assert [each.text for each in found] == [plain[::-1]] * 2
    assert found[1].source == odd


def test_each_sentence_is_translated_by_itself_where_the_rule_says_so() -> None:
    line = "One cat. Two dogs! 3 + 4. Five?"
    split = translator(Backwards(), segmenter=Segmenter("en", "en", "split")).translate([line, "alone."])
    assert split[0].text == ".tac enO .4 + 3 !sgod owT ?eviF"
    assert split[0].parts == 3 and split[1].parts == 1
    whole = translator(Backwards(), segmenter=Segmenter("en", "en", "keep")).translate([line])
    assert whole[0].text == line[::-1] and whole[0].parts == 1


class Losing(Backwards):
    """It translates the first word of a source alone, and is the surer the shorter that is."""

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        words = [bytes(token - 4 for token in source).split() for source in sources]
        found = [[byte + 4 for byte in b". ".join(each if b"kept" in each else each[:1]) + b"."] for each in words]
        return [[Hypothesis(tuple(tokens), (-1.0,) * (len(tokens) + 1), -len(tokens))] for tokens in found]


def test_two_sentences_stay_together_where_a_model_that_knows_such_lines_loses_neither() -> None:
    from seq2seq.data.style import Style

    def of(several: int) -> TextTranslator:
        style = Style(lines=100, several=several)
        return translator(Losing(), segmenter=Segmenter("en", "en", "auto", lambda: style))

    lost, kept = "Cat here. Dog there.", "Cat kept here. Dog kept there."
    assert of(5).translate([lost])[0].parts == 2
    assert of(0).translate([kept])[0].parts == 2
    assert of(60).translate([lost])[0].parts == 1


class Spelling(Backwards):
    """Its outputs are few texts, a, b, a, c, d, c and so on, each time in another spelling."""

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        assert options.n_best <= options.beam_size
        found = []
        for source in sources:
            letters = [97 + 2 * (rank // 3) + rank % 3 % 2 for rank in range(options.n_best)]
            spelt = [(*source, letter + 4, *(2,) * rank) for rank, letter in enumerate(letters)]
            found.append([Hypothesis(tokens, (), -float(rank)) for rank, tokens in enumerate(spelt)])
        return found


def test_a_text_is_listed_once_and_wider_beams_find_others() -> None:
    found = translator(Spelling(), SearchOptions(3, 0.0, n_best=3)).translate(["one", "two"])
    assert [[(output.text, output.score) for output in each.outputs] for each in found] == [
        [("onea", 0), ("oneb", -1), ("onec", -3)],
        [("twoa", 0), ("twob", -1), ("twoc", -3)],
    ]
    (line,) = translator(Spelling(), SearchOptions(6, 0.0, n_best=4), Segmenter("en", "en", "split")).translate(
        ["One. Two."]
    )
    assert [output.text for output in line.outputs] == [f"One.{letter} Two.{letter}" for letter in "abcd"]


def test_where_there_are_too_few_texts_the_list_is_short() -> None:
    (few,) = translator(Backwards(), SearchOptions(2, 0.0, n_best=2)).translate(["one"])
    assert [output.text for output in few.outputs] == ["eno"]


class Drawing(Backwards):
    """Draws a, b, a, b and so on, the best first, as an engine gives them."""

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        ranks = range(options.n_best)
        return [[Hypothesis((*source, 101 + rank % 2), (), -float(rank)) for rank in ranks] for source in sources]


def test_a_text_that_is_drawn_twice_is_listed_once() -> None:
    drawing = SearchOptions(1, 0.0, n_best=5, sampling=Sampling())
    (line,) = translator(Drawing(), drawing).translate(["one"])
    assert [(output.text, output.score) for output in line.outputs] == [("onea", 0), ("oneb", -1)]
    (line,) = translator(Drawing(), drawing, Segmenter("en", "en", "split")).translate(["One. Two."])
    assert [output.text for output in line.outputs] == ["One.a Two.a", "One.b Two.b"]


class Naming(Backwards):
    """Its output is the number of the source."""

    def translate(
        self, sources: Sequence[Sequence[int]], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        texts = [" ".join(map(str, number)) for number in numbers or ()]
        return [[Hypothesis(tuple(byte + 4 for byte in text.encode()), (0.0,), 0.0)] for text in texts]


def test_every_part_has_its_number_whatever_the_window() -> None:
    lines = ["one", "", "two three. four five six seven. eight nine ten.", "123", "x" * 20, "two"] * 4
    expected = []
    for number, line in enumerate(lines):
        parts = 0 if not line else 2 if "." in line else 1
        expected.append(line if line == "123" else " ".join(f"{number} {part}" for part in range(parts)))
    naming = translator(Naming())
    assert [each.text for each in naming.translate(lines)] == expected
    assert [each.text for each in naming.stream(lines, window=5)] == expected
    assert [naming.translate([line], first=first)[0].text for first, line in enumerate(lines)] == expected
