"""JoeyNMT: its own TrainManager, iterator and model on the prepared pieces; its own search with the weights of a run.

It computes in float32 on a CPU, whatever it is asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from joeynmt.config import parse_global_args, set_validation_args
from joeynmt.data import load_data
from joeynmt.model import build_model
from joeynmt.prediction import predict
from joeynmt.training import TrainManager
from torch import Tensor

from tests.benchmarks.peers import weights
from tests.benchmarks.peers.setting import Done, Setting, Translate

_SWAPPED = [1, 0]  # it has <unk> before <pad>


def train(setting: Setting, done: Done) -> None:
    class Told(TrainManager):  # type: ignore[misc]
        """The manager, which says, when an update begins, that the one before is done."""

        before = 0

        def _train_step(self, batch: Any) -> Any:
            if self.before:
                done(self.before)
            self.before = int(batch.ntokens)
            return super()._train_step(batch)

    pieces = {"lang": "", "level": "word", "max_length": 256, "voc_file": _vocabulary(setting, setting.text)}
    given = _config(setting, "post", {"layers": setting.layers, "width": setting.d_model, "inner": setting.d_ff,
                                      "heads": setting.heads})  # fmt: skip
    for split in ("train", "dev"):
        for side in ("fr", "en"):
            link = Path(setting.scratch) / f"{split}.{side}"
            link.unlink(missing_ok=True)
            link.symlink_to(setting.file(f"{split}.{side}.pieces"))
        given["data"][split] = f"{setting.scratch}/{split}"
    given["data"]["src"], given["data"]["trg"] = {**pieces, "lang": "fr"}, {**pieces, "lang": "en"}
    arguments = parse_global_args(given, rank=0, mode="train")
    source, target, training, dev, _ = load_data(arguments.data, datasets=["train", "dev"])
    torch.manual_seed(1)
    model = build_model(arguments.model, src_vocab=source, trg_vocab=target)
    model.loss_function = ("crossentropy", setting.label_smoothing)
    Told(
        rank=0, model=model, model_dir=arguments.model_dir, device=arguments.device, n_gpu=0, num_workers=0,
        autocast=arguments.autocast, seed=1, train_args=arguments.train, dev_args=set_validation_args(arguments.test),
    ).train_and_validate(train_data=training, valid_data=dev)  # fmt: skip


def translator(setting: Setting) -> Translate:
    run = Path(setting.run)
    model, found = weights.read(run)
    if model["encoder_layers"] != model["decoder_layers"]:
        raise ValueError(f"{run}: this benchmark gives JoeyNMT as many layers on either side")
    given = _config(setting, model["norm"], {"layers": model["encoder_layers"], "width": model["d_model"],
                                             "inner": model["d_ff"], "heads": model["n_heads"]})  # fmt: skip
    pieces = {"level": "word", "max_length": -1, "voc_file": _vocabulary(setting, setting.run)}
    given["data"] |= {"test": "none", "src": {**pieces, "lang": "fr"}, "trg": {**pieces, "lang": "en"}}
    arguments = parse_global_args(given, rank=0, mode="test")
    source, target, _, _, empty = load_data(arguments.data, datasets=["stream"])
    made = build_model(arguments.model, src_vocab=source, trg_vocab=target)
    made.load_state_dict(_renamed(found, made.state_dict()))
    made.eval()
    text = sentencepiece.SentencePieceProcessor(model_file=str(run / "tokenizer.model"))

    def translate(lines: Sequence[str]) -> list[str]:
        data = copy.copy(empty)
        data.reset_cache()
        for line in lines:
            data.set_item(" ".join(text.encode(line, out_type=str)))
        outputs: list[str] = predict(
            model=made, data=data, compute_loss=False, device=arguments.device, rank=0, n_gpu=0, normalization="none",
            num_workers=0, args=arguments.test, autocast=arguments.autocast,
        )[2]  # fmt: skip
        return [text.decode(output.split()) for output in outputs]

    return translate


def _config(setting: Setting, norm: str, sizes: dict[str, int]) -> dict[str, Any]:
    stack = {
        "type": "transformer", "num_layers": sizes["layers"], "num_heads": sizes["heads"], "layer_norm": norm,
        "hidden_size": sizes["width"], "ff_size": sizes["inner"], "dropout": setting.dropout, "activation": "relu",
        "embeddings": {"embedding_dim": sizes["width"], "scale": True, "dropout": setting.dropout},
    }  # fmt: skip
    return {
        "name": "benchmark", "model_dir": setting.scratch, "use_cuda": False,
        "data": {"dataset_type": "plain", "special_symbols": {}},
        "model": {"initializer": "xavier_uniform", "tied_embeddings": True, "tied_softmax": True,
                  "encoder": copy.deepcopy(stack), "decoder": copy.deepcopy(stack)},
        "training": {
            "batch_size": setting.batch_tokens, "batch_type": "token", "label_smoothing": setting.label_smoothing,
            "optimizer": "adam", "adam_betas": [0.9, 0.98], "learning_rate": setting.learning_rate,
            "learning_rate_min": 0.0, "scheduling": "noam", "normalization": "tokens", "epochs": 1_000_000,
            "logging_freq": 1_000_000, "validation_freq": 1_000_000,
        },
        "testing": {"beam_size": setting.beam_size, "beam_alpha": setting.length_penalty,
                    "batch_size": setting.batch_sentences, "batch_type": "sentence"},
    }  # fmt: skip


def _vocabulary(setting: Setting, folder: str) -> str:
    """A file with a piece a line, as JoeyNMT numbers them after its own four."""
    model = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/tokenizer.model")
    path = Path(setting.scratch) / "vocabulary.txt"
    path.write_text("".join(model.id_to_piece(token) + "\n" for token in range(4, len(model))), encoding="utf-8")
    return str(path)


def _renamed(found: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under JoeyNMT's names; what is no weight stays as it is."""
    embedding = weights.embedding_of(found)
    embedding = torch.cat((embedding[_SWAPPED], embedding[2:]))
    renamed = {**theirs, **{name: embedding for name in theirs if name.endswith(("lut.weight", "output_layer.weight"))
                            and theirs[name].shape == embedding.shape}}  # fmt: skip
    query_key_value = [f"{part}_layer" for part in "qkv"]
    for name, weight in found.items():
        stack, within, *rest = name.split(".", 2)
        if within == "norm":
            renamed[f"{stack}.layer_norm.{rest[0]}"] = weight
        elif within == "blocks":
            number, inner = rest[0].split(".", 1)
            part, kind = inner.rsplit(".", 1)
            own = "src_src_att" if stack == "encoder" else "trg_trg_att"
            first = "layer_norm" if stack == "encoder" else "x_layer_norm"
            places = {
                "attention.query_key_value": [f"{own}.{each}" for each in query_key_value],
                "attention.output": [f"{own}.output_layer"],
                "attention_residual.norm": [first],
                "cross_attention.query": ["src_trg_att.q_layer"],
                "cross_attention.key_value": ["src_trg_att.k_layer", "src_trg_att.v_layer"],
                "cross_attention.output": ["src_trg_att.output_layer"],
                "cross_attention_residual.norm": ["dec_layer_norm"],
                "feed_forward.inner": ["feed_forward.pwff_layer.0"],
                "feed_forward.outer": ["feed_forward.pwff_layer.3"],
                "feed_forward_residual.norm": ["feed_forward.layer_norm"],
            }[part]
            for place, each in zip(places, weight.chunk(len(places)), strict=True):
                there = f"{stack}.layers.{number}.{place}.{kind}"
                assert there in theirs, f"JoeyNMT has no {there}"
                renamed[there] = each
    return renamed
