"""Text files as lines: `\\n` alone ends a line, bytes that are not UTF-8 are an error that names file and line."""

from __future__ import annotations

import gzip
import math
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Literal

from seq2seq.errors import DataError

EncodingErrors = Literal["strict", "replace"]

# Where one file has more lines than this over the other, they are different texts: no single line is to blame.
_FEW_EXTRA = 10_000


def decode_lines(file: Iterable[bytes], name: str, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of an open binary file, without their end; a byte order mark and the CR of CRLF are dropped.

    U+2028, U+0085, \\x0b, \\x0c and a lone \\r are characters like others. Raises DataError: invalid UTF-8, or UTF-16.
    """
    return (line.removesuffix("\n") for line in decode_ended_lines(file, name, errors))


def decode_ended_lines(file: Iterable[bytes], name: str, errors: EncodingErrors = "strict") -> Iterator[str]:
    """As `decode_lines`, each line with its `\\n`; the last one may have none."""
    for number, raw in enumerate(file, start=1):
        if number == 1:
            if _is_utf_16(raw):
                raise DataError(f"{name} is UTF-16, not UTF-8: convert it, for example with iconv -f UTF-16 -t UTF-8")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
            if not raw:
                return
        if raw.endswith(b"\r\n"):
            raw = raw[:-2] + b"\n"
        try:
            yield raw.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8; "
                "mend the file, or go on with --encoding-errors replace"
            ) from error


def read_lines(path: Path, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of a file (of a .gz file too). Raises DataError where it is missing or unreadable."""
    return (line.removesuffix("\n") for line in read_ended_lines(path, errors))


def read_ended_lines(path: Path, errors: EncodingErrors = "strict") -> Iterator[str]:
    """As `read_lines`, each line with its `\\n`; the last one may have none."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield from decode_ended_lines(file, str(path), errors)
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; check the path") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; name a file in it") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); fetch or compress it again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check its permissions and the disk") from error


def read_pairs(source: Path, target: Path, errors: EncodingErrors = "strict") -> Iterator[tuple[str, str]]:
    """Line i of one file with line i of the other. Raises DataError after the common part where one goes on."""
    both = zip_longest(read_lines(source, errors), read_lines(target, errors))
    for number, (left, right) in enumerate(both, start=1):
        if left is None or right is None:
            common = number - 1
            rest = 1 + sum(1 for _ in both)
            lines = (common, common + rest) if left is None else (common + rest, common)
            raise DataError(
                f"{source} has {lines[0]:,} lines, {target} has {lines[1]:,}: "
                f"{_first_suspicious(source, target, lines[0] - lines[1])}; "
                "make line i of one translate line i of the other"
            )
        yield left, right


def _is_utf_16(raw: bytes) -> bool:
    # Without its mark, UTF-16 of Latin script is every second byte zero.
    return raw[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(raw) > 4 and raw.count(0) * 5 >= len(raw) * 2)


def _first_suspicious(source: Path, target: Path, extra: int) -> str:
    """Where the extra lines of one file best fit: lengths of translations agree before them and, shifted, after."""
    if abs(extra) > _FEW_EXTRA:
        return "they are different texts"
    longer, shorter = (source, target) if extra > 0 else (target, source)
    long_lines, short_lines = (map(len, read_lines(path, "replace")) for path in (longer, shorter))
    ahead = deque(islice(long_lines, abs(extra)))
    balance = least = 0.0
    place = number = 0
    for number, (later, length) in enumerate(zip(long_lines, short_lines), start=1):
        ahead.append(later)
        balance += _unlikeness(ahead.popleft(), length) - _unlikeness(later, length)
        if balance < least:
            least, place = balance, number
    if place == number:
        return f"they match up to line {number:,}, where {shorter} ends"
    return f"line {place + 1:,} looks like the first that does not match"


def _unlikeness(one: int, other: int) -> float:
    return abs(math.log((one + 3) / (other + 3)))
