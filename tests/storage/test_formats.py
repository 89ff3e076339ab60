"""Numbers of formats: older files are brought up to date, newer ones refused."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq.errors import FormatError, RunError
from seq2seq.storage.formats import migrated, newest


def double(values: dict[str, Any]) -> dict[str, Any]:
    return {"n": values["n"] * 2}


def add_one(values: dict[str, Any]) -> dict[str, Any]:
    return {"n": values["n"] + 1}


@pytest.mark.parametrize(("number", "expected"), [(None, 11), (0, 11), (1, 11), (2, 6), (3, 5)])
def test_each_migration_after_the_files_own_format_is_applied_in_order(number: int | None, expected: int) -> None:
    assert newest([double, add_one]) == 3
    values = {"n": 5} if number is None else {"n": 5, "format": number}
    assert migrated(values, [double, add_one], "file") == {"n": expected}
    assert values.get("format") == number  # what was given is as it was


def test_a_newer_file_is_refused_with_its_number_and_what_to_do() -> None:
    with pytest.raises(FormatError, match=r"^a/run\.json has format 4, and this seqx reads up to 3: .*; update seqx$"):
        migrated({"format": 4}, [double, add_one], "a/run.json")
    assert issubclass(FormatError, RunError)


@pytest.mark.parametrize("number", ["2", 1.5, True, -1, [1], None])
def test_what_is_no_number_is_refused(number: object) -> None:
    with pytest.raises(FormatError, match="is not the number of a format; this seqx writes 1"):
        migrated({"format": number}, [], "file")
