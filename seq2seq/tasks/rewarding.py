"""A reward model as a judge of texts: their rewards, and the best of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from seq2seq import tasks
from seq2seq.data.conversations import Turn
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.model.scored import Scored
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import models, reward_run

_ROWS = 64  # of a forward pass


class Rewarder:
    """Rewards of completions; `recipe` is that of a run of the task that the reward model started from."""

    def __init__(self, scored: Scored, recipe: Recipe, tokenizers: Tokenizers, numerics: Numerics) -> None:
        self._scored = scored
        self._recipe = recipe
        self._tokenizers = tokenizers
        self._numerics = numerics

    def rewards(self, prompts: Sequence[Sequence[Turn]], completions: Sequence[str]) -> list[float | None]:
        """The reward of a completion of each prompt; None where one is blank, or both are too long for the model."""
        layout = models.architecture(self._recipe).layout
        encoded = models.encode_prompts(self._recipe, self._tokenizers, prompts)
        sides = self._tokenizers.target.encode(completions)
        lengths = np.array([(len(prompt), len(side)) for prompt, side in zip(encoded, sides)]).reshape(-1, 2)
        longest = layout.longest(lengths)
        fits = (lengths.min(axis=1) > 0) & (longest < self._recipe.model.max_length)
        order = [int(row) for row in np.argsort(longest, kind="stable") if fits[row]]
        rewards: list[float | None] = [None] * len(completions)
        with torch.no_grad():
            for begin in range(0, len(order), _ROWS):
                rows = order[begin : begin + _ROWS]
                batch = layout.collate([encoded[row] for row in rows], [sides[row] for row in rows])
                batch = batch.to(self._numerics.device)
                with self._numerics.context():
                    found = self._scored.rewards(batch.inputs, batch.labels, batch.mask)
                for row, reward in zip(rows, found.tolist()):
                    rewards[row] = reward
        return rewards

    def best(self, prompt: Sequence[Turn], candidates: Sequence[str]) -> tuple[int, float | None]:
        """Which of several completions of a prompt has the highest reward, the first of equals, and the reward; the
        first, and None, where none has one."""
        rewards = self.rewards([prompt] * len(candidates), candidates)
        known = [(reward, -number) for number, reward in enumerate(rewards) if reward is not None]
        if not known:
            return 0, None
        reward, number = max(known)
        return -number, reward


def open_rewarder(run: Run, numerics: Numerics, writer: Run | None = None) -> Rewarder:
    """Open a finished reward model; `writer` is a run whose texts it is to judge. Raises RunError where it is none, was
    made for a run of another task than the writer, or reads by another tokenizer."""
    reward_run.must_be_reward_model(run)
    recipe = run.recipe()
    if writer is not None:
        if tasks.serving(writer) != recipe.base:
            own = tasks.named(writer.task).described(writer)
            raise RunError(
                f"{run.path} rewards what {tasks.named(recipe.base).plural} write, and {writer.path} is {own}: name a "
                "reward model that started from a run like it"
            )
        reward_run.must_share_tokenizer(run, writer)
    task = tasks.of(recipe)
    scored = task.trained(run, numerics.device)
    assert isinstance(scored, Scored)
    base = recipe.model_copy(update={"task": recipe.base})
    return Rewarder(scored, base, models.read_tokenizers(recipe, run.path), numerics)


def of_text(text: str) -> tuple[Turn, ...]:
    """A text as a prompt."""
    return (Turn("user", text),)
