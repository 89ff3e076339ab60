"""What a section of a recipe is, and kinds of value that several sections have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("write a number here, not true or false")
    return value


Number = BeforeValidator(_number)
Positive = Annotated[int, Number, Field(gt=0, le=10**12)]
Count = Annotated[int, Number, Field(ge=0, le=10**12)]
Size = Annotated[int, Number, Field(gt=0, le=1_000_000)]  # of arrays, whose memory is proportional to it
Layers = Annotated[int, Number, Field(gt=0, le=1000)]
Probability = Annotated[float, Number, Field(ge=0, lt=1)]
Weight = Annotated[float, Number, Field(ge=0, le=1e6)]
# The name of a folder or a file, which cannot lead out of its parent folder.
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*$")]

Files = tuple[Annotated[str, Field(min_length=1)], ...]


class Section(BaseModel):
    """A part of a recipe: a frozen, validated value."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def section_of(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section among values that need not be valid; an empty one where there is none."""
    section = values.get(name)
    return section if isinstance(section, dict) else {}
