"""Tokens to vectors, and states to logits."""

from __future__ import annotations

import math

from torch import Tensor, nn

from seq2seq import recipe

_UNSCALED = 0.02  # GPT-2's deviation
# A pre-norm state still holds its input's embedding, which a tied head predicts to come again: the last norm starts so
# small that this raises the loss by no more than these nats. How far a state points along that embedding at first is 1
# where the residual branches start at zero; with branches as drawn three quarters is on the safe side.
_OWN_INPUT = 0.16
_ALONG_OWN_INPUT = {"zero": 1.0, "scaled": 0.75, "full": 0.75}


class Embedding(nn.Embedding):
    """Token vectors. Scaled: times √d_model (section 3.4), drawn with deviation 1/√d_model, so that the product starts
    at deviation 1; otherwise as drawn, with deviation 0.02."""

    def __init__(self, vocabulary: int, d_model: int, *, scaled: bool = True) -> None:
        self.deviation = d_model**-0.5 if scaled else _UNSCALED
        self.scale = math.sqrt(d_model) if scaled else 1.0
        super().__init__(vocabulary, d_model)

    def reset_parameters(self) -> None:
        """Draw the vectors."""
        nn.init.normal_(self.weight, std=self.deviation)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> (B, T, C)."""
        return super().forward(tokens) * self.scale


def last_norm(model: recipe.Model, norm: nn.Module, embedding: Embedding) -> nn.Module:
    """What a stack ends with before the head: `norm` where layers are pre-norm, scaled for the head; else nothing.

    A state of norm √d along an embedding of deviation σ gives that token the logit dσg, with a gain g.
    """
    if model.norm == "post":
        return nn.Identity()
    assert isinstance(norm.weight, nn.Parameter)
    logit = math.log1p(math.expm1(_OWN_INPUT) * embedding.num_embeddings)
    own = embedding.embedding_dim * embedding.deviation * _ALONG_OWN_INPUT[model.residual_start]
    nn.init.constant_(norm.weight, min(1.0, logit / own))
    return norm


def head_on(embedding: Embedding, *, tied: bool) -> nn.Linear:
    """The map from states to logits: the embedding's own matrix, or one of the same deviation."""
    head = nn.Linear(embedding.embedding_dim, embedding.num_embeddings, bias=False)
    if tied:
        head.weight = embedding.weight
    else:
        nn.init.normal_(head.weight, std=embedding.deviation)
    return head
