"""`seqx` whose second process fails in the middle of an update, as a bug there would make it."""

from __future__ import annotations

import os

from cli.main import main
from seq2seq.training.parallel.team import Replicas


def _fail(self: Replicas, step: int) -> None:
    if step == 5 and os.environ["RANK"] == "1":
        raise AssertionError("a fault of the second process")


if __name__ == "__main__":
    Replicas.begin_update = _fail  # type: ignore[method-assign]
    main()
