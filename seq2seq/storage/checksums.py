"""Checksums of files, cached under everything that changes when a file does.

The cache is in the user's cache folder, outside any run folder: a folder from a stranger cannot vouch for itself.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seq2seq.errors import RunError
from seq2seq.storage.reading import parse_json, read_small

MOST_REMEMBERED = 500  # files in the cache, the newest ones
_LARGEST = 1 << 20  # bytes of the cache
SETTLED_AFTER = 2 * 10**9  # nanoseconds: a younger file may change again without a change of its times


def sha256(path: Path) -> str:
    """The checksum of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum(path: Path) -> str:
    """The sha256 of a file's bytes, from the cache or computed. Raises OSError where it cannot be read."""
    place, status = str(path.resolve()), path.stat()
    known = _remembered()
    entry = known.get(place)
    if isinstance(entry, list) and entry[:-1] == _identity(status) and isinstance(entry[-1], str):
        return entry[-1]
    computed = sha256(path)
    if _identity(path.stat()) == _identity(status) and _settled(status):
        _remember(place, [*_identity(status), computed])
    return computed


def checksum_of(values: Any) -> str:
    """The checksum of JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def described(path: Path) -> dict[str, Any]:
    """A file as records describe it: its checksum and its size. The file is read, whatever the cache has."""
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


def must_be(path: Path, known: Mapping[str, Any] | None, remedy: str) -> None:
    """Raise RunError where a file is not the one that a record describes. With `known` None, any file passes."""
    if known is not None and (why := difference(path, known)):
        raise RunError(f"{path} is missing or damaged ({why}); {remedy}")


def difference(path: Path, known: Mapping[str, Any], *, again: bool = False) -> str:
    """Why a file is not the one that a record describes, else an empty string; `again` ignores the cache.

    The size is compared first: a file that was extended is not read to its end. Raises PermissionError.
    """
    try:
        size = path.stat().st_size
        if size != known.get("bytes", size):
            return f"it has {size:,} bytes, and had {known['bytes']:,} when it was written"
        if (sha256 if again else checksum)(path) != known["sha256"]:
            return "its checksum has changed since it was written"
    except PermissionError:
        raise
    except OSError as error:
        return error.strerror or str(error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"its checksum on record cannot be read: {error!r}"
    return ""


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _settled(status: os.stat_result) -> bool:
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_AFTER


def user_cache() -> Path:
    """The user's cache folder of seqx, which need not exist. Raises RuntimeError where the user has no home folder."""
    place = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (place if place.is_absolute() else Path.home() / ".cache") / "seqx"


def _remembered() -> dict[str, Any]:
    """The cache; empty where it is damaged, or another user could have written it."""
    try:
        path = user_cache() / "checksums.json"
        status = path.stat()
        if status.st_mode & 0o022 or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
            return {}
        return _parsed(str(path), *_identity(status))
    except (OSError, ValueError, RuntimeError):
        return {}


@functools.lru_cache(maxsize=1)
def _parsed(path: str, *identity: int) -> dict[str, Any]:
    """The values of the cache file, which `identity` says is unchanged."""
    values = parse_json(read_small(Path(path), _LARGEST))
    return values if isinstance(values, dict) else {}


def _remember(place: str, entry: list[Any]) -> None:
    """Add a file to the cache; where that cannot be written, the file is read again next time."""
    others = [item for item in _remembered().items() if item[0] != place]
    known = dict([*others, (place, entry)][-MOST_REMEMBERED:])
    with suppress(OSError, RuntimeError, ValueError):
        folder = user_cache()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".checksums.", suffix=".partial", dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(known, file)
            Path(name).replace(folder / "checksums.json")
        except BaseException:
            Path(name).unlink()
            raise
