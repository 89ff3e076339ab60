"""eole: its own trainer, iterator and model on the prepared pieces; pre-norm, which is all that its decoder has.

No data-loader processes: they would fill their queues while other peers are at work.
"""

from __future__ import annotations

from typing import Any

from eole import train_single, trainer
from eole.config.run import TrainConfig

from tests.benchmarks.peers.setting import Done, Setting

_SPECIAL = 4


def train(setting: Setting, done: Done) -> None:
    class Told(trainer.Trainer):  # type: ignore[misc, name-defined]
        """The trainer, which says when an update is done."""

        def _train_step(self, batches: list[dict[str, Any]], *rest: Any, **more: Any) -> None:
            super()._train_step(batches, *rest, **more)
            done(sum(int((batch["tgt"][:, 1:] != self.train_loss.padding_idx).sum()) for batch in batches))

    trainer.Trainer = Told  # type: ignore[misc]
    train_single.main(_config(setting), device_id=-1)


def _config(setting: Setting) -> Any:
    pieces = setting.file("vocabulary.txt").read_text(encoding="utf-8").split("\n")[_SPECIAL:-1]
    vocabulary = f"{setting.scratch}/vocabulary.txt"
    with open(vocabulary, "w", encoding="utf-8") as file:  # noqa: PTH123 (its path is text to eole too)
        file.write("".join(piece + "\n" for piece in pieces))
    return TrainConfig(
        data={
            split: {
                "path_src": str(setting.file(f"{name}.fr.pieces")),
                "path_tgt": str(setting.file(f"{name}.en.pieces")),
                "transforms": [],
            }
            for split, name in (("corpus", "train"), ("valid", "dev"))
        },
        src_vocab=vocabulary, tgt_vocab=vocabulary, share_vocab=True, pad_token="<pad>", save_data=setting.scratch,
        vocab_size_multiple=1, report_every=1_000_000, seed=1,
        model={
            "architecture": "transformer", "layers": setting.layers, "hidden_size": setting.d_model,
            "heads": setting.heads, "transformer_ff": setting.d_ff, "share_embeddings": True,
            "share_decoder_embeddings": True, "add_qkvbias": True, "add_final_linear_bias": True, "add_ffnbias": True,
            "embeddings": {"word_vec_size": setting.d_model, "position_encoding_type": "SinusoidalInterleaved"},
        },
        training={
            "model_path": f"{setting.scratch}/model", "batch_type": "tokens", "batch_size": setting.batch_tokens,
            "batch_size_multiple": 1, "normalization": "tokens", "optim": "adam", "adam_beta2": 0.98,
            "learning_rate": setting.learning_rate, "max_grad_norm": 0, "dropout": [setting.dropout],
            "attention_dropout": [0.0], "label_smoothing": setting.label_smoothing, "train_steps": 1_000_000,
            "valid_steps": 1_000_000, "save_checkpoint_steps": 1_000_000, "bucket_size": 262144, "num_workers": 0,
            "compute_dtype": {"float32": "fp32", "bfloat16": "bf16"}[setting.precision],
            "world_size": 1, "gpu_ranks": [], "param_init_method": "xavier_uniform",
            "log_attention_entropy": False,
        },
    )  # fmt: skip
