"""A run improved by its rewards: the first pass, resuming, control runs, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq import device, tasks
from seq2seq.data.batches import Place
from seq2seq.errors import RecipeError, RunError
from seq2seq.lifecycle import averaging
from seq2seq.model.scored import Scored
from seq2seq.recipe import Recipe
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights
from seq2seq.tasks import preparation
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Session, Stopped, Validated
from seq2seq.training.task import TrainingTask
from tests.support import tiny
from tests.support.sessions import final, rows, session, stop_after, tiny_corpus, updates

POLICY = f"""
task = "policy"
summary = "tiny"
[start]
[data]
corpus = "nowhere"
max_length = 30
rater = "chrf"
{tiny.POLICY}[optimizer]
kind = "adamw"
[training]
steps = 12
learning_rate = 1e-2
warmup_steps = 1
validate_every = 4
average_last = 1
precision = "float32"
"""


def recipe(start: Path, *changes: str) -> Recipe:
    file = start.parent / "policy.toml"
    file.write_text(POLICY)
    return recipe_files.load(file, list(changes), start=start)


def policy(start: Path, folder: Path, *changes: str) -> Session:
    return session(recipe(start, *changes), tiny_corpus(), folder)


@pytest.fixture(scope="module")
def whole(start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """A run that nothing interrupted, and its events."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, list(policy(start, folder).events())


def test_the_first_pass_has_ratio_1_and_divergence_0(whole: tuple[Path, list[Event]]) -> None:
    """Though the start was trained with dropout."""
    first, second, *later = updates(whole[1])
    for progress in (first, second):
        assert progress.figures["kl"] == 0 and progress.figures["kl_k3"] == 0
    assert abs(first.figures["step_kl"].item()) < 1e-6 and first.figures["clip_share"] == 0
    assert any(progress.figures["kl_k3"] > 1e-4 for progress in later)


def test_a_finished_policy_serves_as_its_start_does(whole: tuple[Path, list[Event]], start: Path) -> None:
    run = Run(whole[0])
    weights, before = final(run.path), final(start)
    assert weights.keys() == before.keys() and not all(torch.equal(weights[name], before[name]) for name in weights)
    assert tasks.serving(run) == "translation"
    tasks.of(run.recipe()).judge(run, device.choose("cpu", "float32"), lambda message: None)
    record = run.record()
    figures = {"reward", "gold", "kl", "kl_k3", "entropy", "length", "ended"}
    assert figures <= record["scores"]["rollouts"].keys() and record["scores"]["rollouts"]["start"]["kl_k3"] == 0
    assert {score["name"] for score in record["scores"]["test"]["scores"]} == {"BLEU", "chrF2", "TER"}
    assert [row["n"] for row in record["best_of"]] == [1, 2, 3]
    assert (run.path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    opened = open_translator(run, EngineChoice(device="cpu"))
    assert isinstance(opened.translator.translate(["un chat"])[0].text, str)
    validated = [event for event in whole[1] if isinstance(event, Validated)]
    assert [row["dev_gold"] for row in rows(run.path)] == [event.figures["gold"] for event in validated]
    assert all(event.figures["gold"] == event.figures["reward"] for event in validated)


@pytest.mark.parametrize("asked", [1, 5, 8])
def test_resumed_is_uninterrupted_bit_for_bit(
    whole: tuple[Path, list[Event]], start: Path, tmp_path: Path, asked: int
) -> None:
    seen: list[Event] = []
    for event in policy(start, tmp_path / "run").events(lambda: len(updates(seen)) >= asked):
        seen.append(event)
    assert seen[-1] == Stopped(-(-asked // 4) * 4, "interrupted", finished=False)  # at the end of a phase
    list(policy(start, tmp_path / "run").events())
    assert_same(tmp_path / "run", whole[0])


def test_killed_is_uninterrupted(whole: tuple[Path, list[Event]], start: Path, tmp_path: Path) -> None:
    stop_after(2, policy(start, tmp_path / "run").events())
    stop_after(10, policy(start, tmp_path / "run").events())
    list(policy(start, tmp_path / "run").events())
    assert_same(tmp_path / "run", whole[0])


def assert_same(run: Path, other: Path) -> None:
    expected, found = final(other), final(run)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(run) == rows(other)


def test_the_loss_depends_neither_on_how_a_batch_is_cut_nor_on_padding(start: Path, tmp_path: Path) -> None:
    training = policy(start, tmp_path / "run")
    stop_after(3, training.events())
    task = prepared(start, tmp_path / "run")
    numerics = device.choose("cpu", "float32").numerics
    objective = task.objective(training.model, numerics)
    _, batch = next(task.source.stream(Place(0, 7, 0)))
    measured = objective(batch, 1)
    pieces = [objective(piece, 1) for piece in batch.pieces(3)]
    assert sum(piece.loss.item() for piece in pieces) == pytest.approx(measured.loss.item(), rel=1e-5, abs=1e-5)
    for name, figure in measured.figures.items():
        assert sum(piece.figures[name].item() for piece in pieces) == pytest.approx(figure.item(), rel=1e-4, abs=1e-4)
    source, mask, target = batch.inputs
    assert source is not None and target is not None

    def wider(part: torch.Tensor) -> torch.Tensor:
        return torch.cat([part, torch.zeros(len(part), 2, dtype=part.dtype)], dim=1)

    hidden = torch.zeros(*source.shape[:1], 1, 1, 3, dtype=torch.bool)
    shown = torch.ones_like(source[:, None, None], dtype=torch.bool) if mask is None else mask
    padded = type(batch)(
        (torch.cat([source, source[:, :3]], dim=1), torch.cat([shown, hidden], dim=-1), wider(target)),
        wider(batch.labels), batch.tokens, 0, 0, wider(batch.mask),
        {name: wider(extra) for name, extra in batch.extras.items()},
    )  # fmt: skip
    assert objective(padded, 1).loss.item() == pytest.approx(measured.loss.item(), rel=1e-5, abs=1e-5)


def prepared(start: Path, folder: Path) -> TrainingTask[Any]:
    wanted = recipe(start)
    choice = device.choose("cpu", "float32")
    return preparation.prepare(tasks.of(wanted), tiny_corpus(), Run(folder), choice, lambda message: None).training


def test_a_constant_reward_moves_nothing_without_a_value_network(start: Path, tmp_path: Path) -> None:
    control = ["policy.reward=constant", "policy.estimator=rloo", "policy.group=2", "policy.end_penalty=0"]
    events = list(policy(start, tmp_path / "run", *control, "optimizer.weight_decay=0").events())
    before = final(start)
    assert all(torch.equal(weight, before[name]) for name, weight in final(tmp_path / "run").items())
    assert all(progress.gradient_norm == 0 for progress in updates(events))


def test_a_checkpoint_is_a_usable_run(whole: tuple[Path, list[Event]], start: Path, tmp_path: Path) -> None:
    made = averaging.average(Run(whole[0]), [12], tmp_path / "made")
    assert read_weights(made.weights).keys() == final(start).keys()
    stop_after(6, policy(start, tmp_path / "run").events())
    stopped = Run(tmp_path / "run")
    assert list(averaging.finish_early(stopped)) == []
    assert final(stopped.path).keys() == final(start).keys()


def test_a_policy_can_be_improved_again(whole: tuple[Path, list[Event]], tmp_path: Path) -> None:
    wanted = recipe(whole[0], "training.steps=4")
    assert wanted.serves == "translation"
    again = session(wanted, tiny_corpus(), tmp_path / "again")
    first = next(event for event in again.events() if isinstance(event, Progress))
    assert first.figures["kl_k3"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["policy.estimator=rloo"], 'estimator = "rloo" compares completions of one prompt: set group = 2'),
        (["policy.group=3"], "group = 3 does not divide rollouts = 8"),
        (["policy.minibatches=9"], "minibatches = 9 does not divide rollouts = 8"),
        (["data.rater=bleu"], "data.rater"),
        (["training.accumulate=2"], "set fewer of them"),
        (["policy.temperature=0"], "policy.temperature"),
        (["policy.kl_horizon=5"], "has no effect with policy.kl_target unset"),
        (["policy.estimator=rloo", "policy.group=2", "policy.decay=0.5"], "policy.decay has no effect"),
        (["policy.batch_size=3"], "unknown key policy.batch_size"),
    ],
)
def test_values_that_do_not_fit_are_refused(start: Path, changes: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe(start, *changes)


def test_a_rater_is_needed_to_be_rewarded_by_one(start: Path, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY.replace('rater = "chrf"\n', ""))
    with pytest.raises(RecipeError, match="needs a rater: set data"):
        recipe_files.load(file, start=start)


def test_a_policy_needs_a_start(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY.replace("[start]\n", ""))
    with pytest.raises(RecipeError, match="begins from a run that was trained before"):
        recipe_files.load(file)


REWARD = """
task = "reward"
summary = "tiny"
[start]
[data]
corpus = "nowhere"
[comparisons]
rater = "chrf"
pairs = 16
held_out = 4
max_tokens = 6
likelihood = 8.0
[optimizer]
kind = "adamw"
[training]
steps = 4
batch_tokens = 256
learning_rate = 1e-2
warmup_steps = 1
validate_every = 4
precision = "float32"
"""


@pytest.fixture(scope="module")
def reward(start: Path) -> Path:
    """A finished reward model; its tests must not change it."""
    file = start.parent / "reward.toml"
    file.write_text(REWARD)
    list(session(recipe_files.load(file, start=start), tiny_corpus(), start.parent / "reward").events())
    return start.parent / "reward"


def test_the_value_network_is_the_reward_model_in_units_of_the_normalised_reward(
    start: Path, reward: Path, tmp_path: Path
) -> None:
    training = policy(start, tmp_path / "run", f"policy.reward={reward}")
    run, numerics = Run(tmp_path / "run"), device.choose("cpu", "float32").numerics
    assert run.record()["reward"]["run"] == str(reward)
    wanted = recipe(start, f"policy.reward={reward}")
    task = preparation.prepare(
        tasks.of(wanted), tiny_corpus(), run, device.choose("cpu", "float32"), lambda _: None
    ).training
    task.objective(training.model, numerics)
    _, batch = next(task.source.stream(Place()))
    assert batch.mask is not None
    scored: Any = tasks.of(Run(reward).recipe()).trained(Run(reward), numerics.device)
    with torch.no_grad():
        expected = Scored.rewards(scored, batch.inputs, batch.labels, batch.mask)  # but for the likelihood
    state = task.source.state()
    places = torch.arange(batch.mask.size(1)).expand_as(batch.mask)
    last = places.masked_fill(~batch.mask, -1).amax(1, keepdim=True)
    found = batch.extras["old_values"].gather(1, last).squeeze(1)
    assert state["reward_deviation"] != 1
    assert torch.allclose(found, (expected - state["reward_mean"]) / state["reward_deviation"], atol=1e-4)


def test_a_policy_against_a_reward_model_resumes_where_that_is_gone(start: Path, reward: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(reward, tmp_path / "moved"))
    stop_after(6, policy(start, tmp_path / "run", f"policy.reward={moved}").events())
    shutil.rmtree(moved)
    events = list(policy(start, tmp_path / "run", f"policy.reward={moved}").events())
    assert events[-1] == Stopped(12, "all steps done", finished=True)
    assert final(tmp_path / "run").keys() == final(start).keys()


def test_a_reward_model_of_another_tokenizer_is_refused(start: Path, reward: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(reward, tmp_path / "other"))
    (other / "tokenizer.model").write_bytes(b"another")
    with pytest.raises(RunError, match=r"has another tokenizer than .*: train one that starts from the same run"):
        policy(start, tmp_path / "run", f"policy.reward={other}")


def rewards(start: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Rewards that cannot be used, and what is said of each."""
    yield str(tmp_path / "none"), "has no trained reward model; train it first, `seqx train --recipe none`"
    yield str(start), r"is a translator \(fr to en\), not a reward model"


def test_what_is_no_reward_model_is_refused(start: Path, tmp_path: Path) -> None:
    for number, (reward, message) in enumerate(rewards(start, tmp_path)):
        with pytest.raises(RunError, match=message):
            policy(start, tmp_path / f"run{number}", f"policy.reward={reward}")


def test_its_record_says_what_it_stands_on(whole: tuple[Path, list[Event]], start: Path, tmp_path: Path) -> None:
    record = json.loads((whole[0] / "run.json").read_text())
    assert record["lineage"][0]["run"] == str(start) and record["prompts"]["kept"] == 30
    copied = Path(shutil.copytree(whole[0], tmp_path / "copied"))
    assert tasks.of(Run(copied).recipe()).does == "translates fr to en"
