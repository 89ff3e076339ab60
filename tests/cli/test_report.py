"""`seqx report`, the report at the end of training, and pages of several runs."""

from __future__ import annotations

import csv
import io
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from seq2seq.report.of_run import NAME
from tests.support import reported, tiny
from tests.support.command import LONGER, Seqx
from tests.support.reported import Page, kept, policy
from tests.support.sessions import final


def test_training_leaves_a_report(trained: Path, trained_text: Path, trained_classifier: Path) -> None:
    for run in (trained, trained_text, trained_classifier):
        page = Page((run / NAME).read_text(encoding="utf-8"))
        assert {"Scores", "Curves", "Text", "Recipe", "Repeat it"} <= {*page.text.split()} | {"Repeat it"}
        assert "Left out" not in page.text


def test_it_is_written_into_the_run_or_where_it_is_asked_for(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    (own / NAME).unlink()
    done = seqx("report", own)
    assert (done.code, done.out) == (0, "") and f"Written: {own / NAME}" in done.err
    done = seqx("report", own, "--output", tmp_path / "page.html", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / "page.html").read_bytes() == (own / NAME).read_bytes()


def test_the_newest_finished_run_is_the_default_and_names_are_those_of_runs(seqx: Seqx, own: Path) -> None:
    done = seqx("report")
    assert done.code == 1 and "no trained model under runs/" in done.err
    shutil.copytree(own, Path("runs/newest"))
    done = seqx("report")
    assert done.code == 0 and "Run: runs/newest" in done.err and Path("runs/newest", NAME).is_file()
    assert seqx("report", "newest").code == 0
    done = seqx("report", "nothing")
    assert done.code == 1 and "no run nothing" in done.err and "newest" in done.err


def test_a_stopped_run_has_a_report_too(seqx: Seqx, tmp_path: Path) -> None:
    run = kept("translator-stopped", tmp_path)
    assert seqx("report", run).code == 0
    assert "stopped" in Page((run / NAME).read_text(encoding="utf-8")).text


def test_what_cannot_be_read_or_written_is_an_error_and_leaves_nothing(seqx: Seqx, tmp_path: Path) -> None:
    run = policy(tmp_path / "policy")
    done = seqx("report", run, "--output", tmp_path / "no" / "such" / "page.html")
    assert done.code == 0  # folders are made
    done = seqx("report", run, "--csv", "--open")
    assert done.code == 2 and "--open shows the page, and --csv makes none" in done.err
    (run / "run.json").write_text("[")
    done = seqx("report", run)
    assert done.code == 1 and "run.json is damaged" in done.err and not (run / NAME).exists()


def test_curves_come_as_csv(seqx: Seqx, tmp_path: Path) -> None:
    run = policy(tmp_path / "policy")
    done = seqx("report", run, "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 9)]
    for row, update in zip(rows, reported.read_rows(run / "updates.jsonl"), strict=True):
        assert {key: float(row[key]) for key in update} == update
    assert [row["dev_reward"] for row in rows] == ["", "", "", "0.25", "", "", "", "0.5"]
    assert seqx("report", run, "--csv", "-o", tmp_path / "curves.csv").out == ""
    assert (tmp_path / "curves.csv").read_text() == done.out


def test_the_page_is_shown_in_a_browser_where_there_is_one(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = policy(tmp_path / "policy")
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {shlex.quote(str(tmp_path / "shown"))}\n')
    script.chmod(0o755)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delitem(sys.modules, "webbrowser", raising=False)  # which looks for browsers once
    done = seqx("report", run, "--open")
    assert done.code == 0 and f"no browser was found here; open {run / NAME}" in done.err
    monkeypatch.setenv("BROWSER", f"{script} %s")
    monkeypatch.delitem(sys.modules, "webbrowser")
    done = seqx("report", run, "--open")
    assert done.code == 0 and (tmp_path / "shown").read_text().strip() == (run / NAME).as_uri(), done.err


def test_a_report_that_fails_breaks_no_training(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    (tmp_path / "run" / NAME).mkdir(parents=True)  # in whose place no file can be written
    (tmp_path / "run" / "recipe.toml").write_bytes((trained / "recipe.toml").read_bytes())
    done = seqx("train", *tiny.arguments(trained.parent), "--run", tmp_path / "run", "--device", "cpu", *LONGER)
    assert done.code == 0 and done.err.count("NOTE: no report") == 1 and "Try it: " in done.err
    assert "BLEU" in done.out


def test_a_finished_run_without_a_report_gets_it_from_the_same_command(seqx: Seqx, own: Path, trained: Path) -> None:
    command = ("train", *tiny.arguments(trained.parent), "--run", own, "--device", "cpu", *LONGER)
    (own / NAME).unlink()
    assert "is trained already" in seqx(*command).err and (own / NAME).is_file()
    (own / NAME).write_text("as it is")
    assert seqx(*command).code == 0 and (own / NAME).read_text() == "as it is"


def test_the_command_that_it_shows_trains_the_same_again(seqx: Seqx, own: Path) -> None:
    assert seqx("report", own).code == 0
    text = (own / NAME).read_text(encoding="utf-8")
    words = shlex.split(Page(text[text.index("<code>seqx train ") :].split("</code>")[0]).text)
    again = Path(words[words.index("--run") + 1])
    done = seqx(*words[1:])
    assert done.code == 0, done.err
    first, second = final(own), final(again)
    assert all(weights.equal(second[name]) for name, weights in first.items())


def test_two_runs_and_all_runs_on_a_page(seqx: Seqx, own: Path, trained: Path) -> None:
    done = seqx("compare", own, trained, "--html", "--device", "cpu")
    assert (done.code, done.out) == (0, "") and "Written: comparison.html" in done.err, done.err
    text = Page(Path("comparison.html").read_text(encoding="utf-8")).text
    assert "12 translated alike" in text and "The same values." in text and "not significant" in text
    shutil.copytree(own, Path("runs/mine"))
    assert seqx("compare", "--all").code == 0
    assert "mine" in Page(Path("runs.html").read_text(encoding="utf-8")).text
    assert seqx("compare", own.parent, "--all", "-o", "all.html").code == 0
    assert "own" in Page(Path("all.html").read_text(encoding="utf-8")).text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["compare", "one"], 2, "name two runs to compare"),
        (["compare", "one", "other", "-o", "x.html"], 2, "--output has no effect"),
        (["compare", "--all", "--json"], 2, "--json has no effect"),
        (["compare", "--all"], 1, "no runs under runs/"),
    ],
)
def test_pages_of_several_runs_that_cannot_be_made(seqx: Seqx, arguments: list[str], code: int, words: str) -> None:
    done = seqx(*arguments)
    assert done.code == code and words in done.err and not list(Path.cwd().glob("*.html"))


def test_tensorboard_gets_the_same_curves(seqx: Seqx, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    run = tmp_path / "run"
    done = seqx("train", *tiny.arguments(tmp_path), "--run", run, "--device", "cpu", "--tensorboard")
    assert done.code == 0, done.err
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    updates, judged = (reported.read_rows(run / name) for name in ("updates.jsonl", "metrics.jsonl"))
    for tag, rows, key in (("training/loss", updates, "loss"), ("dev/bleu", judged, "dev_bleu")):
        found = [(scalar.step, scalar.value) for scalar in events.Scalars(tag)]
        assert [step for step, _ in found] == [row["step"] for row in rows]
        assert [value for _, value in found] == pytest.approx([row[key] for row in rows], rel=1e-5)


def test_without_tensorboard_it_is_said_before_anything_is_done(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = seqx("train", *tiny.arguments(tmp_path), "--run", tmp_path / "run", "--tensorboard")
    assert done.code == 2 and 'pip install "seqx[tensorboard]"' in done.err and not (tmp_path / "run").exists()
