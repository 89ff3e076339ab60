"""Text that is read more than once and must be the same each time, checked by a hash."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from seq2seq.errors import DataError

Item = TypeVar("Item")

_TOGETHER = 1 << 16  # bytes hashed at once: a call per item would take longer than the hashing


class Unchanged(Generic[Item]):
    """A text that can be read any number of times, each time from its start."""

    def __init__(self, origin: str, read: Callable[[], Iterator[Item]], as_bytes: Callable[[Item], bytes]) -> None:
        self._origin = origin
        self._read = read
        self._as_bytes = as_bytes
        self._known: str | None = None

    def __call__(self) -> Iterator[Item]:
        """Read the text. The first reading that reaches the end sets the checksum; a later one raises DataError where
        the content has changed: after the last item, or where the text can no longer be read."""
        digest = hashlib.sha256()
        waiting: list[bytes] = []
        size = 0
        try:
            for item in self._read():
                written = self._as_bytes(item)
                waiting.append(written)
                size += len(written)
                if size > _TOGETHER:
                    digest.update(b"".join(waiting))
                    waiting.clear()
                    size = 0
                yield item
        except DataError as error:
            if self._known is None:
                raise
            raise self._changed(f" ({error})") from error
        digest.update(b"".join(waiting))
        if self._known is None:
            self._known = digest.hexdigest()
        elif self._known != digest.hexdigest():
            raise self._changed("")

    def checksum(self) -> str:
        """The checksum of all that is read; reads the text where this has not happened yet."""
        if self._known is None:
            deque(self(), maxlen=0)
        assert self._known is not None, "reading to the end sets it"
        return self._known

    def _changed(self, reason: str) -> DataError:
        return DataError(
            f"{self._origin} changed since this command first read it{reason}; "
            "give text that stays as it is, and run the command again"
        )


def row_bytes(cells: Sequence[str]) -> bytes:
    """A record as it is hashed: a tab separates the texts, and a tab within one becomes a byte that UTF-8 lacks."""
    line = "\t".join(cells)
    if line.count("\t") < len(cells):
        return (line + "\n").encode("utf-8", "surrogatepass")
    return b"\t".join(cell.encode("utf-8", "surrogatepass").replace(b"\t", b"\xff") for cell in cells) + b"\n"


def digest(rows: Iterable[Sequence[str]]) -> str:
    """The checksum of records without a file."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row_bytes(row))
    return digest.hexdigest()
