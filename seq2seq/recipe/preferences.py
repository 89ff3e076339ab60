"""The sections of a recipe that learns from comparisons: where they come from, and what is learnt of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seq2seq.recipe.section import Number, Section, Size, Weight


class Comparisons(Section):
    """Where comparisons come from: the corpus, or two samples each of the run it starts from, on the prompts of the
    corpus, that a simulated rater compares. Comparisons given by --data take the place of either."""

    rater: Literal["world", "chrf"] | None = Field(
        None, description="simulated rater of samples of the start; unset = the corpus is of comparisons"
    )
    pairs: Size = Field(4000, description="comparisons to train on, of as many prompts where there are that many")
    held_out: Size = Field(500, description="comparisons of held-out prompts, for each of dev and test")
    flipped: Annotated[float, Number, Field(ge=0, le=0.5)] = Field(
        0.1, description="share of the labels to train on that are flipped, as people disagree; 0.5 = by chance"
    )
    temperature: float = Field(1.0, gt=0, le=100, description="of the samples")
    max_tokens: Size = Field(32, description="most tokens of a sample, its end counted")
    seed: Annotated[int, Number, Field(ge=0, lt=2**63)] = 1
    centring: Weight = Field(
        0.01, description="of a reward model: weight of the squared sum of both rewards, which labels leave free"
    )
    likelihood: Weight = Field(
        0.0,
        description="of a reward model: nats down to which the log-likelihood of a completion counts too, at a weight "
        "that is learnt; 0 = it does not",
    )


class Preference(Section):
    """Direct preference optimisation (Rafailov et al., 2023)."""

    beta: float = Field(0.1, gt=0, le=1e3, description="of the log-ratio to the start: a smaller one goes further away")
    smoothing: Annotated[float, Number, Field(ge=0, lt=0.5)] = Field(
        0.0, description="share of the labels that is taken to be wrong"
    )
    imitation: Weight = Field(
        0.0, description="weight of the negative log-likelihood of the chosen side, per token, beside it"
    )
