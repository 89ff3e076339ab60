"""`seqx attention`, and `seqx translate --alignment`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import seq2seq
from tests.support.command import Seqx


def test_one_map_is_shown_as_text(seqx: Seqx, trained: Path) -> None:
    done = seqx("attention", "un chat rouge", "--run", trained, "--target", "one red cat")
    assert done.code == 0 and "a translator (fr to en)" in done.err
    lines = done.out.splitlines()
    assert lines[0] == "cross-attention, mean of 1 layer and 2 heads"
    assert max(map(len, lines)) <= 80 and "\x1b" not in done.out
    assert any(line.startswith("</s>") for line in lines) and {*"░▒▓█·"} & {*done.out}
    one = seqx("attention", "un chat", "--run", trained, "--kind", "decoder", "--layer", "1", "--head", "2")
    assert one.out.splitlines()[0] == "self-attention of the decoder, layer 1, head 2" and "blank: hidden" in one.out


def test_a_long_text_is_shown_in_blocks_that_fit(
    seqx: Seqx, trained_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    done = seqx("attention", "one two three", "--run", trained_text)
    assert done.code == 0 and max(map(len, done.out.splitlines()[4:])) <= 24
    assert done.out.count("█") >= 1 and done.out.splitlines()[0].startswith("self-attention of the decoder")


@pytest.mark.parametrize("form", ["png", "svg", "html", "json"])
def test_a_file_holds_all_of_it(seqx: Seqx, trained: Path, tmp_path: Path, form: str) -> None:
    done = seqx("attention", "un chat rouge", "--run", trained, "-o", tmp_path / f"a.{form}")
    assert done.code == 0 and not done.out and f"a.{form}" in done.err
    written = (tmp_path / f"a.{form}").read_bytes()
    assert written.startswith({"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!DOCTYPE html>", "json": b"{"}[form])
    if form == "json":
        printed = seqx("attention", "un chat rouge", "--run", trained, "--json")
        assert json.loads(printed.out) == json.loads(written)
        assert [each["kind"] for each in json.loads(written)["maps"]] == ["cross", "decoder", "encoder"]


def test_the_command_and_the_library_show_the_same(seqx: Seqx, trained_classifier: Path) -> None:
    shown = json.loads(seqx("attention", "one red cat", "--run", trained_classifier, "--json").out)
    found = seq2seq.load(trained_classifier).attention("one red cat")
    assert found.encoder is not None and shown["output"] == found.output in ("pet", "thing")
    assert np.allclose(np.array(shown["maps"][0]["layers"]), np.array(found.encoder.layers), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--output", "a.gif"], "name a file that ends in .png, .svg, .html or .json"),
        (["--layer", "3"], "--layer 3: there is 1 of them, from 1"),
        (["--head", "3"], "--head 3: there are 2 of them, from 1"),
        (["--kind", "both"], "--kind both: use cross, decoder or encoder"),
        (["--json", "--output", "a.png"], "give one"),
        (["--json", "--layer", "1"], "--layer has no effect: a page, and JSON, hold all of them"),
        (["--output", "a.html", "--kind", "cross"], "--kind has no effect"),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(seqx: Seqx, trained: Path, given: list[str], message: str) -> None:
    done = seqx("attention", "un chat", "--run", trained, *given)
    assert done.code == 2 and message in done.err and not done.out
    assert not [*Path.cwd().iterdir()]


def test_a_kind_that_a_model_has_not_is_named(seqx: Seqx, trained_text: Path) -> None:
    done = seqx("attention", "one", "--run", trained_text, "--kind", "cross")
    assert done.code == 2 and "--kind cross: this model has decoder alone" in done.err


def test_a_text_that_cannot_be_read_is_an_error(seqx: Seqx, trained: Path) -> None:
    done = seqx("attention", " ", "--run", trained, "-o", "a.png")
    assert done.code == 1 and "blank text" in done.err and not Path("a.png").exists()


def test_alignments_follow_a_tab(seqx: Seqx, own: Path) -> None:
    lines = ["un chat rouge", "", "12:30", "deux chiens"]
    usual = seqx("translate", "--run", own, stdin="\n".join(lines).encode()).out.splitlines()
    done = seqx("translate", "--run", own, "--alignment", stdin="\n".join(lines).encode())
    assert done.code == 0 and "once" in done.err
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[0] for row in rows] == usual and rows[1] == ["", ""] and rows[2] == ["12:30", "0-0"]
    for line, (translation, links) in zip(lines, rows, strict=True):
        pairs = [tuple(map(int, link.split("-"))) for link in links.split()]
        assert {target for _, target in pairs} == {*range(len(translation.split()))}
        assert all(source < len(line.split()) for source, _ in pairs)
    again = seqx("translate", "--run", own, "--alignment", stdin="\n".join(lines).encode())
    assert again.out == done.out and "once" not in again.err


def test_json_names_the_words_that_alignments_are_of(seqx: Seqx, own: Path) -> None:
    plain = seqx("translate", "un chat rouge", "--run", own, "--alignment").out.rstrip("\n").split("\t")
    row = json.loads(seqx("translate", "un chat rouge", "--run", own, "--alignment", "--json", "--n-best", "2").out)
    assert row["source_words"] == ["un", "chat", "rouge"] and row["target_words"] == row["translation"].split()
    assert " ".join(f"{source}-{target}" for source, target in row["alignment"]) == plain[1]
    assert "alignment" not in json.loads(seqx("translate", "un", "--run", own, "--json").out)


def test_moses_lists_have_no_alignments(seqx: Seqx, trained: Path) -> None:
    done = seqx("translate", "un chat", "--run", trained, "--alignment", "--n-best", "2")
    assert done.code == 2 and "--json alone" in done.err
