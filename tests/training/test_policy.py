"""A task that today's are not: a policy, trained on what it samples itself, through the same session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq import device
from seq2seq.data.batches import Batch, BatchSource, Place
from seq2seq.data.tokenizers import EOS
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.recipe import AdamW
from seq2seq.run import Run
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.faults import Fault, Health, Reader
from seq2seq.training.loop import Progress, train
from seq2seq.training.objective import Measured
from seq2seq.training.session import Event, Session, Stopped, Validated
from seq2seq.training.task import Validation
from tests.support.fakes import tiny_gpt
from tests.support.sessions import final, rows, tiny_recipe

REWARDED = 0  # a label as any other: it is the padding of other tasks
START, LENGTH, ROWS, PARTS = 4, 9, 256, 2


class Rollouts(BatchSource):
    """What the model writes, each rollout in two batches; its reward is the share of one token, less what is usual."""

    ahead = False

    def __init__(self, model: Gpt) -> None:
        self._model = model
        self._usual = torch.zeros(())
        self._count = 0

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """A chunk is a rollout."""
        chunk = start.chunk + (start.index == PARTS)
        while True:
            for index, batch in enumerate(self._rollout(chunk).pieces(PARTS)):
                yield Place(0, chunk, index), batch
            chunk += 1

    def boundary(self, place: Place) -> bool:
        """After the last batch of a rollout."""
        return place.index == PARTS - 1

    def state(self) -> Mapping[str, Any]:
        """A tensor and a number."""
        return {"usual": self._usual, "count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """As they were."""
        self._usual, self._count = state.get("usual", torch.zeros(())), state.get("count", 0)

    @torch.no_grad()
    def _rollout(self, chunk: int) -> Batch:
        self._model.eval()
        generator = torch.Generator().manual_seed(chunk)
        tokens = torch.full((ROWS, 1), START)
        for _ in range(LENGTH):
            chances = self._model(tokens)[:, -1].softmax(-1)
            tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
        labels = tokens[:, 1:].contiguous()
        mask = (labels == EOS).cumsum(1) - (labels == EOS).long() == 0  # up to the first end
        rewards = ((labels == REWARDED) & mask).float().mean(1)
        advantages = rewards - self._usual
        self._count += 1
        self._usual = self._usual + (rewards.mean() - self._usual) / min(self._count, 10)
        count = int(mask.sum())
        return Batch((tokens[:, :-1],), labels, count, labels.numel(), count, mask, {"advantages": advantages})


class Reinforce:
    """The policy gradient (Williams, 1992): log-probabilities, weighted by advantages."""

    def __init__(self, model: Gpt) -> None:
        self._model = model

    def begin(self, step: int) -> None:
        """Without dropout: what is trained is what was sampled from."""
        self._model.eval()

    def __call__(self, batch: Batch, step: int) -> Measured:
        """Figure: how often the token that is rewarded was drawn."""
        assert not self._model.training and batch.mask is not None
        logits = self._model(*batch.inputs)
        surprise = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), reduction="none")
        weighted = surprise.view_as(batch.mask) * batch.extras["advantages"][:, None]
        return Measured((weighted * batch.mask).sum(), {"rewarded": ((batch.labels == REWARDED) & batch.mask).sum()})


class Policy:
    """Validated by its reward."""

    watched = None
    report: Mapping[str, Any] = {}

    def __init__(self, model: Gpt) -> None:
        self.source = Rollouts(model)

    def objective(self, model: Gpt, numerics: Numerics) -> Reinforce:
        """Of a policy."""
        return Reinforce(model)

    def first_loss(self, model: Gpt, numerics: Numerics) -> None:
        """Nothing is foreseen."""

    @torch.no_grad()
    def validate(self, model: Gpt, numerics: Numerics) -> Validation:
        """The chance of the token at the start."""
        return Validation({"reward": float(model.eval()(torch.tensor([[START]])).softmax(-1)[0, 0, REWARDED])}, ())

    def ranking(self, figures: Mapping[str, float]) -> float:
        """By reward."""
        return figures["reward"]


def session(folder: Path, steps: int) -> Session:
    torch.manual_seed(1)
    model = tiny_gpt(12, deviation=0.2, dropout=0.5)
    usual = tiny_recipe(steps=steps, validate_every=15, learning_rate=0.01, schedule="linear", average_last=2)
    recipe = usual.model_copy(update={"optimizer": AdamW()})
    run = Run(folder)
    run.claim(recipe)
    return Session(run, recipe, model, Policy(model), device.choose("cpu", "float32"))  # type: ignore[arg-type]


def test_a_policy_reaches_its_reward(tmp_path: Path) -> None:
    events = list(session(tmp_path / "run", 120).events())
    updates = [event for event in events if isinstance(event, Progress)]
    validated = [event for event in events if isinstance(event, Validated)]
    assert not any(isinstance(event, Fault) for event in events)
    assert updates[0].figures["rewarded"] < 0.2 and updates[-1].figures["rewarded"] > 0.9
    assert [row["dev_reward"] for row in rows(tmp_path / "run")] == [each.figures["reward"] for each in validated]
    assert validated[-1].figures["reward"] > 0.9


class Swinging:
    """An objective whose loss moves about zero, without any trend, as a policy's does."""

    def __init__(self, weight: nn.Parameter) -> None:
        self._weight = weight

    def begin(self, step: int) -> None:
        """There is no dropout."""

    def __call__(self, batch: Batch, step: int) -> Measured:
        """Figure: one that never moves."""
        loss = self._weight * batch.tokens * torch.randn((), generator=torch.Generator().manual_seed(step))
        return Measured(loss, {"steady_part": torch.tensor(float(batch.tokens))})


@pytest.mark.parametrize(("watched", "alarms"), [("loss", True), ("steady_part", False), (None, False)])
def test_divergence_is_looked_for_in_the_figure_that_the_task_names(watched: str | None, alarms: bool) -> None:
    weight = nn.Parameter(torch.ones(()))
    labels = torch.ones(2, 3, dtype=torch.long)
    batches = repeat((Place(), Batch((labels,), labels, 6, 6, 6)))
    numerics = Numerics(torch.device("cpu"), None)
    updates = train([weight], torch.optim.SGD([weight], 0.0), lambda step: 0.0, batches, Swinging(weight), numerics)
    reader, health = Reader(watched), Health()
    read = (each for update in islice(updates, 500) for each in reader.read(update, all_of_them=True))
    faults = [fault for each in read for fault in health.take(each, 1)]
    assert all(fault.kind == "divergence" for fault in faults) and bool(faults) == alarms


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    events = list(session(run, 61).events())
    # Half of a rollout is never left behind: 15, 45 and 61 updates end within one.
    assert [event.step for event in events if isinstance(event, Validated)] == [16, 30, 46, 60, 62]
    assert events[-1] == Stopped(62, "all steps done", finished=True)
    return run


# At a boundary before any checkpoint, and within a rollout after several.
@pytest.mark.parametrize("asked", [6, 47])
def test_it_stops_at_boundaries_and_resumed_is_uninterrupted_bit_for_bit(
    whole: Path, tmp_path: Path, asked: int
) -> None:
    seen: list[Event] = []
    for event in session(tmp_path / "stopped", 61).events(
        lambda: any(isinstance(each, Progress) and each.step == asked for each in seen[-1:])
    ):
        seen.append(event)
    assert seen[-1] == Stopped(asked + asked % 2, "interrupted", finished=False)
    resumed = list(session(tmp_path / "stopped", 61).events())
    assert resumed[-1] == Stopped(62, "all steps done", finished=True)
    expected, found = final(whole), final(tmp_path / "stopped")
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(tmp_path / "stopped") == rows(whole)
    assert Run(tmp_path / "stopped").record()["weights"]["steps"] == [60, 62]


def test_the_pieces_of_a_batch_keep_what_belongs_to_their_rows() -> None:
    labels = torch.arange(10).view(5, 2)
    mask = labels % 3 == 0
    extras: dict[str, Tensor] = {"sides": torch.arange(20).view(5, 2, 2)}
    batch = Batch((labels,), labels, int(mask.sum()), 10, 10, mask, extras)
    pieces = batch.pieces(2)
    assert [piece.tokens for piece in pieces] == [2, 2]
    for name in ("labels", "mask"):
        assert torch.equal(torch.cat([getattr(piece, name) for piece in pieces]), getattr(batch, name))
    assert torch.equal(torch.cat([piece.extras["sides"] for piece in pieces]), extras["sides"])
    moved = batch.to(torch.device("meta"))
    assert all(part is not None and part.is_meta for part in (*moved.inputs, moved.labels, moved.mask))
    assert moved.extras["sides"].is_meta and moved.tokens == batch.tokens
    assert batch.share(0, 9).tokens == 1 and batch.share(8, 9).counted().tolist() == []  # type: ignore[union-attr]


def test_a_checkpoint_has_the_state_of_its_source_and_those_of_today_have_none(tmp_path: Path) -> None:
    list(session(tmp_path / "run", 15).events())
    path = checkpoint.folder(tmp_path / "run" / "checkpoints", 16)
    assert checkpoint.state_of(path)["source"] == {"count": 8}
