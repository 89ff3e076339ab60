"""The decoder-only half of the Transformer: causal blocks alone, each position predicting the next token.

Shapes: B batch, N hypotheses, T length, C model width, V vocabulary.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.model.blocks import Block
from seq2seq.model.dropout import Dropout
from seq2seq.model.embedding import Embedding, head_on, last_norm
from seq2seq.model.one_token import one_token
from seq2seq.model.parts import parts_of, redraw
from seq2seq.model.positions import added_positions
from seq2seq.model.state import Cache, History, State


class Gpt(nn.Module):
    """A stack of the encoder's blocks, made causal; a text of any length is read through a window of `max_length`."""

    def __init__(self, model: recipe.Model, vocabulary: int) -> None:
        super().__init__()
        parts = parts_of(model)
        self.context = model.max_length
        self.embedding = Embedding(vocabulary, model.d_model, scaled=model.scale_embedding)
        self.positions = added_positions(model, model.max_length)
        self.dropout = Dropout(model.dropout)
        self.blocks = nn.ModuleList(
            Block(
                model.d_model,
                model.d_ff,
                model.n_heads,
                causal=True,
                dropout=model.dropout,
                norm=model.norm,
                parts=parts,
            )
            for _ in range(model.decoder_layers)
        )
        redraw(self.blocks, model)
        self.norm = last_norm(model, parts.norm(model.d_model), self.embedding)
        self.head = head_on(self.embedding, tied=model.tie != "none")

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the head's input comes from."""
        return (
            cast(Block, self.blocks[-1]).feed_forward_residual.norm if isinstance(self.norm, nn.Identity) else self.norm
        )

    def hidden(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> the states before `head`, (B, T, C); position t sees tokens up to t."""
        x = self.dropout(self.positions(self.embedding(tokens)))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V) of the tokens that follow."""
        return self.head(self.hidden(tokens))  # type: ignore[no-any-return]

    def start(self, prompt: Tensor) -> State:
        """The state that has read B prompts (B, P); of one longer than the context, the newest half a context."""
        newest = prompt if prompt.size(1) <= self.context else prompt[:, -max(1, self.context // 2) :]
        state = State(
            [Cache() for _ in self.blocks], [], None, history=History([newest]), layers=one_token(self.blocks)
        )
        if newest.size(1):
            self._read(newest, state)
        return state

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> logits (N, T, V); `state` takes them in.

        Where they would pass the context, the window moves: the newest half of it is read anew, from position 0.
        """
        T = tokens.size(1)
        assert state.history is not None
        state.history.append(tokens)
        if state.length + T > self.context:
            tokens = state.history.newest(max(T, self.context // 2))
            state.caches = [Cache() for _ in self.blocks]
            state.length, state.history = 0, History([tokens])
        return self.head(self._read(tokens, state)[:, -T:])  # type: ignore[no-any-return]

    def _read(self, tokens: Tensor, state: State) -> Tensor:
        x = self.positions(self.embedding(tokens), start=state.length)
        state.length += tokens.size(1)
        if tokens.size(1) == 1:
            x = x.squeeze(1)
            for layer, cache in zip(state.layers, state.caches, strict=True):
                x = layer(x, cache)
            return self.norm(x).unsqueeze(1)  # type: ignore[no-any-return]
        for block, cache in zip(self.blocks, state.caches, strict=True):
            x = block(x, cache=cache)
        return self.norm(x)  # type: ignore[no-any-return]
