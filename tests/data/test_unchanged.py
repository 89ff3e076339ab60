"""Text is known by what is read of it, and is the same each time it is read."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from seq2seq import recipe
from seq2seq.data import encoded
from seq2seq.data.corpus import Given
from seq2seq.data.documents import hold_out
from seq2seq.data.encoded import EncodedPairs, encode
from seq2seq.data.lines import Reading
from seq2seq.data.pairs import Pair, PairSource, file_pair
from seq2seq.data.stream import encode as encode_text
from seq2seq.data.tokenizers import Bytes, Characters, Tokenizers
from seq2seq.data.unchanged import digest
from seq2seq.errors import DataError
from tests.support.corpora import find_pairs, pair_file, text_files
from tests.support.samples import pairs

FORWARD = recipe.Data(max_length=256)
BACKWARD = FORWARD.model_copy(update={"source": "en", "target": "fr"})
ROWS = list(pairs(30))
BYTES = Tokenizers(Bytes(), Bytes())
LIMITS: dict[str, Any] = {"max_length": 200, "max_ratio": 9.0}


def two_files(folder: Path, rows: Any = ROWS, stem: str = "a") -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    paths = folder / f"{stem}.fr", folder / f"{stem}.en"
    for side, path in enumerate(paths):
        path.write_text("".join(row[side] + "\n" for row in rows), encoding="utf-8")
    return paths


def csv(path: Path) -> Path:
    lines = [f'"{source}","{target}"' for source, target in ROWS]
    path.write_text("\n".join(["fr,en", *lines]), encoding="utf-8")
    return path


def tsv(path: Path) -> Path:
    path.write_text("".join(f"{source}\t{target}\r\n" for source, target in ROWS), encoding="utf-8")
    return path


def jsonl(path: Path) -> Path:
    rows = ({"translation": {"en": target, "fr": source}} for source, target in ROWS)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(path: Path) -> Path:
    columns = {"source": [source for source, _ in ROWS], "target": [target for _, target in ROWS]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def compressed(path: Path) -> Path:
    made = path.with_name(path.name + ".gz")
    made.write_bytes(gzip.compress(path.read_bytes()))
    return made


def test_the_same_pairs_are_one_text_whatever_file_they_are_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = two_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    same = [
        file_pair(source, target),
        file_pair(Path(source.name), Path(target.name)),
        file_pair(*two_files(tmp_path / "moved", stem="b")),
        file_pair(compressed(source), target),
        *(
            pair_file(path, FORWARD)
            for path in (
                csv(tmp_path / "a.csv"),
                tsv(tmp_path / "a.tsv"),
                compressed(tsv(tmp_path / "b.tsv")),
                jsonl(tmp_path / "a.jsonl"),
                parquet(tmp_path / "a.parquet"),
            )
        ),
    ]
    assert {text.checksum() for text in same} == {digest(ROWS)}
    assert len({text.record()["content"] for text in same}) == 1


@pytest.mark.parametrize("make", [csv, jsonl])
def test_the_other_direction_of_a_file_is_another_text(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / f"a.{make.__name__}")
    both = {"fr": pair_file(path, FORWARD), "en": pair_file(path, BACKWARD)}
    characters = Characters("".join(sorted(set("".join(side for row in ROWS for side in row)))))
    tokenizers = Tokenizers(characters, characters)
    found = {first: encode([text], tokenizers, tmp_path / "cache", **LIMITS) for first, text in both.items()}
    for number, (source, target) in enumerate(ROWS):
        for first, sides in (("fr", [source, target]), ("en", [target, source])):
            assert characters.decode([side.tolist() for side in found[first][number]]) == sides


def test_a_tab_within_a_side_is_no_border_of_sides(tmp_path: Path) -> None:
    rows = [[("a\tb", "c")], [("a", "b\tc")], [("a\ufffdb", "c")], [("", "a"), ("b", "c")], [("a", ""), ("b", "c")]]
    texts = [file_pair(*two_files(tmp_path / str(number), each)) for number, each in enumerate(rows)]
    assert len({text.checksum() for text in texts}) == len(rows)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_another_column_of_running_text_is_another_text(tmp_path: Path, suffix: str) -> None:
    columns = {"text": ["one", "two"], "title": ["three", "four"]}
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    elif suffix == "csv":
        path.write_text("text,title\none,three\ntwo,four\n")
    else:
        path.write_text("".join(json.dumps(dict(zip(columns, row))) + "\n" for row in zip(*columns.values())))

    def by(column: str) -> recipe.Data:
        return recipe.Data(hub=recipe.Hub(path="nowhere", text_column=column))

    text, title = (text_files([path], by(column)) for column in columns)
    assert text.checksum() != title.checksum()
    found = [encode_text(each, Bytes(), tmp_path / "cache") for each in (text, title)]
    assert [stream.report["characters"] for stream in found] == [6, 9]


def test_bytes_that_are_replaced_are_another_text(tmp_path: Path) -> None:
    for name, middle in (("a", b"\xff"), ("b", "\ufffd".encode())):
        (tmp_path / f"{name}.txt").write_bytes(b"x" + middle + b"y\n")
    data = recipe.Data()
    replaced = text_files([tmp_path / "a.txt"], data, Reading(errors="replace"))
    written = text_files([tmp_path / "b.txt"], data)
    assert replaced.checksum() == written.checksum()  # what is read is the same
    assert replaced.record()["sha256"] != written.record()["sha256"]


def test_references_belong_to_what_is_put_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    for stem in ("train", "dev", "test"):
        two_files(tmp_path / "tiny", ROWS, stem)
    contents = set()
    for references in ([], ["one"], ["another"]):
        row = {"fr": ROWS[0][0], "refs": references}
        (tmp_path / "tiny" / "test.refs.jsonl").write_text(json.dumps(row) + "\n")
        corpus = find_pairs(recipe.Data(corpus="tiny"))
        assert corpus is not None
        contents.add(corpus.test.record()["content"])
    assert len(contents) == 3


MANY = list(pairs(1500))


def text_of(folder: Path) -> tuple[PairSource, Path]:
    source, target = two_files(folder, MANY)
    return file_pair(source, target), source


def changed(path: Path) -> bytes:
    """Another text of the same size and time; returns the former."""
    former, status = path.read_bytes(), path.stat()
    path.write_bytes(former.swapcase())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return former


def encode_while(text: PairSource, cache: Path, then: Callable[[], None], **more: Any) -> EncodedPairs:
    """Encode a text; `then` happens when a part of it is."""

    def read() -> Iterator[Pair]:
        for number, pair in enumerate(text.read(), start=1):
            yield pair
            if number == 200:
                then()

    return encode([replace(text, read=read)], BYTES, cache, **LIMITS, **more)


def test_text_that_changes_while_it_is_encoded_leaves_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "CHUNK", 100)
    text, source = text_of(tmp_path)
    former: list[bytes] = []
    with pytest.raises(DataError, match=r"a\.fr, .*a\.en changed since this command first read it; give text that"):
        encode_while(text, tmp_path / "cache", lambda: former.append(changed(source)))
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    source.write_bytes(*former)
    again = encode([file_pair(source, source.with_suffix(".en"))], BYTES, tmp_path / "cache", **LIMITS)
    assert [bytes(token - 4 for token in side).decode() for side in again[1400]] == list(MANY[1400])


@pytest.mark.parametrize("what", ["cut", "deleted"])
def test_text_that_cannot_be_read_any_more_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    text, source = text_of(tmp_path)
    text.checksum()
    os.truncate(source, 20_000) if what == "cut" else source.unlink()
    with pytest.raises(DataError, match=r"changed since this command first read it \(.*(lines|no file).*\); give text"):
        encode([text], BYTES, tmp_path / "cache", **LIMITS)
    assert not list((tmp_path / "cache").glob("[!.]*"))


def test_held_out_text_that_changes_is_noticed_as_well(tmp_path: Path) -> None:
    text, _ = text_of(tmp_path)
    held_out, source = text_of(tmp_path / "dev")
    held_out.checksum()
    changed(source)
    with pytest.raises(DataError, match=r"dev/a\.fr"):
        encode([text], BYTES, tmp_path / "cache", **LIMITS, held_out=[held_out])


def test_a_part_that_is_held_out_is_of_text_that_stays(tmp_path: Path) -> None:
    source, target = two_files(tmp_path, MANY)
    corpus = find_pairs(FORWARD, {"train": Given(source, target)})
    assert corpus is not None
    corpus.record()
    changed(source)
    for text in (*corpus.train, corpus.dev, corpus.test):
        with pytest.raises(DataError, match="changed since"):
            list(text.read())


@pytest.mark.parametrize("suffix", ["txt", "jsonl"])
def test_running_text_that_changes_leaves_no_cache(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    lines = [source for source, _ in MANY]
    path.write_text(
        "".join((line if suffix == "txt" else json.dumps({"text": line}, ensure_ascii=False)) + "\n" for line in lines)
    )
    text = text_files([path], recipe.Data())
    parts = hold_out(text)
    for each in (text, *parts.values()):
        each.checksum()
    path.write_text(path.read_text().replace(MANY[700][0], MANY[700][0].swapcase()))
    for each in (text, *parts.values()):
        with pytest.raises(DataError, match="changed since"):
            encode_text(each, Bytes(), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("[!.]*"))


@pytest.mark.parametrize("name", ["tokens", "offsets", "report.json"])
def test_a_cache_of_other_bytes_is_made_again(tmp_path: Path, name: str) -> None:
    text, _ = text_of(tmp_path)
    cache = tmp_path / "cache"
    whole = {path.name: path.read_bytes() for path in encode([text], BYTES, cache, **LIMITS).folder.iterdir()}
    (path,) = cache.glob(f"*/{name}")
    status = path.stat()
    report = whole["report.json"].replace(b'"kept": 1', b'"kept": 2')
    path.write_bytes(report if name == "report.json" else bytes(len(whole[name])))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.read_bytes() != whole[name]
    again = encode([text], BYTES, cache, **LIMITS)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == whole


def test_a_cache_of_running_text_of_other_bytes_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(source + "\n" for source, _ in MANY))
    text = text_files([tmp_path / "a.txt"], recipe.Data())
    path = encode_text(text, Bytes(), tmp_path / "cache").folder / "tokens"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    assert encode_text(text, Bytes(), tmp_path / "cache")[:].tobytes() == whole
