"""Packs as a stranger might make them: each takes the files of a good one, by name, and writes another."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Files = dict[str, bytes]
Make = Callable[[Files, Path], None]


def read(pack: Path) -> Files:
    """The files of a pack."""
    with zipfile.ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(
    files: Files, path: Path, *, compression: int = zipfile.ZIP_STORED, modes: dict[str, int] | None = None
) -> None:
    """A zip file of these files."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, contents in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            entry.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, contents)


def listed(files: Files) -> Files:
    """The same files with a record that lists them with their checksums."""
    record = json.loads(files["pack.json"])
    record["files"] = {
        name: {"sha256": hashlib.sha256(contents).hexdigest(), "bytes": len(contents)}
        for name, contents in files.items()
        if name != "pack.json"
    }
    return {**files, "pack.json": json.dumps(record).encode()}


def added(name: str, contents: bytes = b"x\n") -> Make:
    """One more file, which the record lists too."""
    return lambda files, path: write(listed({**files, name: contents}), path)


def record(**values: Any) -> Make:
    """Other values in the record; None takes one away."""

    def make(files: Files, path: Path) -> None:
        changed = {**json.loads(files["pack.json"]), **values}
        kept = {key: value for key, value in changed.items() if value is not None}
        write({**files, "pack.json": json.dumps(kept).encode()}, path)

    return make


def mode(name: str, bits: int, contents: bytes = b"/etc/passwd") -> Make:
    return lambda files, path: write(listed({**files, name: contents}), path, modes={name: bits})


def twice(files: Files, path: Path) -> None:
    write(files, path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("recipe.toml", b"[data]\n")


def end(**fields: int) -> Make:
    """Another end of the file: its numbers of files, bytes and so on."""

    def make(files: Files, path: Path) -> None:
        write(files, path)
        whole = path.read_bytes()
        names = ("disk", "first", "here", "count", "directory", "start", "comment")
        values = dict(zip(names, struct.unpack("<4H2LH", whole[-18:]))) | fields
        path.write_bytes(whole[:-18] + struct.pack("<4H2LH", *values.values()))

    return make


def directory(change: Callable[[bytearray, int], None]) -> Make:
    """A change of the list of files, at the entry of recipe.toml."""

    def make(files: Files, path: Path) -> None:
        write(files, path)
        whole = bytearray(path.read_bytes())
        change(whole, whole.rindex(b"recipe.toml") - 46)
        path.write_bytes(bytes(whole))

    return make


def _put(form: str, offset: int, *values: int) -> Make:
    return directory(lambda whole, start: struct.pack_into(form, whole, start + offset, *values))


def changed(files: Files, path: Path) -> None:
    """A byte of a file is another, and so is the sum of the zip file."""
    write({**files, "recipe.toml": files["recipe.toml"].replace(b"seed = 1", b"seed = 2")}, path)


def flipped(files: Files, path: Path) -> None:
    """A byte of a file is another."""
    write(files, path)
    whole = bytearray(path.read_bytes())
    whole[whole.index(files["recipe.toml"]) + 5] ^= 1
    path.write_bytes(bytes(whole))


def shortened(size: float) -> Make:
    def make(files: Files, path: Path) -> None:
        write(files, path)
        path.write_bytes(path.read_bytes()[: int(size * path.stat().st_size)])

    return make


def raw(contents: bytes) -> Make:
    return lambda _, path: path.write_bytes(contents) and None


def bomb(files: Files, path: Path) -> None:
    write(listed({**files, "test.jsonl": bytes(20 << 20)}), path, compression=zipfile.ZIP_DEFLATED)


def many(files: Files, path: Path) -> None:
    write({**files, **{f"file{number}": b"" for number in range(999)}}, path)


def zip64(files: Files, path: Path) -> None:
    """The extension of the format for large files, between the list of files and its end."""
    write(files, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-22] + struct.pack("<4sLQL", b"PK\6\7", 0, len(whole), 1) + whole[-22:])


def grown(files: Files, path: Path) -> None:
    write(files, path)
    with path.open("r+b") as file:
        file.truncate(1 << 40)


PACKS: dict[str, tuple[Make, str]] = {
    "climbing path": (added("../canary"), "'../canary', which no pack has"),
    "path that climbs within": (added("ctranslate2/../../canary"), "which no pack has"),
    "absolute path": (added("/tmp/canary"), "'/tmp/canary', which no pack has"),
    "path of Windows": (added("..\\canary"), "which no pack has"),
    "drive of Windows": (added("C:canary"), "which no pack has"),
    "name that is cut at a zero": (_put("<B", 46 + 6, 0), "which no pack has"),
    "folder": (added("ctranslate2/int8/", b""), "which no pack has"),
    "program": (added("setup.py", b"import os\n"), "'setup.py', which no pack has"),
    "pickle": (added("model.pt"), "which no pack has"),
    "log that is written in place": (added("metrics.jsonl"), "which no pack has"),
    "link": (mode("test.jsonl", stat.S_IFLNK | 0o777), "test.jsonl is a link or a device"),
    "pipe": (mode("test.jsonl", stat.S_IFIFO | 0o644), "test.jsonl is a link or a device"),
    "executable": (mode("test.jsonl", stat.S_IFREG | 0o755), "test.jsonl is executable"),
    "bomb": (bomb, "is compressed"),
    "a thousand files": (many, "it claims 1,0"),
    "name twice": (twice, "it holds recipe.toml twice"),
    "other checksum": (changed, "recipe.toml has another checksum than pack.json says"),
    "flipped bit": (flipped, "no pack of seqx, or a damaged one"),
    "file that is not listed": (lambda files, path: write({**files, "test.jsonl": b"{}\n"}, path), "lists other files"),
    "file that is missing": (
        lambda files, path: write({name: each for name, each in files.items() if "tokenizer" not in name}, path),
        "lists other files",
    ),
    "no record": (
        lambda files, path: write({name: each for name, each in files.items() if name != "pack.json"}, path),
        "it has no pack.json",
    ),
    "no recipe": (
        lambda files, path: write(listed({name: files[name] for name in ("pack.json", "run.json")}), path),
        "it has no recipe.toml",
    ),
    "newer version": (record(format=99), "has format 99, and this seqx reads up to 1"),
    "version that is none": (record(format="1"), "format = '1'"),
    "no version": (record(format=None), "'format'"),
    "list for files": (record(files=[]), "files = []"),
    "number for a checksum": (record(files={"recipe.toml": 5}), "lists other files"),
    "nested record": (lambda files, path: write({**files, "pack.json": b"[" * 60_000}, path), "nested too deep"),
    "giant record": (lambda files, path: write({**files, "pack.json": bytes(1 << 17)}, path), "over 65,536 bytes"),
    "half of it": (shortened(0.5), "its end is not that of a pack"),
    "nearly all of it": (shortened(0.999), "no pack of seqx, or a damaged one"),
    "nothing": (raw(b""), "it has 0 bytes"),
    "text": (raw(b"bonjour\n" * 99), "its end is not that of a pack"),
    "terabyte": (grown, "it has 1,099,511,627,776 bytes"),
    "huge count": (end(here=65535, count=65535), "it claims 65,535 files"),
    "list beyond the file": (end(directory=1 << 31), "listed in 2,147,483,648 bytes"),
    "list elsewhere": (end(start=7), "its list of files is not where it should be"),
    "several disks": (end(disk=1), "its end is not that of a pack"),
    "comment": (end(comment=9), "its end is not that of a pack"),
    "end for large files": (zip64, "its list of files is not where it should be"),
    "encrypted": (_put("<H", 8, 1), "recipe.toml is encrypted"),
    "size of four gigabytes": (_put("<2L", 20, 0xFFFFFFF0, 0xFFFFFFF0), "no pack of seqx, or a damaged one"),
    "place of another file": (_put("<L", 42, 0), "no pack of seqx, or a damaged one"),
    "place beyond the file": (_put("<L", 42, 0x7FFFFFFF), "no pack of seqx, or a damaged one"),
}
