"""torch.nn.Transformer as its documentation has it, with embeddings, positions and a tied head around it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.peers.buckets import batches, shifted
from tests.benchmarks.peers.setting import BOS, PAD, Done, Setting
from tests.benchmarks.peers.weights import sinusoids


class Translator(nn.Module):
    """Post-norm, sinusoidal positions, one embedding for all."""

    positions: Tensor

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        width = setting.d_model
        self.embedding = nn.Embedding(setting.vocabulary, width, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.register_buffer("positions", sinusoids(512, width))
        self.dropout = nn.Dropout(setting.dropout)
        self.layers = nn.Transformer(
            width, setting.heads, setting.layers, setting.layers, setting.d_ff, setting.dropout, batch_first=True
        )

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Source (B, S), target (B, T) -> logits (B, T, V)."""
        padding = source == PAD
        causal = nn.Transformer.generate_square_subsequent_mask(target.size(1), dtype=torch.bool)
        states = self.layers(
            self._embedded(source), self._embedded(target), tgt_mask=causal, src_key_padding_mask=padding,
            memory_key_padding_mask=padding, tgt_is_causal=True,
        )  # fmt: skip
        return F.linear(states, self.embedding.weight)

    def _embedded(self, tokens: Tensor) -> Tensor:
        scaled = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        return self.dropout(scaled + self.positions[: tokens.size(1)])  # type: ignore[no-any-return]


def train(setting: Setting, done: Done) -> None:
    torch.manual_seed(1)
    model = Translator(setting).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=setting.learning_rate, betas=(0.9, 0.98), eps=1e-9, fused=True)
    for source, target in batches(setting.pairs(), setting.batch_tokens):
        with torch.autocast("cpu", torch.bfloat16, enabled=setting.precision == "bfloat16"):
            loss = F.cross_entropy(
                model(source, shifted(target, BOS)).flatten(0, 1), target.flatten(), ignore_index=PAD,
                label_smoothing=setting.label_smoothing,
            )  # fmt: skip
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        done(int((target != PAD).sum()))
