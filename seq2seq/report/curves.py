"""The curves of a run for other programs: as CSV, and as event files of TensorBoard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from seq2seq.report import logs
from seq2seq.report.training import updates, validations
from seq2seq.run import Run

EVENTS = "tensorboard"  # a folder in that of the run
_TEXT = ("samples", "best")  # of a validation, no figures
_SAID_TWICE = ("train_loss", "learning_rate", "gradient_norm", "tokens", "seconds", "skipped", "update_")


def table(run: Run) -> str:
    """A line for each step that is on record: figures of updates, and `dev_` those of a validation."""
    rows: dict[float, dict[str, Any]] = {}
    for row in _figures(run):
        rows.setdefault(row["step"], {}).update(row)
    names = dict.fromkeys(name for row in rows.values() for name in row)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(names) or ["step"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[step] for step in sorted(rows))
    return file.getvalue()


class EventFiles:
    """Event files of a run that is being trained, written anew by each process. tensorboard has to be installed."""

    def __init__(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._run = run
        self._written: set[str] = set()
        folder = run.path / EVENTS
        for former in folder.glob("events.out.tfevents.*"):
            former.unlink()
        self._writer = SummaryWriter(folder)

    def write(self) -> None:
        """Add what the logs have since the last call."""
        for row in _figures(self._run):
            if (line := json.dumps(row)) in self._written:
                continue
            self._written.add(line)
            for name, value in row.items():
                if name != "step" and (number := logs.number(value)) is not None:
                    group = "dev" if name.startswith("dev_") else "training"
                    tag = f"{group}/{name.removeprefix('dev_')}"
                    self._writer.add_scalar(tag, number, int(row["step"]))
        self._writer.flush()


def _figures(run: Run) -> Iterator[dict[str, Any]]:
    """The figures of updates, then those of validations that are of dev alone."""
    judged = (
        {name: value for name, value in row.items() if name not in _TEXT and not name.startswith(_SAID_TWICE)}
        for row in validations(run)
    )
    for row in (*updates(run), *judged):
        if logs.number(row.get("step")) is not None:
            yield row
