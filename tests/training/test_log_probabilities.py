"""Log-probabilities of labels, and the rewards of completions, against loops over one row at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Batch
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.scored import LikelihoodScored, Scored
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Model
from seq2seq.training.log_probabilities import by_length, token_log_probabilities

PROMPTS = [[4, 5, 6], [7], [8, 9, 10, 11], [4, 4]]
COMPLETIONS = [[5, 6], [7, 8, 9, 10], [11], []]
NUMERICS = Numerics(torch.device("cpu"), None)


def models(tie: str = "all") -> list[tuple[Any, Any]]:
    """An encoder-decoder and a decoder-only model in double precision, with their layouts."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"d_model": 8, "d_ff": 16, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 2}
    config = Model(**sizes, max_length=16, tie=tie)
    made = (Transformer(config, 12, 12), SIDE_BY_SIDE), (Gpt(config, 12), JOINED)
    return [(model.double().eval(), layout) for model, layout in made]


def rows(layout: Any) -> Batch:
    batch: Batch = layout.collate(PROMPTS, COMPLETIONS)
    return batch


@pytest.mark.parametrize("which", [0, 1])
def test_neither_padding_nor_the_cut_of_a_batch_changes_log_probabilities(which: int) -> None:
    model, layout = models()[which]
    whole = token_log_probabilities(model, rows(layout), NUMERICS, 0.7)
    assert (whole < 0).sum() == sum(len(each) + 1 for each in COMPLETIONS)  # EOS too; 0 elsewhere
    pieces = torch.cat([token_log_probabilities(model, piece, NUMERICS, 0.7) for piece in rows(layout).pieces(3)])
    assert torch.allclose(whole, pieces, atol=1e-12)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS)):
        alone = token_log_probabilities(model, layout.collate([prompt], [completion]), NUMERICS, 0.7)
        assert torch.allclose(whole[row].sum(), alone.sum(), atol=1e-12)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("most", [1, 12, 1000])
def test_rows_of_similar_length_together_give_the_same_numbers_and_gradient(which: int, most: int) -> None:
    model, layout = models()[which]
    batch = layout.collate(PROMPTS, COMPLETIONS)
    batch = replace(batch, extras={"weights": torch.rand(batch.labels.shape, dtype=torch.float64)})
    assert batch.mask is not None

    def measure(rows: Batch) -> torch.Tensor:
        seen.append(rows)
        return token_log_probabilities(model, rows, NUMERICS) * rows.extras["weights"]

    found = []
    for together in (measure, lambda rows: by_length(measure, rows, most)):
        seen: list[Batch] = []
        model.zero_grad()
        measured = together(batch)
        measured.sum().backward()
        found.append((measured, [parameter.grad for parameter in model.parameters()]))
    (whole, gradient), (cut, same) = found
    assert torch.allclose(whole * batch.mask, cut, atol=1e-12)
    assert all(torch.allclose(one, other, atol=1e-12) for one, other in zip(gradient, same))
    assert len(seen) == {1: 4, 12: 2, 1000: 1}[most]
    for rows in seen:  # nothing is padded beyond the longest of its rows
        assert rows.mask is not None and rows.mask[:, -1].any()
        places = [rows.inputs[0], rows.inputs[-1]][-len(rows.inputs) :]
        assert rows.padded == sum(part.numel() for part in places if part is not None)


@pytest.mark.parametrize("which", [0, 1])
def test_log_probabilities_are_float32_under_bfloat16(which: int) -> None:
    model, layout = models()[which]
    numerics = Numerics(torch.device("cpu"), torch.bfloat16)
    exact = token_log_probabilities(model.float(), rows(layout), NUMERICS)
    rounded = token_log_probabilities(model, rows(layout), numerics)
    assert exact.dtype == rounded.dtype == torch.float32
    assert torch.allclose(exact, rounded, atol=0.1) and not torch.equal(exact, rounded)


@pytest.mark.parametrize("which", [0, 1])
def test_a_reward_is_the_value_at_the_end_of_a_completion(which: int) -> None:
    model, layout = models()[which]
    scored = Scored(model, 8).double()
    batch = rows(layout)
    assert torch.equal(scored.rewards(batch.inputs, batch.labels, batch.mask), torch.zeros(4))
    torch.nn.init.normal_(scored.head.weight)
    whole = scored.rewards(batch.inputs, batch.labels, batch.mask)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS)):
        alone = layout.collate([prompt], [completion])
        assert torch.allclose(whole[row], scored.values(*alone.inputs)[0, -1], atol=1e-12)
        assert torch.allclose(whole[row], scored.rewards(alone.inputs, alone.labels, alone.mask)[0], atol=1e-12)
    other = layout.collate([PROMPTS[0]], [[*COMPLETIONS[0][:-1], 9]])
    assert not torch.allclose(whole[0], scored.rewards(other.inputs, other.labels, other.mask)[0])


@pytest.mark.parametrize("which", [0, 1])
def test_a_reward_may_count_the_likelihood_of_a_completion(which: int) -> None:
    model, layout = models()[which]
    scored = LikelihoodScored(model, 8, 5.0).double()
    batch = rows(layout)
    assert torch.equal(scored.rewards(batch.inputs, batch.labels, batch.mask), torch.zeros(4))
    torch.nn.init.normal_(scored.head.weight)
    plain = Scored.rewards(scored, batch.inputs, batch.labels, batch.mask)
    torch.nn.init.constant_(scored.likelihood, 0.05)
    likely = token_log_probabilities(scored.trunk, batch, NUMERICS).sum(1)
    assert min(likely) < -5 < max(likely)
    rewards = scored.rewards(batch.inputs, batch.labels, batch.mask)
    assert torch.allclose(rewards, plain + 0.5 * likely.clamp(min=-5), atol=1e-12)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS)):
        alone = layout.collate([prompt], [completion])
        assert torch.allclose(rewards[row], scored.rewards(alone.inputs, alone.labels, alone.mask)[0], atol=1e-12)


@pytest.mark.parametrize("tie", ["all", "none"])
def test_of_a_reward_model_all_is_trained_that_has_an_effect(tie: str) -> None:
    for model, layout in models(tie):
        scored = Scored(model, 8).double()
        torch.nn.init.normal_(scored.head.weight)
        batch = rows(layout)
        scored.rewards(batch.inputs, batch.labels, batch.mask).sum().backward()
        for name, weight in scored.named_parameters():
            assert (weight.grad is not None) == weight.requires_grad == (name != "trunk.head.weight" or tie == "all")
