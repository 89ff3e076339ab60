"""Text files as lines: what ends one, and errors that name file and line."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data import lines
from seq2seq.data.lines import Reading, decode_lines, read_blocks, read_lines, read_pairs
from seq2seq.errors import DataError
from tests.support.samples import pairs


def _write(path: Path, contents: bytes | str) -> Path:
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return path


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        (b"a\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"a\rb\nc\r", ["a\rb", "c\r"]),
        (b"a\r\r\n", ["a\r"]),
    ],
)
def test_newline_alone_ends_a_line(tmp_path: Path, contents: bytes, expected: list[str]) -> None:
    assert list(read_lines(_write(tmp_path / "a", contents))) == expected


def test_a_line_without_end_is_an_error_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 8)
    assert list(read_lines(_write(tmp_path / "a", "1234567\n12345678"))) == ["1234567", "12345678"]
    read = read_lines(_write(tmp_path / "b", "1\n123456789\n"))
    assert next(read) == "1"
    with pytest.raises(DataError, match="b, line 2 is over 8 bytes long; break it into lines"):
        next(read)


@pytest.mark.parametrize("block", [1, 1 << 18])
@pytest.mark.parametrize("contents", ["", "a\nb\n", "a\nb", "\n\n", "a\r\r\nb\rc\r\n", "\u2028\x0c\r\n"])
def test_blocks_are_the_text_in_whole_lines(tmp_path: Path, contents: str, block: int) -> None:
    path = _write(tmp_path / "a", "\ufeff" + contents)
    found = list(read_blocks(path, block_size=block))
    assert "".join(found) == contents.replace("\r\n", "\n")
    assert all(each.endswith("\n") for each in found[:-1])
    assert "".join(found).removesuffix("\n").split("\n") == (list(read_lines(path)) or [""])


@pytest.mark.parametrize("block", [1, 1 << 18])
def test_blocks_fail_where_lines_do(tmp_path: Path, block: int) -> None:
    path = _write(tmp_path / "latin", b"ok\r\nok\nd\xe9j\xe0\n")
    with pytest.raises(DataError, match="latin, line 3: byte 0xe9 is not UTF-8"):
        list(read_blocks(path, block_size=block))
    assert "".join(read_blocks(path, Reading(errors="replace"), block_size=block)) == "ok\nok\nd\ufffdj\ufffd\n"
    with pytest.raises(DataError, match=r"no file .*gone; check the path"):
        list(read_blocks(tmp_path / "gone"))


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_what_was_written_line_by_line_is_read_line_by_line(written: list[str]) -> None:
    raw = [(line + "\r\n").encode() for line in written]
    if raw and (raw[0].startswith(b"\xef\xbb\xbf") or raw[0].count(0)):
        raw.insert(0, b"first\n")
        written = ["first", *written]
    assert list(decode_lines(io.BytesIO(b"".join(raw)), "memory")) == written


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_other_line_ends_of_unicode_are_characters(tmp_path: Path, character: str) -> None:
    assert list(read_lines(_write(tmp_path / "a", f"one{character}two\nthree\n"))) == [f"one{character}two", "three"]


def test_gzip_is_read_as_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress("é\nb\n".encode()))
    assert list(read_lines(path)) == ["é", "b"]


def test_half_a_gzip_file_is_an_error(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"{source}\n" for source, _ in pairs(500)).encode())
    for number, damaged in enumerate(
        (whole[: len(whole) // 2], b"not gzip at all", whole[:400] + b"\0" * 40 + whole[440:])
    ):
        path = _write(tmp_path / f"{number}.gz", damaged)
        with pytest.raises(DataError, match=rf"{number}\.gz is not a whole gzip file"):
            list(read_lines(path))


def test_bytes_that_are_not_utf_8_name_file_line_and_byte(tmp_path: Path) -> None:
    path = _write(tmp_path / "latin", b"ok\nd\xe9j\xe0\n")
    with pytest.raises(DataError, match=r"latin, line 2: byte 0xe9 is not UTF-8; as cp1252 it is 'déjà': .*cp1252"):
        list(read_lines(path))
    assert list(read_lines(path, Reading(errors="replace"))) == ["ok", "d\ufffdj\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    path = _write(tmp_path / "wide", "bonjour le monde\nencore\n".encode(encoding))
    with pytest.raises(DataError, match=r"wide is UTF-\d\d, not UTF-8: add --encoding utf-"):
        list(read_lines(path, Reading(errors="replace")))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*nowhere; check the path"):
        list(read_lines(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        list(read_lines(tmp_path))


def test_pairs_go_line_by_line(tmp_path: Path) -> None:
    source, target = _write(tmp_path / "s", "un\n\ntrois\n"), _write(tmp_path / "t", "one\n\nthree")
    assert list(read_pairs(source, target)) == [("un", "one"), ("", ""), ("trois", "three")]


@pytest.mark.parametrize("missing", ["s", "t"])
@pytest.mark.parametrize("line", [1, 200, 399])
def test_sides_of_unequal_length_name_counts_and_the_first_line_out_of_step(
    tmp_path: Path, missing: str, line: int
) -> None:
    sides = {"s": [source for source, _ in pairs(400)], "t": [target for _, target in pairs(400)]}
    del sides[missing][line - 1]
    paths = {name: _write(tmp_path / name, "".join(f"{each}\n" for each in lines)) for name, lines in sides.items()}
    with pytest.raises(DataError) as caught:
        list(read_pairs(paths["s"], paths["t"]))
    message = str(caught.value)
    assert f"{paths['s']} has {len(sides['s'])} lines, {paths['t']} has {len(sides['t'])}" in message
    suspected = int(message.split(": line ")[1].split()[0])
    assert abs(suspected - line) <= 3


def test_a_side_that_ends_early_is_said_to_match_so_far(tmp_path: Path) -> None:
    source = _write(tmp_path / "s", "".join(f"{one}\n" for one, _ in pairs(300)))
    target = _write(tmp_path / "t", "".join(f"{other}\n" for _, other in pairs(250)))
    read = read_pairs(source, target)
    assert [next(read) for _ in range(250)] == list(pairs(250))
    with pytest.raises(DataError, match=r"300 lines, .* has 250: they match up to line 250, where .*t ends"):
        next(read)


def test_texts_of_very_different_size_blame_no_line(tmp_path: Path) -> None:
    source, target = _write(tmp_path / "s", "a\n" * 20_000), _write(tmp_path / "t", "a\n")
    with pytest.raises(DataError, match=r"has 20,000 lines, .* has 1: they are different texts"):
        list(read_pairs(source, target))
