"""Sentences a second of beam search: our PyTorch engine beside Hugging Face's `generate`, with the same weights.

    python -m tests.benchmarks.decoding --run runs/fr-en-multi30k --input test.fr [--sentences 1000] [--rounds 3]

A run of the paper's post-norm layers is loaded into a MarianMTModel, one of pre-norm layers into an
M2M100ForConditionalGeneration, which is the same with the norms before: both compute our logits. Both sides get the
same tokens in the same batches of like length, one thread, beam 5; the ways take turns, so that the machine's moods hit
all alike. Seconds are the processor's, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from seq2seq import build, device, recipe
from seq2seq.data.tokenizers import BOS, EOS, PAD
from seq2seq.decoding.engine import Options
from seq2seq.decoding.torch_engine import TorchEngine
from seq2seq.model.transformer import Transformer
from seq2seq.run import open_run

BEAM, EXTRA = 5, 50
_LAYER = {
    "attention.output": "self_attn.out_proj",
    "attention_residual.norm": "self_attn_layer_norm",
    "cross_attention.query": "encoder_attn.q_proj",
    "cross_attention.output": "encoder_attn.out_proj",
    "cross_attention_residual.norm": "encoder_attn_layer_norm",
    "feed_forward.inner": "fc1",
    "feed_forward.outer": "fc2",
    "feed_forward_residual.norm": "final_layer_norm",
}
_PACKED = {
    "attention.query_key_value": [f"self_attn.{part}_proj" for part in "qkv"],
    "cross_attention.key_value": [f"encoder_attn.{part}_proj" for part in "kv"],
}
Way = Callable[[], list[list[int]]]


def in_their_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under the names of Hugging Face's models."""
    shared = weights["target_embedding.weight"]
    renamed = dict.fromkeys(("model.shared.weight", "lm_head.weight"), shared)
    for stack in ("encoder", "decoder"):
        renamed[f"model.{stack}.embed_tokens.weight"] = shared
    for name, weight in weights.items():
        stack, _, rest = name.partition(".")
        if stack in ("encoder", "decoder"):
            layer, _, part = rest.partition(".")
            part, _, kind = part.rpartition(".")
            there = _PACKED.get(part, [_LAYER.get(part, "")])
            for one, chunk in zip(there, weight.chunk(len(there)), strict=True):
                renamed[f"model.{stack}.layers.{layer}.{one}.{kind}"] = chunk
        elif stack in ("encoder_norm", "decoder_norm"):
            renamed[f"model.{stack.removesuffix('_norm')}.layer_norm.{rest}"] = weight
    return renamed


def theirs(ours: Transformer, model: recipe.Model) -> Any:
    """Hugging Face's model of the same weights, in evaluation mode."""
    sizes: dict[str, Any] = {
        "vocab_size": ours.target_embedding.num_embeddings, "d_model": model.d_model,
        "encoder_layers": model.encoder_layers, "decoder_layers": model.decoder_layers,
        "encoder_ffn_dim": model.d_ff, "decoder_ffn_dim": model.d_ff,
        "encoder_attention_heads": model.n_heads, "decoder_attention_heads": model.n_heads,
        "max_position_embeddings": 2 * model.max_length, "activation_function": model.activation,
        "scale_embedding": model.scale_embedding, "pad_token_id": PAD, "bos_token_id": BOS, "eos_token_id": EOS,
        "decoder_start_token_id": BOS, "forced_eos_token_id": None,
    }  # fmt: skip
    pre = model.norm == "pre"
    kinds = ("M2M100Config", "M2M100ForConditionalGeneration") if pre else ("MarianConfig", "MarianMTModel")
    config, kind = (getattr(transformers, name) for name in kinds)
    made = kind(config(**sizes)).eval()
    missing, unexpected = made.load_state_dict(in_their_names(dict(ours.state_dict())), strict=False)
    assert not unexpected and all("positions" in name or "final_logits_bias" in name for name in missing)
    for stack in (made.model.encoder, made.model.decoder):
        places = stack.embed_positions  # M2M100 counts from the padding's number on, Marian from 0
        table = places.weights if pre else places.weight
        shift = PAD + 1 if pre else 0
        with torch.no_grad():
            table[shift : shift + 2 * model.max_length] = ours.positions.table[: table.size(0) - shift]
    return made


def searched(model: Any, sources: Sequence[Sequence[int]], alpha: float, autocast: device.Numerics) -> list[list[int]]:
    """What `generate` finds for one batch."""
    longest = max(map(len, sources)) + 1
    tokens = torch.tensor([[*source, EOS] + [PAD] * (longest - 1 - len(source)) for source in sources])
    with torch.inference_mode(), autocast.context():
        found = model.generate(
            input_ids=tokens, attention_mask=(tokens != PAD).long(), num_beams=BEAM, length_penalty=alpha,
            max_new_tokens=longest + EXTRA, do_sample=False, bad_words_ids=[[1], [BOS]],
        )  # fmt: skip
    return [[token for token in row.tolist() if token > EOS] for row in found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--input", type=Path, required=True, help="text to translate, one sentence a line")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run = open_run(asked.run)
    wanted, exact = run.recipe(), device.choose("cpu", "float32").numerics
    both = build.read_tokenizers(wanted, run.path)
    ours = build.trained_model(run, both, exact.device)
    assert isinstance(ours, Transformer)
    lines = asked.input.read_text(encoding="utf-8").split("\n")[: asked.sentences]
    sources = sorted(both.source.encode(lines), key=len)
    batches = [sources[start : start + asked.batch] for start in range(0, len(sources), asked.batch)]
    options = Options(BEAM, wanted.decoding.length_penalty, max_extra=EXTRA)
    hugging_face = theirs(ours, wanted.model)

    def our_way(numerics: device.Numerics) -> Way:
        engine = TorchEngine(ours, numerics)
        return lambda: [list(best.tokens) for batch in batches for (best,) in engine.translate(batch, options)]

    def their_way(model: Any) -> Way:
        return lambda: [
            found for batch in batches for found in searched(model, batch, wanted.decoding.length_penalty, exact)
        ]

    half = device.choose("cpu", "auto").numerics
    in_half = theirs(ours, wanted.model).to(torch.bfloat16)
    ways = {
        "ours float32": our_way(exact),
        "generate float32": their_way(hugging_face),
        "ours bfloat16": our_way(half),
        "generate bfloat16": their_way(in_half),
    }
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    outputs: dict[str, list[list[int]]] = {}
    for _ in range(asked.rounds):
        for way, translate in ways.items():
            start = time.process_time()
            outputs[way] = translate()
            speeds[way].append(len(sources) / (time.process_time() - start))
    same = sum(one == other for one, other in zip(outputs["ours float32"], outputs["generate float32"], strict=True))
    print(f"{len(sources)} sentences, beam {BEAM}; in float32 {same} outputs are the same")
    for way, found in speeds.items():
        precision = way.split()[1]
        ratio = statistics.median(found) / statistics.median(speeds[f"generate {precision}"])
        spread = f"{min(found):.1f}-{max(found):.1f}"
        print(f"{way:18} {statistics.median(found):7.1f} sentences/s ({spread}), {ratio:5.2f} x generate")


if __name__ == "__main__":
    main()
