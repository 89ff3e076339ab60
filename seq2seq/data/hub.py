"""Text from the Hugging Face Hub (parquet), through `datasets`, which keeps what it fetched."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from seq2seq import recipe
from seq2seq.data.formats import Pair, Row, Text, cell
from seq2seq.data.unchanged import Unchanged, pair_bytes
from seq2seq.errors import DataError

Split = Literal["train", "dev", "test"]
Found = TypeVar("Found")

_PARQUET = tuple(f"datasets.packaged_modules.{name}.{name}" for name in ("parquet", "cache"))
_PATIENCE = 5  # seconds until the Hub counts as out of reach
_ROWS = 256  # read at a time: few enough where each is a whole book


def from_hub(hub: recipe.Hub, split: Split) -> Text:
    """The pairs of a split from the Hub, or from a local folder of parquet files. Raises DataError as `rows` does."""
    origin, rows_of = rows(hub, split)

    def read() -> Iterator[Pair]:
        for place, row in rows_of():
            yield cell(row, hub.source_column, place), cell(row, hub.target_column, place)

    unchanged = Unchanged(origin, read, pair_bytes)
    return Text(origin, unchanged, unchanged.checksum)


def every_split(place: recipe.Hub | None, read: Callable[[recipe.Hub, Split], Found]) -> dict[Split, Found] | None:
    """What `read` makes of each split; None where there is no such place, or a split cannot be had."""
    if place is None:
        return None
    try:
        return {split: read(place, split) for split in get_args(Split)}
    except DataError:
        return None


def rows(hub: recipe.Hub, split: Split) -> tuple[str, Callable[[], Iterator[Row]]]:
    """Where the rows of a split are from, and what reads them. Raises DataError where they cannot be had."""
    datasets = _datasets(hub)
    name = {"train": hub.train, "dev": hub.dev, "test": hub.test}[split]
    origin = f"hub {hub.path} {name}"
    try:
        builder = datasets.load_dataset_builder(hub.path, hub.config)
        # Of the formats that the library reads, the one in which nothing but text can hide.
        if type(builder).__module__ not in _PARQUET:
            raise DataError(f"{hub.path} is not kept as parquet")
        builder.download_and_prepare()
        table = builder.as_dataset(split=name)
    except Exception as error:  # the library raises many unrelated types for "cannot be had"
        raise DataError(
            f"{hub.path} ({name}) cannot be had from the Hugging Face Hub ({type(error).__name__}: {error}); "
            "check the connection, or set SEQX_DATA to a folder that `seqx data get` filled elsewhere"
        ) from error

    def read() -> Iterator[Row]:
        number = 0
        for batch in table.iter(batch_size=_ROWS):
            for values in zip(*batch.values()):
                number += 1
                yield f"{origin}, row {number}", dict(zip(batch, values))

    return origin, read


def _datasets(hub: recipe.Hub) -> Any:
    # Out of reach, the library would retry for half a minute; told before its import, it looks at its cache alone.
    if (
        "datasets" not in sys.modules
        and "HF_HUB_OFFLINE" not in os.environ
        and not Path(hub.path).exists()
        and not _reachable()
    ):
        os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    return datasets


def _reachable() -> bool:
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=_PATIENCE):
            return True
    except urllib.error.HTTPError:
        return True  # it answered
    except (OSError, ValueError):
        return False
