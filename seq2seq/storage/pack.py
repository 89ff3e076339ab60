"""A pack: a finished run in one file, to be sent and opened anywhere.

A zip file of a narrow kind, so that one from a stranger can do no harm: at most a few dozen files, none of them
compressed (nothing can swell), of the names that a run folder has (nothing is placed elsewhere), each with its
checksum in `pack.json`. It is unpacked into the user's cache, into a folder named by the checksum of the whole file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seq2seq.errors import FormatError, RunError
from seq2seq.storage.atomic import replacing, sync_tree
from seq2seq.storage.checksums import checksum, described, user_cache
from seq2seq.storage.folders import making_folder
from seq2seq.storage.formats import PACK_RECORD
from seq2seq.storage.reading import parse_json

_FORMAT = 1
_NAMES = re.compile(
    r"pack\.json|recipe\.toml|run\.json|test\.jsonl|model\.safetensors|tokenizer(\.source|\.target)?\.(model|json)"
    r"|ctranslate2/copy\.json|ctranslate2/(int8|float32)/"
    r"(model\.bin|config\.json|(shared_|source_|target_)?vocabulary\.json|head\.safetensors)"
)
_MOST_FILES, _LARGEST_DIRECTORY = 32, 1 << 14  # bytes of the list of files at the end
_LARGEST_RECORD = 1 << 16  # bytes of pack.json
_LARGEST = (1 << 32) - (1 << 16)  # bytes of a pack: a zip file without extensions
_END = struct.Struct("<4s4H2LH")  # the end of a zip file
_CHUNK = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # of all files: the same run gives the same pack


def write(path: Path, files: Mapping[str, Path | bytes], about: Mapping[str, Any]) -> None:
    """Write a pack of files by their names in a run folder; `about` goes into pack.json. Raises RunError where it would
    be too large, OSError where it cannot be written."""
    size = sum(len(file) if isinstance(file, bytes) else file.stat().st_size for file in files.values())
    if size > _LARGEST:
        raise RunError(f"{path}: a pack has up to {_LARGEST:,} bytes, and this run has {size:,}; leave out --weights")
    known = {name: _described(file) for name, file in sorted(files.items())}
    record = json.dumps({"format": _FORMAT, **about, "files": known}, indent=2, ensure_ascii=False).encode()
    with replacing(path) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, file in {PACK_RECORD: record, **dict(sorted(files.items()))}.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = len(file) if isinstance(file, bytes) else file.stat().st_size
            contents: IO[bytes] = io.BytesIO(file) if isinstance(file, bytes) else file.open("rb")
            with contents, archive.open(entry, "w") as place:
                shutil.copyfileobj(contents, place, _CHUNK)


def unpacked(path: Path) -> Path:
    """The run folder that a pack holds, in the user's cache. Raises RunError where the file is no pack, is damaged, or
    holds anything that `write` does not write; FormatError where a newer seqx wrote it."""
    try:
        with path.open("rb") as file, _damage_reported(path):
            _check_end(file)  # first: a file of any size would be read for its checksum
        place = user_cache() / "packs" / checksum(path)
        if not place.is_dir():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with making_folder(place) as folder:
                with path.open("rb") as file, _damage_reported(path):
                    _unpack(file, path, folder)
                sync_tree(folder)
                if not place.is_dir():  # else another process was faster
                    folder.rename(place)
    except RuntimeError as error:
        raise RunError(f"{path} cannot be unpacked: {error}; set XDG_CACHE_HOME to a folder") from error
    except OSError as error:
        at = error.filename or path
        raise RunError(f"{path} cannot be unpacked: {at}: {error.strerror or error}; set XDG_CACHE_HOME") from error
    return place


def _unpack(file: IO[bytes], path: Path, folder: Path) -> None:
    _check_end(file)
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        _check(entries, os.fstat(file.fileno()).st_size)
        known = _record(archive, path)
        if known.keys() | {PACK_RECORD} != {entry.filename for entry in entries}:
            raise ValueError(f"{PACK_RECORD} lists other files than it holds")
        for entry in entries:
            _extract(archive, entry, folder, known.get(entry.filename))


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, NotImplementedError, struct.error) as error:
        raise RunError(
            f"{path} is a file, not a run folder, and no pack of seqx, or a damaged one ({error}); name the folder "
            "that `seqx train` made, or ask for the pack again"
        ) from error


def _check_end(file: IO[bytes]) -> None:
    """Raise ValueError where a zip file does not end as `write` ends it: read before the list of files, which a zip
    reader takes whole into memory."""
    size = file.seek(0, os.SEEK_END)
    if not _END.size < size <= _LARGEST + _LARGEST_DIRECTORY:
        raise ValueError(f"it has {size:,} bytes")
    file.seek(size - _END.size)
    mark, disk, first, here, count, directory, start, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or disk or first or comment or here != count:
        raise ValueError("its end is not that of a pack")
    if count > _MOST_FILES or directory > _LARGEST_DIRECTORY:
        raise ValueError(f"it claims {count:,} files, listed in {directory:,} bytes")
    if start + directory + _END.size != size:
        raise ValueError("its list of files is not where it should be")


def _check(entries: Iterable[zipfile.ZipInfo], size: int) -> None:
    """Raise ValueError for what `write` does not write."""
    names: set[str] = set()
    total = 0
    for entry in entries:
        name, mode = entry.orig_filename, entry.external_attr >> 16
        if not _NAMES.fullmatch(name) or name != entry.filename:
            raise ValueError(f"it holds {name!r:.80}, which no pack has")
        if name in names:
            raise ValueError(f"it holds {name} twice")
        if mode and not stat.S_ISREG(mode):
            raise ValueError(f"{name} is a link or a device")
        if mode & 0o111:
            raise ValueError(f"{name} is executable")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ValueError(f"{name} is compressed")
        if entry.flag_bits & 1:
            raise ValueError(f"{name} is encrypted")
        names.add(name)
        total += entry.file_size
    if total > size:
        raise ValueError(f"it claims {total:,} bytes of files in {size:,} bytes")
    if not {PACK_RECORD, "recipe.toml", "run.json"} <= names:
        raise ValueError(f"it has no {min({PACK_RECORD, 'recipe.toml', 'run.json'} - names)}")


def _record(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """The checksums of pack.json. Raises FormatError for a newer format, ValueError where it is damaged."""
    if archive.getinfo(PACK_RECORD).file_size > _LARGEST_RECORD:
        raise ValueError(f"{PACK_RECORD} is over {_LARGEST_RECORD:,} bytes long")
    values = parse_json(archive.read(PACK_RECORD))
    number = values["format"]
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"format = {number!r:.40}")
    if number > _FORMAT:
        raise FormatError(
            f"{path} has format {number}, and this seqx reads up to {_FORMAT}: a newer seqx wrote it; update seqx"
        )
    if not isinstance(values["files"], dict):
        raise ValueError(f"files = {values['files']!r:.40}")
    return values["files"]


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, known: Any) -> None:
    """Write one file. Raises ValueError where its checksum is not `known`, which is None for pack.json."""
    place = folder / entry.filename
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(entry) as file, place.open("xb") as out:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    if known is not None and {"sha256": digest.hexdigest(), "bytes": entry.file_size} != known:
        raise ValueError(f"{entry.filename} has another checksum than {PACK_RECORD} says")


def _described(file: Path | bytes) -> dict[str, Any]:
    if isinstance(file, bytes):
        return {"sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file)}
    return described(file)
