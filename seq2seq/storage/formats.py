"""Format numbers: files of older formats are migrated when they are read, those of newer ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import FormatError

PACK_RECORD = "pack.json"  # of a pack, and of the folder that it was unpacked into

Migration = Callable[[dict[str, Any]], dict[str, Any]]  # from one format to the next; may change its argument


def newest(migrations: Sequence[Migration]) -> int:
    """The format that a list of migrations leads to; the first of them begins at format 1."""
    return len(migrations) + 1


def migrated(values: dict[str, Any], migrations: Sequence[Migration], origin: str | Path) -> dict[str, Any]:
    """The values of a file without its `format`, as the newest format has them.

    A file without a number is of format 1, as one of format 0 is. Raises FormatError where the number is higher than
    this seqx knows, or is not one.
    """
    values = dict(values)
    number, last = values.pop("format", 1), newest(migrations)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise FormatError(f"{origin}: format = {number!r:.40} is not the number of a format; this seqx writes {last}")
    if number > last:
        raise FormatError(
            f"{origin} has format {number}, and this seqx reads up to {last}: a newer seqx wrote it; update seqx"
        )
    for migrate in migrations[max(0, number - 1) :]:
        values = migrate(values)
    return values
