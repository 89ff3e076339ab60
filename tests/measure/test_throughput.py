"""How fast training and translating are: FLOPs counted, time divided, rounds summed up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seq2seq import device, tasks
from seq2seq.data.corpus import Corpus
from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.errors import RunError
from seq2seq.measure import throughput
from seq2seq.measure.phases import PHASES, Watched
from seq2seq.measure.steps import updates
from seq2seq.measure.throughput import PeakFlops
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.tasks import models, preparation
from seq2seq.training.loop import Progress
from seq2seq.training.objective import CrossEntropy
from tests.support import tiny
from tests.support.products import small_products

CPU = device.Numerics(torch.device("cpu"), None)
PAIRS, TEXT = recipe_files.parse(tiny.RECIPE, "tiny pairs"), recipe_files.parse(tiny.TEXT_RECIPE, "tiny text")
JOINED = recipe_files.parse(
    tiny.RECIPE.replace("d_model", 'architecture = "decoder-only"\nd_model').replace(
        "max_length = 32\n[train", "max_length = 64\n[train"
    ),
    "tiny joined",
)


@pytest.mark.parametrize("recipe", [PAIRS, TEXT, JOINED], ids=lambda recipe: recipe.model.architecture)
def test_the_flops_of_an_update_are_three_times_those_of_a_forward_pass(recipe: Recipe) -> None:
    model, batch = models.model(recipe, 300, 300), tasks.of(recipe).workload().batch(1)  # one row: nothing is padded
    with FlopCounterMode(display=False) as counter:
        CrossEntropy(model, CPU, 0.1)(batch, 1).loss.backward()  # type: ignore[no-untyped-call]
    assert 0.5 < throughput.update_flops(model, batch) / counter.get_total_flops() <= 1


def four_updates(*, watched: bool) -> list[Progress]:
    torch.manual_seed(3)
    model = models.model(PAIRS, 300, 300)
    batch = tasks.of(PAIRS).workload().batch(64)
    predictor = Watched(model, lambda: None) if watched else model
    update = updates(PAIRS, model, CrossEntropy(predictor, CPU, 0.1), CPU)
    return [update(batch) for _ in range(4)]


def test_a_watched_training_is_the_same_training() -> None:
    plain, watched = four_updates(watched=False), four_updates(watched=True)
    assert [each.loss.item() for each in plain] == [each.loss.item() for each in watched]
    assert [each.gradient_norm.item() for each in plain] == [each.gradient_norm.item() for each in watched]


def test_every_part_has_its_time_and_they_make_up_the_whole() -> None:
    ticks = iter(range(10_000))
    model = models.model(PAIRS, 300, 300)
    watched = Watched(model, lambda: None, clock=lambda: float(next(ticks)))
    update = updates(PAIRS, model, CrossEntropy(watched, CPU, 0.1), CPU)
    for _ in range(2):
        watched.start()
        for _ in range(10):
            next(ticks)  # what reading takes
        update(tasks.of(PAIRS).workload().batch(64))
        assert watched.seconds() == {"data": 11, "forward": 1, "loss": 1, "backward": 1, "optimiser": 1}


def test_threads_that_compute_side_by_side_share_the_time_of_their_passes() -> None:
    now = 0.0
    watched = Watched(models.model(PAIRS, 300, 300), lambda: None, clock=lambda: now)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for thread, at, part in [
            (one, 1, "forward"),
            (other, 2, "forward"),
            (one, 3, "loss"),
            (one, 4, "backward"),
            (other, 5, "backward"),
            (other, 8, "optimiser"),
            (one, 9, "optimiser"),
        ]:
            now = at
            thread.submit(watched.enter, part).result()
    now = 11
    # Forward 2 + 3, loss 1, backward 5 + 3 of 14 seconds of threads, in 8 seconds.
    spent = {"data": 1, "forward": 8 * 5 / 14, "loss": 8 * 1 / 14, "backward": 8 * 8 / 14, "optimiser": 2}
    assert watched.seconds() == pytest.approx(spent)


def test_the_peak_is_of_the_fastest_size() -> None:
    peak = PeakFlops(CPU, sizes=(2, 96))
    for _ in range(3):
        peak.measure(0.0)
    size, found = peak.best()
    assert size == 96 and found.rounds == 3 and 0 < found.p10 <= found.median <= found.p90


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus[Any]:
    """The corpus of the tiny recipe, from a mirror."""
    (tmp_path / "nowhere").mkdir()
    for split, count, seed in (("train", 400, 1), ("dev", 5, 2), ("test", 5, 3)):
        tiny.write_pairs(tmp_path / "nowhere", split, tiny.pairs(count, seed))
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    return tasks.of(PAIRS).find({})


def test_a_training_run_is_measured_and_adds_up(corpus: Corpus[Any]) -> None:
    found = throughput.training(PAIRS, corpus, device.choose("cpu", "float32"), seconds=0.3)
    assert found.text.endswith("train.en, first 400 pairs")
    assert found.updates >= found.target_tokens_per_second.rounds == found.peak_flops_per_second.rounds - 1 > 0
    assert set(found.parts) == set(PHASES) and min(found.parts.values()) > 0
    assert 0 <= found.padding < 0.5
    assert found.tokens_per_second.median > found.target_tokens_per_second.median > 0
    assert found.peak_share == pytest.approx(found.flops_per_second.median / found.peak_flops_per_second.median)
    assert found.parameters == sum(each.numel() for each in models.model(PAIRS, 300, 300).parameters())


def test_the_tokenizers_of_a_run_are_used(corpus: Corpus[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_products(monkeypatch)
    small = recipe_files.parse(tiny.RECIPE.replace("vocabulary_size = 300", "vocabulary_size = 290"), "small")
    preparation.train_tokenizers(tasks.of(small), corpus, tmp_path)
    found = throughput.training(PAIRS, corpus, device.choose("cpu", "float32"), 0.01, Run(tmp_path))
    assert found.parameters == sum(each.numel() for each in models.model(PAIRS, 290, 290).parameters())


def test_without_a_corpus_tokens_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    small_products(monkeypatch)
    assert throughput.training(PAIRS, None, device.choose("cpu", "float32"), 0.01).text == "random tokens"


def test_the_beginning_of_a_long_text_is_measured(corpus: Corpus[Any]) -> None:
    kind = tasks.of(PAIRS).workload()
    (text,) = corpus.train
    assert kind.beginning(text, 400) is text
    first = kind.beginning(text, 7)
    assert list(first.read()) == list(text.read())[:7] and first.origin == f"{text.origin}, first 7 pairs"
    play = tasks.of(TEXT.model_copy(update={"data": TEXT.data.model_copy(update={"corpus": "play"})})).find({})
    (text,) = play.train
    first = tasks.of(TEXT).workload().beginning(text, 1000)
    assert "".join(first.read()) == "".join(piece for piece, _ in text.pieces())[:1000]
    assert first.origin == f"{text.origin}, first 1,000 characters"
    assert tasks.of(TEXT).workload().beginning(text, 10**8) is text


class Shouter:
    """A translator that needs no time: every line in capitals, a token a word and one for the end."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        self.asked.append(len(lines))
        return [Translation(line, (Output(line.upper(), 0.0, 0.0, (*line.split(), "</s>"), ()),)) for line in lines]


def test_translating_counts_lines_tokens_and_answers_alone() -> None:
    shouter: Any = Shouter()
    found = throughput.translating("shouter", shouter, ["a b c", "", " ", "d e f"] * 20, seconds=0.2)
    assert found.engine == "shouter" and found.lines == 40
    assert set(shouter.asked) == {16, 40, 1}
    assert found.tokens_per_second.median == pytest.approx(4 * found.lines_per_second.median)
    assert found.first_answer_seconds.rounds == shouter.asked.count(1)
    with pytest.raises(RunError, match="no line to translate"):
        throughput.translating("shouter", shouter, ["", "  "], seconds=0.2)


def test_loading_times_a_command_and_tells_why_it_failed() -> None:
    command: Callable[[str], list[str]] = lambda code: [sys.executable, "-S", "-c", code]  # noqa: E731
    found = throughput.loading(command("pass"), seconds=0.1)
    assert found.rounds >= 1 and 0 < found.median < 60
    with pytest.raises(RunError, match="ended with 3: no model"):
        throughput.loading(command("import sys; print('no model', file=sys.stderr); sys.exit(3)"), seconds=0.1)
