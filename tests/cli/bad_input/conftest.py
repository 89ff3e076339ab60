"""A finished tiny run on running text, and a folder of files that are wrong in every way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.command import Seqx

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


def write_files(folder: Path) -> Path:
    """Each of WRONG under each of the names that say a format, and some that are right."""
    for name, contents in WRONG.items():
        for suffix in ("", ".tsv", ".jsonl", ".csv", ".parquet", ".txt"):
            (folder / f"{name}{suffix}").write_bytes(contents)
    for name in ("endless", "endless.tsv"):
        (folder / name).touch()
        os.truncate(folder / name, 1 << 30)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.txt")
    tiny.arguments(folder)
    tiny.text_arguments(folder)
    (folder / "two").write_text("un\ndeux\n")
    (folder / "three").write_text("one\ntwo\nthree\n")
    (folder / "letters.tsv").write_text("un\tone\ndeux\n")
    (folder / "a.tsv").write_text("".join(f"un {n}\tone {n}\n" for n in range(60)))
    (folder / "columns.csv").write_text("fr,de\nun,eins\n")
    (folder / "uneven.csv").write_text("fr,en\nun,one,two\n")
    (folder / "quote.csv").write_text('fr,en\n"un,one\n')
    (folder / "number.jsonl").write_text('{"fr": 1, "en": "one"}\n')
    (folder / "list.jsonl").write_text("[1]\n")
    (folder / "deep.jsonl").write_text("[" * 100_000 + "\n")
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Those files, which a test may change."""
    return write_files(tmp_path)


@pytest.fixture(scope="session")
def written_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture
def same_files(seqx: Seqx, written_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Those files, the same for all tests, each of which asserts that they are unchanged; commands run among them."""
    monkeypatch.chdir(written_once)
    return written_once
