"""The optimisers that a recipe can name, each with options of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from seq2seq.recipe.section import Probability, Section


class _Moments(Section):
    kind: str
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    epsilon: float = Field(1e-9, gt=0)


class Adam(_Moments):
    """Adam (section 5.3)."""

    kind: Literal["adam"] = "adam"


class AdamW(_Moments):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(0.0, ge=0, description="of weight matrices; biases and norms are not decayed")


class Muon(_Moments):
    """Muon for the matrices of the layers (Jordan et al., 2024), AdamW for the rest."""

    kind: Literal["muon"] = "muon"
    weight_decay: float = Field(0.0, ge=0, description="of weight matrices; biases and norms are not decayed")
    muon_learning_rate: float = Field(0.02, gt=0, description="peak learning rate of weight matrices")


def _with_kind(values: Any) -> Any:
    return {"kind": "adam", **values} if isinstance(values, Mapping) else values


_AnyKind = Adam | AdamW | Muon
Optimizer = Annotated[Annotated[_AnyKind, Field(discriminator="kind")], BeforeValidator(_with_kind)]
OPTIONS = {kind.model_fields["kind"].default: list(kind.model_fields) for kind in get_args(_AnyKind)}  # keys by kind
