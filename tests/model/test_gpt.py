"""The decoder-only model: GPT-2's logits, causality, cached = uncached, and a window that never ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seq2seq import recipe
from seq2seq.model.gpt import Gpt
from seq2seq.model.positions import Rotary

GPT2 = {
    "norm": "pre",
    "positions": "learned",
    "activation": "gelu",
    "initialization": "normal",
    "residual_start": "scaled",
    "scale_embedding": False,
}
MODERN = {
    "norm": "pre",
    "positions": "rotary",
    "activation": "squared_relu",
    "normalization": "rms",
    "qk_norm": True,
    "bias": False,
}
GATED = {**MODERN, "activation": "swiglu"}
STYLES: dict[str, dict[str, Any]] = {"paper": {}, "GPT-2": GPT2, "modern": MODERN, "gated": GATED}


def tiny_gpt(vocabulary: int = 23, *, context: int = 16, **changes: Any) -> Gpt:
    """A random model without silent branches."""
    sizes = {"d_model": 16, "d_ff": 32, "n_heads": 4, "decoder_layers": 3, "max_length": context, "dropout": 0.0}
    torch.manual_seed(5)
    model = Gpt(recipe.Model.model_validate({"architecture": "decoder-only", **sizes, **changes}), vocabulary).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and "embedding" not in name and "head" not in name:
                weight.normal_(std=0.3)
    return model


def in_our_names(weights: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """GPT-2's weights under the names of ours; its matrices are stored the other way round."""
    names = {
        "attn.c_attn": "attention.query_key_value",
        "attn.c_proj": "attention.output",
        "mlp.c_fc": "feed_forward.inner",
        "mlp.c_proj": "feed_forward.outer",
        "ln_1": "attention_residual.norm",
        "ln_2": "feed_forward_residual.norm",
    }
    renamed = {
        "embedding.weight": weights["transformer.wte.weight"],
        "head.weight": weights["transformer.wte.weight"],
        "positions.table.weight": weights["transformer.wpe.weight"],
        "norm.weight": weights["transformer.ln_f.weight"],
        "norm.bias": weights["transformer.ln_f.bias"],
    }
    for layer in range(layers):
        for there, here in names.items():
            for kind in ("weight", "bias"):
                found = weights[f"transformer.h.{layer}.{there}.{kind}"]
                turned = kind == "weight" and not there.startswith("ln")
                renamed[f"blocks.{layer}.{here}.{kind}"] = found.T if turned else found
    return renamed


def test_same_weights_same_logits_as_gpt2() -> None:
    transformers = pytest.importorskip("transformers", reason="the [hf] extra is not installed")
    config = transformers.GPT2Config(
        vocab_size=23, n_positions=16, n_embd=16, n_layer=3, n_head=4, n_inner=32, activation_function="gelu",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    theirs = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.normal_(std=0.3)
    ours = tiny_gpt(**GPT2)
    ours.load_state_dict(in_our_names(dict(theirs.state_dict()), 3))
    tokens = torch.randint(23, (3, 16))
    with torch.no_grad():
        assert torch.allclose(ours(tokens), theirs(tokens).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("style", STYLES)
def test_the_future_changes_nothing(style: str) -> None:
    model = tiny_gpt(**STYLES[style])
    tokens = torch.randint(23, (2, 16))
    other = torch.cat((tokens[:, :9], (tokens[:, 9:] + 1) % 23), dim=1)
    with torch.no_grad():
        assert torch.allclose(model(tokens)[:, :9], model(other)[:, :9], atol=1e-6)
        assert not torch.allclose(model(tokens)[:, 9:], model(other)[:, 9:], atol=1e-2)


@pytest.mark.parametrize("style", STYLES)
@given(cuts=st.lists(st.integers(0, 15), max_size=5), prompt=st.integers(0, 10))
def test_cached_is_uncached_for_any_split(style: str, cuts: list[int], prompt: int) -> None:
    model = tiny_gpt(**STYLES[style])
    tokens = torch.randint(23, (2, 16), generator=torch.Generator().manual_seed(sum(cuts) + prompt))
    bounds = sorted({prompt, *(cut for cut in cuts if cut > prompt), 16})
    with torch.no_grad():
        state = model.start(tokens[:, :prompt])
        steps = [model.step(tokens[:, a:b], state) for a, b in pairwise(bounds)]
        assert torch.allclose(torch.cat(steps, dim=1), model(tokens)[:, prompt:], atol=1e-5)


class Adapted(nn.Module):
    """A linear map with a low-rank adapter (Hu et al., 2021, "LoRA")."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Linear(linear.in_features, 2, bias=False)
        self.up = nn.Linear(2, linear.out_features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.up(self.down(x))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["attention.query_key_value", "attention.output", "feed_forward.inner"])
def test_cached_steps_call_a_module_that_took_the_place_of_a_linear_map(name: str) -> None:
    model = tiny_gpt(**MODERN)
    tokens = torch.randint(23, (2, 8))
    with torch.no_grad():
        before = model(tokens)
        for layer in model.layers():
            layer.set_submodule(name, Adapted(layer.get_submodule(name)))  # type: ignore[arg-type]
        after = model(tokens)
        assert not torch.allclose(after, before, atol=1e-2)
        state = model.start(tokens[:, :1])
        steps = [model.step(tokens[:, t : t + 1], state) for t in range(1, 8)]
        assert torch.allclose(torch.cat(steps, dim=1), after[:, 1:], atol=1e-5)


@pytest.mark.parametrize("style", STYLES)
def test_past_the_context_the_newest_half_is_read_anew(style: str) -> None:
    model = tiny_gpt(**STYLES[style], context=8)
    tokens = torch.randint(23, (2, 30))
    state = model.start(tokens[:, :3])
    start = 0  # of the window
    with torch.no_grad():
        for t in range(3, 30):
            if t + 1 - start > 8:
                start = t + 1 - 4
            logits = model.step(tokens[:, t : t + 1], state)[:, -1]
            assert torch.allclose(logits, model(tokens[:, start : t + 1])[:, -1], atol=1e-5), t


def test_a_prompt_longer_than_the_context_counts_by_its_end() -> None:
    model = tiny_gpt(**MODERN, context=8)
    tokens = torch.randint(23, (1, 21))
    with torch.no_grad():
        logits = model.step(tokens[:, 20:], model.start(tokens[:, :20]))
        assert torch.allclose(logits[:, -1], model(tokens[:, 16:])[:, -1], atol=1e-5)


def test_a_reordered_state_goes_on_with_the_rows_it_was_given() -> None:
    model = tiny_gpt(**MODERN, context=8)
    tokens = torch.randint(23, (3, 12))
    rows = torch.tensor([2, 0, 2])
    with torch.no_grad():
        state = model.start(tokens[:, :7])
        state.reorder(rows)
        straight = model.start(tokens[rows, :7])
        for t in range(7, 12):
            one = tokens[rows, t : t + 1]
            assert torch.allclose(model.step(one, state), model.step(one, straight), atol=1e-6)


def test_rotary_scores_depend_on_distances_alone() -> None:
    turn = Rotary(8, 4)
    query, key = torch.randn(2, 1, 1, 8)
    scores = [(turn(query[None], start) * turn(key[None], start - 3)).sum().item() for start in (3, 10, 200)]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-4)
    assert (turn(query[None], 3) * turn(key[None], 2)).sum().item() != pytest.approx(scores[0], abs=1e-3)


def test_rotary_tables_grown_while_generating_still_serve_training() -> None:
    model = tiny_gpt(**MODERN, context=4)
    with torch.inference_mode():
        model.blocks[0].attention.transforms[1](torch.randn(1, 40, 2, 4, 4))
    model.train()(torch.randint(23, (1, 4))).sum().backward()
    assert model.embedding.weight.grad is not None


@pytest.mark.parametrize("start", ["full", "scaled", "zero"])
def test_residual_branches_start_as_the_recipe_says(start: str) -> None:
    model = Gpt(
        recipe.Model.model_validate({**MODERN, "initialization": "normal", "residual_start": start, "d_model": 64}), 50
    )
    deviation = torch.cat([block.feed_forward.outer.weight.flatten() for block in model.blocks]).std().item()
    assert deviation == pytest.approx({"full": 0.02, "scaled": 0.02 / 12**0.5, "zero": 0}[start], rel=0.05, abs=1e-9)
    assert model.blocks[0].feed_forward.inner.weight.std().item() == pytest.approx(0.02, rel=0.05)
