"""Standard streams that are closed, full, or of another encoding: the right bytes at the right place, or an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.processes import redirected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("un chat\ndeux\n", encoding="utf-8")
    return tmp_path


def test_notes_reach_no_file_that_got_the_number_of_standard_error(trained: Path, folder: Path) -> None:
    given = ["translate", "--run", trained, "--json", "--engine", "ctranslate2"]
    done = redirected([*given, "-i", "in.txt", "-o", "out.json"], "2>&-", folder)
    assert (done.returncode, done.stdout) == (0, "")
    rows = [json.loads(line) for line in (folder / "out.json").read_text(encoding="utf-8").splitlines()]
    assert [row["source"] for row in rows] == ["un chat", "deux"]


def test_results_without_standard_output_are_refused_before_the_work(trained: Path, folder: Path) -> None:
    given = ["translate", "--run", trained, "-i", "in.txt"]
    refused = redirected(given, ">&-", folder)
    assert refused.returncode == 1
    assert refused.stderr == "seqx: standard output is closed, and the results go there; name a file with --output\n"
    done = redirected([*given, "-o", "out.txt"], ">&-", folder)
    assert done.returncode == 0 and len((folder / "out.txt").read_text().splitlines()) == 2
    named = redirected([*given, "-o", "/dev/stdout"], ">&-", folder)
    assert named.returncode == 1 and "/dev/stdout" in named.stderr
    read_only = redirected(["recipes"], "1<in.txt", folder)
    assert read_only.returncode == 1 and read_only.stderr.startswith("seqx: standard output is closed")
    help_page = redirected(["translate", "--help"], ">&-", folder)
    assert help_page.returncode == 1 and help_page.stderr == "seqx: standard output: it is closed\n"


def test_a_closed_standard_input_is_no_text(trained: Path, folder: Path) -> None:
    for given in ([], ["-i", "-"], ["-i", "/dev/stdin"]):
        refused = redirected(["translate", "--run", trained, *given], "<&-", folder)
        assert refused.returncode == 1
        assert refused.stderr == "seqx: standard input is closed; give text, or --input FILE\n"
    done = redirected(["translate", "--run", trained, "un chat"], "<&- 2>&-", folder)
    assert done.returncode == 0 and done.stdout.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_ends_results_but_not_notes(trained: Path, folder: Path) -> None:
    full = redirected(["translate", "--run", trained, "un chat"], ">/dev/full", folder)
    assert full.returncode == 1 and full.stderr == "seqx: standard output: No space left on device\n"
    unsaid = redirected(["translate", "--run", trained, "-i", "in.txt", "-o", "out.txt"], "2>/dev/full", folder)
    assert unsaid.returncode == 0 and len((folder / "out.txt").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "changes",
    [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}],
    ids=lambda changes: " ".join(f"{name}={value}" for name, value in changes.items()),
)
def test_text_is_utf8_whatever_the_locale(trained: Path, folder: Path, changes: dict[str, str]) -> None:
    shown = redirected(["tokenizer", "show", "--run", trained, "é你"], "", folder, **changes)
    assert shown.returncode == 0, shown.stderr
    assert "2 characters, 5 bytes" in shown.stdout
    (folder / "é你.txt").write_text("été\n", encoding="utf-8")
    done = redirected(["translate", "--run", trained, "--json", "-i", "é你.txt", "-o", "ü.json"], "", folder, **changes)
    assert done.returncode == 0 and done.stderr == "Written: ü.json\n"
    assert json.loads((folder / "ü.json").read_text(encoding="utf-8"))["source"] == "été"
