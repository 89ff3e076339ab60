"""Which task a run is of, and what it offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from seq2seq import tasks
from seq2seq.errors import RunError
from seq2seq.recipe import TaskName
from seq2seq.recipe.tasks import TASKS
from seq2seq.run import Run

ROOT = Path(__file__).parents[2]


def test_every_task_of_a_recipe_has_a_module_and_commands() -> None:
    assert get_args(TaskName) == tuple(TASKS)
    assert {*TASKS} - {*tasks.COMMANDS} == {"policy", "preference"}  # which serve as their starts do
    assert len({tasks.named(name) for name in TASKS}) == len(TASKS)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import seq2seq.tasks.translation_opening, seq2seq.tasks.language_model_opening",
            ("torch", "pydantic", "ctranslate2"),
        ),
        ("import seq2seq.tasks as tasks; [tasks.named(name) for name in tasks.COMMANDS]", ("torch", "ctranslate2")),
        (
            "from seq2seq import tasks; from seq2seq.recipe.tasks import TASKS; [tasks.named(name) for name in TASKS]",
            ("torch", "ctranslate2"),
        ),
    ],
)
def test_what_a_command_begins_with_is_light(code: str, absent: tuple[str, ...]) -> None:
    check = f"{code}; import sys; sys.exit(any(name in sys.modules for name in {absent}))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0


def test_a_run_of_a_task_that_is_not_known_is_passed_over_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "newer")
    run.path.mkdir()
    (run.path / "recipe.toml").write_text('task = "dreaming"\n')
    run.weights.touch()
    run.note(finished={"step": 1})
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path))
    with pytest.raises(RunError, match=r"no trained model under .* to translate with; make one with .* fr-en"):
        tasks.open_run(None, "translate")
    with pytest.raises(RunError, match="no task 'dreaming'; there are: translation, language-model"):
        tasks.open_run(run.path, "translate")
