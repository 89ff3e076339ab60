"""The model is the one that Marian trains and Hugging Face's MarianMTModel runs: same weights, same logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.model.transformer import Transformer
from seq2seq.storage.tensors import load_weights
from tests.support.fakes import padding_mask, tiny_recipe
from tests.support.marian_names import LAYER, PACKED


def marian(vocabulary: int) -> Any:
    """A Marian model of random weights, biases and gains."""
    transformers = pytest.importorskip("transformers", reason="the [hf] extra is not installed")
    sizes = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 3, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    config = transformers.MarianConfig(
        vocab_size=vocabulary, pad_token_id=0, eos_token_id=3, decoder_start_token_id=2, forced_eos_token_id=3,
        max_position_embeddings=32, activation_function="relu", scale_embedding=True, tie_word_embeddings=True,
        share_encoder_decoder_embeddings=True, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        **sizes, **heads,
    )  # fmt: skip
    model = transformers.MarianMTModel(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embed_positions" not in name:
                weight.normal_(std=0.3)
    return model


def in_our_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Marian's weights under the names of ours."""
    renamed = {"target_embedding.weight": weights["model.shared.weight"]}
    for stack, layers in (("encoder", 2), ("decoder", 3)):
        for layer in range(layers):
            theirs, ours = f"model.{stack}.layers.{layer}", f"{stack}.blocks.{layer}"
            for kind in ("weight", "bias"):
                for there, here in LAYER.items():
                    if f"{theirs}.{there}.{kind}" in weights:
                        renamed[f"{ours}.{here}.{kind}"] = weights[f"{theirs}.{there}.{kind}"]
                for here, parts in PACKED.items():
                    if f"{theirs}.{parts[0]}.{kind}" in weights:
                        renamed[f"{ours}.{here}.{kind}"] = torch.cat(
                            [weights[f"{theirs}.{part}.{kind}"] for part in parts]
                        )
    return renamed


def test_marian_weights_give_the_logits_of_marian() -> None:
    theirs = marian(vocabulary=29)
    sizes = tiny_recipe(d_model=16, d_ff=24, n_heads=4, encoder_layers=2, decoder_layers=3)
    ours = Transformer(sizes, 29, 29).eval()
    load_weights(ours, in_our_names(theirs.state_dict()), Path("marian"))
    # Marian puts all sines before all cosines; the paper, and we, have them by turns.
    ours.positions.table = theirs.model.encoder.embed_positions.weight.detach()

    source, target, mask = torch.randint(1, 29, (3, 9)), torch.randint(1, 29, (3, 6)), padding_mask([9, 5, 2])
    with torch.no_grad():
        expected = theirs(input_ids=source, attention_mask=mask[:, 0, 0].long(), decoder_input_ids=target).logits
        logits = ours(source, mask, target)
    assert torch.allclose(logits, expected, rtol=0, atol=1e-5)
