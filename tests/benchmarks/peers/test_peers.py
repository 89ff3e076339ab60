"""The measuring of peers: the same work for all, counted and compared as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from seq2seq import recipe
from seq2seq.model.transformer import Transformer
from tests.benchmarks.peers import report, weights
from tests.benchmarks.peers.buckets import batches, padded, shifted
from tests.benchmarks.peers.roster import PEERS
from tests.benchmarks.peers.rounds import Contestant
from tests.benchmarks.peers.setting import BOS, EOS, PAD, Setting, read
from tests.benchmarks.peers.worker import Gate
from tests.support.fakes import padding_mask


def test_a_setting_is_read_as_it_was_written(tmp_path: Path) -> None:
    setting = Setting("text", "scratch", "", "float32", threads=1, beam_size=3)
    setting.write(tmp_path / "setting.json")
    assert read(tmp_path / "setting.json") == setting


def test_buckets_hold_every_pair_once_an_epoch_within_the_budget() -> None:
    pairs = [([9] * (1 + i % 7), [100 + i] * (1 + i % 5)) for i in range(60)]
    seen: list[int] = []
    for source, target in batches(pairs, batch_tokens=32):
        assert len(source) * max(source.size(1), target.size(1)) <= 32
        assert (target == EOS).sum() == len(target) and ((target == PAD) | (target >= EOS)).all()
        seen += target[:, 0].tolist()
        if len(seen) >= len(pairs):
            break
    assert sorted(seen) == [100 + i for i in range(60)]


def test_a_decoder_reads_what_it_is_to_predict_one_place_later() -> None:
    target = padded([[7, 8], [9]])
    assert target.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert shifted(target, BOS).tolist() == [[BOS, 7, 8], [BOS, 9, EOS]]


class Asked:
    """A channel with a list of what is asked, which ends the training when it is empty."""

    def __init__(self, *updates: int) -> None:
        self.answers: list[dict[str, Any]] = []
        self._updates = iter(updates)

    def answer(self, **values: Any) -> None:
        self.answers.append(values)

    def next(self) -> dict[str, Any]:
        return {"updates": next(self._updates)}


def test_a_gate_lets_through_what_is_asked_and_counts_it() -> None:
    channel: Any = Asked(2, 3)
    gate = Gate(channel)
    for tokens in (1, 10, 20, 100, 200):
        gate(tokens)
    with pytest.raises(StopIteration):
        gate(300)
    assert [(each["updates"], each["tokens"]) for each in channel.answers] == [(1, 1), (2, 30), (3, 600)]
    assert all(each["seconds"] > 0 for each in channel.answers)


def answers(*speeds: float) -> list[dict[str, Any]]:
    return [{"tokens": 100, "updates": 2, "seconds": 100 / each, "cpu_seconds": 50 / each} for each in speeds]


def test_ratios_are_of_the_same_round() -> None:
    ours = Contestant(PEERS[0], "float32", answers(40, 20, 400))
    theirs = Contestant(PEERS[2], "float32", answers(20, 10, 100))
    lost = Contestant(PEERS[3], "float32", failure="no such package")
    found = [report.record("train", each, [ours]) for each in (ours, theirs, lost)]
    assert found[1]["target_tokens_per_second"]["median"] == pytest.approx(20)
    assert found[1]["target_tokens_per_update"] == 50
    ratio = found[1]["ours_over_theirs_target_tokens_per_second"]["seqx float32"]
    assert (ratio["median"], ratio["p90"]) == (pytest.approx(2), pytest.approx(4))
    shown = report.table("train", found).split("\n")
    assert len(shown) == 5 and "| 2.00 | 2.00 | 50 |" in shown[3] and "left out: no such package" in shown[4]


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_transformers_computes_what_seqx_does_with_its_weights(tmp_path: Path, norm: str) -> None:
    pytest.importorskip("transformers", reason="the [hf] extra is not installed")
    sizes = {"d_model": 16, "d_ff": 24, "n_heads": 4, "encoder_layers": 2, "decoder_layers": 3, "norm": norm}
    wanted = recipe.Recipe(model=recipe.Model.model_validate(sizes))
    ours = Transformer(wanted.model, 29, 29).eval()
    with torch.no_grad():
        for weight in ours.parameters():
            weight.normal_(std=0.3)
    named = dict(ours.named_parameters())
    save_file(named, tmp_path / "model.safetensors")
    (tmp_path / "recipe.toml").write_text(wanted.to_toml(), encoding="utf-8")
    theirs = weights.in_transformers(tmp_path)

    lengths = [9, 5, 2]
    source, target = torch.randint(4, 29, (3, 9)), torch.randint(4, 29, (3, 6))
    mask = padding_mask(lengths)
    source = source.masked_fill(~mask[:, 0, 0], PAD)
    with torch.no_grad():
        wanted_logits = ours(source, mask, target)
        logits = theirs(input_ids=source, attention_mask=mask[:, 0, 0].long(), decoder_input_ids=target).logits
    assert torch.allclose(logits, wanted_logits, rtol=0, atol=1e-4)


def test_a_model_that_peers_lack_is_refused(tmp_path: Path) -> None:
    wanted = recipe.Recipe(model=recipe.Model(activation="gelu"))
    (tmp_path / "recipe.toml").write_text(wanted.to_toml(), encoding="utf-8")
    with pytest.raises(ValueError, match=r"model\.activation = gelu"):
        weights.read(tmp_path)
