"""Compressed files: known by their first bytes where they are read, by their names where they are written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Literal, cast

from seq2seq.errors import DataError

KINDS = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}
_FIRST = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": "zstd" for kind in range(16)},  # a frame to skip
    # Its first four bytes are letters; no text begins with all ten.
    **{b"BZh" + bytes([size]) + end: "bzip2" for size in b"123456789" for end in (b"1AY&SY", b"\x17rE8P\x90")},
}
_NOT_READ = {
    b"PK\x03\x04": "a zip archive (or an office document)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"\x1f\x9d": "compressed by compress",
    b"%PDF-": "a PDF document",
    b"PAR1": "a parquet file",
}
# Suffixes of compressed files that are not written here.
_NOT_WRITTEN = (".zip", ".7z", ".rar", ".lz4", ".lzma", ".br", ".z", ".tgz", ".tar")


def without_suffix(name: str) -> str:
    """A file name without the suffix of its compression: `a.tsv` of `a.tsv.GZ`."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in KINDS else name


@contextmanager
def decompressed(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """An open binary file as what it holds: decompressed where its first bytes say that it is compressed.

    Raises DataError, at once or while reading: an archive, a file that is damaged or cut off, or not compressed though
    its name says so.
    """
    beginning = _beginning(file)
    for bytes_, what in _NOT_READ.items():
        if beginning.startswith(bytes_):
            raise DataError(f"{name} is {what}, not text; unpack or convert it first")
    kind = next((kind for bytes_, kind in _FIRST.items() if beginning.startswith(bytes_)), "")
    named = KINDS.get(Path(name).suffix.lower(), "")
    if not kind:
        if named:
            raise DataError(f"{name} is not a whole {named} file (its first bytes are others); {_AGAIN}")
        yield file
        return
    opened = _stream(file, kind, "rb")
    try:
        yield opened
    except MemoryError as error:
        raise DataError(
            f"{name} takes more memory to decompress than there is; compress it at a lower level"
        ) from error
    except Exception as error:
        if not _of_the_format(error):
            raise
        raise DataError(f"{name} is not a whole {kind} file ({error}); {_AGAIN}") from error


_AGAIN = "fetch or compress it again"


def _beginning(file: IO[bytes]) -> bytes:
    if isinstance(file, io.BufferedReader):
        return file.peek(16)[:16]
    if not file.seekable():
        return b""
    place = file.tell()
    beginning = file.read(16)
    file.seek(place)
    return beginning


def _stream(file: IO[bytes], kind: str, mode: Literal["rb", "wb"]) -> IO[bytes]:
    """A reader or a writer of one of `KINDS`; the file itself stays open."""
    match kind:
        case "gzip":
            import gzip

            return cast(IO[bytes], gzip.GzipFile("", mode, fileobj=file, mtime=0))
        case "xz":
            import lzma

            return lzma.LZMAFile(file, mode)
        case "bzip2":
            import bz2

            return bz2.BZ2File(file, mode)
    import pyarrow  # type: ignore[import-untyped]

    if mode == "rb":
        source = pyarrow.PythonFile(file, mode="r")
        return cast(IO[bytes], io.BufferedReader(pyarrow.CompressedInputStream(source, kind)))
    return cast(IO[bytes], pyarrow.CompressedOutputStream(pyarrow.PythonFile(_Open(file), mode="w"), kind))


def _of_the_format(error: Exception) -> bool:
    """Whether a library says that compressed bytes are damaged; its other errors are of reading the file."""
    import lzma
    import zlib

    return isinstance(error, EOFError | zlib.error | lzma.LZMAError) or (
        isinstance(error, OSError) and error.errno is None
    )


def compressing(file: IO[bytes], path: Path) -> AbstractContextManager[IO[bytes]]:
    """A writer to an open binary file, compressed as the name of `path` says; the file itself stays open."""
    kind = KINDS.get(path.suffix.lower())
    return _stream(file, kind, "wb") if kind else nullcontext(file)


def refused(path: Path) -> str:
    """Why a file cannot be written under its name: a compression that is not written here; else an empty string."""
    suffix = next((end for end in _NOT_WRITTEN if without_suffix(path.name).lower().endswith(end)), "")
    return f"{suffix} is not written here; end it in {', '.join(KINDS)}, or .txt" if suffix else ""


class _Open:
    """A file that its writer cannot close."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        """Leave it open."""
