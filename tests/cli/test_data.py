"""`seqx data check` and `seqx data get`."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from tests.support import tiny
from tests.support.command import Seqx

TEXT_RECIPE = """
task = "language-model"
[data]
corpus = "tales"
bundled = "play"
[data.hub]
path = "HUB"
text_column = "tale"
[tokenizer]
kind = "character"
[model]
architecture = "decoder-only"
max_length = 32
[training]
batch_tokens = 256
metric = "loss"
"""


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    """A recipe of running text, its Hub a folder beside it."""
    hub = tmp_path / "hub"
    hub.mkdir()
    for name, count in (("train", 30), ("validation", 1), ("test", 2)):
        rows = [
            f"Tale {number} of {name}:\r\nonce upon a time there was a number {number}.\n" for number in range(count)
        ]
        pyarrow.parquet.write_table(pyarrow.table({"tale": rows}), hub / f"{name}-00000-of-00001.parquet")
    path = tmp_path / "tales.toml"
    path.write_text(TEXT_RECIPE.replace("HUB", hub.as_posix()), encoding="utf-8")
    return path


def _row(screen: str, label: str) -> list[str]:
    (line,) = (line for line in screen.split("\n") if line.startswith(label + "  "))
    return line.removeprefix(label).split()


def test_running_text_is_audited_on_one_screen(seqx: Seqx, tales: Path) -> None:
    done = seqx("data", "check", "--recipe", tales)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"tales: hub {tales.parent.as_posix()}/hub train; ")
    assert _row(done.out, "documents") == ["30", "1", "2"]
    assert _row(done.out, "lines") == ["60", "2", "4"]
    assert _row(done.out, "long lines also in train") == ["1", "2"]
    assert "  train, rarest characters: " in done.out
    assert "  dev, long line also in train, line 2 (as train, line 2): 'once upon a time" in done.out
    assert len(done.out.split("\n")) < 40
    assert seqx("data", "check", tales).out == done.out


def test_an_audit_of_running_text_can_be_json(seqx: Seqx, tales: Path) -> None:
    done = seqx("data", "check", tales, "--json")
    assert done.code == 0, done.err
    assert [split["documents"] for split in json.loads(done.out)["splits"]] == [30, 1, 2]


def test_files_and_folders_of_text_are_audited(seqx: Seqx, tales: Path, tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"book {number}\n" * 40, encoding="utf-8")
    books = sorted(folder.iterdir())
    for given in (["--data", folder], ["--data", *books], ["--data", books[0], "--data", *books[1:]]):
        done = seqx("data", "check", "--recipe", tales, *given)
        assert done.code == 0, done.err
        assert _row(done.out, "lines") == ["108", "6", "6"]
    assert seqx("data", "check", tales, "--data", *books).out == done.out


def test_the_bundled_play_stands_in_and_it_is_said(seqx: Seqx, tales: Path) -> None:
    done = seqx("data", "check", tales, "--set", "data.hub.dev=nosuch")
    assert done.code == 0 and done.err.startswith("NOTE: corpus tales is not under $SEQX_DATA, and "), done.err
    assert "nosuch" in done.err and done.err.endswith("The bundled play is checked instead\n")
    assert done.out.startswith("play: bundled play, train part; ")


def test_pairs_are_audited_on_one_screen(seqx: Seqx, tmp_path: Path) -> None:
    source, target = tiny.write_pairs(tmp_path, "train", tiny.pairs(200, 1))
    done = seqx("data", "check", "--source-file", source, "--target-file", target)
    assert (done.code, done.err) == (0, "")
    assert _row(done.out, "pairs") == ["192", "4", "4"]
    both = tmp_path / "both.tsv"
    both.write_text("".join(f"{fr}\t{en}\n" for fr, en in tiny.pairs(200, 1)), encoding="utf-8")
    again = seqx("data", "check", "fr-en", "--data", both)
    assert again.out.split("\n")[1:12] == done.out.split("\n")[1:12]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fr-en", "more.txt"], 2, "unexpected argument more.txt; pass files of text or pairs with --data"),
        (["TALES", "--source-file", "a"], 2, "recipe tales is for running text: name files with --data"),
        (["fr-en", "--data", "a", "b"], 2, "recipe fr-en is for pairs: give one file of them with --data, not 2"),
        (["TALES", "--data", "a.md"], 1, "a.md: running text is read from .txt, .jsonl, .csv or .parquet; rename"),
        (["TALES", "--data", "gone.txt"], 1, "no file gone.txt; check the path"),
    ],
)
def test_what_does_not_add_up_is_said(seqx: Seqx, tales: Path, arguments: list[str], code: int, message: str) -> None:
    done = seqx("data", "check", *(str(tales) if word == "TALES" else word for word in arguments))
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_fetched_corpus_of_text_is_found_through_seqx_data(
    seqx: Seqx, tales: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seqx("data", "check", tales)
    done = seqx("data", "get", tales, "--to", tmp_path / "mirror")
    assert done.code == 0, done.err
    names = {path.name for path in (tmp_path / "mirror" / "tales").iterdir()}
    assert names == {"train.jsonl", "dev.txt", "test.jsonl"}
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    after = seqx("data", "check", tales)
    assert after.out.startswith(f"tales: {tmp_path / 'mirror' / 'tales' / 'train.jsonl'}; ")
    assert after.out.split("\n")[1:] == before.out.split("\n")[1:]
