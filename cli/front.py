"""The command line's side of an evaluation: messages, progress, processes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from . import processes, progress
from .printing import note

if TYPE_CHECKING:
    from seq2seq.decoding.translation.distributed import Processes, Translates


class Front:
    """Implements `seq2seq.tasks.task.Front`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, message: str) -> None:
        """One line."""
        note(message, quiet=self._quiet)

    def together(self) -> AbstractContextManager[Processes]:
        """The processes of torchrun."""
        return processes.together(quiet=self._quiet)

    def watched(self, translator: Translates, lines: int) -> AbstractContextManager[Translates]:
        """The translator, with a progress bar where it takes a while."""
        return progress.watched(translator, lines, quiet=self._quiet)
