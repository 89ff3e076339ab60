"""Scores in the run folder: of the recipe's own test sets, and of `seqx evaluate`, one for each text and set of
options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes
from seq2seq.storage.checksums import checksum_of

FOLDER = "evaluations"  # in the run folder
_LONGEST = 100  # bytes of a set's name within that of a file


def keep(
    run: Run,
    judged: Mapping[str, Any],
    text: str,
    how: Mapping[str, Any],
    files: Sequence[Path] = (),
    translations: Sequence[str] | None = None,
) -> Path | None:
    """Put the record of a test set into run.json, and its translations into a file, whose path is returned.

    The key is a checksum of `text`, the checksum of the set, and of the options in `how`: the same set judged again
    with the same options replaces the former record. Raises RunError where the folder cannot be written to.
    """
    # The reason for a device, in brackets, changes no score.
    exact = {name: value.partition(" (")[0] if isinstance(value, str) else value for name, value in how.items()}
    key = checksum_of([text, exact])[:12]
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    values = {**judged, **how, "files": [str(path.absolute()) for path in files], "time": now}
    path = None
    with run.writing():
        if translations is not None:
            plain = re.sub(r"[^\w.-]+", "-", judged["set"]).encode(errors="replace")
            path = run.path / FOLDER / f"{plain[:_LONGEST].decode(errors='ignore')}-{key}.txt"
            write_bytes(path, "".join(line + "\n" for line in translations).encode("utf-8", "replace"))
            values["translations"] = f"{FOLDER}/{path.name}"
            for former in path.parent.glob(f"*-{key}.txt"):  # the same text under another name
                if former != path:
                    former.unlink()
    run.update(lambda record: {**record, FOLDER: {**record.get(FOLDER, {}), key: values}})
    return path


def keep_own(run: Run, name: str, scores: Mapping[str, Any]) -> None:
    """Put the scores of one of the recipe's own test sets into run.json."""
    run.update(lambda record: {**record, "scores": {**record.get("scores", {}), name: scores}})
