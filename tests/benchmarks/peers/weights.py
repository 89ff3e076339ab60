"""The weights of a run of seqx in a model of Hugging Face's, and in JoeyNMT's names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seq2seq.storage.tensors import read_weights
from tests.benchmarks.peers.setting import PAD
from tests.support.marian_names import LAYER, PACKED


def read(run: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The values of [model], and the weights. Raises ValueError where no peer has such a model."""
    model: dict[str, Any] = tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8"))["model"]
    for key, value in (("positions", "sinusoidal"), ("tie", "all"), ("activation", "relu"), ("normalization", "layer")):
        if model[key] != value:
            raise ValueError(f"{run}: peers have no model of model.{key} = {model[key]}, only of {value}")
    return model, read_weights(run / "model.safetensors")


def in_transformers(run: Path) -> Any:
    """MarianMTModel where norms come after the sums; where they come before, M2M100, the same otherwise."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, MarianConfig, MarianMTModel

    from tests.benchmarks.peers.marian_loop import sizes

    model, found = read(run)
    embedding = embedding_of(found)
    kind, config = (
        (MarianMTModel, MarianConfig) if model["norm"] == "post" else (M2M100ForConditionalGeneration, M2M100Config)
    )
    common = {**sizes(0), "encoder_layers": model["encoder_layers"], "decoder_layers": model["decoder_layers"]}
    made = kind(
        config(
            vocab_size=len(embedding), d_model=model["d_model"], encoder_ffn_dim=model["d_ff"],
            decoder_ffn_dim=model["d_ff"], encoder_attention_heads=model["n_heads"],
            decoder_attention_heads=model["n_heads"], **common,
        )
    ).eval()  # fmt: skip
    theirs: dict[str, Tensor] = {"model.shared.weight": embedding}
    for name, weight in found.items():
        stack, part, *rest = name.split(".", 2)
        if part == "blocks":
            number, inner = rest[0].split(".", 1)
            for there, piece in _renamed(inner, weight):
                theirs[f"model.{stack}.layers.{number}.{there}"] = piece
        elif part == "norm":
            theirs[f"model.{stack}.layer_norm.{rest[0]}"] = weight
    left, unknown = made.load_state_dict(theirs, strict=False)
    tied = ("embed_tokens.weight", "lm_head.weight", "embed_positions.weight", "final_logits_bias")
    wrong = [name for name in left if not name.endswith(tied)] + list(unknown)
    assert not wrong, f"weights without a place, or places without weights: {wrong}"
    for stack in (made.model.encoder, made.model.decoder):
        _place(stack.embed_positions, model["d_model"])
    made.generation_config.max_length = None
    return made


def embedding_of(found: dict[str, Tensor]) -> Tensor:
    """The one matrix of source, target and head."""
    return next(found[f"{name}.weight"] for name in ("target_embedding", "source_embedding", "head")
                if f"{name}.weight" in found)  # fmt: skip


def sinusoids(count: int, width: int) -> Tensor:
    """Section 3.5: sines and cosines by turns, (count, width)."""
    angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)


def _renamed(inner: str, weight: Tensor) -> list[tuple[str, Tensor]]:
    name, kind = inner.rsplit(".", 1)
    if name in PACKED:
        parts = PACKED[name]
        return [(f"{part}.{kind}", each) for part, each in zip(parts, weight.chunk(len(parts)), strict=True)]
    return [(f"{there}.{kind}", weight) for there, here in LAYER.items() if here == name]


def _place(positions: Any, width: int) -> None:
    """Give a module of theirs our order of sines and cosines; M2M100 counts from just after the padding token."""
    with torch.no_grad():
        if hasattr(positions, "weights"):
            positions.weights = torch.cat((torch.zeros(PAD + 1, width), sinusoids(len(positions.weights), width)))
        else:
            positions.weight.copy_(sinusoids(len(positions.weight), width))
