"""Any recipe that validates builds and takes a step, by hypothesis."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.device import Numerics
from seq2seq.errors import RecipeError
from seq2seq.recipe import validated
from seq2seq.recipe.optimizers import OPTIONS
from seq2seq.tasks import models
from seq2seq.training import optimisers


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    """Values of every kind that a model and its training take, small."""
    fields = recipe.Model.model_fields

    def one_of(section: type, name: str) -> object:
        return draw(st.sampled_from(section.model_fields[name].annotation.__args__))  # type: ignore[attr-defined]

    kinds = ("architecture", "norm", "normalization", "positions", "activation", "initialization", "residual_start")
    heads = draw(st.integers(1, 3))
    model: dict[str, object] = {name: one_of(recipe.Model, name) for name in (*kinds, "tie", "pooling")}
    model |= {name: draw(st.booleans()) for name in ("qk_norm", "bias", "scale_embedding")}
    model |= {
        "n_heads": heads,
        "d_model": heads * draw(st.integers(1, 6)),
        "d_ff": draw(st.integers(1, 9)),
        "encoder_layers": draw(st.integers(1, 2)),
        "decoder_layers": draw(st.integers(1, 2)),
        "dropout": draw(st.floats(0, 0.9)),
        "max_length": draw(st.integers(4, 24)),
    }
    assert model.keys() == fields.keys()
    training = {
        "label_smoothing": draw(st.floats(0, 0.9)),
        "metric": "loss",
    }
    optimizer: dict[str, object] = {"kind": draw(st.sampled_from(sorted(OPTIONS)))}
    if "weight_decay" in OPTIONS[str(optimizer["kind"])]:
        optimizer["weight_decay"] = draw(st.floats(0, 1))
    return {
        "data": {"max_length": draw(st.integers(2, 12))},
        "tokenizer": {"joint": draw(st.booleans())},
        "model": model,
        "optimizer": optimizer,
        "training": training,
    }


@given(values=recipes(), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_any_recipe_that_validates_builds_and_takes_a_step(
    values: dict[str, dict[str, object]], data: st.DataObject
) -> None:
    try:
        drawn = validated(values, "drawn")
    except RecipeError:
        return
    vocabulary = data.draw(st.integers(5, 12))
    model = models.model(drawn, vocabulary, vocabulary)
    optimiser = optimisers.for_recipe(drawn, model)
    tokens = data.draw(st.lists(st.integers(4, vocabulary - 1), min_size=1, max_size=3))
    batch = models.architecture(drawn).layout.collate([tokens], [tokens])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    logits = model(*batch.inputs)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=tokenizers.PAD)
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())
    for group in optimiser.param_groups:
        group["lr"] = 0.1
    optimiser.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters()))
    engine = models.architecture(drawn).engine(model, Numerics(torch.device("cpu"), None))
    assert len(engine.translate([[4]], models.options(drawn))) == 1
