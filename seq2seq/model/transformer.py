"""The encoder-decoder of "Attention Is All You Need": logits = decode(target, encode(source)).

Shapes: B batch, S source length, T target length, C model width, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding, head_on, last_norm
from seq2seq.model.parts import parts_of, redraw
from seq2seq.model.positions import added_positions
from seq2seq.model.state import Cache, KeyValue, State


class Transformer(nn.Module):
    """Encoder and decoder stacks, embeddings tied as the recipe says (section 3.4)."""

    def __init__(self, model: recipe.Model, source_vocabulary: int, target_vocabulary: int) -> None:
        super().__init__()
        parts = parts_of(model)
        sizes = (model.d_model, model.d_ff, model.n_heads)
        scaled = model.scale_embedding
        self.target_embedding = Embedding(target_vocabulary, model.d_model, scaled=scaled)
        if model.tie == "all":
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocabulary, model.d_model, scaled=scaled)
        self.positions = added_positions(model, 2 * model.max_length)
        self.dropout = Dropout(model.dropout)
        self.encoder = nn.ModuleList(
            Block(*sizes, causal=False, dropout=model.dropout, norm=model.norm, parts=parts)
            for _ in range(model.encoder_layers)
        )
        self.decoder = nn.ModuleList(
            CrossBlock(*sizes, dropout=model.dropout, norm=model.norm, parts=parts) for _ in range(model.decoder_layers)
        )
        redraw(self.encoder, model)
        redraw(self.decoder, model)
        # Pre-norm leaves the residual stream unnormalised: each stack then ends with a norm of its own.
        self.encoder_norm = parts.norm(model.d_model) if model.norm == "pre" else nn.Identity()
        self.decoder_norm = last_norm(model, parts.norm(model.d_model), self.target_embedding)
        self.head = head_on(self.target_embedding, tied=model.tie != "none")

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the head's input comes from."""
        if isinstance(self.decoder_norm, nn.Identity):
            return cast(CrossBlock, self.decoder[-1]).feed_forward_residual.norm
        return self.decoder_norm

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
