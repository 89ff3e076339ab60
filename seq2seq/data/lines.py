"""Text files as lines: `\\n` alone ends a line, bytes that are not UTF-8 are an error that names file and line."""

from __future__ import annotations

import gzip
import math
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Literal, cast

from seq2seq.errors import DataError
from seq2seq.reading import LONGEST_LINE

EncodingErrors = Literal["strict", "replace"]

# Where one file has more lines than this over the other, they are different texts: no single line is to blame.
_FEW_EXTRA = 10_000
_BLOCK = 1 << 18  # bytes


def decode_lines(file: IO[bytes], name: str, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of an open binary file, without their end; a byte order mark and the CR of CRLF are dropped.

    U+2028, U+0085, \\x0b, \\x0c and a lone \\r are characters like others. Raises DataError: invalid UTF-8, UTF-16, a
    line without end.
    """
    for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
        if len(raw) > LONGEST_LINE:
            raise DataError(f"{name}, line {number} is over {LONGEST_LINE:,} bytes long; break it into lines")
        if number == 1:
            raw = _without_mark(raw, name)
            if not raw:
                return
        if raw.endswith(b"\n"):
            raw = raw[:-1].removesuffix(b"\r")
        yield _decode(raw, name, number, errors)


def read_lines(path: Path, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The lines of a file (of a .gz file too). Raises DataError where it is missing or unreadable."""
    with _opened(path) as file:
        yield from decode_lines(file, str(path), errors)


def read_blocks(path: Path, errors: EncodingErrors = "strict") -> Iterator[str]:
    """The text of a file (of a .gz file too), some whole lines at a time, with the ends that `read_lines` takes off.

    Raises DataError where `read_lines` does.
    """
    number = 1
    with _opened(path) as file:
        while lines := file.readlines(_BLOCK):
            if number == 1:
                lines[0] = _without_mark(lines[0], str(path))
            yield _decode(b"".join(lines).replace(b"\r\n", b"\n"), str(path), number, errors)
            number += len(lines)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast(IO[bytes], file)
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


def _without_mark(raw: bytes, name: str) -> bytes:
    """The first line of a file without its byte order mark."""
    if _is_utf_16(raw):
        raise DataError(f"{name} is UTF-16, not UTF-8: convert it, for example with iconv -f UTF-16 -t UTF-8")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _decode(raw: bytes, name: str, number: int, errors: EncodingErrors) -> str:
    """The text of some lines, of which `number` is the first."""
    try:
        return raw.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        line = number + raw.count(b"\n", 0, error.start)
        raise DataError(
            f"{name}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8; "
            "mend the file, or go on with --encoding-errors replace"
        ) from error


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
