"""Whether a Mac's GPU has all that training and decoding need, told without one.

Everything runs on the CPU, but each tensor says that it is on `mps`, so that the code takes the branches that it would
take there; the operators that arrive below are recorded and looked up in torch's own list of kernels. Attention is kept
to its plain form, which is what torch takes on `mps` where gradients are wanted; what it takes without is one kernel.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from seq2seq import recipe, tasks
from seq2seq.data import tokenizers
from seq2seq.data.batches import Place
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import GenerationOptions, Sampling, SearchOptions
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.tasks import models
from seq2seq.training import ema, objective, optimisers, schedule
from seq2seq.training.loop import train
from tests.support import tiny

MPS, CPU = torch.device("mps"), torch.device("cpu")
NUMERICS = Numerics(CPU, None)
COMPOSITES = ("CompositeImplicitAutograd", "CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional")

TEXT = {"task": "language-model"}
GPT = {"architecture": "decoder-only", "dropout": 0.1}
MODERN = {
    "norm": "pre",
    "normalization": "rms",
    "positions": "rotary",
    "activation": "squared_relu",
    "qk_norm": True,
    "bias": False,
    "residual_start": "zero",
}
RECIPES = {
    "translator": ({}, {"dropout": 0.1}, "adam"),
    "modern translator": ({}, MODERN, "muon"),
    "GPT as translator": ({}, GPT, "adam"),
    "GPT": (TEXT, GPT, "adamw"),
    "modern GPT": (TEXT, {**GPT, **MODERN}, "muon"),
    "GPT-2's": (TEXT, {**GPT, "norm": "pre", "positions": "learned", "activation": "gelu"}, "adamw"),
}


class Pretence(TorchFunctionMode):
    """Every tensor says that it is on `mps`; what is asked for there is made on the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return MPS
        args, kwargs = tree_map(
            lambda value: CPU if isinstance(value, torch.device) and value == MPS else value, (args, kwargs or {})
        )
        return func(*args, **kwargs)


class Recorder(TorchDispatchMode):
    """Operators that arrive at a device, and the types of their tensors. An operator that has no kernel for `mps` but
    is made of others is taken apart, so that those are recorded too."""

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, set[torch.dtype]] = {}
        self._inside = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # Numbers in place of tensors come as such, but cannot be given so.
        args = [
            torch.tensor(value) if type(value) in (int, float) and wanted.type.kind() == "TensorType" else value
            for value, wanted in zip(args, func._schema.arguments)
        ]
        name = func.name().removesuffix(".default")
        parts = None if has_kernel(name) else composite(name)
        if parts and name != self._inside and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), parts):
            outer, self._inside = self._inside, name
            with self:
                result = func._op_dk(getattr(torch._C.DispatchKey, parts), *args, **kwargs)
            self._inside = outer
        else:
            result = func(*args, **kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        self.types.setdefault(name, set()).update(tensor.dtype for tensor in tensors)
        return result


@cache
def declared() -> dict[str, Any]:
    """Torch's operators, as declared in the list that ships with it, by full name."""
    spec = importlib.util.find_spec("torchgen")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return {"aten::" + entry["func"].split("(")[0]: entry for entry in entries}


def keys(name: str) -> set[str]:
    """The backends that an operator declares a kernel for; of one that delegates to another, that one's."""
    entry = declared().get(name, {})
    if "structured_delegate" in entry:
        return keys("aten::" + entry["structured_delegate"])
    return {key.strip() for line in entry.get("dispatch", {"CompositeImplicitAutograd": ""}) for key in line.split(",")}


def has_kernel(name: str) -> bool:
    return "MPS" in keys(name)


def composite(name: str) -> str | None:
    """How an operator is made of others, if it is."""
    return next((key for key in COMPOSITES if key in keys(name)), None)


def missing(seen: dict[str, set[torch.dtype]]) -> list[str]:
    """The operators of torch among those seen that `mps` can run neither itself nor as others."""
    return sorted(
        name for name in seen if name.startswith("aten::") and not (has_kernel(name) or composite(name))
    ) + sorted(name for name in seen if name.startswith("aten::") and name not in declared())


@contextmanager
def recorded() -> Iterator[Recorder]:
    with Pretence(), Recorder() as recorder, sdpa_kernel(SDPBackend.MATH):
        yield recorder


def made(name: str) -> recipe.Recipe:
    task, model, optimizer = RECIPES[name]
    sizes = {"d_model": 16, "d_ff": 32, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 2, "max_length": 16}
    training = {"batch_tokens": 64, "clip_norm": 1.0, "metric": "loss"}
    values = {
        **task,
        "data": {"max_length": 8},
        "tokenizer": {"kind": "character"},
        "model": {**sizes, **model},
        "optimizer": {"kind": optimizer},
        "training": training,
    }
    return recipe.Recipe.model_validate(values)


def training(name: str) -> None:
    wanted = made(name)
    model = models.model(wanted, 100, 100)
    batch = tasks.of(wanted).workload().batch(64)
    optimiser = optimisers.for_recipe(wanted, model)
    measuring = objective.for_recipe(wanted, model, NUMERICS)
    with_gradients = train(
        list(model.parameters()), optimiser, schedule.for_recipe(wanted), repeat((Place(), batch)), measuring, NUMERICS
    )
    for step in (1, 2):  # the first makes what the second finds
        next(with_gradients).loss.item()
        ema.update(optimiser, model, 0.9, step, torch.tensor(False))
    with ema.in_place(optimiser, model):
        measuring.evaluate([batch])


def translating(name: str) -> None:
    engine = models.architecture(made(name)).engine(models.model(made(name), 20, 20), NUMERICS)
    sources = [[5, 6, 7], [8, 9], [10, 11, 12]]
    drawing = Sampling(temperature=0.7, top_k=9, top_p=0.9, min_p=0.01)
    engine.translate(sources, SearchOptions(beam_size=1, max_extra=2))
    engine.translate(sources, SearchOptions(beam_size=4, n_best=2, max_extra=2))
    engine.translate(sources, SearchOptions(sampling=drawing, n_best=2, max_extra=2))
    engine.score(sources, [[5], [7, 8, 9], []], 0.6)


def generating(name: str) -> None:
    tokenizer = tokenizers.train(recipe.Tokenizer(kind="character", vocabulary_size=100), iter(tiny.verse(9, 1)))
    model = models.model(made(name), tokenizer.size, tokenizer.size)
    assert isinstance(model, Gpt)
    generator = TorchGenerator(model, tokenizer, NUMERICS)
    drawing = Sampling(temperature=0.7, top_k=9, top_p=0.9, min_p=0.01, repetition_penalty=1.2)
    generator.generate("one", GenerationOptions(drawing, max_tokens=20), samples=2)  # past the context of 16
    generator.generate("one", GenerationOptions(max_tokens=5, beam_size=2))


WORK: list[tuple[Callable[[str], None], str]] = [
    *((training, name) for name in RECIPES),
    *((translating, name) for name, (data, _, _) in RECIPES.items() if not data),
    *((generating, name) for name, (data, _, _) in RECIPES.items() if data),
]


@pytest.mark.parametrize(("work", "name"), WORK, ids=lambda value: getattr(value, "__name__", value))
def test_every_operator_has_a_kernel_on_mps_and_none_is_given_float64(work: Callable[[str], None], name: str) -> None:
    with recorded() as recorder:
        work(name)
    assert len(recorder.types) > 20
    assert missing(recorder.types) == []
    wide = sorted(name for name, types in recorder.types.items() if types & {torch.float64, torch.complex128})
    assert wide == []


def test_attention_takes_the_branch_of_other_devices_there() -> None:
    with recorded() as recorder:
        training("translator")
    assert "aten::bernoulli_.float" in recorder.types  # of F.dropout; on a CPU words are drawn and seen as bytes
    assert "aten::view.dtype" not in recorder.types
    assert "aten::_safe_softmax" in recorder.types  # of masked scaled_dot_product_attention; on a CPU it is _softmax


def test_what_attention_takes_without_gradients_is_a_kernel_of_mps() -> None:
    assert keys("aten::_scaled_dot_product_attention_math_for_mps") == {"MPS"}


def test_an_operator_without_a_kernel_is_named() -> None:
    with recorded() as recorder:
        torch.linalg.eig(torch.eye(3))
        torch.ones(2, dtype=torch.float64)
    assert missing(recorder.types) == ["aten::linalg_eig"]
    assert torch.float64 in recorder.types["aten::ones"]
