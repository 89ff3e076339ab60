"""The curves of a run for other programs: as CSV, and as event files of TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seq2seq.report import logs
from seq2seq.report.training import updates, validations
from seq2seq.run import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

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
    """Event files of a run that is being trained: each process adds one. What training repeats after it went back to an
    earlier checkpoint takes the place of what was there. tensorboard has to be installed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next = self._last_step()  # again, for it may not be whole
        self._writer = self._begun()

    def write(self) -> None:
        """Add what the logs have since the last call."""
        rows = sorted(_figures(self._run), key=lambda row: float(row["step"]))
        end = int(rows[-1]["step"]) + 1 if rows else 0
        if end < self._next:  # the logs were cut
            self._writer.close()
            self._next = end
            self._writer = self._begun()
        for row in rows:
            if row["step"] < self._next:
                continue
            for name, value in row.items():
                if name != "step" and (number := logs.number(value)) is not None:
                    group = "dev" if name.startswith("dev_") else "training"
                    tag = f"{group}/{name.removeprefix('dev_')}"
                    self._writer.add_scalar(tag, number, int(row["step"]))
        self._next = end
        self._writer.flush()

    def _begun(self) -> SummaryWriter:
        """A new file, for all from the next step on; readers drop what others have of it."""
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(self._run.path / EVENTS, purge_step=self._next)

    def _last_step(self) -> int:
        """The last step of the files that are there, else 0."""
        from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

        folder = self._run.path / EVENTS
        folder.mkdir(exist_ok=True)
        events = EventAccumulator(str(folder), size_guidance={SCALARS: 1})  # the last of each
        events.Reload()
        return max((each.step for tag in events.Tags()[SCALARS] for each in events.Scalars(tag)), default=0)


def _figures(run: Run) -> Iterator[dict[str, Any]]:
    """The figures of updates, then those of validations that are of dev alone."""
    judged = (
        {name: value for name, value in row.items() if name not in _TEXT and not name.startswith(_SAID_TWICE)}
        for row in validations(run)
    )
    for row in (*updates(run), *judged):
        if logs.number(row.get("step")) is not None:
            yield row
