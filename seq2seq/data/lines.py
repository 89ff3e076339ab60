"""Text files as lines: `\\n` alone ends a line, bytes that are not UTF-8 are an error that names file and line."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO, Literal

from seq2seq.errors import DataError

EncodingErrors = Literal["strict", "replace"]


def decode_lines(file: IO[bytes], name: str, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of an open binary file, without their end; a byte order mark and the CR of CRLF are dropped.

    U+2028, U+0085, \\x0b and \\x0c are characters like others. Raises DataError: invalid UTF-8, or UTF-16.
    """
    for number, raw in enumerate(file, start=1):
        if number == 1:
            if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{name} is UTF-16, not UTF-8: convert it, for example with iconv -f UTF-16 -t UTF-8")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            yield raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8; "
                "mend the file, or go on with --encoding-errors replace"
            ) from error


def read_lines(path: Path, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of a file (of a .gz file too). Raises DataError where it is missing or unreadable."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from decode_lines(file, str(path), errors)
    except FileNotFoundError as error:
        raise DataError(f"no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def read_pairs(source: Path, target: Path, errors: EncodingErrors = "strict") -> Iterator[tuple[str, str]]:
    """Line i of one file with line i of the other. Raises DataError where their lengths differ, after the common part."""
    suspect = 0
    for number, (left, right) in enumerate(zip_longest(read_lines(source, errors), read_lines(target, errors)), start=1):
        if left is None or right is None:
            counts = [number - 1 + (side is not None) for side in (left, right)]
            longer = source if right is None else target
            counts[0 if right is None else 1] = sum(1 for _ in read_lines(longer, errors))
            hint = f"line {suspect} looks like the first that does not match" if suspect else f"they match up to line {number - 1}"
            raise DataError(f"{source} has {counts[0]:,} lines, {target} has {counts[1]:,}: {hint}")
        if not suspect and _odd(left, right):
            suspect = number
        yield left, right


def _odd(left: str, right: str) -> bool:
    short, long = sorted((len(left.strip()), len(right.strip())))
    return (short == 0 and long > 0) or long > 4 * short + 20
