"""The encoder-decoder of "Attention Is All You Need": logits = decode(target, encode(source)).

Shapes: B batch, S source length, T target length, C model width, V target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.model.dropout import Dropout
from seq2seq.model.positions import Sinusoidal
from seq2seq.model.state import Cache, KeyValue, State


# A pre-norm state still holds its input's embedding, which a tied head of full scale would predict to come again: its
# last norm starts small, as if the head's deviation were this.
_HEAD_DEVIATION = 0.02


class Embedding(nn.Embedding):
    """Token vectors times √d_model (section 3.4), with deviation 1/√d_model, so that the sum starts at deviation 1."""

    def reset_parameters(self) -> None:
        """Draw the vectors."""
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> (B, T, C)."""
        return super().forward(tokens) * math.sqrt(self.embedding_dim)


class Transformer(nn.Module):
    """Encoder and decoder stacks, embeddings tied as the recipe says (section 3.4)."""

    def __init__(self, model: recipe.Model, source_vocabulary: int, target_vocabulary: int) -> None:
        super().__init__()
        sizes = (model.d_model, model.d_ff, model.n_heads)
        self.target_embedding = Embedding(target_vocabulary, model.d_model)
        if model.tie == "all":
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocabulary, model.d_model)
        self.positions = Sinusoidal(model.d_model, 2 * model.max_length)
        self.dropout = Dropout(model.dropout)
        self.encoder = nn.ModuleList(
            Block(*sizes, causal=False, dropout=model.dropout, norm=model.norm) for _ in range(model.encoder_layers)
        )
        self.decoder = nn.ModuleList(
            CrossBlock(*sizes, dropout=model.dropout, norm=model.norm) for _ in range(model.decoder_layers)
        )
        # Pre-norm leaves the residual stream unnormalised: each stack then ends with a norm of its own.
        self.encoder_norm = nn.LayerNorm(model.d_model) if model.norm == "pre" else nn.Identity()
        self.decoder_norm = nn.LayerNorm(model.d_model) if model.norm == "pre" else nn.Identity()
        if isinstance(self.decoder_norm, nn.LayerNorm):
            nn.init.constant_(self.decoder_norm.weight, _HEAD_DEVIATION * model.d_model**0.5)
        self.head = nn.Linear(model.d_model, target_vocabulary, bias=False)
        if model.tie == "none":
            nn.init.normal_(self.head.weight, std=model.d_model**-0.5)
        else:
            self.head.weight = self.target_embedding.weight

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the head's input comes from."""
        if isinstance(self.decoder_norm, nn.LayerNorm):
            return self.decoder_norm
        return cast(CrossBlock, self.decoder[-1]).feed_forward_residual.norm

    def encode(self, source: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Source (B, S) -> memory (B, S, C). Masks broadcast to (B, H, S, S): (B, 1, 1, S) for padding, or any
        graph."""
        x = self.dropout(self.positions(self.source_embedding(source)))
        for block in self.encoder:
            x = block(x, source_mask)
        return self.encoder_norm(x)  # type: ignore[no-any-return]

    def decode(self, target: Tensor, memory: Tensor, memory_mask: Tensor | None = None) -> Tensor:
        """Target (B, T) over memory (B, S, C) -> states (B, T, C); position t sees target up to t."""
        x = self.dropout(self.positions(self.target_embedding(target)))
        for block in self._decoder_layers():
            x = block(x, block.project(memory), memory_mask)
        return self.decoder_norm(x)  # type: ignore[no-any-return]

    def hidden(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """The states before `head`, (B, T, C): what a loss over a large vocabulary takes."""
        return self.decode(target, self.encode(source, source_mask), source_mask)

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """Source (B, S), source_mask (B, 1, 1, S) or None, target (B, T) -> logits (B, T, V)."""
        return self.head(self.hidden(source, source_mask, target))  # type: ignore[no-any-return]

    def start(self, source: Tensor, source_mask: Tensor | None = None) -> State:
        """Encode and make the decoding state of B sentences."""
        memory = self.encode(source, source_mask)
        memories: list[KeyValue] = [block.project(memory) for block in self._decoder_layers()]
        return State([Cache() for _ in self.decoder], memories, source_mask)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> logits (N, T, V); `state` takes them in."""
        x = self.positions(self.target_embedding(tokens), start=state.length)
        for block, memory, cache in zip(self.decoder, state.memories, state.caches, strict=True):
            x = block(x, memory, state.memory_mask, cache)
        state.length += tokens.size(1)
        return self.head(self.decoder_norm(x))  # type: ignore[no-any-return]

    def _decoder_layers(self) -> Iterator[CrossBlock]:
        return cast(Iterator[CrossBlock], iter(self.decoder))
