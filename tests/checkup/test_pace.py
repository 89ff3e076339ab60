"""How fast a training and a translator are: arithmetic counted, time divided, rounds summed up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seq2seq import device, recipe
from seq2seq.checkup import pace, random_batches
from seq2seq.checkup.parts import PARTS, Watch, Watched
from seq2seq.checkup.sample import sample
from seq2seq.checkup.timing import spread
from seq2seq.checkup.work import Peak, of_update
from seq2seq.data.batches import SIDE_BY_SIDE, Batch, Place
from seq2seq.decoding.translation.outputs import Output, Translation
from seq2seq.errors import RunError
from seq2seq.recipe import files as recipe_files
from seq2seq.tasks import models
from seq2seq.training import optimisers, schedule
from seq2seq.training.loop import Progress, train
from seq2seq.training.objective import CrossEntropy
from tests.support import tiny

CPU = device.Numerics(torch.device("cpu"), None)
PAIRS, TEXT = recipe_files.parse(tiny.RECIPE, "tiny pairs"), recipe_files.parse(tiny.TEXT_RECIPE, "tiny text")
JOINED = recipe_files.parse(
    tiny.RECIPE.replace("d_model", 'architecture = "decoder-only"\nd_model').replace(
        "max_length = 32\n[train", "max_length = 64\n[train"
    ),
    "tiny joined",
)
WIDTH = PAIRS.model.d_model


def pairs_of(*lengths: tuple[int, int]) -> Batch:
    return random_batches.of_pairs(lengths, 100, SIDE_BY_SIDE, torch.Generator().manual_seed(1))


def test_spread_is_the_median_and_the_tenths() -> None:
    found = spread([float(value) for value in range(11, 0, -1)])
    assert (found.median, found.p10, found.p90, found.rounds) == (6, 2, 10, 11)
    assert spread([3.0]).p10 == spread([3.0]).p90 == 3.0


def counted(model: models.Model, batch: Batch) -> int:
    """What torch counts of a forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        CrossEntropy(model, CPU, 0.1)(batch, 1).loss.backward()  # type: ignore[no-untyped-call]
    return counter.get_total_flops()


def hidden_by_the_mask(length: int, layers: int) -> int:
    """FLOPs of causal self-attention that are computed and then masked, of one row."""
    return 3 * layers * WIDTH * (4 * length * length - 2 * length * (length + 1))


def test_the_work_of_an_update_is_what_torch_counts_less_what_masks_hide() -> None:
    pairs = models.model(PAIRS, 100, 100)
    batch = pairs_of((7, 5), (7, 5))
    assert of_update(pairs, batch) == counted(pairs, batch) - 2 * hidden_by_the_mask(5, PAIRS.model.decoder_layers)
    text = models.model(TEXT, 100, 100)
    batch = random_batches.of_text(12, 3, 100, torch.Generator().manual_seed(1))
    assert of_update(text, batch) == counted(text, batch) - 3 * hidden_by_the_mask(12, TEXT.model.decoder_layers)


def test_padding_is_no_work() -> None:
    model = models.model(PAIRS, 100, 100)
    apart = [of_update(model, pairs_of(lengths)) for lengths in ((3, 9), (8, 4))]
    assert of_update(model, pairs_of((3, 9), (8, 4))) == sum(apart)


def test_what_a_joined_row_predicts_is_only_its_target() -> None:
    model = models.model(JOINED, 100, 100)
    layout = models.architecture(JOINED).layout
    short, long = (
        random_batches.of_pairs([(source, 4)], 100, layout, torch.Generator().manual_seed(1)) for source in (4, 5)
    )
    a_token = (
        3 * 2 * sum(each.numel() for name, each in model.named_parameters() if "blocks" in name and each.dim() > 1)
    )
    assert a_token < of_update(model, long) - of_update(model, short) < 1.2 * a_token


def watched_training(watch: Watch | None) -> list[Progress]:
    torch.manual_seed(3)
    model = models.model(PAIRS, 100, 100)
    updates = train(
        list(model.parameters()),
        optimisers.for_recipe(PAIRS, model),
        schedule.for_recipe(PAIRS),
        repeat((Place(), pairs_of((7, 5), (3, 6)))),
        CrossEntropy(Watched(model, watch) if watch else model, CPU, 0.1),
        CPU,
        accumulate=2,
    )
    return list(islice(updates, 4))


def test_a_watched_training_is_the_same_training() -> None:
    plain, watched = watched_training(None), watched_training(Watch(lambda: None))
    assert [each.loss.item() for each in plain] == [each.loss.item() for each in watched]
    assert [each.gradient_norm.item() for each in plain] == [each.gradient_norm.item() for each in watched]


def test_every_part_has_its_time_and_they_make_up_the_whole() -> None:
    ticks = iter(range(10_000))
    watch = Watch(lambda: None, clock=lambda: float(next(ticks)))
    model = models.model(PAIRS, 100, 100)

    def batches() -> Iterator[tuple[Place, Batch]]:
        while True:
            for _ in range(10):
                next(ticks)  # what reading takes
            yield Place(), pairs_of((7, 5), (3, 6))

    updates = train(
        list(model.parameters()),
        optimisers.for_recipe(PAIRS, model),
        schedule.for_recipe(PAIRS),
        batches(),
        CrossEntropy(Watched(model, watch), CPU, 0.1),
        CPU,
    )
    for _ in range(2):
        watch.start()
        next(updates)
        assert watch.parts() == {"data": 11, "forward": 1, "loss": 1, "backward": 1, "optimiser": 1}


def test_threads_that_compute_side_by_side_share_the_time_of_their_passes() -> None:
    now = 0.0
    watch = Watch(lambda: None, clock=lambda: now)
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
            thread.submit(watch.enter, part).result()
    now = 11
    # Forward 2 + 3, loss 1, backward 5 + 3 of 14 seconds of threads, in 8 seconds.
    spent = {"data": 1, "forward": 8 * 5 / 14, "loss": 8 * 1 / 14, "backward": 8 * 8 / 14, "optimiser": 2}
    assert watch.parts() == pytest.approx(spent)


def test_the_peak_is_of_the_fastest_size() -> None:
    peak = Peak(CPU, sizes=(2, 96))
    for _ in range(3):
        peak.measure(0.0)
    size, found = peak.best()
    assert size == 96 and found.rounds == 3 and 0 < found.p10 <= found.median <= found.p90


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> recipe.Recipe:
    """The tiny recipe, with its corpus in a mirror."""
    (tmp_path / "nowhere").mkdir()
    for split, count, seed in (("train", 400, 1), ("dev", 5, 2), ("test", 5, 3)):
        tiny.write_pairs(tmp_path / "nowhere", split, tiny.pairs(count, seed))
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    return PAIRS


def test_a_sample_is_of_the_recipes_own_text(stored: recipe.Recipe, tmp_path: Path) -> None:
    found = sample(stored, tmp_path / "scratch")
    batches = [batch for _, batch in islice(found.batches, 20)]
    assert found.origin.endswith("train.en, first 400 pairs")
    assert found.vocabularies == (300, 300) and all(batch.labels.max() < 300 for batch in batches)
    assert all(batch.labels.numel() <= stored.training.batch_tokens for batch in batches)
    assert len({batch.labels.shape for batch in batches}) > 3


def test_a_sample_of_running_text_fills_its_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQX_DATA", raising=False)
    play = TEXT.model_copy(update={"data": TEXT.data.model_copy(update={"corpus": "play"})})
    found = sample(play, tmp_path)
    _, batch = next(found.batches)
    assert "characters" in found.origin and batch.labels.size(1) == TEXT.model.max_length
    assert batch.padded == batch.filled


def test_where_there_is_no_text_a_sample_is_random(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQX_DATA", raising=False)
    found = sample(PAIRS, tmp_path)
    assert found.origin == "random tokens" and next(found.batches)[1].tokens > 0


def test_a_training_is_measured_and_adds_up(stored: recipe.Recipe) -> None:
    found = pace.training(stored, device.choose("cpu", "float32"), seconds=0.5)
    assert found.updates >= found.target_tokens_per_second.rounds == found.peak_flops_per_second.rounds - 1 > 0
    assert set(found.parts) == set(PARTS) and min(found.parts.values()) > 0
    assert 0 <= found.padding < 0.5
    assert found.tokens_per_second.median > found.target_tokens_per_second.median > 0
    assert found.peak_share == pytest.approx(found.flops_per_second.median / found.peak_flops_per_second.median)
    assert found.parameters == sum(each.numel() for each in models.model(stored, 300, 300).parameters())


class Shouter:
    """A translator that needs no time: every line in capitals, a token a word and one for the end."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        self.asked.append(len(lines))
        return [Translation(line, (Output(line.upper(), 0.0, 0.0, (*line.split(), "</s>"), ()),)) for line in lines]


def test_translating_counts_lines_tokens_and_answers_alone() -> None:
    shouter: Any = Shouter()
    found = pace.translating("shouter", shouter, ["a b c", "", " ", "d e f"] * 20, seconds=0.2)
    assert found.engine == "shouter" and found.lines == 40
    assert set(shouter.asked) == {16, 40, 1}
    assert found.tokens_per_second.median == pytest.approx(4 * found.lines_per_second.median)
    assert found.first_answer_seconds.rounds == shouter.asked.count(1)
    with pytest.raises(RunError, match="no line to translate"):
        pace.translating("shouter", shouter, ["", "  "], seconds=0.2)


def test_loading_times_a_command_and_tells_why_it_failed() -> None:
    command: Callable[[str], list[str]] = lambda code: [sys.executable, "-S", "-c", code]  # noqa: E731
    found = pace.loading(command("pass"), seconds=0.1)
    assert found.rounds >= 1 and 0 < found.median < 60
    with pytest.raises(RunError, match="ended with 3: no model"):
        pace.loading(command("import sys; print('no model', file=sys.stderr); sys.exit(3)"), seconds=0.1)
