"""Text files as lines: only `\n` ends a line; bytes that are not text are an error that names file and line."""

from __future__ import annotations

import codecs
import io
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Any, Literal, cast

from seq2seq.data.compression import decompressed
from seq2seq.errors import DataError
from seq2seq.storage.reading import LONGEST_LINE

# Where one file has more extra lines than this, they are different texts: no single line is the cause.
_FEW_EXTRA = 10_000
_BLOCK = 1 << 18  # bytes
_SHOWN = 40  # characters of a line that an error shows


@dataclass(frozen=True)
class Reading:
    """How files are read: their encoding, and the columns of a table that hold the text."""

    encoding: str = "utf-8"
    errors: Literal["strict", "replace"] = "strict"
    columns: tuple[str, ...] = ()  # names, or numbers counted from 1; none: by the file's own names


PLAIN = Reading()


def is_encoding(name: str) -> bool:
    """Whether Python knows an encoding of text by this name."""
    try:
        return codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        return False


def decode_lines(file: IO[bytes], name: str, reading: Reading = PLAIN) -> Iterator[str]:
    """The lines of an open binary file, decompressed where it is compressed, without their end; a byte order mark and
    the CR of CRLF are dropped.

    U+2028, U+0085, \x0b, \x0c and a lone \r are ordinary characters. Raises DataError: bytes that are not of the
    encoding, undeclared UTF-16, a line without end, a damaged compressed file.
    """
    with _utf_8(file, name, reading) as opened:
        for number, raw in enumerate(iter(lambda: opened.readline(LONGEST_LINE + 1), b""), start=1):
            _refuse_long(len(raw), name, number)
            if number == 1:
                raw = _without_mark(raw, name)
                if not raw:
                    return
            if raw.endswith(b"\n"):
                raw = raw[:-1].removesuffix(b"\r")
            yield _decode(raw, name, number, reading)


def read_lines(path: Path, reading: Reading = PLAIN) -> Iterator[str]:
    """The lines of a file (of a compressed one too). Raises DataError where it is missing or unreadable."""
    with _opened(path) as file:
        yield from decode_lines(file, str(path), reading)


def read_blocks(path: Path, reading: Reading = PLAIN, *, block_size: int = _BLOCK) -> Iterator[str]:
    """The text of a file (of a compressed one too), some whole lines at a time, with their ends.

    Raises DataError where `read_lines` does.
    """
    with _opened(path) as file:
        yield from blocks(file, str(path), reading, block_size=block_size)


def blocks(file: IO[bytes], name: str, reading: Reading = PLAIN, *, block_size: int = _BLOCK) -> Iterator[str]:
    """The text of an open binary file, as `read_blocks` yields it."""
    number = 1
    with _utf_8(file, name, reading) as opened:
        while block := opened.read(block_size):
            begun = len(block) - block.rfind(b"\n") - 1  # of the last line
            if begun:
                rest = opened.readline(LONGEST_LINE + 1)
                block += rest
                _refuse_long(begun + len(rest), name, number + block.count(b"\n", 0, -1))
            if number == 1:
                block = _without_mark(block, name)
            yield _decode(block.replace(b"\r\n", b"\n"), name, number, reading)
            number += block.count(b"\n")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; check the path") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; name a file in it") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check its permissions and the disk") from error


@contextmanager
def _utf_8(file: IO[bytes], name: str, reading: Reading) -> Iterator[IO[bytes]]:
    """An open file as UTF-8, whatever its compression and its encoding."""
    with decompressed(file, name) as opened:
        if codecs.lookup(reading.encoding).name == "utf-8":
            yield opened
        else:
            yield cast(IO[bytes], io.BufferedReader(_Transcoded(opened, name, reading), _BLOCK))


class _Transcoded(io.RawIOBase):
    """An open file of another encoding, as UTF-8."""

    def __init__(self, file: IO[bytes], name: str, reading: Reading) -> None:
        self._file, self._name, self._reading = file, name, reading
        self._decoder = codecs.getincrementaldecoder(reading.encoding)(reading.errors)
        self._line = 1
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes, 0 at the end. Raises DataError: bytes that are not of the encoding."""
        while not self._held and not self._ended:
            raw = self._file.read(_BLOCK // 4)
            self._ended = not raw
            try:
                text = self._decoder.decode(raw, final=self._ended)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(self._reading.encoding, "ignore")
                line = self._line + before.count("\n")
                raise DataError(
                    f"{self._name}, line {line}: byte 0x{error.object[error.start]:02x} "
                    f"is not {self._reading.encoding} ({error.reason}); name another --encoding, or repair the file"
                ) from error
            self._line += text.count("\n")
            self._held = text.encode("utf-8", "surrogatepass")
        part, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def read_pairs(source: Path, target: Path, reading: Reading = PLAIN) -> Iterator[tuple[str, str]]:
    """Line i of one file with line i of the other. Raises DataError after the common part where one is longer."""
    pairs = zip_longest(read_lines(source, reading), read_lines(target, reading))
    for number, (left, right) in enumerate(pairs, start=1):
        if left is None or right is None:
            common = number - 1
            rest = 1 + sum(1 for _ in pairs)
            lines = (common, common + rest) if left is None else (common + rest, common)
            raise DataError(
                f"{source} has {lines[0]:,} lines, {target} has {lines[1]:,}: "
                f"{_first_suspicious(source, target, lines[0] - lines[1], reading)}; "
                "make line i of one translate line i of the other"
            )
        yield left, right


def _refuse_long(length: int, name: str, number: int) -> None:
    if length > LONGEST_LINE:
        raise DataError(f"{name}, line {number} is over {LONGEST_LINE:,} bytes long; break it into lines")


def _without_mark(raw: bytes, name: str) -> bytes:
    """The first line of a file without its byte order mark."""
    if raw[257:262] == b"ustar":
        raise DataError(f"{name} is a tar archive, not text; unpack it first")
    if wide := _wide(raw):
        raise DataError(f"{name} is {wide.upper()[:6]}, not UTF-8: add --encoding {wide}, or convert it")
    return raw.removeprefix(codecs.BOM_UTF8)


def _decode(raw: bytes, name: str, number: int, reading: Reading) -> str:
    """The text of some lines, of which `number` is the first."""
    try:
        return raw.decode("utf-8", reading.errors)
    except UnicodeDecodeError as error:
        line = number + raw.count(b"\n", 0, error.start)
        raise DataError(
            f"{name}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8; {_other_encoding(raw, error.start)}"
        ) from error


def _other_encoding(raw: bytes, place: int) -> str:
    """What to do about a byte that is not UTF-8: the most usual other encoding, and the word read with it."""
    start, end = (raw[:place].rfind(b"\n") + 1, raw.find(b"\n", place))
    line = raw[start : end if end >= 0 else None]
    words = line[max(0, place - start - _SHOWN) : place - start + _SHOWN].split()
    word = next((word for word in words if any(byte > 127 for byte in word)), b"")
    try:
        shown = word.decode("cp1252")
        line.decode("cp1252")
    except UnicodeDecodeError:
        shown = ""
    # Where the text before it is certainly UTF-8, the byte itself is damaged.
    if raw[:place].isascii() and shown.isprintable() and any(map(str.isalpha, shown)):
        return (
            f"as cp1252 it is {shown!r}: if that is right, add --encoding cp1252, else name another or repair the file"
        )
    return "repair the file, or name its encoding with --encoding (--encoding-errors replace loses such bytes)"


def _wide(raw: bytes) -> str:
    """The encoding of 2 or 4 bytes per character of the beginning of a file; else an empty string."""
    if raw[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    # Without a mark: in Latin script every second byte is zero, or three in four.
    zeros = raw.count(0) / max(5, len(raw))
    order = "be" if raw[:1] == b"\0" else "le"
    return f"utf-32-{order}" if zeros > 0.7 else f"utf-16-{order}" if zeros >= 0.4 else ""


def _first_suspicious(source: Path, target: Path, extra: int, reading: Reading) -> str:
    """Where the extra lines of one file best fit: lengths of translations agree before them and, shifted, after."""
    if abs(extra) > _FEW_EXTRA:
        return "they are different texts"
    longer, shorter = (source, target) if extra > 0 else (target, source)
    long_lines, short_lines = (map(len, read_lines(path, reading)) for path in (longer, shorter))
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
