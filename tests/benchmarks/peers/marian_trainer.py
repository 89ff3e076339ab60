"""Hugging Face's Seq2SeqTrainer on MarianMTModel, texts grouped by length, as many a batch as fill the budget."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from torch import Tensor
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, TrainerCallback

from tests.benchmarks.peers.buckets import padded, shifted
from tests.benchmarks.peers.marian_loop import new
from tests.benchmarks.peers.setting import BOS, PAD, Done, Setting

IGNORED = -100  # by the trainer's loss


class _Told(TrainerCallback):  # type: ignore[misc]
    def __init__(self, done: Done, tokens: deque[int]) -> None:
        self._done, self._tokens = done, tokens

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._done(self._tokens.popleft())


def train(setting: Setting, done: Done) -> None:
    pairs = setting.pairs()
    mean = sum(max(map(len, pair)) + 1 for pair in pairs) / len(pairs)
    tokens: deque[int] = deque()  # of the batches that were made, some ahead of their update

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        source, target = padded([row["input_ids"] for row in rows]), padded([row["labels"] for row in rows])
        tokens.append(int((target != PAD).sum()))
        return {
            "input_ids": source,
            "attention_mask": (source != PAD).long(),
            "decoder_input_ids": shifted(target, BOS),
            "labels": target.masked_fill(target == PAD, IGNORED),
        }

    torch.manual_seed(1)
    Seq2SeqTrainer(
        model=new(setting),
        args=Seq2SeqTrainingArguments(
            output_dir=setting.scratch, max_steps=1_000_000, learning_rate=setting.learning_rate, use_cpu=True,
            per_device_train_batch_size=round(setting.batch_tokens / mean), bf16=setting.precision == "bfloat16",
            label_smoothing_factor=setting.label_smoothing, train_sampling_strategy="group_by_length",
            remove_unused_columns=False, save_strategy="no", logging_strategy="no", report_to="none",
            disable_tqdm=True, max_grad_norm=0.0, adam_beta2=0.98, adam_epsilon=1e-9,
        ),
        train_dataset=[
            {"input_ids": source, "labels": target, "length": max(len(source), len(target))} for source, target in pairs
        ],
        data_collator=collate,
        callbacks=[_Told(done, tokens)],
    ).train()  # fmt: skip
