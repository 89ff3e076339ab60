"""Every kind of tokenizer: what comes back, sampling, saving, and text that does not fit."""

from __future__ import annotations

import functools
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.pieces import PIECE
from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN, Bytes, Characters, SentencePiece, Tokenizer
from seq2seq.errors import DataError, RunError
from tests.support.command import ROOT
from tests.support.samples import pairs

# Without tiktoken's own encodings, which need the network.
KINDS = [kind for kind in get_args(recipe.Tokenizer.model_fields["kind"].annotation) if kind != "tiktoken"]
SUBWORDS = ("bpe", "unigram")
any_text = st.text() | st.lists(
    st.sampled_from(["<s>", "</s>", "<0x41>", "<unk>", "▁", "  ", "\0", "é", "e\u0301", "\U0001f600", "a"])
).map("".join)


@pytest.fixture(scope="module")
def trained(lines: list[str]) -> dict[str, Tokenizer]:
    return {
        f"{kind} {normalization}": tokenizers.train(
            recipe.Tokenizer(kind=kind, vocabulary_size=500, normalization=normalization), lines
        )
        for kind in KINDS
        for normalization in (("nmt_nfkc", "nfkc", "identity") if kind in SUBWORDS else ("identity",))
    }


@pytest.fixture(params=["bpe nmt_nfkc", "unigram nmt_nfkc", "byte-bpe identity", "character identity", "byte identity"])
def tokenizer(request: pytest.FixtureRequest, trained: dict[str, Tokenizer]) -> Tokenizer:
    return trained[request.param]


@functools.cache
def _normaliser(rule: str) -> Any:
    return sentencepiece.SentencePieceNormalizer(rule_name=rule)


def _blanks_made_one(text: str) -> str:
    return " ".join(part for part in text.replace("\u2581", " ").split(" ") if part)


def test_text_like_that_of_training_comes_back(tokenizer: Tokenizer) -> None:
    texts = [source for source, _ in pairs(300, seed=1)]
    assert tokenizer.decode(tokenizer.encode(texts)) == texts


@pytest.mark.parametrize("kind", SUBWORDS)
@given(text=any_text)
def test_with_byte_fallback_any_text_comes_back_normalised(trained: dict[str, Tokenizer], kind: str, text: str) -> None:
    plain = "".join("\ufffd" if unicodedata.category(each) == "Cs" else each for each in text)
    for normalization, expected in (
        ("identity", _blanks_made_one(plain)),
        ("nfkc", _blanks_made_one(_normaliser("nfkc").normalize(plain))),
        ("nmt_nfkc", _blanks_made_one(_normaliser("nmt_nfkc").normalize(plain))),
    ):
        tokenizer = trained[f"{kind} {normalization}"]
        encoded = tokenizer.encode([text])
        assert not {PAD, UNKNOWN, BOS, EOS} & set(encoded[0])
        assert tokenizer.decode(encoded) == [expected]
        assert tokenizer.decode(tokenizer.encode([expected])) == [expected]


@given(text=any_text)
def test_bytes_give_any_text_back(text: str) -> None:
    plain = "".join("\ufffd" if unicodedata.category(each) == "Cs" else each for each in text)
    assert Bytes().decode(Bytes().encode([text])) == [plain]


@given(text=any_text)
def test_characters_give_what_they_know_back(text: str) -> None:
    expected = "".join(each if each in "abé " else "\ufffd" for each in text)
    assert Characters("abé ").decode(Characters("abé ").encode([text])) == [expected]


def test_tokens_are_within_the_vocabulary_and_no_special_one(tokenizer: Tokenizer) -> None:
    tokens = {token for ids in tokenizer.encode([side for pair in pairs(200) for side in pair]) for token in ids}
    assert min(tokens) > EOS
    assert max(tokens) < tokenizer.size
    assert [tokenizer.piece(token) for token in (PAD, BOS, EOS)] == ["<pad>", "<s>", "</s>"]
    assert all(tokenizer.piece(token) for token in range(tokenizer.size))


def test_special_tokens_are_not_shown(tokenizer: Tokenizer) -> None:
    (ids,) = tokenizer.encode(["bile"])
    assert tokenizer.decode([[BOS, *ids, EOS, PAD, PAD]]) == tokenizer.decode([ids])


def test_nothing_in_nothing_out(tokenizer: Tokenizer) -> None:
    assert (tokenizer.encode([]), tokenizer.decode([]), tokenizer.sample([], 0.1, 1)) == ([], [], [])
    assert (tokenizer.encode([""]), tokenizer.decode([[]])) == ([[]], [""])


@pytest.mark.parametrize("kind", SUBWORDS)
def test_sampling_is_a_pure_function_of_its_seed(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer, texts = trained[f"{kind} nmt_nfkc"], [source for source, _ in pairs(50)]
    one, other, again = (tokenizer.sample(texts, 0.2, seed) for seed in (1, 2, 1))
    assert one == again
    assert one != other
    assert one != tokenizer.encode(texts)
    assert tokenizer.decode(one) == tokenizer.decode(other) == texts


@pytest.mark.parametrize("kind", SUBWORDS)
def test_sampling_is_pure_from_several_threads(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer, texts = trained[f"{kind} nmt_nfkc"], [source for source, _ in pairs(20)]
    alone = {seed: tokenizer.sample(texts, 0.2, seed) for seed in range(6)}
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda seed: tokenizer.sample(texts, 0.2, seed % 6), range(60))
        assert all(found == alone[index % 6] for index, found in enumerate(together))


@pytest.mark.parametrize("kind", SUBWORDS)
def test_sampling_is_the_same_in_another_process(trained: dict[str, Tokenizer], kind: str, tmp_path: Path) -> None:
    """SentencePiece 0.2.2 and 0.2.3 add a number of the process to the seed: a run could not be resumed."""
    tokenizer, texts = trained[f"{kind} nmt_nfkc"], [source for source, _ in pairs(20)]
    tokenizers.save(tokenizer, tmp_path)
    again = (
        "import sys\nfrom pathlib import Path\nfrom seq2seq.data import tokenizers\n"
        f"print(tokenizers.read(Path(sys.argv[1])).sample({texts!r}, 0.2, 7))"
    )
    done = subprocess.run([sys.executable, "-c", again, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == str(tokenizer.sample(texts, 0.2, 7)), done.stderr


@pytest.mark.parametrize("kind", ["byte-bpe", "character", "byte"])
def test_where_there_is_one_segmentation_sampling_gives_it(trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer = trained[f"{kind} identity"]
    assert tokenizer.sample(["bile"], 0.9, 3) == tokenizer.encode(["bile"])


@pytest.mark.parametrize("kind", KINDS)
def test_training_twice_gives_the_same(trained: dict[str, Tokenizer], lines: list[str], kind: str) -> None:
    settings = recipe.Tokenizer(kind=kind, vocabulary_size=500, normalization="identity")
    assert tokenizers.train(settings, iter(lines)).serialise() == trained[f"{kind} identity"].serialise()


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_whole_piece_of_a_document_is_trained_on(kind: str) -> None:
    text = "où est la gare ?" + " " * PIECE
    trained = tokenizers.train(recipe.Tokenizer(kind=kind, vocabulary_size=15, byte_fallback=False), [text])
    assert UNKNOWN not in trained.encode(["où est la gare ?"])[0]


def test_a_sample_of_a_long_text_is_the_same_each_time_and_not_its_beginning(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizers, "TRAINING_LINES", 300)
    settings = recipe.Tokenizer(vocabulary_size=400)
    first, second = (tokenizers.train(settings, lines).serialise() for _ in range(2))
    assert first == second
    assert first != tokenizers.train(settings, lines[:300]).serialise()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_is_read(tmp_path: Path, trained: dict[str, Tokenizer], kind: str) -> None:
    tokenizer = trained[f"{kind} identity"]
    tokenizers.save(tokenizer, tmp_path, "tokenizer.source")
    read = tokenizers.read(tmp_path, "tokenizer.source")
    texts = [source for source, _ in pairs(40)]
    assert (type(read), read.size) == (type(tokenizer), tokenizer.size)
    assert read.encode(texts) == tokenizer.encode(texts)
    assert [read.piece(token) for token in range(read.size)] == [tokenizer.piece(token) for token in range(read.size)]


@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_a_damaged_model_is_an_error(tmp_path: Path, trained: dict[str, Tokenizer], keep: float) -> None:
    path = tokenizers.save(trained["bpe nmt_nfkc"], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(RunError, match=r"tokenizer\.model is not a tokenizer that seqx wrote .*; restore the file"):
        tokenizers.read(tmp_path)


@pytest.mark.parametrize(
    "contents", ["", "[]", "{}", '{"kind": "character"}', '{"kind": "other", "alphabet": "a"}', '"byte"']
)
def test_damaged_json_is_an_error(tmp_path: Path, contents: str) -> None:
    (tmp_path / "tokenizer.json").write_text(contents, encoding="utf-8")
    with pytest.raises(RunError, match=r"tokenizer\.json is not a tokenizer that seqx wrote .*; restore the file"):
        tokenizers.read(tmp_path)


def test_a_model_with_other_special_tokens_is_not_ours(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "tokenizer.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines[:400]), model_writer=file, vocab_size=100, minloglevel=2
        )
    with pytest.raises(RunError, match=r"its special tokens are \[-1, 0, 1, 2\], not \[0, 1, 2, 3\]"):
        tokenizers.read(tmp_path)


def test_a_missing_tokenizer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no tokenizer\.model or tokenizer\.json in .*: the run folder is incomplete"):
        tokenizers.read(tmp_path)


@pytest.mark.parametrize(
    ("kind", "size", "text", "message"),
    [
        (
            "bpe",
            5000,
            ["one small line"],
            r"too small for a bpe vocabulary of 5000 tokens: at most \d+; give more text",
        ),
        ("unigram", 5000, ["one small line"], r"too small for a unigram vocabulary of 5000 tokens: at most \d+"),
        ("bpe", 400, [], "too small for a bpe vocabulary of 400 tokens: it is blank"),
        ("unigram", 400, ["", " "], "too small for a unigram vocabulary"),
        ("bpe", 100, ["some text"] * 50, r"does not hold the characters of the text: at least 2\d\d; raise"),
        ("bpe", 3, ["some text"] * 50, "a bpe vocabulary of 3 tokens cannot be made"),
        ("character", 50, ["", ""], "no character vocabulary of 50 tokens can be made: the text is blank"),
        ("character", 4, ["text"], "leaves no token besides the 4 special ones"),
    ],
)
def test_a_vocabulary_that_the_text_cannot_fill_is_an_error(
    kind: str, size: int, text: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        tokenizers.train(recipe.Tokenizer(kind=kind, vocabulary_size=size), text)


def test_an_error_of_reading_is_not_taken_for_one_of_training() -> None:
    def broken() -> Iterator[str]:
        yield from ["some text"] * 20
        raise DataError("a.txt, line 21: byte 0xe9 is not UTF-8")

    with pytest.raises(DataError, match="line 21: byte 0xe9"):
        tokenizers.train(recipe.Tokenizer(vocabulary_size=300), broken())


def test_without_byte_fallback_the_unknown_is_shown(lines: list[str]) -> None:
    tokenizer = tokenizers.train(recipe.Tokenizer(vocabulary_size=300, byte_fallback=False), lines)
    assert isinstance(tokenizer, SentencePiece)
    (ids,) = tokenizer.encode(["Ω"])
    assert UNKNOWN in ids
    assert "\u2047" in tokenizer.decode([ids])[0]


def test_a_character_vocabulary_keeps_the_most_frequent(lines: list[str]) -> None:
    tokenizer = tokenizers.train(recipe.Tokenizer(kind="character", vocabulary_size=6), ["aab", "abc"])
    assert isinstance(tokenizer, Characters)
    assert tokenizer.decode(tokenizer.encode(["abc"])) == ["ab\ufffd"]
