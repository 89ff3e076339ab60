"""The grid of a sweep."""

from __future__ import annotations

import pytest

from seq2seq.errors import RecipeError
from seq2seq.lifecycle import sweep as sweeps


def test_values_are_split_at_commas_but_not_within_brackets_or_quotes() -> None:
    grid = sweeps.cells(["data.x=[1,2],[3]", "data.y='a,b',c", "model.dropout=0.1"], [7])
    assert [cell.changes for cell in grid] == [
        (f"data.x={x}", f"data.y={y}", "model.dropout=0.1") for x in ("[1,2]", "[3]") for y in ("'a,b'", "c")
    ]
    assert all("dropout" not in cell.setting and "/" not in cell.name for cell in grid)
    (alone,) = sweeps.cells([], [1])
    assert alone.name == "recipe,seed=1"
    with pytest.raises(RecipeError, match="two runs"):
        sweeps.cells(["a.b=x/y,x:y"], [1])
