"""Small files from untrusted sources: regular files of bounded size, with JSON or TOML of bounded depth."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

LONGEST_LINE = 16 << 20  # bytes, ten times those of a novel; readers of lines hold one in memory
_MAX_JSON = 64 << 20  # bytes, twice those of a tokenizer of a million pieces
# Of a recipe, which has some thousand bytes: Python's TOML parser takes time quadratic in the parts of a dotted key.
_MAX_TOML = 20_000


def read_small(path: Path, most: int = _MAX_JSON) -> bytes:
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
    """A JSON value. Raises ValueError where it is not valid, or nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises OSError and ValueError, as `read_small` and `parse_json` do."""
    return parse_json(read_small(path))


def parse_toml(text: str) -> dict[str, Any]:
    """The values of a TOML document. Raises ValueError where it is not valid, too long or nested too deep."""
    if len(text) > _MAX_TOML:
        raise ValueError(f"over {_MAX_TOML:,} characters long")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file, which may begin with a byte order mark. Raises OSError and ValueError."""
    return parse_toml(read_small(path, _MAX_TOML).decode("utf-8-sig"))
