"""Text from the Hugging Face Hub (parquet), through `datasets`, which caches downloads."""

from __future__ import annotations

import functools
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seq2seq.data.corpus import SPLITS, SourceT, SplitName
from seq2seq.data.records import Kind
from seq2seq.data.rows import Row
from seq2seq.data.timeouts import size_of, within
from seq2seq.errors import DataError, MissingCorpusError
from seq2seq.recipe import Hub

_PLAIN = tuple(f"datasets.packaged_modules.{name}.{name}" for name in ("parquet", "json", "cache"))
_PATIENCE = 5.0  # seconds until the Hub counts as out of reach
_METADATA = 60.0  # seconds for the metadata of a data set
_STALLED = 180.0  # seconds without progress after which a download is given up
_ROWS = 256  # read at a time: few enough where each is a whole book
_REMEDY = "; check the connection and [data.hub], or set SEQX_DATA to a folder that `seqx data get` filled elsewhere"
_SHOWN = 300  # characters of a library's message


def from_hub(kind: Kind[Any, SourceT], hub: Hub, split: SplitName) -> SourceT:
    """The records of a split from the Hub, or from a local folder of parquet files. Raises DataError as `rows` does."""
    origin, rows_of = rows(hub, split)
    record_of = kind.on_hub(hub)
    return kind.source(origin, lambda: (record_of(row, place) for place, row in rows_of()))


def every_split(kind: Kind[Any, SourceT]) -> dict[SplitName, SourceT]:
    """A recipe's corpus from the Hub. Raises MissingCorpusError where it has no place there, or a split cannot be
    fetched, with the reason."""
    missing = f"corpus {kind.data.corpus} is not under $SEQX_DATA"
    if kind.data.hub is None:
        raise MissingCorpusError(missing)
    try:
        return {split: from_hub(kind, kind.data.hub, split) for split in SPLITS}
    except DataError as error:
        raise MissingCorpusError(f"{missing}, and {str(error).removesuffix(_REMEDY)}") from error


def rows(hub: Hub, split: SplitName) -> tuple[str, Callable[[], Iterator[Row]]]:
    """The origin of the rows of a split, and their reader. Raises DataError where they cannot be fetched in time."""
    name = {"train": hub.train, "dev": hub.dev, "test": hub.test}[split]
    origin = f"hub {hub.path} {name}"
    offline = "" if Path(hub.path).exists() else _offline()
    try:
        import datasets
        import huggingface_hub

        datasets.disable_progress_bars()
        # The reason is reported once, at the end.
        huggingface_hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        builder = within(_METADATA, lambda: datasets.load_dataset_builder(hub.path, hub.config))
        # Of the formats that the library reads, two that cannot hide code.
        if type(builder).__module__ not in _PLAIN:
            raise DataError(f"{hub.path} is not kept as parquet or JSON")
        # With unfinished downloads.
        caches = Path(datasets.config.HF_DATASETS_CACHE), Path(huggingface_hub.constants.HF_HUB_CACHE)
        within(_STALLED, builder.download_and_prepare, lambda: size_of(*caches))
        table = builder.as_dataset(split=name)
    except Exception as error:  # the library raises many unrelated types
        reason = offline if offline and "Offline" in str(error) else _message(error)
        raise DataError(
            f"{hub.path} ({name}) cannot be fetched from the Hugging Face Hub ({reason}){_REMEDY}"
        ) from error

    def read() -> Iterator[Row]:
        number = 0
        for batch in table.iter(batch_size=_ROWS):
            for values in zip(*batch.values()):
                number += 1
                yield f"{origin}, row {number}", dict(zip(batch, values))

    return origin, read


@functools.cache
def _offline() -> str:
    """Why the Hub is out of reach; an empty string where it answers.

    The library would retry for half a minute; with HF_HUB_OFFLINE set before its import, it only reads its cache.
    """
    if "HF_HUB_OFFLINE" in os.environ or "datasets" in sys.modules:
        return ""
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    reason = why_unreachable(address)
    if reason:
        os.environ["HF_HUB_OFFLINE"] = "1"
    return f"{address} is out of reach: {reason}" if reason else ""


def why_unreachable(address: str, *, timeout: float = _PATIENCE) -> str:
    """Why an address gives no useful answer within `timeout` seconds; an empty string where it does."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        within(timeout, lambda: urllib.request.urlopen(request, timeout=timeout).close())
    except urllib.error.HTTPError as error:
        error.close()
        answered = error.code < 500 and error.code not in (301, 302, 303, 307, 308)
        return "" if answered else " ".join(f"{error.code} {error.reason}".split())
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _message(getattr(error, "reason", None) or error)
    return ""


def _message(error: object) -> str:
    """A library's message on one line; it may contain bytes from a server."""
    line = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
