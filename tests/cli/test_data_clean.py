"""`seqx data clean`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.command import Seqx

PAIRS = [
    ("Bonjour à tous, mes amis.", "Hello everybody, my friends."),
    (" ", "nothing"),
    ("Il est né\u2028en 1935.", "He was born\u2028in 1935."),
    ("Il est mort en 1999.", "He died in 1998."),
    ("bonjour à tous, mes amis !", "hello everybody, my friends!"),
    ("C'Ã©tait hier\rsoir.", "It was last\rnight."),
    ("– 97 –", "olive oil"),
    ("caf\ufffd", "coffee"),
]
SOURCES = "Bonjour à tous, mes amis.\nIl est né\u2028en 1935.\nC'était hier\rsoir.\n"
TARGETS = "Hello everybody, my friends.\nHe was born\u2028in 1935.\nIt was last\rnight.\n"
COUNTS = {"blank": 1, "damaged": 1, "min_letters": 1, "numbers": 1, "near_duplicates": 1}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The options of the two files."""
    for side, name in enumerate(("a.fr", "a.en")):
        (tmp_path / name).write_bytes("".join(pair[side] + "\n" for pair in PAIRS).encode())
    return ["--source-file", "a.fr", "--target-file", "a.en"]


def test_two_files_become_two_files(seqx: Seqx, files: list[str], tmp_path: Path) -> None:
    done = seqx("data", "clean", *files, "--output-source", "new/b.fr", "--output-target", "new/b.en.gz")
    assert done.code == 0, done.err
    assert done.err == "Written: new/b.fr, new/b.en.gz\n"
    assert (tmp_path / "new/b.fr").read_bytes().decode() == SOURCES
    assert gzip.decompress((tmp_path / "new/b.en.gz").read_bytes()).decode() == TARGETS
    lines = [line.split() for line in done.out.splitlines()]
    assert ["read", "8", "100.00", "%"] in lines and ["kept", "3", "37.50", "%"] in lines
    assert ["mended", "1", "12.50", "%"] in lines and ["numbers", "1", "12.50", "%"] in lines
    assert max(map(len, done.out.splitlines())) <= 80


def test_cleaning_twice_changes_nothing(seqx: Seqx, files: list[str], tmp_path: Path) -> None:
    assert seqx("data", "clean", *files, "--output-source", "b.fr", "--output-target", "b.en").code == 0
    again = ["--source-file", "b.fr", "--target-file", "b.en", "--output-source", "c.fr", "--output-target", "c.en"]
    done = seqx("data", "clean", *again, "--json", "--quiet")
    assert (done.code, done.err) == (0, "")
    report = json.loads(done.out)
    assert report["read"] == report["kept"] == 3 and report["mended"]["count"] == 0
    assert report["written"] == ["c.fr", "c.en"]
    for name in ("fr", "en"):
        assert (tmp_path / f"b.{name}").read_bytes() == (tmp_path / f"c.{name}").read_bytes()


@pytest.mark.parametrize("name", ["out.tsv", "out.jsonl", "out.tsv.gz"])
def test_a_table_becomes_a_table(seqx: Seqx, tmp_path: Path, name: str) -> None:
    rows = [{"en": target, "fr": source} for source, target in [*PAIRS, ("fin\tici", "end\there")]]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert seqx("data", "clean", "--data", "in.jsonl", "--output", name).code == 0
    again = seqx("data", "clean", "--data", name, "--output-source", "b.fr", "--output-target", "b.en")
    assert again.code == 0, again.err
    tab = "\t" if name.endswith("jsonl") else " "
    assert (tmp_path / "b.fr").read_bytes().decode() == SOURCES + f"fin{tab}ici\n"
    assert (tmp_path / "b.en").read_bytes().decode() == TARGETS + f"end{tab}here\n"


def test_a_return_at_the_end_of_a_side_is_kept(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"fr": "un chat\\r", "en": "a cat\\r"}\n')
    assert seqx("data", "clean", "--data", "in.jsonl", "--output-source", "b.fr", "--output-target", "b.en").code == 0
    done = seqx("data", "clean", "--source-file", "b.fr", "--target-file", "b.en", "--output", "c.jsonl")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "c.jsonl").read_text()) == {"source": "un chat\r", "target": "a cat\r"}


def test_a_dry_run_writes_nothing_and_shows_examples(seqx: Seqx, files: list[str], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    done = seqx("data", "clean", *files, "--dry-run", "--output-source", "b.fr", "--output-target", "b.en")
    assert (done.code, done.err) == (0, "")
    assert sorted(tmp_path.iterdir()) == before
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index("numbers: numbers of three or more digits of one side that the other lacks")
    assert lines[start + 1 : start + 3] == ["       4  Il est mort en 1999.", "          He died in 1998."]
    assert "       6  C'Ã©tait hier\\rsoir." in lines and "          C'était hier\\rsoir." in lines


def test_the_report_can_be_json(seqx: Seqx, files: list[str]) -> None:
    done = seqx("data", "clean", *files, "--dry-run", "--json")
    report = json.loads(done.out)
    assert {name: finding["count"] for name, finding in report["dropped"].items() if finding["count"]} == COUNTS
    assert report["dropped"]["numbers"]["examples"] == [
        {"line": 4, "source": "Il est mort en 1999.", "target": "He died in 1998."}
    ]
    assert report["cleaning"]["numbers"] is True and report["written"] == []


def test_filters_and_the_recipe_are_changed(seqx: Seqx, files: list[str]) -> None:
    off = ["--set", "numbers=false", "--set", "near_duplicates=0", "--set", "data.source=de"]
    done = seqx("data", "clean", *files, "--dry-run", "--json", *off)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert "numbers" not in report["dropped"] and report["kept"] == 5


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--source-file", "a.fr"], 2, "give --source-file and --target-file, or --data"),
        (["--dry-run"], 2, "give --source-file and --target-file, or --data"),
        (["FILES", "--data", "a.tsv", "--dry-run"], 2, "give --source-file and --target-file, or --data"),
        (["FILES"], 2, "give --output-source and --output-target, or --output; or --dry-run"),
        (["FILES", "--output-source", "b.fr"], 2, "give --output-source and --output-target, or --output; or"),
        (["FILES", "--output", "b.txt"], 2, "--output b.txt: end its name in .tsv or .jsonl"),
        (["FILES", "--output-source", "./a.fr", "--output-target", "b"], 2, "a.fr is read, and would be written; name"),
        (["FILES", "--output-source", "link", "--output-target", "b"], 2, "link is read, and would be written; name"),
        (["FILES", "--output-source", "b", "--output-target", "./b"], 2, "b would be written twice; name another file"),
        (["FILES", "--dry-run", "--recipe", "gpt-text"], 2, "recipe gpt-text is for running text; cleaning is for"),
        (["FILES", "--dry-run", "--set", "number=0"], 1, "no filter is called number (did you mean numbers?)"),
        (["FILES", "--dry-run", "--columns", "1,2"], 1, "--columns is for tables given by --data"),
        (["FILES", "--output", "b.tsv", "--set", "min_words=100"], 1, "no pair is left of 8; see --dry-run, and chang"),
        (["--data", "gone.tsv", "--dry-run"], 1, "no file gone.tsv; check the path"),
    ],
)
def test_what_does_not_add_up_is_said(
    seqx: Seqx, files: list[str], tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "link").symlink_to("a.fr")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    given = [word for each in arguments for word in (files if each == "FILES" else [each])]
    done = seqx("data", "clean", *given)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("damage", [b"un\xff\n", b"un\n", b"un\n" * 9])
def test_damaged_input_leaves_the_outputs_as_they_were(
    seqx: Seqx, files: list[str], tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "a.fr").write_bytes(damage)
    (tmp_path / "b.fr").write_text("former")
    done = seqx("data", "clean", *files, "--output-source", "b.fr", "--output-target", "b.en")
    assert done.code == 1 and "a.fr" in done.err
    assert (tmp_path / "b.fr").read_text() == "former"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.en", "a.fr", "b.fr"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("full", ["--output-source", "--output-target"])
def test_a_full_disk_leaves_both_outputs_as_they_were(seqx: Seqx, files: list[str], tmp_path: Path, full: str) -> None:
    (tmp_path / "b").write_text("former")
    (other,) = {"--output-source", "--output-target"} - {full}
    done = seqx("data", "clean", *files, full, "/dev/full", other, "b")
    assert done.code == 1 and "/dev/full" in done.err
    assert (tmp_path / "b").read_text() == "former"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.en", "a.fr", "b"]


def test_another_encoding_is_read_and_utf_8_is_written(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes("été;ici\tsummer\nhôtel\thotel\n".encode("cp1252"))
    done = seqx("data", "clean", "--data", "a.tsv", "--output", "b.tsv", "--encoding", "cp1252", "--columns", "1,2")
    assert done.code == 0, done.err
    assert (tmp_path / "b.tsv").read_text(encoding="utf-8") == "source\ttarget\nété;ici\tsummer\nhôtel\thotel\n"
