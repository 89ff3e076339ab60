"""Rows of text as JSON lines; and logs of a training run, one line per entry, synced to disk when written, cut back
where training resumes from before."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seq2seq.errors import RunError
from seq2seq.storage.atomic import replacing
from seq2seq.storage.reading import LONGEST_LINE, parse_json


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row of text as a line; what UTF-8 cannot express is replaced."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def append(path: Path, *rows: dict[str, Any]) -> None:
    """Add lines; non-finite numbers, which JSON lacks, become null. Raises RunError where they cannot be written."""
    lines = []
    for row in rows:
        values = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()
        }
        lines.append(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(
            f"cannot write to {path}: {error.strerror or error}; the last checkpoint is intact: free some disk "
            "space, and the same command resumes from there"
        ) from error


def cut(path: Path, keep: Callable[[int, dict[str, Any]], bool]) -> None:
    """Keep the complete lines that `keep` accepts by their number, from 0, and their values. Raises RunError where one
    is damaged."""
    if path.is_file() and sum(map(len, _kept(path, keep))) < path.stat().st_size:
        with replacing(path) as file:
            file.writelines(_kept(path, keep))


def _kept(path: Path, keep: Callable[[int, dict[str, Any]], bool]) -> Iterator[bytes]:
    with path.open("rb") as file:
        # A line without its end was cut off when a process was killed.
        for number, row in enumerate(iter(lambda: file.readline(LONGEST_LINE), b"")):
            try:
                if len(row) == LONGEST_LINE:
                    raise ValueError(f"line {number + 1} is over {LONGEST_LINE:,} bytes long")
                if row.endswith(b"\n") and keep(number, parse_json(row)):
                    yield row
            except (ValueError, KeyError, TypeError) as error:
                raise RunError(f"{path} is damaged ({error}); delete the line that is no JSON, or the file") from error
