"""Lines, rows and cells without end: refused, in memory that does not grow with them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq import recipe
from seq2seq.data import lines
from seq2seq.errors import DataError
from tests.support.corpora import pair_file, text_files

ROOT = Path(__file__).parents[2]
MEBIBYTES = 200
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": lambda raw: pyarrow.compress(raw, codec="zstd", asbytes=True),
}
READ = """
import resource, sys
from pathlib import Path
from seq2seq import recipe
from seq2seq.data.documents import DocumentKind
from seq2seq.data.lines import PLAIN

from seq2seq.errors import DataError
import pyarrow.parquet
data = recipe.Data()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        for _ in DocumentKind(data).files([Path(name)], PLAIN).pieces():
            pass
        print("read", name)
    except DataError as error:
        print(error)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown >> (20 if sys.platform == "darwin" else 10))
"""


def _endless(path: Path, head: bytes = b"", part: bytes = b"a" * (1 << 20)) -> None:
    """Of many compressed parts, which are read as one."""
    compress = COMPRESS[path.suffix[1:]]
    path.write_bytes(compress(head) + compress(part) * MEBIBYTES)


def test_text_without_end_is_refused_in_little_memory(tmp_path: Path) -> None:
    for kind in COMPRESS:
        _endless(tmp_path / f"line.txt.{kind}")
    _endless(tmp_path / "row.jsonl.gz", b'{"text": "')
    _endless(tmp_path / "field.csv.gz", b'text\n"')
    _endless(tmp_path / "quote.csv.gz", b'text\nfine\n"', b"abcdefg\n" * (1 << 17))
    cells = pyarrow.table({"text": ["a" * (MEBIBYTES << 20)]})
    pyarrow.parquet.write_table(cells, tmp_path / "cell.parquet", compression="zstd")
    names = sorted(path.name for path in tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", READ, *names],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *said, grown = done.stdout.splitlines()
    for name, message in zip(names, said, strict=True):
        assert message.startswith(name) and ("over 16,777,216" in message or "field limit" in message), message
    assert int(grown) < 150, f"{grown} MiB for {MEBIBYTES} MiB"


def test_a_cell_among_others_is_refused_by_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.data.rows.LONGEST_LINE", 1000)
    path = tmp_path / "a.parquet"
    rows = ["x"] * 40
    pyarrow.parquet.write_table(pyarrow.table({"fr": rows, "en": [*rows[:30], "y" * 1001, *rows[31:]]}), path)
    with pytest.raises(DataError, match=r"a\.parquet, row 31, column en is over 1,000 characters long"):
        list(pair_file(path, recipe.Data()).read())


@pytest.mark.parametrize("block", [4, 16, 1 << 18])
def test_blocks_bound_lines_as_lines_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 16)
    path = tmp_path / "a.txt"
    whole = "one\n" + "a" * 15 + "\n" + "b" * 16
    path.write_text(whole, encoding="utf-8")
    assert "".join(lines.read_blocks(path, block_size=block)) == whole
    path.write_text(whole + "b\nmore\n", encoding="utf-8")
    if block < 1 << 18:
        with pytest.raises(DataError, match=r"a\.txt, line 3 is over 16 bytes long"):
            list(lines.read_blocks(path, block_size=block))


def test_a_long_document_in_a_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\n"' + "word and\n" * 100_000 + '"\n', encoding="utf-8")
    assert [len(each) for each in text_files([path], recipe.Data()).read()] == [900_000]
