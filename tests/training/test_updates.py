"""What is kept of single updates, for curves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.batches import Place
from seq2seq.data.corpus import Corpus
from seq2seq.training.faults import UpdateFigures
from seq2seq.training.loop import Progress
from seq2seq.training.updates import ROWS, UpdateLog
from tests.support.sessions import session, stop_after, tiny_recipe


def figures(step: int, loss: float) -> UpdateFigures:
    return UpdateFigures(step, Place(0, 0, step), loss, 2.0, 1e-3, 1, tokens=10, others={"kl": 0.5})


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@given(steps=st.integers(1, 3 * ROWS), every=st.integers(50, 900))
def test_a_run_of_any_length_has_few_lines_and_each_update_counts_once(
    tmp_path_factory: pytest.TempPathFactory, steps: int, every: int
) -> None:
    path = tmp_path_factory.mktemp("updates") / "updates.jsonl"
    log = UpdateLog(path, steps)
    for step in range(1, steps + 1):
        log.take(figures(step, float(step)))
        if step % every == 0 or step == steps:
            log.write()
            log.begin()
    rows = read(path)
    assert len(rows) <= ROWS + steps // every + 1
    assert sum(row["updates"] for row in rows) == steps and sum(row["tokens"] for row in rows) == 10 * steps
    assert sum(row["loss"] * row["updates"] for row in rows) == pytest.approx(steps * (steps + 1) / 2, rel=1e-5)
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows}) and rows[-1]["step"] == steps
    assert all(row["kl"] == 0.5 and row["gradient_norm"] == 2.0 and row["seconds"] >= 0 for row in rows)


def test_an_update_that_was_skipped_is_counted_and_is_in_no_mean(tmp_path: Path) -> None:
    log = UpdateLog(tmp_path / "updates.jsonl", 2 * ROWS)
    for step, loss in enumerate((3.0, math.nan, math.inf, math.nan), start=1):
        log.take(figures(step, loss))
    log.write()
    first, second = read(tmp_path / "updates.jsonl")
    assert (first["loss"], first["skipped"]) == (3.0, 1)
    assert "loss" not in second and second["skipped"] == second["updates"] == 2


def rows(folder: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in read(folder / "updates.jsonl")]


def test_a_session_keeps_the_figures_of_its_updates_whatever_interrupts_it(corpus: Corpus, tmp_path: Path) -> None:
    recipe = tiny_recipe()
    events = list(session(recipe, corpus, tmp_path / "whole").events())
    made = [event for event in events if isinstance(event, Progress)]
    kept = rows(tmp_path / "whole")
    assert [(row["step"], row["tokens"], row["learning_rate"]) for row in kept] == [
        (event.step, event.tokens, event.learning_rate) for event in made
    ]
    for row, event in zip(kept, made, strict=True):
        assert row["loss"] == pytest.approx(event.loss.item(), rel=1e-5)
        assert row["gradient_norm"] == pytest.approx(event.gradient_norm.item(), rel=1e-5)
        assert {*event.figures} <= {*row}
    stop_after(5, session(recipe, corpus, tmp_path / "killed").events())
    assert len(rows(tmp_path / "killed")) == 4
    list(session(recipe, corpus, tmp_path / "killed").events())
    assert rows(tmp_path / "killed") == kept
