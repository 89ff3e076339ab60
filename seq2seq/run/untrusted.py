"""What the folder of a run that a stranger made may not do: lead out of itself, or keep its reader waiting."""

from __future__ import annotations

import os
from pathlib import Path

from seq2seq.errors import RunError
from seq2seq.storage.atomic import has_other_names

_WRITTEN_IN_PLACE = (".lock", ".record.lock", "metrics.jsonl", "faults.jsonl")


def refuse_strange_files(folder: Path) -> None:
    """Raise RunError where a link in a run folder leads out of it: training and judging write there, and delete; and
    where a pipe or a device stands in it, which would be read for ever."""
    root = folder.resolve()
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            inner = Path(here) / name
            if inner.is_symlink():
                if not _leads_into(root, inner):
                    raise RunError(
                        f"{inner} is a link that leads out of the run folder, or nowhere; put a copy of what it names "
                        "in its place, or delete it"
                    )
            elif not (inner.is_file() or inner.is_dir()):
                raise RunError(f"{inner} is a pipe or a device, no file; delete it, or restore the file from a copy")
    for name in _WRITTEN_IN_PLACE:
        if has_other_names(folder / name):
            raise RunError(
                f"{folder / name} is a hard link, as `cp -al` makes them: what seqx writes would change another file "
                f"too; use a copy of the folder, whose files are its own: cp -a {folder} NEW"
            )


def _leads_into(root: Path, link: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # nothing there, or a circle
        return False
