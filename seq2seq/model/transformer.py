"""The encoder-decoder of "Attention Is All You Need": logits = head(decoder(target, encoder(source))).

Shapes: B batch, N hypotheses, S source length, T target length, C model width, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from seq2seq.model import flops
from seq2seq.model.blocks import Block, CrossBlock
from seq2seq.model.components import initialise
from seq2seq.model.embedding import Embedding
from seq2seq.model.heads import VocabularyHead, scale_last_norm
from seq2seq.model.positions import added_positions
from seq2seq.model.stack import Decoder, Encoder, matrices_of
from seq2seq.model.state import State
from seq2seq.recipe import Model as ModelConfig


class Transformer(nn.Module):
    """Encoder and decoder, embeddings tied as the recipe says (section 3.4)."""

    def __init__(self, config: ModelConfig, source_vocabulary: int, target_vocabulary: int) -> None:
        super().__init__()
        self.target_embedding = Embedding(target_vocabulary, config.d_model, scaled=config.scale_embedding)
        if config.tie == "all":
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocabulary, config.d_model, scaled=config.scale_embedding)
        self.positions = added_positions(config, 2 * config.max_length)
        self.encoder = Encoder(config, self.source_embedding, self.positions)
        self.decoder = Decoder(config, self.target_embedding, self.positions)
        initialise(self.encoder.blocks, config)
        initialise(self.decoder.blocks, config)
        scale_last_norm(self.decoder.norm, self.target_embedding, config)
        self.head: nn.Linear = VocabularyHead(self.target_embedding, tied=config.tie != "none")

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation that the head's input comes from."""
        return self.decoder.last_norm

    def layers(self) -> list[Block | CrossBlock]:
        """The layers of the encoder, then those of the decoder."""
        return [*self.encoder.layers(), *self.decoder.layers()]

    def matrices(self) -> list[nn.Parameter]:
        """The matrices of the layers, in their order: what Muon takes."""
        return matrices_of(self.layers())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Embeddings, layers, then last norms and head. Gradient norms are summed in this order, which decides the
        last bits of every update: with another order, existing runs could not resume exactly."""
        last = ("encoder.norm.", "decoder.norm.", "head.")
        named = super().named_parameters(prefix, recurse, remove_duplicate)
        yield from sorted(named, key=lambda item: item[0].removeprefix(f"{prefix}.").startswith(last))

    def hidden(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """The states before `head`, (B, T, C): what a loss over a large vocabulary takes."""
        return self.decoder(target, self.encoder(source, source_mask), source_mask)  # type: ignore[no-any-return]

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """Source (B, S), source_mask (B, 1, 1, S) or None, target (B, T) -> logits (B, T, V)."""
        return self.head(self.hidden(source, source_mask, target))  # type: ignore[no-any-return]

    def forward_flops(self, source: Tensor, source_mask: Tensor | None, target: Tensor, *, counted: Tensor) -> float:
        """FLOPs that a forward pass needs for the labels `counted` (B, T), bool, with the formulas of `flops`: encoder
        and projected memory for S source positions, decoder and head for T target positions."""
        S = flops.lengths(torch.ones_like(source) if source_mask is None else source_mask[:, 0, 0])
        T, width = flops.lengths(counted), self.head.in_features
        project = [block.cross_attention.key_value.weight for block in self.decoder.layers()]
        per_target = flops.of_causal_attention(width, T) + flops.of_attention(width, T, S)
        return (
            flops.of_weights([*self.encoder.matrices(), *project], S)
            + flops.of_weights(self.decoder.matrices(), T)
            - flops.of_weights(project, T)
            + flops.of_weights([self.head.weight], counted)
            + self.encoder.attention_flops(S)
            + len(self.decoder.blocks) * per_target
        )

    def begin_decoding(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> tuple[State, Tensor]:
        """The state that has read the sources of a batch, and its target tokens, which follow."""
        return self.start(source, source_mask), target

    def start(self, source: Tensor, source_mask: Tensor | None = None) -> State:
        """Encode B sources and make their decoding state."""
        return self.decoder.start(self.encoder(source, source_mask), source_mask)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """The next tokens (N, T) of each hypothesis -> logits (N, T, V); `state` is updated."""
        return self.head(self.decoder.step(tokens, state))  # type: ignore[no-any-return]
