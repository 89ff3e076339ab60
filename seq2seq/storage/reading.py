"""Small files that a stranger may have made: regular, of bounded size, their JSON or TOML not nested without end."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

LONGEST_LINE = 16 << 20  # bytes: a novel has a tenth of it, and who reads lines holds a whole one
_MOST_JSON = 64 << 20  # bytes: the tokenizer of a million pieces has half of it
# A recipe has some thousand bytes, and Python's TOML parser takes time quadratic in the parts of a dotted key.
_MOST_TOML = 20_000


def read_small(path: Path, most: int = _MOST_JSON) -> bytes:
    """The contents of a file.

    Raises OSError where it cannot be read, ValueError where it is a pipe or a device, or over `most` bytes.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("a pipe or a device, not a file")
    with path.open("rb") as file:
        contents = file.read(most + 1)
    if len(contents) > most:
        raise ValueError(f"over {most:,} bytes long")
    return contents


def parse_json(text: str | bytes) -> Any:
    """A JSON value. Raises ValueError where it is none, or nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises OSError and ValueError, as `read_small` and `parse_json` do."""
    return parse_json(read_small(path))


def parse_toml(text: str) -> dict[str, Any]:
    """The values of a TOML document. Raises ValueError where it is none, is too long or nested too deep."""
    if len(text) > _MOST_TOML:
        raise ValueError(f"over {_MOST_TOML:,} characters long")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file, which may begin with a byte order mark. Raises OSError and ValueError."""
    return parse_toml(read_small(path, _MOST_TOML).decode("utf-8-sig"))
