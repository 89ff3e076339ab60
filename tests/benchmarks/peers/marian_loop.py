"""Hugging Face's MarianMTModel in a plain loop over batches of like length; and its `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import MarianConfig, MarianMTModel

from tests.benchmarks.peers import weights
from tests.benchmarks.peers.buckets import batches, padded, shifted
from tests.benchmarks.peers.setting import BOS, EOS, PAD, Done, Setting, Translate


def train(setting: Setting, done: Done) -> None:
    model = new(setting).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=setting.learning_rate, betas=(0.9, 0.98), eps=1e-9, fused=True)
    for source, target in batches(setting.pairs(), setting.batch_tokens):
        with torch.autocast("cpu", torch.bfloat16, enabled=setting.precision == "bfloat16"):
            logits = model(
                input_ids=source, attention_mask=(source != PAD).long(), decoder_input_ids=shifted(target, BOS)
            ).logits
            loss = F.cross_entropy(
                logits.flatten(0, 1), target.flatten(), ignore_index=PAD, label_smoothing=setting.label_smoothing
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        done(int((target != PAD).sum()))


def new(setting: Setting) -> Any:
    """An untrained model of the setting's size."""
    return MarianMTModel(
        MarianConfig(
            vocab_size=setting.vocabulary, d_model=setting.d_model, dropout=setting.dropout, **sizes(setting.layers),
            encoder_ffn_dim=setting.d_ff, decoder_ffn_dim=setting.d_ff, encoder_attention_heads=setting.heads,
            decoder_attention_heads=setting.heads,
        )
    )  # fmt: skip


def sizes(layers: int) -> dict[str, Any]:
    """What both a new and a trained model have in common."""
    return {
        "encoder_layers": layers, "decoder_layers": layers, "max_position_embeddings": 512,
        "activation_function": "relu", "scale_embedding": True, "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True, "attention_dropout": 0.0, "activation_dropout": 0.0, "pad_token_id": PAD,
        "bos_token_id": BOS, "eos_token_id": EOS, "decoder_start_token_id": BOS, "forced_eos_token_id": None,
    }  # fmt: skip


def translator(setting: Setting) -> Translate:
    model = weights.in_transformers(Path(setting.run))
    if setting.precision == "bfloat16":
        model = model.to(torch.bfloat16)
    text = sentencepiece.SentencePieceProcessor(model_file=str(Path(setting.run) / "tokenizer.model"))

    def generate(rows: list[list[int]]) -> Tensor:
        source = padded(rows)
        made: Tensor = model.generate(
            input_ids=source, attention_mask=(source != PAD).long(), num_beams=setting.beam_size, do_sample=False,
            length_penalty=setting.length_penalty, max_new_tokens=source.size(1) + 50, early_stopping=True,
        )  # fmt: skip
        return made

    def translate(lines: Sequence[str]) -> list[str]:
        rows = text.encode(list(lines))
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        outputs = [""] * len(rows)
        for start in range(0, len(order), setting.batch_sentences):
            places = order[start : start + setting.batch_sentences]
            with torch.inference_mode():
                made = generate([rows[place] for place in places]).tolist()
            for place, tokens in zip(places, made):
                outputs[place] = text.decode([token for token in tokens if token not in (PAD, BOS, EOS)])
        return outputs

    return translate
