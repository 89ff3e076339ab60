"""What a training run advises to try is a command that works, with text of its own."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from seq2seq import tasks
from seq2seq.run import Run
from tests.support import tiny
from tests.support.command import Seqx


def written(folder: Path, *sources: str) -> Run:
    rows = [json.dumps({"source": source, "references": ["x"]}) + "\n" for source in sources]
    (folder / "test.jsonl").write_text("".join(rows))
    (folder / "recipe.toml").write_text('task = "translation"\n')
    return Run(folder)


def test_the_example_is_a_short_sentence_of_the_runs_own(seqx: Seqx, tmp_path: Path) -> None:
    done = seqx("train", *tiny.arguments(tmp_path), "--run", "a run", "--set", "training.steps=2")
    (line,) = (line for line in done.err.splitlines() if line.startswith("Try it: "))
    program, *arguments = shlex.split(line.removeprefix("Try it: "))
    assert program == "seqx" and arguments[0] == "translate" and arguments[2:] == ["--run", "a run"]
    assert arguments[1] in [source for source, _ in tiny.pairs(12, 3)]
    assert seqx(*arguments).code == 0


def test_the_example_of_a_language_model_begins_as_its_text_does(seqx: Seqx, trained_text: Path) -> None:
    shown = (trained_text.parent / "stderr").read_text(encoding="utf-8")
    (line,) = (line for line in shown.splitlines() if line.startswith("Try it: "))
    _, *arguments = shlex.split(line.removeprefix("Try it: "))
    assert arguments[0] == "generate" and arguments[1] + "\n" in (trained_text.parent / "verse.txt").read_text()
    assert seqx(*arguments, "--max-tokens", "3").code == 0


@pytest.mark.parametrize(
    ("sources", "shown"),
    [
        (("x" * 70, 'Er sagte: "so $geht\'s"!'), 'Er sagte: "so $geht\'s"!'),
        (("--help", "42", "  ", "a\x1b[2Jb", "Ja."), "Ja."),
        (
            ("Ein sehr langer Satz, " + "der nicht endet, " * 9,),
            "Ein sehr langer Satz, der nicht endet, der nicht endet, der",
        ),
        (("长" * 90,), "长" * 60),
        (("1", ""), "..."),
    ],
)
def test_the_example_is_short_and_safe_for_a_shell(tmp_path: Path, sources: tuple[str, ...], shown: str) -> None:
    run = written(tmp_path, *sources)
    words = shlex.split(tasks.of(run.recipe()).example(run))
    assert words == ["seqx", "translate", shown, "--run", str(tmp_path)]
