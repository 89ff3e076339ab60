"""A budget of minutes holds all that a training run does, and a dry run is bounded, however large the recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq2seq import device, tasks
from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import PairSource
from seq2seq.data.unchanged import digest
from seq2seq.errors import RecipeError
from seq2seq.measure.estimate import Estimate, estimate, within
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks import preparation
from seq2seq.tasks.translation_training import TranslationWorkload
from seq2seq.tasks.workload import Costs
from tests.support import tiny

CPU = device.choose("cpu", "float32")
FR_EN = recipe_files.load("fr-en")
TINY = recipe_files.parse(tiny.RECIPE, "tiny")
LONG_LINES = Estimate(
    *("cpu", 1000, "9 pairs", 1000, 0, 1.0, 9),
    step_seconds=0.8,
    tokens_per_second=1000.0,
    epochs=1.0,
    preparing=5.0,
    costs=Costs(pair=0.02, translation=0.05, sentences=FR_EN.training.validate_sentences),
)


def corpus(pairs: int) -> Corpus:
    def text(seed: int, count: int) -> PairSource:
        rows = tiny.pairs(count, seed)
        return PairSource(f"text {seed}", lambda: iter(rows), lambda: digest(rows))

    return Corpus("here", "files", (text(1, 200),), text(2, pairs), text(3, pairs))


def planned(estimated: Estimate, minutes: float, pairs: int = 2000) -> Recipe:
    return within(FR_EN, estimated, pairs, minutes, 60 * minutes)


def seconds(estimated: Estimate, wanted: Recipe, pairs: int) -> float:
    """What the parts of a training run take, each counted by itself."""
    training, judged = wanted.training, min(pairs, wanted.data.judge_pairs or pairs)
    validations = math.ceil(training.steps / training.validate_every)
    costs = estimated.costs
    validation = judged * costs.pair + min(judged, training.validate_sentences) * costs.translation
    checked = 9 * min(judged, 200) + 3 * min(judged, 1000)
    return (
        estimated.preparing
        + training.steps * estimated.step_seconds
        + validations * validation
        + (checked + judged) * costs.translation
    )


@pytest.mark.parametrize("minutes", [1, 2, 5, 20, 60])
def test_the_minutes_hold_validations_and_judging(minutes: int) -> None:
    wanted = planned(LONG_LINES, minutes)
    taken = seconds(LONG_LINES, wanted, 2000)
    assert 0.9 * 60 * minutes < taken <= 60 * minutes + LONG_LINES.step_seconds
    assert wanted.training.steps * LONG_LINES.step_seconds > 0.3 * 60 * minutes  # most of it is for training
    assert wanted.training.steps / wanted.training.validate_every >= (1 if minutes == 1 else 3)
    assert 10 <= (wanted.data.judge_pairs or 2000) <= 2000


def test_where_there_is_time_all_pairs_judge_and_validations_keep_their_share() -> None:
    quick = replace(
        LONG_LINES, costs=Costs(pair=0.0005, translation=0.001, sentences=FR_EN.training.validate_sentences)
    )
    wanted, usual = planned(quick, 30), FR_EN
    assert wanted.data.judge_pairs == 0
    shares = [each.training.validate_every / each.training.steps for each in (wanted, usual)]
    assert shares[0] == pytest.approx(shares[1], rel=0.02)


def test_what_is_made_once_takes_its_time_and_updates_that_are_drawn_together_stay_so() -> None:
    usual = planned(LONG_LINES, 20).training.steps
    once = replace(LONG_LINES, costs=replace(LONG_LINES.costs, first=80.0))
    assert usual - planned(once, 20).training.steps == pytest.approx(80 / 0.8, rel=0.2)
    phases = planned(replace(LONG_LINES, together=7), 20).training.steps
    assert phases % 7 == 0 and usual - 7 < phases <= usual
    drawn = replace(LONG_LINES, costs=replace(LONG_LINES.costs, completion=0.05))
    assert planned(drawn, 5).data.judge_pairs < planned(LONG_LINES, 5).data.judge_pairs


def test_minutes_that_hardly_train_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"--minutes 0.2: time for \d updates at 0.80 s each"):
        planned(LONG_LINES, 0.2)


def test_a_batch_that_takes_too_long_is_timed_in_part() -> None:
    said: list[str] = []
    values = TINY.model_dump()
    values["training"]["batch_tokens"] = 4000
    large = Recipe.model_validate(values)
    part, whole = (estimate(large, corpus(12), CPU, said.append, limit) for limit in (1e-9, 30.0))
    assert part.share < 0.05 and whole.share == 1
    assert part.tokens_per_second * part.step_seconds == pytest.approx(whole.tokens_per_second * whole.step_seconds)
    assert {"Reading the text", "Timing updates", "Timing a validation"} <= set(said)


def test_of_much_text_a_part_is_tokenised_and_all_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TranslationWorkload, "beginning_size", 100)
    monkeypatch.setattr(TranslationWorkload, "report_every", 150)
    said: list[str] = []
    part = estimate(TINY, corpus(12), CPU, said.append, 0.5)
    monkeypatch.setattr(TranslationWorkload, "beginning_size", 1000)
    whole = estimate(TINY, corpus(12), CPU, said.append, 0.5)
    assert part.size == whole.size == "200 pairs"
    assert part.target_tokens == pytest.approx(whole.target_tokens, rel=0.1)
    assert "Read: 150 pairs of text 1" in said and "Of 200 pairs the first 100 are tokenised" in said


def test_a_validation_is_timed_on_every_kind_of_text_and_as_if_sentences_ended(tmp_path: Path) -> None:
    kinds = corpus(12)
    dev = PairSource.of_kinds([("a", kinds.dev), ("b", kinds.test)])
    task = tasks.of(TINY.with_values({"training": {"validate_sentences": 4}, "decoding": {"max_extra": 90}}))
    prepared = preparation.prepare(task, replace(kinds, dev=dev), Run(tmp_path / "run"), CPU, lambda message: None)
    model: Any = task.model(prepared.tokenizers)
    done: list[Any] = []

    def seconds_of_one(do: Callable[[int], object], counts: Sequence[int]) -> float:
        done.append(do(counts[-1]))
        return 1.0

    task.workload().costs(prepared, model, CPU.numerics, seconds_of_one)
    translations = done[-1]
    assert len({line.source for line in translations} & {source for source, _ in kinds.dev.read()}) == 12
    assert len({line.source for line in translations} & {source for source, _ in kinds.test.read()}) == 12
    extra = [
        len(line.outputs[0].pieces) - len(source) - 1  # the end of the source counted
        for line, source in zip(translations, prepared.tokenizers.source.encode([line.source for line in translations]))
    ]
    assert max(extra) == 15


def test_the_first_pairs_judge() -> None:
    cut = corpus(12).judged_on(5)
    assert list(cut.dev.read()) == tiny.pairs(12, 2)[:5] and list(cut.test.read()) == tiny.pairs(12, 3)[:5]
    assert len(list(cut.train[0].read())) == 200 and cut.dev.checksum() != corpus(12).dev.checksum()
