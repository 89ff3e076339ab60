"""Compressed input and output, and other encodings, of the commands that take files."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pytest

from tests.support.command import Seqx

LINES = "un chat\n\ndeux chien rouge\n"


def _zstd(raw: bytes) -> bytes:
    return bytes(pyarrow.input_stream(pyarrow.BufferReader(raw), compression="zstd").read())


BACK = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress, ".zst": _zstd}


@pytest.mark.parametrize("suffix", BACK)
def test_output_is_compressed_as_its_name_says(seqx: Seqx, trained: Path, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in.txt").write_text(LINES, encoding="utf-8")
    plain = seqx("translate", "--run", trained, "--input", "in.txt")
    done = seqx("translate", "--run", trained, "--input", "in.txt", "--output", f"out{suffix.upper()}")
    assert (plain.code, done.code) == (0, 0), done.err
    assert BACK[suffix]((tmp_path / f"out{suffix.upper()}").read_bytes()).decode() == plain.out
    again = seqx("score", "--run", trained, "--source-file", "in.txt", "--target-file", f"out{suffix.upper()}")
    assert again.code == 0, again.err
    assert len(again.out.splitlines()) == 3


def test_compressed_input_is_read_from_a_pipe_too(seqx: Seqx, trained: Path) -> None:
    plain = seqx("translate", "--run", trained, stdin=LINES.encode())
    for compress in (gzip.compress, lzma.compress, bz2.compress):
        assert seqx("translate", "--run", trained, stdin=compress(LINES.encode())).out == plain.out != ""


def test_what_is_not_written_here_is_refused_before_the_work(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    done = seqx("translate", "--run", trained, "un", "--output", "out.zip")
    assert done.code == 2
    assert "--output out.zip: .zip is not written here; end it in .gz, .xz, .zst, .bz2, or .txt" in done.err
    assert seqx("translate", "--run", trained, "un", "--output", "out.tar.gz").code == 2
    assert not list(tmp_path.glob("out*"))


def test_a_failure_leaves_no_compressed_file(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"un chat\n" * 3000 + b"\xff\n")
    assert seqx("translate", "--run", trained, "-i", "in.txt", "-o", "out.gz").code == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"in.txt", "out.gz"} - {"out.gz"}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_every_command_that_reads_text_takes_its_encoding(
    seqx: Seqx, trained: Path, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "plain").write_text("un chat déjà\n", encoding="utf-8")
    (tmp_path / "other").write_bytes("un chat déjà\n".encode(encoding))
    given = ["--encoding", encoding]
    for command in (
        "translate --run {run} --input {file}",
        "score --run {run} --source-file {file} --target-file {file}",
        "tokenizer show déjà --kind bpe --vocabulary 290 --file {file}",
    ):
        words = [command.format(run=trained, file=file).split() for file in ("plain", "other")]
        done = seqx(*words[1], *given)
        assert done.code == 0, done.err
        assert done.out == seqx(*words[0]).out


def test_an_encoding_or_columns_that_cannot_be_are_usage_errors(seqx: Seqx, trained: Path) -> None:
    for arguments, message in (
        (["translate", "un", "--encoding", "utf-9"], "--encoding utf-9: no such encoding"),
        (["translate", "un", "--encoding", "rot13"], "--encoding rot13: no such encoding"),
        (["data", "check", "--data", "a.tsv", "--columns", "1,"], "--columns 1,: separate columns with commas"),
        (["evaluate", "--run", str(trained), "--columns", "1"], "is a translator: it takes --source-file"),
    ):
        done = seqx(*arguments)
        assert done.code == 2 and message in done.err, done.err
