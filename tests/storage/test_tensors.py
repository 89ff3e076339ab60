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


def test_weights_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").mkdir()
    with pytest.raises(RunError, match=r"cannot write .*weights\.safetensors: "):
        save_weights(WEIGHTS, tmp_path / "weights.safetensors")
    assert [path.name for path in tmp_path.rglob("*")] == ["weights.safetensors"]
