"""A finished tiny run on running text, and a folder of files that are wrong in every way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import tiny

WRONG = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "utf16": "un chat\ndeux\n".encode("utf-16"),
    "utf16-unmarked": "un chat\ndeux\n".encode("utf-16-le"),
    "latin1": "un\tone\ncafé\n".encode("latin-1"),
    "nul": b"un\0chat\ndeux\n",
    "blank": b"  \n\t\n",
    "one-sided": b"un\n\n",
    "broken.gz": b"\x1f\x8b not gzip",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Each of WRONG under each of the names that say a format, and some that are right."""
    for name, contents in WRONG.items():
        for suffix in ("", ".tsv", ".jsonl", ".csv", ".parquet", ".txt"):
            (tmp_path / f"{name}{suffix}").write_bytes(contents)
    for name in ("endless", "endless.tsv"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 1 << 30)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.txt")
    tiny.arguments(tmp_path)
    tiny.text_arguments(tmp_path)
    (tmp_path / "two").write_text("un\ndeux\n")
    (tmp_path / "three").write_text("one\ntwo\nthree\n")
    (tmp_path / "letters.tsv").write_text("un\tone\ndeux\n")
    (tmp_path / "columns.csv").write_text("fr,de\nun,eins\n")
    (tmp_path / "uneven.csv").write_text("fr,en\nun,one,two\n")
    (tmp_path / "quote.csv").write_text('fr,en\n"un,one\n')
    (tmp_path / "number.jsonl").write_text('{"fr": 1, "en": "one"}\n')
    (tmp_path / "list.jsonl").write_text("[1]\n")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000 + "\n")
    return tmp_path
