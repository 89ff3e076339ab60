"""What holds of any text, by hypothesis; -m slow tries thousands."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.lines import decode_lines
from seq2seq.data.tokenizers import Tokenizer
from seq2seq.decoding.translation.translate import TextTranslator
from seq2seq.tasks import open_run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from tests.support import tiny
from tests.support.command import Seqx

# What ends lines in other programs, turns the writing round, joins, or is nothing at all, more often than by chance.
ODD = (
    "\u2028\u2029\x85\x0b\x0c\x1c\x1e\r\0\t \u00a0\u200b\ufeff\u202e\u0301\u200d\U0001f469\U0001f680\ud55c\u05d0\u0627"
)
WORDS = st.sampled_from([*tiny.WORDS, *ODD, ". ", "e\u0301", "\U0001f469\u200d\U0001f680"])
LINES = st.lists(
    st.one_of(
        st.lists(WORDS, max_size=12).map(" ".join),
        st.text(st.characters(exclude_characters="\n"), max_size=30),
        st.text(st.sampled_from(ODD), max_size=8),
    ),
    max_size=8,
)
ENGINES = ("torch", "ctranslate2")


@pytest.fixture(scope="module")
def translators(trained: Path) -> dict[str, TextTranslator]:
    return {
        engine: open_translator(open_run(trained), EngineChoice(engine, "float32", "cpu", beam_size=1)).translator
        for engine in ENGINES
    }


def one_by_one(translator: TextTranslator, lines: list[str]) -> None:
    """As many translations as lines, in their order: each carries its source, and is what the line has alone."""
    found = list(translator.stream(lines, window=3))
    assert [each.source for each in found] == lines
    alone = [translator.translate([line])[0].text for line in lines]
    assert [each.text for each in found] == alone
    assert not any("\n" in each.text for each in found)
    assert all(each.text == "" for each in found if not each.source.strip())


@pytest.mark.parametrize("engine", ENGINES)
@given(lines=LINES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_come_back_in_order(translators: dict[str, TextTranslator], engine: str, lines: list[str]) -> None:
    one_by_one(translators[engine], lines)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@given(lines=LINES)
@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_lines_come_back_in_order_thousands_of_times(
    translators: dict[str, TextTranslator], engine: str, lines: list[str]
) -> None:
    one_by_one(translators[engine], lines)


@given(lines=LINES)
@settings(max_examples=150)
def test_a_file_has_the_lines_that_were_written(lines: list[str]) -> None:
    kept = [line.encode("utf-8", "replace").decode() for line in lines]
    raw = ("\ufeff" + "".join(line + "\n" for line in kept)).encode()
    assert list(decode_lines(io.BytesIO(raw), "it")) == [line.removesuffix("\r") for line in kept]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_command_has_a_row_a_line(seqx: Seqx, trained: Path, engine: str, tmp_path: Path) -> None:
    lines = [*(f"un{odd}chat" for odd in ODD), "", "   ", "\u05d0\u05d1\u05d2", "e\u0301", "\U0001f469\u200d\U0001f680"]
    (tmp_path / "in.txt").write_bytes("".join(line + "\n" for line in lines).encode())
    done = seqx("translate", "--run", trained, "--input", "in.txt", "--json", "--engine", engine)
    rows = [json.loads(row) for row in done.out.split("\n")[:-1]]
    assert [row["source"] for row in rows] == lines
    plain = seqx("translate", "--run", trained, "--input", "in.txt", "--engine", engine)
    assert plain.out.split("\n")[:-1] == [row["translation"] for row in rows]


NORMALISED: dict[str, Callable[[str], str]] = {
    "identity": lambda text: text,
    "nfkc": lambda text: unicodedata.normalize("NFKC", text),
}
TEXTS = st.text(max_size=40) | st.lists(WORDS, max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def learnt() -> dict[str, Tokenizer]:
    """A tokenizer of each kind with bytes to fall back on, on a few lines."""
    lines = [side for pair in tiny.pairs(200, 1) for side in pair]
    wanted = {
        f"{kind} {normalization}": recipe.Tokenizer(kind=kind, vocabulary_size=290, normalization=normalization)  # type: ignore[arg-type]
        for kind in ("bpe", "unigram")
        for normalization in NORMALISED
    }
    wanted["byte-bpe"] = recipe.Tokenizer(kind="byte-bpe", vocabulary_size=290)
    wanted["byte"] = recipe.Tokenizer(kind="byte")
    return {name: tokenizers.train(each, lines) for name, each in wanted.items()}


@pytest.mark.parametrize("name", [f"{kind} {form}" for kind in ("bpe", "unigram") for form in NORMALISED])
@given(text=TEXTS)
@settings(max_examples=200)
def test_subwords_restore_a_text_after_its_normalisation(learnt: dict[str, Tokenizer], name: str, text: str) -> None:
    (encoded,) = learnt[name].encode([text])
    (decoded,) = learnt[name].decode([encoded])
    blanks = NORMALISED[name.split()[1]](text).replace("\u2581", " ")
    assert decoded == " ".join(part for part in blanks.split(" ") if part)


@pytest.mark.parametrize("name", ["byte-bpe", "byte"])
@given(text=TEXTS)
@settings(max_examples=200)
def test_bytes_restore_a_text_letter_for_letter(learnt: dict[str, Tokenizer], name: str, text: str) -> None:
    (encoded,) = learnt[name].encode([text])
    assert learnt[name].decode([encoded]) == [text]
