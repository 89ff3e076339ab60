"""Training a policy: phases of completions drawn from it, each followed by several updates; and its validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seq2seq.data.batches import Batch, BatchSource, Place
from seq2seq.data.corpus import Corpus
from seq2seq.device import Numerics
from seq2seq.model.actor_critic import ActorCritic
from seq2seq.recipe import Recipe
from seq2seq.recipe.policy import Policy as PolicySettings
from seq2seq.tasks.completions import Completer, EncodedPrompt, MeasuredCompletions, batch_of, placed
from seq2seq.tasks.workload import Costs, SecondsOfOne, Workload, WorkloadOfStart
from seq2seq.training.ppo import (
    ActorCriticLoss,
    AdaptiveKl,
    Advantages,
    Clipping,
    Estimator,
    FixedKl,
    Gae,
    PolicyLoss,
    Rloo,
    explained_variance,
    token_rewards,
)
from seq2seq.training.task import Prepared, Sample, Validation

_SAMPLES = 3
_MEASURED = 32  # prompts of a validation that is timed
_LEAST = 1e-6  # deviation of rewards: below it they are all the same
VALIDATION_SEED = 1_000_003  # of the completions of validations: the same numbers each time


class PolicyRollouts(BatchSource):
    """Batches of what the policy writes. A phase draws completions, numbered through the whole training run, and yields
    them `epochs` times, shuffled and in `minibatches`; checkpoints fall between phases."""

    ahead = False  # a phase is drawn from the weights that all updates before it made

    def __init__(self, settings: PolicySettings, prompts: Sequence[EncodedPrompt], seed: int) -> None:
        self.figures: dict[str, float] = {}  # of the completions of the present phase
        self._settings = settings
        self._prompts = prompts
        self._seed = seed
        self._kl = (
            FixedKl(settings.kl)
            if settings.kl_target is None
            else AdaptiveKl(settings.kl, settings.kl_target, settings.kl_horizon)
        )
        self._estimator: Estimator = (
            Rloo(settings.group) if settings.estimator == "rloo" else Gae(settings.discount, settings.decay)
        )
        self._scale: tuple[float, float] | None = None  # mean and deviation of the rewards of the start
        self._model: ActorCritic | None = None
        self._completer: Completer | None = None
        self._numerics: Numerics | None = None

    def use(self, model: ActorCritic, completer: Completer, numerics: Numerics) -> None:
        """Draw from the policy of a model from now on."""
        self._model, self._completer, self._numerics = model, completer, numerics

    def stream(self, start: Place) -> Iterator[tuple[Place, Batch]]:
        """A chunk is a phase. Raises RunError where the policy gives no finite probability."""
        chunk = start.chunk + (start.index >= self._updates)
        while True:
            for index, batch in enumerate(self._phase(chunk)):
                yield Place(chunk * self._taken // len(self._prompts), chunk, index), batch
            chunk += 1

    def boundary(self, place: Place) -> bool:
        """After the last update of a phase."""
        return place.index == self._updates - 1

    def state(self) -> Mapping[str, Any]:
        """The coefficient of the divergence, and how rewards are normalised."""
        mean, deviation = self._scale or (None, None)
        return {"kl_coefficient": self._kl.coefficient, "reward_mean": mean, "reward_deviation": deviation}

    def restore(self, state: Mapping[str, Any]) -> None:
        """A state; that of a run that made no update has no normalisation yet."""
        self._kl.coefficient = state.get("kl_coefficient", self._settings.kl)
        mean = state.get("reward_mean")
        self._scale = None if mean is None else (mean, state["reward_deviation"])

    def net(self, reward: float, divergence: float) -> float:
        """What the policy is trained to raise: a mean reward, normalised, less the cost of the divergence."""
        mean, deviation = self._scale or (0.0, 1.0)
        return (reward - mean) / deviation - self._kl.coefficient * divergence

    @property
    def _updates(self) -> int:
        """Of a phase."""
        return self._settings.epochs * self._settings.minibatches

    @property
    def _taken(self) -> int:
        """Prompts of a phase."""
        return self._settings.rollouts // self._settings.group

    def _phase(self, chunk: int) -> Iterator[Batch]:
        assert self._model is not None and self._completer is not None
        self._model.eval()  # the first phase comes before the first update turns dropout off
        settings = self._settings
        prompts = [prompt for prompt in self._drawn(chunk) for _ in range(settings.group)]
        completions = self._completer.complete(self._model.policy, prompts, self._seed, first=chunk * settings.rollouts)
        scores = self._normalised(completions.scores)
        unfinished = torch.tensor([not rollout.ended for rollout in completions.rollouts])
        scores = scores - settings.end_penalty * unfinished
        mask = completions.mask
        rewards = token_rewards(scores, completions.log_ratios, mask, self._kl.coefficient)
        values = self._values(completions)
        estimated = self._estimator(rewards, values, mask)
        figures = completions.figures()
        self.figures = figures | {
            "kl_coefficient": self._kl.coefficient,
            **({} if self._model.value is None else {"explained": explained_variance(values, estimated.returns, mask)}),
        }
        self._kl.update(figures["kl"], settings.rollouts)
        for epoch in range(settings.epochs):
            order = np.random.default_rng((self._seed, chunk, epoch)).permutation(settings.rollouts)
            for rows in np.array_split(order, settings.minibatches):
                yield self._batch(completions, values, estimated, sorted(map(int, rows)))

    def _drawn(self, chunk: int) -> list[EncodedPrompt]:
        """The prompts of a phase: the next of an endless sequence of shuffled passes over all of them."""
        count = len(self._prompts)
        places = range(chunk * self._taken, (chunk + 1) * self._taken)
        passes = {place // count for place in places}
        orders = {number: np.random.default_rng((self._seed, number)).permutation(count) for number in passes}
        return [self._prompts[orders[place // count][place % count]] for place in places]

    def _normalised(self, scores: Tensor) -> Tensor:
        """Scores in units of their deviation on completions of the start, around their mean there; those that are all
        the same stay as they are. The first phase, which is of the start, decides, and the value network follows."""
        if self._scale is None:
            deviation = scores.std(correction=0).item()
            self._scale = (scores.mean().item(), deviation) if deviation > _LEAST else (0.0, 1.0)
            assert self._model is not None
            self._model.calibrate(*self._scale)
        mean, deviation = self._scale
        return (scores - mean) / deviation

    def _values(self, completions: MeasuredCompletions) -> Tensor:
        """The value of the state before each token, (N, L); 0 without a value network."""
        assert self._model is not None and self._completer is not None and self._numerics is not None
        value, numerics = self._model.value, self._numerics
        if value is None:
            return torch.zeros_like(completions.log_ratios)

        def measure(batch: Batch) -> Tensor:
            with numerics.context():
                values: Tensor = value.values(*batch.inputs)
            return values

        return self._completer.aligned(measure, completions.prompts, completions.rollouts)[0]

    def _batch(self, completions: MeasuredCompletions, values: Tensor, estimated: Advantages, rows: list[int]) -> Batch:
        assert self._completer is not None
        prompts = [completions.prompts[row].tokens for row in rows]
        batch = batch_of(self._completer.architecture.layout, prompts, [completions.rollouts[row] for row in rows])
        aligned = {
            "old_log_probabilities": completions.log_probabilities,
            "advantages": estimated.advantages,
            "old_values": values,
            "returns": estimated.returns,
        }
        mask = completions.mask[rows]
        extras = {name: placed(batch, numbers[rows], mask) for name, numbers in aligned.items()}
        return replace(batch, extras=extras)


class PolicyTraining:
    """A policy, its rewards and its validations. `opened(model, numerics)` makes what draws and measures completions,
    `begun(completer)` is called with it before the first update."""

    watched: str | None = None  # neither a policy's loss nor its reward shows divergence

    def __init__(
        self,
        recipe: Recipe,
        prompts: Sequence[EncodedPrompt],
        held_out: Sequence[EncodedPrompt],
        report: Mapping[str, Any],
        opened: Callable[[Numerics], Completer],
        begun: Callable[[Completer, Sequence[EncodedPrompt]], None],
    ) -> None:
        assert recipe.policy is not None
        self.report = report
        self._settings = recipe.policy
        self.held_out = held_out[: recipe.policy.validate_prompts]  # that a validation completes
        self._opened = opened
        self._begun = begun
        self._completer: Completer | None = None
        self._rollouts = PolicyRollouts(recipe.policy, prompts, recipe.training.seed)
        self.source: BatchSource = self._rollouts

    def objective(self, model: ActorCritic, numerics: Numerics) -> PolicyLoss:
        """The clipped losses."""
        if self._completer is None:
            self._completer = self._opened(numerics)
            self._begun(self._completer, self.held_out)
        self._rollouts.use(model, self._completer, numerics)
        loss = PolicyLoss if model.value is None else ActorCriticLoss
        settings = self._settings
        clipping = Clipping(settings.temperature, settings.clip, settings.value_clip, settings.value_weight)
        return loss(model, numerics, clipping, lambda: self._rollouts.figures)

    def first_loss(self, model: ActorCritic, numerics: Numerics) -> None:
        """It is 0 up to the whitening, whatever the model."""

    def validate(self, model: ActorCritic, numerics: Numerics) -> Validation:
        """Figures of completions of held-out prompts, and some of them."""
        assert self._completer is not None
        completions = self._completer.complete(model.policy, self.held_out, VALIDATION_SEED)
        texts = self._completer.texts(completions.rollouts[:_SAMPLES])
        shown = zip(self.held_out, texts)
        samples = [Sample(prompt.prompt[-1].content, prompt.reference, text) for (prompt, _), text in shown]
        return Validation(completions.figures(), tuple(samples))

    def ranking(self, figures: Mapping[str, float]) -> float:
        """What training maximises: the reward less the divergence; never the gold."""
        return self._rollouts.net(figures["reward"], figures["kl"])


class PolicyWorkload(WorkloadOfStart):
    """Prompts. The batches of a phase are drawn together, and the time for that counts as theirs."""

    unit = "prompts"
    beginning_size = 50_000

    def __init__(self, recipe: Recipe, base: Workload[Any], *, translates: bool) -> None:
        super().__init__(recipe, base)
        assert recipe.policy is not None
        self._settings = recipe.policy
        self._translates = translates
        self.together = self.drawn = recipe.policy.epochs * recipe.policy.minibatches

    @property
    def update(self) -> str:
        settings = self._settings
        part = settings.rollouts // settings.minibatches
        return f"{part:,} of {settings.rollouts:,} completions, which are drawn once for {self.together} updates"

    def lighter(self, corpus: Corpus[Any]) -> tuple[Recipe, float]:
        """With few completions beside those of the updates."""
        few = min(self._settings.validate_prompts, _MEASURED)
        return self._recipe.with_values({"policy": {"best_of": 0, "validate_prompts": few}}), 1.0

    def epoch_tokens(self, report: Mapping[str, Any], tokens_per_row: float) -> float:
        """Every prompt is completed by a group, and each completion learnt from several times."""
        settings = self._settings
        return float(report["prompts"]["kept"]) * settings.group * settings.epochs * tokens_per_row

    def costs(self, prepared: Prepared[Any], model: Any, numerics: Numerics, seconds: SecondsOfOne) -> Costs:
        """All of them are completions, which are measured as in a validation."""
        training, settings = prepared.training, self._settings
        assert isinstance(training, PolicyTraining)
        one = seconds(lambda count: training.validate(model, numerics), [len(training.held_out)])
        held_out = prepared.report["prompts"]["held_out"]
        validated = min(settings.validate_prompts, held_out)
        return Costs(
            whole=validated * one,
            translation=one if self._translates else 0.0,
            completion=one,
            first=settings.best_of * validated * one,
        )
