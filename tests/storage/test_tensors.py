"""Weights as files: those of today and of version 0.1.0."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seq2seq.errors import RunError
from seq2seq.storage.tensors import read_weights, save_weights

WEIGHTS = {"one": torch.arange(6.0).reshape(2, 3), "other": torch.zeros(0, dtype=torch.bfloat16)}


def test_weights_come_back_and_what_a_killed_writer_left_goes(tmp_path: Path) -> None:
    left = tmp_path / ".weights.safetensors.partial"
    left.mkdir()
    (left / ".tmpA1b2C3").write_bytes(b"half of them")
    save_weights(WEIGHTS, tmp_path / "weights.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
    found = read_weights(tmp_path / "weights.safetensors")
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) and found[name].dtype == WEIGHTS[name].dtype for name in found)


def test_names_of_version_0_1_0_are_read_as_those_of_today(tmp_path: Path) -> None:
    renamed = {
        "encoder.0.attention.output.weight": "encoder.blocks.0.attention.output.weight",
        "decoder.11.cross_attention.query.bias/exp_avg": "decoder.blocks.11.cross_attention.query.bias/exp_avg",
        "encoder_norm.weight": "encoder.norm.weight",
        "decoder_norm.bias/ema": "decoder.norm.bias/ema",
        **{name: name for name in ("blocks.0.feed_forward.inner.weight", "norm.weight", "decoder.norm.weight",
                                   "decoder.blocks.1.attention_residual.norm.weight", "random.cpu")},
    }  # fmt: skip
    save_weights({name: torch.tensor(float(place)) for place, name in enumerate(renamed)}, tmp_path / "weights")
    assert read_weights(tmp_path / "weights") == dict(zip(renamed.values(), map(float, range(len(renamed)))))


def test_weights_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*weights\.safetensors: "):
        save_weights(WEIGHTS, tmp_path / "weights.safetensors")
    assert [path.name for path in tmp_path.rglob("*")] == ["weights.safetensors"]
