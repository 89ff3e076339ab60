"""Byte-level byte-pair encoding, against a slow one; and the encodings of tiktoken."""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import regex
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from seq2seq import recipe
from seq2seq.data import byte_pairs, tokenizers
from seq2seq.data.byte_pairs import PATTERN, BytePairs
from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN
from seq2seq.errors import DataError, RunError

BYTES = [bytes([each]) for each in range(256)]
any_text = st.text() | st.lists(
    st.sampled_from(
        ["the", " the", "l'eau", "  ", "\n", "\r\n", "\t", "12345", "é", "e\u0301", "\U0001f600", "!?", "\0", "\ud83d"]
    )
).map("".join)


@pytest.fixture(scope="module")
def trained(lines: list[str]) -> BytePairs:
    return byte_pairs.train(500, [line + "\n" for line in lines])


def words(text: str, pattern: str = PATTERN) -> list[str]:
    """The words of a text, by another regular expression engine than those that learn and run."""
    return regex.findall(pattern, text)  # type: ignore[no-any-return]


def merged(word: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """A word with each occurrence of a pair made one, from left to right."""
    found: list[bytes] = []
    rest = list(word)
    while rest:
        taken = 2 if tuple(rest[:2]) == pair else 1
        found.append(b"".join(rest[:taken]))
        del rest[:taken]
    return found


def slow_train(size: int, texts: Sequence[str]) -> list[bytes]:
    """Sennrich et al. (2016), algorithm 1, over bytes: the most frequent pair becomes a token, again and again."""
    counts = Counter(word for text in texts for word in words(text))
    cut = {word: [bytes([byte]) for byte in word.encode()] for word in counts}
    # Between pairs as frequent the older tokens win, and of bytes those that a byte-level model's sign puts first.
    printable = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    age = sorted(range(256), key=lambda byte: (byte not in printable, byte))
    ranks = {bytes([byte]): rank for rank, byte in enumerate(age)}
    while len(ranks) < size - 4:
        found = Counter[tuple[bytes, bytes]]()
        for word, parts in cut.items():
            for pair in pairwise(parts):
                found[pair] += counts[word]
        best = min(found, key=lambda pair: (-found[pair], ranks[pair[0]], ranks[pair[1]]))
        ranks.setdefault(b"".join(best), len(ranks))
        cut = {word: merged(parts, best) for word, parts in cut.items()}
    return [*BYTES, *list(ranks)[256:]]


def slow_encode(tokenizer: BytePairs, text: str) -> list[int]:
    """The pair of the lowest rank is merged first, until none is left."""
    ranks = {piece: rank for rank, piece in enumerate(pieces_of(tokenizer))}
    found = []
    for word in words(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while known := [pair for pair in pairwise(parts) if b"".join(pair) in ranks]:
            parts = merged(parts, min(known, key=lambda pair: ranks[b"".join(pair)]))
        found += [ranks[part] + 4 for part in parts]
    return found


def pieces_of(tokenizer: BytePairs) -> list[bytes]:
    """The bytes of each rank, by what is written to disk."""
    return [base64.b64decode(rank) for rank in json.loads(tokenizer.serialise()[1])["ranks"]]


@given(text=any_text)
def test_any_text_comes_back(trained: BytePairs, text: str) -> None:
    plain = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)
    (ids,) = trained.encode([text])
    assert trained.decode([ids]) == [plain]
    assert all(EOS < token < trained.size for token in ids)


@given(text=any_text)
def test_encoding_is_that_of_the_slow_one(trained: BytePairs, text: str) -> None:
    plain = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)
    assert trained.encode([text]) == [slow_encode(trained, plain)]


def test_training_is_that_of_the_slow_one(lines: list[str]) -> None:
    texts = [f"{line}\n" for line in lines[:100]] + ["aaaaaa aaaa aaa ababab babab", "e\u0301 é 2024\n\n"] * 3
    assert pieces_of(byte_pairs.train(360, texts)) == slow_train(360, texts)


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(lines: list[str], trained: BytePairs) -> None:
    smaller = byte_pairs.train(300, [line + "\n" for line in lines])
    assert (smaller.size, trained.size) == (300, 500)
    assert pieces_of(smaller) == pieces_of(trained)[:296]


def test_the_first_ids_are_those_of_the_bytes() -> None:
    least = byte_pairs.train(260, ["anything"])
    assert least.encode(["naïve\n"]) == tokenizers.Bytes().encode(["naïve\n"])


def test_no_token_crosses_words_and_line_ends_are_learnt() -> None:
    tokenizer = byte_pairs.train(275, ["some of these, some of those.\n\n"] * 50)
    pieces = pieces_of(tokenizer)
    assert b" some" in pieces and b".\n\n" in pieces
    assert not [piece for piece in pieces if b" " in piece[1:]]


def test_a_piece_shows_its_text_or_its_bytes() -> None:
    tokenizer = BytePairs([*BYTES, b" the", "é".encode(), "é".encode()[:1] + b"!"], PATTERN)
    assert [tokenizer.piece(token) for token in (PAD, UNKNOWN, BOS, EOS)] == list(tokenizers.SPECIAL)
    assert [tokenizer.piece(token) for token in (4 + 10, 4 + 65, 260, 261, 262)] == [
        "\n",
        "A",
        " the",
        "é",
        "<0xC3><0x21>",
    ]
    assert tokenizer.piece(4 + 0xC3) == "<0xC3>"


def test_special_tokens_and_half_characters_decode_to_what_can_be_read(trained: BytePairs) -> None:
    (ids,) = trained.encode(["né"])
    assert trained.decode([[BOS, *ids, EOS, PAD]]) == ["né"]
    assert trained.decode([[4 + ord("a"), 4 + 0xC3]]) == ["a\ufffd"]


@pytest.mark.parametrize(
    "text",
    [
        " " * 1_100_000 + "x",
        "\t \u00a0" * 400_000 + "x",
        "a" * 1_100_000,
        "x " * 300_000,
        " \n" * 300_000,
        "é" * 300_000,
    ],
    ids=["blanks", "many blanks", "letters", "words", "line ends", "accents"],
)
def test_a_text_of_any_size_in_one_line_comes_back(trained: BytePairs, text: str) -> None:
    assert trained.decode(trained.encode([text])) == [text]


def test_a_long_text_is_encoded_as_its_words_are(trained: BytePairs, lines: list[str]) -> None:
    text = "\n".join(lines * 3)
    assert len(text) > 200_000
    values = json.loads(trained.serialise()[1])
    ranks = {base64.b64decode(piece): rank + 4 for rank, piece in enumerate(values["ranks"])}
    whole = tiktoken.Encoding("whole", pat_str=values["pattern"], mergeable_ranks=ranks, special_tokens={})
    assert trained.encode([text]) == [whole.encode_ordinary(text)]


def test_a_word_without_end_is_learnt_from_in_parts() -> None:
    """Whole, it would take time quadratic in its length, and become one token."""
    assert max(map(len, pieces_of(byte_pairs.train(272, ["ab" * 50_000])))) <= 1000


@given(text=any_text, longest=st.integers(1, 9))
def test_parts_are_the_text(text: str, longest: int) -> None:
    found = list(byte_pairs.parts(text, longest))
    assert "".join(found) == text
    assert all(len(part) <= longest for part in found)


@pytest.mark.parametrize("pattern", [PATTERN, openai_public.r50k_pat_str])
@given(text=st.lists(st.sampled_from(["ab", "'s", "x9", "!", "\n", " c", " l'eau", "é "])).map(" z".join))
def test_parts_are_cut_where_words_are(pattern: str, text: str) -> None:
    apart = [word for part in byte_pairs.parts(text, 25) for word in words(part, pattern)]
    assert apart == words(text, pattern)


def test_a_sample_is_drawn_evenly_and_the_same_each_time() -> None:
    texts = [f"line {number}" for number in range(20_000)]
    room = sum(map(sys.getsizeof, texts)) // 5
    found = byte_pairs.sampled(texts, room)
    assert found == byte_pairs.sampled(iter(texts), room)
    assert room / 3 < sum(map(sys.getsizeof, found)) <= room
    numbers = [int(text.split()[1]) for text in found]
    assert 0.46 < sum(numbers) / len(numbers) / 20_000 < 0.54
    assert byte_pairs.sampled(texts, room * 6) == texts


@pytest.mark.parametrize(
    ("size", "text", "message"),
    [
        (
            5000,
            ["one small line, one small line"],
            r"too small for a byte-bpe vocabulary of 5000 tokens: at most 2\d\d;",
        ),
        (400, [], "too small for a byte-bpe vocabulary of 400 tokens: at most 260; give more text or lower"),
        (262, ["ab ab xy"], "at most 261;"),
        (259, ["text"], "no byte-bpe vocabulary of 259 tokens .* raise tokenizer.vocabulary_size to at least 260"),
    ],
)
def test_a_vocabulary_that_the_text_cannot_fill_is_an_error(size: int, text: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        tokenizers.train(recipe.Tokenizer(kind="byte-bpe", vocabulary_size=size), text)


def test_the_size_that_the_error_names_can_be_had() -> None:
    text = ["one small line, one small line"]
    with pytest.raises(DataError) as caught:
        byte_pairs.train(5000, text)
    most = int(str(caught.value).split("at most ")[1].split(";")[0])
    assert byte_pairs.train(most, text).size == most
    with pytest.raises(DataError):
        byte_pairs.train(most + 1, text)


def test_an_error_of_reading_passes_through() -> None:
    def broken() -> Iterator[str]:
        yield "some text"
        raise DataError("a.txt, line 2: byte 0xe9 is not UTF-8")

    with pytest.raises(DataError, match="line 2: byte 0xe9"):
        byte_pairs.train(300, broken())


@pytest.mark.parametrize("kind", ["byte-bpe", "tiktoken", "character", "byte"])
def test_sampling_that_a_kind_lacks_is_an_error(kind: Any) -> None:
    with pytest.raises(DataError, match=rf"tokenizer\.sampling = 0\.1, but {kind} .* set tokenizer\.sampling = 0, or"):
        tokenizers.train(recipe.Tokenizer(kind=kind, vocabulary_size=300, sampling=0.1), ["some text"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["ranks"].pop(7), "byte 0x07 has no token"),
        (lambda values: values["ranks"].append(values["ranks"][9]), "a piece occurs twice"),
        (lambda values: values["ranks"].append("no base64!"), "base64"),
        (lambda values: values.update(ranks=3), "TypeError"),
        (lambda values: values.update(pattern=""), "its pattern is empty"),
        (lambda values: values.update(pattern="("), "arenthesis"),
        (lambda values: values.update(pattern=r"\p{L}+"), "its pattern loses text"),
        (lambda values: values.pop("encoding"), "KeyError"),
    ],
)
def test_what_is_damaged_is_an_error(
    tmp_path: Path, trained: BytePairs, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = tokenizers.save(trained, tmp_path)
    values = json.loads(path.read_bytes())
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(RunError, match=rf"tokenizer\.json is not a tokenizer that seqx wrote .*{message}.*; restore"):
        tokenizers.read(tmp_path)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, trained: BytePairs) -> str:
    """An encoding that tiktoken knows as its plugins make one, with a rank that has no token, as p50k_base has."""

    def made() -> dict[str, Any]:
        ranks = {piece: rank + (rank >= 300) for rank, piece in enumerate(pieces_of(trained))}
        special = {"<|endoftext|>": 300}
        return {"name": "tiny", "pat_str": PATTERN, "mergeable_ranks": ranks, "special_tokens": special}

    tiktoken.list_encoding_names()  # finds the plugins
    monkeypatch.setitem(tiktoken.registry.ENCODING_CONSTRUCTORS, "tiny", made)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    return "tiny"


def test_an_encoding_of_tiktokens_keeps_its_ranks(registered: str) -> None:
    texts = ["Some words, l'eau <|endoftext|>\n\n 12345"]
    tokenizer = tokenizers.train(recipe.Tokenizer(kind="tiktoken", encoding=registered), [])
    original = tiktoken.get_encoding(registered)
    assert tokenizer.encode(texts) == [[rank + 4 for rank in original.encode_ordinary(texts[0])]]
    assert tokenizer.decode(tokenizer.encode(texts)) == texts
    assert tokenizer.size == original.n_vocab + 4
    assert (tokenizer.piece(304), tokenizer.decode([[304]])) == ("", [""])


def test_an_encoding_once_got_needs_tiktokens_files_no_more(
    registered: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = tokenizers.train(recipe.Tokenizer(kind="tiktoken", encoding=registered), [])
    tokenizers.save(tokenizer, tmp_path)
    monkeypatch.delitem(tiktoken.registry.ENCODING_CONSTRUCTORS, registered)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    read = tokenizers.read(tmp_path)
    assert read.serialise() == tokenizer.serialise()
    assert read.encode(["l'eau\n"]) == tokenizer.encode(["l'eau\n"])


def test_an_encoding_that_cannot_be_had_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nothing answers
    with pytest.raises(DataError) as caught:
        tokenizers.train(recipe.Tokenizer(kind="tiktoken", encoding="gpt2"), [])
    first, second = str(caught.value).split("\n")
    assert "encoding gpt2 could not be downloaded" in first and "TIKTOKEN_CACHE_DIR" in first
    assert 'tokenizer.kind = "byte-bpe"' in second


def test_an_unknown_encoding_names_the_near_one() -> None:
    with pytest.raises(DataError, match=r"no encoding 'cl100k' \(did you mean cl100k_base\?\); it has: .*gpt2.*r50k"):
        tokenizers.train(recipe.Tokenizer(kind="tiktoken", encoding="cl100k"), [])
