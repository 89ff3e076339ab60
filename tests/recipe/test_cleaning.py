"""Values of the filters: their defaults, and how they are changed."""

from __future__ import annotations

import pytest

from seq2seq.errors import RecipeError
from seq2seq.recipe import Cleaning, changed_cleaning


def test_every_value_is_described_and_false_turns_it_off() -> None:
    assert all(field.description for field in Cleaning.model_fields.values())
    off = changed_cleaning(f"{name}=false" for name in Cleaning.model_fields)
    assert not any(off.model_dump().values())


def test_values_are_changed_one_by_one() -> None:
    cleaning = changed_cleaning(["max_ratio = 3", "identical=0", "numbers=false"])
    assert cleaning == Cleaning(max_ratio=3, identical=0, numbers=False)
    assert changed_cleaning(["language=0.5"], cleaning) == Cleaning(
        max_ratio=3, identical=0, numbers=False, language=0.5
    )
    assert changed_cleaning([]) == Cleaning()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "number=false",
            r"--set number=false: no filter is called number \(did you mean numbers\?\); there are: mend, ",
        ),
        ("max_ratio", "--set max_ratio: write it as FILTER=VALUE, for example language=false"),
        ("max_ratio=true", "--set max_ratio=true: write a number here, or false for off"),
        ("max_ratio=-1", "--set max_ratio=-1: Input should be greater than or equal to 0"),
        ("max_ratio=many", "--set max_ratio=many: "),
        ("language=1.5", "--set language=1.5: Input should be less than 1"),
        ("numbers=maybe", "--set numbers=maybe: "),
    ],
)
def test_wrong_values_are_named(change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        changed_cleaning([change])
