"""Checks of a run folder from an untrusted source: no link may leave it, no pipe may block its reader."""

from __future__ import annotations

import os
from pathlib import Path

from seq2seq.errors import RunError
from seq2seq.storage.atomic import has_other_names

_WRITTEN_IN_PLACE = (".lock", ".record.lock", "metrics.jsonl", "updates.jsonl", "faults.jsonl")


def refuse_strange_files(folder: Path) -> None:
    """Raise RunError where a run folder has a link that leads out of it, since training and judging write and delete
    there; or a pipe or a device, which would be read forever."""
    root = folder.resolve()
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            inner = Path(here) / name
            if inner.is_symlink():
                if not _leads_into(root, inner):
                    raise RunError(
                        f"{inner} is a link that leads out of the run folder, or to nothing; replace it by a copy of "
                        "its target, or delete it"
                    )
            elif not (inner.is_file() or inner.is_dir()):
                raise RunError(
                    f"{inner} is a pipe or a device, not a file; delete it, or restore the file from a backup"
                )
    for name in _WRITTEN_IN_PLACE:
        if has_other_names(folder / name):
            raise RunError(
                f"{folder / name} is a hard link, as `cp -al` makes them: writing to it would change another file too; "
                f"copy the folder without hard links: cp -a {folder} NEW"
            )


def _leads_into(root: Path, link: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # nothing there, or a cycle of links
        return False
