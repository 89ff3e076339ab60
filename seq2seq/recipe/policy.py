"""The section of a recipe that trains a policy: what rewards it, and how it is updated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seq2seq.recipe.section import Count, Name, Number, Positive, Section, Size, Weight

Share = Annotated[float, Number, Field(ge=0, le=1)]
Factor = Annotated[float, Number, Field(gt=0, le=1e6)]


class Policy(Section):
    """Proximal policy optimisation (Schulman et al., 2017) of the run it starts from. Numbers are those of Ouyang et
    al. (2022) and of the libraries that followed, where nothing else is said."""

    reward: str | None = Field(
        None,
        min_length=1,
        description="run folder of a reward model; or, for control runs, constant, or rater: that of data.rater",
    )
    reward_recipe: Name | None = Field(None, description="where reward is unset: the run of this recipe under runs/")
    estimator: Literal["gae", "rloo"] = Field(
        "gae", description="of advantages: a value network, or the other completions of a prompt"
    )
    rollouts: Size = Field(128, description="completions drawn for each phase of updates")
    group: Size = Field(1, description="completions of each prompt among them; rloo needs 2 or more")
    minibatches: Size = Field(4, description="updates for each pass over the rollouts of a phase")
    epochs: Size = Field(4, description="passes over the rollouts of a phase")
    temperature: float = Field(1.0, gt=0, le=100, description="of the distribution that is drawn from and trained")
    max_tokens: Size = Field(32, description="most tokens of a completion, its end counted")
    kl: Weight = Field(0.05, description="coefficient of the KL divergence from the start, in the reward")
    kl_target: float | None = Field(
        None, gt=0, description="nats per completion to which the coefficient adapts; unset = it is fixed"
    )
    kl_horizon: Positive = Field(10_000, description="completions over which it adapts")
    discount: Share = Field(1.0, description="gamma of gae")
    decay: Share = Field(0.95, description="lambda of gae")
    clip: Factor = Field(0.2, description="most that a probability ratio may usefully differ from 1")
    value_clip: Factor = Field(0.2, description="most that a value may usefully change in a phase")
    value_weight: Weight = Field(0.1, description="of the value loss beside the policy loss")
    end_penalty: Weight = Field(1.0, description="taken from the score of a completion that does not end")
    validate_prompts: Size = Field(128, description="held-out prompts that a validation completes")
    best_of: Count = Field(
        16, description="completions of the start for each of them: best-of-n, for comparison; 0 = none"
    )

    @model_validator(mode="after")
    def _groups_are_whole(self) -> Policy:
        if self.estimator == "rloo" and self.group < 2:
            raise ValueError('estimator = "rloo" compares completions of one prompt: set group = 2 or more')
        if self.rollouts % self.group:
            raise ValueError(f"group = {self.group} does not divide rollouts = {self.rollouts}")
        if self.rollouts % self.minibatches:
            raise ValueError(f"minibatches = {self.minibatches} does not divide rollouts = {self.rollouts}")
        return self
