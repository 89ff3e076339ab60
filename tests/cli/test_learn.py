"""`seqx learn`: the list, a note in text and picture, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.learn.catalogue import NOTES
from tests.support.command import ROOT, Seqx


def test_the_notes_are_listed_in_order_at_80_columns(seqx: Seqx) -> None:
    done = seqx("learn")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == [note.name for note in NOTES]
    assert all(len(line) <= 80 and "\x1b" not in line for line in done.out.splitlines())


def test_the_list_imports_no_torch() -> None:
    check = (
        "import sys; sys.argv = ['seqx', 'learn']\nfrom cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "averaging" in done.stdout


def test_a_note_is_explained_and_drawn(seqx: Seqx) -> None:
    done = seqx("learn", "graph")
    assert done.code == 0, done.err
    title, blank, *lines = done.out.splitlines()
    assert title.startswith("graph: ") and not blank
    assert lines.index("") == 5 and all(len(line) <= 80 for line in lines[:5])
    assert re.search(r"This note: .*attention\.py, graph\(\)\nRead next: .*attention\.py", done.out)
    assert Path("learn/graph.png").read_bytes().startswith(b"\x89PNG")
    assert f"Written: {Path('learn/graph.png')}" in done.err
    assert "\x1b" not in done.out


def test_where_the_lecture_is_wrong_is_said_in_80_columns(seqx: Seqx) -> None:
    (said,) = re.findall(r"^The lecture: (?:.|\n)*?(?=This note: )", seqx("learn", "first-loss").out, re.MULTILINE)
    assert "4.87" in said and all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("output, file", [("mine.svg", "mine.svg"), ("folder", "folder/graph.png")])
def test_the_picture_goes_where_it_is_asked_for(seqx: Seqx, output: str, file: str) -> None:
    assert seqx("learn", "graph", "--output", output).code == 0
    assert Path(file).stat().st_size > 1000
    assert not Path("learn").exists()


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (("positons",), 1, "no note 'positons' (did you mean positions?)"),
        (("xyzzy",), 1, "no note 'xyzzy'; `seqx learn` lists them"),
        (("graph", "-o", "picture.jpg"), 2, ".png or .svg"),
        (("--all", "-o", "picture.png"), 2, "name a folder"),
        (("graph", "--all"), 2, "give one"),
        (("-o", "folder"), 2, "no effect"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(
    seqx: Seqx, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = seqx("learn", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err and len(done.err.splitlines()) <= 2
    assert not [*Path().iterdir()]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a file in the place of a folder")
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(seqx: Seqx) -> None:
    Path("file").write_text("")
    done = seqx("learn", "graph", "-o", "file/graph.png")
    assert (done.code, done.out) == (2, "") and "file is a file, not a folder" in done.err


def test_an_effect_that_does_not_show_is_an_error(seqx: Seqx, monkeypatch: pytest.MonkeyPatch) -> None:
    from seq2seq.model.attention import attend

    monkeypatch.setattr("seq2seq.learn.attention.attend", lambda query, key, value, **_: attend(query, key, value))
    done = seqx("learn", "averaging")
    assert (done.code, done.out) == (1, "") and "the effect does not show" in done.err
    assert not Path("learn").exists()
