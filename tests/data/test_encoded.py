"""Pairs as tokens on disk: the right ones, cached, and those that are dropped counted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq2seq import recipe
from seq2seq.data import encoded, tokenizers
from seq2seq.data.encoded import EncodedPairs, encode
from seq2seq.data.pairs import Pair, PairSource
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.errors import DataError
from tests.support.samples import pairs, text

LIMITS: dict[str, Any] = {"max_length": 128, "max_ratio": 4.0}


def _all(found: EncodedPairs) -> list[tuple[list[int], list[int]]]:
    return [(source.tolist(), target.tolist()) for source, target in (found[index] for index in range(len(found)))]


@pytest.mark.parametrize("chunk", [7, 5000])
def test_what_is_on_disk_is_what_the_tokenizer_says(
    tmp_path: Path, bpe: Tokenizers, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(encoded, "CHUNK", chunk)
    found = encode([text(pairs(30)), text(pairs(20, seed=2))], bpe, tmp_path, **LIMITS)
    sources, targets = (list(side) for side in zip(*pairs(30), *pairs(20, seed=2)))
    assert _all(found) == list(zip(bpe.source.encode(sources), bpe.target.encode(targets)))
    assert found.lengths().tolist() == [[len(source), len(target)] for source, target in _all(found)]
    assert found.report == {
        "read": 50,
        "kept": 50,
        "dropped": {},
        "sources": [
            {"origin": "sample", "read": 30, "kept": 30, "dropped": {}},
            {"origin": "sample", "read": 20, "kept": 20, "dropped": {}},
        ],
        "tokens": sum(map(sum, found.lengths().tolist())),
        "dtype": "uint16",
        "source_style": {"lines": 50, "several": 0, "plain": 0, "typographic": 0, "capitals": 0},
    }


def test_each_side_has_its_own_tokenizer(tmp_path: Path, bpe: Tokenizers, lines: list[str]) -> None:
    characters = tokenizers.train(recipe.Tokenizer(kind="character", vocabulary_size=60), lines)
    both = Tokenizers(bpe.source, characters)
    assert (bpe.joint, both.joint) == (True, False)
    found = encode([text(pairs(5))], both, tmp_path, max_length=500, max_ratio=99.0)
    assert [characters.decode([target])[0] for _, target in _all(found)] == [target for _, target in pairs(5)]


def test_a_wide_vocabulary_takes_wide_tokens(tmp_path: Path) -> None:
    wide = tokenizers.Characters("".join(map(chr, range(0x10000, 0x30000))))
    found = encode([text([("\U00010000", "\U0002ffff")])], Tokenizers(wide, wide), tmp_path, **LIMITS)
    assert _all(found) == [([4], [0x20000 + 3])]


def _counting(of: list[Pair]) -> tuple[PairSource, list[int]]:
    reads: list[int] = []

    def read() -> Iterator[Pair]:
        reads.append(1)
        return iter(of)

    return PairSource("counted", read, text(of).checksum), reads


def test_the_second_time_nothing_is_read_or_encoded(tmp_path: Path, bpe: Tokenizers) -> None:
    counted, reads = _counting(list(pairs(20)))
    first = encode([counted], bpe, tmp_path, **LIMITS)
    again = encode([counted], bpe, tmp_path, **LIMITS)
    assert len(reads) == 1
    assert _all(first) == _all(again)


def test_the_cache_knows_text_tokenizer_and_settings_apart(tmp_path: Path, bpe: Tokenizers, lines: list[str]) -> None:
    other = tokenizers.train(recipe.Tokenizer(vocabulary_size=500), lines)
    one, two = text(pairs(20)), text(pairs(20, seed=2))
    calls: list[tuple[list[PairSource], Tokenizers, dict[str, Any]]] = [
        ([one], bpe, LIMITS),
        ([two], bpe, LIMITS),
        ([one, two], bpe, LIMITS),
        ([one], bpe, {**LIMITS, "held_out": [two]}),
        ([one], Tokenizers(other, other), LIMITS),
        ([one], Tokenizers(bpe.source, other), LIMITS),
        ([one], bpe, {**LIMITS, "max_length": 127}),
        ([one], bpe, {**LIMITS, "max_ratio": 3.0}),
    ]
    for texts, both, settings in calls:
        encode(texts, both, tmp_path, **settings)
    assert len(list(tmp_path.glob("[!.]*"))) == len(calls)


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, bpe: Tokenizers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "CHUNK", 10)

    def interrupted() -> Iterator[Pair]:
        yield from pairs(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode([PairSource("interrupted", interrupted, lambda: "")], bpe, tmp_path, **LIMITS)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("damage", ["report.json", "tokens", "offsets"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, bpe: Tokenizers, damage: str) -> None:
    whole = _all(encode([text(pairs(20))], bpe, tmp_path, **LIMITS))
    (file,) = tmp_path.glob(f"*/{damage}")
    file.write_bytes(file.read_bytes()[:-2])
    assert _all(encode([text(pairs(20))], bpe, tmp_path, **LIMITS)) == whole


def test_who_wants_what_another_is_writing_waits_for_it(tmp_path: Path, bpe: Tokenizers) -> None:
    counted, reads = _counting(list(pairs(20)))
    with ThreadPoolExecutor(1) as other:
        second: list[Future[EncodedPairs]] = []

        said: list[str] = []

        def read() -> Iterator[Pair]:
            second.append(other.submit(encode, [counted], bpe, tmp_path, **LIMITS, say=said.append))
            wait(second, timeout=0.2)
            return counted.read()

        first = encode([replace(counted, read=read)], bpe, tmp_path, **LIMITS)
        assert _all(second[0].result()) == _all(first)
    assert len(reads) == 1
    assert said == [f"Waiting for process {os.getpid()}, which encodes the same text"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path, bpe: Tokenizers) -> None:
    encode([text(pairs(20))], bpe, tmp_path, **LIMITS)
    (folder,) = tmp_path.glob("[!.]*")
    folder.rename(tmp_path / f".{folder.name}.partial")
    assert len(encode([text(pairs(20))], bpe, tmp_path, **LIMITS)) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{folder.name}.lock", folder.name]


def test_dropped_pairs_are_counted_by_reason(tmp_path: Path) -> None:
    both = Tokenizers(tokenizers.Bytes(), tokenizers.Bytes())
    given = [
        ("", "blank"),
        ("blank", ""),
        ("a" * 20, "b" * 127),  # 128 with EOS: fits, but for its ratio
        ("a" * 40, "b" * 127),
        ("a" * 40, "b" * 128),
        ("aa", "b" * 11),
        ("a", "b" * 10),  # short: any ratio goes
        ("Seen, BEFORE!", "something"),
        ("something", "ÉTÉ ２"),
        ("?", "!"),
        ("कम", "little"),
        ("kept", "kept"),
    ]
    held_out = [text([("seen before", "x"), ("?", "!"), ("काम", "work")]), text([("y", "e\u0301te\u0301-2.")])]
    found = encode([text(given)], both, tmp_path, **LIMITS, held_out=held_out)
    report = found.report
    assert report["dropped"] == {"blank": 2, "in dev or test": 3, "odd ratio": 2, "too long": 1}
    assert report["read"] == len(given) == report["kept"] + sum(report["dropped"].values())
    assert len(found) == report["kept"] == 4


def test_no_pair_left_is_an_error_that_says_why(tmp_path: Path, bpe: Tokenizers) -> None:
    everything = text(pairs(20), "mine.tsv")
    with pytest.raises(DataError, match=r"no pair is left of mine\.tsv \(in dev or test: 20\); see data\.max_length"):
        encode([everything], bpe, tmp_path, **LIMITS, held_out=[everything])
    with pytest.raises(DataError, match="the text is empty"):
        encode([text([])], bpe, tmp_path, **LIMITS)
    assert not list(tmp_path.glob("[!.]*")) and not list(tmp_path.glob(".*.partial"))


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, bpe: Tokenizers) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        DataError, match=r"cannot write tokens under .*file: .*; free some space there, or choose another"
    ):
        encode([text(pairs(5))], bpe, tmp_path / "file", **LIMITS)


def test_pairs_are_taken_in_the_order_asked_for(tmp_path: Path, bpe: Tokenizers) -> None:
    found = encode([text(pairs(30))], bpe, tmp_path, **LIMITS)
    sources, targets = found.take([7, 29, 0, 7])
    whole = _all(found)
    assert [(s.tolist(), t.tolist()) for s, t in zip(sources, targets)] == [whole[index] for index in (7, 29, 0, 7)]
    assert all(each.flags.owndata for each in (*sources, *targets))


@pytest.mark.slow
def test_a_million_pairs_take_little_memory() -> None:
    command = [sys.executable, "-m", "tests.support.memory", "1000000"]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    encoding, all_of_it = map(float, run.stdout.split())
    assert encoding < 150
    assert all_of_it < 300
